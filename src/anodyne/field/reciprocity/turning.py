"""A coil at every handle angle at once.

At one place on the scalp all handle angles are one coil turned about its own z axis. So what it does at a target is a
trigonometric polynomial of the angle. The coil's elements are spread onto rings about that axis, each
with the weights by which a cubic would be read there; the exterior field is read at a few points of each ring; and the
product of the two Fourier series, harmonic by harmonic, is the polynomial. Along the axis the cubic is kept as a
polynomial, so that small changes of the coil's height need no new reading either.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from anodyne.coil import Coil, Sources
from anodyne.field.reciprocity.exterior import acting_on
from anodyne.field.reciprocity.lattice import NestedLattice, lagrange
from anodyne.field.reciprocity.placements import MU_0_OVER_4_PI, ExteriorField, placed
from anodyne.progress import SILENT, Progress
from anodyne.units import mm

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]

RING_SPACING = 5 * mm
"""Between rings, along the radius and along the axis; the error is bounded in tests/field/test_turning.py."""

ROUND_SPACING = 10 * mm
"""Largest distance between the points of a ring."""

FEWEST_ON_A_RING = 8
READING_BLOCK = 100_000

CUBIC = np.array([[0, -2, 3, -1], [6, -3, -6, 3], [0, 6, 3, -3], [0, -1, 0, 1]]) / 6
"""The weights of the points -1, 0, 1, 2 (rows) as polynomials of the place between 0 and 1, lowest power first."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TurnedComponents:
    """What a coil does at a target for every handle angle, at each of several places and nearby heights.

    Attributes
    ----------
    coefficients : (n, 4, k, m) complex array, V/m; component j at place n, handle turned by ``angle`` about the
        coil's own z axis (x towards y) and the coil raised by ``rise``, is the real part of
        ``sum over p, h of coefficients[n, p, j, h] (rise / spacing)^p exp(i h angle)``
    spacing : m
    """

    coefficients: Complex
    spacing: float

    @property
    def reach(self) -> float:
        """How far either way a coil may be raised or lowered from its frame's height, m."""
        return self.spacing

    def at(self, place: ArrayLike, angle: ArrayLike, rise: ArrayLike) -> Floats:
        """The components, (n, k) V/m, for n choices of a place's index, an angle (rad) and a rise (m).

        Raises
        ------
        ValueError : a rise beyond `reach`
        """
        series = self.series(place, rise)
        turns = np.exp(1j * np.multiply.outer(np.asarray(angle, dtype=float), np.arange(series.shape[2])))
        return np.asarray((series @ turns[:, :, None])[:, :, 0].real)

    def series(self, place: ArrayLike, rise: ArrayLike) -> Complex:
        """The Fourier coefficients, (n, k, m) V/m, at n choices of a place and a rise (m), as in `coefficients`.

        Raises
        ------
        ValueError : a rise beyond `reach`
        """
        steps = np.asarray(rise, dtype=float) / self.spacing
        if steps.size and np.abs(steps).max() > 1 + 1e-9:
            raise ValueError(f"a rise of {np.abs(steps).max() * self.spacing} m is beyond the reach of {self.reach} m")
        chosen = self.coefficients[np.asarray(place)]
        powers = steps[:, None] ** np.arange(4)
        return np.asarray(np.einsum("npkm,np->nkm", chosen, powers))


def turned_components(
    exterior: ExteriorField, coil: Coil, head_from_coil: ArrayLike, di_dt: float, *, progress: Progress = SILENT
) -> TurnedComponents:
    """The adjoint's averages of E for a coil turned about its own axis at each of many places.

    Parameters
    ----------
    exterior : what an adjoint's sources make outside the head
    coil : made of elements (`Coil.sources` is not empty)
    head_from_coil : (n, 4, 4) rigid matrices, the coil at handle angle 0, m
    di_dt : rate of change of the coil current, A/s

    Raises
    ------
    ValueError : a coil known only by samples of its field
    """
    frames = np.ascontiguousarray(head_from_coil, dtype=float).reshape(-1, 4, 4)
    sources = coil.sources()
    if not sources:
        raise ValueError(f"{coil.label} is known by samples of its field only; it has no elements to turn")
    total = np.zeros((len(frames), 4, exterior.components, 1), complex)
    for part in sources:
        series = _series_of(part, exterior, frames, progress)
        if series.shape[3] < total.shape[3]:
            series, total = total, series
        series[..., : total.shape[3]] += total
        total = series
    return TurnedComponents(coefficients=np.asarray(MU_0_OVER_4_PI * di_dt * total, complex), spacing=RING_SPACING)


