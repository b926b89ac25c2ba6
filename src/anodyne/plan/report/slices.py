"""Plane cuts through a head: image, tissues, field, and where the coil is cut."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anodyne.coil import Coil, Pose
from anodyne.field import ElectricField
from anodyne.head import Head, Tissue
from anodyne.units import mm

Floats = NDArray[np.float64]

STEP = 0.75 * mm
"""Between samples of a slice."""

AROUND_BRAIN, CASING_BEYOND = 25 * mm, 30 * mm
"""How much of the head about the brain, and of the casing beyond that, a slice shows."""


class Plane(Enum):
    """An anatomical plane, shown as the patient would be seen in a neurological picture: left is left."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"

    @property
    def across(self) -> tuple[int, int, int]:
        """Axis of head space to the picture's right, axis upwards, axis that is cut."""
        return {Plane.AXIAL: (0, 1, 2), Plane.CORONAL: (0, 2, 1), Plane.SAGITTAL: (1, 2, 0)}[self]

    @property
    def letters(self) -> tuple[str, str, str, str]:
        """Sides at the picture's left, right, bottom and top."""
        right, up, _ = self.across
        return (*("LR", "PA", "IS")[right], *("LR", "PA", "IS")[up])


@dataclass(frozen=True, kw_only=True, eq=False)
class Slice:
    """What a plane shows of a head.

    Attributes
    ----------
    plane : which
    point : (3,) array the plane passes through, m
    low, high : (2,) arrays, corners of the picture, m
    underlay : (rows, columns) array, brightness of the T1 from 0 to 1; None without a T1
    tissue : (rows, columns) array of tissue tags, 0 outside; rows count upwards
    magnitude : (rows, columns) array of \\|E\\|, V/m, NaN outside the head
    casing : (k, 2, 2) array of line pieces where the coil's casing is cut, m
    """

    plane: Plane
    point: Floats
    low: Floats
    high: Floats
    underlay: Floats | None
    tissue: NDArray[np.int32]
    magnitude: Floats
    casing: Floats

    @property
    def extent_mm(self) -> tuple[float, float, float, float]:
        """Left, right, bottom, top in mm."""
        return self.low[0] / mm, self.high[0] / mm, self.low[1] / mm, self.high[1] / mm

    @property
    def brain_magnitude(self) -> Floats:
        """\\|E\\| in grey and white matter, V/m, NaN elsewhere."""
        brain = np.isin(self.tissue, (Tissue.GREY_MATTER, Tissue.WHITE_MATTER))
        return np.where(brain, self.magnitude, np.nan)


def slice_through(head: Head, field: ElectricField, point: ArrayLike, plane: Plane, casing: Floats) -> Slice:
    """The slice of a head and its field in one plane.

    Parameters
    ----------
    point : (3,) that the plane passes through, m
    casing : (k, 2, 2) from `casing_cut`
    """
    right, up, cut = plane.across
    low, high = _rectangle(head, casing, right, up)
    columns, rows = (np.arange(low[i] + STEP / 2, high[i], STEP) for i in (0, 1))
    grid = np.zeros((len(rows), len(columns), 3))
    grid[..., right], grid[..., up], grid[..., cut] = columns[None, :], rows[:, None], np.asarray(point)[cut]
    points, shape = grid.reshape(-1, 3), grid.shape[:2]
    holder, _ = head.mesh.locate(points)
    tissue = np.where(holder >= 0, head.mesh.tissue[holder], 0)
    magnitude = np.linalg.norm(field.at_points(points), axis=1)
    return Slice(
        plane=plane,
        point=np.asarray(point, dtype=float),
        low=np.array([columns[0], rows[0]]) - STEP / 2,
        high=np.array([columns[-1], rows[-1]]) + STEP / 2,
        underlay=None if head.t1 is None else _brightness(head, points).reshape(shape),
        tissue=tissue.reshape(shape).astype(np.int32),
        magnitude=magnitude.reshape(shape),
        casing=casing,
    )


def _rectangle(head: Head, casing: Floats, right: int, up: int) -> tuple[Floats, Floats]:
    """The part of a plane to show: the brain with its scalp, and the coil's casing near it."""
    mesh = head.mesh
    inner = np.isin(mesh.tissue, (Tissue.WHITE_MATTER, Tissue.GREY_MATTER, Tissue.CEREBROSPINAL_FLUID))
    brain = mesh.barycentres[inner][:, [right, up]] if inner.any() else mesh.nodes[:, [right, up]]
    whole = mesh.nodes[:, [right, up]]
    low = np.maximum(brain.min(axis=0) - AROUND_BRAIN, whole.min(axis=0))
    high = np.minimum(brain.max(axis=0) + AROUND_BRAIN, whole.max(axis=0))
    if len(casing):
        ends = casing.reshape(-1, 2)
        low = np.minimum(low, np.maximum(ends.min(axis=0), low - CASING_BEYOND))
        high = np.maximum(high, np.minimum(ends.max(axis=0), high + CASING_BEYOND))
    return low - 3 * mm, high + 3 * mm


def _brightness(head: Head, points: Floats) -> Floats:
    assert head.t1 is not None
    values = np.nan_to_num(head.t1.at(points, outside=0.0))
    data = head.t1.data
    bright = float(np.percentile(data[data > 0], 99.5)) if np.any(data > 0) else 1.0
    return np.asarray(np.clip(values / bright, 0, 1))


def casing_cut(coil: Coil, pose: Pose, point: ArrayLike, plane: Plane) -> Floats:
    """Where a plane cuts the coil's casing: (k, 2, 2) ends of line pieces in the plane, m."""
    if coil.casing is None:
        return np.empty((0, 2, 2))
    right, up, cut = plane.across
    placed = pose.to_head(coil.casing.points)
    height = placed[:, cut] - np.asarray(point, dtype=float)[cut]
    height = np.where(height == 0, 1e-12, height)  # a corner in the plane is counted on one side
    edges = coil.casing.triangles[:, [[0, 1], [1, 2], [2, 0]]]
    below, above = height[edges[..., 0]], height[edges[..., 1]]
    crossing = (below < 0) != (above < 0)
    chosen = edges[crossing.sum(axis=1) == 2][crossing[crossing.sum(axis=1) == 2]].reshape(-1, 2, 2)
    start, end = placed[chosen[..., 0]], placed[chosen[..., 1]]
    share = height[chosen[..., 0]] / (height[chosen[..., 0]] - height[chosen[..., 1]])
    met = start + share[..., None] * (end - start)
    return np.asarray(met[..., [right, up]])
