"""Runs the benchmarks: ``python -m benchmarks [TOPIC ...] [--json | --markdown] [--figure FILE] [--thorough]``.

A topic is a module of this folder with a function ``rows() -> Iterable[Row]``. It may offer a figure of what they say:
``plot(rows: Sequence[Row]) -> Figure``; and ``thorough_rows()``, the same with far more cases, for an hour to spare.
One that needs what a machine does not have raises ``NotMeasured``.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import click
from matplotlib.figure import Figure

import benchmarks
from anodyne.files import replacing
from benchmarks.report import NotMeasured, as_data, as_markdown, print_machine, print_table

TOPICS = sorted(
    module.name for module in iter_modules(benchmarks.__path__) if module.name not in ("report", "__main__")
)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("topics", nargs=-1, type=click.Choice(TOPICS))
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@click.option("--markdown", "form", flag_value="markdown", help="Print a Markdown table, as in the README.")
@click.option("--figure", type=click.Path(path_type=Path, dir_okay=False), help="Draw a topic's figure there, too.")
@click.option("--thorough", is_flag=True, help="Where a topic offers it, measure far more cases: an hour or more.")
def main(topics: tuple[str, ...], form: str | None, figure: Path | None, thorough: bool) -> None:
    """Measure TOPICS, or all of them, on this machine."""
    modules = {topic: import_module(f"benchmarks.{topic}") for topic in topics or TOPICS}
    drawn = None if figure is None else _drawable(modules, figure)
    measured = {}
    for topic, module in modules.items():
        click.echo(f"measuring {topic} ...", err=True)
        rows = getattr(module, "thorough_rows", module.rows) if thorough else module.rows
        try:
            measured[topic] = tuple(rows())
        except NotMeasured as missing:
            click.echo(f"{topic} not measured: {missing}", err=True)
            continue
        if form is None:
            print_table(topic, measured[topic])
    if form == "json":
        json.dump(as_data(measured), sys.stdout, indent=2, ensure_ascii=False)
        click.echo()
    elif form == "markdown":
        click.echo(as_markdown(measured))
    else:
        print_machine()
    if figure is not None and drawn in measured:
        with replacing(figure) as temporary:
            modules[drawn].plot(measured[drawn]).savefig(temporary, dpi=150)
        click.echo(f"figure in {figure}", err=True)


def _drawable(modules: dict[str, ModuleType], path: Path) -> str:
    """The one topic with a figure; refuses, before hours of measuring, a place where that could not be written."""
    drawable = [topic for topic, module in modules.items() if hasattr(module, "plot")]
    if len(drawable) != 1:
        offered = f"{' and '.join(drawable)} do" if drawable else f"{', '.join(modules)} does not"
        raise click.UsageError(f"--figure needs one topic that offers a figure; {offered}")
    endings = Figure().canvas.get_supported_filetypes()
    if path.suffix.lower().lstrip(".") not in endings:
        raise click.BadParameter(f"no figure can be written as {path.name}; try .png, .svg or .pdf")
    if not path.parent.is_dir():
        raise click.BadParameter(f"there is no folder {path.parent}")
    return drawable[0]


if __name__ == "__main__":
    main()
