"""Drawings of a plan: the cortex, slices, the coil on the scalp, depth, and the regions of pain."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from anodyne.coil import Coil, CurrentElements, Pose
from anodyne.disclaimer import DISCLAIMER
from anodyne.head import Surface, Tissue, tissue_name
from anodyne.plan.arrays.model import CoilArray
from anodyne.plan.arrays.steering import PATCH_RADIUS, ArrayFields, Steered
from anodyne.plan.plan import DepthProfile, FieldSummary, RegionField
from anodyne.plan.report.cortex import SurfaceField
from anodyne.plan.report.rendering import Frame, Seen, View, averaged, look, shaded
from anodyne.plan.report.slices import Slice
from anodyne.plan.report.words import significant
from anodyne.units import mm, us

Floats = NDArray[np.float64]

INK, GREY, PALE, ACCENT, COPPER = "#1f2933", "#6b7280", "#e4e7eb", "#0f5e6e", "#b5651d"
SKIN = "#e3d3c4"
CASING = "#7fb3bf"
MARK = "#00a6b8"
"""The target's colour, told apart from every colour of the field's map."""

FIELD_COLOURS: Colormap = LinearSegmentedColormap.from_list(
    "field", plt.get_cmap("magma_r")(np.linspace(0.02, 0.82, 256))
)
"""Pale is weak, dark is strong: matplotlib's magma, perceptually uniform, reversed, without its black end."""

STEERING_COLOURS = "YlGnBu"
"""Of the energy that an aim takes; told apart from the colours of the field."""

TISSUE_COLOURS: Mapping[int, str] = {
    Tissue.WHITE_MATTER: "#f3efe6",
    Tissue.GREY_MATTER: "#d6cbbb",
    Tissue.CEREBROSPINAL_FLUID: "#cfe3ea",
    Tissue.BONE: "#f7edc8",
    Tissue.SCALP: "#efd9cd",
}


def colour_bar(axes: Axes | Sequence[Axes], highest: float) -> None:
    """A colour bar beside `axes` for \\|E\\| from 0 to `highest`, V/m."""
    mappable = ScalarMappable(norm=Normalize(0, highest), cmap=FIELD_COLOURS)
    first = axes if isinstance(axes, Axes) else axes[0]
    bar = first.figure.colorbar(mappable, ax=axes, extend="max", shrink=0.7, aspect=28, pad=0.02)
    bar.set_label("|E| (V/m)")
    bar.outline.set_visible(False)


def plot_cortex(
    cortex: SurfaceField,
    view: View,
    ax: Axes | None = None,
    *,
    highest: float | None = None,
    target: Floats | None = None,
) -> Axes:
    """The brain from one side, coloured by \\|E\\|.

    Parameters
    ----------
    cortex : surface and field
    view : from where
    highest : \\|E\\| of the colour map's end, V/m; by default the highest on the surface
    target : (3,) m, marked with a ring: full where it is in sight, dashed where it lies behind
    """
    ax = ax if ax is not None else plt.subplots(figsize=(4.6, 4), layout="constrained")[1]
    surface = cortex.surface
    frame = Frame.around(view, surface.points, pixel=0.3 * mm)
    seen = look(frame, surface.points, surface.triangles, surface.normals, cortex.magnitude)
    limit = float(cortex.magnitude.max()) if highest is None else highest
    colours = FIELD_COLOURS(np.clip(seen.values / limit, 0, 1))[..., :3]
    ax.imshow(averaged(shaded(seen, colours)), extent=frame.extent_mm, interpolation="lanczos")
    if target is not None:
        _mark_target(ax, view, seen, target)
    _dress_view(ax, view)
    return ax


def _dress_view(ax: Axes, view: View) -> None:
    """Sides, a scale bar and a title, in place of axes."""
    _write_sides(ax, view.letters())
    _draw_scale(ax)
    ax.set_title(view.label, fontsize=10, color=INK)
    ax.set(xticks=[], yticks=[], xlabel="mm", ylabel="mm")
    ax.xaxis.label.set_visible(False)
    ax.yaxis.label.set_visible(False)
    ax.spines[:].set_visible(False)
    ax.set_aspect("equal")


