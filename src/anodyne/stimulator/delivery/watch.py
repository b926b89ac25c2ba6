"""How punctual a controller is: its keep-alive, its trains, and the wall clock beside the monotonic one."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from anodyne.errors import SafetyRefusal
from anodyne.stimulator.clock import Clock

JUMP = 2.0
"""A wall clock that moves so much (s) against the monotonic one has been set by somebody."""


@dataclass(kw_only=True)
class KeepAliveWatch:
    """When the stimulator must be spoken to next, and how late that was at worst.

    Attributes
    ----------
    period : s
    due : when the next one is due, s of the controller's clock
    sent : how many
    worst_lateness : of an answer after the moment it was due, s
    worst_gap : between two answers, to whatever was asked, s; the stimulator's own watchdog hears of nothing for no
        longer than that and the time that a question and its answer take
    """

    period: float
    due: float = 0.0
    sent: int = 0
    worst_lateness: float = 0.0
    worst_gap: float = 0.0
    _last: float | None = field(default=None, repr=False)

    def begin(self, now: float) -> None:
        """Start counting: control was taken just now."""
        self.due = now + self.period
        self._last = now

    def heard(self, now: float) -> None:
        """The stimulator has just answered, whatever it was asked."""
        if self._last is not None:
            self.worst_gap = max(self.worst_gap, now - self._last)
        self._last = now

    def answered(self, now: float) -> None:
        """A keep-alive was answered; the next one is due a period after this one was, not after its answer came."""
        self.sent += 1
        self.worst_lateness = max(self.worst_lateness, now - self.due)
        self.due += self.period
        if self.due <= now:
            self.due = now + self.period

    def missed(self, now: float) -> None:
        """No answer has come; the next one is due at once."""
        self.due = now


def jump_in_words(jump: float) -> str:
    """A jump (s) as what the operator can act on.

    >>> jump_in_words(-3600.0)
    "the computer's clock was set back by 3600 s; see that its date and time are right, then go on"
    """
    way = "back" if jump < 0 else "forward"
    return f"the computer's clock was set {way} by {abs(jump):.0f} s; see that its date and time are right, then go on"


def refuse_set_back(now: datetime, last: datetime) -> None:
    """Raise `SafetyRefusal` if the wall clock is earlier than the last line of a log, so that it was set back."""
    if (last - now).total_seconds() > JUMP:
        raise SafetyRefusal(
            f"the log's last line is of {last:%Y-%m-%d %H:%M:%S} UTC and the computer's clock says "
            f"{now.astimezone(UTC):%Y-%m-%d %H:%M:%S}; set the clock right and run the command again"
        )


@dataclass(kw_only=True)
class WallWatch:
    """Notices that the wall clock was set; no wait depends on it."""

    offset: float | None = None

    def jump(self, clock: Clock, wall: datetime) -> float | None:
        """By how much the wall clock has jumped since the last look, s; None if it has not."""
        offset = wall.timestamp() - clock.now()
        before, self.offset = self.offset, offset
        if before is None:
            return None
        if abs(offset - before) < JUMP:
            self.offset = before
            return None
        return offset - before
