"""What cited published protocols gave, and whether a dose goes beyond all of them in anything."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from math import inf

from anodyne.certainty import Certainty
from anodyne.protocol.facts import Fact
from anodyne.protocol.library import PROTOCOLS
from anodyne.protocol.limits.tables import above
from anodyne.protocol.protocol import IntensityBasis, Modality, Protocol
from anodyne.protocol.session import Burst
from anodyne.protocol.target import PeripheralAim, Side
from anodyne.units import percent

HIGHEST_LOW_RATE = 1.0
"""Hz; what is called low frequency. A protocol of high frequency is no precedent for a long one of low frequency."""

BODY = "body"
"""The region of all peripheral stimulation: sites differ too much to be told apart by name."""

SURENESS = list(Certainty)
"""From the surest to the least sure."""


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A dose in the terms in which limits are set.

    Attributes
    ----------
    protocol : its name
    region : where it goes, without the side; "body" for peripheral stimulation
    rate : of pulses or of bursts, Hz
    intensity : relative to what `basis` names; None where no intensity is known or none is used
    train_duration : s
    interval : between trains, s; infinite for a single train, 0 where it is not known
    is_interval_known : whether it is
    sessions_per_day : most on one day
    pulses_per_course : None where the number of sessions is not known
    """

    protocol: str
    modality: Modality
    basis: IntensityBasis
    region: str
    rate: float
    burst: Burst | None
    intensity: float | None
    train_duration: float
    trains: int
    interval: float
    is_interval_known: bool
    pulses_per_session: int
    sessions_per_day: int
    pulses_per_course: int | None

    @property
    def pulses_per_day(self) -> int:
        """In all sessions of the fullest day."""
        return self.pulses_per_session * self.sessions_per_day

    @property
    def total_train_time(self) -> float:
        """All trains put end to end, s."""
        return self.train_duration * self.trains

    @property
    def in_words(self) -> str:
        """The pattern in a line."""
        strength = "" if self.intensity is None else f", {self.intensity / percent:.4g} % of {self.basis.in_words}"
        kind = "Hz" if self.burst is None else f"Hz of bursts of {self.burst.pulses} at {self.burst.rate:g} Hz"
        trains = f"one train of {self.train_duration:.4g} s"
        if self.trains > 1:
            pause = f"{self.interval:g} s apart" if self.is_interval_known else "with pauses that are not known"
            trains = f"{self.trains} trains of {self.train_duration:.4g} s, {pause}"
        return f"{self.rate:.3g} {kind}{strength}, {trains}, {self.pulses_per_session} pulses"


def pattern_of(protocol: Protocol, intensity: float | None) -> Pattern | None:
    """A protocol's dose in the terms of limits; None where its pulse pattern is not known.

    Parameters
    ----------
    protocol : what is given; where its schedule says nothing, one session a day
    intensity : relative to what the protocol's basis names
    """
    session, course = protocol.session, protocol.course
    if session is None:
        return None
    aim, interval = protocol.target.known, session.inter_train_interval
    return Pattern(
        protocol=protocol.name,
        modality=protocol.modality,
        basis=protocol.intensity_basis,
        region=BODY if isinstance(aim, PeripheralAim) else region_of(aim.name),
        rate=session.train.rate,
        burst=session.train.burst,
        intensity=intensity,
        train_duration=session.train.duration,
        trains=session.trains,
        interval=inf if session.trains == 1 else (interval or 0.0),
        is_interval_known=interval is not None or session.trains == 1,
        pulses_per_session=session.pulses,
        sessions_per_day=1 if course is None else max(block.per_day for block in course.blocks),
        pulses_per_course=protocol.pulses_per_course,
    )


def region_of(target: str) -> str:
    """The region of a target in the head without its side.

    >>> region_of("left-m1-hand"), region_of("contralateral-m1-hand"), region_of("dacc")
    ('m1-hand', 'm1-hand', 'dacc')
    """
    first, _, region = target.partition("-")
    return region if first in ("contralateral", *(side.value for side in Side)) else target


class Scope(Enum):
    """What of a dose is held against precedents."""

    PATTERN = "pattern"
    SESSION = "session"
    DAY = "day"
    COURSE = "course"


@dataclass(frozen=True, kw_only=True)
class Precedent:
    """A cited published protocol of the library, and of each scope the certainty of its least sure number."""

    protocol: Protocol
    pattern: Pattern
    certainty: Mapping[Scope, Certainty]

    @property
    def quoted(self) -> str:
        """Its name, its source and what it gave."""
        return f"{self.named}: {self.pattern.in_words}"

    @property
    def named(self) -> str:
        """Its name and its source without registration numbers."""
        return f"{self.protocol.name} [{self.protocol.citations[0].partition(', doi:')[0]}]"

    def counts_for(self, asked: Pattern, scope: Scope) -> bool:
        """Whether it may stand for what is asked.

        What is only recalled or assumed of it vouches for nothing but the protocol itself.
        """
        return self.certainty[scope] in (Certainty.READ, Certainty.COMPUTED) or asked.protocol == self.protocol.name


