"""Coils put together from windings: round ones, and figures of eight that lie flat or bend to the head."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import ceil, cos, radians, sin

import numpy as np
from numpy.typing import NDArray

from anodyne.coil.sources import CurrentElements, MagneticDipoles
from anodyne.coil.windings import FEWEST_CURRENT_ELEMENTS, Winding

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class PlacedWinding:
    """A winding somewhere in a coil.

    Parameters
    ----------
    winding : the turns
    coil_from_winding : (4, 4) rigid transform, m
    sense : +1 where the moment points along the winding's z, −1 where the current runs the other way
    """

    winding: Winding
    coil_from_winding: Array
    sense: int

    def current_elements(self, fewest: int) -> CurrentElements:
        """The winding's current elements, at least `fewest`, in the coil's frame."""
        elements = self.winding.current_elements(fewest).moved(self.coil_from_winding)
        return CurrentElements(positions=elements.positions, vectors=self.sense * elements.vectors)

    def dipoles(self) -> MagneticDipoles:
        """The winding's dipoles in the coil's frame."""
        dipoles = self.winding.dipoles().moved(self.coil_from_winding)
        return MagneticDipoles(positions=dipoles.positions, moments=self.sense * dipoles.moments)

    def centre_line(self) -> Array:
        """(turns, n, 3) points of every turn in the coil's frame, m."""
        matrix = self.coil_from_winding
        line: Array = self.winding.centre_line() @ matrix[:3, :3].T + matrix[:3, 3]
        return line


@dataclass(frozen=True, kw_only=True)
class Assembly(ABC):
    """Where the windings of a coil lie behind its casing's face.

    Parameters
    ----------
    winding : each wing's turns
    winding_depth : from the casing's face to the conductors' nearest surface, m
    """

    winding: Winding
    winding_depth: float

    @abstractmethod
    def placed(self) -> tuple[PlacedWinding, ...]:
        """The windings in the coil's frame."""

    def current_elements(self) -> CurrentElements:
        """All current elements in the coil's frame, at least `FEWEST_CURRENT_ELEMENTS`."""
        placed = self.placed()
        parts = [part.current_elements(ceil(FEWEST_CURRENT_ELEMENTS / len(placed))) for part in placed]
        return CurrentElements(
            positions=np.concatenate([part.positions for part in parts]),
            vectors=np.concatenate([part.vectors for part in parts]),
        )

    def dipoles(self) -> MagneticDipoles:
        """All dipoles in the coil's frame."""
        parts = [part.dipoles() for part in self.placed()]
        return MagneticDipoles(
            positions=np.concatenate([part.positions for part in parts]),
            moments=np.concatenate([part.moments for part in parts]),
        )


@dataclass(frozen=True, kw_only=True)
class Circular(Assembly):
    """One winding about the coil's axis; its moment points away from the head, as in SimNIBS' files."""

    def placed(self) -> tuple[PlacedWinding, ...]:
        """The windings in the coil's frame."""
        return (PlacedWinding(winding=self.winding, coil_from_winding=_shift(0, -self.winding_depth), sense=-1),)


@dataclass(frozen=True, kw_only=True)
class FigureOfEight(Assembly):
    """Two equal windings side by side along x with opposite currents.

    With a positive dI/dt the primary E-field beneath the centre points along +y, as in SimNIBS' files:
    the wing at x > 0 has its moment into the head. The other wing is the same one turned half round.

    Parameters
    ----------
    separation : distance between the wings' axes before bending, m
    bend : angle by which each wing is turned towards the head about the y axis, rad; 0 is flat
    """

    separation: float
    bend: float = 0.0

    def __post_init__(self) -> None:
        if self.separation <= 0:
            raise ValueError(f"the wings' axes must lie apart, not {self.separation} m")
        if not 0 <= self.bend < radians(80):
            raise ValueError(f"a wing bends by 0 to 80°, not {np.degrees(self.bend):.3g}°")

    def placed(self) -> tuple[PlacedWinding, ...]:
        """The windings in the coil's frame."""
        right = bent(self.bend) @ _shift(self.separation / 2, -self.winding_depth)
        left = bent(-self.bend) @ _shift(-self.separation / 2, -self.winding_depth) @ np.diag([-1.0, -1, 1, 1])
        return (
            PlacedWinding(winding=self.winding, coil_from_winding=right, sense=1),
            PlacedWinding(winding=self.winding, coil_from_winding=left, sense=-1),
        )


def bent(angle: float) -> Array:
    """(4, 4) rotation about y that turns x towards z (into the head) by `angle`, rad."""
    matrix = np.eye(4)
    matrix[[0, 2, 0, 2], [0, 0, 2, 2]] = [cos(angle), sin(angle), -sin(angle), cos(angle)]
    return matrix


def _shift(x: float, z: float) -> Array:
    matrix = np.eye(4)
    matrix[0, 3], matrix[2, 3] = x, z
    return matrix
