"""Drawings of coils: winding, casing and handle, from the side of the head and from aside."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from anodyne.coil.coil import Coil
from anodyne.coil.library import CoilEntry
from anodyne.coil.sources import CurrentElements, MagneticDipoles
from anodyne.units import mm

Array = NDArray[np.float64]

COPPER = "#b5651d"
OTHER_WAY = "#0072b2"
CASING = "#e1e5e9"
HANDLE = "#8c96a0"
INK = "#30343a"


def plot_coil(coil: Coil, axes: Sequence[Axes] | None = None) -> Sequence[Axes]:
    """Draw `coil` seen from the head (x, y) and from the front (x, z), lengths in mm.

    Current elements are drawn as short lines, dipoles as dots coloured by the sign of their moment along z,
    and of a coil known by samples only the estimated shadow of its winding.

    Parameters
    ----------
    coil : any coil
    axes : two axes, for the view from the head and the one from the front; by default a new figure
    """
    if axes is None:
        _, axes = _two_views(coil)
    facing, front = axes
    for view, (across, up) in ((facing, (0, 1)), (front, (0, 2))):
        _draw_casing(view, coil, across, up)
        _draw_sources(view, coil, across, up)
        view.set_aspect("equal")
        view.grid(color="#e4e7ea", linewidth=0.6)
        view.set_axisbelow(True)
    front.set_xlabel("x (mm)")
    facing.set_title("seen from the head", fontsize=10)
    facing.set_ylabel("y, away from the handle (mm)")
    front.set_title("seen from the front, towards the handle", fontsize=10)
    front.set_ylabel("z, into the head (mm)")
    _draw_handle(facing, coil)
    _draw_face(front)
    return axes


def coil_figure(coil: Coil) -> Figure:
    """A whole figure of `coil` with its title and numbers, as ``anodyne coil show --figure`` writes it."""
    figure, axes = _two_views(coil)
    plot_coil(coil, axes)
    figure.suptitle(f"{coil.label}\n{_summary(coil)}", fontsize=11)
    return figure


def _two_views(coil: Coil) -> tuple[Figure, Sequence[Axes]]:
    """Two axes above each other whose heights suit the coil, so that both views get the same scale."""
    points = np.concatenate([coil.outline] if coil.casing is None else [coil.outline, coil.casing.points])
    wide, long, deep = np.ptp(points, axis=0) / mm if len(points) else np.full(3, 100.0)
    long, deep = long + 60, max(deep + 20, 66.0)
    size = (7.2, 1.6 + 6.2 * (long + deep) / max(wide, 80.0))
    figure, axes = plt.subplots(
        2, 1, figsize=size, layout="constrained", sharex=True, gridspec_kw={"height_ratios": [long, deep]}
    )
    return figure, axes


def gallery_figure(entries: Sequence[CoilEntry], columns: int = 4) -> Figure:
    """All `entries` seen from the head, to one scale; currents from x towards y are brown, others blue."""
    rows = -(-len(entries) // columns)
    figure, grid = plt.subplots(
        rows,
        columns,
        figsize=(3.1 * columns, 2.45 * rows),
        layout="constrained",
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for view, entry in zip(grid.flat, entries, strict=False):
        coil = entry.wire_coil()
        _draw_casing(view, coil, 0, 1)
        _draw_turns(view, entry)
        view.set_aspect("equal")
        view.set_title(f"{entry.label}\n{entry.shape}, {entry.certainty.value}", fontsize=8.5)
    for view in grid.flat[len(entries) :]:
        view.set_axis_off()
    for view in grid[-1]:
        view.set_xlabel("x (mm)")
    for view in grid[:, 0]:
        view.set_ylabel("y (mm)")
    return figure


def _draw_turns(view: Axes, entry: CoilEntry) -> None:
    for part in entry.assembly().placed():
        lines = part.centre_line()[..., :2] / mm
        view.add_collection(LineCollection(list(lines), colors=COPPER if part.sense > 0 else OTHER_WAY, linewidths=0.7))


def _draw_casing(view: Axes, coil: Coil, across: int, up: int) -> None:
    if coil.casing is None:
        return
    corners = coil.casing.points[coil.casing.triangles][:, :, [across, up]] / mm
    faces = PolyCollection(list(corners), facecolors=CASING, edgecolors=CASING, linewidths=0.4, zorder=0.6)
    faces.set_rasterized(True)
    view.add_collection(faces)
    view.autoscale_view()


def _draw_sources(view: Axes, coil: Coil, across: int, up: int) -> None:
    for source in coil.sources():
        start = source.positions[:, [across, up]] / mm
        if isinstance(source, CurrentElements):
            lengths = np.linalg.norm(source.vectors, axis=1, keepdims=True)
            half = source.vectors[:, [across, up]] / np.where(lengths > 0, lengths, 1.0)
            half = half * _step(source)[:, None] / mm / 2
            lines = np.stack([start - half, start + half], axis=1)
            view.add_collection(LineCollection(list(lines), colors=COPPER, linewidths=0.8, alpha=0.6))
        elif isinstance(source, MagneticDipoles):
            colours = np.where(source.moments[:, 2] >= 0, COPPER, OTHER_WAY)
            strength = np.linalg.norm(source.moments, axis=1)
            view.scatter(start[:, 0], start[:, 1], s=12 * strength / strength.max(), c=colours, linewidths=0)
    if not coil.sources():
        shadow = coil.outline / mm
        view.scatter(shadow[:, across], shadow[:, up], s=6, c=COPPER, linewidths=0, alpha=0.6)
    view.autoscale_view()


def _step(source: CurrentElements) -> Array:
    """How long to draw each element, m: half way to its neighbours on the same filament."""
    gaps = np.linalg.norm(np.diff(source.positions, axis=0), axis=1)
    step: Array = np.minimum(np.append(gaps, gaps[-1:]), np.insert(gaps, 0, gaps[0])) if len(gaps) else np.ones(1) * mm
    return step


def _draw_handle(view: Axes, coil: Coil) -> None:
    """An arrow along y, away from the handle, and where the handle is."""
    points = coil.outline if coil.casing is None else coil.casing.points
    bottom = float(points[:, 1].min() / mm) if len(points) else -30.0
    view.annotate(
        "handle", (0, bottom), (0, bottom - 32), ha="center", va="center", color=INK, fontsize=9,
        arrowprops={"arrowstyle": "-", "linewidth": 7, "color": HANDLE, "shrinkB": 0},
    )  # fmt: skip
    view.annotate("", (0, 22), (0, -22), arrowprops={"arrowstyle": "-|>", "linewidth": 1.6, "color": INK})
    view.annotate("y", (2, 20), color=INK, fontsize=10)
    view.set_ylim(bottom=bottom - 42)


def _draw_face(view: Axes) -> None:
    """The plane of the casing's face, z = 0, with z pointing down and room on both sides."""
    low, high = sorted(view.get_ylim())
    view.set_ylim(max(high + 8, 28.0), min(low - 8, -38.0))
    view.axhline(0, color=INK, linewidth=1.0, linestyle=(0, (6, 3)))
    view.annotate(
        "casing face, z = 0",
        (0.99, 0),
        (0, -3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=8,
        color=INK,
    )


def _summary(coil: Coil) -> str:
    parts = []
    if coil.winding_depth is not None:
        parts.append(f"winding {coil.winding_depth / mm:.1f} mm behind the face")
    if coil.maximum_di_dt is not None:
        parts.append(f"peak {coil.maximum_di_dt / 1e6:.1f} A/µs on {coil.stimulator or 'an unnamed stimulator'}")
    count = sum(len(source.positions) for source in coil.sources())
    parts.append(f"{count:,} elements" if count else "winding estimated from samples")
    return " · ".join(parts)
