"""Windings as curves with conductors of a given cross-section, and the elements they are summed from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import ceil, tau

import numpy as np
from numpy.typing import NDArray

from anodyne.coil.sources import CurrentElements, MagneticDipoles

Array = NDArray[np.float64]

FEWEST_CURRENT_ELEMENTS = 3000
"""Gomez et al. 2020 (Brain Stimulation 13:157): at least 3,000 current elements for errors below 2 %."""
FEWEST_ELEMENTS_PER_TURN = 48
"""Of a filament: 36 already give A within 5e-4 two millimetres in front of the casings in the library."""
ROUNDING_OF_TABLES = 0.03
"""Makers' tables are rounded: nine turns of 1.75 mm stand in a room of 15.5 mm."""
THIN_SIDE = 1e-3
THICK_SIDE = 8e-3
"""A side of the conductor below `THIN_SIDE` (m) is one filament wide, below `THICK_SIDE` two, else three."""


@dataclass(frozen=True, kw_only=True)
class Winding(ABC):
    """Turns of rectangular conductor wound flat about an axis, in the winding's own frame.

    The axis is z; z = 0 is the surface nearest to the head, the conductors fill −height < z < 0. Current runs
    from x towards y, so that the magnetic moment points along +z.

    Parameters
    ----------
    turns : number of turns in each layer
    inner_diameter, outer_diameter : of the wound conductor from edge to edge, m
    wire_width, wire_height : the conductor's size across and along the axis, m
    layers : number of such windings in series, one behind the other
    layer_gap : free space between two layers, m
    """

    turns: int
    inner_diameter: float
    outer_diameter: float
    wire_width: float
    wire_height: float
    layers: int = 1
    layer_gap: float = 0.0

    def __post_init__(self) -> None:
        if self.turns < 1 or self.layers < 1:
            raise ValueError(f"a winding needs at least one turn and one layer, not {self.turns} and {self.layers}")
        if self.wire_width <= 0 or self.wire_height <= 0 or self.layer_gap < 0:
            raise ValueError(f"a conductor of {self.wire_width} m × {self.wire_height} m has no cross-section")
        room = (self.outer_diameter - self.inner_diameter) / 2
        if not (self.inner_diameter >= 0 and room >= self.turns * self.wire_width * (1 - ROUNDING_OF_TABLES)):
            raise ValueError(
                f"{self.turns} turns of {self.wire_width} m do not fit between the diameters "
                f"{self.inner_diameter} and {self.outer_diameter} m"
            )

    @abstractmethod
    def radius(self, turn: Array, angle: Array) -> Array:
        """Distance of the centre line of `turn` (0, 1, ...) from the axis at `angle` (rad), m."""

    @abstractmethod
    def slope(self, turn: Array, angle: Array) -> Array:
        """Derivative of `radius` by `angle`, m/rad."""

    @property
    def height(self) -> float:
        """Extent along the axis, m."""
        return self.layers * self.wire_height + (self.layers - 1) * self.layer_gap

    @property
    def first_radius(self) -> float:
        """Centre-line radius of the innermost conductor, m."""
        return (self.inner_diameter + self.wire_width) / 2

    @property
    def last_radius(self) -> float:
        """Centre-line radius of the outermost conductor, m."""
        return (self.outer_diameter - self.wire_width) / 2

    def centre_line(self, points_per_turn: int = 96) -> Array:
        """(turns, points_per_turn + 1, 3) points of every whole turn at mid-height, m, for drawings."""
        angles = np.linspace(0, tau, points_per_turn + 1)
        turn, angle = _grid(_counted(self.turns), angles)
        radius = self.radius(turn, angle)
        return np.stack([radius * np.cos(angle), radius * np.sin(angle), np.full_like(radius, -self.height / 2)], -1)

    def current_elements(self, fewest: int = FEWEST_CURRENT_ELEMENTS) -> CurrentElements:
        """The winding as filaments of current elements.

        Every conductor is split into filaments at the Gauss–Legendre points of its cross-section, each
        carrying its weight of the current; along the turn the rule is the trapezoidal one, which for
        closed smooth curves converges exponentially in elements per turn × distance ÷ radius.

        Parameters
        ----------
        fewest : at least so many elements are made
        """
        heights, height_weights = _gauss(_filaments(self.wire_height), self.wire_height)
        widths, width_weights = _gauss(_filaments(self.wire_width), self.wire_width)
        filaments = self.turns * self.layers * len(heights) * len(widths)
        count = max(FEWEST_ELEMENTS_PER_TURN, ceil(fewest / filaments))
        layer, turn, across, up, angle = _grid(
            _counted(self.layers), _counted(self.turns), widths, heights, _angles(count)
        )
        radius = self.radius(turn, angle) + across
        slope = self.slope(turn, angle)
        weight = width_weights[None, None, :, None, None] * height_weights[None, None, None, :, None] * tau / count
        cosine, sine = np.cos(angle), np.sin(angle)
        positions = np.stack([radius * cosine, radius * sine, self._layer_middle(layer) + up], -1)
        along = np.stack([slope * cosine - radius * sine, slope * sine + radius * cosine, 0 * radius], -1)
        return CurrentElements(positions=positions.reshape(-1, 3), vectors=(along * weight[..., None]).reshape(-1, 3))

    def dipoles(self, rings: int = 8, per_ring: int = 36) -> MagneticDipoles:
        """The winding as magnetic dipoles over the surface that every turn spans.

        Gauss–Legendre points along the radius, equidistant ones round the axis; a turn of one ampere has
        the moment 1 A per unit of area (Jackson, eq. 5.57).

        Parameters
        ----------
        rings : dipoles along each radius
        per_ring : dipoles round the axis
        """
        heights, height_weights = _gauss(_filaments(self.wire_height), self.wire_height)
        fractions, fraction_weights = _gauss(rings, 1.0)
        fractions = fractions + 0.5
        layer, turn, up, fraction, angle = _grid(
            _counted(self.layers), _counted(self.turns), heights, fractions, _angles(per_ring)
        )
        edge = self.radius(turn, angle)
        weight = height_weights[None, None, :, None, None] * fraction_weights[None, None, None, :, None]
        area = weight * fraction * edge**2 * tau / per_ring
        radius = fraction * edge
        positions = np.stack([radius * np.cos(angle), radius * np.sin(angle), self._layer_middle(layer) + up], -1)
        moments = np.stack([np.zeros_like(area), np.zeros_like(area), area], -1)
        return MagneticDipoles(positions=positions.reshape(-1, 3), moments=moments.reshape(-1, 3))

    def _layer_middle(self, layer: Array) -> Array:
        middle: Array = -self.wire_height / 2 - layer * (self.wire_height + self.layer_gap)
        return middle


