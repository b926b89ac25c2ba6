"""The dialogue of a threshold measurement: an intensity said, an answer taken, and where the threshold lies."""

from math import isfinite
from pathlib import Path
from random import SystemRandom
from time import monotonic
from typing import TYPE_CHECKING

import click

from anodyne.disclaimer import DISCLAIMER
from anodyne.errors import UnreadableFile
from anodyne.units import percent

if TYPE_CHECKING:
    from anodyne.cli.threshold_log import ThresholdLog
    from anodyne.protocol import MepReading, ResponseObservation, ThresholdSearch

SHORTEST_WAIT, JITTER = 5.0, 1.5
"""Seconds between pulses at least, and how much longer they may be by chance (the jitter's size is assumed)."""

MICROVOLT = 1e-6
BY_EYE = "y a twitch, n none, x not valid, u undo, q stop and keep"
BY_WORD = "y bearable, n too much, x not valid, u undo, q stop and keep"
BY_EMG = "y response, n none, or the amplitude in µV, x not valid, u undo, q stop and keep"
BY_FILE = "Enter reads the newest epoch, or y, n, µV, x, u, q"


class Dialogue:
    """A measurement with a person at a terminal, who gives the pulses and says what they answered.

    Parameters
    ----------
    search : where the measurement stands
    record : its log
    seen : by what responses are seen
    folder : where a recorder leaves epochs of EMG, if it does
    quiet : whether to leave out the reminder of the wait
    """

    def __init__(
        self,
        search: "ThresholdSearch",
        record: "ThresholdLog",
        seen: "ResponseObservation",
        folder: Path | None,
        *,
        quiet: bool,
    ) -> None:
        from anodyne.protocol import ResponseObservation

        self._search, self._record, self._folder, self._quiet = search, record, folder, quiet
        self._keys = {ResponseObservation.VISUAL: BY_EYE, ResponseObservation.WORD: BY_WORD}.get(seen, BY_EMG)
        self._has_amplitudes = seen is ResponseObservation.EMG
        self._rejected = record.rejected
        self._used = self._epochs()
        self._given_at: float | None = None

    def held(self) -> "tuple[ThresholdSearch, int]":
        """The search when the method ended or the operator stopped, and how many pulses did not count."""
        self._greet()
        going_on = True
        while going_on and not self._search.is_finished:
            self._propose()
            before = self._search
            going_on = self._answered(click.prompt("  answer", default="", show_default=False, err=True).strip())
            if self._search is not before and self._search.trials:
                words = self._search.in_words
                click.echo(f"  {words[0].upper()}{words[1:]}.", err=True)
        return self._search, self._rejected

    def _greet(self) -> None:
        click.echo(f"{DISCLAIMER} This program gives no pulse itself.", err=True)
        keys = BY_FILE if self._folder is not None else self._keys
        click.echo(f"{self._search.label}: {keys}.", err=True)
        if self._search.trials:
            click.echo(f"Going on after {len(self._search.trials)} pulses. {self._search.in_words}.", err=True)

    def _propose(self) -> None:
        number = len(self._search.trials) + 1
        wait = SHORTEST_WAIT + JITTER * SystemRandom().random()
        hint = "" if self._quiet or self._given_at is None else f", {wait:.1f} s or more after the last"
        click.echo(f"Pulse {number}: one pulse at {self._search.next_intensity / percent:g} %{hint}.", err=True)

    def _answered(self, words: str) -> bool:
        """Take one answer; False when the operator stops."""
        match words.casefold():
            case "q":
                return False
            case "u":
                self._undo()
            case "x":
                self._reject("not valid, said the operator")
            case "y" | "n":
                self._record_answer(words.casefold() == "y", None)
            case "":
                self._read_epoch()
            case _:
                self._take_amplitude(words)
        return True

    def _undo(self) -> None:
        if not self._search.trials:
            click.echo("  There is nothing to undo.", err=True)
            return
        self._record.undo()
        self._search = self._search.undone()
        click.echo("  The last pulse is taken back.", err=True)

    def _reject(self, reason: str) -> None:
        self._record.reject(self._search.next_intensity, reason)
        self._rejected += 1
        self._note_time()
        click.echo("  Not counted; the same intensity again.", err=True)

    def _record_answer(self, responded: bool, amplitude: float | None) -> None:
        after = self._search.record(responded, amplitude=amplitude)
        self._record.answer(self._search.next_intensity, responded, amplitude)
        self._search = after
        self._note_time()

    def _note_time(self) -> None:
        """Say so if this answer came sooner after the last than pulses may."""
        now = monotonic()
        if self._given_at is not None and now - self._given_at < SHORTEST_WAIT and not self._quiet:
            click.echo(
                f"  Only {now - self._given_at:.1f} s since the last; wait {SHORTEST_WAIT:g} s or more.", err=True
            )
        self._given_at = now

    def _take_amplitude(self, words: str) -> None:
        from anodyne.protocol import RESPONSE_AMPLITUDE

        if not self._has_amplitudes:
            click.echo("  Without EMG there is no amplitude; answer y or n.", err=True)
            return
        try:
            amplitude = float(words.replace(",", ".").removesuffix("uV").removesuffix("µV")) * MICROVOLT
        except ValueError:
            click.echo(f"  {words!r} is no answer; y, n, an amplitude in µV, x, u or q.", err=True)
            return
        if not (isfinite(amplitude) and 0 <= amplitude < 0.1):
            click.echo(f"  {words} µV cannot be an amplitude from peak to peak; type it again.", err=True)
            return
        self._record_answer(amplitude >= RESPONSE_AMPLITUDE, amplitude)

    def _read_epoch(self) -> None:
        if self._folder is None:
            click.echo("  Please answer y or n.", err=True)
            return
        fresh = sorted(self._epochs() - self._used, key=_time_and_name)
        if not fresh:
            click.echo(f"  No new epoch (.csv or .npz) is in {self._folder} yet.", err=True)
            return
        try:
            reading = self._reading(fresh[-1])
        except UnreadableFile as error:
            click.echo(f"  {error}; mend it and press Enter, or answer yourself.", err=True)
            return
        self._used |= set(fresh)
        if len(fresh) > 1:
            click.echo(f"  {len(fresh)} new epochs are there; only the newest is read.", err=True)
        click.echo(f"  {fresh[-1].name}: {reading.in_words}.", err=True)
        if reading.is_preactivated:
            self._reject(reading.in_words)
        else:
            self._record_answer(reading.responded, reading.amplitude)

    def _reading(self, path: Path) -> "MepReading":
        from anodyne.protocol import read_epoch, read_mep

        epoch = read_epoch(path)
        try:
            return read_mep(epoch)
        except ValueError as error:
            raise UnreadableFile(f"{path} cannot be used: {error}") from error

    def _epochs(self) -> set[Path]:
        from anodyne.protocol import EPOCH_FILES

        if self._folder is None:
            return set()
        try:
            return {path for path in self._folder.iterdir() if path.suffix.lower() in EPOCH_FILES}
        except OSError as error:
            raise UnreadableFile(f"cannot look into {self._folder}: {error.strerror or error}") from error


def _time_and_name(path: Path) -> tuple[int, str]:
    """When a file was written, with its name to decide between equals; 0 for one that has gone meanwhile."""
    try:
        return path.stat().st_mtime_ns, path.name
    except OSError:
        return 0, path.name
