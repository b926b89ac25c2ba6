"""The solvers beside each other: against the closed form of a sphere, and against each other on the embedded head."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from time import process_time

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from anodyne.coil import Pose, find_coil
from anodyne.field import (
    ChargeModel,
    ElectricField,
    Validation,
    compare_fields,
    find_solver,
    observed_order,
    validate,
)
from anodyne.head import (
    Head,
    TetrahedralMesh,
    Tissue,
    find_target,
    layered_sphere,
    place_target,
    refined_mesh,
    template_head,
)
from anodyne.units import A_per_us, GiB, mm
from benchmarks.report import Row, highest_memory

Floats = NDArray[np.float64]

DI_DT = 1 * A_per_us
COARSE, SHIPPED = 6 * mm, 3 * mm
"""Lattices of the embedded head: one coarse enough to be cut into eighths, and its own."""

COIL, TARGET = "magstim-70mm", "left-m1-hand"
MIB = 2**20

AWAY = 1 * mm
"""Distance that points keep from the borders of grey matter, where E jumps."""

DRAWN, DRAWN_NEAR = 100_000, 60_000
"""Points drawn in the grey matter, and about the target."""

FACES = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])
"""The corners of a tetrahedron opposite each corner."""

DENSE = 0.6 * mm
"""Between the points of a lattice that stand for a facet when distances are taken."""


def rows() -> Iterator[Row]:
    """Every number of this topic."""
    yield from _sphere()
    yield from _head(COARSE, tuple(WAYS))
    yield from _head(SHIPPED, ("bem", "fem2", "fem1"))


def _sphere() -> Iterator[Row]:
    results = validate()
    for r in results:
        memory = "" if r.memory is None else f", {r.memory / MIB:.0f} MiB"
        note = (
            f"{100 * r.relative_error_anywhere:.2f} % anywhere, RDM {r.rdm:.4f}, MAG {r.magnitude_ratio:.4f}, "
            f"{r.seconds:.1f} s, {r.processor_seconds:.1f} CPU s, next {r.seconds_more:.1f} s{memory}"
        )
        name = f"sphere, {r.coil}, {r.solver}, {r.tetrahedra:,} tetrahedra"
        yield Row(name=name, value=100 * r.relative_error, unit="%", target="≤ 1 %", note=note)
    for solver, coil in dict.fromkeys((r.solver, r.coil) for r in results):
        yield Row(name=f"sphere, {coil}, {solver}: order", value=observed_order(results, solver, coil), unit="")
    for best in Validation.cheapest(results):
        beside = best.finer_first_order(results)
        if beside is not None:
            name = f"sphere, {best.coil}, {best.solver} at {best.edge / mm:g} mm, within 1 %"
            note = f"fem1 at {beside.edge / mm:g} mm errs by {100 * beside.relative_error:.2f} %"
            target = f"≤ {beside.processor_seconds:.1f} CPU s of fem1 at half the edge"
            yield Row(name=name, value=best.processor_seconds, unit="CPU s", target=target, note=note)


Reader = Callable[[Floats], Floats]
"""E at points, (n, 3) arrays, m to V/m."""


def _elements(solver: str, eighths: int, mesh: TetrahedralMesh, pose: Pose) -> Reader:
    return partial(_elements_at, _field(solver, eighths, mesh, pose))


def _recovered(solver: str, eighths: int, mesh: TetrahedralMesh, pose: Pose) -> Reader:
    return _field(solver, eighths, mesh, pose).at_points


def _field(solver: str, eighths: int, mesh: TetrahedralMesh, pose: Pose) -> ElectricField:
    for _ in range(eighths):
        mesh = refined_mesh(mesh)
    return find_solver(solver).make(mesh).solve(find_coil(COIL), pose, DI_DT)


def _charges(splits: int, mesh: TetrahedralMesh, pose: Pose) -> Reader:
    return ChargeModel(mesh, splits=splits).charges(find_coil(COIL), pose, DI_DT).e_field_at


WAYS: Mapping[str, Callable[[TetrahedralMesh, Pose], Reader]] = {
    "bem, facets in quarters": partial(_charges, 1),
    "fem2 on eighths": partial(_elements, "fem2", 1),
    "bem": partial(_charges, 0),
    "fem2": partial(_elements, "fem2", 0),
    "fem1 on eighths": partial(_elements, "fem1", 1),
    "fem1 on eighths, recovered": partial(_recovered, "fem1", 1),
    "fem1": partial(_elements, "fem1", 0),
    "fem1, recovered": partial(_recovered, "fem1", 0),
    "fem1-sphere": partial(_elements, "fem1-sphere", 0),
    "fem1-sphere, recovered": partial(_recovered, "fem1-sphere", 0),
}
"""Ways to solve one mesh, the most exact of each kind first."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
    """Where fields are compared, (n, 3) arrays, m: in grey matter `AWAY` from its borders, or less than 5 mm from the
    target.
    """

    grey: Floats
    middle: Floats
    target: Floats

    @classmethod
    def of(cls, head: Head, spacing: float) -> "Places":
        """Drawn evenly over the volume; those halfway through the cortex are vertices of its middle surface."""
        mesh, site = head.mesh, place_target(head, find_target(TARGET))
        grey = np.flatnonzero(mesh.tissue == Tissue.GREY_MATTER)
        borders = _borders(mesh, round(spacing / DENSE))
        middle = head.mid_grey.points
        inside = mesh.locate(middle)[0]
        middle = middle[(inside >= 0) & (mesh.tissue[inside] == Tissue.GREY_MATTER)]
        about = _drawn(mesh, site.region, DRAWN_NEAR)
        return cls(
            grey=_away(_drawn(mesh, grey, DRAWN), borders),
            middle=_away(middle, borders),
            target=about[np.linalg.norm(about - site.position, axis=1) < 5 * mm],
        )


