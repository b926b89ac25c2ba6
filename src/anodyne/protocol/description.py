"""Protocols in words: rows for a report, and a summary for the person to be treated."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from anodyne.certainty import Certainty
from anodyne.protocol.facts import EvidenceLevel, Fact
from anodyne.protocol.protocol import IntensityBasis, Modality, Protocol, unconfirmed
from anodyne.protocol.session import Duration, Session
from anodyne.units import minute

Value = TypeVar("Value")

NOT_REPORTED = "not reported"


class DescriptionRow(NamedTuple):
    """One line of a protocol's description: what, its value in words, how sure, and where it stands."""

    label: str
    value: str
    certainty: Certainty
    source: str


def describe(protocol: Protocol) -> list[DescriptionRow]:
    """The protocol as rows for a report, after the items that TIDieR and the TMS checklist ask for.

    Checklists: Hoffmann 2014, BMJ 348:g1687 (TIDieR, recalled) and Chipchase 2012 (TMS checklist).
    What a source does not report has its row too.

    >>> from anodyne.protocol.library import find_protocol
    >>> rows = {row.label: row for row in describe(find_protocol("fibromyalgia-1hz-right-dlpfc"))}
    >>> rows["How much: pause between trains"].value
    'not reported'
    """
    evidence = protocol.evidence
    kind = DescriptionRow(
        "What: kind of stimulation",
        protocol.modality.in_words,
        protocol.indication.certainty,
        protocol.source_of(protocol.indication),
    )
    rows = [
        _row("Why: indication", protocol, protocol.indication, str),
        DescriptionRow("Why: evidence", evidence.level.in_words, evidence.certainty, evidence.citation),
        DescriptionRow("Why: what that covers", evidence.note, evidence.certainty, evidence.citation),
        _row("Why: what was found", protocol, protocol.finding, str),
        kind,
        _row("What: coil", protocol, protocol.coil, str),
        _row("What: pulse shape", protocol, protocol.pulse_shape, lambda shape: shape.value),
        _row("Where: target", protocol, protocol.target, lambda aim: aim.name),
        *_pattern_rows(protocol),
        *_course_rows(protocol),
    ]
    return rows + [
        DescriptionRow("Not known", item, Certainty.NOT_REPORTED, protocol.citations[0]) for item in protocol.not_known
    ]


def _pattern_rows(protocol: Protocol) -> list[DescriptionRow]:
    """Intensity, frequency, trains and totals of one session."""
    session = protocol.session
    rate = "How much: frequency" if protocol.burst is None else "How much: frequency of bursts"
    rows = [
        _row("How much: intensity", protocol, protocol.intensity, lambda value: intensity_in_words(protocol)),
        _row(rate, protocol, protocol.rate, lambda value: f"{value:.3g} Hz"),
    ]
    if protocol.burst is not None:
        rows.append(_row("How much: burst", protocol, protocol.burst, "{0.pulses} pulses at {0.rate:g} Hz".format))
    rows += [
        _row("How much: pulses in a train", protocol, protocol.pulses_per_train, str),
        _row("How much: trains in a session", protocol, protocol.trains, str),
        _row(
            "How much: pause between trains",
            protocol,
            protocol.inter_train_interval,
            lambda pause: f"{pause:g} s",
        ),
        _row("How much: pulses in a session", protocol, protocol.pulses_per_session, str),
        _row(
            "How much: session as stated",
            protocol,
            protocol.session_duration,
            lambda t: str(Duration(length=t)),
        ),
    ]
    if session is not None:
        rows.append(_computed_duration_row(session))
    return rows


def _computed_duration_row(session: Session) -> DescriptionRow:
    source = "computed from trains and pauses"
    if session.duration.is_lower_bound:
        source = "computed from the trains alone, since the pauses between them are not reported"
    return DescriptionRow("How much: session as computed", str(session.duration), Certainty.COMPUTED, source)


def _course_rows(protocol: Protocol) -> list[DescriptionRow]:
    """Number and days of the sessions, all pulses, and what comes after."""
    pulses = protocol.pulses_per_course
    total = DescriptionRow("When: pulses in the course", NOT_REPORTED, Certainty.NOT_REPORTED, protocol.citations[0])
    if pulses is not None:
        total = DescriptionRow("When: pulses in the course", str(pulses), Certainty.COMPUTED, "pulses times sessions")
    return [
        _row("When: sessions", protocol, protocol.sessions, str),
        _row("When: schedule", protocol, protocol.schedule, str),
        total,
        _row(
            "When: follow-up",
            protocol,
            protocol.follow_up,
            lambda visits: "; ".join(str(visit) for visit in visits),
        ),
    ]


def _row(label: str, protocol: Protocol, fact: Fact[Value], words: Callable[[Value], str]) -> DescriptionRow:
    value = NOT_REPORTED if fact.value is None else words(fact.value)
    if fact.published is not None:
        low, high = (words(end) if isinstance(fact.value, float) else f"{end:g}" for end in fact.published)  # type: ignore[arg-type]
        value += f" (published: {low} to {high})"
    return DescriptionRow(label, value, fact.certainty, protocol.source_of(fact))


