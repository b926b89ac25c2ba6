"""Several coils in one housing, each with a current of its own: what multi-locus stimulation is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from anodyne.certainty import Certainty
from anodyne.coil import Casing, Coil, CompositeCoil, WireCoil, find_entry
from anodyne.names import unknown_name
from anodyne.plan.arrays.inductance import MEAN_DISTANCE_IN_A_ROUND_WIRE, Turns, inductance_matrix, turns_of_winding
from anodyne.units import mm

Floats = NDArray[np.float64]

POINTS_FOR_FIELDS = 96
WIRE_RADIUS, PITCH = 1.2 * mm, 3 * mm
LAYER = 5 * mm
"""From one winding of the planar array to the next behind it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CoilArray:
    """Coils that share a frame and are driven apart from each other.

    Attributes
    ----------
    name, label : for the command line, and what a person calls it
    source : where its geometry comes from
    certainty : of the geometry
    channels : the coils, one for each current, in the frame of the array (as that of a coil: z into the head)
    inductance : (n, n) H, own and mutual; None where it is not known
    casing : of the whole, None when nobody has told

    Raises
    ------
    ValueError : no channels, or an inductance that is not a symmetric positive matrix of their number
    """

    name: str
    label: str
    source: str
    certainty: Certainty
    channels: tuple[Coil, ...]
    inductance: Floats | None = None
    casing: Casing | None = None

    def __post_init__(self) -> None:
        if not self.channels:
            raise ValueError("an array needs at least one coil")
        if self.inductance is None:
            return
        matrix = np.array(self.inductance, dtype=float)
        count = len(self.channels)
        if matrix.shape != (count, count) or not np.allclose(matrix, matrix.T):
            raise ValueError(f"the inductance of {count} coils is a symmetric {count} × {count} matrix")
        if np.linalg.eigvalsh(matrix).min() <= 0:
            raise ValueError("an inductance matrix stores positive energy for every current; this one does not")
        matrix.setflags(write=False)
        object.__setattr__(self, "inductance", matrix)

    @property
    def cost(self) -> Floats:
        """(n, n) the matrix of the quadratic form that currents are to keep small: the inductance, or one."""
        return np.eye(len(self.channels)) if self.inductance is None else self.inductance

    @property
    def cost_in_words(self) -> str:
        """What that quadratic form stands for."""
        if self.inductance is None:
            return "sum of the squared currents: heat, if all coils have the same resistance; no inductance is known"
        return "energy in the coils' magnetic field at the peak of the currents"

    @property
    def body(self) -> CompositeCoil:
        """The array as one thing that must not enter the head; its field is that of one and the same current."""
        return CompositeCoil(
            name=self.name, label=self.label, source=self.source, casing=self.casing, parts=self.channels
        )

    def energy(self, currents: Floats) -> float | None:
        """In the magnetic field of (n,) currents (A), J; None where the inductance is not known."""
        if self.inductance is None:
            return None
        return float(0.5 * currents @ self.inductance @ currents)


@cache
def planar_five() -> CoilArray:
    """Five flat windings stacked on each other: two four-leaf ones, two figures of eight, one oval.

    The kinds of winding and their number are those of Nieminen et al. (2022, Brain Stimul 15:116), whose set moves
    the field's maximum within about 30 mm; their turns, sizes and order are ours, not theirs.
    """
    leaf, eight = 32 * mm, 45 * mm
    reach = np.sqrt(2) * (leaf + WIRE_RADIUS)
    four = [
        [_spot(reach, np.pi / 4 * (2 * n + 1 + turned), leaf, 7, -1 if n % 2 else 1) for n in range(4)]
        for turned in (0, 1)
    ]
    two = [
        [_spot(eight + 1.5 * mm, np.pi * n + quarter, eight, 9, -1 if n else 1) for n in range(2)]
        for quarter in (0, np.pi / 2)
    ]
    windings = {
        "four leaves between the axes": four[0],
        "four leaves on the axes": four[1],
        "figure of eight along x": two[0],
        "figure of eight along y": two[1],
        "oval": [_Rings(centre=(0.0, 0.0), half_axes=(60 * mm, 45 * mm), count=10, sense=1)],
    }
    channels, turns = [], []
    for layer, (label, rings) in enumerate(windings.items()):
        depth = 4 * mm + layer * LAYER
        source = "assumed: see anodyne.plan.planar_five"
        elements = _turns(rings, -depth, POINTS_FOR_FIELDS).elements()
        channels.append(
            WireCoil(
                name=f"planar-five-{layer + 1}", label=label, source=source, elements=elements, winding_depth=depth
            )
        )
        turns.append(_turns(rings, -depth, 160))
    return CoilArray(
        name="planar-five",
        label="planar set of five windings",
        source="kinds of windings after Nieminen et al. 2022 (Brain Stimul 15:116); their sizes are assumed",
        certainty=Certainty.ASSUMED,
        channels=tuple(channels),
        inductance=inductance_matrix(turns),
        casing=_slab(95 * mm, 4 * mm + 5 * LAYER),
    )


