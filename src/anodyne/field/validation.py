"""How far each solver is from the closed form in a layered sphere, and what that costs."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from numpy.typing import NDArray

from anodyne.coil import Coil, Pose, find_coil
from anodyne.field.electric import ElectricField
from anodyne.field.elements.first_order import FieldModel
from anodyne.field.primary.fields import FittedSphere
from anodyne.field.solvers import SOLVERS, Solver, find_solver
from anodyne.head import TetrahedralMesh, layered_sphere
from anodyne.progress import SILENT, Progress
from anodyne.units import A_per_us, mm

Floats = NDArray[np.float64]

RADII = (78 * mm, 80 * mm, 86 * mm, 92 * mm)
"""Brain, fluid, bone and scalp of the sphere."""

TISSUES = (2, 3, 4, 5)
VALIDATION_EDGES = (8 * mm, 5.5 * mm, 4 * mm)
"""Typical edges of the meshes, m."""

VALIDATION_COILS = ("magstim-70mm", "magstim-90mm")
"""A figure-of-eight and a circular coil of the library."""

ABOVE = Pose.from_point_and_handle([0, 0, 96 * mm], [0, 0, -1], [0, 1, 0])
"""The casing's face 4 mm above the sphere."""

DI_DT = 1 * A_per_us
DEPTHS = (1 * mm, 20 * mm)
"""Points are drawn between these depths below the brain's surface, where the cortex would be."""

POINTS = 20_000
STRONG = 0.1
"""Points where the true field is weaker than this share of its largest are left out, as no stimulation is there."""

GOAL = 0.01
"""Largest relative error, RDM and distance of MAG from 1 of a solver that others may be measured by."""

MISFIT = (7 * mm, 0.0, -7 * mm)
"""How far the sphere of `fem1-sphere` is set beside the true centre, where it would be exact and prove nothing."""


@dataclass(frozen=True, kw_only=True)
class Validation:
    """One solver on one mesh with one coil, against the closed form.

    Attributes
    ----------
    edge : typical edge length of the mesh, m
    tetrahedra : in the mesh
    relative_error : L2 norm of the error of E over that of E, at tetrahedra's barycentres
    relative_error_anywhere : the same at points anywhere, from `ElectricField.at_points`
    rdm : L2 distance of the two fields, each scaled to norm 1 (relative difference measure)
    magnitude_ratio : norm of E over the true norm (MAG)
    seconds : from the mesh to E, one placement
    processor_seconds : the same, over all cores
    seconds_more : a further placement
    memory : highest use of memory by the process, bytes; None where the system does not tell
    """

    solver: str
    coil: str
    edge: float
    tetrahedra: int
    relative_error: float
    relative_error_anywhere: float
    rdm: float
    magnitude_ratio: float
    seconds: float
    processor_seconds: float
    seconds_more: float
    memory: int | None

    @property
    def accurate(self) -> bool:
        """Whether the error, RDM and MAG are all within `GOAL` of their best."""
        return max(self.relative_error, self.rdm, abs(self.magnitude_ratio - 1)) <= GOAL

    @staticmethod
    def cheapest(results: "Sequence[Validation]") -> "tuple[Validation, ...]":
        """Of each solver with each coil the accurate result that took least processor time; cheapest first per coil."""
        best: dict[tuple[str, str], Validation] = {}
        for result in sorted(results, key=lambda each: each.processor_seconds):
            if result.accurate:
                best.setdefault((result.coil, result.solver), result)
        coils = list(dict.fromkeys(result.coil for result in results))
        return tuple(sorted(best.values(), key=lambda each: coils.index(each.coil)))

    def finer_first_order(self, results: "Sequence[Validation]") -> "Validation | None":
        """First-order elements with the same coil on the coarsest mesh of at most half the edge; None without one."""
        finer = [
            result
            for result in results
            if (result.solver, result.coil) == ("fem1", self.coil) and 2 * result.edge <= self.edge * (1 + 1e-9)
        ]
        return max(finer, key=lambda result: result.edge, default=None)


def validate(
    solvers: Sequence[str] = tuple(SOLVERS),
    edges: Sequence[float] = VALIDATION_EDGES,
    coils: Sequence[str] = VALIDATION_COILS,
    progress: Progress = SILENT,
) -> tuple[Validation, ...]:
    """Every solver on every mesh with every coil; each solver and mesh in a process of its own.

    Parameters
    ----------
    solvers : names as in `SOLVERS`
    edges : typical edge lengths of the meshes, m
    coils : names as in the coil library

    Raises
    ------
    UnknownName : a solver or coil nobody has heard of
    ValueError : an edge length that is not positive
    """
    for name in solvers:
        find_solver(name)
    for name in coils:
        find_coil(name)
    for edge in edges:
        if not (np.isfinite(edge) and edge > 0):
            raise ValueError(f"an edge length must be positive, not {edge} m")
    cases = [(solver, edge, tuple(coils)) for solver in solvers for edge in edges]
    results: list[Validation] = []
    with progress.stage("solve spheres", len(cases)) as advance:
        for case in cases:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
                results += alone.submit(validate_case, *case).result()
            advance(1)
    return tuple(results)


