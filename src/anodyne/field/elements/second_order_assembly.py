"""Second-order finite elements: a bubble on every edge beside the hat function of every node.

The basis is hierarchical: ``4 u_i u_j`` on the edge between nodes i and j, u the hat functions (Zienkiewicz,
Gago & Kelly 1983, Comput Struct 16:53), so the first-order matrix stays the leading block. All integrals
over a tetrahedron of volume V are exact: ``integral(u_a) = V/4``, ``integral(u_a u_b) = V (1 + [a = b]) / 20``
(Eisenberg & Malvern 1973, Int J Numer Methods Eng 7:574). Edges are numbered as the entries of the
first-order matrix above its diagonal, row by row; an edge that carries no bubble has the number -1 in its
tetrahedra.
"""

from typing import Any

import numpy as np
from numba import njit, prange

from anodyne.field.elements.assembly import _conducted, _hat

EDGE_CORNERS = np.array([(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)], dtype=np.int64)
"""Which two corners of a tetrahedron each of its six edges joins."""


@njit(cache=True)
def edge_starts(indptr: Any, indices: Any) -> Any:
    """Number of the first edge of every node, (n_nodes + 1,): edges lead to nodes of higher number."""
    n_nodes = indptr.shape[0] - 1
    starts = np.zeros(n_nodes + 1, np.int64)
    for row in range(n_nodes):
        above = 0
        for j in range(indptr[row], indptr[row + 1]):
            if indices[j] > row:
                above += 1
        starts[row + 1] = starts[row] + above
    return starts


@njit(parallel=True, cache=True)
def edge_ends(indptr: Any, indices: Any, starts: Any) -> Any:
    """The two nodes of every edge, (n_edges, 2), the lower first."""
    ends = np.empty((starts[-1], 2), np.int32)
    for row in prange(indptr.shape[0] - 1):
        edge = starts[row]
        for j in range(indptr[row], indptr[row + 1]):
            if indices[j] > row:
                ends[edge, 0], ends[edge, 1] = row, indices[j]
                edge += 1
    return ends


@njit(parallel=True, cache=True)
def edges_of_tetrahedra(tetrahedra: Any, starts: Any, ends: Any) -> Any:
    """The six edges of every tetrahedron in the order of `EDGE_CORNERS`, (n_tetrahedra, 6)."""
    result = np.empty((tetrahedra.shape[0], 6), np.int32)
    for t in prange(tetrahedra.shape[0]):
        for e in range(6):
            one, other = tetrahedra[t, EDGE_CORNERS[e, 0]], tetrahedra[t, EDGE_CORNERS[e, 1]]
            low, high = min(one, other), max(one, other)
            result[t, e] = starts[low] + np.searchsorted(ends[starts[low] : starts[low + 1], 1], high)
    return result


def edges_within(tetrahedron_edges: Any, chosen: Any, n_edges: int) -> Any:
    """Edges that touch the chosen tetrahedra (bool array), and all tetrahedra's edges numbered among these, else -1."""
    touched = np.zeros(n_edges, np.bool_)
    touched[tetrahedron_edges[chosen].ravel()] = True
    number = np.cumsum(touched, dtype=np.int32) - np.int32(1)
    number[~touched] = -1
    return np.flatnonzero(touched), number[tetrahedron_edges]


@njit(cache=True)
def tetrahedra_about_edges(tetrahedron_edges: Any, n_edges: int) -> Any:
    """Tetrahedra about every edge, as ``members[offsets[edge]:offsets[edge + 1]]``."""
    offsets = np.zeros(n_edges + 1, np.int64)
    for t in range(tetrahedron_edges.shape[0]):
        for e in range(6):
            if tetrahedron_edges[t, e] >= 0:
                offsets[tetrahedron_edges[t, e] + 1] += 1
    for edge in range(n_edges):
        offsets[edge + 1] += offsets[edge]
    fill = offsets[:-1].copy()
    members = np.empty(offsets[-1], np.int32)
    for t in range(tetrahedron_edges.shape[0]):
        for e in range(6):
            edge = tetrahedron_edges[t, e]
            if edge >= 0:
                members[fill[edge]] = t
                fill[edge] += 1
    return offsets, members


