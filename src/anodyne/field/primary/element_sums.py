"""Sums over a coil's elements with nothing but array operations: the same on numpy and on a graphics card.

Arrays of any library that keeps to the array API standard (2024.12) may come in; what comes out lies beside them.
A sum over elements becomes a product of matrices: with ``w = 1/|x - p|^3`` the sum of ``w v x (x - p)`` is
``(sum w v) x x - sum w (v x p)``, and likewise for the other powers.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from anodyne.coil import Coil, CurrentElements, MagneticDipoles, Sources
from anodyne.field.carrying import beside

Floats = NDArray[np.float64]
Formula = Callable[[Any, Any, Any], Any]

MU_0_OVER_4_PI = 1e-7
"""Vacuum permeability over 4 pi, T m/A; exact to 1e-9 in the SI of 2019."""

PAIRS_AT_ONCE = 2**24
"""Pairs of point and coil element whose distances are held at once."""


def magnetic_field(coil: Coil, points: Any) -> Any:
    """B per ampere, (n, 3), T/A, of a coil made of elements at points (n, 3) of its own frame, m.

    Raises
    ------
    TypeError : the coil holds elements of a kind without a formula
    """
    return _summed(coil, points, {CurrentElements: _field_of_wires, MagneticDipoles: _field_of_dipoles})


def vector_potential(coil: Coil, points: Any) -> Any:
    """A per ampere, (n, 3), T m/A, of a coil made of elements at points (n, 3) of its own frame, m.

    Raises
    ------
    TypeError : the coil holds elements of a kind without a formula
    """
    return _summed(coil, points, {CurrentElements: _potential_of_wires, MagneticDipoles: _potential_of_dipoles})


def _summed(coil: Coil, points: Any, formulas: dict[type, Formula]) -> Any:
    xp = array_namespace(points)
    total = xp.zeros_like(points)
    for part in coil.sources():
        if type(part) not in formulas:
            raise TypeError(f"no formula for coil elements of type {type(part).__name__}")
        total = total + xp.concat(list(_blocks(part, points, formulas[type(part)])))
    return MU_0_OVER_4_PI * total


def _blocks(part: Sources, points: Any, formula: Formula) -> Iterator[Any]:
    positions, strengths = beside(part.positions, points), beside(_strengths(part), points)
    block = max(1, PAIRS_AT_ONCE // len(part.positions))
    count = points.shape[0]
    for first in range(0, count, block):
        yield formula(points[first : min(first + block, count), :], positions, strengths)


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


def _squares(points: Any, positions: Any) -> Any:
    """Squared distances, (n, k): axis by axis, since the expanded square loses digits."""
    total = None
    for axis in range(3):
        along = points[:, axis][:, None] - positions[:, axis][None, :]
        total = along * along if total is None else total + along * along
    return total


def _potential_of_wires(points: Any, positions: Any, strengths: Any) -> Any:
    """``sum v / |r|``, r = x - p."""
    xp = array_namespace(points)
    return xp.matmul(1 / xp.sqrt(_squares(points, positions)), strengths[:, :3])


def _potential_of_dipoles(points: Any, positions: Any, strengths: Any) -> Any:
    """``sum m x r / |r|^3``, r = x - p."""
    xp = array_namespace(points)
    square = _squares(points, positions)
    sums = xp.matmul(1 / (square * xp.sqrt(square)), strengths)
    return xp.linalg.cross(sums[:, :3], points) - sums[:, 16:]


def _field_of_wires(points: Any, positions: Any, strengths: Any) -> Any:
    """``sum v x r / |r|^3``, r = x - p."""
    xp = array_namespace(points)
    square = _squares(points, positions)
    sums = xp.matmul(1 / (square * xp.sqrt(square)), strengths)
    return xp.linalg.cross(sums[:, :3], points) - sums[:, 3:]


def _field_of_dipoles(points: Any, positions: Any, strengths: Any) -> Any:
    """``sum 3 (m . r) r/|r|^5 - m/|r|^3``, r = x - p."""
    xp = array_namespace(points)
    square = _squares(points, positions)
    cube = 1 / (square * xp.sqrt(square))
    fifth = xp.matmul(cube / square, strengths[:, :16])
    along_x = xp.sum(fifth[:, :3] * points, axis=1)[:, None] - fifth[:, 3:4]
    mixed = xp.reshape(fifth[:, 7:], (-1, 3, 3))
    crossed = xp.matmul(mixed, points[:, :, None])[:, :, 0]
    straight = xp.matmul(cube, strengths[:, :3])
    return 3 * (along_x * points - crossed + fifth[:, 4:7]) - straight
