"""From a plan's folder to an order for one session: what is given, and what must be so before."""

import sys
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anodyne.cli.circumstances import Around, check_plan, site_of
from anodyne.cli.options import Number
from anodyne.cli.questions import asked
from anodyne.errors import SafetyRefusal, UnreadableFile
from anodyne.units import CELSIUS_ZERO, A_per_us, degree, mm, percent

if TYPE_CHECKING:
    from anodyne.protocol import DeviceModel, Protocol, Session
    from anodyne.stimulator import DeliveryOrder, PoseTolerance, Site

INTERVAL = "--inter-train-interval"
USUAL_COIL_LIMIT = 40.0
"""°C, where neither site nor device states one: above it a Magstim disarms (MagPy; read); for others assumed."""


@dataclass(frozen=True, kw_only=True)
class Ordering:
    """What the command line says of an order, beside the plan.

    Attributes
    ----------
    person : a pseudonym
    rmt_measured : the day of the plan's threshold
    stimulator : a model's name; None for the one of the plan's coil
    power_percent : of maximum output, where the plan's cannot be set; None for the plan's
    inter_train_interval : s; None for the protocol's
    tolerance_mm, tolerance_degrees : of the coil's pose
    around : the person and the day, for the check of the dose
    """

    person: str
    rmt_measured: date
    stimulator: str | None
    power_percent: float | None
    inter_train_interval: float | None
    tolerance_mm: float
    tolerance_degrees: float
    around: Around

    def completed(self, plan: dict[str, Any]) -> "Ordering":
        """The same with what the plan leaves open asked for; unchanged where there is no terminal to ask at."""
        if not sys.stdin.isatty():
            return self
        session, device, planned = _protocol(plan).session, self._device(plan), plan["dose"]["output_percent"]
        power, interval = self.power_percent, self.inter_train_interval
        if interval is None and session is not None and session.trains > 1 and session.inter_train_interval is None:
            kind = Number(unit="s", low=0)
            interval = asked("Pause between trains in s, of which the source reports none", INTERVAL, kind)
        settable = [f"{each / percent:g}" for each in device.powers_beside(planned * percent)]
        if power is None and len(settable) > 1:
            words = f"The plan wants {planned:g} % of output, which {device.label} cannot be set to; set"
            power = float(asked(words, "--power-percent", click.Choice(settable)))
        return replace(self, power_percent=power, inter_train_interval=interval)

    def order(self, plan: dict[str, Any], site: "Site") -> "DeliveryOrder":
        """The order for one session of a plan, its dose checked.

        Raises
        ------
        SafetyRefusal : the stimulator cannot give it exactly, or the check of the dose does not allow it
        click.UsageError : the plan leaves something open that an option must say
        """
        from anodyne.stimulator import DeliveryOrder, PlannedTrain, TrainSettings, fingerprint

        device, protocol = self._device(plan), _protocol(plan)
        session = _session(protocol, self.inter_train_interval)
        power = self._power(plan, device)
        train = session.train
        settings = TrainSettings(power=power, rate=train.rate, pulses=train.pulses, burst=train.burst)
        wait = session.inter_train_interval or 0.0
        try:
            return DeliveryOrder(
                plan_hash=fingerprint(plan),
                protocol=plan["protocol"]["name"],
                person=self.person,
                device=device.name,
                coil=plan["coil"]["name"],
                trains=(PlannedTrain(settings=settings, wait_after=wait),) * session.trains,
                pose_tolerance=self._tolerance(plan),
                maximum_coil_temperature=coil_limit(device, site),
                peak_di_dt=plan["coil"]["maximum_di_dt_a_per_us"] * A_per_us,
                rmt=_threshold(plan),
                rmt_measured=self.rmt_measured,
                rmt_age_limit=site.rmt_age_limit,
                verdict=self._verdict(plan, device, power),
                override=_in_words(self.around),
                threshold_by=protocol.intensity_basis,
                site=site_of(plan) if is_for_the_body(plan) else None,
            )
        except ValueError as error:
            raise click.UsageError(str(error), click.get_current_context()) from error

    def _tolerance(self, plan: dict[str, Any]) -> "PoseTolerance | None":
        """How far the coil may be off its planned pose; None for the body, where there is none."""
        from anodyne.stimulator import PoseTolerance

        if is_for_the_body(plan):
            return None
        return PoseTolerance(distance=self.tolerance_mm * mm, angle=self.tolerance_degrees * degree)

    def _device(self, plan: dict[str, Any]) -> "DeviceModel":
        from anodyne.protocol import find_device

        name = self.stimulator or plan.get("stimulator") or plan["coil"]["stimulator"]
        if name is None:
            raise click.UsageError(
                "the plan's coil names no stimulator; name one with --stimulator", click.get_current_context()
            )
        return find_device(name)

    def _verdict(self, plan: dict[str, Any], device: "DeviceModel", power: float) -> str:
        """The verdict of the check of the dose, in words, if it allows it."""
        from anodyne.protocol import Dose

        rmt = _threshold(plan)
        peak = plan["coil"]["maximum_di_dt_a_per_us"] * A_per_us
        dose = Dose(rmt=rmt, intensity=power / rmt, peak_di_dt=peak)
        check = check_plan(plan, dose, self.around, device=device, interval=self.inter_train_interval)
        check.refuse_unless_allowed()
        return check.verdict.in_words

    def _power(self, plan: dict[str, Any], device: "DeviceModel") -> float:
        """The power to set: the plan's, or the step beside it that the operator chose."""
        planned, step = plan["dose"]["output_percent"], device.power_step.known / percent
        chosen = planned if self.power_percent is None else self.power_percent
        if abs(chosen - planned) >= step:
            raise SafetyRefusal(
                f"--power-percent {chosen:g} is more than one step of {step:g} % from the plan's {planned:g} %; "
                "another dose needs another plan"
            )
        set_to = device.powers_beside(chosen * percent)
        if len(set_to) > 1:
            beside = " or ".join(f"{each / percent:g}" for each in device.powers_beside(planned * percent))
            raise SafetyRefusal(
                f"the plan wants {planned:g} % of output and {device.label} is set in steps of {step:g} %; say "
                f"--power-percent {beside}"
            )
        return set_to[0]


