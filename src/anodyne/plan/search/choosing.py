"""The best placement of a coil for a target, found by reciprocity among thousands."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anodyne.coil import Coil, Pose
from anodyne.errors import PlacementRefused
from anodyne.field import ExteriorField, FieldModel
from anodyne.head import Head
from anodyne.plan.search.finalists import Finalists, ceiling_sites, handle_first, judged
from anodyne.plan.search.goal import Goal
from anodyne.plan.search.placement import (
    Candidates,
    SearchGrid,
    candidate_placements,
    resting_candidates,
)
from anodyne.plan.search.robustness import Rest
from anodyne.plan.search.scoring import Scorer, Turned
from anodyne.progress import SILENT, Progress

Floats = NDArray[np.float64]

EXACT_POSITIONS = 8
"""At so many of the best scalp positions the handle's angle is solved for."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchResult:
    """Every placement tried and what it does at the target.

    Attributes
    ----------
    candidates : the placements
    e_field : (n, 3) array, mean E over the target at the di_dt of the search, V/m
    score : (n,) array, what reciprocity gives for the objective, V/m, as `Goal.score`
    first_grid : how many of them belong to the first grid; the rest refine about its best
    scoring_seconds : spent on scoring, adjoint solves not included
    exterior : of the target's adjoint, for whoever wants more placements scored
    finalists : those that were looked at more closely, where the goal asks for that
    """

    candidates: Candidates
    e_field: Floats
    score: Floats
    first_grid: int
    scoring_seconds: float
    exterior: ExteriorField
    finalists: Finalists | None = None

    @property
    def best(self) -> int:
        """Index of the placement to take: the best finalist, or else the highest score; of nearly equal ones the
        one whose handle points away from the face, since turning a coil by 180° changes only the sign of E. Where a
        direction is wanted the sign counts, and the opposite handle is no nearly equal one."""
        if self.finalists is not None:
            return self.finalists.best
        return int(handle_first(self.candidates, self.score)[0])

    @property
    def pose(self) -> Pose:
        """The best placement."""
        return Pose(head_from_coil=self.candidates.head_from_coil[self.best])


def search_placement(
    model: FieldModel,
    head: Head,
    coil: Coil,
    goal: Goal,
    grid: SearchGrid | None = None,
    progress: Progress = SILENT,
) -> SearchResult:
    """Score every placement of a grid about the target, then a finer grid about the best, then solve for the angle.

    Raises
    ------
    PlacementRefused : the coil cannot rest anywhere near the target, no placement drives the field towards the wanted
        direction, or none keeps below the goal's ceilings
    """
    grid = grid if grid is not None else SearchGrid()
    ceiling_sites(head, goal.ceilings)  # refused before the work
    region = goal.site.region
    volumes = model.mesh.volumes[region]
    adjoint = model.adjoint(region, volumes / volumes.sum(), np.eye(3), progress)
    scorer = Scorer(ExteriorField(adjoint), coil, goal, progress)
    rest = Rest(head=head, coil=coil, hair=grid.hair)
    angles = np.arange(0, 2 * np.pi - 1e-9, grid.angle_step)
    with progress.stage("find placements"):
        coarse = candidate_placements(head, coil, goal.site.position, grid, angles)
    first, turned = scorer.e_field(coarse)
    best = int(np.argmax(goal.score(first)))
    with progress.stage("find placements"):
        finer = replace(grid, radius=grid.spacing, spacing=grid.spacing / 3)
        around = angles if turned is not None else _finer_angles(coarse.angle[best], grid.angle_step)
        fine = candidate_placements(head, coil, coarse.scalp_point[best], finer, around)
    second, turned = scorer.e_field(fine)
    sets, fields = [coarse, _renumbered(fine, coarse)], [first, second]
    if turned is not None:
        exact = _exact(rest, goal, fine, second, turned)
        sets.append(_renumbered(exact, coarse))
        fields.append(turned.at(exact.position, exact.angle, exact.lift))
    e_field = np.concatenate(fields)
    result = SearchResult(
        candidates=Candidates.joined(sets),
        e_field=e_field,
        score=goal.score(e_field),
        first_grid=len(first),
        scoring_seconds=scorer.seconds,
        exterior=scorer.exterior,
    )
    if result.score.max() <= 0:
        raise PlacementRefused(
            "no placement tried drives any field at the target the way that is wanted; choose another direction"
        )
    if not goal.is_judged:
        return result
    finalists = judged(model, rest, goal, result.candidates, (result.score, scorer.exterior), progress)
    return replace(result, finalists=finalists)


def _exact(rest: Rest, goal: Goal, candidates: Candidates, e_field: Floats, turned: Turned) -> Candidates:
    """At the best scalp positions, the handle angle solved for, and the one opposite."""
    order = np.argsort(goal.score(e_field))[::-1]
    _, first = np.unique(candidates.position[order], return_index=True)
    positions = candidates.position[order][np.sort(first)][:EXACT_POSITIONS]
    index, angles = [], []
    for position in positions:
        members = np.flatnonzero(candidates.position == position)
        angle = turned.best_angle(candidates.chosen(members), goal)
        if angle is not None:
            index += [members[0], members[0]]
            angles += [angle % (2 * np.pi), (angle + np.pi) % (2 * np.pi)]
    normals = -candidates.head_from_coil[index, :3, 2]
    found = resting_candidates(rest.head, rest.coil, candidates.scalp_point[index], normals, angles, rest.hair)
    found = replace(found, position=candidates.position[index][found.position])
    return found.chosen(turned.reaches(found.position, found.lift))


def _finer_angles(best: float, step: float) -> Floats:
    """Angles about the best one and about its opposite, a fifth of a step apart."""
    around = best + step * np.arange(-4, 5) / 5
    return np.concatenate([around, around + np.pi])


def _renumbered(candidates: Candidates, after: Candidates) -> Candidates:
    """The candidates with positions numbered on from those of others."""
    return replace(candidates, position=candidates.position + after.position.max() + 1)
