"""``anodyne plan peripheral``: a plan for a muscle or nerve of the body."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from anodyne.cli.circumstances import Around, known_device, person_options_of_a_site
from anodyne.cli.options import coil_option, json_option, quiet_option
from anodyne.cli.outputs import rehearse_folder
from anodyne.cli.plan import MARKER, plan
from anodyne.cli.prescribing import (
    RMT,
    coil_with_peak,
    intensity_option,
    interval_option,
    peak_option,
    refuse_unless_stated,
)
from anodyne.cli.talk import Talk
from anodyne.units import percent

if TYPE_CHECKING:
    from anodyne.plan import PeripheralPlan
    from anodyne.protocol import BodySite, Protocol

SIDES = ("left", "right")


@plan.command("peripheral")
@click.option(
    "--protocol", required=True, metavar="NAME|FILE",
    help="A published protocol of peripheral stimulation by name (see 'anodyne protocol list'), or your own: FILE.yaml "
    "or FILE.yaml:NAME.",
)  # fmt: skip
@click.option(
    "--site", required=True, metavar="WORDS",
    help="Where the coil is held: muscle or nerve, as in 'median nerve at the wrist'. No name of a person.",
)  # fmt: skip
@click.option("--side", type=click.Choice(SIDES), help="The person's own left or right; none in the middle.")
@click.option(
    "--threshold-percent", required=True, type=RMT,
    help="The person's threshold at this site in % of stimulator output, with this coil and stimulator: by twitch, or "
    "the strongest that is tolerated (comfort), as the protocol's intensity is.",
)  # fmt: skip
@coil_option
@click.option(
    "--stimulator", metavar="NAME",
    help="The model of stimulator, if not the coil's own; see 'anodyne stimulator list'.",
)  # fmt: skip
@peak_option
@intensity_option
@interval_option
@person_options_of_a_site
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="PLAN", help="The plan's folder.")
@json_option("the plan")
@quiet_option
def peripheral(
    protocol: str,
    site: str,
    side: str | None,
    threshold_percent: float,
    coil: str,
    stimulator: str | None,
    maximum_di_dt: float | None,
    intensity_percent: float | None,
    inter_train_interval: float | None,
    around: Around,
    out: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Plan the stimulation of a muscle or a nerve: where, how strongly, and whether that may be given.

    What the threshold is by, a twitch at the site or comfort, follows from the protocol. There is no head, no
    placement and no field in such a plan. A dose that is blocked is refused; one that needs a consultant's
    override is planned, and says so. An earlier plan in the folder PLAN is replaced, anything else refused.
    Research software, not a medical device.
    """
    from anodyne.plan import PeripheralPrescription, make_peripheral_plan, write_peripheral_plan
    from anodyne.protocol import find_device, find_protocol

    asked = find_protocol(protocol)
    wound = coil_with_peak(coil, maximum_di_dt)
    device = known_device(wound.stimulator) if stimulator is None else find_device(stimulator)
    try:
        prescription = PeripheralPrescription(
            protocol=asked,
            site=_site(site, side),
            threshold=threshold_percent * percent,
            intensity=None if intensity_percent is None else intensity_percent * percent,
            inter_train_interval=inter_train_interval,
            device=device,
            circumstances=around.circumstances(),
            override=around.override,
        )
        _refuse_unknown_pulses(asked)
        refuse_unless_stated(asked, prescription.intensity)
        made = make_peripheral_plan(wound, prescription)
    except ValueError as error:
        raise click.UsageError(str(error), click.get_current_context()) from error
    rehearse_folder(out, marker=MARKER)
    with Talk(quiet=quiet) as talk:
        write_peripheral_plan(out, made, talk.progress)
    _show(made, out, as_json=as_json)


def _site(words: str, side: str | None) -> "BodySite":
    from anodyne.protocol import BodySite, Side

    try:
        return BodySite(words=" ".join(words.split()), side=None if side is None else Side(side))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--site'") from error


def _refuse_unknown_pulses(protocol: "Protocol") -> None:
    """Raise `SafetyRefusal` for a protocol whose source does not say enough to give it."""
    from anodyne.errors import SafetyRefusal

    if protocol.session is None:
        raise SafetyRefusal(
            f"{protocol.name} cannot be planned: its source does not report rate, pulses and trains, so there is no "
            "session to give; choose another protocol, or write your own with numbers that you can answer for"
        )


def _show(made: "PeripheralPlan", out: Path, *, as_json: bool) -> None:
    from anodyne.cli.peripheral_view import summary
    from anodyne.cli.tables import facts, show, show_json
    from anodyne.plan import peripheral_document

    document = peripheral_document(made)
    if as_json:
        show_json(document)
        return
    files = [("report", str(out / "report.html")), ("on paper", str(out / "report.pdf")), ("all files", f"{out}/")]
    show(*summary(document), facts(files, title="Written"))
