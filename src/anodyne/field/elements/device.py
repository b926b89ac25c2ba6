"""Full solutions on a graphics card, or wherever an array library computes.

A model made ready on the processor is carried over once: its matrices, its multigrid hierarchy and its geometry.
Every placement is then solved there from the coil's elements to E at the corners.
"""

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from anodyne.coil import Coil, Pose
from anodyne.field.carrying import carried, to_numpy
from anodyne.field.elements.device_cycle import DeviceSystem
from anodyne.field.elements.model import ElementModel
from anodyne.field.elements.multigrid import BlockSolution, conjugate_gradients
from anodyne.field.elements.row_sums import RowSums
from anodyne.field.elements.second_order_assembly import EDGE_CORNERS
from anodyne.field.primary.element_sums import CarriedCoils
from anodyne.field.primary.fields import VectorPotential

if TYPE_CHECKING:
    from anodyne.field.elements.finite import FiniteElementModel

TETRAHEDRA_AT_ONCE = 2**19
"""Whose loads and fields are computed in one piece: bounds the device's memory."""


class DeviceModel(ElementModel):
    """A finite-element model whose placements are solved by an array library on one of its devices.

    Parameters
    ----------
    model : made ready on the processor; its mesh, conductivities and tolerance are kept
    namespace : an array API namespace such as ``array_api_compat.torch`` or ``cupy``
    device : what that library calls a device; its default if None
    """

    def __init__(self, model: "FiniteElementModel", namespace: Any, device: Any = None) -> None:
        begin = perf_counter()
        self.mesh, self.conductivity, self.model = model.mesh, model.conductivity, model
        self._namespace, self._device = namespace, device
        parts = model.parts
        self._used = len(parts.used)
        smoother, blocks = parts.smoother, parts.blocks
        self._system = DeviceSystem(blocks, parts.multigrid, smoother, namespace, device)
        self._nodes = self._carried(self.mesh.nodes)
        self._tetrahedra = self._carried(self.mesh.tetrahedra.astype(np.int64))
        self._sigma = self._carried(model.conductivity)
        self._coils = CarriedCoils(self._nodes)
        self._to_nodes = self._gathering(self.mesh.tetrahedra, len(self.mesh.nodes), parts.used)
        self._place = self._carried(_places(parts.used, len(self.mesh.nodes)))
        self._edges: Any = None
        if parts.edges is not None and parts.ends is not None:
            count = len(parts.ends)
            self._ends = self._carried(parts.ends.astype(np.int64))
            self._edges = self._carried(np.where(parts.edges < 0, count, parts.edges).astype(np.int64))
            self._to_edges = self._gathering(parts.edges, count, np.arange(count))
        self.timings = {**model.timings, "carry": perf_counter() - begin}

    def _solution(self, primaries: Sequence[tuple[Any, Any]]) -> BlockSolution:
        xp, count = self._namespace, self._used
        right = xp.stack([self._load(*one) for one in primaries], axis=1)
        of_nodes = right[:count, :] - xp.mean(right[:count, :], axis=0, keepdims=True)
        right = xp.concat([of_nodes, right[count:, :]])
        return conjugate_gradients(self._system, right, self._system, self.model.tolerance)

    def _carried(self, array: NDArray[Any]) -> Any:
        return carried(array, self._namespace, self._device)

    def _gathering(self, columns: NDArray[Any], count: int, wanted: NDArray[Any]) -> RowSums:
        """Sums over all corners, or edges, of all tetrahedra that are the same unknown; -1 is none."""
        flat = columns.ravel()
        order = np.argsort(flat, kind="stable")[np.count_nonzero(flat < 0) :]
        starts = np.concatenate([[0], np.cumsum(np.bincount(flat[order], minlength=count))])
        ones = np.ones(len(order), np.float32)
        matrix = csr_matrix((ones, order, starts), shape=(count, flat.size))[wanted]
        return RowSums.of(matrix, self._namespace, self._device, np.float64)

    def _primary(self, coil: Coil, pose: Pose, di_dt: float) -> tuple[Any, Any]:
        """The primary field at the nodes, and what it has at the edges' middles above the mean of their ends."""
        at_nodes = self._primary_at(self._nodes, coil, pose, di_dt)
        if self._edges is None:
            return at_nodes, None
        xp = self._namespace
        first, last = (xp.take(self._nodes, self._ends[:, side], axis=0) for side in range(2))
        at_edges = self._primary_at((first + last) / 2, coil, pose, di_dt)
        ends = [xp.take(at_nodes, self._ends[:, side], axis=0) for side in range(2)]
        bend = at_edges - (ends[0] + ends[1]) / 2
        return at_nodes, xp.concat([bend, xp.zeros_like(bend[:1, :])])

    def _primary_at(self, points: Any, coil: Coil, pose: Pose, di_dt: float) -> Any:
        xp = self._namespace
        if coil.sources() and isinstance(self.model.primary, VectorPotential):
            rotation, origin = self._carried(pose.rotation), self._carried(pose.position[None])
            potential = self._coils[coil].vector_potential(xp.matmul(points - origin, rotation))
            return -di_dt * xp.matmul(potential, xp.matrix_transpose(rotation))
        return self._carried(self.model.primary.at(to_numpy(points), coil, pose, di_dt))

    def _blocks(self) -> Iterator[tuple[slice, Any, Any]]:
        """Tetrahedra piece by piece: which, the gradients of their hat functions (n, 4, 3), 1/m, and volumes, m^3."""
        xp = self._namespace
        for first in range(0, self._tetrahedra.shape[0], TETRAHEDRA_AT_ONCE):
            piece = slice(first, min(first + TETRAHEDRA_AT_ONCE, self._tetrahedra.shape[0]))
            corners = self._at_corners(self._nodes, piece)
            a, b, c = (corners[:, k, :] - corners[:, 0, :] for k in (1, 2, 3))
            normals = [xp.linalg.cross(b, c), xp.linalg.cross(c, a), xp.linalg.cross(a, b)]
            six = xp.sum(a * normals[0], axis=1)
            hats = [normal / six[:, None] for normal in normals]
            yield piece, xp.stack([-(hats[0] + hats[1] + hats[2]), *hats], axis=1), xp.abs(six) / 6

    def _at_corners(self, nodal: Any, piece: slice) -> Any:
        """(n, 4, 3) values of a nodal vector, or (n, 4, 1) of a column, at the corners of tetrahedra."""
        return self._taken(nodal, self._tetrahedra[piece, :])

    def _taken(self, rows: Any, index: Any) -> Any:
        xp = self._namespace
        flat = xp.take(rows, xp.reshape(index, (-1,)), axis=0)
        return xp.reshape(flat, (*index.shape, rows.shape[1]))

    def _conducted(self, vectors: Any, piece: slice) -> Any:
        """sigma times vectors (n, k, 3)."""
        if self._sigma.ndim == 1:
            return self._sigma[piece][:, None, None] * vectors
        return self._namespace.matmul(vectors, self._sigma[piece, :, :])  # symmetric tensors

    def _load(self, at_nodes: Any, bend: Any) -> Any:
        """``integral(sigma w . grad(v))`` for every unknown's function v: nodes in use, then edges."""
        xp = self._namespace
        of_corners, of_edges = [], []
        means, mixed = self._carried(_MASS), self._carried(_EDGE_MASS)
        for piece, hats, volumes in self._blocks():
            corners = self._at_corners(at_nodes, piece)
            middle = xp.mean(corners, axis=1, keepdims=True)
            if bend is not None:
                bends = self._taken(bend, self._edges[piece, :])
                middle = middle + xp.sum(bends, axis=1, keepdims=True) / 5
                flux = self._conducted(xp.matmul(means, corners) + xp.matmul(mixed, bends), piece)
                products = 4 * xp.matmul(flux, xp.matrix_transpose(hats)) * volumes[:, None, None]
                of_edges.append(
                    xp.stack([products[:, i, j] + products[:, j, i] for i, j in EDGE_CORNERS.tolist()], axis=1)
                )
            flux = self._conducted(middle, piece) * volumes[:, None, None]
            of_corners.append(xp.sum(flux * hats, axis=2))
        load = self._to_nodes.times(xp.reshape(xp.concat(of_corners), (-1, 1)))
        if bend is not None:
            load = xp.concat([load, self._to_edges.times(xp.reshape(xp.concat(of_edges), (-1, 1)))])
        return load[:, 0]

    def _recovered(self, unknowns: Any, primary: tuple[Any, Any]) -> dict[str, Any]:
        xp, (at_nodes, bend) = self._namespace, primary
        of_nodes = unknowns[: self._used]
        padded = xp.concat([of_nodes - xp.mean(of_nodes), xp.zeros_like(of_nodes[:1])])
        potential = xp.take(padded, self._place, axis=0)
        middles, corners = [], []
        for piece, hats, _ in self._blocks():
            given = self._at_corners(at_nodes, piece)
            slope = xp.sum(self._at_corners(potential[:, None], piece) * hats, axis=1, keepdims=True)
            middle = xp.mean(given, axis=1) - slope[:, 0, :]
            if bend is not None:
                edges = self._edges[piece, :]
                bubbles = xp.concat([unknowns[self._used :], xp.zeros_like(unknowns[:1])])[:, None]
                seen = given - slope - xp.matmul(self._bubble_slopes(self._taken(bubbles, edges)), hats)
                middle = xp.mean(seen, axis=1) + xp.sum(self._taken(bend, edges), axis=1) / 4
                corners.append(to_numpy(xp.astype(seen, xp.float32)))
            middles.append(to_numpy(middle))
        varying = {}
        if bend is not None:
            bends = to_numpy(xp.astype(bend[:-1, :], xp.float32))
            varying = {"corners": np.concatenate(corners), "bends": bends, "edges": self.model.parts.edges}
        return {"potential": to_numpy(potential), "e_field": np.concatenate(middles), **varying}

    def _bubble_slopes(self, bubbles: Any) -> Any:
        """(n, 4, 4): how much of hat j's gradient the bubbles (n, 6, 1) add at corner i."""
        xp = self._namespace
        nothing = xp.zeros_like(bubbles[:, 0, 0])
        table = [[nothing] * 4 for _ in range(4)]
        for e, (i, j) in enumerate(EDGE_CORNERS.tolist()):
            table[i][j] = table[j][i] = 4 * bubbles[:, e, 0]
        return xp.stack([xp.stack(row, axis=1) for row in table], axis=1)


_MASS = (np.ones((4, 4)) + np.eye(4)) / 20
"""Means of ``u_i u_j`` over a tetrahedron."""

_EDGE_MASS = (4 + 4 * np.array([[corner in ends for ends in EDGE_CORNERS] for corner in range(4)])) / 120
"""Means of ``4 u_corner u_i u_j`` for the edge between i and j."""


def _places(used: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Where each node's unknown stands; one beyond the last for nodes that have none."""
    place = np.full(count, len(used))
    place[used] = np.arange(len(used))
    return place
