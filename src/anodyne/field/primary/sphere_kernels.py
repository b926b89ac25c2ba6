"""Sums over a coil's elements of the field they induce in a sphere, and of the reciprocal fields outside it.

A piece of wire dl at r' with dI/dt = 1 has ``r . dB/dt = mu0/4pi q . grad'(1/|r - r'|)``, ``q = r' x dl``.
In a sphere E has no radial part, so ``E = curl(r psi)`` with ``l (l + 1) psi_l = -(r . dB/dt)_l`` degree by
degree (Faraday's law along r). With ``1/(l (l + 1)) = 1/l - 1/(l + 1)`` the series close: for
``t = r/r'``, c the cosine between r and r', ``D = sqrt(1 - 2ct + t^2)``, ``h = 1 - ct + D``,

    S' = t (1 + D)/(D h) - t (1 + c)/(k D g),   k = (1 + t)^2 - (1 + c) t + (1 + t) D,   g = D + c - t,

is the derivative along c of ``sum(t^l P_l(c) / (l (l + 1)))``, and

    E = mu0/4pi/r'^2 [S'' (q . n) n x n' + S' n x q],   n = r/r, n' = r'/r'.

The sum over a closed winding is the field of Eaton (1992, Med Biol Eng Comput 30:433) without its series.
For magnetic dipoles the closed form is the reciprocal of Sarvas (1987, Phys Med Biol 32:11, eq. 25).
"""

from typing import Any

import numpy as np
from numba import njit, prange

MU_0_OVER_4_PI = 1e-7
"""Vacuum permeability over 4 pi, T m/A; exact to 1e-9 in the SI of 2019."""

CENTRE = 1e-4
"""Nearer to the centre than this share of the source's distance the field is taken as zero, as it is at the centre."""

HIDDEN = 0.97
"""Cosine above which a point further out than a source counts as behind it."""


@njit(cache=True)
def hidden_points(points: Any, positions: Any) -> bool:
    """Whether a point lies further from the origin than a source in nearly the same direction."""
    farthest = 0.0
    for i in range(points.shape[0]):
        farthest = max(farthest, points[i, 0] ** 2 + points[i, 1] ** 2 + points[i, 2] ** 2)
    for k in range(positions.shape[0]):
        px, py, pz = positions[k]
        square = px * px + py * py + pz * pz
        if square > farthest:
            continue
        for i in range(points.shape[0]):
            x, y, z = points[i]
            length = x * x + y * y + z * z
            along = x * px + y * py + z * pz
            if length >= square and along > 0 and along * along > HIDDEN * HIDDEN * length * square:
                return True
    return False


@njit(parallel=True, fastmath=True, cache=True)
def field_of_wires(points: Any, positions: Any, rates: Any) -> Any:
    """E at (n, 3) points in a sphere about the origin from pieces of wire (k, 3), m, with dl dI/dt (k, 3), A m/s."""
    count = positions.shape[0]
    wires = np.empty((7, count))
    for k in range(count):
        px, py, pz = positions[k]
        r = np.sqrt(px * px + py * py + pz * pz)
        wires[0, k], wires[1, k], wires[2, k], wires[3, k] = px / r, py / r, pz / r, 1 / r
        scale = MU_0_OVER_4_PI / (r * r)
        wires[4, k] = scale * (py * rates[k, 2] - pz * rates[k, 1])
        wires[5, k] = scale * (pz * rates[k, 0] - px * rates[k, 2])
        wires[6, k] = scale * (px * rates[k, 1] - py * rates[k, 0])
    field = np.zeros(points.shape)
    for i in prange(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        length = np.sqrt(x * x + y * y + z * z)
        if length * wires[3].max() < CENTRE:
            continue
        x, y, z = x / length, y / length, z / length
        ex = ey = ez = 0.0
        for k in range(count):
            nx, ny, nz = wires[0, k], wires[1, k], wires[2, k]
            qx, qy, qz = wires[4, k], wires[5, k], wires[6, k]
            t = length * wires[3, k]
            c = x * nx + y * ny + z * nz
            square = 1 - 2 * c * t + t * t
            d = np.sqrt(square)
            inverse = 1 / d
            one = 1 + d
            h_inverse = 1 / (1 - c * t + d)
            first = t * one * inverse * h_inverse
            bend = t * t * (inverse + one * one * h_inverse) * inverse * inverse * h_inverse
            s = 1 + t
            k_inverse = 1 / (s * s - (1 + c) * t + s * d)
            ratio = (1 + c) / (d + c - t) if c > 0 else (d - c + t) / (1 - c)
            second = t * k_inverse * inverse * ratio
            fall = second * t * (second + (1 + s * inverse) * k_inverse + inverse * inverse)
            along = (bend - fall) * (qx * x + qy * y + qz * z)
            slope = first - second
            ux, uy, uz = along * nx + slope * qx, along * ny + slope * qy, along * nz + slope * qz
            ex += y * uz - z * uy
            ey += z * ux - x * uz
            ez += x * uy - y * ux
        field[i, 0], field[i, 1], field[i, 2] = ex, ey, ez
    return field


@njit(parallel=True, fastmath=True, cache=True)
def field_of_dipoles(points: Any, positions: Any, rates: Any) -> Any:
    """E at (n, 3) points in a sphere about the origin from magnetic dipoles (k, 3), m, changing at (k, 3) A m^2/s.

    ``E(r) = -mu0/(4 pi F^2) [F r x m' - (m' . grad F) r x R]``, R the dipole and F as in Sarvas (1987).
    """
    field = np.zeros(points.shape)
    radii = np.sqrt((positions * positions).sum(axis=1))
    for i in prange(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        ex = ey = ez = 0.0
        for k in range(positions.shape[0]):
            px, py, pz, r = positions[k, 0], positions[k, 1], positions[k, 2], radii[k]
            mx, my, mz = rates[k, 0], rates[k, 1], rates[k, 2]
            ax, ay, az = px - x, py - y, pz - z
            a = np.sqrt(ax * ax + ay * ay + az * az)
            along = (ax * px + ay * py + az * pz) / a
            f = a * a * (r + along)
            outer = a * a / r + along + 2 * a + 2 * r
            inner = a + 2 * r + along
            gradient = mx * (outer * px - inner * x) + my * (outer * py - inner * y) + mz * (outer * pz - inner * z)
            weight = 1 / f
            pull = gradient * weight * weight
            ux, uy, uz = weight * mx - pull * px, weight * my - pull * py, weight * mz - pull * pz
            ex -= y * uz - z * uy
            ey -= z * ux - x * uz
            ez -= x * uy - y * ux
        field[i, 0], field[i, 1], field[i, 2] = MU_0_OVER_4_PI * ex, MU_0_OVER_4_PI * ey, MU_0_OVER_4_PI * ez
    return field
