"""Pictures of heads: slices with the mesh's outline, mesh quality, targets on the cortex."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from anodyne.files import replacing
from anodyne.head.head import Head
from anodyne.head.mesh import TetrahedralMesh
from anodyne.head.quality import radius_ratio, smallest_dihedral
from anodyne.head.surface import Surface
from anodyne.head.targets import TARGETS, place_target
from anodyne.head.tissues import Tissue, tissue_name
from anodyne.units import cm, degree, mm

COLOURS = {
    0: "#ffffff",
    int(Tissue.WHITE_MATTER): "#f4efe6",
    int(Tissue.GREY_MATTER): "#9a8f97",
    int(Tissue.CEREBROSPINAL_FLUID): "#4f9fcf",
    int(Tissue.BONE): "#e8c872",
    int(Tissue.SCALP): "#d9957a",
}
"""Tissue -> colour; told apart by lightness as well as by hue."""
OTHER_COLOUR = "#6d5a8c"
POINT = 0.65
"""How many millimetres of head a printer's point covers in `plot_cortex`, about."""
PLANES = {"sagittal": 0, "coronal": 1, "axial": 2}
_SIDES = {0: ("P", "A", "I", "S"), 1: ("L", "R", "I", "S"), 2: ("L", "R", "P", "A")}
TARGET_COLOURS = {"reached": "#b3261e", "deep": "#1d4e89"}


def plot_head_slice(head: Head, axis: int, position: float, ax: Axes | None = None) -> Axes:
    """The tissues in one plane, as coloured voxels under the outlines of the mesh's tissues.

    Parameters
    ----------
    axis : 0 sagittal, 1 coronal, 2 axial
    position : where the plane cuts that axis of head space, m
    """
    axes = ax if ax is not None else plt.subplots(figsize=(5, 5))[1]
    segments, tissue = _cut_elements(head.mesh, axis, position)
    for tag in np.unique(tissue):
        polygons = [segments[i] for i in np.flatnonzero(tissue == tag)]
        colour = COLOURS.get(int(tag), OTHER_COLOUR)
        axes.add_collection(_filled(polygons, colour))
    outline = _tissue_outlines(head.mesh, axis, position)
    axes.add_collection(LineCollection(list(outline / mm), colors="#33261f", linewidths=0.45, zorder=3))
    _dress_slice(axes, axis, position, head)
    return axes


def _filled(polygons: list[NDArray[np.float64]], colour: str) -> Any:
    from matplotlib.collections import PolyCollection

    return PolyCollection(
        [polygon / mm for polygon in polygons], facecolors=colour, edgecolors=colour, linewidths=0.3, zorder=1
    )


def _dress_slice(axes: Axes, axis: int, position: float, head: Head) -> None:
    left, right, low, high = _SIDES[axis]
    kept = [k for k in range(3) if k != axis]
    points = head.scalp.points[:, kept] / mm
    x0, y0 = points.min(axis=0) - np.array([9, 17])
    x1, y1 = points.max(axis=0) + 9
    axes.set(xlim=(x0, x1), ylim=(y0, y1), aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
    for text, x, y in (
        (left, x0 + 3, middle_y),
        (right, x1 - 3, middle_y),
        (low, middle_x, y0 + 3),
        (high, middle_x, y1 - 3),
    ):
        axes.text(x, y, text, ha="center", va="center", color="#777777", fontsize=9)
    name = {index: word for word, index in PLANES.items()}[axis]
    axes.set_title(f"{name}, {'xyz'[axis]} = {position / mm:.0f} mm", fontsize=10)
    axes.plot([x0 + 8, x0 + 58], [y0 + 6, y0 + 6], color="black", linewidth=2, solid_capstyle="butt")
    axes.text(x0 + 33, y0 + 8, "5 cm", ha="center", va="bottom", fontsize=8)


def _cut_elements(
    mesh: TetrahedralMesh, axis: int, position: float
) -> tuple[list[NDArray[np.float64]], NDArray[np.int32]]:
    """The polygons in which a plane cuts the tetrahedra, in the plane's two coordinates, and their tissue."""
    height = mesh.nodes[:, axis] - position
    above = height[mesh.tetrahedra] > 0
    cut = np.flatnonzero(above.any(axis=1) & ~above.all(axis=1))
    kept = [k for k in range(3) if k != axis]
    polygons = []
    for t in cut:
        nodes = mesh.tetrahedra[t]
        up, down = nodes[above[t]], nodes[~above[t]]
        pairs = [(a, b) for a in up for b in down]
        if len(pairs) == 4:
            pairs = [pairs[0], pairs[1], pairs[3], pairs[2]]
        a, b = np.array(pairs).T
        share = (height[a] / (height[a] - height[b]))[:, None]
        polygons.append((mesh.nodes[a] + share * (mesh.nodes[b] - mesh.nodes[a]))[:, kept])
    return polygons, mesh.tissue[cut]


def _tissue_outlines(mesh: TetrahedralMesh, axis: int, position: float) -> NDArray[np.float64]:
    """(n, 2, 2) the segments in which a plane cuts the faces between tissues and the outer boundary."""
    neighbours = mesh.neighbours
    other = np.where(neighbours >= 0, mesh.tissue[neighbours], 0)
    owner, face = np.nonzero(other < mesh.tissue[:, None])
    corners = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])[face]
    triangles = np.take_along_axis(mesh.tetrahedra[owner], corners, axis=1)
    return _cut_triangles(mesh.nodes, triangles, axis, position)