def validate_case(solver: str, edge: float, coils: Sequence[str]) -> tuple[Validation, ...]:
    """One solver on one mesh with some coils; a small sphere beforehand has its programs compiled for each of them."""
    small = _make(solver, layered_sphere(RADII, TISSUES, 25 * mm))
    for name in coils:
        small.solve(find_coil(name), ABOVE, DI_DT)
    return tuple(_measured(solver, edge, coils))


def _make(solver: str, mesh: TetrahedralMesh) -> Solver:
    if solver == "fem1-sphere":
        return FieldModel(mesh, primary=FittedSphere(centre=np.array(MISFIT)))
    return find_solver(solver).make(mesh)


def _measured(solver: str, edge: float, coils: Sequence[str]) -> Iterator[Validation]:
    mesh = layered_sphere(RADII, TISSUES, edge)
    for name in coils:
        coil = find_coil(name)
        begin, processor = perf_counter(), process_time()
        model = _make(solver, mesh)
        field = model.solve(coil, ABOVE, DI_DT)
        seconds, processor = perf_counter() - begin, process_time() - processor
        begin = perf_counter()
        model.solve(coil, ABOVE, DI_DT)
        more = perf_counter() - begin
        middles, anywhere = _errors(field, coil)
        yield Validation(
            solver=solver,
            coil=name,
            edge=edge,
            tetrahedra=len(mesh.tetrahedra),
            relative_error=middles[0],
            relative_error_anywhere=anywhere[0],
            rdm=middles[1],
            magnitude_ratio=middles[2],
            seconds=seconds,
            processor_seconds=processor,
            seconds_more=more,
            memory=_highest_memory(),
        )


def _errors(field: ElectricField, coil: Coil) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Relative error, RDM and MAG at barycentres near the sampled points, and at the points themselves."""
    points = cortical_points()
    exact = FittedSphere(centre=np.zeros(3))
    tetrahedra, _ = field.mesh.locate(points)
    chosen = np.unique(tetrahedra[tetrahedra >= 0])
    middles = field.mesh.barycentres[chosen]
    deep = np.linalg.norm(middles, axis=1) <= RADII[0] - DEPTHS[0]
    at_middles = exact.at(middles[deep], coil, ABOVE, DI_DT)
    at_points = exact.at(points, coil, ABOVE, DI_DT)
    return (
        compare_fields(field.e_field[chosen[deep]], at_middles),
        compare_fields(field.at_points(points), at_points),
    )


def cortical_points() -> Floats:
    """Where the fields are compared, (n, 3) array, m: all over the upper half of the brain's outer layer."""
    generator = np.random.default_rng(0)
    directions = generator.normal(size=(POINTS, 3))
    directions[:, 2] = np.abs(directions[:, 2])
    depths = generator.uniform(*DEPTHS, size=(POINTS, 1))
    return np.asarray(directions / np.linalg.norm(directions, axis=1)[:, None] * (RADII[0] - depths))


def compare_fields(e_field: Floats, truth: Floats) -> tuple[float, float, float]:
    """Relative L2 error, RDM and MAG of one field, (n, 3) array, against another, where that is strong.

    RDM and MAG as in Meijs et al. 1989, IEEE Trans Biomed Eng 36:1038.

    >>> compare_fields(np.array([[0.0, 2, 0]]), np.array([[0.0, 1, 0]]))
    (1.0, 0.0, 2.0)
    """
    size = np.linalg.norm(truth, axis=1)
    strong = size >= STRONG * size.max()
    one, other = e_field[strong], truth[strong]
    norm, true_norm = np.linalg.norm(one), np.linalg.norm(other)
    return (
        float(np.linalg.norm(one - other) / true_norm),
        float(np.linalg.norm(one / norm - other / true_norm)),
        float(norm / true_norm),
    )


def _highest_memory() -> int | None:
    """Of this process alone: Linux counts the parent's into a child's ``ru_maxrss``, so its own is read there."""
    status = Path("/proc/self/status")
    if status.is_file():
        own = (line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM:"))
        return next((int(line.split()[1]) * 1024 for line in own), None)
    try:
        from resource import RUSAGE_SELF, getrusage  # POSIX only
    except ImportError:
        return None
    from sys import platform

    return int(getrusage(RUSAGE_SELF).ru_maxrss * (1 if platform == "darwin" else 1024))


def observed_order(results: Sequence[Validation], solver: str, coil: str) -> float:
    """The power of the mesh's edge with which the error at barycentres falls; NaN of one mesh.

    Least squares on logarithms over all the meshes.
    """
    some = [result for result in results if (result.solver, result.coil) == (solver, coil)]
    if len(some) < 2:
        return float("nan")
    sizes = np.log([result.tetrahedra ** (-1 / 3) for result in some])
    return float(np.polyfit(sizes, np.log([result.relative_error for result in some]), 1)[0])
