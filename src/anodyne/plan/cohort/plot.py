"""Drawings of a cohort: the group's field on fsaverage5, and each subject's field at the target."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize, to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from anodyne.files import replacing
from anodyne.plan.cohort.fsaverage import VERTICES, GroupField, Hemisphere, fsaverage5
from anodyne.plan.cohort.table import CohortRow
from anodyne.plan.plot import ACCENT, FIELD_COLOURS, GREY, INK, PALE
from anodyne.plan.report.figures import DOTS_PER_INCH, WIDTH, _own_style
from anodyne.plan.report.rendering import FROM_LEFT, FROM_RIGHT, Frame, Seen, View, averaged, look, shaded
from anodyne.plan.report.words import significant
from anodyne.units import mm

Floats = NDArray[np.float64]

SPREAD_COLOURS: Colormap = LinearSegmentedColormap.from_list(
    "spread", plt.get_cmap("PuBuGn")(np.linspace(0.03, 1.0, 256))
)
"""Of the standard deviation, told apart from the field's own by hue; pale is little, dark is much."""

NO_CORTEX = "#8b919b"
SULCUS_SHADE = 0.10
"""How much darker a sulcus is drawn than a gyrus."""

HIGHEST_SHARE = 0.999
"""The colours end at this share of the vertices."""

MOST_NAMED = 40
"""Subjects whose names still fit beside their dots."""

MARKS = (("#0072b2", "o"), ("#d55e00", "s"), ("#009e73", "^"), ("#cc79a7", "D"), ("#56b4e9", "v"), ("#e69f00", "P"))
"""Colours of Okabe and Ito, each with a shape of its own."""


def plot_hemisphere(
    half: Hemisphere, values: Floats, view: View, ax: Axes, *, highest: float, colours: Colormap = FIELD_COLOURS
) -> Axes:
    """One inflated hemisphere from one side, coloured by its vertices' values over shaded sulci.

    Parameters
    ----------
    values : (10242,) array
    highest : value at the colours' end
    """
    seen = _look_at(half, view, values)
    picture = colours(np.clip(seen.values / highest, 0, 1))[..., :3] * (1 - SULCUS_SHADE * _sulci(half, view))
    picture[~_cortex(half, view)] = to_rgb(NO_CORTEX)
    ax.imshow(averaged(shaded(seen, picture)), extent=seen.frame.extent_mm, interpolation="lanczos")
    ax.set(xticks=[], yticks=[], aspect="equal")
    ax.spines[:].set_visible(False)
    return ax


def _look_at(half: Hemisphere, view: View, values: Floats) -> Seen:
    surface = half.inflated
    frame = Frame.around(view, surface.points, margin=3 * mm, pixel=0.45 * mm)
    return look(frame, surface.points, surface.triangles, surface.normals, values)


@cache
def _sulci(half: Hemisphere, view: View) -> Floats:
    """(rows, columns, 1) array: 0 on gyri, 1 in sulci."""
    depth = _look_at(half, view, half.sulcal_depth).values
    return np.asarray((np.tanh(4 * depth) + 1) / 2)[..., None]


@cache
def _cortex(half: Hemisphere, view: View) -> NDArray[np.bool_]:
    return np.asarray(_look_at(half, view, half.is_cortex.astype(float)).values >= 0.5)


def plot_group(group: GroupField) -> Figure:
    """Mean of \\|E\\| over the subjects and, for two or more, its standard deviation: both halves from both sides."""
    maps = [("mean of |E| (V/m)", group.mean, FIELD_COLOURS)]
    if group.spread is not None:
        maps.append(("standard deviation (V/m)", group.spread, SPREAD_COLOURS))
    figure = plt.figure(figsize=(WIDTH + 1.4, 0.95 + 1.55 * len(maps)), layout="constrained")
    grid = figure.subplots(len(maps), 4, squeeze=False)
    for row, (label, values, colours) in zip(grid, maps, strict=True):
        _draw_row(list(row), values, label, colours)
    for ax, title in zip(grid[0], ("left, lateral", "left, medial", "right, medial", "right, lateral"), strict=True):
        ax.set_title(title, fontsize=9.5, color=INK)
    many = f"{len(group.subjects)} subjects" if len(group.subjects) > 1 else "1 subject"
    cortex = np.concatenate([half.is_cortex for half in fsaverage5()])
    near, far = np.percentile(group.distance[cortex] / mm, [50, 95])
    figure.suptitle(f"|E| at the prescribed intensity, {many}", fontsize=11, color=INK)
    figure.supxlabel(
        "fsaverage5, inflated, for display only: vertices brought to each head by affines (MNI305, MNI152, head), each "
        f"with the field of the nearest\nmid-grey point, {near:.1f} mm away in the median and {far:.1f} mm at the 95th "
        f"percentile. Colours end at the {100 * HIGHEST_SHARE:g}th percentile of the vertices. Grey: no cortex.",
        fontsize=7.5,
        color=GREY,
    )
    return figure


