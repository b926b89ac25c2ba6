"""The solvers beside each other: against the closed form of a sphere, and against each other on the embedded head."""

from collections.abc import Iterator

import numpy as np

from anodyne.coil import Pose, find_coil
from anodyne.field import (
    SOLVERS,
    ElectricField,
    SecondOrderModel,
    Solver,
    compare_fields,
    find_solver,
    observed_order,
    percentile,
    validate,
)
from anodyne.head import Head, Tissue, find_target, place_target, refined_mesh, template_head
from anodyne.units import A_per_us, mm
from benchmarks.report import Row

DI_DT = 1 * A_per_us
COARSE = 6 * mm
"""Lattice of the embedded head whose mesh is cut into eighths for the reference solution."""

COIL = "magstim-70mm"
MIB = 2**20


def rows() -> Iterator[Row]:
    """Every number of this topic."""
    yield from _sphere()
    yield from _head()


def _sphere() -> Iterator[Row]:
    results = validate()
    for r in results:
        memory = "" if r.memory is None else f", {r.memory / MIB:.0f} MiB"
        note = (
            f"{100 * r.relative_error_anywhere:.2f} % anywhere, RDM {r.rdm:.4f}, MAG {r.magnitude_ratio:.4f}, "
            f"{r.seconds:.1f} s, next {r.seconds_more:.1f} s{memory}"
        )
        name = f"sphere, {r.coil}, {r.solver}, {r.tetrahedra:,} tetrahedra"
        yield Row(name=name, value=100 * r.relative_error, unit="%", target="≤ 1 %", note=note)
    for solver, coil in dict.fromkeys((r.solver, r.coil) for r in results):
        yield Row(name=f"sphere, {coil}, {solver}: order", value=observed_order(results, solver, coil), unit="")


def _head() -> Iterator[Row]:
    """Fields in the grey matter of a coarse head against second-order elements on the same head in eighths."""
    head = template_head(spacing=COARSE)
    grey = np.flatnonzero(head.mesh.tissue == Tissue.GREY_MATTER)
    points = head.mesh.barycentres[grey]
    pose, coil = _pose(head), find_coil(COIL)
    fine = refined_mesh(head.mesh)
    truth = SecondOrderModel(fine).solve(coil, pose, DI_DT).at_points(points)
    strength = np.linalg.norm(truth, axis=1)
    size = head.mesh.volumes[grey]
    models: dict[str, Solver] = {name: find_solver(name).make(head.mesh) for name in SOLVERS}
    models["fem1 on eighths"] = find_solver("fem1").make(fine)
    for name, model in models.items():
        field = model.solve(coil, pose, DI_DT)
        values = _elements_at(field, points)
        error, rdm, ratio = compare_fields(values, truth)
        high = percentile(np.linalg.norm(values, axis=1), size, 0.999) / percentile(strength, size, 0.999) - 1
        seconds = sum(field.timings.values())
        note = (
            f"recovered {100 * compare_fields(field.at_points(points), truth)[0]:.1f} %; RDM {rdm:.3f}, "
            f"MAG {ratio:.3f}, 99.9th percentile {100 * high:+.1f} %; {seconds:.1f} s"
        )
        yield Row(name=f"embedded head at 6 mm, {name}", value=100 * error, unit="%", note=note)


def _elements_at(field: ElectricField, points: np.ndarray) -> np.ndarray:
    """The elements' own field at points: linear or constant within each."""
    inside, weights = field.mesh.locate(points)
    if field.corners is not None:
        return np.asarray(np.einsum("nc,nci->ni", weights, field.corners[inside]))
    return np.asarray(field.e_field[inside])


def _pose(head: Head) -> Pose:
    site = place_target(head, find_target("left-m1-hand"))
    return Pose.facing(site.scalp_point, site.scalp_normal, site.scalp_point + np.array([1.0, 1, 0]), distance=5 * mm)
