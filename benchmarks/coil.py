"""How fast a coil's field is summed, beside a fast multipole sum where fmm3dpy is installed."""

from collections.abc import Callable, Iterator
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from anodyne.coil import CurrentElements, MagneticDipoles, SampledCoil
from anodyne.units import mm
from benchmarks.report import Row

POINTS = 1_000_000
ELEMENTS = 3_000


def rows() -> Iterator[Row]:
    """A and B of 3,000 current elements and 3,000 dipoles at a million points, and what accuracy it has."""
    random = np.random.default_rng(0)
    points = random.uniform(-80, 80, (POINTS, 3)) * mm + [0, 0, 0.1]
    positions = random.uniform(-45, 45, (ELEMENTS, 3)) * [mm, mm, 0]
    vectors = random.normal(size=(ELEMENTS, 3)) * mm
    wires = CurrentElements(positions=positions, vectors=vectors)
    dipoles = MagneticDipoles(positions=positions, moments=vectors * mm)
    for name, source in (("current elements", wires), ("magnetic dipoles", dipoles)):
        for field, method in (("A", source.vector_potential), ("B", source.magnetic_field)):
            note = f"{POINTS:,} points × {ELEMENTS:,} elements"
            yield Row(
                name=f"{field} of {name}",
                value=_seconds(method, points),
                unit="s",
                target="seconds",
                note=note,
            )
    yield _sampled(points, wires)
    try:
        import fmm3dpy  # noqa: F401
    except ImportError:
        return
    yield from _multipole(points, wires)


def _sampled(points: NDArray[np.float64], wires: CurrentElements) -> Row:
    """A read from samples of it, and how far from the sum it is."""
    steps = 4 * mm * np.argwhere(np.ones((42, 42, 42), bool))
    corner = np.array([-82, -82, 18]) * mm
    samples = wires.vector_potential(corner + steps).reshape(42, 42, 42, 3)
    affine = np.diag([4 * mm] * 3 + [1.0])
    affine[:3, 3] = corner
    coil = SampledCoil(name="", label="", source="", samples=samples, coil_from_voxel=affine)
    some = points[:10_000]
    expected = wires.vector_potential(some)
    error = np.linalg.norm(coil.vector_potential(some) - expected) / np.linalg.norm(expected)
    note = f"{POINTS:,} points in a grid of 4 mm; measured error {error:.1e}"
    return Row(name="A of a sampled coil", value=_seconds(coil.vector_potential, points), unit="s", note=note)


def _multipole(points: NDArray[np.float64], wires: CurrentElements) -> Iterator[Row]:
    """The same sum by a fast multipole method, to relative 1e-3 and 1e-6."""
    from fmm3dpy import lfmm3d

    direct = wires.vector_potential(points)
    for tolerance in (1e-3, 1e-6):

        def summed(at: NDArray[np.float64], eps: float = tolerance) -> NDArray[np.float64]:
            found = lfmm3d(
                eps=eps,
                sources=np.asfortranarray(wires.positions.T),
                charges=np.asfortranarray(wires.vectors.T),
                nd=3,
                targets=np.asfortranarray(at.T),
                pgt=1,
            ).pottarg
            return np.asarray(found).T

        seconds = _seconds(summed, points)
        potential = summed(points)
        scale = (potential * direct).sum() / (potential**2).sum()
        error = np.linalg.norm(scale * potential - direct) / np.linalg.norm(direct)
        note = f"measured error {error:.1e}; scale {scale / 1e-7:.6g} × 1e-7"
        yield Row(name=f"A of current elements, multipoles at {tolerance:g}", value=seconds, unit="s", note=note)


def _seconds(method: Callable[[NDArray[np.float64]], object], points: NDArray[np.float64]) -> float:
    """Wall time of `method` at `points`, the best of two, after one call that compiles."""
    method(points[:1000])
    times = []
    for _ in range(2):
        start = perf_counter()
        method(points)
        times.append(perf_counter() - start)
    return min(times)
