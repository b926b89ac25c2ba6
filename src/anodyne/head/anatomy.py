"""What a head measures, beside what has been published of adult heads."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, cKDTree

from anodyne.certainty import Certainty
from anodyne.head.arrays import FloatArray
from anodyne.head.head import Head
from anodyne.head.surface import Surface
from anodyne.head.targets import find_target, place_target
from anodyne.head.tissues import Tissue
from anodyne.units import cm3, mm

BRAIN = (Tissue.WHITE_MATTER, Tissue.GREY_MATTER)
INTRACRANIAL = (*BRAIN, Tissue.CEREBROSPINAL_FLUID)
IN_SKULL = (*INTRACRANIAL, Tissue.BONE)
CONVEXITY = 20 * mm
"""The convexity: what lies higher above the brain's middle than this."""
BROW_DEPTH = 0.6
"""How far below the top of the head a tape passes the forehead, in breadths of the head; a judgement."""
SECTION = 2.5 * mm
SITES = {"left-m1-hand": "m1", "right-m1-hand": "m1", "left-dlpfc": "dlpfc", "right-dlpfc": "dlpfc"}


class Quantity(Enum):
    """What is measured; the value is the unit it is shown in, by name and in SI."""

    VOLUME = ("cm³", cm3)
    LENGTH = ("mm", mm)


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published range: `low` to `high` in m or m³, its source, and how far it was checked."""

    low: float
    high: float
    source: str
    certainty: Certainty


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One measure of a head.

    value : m or m³; spread : 5th and 95th percentile where it varies over the head, or None
    published : what others found in adults, or None
    """

    name: str
    label: str
    quantity: Quantity
    value: float
    spread: tuple[float, float] | None = None
    published: Published | None = None

    @property
    def within_published(self) -> bool | None:
        """Whether the value lies in the published range; None where there is none."""
        if self.published is None:
            return None
        return self.published.low <= self.value <= self.published.high

    def __str__(self) -> str:
        word, unit = self.quantity.value
        text = f"{self.label}: {self.value / unit:.{0 if self.quantity is Quantity.VOLUME else 1}f} {word}"
        if self.spread is not None:
            text += f" (5–95 %: {self.spread[0] / unit:.1f}–{self.spread[1] / unit:.1f})"
        if self.published is not None:
            mark = "" if self.published.certainty is Certainty.READ else ", recalled"
            text += f"; published {self.published.low / unit:g}–{self.published.high / unit:g}{mark}"
        return text


@cache
def published_anatomy() -> Mapping[str, Published]:
    """The ranges of anatomy.yaml, in SI."""
    content = yaml.safe_load((files("anodyne.head") / "anatomy.yaml").read_text(encoding="utf-8"))
    return {
        name: Published(
            low=entry["low"] * (cm3 if name.endswith("volume") else mm),
            high=entry["high"] * (cm3 if name.endswith("volume") else mm),
            source=entry["source"],
            certainty=Certainty(entry["certainty"]),
        )
        for name, entry in content.items()
    }


def measure_anatomy(head: Head) -> list[Measure]:
    """Volumes, thicknesses, scalp-cortex distances and circumference of a head.

    Only what the head's tissues allow is measured. Thicknesses are those over the convexity: from every point
    of the inner surface to the outer one. Scalp-cortex distances run from the scalp above a target to the
    nearest grey matter.
    """
    measures = [*_volumes(head), *_thicknesses(head), *_scalp_to_cortex(head)]
    length = head_circumference(head.scalp)
    return [*measures, _measure("circumference", "circumference of the head", Quantity.LENGTH, length)]


def _measure(
    name: str, label: str, quantity: Quantity, value: float, spread: tuple[float, float] | None = None
) -> Measure:
    published = published_anatomy().get(name)
    return Measure(name=name, label=label, quantity=quantity, value=float(value), spread=spread, published=published)


