"""The tables of limits, read from ``limits.yaml``; nothing in them is interpolated."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from anodyne.certainty import Certainty
from anodyne.names import unknown_name
from anodyne.protocol.library import YamlWithLines
from anodyne.protocol.limits.verdict import Verdict
from anodyne.protocol.protocol import IntensityBasis, Modality
from anodyne.units import percent

LIMITS_FILE = Path(__file__).with_name("limits.yaml")

HAIR = 1e-9
"""Relative: a number no further than this above a limit is at it."""


def above(value: float, limit: float) -> bool:
    """Whether a value is above a limit by more than the rounding of arithmetic."""
    return value > limit * (1 + HAIR)


class CellEnd(Enum):
    """What a duration in a table is the end of; only beyond a limit a dose is blocked."""

    TESTED = "longest tested"
    RECOMMENDED = "longest recommended"
    LIMIT = "limit"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of a table: a duration (s) at a rate (Hz) and intensity (fraction of threshold).

    Attributes
    ----------
    end : what the duration is the end of
    covers : whether the cell is at or above what was asked; False beyond the table's last row or column
    """

    rate: float
    intensity: float
    seconds: float
    end: CellEnd
    covers: bool

    def __str__(self) -> str:
        words = f"{self.rate:g} Hz, {self.intensity / percent:g} %: {self.seconds:g} s ({self.end.value})"
        return words if self.covers else f"beyond the table; its last cell is {words}"


@dataclass(frozen=True, kw_only=True)
class TrainTable:
    """The longest train by rate and intensity.

    Attributes
    ----------
    rates : (r,) ascending, Hz; intensities : (i,) ascending, fractions of resting motor threshold
    seconds : r rows of i durations, s
    ends : as many; what each duration is the end of
    """

    name: str
    what: str
    label: str
    source: str
    certainty: Certainty
    rates: tuple[float, ...]
    intensities: tuple[float, ...]
    seconds: tuple[tuple[float, ...], ...]
    ends: tuple[tuple[CellEnd, ...], ...]

    def cell(self, rate: float, intensity: float) -> Cell:
        """The cell at or above in rate and intensity; beyond the table its last one, which then does not cover."""
        row = next((i for i, known in enumerate(self.rates) if not above(rate, known)), None)
        column = next((i for i, known in enumerate(self.intensities) if not above(intensity, known)), None)
        covers = row is not None and column is not None
        row = len(self.rates) - 1 if row is None else row
        column = len(self.intensities) - 1 if column is None else column
        return Cell(
            rate=self.rates[row],
            intensity=self.intensities[column],
            seconds=self.seconds[row][column],
            end=self.ends[row][column],
            covers=covers,
        )

    def verdict(self, rate: float, intensity: float, duration: float) -> Verdict:
        """Inside, outside or above a limit; what precedent there is does not count here."""
        cell = self.cell(rate, intensity)
        if above(duration, cell.seconds):
            return Verdict.BLOCKED if cell.end is CellEnd.LIMIT else Verdict.NEEDS_OVERRIDE
        return Verdict.INSIDE_TESTED if cell.covers else Verdict.NEEDS_OVERRIDE


@dataclass(frozen=True, kw_only=True)
class IntervalRule:
    """Which pauses between trains were tested, and which are unsafe; ``limits.yaml`` says what each number is."""

    name: str
    label: str
    source: str
    certainty: Certainty
    tested_rate: float
    tested_trains: int
    tested_interval: float
    tested_intensity: float
    unsafe_interval: float
    unsafe_above: float

    @property
    def cell(self) -> str:
        """The rule in a few words."""
        return (
            f"up to {self.tested_rate:g} Hz, {self.tested_trains} trains and {self.tested_intensity / percent:g} %: "
            f"{self.tested_interval:g} s or more; above {self.unsafe_above / percent:g} % never "
            f"{self.unsafe_interval:g} s or less"
        )


@dataclass(frozen=True, kw_only=True)
class PublishedTable:
    """The tested range of a kind of stimulation without a table of its own: what cited protocols gave."""

    name: str
    label: str
    missing: str


@dataclass(frozen=True, kw_only=True)
class StrengthRule:
    """The highest intensity relative to a peripheral threshold, and what more would be."""

    highest: float
    beyond: Verdict
    certainty: Certainty
    source: str


