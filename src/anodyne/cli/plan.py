"""``anodyne plan``: make a treatment plan, and show one."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anodyne.cli.options import json_option, quiet_option, refuse_unknown_tissues
from anodyne.cli.outputs import rehearse_folder
from anodyne.cli.places import open_head
from anodyne.cli.prescribing import RMT, Wanted, prescribing_options, refuse_unless_dosed
from anodyne.cli.settings import Settings
from anodyne.cli.steering import steer
from anodyne.cli.talk import Talk

if TYPE_CHECKING:
    from anodyne.coil import Coil
    from anodyne.plan import Planned, Prescription

MARKER = "plan.json"
"""The file by which a folder is known as a plan."""


@click.group()
def plan() -> None:
    """Treatment plans."""


plan.add_command(steer)


@plan.command()
@click.argument("head", metavar="HEAD")
@click.option(
    "--rmt-percent", required=True, type=RMT,
    help="The person's resting motor threshold in % of stimulator output, with this coil and stimulator.",
)  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="PLAN", help="The plan's folder.")
@click.option(
    "--uncertainty", is_flag=True,
    help="Also find what the published ranges of the conductivities make of the field: an interval for every region, "
    "and which tissues it comes from. Off unless asked for, since it takes about half a minute.",
)  # fmt: skip
@prescribing_options
@json_option("the plan")
@quiet_option
@click.pass_obj
def make(
    settings: Settings,
    wanted: Wanted,
    head: str,
    rmt_percent: float,
    out: Path,
    uncertainty: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Find where a coil belongs on a HEAD and what it does there.

    HEAD is a head's folder, a .msh file with SimNIBS' tissue tags, a SimNIBS m2m folder, or the word
    "template" for the embedded head. An earlier plan in the folder PLAN is replaced, anything else refused.
    """
    from anodyne.field import published_ranges
    from anodyne.protocol import find_protocol

    prescription = wanted.prescription(find_protocol(wanted.protocol), rmt_percent)
    if uncertainty:
        prescription = replace(prescription, conductivity_ranges=tuple(published_ranges().values()))
    planned = carry_out(prescription, wanted.find_coil(), head, out, settings, quiet=quiet)
    show_planned(planned, out, as_json=as_json)


def carry_out(
    prescription: "Prescription", coil: "Coil", head: str, out: Path, settings: Settings, *, quiet: bool
) -> "Planned":
    """Make a plan and write its folder, with everything that can be refused refused before the work."""
    from anodyne.plan import make_plan, write_plan

    refuse_unless_dosed(prescription, coil)
    rehearse_folder(out, marker=MARKER)
    with Talk(quiet=quiet) as talk:
        found = open_head(head, settings, talk.progress)
        refuse_unknown_tissues(prescription.conductivities, found.mesh)
        planned = make_plan(found, coil, prescription, talk.progress)
        write_plan(out, planned, talk.progress)
    return planned


def show_planned(planned: "Planned", out: Path, *, as_json: bool) -> None:
    """Print a plan that was just made and where its files are."""
    from anodyne.cli.plan_view import summary
    from anodyne.cli.tables import facts, show, show_json
    from anodyne.plan import plan_document

    document = plan_document(planned.plan)
    if as_json:
        show_json(document)
        return
    files = [("report", str(out / "report.html")), ("on paper", str(out / "report.pdf")), ("all files", f"{out}/")]
    show(*summary(document), facts(files, title="Written"))


@plan.command("show")
@click.argument("plan", type=click.Path(path_type=Path))
@json_option("the plan")
def show_(plan: Path, as_json: bool) -> None:
    """Show a PLAN, for a head or for the body: where the coil goes, dose, evidence and warnings."""
    from anodyne.cli import peripheral_view, plan_view
    from anodyne.cli.tables import show, show_json
    from anodyne.plan import PlanKind, plan_kind, read_any_plan

    document = read_any_plan(plan)
    if as_json:
        show_json(document)
        return
    view = plan_view if plan_kind(document) is PlanKind.HEAD else peripheral_view
    show(*view.summary(document), *view.details(document))
