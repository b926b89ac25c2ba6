"""The field on the cortex, for pictures and files."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anodyne.field import ElectricField
from anodyne.head import Surface, Tissue

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class SurfaceField:
    """E in the grey matter just beneath each point of a surface.

    Attributes
    ----------
    surface : the surface
    e_field : (n, 3) array, V/m
    """

    surface: Surface
    e_field: Floats

    @cached_property
    def magnitude(self) -> Floats:
        """(n,) array, V/m."""
        return np.asarray(np.linalg.norm(self.e_field, axis=1))

    @cached_property
    def normal_component(self) -> Floats:
        """(n,) array along the outward normal, V/m."""
        return np.asarray(np.einsum("ij,ij->i", self.e_field, self.surface.normals))


def field_on(surface: Surface, field: ElectricField) -> SurfaceField:
    """The grey matter's field at a surface's points."""
    return SurfaceField(surface=surface, e_field=field.on_surface(surface, Tissue.GREY_MATTER))


def thinned(surface: Surface, cell: float, values: ArrayLike) -> tuple[Surface, Floats]:
    """A coarser surface for display: points in the same cubic cell become their mean.

    Parameters
    ----------
    cell : edge of the cells, m
    values : (n,) numbers at the points, averaged with them

    Returns
    -------
    the surface, and (m,) values at its points
    """
    cells = np.floor((surface.points - surface.points.min(axis=0)) / cell).astype(np.int64)
    _, group = np.unique(cells, axis=0, return_inverse=True)
    group = group.ravel()
    count = np.bincount(group)
    columns = np.column_stack([surface.points, np.asarray(values, dtype=float)])
    means = np.stack([np.bincount(group, weights=column) / count for column in columns.T], axis=1)
    triangles = group[surface.triangles]
    whole = (
        (triangles[:, 0] != triangles[:, 1])
        & (triangles[:, 1] != triangles[:, 2])
        & (triangles[:, 2] != triangles[:, 0])
    )
    _, first = np.unique(np.sort(triangles[whole], axis=1), axis=0, return_index=True)
    kept = triangles[whole][np.sort(first)]
    if len(kept) == 0:
        raise ValueError(f"no triangle is left of the surface with cells of {cell} m")
    used, renumbered = np.unique(kept, return_inverse=True)
    coarse = Surface(points=means[used, :3], triangles=renumbered.reshape(-1, 3).astype(np.int32))
    return coarse, means[used, 3]
