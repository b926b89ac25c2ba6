"""Time that can be hurried: the same code runs in real, in accelerated and in purely simulated time."""

import time
from abc import ABC, abstractmethod
from math import inf, isfinite
from typing import final

LEAST_WAIT = 0.02
"""Real seconds within which the system can deliver an answer at all, allowed for in hurried time."""


class Clock(ABC):
    """A monotonic clock and a way to wait on it; all of a session reads one clock."""

    speed: float
    """Seconds of this clock in one real second; infinity when no real time passes at all."""

    shortest_wait: float = 0.0
    """The shortest wait for an answer over a real line that the machine can keep, s of this clock."""

    @abstractmethod
    def now(self) -> float:
        """Time since an arbitrary instant, s; never goes back."""

    @abstractmethod
    def sleep(self, duration: float) -> None:
        """Return when `duration` (s, of this clock) has passed; at once if it is not positive."""


@final
class RealClock(Clock):
    """The machine's own monotonic clock."""

    speed = 1.0

    def now(self) -> float:
        """Time since an arbitrary instant, s."""
        return time.monotonic()

    def sleep(self, duration: float) -> None:
        """Wait for `duration`, s."""
        if duration > 0:
            time.sleep(duration)


@final
class ScaledClock(Clock):
    """A clock that runs `speed` times as fast as the machine's own and starts at zero.

    Raises
    ------
    ValueError : a speed that is not positive and finite
    """

    def __init__(self, speed: float) -> None:
        if not (isfinite(speed) and speed > 0):
            raise ValueError(f"a clock's speed is positive, not {speed}")
        self.speed = speed
        self.shortest_wait = LEAST_WAIT * speed
        self._start = time.monotonic()

    def now(self) -> float:
        """Time since the clock was made, s of this clock."""
        return (time.monotonic() - self._start) * self.speed

    def sleep(self, duration: float) -> None:
        """Wait for `duration`, s of this clock."""
        if duration > 0:
            time.sleep(duration / self.speed)


@final
class ManualClock(Clock):
    """A clock that moves only when somebody sleeps on it: an hour's session in a blink, each time the same.

    >>> clock = ManualClock()
    >>> clock.sleep(2220.0)
    >>> clock.now()
    2220.0
    """

    speed = inf

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """Time as it was last set, s."""
        return self._now

    def sleep(self, duration: float) -> None:
        """Move the clock on by `duration`, s."""
        self._now += max(0.0, duration)
