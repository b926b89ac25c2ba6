"""What is left of a plan when the coil is not quite where it should be."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anodyne.coil import Coil, Pose
from anodyne.errors import PlacementRefused
from anodyne.field import ExteriorField, placement_components
from anodyne.head import Head
from anodyne.plan.search.contact import resting_lift
from anodyne.plan.search.goal import Goal
from anodyne.plan.search.placement import casing_points, onto_scalp
from anodyne.plan.search.pose_error import PoseError, Robustness
from anodyne.progress import SILENT, Progress

Floats = NDArray[np.float64]

PLACEMENTS, PLACEMENTS_OF_SAMPLES = 1024, 128
"""Misplacements that a distribution is summed up from, for coils made of elements and for those known by samples."""

LOW = 0.05

FEWEST = 20
"""So many misplacements must find a rest before one in twenty of them says anything."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Rest:
    """On what a coil rests, and how: what misplacing it needs to know.

    Attributes
    ----------
    head, coil : what their names say
    hair : distance kept between scalp and casing, m
    """

    head: Head
    coil: Coil
    hair: float


def misplaced(rest: Rest, pose: Pose, scalp_point: Floats, errors: Floats) -> Floats:
    """The poses of a coil that was meant to be at `pose`, (n, 4, 4) matrices, those left out that find no rest.

    The coil slips along the scalp, lies flat on it there, tilts, turns, and is held as close to the head as its casing
    and the hair allow: it never enters the scalp.

    Parameters
    ----------
    scalp_point : (3,) the scalp under the coil's centre where it was meant to be, m
    errors : (n, 5) as `PoseError.drawn` gives them
    """
    meant = pose.rotation
    points, normals = onto_scalp(rest.head, scalp_point + errors[:, :2] @ meant[:, :2].T)
    _, here = onto_scalp(rest.head, scalp_point[None])
    before = -here[0]  # the coil's axis as the scalp alone would have it
    flat = _turning_onto(before, -normals) @ meant
    rotations = flat @ _turned_by(np.pad(errors[:, 2:4], ((0, 0), (0, 1)))) @ _turned_by(_about_z(errors[:, 4]))
    lift = resting_lift(rest.head, casing_points(rest.coil), rotations, points, rest.hair)
    free = np.isfinite(lift)
    matrices = np.zeros((int(free.sum()), 4, 4))
    matrices[:, :3, :3] = rotations[free]
    matrices[:, :3, 3] = points[free] - lift[free, None] * rotations[free][:, :, 2]
    matrices[:, 3, 3] = 1
    return matrices


def robustness(
    exterior: ExteriorField, rest: Rest, goal: Goal, pose: Pose, scalp_point: Floats, error: PoseError
) -> Robustness:
    """The score of a goal when a coil meant to be at `pose` is misplaced by an error, by reciprocity.

    Parameters
    ----------
    exterior : of the adjoint of the goal's site
    scalp_point : (3,) the scalp under the coil's centre, m

    Raises
    ------
    PlacementRefused : too few of the misplaced coils find a rest on the head
    """
    count = PLACEMENTS if rest.coil.sources() else PLACEMENTS_OF_SAMPLES
    matrices = misplaced(rest, pose, scalp_point, error.drawn(count))
    if len(matrices) < FEWEST:
        raise PlacementRefused(
            f"only {len(matrices)} of {count} placements of {rest.coil.label} misplaced as with {error.label} find a "
            "rest on the head, too few to say what misplacing it costs; choose another coil or target"
        )
    poses = np.concatenate([pose.head_from_coil[None], matrices])
    scores = goal.score(placement_components(exterior, rest.coil, poses, goal.di_dt))
    return Robustness(
        error=error,
        drawn=count,
        placements=len(matrices),
        planned=float(scores[0]),
        expected=float(scores[1:].mean()),
        percentile_5=float(np.quantile(scores[1:], LOW)),
    )


def expected_scores(
    exterior: ExteriorField,
    rest: Rest,
    goal: Goal,
    meant: tuple[Floats, Floats],
    draws: int,
    progress: Progress = SILENT,
) -> Floats:
    """Mean score of each of several placements under the goal's own pose error, (n,) V/m.

    Taken over the misplacements that find a rest on the head; 0 where none does.

    Parameters
    ----------
    meant : (n, 4, 4) matrices and (n, 3) the scalp under each coil's centre, m
    draws : misplacements of each

    Raises
    ------
    ValueError : a goal without a pose error
    """
    if goal.error is None:
        raise ValueError("this goal says nothing of how the coil will be misplaced")
    errors = goal.error.drawn(draws)
    found = [misplaced(rest, Pose(head_from_coil=matrix), point, errors) for matrix, point in zip(*meant, strict=True)]
    scores = goal.score(placement_components(exterior, rest.coil, np.concatenate(found), goal.di_dt, progress=progress))
    ends = np.cumsum([len(part) for part in found])
    return np.array([part.mean() if len(part) else 0.0 for part in np.split(scores, ends[:-1])])


def _about_z(angles: Floats) -> Floats:
    return np.stack([0 * angles, 0 * angles, angles], axis=1)


def _turned_by(vectors: Floats) -> Floats:
    """Rotations (n, 3, 3) about vectors (n, 3) by their lengths, rad (Rodrigues' formula)."""
    angle = np.linalg.norm(vectors, axis=1)
    axis = vectors / np.maximum(angle, 1e-300)[:, None]
    cross = np.zeros((len(vectors), 3, 3))
    cross[:, [2, 0, 1], [1, 2, 0]] = axis
    cross[:, [1, 2, 0], [2, 0, 1]] = -axis
    return np.asarray(
        np.eye(3) + np.sin(angle)[:, None, None] * cross + (1 - np.cos(angle))[:, None, None] * (cross @ cross)
    )


def _turning_onto(before: Floats, after: Floats) -> Floats:
    """The shortest rotations (n, 3, 3) that turn one unit vector onto each of (n, 3) others."""
    axis = np.cross(before, after)
    sine = np.linalg.norm(axis, axis=1)
    angle = np.arctan2(sine, after @ before)
    return _turned_by(axis * (angle / np.maximum(sine, 1e-300))[:, None])
