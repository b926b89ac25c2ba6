"""A stimulating coil: something whose current makes a vector potential, inside a casing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anodyne.coil.casing import Casing
from anodyne.coil.pose import Pose
from anodyne.coil.sources import CurrentElements, MagneticDipoles, Sources

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Coil(ABC):
    """A coil in its own frame: casing face at z = 0, windings behind it (z < 0), z into the head.

    Parameters
    ----------
    name : what it is called on the command line
    label : brand and model as a person says it
    source : where its geometry comes from
    casing : its outer surface, None when nobody has told
    maximum_di_dt : peak rate of current change at full stimulator output, A/s; None when unknown
    stimulator : the machine for which `maximum_di_dt` holds
    winding_depth : how far the winding's nearest plane lies behind the casing's face, m; None when unknown.
        The winding's nearest plane is that of the conductor's nearest surface or of the nearest elements
        where the conductor's height is not known (files).
    limits : (3, 2) the box (lowest and highest x, y, z, m) for which a file's author made the model, if told
    """

    name: str
    label: str
    source: str
    casing: Casing | None = None
    maximum_di_dt: float | None = None
    stimulator: str | None = None
    winding_depth: float | None = None
    limits: Array | None = None

    def __post_init__(self) -> None:
        limit = self.maximum_di_dt
        if limit is not None and not (np.isfinite(limit) and limit > 0):
            raise ValueError(f"peak dI/dt must be positive, not {limit} A/s")
        depth = self.winding_depth
        if depth is not None and not np.isfinite(depth):
            raise ValueError(f"winding depth must be a finite length, not {depth} m")

    @abstractmethod
    def vector_potential(self, points: ArrayLike) -> Array:
        """A per ampere at (n, 3) points of the coil's frame (m): (n, 3) T·m/A."""

    @abstractmethod
    def magnetic_field(self, points: ArrayLike) -> Array:
        """B per ampere at (n, 3) points of the coil's frame (m): (n, 3) T/A."""

    @abstractmethod
    def sources(self) -> tuple[Sources, ...]:
        """The elements the field is summed from, in the coil's frame; empty where only samples exist."""

    @property
    @abstractmethod
    def outline(self) -> Array:
        """(n, 3) points along or across the winding, m, for drawings and heights."""

    def da_dt(self, points: ArrayLike, pose: Pose, di_dt: float) -> Array:
        """∂A/∂t in head space while the current changes at `di_dt` (A/s).

        Parameters
        ----------
        points : (n, 3) in head space, m
        pose : the coil's placement
        di_dt : A/s

        Returns
        -------
        (n, 3) V/m in head space
        """
        in_coil = self.vector_potential(pose.to_coil(points))
        rotated: Array = in_coil @ (di_dt * pose.rotation.T)
        return rotated

    def db_dt(self, points: ArrayLike, pose: Pose, di_dt: float) -> Array:
        """∂B/∂t at (n, 3) points of head space (m): (n, 3) T/s in head space."""
        in_coil = self.magnetic_field(pose.to_coil(points))
        rotated: Array = in_coil @ (di_dt * pose.rotation.T)
        return rotated


@dataclass(frozen=True, kw_only=True, eq=False)
class WireCoil(Coil):
    """A coil of current elements along its conductors."""

    elements: CurrentElements

    def vector_potential(self, points: ArrayLike) -> Array:
        """A per ampere at (n, 3) points (m): (n, 3) T·m/A."""
        return self.elements.vector_potential(points)

    def magnetic_field(self, points: ArrayLike) -> Array:
        """B per ampere at (n, 3) points (m): (n, 3) T/A."""
        return self.elements.magnetic_field(points)

    def sources(self) -> tuple[Sources, ...]:
        """The elements the field is summed from."""
        return (self.elements,)

    @property
    def outline(self) -> Array:
        """(n, 3) positions of the elements, m."""
        return self.elements.positions


@dataclass(frozen=True, kw_only=True, eq=False)
class DipoleCoil(Coil):
    """A coil of magnetic dipoles."""

    dipoles: MagneticDipoles

    def vector_potential(self, points: ArrayLike) -> Array:
        """A per ampere at (n, 3) points (m): (n, 3) T·m/A."""
        return self.dipoles.vector_potential(points)

    def magnetic_field(self, points: ArrayLike) -> Array:
        """B per ampere at (n, 3) points (m): (n, 3) T/A."""
        return self.dipoles.magnetic_field(points)

    def sources(self) -> tuple[Sources, ...]:
        """The elements the field is summed from."""
        return (self.dipoles,)

    @property
    def outline(self) -> Array:
        """(n, 3) positions of the elements, m."""
        return self.dipoles.positions


@dataclass(frozen=True, kw_only=True, eq=False)
class CompositeCoil(Coil):
    """A coil of several parts in series: the same current runs through all of them."""

    parts: tuple[Coil, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.parts:
            raise ValueError("a composite coil needs at least one part")

    def vector_potential(self, points: ArrayLike) -> Array:
        """A per ampere at (n, 3) points (m): (n, 3) T·m/A."""
        return _total([part.vector_potential(points) for part in self.parts])

    def magnetic_field(self, points: ArrayLike) -> Array:
        """B per ampere at (n, 3) points (m): (n, 3) T/A."""
        return _total([part.magnetic_field(points) for part in self.parts])

    def sources(self) -> tuple[Sources, ...]:
        """The elements the field is summed from."""
        return tuple(source for part in self.parts for source in part.sources()) if self.has_sources else ()

    @cached_property
    def has_sources(self) -> bool:
        """Whether every part is made of elements, so that reciprocity can use them."""
        return all(part.sources() for part in self.parts)

    @property
    def outline(self) -> Array:
        """(n, 3) positions of the elements, m."""
        return np.concatenate([part.outline for part in self.parts])


def _total(fields: list[Array]) -> Array:
    total = fields[0]
    for field in fields[1:]:
        total = total + field
    return total
