"""``anodyne head``: the embedded head as a folder, and what a head is like."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from anodyne.cli.options import Number, figure_option, json_option, quiet_option
from anodyne.cli.outputs import rehearse_file, rehearse_folder
from anodyne.cli.places import open_head
from anodyne.cli.settings import Settings
from anodyne.cli.talk import Talk
from anodyne.units import mm

if TYPE_CHECKING:
    from anodyne.head import Head, HeadRecipe

MARKER = "head.json"
"""The file by which a folder is known as a head."""


@click.group()
def head() -> None:
    """Heads: the embedded one, and those in folders and meshes."""


@head.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="X", help="The head's folder.")
@click.option(
    "--circumference-mm", type=Number(unit="mm", low=450, high=680), metavar="C",
    help="Scale the head to this circumference, as a tape measures it.",
)  # fmt: skip
@click.option("--mni-size", is_flag=True, help="Keep the size of MNI space, a fifth larger than an adult's head.")
@quiet_option
@click.pass_obj
def template(settings: Settings, out: Path, circumference_mm: float | None, mni_size: bool, quiet: bool) -> None:
    """Write the embedded head as a folder.

    An average brain, nobody's own, of an adult's size unless another is asked for. It is built once and kept
    in the cache; an earlier head in the folder X is replaced, anything else refused.
    """
    from anodyne.cli.tables import facts, heading, show
    from anodyne.head import save_head, template_head

    size = _size(circumference_mm, mni_size)
    rehearse_folder(out, marker=MARKER)
    with Talk(quiet=quiet) as talk:
        built = template_head(size=size, cache_folder=settings.cache, progress=talk.progress)
        with talk.progress.stage(f"write {out}"):
            save_head(built, out)
    mesh = built.mesh
    pairs = [
        ("mesh", f"{len(mesh.nodes):,} nodes, {len(mesh.tetrahedra):,} tetrahedra"),
        ("made of", built.provenance),
        ("written", str(out)),
    ]
    show(heading(built.name), facts(pairs))


def _size(circumference_mm: float | None, mni_size: bool) -> "HeadRecipe":
    from anodyne.head import ADULT, MNI, HeadRecipe, scale_from_circumference

    if circumference_mm is not None and mni_size:
        raise click.UsageError("give --circumference-mm or --mni-size, not both", click.get_current_context())
    if circumference_mm is not None:
        return HeadRecipe(scale=scale_from_circumference(circumference_mm * mm))
    return MNI if mni_size else ADULT


@head.command("show")
@click.argument("head", metavar="HEAD")
@figure_option("slices, cortex, targets and mesh quality")
@json_option("the head's measures")
@quiet_option
@click.pass_obj
def show_(settings: Settings, head: str, figure: Path | None, as_json: bool, quiet: bool) -> None:
    """Show a HEAD: tissues and thicknesses beside published ranges, mesh quality, targets.

    HEAD is a head's folder, a .msh file with SimNIBS' tissue tags, a SimNIBS m2m folder, or the word
    "template" for the embedded head.
    """
    from anodyne.cli.head_view import HeadReport, head_document, head_view
    from anodyne.cli.tables import show, show_json

    if figure is not None:
        rehearse_file(figure)
    with Talk(quiet=quiet) as talk:
        found = open_head(head, settings, talk.progress)
        with talk.progress.stage("measure the head"):
            report = HeadReport.of(found)
        if figure is not None:
            with talk.progress.stage("draw the head"):
                _draw(found, figure)
    if as_json:
        show_json(head_document(report))
        return
    drawn = [f"Drawn in {figure}."] if figure is not None else []
    show(*head_view(report), *drawn)


def _draw(head: "Head", path: Path) -> None:
    from anodyne.cli.figures import save_figure, without_windows

    without_windows()
    from anodyne.head.plot import plot_head

    save_figure(plot_head(head), path)
