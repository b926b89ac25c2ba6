"""``anodyne protocol check`` and ``anodyne plan dose``: whether a dose may be given, and how else it could be set."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anodyne.cli.circumstances import Around, check_plan, coil_in_use, person_options, with_interval
from anodyne.cli.options import Number, coil_option, json_option
from anodyne.cli.plan import plan
from anodyne.cli.prescribing import RMT
from anodyne.cli.protocol import protocol
from anodyne.errors import SafetyRefusal, UnreadableFile
from anodyne.units import A_per_us, mm, percent

if TYPE_CHECKING:
    from anodyne.coil import Coil
    from anodyne.protocol import Dose, DoseCheck, FieldDose, Protocol

Document = dict[str, Any]


@protocol.command("check")
@click.argument("protocol", metavar="PROTOCOL")
@click.option(
    "--rmt-percent", "--threshold-percent", "rmt_percent", required=True, type=RMT,
    help="The threshold that the intensity is relative to, in % of stimulator output: the resting motor threshold, or "
    "for peripheral stimulation the twitch threshold at the site or the strongest output that is tolerated.",
)  # fmt: skip
@click.option("--stimulator", required=True, metavar="NAME", help="The model of stimulator, by name.")
@coil_option
@click.option(
    "--maximum-di-dt", type=Number(unit="A/s", low=1e5, high=1e9), metavar="A/S",
    help="Rate of current at full output in A/s, for a coil that states none.",
)  # fmt: skip
@click.option(
    "--intensity-percent", type=Number(unit="%", low=1, high=200),
    help="Intensity in % of the threshold in place of the protocol's own.",
)  # fmt: skip
@click.option(
    "--inter-train-interval", type=Number(unit="s", low=0), metavar="SECONDS",
    help="Pause between trains in place of the protocol's own.",
)  # fmt: skip
@person_options
@json_option("the check")
def check_(
    protocol: str,
    rmt_percent: float,
    stimulator: str,
    coil: str,
    maximum_di_dt: float | None,
    intensity_percent: float | None,
    inter_train_interval: float | None,
    around: Around,
    as_json: bool,
) -> None:
    """Check a PROTOCOL for one person: can this stimulator and coil give it, and have people been given as much?

    PROTOCOL is a published protocol's name, or your own: FILE.yaml or FILE.yaml:NAME. Every answer says
    where it was looked up and how sure that is. The exit status is 0 if the dose may be given, else 1.
    """
    from anodyne.coil import find_coil
    from anodyne.protocol import check_dose, find_device, find_protocol

    asked, device, wound = find_protocol(protocol), find_device(stimulator), find_coil(coil)
    asked = with_interval(asked, inter_train_interval)
    peak = maximum_di_dt if maximum_di_dt is not None else wound.maximum_di_dt
    dose = _dose(asked, rmt_percent, intensity_percent, _known_peak(peak, wound))
    check = check_dose(
        asked,
        dose=dose,
        device=device,
        coil=coil_in_use(wound.name, wound.label, wound.stimulator),
        circumstances=around.circumstances(),
        override=around.override,
    )
    _show_check(asked, dose, check, as_json=as_json)
    check.refuse_unless_allowed()


def _known_peak(peak: float | None, coil: "Coil") -> float:
    if peak is None:
        raise SafetyRefusal(
            f"the peak dI/dt of {coil.label} is not known, so a threshold in % of output has no meaning in A/us; "
            "use a coil file that states it (dIdtmax), or say it with --maximum-di-dt"
        )
    return peak


def _dose(asked: "Protocol", rmt_percent: float, intensity_percent: float | None, peak: float) -> "Dose":
    from anodyne.protocol import prescribe

    intensity = None if intensity_percent is None else intensity_percent * percent
    try:
        return prescribe(asked, rmt=rmt_percent * percent, peak_di_dt=peak, intensity=intensity)
    except ValueError as error:
        hint = "; choose one with --intensity-percent" if "reports no intensity" in str(error) else ""
        raise click.UsageError(f"{str(error).partition('; give one')[0]}{hint}", click.get_current_context()) from error


def _show_check(asked: "Protocol", dose: "Dose", check: "DoseCheck", *, as_json: bool) -> None:
    from anodyne.cli.dosing_view import check_document, check_parts
    from anodyne.cli.tables import show, show_json

    if as_json:
        show_json(check_document(check, dose))
    else:
        show(*check_parts(asked, dose, check))


@plan.command("dose")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option(
    "--rmt-percent", type=RMT,
    help="The person's resting motor threshold in % of stimulator output, with the plan's coil; the plan's own if not "
    "given.",
)  # fmt: skip
@click.option(
    "--field", "field_wanted", type=Number(unit="V/m", low=0.1, high=1000), metavar="V/M",
    help="Set the output by this field at the target, in V/m (mean magnitude of E over the target's region).",
)  # fmt: skip
@click.option(
    "--m1-equivalent", is_flag=True,
    help="Set the output so that the target has the field that the motor cortex has at the protocol's intensity.",
)  # fmt: skip
@click.option(
    "--m1-plan", type=click.Path(path_type=Path), metavar="PLAN",
    help="A plan with the same head and coil that aims at the hand's motor cortex, for --m1-equivalent.",
)  # fmt: skip
@click.option("--stokes", is_flag=True, help="Set the output by the threshold corrected for the target's depth.")
@click.option(
    "--m1-side", type=click.Choice(["left", "right"]),
    help="The motor cortex where the threshold was measured; the target's own side if not given.",
)  # fmt: skip
@click.option(
    "--target-distance-mm", type=Number(unit="mm", low=1, high=60), metavar="MM",
    help="From the scalp to the nearest cortex at the target, as measured in the person's image; the plan's if not "
    "given.",
)  # fmt: skip
@click.option(
    "--m1-distance-mm", type=Number(unit="mm", low=1, high=60), metavar="MM",
    help="The same at the motor cortex where the threshold was measured.",
)  # fmt: skip
@person_options
@json_option("the doses")
def dose_(
    plan: Path,
    rmt_percent: float | None,
    field_wanted: float | None,
    m1_equivalent: bool,
    m1_plan: Path | None,
    stokes: bool,
    m1_side: str | None,
    target_distance_mm: float | None,
    m1_distance_mm: float | None,
    around: Around,
    as_json: bool,
) -> None:
    """Set the dose of a PLAN by field or depth instead of by % of threshold, and say how far they differ.

    Without --field, --m1-equivalent or --stokes every way that the plan allows is shown, and the plain dose is
    checked against human limits; else the one that was chosen is. The exit status is 0 if it may be given, else 1.
    """
    from anodyne.plan import read_plan
    from anodyne.protocol import DosingMethod, plain_dose

    chosen = _chosen(field_wanted, m1_equivalent, stokes)
    document = read_plan(plan)
    rmt = document["dose"]["rmt_percent"] * percent if rmt_percent is None else rmt_percent * percent
    given = Given(document=document, rmt=rmt, side=m1_side, measured=_measured(target_distance_mm, m1_distance_mm))
    m1 = _motor_plan(document, m1_plan)
    doses: list[FieldDose] = [plain_dose(rmt=rmt, intensity=given.intensity)]
    if field_wanted is not None:
        doses.append(given.by_field(field_wanted))
    if m1 is not None:
        doses += _possible(lambda: given.like_m1(m1), needed=m1_equivalent)
    elif m1_equivalent:
        raise click.UsageError(
            "the plan does not hold the field of the motor cortex with the coil over it; make a plan for the same head "
            "and coil at left-m1-hand or right-m1-hand and name it with --m1-plan",
            click.get_current_context(),
        )
    doses += _possible(given.by_depth, needed=stokes)
    wanted = next(dose for dose in doses if dose.method.value == (chosen or DosingMethod.MOTOR_THRESHOLD.value))
    check = given.check(wanted, around)
    _show_doses(given, doses, wanted, check, as_json=as_json)
    check.refuse_unless_allowed()


def _chosen(field_wanted: float | None, m1_equivalent: bool, stokes: bool) -> str | None:
    chosen = [
        name
        for name, is_wanted in (
            ("field", field_wanted is not None),
            ("m1-equivalent", m1_equivalent),
            ("stokes", stokes),
        )
        if is_wanted
    ]
    if len(chosen) > 1:
        words = " and ".join(f"--{name}" for name in chosen)
        raise click.UsageError(f"{words} each set the dose; keep one of them", click.get_current_context())
    return chosen[0] if chosen else None


def _measured(target_mm: float | None, m1_mm: float | None) -> tuple[float, float] | None:
    if (target_mm is None) != (m1_mm is None):
        raise click.UsageError(
            "--target-distance-mm and --m1-distance-mm belong together; give both", click.get_current_context()
        )
    return None if target_mm is None or m1_mm is None else (target_mm * mm, m1_mm * mm)


def _possible(make: "Callable[[], FieldDose]", *, needed: bool) -> "list[FieldDose]":
    """The dose, or none where it cannot be had and was only to be compared."""
    try:
        return [make()]
    except (SafetyRefusal, ValueError, UnreadableFile) as error:
        if not needed:
            return []
        if isinstance(error, ValueError):
            raise SafetyRefusal(f"this way of dosing has no answer here: {error}") from error
        raise


def _motor_plan(document: Document, path: Path | None) -> Document | None:
    """The plan whose coil is over the hand's motor cortex: the one named, or this one if it aims there."""
    from anodyne.plan import read_plan

    if path is None:
        return document if document["target"]["name"].endswith("m1-hand") else None
    other = read_plan(path)
    for what, found, wanted in (
        ("another head", other["head"]["fingerprint"], document["head"]["fingerprint"]),
        ("other conductivities", other["head"]["conductivity_s_per_m"], document["head"]["conductivity_s_per_m"]),
        ("another coil", other["coil"]["name"], document["coil"]["name"]),
    ):
        if found != wanted:
            raise UnreadableFile(f"{path} has {what} than the plan; make both with the same")
    if not other["target"]["name"].endswith("m1-hand"):
        raise UnreadableFile(f"{path} aims at {other['target']['name']}; make it at left-m1-hand or right-m1-hand")
    return other


