"""Surfaces as pictures: seen straight on from one side, each pixel with what lies nearest to the viewer."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from anodyne.units import mm

Floats = NDArray[np.float64]
Indices = NDArray[np.int32]

SUPERSAMPLING = 2
"""Each pixel is the mean of this many by this many rays, so that edges are smooth."""

AMBIENT = 0.42
LIGHT = np.array([-0.35, 0.45, 0.82])
"""Where the light comes from in the picture's right, up and viewer directions: over the left shoulder."""


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """A side from which something is looked at, without perspective.

    Attributes
    ----------
    label : for a picture's title
    looking, up : (3,) unit arrays, the direction of sight and the picture's upward direction, head space
    """

    label: str
    looking: Floats
    up: Floats

    @classmethod
    def along(cls, label: str, looking: ArrayLike, up: ArrayLike) -> "View":
        """The view in a direction of sight, with `up` made perpendicular to it."""
        sight = np.asarray(looking, dtype=float)
        sight = sight / np.linalg.norm(sight)
        above = np.asarray(up, dtype=float)
        above = above - (above @ sight) * sight
        return cls(label=label, looking=sight, up=above / np.linalg.norm(above))

    @property
    def right(self) -> Floats:
        """(3,) unit array, the picture's rightward direction."""
        return np.cross(self.looking, self.up)

    @property
    def frame(self) -> Floats:
        """(3, 3) array, rows: right, up, towards the viewer."""
        return np.stack([self.right, self.up, -self.looking])

    def of(self, points: ArrayLike) -> Floats:
        """(n, 3) points seen: rightwards, upwards, towards the viewer, m."""
        return np.asarray(points, dtype=float) @ self.frame.T

    def letters(self) -> tuple[str | None, str | None, str | None, str | None]:
        """Which side of the patient lies at the picture's left, right, bottom and top edge: L R P A I S.

        None where no side lies within 30 degrees of the edge's direction.

        >>> FROM_FRONT.letters()
        ('R', 'L', 'I', 'S')
        """
        left, right = (_side_of(sign * self.right) for sign in (-1, 1))
        bottom, top = (_side_of(sign * self.up) for sign in (-1, 1))
        return left, right, bottom, top


def _side_of(direction: Floats) -> str | None:
    axis = int(np.abs(direction).argmax())
    if abs(direction[axis]) < np.cos(np.pi / 6):
        return None
    return ("LR", "PA", "IS")[axis][int(direction[axis] > 0)]


