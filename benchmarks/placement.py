"""Placements on the embedded head: found, scored, misplaced; how fast, and how far from the nodes' own sum."""

from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter, process_time

import numpy as np
from numpy.typing import NDArray

from anodyne.coil import Coil, Pose, find_coil
from anodyne.field import AdjointSources, ExteriorField, FieldModel, placement_components
from anodyne.head import Head, find_target, place_target, template_head
from anodyne.plan import (
    POSE_ERRORS,
    Candidates,
    Goal,
    Rest,
    SearchGrid,
    SteeringGrid,
    array_fields,
    candidate_placements,
    planar_five,
    rest_array,
    robustness,
    search_placement,
    steer,
)
from anodyne.plan.search.scoring import Scorer
from anodyne.units import A_per_us, degree, mm, us
from benchmarks.report import Row

REPEATS = 5
DI_DT = 1 * A_per_us
COILS = ("magstim-70mm", "magventure-cool-d-b80")
EXACT = 20
"""Candidates whose score is summed over all nodes and elements, some seconds each."""

ADM = "SimNIBS ADM ≥ 2,360 per s on a laptop (Gomez 2021)"


def rows() -> Iterator[Row]:
    """Every number of this topic."""
    head = template_head()
    goal = Goal(site=place_target(head, find_target("right-dlpfc")), di_dt=DI_DT)
    model = FieldModel(head.mesh)
    volumes = model.mesh.volumes[goal.site.region]
    shares = volumes / volumes.sum()
    begin = perf_counter()
    adjoint = model.adjoint(goal.site.region, shares, np.eye(3))
    yield Row(name="adjoint solves, three directions", value=perf_counter() - begin, unit="s")
    for name in COILS:
        coil = find_coil(name)
        angles = np.asarray(np.arange(0, 360, 10) * degree, dtype=float)
        candidates = candidate_placements(head, coil, goal.site.position, SearchGrid(), angles)
        yield _placing(head, coil, goal, angles)
        yield from _scoring(adjoint, coil, goal, candidates)
        yield from _searching(model, head, coil, goal)
    yield from _steering(model, head)


def _timed(work: Callable[[], object], repeats: int = REPEATS) -> tuple[float, float]:
    """Median seconds, and processor seconds, of some work that was done once before."""
    work()
    seconds, processor = [], []
    for _ in range(repeats):
        begin, begin_processor = perf_counter(), process_time()
        work()
        seconds.append(perf_counter() - begin)
        processor.append(process_time() - begin_processor)
    return median(seconds), median(processor)


def _placing(head: Head, coil: Coil, goal: Goal, angles: NDArray[np.float64]) -> Row:
    found = candidate_placements(head, coil, goal.site.position, SearchGrid(), angles)
    seconds, processor = _timed(lambda: candidate_placements(head, coil, goal.site.position, SearchGrid(), angles))
    note = f"{len(found.angle)} candidates, {processor:.2f} processor seconds"
    return Row(
        name=f"candidates of {coil.name} placed without collision",
        value=len(found.angle) / seconds,
        unit="per s",
        note=note,
    )


def _scoring(adjoint: AdjointSources, coil: Coil, goal: Goal, candidates: Candidates) -> Iterator[Row]:
    count = len(candidates.angle)
    seconds, processor = _timed(lambda: Scorer(ExteriorField(adjoint), coil, goal).e_field(candidates))
    yield Row(
        name=f"candidates of {coil.name} scored, all angles of a position at once",
        value=count / seconds,
        unit="per s",
        target="≥ 5,000 per s",
        peer=ADM,
        note=f"{count} candidates, set-up of the exterior field included, {processor:.2f} processor seconds",
    )
    poses = candidates.head_from_coil
    seconds, processor = _timed(lambda: placement_components(adjoint, coil, poses, DI_DT), 3)
    yield Row(
        name=f"the same candidates of {coil.name}, pose by pose",
        value=count / seconds,
        unit="per s",
        peer=ADM,
        note=f"set-up included, {processor:.2f} processor seconds",
    )
    some = np.linspace(0, count - 1, EXACT).astype(int)
    exact = np.array([adjoint.component(coil, Pose(head_from_coil=poses[i]), DI_DT) for i in some])
    ways = {
        "turned": Scorer(ExteriorField(adjoint), coil, goal).e_field(candidates)[0][some],
        "pose by pose": placement_components(adjoint, coil, poses[some], DI_DT),
    }
    for way, fast in ways.items():
        yield from _errors(way, fast, exact, goal)


