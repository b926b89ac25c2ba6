"""How strongly windings are coupled: Neumann's double integral over their turns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from anodyne.coil import CurrentElements, PlacedWinding

Floats = NDArray[np.float64]

MU_0_OVER_4_PI = 1e-7
POINTS_OF_A_TURN = 240
"""Enough for conductors of a few millimetres: the self-inductance of a round loop comes out within 0.1 %."""

MEAN_DISTANCE_IN_A_ROUND_WIRE = float(np.exp(-0.25))
"""Geometric mean distance of a round wire from itself, in radii (Maxwell 1873, Treatise, art. 692)."""

MEAN_DISTANCE_IN_A_RECTANGLE = 0.2235
"""Of a rectangle from itself, in the sum of its sides (Grover 1946, Inductance Calculations, ch. 3)."""

THICKEST_FILAMENT = 2.1e-3
"""No filament of a conductor is wider or higher than this, m; finer ones change a coil's inductance by 0.1 %."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Turns:
    """Closed turns in series, each sampled evenly in a smooth parameter.

    Attributes
    ----------
    points : (k, n, 3) m
    vectors : (k, n, 3) the curve's derivative by the parameter times the step, along the current, m
    share : (k,) of the coil's current that runs in each turn: 1 for a whole conductor
    distance : (k,) geometric mean distance of the turn's own cross-section from itself, m
    """

    points: Floats
    vectors: Floats
    share: Floats
    distance: Floats

    def elements(self) -> CurrentElements:
        """The same turns as current elements."""
        vectors = self.vectors * self.share[:, None, None]
        return CurrentElements(positions=self.points.reshape(-1, 3), vectors=vectors.reshape(-1, 3))


def inductance_matrix(channels: Sequence[Turns]) -> Floats:
    """Inductances of several windings, (n, n) H: own on the diagonal, mutual beside it.

    Neumann's integral of ``dl . dl' / r`` by the trapezoidal rule; within one turn r is
    ``sqrt(r^2 + g^2)`` with g the mean distance of its cross-section from itself, which gives a thin loop the
    self-inductance of its wire with the current spread evenly over it (no skin effect).
    """
    sizes = [part.points.shape[0] * part.points.shape[1] for part in channels]
    points = np.concatenate([part.points.reshape(-1, 3) for part in channels])
    vectors = np.concatenate([(part.vectors * part.share[:, None, None]).reshape(-1, 3) for part in channels])
    squares = np.concatenate([np.repeat(part.distance**2, part.points.shape[1]) for part in channels])
    counts = np.concatenate([np.full(part.points.shape[0], part.points.shape[1]) for part in channels])
    turn = np.repeat(np.arange(len(counts)), counts)
    rows = _neumann(points, vectors, turn, squares, np.cumsum([0, *sizes]))
    matrix = np.add.reduceat(rows, np.cumsum([0, *sizes[:-1]]), axis=0)
    return np.asarray(MU_0_OVER_4_PI * (matrix + matrix.T) / 2)


@njit(parallel=True, fastmath=True, cache=True)
def _neumann(points: Any, vectors: Any, turn: Any, squares: Any, starts: Any) -> Any:
    """For every point the sums over each channel's points of ``dl . dl' / r``, (points, channels)."""
    sums = np.zeros((len(points), len(starts) - 1))
    for i in prange(len(points)):
        x, y, z = points[i]
        u, v, w = vectors[i]
        for channel in range(len(starts) - 1):
            total = 0.0
            for j in range(starts[channel], starts[channel + 1]):
                dx, dy, dz = points[j, 0] - x, points[j, 1] - y, points[j, 2] - z
                square = dx * dx + dy * dy + dz * dz + (squares[i] if turn[i] == turn[j] else 0.0)
                total += (u * vectors[j, 0] + v * vectors[j, 1] + w * vectors[j, 2]) / np.sqrt(square)
            sums[i, channel] = total
    return sums


def turns_of_winding(placed: Sequence[PlacedWinding], points: int = POINTS_OF_A_TURN) -> Turns:
    """The turns of windings in series, each conductor parted into filaments.

    Raises
    ------
    ValueError : turns that do not close, as those of a spiral
    """
    parts = [_filaments(one, points) for one in placed]
    return Turns(
        points=np.concatenate([part.points for part in parts]),
        vectors=np.concatenate([part.vectors for part in parts]),
        share=np.concatenate([part.share for part in parts]),
        distance=np.concatenate([part.distance for part in parts]),
    )


def _filaments(placed: PlacedWinding, points: int) -> Turns:
    winding, matrix = placed.winding, placed.coil_from_winding
    across, up = (max(1, int(np.ceil(s / THICKEST_FILAMENT))) for s in (winding.wire_width, winding.wire_height))
    offsets = [(np.arange(n) + 0.5) / n - 0.5 for n in (across, up)]
    angle = 2 * np.pi * np.arange(points) / points
    layer, turn, aside, above, theta = np.meshgrid(
        np.arange(float(winding.layers)),
        np.arange(float(winding.turns)),
        offsets[0] * winding.wire_width,
        offsets[1] * winding.wire_height,
        angle,
        indexing="ij",
    )
    if not np.allclose(winding.radius(turn, theta + 2 * np.pi), winding.radius(turn, theta)):
        raise ValueError("the turns of a spiral do not close; its inductance is not known here")
    radius, slope = winding.radius(turn, theta) + aside, winding.slope(turn, theta)
    z = -winding.wire_height / 2 - layer * (winding.wire_height + winding.layer_gap) + above
    cosine, sine = np.cos(theta), np.sin(theta)
    curve = np.stack([radius * cosine, radius * sine, z], -1).reshape(-1, points, 3)
    along = np.stack([slope * cosine - radius * sine, slope * sine + radius * cosine, 0 * z], -1)
    along = along.reshape(-1, points, 3) * (2 * np.pi / points * placed.sense)
    count = len(curve)
    inside = MEAN_DISTANCE_IN_A_RECTANGLE * (winding.wire_width / across + winding.wire_height / up)
    return Turns(
        points=curve @ matrix[:3, :3].T + matrix[:3, 3],
        vectors=along @ matrix[:3, :3].T,
        share=np.full(count, 1 / (across * up)),
        distance=np.full(count, inside),
    )
