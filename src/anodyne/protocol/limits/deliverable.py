"""Whether a stimulator and a coil can give a dose."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from anodyne.certainty import Certainty
from anodyne.errors import SafetyRefusal, UnknownName
from anodyne.protocol.devices import DeviceModel, find_device
from anodyne.protocol.devices.model import HAIR, pulse_rate
from anodyne.protocol.dose import Dose
from anodyne.protocol.facts import Fact
from anodyne.protocol.limits.heat import HEAT_LIMIT
from anodyne.protocol.limits.verdict import Finding, Topic, Verdict
from anodyne.protocol.protocol import Modality
from anodyne.protocol.session import Session
from anodyne.units import CELSIUS_ZERO, minute, percent


@dataclass(frozen=True, kw_only=True)
class CoilInUse:
    """What must be known of the coil on the stimulator.

    Attributes
    ----------
    label : for people
    stimulator : for which its peak rate of current holds, as its data say; None where they do not
    is_deep : whether it is a deep coil (H coil, double cone), for which other tables of limits hold
    """

    label: str
    stimulator: str | None
    is_deep: bool = False


DEEP = re.compile(r"brainsway|double[ -]cone|(?<![a-z])h\d{1,2}(?!\d)", re.IGNORECASE)


def is_deep_coil(name: str) -> bool:
    """Whether a coil is a deep one by its name or label: an H coil or a double cone.

    >>> is_deep_coil("Brainsway_H7.tcd"), is_deep_coil("Magstim 70 mm double coil")
    (True, False)
    """
    return DEEP.search(name) is not None


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What is asked of a stimulator and its coil; `is_fixed` is whether a device of its own gives it."""

    session: Session
    dose: Dose
    device: DeviceModel
    coil: CoilInUse | None
    modality: Modality
    is_fixed: bool = False
    firmware: int | None = None

    def finding(self, what: str, verdict: Verdict | None, sentence: str, cell: str, fact: Fact[object]) -> Finding:
        """A finding about this stimulator."""
        return Finding(
            what=what,
            verdict=verdict,
            sentence=sentence,
            table=f"stimulators, {self.device.name}",
            cell=cell,
            source=fact.source,
            certainty=fact.certainty,
            topic=Topic.DEVICE,
        )


def device_findings(asked: Delivery) -> tuple[Finding, ...]:
    """Every question of what stimulator and coil can do; what is not known decides nothing and is said."""
    if asked.is_fixed:
        sentence = f"The protocol runs at the fixed output of a device of its own, which {asked.device.label} is not."
        return (asked.finding("stimulator: train", Verdict.BLOCKED, sentence, *_rate_cell(asked)),)
    power = asked.dose.output
    try:
        asked.device.refuse_train(asked.session.train, power, asked.firmware)
    except SafetyRefusal as refusal:
        train = asked.finding("stimulator: train", Verdict.BLOCKED, f"{refusal}.", *_rate_cell(asked))
    else:
        sentence = (
            f"{asked.device.label} gives up to {asked.device.maximum_rate(power):g} Hz at {power / percent:.3g} % of "
            f"output, and this train needs {_fastest(asked):.4g} Hz."
        )
        train = asked.finding("stimulator: train", Verdict.INSIDE_TESTED, sentence, *_rate_cell(asked))
    doubts = asked.device.doubts(asked.session.train, power, asked.firmware)
    unknown = [asked.finding("stimulator: not known", None, doubt, "not stated", _unstated(doubt)) for doubt in doubts]
    return (train, *_rest(asked), *_continuous(asked), *unknown, *_power_step(asked), *_coil(asked), *_heat(asked))


def _unstated(doubt: str) -> Fact[object]:
    return Fact(value=None, certainty=Certainty.NOT_REPORTED, source="stimulators.yaml")


def _fastest(asked: Delivery) -> float:
    train = asked.session.train
    return train.rate if train.burst is None else max(train.rate, train.burst.rate)


def _rate_cell(asked: Delivery) -> tuple[str, Fact[object]]:
    point = asked.device.rate_point(asked.dose.output)
    return f"up to {point.power / percent:g} %: {point.rate:g} Hz", asked.device.maximum_rates


def _rest(asked: Delivery) -> Iterator[Finding]:
    """The wait that the supply needs between trains."""
    device, session, power = asked.device, asked.session, asked.dose.output
    wait = device.wait_after(session.train, power)
    if wait is None or session.trains == 1:
        return
    energy = device.energy_per_pulse(power)
    cell = f"{energy:g} J a pulse at {power / percent:.3g} %: {wait:.2f} s"
    interval = session.inter_train_interval
    if interval is None:
        sentence = f"{device.label} needs {wait:.2f} s after each train; the pause is not known, so choose one."
        yield asked.finding("stimulator: wait", None, sentence, cell, device.full_energy)
        return
    enough = interval >= wait * (1 - HAIR)
    yield asked.finding(
        "stimulator: wait",
        Verdict.INSIDE_TESTED if enough else Verdict.BLOCKED,
        f"{device.label} needs {wait:.2f} s after each train, and the pause is {interval:g} s"
        + ("." if enough else "; lengthen the pause."),
        cell,
        device.full_energy,
    )


