"""The field basis and full solutions on a graphics card, beside the processor: time, and how far apart they are.

Without a card only the calls are timed: what the processor spends on telling a device of PyTorch what to do, which no
card makes shorter.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from anodyne.cli.basis import basis_place
from anodyne.cli.places import TEMPLATE
from anodyne.cli.settings import Settings
from anodyne.coil import Coil, CurrentElements, Pose, WireCoil, find_coil
from anodyne.field import (
    FieldBasis,
    FieldModel,
    RandomPlacements,
    SecondOrderModel,
    build_basis,
    find_device,
    read_basis,
)
from anodyne.field.carrying import to_numpy
from anodyne.head import Head, template_head
from anodyne.units import A_per_us, ms
from benchmarks.report import NotMeasured, Row

COILS = ("magstim-70mm", "magventure-cool-b35", "magventure-c-b60")
DI_DT = 1 * A_per_us
REPEATS = 50
MANY = 64


def rows() -> Iterator[Row]:
    """Every number of this topic.

    Raises
    ------
    NotMeasured : PyTorch is not installed
    """
    if find_spec("torch") is None:
        raise NotMeasured("PyTorch is not installed; install it with: pip install 'anodyne[gpu]'")
    head = template_head()
    basis = kept_basis(head)
    card = name_of_card()
    yield from calls(head, basis, card or "cpu")
    if card is not None:
        yield from of_basis(head, basis, card)
        yield from of_solutions(head, card)


def name_of_card() -> str | None:
    """The card that PyTorch would take, as it calls it; None without one."""
    import torch

    return next((name for name in ("cuda", "xpu") if getattr(torch, name).is_available()), None)


def kept_basis(head: Head) -> FieldBasis:
    """The embedded head's basis, as 'anodyne field basis template' keeps it, or computed here."""
    place = basis_place(TEMPLATE, head, Settings())
    return read_basis(place) if place.exists() else build_basis(head)


def calls(head: Head, basis: FieldBasis, device: str) -> Iterator[Row]:
    """What one placement costs when there is next to nothing to compute."""
    coil = find_coil("magstim-70mm")
    poses = _poses(head, coil, 1)
    (winding,) = coil.sources()
    few = CurrentElements(positions=winding.positions[:8], vectors=winding.positions[1:9] - winding.positions[:8])
    little = WireCoil(name="little", label="eight elements", source="this benchmark", elements=few)
    short = replace(
        basis.within(np.arange(4)).truncated(4),
        sensors=basis.sensors[:4],
        reading=basis.reading[:4, :12],
        sensed=basis.sensed[:4, :12],
    )
    spent = _typical(partial(_evaluated, short.on(*find_device(device)), little, poses))
    note = "four modes, points and sensors, eight elements; no card here" if device == "cpu" else ""
    yield Row(name="one placement, calls alone", value=spent / ms, unit="ms", note=note)
    checked = _typical(partial(basis.refuse_placements, coil, poses))
    yield Row(name="is it outside the head? (on the processor, meanwhile)", value=checked / ms, unit="ms")


def of_basis(head: Head, basis: FieldBasis, card: str) -> Iterator[Row]:
    """The basis: seconds to carry it, milliseconds a placement, and the difference from the processor's."""
    begin = perf_counter()
    there = basis.on(*find_device(card))
    yield Row(name="field basis carried over", value=perf_counter() - begin, unit="s", note=_description(card))
    for name in COILS:
        coil = find_coil(name)
        poses = _poses(head, coil, MANY)
        note = f"{name}, {len(coil.outline):,} elements, {len(basis.points):,} points, {len(basis.modes)} modes"
        one = _typical(partial(_evaluated, there, coil, poses[:1]))
        here = _typical(partial(basis.evaluate_many, coil, poses[:1], DI_DT))
        peer = f"on the processor {here / ms:.2g} ms"
        yield Row(name="one placement, whole cortex", value=one / ms, unit="ms", target="≤ 1 ms", peer=peer, note=note)
        many = _typical(partial(_evaluated, there, coil, poses), repeats=5)
        yield Row(name=f"  in batches of {MANY}", value=many / MANY / ms, unit="ms")
        found, expected = to_numpy(there.evaluate_many(coil, poses, DI_DT)), basis.evaluate_many(coil, poses, DI_DT)
        yield Row(name="  largest difference", value=_apart(found, expected), unit="of |E|max", target="≤ 1e-4")


def of_solutions(head: Head, card: str) -> Iterator[Row]:
    """Full solutions: seconds to carry the model, of the next placements, and the difference from the processor's."""
    coil = find_coil("magstim-70mm")
    poses = [Pose(head_from_coil=matrix) for matrix in _poses(head, coil, 2)]
    for name, kind in (("fem1", FieldModel), ("fem2", SecondOrderModel)):
        model = kind(head.mesh)
        there = model.on(*find_device(card))
        note = f"{name}, {len(head.mesh.tetrahedra) / 1e6:.2f} million tetrahedra"
        yield Row(name="full solution, model carried over", value=there.timings["carry"], unit="s", note=note)
        there.solve(coil, poses[1], DI_DT)  # the card's first
        model.solve(coil, poses[1], DI_DT)
        begin = perf_counter()
        found = there.solve(coil, poses[0], DI_DT)
        seconds = perf_counter() - begin
        begin = perf_counter()
        expected = model.solve(coil, poses[0], DI_DT)
        peer = f"on the processor {perf_counter() - begin:.2g} s"
        yield Row(name="  next placement", value=seconds, unit="s", peer=peer)
        apart = _apart(found.e_field, expected.e_field)
        yield Row(name="  largest difference", value=apart, unit="of |E|max", target="≤ 1e-4")


def _poses(head: Head, coil: Coil, count: int) -> np.ndarray:
    placements = RandomPlacements(head=head, generator=np.random.default_rng(1))
    return np.array([placements.of(coil).head_from_coil for _ in range(count)])


def _evaluated(basis: Any, coil: Coil, poses: np.ndarray) -> float:
    """E at all points, waited for by asking for one of its numbers."""
    return float(basis.evaluate_many(coil, poses, DI_DT)[-1, -1, -1])


def _typical(work: Callable[[], object], repeats: int = REPEATS) -> float:
    work()  # compiles, carries the coil
    spent = []
    for _ in range(repeats):
        begin = perf_counter()
        work()
        spent.append(perf_counter() - begin)
    return median(spent)


def _apart(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def _description(card: str) -> str:
    import torch

    return f"{getattr(torch, card).get_device_name()}, PyTorch {torch.__version__}"
