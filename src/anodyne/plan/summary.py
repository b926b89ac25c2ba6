"""What a field does in a head, summed up: at the target, in every pain region, in depth."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from anodyne.coil import Pose
from anodyne.errors import PlacementRefused
from anodyne.field import ElectricField, mean, mean_of_highest, percentile
from anodyne.head import TARGETS, Head, TargetSite, Tissue, place_target
from anodyne.plan.plan import DepthProfile, FieldSummary, RegionField
from anodyne.units import cm3, mm

Floats = NDArray[np.float64]

PROFILE_STEP = 0.5 * mm
PROFILE_BEYOND_TARGET = 40 * mm


def summarise_field(
    head: Head, field: ElectricField, site: TargetSite, pose: Pose, scalp_point: Floats
) -> FieldSummary:
    """The numbers of a plan's field, at the di_dt the field was computed for."""
    pial = cKDTree(head.pial.points)
    target = _region_field(field, site, pial, reference=None)
    others, unplaced = _named_regions(head, field, target, pial)
    magnitude, volumes, tissue = field.magnitude, field.mesh.volumes, field.mesh.tissue
    grey = tissue == Tissue.GREY_MATTER
    high = percentile(magnitude[grey], volumes[grey], 0.999)
    hotspot = _hotspot(field, grey)
    return FieldSummary(
        target=target,
        regions=(target, *others),
        unplaced=unplaced,
        mean_vector=mean(field.e_field[site.region], volumes[site.region]),
        grey_matter_percentile_99_9=high,
        grey_matter_top_cubic_centimetre=mean_of_highest(magnitude[grey], volumes[grey], 1 * cm3),
        scalp_percentile_99_9=percentile(magnitude[tissue == Tissue.SCALP], volumes[tissue == Tissue.SCALP], 0.999),
        focality_volume=float(volumes[grey & (magnitude > high / 2)].sum()),
        half_depth=_half_depth(head, field, high / 2),
        hotspot=hotspot,
        hotspot_distance=float(np.linalg.norm(hotspot - site.position)),
        profile=_depth_profile(field, scalp_point, site.position, pose),
    )


def _named_regions(
    head: Head, field: ElectricField, target: RegionField, pial: cKDTree
) -> tuple[list[RegionField], tuple[str, ...]]:
    """E in every other named target, and why some have no place in this head."""
    regions, unplaced = [], []
    for name, entry in TARGETS.items():
        if name == target.site.target.name:
            continue
        try:
            regions.append(_region_field(field, place_target(head, entry), pial, reference=target.magnitude))
        except PlacementRefused as refusal:
            unplaced.append(str(refusal))
    return regions, tuple(unplaced)


def _region_field(field: ElectricField, site: TargetSite, pial: cKDTree, reference: float | None) -> RegionField:
    region = site.region
    values, volumes = field.magnitude[region], field.mesh.volumes[region]
    magnitude = float(mean(values, volumes))
    normal = None
    if site.normal is not None:
        normal = float(mean(field.e_field[region], volumes) @ site.normal)
    return RegionField(
        site=site,
        magnitude=magnitude,
        highest=percentile(values, volumes, 0.99),
        normal_component=normal,
        share_of_target=1.0 if reference is None else magnitude / reference,
        volume=float(volumes.sum()),
        scalp_to_cortex=float(pial.query(site.scalp_point)[0]),
    )


def _hotspot(field: ElectricField, grey: NDArray[np.bool_]) -> Floats:
    """Volume-weighted centre of the 1 cm^3 of grey matter where \\|E\\| is highest."""
    chosen = np.flatnonzero(grey)
    order = chosen[np.argsort(field.magnitude[chosen])[::-1]]
    volumes = field.mesh.volumes[order]
    top = order[: int(np.searchsorted(np.cumsum(volumes), 1 * cm3)) + 1]
    return mean(field.mesh.barycentres[top], field.mesh.volumes[top])


def _half_depth(head: Head, field: ElectricField, threshold: float) -> float:
    """Depth below the scalp to which the field in the brain reaches a threshold, m.

    After the d-half of Deng, Lisanby & Peterchev (2013, Brain Stimul 6:1), which counts from the
    cortex; the scalp is a surface that every head has. The deepest 0.1 % of the volume is left out.
    """
    brain = np.isin(field.mesh.tissue, (Tissue.GREY_MATTER, Tissue.WHITE_MATTER))
    above = brain & (field.magnitude >= threshold)
    if not above.any():
        return float("nan")
    return percentile(-head.scalp_distance_at(field.mesh.barycentres[above]), field.mesh.volumes[above], 0.999)


def _depth_profile(field: ElectricField, scalp_point: Floats, target: Floats, pose: Pose) -> DepthProfile:
    direction = target - scalp_point
    length = float(np.linalg.norm(direction))
    direction = direction / length if length > 1 * mm else pose.into_head
    depth = np.arange(0, length + PROFILE_BEYOND_TARGET, PROFILE_STEP)
    points = scalp_point + depth[:, None] * direction
    where, _ = field.mesh.locate(points)
    inside = where >= 0
    return DepthProfile(
        depth=depth[inside],
        magnitude=np.linalg.norm(field.at_points(points[inside]), axis=1),
        tissue=field.mesh.tissue[where[inside]],
        target_depth=length,
    )
