"""``anodyne target``: the named targets and where their coordinates come from."""

from typing import TYPE_CHECKING, Any

import click

from anodyne.cli.options import json_option
from anodyne.units import mm

if TYPE_CHECKING:
    from anodyne.head import Target


@click.group()
def target() -> None:
    """Named targets in the brain."""


@target.command("list")
@json_option("the targets")
def list_(as_json: bool) -> None:
    """List the named targets with their MNI152 coordinates and where these come from."""
    from anodyne.cli.tables import remarks, show, show_json, table
    from anodyne.head import TARGETS

    targets = list(TARGETS.values())
    if as_json:
        show_json([_document(each) for each in targets])
        return
    sources = list(dict.fromkeys(each.source for each in targets))
    rows = [
        (
            each.name + (" †" if each.report_only else ""),
            each.label,
            ", ".join(f"{coordinate / mm:.0f}" for coordinate in each.mni),
            f"{each.certainty.value} [{sources.index(each.source) + 1}]",
        )
        for each in targets
    ]
    numbered = [f"[{number}] {source}" for number, source in enumerate(sources, start=1)]
    show(
        table(["name", "target", ">MNI152 (mm)", "certainty"], rows),
        remarks(numbered, title="Sources"),
        "† too deep for a coil on the scalp to aim at; a plan reports the field there and no more. "
        "Any other point: 'anodyne plan make --target x,y,z --space mni|head|t1'.",
    )


def _document(target: "Target") -> dict[str, Any]:
    return {
        "name": target.name,
        "label": target.label,
        "region": target.region,
        "laterality": target.laterality.value,
        "mni_mm": [float(f"{coordinate / mm:.6g}") for coordinate in target.mni],
        "radius_mm": float(f"{target.radius / mm:.6g}"),
        "certainty": target.certainty.value,
        "source": target.source,
        "report_only": target.report_only,
    }
