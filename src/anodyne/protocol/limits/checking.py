"""One check for every dose: can it be given, and does it lie within what people have been given?"""

from dataclasses import dataclass, field, replace

from anodyne.certainty import Certainty
from anodyne.errors import SafetyRefusal
from anodyne.protocol.devices import DeviceModel
from anodyne.protocol.dose import Dose
from anodyne.protocol.limits.deliverable import CoilInUse, Delivery, device_findings
from anodyne.protocol.limits.human import human_findings
from anodyne.protocol.limits.precedents import pattern_of, region_of
from anodyne.protocol.limits.tables import LIMITS, Modifier
from anodyne.protocol.limits.verdict import Finding, Override, Topic, Verdict
from anodyne.protocol.protocol import IntensityBasis, Modality, Protocol
from anodyne.protocol.threshold.facts import VISUAL_TWITCH
from anodyne.protocol.threshold.trial import ResponseObservation
from anodyne.units import percent


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What a check must know of the person and the day.

    Attributes
    ----------
    sessions_per_day : most on one day; None for the protocol's own
    target : in the head, by name; empty for the protocol's own
    modifiers : what lowers this person's seizure threshold
    observation : by what the responses were seen when the threshold was measured
    site : of peripheral stimulation, in words: muscle or nerve and side; it is recorded, not judged
    firmware : main version of the stimulator's
    """

    sessions_per_day: int | None = None
    target: str = ""
    modifiers: tuple[Modifier, ...] = ()
    observation: ResponseObservation = ResponseObservation.EMG
    site: str = ""
    firmware: int | None = None

    def __post_init__(self) -> None:
        if self.sessions_per_day is not None and self.sessions_per_day < 1:
            raise ValueError(f"{self.sessions_per_day} sessions a day are no treatment; at least 1")


@dataclass(frozen=True, kw_only=True)
class DoseCheck:
    """What was found of a dose.

    Attributes
    ----------
    protocol : its name
    intensity : as prescribed, relative to threshold; None where none is known
    judged_intensity : as judged: higher where the threshold was read from a visible twitch
    output : fraction of maximum stimulator output; None where no threshold was given
    device, coil, site : as given; empty without
    findings : every question with its answer
    steps : by how many the worst of them is raised for what lowers the seizure threshold
    override : a consultant's, if there is one
    note : what stands beside every verdict
    """

    protocol: str
    intensity: float | None
    judged_intensity: float | None
    output: float | None
    findings: tuple[Finding, ...]
    device: str = ""
    coil: str = ""
    site: str = ""
    steps: int = 0
    override: Override | None = None
    note: str = field(default=LIMITS.note)

    @property
    def worst(self) -> Verdict:
        """The strictest of the findings, before anything of the person raises it."""
        return max((each.verdict for each in self.findings if each.verdict is not None), default=Verdict.BLOCKED)

    @property
    def verdict(self) -> Verdict:
        """The worst finding, raised for what lowers the seizure threshold."""
        return self.worst.raised(self.steps)

    @property
    def allowed(self) -> bool:
        """Whether the dose may be given: tested, or as published, or overridden; what is blocked never may."""
        if self.verdict is Verdict.NEEDS_OVERRIDE:
            return self.override is not None
        return self.verdict is not Verdict.BLOCKED

    @property
    def headline(self) -> str:
        """Whether the dose may be given, and the verdict."""
        may = "May be given" if self.allowed else "Not to be given"
        overridden = ", with an override" if self.verdict is Verdict.NEEDS_OVERRIDE and self.allowed else ""
        raised = f" ({self.worst.in_words}, raised for what lowers the seizure threshold)" if self.steps else ""
        return f"{may}{overridden}: {self.verdict.in_words}{raised}."

    @property
    def not_known(self) -> tuple[Finding, ...]:
        """What decides nothing, because nobody knows or because it is only to be told."""
        return tuple(each for each in self.findings if each.verdict is None)

    @property
    def sentence(self) -> str:
        """The verdict and what it rests on, in one sentence."""
        deciding = next(each for each in self.findings if each.verdict is self.worst)
        because = deciding.sentence.rstrip(".")
        raised = f", raised by {self.steps} for what lowers the seizure threshold" if self.steps else ""
        return f"{self.protocol} is {self.verdict.in_words}{raised}: {because}"

    def refuse_unless_allowed(self) -> None:
        """Raise unless the dose may be given.

        Raises
        ------
        SafetyRefusal : it is blocked, or an override is missing
        """
        if self.allowed:
            return
        if self.verdict is Verdict.BLOCKED:
            lifted = "; an override cannot lift that" if self.override is not None else ""
            raise SafetyRefusal(f"{self.sentence}{lifted}")
        raise SafetyRefusal(f"{self.sentence}; give it with --override 'NAME, ROLE: REASON', or choose another dose")

    def to_data(self) -> dict[str, object]:
        """The check for JSON."""

        def in_percent(fraction: float | None) -> float | None:
            return None if fraction is None else round(fraction / percent, 4)

        return {
            "protocol": self.protocol,
            "intensity_percent_of_threshold": in_percent(self.intensity),
            "judged_intensity_percent_of_threshold": in_percent(self.judged_intensity),
            "output_percent": in_percent(self.output),
            "stimulator": self.device or None,
            "coil": self.coil or None,
            "site": self.site or None,
            "verdict": self.verdict.name_in_data,
            "verdict_in_words": self.verdict.in_words,
            "allowed": self.allowed,
            "headline": self.headline,
            "sentence": self.sentence,
            "raised_by": self.steps,
            "override": None if self.override is None else self.override.to_data(),
            "findings": [each.to_data() for each in self.findings],
            "note": self.note,
        }


def check_dose(
    protocol: Protocol,
    *,
    dose: Dose | None = None,
    device: DeviceModel | None = None,
    coil: CoilInUse | None = None,
    circumstances: Circumstances | None = None,
    override: Override | None = None,
) -> DoseCheck:
    """Check a dose against human limits and, where a stimulator is named, against what it can give.

    Parameters
    ----------
    protocol : the pulses, with the intervals that will be given
    dose : threshold and intensity of this person; None checks the protocol at its own intensity
    device : the stimulator; its findings need a `dose`
    coil : on the stimulator
    circumstances : of person and day; by default nothing that raises a verdict
    override : a consultant's; it can allow what needs one, never what is blocked

    Returns
    -------
    check : never raises for a dose; `DoseCheck.refuse_unless_allowed` does

    >>> from anodyne.protocol.library import find_protocol
    >>> check_dose(find_protocol("fm-tanwar")).verdict.in_words
    'inside the tested range'
    >>> check_dose(find_protocol("fm-mhalla")).verdict.in_words
    'outside the tested range, but as in a cited published protocol'
    """
    around = circumstances or Circumstances()
    intensity = dose.intensity if dose is not None else protocol.intensity.value
    visual = around.observation is ResponseObservation.VISUAL and protocol.modality is not Modality.PERIPHERAL
    judged = intensity * (1 + VISUAL_TWITCH.higher) if visual and intensity is not None else intensity
    modality = protocol.modality
    if coil is not None and coil.is_deep and modality is Modality.REPETITIVE:
        modality = Modality.DEEP_COIL
    findings = list(_human(protocol, judged, modality, around))
    if visual:
        findings.append(_visual_finding(intensity, judged))
    if device is not None and dose is not None and protocol.session is not None:
        asked = Delivery(
            session=protocol.session,
            dose=dose,
            device=device,
            coil=coil,
            modality=modality,
            is_fixed=protocol.intensity_basis is IntensityBasis.FIXED_OUTPUT,
            firmware=around.firmware,
        )
        findings += device_findings(asked)
    findings += [_modifier_finding(modifier) for modifier in around.modifiers]
    return DoseCheck(
        protocol=protocol.name,
        intensity=intensity,
        judged_intensity=judged,
        output=None if dose is None else dose.output,
        findings=tuple(findings),
        device="" if device is None else device.name,
        coil="" if coil is None else coil.label,
        site=around.site,
        steps=len({modifier.kind for modifier in around.modifiers}),
        override=override,
    )


def _human(
    protocol: Protocol, intensity: float | None, modality: Modality, around: Circumstances
) -> tuple[Finding, ...]:
    pattern = pattern_of(protocol, intensity)
    if pattern is None:
        return (_unjudged("The pulse pattern is not known, so it cannot be judged; choose another protocol."),)
    if intensity is None and protocol.intensity_basis is not IntensityBasis.FIXED_OUTPUT:
        return (_unjudged("The source reports no intensity, so it cannot be judged; choose an intensity."),)
    return human_findings(
        replace(
            pattern,
            modality=modality,
            region=region_of(around.target) if around.target else pattern.region,
            sessions_per_day=around.sessions_per_day or pattern.sessions_per_day,
        )
    )


def _unjudged(sentence: str) -> Finding:
    return Finding(
        what="protocol",
        verdict=Verdict.BLOCKED,
        sentence=sentence,
        table="protocols",
        cell="not reported",
        source=LIMITS.published_source,
        certainty=Certainty.NOT_REPORTED,
    )


def _visual_finding(intensity: float | None, judged: float | None) -> Finding:
    visual = VISUAL_TWITCH
    low, high = visual.range
    judged_at = (
        ""
        if intensity is None or judged is None
        else (f", so {intensity / percent:.4g} % is judged as {judged / percent:.4g} %")
    )
    return Finding(
        what="threshold by twitch",
        verdict=None,
        sentence=(
            f"A threshold by visible twitch is on average {visual.higher / percent:.1f} % higher than by EMG "
            f"({low / percent:g} to {high / percent:g} %){judged_at}; measure it by EMG."
        ),
        table="visual-threshold",
        cell=f"{visual.higher / percent:.1f} % on average",
        source=visual.source,
        certainty=visual.certainty,
        topic=Topic.PERSON,
    )


def _modifier_finding(modifier: Modifier) -> Finding:
    effect = "forbids stimulation" if modifier.blocks else "raises the verdict by one step for its kind"
    return Finding(
        what="seizure threshold",
        verdict=Verdict.BLOCKED if modifier.blocks else None,
        sentence=f"{modifier.label[0].upper()}{modifier.label[1:]} ({modifier.kind}) {effect}.",
        table="modifiers",
        cell=modifier.name,
        source=modifier.source,
        certainty=modifier.certainty,
        topic=Topic.PERSON,
    )
