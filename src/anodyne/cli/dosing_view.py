"""A checked dose, and the doses of a plan, on a terminal and for programs."""

from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from anodyne.certainty import Certainty
from anodyne.cli.tables import caution, facts, heading, paragraph, table
from anodyne.disclaimer import DISCLAIMER
from anodyne.protocol import Dose, DoseCheck, DosingMethod, FieldDose, Finding, Protocol, Topic, Verdict
from anodyne.units import A_per_us, mm, percent

Document = dict[str, Any]

COLOURS = {
    Verdict.INSIDE_TESTED: "bold green",
    Verdict.AS_PUBLISHED: "bold cyan",
    Verdict.NEEDS_OVERRIDE: "bold yellow",
    Verdict.BLOCKED: "bold red",
}


def check_document(check: DoseCheck, dose: Dose) -> Document:
    """A check for a program; every key that holds a quantity names its unit."""
    return {
        **check.to_data(),
        "threshold_percent": _rounded(dose.rmt / percent),
        "di_dt_a_per_us": _rounded(dose.di_dt / A_per_us),
        "disclaimer": DISCLAIMER,
    }


def check_parts(protocol: Protocol, dose: Dose, check: DoseCheck) -> list[RenderableType]:
    """What a check says: may it be given, why, and where that stands."""
    strength = (
        f"{dose.output / percent:.4g} % of output, {dose.di_dt / A_per_us:.4g} A/µs: {dose.intensity / percent:.4g} % "
        f"of a threshold of {dose.rmt / percent:.4g} %"
    )
    given = [("dose", strength)]
    if check.judged_intensity is not None and check.judged_intensity != check.intensity:
        given.append(("judged as", f"{check.judged_intensity / percent:.4g} % of a threshold by EMG"))
    given += [("stimulator", check.device), ("coil", check.coil)]
    if check.site:
        given.append(("site", check.site))
    return [heading(protocol.label, protocol.name), facts(given), *verdict_parts(check)]


def verdict_parts(check: DoseCheck) -> list[RenderableType]:
    """The verdict, every question with its answer, and where each stands."""
    parts: list[RenderableType] = [Text(check.headline, style=COLOURS[check.verdict])]
    if check.override is not None:
        by = check.override
        parts.append(facts([("override", f"{by.who}, {by.role}: {by.reason} ({by.when:%Y-%m-%d %H:%M} UTC)")]))
    columns = ["asked about", "verdict", "answer"]
    for topic in Topic:
        answers = [(each.what, in_brief(each.verdict), _answer(each)) for each in check.findings if each.topic is topic]
        if answers:
            parts.append(table(columns, answers, title=f"{topic.value[0].upper()}{topic.value[1:]}"))
    parts.append(facts(_sources(check.findings), title="Where that stands"))
    parts += [paragraph(check.note, title="Before any use with a person"), caution(DISCLAIMER)]
    return parts


def in_brief(verdict: Verdict | None) -> str:
    """A verdict in a table; a dash decides nothing."""
    return "–" if verdict is None else verdict.in_brief


def _answer(finding: Finding) -> str:
    return f"{finding.sentence} {finding.precedent}".strip()


def _sources(findings: tuple[Finding, ...]) -> list[tuple[str, str | Text]]:
    """Table and cell of each answer, then its source and how sure that is."""
    return [
        (
            each.what,
            Text.assemble(f"{each.table}: {each.cell} ", (f"[{each.source}; {each.certainty.value}]", "dim")),
        )
        for each in findings
        if each.certainty is not Certainty.NOT_REPORTED
    ]


@dataclass(frozen=True, kw_only=True)
class DosesOfPlan:
    """The ways of dosing a plan, beside each other, and the check of the one that was chosen.

    Attributes
    ----------
    document : the plan's
    field_at_full_output : at the target, V/m
    distances : from scalp to cortex at the target and at the motor cortex, m; None where they are not known
    """

    document: Document
    doses: tuple[FieldDose, ...]
    chosen: FieldDose
    check: DoseCheck
    field_at_full_output: float
    distances: tuple[float, float] | None

    def parts(self) -> list[RenderableType]:
        """For a person."""
        plan = self.document
        known = [
            ("threshold", f"{self.chosen.rmt / percent:.4g} % of output"),
            (
                "at the target",
                f"{self.field_at_full_output:.4g} V/m at full output (mean of |E| over the target's region)",
            ),
        ]
        if self.distances is not None:
            target, motor = (distance / mm for distance in self.distances)
            known.append(("scalp to cortex", f"{target:.3g} mm at the target, {motor:.3g} mm at the motor cortex"))
        columns = ["set by", ">% of output", ">% of threshold", ">V/m", ">beside plain"]
        rows = [self._row(dose) for dose in self.doses]
        note = (
            "Beside plain: how far the output differs from plain % of threshold. The field is that of the plan's head "
            f"({plan['head']['name']}); a field in V/m compares only with one that was defined and computed alike."
        )
        return [
            heading(f"{plan['coil']['label']} aimed at {plan['target']['name']}", plan["protocol"]["label"]),
            facts(known),
            table(columns, rows, title="Ways to set the dose (→ the one that is checked)"),
            note,
            *verdict_parts(self.check),
        ]

    def _row(self, dose: FieldDose) -> tuple[str, str, str, str, str]:
        span = ""
        if dose.output_range is not None and dose.output_range[0] != dose.output_range[1]:
            span = " ({:.3g} to {:.3g})".format(*(end / percent for end in dose.output_range))
        mark = "→ " if dose is self.chosen else "  "
        plain = dose.method is DosingMethod.MOTOR_THRESHOLD
        return (
            f"{mark}{dose.method.in_words}",
            f"{dose.output / percent:.4g}{span}",
            f"{dose.relative / percent:.4g}",
            f"{dose.output * self.field_at_full_output:.4g}",
            "" if plain else f"{dose.difference:+.1%}",
        )

    def to_data(self) -> Document:
        """For a program."""
        return {
            "plan": {
                "head": self.document["head"]["name"],
                "target": self.document["target"]["name"],
                "coil": self.document["coil"]["name"],
            },
            "threshold_percent": _rounded(self.chosen.rmt / percent),
            "field_at_full_output_v_per_m": _rounded(self.field_at_full_output),
            "doses": [self._dose_data(dose) for dose in self.doses],
            "check": self.check.to_data(),
            "disclaimer": DISCLAIMER,
        }

    def _dose_data(self, dose: FieldDose) -> Document:
        ends = dose.output_range
        return {
            "method": dose.method.value,
            "chosen": dose is self.chosen,
            "output_percent": _rounded(dose.output / percent),
            "output_range_percent": None if ends is None else [_rounded(end / percent) for end in ends],
            "percent_of_threshold": _rounded(dose.relative / percent),
            "field_v_per_m": _rounded(dose.output * self.field_at_full_output),
            "difference_from_plain_percent": _rounded(dose.difference / percent),
        }


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
