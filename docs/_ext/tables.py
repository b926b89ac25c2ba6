"""Tables that the program itself fills while the site is built, and the list of literature."""

import inspect
import json
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

DOCS = Path(__file__).parents[1]
SOURCE = DOCS.parent / "src" / "anodyne"


def table(header: list[str], rows: Iterable[list[Any]]) -> list[str]:
    """A Markdown table; an absent value leaves its cell empty."""
    cells = [[("" if cell is None else str(cell)).replace("|", "\\|").replace("\n", " ") for cell in r] for r in rows]
    return [f"| {' | '.join(line)} |" for line in (header, ["---"] * len(header), *cells)]


def shown(value: float | None, unit: float = 1.0) -> str | None:
    """A number in a unit to four digits, or nothing."""
    return None if value is None else f"{value / unit:.4g}"


class Written(SphinxDirective):
    """A directive whose content a Python function writes as Markdown."""

    def markdown(self) -> list[str]:
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()  # what the program says may have changed though this page has not
        container = nodes.container()
        container.document = self.state.document
        lines = StringList(self.markdown(), source=f"{type(self).__name__} table")
        self.state.nested_parse(lines, self.content_offset, container)
        return container.children


def marked(certainty: Any) -> str:
    """A star after what nobody has confirmed in its source."""
    return "\\*" if certainty.value in ("recalled", "assumed", "fitted") else ""


class Coils(Written):
    def markdown(self) -> list[str]:
        header = ["name", "coil", "shape", "peak dI/dt (A/µs)", "stimulator", "winding depth (mm)", "source"]
        return table(header, (self.row(entry) for entry in import_module("anodyne.coil").list_coils()))

    def row(self, entry: Any) -> list[Any]:
        peak, depth = (
            (shown(number.value, unit) or "") + marked(number.certainty) if number else None
            for number, unit in (
                (entry.numbers.get("maximum_di_dt"), 1e6),
                (entry.numbers.get("winding_depth"), 1e-3),
            )
        )
        return [f"`{entry.name}`", entry.label, entry.shape, peak, entry.stimulator, depth, entry.source]


class Targets(Written):
    def markdown(self) -> list[str]:
        head = import_module("anodyne.head")
        rows = (
            [
                f"`{t.name}`",
                t.label,
                ", ".join(f"{x / 1e-3:g}" for x in t.mni),
                "report only" if t.report_only else "",
                getattr(t.certainty, "value", t.certainty),
                t.source,
            ]
            for t in head.TARGETS.values()
        )
        return table(["name", "target", "MNI152 (mm)", "", "certainty", "source"], rows)


class ConductivityRanges(Written):
    def markdown(self) -> list[str]:
        head, field = import_module("anodyne.head"), import_module("anodyne.field")
        defaults = head.Conductivities().values
        rows = (
            [
                head.tissue_name(known.tissue),
                f"{known.low:g} to {known.high:g}",
                f"{known.p:g}, {known.q:g}",
                f"{defaults[known.tissue]:g}",
                shown(known.meta_analysis),
                known.certainty.value,
                known.source,
            ]
            for known in field.published_ranges().values()
        )
        means = f"mean of measurements: {field.meta_analysis_source()}"
        header = ["tissue", "range (S/m)", "p, q", "default (S/m)", "mean of measurements (S/m)", "certainty", "source"]
        return [*table(header, rows), "", means[:1].upper() + means[1:] + "."]


class Protocols(Written):
    def markdown(self) -> list[str]:
        protocols = import_module("anodyne.protocol").PROTOCOLS
        rows = [
            (protocol.indication.value, self.row(protocol))
            for protocol in (protocols.values() if hasattr(protocols, "values") else protocols)
        ]
        lines = []
        for indication in dict.fromkeys(name for name, _ in rows):
            lines += [f"**{indication.capitalize()}**", ""]
            chosen = [row for name, row in rows if name == indication]
            lines += [*table(["name", "target", "dose", "evidence", "source"], chosen), ""]
        return lines

    def row(self, p: Any) -> list[Any]:
        facts = [
            (p.rate, 1.0, "Hz"),
            (p.intensity, 1e-2, "%"),
            (p.pulses_per_session, 1.0, "pulses"),
            (p.sessions, 1.0, "sessions"),
        ]
        dose = ", ".join(
            f"{'?' if fact.value is None else format(fact.value / unit, 'g')}{marked(fact.certainty)} {word}"
            for fact, unit, word in facts
        )
        aim = p.target.value.name + marked(p.target.certainty) if p.target.value is not None else "?"
        return [f"`{p.name}`", aim, dose, p.evidence.level.in_words, "; ".join(p.citations)]


