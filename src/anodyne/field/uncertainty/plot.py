"""Drawings of what uncertain conductivities do to the field."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from anodyne.field.uncertainty.study import ConductivityUncertainty, UncertainQuantity
from anodyne.head import Tissue, tissue_name

INK, GREY, PALE, BAR, ACCENT = "#1f2933", "#6b7280", "#e4e7eb", "#9fbfc7", "#0f5e6e"

TISSUE_COLOURS: Mapping[int, str] = {
    Tissue.WHITE_MATTER: "#0072b2",
    Tissue.GREY_MATTER: "#d55e00",
    Tissue.CEREBROSPINAL_FLUID: "#56b4e9",
    Tissue.BONE: "#e69f00",
    Tissue.SCALP: "#cc79a7",
    Tissue.EYES: "#009e73",
    Tissue.COMPACT_BONE: "#e69f00",
    Tissue.SPONGY_BONE: "#f0e442",
}
"""Told apart by those who see few colours (Okabe & Ito 2008)."""

TOGETHER = "#c3c9d0"


def plot_intervals(
    quantities: Sequence[UncertainQuantity], labels: Mapping[str, str] | None = None, ax: Axes | None = None
) -> Axes:
    """The interval of each quantity in V/m, the first on top; a line at the median, a dot at the nominal value.

    On a scale of ratios, where equal lengths are equal percentages, unless a quantity may be negative.

    Parameters
    ----------
    labels : by name, where the names themselves are not meant for people
    """
    ax = ax if ax is not None else plt.subplots(figsize=(6, 0.8 + 0.24 * len(quantities)), layout="constrained")[1]
    places = np.arange(len(quantities))[::-1]
    for place, one in zip(places, quantities, strict=True):
        ax.barh(place, one.high - one.low, left=one.low, height=0.56, color=BAR, linewidth=0, zorder=2)
        ax.plot([one.median] * 2, [place - 0.28, place + 0.28], color=INK, linewidth=1.6, zorder=3)
        ax.plot(one.nominal, place, "o", color=ACCENT, markersize=5, markeredgecolor="white", zorder=4)
    ax.set(xlabel="mean |E| (V/m)", ylim=(-0.7, len(quantities) - 0.3))
    if quantities and min(min(one.low, one.nominal) for one in quantities) > 0:
        _scale_by_ratios(ax)
        lowest, highest = min(min(one.low, one.nominal) for one in quantities), max(one.high for one in quantities)
        ax.set_xlim(0.9 * lowest, 1.1 * highest)
    _dress(ax, places, [(labels or {}).get(one.name, one.name) for one in quantities])
    handles = [
        Patch(facecolor=BAR, label="5th to 95th percentile"),
        Line2D([], [], color=INK, linewidth=1.6, label="median"),
        Line2D([], [], color=ACCENT, marker="o", markersize=5, linewidth=0, label="nominal conductivities"),
    ]
    _legend_above(ax, handles, columns=1)
    return ax


def plot_contributors(
    quantities: Sequence[UncertainQuantity], labels: Mapping[str, str] | None = None, ax: Axes | None = None
) -> Axes:
    """How uncertain each quantity is, and which conductivities make it so.

    A bar's length is the standard deviation relative to the mean, its parts the shares of the variance
    that each conductivity makes by itself; what several make only jointly is grey.

    Parameters
    ----------
    labels : by name, where the names themselves are not meant for people
    """
    ax = ax if ax is not None else plt.subplots(figsize=(6, 0.8 + 0.24 * len(quantities)), layout="constrained")[1]
    places = np.arange(len(quantities))[::-1]
    tags = sorted({tag for one in quantities for tag in one.first_order})
    for place, one in zip(places, quantities, strict=True):
        length = 100 * one.standard_deviation / abs(one.mean) if one.mean else 0.0
        start = 0.0
        for tag in tags:
            part = length * one.first_order.get(tag, 0.0)
            ax.barh(place, part, left=start, height=0.56, color=TISSUE_COLOURS.get(tag, GREY), linewidth=0, zorder=2)
            start += part
        ax.barh(place, max(0.0, length - start), left=start, height=0.56, color=TOGETHER, linewidth=0, zorder=2)
    ax.set(xlabel="standard deviation (% of the mean)", ylim=(-0.7, len(quantities) - 0.3))
    _dress(ax, places, [(labels or {}).get(one.name, one.name) for one in quantities])
    seen = [tag for tag in tags if any(one.first_order.get(tag, 0) > 0.005 for one in quantities)]
    handles = [Patch(facecolor=TISSUE_COLOURS.get(tag, GREY), label=tissue_name(tag)) for tag in seen]
    handles.append(Patch(facecolor=TOGETHER, label="jointly"))
    _legend_above(ax, handles, columns=2)
    return ax


def plot_ranges(uncertainty: ConductivityUncertainty, ax: Axes | None = None) -> Axes:
    """The density of every conductivity that was varied, on a common scale, and the value the model took (dot)."""
    ranges = uncertainty.ranges
    ax = ax if ax is not None else plt.subplots(figsize=(6, 0.9 + 0.55 * len(ranges)), layout="constrained")[1]
    places = np.arange(len(ranges))[::-1]
    for place, known in zip(places, ranges, strict=True):
        x = np.linspace(1e-6, 1 - 1e-6, 200)
        density = x ** (known.p - 1) * (1 - x) ** (known.q - 1)
        conductivity = known.low + (known.high - known.low) * x
        colour = TISSUE_COLOURS.get(known.tissue, GREY)
        ax.fill_between(conductivity, place, place + 0.75 * density / density.max(), color=colour, alpha=0.75, zorder=2)
        ax.plot(
            uncertainty.nominal[known.tissue], place, "o", color=INK, markersize=5, markeredgecolor="white", zorder=4
        )
        if known.meta_analysis is not None:
            ax.plot(known.meta_analysis, place, "D", color="white", markersize=4.5, markeredgecolor=INK, zorder=4)
    _scale_by_ratios(ax)
    ax.set(xlabel="conductivity (S/m)", ylim=(-0.35, len(ranges)))
    _dress(ax, places, [tissue_name(known.tissue) for known in ranges])
    handles = [
        Line2D([], [], color=INK, marker="o", markersize=5, linewidth=0, label="nominal"),
        Line2D(
            [],
            [],
            color="white",
            marker="D",
            markeredgecolor=INK,
            linewidth=0,
            markersize=4.5,
            label="mean of measurements",
        ),
    ]
    _legend_above(ax, handles, columns=2)
    return ax


def _scale_by_ratios(ax: Axes) -> None:
    """A logarithmic scale with plain numbers at 1, 2 and 5 of each decade."""
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_locator(NullLocator())


def _legend_above(ax: Axes, handles: Sequence[Artist], columns: int) -> None:
    shape = {"handlelength": 1.4, "columnspacing": 1.2, "fontsize": 7.5, "frameon": False}
    ax.legend(handles=list(handles), ncols=columns, loc="lower left", bbox_to_anchor=(0.0, 1.0), **shape)


def _dress(ax: Axes, places: Sequence[int] | np.ndarray, labels: Sequence[str]) -> None:
    ax.set_yticks(places, labels)
    ax.grid(axis="x", color=PALE, zorder=0)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(GREY)
    ax.tick_params(labelsize=8, color=GREY, labelcolor=GREY)
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.xaxis.label.set(size=9, color=INK)
