"""A head on a terminal and as JSON."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import RenderableType

from anodyne.certainty import Certainty
from anodyne.cli.tables import facts, heading, paragraph, remarks, table
from anodyne.errors import PlacementRefused, UnreadableFile
from anodyne.head import (
    TARGETS,
    Head,
    Measure,
    MeshQuality,
    Target,
    TargetSite,
    Tissue,
    measure_anatomy,
    mesh_quality,
    place_target,
)
from anodyne.units import degree, mm


@dataclass(frozen=True, kw_only=True, eq=False)
class HeadReport:
    """A head, what was measured of it, and where its targets lie.

    Attributes
    ----------
    sites : where the named targets lie that can be placed in this head
    refused : why others cannot, in sentences
    """

    head: Head
    anatomy: list[Measure]
    quality: MeshQuality
    sites: list[TargetSite]
    refused: list[str]

    @classmethod
    def of(cls, head: Head) -> "HeadReport":
        """Measure a head.

        Raises
        ------
        UnreadableFile : its mesh is not conforming
        """
        sites, refused = [], []
        for target in TARGETS.values() if head.head_from_mni is not None else ():
            try:
                sites.append(place_target(head, target))
            except PlacementRefused as error:
                refused.append(str(error))
        try:
            quality = mesh_quality(head.mesh)
        except ValueError as error:
            raise UnreadableFile(f"the mesh of {head.name} is not sound: {error}; mesh it again") from error
        return cls(head=head, anatomy=measure_anatomy(head), quality=quality, sites=sites, refused=refused)


def head_view(report: HeadReport) -> list[RenderableType]:
    """Everything of note about a head, for a person."""
    head, mesh = report.head, report.head.mesh
    t1 = "none" if head.t1 is None else " × ".join(map(str, head.t1.data.shape[:3])) + " voxels"
    pairs = [
        ("mesh", f"{len(mesh.nodes):,} nodes, {len(mesh.tetrahedra):,} tetrahedra"),
        ("T1 image", t1),
        ("fingerprint", head.fingerprint),
    ]
    parts = [heading(head.name), paragraph(head.provenance, title="What it is made of"), facts(pairs)]
    parts += _anatomy(report.anatomy)
    parts.append(facts(_quality(report), title="Mesh quality"))
    if head.head_from_mni is None:
        parts.append(
            "Its way to MNI space is unknown, so named targets have no place in it; aim at a point of its own."
        )
    if report.sites:
        parts.append(_targets(report.sites))
    if report.refused:
        parts.append(remarks(report.refused, title="Targets without a place in this head", style="yellow"))
    return parts


def _anatomy(anatomy: list[Measure]) -> list[RenderableType]:
    sources = list(dict.fromkeys(each.published.source for each in anatomy if each.published is not None))
    rows = []
    for each in anatomy:
        word, unit = each.quantity.value
        digits = 0 if word == "cm³" else 1
        spread = "" if each.spread is None else "–".join(f"{end / unit:.{digits}f}" for end in each.spread)
        rows.append((f"{each.label} ({word})", f"{each.value / unit:.{digits}f}", spread, *_published(each, sources)))
    columns = ["of this head", ">here", ">5–95 %", ">published", ""]
    parts = [table(columns, rows, title="Anatomy, beside adults as published")]
    if sources:
        numbered = [f"[{number}] {source}" for number, source in enumerate(sources, start=1)]
        parts.append(remarks(numbered, title="Sources of the published ranges (* recalled, not looked up again)"))
    return parts


def _published(measure: Measure, sources: list[str]) -> tuple[str, str]:
    published = measure.published
    if published is None:
        return "", ""
    unit = measure.quantity.value[1]
    star = "*" if published.certainty is Certainty.RECALLED else ""
    verdict = "within" if measure.within_published else "outside"
    number = sources.index(published.source) + 1
    return f"{published.low / unit:g}–{published.high / unit:g}{star}", f"{verdict} [{number}]"


def _quality(report: HeadReport) -> list[tuple[str, str]]:
    quality = report.quality
    angle = np.percentile(quality.smallest_dihedral, [0, 1, 50]) / degree
    ratio = np.percentile(quality.radius_ratio, [0, 1, 50])
    return [
        (
            "smallest dihedral",
            f"least {angle[0]:.1f}°, 1 % below {angle[1]:.1f}°, median {angle[2]:.1f}° (regular 70.5°)",
        ),
        ("radius ratio", f"least {ratio[0]:.2f}, 1 % below {ratio[1]:.2f}, median {ratio[2]:.2f} (regular 1)"),
        (
            "faults",
            f"{quality.inverted} inverted, {quality.duplicates} duplicate elements, {quality.open_edges} open edges",
        ),
        ("connected pieces", ", ".join(f"{_tissue(tag)} {count}" for tag, count in quality.pieces.items())),
    ]


def _tissue(tag: int) -> str:
    return Tissue(tag).label if tag in set(Tissue) else f"tag {tag}"


def _targets(sites: list[TargetSite]) -> RenderableType:
    rows = [
        (
            site.target.name + (" †" if site.target.report_only else ""),
            ", ".join(f"{coordinate / mm:.0f}" for coordinate in site.position),
            f"{site.depth / mm:.0f}",
            f"{site.moved / mm:.0f}",
        )
        for site in sites
    ]
    columns = ["target († deep, for report only)", ">place (mm)", ">below scalp (mm)", ">moved to cortex (mm)"]
    return table(columns, rows, title="Targets")


def head_document(report: HeadReport) -> dict[str, Any]:
    """The same for a program."""
    head, quality = report.head, report.quality
    return {
        "name": head.name,
        "provenance": head.provenance,
        "fingerprint": head.fingerprint,
        "nodes": len(head.mesh.nodes),
        "tetrahedra": len(head.mesh.tetrahedra),
        "anatomy": {each.name: _measure(each) for each in report.anatomy},
        "mesh_quality": {
            "smallest_dihedral_degrees": float(quality.smallest_dihedral.min() / degree),
            "median_dihedral_degrees": float(np.median(quality.smallest_dihedral) / degree),
            "smallest_radius_ratio": float(quality.radius_ratio.min()),
            "inverted": quality.inverted,
            "duplicates": quality.duplicates,
            "open_edges": quality.open_edges,
            "pieces": {_tissue(tag): count for tag, count in quality.pieces.items()},
        },
        "targets": [_site(site.target, site) for site in report.sites],
        "targets_without_place": report.refused,
    }


def _measure(measure: Measure) -> dict[str, Any]:
    word, unit = measure.quantity.value
    published = measure.published
    return {
        "label": measure.label,
        "unit": word.replace("³", "3"),
        "value": measure.value / unit,
        "percentiles_5_95": None if measure.spread is None else [end / unit for end in measure.spread],
        "published": None
        if published is None
        else {
            "low": published.low / unit,
            "high": published.high / unit,
            "source": published.source,
            "certainty": published.certainty.value,
        },
        "within_published": measure.within_published,
    }


def _site(target: Target, site: TargetSite) -> dict[str, Any]:
    return {
        "name": target.name,
        "position_mm": [float(coordinate / mm) for coordinate in site.position],
        "depth_below_scalp_mm": site.depth / mm,
        "moved_mm": site.moved / mm,
        "report_only": target.report_only,
    }
