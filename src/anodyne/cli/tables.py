"""How results look on a terminal: tables, facts, paragraphs, and JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

NAME_WIDTH = 22
"""Of the left column of facts, so that it is the same from section to section."""


def show(*parts: RenderableType) -> None:
    """Print the parts of a result on standard output, a blank line between them."""
    console = _console()
    spaced: list[RenderableType] = []
    for part in parts:
        spaced += [part, ""]
    console.print(Group(*spaced[:-1]))


def _console() -> Console:
    return Console(highlight=False, markup=False, emoji=False)


def show_json(data: Any) -> None:
    """Print a result for a program."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def heading(words: str, beneath: str = "") -> RenderableType:
    """A title, and a line beneath it."""
    return Text.assemble((words, "bold"), *([("\n" + beneath, "dim")] if beneath else []))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "") -> RenderableType:
    """A table as wide as its words need; columns whose name begins with ``>`` are flushed right.

    >>> show(table(["tissue", ">volume (cm³)"], [("bone", "721"), ("scalp", "1080")]))  # doctest: +NORMALIZE_WHITESPACE
    tissue  volume (cm³)
    ────────────────────
    bone             721
    scalp           1080
    """
    body = [list(row) for row in rows]
    names = [column.removeprefix(">") for column in columns]
    gap = 2
    room = _console().width - gap * (len(names) - 1)
    grid = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, gap - 1, 0, 0), pad_edge=False, header_style="dim")
    for column, name, width in zip(columns, names, _widths([names, *body], room), strict=True):
        grid.add_column(name, justify="right" if column.startswith(">") else "left", width=width, overflow="fold")
    for row in body:
        grid.add_row(*row)
    return Group(Text(title, style="bold"), "", grid) if title else grid


def _widths(rows: Sequence[Sequence[str]], room: int) -> list[int]:
    """Widths of columns that fit into the room, breaking between words before breaking any word.

    >>> _widths([["a name", "some words"]], 13)
    [6, 7]
    """
    columns = list(zip(*rows, strict=True))
    widths = [max(cell_len(line) for cell in column for line in cell.split("\n")) for column in columns]
    least = [max(map(cell_len, " ".join(column).split()), default=1) for column in columns]
    while sum(widths) > room and max(widths) > 1:
        slack = [width - few for width, few in zip(widths, least, strict=True)]
        widths[slack.index(max(slack))] -= 1
    return widths


def facts(pairs: Iterable[tuple[str, str | Text]], *, title: str = "") -> RenderableType:
    """Names and what they stand for, one under the other."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(style="dim", width=NAME_WIDTH)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(name, value)
    body = Padding(grid, (0, 0, 0, 1))
    return Group(Text(title, style="bold"), body) if title else body


def remarks(sentences: Iterable[str], *, title: str, style: str = "") -> RenderableType:
    """Sentences under a title, each behind a mark."""
    grid = Table.grid(padding=(0, 1))
    for sentence in sentences:
        grid.add_row("•", Text(sentence))
    return Group(Text(title, style=f"bold {style}".strip()), Padding(grid, (0, 0, 0, 1)))


def paragraph(words: str, *, title: str) -> RenderableType:
    """Running text under a title."""
    return Group(Text(title, style="bold"), Padding(Text(words), (0, 0, 0, 1)))


def caution(words: str) -> RenderableType:
    """A line that must not be overlooked."""
    return Text(words, style="bold yellow")