def _volumes(head: Head) -> list[Measure]:
    groups = {
        ("white-volume", "white matter"): (Tissue.WHITE_MATTER,),
        ("grey-volume", "grey matter"): (Tissue.GREY_MATTER,),
        ("csf-volume", "cerebrospinal fluid"): (Tissue.CEREBROSPINAL_FLUID,),
        ("bone-volume", "bone"): (Tissue.BONE,),
        ("scalp-volume", "scalp and all else outside the skull"): (Tissue.SCALP,),
        ("brain-volume", "brain"): BRAIN,
        ("intracranial-volume", "inside of the skull"): INTRACRANIAL,
    }
    tags, volumes = head.mesh.tissue, head.mesh.volumes
    return [
        _measure(name, label, Quantity.VOLUME, volumes[np.isin(tags, tissues)].sum())
        for (name, label), tissues in groups.items()
        if np.isin(tissues, tags).all()
    ]


def _thicknesses(head: Head) -> list[Measure]:
    layers = {
        ("csf-thickness", "fluid over the convexity"): (INTRACRANIAL, BRAIN),
        ("skull-thickness", "bone over the convexity"): (INTRACRANIAL, IN_SKULL),
        ("scalp-thickness", "scalp over the convexity"): (IN_SKULL, None),
    }
    present = set(np.unique(head.mesh.tissue).tolist())
    if not set(IN_SKULL) <= present:
        return []
    measures = []
    for (name, label), (first, second) in layers.items():
        start = head.mesh.outer_surface(first)
        end = head.mesh.outer_surface(second) if second is not None else head.scalp
        points = start.points[_on_convexity(start.points, head)]
        thickness = distance_to_surface(end, points)
        low, middle, high = np.percentile(thickness, [5, 50, 95])
        measures.append(_measure(name, label, Quantity.LENGTH, middle, (float(low), float(high))))
    return measures


def _on_convexity(points: FloatArray, head: Head) -> NDArray[np.bool_]:
    brain = np.isin(head.mesh.tissue, BRAIN)
    middle = np.average(head.mesh.barycentres[brain], axis=0, weights=head.mesh.volumes[brain])
    high: NDArray[np.bool_] = points[:, 2] > middle[2] + CONVEXITY
    return high


def distance_to_surface(surface: Surface, points: FloatArray) -> FloatArray:
    """Distance (n,), m, of points to the plane through the surface's nearest point, across its normal."""
    nearest = cKDTree(surface.points).query(points)[1]
    across = np.einsum("ij,ij->i", points - surface.points[nearest], surface.normals[nearest])
    distance: FloatArray = np.abs(across)
    return distance


def _scalp_to_cortex(head: Head) -> list[Measure]:
    if head.head_from_mni is None:
        return []
    measures = []
    for name, published in SITES.items():
        site = place_target(head, find_target(name))
        distance = cKDTree(head.pial.points).query(site.scalp_point)[0]
        measure = _measure(f"scalp-cortex-{published}", f"scalp to cortex over {name}", Quantity.LENGTH, distance)
        measures.append(measure)
    return measures


def head_circumference(scalp: Surface) -> float:
    """Circumference of a head, m, as a tape measures it: the largest that passes above the brows.

    The tape lies on the convex hull of a plane section. It passes the forehead below the top of the head by
    BROW_DEPTH of the head's breadth, and its back end slides up and down for the largest reading.
    """
    points = scalp.points
    top = points[:, 2].max()
    upper = points[points[:, 2] > top - 100 * mm]
    breadth = np.ptp(upper[:, 0])
    front = np.array([upper[:, 0].mean(), upper[:, 1].max(), top - BROW_DEPTH * breadth])
    return max(_girth(points, front, tilt) for tilt in np.linspace(-0.2, 0.2, 9))


def _girth(points: FloatArray, front: FloatArray, tilt: float) -> float:
    """Perimeter, m, of the hull of the points near a plane through `front` that sinks by `tilt` backwards."""
    normal = np.array([0.0, -np.sin(tilt), np.cos(tilt)])
    along = np.array([0.0, np.cos(tilt), np.sin(tilt)])
    near = points[np.abs((points - front) @ normal) < SECTION]
    if len(near) < 3:
        return 0.0
    return float(ConvexHull(np.column_stack([near[:, 0], (near - front) @ along])).area)