def _errors(way: str, fast: NDArray[np.float64], exact: NDArray[np.float64], goal: Goal) -> Iterator[Row]:
    """Worst errors of |E| and of the normal component against the sum over all nodes and elements."""
    lengths = np.linalg.norm(exact, axis=1)
    error = np.abs(np.linalg.norm(fast, axis=1) / lengths - 1).max()
    note = f"{way}, {len(exact)} candidates"
    yield Row(
        name="  worst error of |E| against the nodes' own sum", value=100 * error, unit="%", target="≤ 0.1 %", note=note
    )
    if goal.site.normal is not None:
        along, wanted = fast @ goal.site.normal, exact @ goal.site.normal
        error = np.abs(along - wanted).max() / np.abs(wanted).max()
        yield Row(name="  and of the normal component", value=100 * error, unit="%", target="≤ 0.4 %", note=note)


def _searching(model: FieldModel, head: Head, coil: Coil, goal: Goal) -> Iterator[Row]:
    begin = perf_counter()
    found = search_placement(model, head, coil, goal)
    seconds = perf_counter() - begin
    count = len(found.score)
    yield Row(
        name=f"a whole search with {coil.name}",
        value=seconds,
        unit="s",
        note=f"{count} placements, adjoint solves included; scoring {count / found.scoring_seconds:,.0f} per s",
    )
    rest = Rest(head=head, coil=coil, hair=SearchGrid().hair)
    point = found.candidates.scalp_point[found.best]
    for error in POSE_ERRORS:
        begin = perf_counter()
        kept = robustness(found.exterior, rest, goal, found.pose, point, error)
        seconds = perf_counter() - begin
        note = (
            f"{kept.placements} misplacements in {seconds:.2f} s; 5th percentile {kept.percentile_5 / kept.planned:.1%}"
        )
        yield Row(name=f"expected |E| with {error.label}", value=100 * kept.share, unit="% of planned", note=note)


def _steering(model: FieldModel, head: Head) -> Iterator[Row]:
    """Five coils above the right hand area, 100 V/m to the front at every place within 15 mm of their axis."""
    array = planar_five()
    pose = rest_array(head, array, place_target(head, find_target("right-m1-hand")), 0.0, SearchGrid().hair)
    begin = perf_counter()
    fields = array_fields(model, head, array, pose)
    yield Row(name="fields of five coils on the cortex", value=perf_counter() - begin, unit="s")
    for most in (np.inf, 1.2):
        grid = SteeringGrid(direction=(0.0, 1.0, 0.0), magnitude=100.0, most_elsewhere=most)
        begin = perf_counter()
        aims = steer(fields, array, grid)
        seconds = perf_counter() - begin
        reached = [one for one in aims if one.rates is not None]
        energies = [array.energy(one.rates * 300 * us / (2 * np.pi)) or 0 for one in aims if one.rates is not None]
        words = "" if np.isinf(most) else f", at most {most:.0%} elsewhere"
        note = f"{len(reached)} of {len(aims)} aims, median energy {np.median(energies):.0f} J, {seconds:.2f} s"
        off = float(np.mean([one.off_aim for one in reached])) / mm
        yield Row(name=f"summit of the field off the aim{words}", value=off, unit="mm on average", note=note)
