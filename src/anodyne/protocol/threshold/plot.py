"""Pictures of a threshold measurement, of an epoch of EMG, and of how methods compare."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from anodyne.protocol.threshold.comfort import ToleranceSearch
from anodyne.protocol.threshold.comparison import MethodScore
from anodyne.protocol.threshold.emg import EmgEpoch, MepCriteria, read_mep
from anodyne.protocol.threshold.search import ThresholdSearch
from anodyne.units import ms, percent

COLOURS = ("#000000", "#7a7a7a", "#CC79A7", "#0072B2", "#D55E00", "#E69F00", "#009E73")
"""From the palette of Okabe and Ito, told apart by people who are colour-blind."""

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#6b6b6b"
uV = 1e-6

FIRST_SHOWN = 5
"""Errors after fewer pulses tell of where all began, not of the methods."""


def plot_search(search: ThresholdSearch, ax: Axes | None = None) -> Axes:
    """Every pulse of a measurement: filled where it was answered (or bearable), open where not, and what was found."""
    ax = ax if ax is not None else plt.subplots(figsize=(7.5, 3.8), layout="constrained")[1]
    numbers = np.arange(1, len(search.trials) + 1)
    intensity = np.array([trial.intensity for trial in search.trials]) / percent
    answered = np.array([trial.responded for trial in search.trials], dtype=bool)
    ax.plot(numbers, intensity, color="#c9c9c9", linewidth=1, zorder=1)
    is_tolerance = isinstance(search, ToleranceSearch)
    yes, no, found = ("bearable", "too much", "tolerated") if is_tolerance else ("response", "no response", "threshold")
    ax.scatter(numbers[answered], intensity[answered], s=42, color=BLUE, zorder=3, label=yes)
    ax.scatter(numbers[~answered], intensity[~answered], s=42, facecolor="white", edgecolor=BLUE, zorder=3, label=no)
    interval = search.confidence_interval()
    if interval is not None and np.isfinite(interval.high):
        label = f"{100 * interval.level:g} % interval"
        ax.axhspan(interval.low / percent, interval.high / percent, color=ORANGE, alpha=0.15, linewidth=0, label=label)
    if search.estimate is not None:
        value = search.estimate / percent
        ax.axhline(value, color=ORANGE, linewidth=1.6, label=f"{found} {value:.1f} %")
    shown = [*intensity, *([search.estimate / percent] if search.estimate is not None else [])]
    if interval is not None and interval.low > 0 and np.isfinite(interval.high):
        shown += [interval.low / percent, interval.high / percent]
    if shown:
        margin = max(4.0, 0.15 * (max(shown) - min(shown)))
        ax.set_ylim(max(0.0, min(shown) - margin), max(shown) + margin)
    ax.set(xlabel="pulse", ylabel="intensity (% of stimulator output)", xlim=(0, len(search.trials) + 1))
    ax.set_title(search.label, loc="left", fontsize=11)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.spines[["right", "top"]].set_visible(False)
    ax.legend(frameon=False, fontsize=8, ncols=4, loc="lower right", bbox_to_anchor=(1, 1))
    return ax


def plot_epoch(epoch: EmgEpoch, criteria: MepCriteria | None = None, ax: Axes | None = None) -> Axes:
    """EMG around a pulse, with the windows that are looked at and what was read there.

    Raises
    ------
    ValueError : the epoch does not reach over both windows
    """
    criteria = criteria if criteria is not None else MepCriteria()
    ax = ax if ax is not None else plt.subplots(figsize=(7.5, 3.4), layout="constrained")[1]
    reading = read_mep(epoch, criteria)
    for window, colour, label in (
        (criteria.baseline, "#bdbdbd", "muscle at rest?"),
        (criteria.window, ORANGE, "evoked potential?"),
    ):
        ax.axvspan(window[0] / ms, window[1] / ms, color=colour, alpha=0.22, linewidth=0, label=label)
    ax.axvline(0, color=GREY, linewidth=0.8, linestyle=":", label="pulse")
    ax.plot(epoch.times / ms, epoch.samples / uV, color=BLUE, linewidth=1.0)
    answer = epoch.span(*criteria.window) / uV
    reach = 1.3 * max(np.abs(answer).max(), np.abs(epoch.span(*criteria.baseline)).max() / uV, 50.0)
    ax.set(xlabel="time after the pulse (ms)", ylabel="EMG (µV)", ylim=(-reach, reach))
    ax.set_xlim(epoch.times[0] / ms, epoch.times[-1] / ms)
    ax.set_title(reading.in_words, loc="left", fontsize=11)
    ax.spines[["right", "top"]].set_visible(False)
    ax.legend(frameon=False, fontsize=8, ncols=3, loc="lower left")
    return ax


def comparison_figure(scores: Sequence[MethodScore], title: str) -> Figure:
    """Errors against pulses, and pulses used: a picture of a comparison of methods."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(11.5, 5.0), layout="constrained", gridspec_kw={"width_ratios": (1.7, 1)}
    )
    plot_errors(scores, left)
    plot_pulses(scores, right)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    return figure


