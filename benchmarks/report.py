"""What a benchmark says: rows of measured numbers, and the machine they were measured on."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from anodyne import __version__
from anodyne.units import GiB


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
    """

    name: str
    value: float
    unit: str
    target: str = ""
    peer: str = ""
    note: str = ""


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
    about = machine()
    versions = f"Python {about['python']}, numpy {about['numpy']}, scipy {about['scipy']}"
    lines += [
        "",
        f"Measured on {about['cores']} cores of {about['processor']}, {about['memory']}, with {versions}.",
    ]
    return "\n".join(lines)


def print_tables(topics: Mapping[str, Sequence[Row]]) -> None:
    """One table for each topic, and the machine beneath."""
    console = Console()
    for topic, rows in topics.items():
        table = Table(title=topic, title_justify="left", title_style="bold")
        for column in ("measured", "value", "target", "peer"):
            table.add_column(column, justify="right" if column == "value" else "left")
        for row in rows:
            table.add_row(_described(row), _shown(row), row.target, row.peer)
        console.print(table)
    console.print(", ".join(f"{key} {value}" for key, value in machine().items()), style="dim")


def _described(row: Row) -> str:
    return f"{row.name} ({row.note})" if row.note else row.name


def _shown(row: Row) -> str:
    return f"{row.value:,.4g} {row.unit}" if row.value < 1000 else f"{row.value:,.0f} {row.unit}"
