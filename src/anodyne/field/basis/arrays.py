"""The arithmetic of a field basis, written once for any array library that keeps to the array API standard.

Arrays of numpy, CuPy, PyTorch or others (Array API standard 2024.12) may hold it; what comes out lies where the
basis lies.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from anodyne.field.carrying import beside, carried
from anodyne.field.primary.element_sums import CarriedCoil

Floats = NDArray[np.float64]


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
        return BasisArrays(
            modes=carried(self.modes, namespace, device),
            reading=carried(self.reading, namespace, device),
            sensed=carried(self.sensed, namespace, device),
            sensors=carried(self.sensors, namespace, device),
        )

    def like(self, array: Any) -> Any:
        """A numpy array beside these."""
        return beside(array, self.sensors)

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
        return xp.reshape(flat, (amounts.shape[0], self.modes.shape[1] // 3, 3))

    def rates(self, coil: CarriedCoil, poses: Floats, di_dt: float) -> Any:
        """dB/dt of a coil's elements, carried to these arrays, at the sensors, (p, 3 m), T/s, for poses (p, 4, 4)."""
        xp = array_namespace(self.sensors)
        rotations, origins = self.like(poses[:, :3, :3]), self.like(poses[:, None, :3, 3])
        seen = xp.matmul(self.sensors[None, ...] - origins, rotations)  # in the coil's frame
        summed = xp.reshape(coil.magnetic_field(xp.reshape(seen, (-1, 3))), seen.shape)
        turned = xp.matmul(summed, xp.matrix_transpose(rotations))
        return xp.reshape(di_dt * turned, (poses.shape[0], 3 * self.sensors.shape[0]))
