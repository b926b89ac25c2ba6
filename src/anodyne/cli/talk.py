"""What the program says on standard error while it works: remarks and progress bars."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from types import TracebackType

import click
from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Display

from anodyne.progress import SILENT, Advance, Progress

SHORTEST_SHOWN = 2.0
"""Seconds that a stage must have lasted for its line to stay on the screen."""


class Bars(Progress):
    """Progress bars: a stage is drawn while it runs and stays, with its time, if it took over two seconds.

    It is drawn from its beginning because compiled code may hold the interpreter for many seconds, in
    which nothing could draw it later.
    """

    def __init__(self, console: Console) -> None:
        self._display = Display(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TaskProgressColumn(show_speed=False),
            TimeElapsedColumn(),
            console=console,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    @contextmanager
    def stage(self, label: str, total: float | None = None) -> Iterator[Advance]:
        """Draw a stage named `label` until the block ends."""
        self._display.start()
        begin = perf_counter()
        task = self._display.add_task(label, total=total)
        try:
            yield lambda amount: self._display.advance(task, amount)
        except BaseException:
            self._display.remove_task(task)
            raise
        if perf_counter() - begin < SHORTEST_SHOWN:
            self._display.remove_task(task)
        else:
            self._display.update(task, total=total or 1, completed=total or 1)

    def stop(self) -> None:
        """Leave the display as it stands."""
        self._display.stop()


class Talk:
    """Remarks and progress for the person at a terminal; silent for files, pipes and ``--quiet``.

    ``with Talk(quiet=...) as talk`` ends the bars before results are printed.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._bars = Bars(Console(stderr=True)) if sys.stderr.isatty() and not quiet else None

    @property
    def progress(self) -> Progress:
        """The listener to hand to library functions."""
        return self._bars if self._bars is not None else SILENT

    def remark(self, sentence: str) -> None:
        """Say something that is not a result."""
        if self._bars is not None:
            click.echo(sentence, err=True)

    def __enter__(self) -> "Talk":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()