@cache
def crossed_eights() -> CoilArray:
    """Two 70 mm figures of eight, one behind the other and turned by a quarter: the field turns, it does not move.

    The windings are the library's Magstim 70 mm double coil without its housing; that two of them are stacked
    11 mm apart is assumed.
    """
    entry = find_entry("magstim-70mm")
    first = entry.assembly().placed()
    quarter = np.array([[0.0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, -11 * mm], [0, 0, 0, 1]])
    sets = (np.eye(4), quarter)
    turns = []
    for matrix in sets:
        one = turns_of_winding(first)
        turned = Turns(
            points=one.points @ matrix[:3, :3].T + matrix[:3, 3],
            vectors=one.vectors @ matrix[:3, :3].T,
            share=one.share,
            distance=one.distance,
        )
        turns.append(turned)
    elements = entry.assembly().current_elements()
    return CoilArray(
        name="crossed-eights",
        label="two crossed 70 mm figures of eight",
        source=f"{entry.source}; that two of them are stacked and crossed is assumed",
        certainty=Certainty.ASSUMED,
        channels=tuple(
            WireCoil(
                name=f"crossed-eights-{number}",
                label=f"figure of eight {words}",
                source=entry.source,
                elements=elements.moved(matrix),
            )
            for number, (words, matrix) in enumerate(zip(("along x", "along y"), sets, strict=True), start=1)
        ),
        inductance=inductance_matrix(turns),
        casing=_slab(100 * mm, 30 * mm),
    )


ARRAYS: Mapping[str, Callable[[], CoilArray]] = MappingProxyType(
    {"planar-five": planar_five, "crossed-eights": crossed_eights}
)
"""The built-in arrays, made when they are asked for."""


def find_array(name: str) -> CoilArray:
    """The built-in array of that name.

    Raises
    ------
    UnknownName : there is none; the text names the near misses
    """
    if name.casefold() not in ARRAYS:
        raise unknown_name("array", name, ARRAYS, "see 'anodyne plan steer --help'")
    return ARRAYS[name.casefold()]()


@dataclass(frozen=True, kw_only=True)
class _Rings:
    """Nested ellipses `PITCH` apart: centre and outermost half axes, m; sense +1 where current runs from x to y."""

    centre: tuple[float, float]
    half_axes: tuple[float, float]
    count: int
    sense: int


def _spot(distance: float, angle: float, radius: float, count: int, sense: int) -> _Rings:
    """Nested circles at a distance from the middle."""
    centre = (distance * float(np.cos(angle)), distance * float(np.sin(angle)))
    return _Rings(centre=centre, half_axes=(radius, radius), count=count, sense=sense)


def _turns(rings: list[_Rings], height: float, points: int) -> Turns:
    angle = 2 * np.pi * np.arange(points) / points
    curves, along = [], []
    for ring in rings:
        for inwards in range(ring.count):
            a, b = (half - inwards * PITCH for half in ring.half_axes)
            x, y = ring.centre[0] + a * np.cos(angle), ring.centre[1] + b * np.sin(angle)
            curves.append(np.stack([x, y, np.full(points, height)], -1))
            step = ring.sense * 2 * np.pi / points
            along.append(step * np.stack([-a * np.sin(angle), b * np.cos(angle), 0 * angle], -1))
    return Turns(
        points=np.array(curves),
        vectors=np.array(along),
        share=np.ones(len(curves)),
        distance=np.full(len(curves), MEAN_DISTANCE_IN_A_ROUND_WIRE * WIRE_RADIUS),
    )


def _slab(radius: float, thickness: float) -> Casing:
    """A round housing whose face lies at z = 0."""
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    rings = [radius * share for share in (0.25, 0.5, 0.75, 1.0)]
    flat = np.concatenate([[[0.0, 0.0]], *(r * np.stack([np.cos(angle), np.sin(angle)], -1) for r in rings)])
    points = np.concatenate([np.pad(flat, ((0, 0), (0, 1)), constant_values=z) for z in (0.0, -thickness)])
    first, after = np.arange(48), (np.arange(48) + 1) % 48
    face = [np.stack([0 * first, 1 + first, 1 + after], -1)]
    for ring in range(3):
        inner, outer = 1 + 48 * ring, 49 + 48 * ring
        face.append(np.stack([inner + first, outer + first, outer + after], -1))
        face.append(np.stack([inner + first, outer + after, inner + after], -1))
    front = np.concatenate(face)
    rim, back = 1 + 48 * 3, len(flat)
    wall = [
        np.stack([rim + first, back + rim + first, rim + after], -1),
        np.stack([rim + after, back + rim + first, back + rim + after], -1),
    ]
    triangles = np.concatenate([front, front[:, ::-1] + back, *wall])
    return Casing(points=points, triangles=triangles, assumed=True)