def _series_of(part: Sources, exterior: ExteriorField, frames: Floats, progress: Progress) -> Complex:
    strengths, kernel = acting_on(part)
    rings = _Rings.of(part.positions, strengths)
    lattice = exterior.lattice(kernel)
    size = max(1, READING_BLOCK // len(rings.points))
    blocks = [frames[first : first + size] for first in range(0, len(frames), size)]
    for block in blocks:
        lattice.cover(placed(rings.points, block), progress)
    result = []
    with progress.stage("score placements", len(frames)) as advance:
        for block in blocks:
            result.append(rings.met_by(_field_about(lattice, rings.points, block)))
            advance(len(block))
    return np.concatenate(result)


def _field_about(lattice: NestedLattice, points: Floats, frames: Floats) -> Floats:
    """The lattice's vectors at points of each frame, along the frame's own axes: (n, points, k, 3)."""
    values = lattice.read(placed(points, frames)).reshape(len(frames), -1, 3)
    return np.asarray(values @ frames[:, :3, :3]).reshape(len(frames), len(points), -1, 3)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Rings:
    """A coil's elements spread onto rings about its z axis, as Fourier series round each ring.

    radius, height : (r,) of the rings, m
    along : (h, 4, r) complex: sum over elements of weight × z component × exp(i h angle), by power of the rise
    across : the same of x + i y components, conjugated; towards : of x + i y components
    """

    radius: Floats
    height: Floats
    along: Complex
    across: Complex
    towards: Complex

    @classmethod
    def of(cls, positions: Floats, strengths: Floats) -> "_Rings":
        """The rings of elements with (n, 3) positions and strengths."""
        radius = np.hypot(positions[:, 0], positions[:, 1])
        harmonics = _on_a_ring(radius.max() + 2 * RING_SPACING) // 2
        lowest = int(np.floor(positions[:, 2].min() / RING_SPACING))
        levels = int(np.floor(positions[:, 2].max() / RING_SPACING)) - lowest + 1
        moments = np.zeros((int(radius.max() / RING_SPACING + 0.5) + 3, levels, 4, 3, harmonics), complex)
        _spread_onto_rings(positions, strengths, (RING_SPACING, lowest), moments)
        tables = _on_nodes(moments)
        used = np.abs(tables).max(axis=(2, 3, 4)) > 0
        i, level = np.nonzero(used)
        chosen = tables[i, level].transpose(2, 3, 1, 0)
        return cls(
            radius=np.asarray((i + 0.5) * RING_SPACING),
            height=np.asarray((level + lowest - 1) * RING_SPACING),
            along=np.ascontiguousarray(chosen[0]),
            across=np.ascontiguousarray(chosen[1]),
            towards=np.ascontiguousarray(chosen[2]),
        )

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How many points there are on each ring."""
        return np.array([_on_a_ring(radius) for radius in self.radius])

    @cached_property
    def points(self) -> Floats:
        """The points of all rings, ring after ring, (n, 3), m."""
        ring = np.repeat(np.arange(len(self.counts)), self.counts)
        place = np.arange(len(ring)) - np.repeat(np.cumsum(self.counts) - self.counts, self.counts)
        angle = 2 * np.pi * place / self.counts[ring]
        radius = self.radius[ring]
        return np.stack([radius * np.cos(angle), radius * np.sin(angle), self.height[ring]], axis=1)

    def met_by(self, field: Floats) -> Complex:
        """The polynomial's coefficients, (n, 4, k, h), for the field at the rings' points, (n, points, k, 3)."""
        harmonics = self.along.shape[0]
        count, k = len(field), field.shape[2]
        series = np.zeros((harmonics + 1, len(self.radius), count, k, 3), complex)
        for chosen, some in self._by_size(field):
            few = min(some.shape[2] // 2, harmonics + 1)
            transformed = np.fft.rfft(some, axis=2, norm="forward")[:, :, :few]
            series[:few, chosen] = transformed.transpose(2, 1, 0, 3, 4)
        shape = (harmonics + 1, len(self.radius), count * k)
        z = series[..., 2].reshape(shape)
        plus, minus = ((series[..., 0] + sign * series[..., 1]).reshape(shape) for sign in (1j, -1j))
        total = self.along @ z[:-1]
        total[:-1] += 0.5 * self.across[1:] @ plus[1:-1]
        total[1:] += 0.5 * self.towards[:-1] @ minus[:-2]
        total[0] += 0.5 * (self.across[1] @ plus[1]).conj()
        total[1:] *= 2
        return np.asarray(total.reshape(harmonics, 4, count, k).transpose(2, 1, 3, 0))

    def _by_size(self, field: Floats) -> Iterator[tuple[NDArray[np.int64], Floats]]:
        """Rings with equally many points, and the field on them, (n, rings, points of a ring, k, 3)."""
        starts = np.cumsum(self.counts) - self.counts
        for size in np.unique(self.counts):
            chosen = np.flatnonzero(self.counts == size)
            index = starts[chosen][:, None] + np.arange(size)
            yield chosen, field[:, index]


def _on_a_ring(radius: float) -> int:
    """A count of points, a multiple of four, no further apart than `ROUND_SPACING`."""
    return max(FEWEST_ON_A_RING, 4 * int(np.ceil(2 * np.pi * radius / ROUND_SPACING / 4)))


def _on_nodes(moments: Complex) -> Complex:
    """From powers of the place within each step of the axis to weights at the steps' ends, by power of the rise.

    moments : (rings, steps, 4, 3, h), power of the place third; result : (rings, steps + 3, 4, 3, h), power of
    the rise third. A rise by t moves the place u to u - t.
    """
    rings, steps, _, kinds, harmonics = moments.shape
    result = np.zeros((rings, steps + 3, 4, kinds, harmonics), complex)
    for node in range(4):
        for rise in range(4):
            for power in range(rise, 4):
                weight = CUBIC[node, power] * _binomial(power, rise) * (-1) ** rise
                result[:, node : node + steps, rise] += weight * moments[:, :, power - rise]
    return result


def _binomial(n: int, k: int) -> int:
    return int(np.round(np.prod([(n - i) / (i + 1) for i in range(k)])))


@njit(cache=True)
def _spread_onto_rings(positions: Any, strengths: Any, steps: Any, moments: Any) -> None:
    """Add every element to the four rings about its radius, with the powers of its place along the axis.

    Rings lie at (i + 1/2) spacings; those that a cubic asks for beyond the axis are the ones on its near side,
    half round, which turns the sign of the odd harmonics.
    """
    spacing, lowest = steps
    weights, values = np.empty(4), np.empty(3, np.complex128)
    for e in range(len(positions)):
        x, y, z = positions[e]
        radius = np.sqrt(x * x + y * y)
        turn = complex(x / radius, y / radius) if radius > 0 else complex(1.0, 0.0)
        r = radius / spacing - 0.5
        ring = int(np.floor(r))
        lagrange(r - ring, weights)
        u = z / spacing - lowest
        level = int(np.floor(u))
        u -= level
        values[0] = strengths[e, 2]
        values[1] = complex(strengths[e, 0], -strengths[e, 1])
        values[2] = complex(strengths[e, 0], strengths[e, 1])
        for i in range(4):
            index = ring - 1 + i
            sign = 1.0 if index >= 0 else -1.0
            index = index if index >= 0 else -1 - index
            power = weights[i]
            for p in range(4):
                for kind in range(3):
                    phase = power * values[kind]
                    for h in range(moments.shape[4]):
                        moments[index, level, p, kind, h] += phase
                        phase *= sign * turn
                power *= u
