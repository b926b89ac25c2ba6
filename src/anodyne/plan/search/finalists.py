"""The best placements by reciprocity, looked at more closely: focality, ceilings elsewhere, misplacement."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anodyne.coil import Coil, Pose
from anodyne.errors import PlacementRefused
from anodyne.field import ExteriorField, FieldModel, mean, percentile, placement_components
from anodyne.head import Head, TargetSite, Tissue, find_target, place_target
from anodyne.plan.plan import Objective
from anodyne.plan.search.goal import EYES, SCALP, Ceiling, Goal
from anodyne.plan.search.placement import Candidates
from anodyne.plan.search.robustness import Rest, expected_scores
from anodyne.progress import SILENT, Progress
from anodyne.units import degree, mm

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

FINALISTS = 12
"""Placements that are looked at by a full solve each."""

FINALISTS_MISPLACED, MISPLACED_DRAWS = 32, 128
"""Placements whose expected score is found, and misplacements of each."""

APART, TURNED_APART = 3 * mm, 15 * degree
"""Two placements nearer than both of these count as one; so do opposite handles."""

NEARLY_AS_GOOD, AS_GOOD = 0.01, 2e-4

REST_BEYOND = 2.0
"""The rest of the grey matter begins at so many radii of the target's region."""

Magnitudes = Callable[[Coil, Floats], Floats]
"""A coil and (n, 4, 4) poses to |E|, V/m, at the m points that are watched: (n, m)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Watched:
    """Points at which \\|E\\| is wanted, and what they belong to.

    Attributes
    ----------
    weights : (m,) volume or area that each point stands for
    target, rest : indices of the points in the target's region, and of the grey matter further than two of the region's
        radii from the target
    elsewhere : for each ceiling, the indices of its points
    """

    weights: Floats
    target: Indices
    rest: Indices
    elsewhere: tuple[Indices, ...]

    def focality(self, magnitude: Floats) -> float:
        """Mean \\|E\\| over the target relative to the 99.9th percentile of \\|E\\| in the rest of the grey matter."""
        at_target = float(mean(magnitude[self.target], self.weights[self.target]))
        return at_target / percentile(magnitude[self.rest], self.weights[self.rest], 0.999)

    def readings(self, ceilings: tuple[Ceiling, ...], magnitudes: Floats) -> Floats:
        """What each ceiling limits, (n, c) V/m, for \\|E\\| (n, m)."""
        found = np.zeros((len(magnitudes), len(ceilings)))
        for n, (ceiling, points) in enumerate(zip(ceilings, self.elsewhere, strict=True)):
            weights = self.weights[points]
            for row, magnitude in enumerate(magnitudes[:, points]):
                high = ceiling.where in (SCALP, EYES)
                found[row, n] = percentile(magnitude, weights, 0.999) if high else mean(magnitude, weights)
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Finalists:
    """The placements that were looked at more closely.

    Attributes
    ----------
    index : (n,) which of the candidates they are
    value : (n,) the objective: focality (a ratio), or V/m
    readings : (n, c) what each ceiling limits, V/m
    allowed : (n,) whether every ceiling is kept
    best : index of the candidate to take
    """

    index: Indices
    value: Floats
    readings: Floats
    allowed: NDArray[np.bool_]
    best: int

    @property
    def best_value(self) -> float:
        """The objective at the placement to take."""
        return float(self.value[np.flatnonzero(self.index == self.best)[0]])

    @property
    def best_readings(self) -> Floats:
        """(c,) what each ceiling limits there, V/m."""
        return np.asarray(self.readings[np.flatnonzero(self.index == self.best)[0]])


def judged(
    model: FieldModel,
    rest: Rest,
    goal: Goal,
    candidates: Candidates,
    scored: tuple[Floats, ExteriorField],
    progress: Progress = SILENT,
) -> Finalists:
    """The best candidates by score, judged by what the goal asks for beyond it.

    Where a ceiling lies on a named region, candidates whose mean field there is above it are left out first: that
    field is known for all of them by reciprocity.

    Parameters
    ----------
    scored : (n,) score of every candidate, V/m, and the exterior field it came from

    Raises
    ------
    PlacementRefused : no candidate looked at keeps below the ceilings, or a ceiling lies where this head has nothing
    """
    score, exterior = scored
    sites = ceiling_sites(rest.head, goal.ceilings)
    ranked = np.where(score > 0, score, -np.inf)  # a field against the wanted direction is none
    for ceiling, site in zip(goal.ceilings, sites, strict=True):
        if site is not None:
            there = _mean_fields(model, rest.coil, goal, site, candidates, progress)
            ranked[_above(ceiling, there)] = -np.inf
    if not np.isfinite(ranked).any():
        limits = " and ".join(ceiling.in_words for ceiling in goal.ceilings)
        raise PlacementRefused(
            f"no placement tried keeps {limits}; raise a ceiling, lower the intensity or choose another coil"
        )
    misplacing = goal.objective is Objective.EXPECTED_MAGNITUDE
    index = _distinct(candidates, ranked, FINALISTS_MISPLACED if misplacing else FINALISTS)
    value = score[index]
    if misplacing:
        meant = candidates.head_from_coil[index], candidates.scalp_point[index]
        value = expected_scores(exterior, rest, goal, meant, MISPLACED_DRAWS, progress)
        keep = np.argsort(value)[::-1][:FINALISTS]
        index, value = index[keep], value[keep]
    readings = np.zeros((len(index), 0))
    if goal.ceilings or goal.objective is Objective.FOCALITY:
        tetrahedra, watched = watch(rest.head, goal, sites)
        magnitudes = full_solves(model, tetrahedra, goal.di_dt, progress)(rest.coil, candidates.head_from_coil[index])
        value = np.array([watched.focality(one) for one in magnitudes]) if _is_focality(goal) else value
        readings = watched.readings(goal.ceilings, magnitudes)
    allowed = np.all(readings <= [ceiling.limit for ceiling in goal.ceilings], axis=1)
    _refuse_unless_any(allowed, readings, goal)
    order = handle_first(candidates.chosen(index), np.where(allowed, value, -np.inf))
    return Finalists(index=index, value=value, readings=readings, allowed=allowed, best=int(index[order[0]]))


def _is_focality(goal: Goal) -> bool:
    return goal.objective is Objective.FOCALITY


def full_solves(model: FieldModel, tetrahedra: Indices, di_dt: float, progress: Progress = SILENT) -> Magnitudes:
    """|E| in some tetrahedra by one full solve for each pose.

    Parameters
    ----------
    di_dt : rate of change of the coil current, A/s
    """

    def magnitudes(coil: Coil, head_from_coil: Floats) -> Floats:
        result = np.empty((len(head_from_coil), len(tetrahedra)))
        with progress.stage("look at the best placements", len(head_from_coil)) as advance:
            for row, matrix in zip(result, head_from_coil, strict=True):
                row[:] = model.solve(coil, Pose(head_from_coil=matrix), di_dt).magnitude[tetrahedra]
                advance(1)
        return result

    return magnitudes


def watch(head: Head, goal: Goal, sites: tuple[TargetSite | None, ...]) -> tuple[Indices, Watched]:
    """The tetrahedra in which |E| is wanted for a goal, and what they belong to.

    Parameters
    ----------
    sites : for each ceiling its target's place in the head; None for scalp and eyes
    """
    mesh = head.mesh
    away = np.linalg.norm(mesh.barycentres - goal.site.position, axis=1)
    grey = mesh.tissue == Tissue.GREY_MATTER
    regions = [goal.site.region, np.flatnonzero(grey & (away > REST_BEYOND * goal.site.target.radius))]
    for ceiling, site in zip(goal.ceilings, sites, strict=True):
        tissue = Tissue.SCALP if ceiling.where == SCALP else Tissue.EYES
        regions.append(np.flatnonzero(mesh.tissue == tissue) if site is None else site.region)
    tetrahedra = np.unique(np.concatenate(regions))
    target, rest, *elsewhere = (np.searchsorted(tetrahedra, region) for region in regions)
    return tetrahedra, Watched(weights=mesh.volumes[tetrahedra], target=target, rest=rest, elsewhere=tuple(elsewhere))


def handle_first(candidates: Candidates, value: Floats) -> Indices:
    """Candidates from the best to the worst; of nearly equal ones those whose handle points away from the face first.

    A handle towards the face costs a candidate one per cent; among those within 0.02 % of the best the one
    that points furthest from the face is first.
    """
    forwards = -candidates.head_from_coil[:, 1, 1]
    cost = np.where(value > 0, 1 - NEARLY_AS_GOOD, 1 + NEARLY_AS_GOOD)
    rank = np.where(forwards > 1e-9, cost * value, value)
    order = np.argsort(-rank, kind="stable")
    equal = np.flatnonzero(rank[order] >= (1 - AS_GOOD) * rank[order[0]])
    order[equal] = order[equal][np.argsort(forwards[order[equal]], kind="stable")]
    return order


def ceiling_sites(head: Head, ceilings: tuple[Ceiling, ...]) -> tuple[TargetSite | None, ...]:
    """For each ceiling its target's place in a head; None for scalp and eyes.

    Raises
    ------
    PlacementRefused : the head has no such place
    UnknownName : no target of that name
    """
    sites: list[TargetSite | None] = []
    for ceiling in ceilings:
        if ceiling.where in (SCALP, EYES):
            tissue = Tissue.SCALP if ceiling.where == SCALP else Tissue.EYES
            if not (head.mesh.tissue == tissue).any():
                raise PlacementRefused(
                    f"the head {head.name} has no {ceiling.where}, so no ceiling can lie there; leave that one out"
                )
            sites.append(None)
        else:
            sites.append(place_target(head, find_target(ceiling.where)))
    return tuple(sites)


def _mean_fields(
    model: FieldModel, coil: Coil, goal: Goal, site: TargetSite, candidates: Candidates, progress: Progress
) -> Floats:
    """Length of the mean E over a region, (n,) V/m: never more than the mean of |E|."""
    volumes = model.mesh.volumes[site.region]
    adjoint = model.adjoint(site.region, volumes / volumes.sum(), np.eye(3), progress)
    there = placement_components(adjoint, coil, candidates.head_from_coil, goal.di_dt, progress=progress)
    return np.asarray(np.linalg.norm(there, axis=1))


def _above(ceiling: Ceiling, there: Floats) -> NDArray[np.bool_]:
    if there.min() > ceiling.limit:
        raise PlacementRefused(
            f"every placement tried has a mean field in {ceiling.where} above {ceiling.limit:g} V/m, the least "
            f"{there.min():.3g} V/m; raise that ceiling, lower the intensity or choose another coil"
        )
    return there > ceiling.limit


def _distinct(candidates: Candidates, ranked: Floats, count: int) -> Indices:
    """The best `count` candidates of which no two are nearly one, opposite handles taken for one."""
    axes = candidates.head_from_coil[:, :3, 1]
    chosen: list[int] = []
    for index in handle_first(candidates, ranked):
        if not np.isfinite(ranked[index]) or len(chosen) == count:
            break
        near = np.linalg.norm(candidates.scalp_point[chosen] - candidates.scalp_point[index], axis=1) < APART
        alike = np.abs(axes[chosen] @ axes[index]) > np.cos(TURNED_APART)
        if not (near & alike).any():
            chosen.append(int(index))
    return np.array(chosen, dtype=np.int64)


def _refuse_unless_any(allowed: NDArray[np.bool_], readings: Floats, goal: Goal) -> None:
    if allowed.any():
        return
    least = int(np.argmin((readings / [ceiling.limit for ceiling in goal.ceilings]).max(axis=1)))
    found = ", ".join(
        f"{ceiling.where} {reading:.3g} V/m" for ceiling, reading in zip(goal.ceilings, readings[least], strict=True)
    )
    limits = " and ".join(ceiling.in_words for ceiling in goal.ceilings)
    raise PlacementRefused(
        f"none of the {len(readings)} best placements keeps {limits}: the mildest gives {found}; raise the ceiling, "
        "lower the intensity or choose another coil"
    )
