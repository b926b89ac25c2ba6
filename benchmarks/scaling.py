"""What it costs as it grows: tetrahedra of a mesh, placements on a head, heads of a cohort."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import TypeVar, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from anodyne.coil import Coil, Pose, find_coil
from anodyne.field import ExteriorField, FieldModel, Solver, find_solver, placement_components
from anodyne.head import (
    TetrahedralMesh,
    find_target,
    layered_sphere,
    place_target,
    read_mesh,
    template_head,
    write_mesh,
)
from anodyne.plan import Candidates, Goal, SearchGrid, candidate_placements
from anodyne.plan.search.scoring import Scorer
from anodyne.units import A_per_us, GiB, degree, mm
from benchmarks import cohort
from benchmarks.report import Point, Row, highest_memory, machine_sentence

RADII = (78 * mm, 80 * mm, 86 * mm, 92 * mm)
TISSUES = (2, 3, 4, 5)
EDGES = {
    "fem1": (8 * mm, 5.5 * mm, 4 * mm, 3 * mm, 2.25 * mm),
    "fem2": (8 * mm, 5.5 * mm, 4 * mm),
}
"""Of the spheres for each solver: from 0.14 to 3.98 million tetrahedra, and to 0.73 million."""

LARGE = 3.8e6
"""Tetrahedra from which the targets for 3.9 million hold."""

COIL = "magstim-70mm"
DI_DT = 1 * A_per_us
HEIGHT = 96 * mm
ENOUGH, MOST_REPEATS = 1.0, 5
"""Work is repeated until so many seconds are spent, at most so many times, and the median taken."""

SEARCH = SearchGrid(radius=40 * mm, spacing=2.4 * mm)
POSITIONS = (1, 10, 100, 1000)
POSES_ALONE = (10, 100, 1000)
SOLVES = (1, 2, 4, 8)
HEADS = (1, 2, 4)

TETRAHEDRA, PLACEMENTS, COHORT = "tetrahedra", "placements", "heads"
READ = "read binary .msh"
TOGETHER, ONE_BY_ONE = "full solves, poses together", "full solves, one by one"
TURNED, ALONE = "scored, all angles at once", "scored, pose by pose"

SIMNIBS = {"first field": {0.973e6: 8.5, 3.87e6: 38.2}, "next placement": {0.973e6: 4.6, 3.87e6: 23.0}}
"""Seconds of SimNIBS 4.5 by tetrahedra, on three-layer spheres, with BoomerAMG on one thread, its faster setting."""
SIMNIBS_WAY = "SimNIBS 4.5, one thread, 3.87 million"

ADM_RATE = 2_360
"""Placements per second of SimNIBS' ADM on a laptop, at least (Gomez et al. 2021, NeuroImage 228:117696)."""

Given = TypeVar("Given")
Result = TypeVar("Result")


def rows() -> Iterator[Row]:
    """Every number of this topic."""
    yield from _with_slopes(_tetrahedra())
    yield from _with_slopes(_placements())
    yield from _with_slopes(_heads())


