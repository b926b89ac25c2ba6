"""Numbers that sum up many fields at once over chosen tetrahedra."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HOT_MARGIN = 4
"""A high percentile is sought among what ever was, in a solve, in so many times the volume above it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FieldQuantity(ABC):
    """A number that sums a field up over some tetrahedra.

    Attributes
    ----------
    name : by which it is found again
    tetrahedra : (n,) indices
    """

    name: str
    tetrahedra: NDArray[np.intp]

    @property
    def may_vanish(self) -> bool:
        """Whether it has a sign, so that no error of it is in proportion to it."""
        return False

    def __post_init__(self) -> None:
        if len(self.tetrahedra) == 0:
            raise ValueError(f"the quantity {self.name!r} is taken over no tetrahedra; name at least one")

    @abstractmethod
    def of(self, e_field: Floats, volumes: Floats) -> Floats:
        """The quantity, (...) array, V/m, of fields (..., n, 3) in those tetrahedra, whose volumes are (n,), m^3."""

    def scale(self, e_field: Floats, volumes: Floats) -> Floats:
        """What an error of the quantity is measured against, (...) array, V/m: its own size."""
        return np.abs(self.of(e_field, volumes))

    def needed(self, e_field: Floats, volumes: Floats) -> NDArray[np.bool_]:
        """Which tetrahedra may matter to the quantity where the field is much like (n, 3), (n,) array."""
        return np.ones(len(volumes), bool)

    def narrowed(self, kept: NDArray[np.bool_], volumes: Floats) -> "FieldQuantity":
        """The same quantity over those tetrahedra (n,) that may matter to it."""
        return self


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanMagnitude(FieldQuantity):
    """Mean of \\|E\\| over the tetrahedra, by volume."""

    def of(self, e_field: Floats, volumes: Floats) -> Floats:
        """The mean, (...) array, V/m."""
        return np.asarray(np.linalg.norm(e_field, axis=-1) @ (volumes / volumes.sum()))


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanComponent(FieldQuantity):
    """Mean over the tetrahedra, by volume, of the component of E along a direction, (3,) unit array."""

    direction: Floats

    @property
    def may_vanish(self) -> bool:
        """True: a component has a sign."""
        return True

    def of(self, e_field: Floats, volumes: Floats) -> Floats:
        """The mean, (...) array, V/m."""
        return np.asarray(e_field @ self.direction @ (volumes / volumes.sum()))

    def scale(self, e_field: Floats, volumes: Floats) -> Floats:
        """The mean of \\|E\\|, since a component may vanish."""
        return np.asarray(np.linalg.norm(e_field, axis=-1) @ (volumes / volumes.sum()))


@dataclass(frozen=True, kw_only=True, eq=False)
class HighPercentile(FieldQuantity):
    """The \\|E\\| below which a fraction of the tetrahedra's volume lies.

    Attributes
    ----------
    fraction : 0.999 for the 99.9th percentile
    left_out : volume of further tetrahedra that certainly lie below it, m^3
    """

    fraction: float = 0.999
    left_out: float = 0.0

    def of(self, e_field: Floats, volumes: Floats) -> Floats:
        """The percentile, (...) array, V/m."""
        magnitude = np.linalg.norm(e_field, axis=-1)
        order = np.argsort(-magnitude, axis=-1)
        above = np.cumsum(volumes[order], axis=-1)
        beyond = (1 - self.fraction) * (volumes.sum() + self.left_out) * (1 + 1e-12)
        place = np.minimum((above <= beyond).sum(axis=-1), len(volumes) - 1)
        ranked = np.take_along_axis(magnitude, order, axis=-1)
        return np.asarray(np.take_along_axis(ranked, place[..., None], axis=-1)[..., 0])

    def needed(self, e_field: Floats, volumes: Floats) -> NDArray[np.bool_]:
        """The tetrahedra with the highest \\|E\\|, several times as much volume as lies above the percentile."""
        order = np.argsort(-np.linalg.norm(e_field, axis=-1))
        enough = HOT_MARGIN * (1 - self.fraction) * (volumes.sum() + self.left_out)
        hot = np.zeros(len(volumes), bool)
        hot[order[: int(np.searchsorted(np.cumsum(volumes[order]), enough)) + 1]] = True
        return hot

    def narrowed(self, kept: NDArray[np.bool_], volumes: Floats) -> "HighPercentile":
        """The same, with the other tetrahedra counted as lying below it."""
        left_out = self.left_out + float(volumes[~kept].sum())
        return replace(self, tetrahedra=self.tetrahedra[kept], left_out=left_out)
