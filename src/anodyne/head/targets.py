"""Named targets in MNI space, targets of one's own, and where they lie in a head."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np
import yaml
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from anodyne.certainty import Certainty
from anodyne.errors import PlacementRefused
from anodyne.head.arrays import FloatArray, frozen_floats
from anodyne.head.head import Head
from anodyne.head.tissues import Tissue
from anodyne.names import unknown_name
from anodyne.units import mm

DEFAULT_RADIUS = 5 * mm
FARTHEST_SNAP = 15 * mm
"""A cortical point further from the cortex than this is not taken there."""


class Space(Enum):
    """In which space a point is given; a T1's world coordinates and head space are the same."""

    MNI = "mni"
    HEAD = "head"
    T1 = "t1"


class Laterality(Enum):
    """On which side of the head."""

    LEFT = "left"
    RIGHT = "right"
    MIDDLE = "middle"


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """A place to aim at or to report on.

    Parameters
    ----------
    name, label, region : "right-dlpfc", what a person calls it, and the part of the brain
    laterality : the side
    point : (3,) array, m, in `space`
    source, certainty : where the coordinate comes from and how far it was checked
    report_only : deep; no coil on the scalp is aimed at it, the field there is only reported
    radius : of the region the field is averaged over, m
    """

    name: str
    label: str
    region: str
    laterality: Laterality
    point: FloatArray
    space: Space = Space.MNI
    source: str
    certainty: Certainty
    report_only: bool = False
    radius: float = DEFAULT_RADIUS

    def __post_init__(self) -> None:
        object.__setattr__(self, "point", frozen_floats(self.point, (3,), "point"))
        if np.abs(self.point).max() > 0.5:
            raise ValueError(f"a target lies within half a metre of the origin, not at {self.point} m")
        if not 0 < self.radius <= 50 * mm:
            raise ValueError(f"a target's radius lies between 0 and 50 mm, not {self.radius / mm} mm")

    def __repr__(self) -> str:
        place = ", ".join(f"{x / mm:g}" for x in self.point)
        return f"Target({self.name!r}, {self.space.value} {place} mm)"

    @property
    def mni(self) -> FloatArray:
        """(3,) coordinates in MNI152 space, m.

        Raises
        ------
        ValueError : the target was given in another space
        """
        if self.space is not Space.MNI:
            raise ValueError(f"the target {self.name!r} was given in {self.space.value} space")
        return self.point


@dataclass(frozen=True, kw_only=True, eq=False)
class TargetSite:
    """Where a target lies in one head.

    position : (3,) array, head space, m
    normal : (3,) outward unit normal of the cortex there; None for a deep target
    scalp_point, scalp_normal : (3,) the nearest point of the scalp, m, and the outward unit normal there
    region : indices of the tetrahedra within the target's radius, of grey matter for a cortical target
    moved : how far the position was moved onto the cortex, m; 0 for a deep target
    depth : below the scalp, m
    whole_region : the region holds every tissue, since the target is deep or no grey matter is near
    """

    target: Target
    position: FloatArray
    normal: FloatArray | None
    scalp_point: FloatArray
    scalp_normal: FloatArray
    region: NDArray[np.intp]
    moved: float
    depth: float
    whole_region: bool


def _load() -> tuple[dict[str, Target], dict[str, str]]:
    content = yaml.safe_load((files("anodyne.head") / "targets.yaml").read_text(encoding="utf-8"))
    targets: dict[str, Target] = {}
    aliases: dict[str, str] = {}
    for stem, entry in content["targets"].items():
        sides = (Laterality.LEFT, Laterality.RIGHT) if entry.get("sides") else (Laterality.MIDDLE,)
        for side in sides:
            target = _target(stem, entry, side, content["sources"])
            targets[target.name] = target
            aliases |= dict.fromkeys(entry.get("aliases", {}).get(side.value, ()), target.name)
    return targets, aliases


def _target(stem: str, entry: Mapping[str, Any], side: Laterality, sources: Mapping[str, str]) -> Target:
    sign = np.array([-1.0 if side is Laterality.LEFT else 1.0, 1, 1])
    sided = side is not Laterality.MIDDLE
    return Target(
        name=f"{side.value}-{stem}" if sided else stem,
        label=_label(entry["label"], side),
        region=entry["region"],
        laterality=side,
        point=sign * np.array(entry["mni_mm"], dtype=np.float64) * mm,
        source=sources[entry["source"]],
        certainty=Certainty(entry["certainty"]),
        report_only=entry.get("report_only", False),
        radius=entry.get("radius_mm", DEFAULT_RADIUS / mm) * mm,
    )


