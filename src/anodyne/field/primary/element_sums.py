"""Sums over a coil's elements with nothing but array operations: the same on numpy and on a graphics card.

Arrays of any library that keeps to the array API standard (2024.12) may come in; what comes out lies beside them.
A sum over elements becomes a product of matrices: with ``w = 1/|x - p|^3`` the sum of ``w v x (x - p)`` is
``(sum w v) x x - sum w (v x p)``, and likewise for the other powers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from anodyne.coil import Coil, CurrentElements, MagneticDipoles, Sources
from anodyne.field.carrying import beside

Floats = NDArray[np.float64]
Formula = Callable[[Any, Any, Any], Any]

MU_0_OVER_4_PI = 1e-7
"""Vacuum permeability over 4 pi, T m/A; exact to 1e-9 in the SI of 2019."""

PAIRS_AT_ONCE = 2**22
"""Pairs of point and coil element whose distances are held at once: 16 MiB, which large caches hold."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CarriedCoil:
    """A coil's elements in some array library, in single precision: its fields are right to 2e-6 of their largest.

    Attributes
    ----------
    parts : kind, positions (k, 3), m, and strengths, as the formulas want them, of elements of a kind each
    """

    parts: tuple[tuple[type, Any, Any], ...]

    @classmethod
    def beside(cls, coil: Coil, other: Any) -> "CarriedCoil":
        """The elements of a coil in the library and on the device of another array.

        Raises
        ------
        TypeError : the coil holds elements of a kind without a formula
        """

        def carry(array: Floats) -> Any:
            return beside(array.astype(np.float32), other)

        return cls(parts=tuple((type(p), carry(p.positions), carry(_strengths(p))) for p in coil.sources()))

    def magnetic_field(self, points: Any) -> Any:
        """B per ampere, (n, 3), T/A, at points (n, 3) of the coil's frame, m; in the points' precision."""
        return self._summed(points, {CurrentElements: _field_of_wires, MagneticDipoles: _field_of_dipoles})

    def vector_potential(self, points: Any) -> Any:
        """A per ampere, (n, 3), T m/A, at points (n, 3) of the coil's frame, m; in the points' precision."""
        return self._summed(points, {CurrentElements: _potential_of_wires, MagneticDipoles: _potential_of_dipoles})

    def _summed(self, points: Any, formulas: dict[type, Formula]) -> Any:
        xp = array_namespace(points)
        single = xp.astype(points, xp.float32)
        total: Any = None
        for kind, positions, strengths in self.parts:
            blocks = [formulas[kind](some, positions, strengths) for some in _blocks(single, positions.shape[0])]
            found = xp.concat(blocks) if len(blocks) != 1 else blocks[0]
            total = found if total is None else total + found
        return MU_0_OVER_4_PI * xp.astype(total, points.dtype)


class CarriedCoils:
    """Coils beside an array: each is carried once, however many placements it is asked for."""

    def __init__(self, other: Any) -> None:
        self._other = other
        self._held: WeakKeyDictionary[Coil, CarriedCoil] = WeakKeyDictionary()

    def __getitem__(self, coil: Coil) -> CarriedCoil:
        if coil not in self._held:
            self._held[coil] = CarriedCoil.beside(coil, self._other)
        return self._held[coil]


def _blocks(points: Any, elements: int) -> Iterator[Any]:
    block = max(1, PAIRS_AT_ONCE // elements)
    for first in range(0, max(1, points.shape[0]), block):
        yield points[first : min(first + block, points.shape[0]), :]


def _strengths(part: Sources) -> Floats:
    """v, v x p of wires, (k, 6); m, m . p, (m . p) p, the products p m' and m x p of dipoles, (k, 19)."""
    p = part.positions
    if isinstance(part, CurrentElements):
        return np.hstack([part.vectors, np.cross(part.vectors, p)])
    if isinstance(part, MagneticDipoles):
        m = part.moments
        along = (m * p).sum(axis=1, keepdims=True)
        return np.hstack([m, along, along * p, (p[:, :, None] * m[:, None, :]).reshape(-1, 9), np.cross(m, p)])
    raise TypeError(f"no formula for coil elements of type {type(part).__name__}")


def _inverse_distances(points: Any, positions: Any) -> Any:
    """``1 / |r|``, (n, k): axis by axis, since the expanded square loses digits."""
    total: Any = None
    for axis in range(3):
        along = points[:, axis][:, None] - positions[:, axis][None, :]
        total = along * along if total is None else total + along * along
    return total**-0.5


def _potential_of_wires(points: Any, positions: Any, strengths: Any) -> Any:
    """``sum v / |r|``, r = x - p."""
    xp = array_namespace(points)
    return xp.matmul(_inverse_distances(points, positions), strengths[:, :3])


def _potential_of_dipoles(points: Any, positions: Any, strengths: Any) -> Any:
    """``sum m x r / |r|^3``, r = x - p."""
    xp = array_namespace(points)
    inverse = _inverse_distances(points, positions)
    sums = xp.matmul(inverse * inverse * inverse, strengths)
    return xp.linalg.cross(sums[:, :3], points) - sums[:, 16:]


def _field_of_wires(points: Any, positions: Any, strengths: Any) -> Any:
    """``sum v x r / |r|^3``, r = x - p."""
    xp = array_namespace(points)
    inverse = _inverse_distances(points, positions)
    sums = xp.matmul(inverse * inverse * inverse, strengths)
    return xp.linalg.cross(sums[:, :3], points) - sums[:, 3:]


def _field_of_dipoles(points: Any, positions: Any, strengths: Any) -> Any:
    """``sum 3 (m . r) r/|r|^5 - m/|r|^3``, r = x - p."""
    xp = array_namespace(points)
    inverse = _inverse_distances(points, positions)
    square = inverse * inverse
    cube = square * inverse
    fifth = xp.matmul(cube * square, strengths[:, :16])
    along_x = xp.sum(fifth[:, :3] * points, axis=1)[:, None] - fifth[:, 3:4]
    mixed = xp.reshape(fifth[:, 7:], (-1, 3, 3))
    crossed = xp.matmul(mixed, points[:, :, None])[:, :, 0]
    straight = xp.matmul(cube, strengths[:, :3])
    return 3 * (along_x * points - crossed + fifth[:, 4:7]) - straight
