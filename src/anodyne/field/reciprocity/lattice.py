"""A smooth field summed once at the points of nested lattices, and read between them by cubic interpolation.

The field of sources about one place varies the less the further one is from it; so the lattices are fine about
that place and coarser further out, and only the points that some reading needs are summed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from anodyne.progress import SILENT, Progress
from anodyne.units import mm

Floats = NDArray[np.float64]

FINEST = 6 * mm
"""Spacing of the finest lattice unless told otherwise."""

REACHES = (9.0, 16.0, np.inf)
SPACINGS = (1.0, 1.6, 2.8)
"""How far from the middle each lattice is used, and its spacing, in units of the finest spacing: 6 mm up to 54 mm,
9.6 mm up to 96 mm, 16.8 mm beyond. The error is bounded in tests/field/test_reciprocity.py."""

POINT_BLOCK = 512


@dataclass(kw_only=True, eq=False)
class _Lattice:
    """One lattice: index (i, j, k) lies at ``middle + spacing * (i, j, k)``, stored from `first` on.

    values : (nx, ny, c, nz); known : (nx, ny, nz) whether the point has been summed
    """

    spacing: float
    first: NDArray[np.int64]
    values: Floats
    known: NDArray[np.bool_]

    def grow(self, low: NDArray[np.int64], high: NDArray[np.int64]) -> None:
        """Make room for the indices from `low` to `high`, keeping what is known."""
        shape = np.array(self.known.shape)
        empty = not shape.all()
        start = low if empty else np.minimum(low, self.first)
        end = high + 1 if empty else np.maximum(high + 1, self.first + shape)
        if not empty and np.array_equal(start, self.first) and np.array_equal(end, self.first + shape):
            return
        size = [int(n) for n in end - start]
        known = np.zeros(size, np.bool_)
        values = np.zeros((size[0], size[1], self.values.shape[2], size[2]))
        if not empty:
            i, j, k = (slice(a, a + n) for a, n in zip(self.first - start, shape, strict=True))
            known[i, j, k] = self.known
            values[i, j, :, k] = self.values
        self.first, self.known, self.values = start, known, values


class NestedLattice:
    """A field of c components, summed where it is needed and remembered.

    Parameters
    ----------
    summed : gives the field at (m, 3) float32 points, m, as an (m, c) array
    components : c
    middle : (3,) the place about which the field varies most, m
    margin : of the finest lattice beyond its usual reach, m: how far the field's sources spread about the middle
    finest : spacing of the finest lattice, m
    """

    def __init__(
        self,
        summed: Callable[[NDArray[np.float32]], Floats],
        components: int,
        middle: Floats,
        margin: float = 0.0,
        finest: float = FINEST,
    ) -> None:
        self._summed = summed
        self._middle = np.asarray(middle, dtype=float)
        self._reaches = finest * np.array(REACHES) + margin
        self._lattices = [
            _Lattice(
                spacing=finest * spacing,
                first=np.zeros(3, np.int64),
                values=np.zeros((0, 0, components, 0)),
                known=np.zeros((0, 0, 0), np.bool_),
            )
            for spacing in SPACINGS
        ]

    @property
    def points(self) -> int:
        """How many points have been summed."""
        return sum(int(lattice.known.sum()) for lattice in self._lattices)

    def cover(self, points: Floats, progress: Progress = SILENT) -> None:
        """Sum the field at every lattice point that a reading at `points` (n, 3), m, will ask for."""
        spacings = np.array([lattice.spacing for lattice in self._lattices])
        lows, highs = _bounds(points, self._middle, self._reaches, spacings)
        wanted = []
        for lattice, low, high in zip(self._lattices, lows, highs, strict=True):
            if (low <= high).all():
                lattice.grow(low, high)
            wanted.append(np.zeros(lattice.known.shape, np.bool_))
        _mark(points, (self._middle, self._reaches, spacings), self._firsts(), tuple(wanted))
        for lattice, cells in zip(self._lattices, wanted, strict=True):
            _spread(cells)
            self._fill(lattice, cells & ~lattice.known, progress)

    def read(self, points: Floats) -> Floats:
        """The field at points (n, 3), m, that have been covered: (n, c)."""
        spacings = np.array([lattice.spacing for lattice in self._lattices])
        values = tuple(lattice.values for lattice in self._lattices)
        result: Floats = _read(points, (self._middle, self._reaches, spacings), self._firsts(), values)
        return result

    def _firsts(self) -> NDArray[np.int64]:
        return np.array([lattice.first for lattice in self._lattices])

    def _fill(self, lattice: _Lattice, missing: NDArray[np.bool_], progress: Progress) -> None:
        index = np.argwhere(missing)
        points = (self._middle + lattice.spacing * (index + lattice.first)).astype(np.float32)
        with progress.stage("adjoint field outside the head", len(points)) as advance:
            for begin in range(0, len(points), POINT_BLOCK):
                some = slice(begin, begin + POINT_BLOCK)
                i, j, k = index[some].T
                lattice.values[i, j, :, k] = self._summed(points[some])
                advance(len(points[some]))
        lattice.known |= missing


def _spread(cells: NDArray[np.bool_]) -> None:
    """From the first points of the cells that are read to all points read: four along each axis."""
    for axis in range(3):
        line = np.moveaxis(cells, axis, 0)
        alone = line.copy()
        for step in (1, 2, 3):
            line[step:] |= alone[:-step]


@njit(cache=True)
def _level(point: Any, middle: Any, reaches: Any) -> int:
    """Which of the nested lattices is read at a point."""
    x, y, z = point[0] - middle[0], point[1] - middle[1], point[2] - middle[2]
    distance = np.sqrt(x * x + y * y + z * z)
    level = 0
    while distance >= reaches[level]:
        level += 1
    return level


@njit(cache=True)
def _bounds(points: Any, middle: Any, reaches: Any, spacings: Any) -> Any:
    """Lowest and highest lattice index, by lattice, that reading at the points asks for."""
    lows = np.full((len(reaches), 3), 2**62, np.int64)
    highs = np.full((len(reaches), 3), -(2**62), np.int64)
    for n in range(points.shape[0]):
        level = _level(points[n], middle, reaches)
        for axis in range(3):
            cell = int(np.floor((points[n, axis] - middle[axis]) / spacings[level]))
            lows[level, axis] = min(lows[level, axis], cell - 1)
            highs[level, axis] = max(highs[level, axis], cell + 2)
    return lows, highs


@njit(parallel=True, cache=True)
def _mark(points: Any, nest: Any, firsts: Any, wanted: Any) -> None:
    """Set the first of the points that reading at each point asks for."""
    middle, reaches, spacings = nest
    for n in prange(points.shape[0]):
        level = _level(points[n], middle, reaches)
        s, first = spacings[level], firsts[level]
        i = int(np.floor((points[n, 0] - middle[0]) / s)) - 1 - first[0]
        j = int(np.floor((points[n, 1] - middle[1]) / s)) - 1 - first[1]
        k = int(np.floor((points[n, 2] - middle[2]) / s)) - 1 - first[2]
        wanted[level][i, j, k] = True


@njit(cache=True)
def lagrange(u: float, weights: Any) -> None:
    """Weights of the four points -1, 0, 1, 2 for the cubic through them at u in [0, 1]."""
    weights[0] = -u * (u - 1) * (u - 2) / 6
    weights[1] = (u + 1) * (u - 1) * (u - 2) / 2
    weights[2] = -(u + 1) * u * (u - 2) / 2
    weights[3] = (u + 1) * u * (u - 1) / 6


@njit(parallel=True, fastmath=True, cache=True)
def _read(points: Any, nest: Any, firsts: Any, values: Any) -> Any:
    middle, reaches, spacings = nest
    components = values[0].shape[2]
    result = np.empty((points.shape[0], components))
    for n in prange(points.shape[0]):
        level = _level(points[n], middle, reaches)
        lattice, spacing = values[level], spacings[level]
        place, weights = np.empty(3, np.int64), np.empty((3, 4))
        for axis in range(3):
            u = (points[n, axis] - middle[axis]) / spacing
            place[axis] = int(np.floor(u)) - 1 - firsts[level, axis]
            lagrange(u - np.floor(u), weights[axis])
        a, b, c, d = weights[2]
        k = place[2]
        for component in range(components):
            total = 0.0
            for i in range(4):
                for j in range(4):
                    row = lattice[place[0] + i, place[1] + j, component]
                    along = a * row[k] + b * row[k + 1] + c * row[k + 2] + d * row[k + 3]
                    total += weights[0, i] * weights[1, j] * along
            result[n, component] = total
    return result