FROM_LEFT = View.along("left side", [1, 0, 0], [0, 0, 1])
FROM_RIGHT = View.along("right side", [-1, 0, 0], [0, 0, 1])
FROM_ABOVE = View.along("from above", [0, 0, -1], [0, 1, 0])
FROM_FRONT = View.along("from the front", [0, -1, 0], [0, 0, 1])


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """The rectangle of a view that a picture shows.

    Attributes
    ----------
    view : from where
    low, high : (2,) arrays, its corners in the view's right and up, m
    pixel : edge of a pixel, m
    """

    view: View
    low: Floats
    high: Floats
    pixel: float

    @classmethod
    def around(cls, view: View, points: ArrayLike, *, margin: float = 7 * mm, pixel: float = 0.25 * mm) -> "Frame":
        """The frame that holds all `points`, (n, 3) m, and a margin."""
        seen = view.of(points)[:, :2]
        return cls(view=view, low=seen.min(axis=0) - margin, high=seen.max(axis=0) + margin, pixel=pixel)

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rays down and across."""
        across, down = np.ceil((self.high - self.low) / self.pixel).astype(int) * SUPERSAMPLING
        return int(down), int(across)

    @property
    def extent_mm(self) -> tuple[float, float, float, float]:
        """Left, right, bottom, top in mm, as matplotlib's imshow wants it."""
        return self.low[0] / mm, self.high[0] / mm, self.low[1] / mm, self.high[1] / mm

    def rays(self, points: ArrayLike) -> Floats:
        """(n, 3) points as column, row (from the top) and height towards the viewer (m)."""
        seen = self.view.of(points)
        step = self.pixel / SUPERSAMPLING
        return np.stack([(seen[:, 0] - self.low[0]) / step, (self.high[1] - seen[:, 1]) / step, seen[:, 2]], axis=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """What each ray of a frame meets first on a surface.

    Attributes
    ----------
    frame : the rectangle
    height : (rows, columns) array, towards the viewer, m; -inf where the ray meets nothing
    normal : (rows, columns, 3) array, in the view's right, up and viewer directions
    values : (rows, columns) array, what was given at the surface's points
    """

    frame: Frame
    height: Floats
    normal: Floats
    values: Floats

    @property
    def hit(self) -> NDArray[np.bool_]:
        """(rows, columns) whether the ray meets the surface."""
        return np.isfinite(self.height)

    @property
    def light(self) -> Floats:
        """(rows, columns) brightness from 0 to about 1, after Lambert."""
        towards = self.normal @ (LIGHT / np.linalg.norm(LIGHT))
        return np.asarray(AMBIENT + (1 - AMBIENT) * np.clip(towards, 0, 1))

    def shows(self, points: ArrayLike, slack: float = 2 * mm) -> NDArray[np.bool_]:
        """(n,) whether points lie before the surface, or at most `slack` (m) behind it."""
        column, row, height = self.frame.rays(points).T
        rows, columns = self.height.shape
        place = np.clip(row.astype(int), 0, rows - 1), np.clip(column.astype(int), 0, columns - 1)
        return np.asarray(height >= self.height[place] - slack)


def look(frame: Frame, points: Floats, triangles: Indices, normals: Floats, values: ArrayLike | None = None) -> Seen:
    """What a frame shows of a surface.

    Parameters
    ----------
    points, triangles : (n, 3) m and (k, 3)
    normals : (n, 3) outward, head space
    values : (n,) numbers carried along, e.g. \\|E\\| in V/m
    """
    carried = np.zeros(len(points)) if values is None else np.asarray(values, dtype=float)
    attributes = np.column_stack([normals @ frame.view.frame.T, carried])
    height = np.full(frame.shape, -np.inf)
    buffer = np.zeros((*frame.shape, 4))
    _rasterise(frame.rays(points), np.ascontiguousarray(triangles), attributes, height, buffer)
    normal = buffer[..., :3]
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    normal = normal / np.where(length > 0, length, 1)
    return Seen(frame=frame, height=height, normal=normal, values=buffer[..., 3])


def shaded(seen: Seen, colours: Floats, opacity: float = 1.0) -> Floats:
    """(rows, columns, 4) picture of a surface from colours (rows, columns, 3) or (3,), lit, transparent elsewhere."""
    picture = np.zeros((*seen.height.shape, 4))
    picture[..., :3] = np.clip(np.broadcast_to(colours, (*seen.height.shape, 3)) * seen.light[..., None], 0, 1)
    picture[..., 3] = np.where(seen.hit, opacity, 0.0)
    return picture


def averaged(picture: Floats) -> Floats:
    """The (rows, columns, 4) picture with its rays averaged into pixels, colours weighted by opacity."""
    rows, columns = (n // SUPERSAMPLING for n in picture.shape[:2])
    blocks = picture.reshape(rows, SUPERSAMPLING, columns, SUPERSAMPLING, 4).swapaxes(1, 2)
    blocks = blocks.reshape(rows, columns, -1, 4)
    opacity = blocks[..., 3].mean(axis=2)
    weighted = (blocks[..., :3] * blocks[..., 3:]).mean(axis=2)
    colour = weighted / np.where(opacity > 0, opacity, 1)[..., None]
    return np.concatenate([colour, opacity[..., None]], axis=-1)


@njit(cache=True)
def _rasterise(rays: Floats, triangles: Indices, attributes: Floats, height: Floats, buffer: Floats) -> None:
    """Fill a depth buffer and what it carries; corners are column, row, height."""
    rows, columns = height.shape
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy = rays[b, 0] - rays[a, 0], rays[b, 1] - rays[a, 1]
        vx, vy = rays[c, 0] - rays[a, 0], rays[c, 1] - rays[a, 1]
        twice = ux * vy - uy * vx
        if twice == 0:
            continue
        first_column = max(0, int(np.ceil(min(rays[a, 0], rays[b, 0], rays[c, 0]) - 0.5)))
        last_column = min(columns - 1, int(np.floor(max(rays[a, 0], rays[b, 0], rays[c, 0]) - 0.5)))
        first_row = max(0, int(np.ceil(min(rays[a, 1], rays[b, 1], rays[c, 1]) - 0.5)))
        last_row = min(rows - 1, int(np.floor(max(rays[a, 1], rays[b, 1], rays[c, 1]) - 0.5)))
        for row in range(first_row, last_row + 1):
            for column in range(first_column, last_column + 1):
                px, py = column + 0.5 - rays[a, 0], row + 0.5 - rays[a, 1]
                wb, wc = (px * vy - py * vx) / twice, (ux * py - uy * px) / twice
                wa = 1 - wb - wc
                if wa < 0 or wb < 0 or wc < 0:
                    continue
                here = wa * rays[a, 2] + wb * rays[b, 2] + wc * rays[c, 2]
                if here > height[row, column]:
                    height[row, column] = here
                    for k in range(attributes.shape[1]):
                        buffer[row, column, k] = wa * attributes[a, k] + wb * attributes[b, k] + wc * attributes[c, k]