def _draw_row(axes: Sequence[Axes], values: Floats, label: str, colours: Colormap) -> None:
    highest = float(np.quantile(values, HIGHEST_SHARE)) or 1.0
    for index, half in enumerate(fsaverage5()):
        part = values[index * VERTICES : (index + 1) * VERTICES]
        for ax, view in zip(axes[2 * index : 2 * index + 2], (FROM_LEFT, FROM_RIGHT), strict=True):
            plot_hemisphere(half, part, view, ax, highest=highest, colours=colours)
    mappable = ScalarMappable(norm=Normalize(0, highest), cmap=colours)
    bar = axes[0].figure.colorbar(mappable, ax=list(axes), extend="max", shrink=0.85, aspect=16, pad=0.01)
    bar.set_label(label, fontsize=8.5)
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_visible(False)


def plot_at_target(rows: Sequence[CohortRow], ax: Axes | None = None) -> Axes:
    """Each subject's mean \\|E\\| at the target, in the table's order; mean and spread if all share it.

    Parameters
    ----------
    rows : of planned subjects
    """
    if ax is None:
        ax = plt.subplots(figsize=(WIDTH, _height(len(rows))), layout="constrained")[1]
    values = np.array([float(row["e_at_target_v_per_m"] or np.nan) for row in rows])
    places = np.arange(len(rows), dtype=float)
    targets = list(dict.fromkeys(str(row["target"]) for row in rows))
    for index, target in enumerate(targets):
        colour, mark = MARKS[index % len(MARKS)]
        own = np.array([row["target"] == target for row in rows])
        ax.scatter(values[own], places[own], s=34, color=colour, marker=mark, zorder=3, label=target)
    margin = max(0.6, 0.02 * len(rows))
    where = targets[0] if len(targets) == 1 else "each subject's own target"
    ax.set(xlabel=f"mean |E| over {where} (V/m)", ylim=(len(rows) - 1 + margin, -margin))
    if len(targets) == 1:
        _draw_group_mean(ax, values)
    else:
        legend = ax.legend(title="target", loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8)
        legend.get_title().set_fontsize(8)
    _dress_dots(ax, rows, values)
    return ax


def _draw_group_mean(ax: Axes, values: Floats) -> None:
    mean = float(values.mean())
    words = f"mean {significant(mean)} V/m"
    ax.axvline(mean, color=ACCENT, linewidth=1.4, zorder=1)
    if len(values) > 1:
        spread = float(values.std(ddof=1))
        ax.axvspan(mean - spread, mean + spread, color=PALE, zorder=0, linewidth=0)
        words += f", standard deviation {significant(spread)} V/m (band)"
    ax.set_title(words, fontsize=9.5, color=INK, loc="left")


def _height(count: int) -> float:
    return 1.3 + 0.24 * min(max(count, 2), MOST_NAMED)


def _dress_dots(ax: Axes, rows: Sequence[CohortRow], values: Floats) -> None:
    if len(rows) <= MOST_NAMED:
        ax.set_yticks(range(len(rows)), [str(row["subject"]) for row in rows], fontsize=8)
    else:
        ax.set_yticks([])
        ax.set_ylabel(f"{len(rows)} subjects, in the table's order", fontsize=9, color=INK)
    span = max(float(np.ptp(values)), 0.1 * float(values.max()), 1e-9)
    ax.set_xlim(values.min() - 0.35 * span, values.max() + 0.35 * span)
    ax.grid(axis="y", color=PALE, linewidth=0.8, zorder=0)
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.tick_params(axis="x", labelsize=8, color=GREY, labelcolor=GREY)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(GREY)


def draw_group(folder: Path, rows: Sequence[CohortRow], group: GroupField | None) -> None:
    """Write ``fsaverage.png``, where a field is on fsaverage, and ``target.png`` of planned rows.

    Raises
    ------
    CannotWrite : no permission, no space
    """
    with _own_style():
        figures = {} if group is None else {"fsaverage": plot_group(group)}
        figures["target"] = plt.figure(figsize=(WIDTH, _height(len(rows))), layout="constrained")
        plot_at_target(rows, figures["target"].subplots())
        for name, figure in figures.items():
            with replacing(folder / f"{name}.png") as temporary:
                figure.savefig(temporary, dpi=DOTS_PER_INCH, facecolor="white", metadata={"Software": None})
            plt.close(figure)