def plot_errors(scores: Sequence[MethodScore], ax: Axes | None = None) -> Axes:
    """Median absolute error against pulses, one line a method; a bar for methods that stop by their own rule.

    The bar spans the middle half of the pulses they used. Lines begin at the fifth pulse. Crosses are the reference
    simulation's.
    """
    ax = ax if ax is not None else plt.subplots(figsize=(7.0, 4.6), layout="constrained")[1]
    for score, colour in zip(scores, COLOURS, strict=False):
        if score.counts_answers:
            low, middle, high = np.quantile(score.pulses, [0.25, 0.5, 0.75])
            median = score.summary().median / percent
            ax.plot([low, high], [median, median], color=colour, linewidth=2.2, solid_capstyle="butt")
            ax.plot(middle, median, "o", color=colour, markersize=7, label=score.label)
        else:
            medians = score.median_errors / percent
            numbers = np.arange(FIRST_SHOWN, len(medians) + 1)
            ax.plot(numbers, medians[FIRST_SHOWN - 1 :], color=colour, linewidth=1.8, label=score.label)
        for band in score.bands:
            ax.plot(band.pulses, band.median / percent, "x", color=colour, markersize=8, markeredgewidth=1.8, zorder=5)
    ax.plot([], [], "x", color=GREY, markersize=8, markeredgewidth=1.8, label="reference simulation")
    ax.set_yscale("log")
    ticks = (1, 1.5, 2, 3, 4, 5, 6)
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set_ylim(0.9, 6.5)
    ax.set(xlabel="pulses", ylabel="median absolute error (% of the threshold)")
    ax.set_xlim(0, None)
    ax.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["right", "top"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9, loc="upper right")
    return ax


def plot_pulses(scores: Sequence[MethodScore], ax: Axes | None = None) -> Axes:
    """How many pulses each method used: the median, the middle half, and the middle nine tenths."""
    ax = ax if ax is not None else plt.subplots(figsize=(5.0, 4.0), layout="constrained")[1]
    places = np.arange(len(scores))
    for place, score, colour in zip(places, scores, COLOURS, strict=False):
        few, low, middle, high, many = np.quantile(score.pulses, [0.05, 0.25, 0.5, 0.75, 0.95])
        ax.plot([few, many], [place, place], color=colour, linewidth=1.4)
        ax.plot([low, high], [place, place], color=colour, linewidth=7, alpha=0.45, solid_capstyle="butt")
        ax.plot(middle, place, "o", color=colour, markersize=7)
        ax.annotate(f"{middle:.0f}", (middle, place), (0, 9), textcoords="offset points", ha="center", fontsize=9)
    ax.set_yticks(places, [score.label for score in scores])
    ax.set(xlabel="pulses used", ylim=(len(scores) - 0.5, -0.7))
    ax.set_xlim(0, None)
    ax.grid(axis="x", color="#e6e6e6", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0)
    ax.spines[["right", "top", "left"]].set_visible(False)
    return ax
