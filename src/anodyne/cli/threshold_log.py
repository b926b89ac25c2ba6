"""The log of a threshold measurement: every pulse on a line of its own, from which the measurement can go on."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from anodyne.errors import CannotWrite, RecordConflict, UnreadableFile
from anodyne.units import percent

if TYPE_CHECKING:
    from anodyne.protocol import ThresholdSearch

KIND, VERSION = "anodyne threshold measurement", 1
MICROVOLT = 1e-6


class ThresholdLog:
    """The lines of one measurement, in a file or nowhere.

    The first line holds the settings; then each pulse that counted, each that did not, and each undoing has its line,
    safe on the disk before the next pulse is proposed.
    """

    def __init__(self, path: Path | None, entries: list[dict[str, Any]], stream: BinaryIO | None) -> None:
        self._path, self._entries, self._stream = path, entries, stream

    @property
    def pulses_given(self) -> int:
        """Pulses in the log, whether they counted or not."""
        return sum(entry["event"] in ("pulse", "not-counted") for entry in self._entries)

    @property
    def rejected(self) -> int:
        """Pulses in the log that did not count."""
        return sum(entry["event"] == "not-counted" for entry in self._entries)

    def replayed(self, search: "ThresholdSearch") -> "ThresholdSearch":
        """The search after every pulse of the log.

        Raises
        ------
        UnreadableFile : the log tells of pulses that this search would not have proposed
        """
        for number, entry in enumerate(self._entries, start=2):
            try:
                if entry["event"] == "pulse":
                    if abs(search.next_intensity / percent - entry["intensity_percent"]) > 1e-6:
                        raise ValueError("another intensity was due")
                    amplitude = None if entry["amplitude_uv"] is None else entry["amplitude_uv"] * MICROVOLT
                    search = search.record(entry["responded"], amplitude=amplitude)
                elif entry["event"] == "undone":
                    search = search.undone()
            except (KeyError, TypeError, ValueError) as error:
                raise UnreadableFile(
                    f"{self._path}, line {number} does not follow from those before it ({error}); keep the file and "
                    "begin a new log"
                ) from error
        return search

    def answer(self, intensity: float, responded: bool, amplitude: float | None = None) -> None:
        """Note a pulse that counted: its intensity as a fraction of output, its answer, its amplitude in V."""
        self._append(
            {
                "event": "pulse",
                "intensity_percent": round(intensity / percent, 7),
                "responded": responded,
                "amplitude_uv": None if amplitude is None else amplitude / MICROVOLT,
            }
        )

    def reject(self, intensity: float, reason: str) -> None:
        """Note a pulse that was given at this intensity, a fraction of output, and does not count."""
        rounded = round(intensity / percent, 7)
        self._append({"event": "not-counted", "intensity_percent": rounded, "reason": reason})

    def undo(self) -> None:
        """Note that the last pulse that counted is taken back."""
        self._append({"event": "undone"})

    def _append(self, entry: dict[str, Any]) -> None:
        entry |= {"at": datetime.now(UTC).isoformat(timespec="milliseconds")}
        self._entries.append(entry)
        if self._stream is not None:
            _write_line(self._stream, entry, self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            with suppress(OSError):
                self._stream.close()


def no_log() -> ThresholdLog:
    """A log that is kept nowhere."""
    return ThresholdLog(None, [], None)


def open_log(path: Path, settings: Mapping[str, Any]) -> ThresholdLog:
    """The log at `path`, begun with these settings, or gone on with if it is there already.

    A last line without an end was being written when the program died, and is dropped.

    Raises
    ------
    UnreadableFile : something else is in the file
    RecordConflict : it holds a measurement with other settings, or somebody else is writing it
    CannotWrite : the place cannot be written
    """
    header = {"kind": KIND, "version": VERSION, **settings}
    entries: list[dict[str, Any]] = []
    stream: BinaryIO
    try:
        if path.exists() and path.stat().st_size:
            whole = path.read_bytes()
            complete = whole[: whole.rfind(b"\n") + 1]
            lines = _parsed(path, complete)
            _refuse_other(path, lines[0], header)
            entries = lines[1:]
            stream = _locked(path.open("r+b"), path)
            stream.truncate(len(complete))
            stream.seek(0, os.SEEK_END)
        else:
            stream = _locked(path.open("ab"), path)
            header["begun"] = datetime.now(UTC).isoformat(timespec="seconds")
            _write_line(stream, header, path)
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror or error}; choose another place") from error
    return ThresholdLog(path, entries, stream)


def _locked(stream: BinaryIO, path: Path) -> BinaryIO:
    """The stream, kept from other processes where the system can do that."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        return stream
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        stream.close()
        raise RecordConflict(f"another measurement is writing {path}; end it, or name another log") from error
    return stream


def _parsed(path: Path, text: bytes) -> list[dict[str, Any]]:
    lines = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise UnreadableFile(
                f"{path}, line {number} is not a line of a threshold log; choose another log"
            ) from error
        known = isinstance(entry, dict) and (entry.get("kind") == KIND if number == 1 else "event" in entry)
        if not known:
            raise UnreadableFile(_stranger(path, number))
        lines.append(entry)
    if not lines:
        raise UnreadableFile(f"{path} holds no whole line of a threshold log; choose another log")
    return lines


def _stranger(path: Path, number: int) -> str:
    return f"{path}, line {number} is not a line of a threshold log; choose another log"


def _refuse_other(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for name, value in wanted.items():
        if found.get(name) != value:
            raise RecordConflict(
                f"{path} holds a measurement with {name.replace('_', ' ')} {found.get(name)}, not {value}; go on "
                "with the settings it was begun with, or name another log"
            )


def _write_line(stream: BinaryIO, entry: Mapping[str, Any], path: Path | None) -> None:
    try:
        stream.write(json.dumps(entry, ensure_ascii=False, allow_nan=False).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror or error}; free some space and run again") from error
