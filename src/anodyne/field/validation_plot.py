"""Error against cost and against edge length, solver by solver."""

from collections.abc import Sequence
from math import isnan

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from anodyne.field.validation import GOAL, Validation, observed_order
from anodyne.units import mm

COLOURS = {"fem2": "#0072b2", "fem1": "#d55e00", "fem1-sphere": "#e69f00", "bem": "#009e73"}
MARKERS = {"fem2": "o", "fem1": "s", "fem1-sphere": "D", "bem": "^"}
OTHER = "#666666"


def plot_validation(results: Sequence[Validation], axes: Sequence[Axes] | None = None) -> Sequence[Axes]:
    """Relative error of E against processor time and the mesh's edge, one line per solver, a pair of axes per coil.

    Parameters
    ----------
    axes : two axes for each coil, the second with the legend at its right; a new figure's if None
    """
    coils = list(dict.fromkeys(result.coil for result in results))
    if axes is None:
        figure = Figure(figsize=(11, 4 * len(coils)), layout="constrained")
        axes = [one for row in figure.subplots(len(coils), 2, squeeze=False) for one in row]
        figure.suptitle("Error of E in the outer 20 mm of the brain of a four-layer sphere, against the closed form")
    for row, coil in enumerate(coils):
        some = [result for result in results if result.coil == coil]
        _draw(axes[2 * row], some, coil, against_time=True)
        _draw(axes[2 * row + 1], some, coil, against_time=False)
    return axes


def _draw(axes: Axes, results: Sequence[Validation], coil: str, against_time: bool) -> None:
    for solver in dict.fromkeys(result.solver for result in results):
        some = [result for result in results if result.solver == solver]
        order = observed_order(results, solver, coil)
        axes.plot(
            [result.processor_seconds if against_time else result.edge / mm for result in some],
            [100 * result.relative_error for result in some],
            color=COLOURS.get(solver, OTHER), marker=MARKERS.get(solver, "o"), lw=1.6, ms=6,
            label=solver if isnan(order) else f"{solver}, order {order:.1f}",
        )  # fmt: skip
    axes.axhline(100 * GOAL, color="#555555", lw=1, ls=(0, (4, 3)), label=f"{100 * GOAL:g} %")
    axes.set(
        xscale="log", yscale="log", title=coil, ylabel="relative L2 error of E (%)",
        xlabel="processor time, mesh to field (s)" if against_time else "typical edge of the mesh (mm)",
    )  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    if not against_time:
        edges = sorted({result.edge / mm for result in results})
        axes.set_xticks(edges, [f"{edge:g}" for edge in edges])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.01, 0.5))
    axes.grid(True, color="#e6e6e6", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