def _drawn(mesh: TetrahedralMesh, tetrahedra: NDArray[np.intp], count: int) -> Floats:
    """Points drawn evenly over the volume of some tetrahedra."""
    generator = np.random.default_rng(0)
    volumes = mesh.volumes[tetrahedra]
    chosen = generator.choice(tetrahedra, count, p=volumes / volumes.sum())
    weights = generator.dirichlet(np.ones(4), count)
    return np.asarray(np.einsum("nc,nci->ni", weights, mesh.nodes[mesh.tetrahedra[chosen]]))


def _borders(mesh: TetrahedralMesh, intervals: int) -> cKDTree:
    """A lattice of points on every facet between grey matter and another tissue, so many intervals to an edge."""
    grey = mesh.tissue == Tissue.GREY_MATTER
    owner, face = np.nonzero(grey[:, None] & (mesh.neighbours >= 0) & ~grey[mesh.neighbours])
    corners = mesh.nodes[np.take_along_axis(mesh.tetrahedra[owner], FACES[face], axis=1)]
    steps = range(intervals + 1)
    weights = np.array([(i, j, intervals - i - j) for i in steps for j in steps if i + j <= intervals]) / intervals
    return cKDTree(np.einsum("wc,nci->nwi", weights, corners).reshape(-1, 3), balanced_tree=False)


def _away(points: Floats, borders: cKDTree) -> Floats:
    """The points that are not near; a facet's nearest place is at most 0.4 mm beside its nearest lattice point."""
    return np.asarray(points[borders.query(points)[0] >= np.hypot(AWAY, 0.4 * mm)])


@dataclass(frozen=True, kw_only=True, eq=False)
class Solved:
    """What one way to solve gave at the places, V/m, what it cost, and how much memory its process took, bytes."""

    fields: Places
    processor_seconds: float
    memory: int

    @property
    def cost(self) -> str:
        """In words."""
        return f"{self.processor_seconds:.0f} CPU s, {self.memory / GiB:.1f} GiB"


def _solved(way: str, places: Places, spacing: float) -> Solved:
    """In a process of its own; a small sphere beforehand has its programs compiled."""
    sphere = layered_sphere((78 * mm, 80 * mm, 86 * mm, 92 * mm), (2, 3, 4, 5), 25 * mm)
    WAYS[way](sphere, Pose.from_point_and_handle([0, 0, 96 * mm], [0, 0, -1], [0, 1, 0]))(sphere.barycentres)
    head = template_head(spacing=spacing)
    pose = _pose(head)
    begin = process_time()
    read = WAYS[way](head.mesh, pose)
    seconds = process_time() - begin
    memory = highest_memory()
    fields = Places(grey=read(places.grey), middle=read(places.middle), target=read(places.target))
    return Solved(fields=fields, processor_seconds=seconds, memory=memory)


def _head(spacing: float, ways: Sequence[str]) -> Iterator[Row]:
    """Ways to solve the embedded head on one lattice, all of them against each of the first two."""
    places = Places.of(template_head(spacing=spacing), spacing)
    solved = {}
    for way in ways:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            solved[way] = alone.submit(_solved, way, places, spacing).result()
    for first, reference in enumerate(ways[:2], 1):
        for way in ways[first:]:
            name = f"embedded head at {spacing / mm:g} mm, {way} against {reference}"
            yield _compared(name, solved[way], solved[reference])


def _compared(name: str, one: Solved, other: Solved) -> Row:
    """One way beside another at the places that lie `AWAY` from borders."""
    error, rdm, ratio = compare_fields(one.fields.grey, other.fields.grey)
    middle = compare_fields(one.fields.middle, other.fields.middle)[0]
    target = _strength(one.fields.target).mean() / _strength(other.fields.target).mean() - 1
    high = _high(one.fields.grey) / _high(other.fields.grey) - 1
    note = (
        f"{100 * middle:.2f} % halfway through the cortex; RDM {rdm:.3f}, MAG {ratio:.3f}; mean at the target "
        f"{100 * target:+.1f} %, 99.9th percentile {100 * high:+.1f} %; {one.cost} against {other.cost}"
    )
    return Row(name=name, value=100 * error, unit="%", note=note)


def _strength(e_field: Floats) -> Floats:
    return np.asarray(np.linalg.norm(e_field, axis=1))


def _high(e_field: Floats) -> float:
    return float(np.quantile(_strength(e_field), 0.999))


def _elements_at(field: ElectricField, points: Floats) -> Floats:
    """The elements' own field at points: varying or constant within each."""
    inside, weights = field.mesh.locate(points)
    return field.e_field[inside] if field.corners is None else field.recovered.at(inside, weights)


def _pose(head: Head) -> Pose:
    site = place_target(head, find_target(TARGET))
    return Pose.facing(site.scalp_point, site.scalp_normal, site.scalp_point + np.array([1.0, 1, 0]), distance=5 * mm)
