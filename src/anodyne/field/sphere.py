"""The field in a spherically symmetric conductor, in closed form: the yardstick of every solver.

No radial component exists and the layers' conductivities do not matter (Heller & van Hulsteyn 1992,
Biophys J 63:129); the formula follows by reciprocity from the magnetic field of a current dipole
in a sphere (Sarvas 1987, Phys Med Biol 32:11, eq. 25).
"""

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import ArrayLike, NDArray

MU_0_OVER_4_PI = 1e-7
"""Vacuum permeability over 4 pi, T m/A; exact to 1e-9 in the SI of 2019."""


def sphere_e_field(
    points: ArrayLike, positions: ArrayLike, moments_rate: ArrayLike, centre: ArrayLike = (0, 0, 0)
) -> NDArray[np.float64]:
    """E-field that magnetic dipoles outside a layered sphere induce inside it, (n, 3) array, V/m.

    Parameters
    ----------
    points : (n, 3) array inside the sphere, m
    positions : (k, 3) array of dipoles outside the sphere, m
    moments_rate : (k, 3) array, rate of change of the dipole moments, A m^2/s
    centre : centre of the sphere, m

    Raises
    ------
    ValueError : a dipole nearer to the centre than a point
    """
    middle = np.asarray(centre, dtype=float)
    inside = np.ascontiguousarray(np.asarray(points, dtype=float).reshape(-1, 3) - middle)
    outside = np.ascontiguousarray(np.asarray(positions, dtype=float).reshape(-1, 3) - middle)
    rates = np.ascontiguousarray(np.asarray(moments_rate, dtype=float).reshape(-1, 3))
    if len(inside) and np.linalg.norm(inside, axis=1).max() >= np.linalg.norm(outside, axis=1).min():
        raise ValueError(
            "a coil dipole lies nearer to the sphere's centre than a field point; E has no closed form there"
        )
    return np.asarray(_sum_over_dipoles(inside, outside, rates))


@njit(parallel=True, cache=True)
def _sum_over_dipoles(points: Any, positions: Any, rates: Any) -> Any:
    """E(r) = -mu0/(4 pi F^2) [F r x m' - (m' . grad F) r x R], R the dipole and F as in Sarvas (1987)."""
    field = np.zeros(points.shape)
    for i in prange(points.shape[0]):
        x, y, z = points[i]
        for k in range(positions.shape[0]):
            px, py, pz = positions[k]
            mx, my, mz = rates[k]
            ax, ay, az = px - x, py - y, pz - z
            a = np.sqrt(ax * ax + ay * ay + az * az)
            r = np.sqrt(px * px + py * py + pz * pz)
            along = ax * px + ay * py + az * pz
            f = a * (r * a + along)
            outer = a * a / r + along / a + 2 * a + 2 * r
            inner = a + 2 * r + along / a
            m_grad = mx * (outer * px - inner * x) + my * (outer * py - inner * y) + mz * (outer * pz - inner * z)
            scale = -MU_0_OVER_4_PI / (f * f)
            field[i, 0] += scale * (f * (y * mz - z * my) - m_grad * (y * pz - z * py))
            field[i, 1] += scale * (f * (z * mx - x * mz) - m_grad * (z * px - x * pz))
            field[i, 2] += scale * (f * (x * my - y * mx) - m_grad * (x * py - y * px))
    return field