def slope(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The power with which values grow with sizes: least squares on logarithms; NaN of fewer than two.

    >>> round(slope([1, 10, 100], [3, 300, 30_000]), 6)
    2.0
    """
    if len(sizes) < 2:
        return float("nan")
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def _with_slopes(measured: Iterator[Row]) -> Iterator[Row]:
    """The rows, and one with the slope of each curve among them."""
    curves: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in measured:
        yield row
        if row.point is not None:
            curves.setdefault((row.point.curve, row.point.along), []).append((row.point.size, row.value))
    for (curve, along), points in curves.items():
        note = f"least squares on log-log axes, {len(points)} sizes"
        yield Row(name=f"slope against {along}: {curve}", value=slope(*zip(*points, strict=True)), unit="", note=note)


@dataclass(frozen=True, kw_only=True)
class Seconds:
    """What some work takes: by the clock, and of all processors together."""

    clock: float
    processor: float


def _typical(work: Callable[[Given], Result], given: Callable[[], Given]) -> tuple[Seconds, Result]:
    """What some work takes, in the median, on what is made anew for each time; and what it gave last."""
    taken: list[Seconds] = []
    while not taken or (sum(one.clock for one in taken) < ENOUGH and len(taken) < MOST_REPEATS):
        result = None
        argument = given()
        begin, begin_processor = perf_counter(), process_time()
        result = work(argument)
        taken.append(Seconds(clock=perf_counter() - begin, processor=process_time() - begin_processor))
    typical = Seconds(clock=median(one.clock for one in taken), processor=median(one.processor for one in taken))
    return typical, cast(Result, result)


# Tetrahedra: each size in a process of its own, so that one's memory is not another's.


@dataclass(frozen=True, kw_only=True)
class SphereCost:
    """What one solver took for one sphere.

    Attributes
    ----------
    tetrahedra : in the mesh
    read : the file, from the system's memory of it
    first : from the mesh to E: assemble, set up, solve, E
    more : the next placement
    memory : highest use by the process until then, the file's reading included, bytes
    """

    tetrahedra: int
    read: Seconds
    first: Seconds
    more: Seconds
    memory: int


def _tetrahedra() -> Iterator[Row]:
    with TemporaryDirectory() as folder:
        for edge in EDGES["fem1"]:
            path = Path(folder) / "sphere.msh"
            write_sphere(path, edge)
            for solver, edges in EDGES.items():
                if edge in edges:
                    yield from _sphere_rows(solver, _in_own_process(sphere_cost, path, solver))


def _sphere_rows(solver: str, cost: SphereCost) -> Iterator[Row]:
    size = f"{cost.tetrahedra / 1e6:.2f} million tetrahedra"
    checked = solver == "fem1" and cost.tetrahedra >= LARGE

    def timed(curve: str, seconds: Seconds, target: str, peer: str) -> Row:
        return Row(
            name=f"{curve}, {size}",
            value=seconds.clock,
            unit="s",
            target=target if checked else "",
            peer=peer if checked else "",
            note=f"{seconds.processor:.3g} processor seconds",
            point=Point(curve=curve, along=TETRAHEDRA, size=cost.tetrahedra),
        )

    if solver == "fem1":
        yield timed(READ, cost.read, "≤ 5 s", "")
    yield timed(f"{solver}, first field", cost.first, "≤ 12 s", f"{SIMNIBS_WAY}: 38 s")
    yield timed(f"{solver}, next placement", cost.more, "≤ 3 s", f"{SIMNIBS_WAY}: 23 s")
    curve = f"{solver}, peak memory"
    yield Row(
        name=f"{curve}, {size}",
        value=cost.memory / GiB,
        unit="GiB",
        target="≤ 3 GiB" if checked else "",
        peer=f"{SIMNIBS_WAY}: 2.75 GiB" if checked else "",
        point=Point(curve=curve, along=TETRAHEDRA, size=cost.tetrahedra),
    )


def _in_own_process(work: Callable[..., Result], *arguments: object) -> Result:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        return alone.submit(work, *arguments).result()


def write_sphere(path: Path, edge: float) -> None:
    """A layered sphere as a binary mesh file."""
    write_mesh(path, layered_sphere(RADII, TISSUES, edge))


def sphere_cost(path: Path, solver: str) -> SphereCost:
    """What it costs to read a sphere and to solve it; programs are compiled before."""
    coil = find_coil(COIL)
    make = find_solver(solver).make
    here, there = _above_sphere(0.0), _above_sphere(30 * degree)

    def solved(mesh: TetrahedralMesh) -> Solver:
        model = make(mesh)
        model.solve(coil, here, DI_DT)
        return model

    with TemporaryDirectory() as folder:
        small = Path(folder) / "small.msh"
        write_sphere(small, 25 * mm)
        solved(read_mesh(small))
    read, mesh = _typical(read_mesh, lambda: path)
    tetrahedra = len(mesh.tetrahedra)
    del mesh
    first, model = _typical(solved, lambda: read_mesh(path))
    memory = highest_memory()
    more, _ = _typical(lambda pose: model.solve(coil, pose, DI_DT), lambda: there)
    return SphereCost(tetrahedra=tetrahedra, read=read, first=first, more=more, memory=memory)


def _above_sphere(angle: float) -> Pose:
    up = np.array([0.0, np.sin(angle), np.cos(angle)])
    return Pose.from_point_and_handle(HEIGHT * up, -up, [0, np.cos(angle), -np.sin(angle)])


# Placements on the embedded head: scored by reciprocity, and solved.


def _placements() -> Iterator[Row]:
    head = template_head()
    coil = find_coil(COIL)
    goal = Goal(site=place_target(head, find_target("right-dlpfc")), di_dt=DI_DT)
    angles = np.asarray(np.arange(0, 360, 10) * degree, dtype=float)
    candidates = candidate_placements(head, coil, goal.site.position, SEARCH, angles)
    model = FieldModel(head.mesh)
    yield from _scores(model, coil, goal, candidates)
    yield from _solves(model, coil, candidates)


def _scores(model: FieldModel, coil: Coil, goal: Goal, candidates: Candidates) -> Iterator[Row]:
    volumes = model.mesh.volumes[goal.site.region]
    adjoint = model.adjoint(goal.site.region, volumes / volumes.sum(), np.eye(3))

    def turned(some: Candidates) -> object:
        return Scorer(ExteriorField(adjoint), coil, goal).e_field(some)

    def alone(some: Candidates) -> object:
        return placement_components(adjoint, coil, some.head_from_coil, DI_DT)

    positions = np.unique(candidates.position)
    for curve, work, parts in (
        (TURNED, turned, [np.flatnonzero(np.isin(candidates.position, positions[:count])) for count in POSITIONS]),
        (ALONE, alone, [np.arange(count) for count in POSES_ALONE]),
    ):
        work(candidates.chosen(np.arange(10)))  # compiles
        for part in parts:
            seconds, _ = _typical(work, partial(candidates.chosen, part))
            yield _placement_row(curve, len(part), seconds)


def _solves(model: FieldModel, coil: Coil, candidates: Candidates) -> Iterator[Row]:
    spread = np.linspace(0, len(candidates.angle) - 1, max(SOLVES)).astype(int)
    poses = [Pose(head_from_coil=candidates.head_from_coil[one]) for one in spread]
    small = FieldModel(layered_sphere(RADII, TISSUES, 25 * mm))
    small.solve_many(coil, [_above_sphere(0.0)] * 2, DI_DT)  # compiles
    model.solve(coil, poses[0], DI_DT)
    total = Seconds(clock=0.0, processor=0.0)
    for count, pose in enumerate(poses, start=1):
        begin, begin_processor = perf_counter(), process_time()
        model.solve(coil, pose, DI_DT)
        total = Seconds(
            clock=total.clock + perf_counter() - begin, processor=total.processor + process_time() - begin_processor
        )
        if count in SOLVES:
            yield _placement_row(ONE_BY_ONE, count, total)
    for count in SOLVES:
        seconds, _ = _typical(lambda some: model.solve_many(coil, some, DI_DT), partial(list, poses[:count]))
        yield _placement_row(TOGETHER, count, seconds)


def _placement_row(curve: str, count: int, seconds: Seconds) -> Row:
    rate = count / seconds.clock
    return Row(
        name=f"{curve}, {count:,} placement{'s' * (count > 1)}",
        value=seconds.clock,
        unit="s",
        note=f"{seconds.processor:.3g} processor seconds, {rate:,.{0 if rate >= 100 else 2}f} per s",
        point=Point(curve=curve, along=PLACEMENTS, size=count),
    )


# Heads of a cohort.


def _heads() -> Iterator[Row]:
    with TemporaryDirectory() as place:
        subjects = cohort.subjects(Path(place), cohort.CIRCUMFERENCES[:1])
        for workers in cohort.WORKERS:
            for count in HEADS:
                run = cohort.plan(subjects[:count], Path(place) / f"{workers}-{count}", workers)
                curve = f"planned by {workers} process{'es' * (workers > 1)}"
                yield Row(
                    name=f"{curve}, {count} head{'s' * (count > 1)}",
                    value=run.seconds,
                    unit="s",
                    note=f"without {run.start:.1f} s to start processes; {run.processor:.3g} processor seconds with it",
                    point=Point(curve=curve, along=COHORT, size=count),
                )


# The figure.

TITLES = {
    TETRAHEDRA: "One sphere, ever finer",
    PLACEMENTS: "Many placements on the embedded head",
    COHORT: "Many coarse heads",
}
RED, BLUE, GREEN, ORANGE, PINK, GREY = "#d55e00", "#0072b2", "#009e73", "#e69f00", "#cc79a7", "#666666"
STYLES = {
    "fem2, first field": (BLUE, "s-"),
    "fem2, next placement": (BLUE, "s--"),
    "fem1, first field": (RED, "o-"),
    "fem1, next placement": (RED, "o--"),
    READ: (GREEN, "^-"),
    ONE_BY_ONE: (RED, "o-"),
    TOGETHER: (ORANGE, "D-"),
    ALONE: (GREEN, "^-"),
    TURNED: (BLUE, "s-"),
}
OTHER_STYLES = ((ORANGE, "D-"), (PINK, "v-"))


def plot(measured: Sequence[Row]) -> Figure:
    """Seconds against size, a panel for each thing that grows, with each curve's slope and what others take."""
    figure = Figure(figsize=(14, 6.6), layout="constrained")
    panels = figure.subplots(1, len(TITLES))
    for axes, (along, title) in zip(panels, TITLES.items(), strict=True):
        _draw_curves(axes, [row for row in measured if row.point and row.point.along == along and row.unit == "s"])
        if along == TETRAHEDRA:
            _draw_simnibs(axes)
        elif along == PLACEMENTS:
            _draw_adm(axes)
        _dress(axes, along, title)
    figure.suptitle("What a field, a placement and a head cost as their number grows", fontsize=13)
    figure.supxlabel(
        f"{machine_sentence()} k: slope on these axes, least squares.\n"
        "Stars: SimNIBS 4.5, first-order, BoomerAMG on one thread (its faster setting), not measured in this run. "
        "Dotted: SimNIBS' ADM on a laptop, at least, as published (Gomez 2021).",
        fontsize=8, color=GREY,
    )  # fmt: skip
    return figure


def _draw_curves(axes: Axes, rows: Sequence[Row]) -> None:
    curves: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row.point is not None:
            curves.setdefault(row.point.curve, []).append((row.point.size, row.value))
    others = iter(OTHER_STYLES)
    for curve in sorted(curves, key=lambda name: list(STYLES).index(name) if name in STYLES else len(STYLES)):
        sizes, values = zip(*curves[curve], strict=True)
        colour, style = STYLES[curve] if curve in STYLES else next(others)
        hollow = "white" if style.endswith("--") else colour
        label = f"{curve}, k = {slope(sizes, values):.2f}"
        axes.plot(sizes, values, style, color=colour, mfc=hollow, lw=1.6, ms=6, label=label)


def _draw_simnibs(axes: Axes) -> None:
    for what, times in SIMNIBS.items():
        hollow = "white" if what == "next placement" else "black"
        label = f"SimNIBS 4.5, {what}"
        axes.plot(list(times), list(times.values()), "*", color="black", mfc=hollow, ms=11, label=label)
        size, seconds = list(times.items())[-1]
        axes.annotate(
            f"SimNIBS {seconds:.0f} s", (size, seconds), (-9, 0), textcoords="offset points", ha="right", va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )  # fmt: skip


def _draw_adm(axes: Axes) -> None:
    sizes = np.array([100, 40_000])
    axes.plot(sizes, sizes / ADM_RATE, ":", color="black", lw=1.4, label=f"SimNIBS' ADM, {ADM_RATE:,} per s")


def _dress(axes: Axes, along: str, title: str) -> None:
    axes.set(xscale="log", yscale="log", xlabel=along, ylabel="seconds", title=title)
    low, high = axes.get_ylim()
    few = high / low < 300
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    if along == TETRAHEDRA:
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1e6:g} million"))
    elif along == PLACEMENTS:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    else:
        axes.set_xticks(HEADS, [str(count) for count in HEADS])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter(NullFormatter())
    axes.grid(True, which="both", color="#e6e6e6", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8.5, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=1)