class DoseLimits(Written):
    """The tables of limits, each with its source and certainty."""

    def markdown(self) -> list[str]:
        limits = import_module("anodyne.protocol").LIMITS
        lines = [limits.note, ""]
        for each in limits.trains:
            ends = {end.name for row in each.ends for end in row}
            end = "longer is blocked" if "LIMIT" in ends else "longer is outside"
            lines += [f"**{each.label}** (`{each.name}`), in seconds; *{each.certainty.in_words}*.", ""]
            lines += [f"{each.source}. Behind > the longest that was tested; without it {end}.", ""]
            rows = [
                [f"{rate:g} Hz", *(self.cell(each, row, column) for column in range(len(each.intensities)))]
                for row, rate in enumerate(each.rates)
            ]
            lines += [*table(["", *(f"{i / 1e-2:g} %" for i in each.intensities)], rows), ""]
        rule = limits.interval
        lines += [f"**{rule.label}** (`{rule.name}`): {rule.cell}; *{rule.certainty.in_words}*. {rule.source}.", ""]
        published = [[f"`{p.name}`", p.label, p.missing] for p in limits.published.values()]
        lines += [*table(["table", "holds for", "why"], published), ""]
        strength = [
            [basis.in_words, f"{r.highest / 1e-2:g} %", r.beyond.in_words, r.certainty.value, r.source]
            for basis, r in limits.strength.items()
        ]
        lines += [
            *table(["peripheral strength relative to", "highest", "more is", "certainty", "source"], strength),
            "",
        ]
        modifiers = [
            [f"`{m.name}`", m.label, m.kind, "blocks" if m.blocks else "one step for its kind", m.certainty.value]
            for m in limits.modifiers.values()
        ]
        return [*lines, *table(["modifier", "", "kind", "effect", "certainty"], modifiers)]

    def cell(self, each: Any, row: int, column: int) -> str:
        is_tested_only = each.ends[row][column].name == "TESTED"
        return f"{'>' if is_tested_only else ''}{each.seconds[row][column]:g}"


class StimulatorModels(Written):
    """What each model of stimulator can give."""

    def markdown(self) -> list[str]:
        header = [
            "name",
            "model",
            "highest rate by power",
            "energy at full output",
            "shortest wait",
            "source of the rates",
        ]
        models = import_module("anodyne.protocol").DEVICES.values()
        rows = [
            [
                f"`{model.name}`",
                model.label,
                ", ".join(f"{p.rate:g} Hz to {p.power / 1e-2:g} %" for p in model.maximum_rates.known)
                + marked(model.maximum_rates.certainty),
                "not known" if model.full_energy.value is None else f"{model.full_energy.value:g} J",
                "not known" if model.shortest_wait.value is None else f"{model.shortest_wait.value:g} s",
                model.maximum_rates.source,
            ]
            for model in models
        ]
        notes = [f"* `{model.name}`: {note}" for model in models for note in model.notes]
        return [*table(header, rows), "", *notes]


class Plots(Written):
    def markdown(self) -> list[str]:
        lines = []
        for path in sorted(SOURCE.glob("*/**/*plot.py")):
            module = ".".join(["anodyne", *path.relative_to(SOURCE).with_suffix("").parts])
            lines += [f"**{module}**", "", "```{eval-rst}", f".. automodule:: {module}", "```", ""]
        return lines


class PlanSchema(Written):
    """The published JSON Schema of plan.json, as it is in the program; of which kind of plan, the argument says."""

    required_arguments = 1

    def markdown(self) -> list[str]:
        plan = import_module("anodyne.plan")
        schema = plan.plan_schema(plan.PlanKind(self.arguments[0]))
        return ["```json", *json.dumps(schema, indent=2, ensure_ascii=False).split("\n"), "```"]


class Examples(Written):
    def markdown(self) -> list[str]:
        lines = []
        for path in sorted((DOCS / "examples").glob("*.py")):
            text = inspect.cleandoc(path.read_text(encoding="utf-8").split('"""')[1])
            lines += [f"`{path.name}`", f": {text.splitlines()[0]}", ""]
        return lines


@cache
def literature() -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = yaml.safe_load((DOCS / "literature.yaml").read_text(encoding="utf-8"))
    return loaded


class Literature(Written):
    def markdown(self) -> list[str]:
        lines = []
        for key, paper in sorted(literature().items()):
            lines += [f"(literature-{key})=", f"**{paper['cited']}.** {paper['reference'].strip()}", ""]
        return lines


class Cite(SphinxRole):
    """A citation: author and year in brackets, linked to the list of literature."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        paper = literature().get(self.text)
        if paper is None:
            message = self.inliner.reporter.error(f"no paper {self.text!r} in literature.yaml", line=self.lineno)
            return [], [message]
        page = self.env.app.builder.get_relative_uri(self.env.docname, "explanation/literature")
        link = nodes.reference("", paper["cited"], refuri=f"{page}#literature-{self.text}", internal=True)
        return [nodes.Text("["), link, nodes.Text("]")], []


def setup(app: Sphinx) -> dict[str, bool]:
    for directive in (Coils, Targets, Protocols, Plots, Examples, Literature):
        app.add_directive(directive.__name__.lower(), directive)
    app.add_directive("plan-schema", PlanSchema)
    app.add_directive("conductivity-ranges", ConductivityRanges)
    app.add_directive("dose-limits", DoseLimits)
    app.add_directive("stimulator-models", StimulatorModels)
    app.add_role("cite", Cite())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
