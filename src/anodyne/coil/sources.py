"""What a coil's field is summed from: current elements along wires, or magnetic dipoles."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anodyne.coil.kernels import field_of_dipoles, potential_of_currents, sum_of_crosses

Array = NDArray[np.float64]


def finite_points(values: ArrayLike, what: str) -> Array:
    """A read-only (n, 3) float copy of `values`; ValueError naming `what` if it is not that or not finite."""
    array = np.array(values, dtype=np.float64, order="C")
    if array.ndim != 2 or array.shape[1] != 3:
        raise ValueError(f"{what} must have shape (n, 3), not {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} hold a number that is not finite (row {int(np.argwhere(~np.isfinite(array))[0, 0])})")
    array.setflags(write=False)
    return array


@dataclass(frozen=True, kw_only=True, eq=False)
class Sources(ABC):
    """Point-like elements of a coil carrying one ampere."""

    positions: Array

    @abstractmethod
    def vector_potential(self, points: ArrayLike, dtype: type[np.floating] = np.float64) -> Array:
        """A per ampere at (n, 3) points (m): (n, 3) T·m/A; in float32 right to 1e-6 and twice as fast."""

    @abstractmethod
    def magnetic_field(self, points: ArrayLike, dtype: type[np.floating] = np.float64) -> Array:
        """B per ampere at (n, 3) points (m): (n, 3) T/A; in float32 right to 1e-6 and twice as fast."""

    @abstractmethod
    def moved(self, transform: ArrayLike) -> Sources:
        """The same elements after a rigid (4, 4) transform."""

    @property
    def depth(self) -> float | None:
        """Distance (m) of the nearest element behind the plane z = 0; None where some lie in front of it."""
        nearest = float(-self.positions[:, 2].max())
        return nearest if nearest >= 0 else None


@dataclass(frozen=True, kw_only=True, eq=False)
class CurrentElements(Sources):
    """Short straight pieces of wire, each a current of one ampere times its share of the conductor.

    Parameters
    ----------
    positions : (n, 3) midpoints, m
    vectors : (n, 3) lengths along the current, m; a conductor split into k filaments has 1/k in each
    """

    vectors: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "positions", finite_points(self.positions, "element positions"))
        object.__setattr__(self, "vectors", finite_points(self.vectors, "element vectors"))
        if len(self.positions) != len(self.vectors):
            raise ValueError(f"{len(self.positions)} positions but {len(self.vectors)} element vectors")

    def vector_potential(self, points: ArrayLike, dtype: type[np.floating] = np.float64) -> Array:
        """A per ampere at (n, 3) points (m): (n, 3) T·m/A; in float32 right to 1e-6 and twice as fast."""
        arrays = (_points(points), self.positions, self.vectors)
        result: Array = potential_of_currents(*(array.astype(dtype, copy=False) for array in arrays))
        return result

    def magnetic_field(self, points: ArrayLike, dtype: type[np.floating] = np.float64) -> Array:
        """B per ampere at (n, 3) points (m): (n, 3) T/A; in float32 right to 1e-6 and twice as fast."""
        arrays = (_points(points), self.positions, self.vectors)
        result: Array = sum_of_crosses(*(array.astype(dtype, copy=False) for array in arrays))
        return result

    def moved(self, transform: ArrayLike) -> CurrentElements:
        """The same elements after a rigid (4, 4) transform."""
        matrix = np.asarray(transform, dtype=np.float64)
        return CurrentElements(
            positions=self.positions @ matrix[:3, :3].T + matrix[:3, 3],
            vectors=self.vectors @ matrix[:3, :3].T,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class MagneticDipoles(Sources):
    """Magnetic dipoles that stand for the surface spanned by a coil's turns.

    Parameters
    ----------
    positions : (n, 3) m
    moments : (n, 3) A·m² per ampere of coil current, that is m²
    """

    moments: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "positions", finite_points(self.positions, "dipole positions"))
        object.__setattr__(self, "moments", finite_points(self.moments, "dipole moments"))
        if len(self.positions) != len(self.moments):
            raise ValueError(f"{len(self.positions)} positions but {len(self.moments)} dipole moments")

    def vector_potential(self, points: ArrayLike, dtype: type[np.floating] = np.float64) -> Array:
        """A per ampere at (n, 3) points (m): (n, 3) T·m/A; in float32 right to 1e-6 and twice as fast."""
        arrays = (_points(points), self.positions, self.moments)
        result: Array = sum_of_crosses(*(array.astype(dtype, copy=False) for array in arrays))
        return result

    def magnetic_field(self, points: ArrayLike, dtype: type[np.floating] = np.float64) -> Array:
        """B per ampere at (n, 3) points (m): (n, 3) T/A; in float32 right to 1e-6 and twice as fast."""
        arrays = (_points(points), self.positions, self.moments)
        result: Array = field_of_dipoles(*(array.astype(dtype, copy=False) for array in arrays))
        return result

    def moved(self, transform: ArrayLike) -> MagneticDipoles:
        """The same elements after a rigid (4, 4) transform."""
        matrix = np.asarray(transform, dtype=np.float64)
        return MagneticDipoles(
            positions=self.positions @ matrix[:3, :3].T + matrix[:3, 3],
            moments=self.moments @ matrix[:3, :3].T,
        )


def _points(points: ArrayLike) -> Array:
    array = np.ascontiguousarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 3:
        raise ValueError(f"points must have shape (n, 3) in metres, not {array.shape}")
    return array
