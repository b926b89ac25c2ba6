"""A published protocol: what is given, to whom, on what evidence, and what nobody has told us."""

import re
from dataclasses import dataclass, field
from enum import Enum
from math import isfinite

from anodyne.certainty import Certainty
from anodyne.protocol.course import Course, FollowUp
from anodyne.protocol.facts import Evidence, EvidenceLevel, Fact, not_reported
from anodyne.protocol.pulse import PulseShape
from anodyne.protocol.session import Burst, Session, Train
from anodyne.protocol.target import Aim, PeripheralAim, Side

NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")
STATED_DURATION_TOLERANCE = 0.03
"""How far a stated duration may lie from ours: sources differ in whether a train's last period counts."""


class Modality(Enum):
    """The family of stimulation; each has safety tables of its own."""

    REPETITIVE = "repetitive"
    THETA_BURST = "theta-burst"
    DEEP_COIL = "deep-coil"
    SINGLE_PULSE = "single-pulse"
    PERIPHERAL = "peripheral"

    @property
    def in_words(self) -> str:
        """A phrase for a report."""
        return {
            Modality.REPETITIVE: "repetitive transcranial magnetic stimulation (rTMS)",
            Modality.THETA_BURST: "theta-burst transcranial magnetic stimulation (TBS)",
            Modality.DEEP_COIL: "repetitive transcranial magnetic stimulation with a deep coil (dTMS)",
            Modality.SINGLE_PULSE: "single-pulse transcranial magnetic stimulation (sTMS)",
            Modality.PERIPHERAL: "repetitive peripheral magnetic stimulation (rPMS)",
        }[self]