@njit(parallel=True, cache=True)
def row_lengths(columns_of: Any, offsets: Any, members: Any) -> Any:
    """How many different unknowns the tetrahedra about each edge hold, (n_edges,)."""
    lengths = np.zeros(offsets.shape[0] - 1, np.int64)
    width = columns_of.shape[1]
    for edge in prange(lengths.shape[0]):
        first, last = offsets[edge], offsets[edge + 1]
        found = np.empty(width * (last - first), np.int32)
        for k in range(first, last):
            for c in range(width):
                found[width * (k - first) + c] = columns_of[members[k], c]
        found.sort()
        for k in range(found.shape[0]):
            if found[k] >= 0 and (k == 0 or found[k] != found[k - 1]):
                lengths[edge] += 1
    return lengths


@njit(cache=True)
def _fill_columns(columns_of: Any, members: Any, first: int, last: int, columns: Any) -> None:
    """The sorted, different unknowns of some tetrahedra, written into `columns`."""
    width = columns_of.shape[1]
    found = np.empty(width * (last - first), np.int32)
    for k in range(first, last):
        for c in range(width):
            found[width * (k - first) + c] = columns_of[members[k], c]
    found.sort()
    end = 0
    for k in range(found.shape[0]):
        if found[k] >= 0 and (k == 0 or found[k] != found[k - 1]):
            columns[end] = found[k]
            end += 1


@njit(cache=True)
def _gradients(nodes: Any, tetrahedra: Any, t: int, hats: Any) -> float:
    """Gradients of the four hat functions into `hats` (4, 3), 1/m; returns the volume, m^3."""
    volume = 0.0
    for c in range(4):
        gx, gy, gz, six = _hat(nodes, tetrahedra, t, c)
        hats[c, 0], hats[c, 1], hats[c, 2] = gx / six, gy / six, gz / six
        volume = abs(six) / 6
    return volume


@njit(cache=True)
def _own_edge(tetrahedron_edges: Any, t: int, edge: int) -> int:
    for e in range(5):
        if tetrahedron_edges[t, e] == edge:
            return e
    return 5


@njit(parallel=True, cache=True)
def edge_node_rows(
    nodes: Any, tetrahedra: Any, conductivity: Any, tetrahedron_edges: Any, offsets: Any, members: Any, indptr: Any
) -> Any:
    """Indices and data of ``integral(sigma grad(bubble) . grad(hat))``, a row for each edge."""
    indices = np.empty(indptr[-1], np.int32)
    data = np.zeros(indptr[-1], np.float64)
    for edge in prange(offsets.shape[0] - 1):
        begin, end = indptr[edge], indptr[edge + 1]
        _fill_columns(tetrahedra, members, offsets[edge], offsets[edge + 1], indices[begin:end])
        hats = np.empty((4, 3))
        for k in range(offsets[edge], offsets[edge + 1]):
            t = members[k]
            volume = _gradients(nodes, tetrahedra, t, hats)
            own = _own_edge(tetrahedron_edges, t, edge)
            i, j = EDGE_CORNERS[own, 0], EDGE_CORNERS[own, 1]
            fx, fy, fz = _conducted(
                conductivity, t, hats[i, 0] + hats[j, 0], hats[i, 1] + hats[j, 1], hats[i, 2] + hats[j, 2]
            )
            for c in range(4):
                column = begin + np.searchsorted(indices[begin:end], tetrahedra[t, c])
                data[column] += volume * (fx * hats[c, 0] + fy * hats[c, 1] + fz * hats[c, 2])
    return indices, data


@njit(parallel=True, cache=True)
def edge_edge_rows(
    nodes: Any, tetrahedra: Any, conductivity: Any, tetrahedron_edges: Any, offsets: Any, members: Any, indptr: Any
) -> Any:
    """Indices and data of ``integral(sigma grad(bubble) . grad(bubble))``, a row for each edge."""
    indices = np.empty(indptr[-1], np.int32)
    data = np.zeros(indptr[-1], np.float64)
    for edge in prange(offsets.shape[0] - 1):
        begin, end = indptr[edge], indptr[edge + 1]
        _fill_columns(tetrahedron_edges, members, offsets[edge], offsets[edge + 1], indices[begin:end])
        hats, flux = np.empty((4, 3)), np.empty((2, 3))
        for k in range(offsets[edge], offsets[edge + 1]):
            t = members[k]
            volume = _gradients(nodes, tetrahedra, t, hats)
            own = _own_edge(tetrahedron_edges, t, edge)
            ends = EDGE_CORNERS[own]
            for side in range(2):
                other = ends[1 - side]
                flux[side, 0], flux[side, 1], flux[side, 2] = _conducted(
                    conductivity, t, hats[other, 0], hats[other, 1], hats[other, 2]
                )
            for e in range(6):
                if tetrahedron_edges[t, e] < 0:
                    continue
                total = 0.0
                for side in range(2):
                    for far in range(2):
                        corner, away = EDGE_CORNERS[e, far], EDGE_CORNERS[e, 1 - far]
                        share = 2.0 if corner == ends[side] else 1.0
                        total += share * (
                            flux[side, 0] * hats[away, 0]
                            + flux[side, 1] * hats[away, 1]
                            + flux[side, 2] * hats[away, 2]
                        )
                column = begin + np.searchsorted(indices[begin:end], tetrahedron_edges[t, e])
                data[column] += 0.8 * volume * total
    return indices, data