def _continuous(asked: Delivery) -> Iterator[Finding]:
    """How long it can pulse in a minute, and at which rate without end."""
    device, power, train = asked.device, asked.dose.output, asked.session.train
    on_time, continuous = device.maximum_on_time(pulse_rate(train), power), device.continuous_rate(power)
    if on_time is None or continuous is None:
        return
    endless = on_time >= minute
    cell = f"continuously up to {continuous:.3g} Hz at {power / percent:.3g} %"
    if endless:
        sentence = (
            f"{pulse_rate(train):.3g} Hz can be kept up without a rest, for at most {device.largest_train} pulses."
        )
    else:
        sentence = f"It can pulse for {on_time:.1f} s in a minute at {pulse_rate(train):g} Hz."
    fits = endless or train.duration <= on_time * (1 + HAIR)
    verdict = Verdict.INSIDE_TESTED if fits else Verdict.BLOCKED
    yield asked.finding("stimulator: continuous", verdict, sentence, cell, device.sustained_power)


def _power_step(asked: Delivery) -> Iterator[Finding]:
    """Say between which settings an output lies that the wire cannot say."""
    output, step = asked.dose.output, asked.device.power_step.known
    settable = asked.device.powers_beside(output)
    if len(settable) == 1:
        return
    relative = " or ".join(f"{power / percent:g} % ({power / asked.dose.rmt / percent:.1f} %)" for power in settable)
    yield asked.finding(
        "stimulator: setting",
        None,
        f"{output / percent:.4g} % of output is no step of {step / percent:g} %; set {relative} of threshold.",
        f"steps of {step / percent:g} %",
        asked.device.power_step,
    )


def _coil(asked: Delivery) -> Iterator[Finding]:
    coil, device = asked.coil, asked.device
    if coil is None:
        return

    def finding(verdict: Verdict | None, sentence: str) -> Finding:
        return Finding(
            what="coil",
            verdict=verdict,
            sentence=sentence,
            table="coils",
            cell=f"{coil.label}: {coil.stimulator or 'no stimulator stated'}",
            source="the coil's own data",
            certainty=Certainty.READ if coil.stimulator else Certainty.NOT_REPORTED,
            topic=Topic.DEVICE,
        )

    if asked.modality is Modality.DEEP_COIL and not coil.is_deep:
        sentence = f"The protocol was published for a deep coil, and {coil.label} is not known to be one."
        yield replace(finding(Verdict.NEEDS_OVERRIDE, sentence), what="coil: kind")
    if coil.stimulator is None:
        yield finding(None, f"For which stimulator the peak rate of {coil.label} holds is not stated.")
        return
    try:
        own: DeviceModel | None = find_device(coil.stimulator)
    except UnknownName:
        own = None
    if own is not None and own.name == device.name:
        yield finding(Verdict.INSIDE_TESTED, f"The peak rate of {coil.label} is that on {device.label}.")
    elif _maker_of(coil.stimulator) == device.maker:
        yield finding(
            None, f"The peak rate of {coil.label} is that on {coil.stimulator}; on {device.label} it is not known."
        )
    else:
        yield finding(
            Verdict.BLOCKED,
            f"{coil.label} belongs to {coil.stimulator} and not to {device.label}, so % of output means nothing in "
            "A/µs; take a coil of this stimulator.",
        )


def _maker_of(stimulator: str) -> str | None:
    """The maker of a stimulator as coil data name it; None for one whose models are not in the table."""
    words = stimulator.casefold()
    return next((maker for word, maker in (("magstim", "Magstim"), ("magpro", "MagVenture")) if word in words), None)


def _heat(asked: Delivery) -> Iterator[Finding]:
    """What is known of coil and skin growing warm: the temperature at which to stop, not how soon it comes."""
    limit = asked.device.coil_limit
    if limit.value is not None:
        sentence = (
            f"How warm the coil becomes is not known beforehand; the stimulator disarms above "
            f"{limit.value - CELSIUS_ZERO:.0f} °C, so start cool and watch it."
        )
        yield asked.finding("coil: heat", None, sentence, f"{limit.value - CELSIUS_ZERO:.0f} °C", limit)
    else:
        sentence = "How warm the coil becomes, and at which temperature it stops, is not known; watch it."
        yield asked.finding("coil: heat", None, sentence, "not stated", limit)
    if asked.modality is Modality.PERIPHERAL:
        yield Finding(
            what="skin: heat",
            verdict=None,
            sentence=f"How warm the skin becomes is not known beforehand: {HEAT_LIMIT.in_words}.",
            table=HEAT_LIMIT.name,
            cell=HEAT_LIMIT.in_words,
            source=HEAT_LIMIT.source,
            certainty=HEAT_LIMIT.certainty,
            topic=Topic.DEVICE,
        )