def is_for_the_body(plan: dict[str, Any]) -> bool:
    """Whether a plan is for the body and not for a head."""
    from anodyne.plan import PlanKind, plan_kind

    return plan_kind(plan) is PlanKind.PERIPHERAL


def _threshold(plan: dict[str, Any]) -> float:
    """What the intensity of a plan is relative to, fraction of output."""
    key = "threshold_percent" if is_for_the_body(plan) else "rmt_percent"
    return float(plan["dose"][key]) * percent


def _in_words(around: Around) -> str:
    """Who allowed what the check alone did not, and why; empty if nobody had to."""
    override = around.override
    return "" if override is None else f"{override.who}, {override.role}: {override.reason}"


def _protocol(plan: dict[str, Any]) -> "Protocol":
    from anodyne.protocol import protocol_from_data

    entry = dict(plan["protocol"])
    name = entry.pop("name")
    try:
        return protocol_from_data(name, entry)
    except ValueError as error:
        raise UnreadableFile(f"the plan's protocol {name} cannot be read ({error}); make the plan again") from error


def _session(protocol: "Protocol", interval: float | None) -> "Session":
    """The session with its pauses."""
    session = protocol.session
    if session is None:
        raise SafetyRefusal(f"the pulse pattern of {protocol.name} is not known, so it cannot be given")
    if interval is not None:
        if session.inter_train_interval not in (None, interval):
            raise SafetyRefusal(
                f"the plan's pause between trains is {session.inter_train_interval:g} s; another one needs another plan"
            )
        return replace(session, inter_train_interval=interval)
    if session.inter_train_interval is None and session.trains > 1:
        raise click.UsageError(
            f"the source of {protocol.name} reports no pause between trains; say one with {INTERVAL}",
            click.get_current_context(),
        )
    return session


def coil_limit(device: "DeviceModel", site: "Site") -> float:
    """The coil's highest temperature, K: the device's own, or less where the site says so; without one, the site's."""
    own, stated = device.coil_limit.value, site.maximum_coil_temperature_celsius
    limits = [] if own is None else [own]
    limits += [] if stated is None else [stated + CELSIUS_ZERO]
    return min(limits, default=USUAL_COIL_LIMIT + CELSIUS_ZERO)


def default_log(plan: Path, person: str, today: date) -> Path:
    """The log of today's session where none is named: in the folder in which the command runs."""
    return Path(f"{plan.resolve().name}-{person}-{today.isoformat()}.delivery.jsonl")