@dataclass(frozen=True, kw_only=True)
class Given:
    """A plan's document, and what its doses are set by.

    Attributes
    ----------
    rmt : fraction of maximum output
    side : of the motor cortex where that was measured; None for the target's own
    measured : from scalp to cortex at the target and at the motor cortex, m; None for the plan's own
    """

    document: Document
    rmt: float
    side: str | None
    measured: tuple[float, float] | None = None

    @property
    def intensity(self) -> float:
        """Of the plan, relative to threshold."""
        return float(self.document["dose"]["intensity_percent_of_threshold"]) * percent

    @property
    def target(self) -> str:
        """The name of what the plan aims at."""
        return str(self.document["target"]["name"])

    def field_at_full_output(self, document: Document | None = None) -> float:
        """At the plan's target, V/m: a field is proportional to output."""
        told = document or self.document
        return float(told["e_field"]["regions"][0]["magnitude_v_per_m"]) / (told["dose"]["output_percent"] * percent)

    def by_field(self, field: float) -> "FieldDose":
        """The output that gives this field (V/m)."""
        from anodyne.protocol import dose_for_field

        full = self.field_at_full_output()
        return dose_for_field(field, rmt=self.rmt, intensity=self.intensity, field_at_full_output=full)

    def like_m1(self, m1: Document) -> "FieldDose":
        """The output that gives the target what the motor cortex has."""
        from anodyne.protocol import dose_matching_m1

        return dose_matching_m1(
            rmt=self.rmt,
            intensity=self.intensity,
            field_at_full_output=self.field_at_full_output(),
            m1_field_at_full_output=self.field_at_full_output(m1),
        )

    @property
    def motor_cortex(self) -> str:
        """The name of the motor cortex where the threshold was measured."""
        own = self.target.split("-")[0]
        return f"{self.side or (own if own in ('left', 'right') else 'left')}-m1-hand"

    def distances(self) -> tuple[float, float]:
        """From the scalp to the cortex at the target and at the motor cortex, m, as given or as the plan says.

        Raises
        ------
        UnreadableFile : the plan does not say them
        """
        if self.measured is not None:
            return self.measured
        told = {
            region["name"]: region["scalp_to_cortex_mm"] * mm
            for region in self.document["e_field"]["regions"]
            if "scalp_to_cortex_mm" in region
        }
        missing = [name for name in (self.target, self.motor_cortex) if name not in told]
        if missing:
            raise UnreadableFile(
                f"this plan does not say how far {' and '.join(missing)} is from the scalp; make it again, or give "
                "the distances with --target-distance-mm and --m1-distance-mm"
            )
        return told[self.target], told[self.motor_cortex]

    def by_depth(self) -> "FieldDose":
        """The output by the depth-corrected threshold."""
        from anodyne.protocol import dose_by_depth

        target, motor = self.distances()
        return dose_by_depth(rmt=self.rmt, intensity=self.intensity, target_distance=target, m1_distance=motor)

    def check(self, chosen: "FieldDose", around: Around) -> "DoseCheck":
        """Human limits at the output that was chosen, which is another intensity relative to threshold."""
        from anodyne.protocol import Dose

        peak = self.document["coil"]["maximum_di_dt_a_per_us"] * A_per_us
        return check_plan(self.document, Dose(rmt=self.rmt, intensity=chosen.relative, peak_di_dt=peak), around)


def _distances(given: Given) -> tuple[float, float] | None:
    try:
        return given.distances()
    except UnreadableFile:
        return None


def _show_doses(
    given: Given, doses: "list[FieldDose]", chosen: "FieldDose", check: "DoseCheck", *, as_json: bool
) -> None:
    from anodyne.cli.dosing_view import DosesOfPlan
    from anodyne.cli.tables import show, show_json

    told = DosesOfPlan(
        document=given.document,
        doses=tuple(doses),
        chosen=chosen,
        check=check,
        field_at_full_output=given.field_at_full_output(),
        distances=_distances(given),
    )
    if as_json:
        show_json(told.to_data())
    else:
        show(*told.parts())
