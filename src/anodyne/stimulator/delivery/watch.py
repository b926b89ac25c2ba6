"""How punctual a controller is: its keep-alive, its trains, and the wall clock beside the monotonic one."""

from dataclasses import dataclass, field
from datetime import datetime

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
    worst_gap : between two answers, which is what the stimulator's own watchdog sees, s
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

    def answered(self, now: float) -> None:
        """An answer has come; the next one is due a period after this one was, not after it came."""
        self.sent += 1
        self.worst_lateness = max(self.worst_lateness, now - self.due)
        if self._last is not None:
            self.worst_gap = max(self.worst_gap, now - self._last)
        self._last = now
        self._set_next(now)

    def missed(self, now: float) -> None:
        """No answer has come; the next one is due as if it had."""
        self._set_next(now)

    def _set_next(self, now: float) -> None:
        self.due += self.period
        if self.due <= now:
            self.due = now + self.period


@dataclass(kw_only=True)
class WallWatch:
    """Notices that the wall clock was set; nothing else ever looks at it."""

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
