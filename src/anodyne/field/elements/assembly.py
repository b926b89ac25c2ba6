"""First-order finite elements: the stiffness matrix, its loads, and gradients, row by row.

The weak form of ``div(sigma (grad(phi) + dA/dt)) = 0`` with insulating outer boundary is: for every
hat function v, ``integral(sigma grad(phi) . grad(v)) = -integral(sigma dA/dt . grad(v))``
(Wang & Eisenberg 1994, IEEE Trans Biomed Eng 41:1015, for magnetic stimulation).
Rows are assembled in parallel, each node asking the tetrahedra about it, so no list of
16 entries per tetrahedron is ever held.
"""

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]
Indices = NDArray[np.int32]


@njit(cache=True)
def incidence(tetrahedra: Any, n_nodes: int) -> Any:
    """Tetrahedra about every node, as ``members[offsets[node]:offsets[node + 1]]``."""
    offsets = np.zeros(n_nodes + 1, np.int64)
    for t in range(tetrahedra.shape[0]):
        for c in range(4):
            offsets[tetrahedra[t, c] + 1] += 1
    for node in range(n_nodes):
        offsets[node + 1] += offsets[node]
    fill = offsets[:-1].copy()
    members = np.empty(4 * tetrahedra.shape[0], np.int32)
    for t in range(tetrahedra.shape[0]):
        for c in range(4):
            node = tetrahedra[t, c]
            members[fill[node]] = t
            fill[node] += 1
    return offsets, members


@njit(cache=True)
def _hat(nodes: Any, tetrahedra: Any, t: int, c: int) -> Any:
    """Gradient of the hat function of corner c of tetrahedron t times six signed volumes, and those volumes.

    It is the cross product of two edges of the opposite face, turned so that it points to the corner.
    """
    p = nodes[tetrahedra[t, c]]
    q = nodes[tetrahedra[t, (c + 1) & 3]]
    r = nodes[tetrahedra[t, (c + 2) & 3]]
    s = nodes[tetrahedra[t, (c + 3) & 3]]
    ux, uy, uz = r[0] - q[0], r[1] - q[1], r[2] - q[2]
    vx, vy, vz = s[0] - q[0], s[1] - q[1], s[2] - q[2]
    gx, gy, gz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    six = (p[0] - q[0]) * gx + (p[1] - q[1]) * gy + (p[2] - q[2]) * gz
    return gx, gy, gz, six


@njit(cache=True)
def _conducted(conductivity: Any, t: int, x: float, y: float, z: float) -> Any:
    """Conductivity of tetrahedron t, scalar or tensor, times a vector."""
    if conductivity.ndim == 1:
        s = conductivity[t]
        return s * x, s * y, s * z
    k = conductivity[t]
    return (
        k[0, 0] * x + k[0, 1] * y + k[0, 2] * z,
        k[1, 0] * x + k[1, 1] * y + k[1, 2] * z,
        k[2, 0] * x + k[2, 1] * y + k[2, 2] * z,
    )


@njit(cache=True)
def _corner_of(tetrahedra: Any, t: int, node: int) -> int:
    for c in range(3):
        if tetrahedra[t, c] == node:
            return c
    return 3


@njit(parallel=True, cache=True)
def _row_lengths(tetrahedra: Any, offsets: Any, members: Any) -> Any:
    n_nodes = offsets.shape[0] - 1
    lengths = np.zeros(n_nodes, np.int64)
    for node in prange(n_nodes):
        first, last = offsets[node], offsets[node + 1]
        neighbours = np.empty(4 * (last - first), np.int32)
        for k in range(first, last):
            for c in range(4):
                neighbours[4 * (k - first) + c] = tetrahedra[members[k], c]
        neighbours.sort()
        count = 0
        for k in range(neighbours.shape[0]):
            if k == 0 or neighbours[k] != neighbours[k - 1]:
                count += 1
        lengths[node] = count
    return lengths


