"""What the adjoint's sources make outside the head: the kernels, and the sources they sum over.

Here alone stands what a coil's elements meet: current elements the potential of the adjoint's vectors, magnetic
dipoles the curl of that potential. Whoever changes what the vectors act on changes `acting_on`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from anodyne.coil import CurrentElements, MagneticDipoles, Sources
from anodyne.field.elements.first_order import AdjointSources
from anodyne.units import mm

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Kernel = Callable[[Singles, Singles, Singles], Floats]
"""Sources (3, n), their vectors (k, 3, n) and points (m, 3), m, to the sums at the points, (m, k, 3)."""

SOURCE_CELL = 5 * mm
STRONG_SHARE = 0.03
"""The strongest 3 % of the adjoint's sources, all about the target, are taken one by one; the others are
summed within cubes of this edge first: nearly eight times fewer sources, and on the embedded head 0.03 % of error."""

NEAREST = np.float32((2 * mm) ** 2)
"""No source counts as nearer than 2 mm: a lattice has points within the scalp, whose sources are sums over cubes."""

SOURCE_BLOCK = 2048


def acting_on(part: Sources) -> tuple[Floats, Kernel]:
    """The strengths of a coil's elements, (n, 3), and the kernel of what they meet.

    Raises
    ------
    TypeError : elements of a kind that nothing is known of
    """
    if isinstance(part, CurrentElements):
        return part.vectors, potential_on
    if isinstance(part, MagneticDipoles):
        return part.moments, magnetic_field_on
    raise TypeError(f"no reciprocity for coil elements of type {type(part).__name__}")


@njit(parallel=True, fastmath=True, cache=True)
def potential_on(sources: Any, vectors: Any, points: Any) -> Any:
    """Sum of ``c / |r - r'|`` over sources, in blocks against round-off; shapes as in `Kernel`."""
    result = np.zeros((points.shape[0], vectors.shape[0], 3))
    for i in prange(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        inverse = np.empty(SOURCE_BLOCK, np.float32)
        for first in range(0, sources.shape[1], SOURCE_BLOCK):
            block = slice(first, min(first + SOURCE_BLOCK, sources.shape[1]))
            xs, ys, zs = sources[0, block], sources[1, block], sources[2, block]
            for s in range(xs.shape[0]):
                dx, dy, dz = xs[s] - x, ys[s] - y, zs[s] - z
                inverse[s] = np.float32(1) / np.sqrt(max(dx * dx + dy * dy + dz * dz, NEAREST))
            for j in range(vectors.shape[0]):
                us, vs, ws = vectors[j, 0, block], vectors[j, 1, block], vectors[j, 2, block]
                a = b = c = np.float32(0)
                for s in range(us.shape[0]):
                    a += us[s] * inverse[s]
                    b += vs[s] * inverse[s]
                    c += ws[s] * inverse[s]
                result[i, j, 0] += a
                result[i, j, 1] += b
                result[i, j, 2] += c
    return result


@njit(parallel=True, fastmath=True, cache=True)
def magnetic_field_on(sources: Any, vectors: Any, points: Any) -> Any:
    """Sum of ``(r' - r) x c / |r - r'|^3``, the curl of `potential_on`; shapes as in `Kernel`."""
    result = np.zeros((points.shape[0], vectors.shape[0], 3))
    for i in prange(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        px, py, pz = np.empty((3, SOURCE_BLOCK), np.float32)
        for first in range(0, sources.shape[1], SOURCE_BLOCK):
            block = slice(first, min(first + SOURCE_BLOCK, sources.shape[1]))
            xs, ys, zs = sources[0, block], sources[1, block], sources[2, block]
            for s in range(xs.shape[0]):
                dx, dy, dz = xs[s] - x, ys[s] - y, zs[s] - z
                square = max(dx * dx + dy * dy + dz * dz, NEAREST)
                cube = np.float32(1) / (square * np.sqrt(square))
                px[s], py[s], pz[s] = dx * cube, dy * cube, dz * cube
            for j in range(vectors.shape[0]):
                us, vs, ws = vectors[j, 0, block], vectors[j, 1, block], vectors[j, 2, block]
                a = b = c = np.float32(0)
                for s in range(us.shape[0]):
                    a += py[s] * ws[s] - pz[s] * vs[s]
                    b += pz[s] * us[s] - px[s] * ws[s]
                    c += px[s] * vs[s] - py[s] * us[s]
                result[i, j, 0] += a
                result[i, j, 1] += b
                result[i, j, 2] += c
    return result


def condensed(positions: Floats, strengths: Floats, cell: float) -> tuple[Floats, Floats]:
    """Sources summed within cubes of edge `cell`, each sum at the strength-weighted centre of its cube's sources.

    positions : (n, 3); strengths : (n, w), any number of components that share the positions.
    """
    cells = np.floor(positions / cell).astype(np.int64)
    cells -= cells.min(axis=0)
    cube, count = _numbered(np.ravel_multi_index(tuple(cells.T), tuple(cells.max(axis=0) + 1)))
    size = np.linalg.norm(strengths, axis=1)
    size += 1e-12 * size.max()
    weight = np.bincount(cube, size, count)[:, None]
    return _summed(cube, count, positions * size[:, None]) / weight, _summed(cube, count, strengths)


def _numbered(codes: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """The codes that occur, counted through in ascending order: a number for each code, and how many there are."""
    used = np.zeros(int(codes.max()) + 1, dtype=bool)
    used[codes] = True
    number = np.cumsum(used) - 1
    return number[codes], int(number[-1]) + 1


@njit(cache=True)
def _summed(groups: Any, count: int, values: Any) -> Any:
    """Values (n, w) summed by group, (count, w)."""
    result = np.zeros((count, values.shape[1]))
    for n in range(values.shape[0]):
        for column in range(values.shape[1]):
            result[groups[n], column] += values[n, column]
    return result


def condensed_adjoint(adjoint: AdjointSources) -> tuple[Singles, Singles]:
    """The adjoint's sources (3, m) and vectors (k, 3, m), the weak ones condensed, ready for the sums."""
    flat = np.moveaxis(adjoint.vectors, 0, 1).reshape(len(adjoint.positions), -1)
    size = np.sqrt((flat**2).sum(axis=1))
    least = np.partition(size, int((1 - STRONG_SHARE) * len(size)))[int((1 - STRONG_SHARE) * len(size))]
    strong = size >= least
    positions, strengths = adjoint.positions[strong], flat[strong]
    if not strong.all():
        sums = condensed(adjoint.positions[~strong], flat[~strong], SOURCE_CELL)
        positions, strengths = np.concatenate([positions, sums[0]]), np.concatenate([strengths, sums[1]])
    vectors = strengths.reshape(len(positions), -1, 3).transpose(1, 2, 0)
    return (
        np.ascontiguousarray(positions.T, dtype=np.float32),
        np.ascontiguousarray(vectors, dtype=np.float32),
    )
