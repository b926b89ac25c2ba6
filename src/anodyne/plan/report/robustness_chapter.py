"""What a plan says about a misplaced coil, in its report and in plan.json."""

from __future__ import annotations

from typing import Any

from anodyne.plan.plan import Plan
from anodyne.plan.report.content import Paragraph, Section, Table, blocks
from anodyne.plan.report.words import listed, millimetres, percent, significant
from anodyne.plan.search.pose_error import Robustness
from anodyne.units import degree, mm

ASSUMED = (
    "Assumed: the published mean distance is that of a shift along the scalp, normal and equally wide in both "
    "directions (so its length follows Rayleigh's distribution); the coil's axis tilts by an angle spread in the same "
    "way; the turn about the axis is normal, its mean absolute value as published; the three are independent, without "
    "bias, and the coil always lies as close to the head as its casing and the hair allow."
)


def robustness_sections(plan: Plan) -> tuple[Section, ...]:
    """The chapter, where the plan was made with it."""
    if not plan.robustness:
        return ()
    return (
        Section(
            title="If the coil is not quite where it should be",
            anchor="robustness",
            blocks=blocks(
                Paragraph(text=_lead(plan), is_lead=True),
                Paragraph(
                    text="This is about the field at the target only: what a misplaced coil does elsewhere was not "
                    "computed. How far a coil lies off its place was measured in one study; your own clinic may do "
                    "better or worse."
                ),
                _table(plan),
            ),
        ),
    )


def robustness_document(found: Robustness) -> dict[str, Any]:
    """One way of finding the place again, JSON-ready."""
    error = found.error
    return {
        "navigation": error.name,
        "label": error.label,
        "mean_distance_mm": _rounded(error.distance / mm),
        "mean_tilt_deg": _rounded(error.tilt / degree),
        "mean_turn_deg": _rounded(error.turn / degree),
        "source": error.source,
        "certainty": error.certainty.value,
        "assumed": ASSUMED,
        "drawn": found.drawn,
        "placements": found.placements,
        "planned_v_per_m": _rounded(found.planned),
        "expected_v_per_m": _rounded(found.expected),
        "percentile_5_v_per_m": _rounded(found.percentile_5),
    }


def _lead(plan: Plan) -> str:
    parts = [
        f"with {found.error.label} {percent(round(found.share, 2))} ({significant(found.expected)} V/m; one placement "
        f"in twenty below {significant(found.percentile_5)} V/m)"
        for found in plan.robustness
    ]
    planned = significant(plan.robustness[0].planned)
    return (
        f"Of the {planned} V/m planned ({plan.search.objective.score_in_words}) one may expect, where the coil's place "
        f"is found again {listed(parts)}."
    )


def _table(plan: Plan) -> Table:
    rows = tuple(
        (
            found.error.label,
            f"{millimetres(found.error.distance, 2)}, "
            f"{found.error.tilt / degree:.2f}°, {found.error.turn / degree:.2f}°",
            significant(found.expected),
            percent(round(found.share, 3)),
            significant(found.percentile_5),
            f"{found.placements:,} of {found.drawn:,}",
        )
        for found in plan.robustness
    )
    sources = dict.fromkeys(f"{found.error.source} ({found.error.certainty.in_words})" for found in plan.robustness)
    return Table(
        caption="The field at the target if the coil is misplaced (V/m)",
        header=(
            "Place found by",
            "Mean error: along the scalp, tilt, turn",
            "Expected",
            "Of planned",
            "5th percentile",
            "Coils that rest",
        ),
        rows=rows,
        widths=(3.4, 4.4, 2, 2.1, 2.6, 2.2),
        numbers=(2, 3, 4, 5),
        notes=(
            f"Scored: {plan.search.objective.score_in_words}, by reciprocity, over the misplaced coils that find a "
            "rest on the head; the others are left out.",
            *(f"Mean errors: {source}." for source in sources),
            ASSUMED,
        ),
    )


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")