@njit(parallel=True, cache=True)
def _fill_rows(nodes: Any, tetrahedra: Any, conductivity: Any, offsets: Any, members: Any, indptr: Any) -> Any:
    indices = np.empty(indptr[-1], np.int32)
    data = np.zeros(indptr[-1], np.float64)
    for node in prange(offsets.shape[0] - 1):
        first, last = offsets[node], offsets[node + 1]
        if first == last:
            continue
        neighbours = np.empty(4 * (last - first), np.int32)
        for k in range(first, last):
            for c in range(4):
                neighbours[4 * (k - first) + c] = tetrahedra[members[k], c]
        neighbours.sort()
        begin, end = indptr[node], indptr[node]
        for k in range(neighbours.shape[0]):
            if k == 0 or neighbours[k] != neighbours[k - 1]:
                indices[end] = neighbours[k]
                end += 1
        for k in range(first, last):
            t = members[k]
            gx, gy, gz, six = _hat(nodes, tetrahedra, t, _corner_of(tetrahedra, t, node))
            fx, fy, fz = _conducted(conductivity, t, gx, gy, gz)
            scale = 1 / (6 * abs(six))
            for c in range(4):
                hx, hy, hz, six_c = _hat(nodes, tetrahedra, t, c)
                turn = 1.0 if six_c * six > 0 else -1.0
                column = begin + np.searchsorted(indices[begin:end], tetrahedra[t, c])
                data[column] += turn * scale * (fx * hx + fy * hy + fz * hz)
    return indices, data


def stiffness_matrix(
    nodes: Floats, tetrahedra: Indices, conductivity: Floats, offsets: Any, members: Any
) -> csr_matrix:
    """The symmetric matrix of ``integral(sigma grad(v_i) . grad(v_j))``, S.

    Parameters
    ----------
    nodes : (n_nodes, 3) array, m
    tetrahedra : (n_tetrahedra, 4) array of node indices
    conductivity : (n_tetrahedra,) or, symmetric tensors, (n_tetrahedra, 3, 3) array, S/m
    offsets, members : as from `incidence`
    """
    indptr = np.concatenate([[0], np.cumsum(_row_lengths(tetrahedra, offsets, members))])
    indices, data = _fill_rows(nodes, tetrahedra, conductivity, offsets, members, indptr)
    kind = np.int32 if indptr[-1] < 2**31 else np.int64
    matrix = csr_matrix((data, indices, indptr.astype(kind)), shape=(len(nodes), len(nodes)))
    matrix.has_sorted_indices = True
    return matrix


@njit(parallel=True, cache=True)
def divergence_load(nodes: Any, tetrahedra: Any, conductivity: Any, offsets: Any, members: Any, vector: Any) -> Any:
    """``integral(sigma w . grad(v_i))`` for a vector w constant in each tetrahedron: (n_nodes,) array."""
    load = np.zeros(offsets.shape[0] - 1)
    for node in prange(offsets.shape[0] - 1):
        total = 0.0
        for k in range(offsets[node], offsets[node + 1]):
            t = members[k]
            gx, gy, gz, six = _hat(nodes, tetrahedra, t, _corner_of(tetrahedra, t, node))
            fx, fy, fz = _conducted(conductivity, t, vector[t, 0], vector[t, 1], vector[t, 2])
            sign = 1.0 if six > 0 else -1.0
            total += sign * (fx * gx + fy * gy + fz * gz) / 6
        load[node] = total
    return load


@njit(parallel=True, cache=True)
def gradient(nodes: Any, tetrahedra: Any, potential: Any) -> Any:
    """Gradient of a nodal potential, constant in each tetrahedron: (n_tetrahedra, 3) array."""
    result = np.empty((tetrahedra.shape[0], 3))
    for t in prange(tetrahedra.shape[0]):
        x = y = z = 0.0
        for c in range(4):
            gx, gy, gz, six = _hat(nodes, tetrahedra, t, c)
            value = potential[tetrahedra[t, c]] / six
            x += value * gx
            y += value * gy
            z += value * gz
        result[t, 0], result[t, 1], result[t, 2] = x, y, z
    return result


@njit(parallel=True, cache=True)
def corner_mean(tetrahedra: Any, nodal: Any) -> Any:
    """Mean of a nodal vector over the corners of each tetrahedron: (n_tetrahedra, 3) array."""
    result = np.empty((tetrahedra.shape[0], 3))
    for t in prange(tetrahedra.shape[0]):
        for axis in range(3):
            total = 0.0
            for c in range(4):
                total += nodal[tetrahedra[t, c], axis]
            result[t, axis] = total / 4
    return result


@njit(parallel=True, cache=True)
def conducted(conductivity: Any, vector: Any) -> Any:
    """Current density ``sigma w``, (n_tetrahedra, 3) array."""
    result = np.empty(vector.shape)
    for t in prange(vector.shape[0]):
        x, y, z = _conducted(conductivity, t, vector[t, 0], vector[t, 1], vector[t, 2])
        result[t, 0], result[t, 1], result[t, 2] = x, y, z
    return result
