"""A field basis as pictures: its modes, its tests, and what it says of one placement."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from anodyne.coil import find_coil
from anodyne.field.basis.field_basis import FieldBasis
from anodyne.units import A_per_us, mm

MARKS = (("#0072b2", "o"), ("#d55e00", "s"), ("#009e73", "^"), ("#cc79a7", "D"), ("#e69f00", "v"), ("#56b4e9", "P"))
"""Colours of Okabe and Ito, each with a shape of its own."""

MEDIAN_GOAL, WORST_GOAL = 0.3, 1.5
"""Errors in per cent that a basis should keep to."""

TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)

EDGES = ((0.025, 0.5), (0.975, 0.5), (0.5, 0.025), (0.5, 0.975))
"""Where the letters of the head's sides stand: left, right, bottom and top of a picture, fractions of it."""

LIGHT = np.array([0.3, 0.4, 0.86])


def plot_basis(basis: FieldBasis, axes: Sequence[Axes] | None = None) -> Sequence[Axes]:
    """Strength of the modes, error against their number, and \\|E\\| of the first test on the cortex from two sides.

    Of a basis without tests, the strength of the modes only.

    Parameters
    ----------
    axes : four axes, of which those without anything to draw are hidden; a new figure's if None
    """
    if axes is None:
        figure = Figure(figsize=(10.5, 8) if basis.tests else (6.5, 4.5), layout="constrained")
        axes = list(figure.subplots(2, 2).ravel()) if basis.tests else [figure.subplots()]
        count = f"{len(basis.modes)} modes" if len(basis.modes) > 1 else "1 mode"
        figure.suptitle(f"Field basis of {basis.head}: {count} at {len(basis.points):,} points")
    plot_modes(basis, axes[0])
    for ax in axes[1:]:
        ax.set_visible(bool(basis.tests))
    if basis.tests:
        plot_tests(basis, axes[1])
        first = basis.tests[0]
        coil = find_coil(first.coil)
        magnitude = np.linalg.norm(basis.evaluate(coil, first.pose, 1 * A_per_us), axis=1)
        towards = first.pose.position - basis.points.mean(axis=0)
        title = f"{coil.label}, test 1"
        plot_cortex(basis, magnitude, axes[2], towards=towards, title=f"{title}, from the coil")
        plot_cortex(basis, magnitude, axes[3], towards=(0, 0, 1), title=f"{title}, from above")
    return axes


def plot_modes(basis: FieldBasis, ax: Axes) -> Axes:
    """Root mean square of every mode's E relative to the first, and the tests' errors against how many are used."""
    number = np.arange(1, len(basis.modes) + 1)
    ax.plot(
        number, 100 * basis.singular_values / basis.singular_values[0], color="#555555", lw=1.8, marker="o", ms=3,
        markevery=max(1, len(number) // 20), label="mode",
    )  # fmt: skip
    counts = [count for count, _ in basis.tests[0].by_modes] if basis.tests else []
    if counts:
        errors = 100 * np.array([[error for _, error in test.by_modes] for test in basis.tests])
        ax.fill_between(counts, errors.min(axis=0), errors.max(axis=0), color="#0072b2", alpha=0.18, lw=0)
        ax.plot(counts, errors.max(axis=0), color="#0072b2", lw=1, ls="--", marker="v", ms=4, label="worst test")
        ax.plot(counts, np.median(errors, axis=0), color="#0072b2", lw=1.8, marker="o", ms=4, label="median test")
    ax.set(
        yscale="log", xlabel="number of modes", xlim=(0, len(basis.modes) * 1.02 + 1),
        ylabel="relative L2 error of E; mode's strength (%)" if counts else "mode's strength (%)", title="Modes",
    )  # fmt: skip
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    return _tidied(ax)


def plot_tests(basis: FieldBasis, ax: Axes) -> Axes:
    """Error of every test against the share of the coil's field that the modes do not make up, by coil.

    Axes for a basis without tests are hidden.
    """
    if not basis.tests:
        ax.set_visible(False)
        return ax
    names = list(dict.fromkeys(test.coil for test in basis.tests))
    for name, (colour, mark) in zip(names, [MARKS[i % len(MARKS)] for i in range(len(names))], strict=True):
        some = [test for test in basis.tests if test.coil == name]
        ax.plot(
            [100 * test.unexplained for test in some], [100 * test.error for test in some], mark, color=colour, ms=7,
            mec="white", mew=0.6, label=name,
        )  # fmt: skip
    shares = 100 * np.array([test.unexplained for test in basis.tests])
    span = np.array([0.8 * shares.min(), 1.25 * shares.max()])
    ax.plot(span, basis.error_per_unexplained * span, color="#888888", lw=1, label="error estimated")
    for goal, words in ((MEDIAN_GOAL, "goal for the median"), (WORST_GOAL, "goal for the worst")):
        ax.axhline(goal, color="#888888", lw=0.8, ls=(0, (4, 3)))
        ax.annotate(
            f"{words}, {goal:g} %", (0.01, goal), xycoords=("axes fraction", "data"), va="bottom", fontsize=8,
            color="#555555",
        )  # fmt: skip
    ax.set(
        xscale="log", yscale="log", title="Tests against full solutions", ylabel="relative L2 error of E (%)",
        xlabel="coil's field at the inner skull not made up (%)",
    )  # fmt: skip
    for low, high, axis in ((*ax.get_xlim(), ax.xaxis), (*ax.get_ylim(), ax.yaxis)):
        ticks = [tick for tick in TICKS if low <= tick <= high]
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.set_minor_formatter(lambda value, _: "")
    _tidied(ax)
    ax.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(0, 0.95))
    return ax


