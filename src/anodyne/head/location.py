"""Finding the tetrahedron that holds a point."""

from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from anodyne.head.arrays import FloatArray, IndexArray

TOLERANCE = 1e-9
"""How far, in barycentric coordinates, a point may lie outside a face and still count as inside."""

_CELLS_PER_TETRAHEDRON = 0.1  # measured on 4 million tetrahedra: seven list entries each; time is flat around it


@dataclass(frozen=True, kw_only=True, eq=False)
class Bins:
    """Tetrahedra sorted into the cells of a regular grid that their boxes touch.

    Parameters
    ----------
    corner : (3,) lowest corner of the grid, m
    cell : edge length of a cell, m
    shape : number of cells along each axis
    start : (n_cells + 1,) where each cell's list begins in `members`
    members : tetrahedron indices, ascending within each cell
    """

    corner: FloatArray
    cell: float
    shape: tuple[int, int, int]
    start: NDArray[np.int64]
    members: IndexArray

    @classmethod
    def of(cls, nodes: FloatArray, tetrahedra: IndexArray) -> "Bins":
        """The bins of a mesh, about as many as it has tetrahedra."""
        used = nodes[np.unique(tetrahedra)]
        lowest, highest = used.min(axis=0), used.max(axis=0)
        extent = np.maximum(highest - lowest, (highest - lowest).max() * 1e-3)
        cell = float((extent.prod() / (_CELLS_PER_TETRAHEDRON * len(tetrahedra))) ** (1 / 3))
        shape = tuple(int(n) + 1 for n in np.ceil(extent / cell))
        start, members = _sorted_into_cells(nodes, tetrahedra, lowest, cell, shape)
        return cls(corner=lowest, cell=cell, shape=(shape[0], shape[1], shape[2]), start=start, members=members)

    def locate(self, points: FloatArray, nodes: FloatArray, tetrahedra: IndexArray) -> tuple[IndexArray, FloatArray]:
        """(n,) tetrahedron that holds each point, -1 where none does, and (n, 4) barycentric coordinates."""
        holder = np.full(len(points), -1, dtype=np.int32)
        weights = np.zeros((len(points), 4))
        cells = np.floor((points - self.corner) / self.cell)
        cells[cells == -1] = 0  # on the lowest face, to rounding
        inside = np.flatnonzero(np.all((cells >= 0) & (cells < self.shape), axis=1))
        place = np.ravel_multi_index(tuple(cells[inside].T.astype(np.int64)), self.shape)
        order = np.argsort(place, kind="stable")  # neighbouring points look at the same tetrahedra
        queue = inside[order], place[order]
        _locate(points, queue, (self.start, self.members), (nodes, tetrahedra), (holder, weights))
        return holder, weights


@njit(cache=True)
def _cell_range(nodes, tetrahedron, corner, cell, shape, axis):  # type: ignore[no-untyped-def]
    a, b, c, d = tetrahedron
    low = min(nodes[a, axis], nodes[b, axis], nodes[c, axis], nodes[d, axis])
    high = max(nodes[a, axis], nodes[b, axis], nodes[c, axis], nodes[d, axis])
    slack = TOLERANCE * (high - low)
    first = int(np.floor((low - slack - corner[axis]) / cell))
    last = int(np.floor((high + slack - corner[axis]) / cell))
    return max(first, 0), min(last, shape[axis] - 1)


@njit(cache=True)
def _sorted_into_cells(nodes, tetrahedra, corner, cell, shape):  # type: ignore[no-untyped-def]
    start = np.zeros(shape[0] * shape[1] * shape[2] + 1, dtype=np.int64)
    for filling in range(2):
        if filling:
            start = np.cumsum(start)
            members = np.empty(start[-1], dtype=np.int32)
            free = start[:-1].copy()
        for t in range(len(tetrahedra)):
            i0, i1 = _cell_range(nodes, tetrahedra[t], corner, cell, shape, 0)
            j0, j1 = _cell_range(nodes, tetrahedra[t], corner, cell, shape, 1)
            k0, k1 = _cell_range(nodes, tetrahedra[t], corner, cell, shape, 2)
            for i in range(i0, i1 + 1):
                for j in range(j0, j1 + 1):
                    for k in range(k0, k1 + 1):
                        place = (i * shape[1] + j) * shape[2] + k
                        if filling:
                            members[free[place]] = t
                            free[place] += 1
                        else:
                            start[place + 1] += 1
    return start, members


@njit(cache=True, parallel=True)
def _locate(points, queue, lists, mesh, found):  # type: ignore[no-untyped-def]
    """Fill `found` (holder, weights) for the points that `queue` (point, cell) names."""
    (chosen, places), (start, members), (nodes, tetrahedra), (holder, weights) = queue, lists, mesh, found
    for n in prange(len(chosen)):
        p, place = chosen[n], places[n]
        best = -TOLERANCE
        for m in range(start[place], start[place + 1]):
            t = members[m]
            w = _barycentric(points[p], nodes, tetrahedra[t])
            least = min(w[0], w[1], w[2], w[3])
            if least >= best and (holder[p] < 0 or least > best):
                best = least
                holder[p] = t
                weights[p, 0], weights[p, 1], weights[p, 2], weights[p, 3] = w
            if best >= 0:
                break


@njit(cache=True)
def _barycentric(point, nodes, tetrahedron):  # type: ignore[no-untyped-def]
    """Barycentric coordinates by Cramer's rule; NaN in a tetrahedron without volume."""
    a, b, c, d = tetrahedron
    ux, uy, uz = nodes[b, 0] - nodes[a, 0], nodes[b, 1] - nodes[a, 1], nodes[b, 2] - nodes[a, 2]
    vx, vy, vz = nodes[c, 0] - nodes[a, 0], nodes[c, 1] - nodes[a, 1], nodes[c, 2] - nodes[a, 2]
    wx, wy, wz = nodes[d, 0] - nodes[a, 0], nodes[d, 1] - nodes[a, 1], nodes[d, 2] - nodes[a, 2]
    px, py, pz = point[0] - nodes[a, 0], point[1] - nodes[a, 1], point[2] - nodes[a, 2]
    vwx, vwy, vwz = vy * wz - vz * wy, vz * wx - vx * wz, vx * wy - vy * wx
    pux, puy, puz = uy * pz - uz * py, uz * px - ux * pz, ux * py - uy * px
    determinant = ux * vwx + uy * vwy + uz * vwz
    second = (px * vwx + py * vwy + pz * vwz) / determinant
    third = (wx * pux + wy * puy + wz * puz) / determinant
    fourth = -(vx * pux + vy * puy + vz * puz) / determinant
    return 1 - second - third - fourth, second, third, fourth
