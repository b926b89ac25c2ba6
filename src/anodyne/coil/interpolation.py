"""Local cubic interpolation in a regular grid of vectors, point by point and in parallel."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Array = NDArray[np.float64]

NODES = 4
"""Samples along each axis that one interpolated value is made from."""

VALUE = -1
"""Given as `slope_along`: the value itself, no derivative."""


OUTSIDE = 1e-6
"""How far beyond the grid, in voxels, a point may lie for round-off."""


@njit(parallel=True, cache=True)
def voxels_at(
    points: Array, voxel_from_point: Array, counts: tuple[int, int, int]
) -> tuple[Array, int]:  # pragma: no cover
    """Voxel positions of points (n, 3) by an affine (4, 4), and how many lie outside a grid of `counts` samples."""
    voxels = np.empty((points.shape[0], 3))
    outside = 0
    for n in prange(points.shape[0]):
        beyond = False
        for axis in range(3):
            row = voxel_from_point[axis]
            place = row[0] * points[n, 0] + row[1] * points[n, 1] + row[2] * points[n, 2] + row[3]
            beyond |= not -OUTSIDE <= place <= counts[axis] - 1 + OUTSIDE
            voxels[n, axis] = place
        outside += beyond
    return voxels, outside


@njit(parallel=True, fastmath=True, cache=True)
def interpolated(samples: Array, voxels: Array, slope_along: int) -> Array:  # pragma: no cover
    """Vectors at voxel positions, or their derivative along one voxel axis, (n, 3).

    samples : (nx, ny, nz, 3), at least `NODES` along each axis; voxels : (n, 3) within the grid;
    slope_along : `VALUE`, or the axis 0, 1 or 2.
    """
    out = np.empty((voxels.shape[0], 3))
    for n in prange(voxels.shape[0]):
        first = np.empty(3, np.int64)
        factors = np.empty((3, NODES))
        for axis in range(3):
            cell = int(np.floor(voxels[n, axis])) - 1
            first[axis] = min(max(cell, 0), samples.shape[axis] - NODES)
            place = voxels[n, axis] - first[axis]
            if axis == slope_along:
                _lagrange_slopes(place, factors[axis])
            else:
                _lagrange(place, factors[axis])
        a = b = c = 0.0
        for i in range(NODES):
            for j in range(NODES):
                weight = factors[0, i] * factors[1, j]
                for k in range(NODES):
                    share = weight * factors[2, k]
                    a += share * samples[first[0] + i, first[1] + j, first[2] + k, 0]
                    b += share * samples[first[0] + i, first[1] + j, first[2] + k, 1]
                    c += share * samples[first[0] + i, first[1] + j, first[2] + k, 2]
        out[n, 0], out[n, 1], out[n, 2] = a, b, c
    return out


@njit(cache=True)
def _lagrange(u: float, weights: Array) -> None:  # pragma: no cover
    """Values at u of the four cubics that are 1 at one of the nodes 0 to 3 and 0 at the others."""
    weights[0] = -(u - 1) * (u - 2) * (u - 3) / 6
    weights[1] = u * (u - 2) * (u - 3) / 2
    weights[2] = -u * (u - 1) * (u - 3) / 2
    weights[3] = u * (u - 1) * (u - 2) / 6


@njit(cache=True)
def _lagrange_slopes(u: float, slopes: Array) -> None:  # pragma: no cover
    """Derivatives of the cubics of `_lagrange`."""
    slopes[0] = -(3 * u * u - 12 * u + 11) / 6
    slopes[1] = (3 * u * u - 10 * u + 6) / 2
    slopes[2] = -(3 * u * u - 8 * u + 3) / 2
    slopes[3] = (3 * u * u - 6 * u + 2) / 6