@njit(parallel=True, cache=True)
def edge_load(
    nodes: Any, tetrahedra: Any, conductivity: Any, tetrahedron_edges: Any, offsets: Any, members: Any, primary: Any,
    bend: Any,
) -> Any:  # fmt: skip
    """``integral(sigma w . grad(bubble))`` for a quadratic vector w: (n_edges,) array.

    primary : (n_nodes, 3) w at the nodes; bend : (n_edges, 3) what w at the middle of an edge has above the mean
    of its ends. ``integral(u_a u_b u_c) = 6 V i! j! k! / (i + j + k + 3)!`` for repeated corners.
    """
    load = np.zeros(offsets.shape[0] - 1)
    for edge in prange(offsets.shape[0] - 1):
        hats, mean = np.empty((4, 3)), np.empty((2, 3))
        for k in range(offsets[edge], offsets[edge + 1]):
            t = members[k]
            volume = _gradients(nodes, tetrahedra, t, hats)
            own = _own_edge(tetrahedron_edges, t, edge)
            for side in range(2):
                _weighted(tetrahedra, tetrahedron_edges, t, EDGE_CORNERS[own, side], primary, bend, mean[side])
            i, j = EDGE_CORNERS[own, 0], EDGE_CORNERS[own, 1]
            fx, fy, fz = _conducted(conductivity, t, mean[0, 0], mean[0, 1], mean[0, 2])
            load[edge] += 4 * volume * (fx * hats[j, 0] + fy * hats[j, 1] + fz * hats[j, 2])
            fx, fy, fz = _conducted(conductivity, t, mean[1, 0], mean[1, 1], mean[1, 2])
            load[edge] += 4 * volume * (fx * hats[i, 0] + fy * hats[i, 1] + fz * hats[i, 2])
    return load


@njit(cache=True)
def _weighted(
    tetrahedra: Any, tetrahedron_edges: Any, t: int, corner: int, primary: Any, bend: Any, result: Any
) -> None:
    """Mean over a tetrahedron of ``u_corner w``, w quadratic, into `result`."""
    for axis in range(3):
        total = 0.0
        for c in range(4):
            total += (2.0 if c == corner else 1.0) / 20 * primary[tetrahedra[t, c], axis]
        for e in range(6):
            if tetrahedron_edges[t, e] < 0:
                continue
            touches = EDGE_CORNERS[e, 0] == corner or EDGE_CORNERS[e, 1] == corner
            # 4 mean(u_corner u_i u_j): 2/120 where the corner is an end of the edge, 1/120 where not
            total += (8.0 if touches else 4.0) / 120 * bend[tetrahedron_edges[t, e], axis]
        result[axis] = total


@njit(parallel=True, cache=True)
def corner_fields(
    nodes: Any, tetrahedra: Any, tetrahedron_edges: Any, potential: Any, bubbles: Any, primary: Any
) -> Any:
    """``w - grad(phi)`` at the corners of every tetrahedron as seen from within, (n_tetrahedra, 4, 3) array."""
    result = np.empty((tetrahedra.shape[0], 4, 3), np.float32)
    for t in prange(tetrahedra.shape[0]):
        hats, slope = np.empty((4, 3)), np.empty(3)
        _gradients(nodes, tetrahedra, t, hats)
        slope[:] = 0.0
        for c in range(4):
            for axis in range(3):
                slope[axis] += potential[tetrahedra[t, c]] * hats[c, axis]
        for c in range(4):
            for axis in range(3):
                value = primary[tetrahedra[t, c], axis] - slope[axis]
                for e in range(6):
                    if tetrahedron_edges[t, e] < 0:
                        continue
                    i, j = EDGE_CORNERS[e, 0], EDGE_CORNERS[e, 1]
                    if i == c:
                        value -= 4 * bubbles[tetrahedron_edges[t, e]] * hats[j, axis]
                    elif j == c:
                        value -= 4 * bubbles[tetrahedron_edges[t, e]] * hats[i, axis]
                result[t, c, axis] = value
    return result
