"""``anodyne plan``: make a treatment plan, and show one."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anodyne.cli.options import (
    NameOrPoint,
    Number,
    conductivities,
    conductivity_option,
    json_option,
    quiet_option,
    refuse_unknown_tissues,
)
from anodyne.cli.outputs import rehearse_folder
from anodyne.cli.places import open_head
from anodyne.cli.settings import Settings
from anodyne.cli.talk import Talk
from anodyne.units import mm, percent

if TYPE_CHECKING:
    from anodyne.coil import Coil
    from anodyne.head import Target
    from anodyne.plan import Planned, Prescription
    from anodyne.protocol import Protocol

MARKER = "plan.json"
"""The file by which a folder is known as a plan."""
SPACES = ("mni", "head", "t1")
OBJECTIVES = ("magnitude", "normal-component")


@click.group()
def plan() -> None:
    """Treatment plans."""


@plan.command()
@click.argument("head", metavar="HEAD")
@click.option(
    "--target", type=NameOrPoint(), metavar="NAME|x,y,z",
    help="Where to stimulate: a name (see 'anodyne target list') or a point in mm. Default: the protocol's target.",
)  # fmt: skip
@click.option(
    "--space", type=click.Choice(SPACES), default="mni", show_default=True,
    help="The space of a point: MNI152, the head's own, or its T1's.",
)  # fmt: skip
@click.option(
    "--protocol", required=True, metavar="NAME|FILE",
    help="A published protocol's name (see 'anodyne protocol list'), or your own: FILE.yaml or FILE.yaml:NAME.",
)  # fmt: skip
@click.option("--coil", required=True, help="A built-in coil's name or a .ccd, .tcd or .nii.gz file.")
@click.option(
    "--maximum-di-dt", type=Number(unit="A/s", low=1e5, high=1e9), metavar="A/S",
    help="Rate of current at full output in A/s, for a coil file that states none, or as measured on your stimulator.",
)  # fmt: skip
@click.option(
    "--rmt-percent", required=True, type=Number(unit="%", low=20, high=100),
    help="The person's resting motor threshold in % of stimulator output, with this coil and stimulator.",
)  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="PLAN", help="The plan's folder.")
@click.option(
    "--intensity-percent", type=Number(unit="%", low=1, high=200),
    help="Intensity in % of the threshold in place of the protocol's own.",
)  # fmt: skip
@click.option(
    "--inter-train-interval", type=Number(unit="s", low=0), metavar="SECONDS",
    help="Pause between trains, where the protocol's source reports none or another is wanted.",
)  # fmt: skip
@click.option(
    "--pain-side", type=click.Choice(["left", "right"]),
    help="The side of the pain, for protocols that stimulate the opposite side.",
)  # fmt: skip
@click.option(
    "--hair-mm", type=Number(unit="mm", low=0, high=50), default=2.0, show_default=True,
    help="Distance kept between scalp and casing, for hair.",
)  # fmt: skip
@click.option(
    "--objective", type=click.Choice(OBJECTIVES), default="magnitude", show_default=True,
    help="What the search makes largest at the target: the field's magnitude, or its part along the cortex's normal.",
)  # fmt: skip
@conductivity_option
@json_option("the plan")
@quiet_option
@click.pass_obj
def make(
    settings: Settings,
    head: str,
    target: str | tuple[float, ...] | None,
    space: str,
    protocol: str,
    coil: str,
    maximum_di_dt: float | None,
    rmt_percent: float,
    out: Path,
    intensity_percent: float | None,
    inter_train_interval: float | None,
    pain_side: str | None,
    hair_mm: float,
    objective: str,
    conductivity: tuple[tuple[int, float], ...],
    as_json: bool,
    quiet: bool,
) -> None:
    """Find where a coil belongs on a HEAD and what it does there.

    HEAD is a head's folder, a .msh file with SimNIBS' tissue tags, a SimNIBS m2m folder, or the word
    "template" for the embedded head. An earlier plan in the folder PLAN is replaced, anything else refused.
    """
    from anodyne.coil import find_coil
    from anodyne.plan import Objective, Prescription, SearchGrid
    from anodyne.protocol import find_protocol

    chosen = find_protocol(protocol)
    prescription = Prescription(
        target=_target(target, space) if target is not None else _own_target(chosen, pain_side),
        protocol=chosen,
        rmt=rmt_percent * percent,
        intensity=None if intensity_percent is None else intensity_percent * percent,
        inter_train_interval=inter_train_interval,
        objective=Objective(objective),
        grid=SearchGrid(hair=hair_mm * mm),
        conductivities=conductivities(conductivity),
    )
    used = find_coil(coil)
    if maximum_di_dt is not None:
        used = replace(used, maximum_di_dt=maximum_di_dt)
    planned = carry_out(prescription, used, head, out, settings, quiet=quiet)
    show_planned(planned, out, as_json=as_json)


def carry_out(
    prescription: "Prescription", coil: "Coil", head: str, out: Path, settings: Settings, *, quiet: bool
) -> "Planned":
    """Make a plan and write its folder, with everything that can be refused refused before the work."""
    from anodyne.plan import make_plan, write_plan

    _refuse_unless_dosed(prescription, coil)
    rehearse_folder(out, marker=MARKER)
    with Talk(quiet=quiet) as talk:
        found = open_head(head, settings, talk.progress)
        refuse_unknown_tissues(prescription.conductivities, found.mesh)
        planned = make_plan(found, coil, prescription, talk.progress)
        write_plan(out, planned, talk.progress)
    return planned


def _refuse_unless_dosed(prescription: "Prescription", coil: "Coil") -> None:
    from anodyne.plan import dose_for
    from anodyne.protocol import IntensityBasis

    protocol, context = prescription.protocol, click.get_current_context()
    unstated = protocol.intensity.value is None and protocol.intensity_basis is not IntensityBasis.FIXED_OUTPUT
    if unstated and prescription.intensity is None:
        raise click.UsageError(
            f"the source of {protocol.name} reports no intensity; choose one with --intensity-percent", context
        )
    try:
        dose_for(coil, prescription)
    except ValueError as error:
        raise click.UsageError(str(error), context) from error


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


def _target(wanted: str | tuple[float, ...], space: str) -> "Target":
    from anodyne.head import Space, find_target, point_target

    if isinstance(wanted, str):
        return find_target(wanted)
    try:
        return point_target([coordinate * mm for coordinate in wanted], Space(space))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--target'") from error


def _own_target(protocol: "Protocol", pain_side: str | None) -> "Target":
    """The target that the protocol itself names."""
    from anodyne.head import find_target
    from anodyne.protocol import Side

    try:
        name = protocol.target_name(None if pain_side is None else Side(pain_side))
    except ValueError as error:
        context = click.get_current_context()
        raise click.UsageError(f"{error}; add --pain-side or --target", context) from error
    return find_target(name)


@plan.command("show")
@click.argument("plan", type=click.Path(path_type=Path))
@json_option("the plan")
def show_(plan: Path, as_json: bool) -> None:
    """Show a PLAN: placement, field, dose, evidence and warnings."""
    from anodyne.cli.plan_view import details, summary
    from anodyne.cli.tables import show, show_json
    from anodyne.plan import read_plan

    document = read_plan(plan)
    if as_json:
        show_json(document)
        return
    show(*summary(document), *details(document))