def _label(words: str, side: Laterality) -> str:
    """What a person calls it: its side first, then the words, the electrode over it named by side."""
    words = words.replace("{electrode}", "F3" if side is Laterality.LEFT else "F4")
    return words if side is Laterality.MIDDLE else f"{side.value} {words}"


_TARGETS, _ALIASES = _load()
TARGETS: Mapping[str, Target] = MappingProxyType(_TARGETS)
"""Every named target, by name."""
TARGET_ALIASES: Mapping[str, str] = MappingProxyType(_ALIASES)
"""Other names of the same targets: alias -> name."""


def find_target(name: str) -> Target:
    """The target of that name or alias, in any case.

    Raises
    ------
    UnknownName : there is none; the text names the near misses

    >>> find_target("right-dlpfc-f4")
    Target('right-dlpfc', mni 38, 44, 26 mm)
    """
    folded = name.casefold()
    found = TARGETS.get(TARGET_ALIASES.get(folded, folded))
    if found is None:
        raise unknown_name("target", name, [*TARGETS, *TARGET_ALIASES], "see 'anodyne target list'")
    return found


def point_target(point: ArrayLike, space: Space = Space.MNI, *, radius: float = DEFAULT_RADIUS) -> Target:
    """A cortical target at a point of one's own.

    Parameters
    ----------
    point : (3,) array, m, in `space`
    """
    position = np.asarray(point, dtype=np.float64)
    place = "-".join(f"{x / mm:.0f}" for x in np.ravel(position))
    side = Laterality.MIDDLE if abs(position.flat[0]) < 3 * mm else None
    side = side or (Laterality.LEFT if position.flat[0] < 0 else Laterality.RIGHT)
    return Target(
        name=f"point-{space.value}-{place}",
        label=f"point {', '.join(f'{x / mm:.1f}' for x in np.ravel(position))} mm in {space.value} space",
        region="named by the user",
        laterality=side,
        point=position,
        space=space,
        source="named by the user",
        certainty=Certainty.GIVEN,
        radius=radius,
    )


def place_target(head: Head, target: Target) -> TargetSite:
    """Where a target lies in a head.

    A cortical target is moved to the nearest point of the mid-grey surface, and its region is the grey
    matter within its radius; a deep one (`report_only`) stays where it is, and its region is every
    tetrahedron within its radius, whatever its tissue. Where a cortical target has no grey matter near, its
    region falls back to every tissue, and at least to the nearest tetrahedron.

    Raises
    ------
    PlacementRefused : the point lies outside the head or further than 15 mm from its cortex, or it is given
        in MNI space and the head's way to MNI space is unknown
    """
    point = _in_head(head, target)
    if head.scalp_distance_at(point)[0] > 0:
        raise PlacementRefused(f"the target {target.name} lies outside the head {head.name}; choose another point")
    position, normal = point, None
    if not target.report_only:
        distance, nearest = head.mid_grey_tree.query(point)
        if distance > FARTHEST_SNAP:
            raise PlacementRefused(
                f"the target {target.name} lies {distance / mm:.0f} mm from the cortex of {head.name}; "
                "choose a point nearer to it"
            )
        position = head.mid_grey.points[nearest]
        normal = frozen_floats(head.mid_grey.normals[nearest], (3,), "normal")
    near = np.flatnonzero(((head.mesh.barycentres - position) ** 2).sum(axis=1) <= target.radius**2)
    grey = near[head.mesh.tissue[near] == Tissue.GREY_MATTER]
    whole = target.report_only or len(grey) == 0
    region = near if whole else grey
    if len(region) == 0:
        region = np.array([cKDTree(head.mesh.barycentres).query(position)[1]])
    above = int(head.scalp_tree.query(position)[1])
    return TargetSite(
        target=target,
        position=frozen_floats(position, (3,), "position"),
        normal=normal,
        scalp_point=head.scalp.points[above],
        scalp_normal=head.scalp.normals[above],
        region=region,
        moved=float(np.linalg.norm(position - point)),
        depth=float(-head.scalp_distance_at(position)[0]),
        whole_region=whole,
    )


def _in_head(head: Head, target: Target) -> FloatArray:
    if target.space is not Space.MNI:
        return target.point
    if head.head_from_mni is None:
        raise PlacementRefused(
            f"the target {target.name} is given in MNI space, but the way from there to the head {head.name} is "
            "unknown; give a point in head space"
        )
    return head.from_mni(target.point[None])[0]
