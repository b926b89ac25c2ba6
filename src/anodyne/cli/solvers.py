"""``anodyne field solvers`` and ``anodyne field validate``: what can solve a head, and how well it does."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anodyne.cli.options import Number, figure_option, json_option, quiet_option
from anodyne.cli.talk import Talk
from anodyne.units import mm

if TYPE_CHECKING:
    from anodyne.field import Validation

MIB = 2**20


def solver_option(purpose: str) -> Any:
    """``--solver NAME``: how the field is solved."""
    return click.option("--solver", metavar="NAME", help=f"{purpose} 'anodyne field solvers' lists them.")


device_option = click.option(
    "--device", metavar="NAME",
    help="Compute on this device of PyTorch: cuda, cuda:1, xpu; on the processor if not given.",
)  # fmt: skip


@click.command()
@json_option("the solvers")
def solvers(as_json: bool) -> None:
    """List the solvers and what each is for."""
    from anodyne.cli.tables import show, show_json, table
    from anodyne.field import DEFAULT_SOLVER, SOLVERS

    entries = SOLVERS.values()
    if as_json:
        show_json(
            [
                {
                    "name": entry.name,
                    "label": entry.label,
                    "purpose": entry.purpose,
                    "anisotropic": entry.tensors,
                    "devices": entry.devices,
                    "default": entry.name == DEFAULT_SOLVER,
                }
                for entry in entries
            ]
        )
        return
    words = {True: "yes", False: "no"}
    rows = [(e.name, e.label, e.purpose, words[e.tensors], words[e.devices]) for e in entries]
    note = "'anodyne field validate' measures them against the closed form of a layered sphere."
    show(table(["solver", "how", "what for", "anisotropic", "--device"], rows), note)


@click.command()
@click.option("--solver", "names", multiple=True, metavar="NAME", help="Measure this solver only; may be repeated.")
@click.option(
    "--edge", "edges_mm", multiple=True, type=Number(unit="mm", low=2, high=20), metavar="MM",
    help="Typical edge of the mesh in mm; may be repeated. 8, 5.5 and 4 if not given.",
)  # fmt: skip
@click.option(
    "--coil", "coils", multiple=True, metavar="NAME",
    help="A built-in coil; may be repeated. magstim-70mm and magstim-90mm if not given.",
)  # fmt: skip
@figure_option("error against time and against edge length")
@json_option("the measurements")
@quiet_option
def validate(
    names: tuple[str, ...],
    edges_mm: tuple[float, ...],
    coils: tuple[str, ...],
    figure: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure every solver against the closed form of a layered sphere.

    Radii 78, 80, 86 and 92 mm (brain, fluid, bone, scalp), the coil's casing 4 mm above. Errors are taken 1 to
    20 mm below the brain's surface where E is at least a tenth of its largest; each solver and mesh runs in a
    process of its own, so that its memory is its own.
    """
    from anodyne.cli.outputs import rehearse_file
    from anodyne.cli.tables import show_json
    from anodyne.field import SOLVERS, VALIDATION_COILS, VALIDATION_EDGES
    from anodyne.field import validate as measured

    if figure is not None:
        rehearse_file(figure)
    edges = tuple(edge * mm for edge in edges_mm) or VALIDATION_EDGES
    with Talk(quiet=quiet) as talk:
        results = measured(names or tuple(SOLVERS), edges, coils or VALIDATION_COILS, talk.progress)
        if figure is not None:
            _draw(results, figure)
    if as_json:
        show_json([asdict(result) | {"accurate": result.accurate} for result in results])
        return
    _show(results, figure)


def _draw(results: "tuple[Validation, ...]", figure: Path) -> None:
    from anodyne.cli.figures import save_figure, without_windows

    without_windows()
    from anodyne.field.plot import plot_validation

    drawn = plot_validation(results)[0].figure
    save_figure(drawn.get_figure(root=True), figure)


def _show(results: "tuple[Validation, ...]", figure: Path | None) -> None:
    from anodyne.cli.tables import show, table
    from anodyne.field import observed_order

    columns = ["solver", ">edge", ">tetrahedra", ">error", ">anywhere", ">RDM", ">MAG", ">s", ">CPU s", ">MiB"]
    coils = list(dict.fromkeys(r.coil for r in results))
    parts = [table(columns, [_row(r) for r in results if r.coil == coil], title=coil) for coil in coils]
    if len({r.edge for r in results}) > 1:
        orders = [
            (solver, *(f"{observed_order(results, solver, coil):.2f}" for coil in coils))
            for solver in dict.fromkeys(r.solver for r in results)
        ]
        title = "Order with which the error falls with the edge"
        parts.append(table(["solver", *(f">{coil}" for coil in coils)], orders, title=title))
    note = (
        "Edge in mm. Error: relative L2 error of E in %, at the middles of tetrahedra; anywhere: at points drawn "
        "anywhere. RDM, MAG: relative difference measure and ratio of magnitudes at the middles. s: from the "
        "mesh to E, one placement; CPU s: the same, summed over all cores. fem1-sphere stands on a sphere set "
        "10 mm beside the true one, where it would be exact."
    )
    if costs := _costs(results):
        titles = ["coil", "solver", ">edge", ">error", ">CPU s", ">fem1, edge", ">error", ">CPU s"]
        title = "Within 1 % at least processor time, beside fem1 at half the edge"
        parts.append(table(titles, costs, title=title))
    show(*parts, note, *([f"drawn in {figure}"] if figure is not None else []))


def _costs(results: "tuple[Validation, ...]") -> list[tuple[str, ...]]:
    """The cheapest accurate result of each solver, beside first-order elements at twice its resolution."""
    from anodyne.field import Validation

    rows: list[tuple[str, ...]] = []
    for best in Validation.cheapest(results):
        finer = best.finer_first_order(results)
        rows.append((best.coil, best.solver, *_cost(best), *(_cost(finer) if finer is not None else ("", "", ""))))
    return rows


def _cost(result: "Validation") -> tuple[str, str, str]:
    return f"{result.edge / mm:g}", f"{100 * result.relative_error:.2f}", f"{result.processor_seconds:.1f}"


def _row(result: "Validation") -> tuple[str, ...]:
    return (
        result.solver,
        f"{result.edge / mm:g}",
        f"{result.tetrahedra:,}",
        f"{100 * result.relative_error:.2f}",
        f"{100 * result.relative_error_anywhere:.2f}",
        f"{result.rdm:.3f}",
        f"{result.magnitude_ratio:.3f}",
        f"{result.seconds:.1f}",
        f"{result.processor_seconds:.1f}",
        "" if result.memory is None else f"{result.memory / MIB:.0f}",
    )
