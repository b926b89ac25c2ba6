"""Outputs refused before the work rather than after it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from anodyne.files import replacing, replacing_folder


class _Rehearsed(Exception):
    """Raised inside a write to call it off once its place has proved writable."""


def rehearse_file(path: Path) -> None:
    """Raise `CannotWrite` now if a file could not be written at `path` later; leave nothing there."""
    with suppress(_Rehearsed), replacing(path) as temporary:
        temporary.touch()
        raise _Rehearsed


def rehearse_folder(path: Path, *, marker: str) -> None:
    """Raise `CannotWrite` now if a folder could not be written at `path` later; leave nothing there."""
    with _parents_kept_clean(path), suppress(_Rehearsed), replacing_folder(path, marker=marker):
        raise _Rehearsed


@contextmanager
def _parents_kept_clean(path: Path) -> Iterator[None]:
    missing = [parent for parent in path.absolute().parents if not parent.exists()]
    yield
    for parent in missing:
        if parent.is_dir():
            parent.rmdir()


class OutputFile(click.ParamType[Path]):
    """A file to write, named by one of the endings that choose its format."""

    name = "file"

    def __init__(self, *endings: str) -> None:
        self.endings = endings

    def convert(self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path, if it ends as it must."""
        path = Path(value)
        if not path.name.lower().endswith(self.endings):
            *others, last = self.endings
            listed = f"{', '.join(others)} or {last}" if others else last
            self.fail(f"{path.name!r} must end in {listed}", param, ctx)
        return path


FIGURE = OutputFile(".png", ".pdf", ".svg")