def _mark_target(ax: Axes, view: View, seen: Seen, target: Floats) -> None:
    x, y, _ = view.of(target) / mm
    in_sight = bool(seen.shows(target[None], slack=12 * mm)[0])
    style = "-" if in_sight else (0, (1.5, 1.5))
    ring = ax.scatter(x, y, s=90, facecolors="none", edgecolors=MARK, linewidths=1.8, linestyles=[style], zorder=5)
    ring.set_path_effects([withStroke(linewidth=3.4, foreground="white")])


def _write_sides(ax: Axes, letters: Sequence[str | None], colour: str = GREY) -> None:
    places = ((0.025, 0.5), (0.975, 0.5), (0.5, 0.025), (0.5, 0.975))
    for letter, (x, y) in zip(letters, places, strict=True):
        if letter is not None:
            text = ax.text(x, y, letter, transform=ax.transAxes, ha="center", va="center", zorder=6)
            text.set(fontsize=9, fontweight="bold", color=colour)
            text.set_path_effects([withStroke(linewidth=2, foreground="white")])


def _draw_scale(ax: Axes, length_mm: float = 50.0) -> None:
    left, right = ax.get_xlim()
    bottom, top = ax.get_ylim()
    x, y = left + 0.02 * (right - left), bottom + 0.035 * (top - bottom)
    ax.plot([x, x + length_mm], [y, y], color=INK, linewidth=2, solid_capstyle="butt", zorder=6)
    note = ax.text(x, y + 0.015 * (top - bottom), f"{length_mm:.0f} mm", fontsize=8, color=INK, va="bottom", zorder=6)
    note.set_path_effects([withStroke(linewidth=2, foreground="white")])


def plot_slice(
    cut: Slice, ax: Axes | None = None, *, highest: float | None = None, close_up: float | None = None
) -> Axes:
    """One slice: the T1 (or tissues) beneath, \\|E\\| in the brain over it, outlines, the target, the casing.

    Parameters
    ----------
    highest : \\|E\\| of the colour map's end, V/m; by default the highest in the slice's brain
    close_up : show only so far about the target, m
    """
    ax = ax if ax is not None else plt.subplots(figsize=(4.2, 4.6), layout="constrained")[1]
    shown: dict[str, Any] = {"origin": "lower", "extent": cut.extent_mm, "interpolation": "bilinear"}
    ax.imshow(_ground(cut), **shown)
    brain = cut.brain_magnitude
    limit = highest if highest is not None else float(np.nanmax(brain, initial=1e-12))
    strength = np.clip(np.nan_to_num(brain) / limit, 0, 1)
    overlay = FIELD_COLOURS(strength)
    overlay[..., 3] = np.where(np.isnan(brain), 0, 0.95 * np.clip(1.35 * strength**0.7, 0, 1))
    ax.imshow(overlay, **shown)
    _draw_outlines(ax, cut)
    right, up, axis = cut.plane.across
    x, y = cut.point[right] / mm, cut.point[up] / mm
    for line in (ax.axvline, ax.axhline):
        line(x if line == ax.axvline else y, color=MARK, linewidth=0.7, alpha=0.9)
    ax.scatter(x, y, s=46, facecolors="none", edgecolors=MARK, linewidths=1.5, zorder=5)
    ax.add_collection(LineCollection(list(cut.casing / mm), colors=ACCENT, linewidths=1.8, zorder=6))
    names = ("x, to the patient's right (mm)", "y, to the front (mm)", "z, upwards (mm)")
    ax.set(xlabel=names[right], ylabel=names[up], xlim=cut.extent_mm[:2], ylim=cut.extent_mm[2:])
    ax.set_title(f"{cut.plane.value}, {'xyz'[axis]} = {_signed(cut.point[axis] / mm)} mm", fontsize=10, color=INK)
    if close_up is not None:
        ax.set(xlim=(x - close_up / mm, x + close_up / mm), ylim=(y - close_up / mm, y + close_up / mm))
    _write_sides(ax, cut.plane.letters)
    _draw_scale(ax, 50 if close_up is None else 10)
    _quiet_axes(ax)
    ax.set_aspect("equal")
    return ax


def _signed(value: float) -> str:
    return f"{value:.0f}".replace("-", "−")


