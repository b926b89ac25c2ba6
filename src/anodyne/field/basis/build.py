"""Computing a head's field basis: its modes by full solutions in blocks, and its own test."""

from dataclasses import dataclass, replace
from hashlib import sha256
from time import perf_counter, process_time

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from anodyne.coil import Coil, Pose, find_coil
from anodyne.field.basis.field_basis import BasisTest, FieldBasis
from anodyne.field.basis.kernels import potential_matrix
from anodyne.field.basis.sources import Combinations, DipoleShell, combinations, thinned
from anodyne.field.elements.block_kernels import LANES
from anodyne.field.elements.block_solver import BLOCK_TOLERANCE, BlockSolver, PointFields
from anodyne.field.elements.second_order import SecondOrderModel
from anodyne.field.primary.fields import VectorPotential
from anodyne.head import Conductivities, Head, Image, TetrahedralMesh, Tissue
from anodyne.progress import SILENT, Advance, Progress
from anodyne.units import A_per_us, mm

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

MODES = 304
"""Nineteen blocks of sixteen."""

CORTICAL_POINTS = 20_000

TEST_COILS = ("magstim-90mm", "magstim-70mm", "magventure-cool-b35", "magstim-double-cone", "magventure-mc-b70")
"""Circular, large and small figure-of-eight, double cone, bent: the coils of a basis's own tests."""

TESTS = 10

TEST_CLEARANCES = (2.5 * mm, 15 * mm)
"""Between the scalp and the nearest element of the winding."""

TEST_REACH = 30 * mm
"""Random placements stand over the part of the scalp that is nearer than this to the cortex."""

COUNT_STEP = 2 * LANES
"""Steps in the number of modes for which the tests tell the error."""

POINTS_AT_ONCE = 1024
BLOCKS_AT_ONCE = 6
GRID_MARGIN = 24 * mm


def build_basis(
    head: Head,
    conductivity: Conductivities | ArrayLike | None = None,
    *,
    modes: int = MODES,
    points: int = CORTICAL_POINTS,
    tests: int = TESTS,
    progress: Progress = SILENT,
) -> FieldBasis:
    """The field basis of a head: `modes` full solutions with second-order elements, and `tests` more to test it.

    Parameters
    ----------
    conductivity : as for `SecondOrderModel`
    modes : how many
    points : how many points of the mid-grey surface at least, where it has as many
    tests : full solutions at random placements of five coils to hold it against, 16 at most

    Raises
    ------
    ValueError : more modes than the head can tell apart, or more than 16 tests
    NotConverged : a solution did not reach its tolerance
    """
    if not 0 <= tests <= LANES:
        raise ValueError(f"{tests} tests asked for; 0 to {LANES} can be run at once")
    begin, processor = perf_counter(), process_time()
    with progress.stage("choose combinations of dipoles"):
        shell = DipoleShell.about(head)
        chosen = combinations(head, shell, modes)
    model = SecondOrderModel(head.mesh, conductivity, progress=progress)
    places, triangles = thinned(head.mid_grey, points)
    solver = BlockSolver(model, points_in_grey_matter(head.mesh, places))
    fields = _solved(solver, shell, chosen, progress)
    with progress.stage("order modes"):
        ordered, turn = _orthogonal(fields)
    basis = FieldBasis(
        head=head.name,
        fingerprint=head.fingerprint,
        points=places,
        triangles=triangles,
        modes=ordered,
        reading=turn.T @ chosen.reading,
        sensed=turn.T @ chosen.sensed.T,
        sensors=chosen.sensors,
        scalp_distance=_cropped(head),
    )
    measured = _tested(basis, solver, head, tests, progress)
    options = {
        "modes": modes,
        "points": len(places),
        "sensors": len(chosen.sensors),
        "dipoles": len(shell.positions),
        "nodes": len(head.mesh.nodes),
        "tetrahedra": len(head.mesh.tetrahedra),
        "conductivity": conductivity_fingerprint(model.conductivity),
        "tolerance": BLOCK_TOLERANCE,
        "seconds": round(perf_counter() - begin, 1),
        "processor_seconds": round(process_time() - processor, 1),
    }
    return replace(basis, tests=measured, options=options)


