"""The record of a session: lines that are only ever appended, each durable and chained to the one before.

One line is one JSON object. Its ``hash`` is the SHA-256 of its own canonical JSON without that key, and its
``previous`` the hash of the line before, so that a line changed, removed or put in later is
noticed. (Lines missing at the very end are not: keep the last hash elsewhere if that matters.)
"""

import errno
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any

from anodyne.errors import CannotWrite, RecordConflict, UnreadableFile
from anodyne.stimulator.delivery.order import canonical, fingerprint

if sys.platform != "win32":
    import fcntl

BEGINNING = "0" * 64
"""What the first line is chained to."""


class LogEvent(Enum):
    """What a line of the log tells."""

    OPENED = "session-opened"
    CONTINUED = "session-continued"
    STARTING = "train-starting"
    ENDED = "train-ended"
    SETTLED = "uncertain-train-settled"
    REST_DROPPED = "rest-dropped"
    PAUSED = "paused"
    RESUMED = "resumed"
    STOPPED = "stopped"
    FAULT = "fault"
    OVERRIDE = "override"
    ANSWER_LOST = "answer-lost"
    CLOCK_JUMPED = "clock-jumped"
    COIL_WARM = "coil-warm"
    CLOSED = "session-closed"


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line of a log.

    Attributes
    ----------
    number : from 0
    event : what it tells
    at : the wall clock's UTC instant in ISO 8601, for people; only how long ago a coil was warm is computed from it
    clock : monotonic seconds since the controller began
    facts : what belongs to the event; keys that hold quantities name their unit
    previous, hash : of the line before and of this one
    """

    number: int
    event: LogEvent
    at: str
    clock: float
    facts: Mapping[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True, kw_only=True)
class LogContents:
    """A log that was read and whose chain holds.

    Attributes
    ----------
    lines : every whole line
    torn : bytes of a last line that a crash left without its end; empty if there is none
    """

    lines: tuple[LogLine, ...]
    torn: bytes


def read_log(path: Path | str) -> LogContents:
    """Every line of a log, its chain of hashes checked.

    Raises
    ------
    UnreadableFile : no such file, a line that is not one of ours, or a chain that is broken
    """
    place = Path(path)
    try:
        content = place.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"cannot read {place}: {error.strerror or error}; name the log of a session") from error
    return _parsed(place, content)


def _parsed(place: Path, content: bytes) -> LogContents:
    whole, _, torn = content.rpartition(b"\n")
    lines: list[LogLine] = []
    previous = BEGINNING
    for number, text in enumerate(whole.split(b"\n") if whole else ()):
        line = _line(place, number, text, previous)
        lines.append(line)
        previous = line.hash
    if lines and lines[0].event is not LogEvent.OPENED:
        raise UnreadableFile(f"{place} does not begin with the opening of a session; name the log of a session")
    return LogContents(lines=tuple(lines), torn=torn)


def _line(place: Path, number: int, text: bytes, previous: str) -> LogLine:
    spot = f"{place}, line {number + 1}"
    try:
        data = json.loads(text)
        found = LogLine(
            number=data["number"],
            event=LogEvent(data["event"]),
            at=data["at"],
            clock=data["clock"],
            facts=data["facts"],
            previous=data["previous"],
            hash=data.pop("hash"),
        )
        computed = fingerprint(data)
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableFile(f"{spot} is not a line of a delivery log; keep the file and start a new log") from error
    if found.hash != computed or found.previous != previous or found.number != number:
        raise UnreadableFile(
            f"{spot} does not follow from the line before, so the log was changed after it was written; keep the file, "
            "have it looked into, and start a new log"
        )
    return found


class DeliveryLog:
    """A log open for appending, locked against every other controller.

    Parameters
    ----------
    path : the file; made if it does not exist
    write, synchronise : the system's own, unless a test puts a full or failing disk in their place

    Raises
    ------
    RecordConflict : another controller holds the log
    UnreadableFile : as `read_log`
    CannotWrite : the file cannot be opened or made
    """

    def __init__(
        self,
        path: Path | str,
        *,
        write: Callable[[int, bytes], int] = os.write,
        synchronise: Callable[[int], None] | None = None,
    ) -> None:
        self.path = Path(path)
        self._write = write
        self._synchronise = synchronise if synchronise is not None else _to_the_disk
        self._broken = False
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _binary(), 0o600)
        except OSError as error:
            raise CannotWrite(f"cannot open the log {self.path}: {error.strerror or error}") from error
        try:
            _lock(self._file, self.path)
            contents = _parsed(self.path, self.path.read_bytes())
            self.lines = list(contents.lines)
            self.torn = contents.torn
            self._length = os.fstat(self._file).st_size - len(contents.torn)
            if contents.torn:
                os.ftruncate(self._file, self._length)
            _synchronise_folder(self.path.absolute().parent)
        except BaseException:
            os.close(self._file)
            raise

    def append(self, event: LogEvent, *, at: str, clock: float, facts: Mapping[str, Any]) -> LogLine:
        """Add one line; when this returns the line is on the disk.

        Raises
        ------
        CannotWrite : the disk is full or fails; the log is as it was before
        """
        if self._broken:
            raise CannotWrite(f"the log {self.path} failed before and is no longer trusted; run the command again")
        previous = self.lines[-1].hash if self.lines else BEGINNING
        data = {
            "number": len(self.lines),
            "event": event.value,
            "at": at,
            "clock": round(clock, 4),
            "facts": dict(facts),
            "previous": previous,
        }
        digest = fingerprint(data)
        text = canonical({**data, "hash": digest}) + b"\n"
        try:
            self._put(text)
        except OSError as error:
            self._take_back()
            raise _refusal(self.path, error) from error
        try:
            self._synchronise(self._file)
        except OSError as error:
            self._broken = True  # the system may have dropped what it could not write, and will not say so again
            raise _refusal(self.path, error) from error
        self._length += len(text)
        line = LogLine(
            number=len(self.lines), event=event, at=at, clock=round(clock, 4), facts=dict(facts), previous=previous,
            hash=digest,
        )  # fmt: skip
        self.lines.append(line)
        return line

    def _put(self, text: bytes) -> None:
        rest = text
        while rest:
            written = self._write(self._file, rest)
            if written == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            rest = rest[written:]

    def _take_back(self) -> None:
        try:
            os.ftruncate(self._file, self._length)
        except OSError:
            self._broken = True

    def close(self) -> None:
        """Give the log and its lock back; a second time does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> "DeliveryLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _refusal(path: Path, error: OSError) -> CannotWrite:
    if error.errno in (errno.ENOSPC, errno.EDQUOT if hasattr(errno, "EDQUOT") else errno.ENOSPC):
        return CannotWrite(f"the disk that holds the log {path} is full, so no train may start; free some space")
    return CannotWrite(f"the log {path} cannot be written ({error.strerror or error}), so no train may start")


def _binary() -> int:
    return int(getattr(os, "O_BINARY", 0))


def _lock(file: int, path: Path) -> None:
    if sys.platform == "win32":
        return  # opened for writing there, a file is shared; the port's own lock still holds
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise RecordConflict(
            f"another controller is writing the log {path}; stop that one first, or name another log"
        ) from error


def _to_the_disk(file: int) -> None:
    if sys.platform == "darwin":
        fcntl.fcntl(file, fcntl.F_FULLFSYNC)
    else:
        os.fsync(file)


def _synchronise_folder(folder: Path) -> None:
    """Make a new file's name durable, too; where folders cannot be opened there is nothing to do."""
    if sys.platform == "win32":
        return
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
