"""Sums over magnetic dipoles as matrices, for the field's basis: A, B, and E in a sphere.

The formulas: A and B of a dipole are Jackson, *Classical Electrodynamics* (3rd ed.), eqs. 5.55 and 5.56; E of a
dipole in a sphere is the reciprocal of Sarvas (1987, Phys Med Biol 32:11, eq. 25). Sources run innermost, so that
they fill vector registers.
"""

from typing import Any

import numpy as np
from numba import njit, prange

MU_0_OVER_4_PI = 1e-7
"""Vacuum permeability over 4 pi, T m/A; exact to 1e-9 in the SI of 2019."""

MU_0_OVER_4_PI_SINGLE = np.float32(MU_0_OVER_4_PI)


@njit(parallel=True, fastmath=True, cache=True)
def potential_matrix(points: Any, positions: Any, moments: Any, result: Any) -> None:
    """A at points (n, 3) of each of k dipoles, (3, k) positions and moments, into `result` (n, 3, k); float32."""
    for i in prange(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        ax, ay, az = result[i, 0], result[i, 1], result[i, 2]
        for k in range(positions.shape[1]):
            dx, dy, dz = x - positions[0, k], y - positions[1, k], z - positions[2, k]
            square = dx * dx + dy * dy + dz * dz
            cube = MU_0_OVER_4_PI_SINGLE / (square * np.sqrt(square))
            ax[k] = (moments[1, k] * dz - moments[2, k] * dy) * cube
            ay[k] = (moments[2, k] * dx - moments[0, k] * dz) * cube
            az[k] = (moments[0, k] * dy - moments[1, k] * dx) * cube


@njit(parallel=True, fastmath=True, cache=True)
def magnetic_matrix(points: Any, positions: Any, moments: Any) -> Any:
    """B at points (n, 3) of each of k dipoles, (3, k) positions and moments: (n, 3, k) array."""
    result = np.empty((points.shape[0], 3, positions.shape[1]))
    for i in prange(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        for k in range(positions.shape[1]):
            dx, dy, dz = x - positions[0, k], y - positions[1, k], z - positions[2, k]
            square = dx * dx + dy * dy + dz * dz
            cube = MU_0_OVER_4_PI / (square * np.sqrt(square))
            along = 3 * (moments[0, k] * dx + moments[1, k] * dy + moments[2, k] * dz) / square
            result[i, 0, k] = (along * dx - moments[0, k]) * cube
            result[i, 1, k] = (along * dy - moments[1, k]) * cube
            result[i, 2, k] = (along * dz - moments[2, k]) * cube
    return result


@njit(parallel=True, fastmath=True, cache=True)
def sphere_matrix(points: Any, positions: Any, moments: Any) -> Any:
    """E at points (n, 3) of a sphere about the origin of each of k dipoles whose moments change at `moments`.

    ``E = -mu0/(4 pi F^2) [F r x m' - (m' . grad F) r x R]``, R the dipole: (n, 3, k) array, float32.
    """
    result = np.empty((points.shape[0], 3, positions.shape[1]), np.float32)
    for i in prange(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        for k in range(positions.shape[1]):
            px, py, pz = positions[0, k], positions[1, k], positions[2, k]
            mx, my, mz = moments[0, k], moments[1, k], moments[2, k]
            r = np.sqrt(px * px + py * py + pz * pz)
            ax, ay, az = px - x, py - y, pz - z
            a = np.sqrt(ax * ax + ay * ay + az * az)
            along = (ax * px + ay * py + az * pz) / a
            outer = a * a / r + along + 2 * a + 2 * r
            inner = a + 2 * r + along
            weight = 1 / (a * a * (r + along))
            pull = mx * (outer * px - inner * x) + my * (outer * py - inner * y) + mz * (outer * pz - inner * z)
            pull *= weight * weight
            ux, uy, uz = weight * mx - pull * px, weight * my - pull * py, weight * mz - pull * pz
            result[i, 0, k] = -MU_0_OVER_4_PI * (y * uz - z * uy)
            result[i, 1, k] = -MU_0_OVER_4_PI * (z * ux - x * uz)
            result[i, 2, k] = -MU_0_OVER_4_PI * (x * uy - y * ux)
    return result
