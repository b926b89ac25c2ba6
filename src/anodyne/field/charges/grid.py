"""Charges summed through a grid: the smooth part of the 1/R law by fast Fourier transforms.

``1/R = erf(s R)/R + erfc(s R)/R`` (Ewald 1921, Ann Phys 369:253). The second part is short and left to the
caller; the first is smooth, so charges are spread over a grid by B-splines, convolved there and read
back by the same splines (smooth particle mesh: Essmann et al. 1995, J Chem Phys 103:8577), in a grid doubled
along each axis so that nothing repeats (Hockney & Eastwood 1988, Computer Simulation Using Particles, 6-5-4).
"""

from math import erfc, log, pi, sqrt
from typing import Any

import numpy as np
import scipy.fft
from numba import get_num_threads, njit, prange
from numpy.typing import NDArray
from scipy.special import erf

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

SPAN = 6
"""Grid points along each axis that a charge touches: B-splines of degree 5."""

MARGIN = SPAN
"""Grid points beyond the outermost charge or point on each side."""

FINENESS = 0.8
"""Spacing of the grid against what the smooth part needs at the asked precision; below 1 for the splines' own error."""


class SmoothSum:
    """Field and potential of charges through ``erf(s R) / (4 pi R)``, anywhere in a box.

    Parameters
    ----------
    low, high : (3,) corners of the box, m
    cut : distance beyond which what the grid leaves out may be neglected, m
    precision : share of 1/R that is neglected there

    Attributes
    ----------
    cut : as given, m
    sharpness : s, 1/m
    spacing : of the grid, m
    """

    def __init__(self, low: Floats, high: Floats, cut: float, precision: float) -> None:
        self.cut = cut
        self.sharpness = _inverse_erfc(precision) / cut
        self.spacing = _spacing(cut, precision)
        self._corner = low - MARGIN * self.spacing
        self.shape = _shape(low, high, self.spacing)
        self._doubled = tuple(scipy.fft.next_fast_len(2 * count, real=True) for count in self.shape)
        self._factors = self._transformed_kernel()

    @staticmethod
    def points(low: Floats, high: Floats, cut: float, precision: float) -> int:
        """Number of points of the doubled grid that such a sum would need."""
        return 8 * int(np.prod(_shape(low, high, _spacing(cut, precision))))

    def _transformed_kernel(self) -> Singles:
        squares = [
            (self.spacing * np.minimum(np.arange(count), count - np.arange(count))) ** 2 for count in self._doubled
        ]
        r = np.sqrt(np.add.outer(np.add.outer(squares[0], squares[1]), squares[2]).astype(np.float32))
        r[0, 0, 0] = 1e-3 / self.sharpness  # erf(s R) / R is flat there
        kernel = erf(np.float32(self.sharpness) * r)
        kernel /= r
        kernel *= np.float32(1 / (4 * pi))
        factors = scipy.fft.rfftn(kernel, workers=get_num_threads()).real.astype(np.float32)
        weights, slopes = np.empty(SPAN), np.empty(SPAN)
        _splines(0.0, weights, slopes)
        for axis, count in enumerate(self._doubled):
            angle = 2 * pi * np.arange(factors.shape[axis]) / count
            spline = weights @ np.cos(np.outer(np.arange(SPAN) - SPAN // 2 + 1, angle))
            shape = [1, 1, 1]
            shape[axis] = -1
            factors /= np.reshape(spline**2, shape).astype(np.float32)
        return factors

    def potential(self, points: Floats, charges: Floats) -> Singles:
        """Spline coefficients of the smooth potential of point charges, an array over the grid.

        Parameters
        ----------
        points : (n, 3) array in the box, m
        charges : (n,) array, over epsilon_0, V m
        """
        spread = np.zeros(self.shape, np.float32)
        slab = ((points[:, 0] - self._corner[0]) / (SPAN * self.spacing)).astype(np.int64)
        order = np.argsort(slab, kind="stable")
        start = np.searchsorted(slab[order], np.arange(slab.max() + 2))
        for parity in (0, 1):  # slabs of one parity touch no common grid point
            _spread(points, charges, (self._corner, self.spacing), (order, start, parity), spread)
        return self._convolved(spread)

    def _convolved(self, spread: Singles) -> Singles:
        """The doubled transform, one axis after the other, without the rows that are zero or not wanted."""
        workers = get_num_threads()
        (nx, ny, nz), (mx, my, mz) = self.shape, self._doubled
        wave = scipy.fft.rfft(spread, n=mz, axis=2, workers=workers)
        wave = scipy.fft.fft(wave, n=my, axis=1, workers=workers)
        wave = scipy.fft.fft(wave, n=mx, axis=0, workers=workers)
        wave *= self._factors
        wave = scipy.fft.ifft(wave, axis=0, workers=workers, overwrite_x=True)[:nx]
        wave = scipy.fft.ifft(wave, axis=1, workers=workers)[:, :ny]
        return np.ascontiguousarray(scipy.fft.irfft(wave, n=mz, axis=2, workers=workers)[:, :, :nz])

    def field_and_potential(self, coefficients: Singles, points: Floats) -> Floats:
        """Smooth field (V/m) and potential (V) at points of the box, (n, 4) array."""
        result = np.empty((len(points), 4))
        _read(coefficients, self._corner, self.spacing, points, result)
        return result


def _spacing(cut: float, precision: float) -> float:
    """Grid spacing at which the smooth part's transform, a Gaussian, has fallen to the precision, times `FINENESS`."""
    return FINENESS * pi * cut / (2 * _inverse_erfc(precision) * sqrt(log(1 / precision)))


def _shape(low: Floats, high: Floats, spacing: float) -> tuple[int, int, int]:
    counts = np.ceil((high - low) / spacing).astype(int) + 2 * MARGIN
    return int(counts[0]), int(counts[1]), int(counts[2])


def _inverse_erfc(value: float) -> float:
    """The x at which erfc(x) is `value`, by bisection."""
    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if erfc(middle) > value else (low, middle)
    return low


@njit(cache=True)
def _splines(u: float, weights: Any, slopes: Any) -> None:
    """Weights of the six grid points -2 ... 3 about a place u in [0, 1) past point 0, and their slopes in u.

    The recursion over the degree of cardinal B-splines (de Boor 1972, J Approx Theory 6:50).
    """
    weights[0], weights[1] = 1 - u, u
    for order in range(3, SPAN + 1):
        if order == SPAN:
            slopes[0] = -weights[0]
            for k in range(1, SPAN - 1):
                slopes[k] = weights[k - 1] - weights[k]
            slopes[SPAN - 1] = weights[SPAN - 2]
        share = 1.0 / (order - 1)
        weights[order - 1] = share * u * weights[order - 2]
        for k in range(order - 2, 0, -1):
            weights[k] = share * ((u + (order - 1 - k)) * weights[k - 1] + (1 - u + k) * weights[k])
        weights[0] *= share * (1 - u)


@njit(cache=True)
def _place(point: Any, corner: Any, spacing: float, first: Any, weights: Any, slopes: Any) -> None:
    for axis in range(3):
        u = (point[axis] - corner[axis]) / spacing
        whole = int(u)
        first[axis] = whole - SPAN // 2 + 1
        _splines(u - whole, weights[axis], slopes[axis])


@njit(cache=True, parallel=True)
def _spread(points: Any, charges: Any, lattice: Any, slabs: Any, grid: Any) -> None:
    corner, spacing = lattice
    order, start, parity = slabs
    for half in prange((len(start) - parity) // 2):
        slab = 2 * half + parity
        first, weights, slopes = np.empty(3, np.int64), np.empty((3, SPAN)), np.empty((3, SPAN))
        for k in range(start[slab], start[slab + 1]):
            i = order[k]
            _place(points[i], corner, spacing, first, weights, slopes)
            for a in range(SPAN):
                for b in range(SPAN):
                    share = charges[i] * weights[0, a] * weights[1, b]
                    row = grid[first[0] + a, first[1] + b]
                    for c in range(SPAN):
                        row[first[2] + c] += np.float32(share * weights[2, c])


@njit(cache=True, parallel=True)
def _read(grid: Any, corner: Any, spacing: float, points: Any, result: Any) -> None:
    for i in prange(len(points)):
        first, weights, slopes = np.empty(3, np.int64), np.empty((3, SPAN)), np.empty((3, SPAN))
        _place(points[i], corner, spacing, first, weights, slopes)
        value = x = y = z = 0.0
        for a in range(SPAN):
            for b in range(SPAN):
                row = grid[first[0] + a, first[1] + b]
                along = slope = 0.0
                for c in range(SPAN):
                    along += weights[2, c] * row[first[2] + c]
                    slope += slopes[2, c] * row[first[2] + c]
                value += weights[0, a] * weights[1, b] * along
                x += slopes[0, a] * weights[1, b] * along
                y += weights[0, a] * slopes[1, b] * along
                z += weights[0, a] * weights[1, b] * slope
        result[i, 0], result[i, 1], result[i, 2], result[i, 3] = -x / spacing, -y / spacing, -z / spacing, value