@dataclass(frozen=True, kw_only=True)
class Modifier:
    """What lowers the seizure threshold of a person.

    Attributes
    ----------
    kind : medicine, sleep, alcohol or history; each kind raises the verdict by one step, however many are of it
    blocks : whether it forbids stimulation by itself
    """

    name: str
    label: str
    kind: str
    source: str
    certainty: Certainty
    blocks: bool


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Everything in ``limits.yaml``.

    Attributes
    ----------
    note : what stands beside every verdict
    trains : tables of the longest train, those with limits first
    published, published_source : by modality
    strength : by the basis of peripheral intensities
    """

    note: str
    trains: tuple[TrainTable, ...]
    interval: IntervalRule
    published: Mapping[Modality, PublishedTable]
    published_source: str
    strength_table: str
    strength: Mapping[IntensityBasis, StrengthRule]
    modifiers: Mapping[str, Modifier]


def _train_table(name: str, entry: Mapping[str, Any]) -> TrainTable:
    rows = [row["longest"] for row in entry["rows"]]
    if any(len(row) != len(entry["intensities"]) for row in rows):
        raise ValueError(f"{name} needs a duration for each intensity in each row")
    bare = {"limit": CellEnd.LIMIT, "recommended": CellEnd.RECOMMENDED}[entry["bare"]]
    table = TrainTable(
        name=name,
        what=entry["what"],
        label=entry["label"],
        source=entry["source"],
        certainty=Certainty(entry["certainty"]),
        rates=tuple(float(row["rate"]) for row in entry["rows"]),
        intensities=tuple(entry["intensities"]),
        seconds=tuple(tuple(float(str(cell).removeprefix(">")) for cell in row) for row in rows),
        ends=tuple(tuple(CellEnd.TESTED if str(cell).startswith(">") else bare for cell in row) for row in rows),
    )
    if list(table.rates) != sorted(set(table.rates)) or list(table.intensities) != sorted(set(table.intensities)):
        raise ValueError(f"{name} needs ascending rates and intensities")
    return table


def _strength(entry: Mapping[str, Any]) -> StrengthRule:
    return StrengthRule(
        highest=entry["highest"],
        beyond={"override": Verdict.NEEDS_OVERRIDE, "blocked": Verdict.BLOCKED}[entry["beyond"]],
        certainty=Certainty(entry["certainty"]),
        source=entry["source"],
    )


def _modifiers(entry: Mapping[str, Any]) -> Mapping[str, Modifier]:
    usual = entry["source"]
    return MappingProxyType(
        {
            name: Modifier(
                name=name,
                label=item["label"],
                kind=item["kind"],
                source=item.get("source", usual),
                certainty=Certainty(item["certainty"]),
                blocks=item.get("blocks", False),
            )
            for name, item in entry.items()
            if name != "source"
        }
    )


def read_limits(path: Path) -> Limits:
    """The limits of a file in the form of ``limits.yaml``.

    Raises
    ------
    UnreadableFile : no such file, or no YAML
    ValueError, KeyError : a table that is wrong
    """
    data = YamlWithLines(path).data
    published, interval = dict(data["published"]), dict(data["interval"])
    strength = dict(data["peripheral_intensity"])
    published_source, strength_table, _ = published.pop("source"), strength.pop("name"), strength.pop("label")
    return Limits(
        note=data["note"].strip(),
        trains=tuple(_train_table(name, entry) for name, entry in data["train_duration"].items()),
        interval=IntervalRule(**{**interval, "certainty": Certainty(interval["certainty"])}),
        published=MappingProxyType({Modality(name): PublishedTable(**entry) for name, entry in published.items()}),
        published_source=published_source,
        strength_table=strength_table,
        strength=MappingProxyType({IntensityBasis(name): _strength(entry) for name, entry in strength.items()}),
        modifiers=_modifiers(data["modifiers"]),
    )


LIMITS = read_limits(LIMITS_FILE)
"""The tables of limits."""


def find_modifier(name: str) -> Modifier:
    """The modifier of the seizure threshold of this name, in upper or lower case.

    Raises
    ------
    UnknownName : nothing is called that; the text names the near misses

    >>> find_modifier("Tramadol").kind
    'medicine'
    """
    if name.casefold() in LIMITS.modifiers:
        return LIMITS.modifiers[name.casefold()]
    known = ", ".join(LIMITS.modifiers)
    raise unknown_name("modifier of the seizure threshold", name, LIMITS.modifiers, f"known: {known}")
