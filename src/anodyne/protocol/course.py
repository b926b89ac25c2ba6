"""Courses of sessions on the calendar, and the visits that follow."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from itertools import groupby

from anodyne.units import minute


class Cadence(Enum):
    """How far apart treatment days lie; a month is four weeks, so that a visit keeps its weekday."""

    DAILY = "daily"
    EVERY_SECOND_DAY = "every second day"
    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    MONTHLY = "monthly"
    ON_DEMAND = "on demand"

    @property
    def days(self) -> int:
        """From one treatment day to the next; 0 on demand."""
        return {
            "daily": 1,
            "every second day": 2,
            "weekly": 7,
            "fortnightly": 14,
            "monthly": 28,
            "on demand": 0,
        }[self.value]


@dataclass(frozen=True, kw_only=True)
class Block:
    """Sessions at one cadence.

    Parameters
    ----------
    sessions : how many
    cadence : how far apart the treatment days lie; so far, too, is the first day from the block before
    per_day : sessions on one treatment day
    pause : between sessions of one day, s; None when there is one a day or the source does not report it
    """

    sessions: int
    cadence: Cadence
    per_day: int = 1
    pause: float | None = None

    def __post_init__(self) -> None:
        if self.sessions < 1 or self.per_day < 1:
            raise ValueError(f"{self.sessions} sessions, {self.per_day} a day, are no block; both are at least 1")
        if self.pause is not None and (self.per_day == 1 or not self.pause >= 0):
            raise ValueError(f"a pause of {self.pause} s between sessions needs more than one session a day")

    def __str__(self) -> str:
        words = f"{self.sessions} {self.cadence.value}"
        if self.per_day > 1:
            words += f", {self.per_day} a day"
        if self.pause is not None:
            words += f" with pauses of {self.pause / minute:g} min"
        return words


@dataclass(frozen=True, kw_only=True)
class Course:
    """Blocks of sessions one after another.

    Parameters
    ----------
    blocks : at least one; a block on demand stands alone
    weekends : whether Saturdays and Sundays are treatment days

    >>> week = Block(sessions=5, cadence=Cadence.DAILY)
    >>> course = Course(blocks=(week, Block(sessions=3, cadence=Cadence.WEEKLY)))
    >>> str(course), course.sessions
    ('5 daily (no weekends), then 3 weekly', 8)
    >>> [f"{day:%a %d %b}" for day in course.dates(date(2026, 3, 5))][:3]
    ['Thu 05 Mar', 'Fri 06 Mar', 'Mon 09 Mar']
    """

    blocks: tuple[Block, ...]
    weekends: bool = False

    def __post_init__(self) -> None:
        if not self.blocks:
            raise ValueError("a course has at least one block of sessions")
        if self.is_on_demand and len(self.blocks) > 1:
            raise ValueError("a block on demand has no dates, so it stands alone in its course")

    @property
    def is_on_demand(self) -> bool:
        """Whether sessions follow need (an attack) and not the calendar."""
        return any(block.cadence is Cadence.ON_DEMAND for block in self.blocks)

    @property
    def sessions(self) -> int:
        """All sessions of the course."""
        return sum(block.sessions for block in self.blocks)

    def dates(self, start: date, *, holidays: Collection[date] = ()) -> tuple[date, ...]:
        """The date of every session, in order; sessions of one day repeat its date.

        A date on a weekend (unless `weekends`) or holiday moves to the next treatment day, the first
        session too; later weekly, fortnightly and monthly dates keep their rhythm in spite of a move.

        Parameters
        ----------
        start : the first possible day
        holidays : further days without treatment

        Raises
        ------
        ValueError : the sessions follow need, so they have no dates
        """
        if self.is_on_demand:
            raise ValueError("sessions on demand have no dates")
        placed: list[date] = []
        anchor = start
        for block in self.blocks:
            for given in _days_of(block):
                goal = anchor + timedelta(days=block.cadence.days) if placed else start
                day = self._treatment_day(max(goal, placed[-1] + timedelta(days=1)) if placed else goal, holidays)
                anchor = goal if block.cadence.days >= Cadence.WEEKLY.days else day
                placed.extend([day] * given)
        return tuple(placed)

    def _treatment_day(self, day: date, holidays: Collection[date]) -> date:
        """The first treatment day on or after `day`."""
        while (day.weekday() >= 5 and not self.weekends) or day in holidays:
            day += timedelta(days=1)
        return day

    def __str__(self) -> str:
        words = []
        for block in self.blocks:
            short = block.cadence in (Cadence.DAILY, Cadence.EVERY_SECOND_DAY)
            words.append(f"{block} (no weekends)" if short and not self.weekends else str(block))
        return ", then ".join(words)


def _days_of(block: Block) -> list[int]:
    """How many sessions fall on each treatment day of the block."""
    whole, rest = divmod(block.sessions, block.per_day)
    return [block.per_day] * whole + ([rest] if rest else [])


def sessions_by_day(dates: Collection[date]) -> list[tuple[date, int]]:
    """Each treatment day with its number of sessions, for ascending `dates`."""
    return [(day, len(list(same))) for day, same in groupby(dates)]


class FollowUpOrigin(Enum):
    """From where a follow-up visit is counted."""

    FIRST_SESSION = "first-session"
    LAST_SESSION = "last-session"


@dataclass(frozen=True, kw_only=True)
class FollowUp:
    """A visit after treatment, in words and in days.

    Parameters
    ----------
    label : as the source says it: "3 months"
    days : from the origin; months are counted as 91 days in three
    origin : the session from which the days are counted
    """

    label: str
    days: int
    origin: FollowUpOrigin

    def __post_init__(self) -> None:
        if self.days < 0:
            raise ValueError(f"a follow-up comes after treatment, not {self.days} days from its origin")

    def date(self, dates: Collection[date]) -> date:
        """The day of the visit for a course on these session `dates`; it may be a weekend."""
        origin = min(dates) if self.origin is FollowUpOrigin.FIRST_SESSION else max(dates)
        return origin + timedelta(days=self.days)

    def __str__(self) -> str:
        origin = "the first session" if self.origin is FollowUpOrigin.FIRST_SESSION else "the last session"
        return f"{self.label} (day {self.days} after {origin})"
