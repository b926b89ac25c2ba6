"""Error against cost and against edge length, solver by solver."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from anodyne.field.validation import Validation, observed_order
from anodyne.units import mm

COLOURS = {"fem2": "#0072b2", "fem1": "#d55e00", "fem1-sphere": "#e69f00", "bem": "#009e73"}
MARKERS = {"fem2": "o", "fem1": "s", "fem1-sphere": "D", "bem": "^"}
OTHER, GOAL = "#666666", 0.01


def plot_validation(results: Sequence[Validation], axes: Sequence[Axes] | None = None) -> Sequence[Axes]:
    """Relative error of E against seconds and against the mesh's edge, one line per solver, a pair of axes per coil.

    Parameters
    ----------
    axes : two axes for each coil; a new figure's if None
    """
    coils = list(dict.fromkeys(result.coil for result in results))
    if axes is None:
        figure = Figure(figsize=(10, 3.9 * len(coils)), layout="constrained")
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
        x = [result.seconds if against_time else result.edge / mm for result in some]
        label = solver if against_time else f"{solver}, order {observed_order(results, solver, coil):.1f}"
        axes.plot(
            x, [100 * result.relative_error for result in some], color=COLOURS.get(solver, OTHER),
            marker=MARKERS.get(solver, "o"), lw=1.6, ms=6, label=label,
        )  # fmt: skip
    axes.axhline(100 * GOAL, color="#888888", lw=1, ls=(0, (4, 3)))
    axes.annotate("1 %", (0.995, 100 * GOAL), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8)
    axes.set(
        xscale="log", yscale="log", title=coil, ylabel="relative L2 error of E (%)",
        xlabel="mesh to field, one placement (s)" if against_time else "typical edge of the mesh (mm)",
    )  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    if not against_time:
        edges = sorted({result.edge / mm for result in results})
        axes.set_xticks(edges, [f"{edge:g}" for edge in edges], minor=False)
    axes.grid(True, which="both", color="#e6e6e6", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
