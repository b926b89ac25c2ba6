"""The outer surface of a coil: what must not enter the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anodyne.coil.sources import finite_points

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Casing:
    """A triangulated outer surface in the coil's frame.

    Parameters
    ----------
    points : (n, 3) m
    triangles : (k, 3) indices into `points`
    assumed : whether it was generated from the winding's outline rather than taken from the real casing

    Raises
    ------
    ValueError : wrong shapes, a point that is not finite, an index without a point
    """

    points: Array
    triangles: NDArray[np.int32]
    assumed: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", finite_points(self.points, "casing points"))
        triangles = np.array(self.triangles, dtype=np.int32)
        if triangles.ndim != 2 or triangles.shape[1] != 3:
            raise ValueError(f"casing triangles must have shape (k, 3), not {triangles.shape}")
        if triangles.size and (triangles.min() < 0 or triangles.max() >= len(self.points)):
            raise ValueError(f"a casing triangle names a point that is not among the {len(self.points)}")
        triangles.setflags(write=False)
        object.__setattr__(self, "triangles", triangles)

    @property
    def size(self) -> Array:
        """(3,) extent along x, y and z, m."""
        extent: Array = np.ptp(self.points, axis=0)
        return extent


def plate(half_spacing: float, radius: float, thickness: float, bend: float = 0.0) -> Casing:
    """A closed slab round one winding or two: a disc, or a stadium whose halves are bent to the head.

    Its face lies at z = 0 (before bending) and its back at z = −thickness.

    Parameters
    ----------
    half_spacing : half the distance between the wings' axes, m; 0 for a round coil
    radius : of the rounded ends, m
    thickness : along z, m
    bend : angle of each half towards the head about the y axis, rad

    >>> plate(0.045, 0.05, 0.02).size.round(3).tolist()
    [0.19, 0.1, 0.02]
    """
    x, y = _stadium_grid(half_spacing, radius)
    rows, columns = x.shape
    x, y = x.ravel(), y.ravel()
    side = np.sign(np.where(np.abs(x) < 1e-12, 0.0, x))
    sheets = []
    for z in (0.0, -thickness):
        # On the crease the two halves meet in a mitre.
        bent_x = np.where(side == 0, 0.0, x * np.cos(bend) - side * z * np.sin(bend))
        bent_z = np.where(side == 0, z / np.cos(bend), np.abs(x) * np.sin(bend) + z * np.cos(bend))
        sheets.append(np.stack([bent_x, y, bent_z], -1))
    face, rim = _grid_triangles(rows, columns)
    back = face[:, ::-1] + rows * columns
    walls = _wall_triangles(rim, rows * columns)
    return Casing(points=np.concatenate(sheets), triangles=np.concatenate([face, back, walls]), assumed=True)


def _stadium_grid(half_spacing: float, radius: float) -> tuple[Array, Array]:
    """x and y of a (stations, columns) grid over the stadium; one row of stations lies at x = 0."""
    turn = np.linspace(0.02, np.pi / 2, 10)
    end = half_spacing + radius * np.cos(turn)
    straight = np.linspace(0, half_spacing, 5)[:-1] if half_spacing > 0 else np.zeros(0)
    right = np.concatenate([straight, end[::-1]])
    half_width = np.concatenate([np.full(len(straight), radius), radius * np.sin(turn[::-1])])
    stations = np.concatenate([-right[:0:-1], right])
    widths = np.concatenate([half_width[:0:-1], half_width])
    x, share = np.meshgrid(stations, np.linspace(-1, 1, 9), indexing="ij")
    return x, share * widths[:, None]


def _grid_triangles(rows: int, columns: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Triangles of a grid of points, facing +z where x grows by row and y by column, and its rim in order."""
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    triangles = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], -2).reshape(-1, 3)
    rim = np.concatenate([index[:, 0], index[-1, 1:], index[-2::-1, -1], index[0, -2:0:-1]])
    return triangles, rim


def _wall_triangles(rim: NDArray[np.int32], offset: int) -> NDArray[np.int32]:
    """Triangles between a rim and the same rim `offset` points later, facing outwards."""
    after = np.roll(rim, -1)
    walls = [np.stack([rim, rim + offset, after], -1), np.stack([after, rim + offset, after + offset], -1)]
    return np.concatenate(walls).astype(np.int32)
