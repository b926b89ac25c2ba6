"""``anodyne protocol``: the published protocols, with their evidence and what is not known."""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anodyne.cli.options import figure_option, json_option
from anodyne.disclaimer import DISCLAIMER
from anodyne.units import percent

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from anodyne.protocol import DescriptionRow, Fact, Protocol


@click.group()
def protocol() -> None:
    """Published protocols, each with its evidence level and citation."""


@protocol.command("list")
@json_option("the protocols")
def list_(as_json: bool) -> None:
    """List the published protocols."""
    from anodyne.cli.tables import caution, show, show_json, table
    from anodyne.protocol import PROTOCOLS

    if as_json:
        show_json([_document(each) for each in PROTOCOLS.values()])
        return
    rows = [
        (f"{each.name}\n  {_aim(each)}", _dose_in_brief(each), _evidence_in_brief(each)) for each in PROTOCOLS.values()
    ]
    note = (
        "Dose: frequency, % of motor threshold, pulses in a session × sessions; ? not reported by the source, "
        "* recalled or assumed. Evidence: level of a guideline (A definite, B probable, C possible efficacy), else the "
        "studies it rests on. 'anodyne protocol show NAME' gives citations and what is not known."
    )
    show(table(["name, and where it aims", "dose", "evidence"], rows), note, caution(DISCLAIMER))


def _aim(protocol: "Protocol") -> str:
    from anodyne.protocol import PeripheralAim

    aim = protocol.target.known
    return "on the body" if isinstance(aim, PeripheralAim) else aim.name


def _dose_in_brief(protocol: "Protocol") -> str:
    rate = _number(protocol.rate) + (" Hz" if protocol.burst is None else " Hz bursts")
    strength = f"{_number(protocol.intensity, percent)} %"
    total = f"{_number(protocol.pulses_per_session)} × {_number(protocol.sessions)}"
    return f"{rate}, {strength}\n{total}"


def _number(fact: "Fact[float] | Fact[int]", unit: float = 1.0) -> str:
    if fact.value is None:
        return "?"
    in_unit = fact.value / unit
    digits = f"{in_unit:.0f}" if in_unit >= 1000 else f"{in_unit:.3g}"
    return digits + ("*" if fact.certainty.value in ("recalled", "assumed") else "")


def _evidence_in_brief(protocol: "Protocol") -> str:
    words = protocol.evidence.level.in_words.split(" (")[0].removesuffix(", no guideline level")
    return words.replace("pooled small trials of very low certainty", "small trials, very low certainty")


@protocol.command("show")
@click.argument("protocol")
@figure_option("one session in time")
@json_option("the protocol")
def show_(protocol: str, figure: Path | None, as_json: bool) -> None:
    """Show one PROTOCOL: its dose, its evidence, and what its source does not report."""
    from anodyne.cli.outputs import rehearse_file
    from anodyne.cli.tables import caution, facts, heading, paragraph, remarks, show, show_json
    from anodyne.protocol import check_dose, describe, find_protocol, patient_summary

    found = find_protocol(protocol)
    if figure is not None:
        rehearse_file(figure)
        _draw(found, figure)
    if as_json:
        show_json(_document(found))
        return
    beneath = found.name + (f" (also {', '.join(found.aliases)})" if found.aliases else "")
    parts: list[RenderableType] = [heading(found.label, beneath)]
    rows = [row for row in describe(found) if row.label != "Not known"]
    for question, group in groupby(rows, key=lambda row: row.label.split(":")[0]):
        parts.append(facts(_worded(group, found), title=question))
    check = check_dose(found)
    parts.append(remarks([f"{check.sentence}.", check.note], title="Against limits", style="yellow"))
    parts.append(remarks(found.warnings(), title="Warnings", style="yellow"))
    parts.append(remarks(found.citations, title="Sources"))
    parts.append(paragraph(patient_summary(found), title="In plain words"))
    if figure is not None:
        parts.append(f"Drawn in {figure}.")
    show(*parts, caution(DISCLAIMER))


def _worded(rows: "Iterable[DescriptionRow]", protocol: "Protocol") -> "list[tuple[str, str | Text]]":
    """Rows as name and value, then how sure that is unless it was read, and its source unless it is a citation."""
    from rich.text import Text

    pairs: list[tuple[str, str | Text]] = []
    for row in rows:
        asides = [] if row.certainty.value in ("read", "computed", "not-reported") else [row.certainty.in_words]
        if row.source not in protocol.citations:
            asides.append(row.source)
        aside = (f" ({'; '.join(asides)})", "dim") if asides else ""
        pairs.append((row.label.partition(": ")[2], Text.assemble(row.value, aside)))
    return pairs


def _draw(protocol: "Protocol", path: Path) -> None:
    from anodyne.cli.figures import save_figure, without_windows

    without_windows()
    from anodyne.protocol.plot import plot_session

    if protocol.session is None:
        raise click.BadParameter(
            f"the pulse pattern of {protocol.name} is not known, so there is no session to draw",
            param_hint="'--figure'",
        )
    figure = plot_session(protocol).figure.get_figure(root=True)
    save_figure(figure, path)


def _document(protocol: "Protocol") -> dict[str, Any]:
    from anodyne.protocol import check_dose, protocol_to_data

    check = check_dose(protocol)
    limits = {"verdict": check.verdict.name_in_data, "sentence": check.sentence, "note": check.note}
    warnings = list(protocol.warnings())
    return {"name": protocol.name, **protocol_to_data(protocol), "limits": limits, "warnings": warnings}