def _cut_triangles(
    points: NDArray[np.float64], triangles: NDArray[np.int32], axis: int, position: float
) -> NDArray[np.float64]:
    height = points[:, axis] - position
    above = height[triangles] > 0
    triangles, above = triangles[above.any(1) & ~above.all(1)], above[above.any(1) & ~above.all(1)]
    lone = np.where(above.sum(axis=1) == 1, above.argmax(axis=1), (~above).argmax(axis=1))
    rows = np.arange(len(triangles))
    ends = []
    for step in (1, 2):
        a, b = triangles[rows, lone], triangles[rows, (lone + step) % 3]
        share = (height[a] / (height[a] - height[b]))[:, None]
        ends.append(points[a] + share * (points[b] - points[a]))
    return np.stack(ends, axis=1)[:, :, [k for k in range(3) if k != axis]]


def plot_head_slices(
    head: Head, position: NDArray[np.float64] | None = None, axes: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Three planes through a point, the middle of the brain if none is named; see `plot_head_slice`.

    Parameters
    ----------
    position : (3,) array, head space, m
    axes : three matplotlib axes
    """
    drawn = axes if axes is not None else plt.subplots(1, 3, figsize=(15, 5.4))[1]
    point = position if position is not None else head.pial.points.mean(axis=0) + np.array([4, 0, 12]) * mm
    for axis in range(3):
        plot_head_slice(head, axis, float(point[axis]), drawn[axis])
    return drawn


def tissue_legend(head: Head) -> list[Patch]:
    """One patch of colour for each tissue of a head."""
    tags = [int(tag) for tag in np.unique(head.mesh.tissue)]
    return [Patch(facecolor=COLOURS.get(t, OTHER_COLOUR), edgecolor="#33261f", label=tissue_name(t)) for t in tags]


def plot_quality(mesh: TetrahedralMesh, ax: Axes | None = None) -> Axes:
    """Histogram of the elements' smallest dihedral angles, with what a regular tetrahedron has."""
    axes = ax if ax is not None else plt.subplots(figsize=(5, 3))[1]
    angle = smallest_dihedral(mesh.nodes, mesh.tetrahedra) / degree
    axes.hist(angle, bins=list(range(72)), color="#4f7f9f", log=True)
    axes.axvline(70.5, color="#33261f", linewidth=1, linestyle=":")
    axes.text(
        69.5, 0.97, "regular", rotation=90, ha="right", va="top", fontsize=8, transform=axes.get_xaxis_transform()
    )
    axes.set(xlabel="smallest dihedral angle (°)", ylabel="tetrahedra", xlim=(0, 72))
    ratio = radius_ratio(mesh.nodes, mesh.tetrahedra)
    axes.set_title(
        f"{len(mesh.tetrahedra) / 1e6:.2f} million tetrahedra; smallest angle {angle.min():.1f}°, "
        f"median radius ratio {np.median(ratio):.2f}",
        fontsize=10,
    )
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def plot_cortex(head: Head, view: str = "left", ax: Axes | None = None) -> Axes:
    """The pial surface seen from one side ("left", "right", "top", "front"), shaded, with the named targets.

    Targets on the far half are left out; those deeper than 3 cm are hollow, and left out from above and in front.
    """
    axes = ax if ax is not None else plt.subplots(figsize=(5, 4.5))[1]
    right, up, towards = _VIEWS[view]
    _draw_shaded(axes, head.pial, right, up, towards)
    if head.head_from_mni is not None:
        _draw_targets(axes, head, right, up, towards)
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_title(view, fontsize=10)
    return axes


_VIEWS = {
    "left": (np.array([0.0, -1, 0]), np.array([0.0, 0, 1]), np.array([-1.0, 0, 0])),
    "right": (np.array([0.0, 1, 0]), np.array([0.0, 0, 1]), np.array([1.0, 0, 0])),
    "top": (np.array([1.0, 0, 0]), np.array([0.0, 1, 0]), np.array([0.0, 0, 1])),
    "front": (np.array([-1.0, 0, 0]), np.array([0.0, 0, 1]), np.array([0.0, 1, 0])),
}


def _draw_shaded(
    axes: Axes, surface: Surface, right: NDArray[np.float64], up: NDArray[np.float64], towards: NDArray[np.float64]
) -> None:
    corners = surface.points[surface.triangles]
    light = towards + 0.5 * up - 0.35 * right
    light = light / np.linalg.norm(light)
    normals = surface.normals[surface.triangles].mean(axis=1)
    facing = normals @ towards > 0
    order = np.argsort(corners[facing].mean(axis=1) @ towards)
    shade = np.clip(0.25 + 0.75 * np.clip(normals[facing][order] @ light, 0, 1), 0, 1)
    flat = np.stack([corners @ right, corners @ up], axis=-1)[facing][order] / mm
    rgb = np.outer(shade, np.array([0.90, 0.82, 0.79]))
    collection = _filled([triangle * mm for triangle in flat], "#ffffff")
    collection.set(facecolors=rgb, edgecolors=rgb, linewidths=0.4)
    collection.set_rasterized(True)
    axes.add_collection(collection)
    axes.autoscale_view()


def _draw_targets(
    axes: Axes, head: Head, right: NDArray[np.float64], up: NDArray[np.float64], towards: NDArray[np.float64]
) -> None:
    middle = head.pial.points.mean(axis=0)
    taken: list[tuple[float, float, float]] = []
    for target in TARGETS.values():
        site = place_target(head, target)
        if (site.position - middle) @ towards < -2 * mm or (site.depth > 3 * cm and abs(towards[0]) < 1):
            continue
        x, y = float(site.position @ right) / mm, float(site.position @ up) / mm
        shallow = site.depth < 3 * cm
        colour = TARGET_COLOURS["reached" if shallow else "deep"]
        axes.plot(x, y, "o", markersize=5, color=colour, markerfacecolor=colour if shallow else "none", zorder=5)
        short = target.name.removeprefix("left-").removeprefix("right-")
        offset = _free_place(x, y, len(short), taken)
        axes.annotate(
            short, (x, y), offset, textcoords="offset points", fontsize=6.5, zorder=6, va="center",
            bbox={"facecolor": "white", "alpha": 0.6, "edgecolor": "none", "pad": 0.4},
        )  # fmt: skip


def _free_place(x: float, y: float, letters: int, taken: list[tuple[float, float, float]]) -> tuple[float, float]:
    """Where, in points from (x, y), a label of so many letters overlaps no label before it."""
    width = 3.2 * letters
    for turn in range(12):
        right = 5.0 if turn % 2 == 0 else -5.0 - width
        up = (0.0, 8.0, -8.0, 16.0, -16.0, 24.0)[turn // 2]
        left, height = x + POINT * right, y + POINT * up
        if all(
            abs(height - row) > 7.5 * POINT or left > end or left + POINT * width < start for start, end, row in taken
        ):
            break
    taken.append((left, left + POINT * width, height))
    return right, up


def plot_head(head: Head) -> Figure:
    """One page: three slices, the cortex with its targets from three sides, the mesh's quality."""
    figure = plt.figure(figsize=(13, 10.2), layout="constrained")
    rows = np.asarray(figure.subfigures(3, 1, height_ratios=[5, 4.2, 2.6]))
    slices = rows[0].subplots(1, 3)
    plot_head_slices(head, axes=slices)
    rows[0].legend(handles=tissue_legend(head), loc="outside lower center", ncols=6, frameon=False, fontsize=9)
    for axes, view in zip(rows[1].subplots(1, 3), ("left", "top", "right"), strict=True):
        plot_cortex(head, view, axes)
    plot_quality(head.mesh, rows[2].subplots())
    figure.suptitle(head.name, fontsize=13)
    return figure


def draw_head(head: Head, path: Path | str) -> None:
    """Write `plot_head` as a picture; the format goes by the path's ending.

    Raises
    ------
    CannotWrite : no permission, no space
    """
    figure = plot_head(head)
    try:
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=130)
    finally:
        plt.close(figure)
