"""Drawings of how uncertain conductivities make a plan's field."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from numpy.typing import NDArray

from anodyne.head import Surface
from anodyne.plan.plot import _dress_view, _mark_target
from anodyne.plan.report.rendering import Frame, View, averaged, look, shaded
from anodyne.units import mm, percent

Floats = NDArray[np.float64]

SPREAD_COLOURS: Colormap = LinearSegmentedColormap.from_list(
    "spread", plt.get_cmap("YlGnBu")(np.linspace(0.04, 0.95, 256))
)
"""Pale is sure, dark is unsure; told apart from the colours of the field itself."""


def plot_spread(
    surface: Surface,
    spread: Floats,
    view: View,
    ax: Axes | None = None,
    *,
    highest: float | None = None,
    target: Floats | None = None,
) -> Axes:
    """The brain from one side, coloured by the relative standard deviation of \\|E\\|.

    Parameters
    ----------
    spread : (n_points,) array, a fraction
    highest : of the colour map's end; by default the largest on the surface
    target : (3,) m, marked with a ring: full where it is in sight, dashed where it lies behind
    """
    ax = ax if ax is not None else plt.subplots(figsize=(4.6, 4), layout="constrained")[1]
    seen = look(
        Frame.around(view, surface.points, pixel=0.3 * mm), surface.points, surface.triangles, surface.normals, spread
    )
    limit = float(spread.max()) if highest is None else highest
    colours = SPREAD_COLOURS(np.clip(seen.values / limit, 0, 1))[..., :3]
    ax.imshow(averaged(shaded(seen, colours)), extent=seen.frame.extent_mm, interpolation="lanczos")
    if target is not None:
        _mark_target(ax, view, seen, target)
    _dress_view(ax, view)
    return ax


def spread_bar(axes: Axes | Sequence[Axes], highest: float) -> None:
    """A colour bar beside `axes` for a relative standard deviation from 0 to `highest`, shown in %."""
    mappable = ScalarMappable(norm=Normalize(0, highest / percent), cmap=SPREAD_COLOURS)
    first = axes if isinstance(axes, Axes) else axes[0]
    bar = first.figure.colorbar(mappable, ax=axes, extend="max", shrink=0.9, aspect=22, pad=0.02)
    bar.set_label("SD of |E| (% of its mean)")
    bar.outline.set_visible(False)