def conductivity_fingerprint(conductivity: ArrayLike) -> str:
    """SHA-256 of the conductivities of all tetrahedra, S/m."""
    return sha256(np.ascontiguousarray(conductivity, "<f8").data).hexdigest()


def points_in_grey_matter(mesh: TetrahedralMesh, points: Floats) -> PointFields:
    """Tetrahedra of the points, or the nearest of grey matter, at its middle, for those outside of it.

    As `ElectricField.at_points` with ``tissue=2``; in a mesh without grey matter every tissue serves.
    """
    serves = mesh.tissue == Tissue.GREY_MATTER
    if not serves.any():
        serves = np.ones(len(mesh.tissue), np.bool_)
    where, barycentric = mesh.locate(points)
    outside = (where < 0) | ~serves[where]
    members = np.flatnonzero(serves)
    tetrahedra = np.array(where, dtype=np.int64)
    weights = np.array(barycentric, dtype=float)
    if outside.any():
        tetrahedra[outside] = members[cKDTree(mesh.barycentres[members]).query(points[outside])[1]]
        weights[outside] = 0.25
    return PointFields(tetrahedra=tetrahedra, barycentric=weights)


def _solved(solver: BlockSolver, shell: DipoleShell, chosen: Combinations, progress: Progress) -> Singles:
    """E of every combination at the points, (k, n, 3), V/m: the combinations' moments change by 1 A m^2/s a unit."""
    count = chosen.strengths.shape[1]
    padded = np.zeros((len(shell.positions), -(-count // LANES) * LANES), np.float32)
    padded[:, :count] = chosen.strengths
    blocks = padded.shape[1] // LANES
    samples = np.ascontiguousarray(solver.sample_points, dtype=np.float32)
    result: list[Singles] = []
    with progress.stage("solve modes", 2 * blocks) as advance:
        for first in range(0, blocks, BLOCKS_AT_ONCE):
            some = padded[:, first * LANES : (first + BLOCKS_AT_ONCE) * LANES]
            primaries = _primaries(samples, shell, some, advance)
            for number in range(len(primaries)):
                result.append(solver.solve(primaries[number]))
                advance(1)
            del primaries
    return np.ascontiguousarray(np.concatenate(result, axis=2)[:, :, :count].transpose(2, 0, 1))


def _primaries(samples: Singles, shell: DipoleShell, strengths: Singles, advance: Advance) -> Singles:
    """``-dA/dt`` of combinations at sample points in blocks, (blocks, n_samples, 3, 16), V/m."""
    blocks = strengths.shape[1] // LANES
    result = np.empty((blocks, len(samples), 3, LANES), np.float32)
    positions = np.ascontiguousarray(shell.positions.T, dtype=np.float32)
    moments = np.ascontiguousarray(-shell.moments.T, dtype=np.float32)
    matrix = np.empty((POINTS_AT_ONCE, 3, len(shell.positions)), np.float32)
    for first in range(0, len(samples), POINTS_AT_ONCE):
        some = samples[first : first + POINTS_AT_ONCE]
        potential_matrix(some, positions, moments, matrix[: len(some)])
        fields = (matrix[: len(some)].reshape(3 * len(some), -1) @ strengths).reshape(len(some), 3, blocks, LANES)
        result[:, first : first + len(some)] = fields.transpose(2, 0, 1, 3)
        advance(blocks * len(some) / len(samples))
    return result


def _orthogonal(fields: Singles) -> tuple[Singles, Floats]:
    """Modes (k, n, 3) turned among themselves until they are orthogonal, strongest first, and the turn (k, k)."""
    flat = fields.reshape(len(fields), -1)
    values, turn = np.linalg.eigh((flat @ flat.T).astype(float))
    turn = turn[:, np.argsort(values)[::-1]]
    return (turn.T.astype(np.float32) @ flat).reshape(fields.shape), turn


def _cropped(head: Head) -> Image:
    """The head's distance field within a box about its scalp."""
    image = head.scalp_distance
    spacing = image.affine[0, 0]
    low, high = (
        np.round((head.scalp.points.min(axis=0) - GRID_MARGIN - image.affine[:3, 3]) / spacing).astype(int),
        np.round((head.scalp.points.max(axis=0) + GRID_MARGIN - image.affine[:3, 3]) / spacing).astype(int) + 1,
    )
    affine = np.array(image.affine)
    affine[:3, 3] += spacing * low
    data = image.data[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    return Image(data=np.ascontiguousarray(data, dtype=np.float32), affine=affine)


@dataclass(frozen=True, kw_only=True, eq=False)
class RandomPlacements:
    """Placements of coils about a head: anywhere over its cortex, any handle, 2.5 to 15 mm off the scalp."""

    head: Head
    generator: np.random.Generator

    def of(self, coil: Coil) -> Pose:
        """One more placement of a coil, tangential to the scalp, its winding at a random distance from it."""
        scalp = self.head.scalp
        over = np.flatnonzero(self.head.mid_grey_tree.query(scalp.points)[0] < TEST_REACH)
        while True:
            index = self.generator.choice(over)
            point, normal = scalp.points[index], scalp.normals[index]
            pose = Pose.from_point_and_handle(point, -normal, self.generator.standard_normal(3))
            wanted, height = self.generator.uniform(*TEST_CLEARANCES), 0.0
            for _ in range(20):
                lifted = np.array(pose.head_from_coil)
                lifted[:3, 3] += height * normal
                placed = Pose(head_from_coil=lifted)
                clearance = float(self.head.scalp_distance_at(placed.to_head(coil.outline)).min())
                if abs(clearance - wanted) < 0.2 * mm:
                    return placed
                height += wanted - clearance
            # a coil that cannot stand there, in a concavity say, is put elsewhere


def _tested(
    basis: FieldBasis, solver: BlockSolver, head: Head, count: int, progress: Progress
) -> tuple[BasisTest, ...]:
    """Full solutions at random placements, and how far off the basis is there."""
    if count == 0:
        return ()
    placements = RandomPlacements(head=head, generator=np.random.default_rng(2025))
    placed = [(coil, placements.of(coil)) for coil in (find_coil(TEST_COILS[i % 5]) for i in range(count))]
    full = full_solutions(solver, placed, progress)
    tests = []
    counts = [*range(COUNT_STEP, len(basis.modes), COUNT_STEP), len(basis.modes)]
    for (coil, pose), truth in zip(placed, full, strict=True):
        rates = basis.rates(coil, pose.head_from_coil[None], 1 * A_per_us)
        amounts = basis.arrays.amounts(rates)
        errors, fewer = [], np.where(np.arange(len(basis.modes)) < np.array(counts)[:, None], amounts, 0.0)
        for found in basis.arrays.fields(fewer):
            errors.append(float(np.linalg.norm(found - truth) / np.linalg.norm(truth)))
        tests.append(
            BasisTest(
                coil=coil.name,
                head_from_coil=tuple(pose.head_from_coil.ravel().tolist()),
                error=errors[-1],
                unexplained=float(basis.arrays.unexplained(rates, amounts)[0]),
                by_modes=tuple(zip(counts, errors, strict=True)),
            )
        )
    return tuple(tests)


def full_solutions(solver: BlockSolver, placed: list[tuple[Coil, Pose]], progress: Progress = SILENT) -> Singles:
    """E at a solver's points of up to sixteen placements solved in full at 1 A/us, (p, n, 3), V/m."""
    samples = solver.sample_points
    primaries = np.zeros((len(samples), 3, LANES), np.float32)
    with progress.stage("solve tests", len(placed) + LANES) as advance:
        for lane, (coil, pose) in enumerate(placed):
            primaries[:, :, lane] = VectorPotential().at(samples, coil, pose, 1 * A_per_us)
            advance(1)
        fields = solver.solve(primaries)
        advance(LANES)
    return fields.transpose(2, 0, 1)[: len(placed)]