def intensity_in_words(protocol: Protocol) -> str:
    """The intensity and what it is relative to.

    >>> from anodyne.protocol.library import find_protocol
    >>> intensity_in_words(find_protocol("fm-tanwar"))
    '90 % of resting motor threshold'
    """
    basis = protocol.intensity_basis
    if protocol.intensity.value is not None:
        return f"{100 * protocol.intensity.value:g} % of {basis.in_words}"
    if basis in (IntensityBasis.FIXED_OUTPUT, IntensityBasis.TOLERANCE):
        return basis.in_words
    return f"{NOT_REPORTED} (relative to {basis.in_words})"


def patient_summary(protocol: Protocol) -> str:
    """What a person would experience, in plain sentences: how often, how long, how strong, how sure to help.

    >>> from anodyne.protocol.library import find_protocol
    >>> patient_summary(find_protocol("fm-tanwar")).split(". ")[0]
    'You would come for 20 sessions: 20 daily (no weekends)'
    """
    sentences = [
        _visits_sentence(protocol),
        _session_sentence(protocol),
        _strength_sentence(protocol),
        _feeling_sentence(protocol),
        _evidence_sentence(protocol),
    ]
    if protocol.follow_up.value is not None:
        labels = ", ".join(visit.label for visit in protocol.follow_up.value)
        sentences.append(f"In the published study people were seen again at these points: {labels}.")
    if unconfirmed(protocol):
        sentences.append("Some of these facts still have to be confirmed in the publication.")
    sentences.append("Anodyne is research software, not a medical device; decide together with your doctor.")
    return " ".join(sentences)


def _visits_sentence(protocol: Protocol) -> str:
    course, sessions = protocol.course, protocol.sessions.value
    if course is not None and course.is_on_demand:
        return "You would use it yourself when an attack begins."
    if sessions is None:
        return "How many sessions you would have is not known from the source."
    if course is None:
        return f"You would come for {sessions} sessions; on which days is not known from the source."
    return f"You would come for {sessions} sessions: {course}."


def _session_sentence(protocol: Protocol) -> str:
    session = protocol.session
    where = "your body" if protocol.modality is Modality.PERIPHERAL else "your head"
    if session is None:
        return f"A coil is held to {where}; how many pulses it gives is not known from the source."
    series = "without a pause" if session.trains == 1 else f"in {session.trains} series"
    words = f"In each session a coil is held to {where} and gives {session.pulses} magnetic pulses {series}"
    minutes = max(1, round(session.duration.length / minute))
    unit = "minute" if minutes == 1 else "minutes"
    if session.duration.is_lower_bound:
        return f"{words}; that takes at least {minutes} {unit}, since the pauses are not known from the source."
    return f"{words}; that takes about {minutes} {unit}."


def _strength_sentence(protocol: Protocol) -> str:
    basis, fraction = protocol.intensity_basis, protocol.intensity.value
    if basis is IntensityBasis.FIXED_OUTPUT:
        return "The device gives every person pulses of the same strength."
    if basis is IntensityBasis.TOLERANCE:
        if fraction is not None and fraction < 1:
            return f"The pulses have {100 * fraction:g} % of the greatest strength that you find bearable."
        return "The pulses are made as strong as you find bearable."
    if fraction is None:
        return "How strong the pulses are is not known from the source."
    muscle = {
        IntensityBasis.LEG_MOTOR_THRESHOLD: "your leg",
        IntensityBasis.TWITCH_THRESHOLD: "a muscle at that place",
    }.get(basis, "your hand")
    return f"The pulses have {100 * fraction:g} % of the strength that just makes {muscle} twitch."


def _feeling_sentence(protocol: Protocol) -> str:
    if protocol.modality is Modality.PERIPHERAL:
        return "Each pulse clicks and may make muscles beneath the coil twitch."
    return "Each pulse clicks loudly, so you wear ear plugs, and feels like a tap on the scalp."


def _evidence_sentence(protocol: Protocol) -> str:
    guideline = "An international guideline rates this kind of treatment as {} effective in groups of people"
    words = {
        EvidenceLevel.GUIDELINE_A: guideline.format("definitely"),
        EvidenceLevel.GUIDELINE_B: guideline.format("probably"),
        EvidenceLevel.GUIDELINE_C: guideline.format("possibly"),
        EvidenceLevel.POOLED_TRIALS: "Whether it helps is uncertain, since the trials were small and weak",
        EvidenceLevel.SINGLE_TRIAL: "Whether it helps is uncertain, since it rests on a single trial",
        EvidenceLevel.UNCONTROLLED: "Whether it helps is not known, for want of a trial against sham",
    }
    return f"{words[protocol.evidence.level]}; {protocol.evidence.note}."