@cache
def precedents() -> tuple[Precedent, ...]:
    """Every protocol of the library whose pattern is known."""
    found = []
    for protocol in PROTOCOLS.values():
        pattern = pattern_of(protocol, protocol.intensity.value)
        if pattern is not None:
            certainty = {scope: _least_sure(protocol, scope) for scope in Scope}
            found.append(Precedent(protocol=protocol, pattern=pattern, certainty=certainty))
    return tuple(found)


def _least_sure(protocol: Protocol, scope: Scope) -> Certainty:
    """The certainty of the least sure number that a scope rests on; what is not reported is not used."""
    facts: list[Fact[object]] = [protocol.rate, protocol.intensity]
    if scope is Scope.PATTERN:
        facts += [protocol.pulses_per_train, protocol.trains, protocol.inter_train_interval]
        facts += [protocol.burst] if protocol.burst is not None else []
    else:
        facts.append(protocol.pulses_per_session)
    course = protocol.course
    if scope is Scope.DAY and course is not None and any(block.per_day > 1 for block in course.blocks):
        facts.append(protocol.schedule)
    if scope is Scope.COURSE:
        facts.append(protocol.sessions)
    known = [fact.certainty for fact in facts if fact.value is not None]
    return max(known, key=SURENESS.index)


def find_precedent(asked: Pattern, scope: Scope) -> Precedent | None:
    """The surest cited protocol that is exceeded in nothing, if there is one; of equals the protocol itself."""
    fit = [each for each in precedents() if each.counts_for(asked, scope) and NO_STRONGER[scope](asked, each.pattern)]
    return min(
        fit,
        key=lambda each: (SURENESS.index(each.certainty[scope]), each.protocol.name != asked.protocol),
        default=None,
    )


def _uses_intensity(asked: Pattern) -> bool:
    """Whether intensities can be compared: the published ones of peripheral stimulation are by feel and not known."""
    return asked.modality is not Modality.PERIPHERAL and asked.basis is not IntensityBasis.FIXED_OUTPUT


def _no_more(asked: float | None, given: float | None) -> bool:
    return asked is not None and given is not None and not above(asked, given)


def _no_denser(asked: Burst, given: Burst | None) -> bool:
    return given is not None and asked.pulses <= given.pulses and not above(asked.rate, given.rate)


def _same_kind(asked: Pattern, given: Pattern) -> bool:
    """Whether one can be a precedent for the other at all, and was given at no less intensity."""
    if asked.modality is not given.modality or asked.basis is not given.basis:
        return False
    if _uses_intensity(asked) and not _no_more(asked.intensity, given.intensity):
        return False
    return (asked.rate <= HIGHEST_LOW_RATE) == (given.rate <= HIGHEST_LOW_RATE)


def _lies_in(asked: str, given: str) -> bool:
    """Whether a region is another one or a spot in it, as ``dlpfc-ba46`` in ``dlpfc``."""
    return asked == given or asked.startswith(f"{given}-")


def _same_pattern(asked: Pattern, given: Pattern) -> bool:
    """Whether a session goes beyond a given one in nothing: rate, trains, pauses, pulses, and the region."""
    return (
        _same_kind(asked, given)
        and not above(asked.rate, given.rate)
        and (asked.burst is None or _no_denser(asked.burst, given.burst))
        and _lies_in(asked.region, given.region)
        and not above(asked.train_duration, given.train_duration)
        and not above(given.interval, asked.interval)
        and asked.trains <= given.trains
        and asked.pulses_per_session <= given.pulses_per_session
    )


def _no_more_in_session(asked: Pattern, given: Pattern) -> bool:
    return _same_kind(asked, given) and asked.pulses_per_session <= given.pulses_per_session


def _no_more_in_day(asked: Pattern, given: Pattern) -> bool:
    fewer = asked.sessions_per_day <= given.sessions_per_day and asked.pulses_per_day <= given.pulses_per_day
    return _same_kind(asked, given) and fewer


def _no_more_in_course(asked: Pattern, given: Pattern) -> bool:
    return _same_kind(asked, given) and _no_more(asked.pulses_per_course, given.pulses_per_course)


NO_STRONGER: Mapping[Scope, Callable[[Pattern, Pattern], bool]] = {
    Scope.PATTERN: _same_pattern,
    Scope.SESSION: _no_more_in_session,
    Scope.DAY: _no_more_in_day,
    Scope.COURSE: _no_more_in_course,
}
"""For each scope, whether the first pattern goes beyond the second in nothing."""
