"""The built-in coils: published geometry from one data file, checked when it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from anodyne.certainty import Certainty
from anodyne.coil.assembly import Assembly, Circular, FigureOfEight
from anodyne.coil.casing import Casing, plate
from anodyne.coil.coil import DipoleCoil, WireCoil
from anodyne.coil.stated import Stated
from anodyne.coil.windings import EllipticalWinding, RoundWinding, SpiralWinding, Winding
from anodyne.errors import UnknownName
from anodyne.names import unknown_name
from anodyne.units import A_per_us, degree, mm

UNIT_OF_SUFFIX = MappingProxyType({"_mm": mm, "_degrees": degree, "_a_per_us": A_per_us})
"""The data file's units, by the ending of a key."""

WINDINGS: Mapping[str, type[Winding]] = MappingProxyType(
    {"round": RoundWinding, "spiral": SpiralWinding, "elliptical": EllipticalWinding}
)

TEXTS = frozenset({"name", "brand", "model", "shape", "winding", "source", "stimulator", "peak_source", "note"})
NUMBERS = frozenset(
    {"turns", "inner_diameter_mm", "outer_diameter_mm", "wire_width_mm", "wire_height_mm", "winding_depth_mm"}
    | {"casing_radius_mm", "casing_thickness_mm", "layers", "layer_gap_mm", "elongation_mm", "separation_mm"}
    | {"bend_degrees", "maximum_di_dt_a_per_us"}
)
OPTIONAL = frozenset(
    {"stimulator", "peak_source", "note", "layers", "layer_gap_mm", "elongation_mm", "separation_mm"}
    | {"bend_degrees", "maximum_di_dt_a_per_us"}
)


@dataclass(frozen=True, kw_only=True)
class CoilEntry:
    """A built-in coil as its makers and the literature describe it.

    Parameters
    ----------
    name : for the command line
    brand, model : as printed on it
    shape : "circular", "figure-of-eight", "figure-of-eight, bent" or "double cone"
    stimulator : for which the peak rate holds
    source : where the geometry comes from
    peak_source : where the peak rate of current change comes from
    note : what a user should know
    numbers : every number in SI by its name without unit, with its certainty
    """

    name: str
    brand: str
    model: str
    shape: str
    stimulator: str | None
    source: str
    peak_source: str | None
    note: str | None
    winding_kind: type[Winding]
    numbers: Mapping[str, Stated] = field(repr=False)

    @property
    def label(self) -> str:
        """Brand and model as a person says them."""
        return f"{self.brand} {self.model}"

    @property
    def maximum_di_dt(self) -> float | None:
        """Peak rate of current change at full output, A/s."""
        return self.numbers["maximum_di_dt"].value if "maximum_di_dt" in self.numbers else None

    @property
    def peak_certainty(self) -> Certainty | None:
        """How sure the peak rate is."""
        return self.numbers["maximum_di_dt"].certainty if "maximum_di_dt" in self.numbers else None

    @property
    def winding_depth(self) -> float:
        """From the casing's face to the conductors' nearest surface, m."""
        return self.numbers["winding_depth"].value

    @property
    def bend(self) -> float:
        """Angle of each wing towards the head, rad."""
        return self._value("bend", 0.0)

    @property
    def certainty(self) -> Certainty:
        """The least certain of the numbers that shape the field (the casing left out)."""
        order = list(Certainty)
        shaping = [s for key, s in self.numbers.items() if not key.startswith("casing") and key != "maximum_di_dt"]
        return max((stated.certainty for stated in shaping), key=order.index)

    def winding(self) -> Winding:
        """One wing's winding."""
        lengths = {parameter.name for parameter in fields(self.winding_kind)} - {"turns", "layers"}
        given = {name: self._value(name) for name in lengths if name in self.numbers}
        turns, layers = round(self._value("turns")), round(self._value("layers", 1))
        return self.winding_kind(turns=turns, layers=layers, **given)

    def assembly(self) -> Assembly:
        """The windings in their places."""
        if "separation" not in self.numbers:
            return Circular(winding=self.winding(), winding_depth=self.winding_depth)
        separation = self._value("separation")
        return FigureOfEight(
            winding=self.winding(), winding_depth=self.winding_depth, separation=separation, bend=self.bend
        )

    def casing(self) -> Casing:
        """The outer surface, generated from the winding's outline."""
        half_spacing = self._value("separation", 0.0) / 2
        return plate(half_spacing, self._value("casing_radius"), self._value("casing_thickness"), self.bend)

    def wire_coil(self) -> WireCoil:
        """The coil as current elements: the model to use."""
        return WireCoil(elements=self.assembly().current_elements(), **self._description())

    def dipole_coil(self) -> DipoleCoil:
        """The same coil as magnetic dipoles, for comparison and for programs that read ``.ccd`` only."""
        return DipoleCoil(dipoles=self.assembly().dipoles(), **self._description())

    def _description(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "label": self.label,
            "source": self.source,
            "casing": self.casing(),
            "maximum_di_dt": self.maximum_di_dt,
            "stimulator": self.stimulator,
            "winding_depth": self.winding_depth,
        }

    def _value(self, name: str, default: float | None = None) -> float:
        if default is not None and name not in self.numbers:
            return default
        return self.numbers[name].value


