"""``anodyne coil``: the built-in coils, and coils from files."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anodyne.cli.options import figure_option, json_option
from anodyne.units import A_per_us, degree, mm

if TYPE_CHECKING:
    from anodyne.coil import Coil, CoilEntry, Stated

UNITS = {"maximum_di_dt": (A_per_us, "A/µs", "a_per_us"), "bend": (degree, "°", "degrees")}
"""Units of the library's numbers that are not lengths, for people and for JSON keys."""
COUNTS = ("turns", "layers")
UNSURE = ("fitted", "recalled", "assumed")


@click.group()
def coil() -> None:
    """Coils: the built-in ones and those in files."""


@coil.command("list")
@json_option("the coils")
def list_(as_json: bool) -> None:
    """List the built-in coils.

    A path to a .ccd, .tcd or .nii.gz file works wherever a coil's name does.
    """
    from anodyne.cli.tables import show, show_json, table
    from anodyne.coil import list_coils

    entries = list_coils()
    if as_json:
        show_json([_entry_document(entry) for entry in entries])
        return
    columns = ["name", "shape", ">peak dI/dt (A/µs)", "on stimulator", ">winding depth (mm)"]
    rows = [
        (
            entry.name,
            entry.shape,
            _starred(entry.numbers.get("maximum_di_dt"), A_per_us),
            entry.stimulator or "",
            _starred(entry.numbers["winding_depth"], mm),
        )
        for entry in entries
    ]
    note = (
        "Winding depth is from the casing's face to the nearest conductor. * not read in a source but fitted, "
        "recalled or assumed; 'anodyne coil show NAME' says which, and where each coil's numbers come from."
    )
    show(table(columns, rows), note)


def _starred(number: "Stated | None", unit: float) -> str:
    if number is None:
        return ""
    return f"{number.value / unit:.4g}" + ("*" if number.certainty.value in UNSURE else " ")


@coil.command("show")
@click.argument("coil")
@figure_option("the coil")
@json_option("the coil")
def show_(coil: str, figure: Path | None, as_json: bool) -> None:
    """Show one coil: a built-in NAME, or a .ccd, .tcd or .nii.gz file."""
    from anodyne.cli.outputs import rehearse_file
    from anodyne.cli.tables import facts, heading, show, show_json, table
    from anodyne.coil import find_coil, list_coils

    found = find_coil(coil)
    entry = next((entry for entry in list_coils() if entry.name == coil.casefold()), None)
    if figure is not None:
        rehearse_file(figure)
        _draw(found, figure)
    if as_json:
        show_json({**(_entry_document(entry) if entry is not None else {}), **_coil_document(found)})
        return
    parts = [heading(found.label, found.name), facts(_coil_facts(found))]
    if entry is not None:
        rows = [
            (_in_words(name), _quantity(name, number.value), number.certainty.value)
            for name, number in entry.numbers.items()
        ]
        parts += [table(["number", ">value", "how sure"], rows)]
        pairs = [("peak dI/dt from", entry.peak_source), ("note", entry.note)]
        parts += [facts([(name, words) for name, words in pairs if words])]
    if figure is not None:
        parts += [f"Drawn in {figure}."]
    show(*parts)


def _draw(coil: "Coil", path: Path) -> None:
    from anodyne.cli.figures import save_figure, without_windows

    without_windows()
    from anodyne.coil.plot import coil_figure

    save_figure(coil_figure(coil), path)


def _coil_facts(coil: "Coil") -> list[tuple[str, str]]:
    elements = sum(len(source.positions) for source in coil.sources())
    peak = "not known, so no dose follows from a motor threshold"
    if coil.maximum_di_dt is not None:
        peak = f"{coil.maximum_di_dt / A_per_us:.4g} A/µs on {coil.stimulator or 'an unnamed stimulator'}"
    depth = "not known" if coil.winding_depth is None else f"{coil.winding_depth / mm:.2g} mm behind the casing's face"
    casing = "not known; the flat one that the coil's frame implies is taken for collisions"
    if coil.casing is not None:
        size = " × ".join(f"{length / mm:.0f}" for length in coil.casing.size)
        casing = f"{size} mm{', assumed from the winding' if coil.casing.assumed else ''}"
    return [
        ("source", coil.source),
        ("peak dI/dt", peak),
        ("nearest winding", depth),
        ("casing", casing),
        ("model", f"{elements:,} elements" if elements else "samples of its vector potential"),
    ]


def _in_words(name: str) -> str:
    return {"maximum_di_dt": "peak dI/dt"}.get(name, name.replace("_", " "))


def _quantity(name: str, value: float) -> str:
    if name in COUNTS:
        return f"{value:g}"
    unit, word, _ = UNITS.get(name, (mm, "mm", "mm"))
    return f"{value / unit:.4g}{'' if word == '°' else ' '}{word}"


def _coil_document(coil: "Coil") -> dict[str, Any]:
    return {
        "name": coil.name,
        "label": coil.label,
        "source": coil.source,
        "stimulator": coil.stimulator,
        "maximum_di_dt_a_per_us": _plain(coil.maximum_di_dt, A_per_us),
        "winding_depth_mm": _plain(coil.winding_depth, mm),
        "casing_mm": None if coil.casing is None else [_plain(length, mm) for length in coil.casing.size],
        "casing_assumed": None if coil.casing is None else coil.casing.assumed,
        "elements": sum(len(source.positions) for source in coil.sources()),
    }


def _entry_document(entry: "CoilEntry") -> dict[str, Any]:
    numbers = {}
    for name, number in entry.numbers.items():
        unit, _, suffix = (1.0, "", "") if name in COUNTS else UNITS.get(name, (mm, "mm", "mm"))
        key = f"{name}_{suffix}" if suffix else name
        numbers[key] = {"value": _plain(number.value, unit), "certainty": number.certainty.value}
    return {
        "name": entry.name,
        "label": entry.label,
        "shape": entry.shape,
        "stimulator": entry.stimulator,
        "source": entry.source,
        "peak_source": entry.peak_source,
        "note": entry.note,
        "numbers": numbers,
    }


def _plain(value: float | None, unit: float) -> float | None:
    return None if value is None else float(f"{value / unit:.6g}")
