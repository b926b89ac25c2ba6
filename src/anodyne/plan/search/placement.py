"""Where a coil can sit on a scalp: tangential, as close as hair and casing allow, never through the skin."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anodyne.coil import Coil, Pose
from anodyne.errors import PlacementRefused
from anodyne.head import Head
from anodyne.plan.search.contact import resting_lift
from anodyne.units import degree, mm

Floats = NDArray[np.float64]

HAIR = 2 * mm
"""Default allowance between scalp and casing; an assumption, to be measured where it matters.
SimNIBS 4.5 allows 4 mm by default."""

NORMAL_REACH = 12 * mm
"""Scalp normals are taken across this reach, about what a coil's middle rests on."""

CASING_SPACING = 5 * mm


@dataclass(frozen=True, kw_only=True)
class SearchGrid:
    """Which placements are tried.

    Attributes
    ----------
    radius, spacing : of the scalp positions about the target, m
    angle_step : between handle angles over the full circle, rad
    hair : distance kept between scalp and casing, m
    """

    radius: float = 20 * mm
    spacing: float = 4 * mm
    angle_step: float = 10 * degree
    hair: float = HAIR

    def __post_init__(self) -> None:
        for name in ("radius", "spacing", "angle_step"):
            if not getattr(self, name) > 0:
                raise ValueError(f"the search grid's {name} must be positive, not {getattr(self, name)}")
        if not 0 <= self.hair <= 50 * mm:
            raise ValueError(f"hair thickness must lie between 0 and 50 mm, not {self.hair / mm:g} mm")


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """Placements to choose from.

    Attributes
    ----------
    head_from_coil : (n, 4, 4) array of rigid matrices, m
    scalp_point : (n, 3) array, the scalp under each coil's centre, m
    position : (n,) array, which scalp position each belongs to
    angle : (n,) array, handle angle about the scalp normal, rad; 0 with y (away from the handle) to the
        front, counting towards the patient's left as seen from above the coil
    """

    head_from_coil: Floats
    scalp_point: Floats
    position: NDArray[np.int64]
    angle: Floats

    @property
    def lift(self) -> Floats:
        """(n,) height of each coil's centre above its scalp point, along the coil's own axis, m."""
        away = self.scalp_point - self.head_from_coil[:, :3, 3]
        return np.asarray((away * self.head_from_coil[:, :3, 2]).sum(axis=1))

    def chosen(self, which: ArrayLike) -> "Candidates":
        """Some of them, by index or by truth value."""
        index = np.asarray(which)
        return Candidates(
            head_from_coil=self.head_from_coil[index],
            scalp_point=self.scalp_point[index],
            position=self.position[index],
            angle=self.angle[index],
        )

    @classmethod
    def joined(cls, parts: Sequence["Candidates"]) -> "Candidates":
        """Several sets as one; the numbers of the positions stay as they are."""
        return cls(
            head_from_coil=np.concatenate([part.head_from_coil for part in parts]),
            scalp_point=np.concatenate([part.scalp_point for part in parts]),
            position=np.concatenate([part.position for part in parts]),
            angle=np.concatenate([part.angle for part in parts]),
        )


def candidate_placements(head: Head, coil: Coil, centre: ArrayLike, grid: SearchGrid, angles: ArrayLike) -> Candidates:
    """Placements about a point: every scalp position of a grid, at every handle angle.

    Parameters
    ----------
    centre : (3,) point on or in the head, m; positions gather about the scalp nearest to it
    grid : radius and spacing of the positions, and the hair that is allowed for
    angles : handle angles, rad

    Raises
    ------
    PlacementRefused : the casing cannot be brought to rest anywhere on that patch
    """
    points, normals = scalp_patch(head, centre, grid.radius, grid.spacing)
    turns = np.asarray(angles, dtype=float)
    position = np.repeat(np.arange(len(points)), len(turns))
    found = resting_candidates(head, coil, points[position], normals[position], np.tile(turns, len(points)), grid.hair)
    if not len(found.angle):
        raise PlacementRefused(
            f"{coil.label} cannot rest tangentially on the scalp within {grid.radius / mm:.0f} mm of "
            f"{np.round(np.asarray(centre) / mm).astype(int).tolist()} mm without its casing cutting the scalp; "
            "choose another coil or target"
        )
    return replace(found, position=position[found.position])


def resting_candidates(
    head: Head, coil: Coil, points: Floats, normals: Floats, angles: ArrayLike, hair: float
) -> Candidates:
    """Placements that rest on the hair over given scalp points, those left out that cannot.

    Parameters
    ----------
    points, normals : (n, 3) scalp points, m, and outward unit normals
    angles : (n,) handle angles, rad
    hair : distance kept between scalp and casing, m

    Returns
    -------
    placements whose `Candidates.position` is their place among the n
    """
    turns = np.asarray(angles, dtype=float)
    rotations = _rotations(normals, turns)
    lift = resting_lift(head, casing_points(coil), rotations, points, hair)
    possible = np.isfinite(lift)
    matrices = np.zeros((int(possible.sum()), 4, 4))
    matrices[:, :3, :3] = rotations[possible]
    matrices[:, :3, 3] = points[possible] - lift[possible, None] * rotations[possible][:, :, 2]
    matrices[:, 3, 3] = 1
    return Candidates(
        head_from_coil=matrices,
        scalp_point=points[possible],
        position=np.flatnonzero(possible),
        angle=turns[possible],
    )


