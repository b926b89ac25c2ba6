"""What a benchmark says: rows of measured numbers, and the machine they were measured on."""

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from anodyne import __version__
from anodyne.units import GiB

WIDE = 120
"""Characters of a terminal from which peers and notes have columns; in a narrower one they stand beneath the names."""


class NotMeasured(Exception):
    """A topic needs what this machine does not have; the message says what."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """Where a number belongs in a figure.

    Parameters
    ----------
    curve : what is measured, alike for all sizes
    along : what grows: "tetrahedra"
    size : how many of them
    """

    curve: str
    along: str
    size: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measured number.

    Parameters
    ----------
    name : what was measured
    value : the number, in `unit`
    unit : as a person writes it
    target : what it should be, in words: "≤ 20 s"
    peer : what another program reaches, in words, with its source
    note : on which data, with which settings
    point : where it belongs in the topic's figure, if it has one
    """

    name: str
    value: float
    unit: str
    target: str = ""
    peer: str = ""
    note: str = ""
    point: Point | None = None


def machine() -> dict[str, str]:
    """The machine and the versions that the numbers belong to."""
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "scipy", "numba", "pyamg")},
        "anodyne": __version__,
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def _memory() -> str:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return "unknown"
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / GiB:.0f} GiB"


def highest_memory() -> int:
    """The highest use of memory by this process, bytes.

    Linux hands the parent's highest use down to a child's ``ru_maxrss``, so there the process' own is read.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    from resource import RUSAGE_SELF, getrusage  # POSIX only

    return int(getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def as_data(topics: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """The report as JSON-ready data."""
    return {
        "machine": machine(),
        "topics": {topic: [asdict(row) for row in rows] for topic, rows in topics.items()},
    }


def as_markdown(topics: Mapping[str, Sequence[Row]]) -> str:
    """The report as a Markdown table, ready for the README."""
    lines = ["| measured | value | target | peer |", "|---|---:|---|---|"]
    for rows in topics.values():
        lines += [f"| {_described(row)} | {_shown(row)} | {row.target} | {row.peer} |" for row in rows]
    return "\n".join([*lines, "", machine_sentence()])


def machine_sentence() -> str:
    """The machine and the versions of what computes, in one sentence."""
    about = machine()
    versions = f"Python {about['python']}, numpy {about['numpy']}, scipy {about['scipy']}"
    return f"Measured on {about['cores']} cores of {about['processor']}, {about['memory']}, with {versions}."


def print_table(topic: str, rows: Sequence[Row]) -> None:
    """One topic's table."""
    console = Console()
    console.print(_table(topic, rows, console.width >= WIDE))


def print_machine() -> None:
    """What all was measured on, to stand beneath the tables."""
    Console().print(", ".join(f"{key} {value}" for key, value in machine().items()), style="dim")


def _table(topic: str, rows: Sequence[Row], wide: bool) -> Table:
    """The rows, with columns that any of them fills; peers and notes stand beneath the names where there is no room."""
    table = Table(title=topic, title_justify="left", title_style="bold", box=SIMPLE_HEAD, leading=int(not wide))
    table.add_column("measured", ratio=3)
    table.add_column("value", justify="right", no_wrap=True)
    ratios = {"target": 1, "peer": 2, "note": 3} if wide else {"target": 1}
    beside = [name for name in ratios if any(getattr(row, name) for row in rows)]
    for name in beside:
        table.add_column(name, ratio=ratios[name], no_wrap=name == "target")
    for row in rows:
        beneath = {} if wide else {"peer: ": row.peer, "": row.note}
        indent = " " * (2 + len(row.name) - len(row.name.lstrip()))
        lines = [_indented(row.name)]
        lines += [_indented(f"{indent}{what}{text}", "dim") for what, text in beneath.items() if text]
        table.add_row(Group(*lines), _shown(row), *(getattr(row, name) for name in beside))
    return table


def _indented(text: str, style: str = "") -> Padding:
    """A text whose leading spaces hold for every line it is broken into."""
    bare = text.lstrip()
    return Padding(Text(bare, style=style), (0, 0, 0, len(text) - len(bare)))


def _described(row: Row) -> str:
    return f"{row.name} ({row.note})" if row.note else row.name


def _shown(row: Row) -> str:
    number = f"{row.value:,.4g}" if abs(row.value) < 1000 else f"{row.value:,.0f}"
    return f"{number} {row.unit}".rstrip()