def _ground(cut: Slice) -> Floats:
    """What lies beneath the field: a light T1, and the tissues in pale colours where it shows nothing."""
    picture = np.ones((*cut.tissue.shape, 3))
    for tag in np.unique(cut.tissue[cut.tissue > 0]):
        picture[cut.tissue == tag] = to_rgb(TISSUE_COLOURS.get(int(tag), "#dddddd"))
    if cut.underlay is None:
        return picture
    covered = gaussian_filter(((cut.tissue > 0) & (cut.underlay > 0.004)).astype(float), 1.0)[..., None]
    return np.asarray(covered * (0.15 + 0.85 * cut.underlay[..., None]) + (1 - covered) * picture)


def _draw_outlines(ax: Axes, cut: Slice) -> None:
    """Lines round scalp, skull, fluid, grey and white matter."""
    order = (Tissue.SCALP, Tissue.BONE, Tissue.CEREBROSPINAL_FLUID, Tissue.GREY_MATTER, Tissue.WHITE_MATTER)
    columns = np.linspace(cut.low[0], cut.high[0], 2 * cut.tissue.shape[1] + 1)[1::2] / mm
    rows = np.linspace(cut.low[1], cut.high[1], 2 * cut.tissue.shape[0] + 1)[1::2] / mm
    inside = cut.tissue > 0
    for tissue in order:
        if np.any(cut.tissue == tissue) and inside.any() and not inside.all():
            ax.contour(
                columns,
                rows,
                gaussian_filter(inside.astype(float), 0.8),
                levels=[0.5],
                colors=INK,
                linewidths=0.5,
                alpha=0.65,
            )
        inside = inside & (cut.tissue != tissue)


def _quiet_axes(ax: Axes) -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(GREY)
    ax.tick_params(labelsize=8, color=GREY, labelcolor=GREY)
    ax.xaxis.label.set(size=9, color=INK)
    ax.yaxis.label.set(size=9, color=INK)


def plot_coil_on_scalp(
    scalp: Surface, coil: Coil, pose: Pose, view: View, ax: Axes | None = None, *, target: Floats | None = None
) -> Axes:
    """The coil on the head from one side: casing, winding, handle and where its centre faces the scalp.

    Parameters
    ----------
    target : (3,) m, marked with a dashed ring, since it lies beneath the scalp
    """
    ax = ax if ax is not None else plt.subplots(figsize=(4.6, 4.6), layout="constrained")[1]
    handle = pose.to_head(handle_line(coil))
    body = pose.to_head(coil.outline if coil.casing is None else coil.casing.points)
    frame = Frame.around(view, np.concatenate([scalp.points, body, handle]), pixel=0.45 * mm)
    head = look(frame, scalp.points, scalp.triangles, scalp.normals)
    ax.imshow(averaged(shaded(head, np.array(to_rgb(SKIN)))), extent=frame.extent_mm, interpolation="lanczos")
    _draw_handle(ax, view, head, handle)
    if coil.casing is not None:
        shell = Surface(points=body, triangles=coil.casing.triangles)
        case = look(frame, body, shell.triangles, shell.normals)
        picture = shaded(case, np.array(to_rgb(CASING)), opacity=0.5)
        picture[..., 3] *= case.height >= head.height
        ax.imshow(averaged(picture), extent=frame.extent_mm, interpolation="lanczos", zorder=2)
    pieces = winding_pieces(coil)
    ends = pose.to_head(pieces.reshape(-1, 3))
    visible = head.shows(ends).reshape(-1, 2).all(axis=1)
    lines = (view.of(ends)[:, :2] / mm).reshape(-1, 2, 2)[visible]
    ax.add_collection(LineCollection(list(lines), colors=COPPER, linewidths=0.5, alpha=0.7, zorder=3))
    _draw_axis(ax, view, pose, target)
    _dress_view(ax, view)
    return ax


def handle_line(coil: Coil) -> Floats:
    """(2, 3) where a straight handle of 8 cm begins and ends, coil frame, m; for drawings only."""
    points = coil.outline if coil.casing is None else coil.casing.points
    edge, middle = float(points[:, 1].min()), float((points[:, 2].min() + points[:, 2].max()) / 2)
    return np.array([[0.0, edge + 4 * mm, middle], [0.0, edge - 80 * mm, middle]])


