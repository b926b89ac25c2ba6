"""The field on the voxels of an image."""

from typing import Any

import numpy as np
from numba import njit, prange

from anodyne.field.electric import ElectricField
from anodyne.head import Image
from anodyne.units import mm

SLABS = 16


def field_image(field: ElectricField, like: Image | None = None, spacing: float = 1 * mm) -> Image:
    """\\|E\\| in V/m at the voxels of an image, float32, 0 outside the mesh.

    Parameters
    ----------
    like : the image whose grid is taken; without one, an axis-aligned grid about the mesh
    spacing : voxel edge of that grid, m
    """
    shape, affine = _grid_about(field, spacing) if like is None else (like.data.shape[:3], like.affine)
    mesh = field.mesh
    voxel_from_head = np.linalg.inv(affine)
    nodes = mesh.nodes @ voxel_from_head[:3, :3].T + voxel_from_head[:3, 3]
    recovered = field.recovered
    holder = np.full(shape, -1, np.int32)
    _rasterise(nodes, mesh.tetrahedra, holder)
    inside = np.argwhere(holder >= 0)
    data = np.zeros(shape, np.float32)
    tetrahedron = holder[holder >= 0]
    barycentric = _barycentric(nodes, mesh.tetrahedra, tetrahedron, inside.astype(float))
    data[holder >= 0] = np.linalg.norm(recovered.at(tetrahedron, barycentric), axis=1)
    return Image(data=data, affine=affine)


def _grid_about(field: ElectricField, spacing: float) -> tuple[tuple[int, int, int], Any]:
    lowest, highest = field.mesh.nodes.min(axis=0), field.mesh.nodes.max(axis=0)
    counts = np.ceil((highest - lowest) / spacing).astype(int) + 1
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = lowest
    return (int(counts[0]), int(counts[1]), int(counts[2])), affine


@njit(cache=True)
def _affine_weights(nodes: Any, corners: Any, weights: Any) -> None:
    """Barycentric coordinates as functions of position: rows (4,) of slope x, y, z and value at the origin."""
    for c in range(4):
        p, q = nodes[corners[c]], nodes[corners[(c + 1) & 3]]
        r, s = nodes[corners[(c + 2) & 3]], nodes[corners[(c + 3) & 3]]
        ux, uy, uz = r[0] - q[0], r[1] - q[1], r[2] - q[2]
        vx, vy, vz = s[0] - q[0], s[1] - q[1], s[2] - q[2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        six = (p[0] - q[0]) * nx + (p[1] - q[1]) * ny + (p[2] - q[2]) * nz
        weights[c, 0], weights[c, 1], weights[c, 2] = nx / six, ny / six, nz / six
        weights[c, 3] = -(q[0] * nx + q[1] * ny + q[2] * nz) / six


@njit(cache=True)
def _range(nodes: Any, corners: Any, axis: int, low: int, high: int) -> Any:
    """First and last voxel of a tetrahedron's box along an axis, within [low, high]."""
    smallest = largest = nodes[corners[0], axis]
    for c in range(1, 4):
        value = nodes[corners[c], axis]
        smallest, largest = min(smallest, value), max(largest, value)
    return max(low, int(np.ceil(smallest - 1e-9))), min(high, int(np.floor(largest + 1e-9)))


@njit(parallel=True, cache=True)
def _rasterise(nodes: Any, tetrahedra: Any, holder: Any) -> None:
    """Write into each voxel the last tetrahedron that holds its centre; nodes are in voxel coordinates.

    Slabs along the first axis are worked on side by side, so the result does not depend on who is first.
    """
    slab = (holder.shape[0] + SLABS - 1) // SLABS
    for part in prange(SLABS):
        weights = np.empty((4, 4))
        low, high = part * slab, min(holder.shape[0], (part + 1) * slab) - 1
        for t in range(tetrahedra.shape[0]):
            i0, i1 = _range(nodes, tetrahedra[t], 0, low, high)
            if i0 > i1:
                continue
            j0, j1 = _range(nodes, tetrahedra[t], 1, 0, holder.shape[1] - 1)
            k0, k1 = _range(nodes, tetrahedra[t], 2, 0, holder.shape[2] - 1)
            _affine_weights(nodes, tetrahedra[t], weights)
            for i in range(i0, i1 + 1):
                for j in range(j0, j1 + 1):
                    for k in range(k0, k1 + 1):
                        least = 1.0
                        for c in range(4):
                            value = weights[c, 0] * i + weights[c, 1] * j + weights[c, 2] * k + weights[c, 3]
                            least = min(least, value)
                        if least >= -1e-9:
                            holder[i, j, k] = t


@njit(parallel=True, cache=True)
def _barycentric(nodes: Any, tetrahedra: Any, holders: Any, points: Any) -> Any:
    result = np.empty((holders.shape[0], 4))
    for i in prange(holders.shape[0]):
        weights = np.empty((4, 4))
        _affine_weights(nodes, tetrahedra[holders[i]], weights)
        for c in range(4):
            result[i, c] = (
                weights[c, 0] * points[i, 0]
                + weights[c, 1] * points[i, 1]
                + weights[c, 2] * points[i, 2]
                + weights[c, 3]
            )
    return result
