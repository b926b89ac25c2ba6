"""Full solutions on a graphics card, or wherever an array library computes.

A model made ready on the processor is carried over once: its matrices, its multigrid hierarchy and its geometry.
Every placement is then solved there from the coil's elements to E at the corners.
"""

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from anodyne.coil import Coil, Pose
from anodyne.field.carrying import carried, refuse_rounding, rows_of, to_numpy, within_memory
from anodyne.field.electric import ElectricField
from anodyne.field.elements.device_cycle import DeviceSystem
from anodyne.field.elements.model import ElementModel
from anodyne.field.elements.multigrid import BlockSolution, conjugate_gradients
from anodyne.field.elements.row_sums import RowSums
from anodyne.field.elements.second_order_assembly import EDGE_CORNERS
from anodyne.field.primary.element_sums import CarriedCoils
from anodyne.field.primary.fields import VectorPotential
from anodyne.progress import SILENT, Progress

if TYPE_CHECKING:
    from anodyne.field.elements.finite import FiniteElementModel, ModelParts

TETRAHEDRA_AT_ONCE = 2**19
"""Whose loads and fields are computed in one piece: bounds the device's memory."""


class DeviceModel(ElementModel):
    """A finite-element model whose placements are solved by an array library on one of its devices.

    Parameters
    ----------
    model : made ready on the processor; its mesh, conductivities and tolerance are kept
    namespace : ``torch``, ``cupy`` or an array API namespace
    device : what that library calls a device; its default if None

    Raises
    ------
    NotAvailable : the device has too little memory, or rounds single precision in products
    """

    def __init__(self, model: "FiniteElementModel", namespace: Any, device: Any = None) -> None:
        begin = perf_counter()
        self.mesh, self.conductivity, self.model = model.mesh, model.conductivity, model
        with within_memory(device, "the model of this head"):
            self._nodes = carried(self.mesh.nodes, namespace, device)
            self._namespace, self._device = array_namespace(self._nodes), self._nodes.device
            refuse_rounding(self._nodes)
            self._carry(model.parts)
        self.timings = {**model.timings, "carry": perf_counter() - begin}

    def _carry(self, parts: "ModelParts") -> None:
        self._used = len(parts.used)
        self._system = DeviceSystem(parts.blocks, parts.multigrid, parts.smoother, self._namespace, self._device)
        self._tetrahedra = self._carried(self.mesh.tetrahedra)
        self._sigma = self._carried(self.conductivity)
        self._coils = CarriedCoils(self._nodes)
        self._to_nodes = self._gathering(self.mesh.tetrahedra, len(self.mesh.nodes), parts.used)
        self._place = self._carried(_places(parts.used, len(self.mesh.nodes)))
        self._edges: Any = None
        if parts.edges is not None and parts.ends is not None:
            count = len(parts.ends)
            self._ends = self._carried(parts.ends)
            self._edges = self._carried(np.where(parts.edges < 0, count, parts.edges))
            self._to_edges = self._gathering(parts.edges, count, np.arange(count))
        self._pieces = list(self._divided())

    def solve_many(
        self, coil: Coil, poses: Sequence[Pose], di_dt: float, progress: Progress = SILENT
    ) -> list[ElectricField]:
        """As the processor's, with `NotAvailable` where the device has too little memory for them."""
        with within_memory(self._device, f"{len(poses)} placements"):
            return super().solve_many(coil, poses, di_dt, progress)

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
        bend = None
        if self._edges is not None:
            xp = self._namespace
            at_edges = self._primary_at(self._middles(self._nodes), coil, pose, di_dt) - self._middles(at_nodes)
            bend = xp.concat([at_edges, xp.zeros_like(at_edges[:1, :])])
        float((at_nodes if bend is None else bend)[0, 0])  # waits, so that the time spent is this field's own
        return at_nodes, bend

    def _middles(self, nodal: Any) -> Any:
        """Means of a nodal vector over the ends of every edge, (n_edges, 3)."""
        return (rows_of(nodal, self._ends[:, 0]) + rows_of(nodal, self._ends[:, 1])) / 2

    def _primary_at(self, points: Any, coil: Coil, pose: Pose, di_dt: float) -> Any:
        xp = self._namespace
        if coil.sources() and isinstance(self.model.primary, VectorPotential):
            rotation, origin = self._carried(pose.rotation), self._carried(pose.position[None])
            potential = self._coils[coil].vector_potential(xp.matmul(points - origin, rotation))
            return -di_dt * xp.matmul(potential, xp.matrix_transpose(rotation))
        return self._carried(self.model.primary.at(to_numpy(points), coil, pose, di_dt))

    def _divided(self) -> Iterator[tuple[slice, Any, Any]]:
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
        return xp.reshape(rows_of(rows, xp.reshape(index, (-1,))), (*index.shape, rows.shape[1]))

    def _conducted(self, vectors: Any, piece: slice) -> Any:
        """sigma times vectors (n, k, 3)."""
        if self._sigma.ndim == 1:
            return self._sigma[piece][:, None, None] * vectors
        return self._namespace.matmul(vectors, self._sigma[piece, :, :])  # symmetric tensors

    def _load(self, at_nodes: Any, bend: Any) -> Any:
        """``integral(sigma w . grad(v))`` for every unknown's function v: nodes in use, then edges."""
        xp = self._namespace
        of_corners, of_edges = [], []
        means, mixed = (self._carried(np.kron(table, np.eye(3))) for table in (_MASS, _EDGE_MASS))
        for piece, hats, volumes in self._pieces:
            corners = self._at_corners(at_nodes, piece)
            middle = xp.mean(corners, axis=1, keepdims=True)
            if bend is not None:
                bends = self._taken(bend, self._edges[piece, :])
                middle = middle + xp.sum(bends, axis=1, keepdims=True) / 5
                mean = xp.matmul(xp.reshape(corners, (-1, 12)), means) + xp.matmul(xp.reshape(bends, (-1, 18)), mixed)
                flux = self._conducted(xp.reshape(mean, (-1, 4, 3)), piece)
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
        potential = rows_of(padded, self._place)
        middles, corners = [], []
        for piece, hats, _ in self._pieces:
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

_EDGE_MASS = (4 + 4 * np.array([[corner in ends for corner in range(4)] for ends in EDGE_CORNERS])) / 120
"""Means of ``4 u_i u_j u_corner`` for the edge between i and j, (6, 4)."""


def _places(used: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Where each node's unknown stands; one beyond the last for nodes that have none."""
    place = np.full(count, len(used))
    place[used] = np.arange(len(used))
    return place
