"""The best placement of a coil for a target, found by reciprocity among thousands."""

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from anodyne.coil import Coil, Pose
from anodyne.field import FieldModel, placement_components
from anodyne.head import Head, TargetSite
from anodyne.plan.placement import Candidates, SearchGrid, candidate_placements
from anodyne.plan.plan import Objective
from anodyne.progress import SILENT, Progress

Floats = NDArray[np.float64]

NEARLY_AS_GOOD = 0.01


@dataclass(frozen=True, kw_only=True, eq=False)
class Goal:
    """What a placement is to do.

    Attributes
    ----------
    site : where E is wanted
    di_dt : of the coil current, A/s, at which scores are given
    objective : which number of the mean E over the site is to be large
    """

    site: TargetSite
    di_dt: float
    objective: Objective = Objective.MAGNITUDE

    def score(self, e_field: Floats) -> Floats:
        """The objective for mean fields (n, 3) over the site, (n,) array, V/m."""
        if self.objective is Objective.MAGNITUDE or self.site.normal is None:
            return np.asarray(np.linalg.norm(e_field, axis=1))
        return np.asarray(np.abs(e_field @ self.site.normal))


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchResult:
    """Every placement tried and what it does at the target.

    Attributes
    ----------
    candidates : the placements
    e_field : (n, 3) array, mean E over the target at the di_dt of the search, V/m
    score : (n,) array, the objective, V/m
    first_grid : how many of them belong to the first grid; the rest refine about its best
    scoring_seconds : spent on scoring, adjoint solves not included
    """

    candidates: Candidates
    e_field: Floats
    score: Floats
    first_grid: int
    scoring_seconds: float

    @property
    def best(self) -> int:
        """Index of the placement to take: among those within 1 % of the highest score the one whose
        handle points furthest from the face, since turning a coil by 180° changes only the sign of E."""
        near = np.flatnonzero(self.score >= (1 - NEARLY_AS_GOOD) * self.score.max())
        forwards = -self.candidates.head_from_coil[near, 1, 1]
        return int(near[np.argmin(forwards)])

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
    """Score every placement of a grid about the target, then a finer grid about the best.

    Raises
    ------
    PlacementRefused : the coil cannot rest anywhere near the target
    """
    grid = grid if grid is not None else SearchGrid()
    region = goal.site.region
    volumes = model.mesh.volumes[region]
    adjoint = model.adjoint(region, volumes / volumes.sum(), np.eye(3), progress)
    with progress.stage("find placements"):
        angles = np.arange(0, 2 * np.pi - 1e-9, grid.angle_step)
        coarse = candidate_placements(head, coil, goal.site.position, grid, angles)
    begin = perf_counter()
    first = placement_components(adjoint, coil, coarse.head_from_coil, goal.di_dt, progress=progress)
    seconds = perf_counter() - begin
    best = int(np.argmax(goal.score(first)))
    finer = replace(grid, radius=grid.spacing, spacing=grid.spacing / 3)
    angles = _finer_angles(coarse.angle[best], grid.angle_step)
    fine = candidate_placements(head, coil, coarse.scalp_point[best], finer, angles)
    begin = perf_counter()
    second = placement_components(adjoint, coil, fine.head_from_coil, goal.di_dt, progress=progress)
    seconds += perf_counter() - begin
    e_field = np.concatenate([first, second])
    return SearchResult(
        candidates=_joined(coarse, fine),
        e_field=e_field,
        score=goal.score(e_field),
        first_grid=len(first),
        scoring_seconds=seconds,
    )


def _finer_angles(best: float, step: float) -> Floats:
    """Angles about the best one and about its opposite, a fifth of a step apart."""
    around = best + step * np.arange(-4, 5) / 5
    return np.concatenate([around, around + np.pi])


def _joined(one: Candidates, other: Candidates) -> Candidates:
    return Candidates(
        head_from_coil=np.concatenate([one.head_from_coil, other.head_from_coil]),
        scalp_point=np.concatenate([one.scalp_point, other.scalp_point]),
        position=np.concatenate([one.position, other.position + one.position.max() + 1]),
        angle=np.concatenate([one.angle, other.angle]),
    )