def plot_cortex(
    basis: FieldBasis, values: ArrayLike, ax: Axes, *, towards: ArrayLike = (0, 0, 1), title: str = ""
) -> Axes:
    """Numbers at a basis's points on its surface, seen from a direction.

    Parameters
    ----------
    values : (n,) array, V/m
    towards : (3,) direction from the head to the eye
    """
    across, up, out = _view(np.asarray(towards, dtype=float))
    points, triangles = basis.points, basis.triangles
    at = np.stack([points @ across, points @ up, points @ out], axis=1)
    depth = at[triangles, 2].mean(axis=1)
    first, second, third = (points[triangles[:, i]] for i in range(3))
    normals = np.cross(second - first, third - first)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    light = np.abs(normals / np.where(length > 0, length, 1) @ (LIGHT @ np.stack([across, up, out])))
    order = np.argsort(depth)
    numbers = np.asarray(values, dtype=float)
    scale = Normalize(0, float(np.quantile(numbers, 0.999)))
    picture = PolyCollection(list(at[triangles[order], :2] / mm), edgecolors="face", linewidths=0.2)
    colours = _colours(numbers[triangles[order]].mean(axis=1), scale)
    colours[:, :3] *= (0.72 + 0.28 * light[order])[:, None]
    picture.set_facecolor(colours.tolist())
    ax.add_collection(picture)
    ax.autoscale_view()
    ax.set(aspect="equal", title=title, xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    _write_sides(ax, across, up)
    figure = ax.get_figure()
    if figure is not None:
        figure.colorbar(ScalarMappable(scale, "magma_r"), ax=ax, shrink=0.75, extend="max", label="|E| (V/m) at 1 A/µs")
    return ax


def _colours(values: NDArray[np.float64], scale: Normalize) -> NDArray[np.float64]:
    return np.array(colormaps["magma_r"](scale(values)))


def _view(towards: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Axes across, up and out of a picture seen from a direction; up is the head's up, or its front from above."""
    out = towards / np.linalg.norm(towards)
    upwards = np.array([0.0, 0.0, 1.0]) if abs(out[2]) < 0.9 else np.array([0.0, 1.0, 0.0])
    across = np.cross(upwards, out)
    across /= np.linalg.norm(across)
    return across, np.cross(out, across), out


def _write_sides(ax: Axes, across: NDArray[np.float64], up: NDArray[np.float64]) -> None:
    """Which side of the head lies at each edge of a picture, L R P A I S, where one lies within 30 degrees of it."""
    for (x, y), direction in zip(EDGES, (-across, across, -up, up), strict=True):
        axis = int(np.abs(direction).argmax())
        if abs(direction[axis]) < np.cos(np.pi / 6):
            continue
        letter = ("LR", "PA", "IS")[axis][int(direction[axis] > 0)]
        ax.annotate(
            letter, (x, y), xycoords="axes fraction", ha="center", va="center", fontsize=9, fontweight="bold",
            color="#555555", path_effects=[withStroke(linewidth=2, foreground="white")],
        )  # fmt: skip


def _tidied(ax: Axes) -> Axes:
    ax.grid(True, which="major", color="#e6e6e6", lw=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=8)
    return ax