def scalp_patch(head: Head, centre: ArrayLike, radius: float, spacing: float) -> tuple[Floats, Floats]:
    """Points on the scalp about the one nearest to `centre`, (n, 3) m, and outward normals, (n, 3).

    A hexagonal grid in the tangent plane is brought onto the scalp along the scalp's own distance.
    """
    vertices = np.asarray(head.scalp.points)
    nearest = np.linalg.norm(vertices - np.asarray(centre, dtype=float), axis=1).argmin()
    middle = vertices[nearest]
    normal = _smooth_normals(head, middle[None])[0]
    across = np.linalg.qr(np.column_stack([normal, np.eye(3)[np.abs(normal).argmin()]]))[0][:, 1]
    along = np.cross(normal, across)
    plane = hexagonal_grid(radius, spacing)
    points = middle + plane[:, :1] * across + plane[:, 1:] * along
    return onto_scalp(head, points)


def hexagonal_grid(radius: float, spacing: float) -> Floats:
    """The points of a hexagonal grid within a radius of the one at its middle, (n, 2) m, row by row."""
    count = int(np.ceil(radius / spacing)) + 1
    rows, columns = np.mgrid[-2 * count : 2 * count + 1, -2 * count : 2 * count + 1]
    plane = spacing * np.stack([columns + rows / 2, rows * np.sqrt(3) / 2], axis=-1).reshape(-1, 2)
    return np.asarray(plane[np.linalg.norm(plane, axis=1) <= radius * (1 + 1e-9)])


def onto_scalp(head: Head, points: Floats) -> tuple[Floats, Floats]:
    """The scalp along its own distance from (n, 3) points near it, (n, 3) m, and outward unit normals there, (n, 3)."""
    for _ in range(4):
        points = points - head.scalp_distance_at(points)[:, None] * _smooth_normals(head, points)
    return points, _smooth_normals(head, points)


def _smooth_normals(head: Head, points: Floats) -> Floats:
    """Outward unit normals (n, 3): how the distance to the scalp changes across `NORMAL_REACH` either way."""
    steps = NORMAL_REACH * np.eye(3)
    ahead, behind = (head.scalp_distance_at((points[:, None] + sign * steps).reshape(-1, 3)) for sign in (1, -1))
    slope = (ahead - behind).reshape(-1, 3)
    return np.asarray(slope / np.linalg.norm(slope, axis=1, keepdims=True))


def _rotations(normals: Floats, angles: Floats) -> Floats:
    """Coil axes as columns, (n, 3, 3): z against the normal, y at an angle from the front, x = y × z."""
    front, up = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    forward = front - (normals @ front)[:, None] * normals
    upward = up - (normals @ up)[:, None] * normals
    steep = np.linalg.norm(forward, axis=1, keepdims=True) < 0.2
    forward = np.where(steep, upward, forward)
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)
    left = np.cross(normals, forward)
    y = np.cos(angles)[:, None] * forward + np.sin(angles)[:, None] * left
    return np.stack([np.cross(y, -normals), y, -normals], axis=2)


@lru_cache(maxsize=8)
def casing_points(coil: Coil) -> Floats:
    """Points on the coil's casing no further than 5 mm apart, (n, 3), coil frame, m, read-only.

    A coil file without a casing is given the flat one its frame implies: its winding's outline on z = 0.
    """
    if coil.casing is None:
        flat = np.asarray(coil.outline).copy()
        flat[:, 2] = np.maximum(flat[:, 2], 0.0)
        return _thinned(flat)
    corners = np.asarray(coil.casing.points)[coil.casing.triangles]
    longest = max(np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(), CASING_SPACING)
    steps = int(np.ceil(longest / CASING_SPACING))
    u, v = np.array([(i / steps, j / steps) for i in range(steps + 1) for j in range(steps + 1 - i)]).T
    weights = np.stack([1 - u - v, u, v], axis=1)
    return _thinned(np.concatenate([np.asarray(coil.casing.points), (weights @ corners).reshape(-1, 3)]))


def _thinned(points: Floats) -> Floats:
    _, chosen = np.unique(np.round(points / (0.5 * CASING_SPACING)).astype(int), axis=0, return_index=True)
    thinned = points[np.sort(chosen)]
    thinned.setflags(write=False)
    return thinned


def casing_clearance(head: Head, coil: Coil, pose: Pose) -> float:
    """Least distance of the casing from the scalp, m, negative where it cuts it."""
    return float(head.scalp_distance_at(pose.to_head(casing_points(coil))).min())


def winding_clearance(head: Head, coil: Coil, pose: Pose) -> float:
    """Least distance of the winding from the scalp, m."""
    return float(head.scalp_distance_at(pose.to_head(coil.outline)).min())


def handle_in_words(pose: Pose) -> str:
    """The handle's direction as an operator says it, from the patient's own left and right.

    >>> import numpy as np
    >>> handle_in_words(Pose(head_from_coil=np.array([[-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, 0.1], [0, 0, 0, 1.0]])))
    'the handle points straight to the back'
    """
    right, front, up = -pose.handle_direction
    parts = {"to the patient's right": right, "to the front": front, "upwards": up}
    opposite = {
        "to the patient's right": "to the patient's left",
        "to the front": "to the back",
        "upwards": "downwards",
    }
    named = sorted(
        ((abs(value), words if value > 0 else opposite[words]) for words, value in parts.items()), reverse=True
    )
    chosen = [(value, words) for value, words in named if value > np.sin(10 * degree)]
    if len(chosen) == 1:
        return f"the handle points straight {chosen[0][1]}"
    tilt = np.arctan2(chosen[1][0], chosen[0][0]) / degree
    return f"the handle points {chosen[0][1]}, turned {tilt:.0f}° {chosen[1][1]}"
