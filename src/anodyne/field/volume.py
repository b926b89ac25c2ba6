"""The field on the voxels of an image."""

from typing import Any

import numpy as np
from numba import njit, prange

from anodyne.field.electric import ElectricField
from anodyne.head import Image
from anodyne.units import mm


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
def _weights(nodes: Any, corners: Any, x: float, y: float, z: float) -> Any:
    a, b, c, d = nodes[corners[0]], nodes[corners[1]], nodes[corners[2]], nodes[corners[3]]
    e1, e2, e3, p = b - a, c - a, d - a, np.array([x - a[0], y - a[1], z - a[2]])
    n1 = np.array([e2[1] * e3[2] - e2[2] * e3[1], e2[2] * e3[0] - e2[0] * e3[2], e2[0] * e3[1] - e2[1] * e3[0]])
    n2 = np.array([e3[1] * e1[2] - e3[2] * e1[1], e3[2] * e1[0] - e3[0] * e1[2], e3[0] * e1[1] - e3[1] * e1[0]])
    n3 = np.array([e1[1] * e2[2] - e1[2] * e2[1], e1[2] * e2[0] - e1[0] * e2[2], e1[0] * e2[1] - e1[1] * e2[0]])
    six = (e1 * n1).sum()
    w1, w2, w3 = (p * n1).sum() / six, (p * n2).sum() / six, (p * n3).sum() / six
    return 1 - w1 - w2 - w3, w1, w2, w3


@njit(cache=True)
def _rasterise(nodes: Any, tetrahedra: Any, holder: Any) -> None:
    """Write into each voxel the tetrahedron that holds its centre; nodes are in voxel coordinates."""
    shape = holder.shape
    for t in range(tetrahedra.shape[0]):
        low, high = np.empty(3, np.int64), np.empty(3, np.int64)
        for axis in range(3):
            smallest = largest = nodes[tetrahedra[t, 0], axis]
            for c in range(1, 4):
                value = nodes[tetrahedra[t, c], axis]
                smallest, largest = min(smallest, value), max(largest, value)
            low[axis] = max(0, int(np.ceil(smallest - 1e-9)))
            high[axis] = min(shape[axis] - 1, int(np.floor(largest + 1e-9)))
        for i in range(low[0], high[0] + 1):
            for j in range(low[1], high[1] + 1):
                for k in range(low[2], high[2] + 1):
                    w0, w1, w2, w3 = _weights(nodes, tetrahedra[t], i, j, k)
                    if min(min(w0, w1), min(w2, w3)) >= -1e-9:
                        holder[i, j, k] = t


@njit(parallel=True, cache=True)
def _barycentric(nodes: Any, tetrahedra: Any, holders: Any, points: Any) -> Any:
    result = np.empty((holders.shape[0], 4))
    for i in prange(holders.shape[0]):
        w0, w1, w2, w3 = _weights(nodes, tetrahedra[holders[i]], points[i, 0], points[i, 1], points[i, 2])
        result[i, 0], result[i, 1], result[i, 2], result[i, 3] = w0, w1, w2, w3
    return result
