"""What is given, told alike in the report of a plan for a head and of one for the body."""

from __future__ import annotations

from collections.abc import Mapping

from anodyne.plan.report.content import Answer, Bullets, Paragraph, Picture, Section, blocks
from anodyne.plan.report.tables import dose_table, protocol_table
from anodyne.plan.report.words import percent, sentence, significant
from anodyne.protocol import Dose, Protocol
from anodyne.units import A_per_us


def strength_answer(dose: Dose, protocol: Protocol, stimulator: str | None) -> Answer:
    """How strongly it pulses."""
    machine = f" of {stimulator}" if stimulator else ""
    return Answer(
        label="Strength",
        value=f"{percent(dose.output)} of stimulator output",
        note=(
            f"{percent(dose.intensity)} of a threshold ({protocol.intensity_basis.in_words}) of {percent(dose.rmt)}. "
            f"The current in the coil then rises at {significant(dose.di_dt / A_per_us, 4)} A/µs, out of "
            f"{significant(dose.peak_di_dt / A_per_us, 4)} A/µs at full output{machine}."
        ),
    )


def session_answer(protocol: Protocol) -> Answer:
    """What one session is."""
    session = protocol.session
    if session is None:
        stated = protocol.pulses_per_session.value
        value = "Not known" if stated is None else f"{stated:,} pulses, in a pattern that is not known"
        return Answer(label="Each session", value=value, note="The source does not give enough to build a session.")
    train = session.train
    pulses = f"{train.pulses} pulses"
    if train.burst is not None:
        pulses = f"{train.repetitions} bursts of {train.burst.pulses} pulses ({train.burst.rate:g} Hz)"
    trains = "1 train" if session.trains == 1 else f"{session.trains} trains"
    note = f"{trains} of {pulses} at {train.rate:g} Hz."
    if session.duration.is_lower_bound:
        note += " The pause between trains is not reported, so the time is a lower bound."
    return Answer(label="Each session", value=f"{session.pulses:,} pulses, {session.duration}", note=note)


def course_answer(protocol: Protocol) -> Answer:
    """How many sessions, and when."""
    sessions, course, pulses = protocol.sessions.value, protocol.course, protocol.pulses_per_course
    value = (
        "Number of sessions not known"
        if sessions is None
        else f"{sessions} {'session' if sessions == 1 else 'sessions'}"
    )
    schedule = "On which days is not known." if course is None else sentence(str(course))
    total = "" if pulses is None else f" {pulses:,} pulses in the whole course."
    return Answer(label="Course", value=value, note=schedule + total)


def evidence_answer(protocol: Protocol) -> Answer:
    """On what evidence it rests."""
    evidence = protocol.evidence
    return Answer(
        label="How well supported",
        value=sentence(evidence.level.in_words),
        note=sentence(f"{evidence.note} ({evidence.citation})"),
    )


def dose_section(dose: Dose, protocol: Protocol, stimulator: str | None, pictures: Mapping[str, Picture]) -> Section:
    """The dose in a table, and its session and course in pictures where there are any."""
    missing = []
    if "session" not in pictures:
        missing.append("The source does not give enough to draw a session.")
    if "course" not in pictures:
        missing.append("The source gives no days, so there is no calendar.")
    return Section(
        title="Dose and course",
        anchor="dose",
        blocks=blocks(
            dose_table(dose, protocol, stimulator),
            pictures.get("session"),
            pictures.get("course"),
            Paragraph(text=" ".join(missing)) if missing else None,
        ),
    )


def protocol_section(protocol: Protocol) -> Section:
    """The protocol line by line, and what is not known of it."""
    return Section(
        title="Protocol and evidence",
        anchor="protocol",
        blocks=blocks(
            Paragraph(text=sentence(f"{protocol.evidence.level.in_words}: {protocol.evidence.note}"), is_lead=True),
            protocol_table(protocol),
            Paragraph(text="What is not known about this protocol:") if protocol.not_known else None,
            Bullets(items=tuple(sentence(item) for item in protocol.not_known)) if protocol.not_known else None,
        ),
    )