def winding_pieces(coil: Coil) -> Floats:
    """(n, 2, 3) ends of short pieces along the winding, coil frame, m.

    Dipoles become short strokes along x, and so does the estimated shadow of a winding known by samples only.
    """
    if not coil.sources():
        stroke = np.array([1 * mm, 0.0, 0.0])
        return np.stack([coil.outline - stroke, coil.outline + stroke], axis=1)
    parts = []
    for source in coil.sources():
        along = np.tile([1.0, 0.0, 0.0], (len(source.positions), 1))
        length = np.full(len(along), 0.6 * mm)
        if isinstance(source, CurrentElements) and len(along) > 1:
            size = np.linalg.norm(source.vectors, axis=1)
            along = source.vectors / np.where(size > 0, size, 1)[:, None]
            gaps = np.linalg.norm(np.diff(source.positions, axis=0), axis=1)
            length = np.minimum(np.append(gaps, gaps[-1]), np.insert(gaps, 0, gaps[0]))
        half = 0.5 * length[:, None] * along
        parts.append(np.stack([source.positions - half, source.positions + half], axis=1))
    return np.concatenate(parts)


def _draw_handle(ax: Axes, view: View, head: Seen, handle: Floats) -> None:
    along = handle[0] + np.linspace(0, 1, 60)[:, None] * (handle[1] - handle[0])
    visible = head.shows(along)
    line = np.where(visible[:, None], view.of(along)[:, :2] / mm, np.nan)
    ax.plot(*line.T, color=GREY, linewidth=6, solid_capstyle="round", zorder=1.5)
    if visible[-1]:
        note = ax.annotate("handle", line[-1], (0, -11), textcoords="offset points", ha="center", va="top", zorder=6)
        note.set(fontsize=8.5, color=INK, path_effects=[withStroke(linewidth=2.5, foreground="white")])


def _draw_axis(ax: Axes, view: View, pose: Pose, target: Floats | None) -> None:
    """The casing's centre, and from there a line to the target."""
    centre = view.of(pose.position) / mm
    ax.scatter(centre[0], centre[1], s=26, color=INK, edgecolors="white", linewidths=0.8, zorder=6)
    if target is not None:
        goal = view.of(target) / mm
        ax.plot([centre[0], goal[0]], [centre[1], goal[1]], color=MARK, linewidth=1.2, zorder=5)
        ax.scatter(goal[0], goal[1], s=70, facecolors="none", edgecolors=MARK, linewidths=1.7, zorder=5)