def list_coils() -> tuple[CoilEntry, ...]:
    """The built-in coils in the order of the data file."""
    return tuple(_entries().values())


def find_entry(name: str) -> CoilEntry:
    """The built-in coil named `name`.

    Raises
    ------
    UnknownName : there is none; the text names the near misses

    >>> find_entry("magstim-70mm").label
    'Magstim 70 mm double coil'
    """
    entries = _entries()
    if name.casefold() not in entries:
        raise not_a_coil(name)
    return entries[name.casefold()]


def not_a_coil(name: str) -> UnknownName:
    """The exception for a name that is no built-in coil."""
    return unknown_name("coil", name, _entries(), "see 'anodyne coil list', or give a .ccd, .tcd or .nii.gz file")


@cache
def _entries() -> Mapping[str, CoilEntry]:
    text = files("anodyne.coil").joinpath("coils.yaml").read_text(encoding="utf-8")
    return parse_library(text)


def parse_library(text: str) -> Mapping[str, CoilEntry]:
    """The coils in the text of a library file, by name.

    Raises
    ------
    ValueError : a key is missing, unknown or doubled, a number has no certainty, a geometry is impossible
    """
    entries: dict[str, CoilEntry] = {}
    for record in yaml.safe_load(text)["coils"]:
        entry = _entry(record)
        if entry.name in entries:
            raise ValueError(f"the coil library holds two coils named {entry.name}")
        entry.assembly()
        entries[entry.name] = entry
    return MappingProxyType(entries)


def _entry(record: Mapping[str, Any]) -> CoilEntry:
    name = record.get("name", "a coil without a name")
    missing = (TEXTS | NUMBERS) - OPTIONAL - record.keys()
    unknown = record.keys() - TEXTS - NUMBERS
    if missing or unknown:
        raise ValueError(f"{name} in the coil library lacks {sorted(missing)} and has unknown {sorted(unknown)}")
    if record["winding"] not in WINDINGS:
        raise ValueError(f"{name} in the coil library has a winding {record['winding']!r}, not one of {list(WINDINGS)}")
    numbers = dict(_stated(name, key, value) for key, value in record.items() if key not in TEXTS)
    return CoilEntry(
        name=record["name"],
        brand=record["brand"],
        model=record["model"],
        shape=record["shape"],
        stimulator=record.get("stimulator"),
        source=record["source"],
        peak_source=record.get("peak_source"),
        note=record.get("note"),
        winding_kind=WINDINGS[record["winding"]],
        numbers=MappingProxyType(numbers),
    )


def _stated(name: str, key: str, given: object) -> tuple[str, Stated]:
    """A number such as ``turns: [9, read]`` in SI, under its name without the unit."""
    if not (isinstance(given, list) and len(given) == 2 and isinstance(given[0], int | float)):
        raise ValueError(f"{name} in the coil library says {key}: {given}; it must be [number, certainty]")
    for suffix, unit in UNIT_OF_SUFFIX.items():
        if key.endswith(suffix):
            return key.removesuffix(suffix), Stated(given[0] * unit, Certainty(given[1]))
    return key, Stated(float(given[0]), Certainty(given[1]))
