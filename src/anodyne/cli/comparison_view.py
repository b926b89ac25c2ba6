"""How a comparison of threshold methods looks on a terminal and as a document."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from anodyne.disclaimer import DISCLAIMER
from anodyne.units import percent

if TYPE_CHECKING:
    from anodyne.protocol import ErrorSummary, MethodScore, VirtualPatient


FAR = 2.0
"""Standard errors from which a deviation from the reference is called one."""


def population(patients: "Sequence[VirtualPatient]") -> dict[str, float]:
    """Thresholds and spreads of the patients, in per cent of output and of the threshold."""
    thresholds = np.array([patient.threshold for patient in patients]) / percent
    spreads = np.array([patient.model.relative_spread for patient in patients]) / percent
    low, middle, high = np.quantile(thresholds, [0.05, 0.5, 0.95])
    few, median, many = np.quantile(spreads, [0.05, 0.5, 0.95])
    numbers = {
        "threshold_5th_percent": low,
        "threshold_median_percent": middle,
        "threshold_95th_percent": high,
        "relative_spread_5th_percent": few,
        "relative_spread_median_percent": median,
        "relative_spread_95th_percent": many,
    }
    return {name: round(float(value), 3) for name, value in numbers.items()}


def comparison_document(
    patients: "Sequence[VirtualPatient]", scores: "Sequence[MethodScore]", seed: int
) -> dict[str, Any]:
    """Every figure of a comparison, for a program."""
    return {
        "subjects": len(patients),
        "seed": seed,
        "population": population(patients),
        "methods": [_method(score) for score in scores],
        "disclaimer": DISCLAIMER,
    }


def _method(score: "MethodScore") -> dict[str, Any]:
    quantiles = np.quantile(score.pulses, [0.0, 0.25, 0.5, 0.75, 1.0])
    return {
        "method": score.label,
        "pulses": dict(
            zip(("least", "quarter", "median", "three_quarters", "most"), map(float, quantiles), strict=True)
        ),
        "interval_coverage_percent": _round(score.coverage),
        "without_threshold": score.without,
        "errors": [_errors(score, score.summary(pulses)) for pulses in score.checkpoints],
    }


def _errors(score: "MethodScore", summary: "ErrorSummary") -> dict[str, Any]:
    band = _band(score, summary)
    document: dict[str, Any] = {
        "pulses": summary.pulses,
        "median_absolute_error_percent": _round(summary.median),
        "high_absolute_error_percent": _round(summary.high),
        "bias_percent": _round(summary.bias),
        "reference": None,
    }
    if band is not None:
        document["reference"] = {
            "pulses": band.pulses,
            "median_absolute_error_percent": _round(band.median),
            "high_absolute_error_percent": _round(band.high),
            "bias_percent": _round(band.bias),
            "deviations_in_standard_errors": {
                name: round(value, 2) for name, value in summary.deviations(band).items()
            },
        }
    return document


def _band(score: "MethodScore", summary: "ErrorSummary") -> Any:
    bands = score.bands
    if score.counts_answers:
        return bands[0] if bands else None
    return next((band for band in bands if band.pulses == summary.pulses), None)


def _round(fraction: float) -> float:
    return round(fraction / percent, 3)


def show_comparison(patients: "Sequence[VirtualPatient]", scores: "Sequence[MethodScore]", seed: int) -> None:
    """Print a comparison for a person."""
    from anodyne.cli.tables import caution, facts, heading, paragraph, show, table

    rows, far = [], []
    for score in scores:
        for pulses in score.checkpoints:
            summary = score.summary(pulses)
            last = pulses is None or pulses == score.checkpoints[-1]
            rows.append(_row(score, summary, score.label if pulses == score.checkpoints[0] else "", last))
            far += _far(score, summary)
    about = population(patients)
    pairs = [
        (
            "true thresholds",
            f"median {about['threshold_median_percent']:.0f} %, 5th to 95th percentile "
            f"{about['threshold_5th_percent']:.0f} to {about['threshold_95th_percent']:.0f} % of output "
            "(reference 66, 53 to 83)",
        ),
        ("relative spread", f"median {about['relative_spread_median_percent'] / 100:.3f} (reference 0.075)"),
        (
            "without a threshold",
            ", ".join(f"{score.label} {score.without}" for score in scores if score.without) or "nobody",
        ),
    ]
    note = (
        "Errors in % of the true threshold, the reference simulation's in brackets; coverage is the share of 95 % "
        "intervals at the end that hold the true threshold."
    )
    verdict = (
        "; ".join(far) + "."
        if far
        else "Nothing differs from the reference by more than two standard errors of the difference."
    )
    columns = ["method", ">pulses", ">median", ">95th", ">bias", ">coverage"]
    show(
        heading(f"{len(patients)} virtual patients", f"seed {seed}; first pulse where 95 % are answered"),
        caution(DISCLAIMER),
        table(columns, rows),
        note,
        facts(pairs),
        paragraph(verdict, title="Beside the reference"),
    )


def _row(score: "MethodScore", summary: "ErrorSummary", name: str, last: bool) -> tuple[str, ...]:
    band = _band(score, summary)
    pulses = str(summary.pulses)
    if score.counts_answers and band is not None:
        pulses += f" ({band.pulses})"
    median, high, bias = (
        f"{100 * ours:.{digits}f}" + (f" ({100 * theirs:.{digits}f})" if theirs is not None else "")
        for ours, theirs, digits in (
            (summary.median, band and band.median, 2),
            (summary.high, band and band.high, 1),
            (summary.bias, band and band.bias, 1),
        )
    )
    coverage = f"{100 * score.coverage:.1f} %" if last else ""
    return name, pulses, median, high, bias, coverage


def _far(score: "MethodScore", summary: "ErrorSummary") -> list[str]:
    """What differs from the reference by more than two standard errors."""
    band = _band(score, summary)
    if band is None:
        return []
    names = {"median": "the median error", "high": "the 95th percentile", "bias": "the bias"}
    return [
        f"{score.label} after {summary.pulses} pulses: {names[name]} is {'higher' if value > 0 else 'lower'} "
        f"({abs(value):.1f} standard errors)"
        for name, value in summary.deviations(band).items()
        if abs(value) > FAR
    ]
