"""The pictures of the chapter on how surely the field is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from anodyne.field.plot import plot_contributors, plot_intervals, plot_ranges
from anodyne.plan.report.rendering import FROM_ABOVE, FROM_LEFT, FROM_RIGHT
from anodyne.plan.report.uncertainty_plot import plot_spread, spread_bar
from anodyne.plan.report.words import percent, significant
from anodyne.plan.uncertainty import spread_on

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from anodyne.field import ConductivityUncertainty
    from anodyne.plan.making import Planned
    from anodyne.plan.plan import Plan

WIDTH = 8.4
"""Of a picture that spans the page, inches."""


def uncertainty_figures(planned: Planned) -> Iterator[tuple[str, Figure, str, str]]:
    """Name, figure, caption and words of each picture; none for a plan made without."""
    if planned.plan.uncertainty is not None:
        yield "uncertainty-map", *_map(planned, planned.plan.uncertainty)
        yield "uncertainty", *_intervals(planned.plan, planned.plan.uncertainty)
        yield "conductivity-ranges", *_ranges(planned.plan.uncertainty)


def _intervals(plan: Plan, found: ConductivityUncertainty) -> tuple[Figure, str, str]:
    """Intervals and contributors of every region."""
    regions = sorted(plan.field.regions, key=lambda region: -region.magnitude)
    labels = {region.site.target.name: region.site.target.label for region in regions}
    quantities = [found.of(name) for name in labels]
    height = 1.2 + 0.17 * len(quantities)
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, height), layout="constrained", sharey=True)
    plot_intervals(quantities, labels, left)
    plot_contributors(quantities, labels, right)
    own = plan.field.target.site.target.name
    for label, one in zip(left.get_yticklabels(), quantities, strict=True):
        label.set_fontweight("bold" if one.name == own else "normal")
    return (
        figure,
        "Left: what the published ranges of the conductivities make of mean |E| in every named target, on a scale "
        "where equal lengths are equal percentages. Right: its standard deviation, divided by the share that each "
        "conductivity has in the variance. Bold: this plan's target.",
        "; ".join(f"{labels[one.name]} {significant(one.low)} to {significant(one.high)} V/m" for one in quantities)
        + ".",
    )


def _map(planned: Planned, found: ConductivityUncertainty) -> tuple[Figure, str, str]:
    """The relative standard deviation of \\|E\\| on the cortex, from three sides."""
    surface = planned.head.pial
    spread = spread_on(surface, planned.head.mesh, found.spread)
    highest = float(np.quantile(spread, 0.98))
    figure, axes = plt.subplots(1, 3, figsize=(WIDTH, 3.0), layout="constrained", width_ratios=(1.2, 0.9, 1.2))
    for ax, view in zip(axes, (FROM_LEFT, FROM_ABOVE, FROM_RIGHT), strict=True):
        plot_spread(surface, spread, view, ax, highest=highest, target=planned.plan.field.target.site.position)
    spread_bar(list(axes), highest)
    return (
        figure,
        "Where the strength of the E-field depends on the conductivities: standard deviation of |E| in the grey "
        "matter at the brain's surface, relative to its mean. Where the field runs along the cortex it hardly depends "
        "on them; where it crosses from fluid to grey to white matter it does. Where the field itself is weak, a large "
        "percentage is little in V/m. Ring: the target, dashed where it lies on the far side.",
        f"The brain from three sides. Half of its surface has a relative standard deviation below "
        f"{percent(round(float(np.median(spread)), 3))}.",
    )


def _ranges(found: ConductivityUncertainty) -> tuple[Figure, str, str]:
    """What is known of every conductivity."""
    figure, ax = plt.subplots(figsize=(WIDTH, 0.9 + 0.42 * len(found.ranges)), layout="constrained")
    plot_ranges(found, ax)
    return (
        figure,
        "The published range of every conductivity as a density, the value this plan takes (dot), and the mean of "
        "published measurements (diamond), which may lie outside.",
        "; ".join(f"{one.low:g} to {one.high:g} S/m" for one in found.ranges) + ".",
    )