@dataclass(frozen=True, kw_only=True)
class RoundWinding(Winding):
    """Concentric circular turns, evenly spaced; the short steps from turn to turn are left out."""

    def radius(self, turn: Array, angle: Array) -> Array:
        """Distance of the centre line from the axis, m."""
        share = turn / (self.turns - 1) if self.turns > 1 else 0.5 + 0 * turn
        return self.first_radius + share * (self.last_radius - self.first_radius) + 0 * angle

    def slope(self, turn: Array, angle: Array) -> Array:
        """Derivative of `radius` by the angle, m/rad."""
        return 0 * turn + 0 * angle


@dataclass(frozen=True, kw_only=True)
class SpiralWinding(Winding):
    """One Archimedean spiral from the innermost to the outermost radius.

    Each layer is closed by a straight lead along x, from the outer end back to the inner one at the
    winding's own height: an open current would have no potential of its own and no dipole model.
    """

    def radius(self, turn: Array, angle: Array) -> Array:
        """Distance of the centre line from the axis, m."""
        return self.first_radius + (turn + angle / tau) * self._pitch

    def slope(self, turn: Array, angle: Array) -> Array:
        """Derivative of `radius` by the angle, m/rad."""
        return self._pitch / tau + 0 * turn + 0 * angle

    def current_elements(self, fewest: int = FEWEST_CURRENT_ELEMENTS) -> CurrentElements:
        """The spiral and its closing leads as filaments of current elements."""
        spiral, lead = super().current_elements(fewest), self._lead()
        return CurrentElements(
            positions=np.concatenate([spiral.positions, lead.positions]),
            vectors=np.concatenate([spiral.vectors, lead.vectors]),
        )

    def _lead(self) -> CurrentElements:
        """The closing leads as filaments over the conductor's height."""
        length, middle = self.last_radius - self.first_radius, (self.last_radius + self.first_radius) / 2
        along, shares = _gauss(24, length)
        heights, weights = _gauss(_filaments(self.wire_height), self.wire_height)
        layer, x, up = _grid(_counted(self.layers), middle + along, heights)
        inwards = -length * shares[None, :, None] * weights + 0 * x
        positions = np.stack([x, 0 * x, self._layer_middle(layer) + up], -1)
        vectors = np.stack([inwards, 0 * x, 0 * x], -1)
        return CurrentElements(positions=positions.reshape(-1, 3), vectors=vectors.reshape(-1, 3))

    @property
    def _pitch(self) -> float:
        return (self.last_radius - self.first_radius) / self.turns


@dataclass(frozen=True, kw_only=True)
class EllipticalWinding(RoundWinding):
    """Concentric ellipses whose diameters along x are those of a round winding.

    Parameters
    ----------
    elongation : by how much each turn's diameter along y exceeds the one along x, m
    """

    elongation: float

    def radius(self, turn: Array, angle: Array) -> Array:
        """Distance of the centre line from the axis, m."""
        along_x, along_y = self._half_axes(turn, angle)
        return along_x * along_y / np.sqrt((along_y * np.cos(angle)) ** 2 + (along_x * np.sin(angle)) ** 2)

    def slope(self, turn: Array, angle: Array) -> Array:
        """Derivative of `radius` by the angle, m/rad."""
        along_x, along_y = self._half_axes(turn, angle)
        squares = (along_y * np.cos(angle)) ** 2 + (along_x * np.sin(angle)) ** 2
        change = (along_y**2 - along_x**2) * np.sin(angle) * np.cos(angle)
        slope: Array = along_x * along_y * change / squares**1.5
        return slope

    def _half_axes(self, turn: Array, angle: Array) -> tuple[Array, Array]:
        along_x = super().radius(turn, angle)
        return along_x, along_x + self.elongation / 2


def _grid(*axes: Array) -> list[Array]:
    """Every combination of the values along the axes, the last running fastest."""
    return [np.asarray(part, dtype=np.float64) for part in np.meshgrid(*axes, indexing="ij")]


def _counted(count: int) -> Array:
    """0, 1, ... count − 1."""
    return np.arange(count, dtype=np.float64)


def _angles(count: int) -> Array:
    """Midpoints of `count` equal parts of the full circle, rad."""
    return (_counted(count) + 0.5) * (tau / count)


def _filaments(side: float) -> int:
    """How many filaments stand for one side of the conductor."""
    return 1 if side < THIN_SIDE else 2 if side < THICK_SIDE else 3


def _gauss(count: int, length: float) -> tuple[Array, Array]:
    """Gauss–Legendre points on ±length/2, and weights whose sum is 1."""
    points, weights = np.polynomial.legendre.leggauss(count)
    return points * (length / 2), weights / 2
