"""The log as a controller writes it: in order, on a thread of its own, so that a slow disk delays no STOP."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anodyne.errors import CannotWrite
from anodyne.stimulator.clock import Clock
from anodyne.stimulator.delivery.log import DeliveryLog, LogEvent, LogLine

Facts = dict[str, Any]

ONLY_IF_WRITTEN = frozenset({LogEvent.OPENED, LogEvent.CONTINUED, LogEvent.RESUMED, LogEvent.STARTING})
"""What does not happen if it cannot be written first; such a line is not owed afterwards."""


class Inline(Executor):
    """An executor that does everything at once and on the caller's own thread."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> "Future[Any]":
        """Do it now; what it raises waits in the future."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments, **named))
        except CannotWrite as refusal:
            future.set_exception(refusal)
        return future


@dataclass(frozen=True, kw_only=True)
class _Entry:
    event: LogEvent
    at: str
    clock: float
    facts: Facts


class Journal:
    """Lines on their way to a log.

    A line that could not be written, because the disk was full, stays owed and is written before the next one; only
    what does not happen unless it was written, above all a train, is dropped.

    Parameters
    ----------
    log : where they go
    clock : for the time since the journal was made
    wall : the wall clock, an aware instant
    executor : does the writing, one at a time and in order
    """

    def __init__(self, log: DeliveryLog, clock: Clock, wall: Callable[[], datetime], executor: Executor) -> None:
        self._log = log
        self._clock = clock
        self._wall = wall
        self._executor = executor
        self._begin = clock.now()
        self._owed: deque[_Entry] = deque()
        self._pending: list[Future[None]] = []

    @property
    def lines(self) -> list[LogLine]:
        """What is on the disk."""
        return self._log.lines

    @property
    def torn(self) -> bytes:
        """What a crash left of a last line, before the log was opened."""
        return self._log.torn

    def now(self) -> datetime:
        """The wall clock."""
        return self._wall()

    def write(self, event: LogEvent, facts: Facts) -> "Future[None]":
        """Send a line on its way; the future is done when it, and every line before it, is on the disk."""
        at = self._wall().isoformat(timespec="milliseconds")
        entry = _Entry(event=event, at=at, clock=self._clock.now() - self._begin, facts=facts)
        future = self._executor.submit(self._put, entry)
        self._pending.append(future)
        return future

    def _put(self, entry: _Entry) -> None:
        self._owed.append(entry)
        try:
            while self._owed:
                first = self._owed[0]
                self._log.append(first.event, at=first.at, clock=first.clock, facts=first.facts)
                self._owed.popleft()
        except CannotWrite:
            if entry.event in ONLY_IF_WRITTEN:
                self._owed.remove(entry)
            raise

    def refuse_lost_lines(self) -> None:
        """Raise what stopped a line from being written, once.

        Raises
        ------
        CannotWrite : the disk is full or fails
        """
        done = [future for future in self._pending if future.done()]
        self._pending = [future for future in self._pending if not future.done()]
        for future in done:
            error = future.exception()
            if error is not None:
                raise error

    def forgive(self) -> None:
        """Forget failures that were told; what was not written is still owed."""
        self._pending = [future for future in self._pending if not future.done()]

    def wait(self) -> None:
        """Wait until everything is on the disk.

        Raises
        ------
        CannotWrite : the disk is full or fails
        """
        for future in self._pending:
            future.exception()
        self.refuse_lost_lines()
