"""The field basis of the embedded head: what it costs, how fast it answers, and how far off it is."""

from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from time import perf_counter

import numpy as np

from anodyne.coil import Coil, CurrentElements, Pose, WireCoil, find_coil
from anodyne.field import FieldBasis, RandomPlacements, SecondOrderModel, build_basis
from anodyne.field.basis.build import full_solutions, points_in_grey_matter
from anodyne.field.elements.block_kernels import LANES
from anodyne.field.elements.block_solver import BlockSolver
from anodyne.head import Head, template_head
from anodyne.units import A_per_us, degree, mm, ms
from benchmarks.report import Row

COILS = (
    "magstim-90mm", "magstim-70mm", "magventure-cool-b35", "magstim-double-cone", "magventure-cool-d-b80",
    "magventure-c-b60", "magventure-mc-125",
)  # fmt: skip
BLOCKS = 2
"""Of sixteen held-out placements each."""
THOUSAND = 63
"""Blocks of sixteen that make a thousand: some 45 minutes of processor time."""

MANY = 256
COUNTS = (100, 150, 200, 250)


def rows(blocks: int = BLOCKS) -> Iterator[Row]:
    """Every number of this topic."""
    head = template_head()
    begin = perf_counter()
    basis = build_basis(head)
    size = f"{len(head.mesh.nodes):,} nodes, {len(basis.points):,} points, {len(basis.modes)} modes, 10 tests"
    yield Row(name="precomputation", value=perf_counter() - begin, unit="s", target="≤ 600 s", note=size)
    yield Row(name="  processor time", value=basis.options["processor_seconds"], unit="s")
    yield from speed(head, basis)
    yield from accuracy(head, basis, blocks)


def thorough_rows() -> Iterator[Row]:
    """The same with a thousand held-out placements."""
    return rows(THOUSAND)


def speed(head: Head, basis: FieldBasis) -> Iterator[Row]:
    """Milliseconds a placement, one by one and many at once."""
    placements = RandomPlacements(head=head, generator=np.random.default_rng(1))
    for name in ("magstim-70mm", "magventure-cool-b35"):
        coil = find_coil(name)
        poses = [placements.of(coil) for _ in range(16)]
        basis.evaluate(coil, poses[0], 1 * A_per_us)  # compiles
        each = median(_seconds(partial(basis.evaluate, coil, pose, 1 * A_per_us)) for pose in poses)
        note = f"{name}, {len(coil.outline):,} elements"
        yield Row(name="one placement, whole cortex", value=each / ms, unit="ms", target="≤ 10 ms", note=note)
        many = [poses[i % 16] for i in range(MANY)]
        near = np.argsort(np.linalg.norm(basis.points - poses[0].position, axis=1))[:100]
        for words, part in (("|E|", basis), ("100 points", basis.within(near))):
            seconds = _seconds(partial(part.magnitudes, coil, many, 1 * A_per_us))
            yield Row(name=f"  in batches of {MANY}, {words}", value=seconds / MANY / ms, unit="ms", note=note)


def accuracy(head: Head, basis: FieldBasis, blocks: int) -> Iterator[Row]:
    """Errors against full solutions at random placements that did not enter the basis, and against what it expects."""
    solver = BlockSolver(SecondOrderModel(head.mesh), points_in_grey_matter(head.mesh, basis.points), tolerance=1e-5)
    placements = RandomPlacements(head=head, generator=np.random.default_rng(77))
    coils: list[Coil] = [*map(find_coil, COILS), h_like_coil()]
    shorter = {count: basis.truncated(count) for count in (*COUNTS, len(basis.modes)) if count <= len(basis.modes)}
    errors: dict[int, list[float]] = {count: [] for count in shorter}
    by_coil: dict[str, list[float]] = {}
    expected = []
    for block in range(blocks):
        placed = [(coil, placements.of(coil)) for coil in (coils[(LANES * block + i) % 8] for i in range(LANES))]
        for (coil, pose), truth in zip(placed, full_solutions(solver, placed), strict=True):
            for count, found in errors.items():
                found.append(_error(shorter[count], coil, pose, truth))
            by_coil.setdefault(coil.name, []).append(errors[len(basis.modes)][-1])
            expected.append(float(basis.estimated_error(coil, pose)[0]))
    kept = errors[len(basis.modes)]
    note = f"{len(kept)} placements of {len(coils)} coils, winding 2.5 to 15 mm above the scalp"
    for count, found in errors.items():
        for name, value, target in (("median", median(found), "≤ 0.3 %"), ("worst", max(found), "≤ 1.5 %")):
            target = target if found is kept else ""
            yield Row(name=f"error with {count} modes, {name}", value=100 * value, unit="%", target=target, note=note)
    for name, found in by_coil.items():
        note = f"median {100 * median(found):.2g} %, {len(found)} placements"
        yield Row(name=f"  worst of {name}", value=100 * max(found), unit="%", note=note)
    beyond = np.array(kept) / np.array(expected)
    note = f"at most {beyond.max():.2g} times"
    yield Row(name="placements beyond the estimated error", value=100 * float(np.mean(beyond > 1)), unit="%", note=note)


def _error(basis: FieldBasis, coil: Coil, pose: Pose, truth: np.ndarray) -> float:
    found = basis.evaluate(coil, pose, 1 * A_per_us)
    return float(np.linalg.norm(found - truth) / np.linalg.norm(truth))


def h_like_coil() -> WireCoil:
    """Ten strips over a vault of 95 mm radius and 110 degrees, each returning 45 mm further out: nobody's product."""
    turn = np.linspace(-55 * degree, 55 * degree, 61)
    positions, vectors = [], []
    for across in 9 * mm * (np.arange(10) - 4.5):
        base, back = (
            np.column_stack([np.full(61, x), radius * np.sin(turn), 92 * mm - radius * np.cos(turn)])
            for x, radius in ((across, 95 * mm), (2.2 * across, 140 * mm))
        )
        loop = np.concatenate([base, back[::-1], base[:1]])
        steps = np.ceil(np.linalg.norm(np.diff(loop, axis=0), axis=1) / (3 * mm)).astype(int)
        corner = np.concatenate([[0], np.cumsum(steps)])
        fine = np.column_stack([np.interp(np.arange(corner[-1] + 1), corner, loop[:, axis]) for axis in range(3)])
        positions.append((fine[1:] + fine[:-1]) / 2)
        vectors.append(np.diff(fine, axis=0))
    elements = CurrentElements(positions=np.concatenate(positions), vectors=np.concatenate(vectors))
    return WireCoil(name="h-like", label="H-like coil", source="made up for this benchmark", elements=elements)


def _seconds(work: Callable[[], object]) -> float:
    begin = perf_counter()
    work()
    return perf_counter() - begin
