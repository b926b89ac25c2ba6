"""The arithmetic of a field basis, written once for any array library that keeps to the array API standard.

Arrays of numpy, CuPy, PyTorch or others (Array API standard 2024.12) may hold it; what comes out lies where the
basis lies. B of wires and of dipoles is summed as a product of matrices: with ``w = 1/|r - p|^3`` the sum of
``w v x (r - p)`` is ``(sum w v) x r - sum w (v x p)``, and likewise for dipoles with ``1/|r - p|^5``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from anodyne.coil import Coil, CurrentElements, MagneticDipoles, Sources

Floats = NDArray[np.float64]

MU_0_OVER_4_PI = 1e-7
"""Vacuum permeability over 4 pi, T m/A; exact to 1e-9 in the SI of 2019."""

PAIRS_AT_ONCE = 2**24
"""Pairs of sensor and coil element whose distances are held at once."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BasisArrays:
    """What is needed to evaluate a basis, as arrays of one library on one device.

    Attributes
    ----------
    modes : (k, 3 n) float32, E of each mode at the points, V/m
    reading : (k, 3 m) float64, amounts of the modes out of dB/dt at the sensors
    sensed : (k, 3 m) float64, dB/dt of each mode at the sensors, T/s
    sensors : (m, 3) float64, m
    """

    modes: Any
    reading: Any
    sensed: Any
    sensors: Any

    def moved(self, namespace: Any, device: Any = None) -> "BasisArrays":
        """These arrays in another library, from numpy's."""

        def carried(array: Any) -> Any:
            return namespace.asarray(np.asarray(array), device=device)

        return BasisArrays(
            modes=carried(self.modes),
            reading=carried(self.reading),
            sensed=carried(self.sensed),
            sensors=carried(self.sensors),
        )

    def like(self, array: Any) -> Any:
        """A numpy array beside these."""
        xp = array_namespace(self.sensors)
        return xp.asarray(np.ascontiguousarray(array), device=self.sensors.device)

    def amounts(self, rates: Any) -> Any:
        """Amounts of the modes, (p, k), in p readings of dB/dt at the sensors, (p, 3 m), T/s."""
        xp = array_namespace(rates)
        return xp.matmul(rates, xp.matrix_transpose(self.reading))

    def unexplained(self, rates: Any, amounts: Any) -> Any:
        """Share of each reading, (p,), that the modes do not make up: 0 to 1, root mean square."""
        xp = array_namespace(rates)
        rest = rates - xp.matmul(amounts, self.sensed)
        whole = xp.sqrt(xp.sum(rates * rates, axis=1))
        return xp.sqrt(xp.sum(rest * rest, axis=1)) / xp.where(whole > 0, whole, xp.ones_like(whole))

    def fields(self, amounts: Any) -> Any:
        """E at the points, (p, n, 3) float32, V/m, of amounts (p, k)."""
        xp = array_namespace(self.modes)
        flat = xp.matmul(xp.astype(amounts, self.modes.dtype), self.modes)
        return xp.reshape(flat, (amounts.shape[0], -1, 3))

    def rates(self, coil: Coil, poses: Floats, di_dt: float) -> Any:
        """dB/dt of a coil made of elements at the sensors, (p, 3 m), T/s, for poses (p, 4, 4)."""
        xp = array_namespace(self.sensors)
        rotations, origins = self.like(poses[:, :3, :3]), self.like(poses[:, None, :3, 3])
        seen = xp.matmul(self.sensors[None, ...] - origins, rotations)  # in the coil's frame
        points = xp.reshape(seen, (-1, 3))
        total = xp.zeros_like(points)
        for part in coil.sources():
            total = total + xp.concat(list(self._summed(part, points)))
        turned = xp.matmul(xp.reshape(total, seen.shape), xp.matrix_transpose(rotations))
        return xp.reshape(MU_0_OVER_4_PI * di_dt * turned, (poses.shape[0], -1))

    def _summed(self, part: Sources, points: Any) -> Iterator[Any]:
        """4 pi B/mu0 of a part at points of the coil's frame, block by block."""
        if isinstance(part, CurrentElements):
            strengths, formula = np.hstack([part.vectors, np.cross(part.vectors, part.positions)]), _field_of_wires
        elif isinstance(part, MagneticDipoles):
            strengths, formula = _dipole_strengths(part), _field_of_dipoles
        else:
            raise TypeError(f"no field formula for coil elements of type {type(part).__name__}")
        positions, columns = self.like(part.positions), self.like(strengths)
        block = max(1, PAIRS_AT_ONCE // len(part.positions))
        count = points.shape[0]
        for first in range(0, count, block):
            yield formula(points[first : min(first + block, count), :], positions, columns)


def _squares(points: Any, positions: Any) -> Any:
    """Squared distances, (n, k): axis by axis, since the expanded square loses digits."""
    total = None
    for axis in range(3):
        along = points[:, axis][:, None] - positions[:, axis][None, :]
        total = along * along if total is None else total + along * along
    return total


def _field_of_wires(points: Any, positions: Any, strengths: Any) -> Any:
    """``sum v x r / |r|^3`` of strengths v, v x p, (k, 6)."""
    xp = array_namespace(points)
    square = _squares(points, positions)
    sums = xp.matmul(1 / (square * xp.sqrt(square)), strengths)
    return xp.linalg.cross(sums[:, :3], points) - sums[:, 3:]


def _dipole_strengths(part: MagneticDipoles) -> Floats:
    """m, m . p, (m . p) p and the products p m' of dipoles, (k, 16)."""
    m, p = part.moments, part.positions
    along = (m * p).sum(axis=1, keepdims=True)
    return np.hstack([m, along, along * p, (p[:, :, None] * m[:, None, :]).reshape(-1, 9)])


def _field_of_dipoles(points: Any, positions: Any, strengths: Any) -> Any:
    """``sum 3 (m . r) r/|r|^5 - m/|r|^3``, r = x - p, of strengths as `_dipole_strengths`."""
    xp = array_namespace(points)
    square = _squares(points, positions)
    cube = 1 / (square * xp.sqrt(square))
    fifth = xp.matmul(cube / square, strengths)
    along_x = xp.sum(fifth[:, :3] * points, axis=1)[:, None] - fifth[:, 3:4]
    mixed = xp.reshape(fifth[:, 7:], (-1, 3, 3))
    crossed = xp.matmul(mixed, points[:, :, None])[:, :, 0]
    straight = xp.matmul(cube, strengths[:, :3])
    return 3 * (along_x * points - crossed + fifth[:, 4:7]) - straight