class IntensityBasis(Enum):
    """What an intensity of 100 % stands for."""

    RESTING_MOTOR_THRESHOLD = "resting-motor-threshold"
    LEG_MOTOR_THRESHOLD = "leg-motor-threshold"
    DEPTH_CORRECTED_MOTOR_THRESHOLD = "depth-corrected-motor-threshold"
    TWITCH_THRESHOLD = "twitch-threshold"
    TOLERANCE = "tolerance"
    FIXED_OUTPUT = "fixed-output"

    @property
    def in_words(self) -> str:
        """A phrase that follows "of" or stands alone."""
        return {
            IntensityBasis.RESTING_MOTOR_THRESHOLD: "resting motor threshold",
            IntensityBasis.LEG_MOTOR_THRESHOLD: "resting motor threshold of the leg",
            IntensityBasis.DEPTH_CORRECTED_MOTOR_THRESHOLD: "resting motor threshold, depth-corrected",
            IntensityBasis.TWITCH_THRESHOLD: "motor twitch threshold at the site",
            IntensityBasis.TOLERANCE: "the highest intensity the person tolerates",
            IntensityBasis.FIXED_OUTPUT: "the device's fixed output",
        }[self]

    @property
    def threshold_in_words(self) -> str:
        """What was measured in the person, as a phrase that follows "the"."""
        return {
            IntensityBasis.RESTING_MOTOR_THRESHOLD: "motor threshold",
            IntensityBasis.LEG_MOTOR_THRESHOLD: "motor threshold of the leg",
            IntensityBasis.DEPTH_CORRECTED_MOTOR_THRESHOLD: "motor threshold",
            IntensityBasis.TWITCH_THRESHOLD: "twitch threshold at the site",
            IntensityBasis.TOLERANCE: "comfort threshold (strongest tolerated output)",
            IntensityBasis.FIXED_OUTPUT: "fixed output",
        }[self]

    @property
    def is_of_a_site(self) -> bool:
        """Whether it is found at a site of the body, by its twitch or by comfort."""
        return self in (IntensityBasis.TWITCH_THRESHOLD, IntensityBasis.TOLERANCE)


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """One published protocol, every number of it a `Fact`; change is ``replace(protocol, trains=Fact(...))``.

    Parameters
    ----------
    name, aliases : lower-case words by which it is found; label : one line for people
    modality, indication : the family of stimulation; what is treated
    target, coil, pulse_shape : where it aims, with which coil and pulse
    intensity, intensity_basis : relative to what the basis names
    rate, burst : of the pulses in a train, Hz; or of the bursts, if there is one
    pulses_per_train, trains, inter_train_interval : the session's pattern; the interval in s
    pulses_per_session, session_duration : totals as the source states them; the duration in s
    sessions, schedule, follow_up : the course and what comes after
    finding, evidence, citations, not_known : what was found, how well it is supported, and what is missing

    Raises
    ------
    ValueError : a name that is none, a number that is not positive, or totals that disagree
    """

    name: str
    label: str
    modality: Modality
    indication: Fact[str]
    target: Fact[Aim]
    intensity: Fact[float]
    intensity_basis: IntensityBasis
    rate: Fact[float]
    pulses_per_train: Fact[int]
    trains: Fact[int]
    inter_train_interval: Fact[float]
    pulses_per_session: Fact[int]
    sessions: Fact[int]
    schedule: Fact[Course]
    evidence: Evidence
    citations: tuple[str, ...]
    not_known: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    burst: Fact[Burst] | None = None
    coil: Fact[str] = field(default_factory=not_reported)
    pulse_shape: Fact[PulseShape] = field(default_factory=not_reported)
    session_duration: Fact[float] = field(default_factory=not_reported)
    follow_up: Fact[tuple[FollowUp, ...]] = field(default_factory=not_reported)
    finding: Fact[str] = field(default_factory=not_reported)

    def __post_init__(self) -> None:
        for name in (self.name, *self.aliases):
            if not NAME.fullmatch(name.casefold()):
                raise ValueError(f"name: {name!r} is not made of letters, digits, hyphens and dots")
        if not self.citations:
            raise ValueError("citations: a protocol cites at least one source")
        if (self.modality is Modality.THETA_BURST) != (self.burst is not None):
            raise ValueError("burst: theta-burst protocols have a burst, and no others do")
        if self.target.value is None:
            raise ValueError("target: a protocol names where it aims, so this cannot be null")
        if (self.modality is Modality.PERIPHERAL) != isinstance(self.target.value, PeripheralAim):
            raise ValueError("target: peripheral protocols aim at a site on the body, and no others do")
        self._check_numbers()
        self._check_totals()

    def _check_numbers(self) -> None:
        positive: dict[str, Fact[float] | Fact[int]] = {
            "intensity": self.intensity,
            "rate": self.rate,
            "pulses_per_train": self.pulses_per_train,
            "trains": self.trains,
            "pulses_per_session": self.pulses_per_session,
            "session_duration": self.session_duration,
            "sessions": self.sessions,
        }
        for name, fact in positive.items():
            if fact.value is not None and not (isfinite(fact.value) and fact.value > 0):
                raise ValueError(f"{name}: {fact.value} is not a positive number")
        if self.intensity.value is not None and self.intensity.value > 2:
            raise ValueError(f"intensity: {self.intensity.value:g} is more than twice the threshold; write 90 % as 0.9")
        interval = self.inter_train_interval.value
        if interval is not None and not (isfinite(interval) and interval >= 0):
            raise ValueError(f"inter_train_interval: {interval} s is negative or no number")

    def _check_totals(self) -> None:
        session = self.session
        if session is not None:
            stated = self.pulses_per_session.value
            if stated is not None and stated != session.pulses:
                raise ValueError(
                    f"pulses_per_session: {stated} disagrees with {session.trains} trains of "
                    f"{session.train.pulses} pulses, which make {session.pulses}"
                )
            self._check_duration(session)
        course = self.course
        if course is not None and self.sessions.value is not None and course.sessions != self.sessions.value:
            raise ValueError(
                f"sessions: {self.sessions.value} disagrees with a schedule of {course.sessions}: {course}"
            )

    def _check_duration(self, session: Session) -> None:
        stated, ours = self.session_duration, session.duration
        if stated.value is None:
            return
        low, high = stated.published or (stated.value, stated.value)
        too_long = ours.length > high * (1 + STATED_DURATION_TOLERANCE)
        too_short = ours.length < low * (1 - STATED_DURATION_TOLERANCE) and not ours.is_lower_bound
        if too_long or too_short:
            raise ValueError(f"session_duration: {stated.value:g} s disagrees with the trains, which take {ours}")

    @property
    def session(self) -> Session | None:
        """One session, or None when the source does not give enough to build it."""
        rate, pulses, trains = self.rate.value, self.pulses_per_train.value, self.trains.value
        if rate is None or pulses is None or trains is None:
            return None
        burst = self.burst.known if self.burst is not None else None
        train = Train(rate=rate, pulses=pulses, intensity=self.intensity.value, burst=burst)
        return Session(train=train, trains=trains, inter_train_interval=self.inter_train_interval.value)

    @property
    def course(self) -> Course | None:
        """The schedule of sessions, or None when the source does not give it."""
        return self.schedule.value

    @property
    def pulses_per_course(self) -> int | None:
        """All pulses of all sessions, or None when either number is not reported."""
        session = self.session
        pulses = session.pulses if session is not None else self.pulses_per_session.value
        return None if pulses is None or self.sessions.value is None else pulses * self.sessions.value

    def target_name(self, pain_side: Side | None = None) -> str:
        """The target in the head, by name, for a person in pain on this side.

        Raises
        ------
        ValueError : the protocol needs a side of pain and none is given, or it treats the body
        """
        return self.target.known.resolved(pain_side)

    def source_of(self, fact: Fact[object]) -> str:
        """Where the fact stands: its own source, else the protocol's first citation."""
        return fact.source or self.citations[0]

    def warnings(self) -> tuple[str, ...]:
        """Sentences that belong beside this protocol wherever it is shown."""
        evidence = self.evidence
        sentences = [f"Evidence: {evidence.level.in_words}; {evidence.note} ({evidence.citation})."]
        if evidence.certainty is not Certainty.READ:
            sentences[0] += f" That level is {evidence.certainty.in_words}."
        if not evidence.level.is_guideline:
            sentences[0] += " No guideline recommends it at level A, B or C, as far as this library knows."
        if evidence.level is EvidenceLevel.UNCONTROLLED:
            sentences.append("Without a sham group nobody can tell its effect from the course of the illness.")
        sentences += [f"Not known: {item}." for item in self.not_known]
        if unsure := unconfirmed(self):
            sentences.append(f"Not confirmed in the source: {', '.join(unsure)}; confirm before use with a person.")
        return tuple(sentences)


FACT_FIELDS = {
    "indication": "indication",
    "target": "target",
    "coil": "coil",
    "pulse_shape": "pulse shape",
    "intensity": "intensity",
    "rate": "frequency",
    "burst": "burst",
    "pulses_per_train": "pulses in a train",
    "trains": "trains",
    "inter_train_interval": "inter-train interval",
    "pulses_per_session": "pulses in a session",
    "session_duration": "stated session duration",
    "sessions": "sessions",
    "schedule": "schedule",
    "follow_up": "follow-up",
    "finding": "finding",
}
"""The fields of a protocol that are facts, with their names for people, in the order of a report."""


def unconfirmed(protocol: Protocol) -> tuple[str, ...]:
    """The names, for people, of the protocol's facts that are recalled or assumed."""
    shaky = (Certainty.RECALLED, Certainty.ASSUMED)
    facts = {words: getattr(protocol, name) for name, words in FACT_FIELDS.items()}
    return tuple(words for words, fact in facts.items() if fact is not None and fact.certainty in shaky)
