"""Numbers and places of a plan as people read them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import polar

from anodyne.head import Head
from anodyne.units import mm

MINUS = "−"


def significant(value: float, digits: int = 3) -> str:
    """A number to so many significant digits, without an exponent.

    >>> significant(66.782), significant(-0.04217), significant(24000)
    ('66.8', '−0.0422', '24,000')
    """
    if not np.isfinite(value):
        return "not defined"
    if value == 0:
        return "0"
    places = max(0, digits - 1 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{places}f}".replace("-", MINUS)


def percent(fraction: float) -> str:
    """A fraction in per cent, one decimal below ten: ``46.8 %``.

    >>> percent(0.468), percent(0.05), percent(0.9)
    ('46.8 %', '5 %', '90 %')
    """
    return f"{100 * fraction:.1f}".removesuffix(".0").replace("-", MINUS) + " %"


def millimetres(length: float, decimals: int = 1) -> str:
    """A length in mm.

    >>> millimetres(0.00204)
    '2.0 mm'
    """
    return f"{length / mm:.{decimals}f}".replace("-", MINUS) + " mm"


def point_mm(point: ArrayLike, decimals: int = 0) -> str:
    """Coordinates in mm: ``54, 46, −30``.

    >>> point_mm([0.0541, -0.0464, 0.0303])
    '54, −46, 30'
    """
    values = np.asarray(point, dtype=float) / mm
    return ", ".join(f"{value + 0.0:.{decimals}f}".replace("-", MINUS) for value in np.round(values, decimals) + 0.0)


def mni_mm(head: Head, point: NDArray[np.float64]) -> str | None:
    """MNI152 coordinates of a point of head space in mm; None where the way to MNI space is unknown."""
    if head.head_from_mni is None:
        return None
    return point_mm(head.to_mni(point[None])[0])


def place_in_words(head: Head, point: NDArray[np.float64]) -> str:
    """Where a point lies from the anterior commissure, or from the T1's origin where MNI space is unknown.

    The directions are MNI's, turned into head space by the affine's rotation; lengths are the head's own.
    """
    origin, origin_name, turn = np.zeros(3), "origin of the T1's coordinates", np.eye(3)
    if head.head_from_mni is not None:
        origin, origin_name = head.from_mni(np.zeros((1, 3)))[0], "anterior commissure"
        turn = polar(head.head_from_mni[:3, :3])[0]
    right, front, up = (point - origin) @ turn / mm
    sides = [
        f"{abs(right):.0f} mm {'right' if right >= 0 else 'left'} of",
        f"{abs(front):.0f} mm {'in front of' if front >= 0 else 'behind'}",
        f"{abs(up):.0f} mm {'above' if up >= 0 else 'below'}",
    ]
    return f"{sides[0]}, {sides[1]} and {sides[2]} the {origin_name}"


def listed(items: list[str]) -> str:
    """Words in a row: ``a, b and c``.

    >>> listed(["S2"]), listed(["S2", "insula", "ACC"])
    ('S2', 'S2, insula and ACC')
    """
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def sentence(text: str) -> str:
    """The text with a capital first letter and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")
