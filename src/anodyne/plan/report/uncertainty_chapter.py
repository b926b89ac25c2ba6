"""The chapter of a report on how surely the field is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from anodyne.field import ConductivityUncertainty, UncertainQuantity, meta_analysis_source
from anodyne.head import tissue_name
from anodyne.plan.plan import Plan
from anodyne.plan.report.content import Paragraph, Picture, Section, Table, blocks
from anodyne.plan.report.words import listed, percent, significant
from anodyne.plan.uncertainty import NORMAL, PEAK, contributors_in_words

if TYPE_CHECKING:
    from anodyne.plan.plan import RegionField

NARROW = 0.02
"""An interval narrower than this part of its median is of no consequence."""

EDGE = 0.2
"""A plan's own value with fewer draws than this below or above it lies near an end of what is likely."""


def uncertainty_sections(plan: Plan, pictures: Mapping[str, Picture]) -> tuple[Section, ...]:
    """The chapter, where the plan was made with it."""
    found = plan.uncertainty
    if found is None:
        return ()
    return (
        Section(
            title="How surely the field is known",
            anchor="uncertainty",
            blocks=blocks(
                Paragraph(text=_lead(plan, found), is_lead=True),
                Paragraph(text=_meaning(plan, found)),
                pictures.get("uncertainty-map"),
                pictures.get("uncertainty"),
                _interval_table(plan, found),
                pictures.get("conductivity-ranges"),
                _range_table(found),
            ),
        ),
    )


def interval_in_words(quantity: UncertainQuantity) -> str:
    """The interval in V/m: ``53.1 to 84.0 V/m``."""
    return f"{significant(quantity.low)} to {significant(quantity.high)} V/m"


def _lead(plan: Plan, found: ConductivityUncertainty) -> str:
    target = plan.field.target.site.target
    one = found.of(target.name)
    return (
        f"If every tissue's conductivity lies somewhere in its published range, mean |E| at {target.label} is "
        f"{interval_in_words(one)} (5th to 95th percentile), with a median of {significant(one.median)} V/m; with the "
        f"conductivities of this plan it is {significant(one.nominal)} V/m."
    )


def _meaning(plan: Plan, found: ConductivityUncertainty) -> str:
    one = found.of(plan.field.target.site.target.name)
    sentences = [
        f"Shares of the variance: {contributors_in_words(one)}.",
        _standing(one),
        "The intervals hold for this head, its segmentation and this coil position: how a wrong border of the "
        "cerebrospinal fluid, anisotropic white matter or a misplaced coil would change the field is not in them. "
        "Tissues are varied independently of each other.",
    ]
    if found.fixed:
        kept = listed([tissue_name(tag) for tag in found.fixed])
        sentences.append(f"No range is known for {kept}, which stayed as planned.")
    return " ".join(sentences)


def _standing(one: UncertainQuantity) -> str:
    """Where the plan's own value lies among the draws."""
    if one.high - one.low < NARROW * abs(one.median):
        return "The conductivities hardly matter at this target."
    why = "since some of its conductivities lie near an end of their published range (see below)"
    if one.rank < EDGE:
        return f"This plan's value is a low one, {why}: {_share_of_draws(one.rank)} of the draws give less."
    if one.rank > 1 - EDGE:
        return f"This plan's value is a high one, {why}: {_share_of_draws(1 - one.rank)} of the draws give more."
    return f"This plan's value is in the middle: {_share_of_draws(one.rank)} of the draws give less."


def _share_of_draws(share: float) -> str:
    return percent(round(share, 2)) if share >= 0.005 else "less than 1 %"


def _interval_table(plan: Plan, found: ConductivityUncertainty) -> Table:
    own, *others = plan.field.regions
    ordered: list[RegionField] = [own, *sorted(others, key=lambda region: -region.share_of_target)]
    rows = [_row(region.site.target.label, found.of(region.site.target.name)) for region in ordered]
    known = {one.name for one in found.quantities}
    rows[1:1] = [
        _row(words, found.of(name))
        for name, words in (
            (NORMAL, "Target, along the cortex's normal"),
            (PEAK, "Grey matter, 99.9th percentile"),
        )
        if name in known
    ]
    error = percent(float(f"{found.error:.2g}"))
    return Table(
        caption="Mean |E| with uncertain conductivities (V/m)",
        header=("Region", "As planned", "5th percentile", "Median", "95th percentile", "Shares of the variance"),
        rows=tuple(rows),
        widths=(7, 2, 2.3, 2, 2.4, 6),
        numbers=(1, 2, 3, 4),
        notes=(
            f"From {found.draws:,} draws of the conductivities, answered by a basis of {found.solves} full solves. The "
            f"last {found.checks} solves were predicted before they were made: the largest error in any row was {error}"
            f"{'' if found.converged else ', more than intended, so take the intervals as rough'}.",
            "Shares: total Sobol indices above 5 %, the part of the variance that a conductivity takes part in; they "
            "may add up to more than 100 %.",
            "Found with first-order elements; magnitudes were scaled, and the component along the normal shifted, to "
            "this plan's own values.",
        ),
    )


def _row(label: str, one: UncertainQuantity) -> tuple[str, ...]:
    values = (significant(value) for value in (one.nominal, one.low, one.median, one.high))
    return (label, *values, contributors_in_words(one))


def _range_table(found: ConductivityUncertainty) -> Table:
    keys: dict[str, str] = {}
    rows = []
    for known in found.ranges:
        key = keys.setdefault(known.source, chr(ord("a") + len(keys)))
        mean = "—" if known.meta_analysis is None else f"{known.meta_analysis:g}"
        rows.append(
            (
                tissue_name(known.tissue),
                f"{found.nominal[known.tissue]:g}",
                f"{known.low:g} to {known.high:g}",
                f"{known.p:g}, {known.q:g}",
                mean,
                f"{known.certainty.value} ({key})",
            )
        )
    return Table(
        caption="What is known of the conductivities (S/m)",
        header=("Tissue", "As planned", "Range", "Shape p, q", "Mean of measurements", "Range from"),
        rows=tuple(rows),
        widths=(4, 2.2, 3, 2.2, 2.8, 3),
        numbers=(1,),
        notes=(
            "Between the ends of its range a conductivity has a beta distribution with shape parameters p and q.",
            *(f"({key}) {source}." for source, key in keys.items()),
            f"Means: {meta_analysis_source()}.",
        ),
    )
