"""Runs the benchmarks: ``python -m benchmarks [TOPIC ...] [--json | --markdown]``.

A topic is a module of this folder with a function ``rows() -> Iterable[Row]``.
"""

import json
import sys
from importlib import import_module
from pkgutil import iter_modules

import click

import benchmarks
from benchmarks.report import as_data, as_markdown, print_tables

TOPICS = sorted(
    module.name for module in iter_modules(benchmarks.__path__) if module.name not in ("report", "__main__")
)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("topics", nargs=-1, type=click.Choice(TOPICS))
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@click.option("--markdown", "form", flag_value="markdown", help="Print a Markdown table, as in the README.")
def main(topics: tuple[str, ...], form: str | None) -> None:
    """Measure TOPICS, or all of them, on this machine."""
    measured = {}
    for topic in topics or TOPICS:
        click.echo(f"measuring {topic} ...", err=True)
        measured[topic] = tuple(import_module(f"benchmarks.{topic}").rows())
    if form == "json":
        json.dump(as_data(measured), sys.stdout, indent=2, ensure_ascii=False)
        click.echo()
    elif form == "markdown":
        click.echo(as_markdown(measured))
    else:
        print_tables(measured)


if __name__ == "__main__":
    main()