def plot_depth(profile: DepthProfile, ax: Axes | None = None) -> Axes:
    """\\|E\\| from the scalp under the coil through the target, over the tissues it passes."""
    ax = ax if ax is not None else plt.subplots(figsize=(8, 3.6), layout="constrained")[1]
    depth = profile.depth / mm
    changes = np.flatnonzero(np.diff(profile.tissue)) + 1
    edges = np.concatenate([[depth[0]], (depth[changes - 1] + depth[changes]) / 2, [depth[-1]]])
    tags = profile.tissue[np.concatenate([[0], changes])] if len(depth) else []
    for start, end, tag in zip(edges[:-1], edges[1:], tags, strict=True):
        ax.axvspan(start, end, color=TISSUE_COLOURS.get(int(tag), "#dddddd"), linewidth=0)
    line = profile.magnitude.copy()
    ax.plot(depth, line, color=ACCENT, linewidth=2.2)
    ax.axvline(profile.target_depth / mm, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    note = ax.annotate("target", (profile.target_depth / mm, 0.97), (5, 0), ("data", "axes fraction"), "offset points")
    note.set(va="top", fontsize=9, color=INK)
    ax.set(xlabel="depth below the scalp, on the line through the target (mm)", ylabel="|E| (V/m)")
    ax.set(xlim=(depth[0], depth[-1]), ylim=(0, None))
    present = list(dict.fromkeys(int(tag) for tag in tags))
    patches = [
        Patch(facecolor=TISSUE_COLOURS.get(tag, "#dddddd"), edgecolor=GREY, linewidth=0.4, label=tissue_name(tag))
        for tag in present
    ]
    ax.legend(
        handles=patches, ncols=len(patches), loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False, fontsize=8.5
    )
    _quiet_axes(ax)
    return ax


def plot_regions(field: FieldSummary, ax: Axes | None = None) -> Axes:
    """\\|E\\| in every named target relative to that at the plan's own, strongest first."""
    ordered: list[RegionField] = sorted(field.regions, key=lambda region: region.share_of_target)
    if ax is None:
        ax = plt.subplots(figsize=(8, 0.8 + 0.22 * len(ordered)), layout="constrained")[1]
    places = np.arange(len(ordered))
    shares = np.array([100 * region.share_of_target for region in ordered])
    own = [region.site.target.name == field.target.site.target.name for region in ordered]
    ax.barh(places, shares, height=0.62, color=[ACCENT if mine else "#9fbfc7" for mine in own], zorder=2)
    for place, (region, share) in enumerate(zip(ordered, shares, strict=True)):
        text = f"{share:.0f} %  ({significant(region.magnitude)} V/m)"
        ax.text(share + 1, place, text, va="center", fontsize=7.5, color=INK)
    ax.set_yticks(places, [region.site.target.label for region in ordered])
    ax.set(xlabel="mean |E| relative to the target (%)", xlim=(0, 1.2 * max(100.0, shares.max())))
    ax.set_ylim(-0.7, len(ordered) - 0.3)
    ax.grid(axis="x", color=PALE, zorder=0)
    _quiet_axes(ax)
    ax.tick_params(axis="y", length=0, labelsize=8, labelcolor=INK)
    for label, mine in zip(ax.get_yticklabels(), own, strict=True):
        label.set_fontweight("bold" if mine else "normal")
    return ax


def plot_field_beneath(fields: ArrayFields, steered: Steered, ax: Axes | None = None, *, highest: float) -> Axes:
    """\\|E\\| on the cortex as seen from outside through the array, for one aim.

    A cross marks the aim, an arrow the direction of the field there, a dot the field's summit.

    Parameters
    ----------
    highest : of the colours' end, V/m
    """
    ax = ax if ax is not None else plt.subplots(figsize=(4, 4), layout="constrained")[1]
    if steered.rates is not None:
        magnitude = np.linalg.norm(np.tensordot(steered.rates, fields.e_field, axes=1), axis=1)
        across = fields.across / mm
        ax.hexbin(
            across[:, 0],
            across[:, 1],
            C=magnitude,
            reduce_C_function=np.max,
            gridsize=44,
            cmap=FIELD_COLOURS,
            vmin=0,
            vmax=highest,
            lw=0.2,
        )
    if steered.summit is not None:
        ax.plot(*_across(fields, steered.summit), "o", ms=7, mfc="white", mec="black", label="field's summit")
    aim = _across(fields, steered.aim)
    ax.plot(*aim, "x", ms=9, mew=2.2, color=MARK, label="aim and direction of E")
    if steered.e_field is not None:
        along = (fields.pose.rotation.T @ steered.e_field)[:2]
        tip = aim + 12 * along / np.linalg.norm(along)
        ax.annotate("", (tip[0], tip[1]), (aim[0], aim[1]), arrowprops={"arrowstyle": "-|>", "color": MARK, "lw": 2})
    ax.legend(loc="lower left", frameon=True, framealpha=0.85, fontsize=8)
    return _dressed(ax, fields, 0.8 * PATCH_RADIUS)


def plot_steering(
    fields: ArrayFields, array: CoilArray, steered: Sequence[Steered], ax: Axes | None = None, *, period: float
) -> Axes:
    """Every aim with a line to where the field's summit came to lie, coloured by the energy it takes.

    Parameters
    ----------
    period : of the current's oscillation, s: its peak is the rate times the period over 2 pi
    """
    ax = ax if ax is not None else plt.subplots(figsize=(4, 4), layout="constrained")[1]
    aims = np.array([_across(fields, one.aim) for one in steered])
    cost = np.array([_cost(array, one, period) for one in steered])
    reached = np.isfinite(cost)
    for one, aim in zip(steered, aims, strict=True):
        if one.summit is not None:
            summit = _across(fields, one.summit)
            ax.plot([aim[0], summit[0]], [aim[1], summit[1]], color="0.35", lw=1, zorder=1)
            ax.plot(*summit, "o", ms=3.5, color="0.15", zorder=4)
    if reached.any():
        x, y = aims[reached].T
        dots = ax.scatter(x, y, c=cost[reached], s=60, cmap=STEERING_COLOURS, ec="0.25", lw=0.6, zorder=3)
        bar = ax.figure.colorbar(dots, ax=ax, shrink=0.78, aspect=22, pad=0.02)
        bar.set_label("energy (J)" if array.inductance is not None else "sum of squared currents (kA²)")
        bar.outline.set_visible(False)
    if not reached.all():
        ax.plot(*aims[~reached].T, "x", color="#b3261e", ms=7, mew=1.6, zorder=3, label="not reached")
        ax.legend(loc="lower left", frameon=True, framealpha=0.85, fontsize=8)
    shown = [aims, *(_across(fields, one.summit)[None] for one in steered if one.summit is not None)]
    return _dressed(ax, fields, (np.abs(np.concatenate(shown)).max() + 4) * mm)


def steering_figure(
    fields: ArrayFields, array: CoilArray, steered: Sequence[Steered], *, period: float, title: str
) -> Figure:
    """The field for the first aim that was reached, for the furthest one, and all aims with their summits."""
    reached = [one for one in steered if one.rates is not None]
    figure, axes = plt.subplots(1, 3, figsize=(11.6, 4.3), layout="constrained", width_ratios=(1, 1, 1.1))
    highest = max((one.highest for one in reached), default=1.0)
    ends = (reached[0], max(reached, key=lambda one: float(np.linalg.norm(one.offset)))) if reached else ()
    for ax, one in zip(axes, ends, strict=False):
        plot_field_beneath(fields, one, ax, highest=highest)
        away = np.linalg.norm(one.offset) / mm
        ax.set_title("aim on the axis" if away < 0.5 else f"aim {away:.0f} mm off the axis", fontsize=10)
    if reached:
        mappable = ScalarMappable(norm=Normalize(0, highest), cmap=FIELD_COLOURS)
        bar = figure.colorbar(mappable, ax=list(axes[:2]), shrink=0.78, aspect=22, pad=0.01)
        bar.set_label("|E| (V/m)")
        bar.outline.set_visible(False)
    plot_steering(fields, array, steered, axes[2], period=period)
    mean_off = np.mean([one.off_aim for one in reached]) / mm if reached else np.nan
    apart = f": {mean_off:.1f} mm apart on average" if reached else ""
    axes[2].set_title(f"aims (large), summits (small)\n{len(reached)} of {len(steered)} reached{apart}", fontsize=10)
    figure.suptitle(f"{title}\nenergy at the peak of a current of {period / us:.0f} µs period", fontsize=10.5)
    figure.supxlabel(f"Seen from outside the head. {DISCLAIMER}", fontsize=8.5, color=GREY)
    return figure


def _across(fields: ArrayFields, point: Floats) -> Floats:
    """A point of the head in the array's own x and y, mm."""
    return np.asarray(fields.pose.to_coil(point[None])[0, :2] / mm)


def _cost(array: CoilArray, one: Steered, period: float) -> float:
    if one.rates is None:
        return float("nan")
    currents = one.rates * period / (2 * np.pi)
    energy = array.energy(currents)
    return float((currents**2).sum() / 1e6) if energy is None else energy


def _dressed(ax: Axes, fields: ArrayFields, reach: float) -> Axes:
    """Seen from outside, where z points away from the eye and y up, x points to the left."""
    limit = reach / mm
    ax.set(xlim=(limit, -limit), ylim=(-limit, limit), xlabel="x of the array (mm)", ylabel="y of the array (mm)")
    ax.set_aspect("equal")
    ax.spines[["top", "right"]].set_visible(False)
    rotation = fields.pose.rotation
    left, right, _, top = View.along("from outside", rotation[:, 2], rotation[:, 1]).letters()
    _write_sides(ax, (left, right, None, top))  # the legend lies at the bottom
    return ax
