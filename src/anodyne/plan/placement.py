"""Where a coil can sit on a scalp: tangential, as close as hair and casing allow, never through the skin."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anodyne.coil import Coil, Pose
from anodyne.errors import PlacementRefused
from anodyne.head import Head
from anodyne.units import degree, mm

Floats = NDArray[np.float64]

HAIR = 2 * mm
"""Default allowance between scalp and casing; an assumption, to be measured where it matters.
SimNIBS 4.5 allows 4 mm by default."""

NORMAL_REACH = 12 * mm
"""Scalp normals are taken across this reach, about what a coil's middle rests on."""

CONTACT_TOLERANCE = 0.05 * mm
LARGEST_LIFT = 80 * mm
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
    angle = np.tile(turns, len(points))
    rotations = np.stack([_rotation(normals[i], a) for i, a in zip(position, angle, strict=True)])
    lift = _resting_lift(head, casing_points(coil), rotations, points[position], grid.hair)
    possible = np.isfinite(lift)
    if not possible.any():
        raise PlacementRefused(
            f"{coil.label} cannot rest tangentially on the scalp within {grid.radius / mm:.0f} mm of "
            f"{np.round(np.asarray(centre) / mm).astype(int).tolist()} mm without its casing cutting the scalp; "
            "choose another coil or target"
        )
    matrices = np.zeros((len(angle), 4, 4))
    matrices[:, :3, :3] = rotations
    matrices[:, :3, 3] = points[position] - lift[:, None] * rotations[:, :, 2]
    matrices[:, 3, 3] = 1
    return Candidates(
        head_from_coil=matrices[possible],
        scalp_point=points[position][possible],
        position=position[possible],
        angle=angle[possible],
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
    count = int(np.ceil(radius / spacing)) + 1
    rows, columns = np.mgrid[-2 * count : 2 * count + 1, -2 * count : 2 * count + 1]
    plane = spacing * np.stack([columns + rows / 2, rows * np.sqrt(3) / 2], axis=-1).reshape(-1, 2)
    plane = plane[np.linalg.norm(plane, axis=1) <= radius * (1 + 1e-9)]
    points = middle + plane[:, :1] * across + plane[:, 1:] * along
    for _ in range(4):
        points = points - head.scalp_distance_at(points)[:, None] * _smooth_normals(head, points)
    return points, _smooth_normals(head, points)


def _smooth_normals(head: Head, points: Floats) -> Floats:
    """Outward unit normals (n, 3): how the distance to the scalp changes across `NORMAL_REACH` either way."""
    steps = NORMAL_REACH * np.eye(3)
    ahead, behind = (head.scalp_distance_at((points[:, None] + sign * steps).reshape(-1, 3)) for sign in (1, -1))
    slope = (ahead - behind).reshape(-1, 3)
    return np.asarray(slope / np.linalg.norm(slope, axis=1, keepdims=True))


def _rotation(normal: Floats, angle: float) -> Floats:
    """Coil axes as columns: z against the normal, y at an angle from the front, x = y × z."""
    into = -normal
    front = np.array([0.0, 1.0, 0.0])
    forward = front - (front @ into) * into
    if np.linalg.norm(forward) < 0.2:
        up = np.array([0.0, 0.0, 1.0])
        forward = up - (up @ into) * into
    forward /= np.linalg.norm(forward)
    left = np.cross(normal, forward)
    y = np.cos(angle) * forward + np.sin(angle) * left
    return np.column_stack([np.cross(y, into), y, into])


def casing_points(coil: Coil) -> Floats:
    """Points on the coil's casing no further than 5 mm apart, (n, 3), coil frame, m.

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
    return points[np.sort(chosen)]


def _resting_lift(head: Head, casing: Floats, rotations: Floats, points: Floats, hair: float) -> Floats:
    """Least height of each coil's centre above its scalp point at which the whole casing clears the hair, m.

    A distance grows by no more than the way travelled, so lifting by what is missing never overshoots
    the first height that is free (sphere tracing, Hart 1996, Visual Computer 12:527). Infinite where
    none is found within 80 mm.
    """
    lift = np.full(len(points), hair)
    clearance = np.full(len(points), -np.inf)
    moving = np.arange(len(points))
    for _ in range(60):
        if len(moving) == 0:
            break
        for block in np.array_split(moving, max(1, len(moving) * len(casing) // 500_000)):
            placed = np.einsum("nij,kj->nki", rotations[block], casing)
            placed += (points[block] - lift[block, None] * rotations[block][:, :, 2])[:, None]
            clearance[block] = head.scalp_distance_at(placed.reshape(-1, 3)).reshape(len(block), -1).min(axis=1)
        missing = hair - clearance[moving]
        lift[moving] += np.maximum(missing, 0)
        moving = moving[(missing > CONTACT_TOLERANCE) & (lift[moving] < LARGEST_LIFT)]
    return np.where((clearance >= hair - 2 * CONTACT_TOLERANCE) & (lift < LARGEST_LIFT), lift, np.inf)


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
