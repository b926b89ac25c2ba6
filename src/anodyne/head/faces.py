"""The faces of tetrahedra: which two share one, and which make a surface."""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from anodyne.head.arrays import FloatArray, IndexArray

FACES = np.array([[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]], dtype=np.int32)
"""Corners of the face opposite each corner, counter-clockwise from outside a right-handed tetrahedron."""


def neighbouring_tetrahedra(tetrahedra: IndexArray, n_nodes: int) -> IndexArray:
    """(n_tetrahedra, 4) the tetrahedron across the face opposite each corner, -1 where there is none.

    Faces are sorted into one bucket per lowest node, then paired within each bucket. Where more than
    two tetrahedra share a face (no proper mesh has that) the first two in order become neighbours.
    """
    neighbours = np.full((len(tetrahedra), 4), -1, dtype=np.int32)
    start, order = _buckets(tetrahedra, n_nodes)
    _pair_faces(tetrahedra, start, order, neighbours)
    return neighbours


@njit(cache=True)
def _buckets(tetrahedra: IndexArray, n_nodes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Faces in the order of their lowest node, as ``order[start[node]:start[node + 1]]``."""
    start = np.zeros(n_nodes + 1, dtype=np.int64)
    for t in range(len(tetrahedra)):
        for face in range(4):
            start[_face_key(tetrahedra[t], face)[0] + 1] += 1
    start = np.cumsum(start)
    fill = start[:-1].copy()
    order = np.empty(4 * len(tetrahedra), dtype=np.int64)
    for t in range(len(tetrahedra)):
        for face in range(4):
            lowest = _face_key(tetrahedra[t], face)[0]
            order[fill[lowest]] = 4 * t + face
            fill[lowest] += 1
    return start, order


@njit(cache=True, parallel=True)
def _pair_faces(
    tetrahedra: IndexArray, start: NDArray[np.int64], order: NDArray[np.int64], neighbours: IndexArray
) -> None:
    for node in prange(len(start) - 1):
        for i in range(start[node], start[node + 1]):
            t, face = divmod(order[i], 4)
            if neighbours[t, face] >= 0:
                continue
            key = _face_key(tetrahedra[t], face)
            for j in range(i + 1, start[node + 1]):
                other, other_face = divmod(order[j], 4)
                if neighbours[other, other_face] < 0 and _face_key(tetrahedra[other], other_face) == key:
                    neighbours[t, face] = other
                    neighbours[other, other_face] = t
                    break


@njit(cache=True)
def _face_key(tetrahedron, face):  # type: ignore[no-untyped-def]
    """The three nodes of a face in ascending order."""
    a = tetrahedron[FACES[face, 0]]
    b = tetrahedron[FACES[face, 1]]
    c = tetrahedron[FACES[face, 2]]
    lowest = min(a, b, c)
    highest = max(a, b, c)
    return lowest, a + b + c - lowest - highest, highest


def faces_where(nodes: FloatArray, tetrahedra: IndexArray, wanted: NDArray[np.bool_]) -> IndexArray:
    """(k, 3) node indices of chosen faces, counter-clockwise seen from outside their tetrahedron.

    Parameters
    ----------
    wanted : (n_tetrahedra, 4) truth values, one for the face opposite each corner
    """
    owner, face = np.nonzero(wanted)
    corners = tetrahedra[owner]
    triangles = np.take_along_axis(corners, FACES[face], axis=1)
    first, second, third, opposite = (
        nodes[index] for index in (*triangles.T, np.take_along_axis(corners, face[:, None], axis=1)[:, 0])
    )
    inward = np.einsum("ij,ij->i", np.cross(second - first, third - first), opposite - first) > 0
    triangles[inward] = triangles[inward][:, ::-1]
    return triangles
