"""The field on the embedded head: one full solve and its parts, and other solvers beside it."""

from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter

import numpy as np
import pyamg
from scipy.sparse import csr_matrix

from anodyne.coil import Pose, find_coil
from anodyne.field import FieldModel
from anodyne.field.elements.multigrid import conjugate_gradients
from anodyne.head import find_target, place_target, template_head
from anodyne.units import A_per_us, mm
from benchmarks.report import Row

REPEATS = 3
DI_DT = 1 * A_per_us


def rows() -> Iterator[Row]:
    """Every number of this topic."""
    head = template_head()
    site = place_target(head, find_target("right-dlpfc"))
    coil = find_coil("magstim-70mm")
    pose = Pose.facing(site.scalp_point, site.scalp_normal, site.scalp_point + np.array([1.0, 0, 0]), distance=5 * mm)
    size = f"{len(head.mesh.tetrahedra) / 1e6:.2f} million tetrahedra, {len(head.mesh.nodes) / 1e6:.2f} million nodes"
    FieldModel(head.mesh).solve(coil, pose, DI_DT)  # compiles
    first, parts = [], []
    for _ in range(REPEATS):
        begin = perf_counter()
        model = FieldModel(head.mesh)
        field = model.solve(coil, pose, DI_DT)
        first.append(perf_counter() - begin)
        parts.append(field.timings)
    yield Row(name="full solve", value=median(first), unit="s", target="≤ 20 s", note=size)
    for part in ("assemble", "set_up", "primary", "solve", "recover"):
        yield Row(name=f"  of that, {part.replace('_', ' ')}", value=median(t[part] for t in parts), unit="s")
    further = median(_seconds(lambda: model.solve(coil, pose, DI_DT)) for _ in range(REPEATS))
    yield Row(name="a further placement, same head", value=further, unit="s")
    yield from _other_solvers(model)


def _seconds(work: Callable[[], object]) -> float:
    begin = perf_counter()
    work()
    return perf_counter() - begin


def _other_solvers(model: FieldModel) -> Iterator[Row]:
    """PyAMG's own conjugate gradients on the same matrix, one node held at zero, to the same residual."""
    matrix = csr_matrix(model.matrix)[1:, 1:]
    right = np.random.default_rng(0).normal(size=matrix.shape[0])
    right -= right.mean()
    for name, build in (
        ("smoothed aggregation", pyamg.smoothed_aggregation_solver),
        ("Ruge–Stüben", pyamg.ruge_stuben_solver),
    ):
        begin = perf_counter()
        hierarchy = build(matrix)
        set_up = perf_counter() - begin
        begin = perf_counter()
        residuals: list[float] = []
        hierarchy.solve(right, tol=model.tolerance, accel="cg", residuals=residuals)
        note = f"{len(residuals) - 1} iterations, set-up {set_up:.1f} s"
        yield Row(name=f"PyAMG {name} with CG", value=set_up + perf_counter() - begin, unit="s", note=note)
    begin = perf_counter()
    whole = np.concatenate([[-right.sum()], right])[:, None]
    solution = conjugate_gradients(model.matrix, whole, model.parts.multigrid, model.tolerance)
    set_up = model.timings["set_up"]
    note = f"{solution.iterations} iterations, set-up {set_up:.1f} s"
    yield Row(name="ours, the same random load", value=set_up + perf_counter() - begin, unit="s", note=note)
