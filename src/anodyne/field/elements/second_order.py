"""A head solved with second-order elements: the potential is quadratic, E linear, in every tetrahedron."""

from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from anodyne.coil import Coil, Pose
from anodyne.field.elements import second_order_assembly as second
from anodyne.field.elements.assembly import corner_mean, divergence_load, incidence, stiffness_matrix
from anodyne.field.elements.finite import FiniteElementModel, ModelParts
from anodyne.field.elements.multigrid import Multigrid, Smoother, multiply, residual_of
from anodyne.field.primary.fields import PrimaryField
from anodyne.head import Conductivities, TetrahedralMesh, Tissue
from anodyne.progress import SILENT, Progress

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class _System:
    """The stiffness matrix in its four blocks of nodes and edges, and its preconditioner."""

    nodes: csr_matrix
    nodes_edges: csr_matrix
    edges_nodes: csr_matrix
    edges: csr_matrix
    multigrid: Multigrid
    smoother: Smoother
    down: csr_matrix
    up: csr_matrix

    @classmethod
    def of(cls, nodes: csr_matrix, edges_nodes: csr_matrix, edges: csr_matrix) -> "_System":
        nodes_edges = edges_nodes.T.tocsr()
        return cls(
            nodes=nodes,
            nodes_edges=nodes_edges,
            edges_nodes=edges_nodes,
            edges=edges,
            multigrid=Multigrid(nodes),
            smoother=Smoother.of(edges),
            down=_single(nodes_edges),
            up=_single(edges_nodes),
        )

    def times(self, x: Floats, result: Floats) -> None:
        """Write the matrix times a block of columns (n_nodes + n_edges, k) into `result`."""
        n = self.nodes.shape[0]
        extra = np.empty_like(result)
        _product(self.nodes, x[:n], result[:n])
        _product(self.nodes_edges, x[n:], extra[:n])
        _product(self.edges_nodes, x[:n], result[n:])
        _product(self.edges, x[n:], extra[n:])
        result += extra

    def apply(self, residual: NDArray[Any]) -> NDArray[np.float32]:
        """Edges, nodes, edges again: a symmetric cycle on a block of residuals."""
        right = np.ascontiguousarray(residual, dtype=np.float32)
        n = self.nodes.shape[0]
        result = np.empty_like(right)
        bubbles = self.smoother.smoothed(right[n:])
        coarse = np.empty_like(right[:n])
        _residual(self.down, bubbles, right[:n], coarse)
        result[:n] = self.multigrid.apply(coarse)
        moved = np.empty_like(bubbles)
        _residual(self.up, result[:n], right[n:], moved)
        result[n:] = self.smoother.smoothed(moved, bubbles)
        return result


QUADRATIC_TISSUES = (Tissue.WHITE_MATTER, Tissue.GREY_MATTER, Tissue.CEREBROSPINAL_FLUID)
"""Where the potential is quadratic; it stays linear in bone and scalp, which changes E in the grey matter of the
embedded head by less than 0.1 % and halves the work."""

SECOND_ORDER_TOLERANCE = 1e-6
"""Relative residual at which the solver stops: E then differs by 6e-7 from that at 1e-7 on the embedded head."""


class SecondOrderModel(FiniteElementModel):
    """A conducting mesh with its second-order matrix assembled and its solver set up.

    Second order where the brain and its fluid are, first order elsewhere; second order throughout in a mesh
    without those tissues.

    Parameters
    ----------
    mesh : the conductor
    tissues : tags of the tissues in which the potential is quadratic
    conductivity : a table by tissue, or an array of (n_tetrahedra,) scalars or (n_tetrahedra, 3, 3)
        symmetric tensors, S/m
    primary : how the coil enters
    tolerance : relative residual of every solve

    Attributes
    ----------
    system : its matrices with their preconditioner
    used : nodes that belong to a tetrahedron, in the order of their unknowns
    edges : (n_tetrahedra, 6) edges of every tetrahedron, -1 where an edge has no unknown
    ends : (n_edges, 2) nodes of every edge
    offsets, members : tetrahedra about every node, as from `incidence`
    edge_offsets, edge_members : tetrahedra about every edge
    timings : seconds spent in making it ready

    Raises
    ------
    ValueError : conductivities of the wrong shape, not positive or not finite
    """

    def __init__(
        self,
        mesh: TetrahedralMesh,
        conductivity: Conductivities | ArrayLike | None = None,
        *,
        primary: PrimaryField | None = None,
        tissues: Iterable[int] = QUADRATIC_TISSUES,
        tolerance: float = SECOND_ORDER_TOLERANCE,
        progress: Progress = SILENT,
    ) -> None:
        super().__init__(mesh, conductivity, primary, tolerance)
        self.quadratic = np.isin(mesh.tissue, list(tissues))
        if not self.quadratic.any():
            self.quadratic[:] = True
        begin = perf_counter()
        with progress.stage("assemble second-order elements"):
            matrices = self._assembled()
        self.timings["assemble"] = perf_counter() - begin
        begin = perf_counter()
        with progress.stage("set up solver"):
            self.system = _System.of(*matrices)
        self._operator = self._preconditioner = self.system
        self.timings["set_up"] = perf_counter() - begin

    def _assembled(self) -> tuple[csr_matrix, csr_matrix, csr_matrix]:
        mesh = self.mesh
        self.offsets, self.members = incidence(mesh.tetrahedra, len(mesh.nodes))
        nodes = stiffness_matrix(mesh.nodes, mesh.tetrahedra, self.conductivity, self.offsets, self.members)
        starts = second.edge_starts(nodes.indptr, nodes.indices)
        ends = second.edge_ends(nodes.indptr, nodes.indices, starts)
        edges = second.edges_of_tetrahedra(mesh.tetrahedra, starts, ends)
        chosen, self.edges = second.edges_within(edges, self.quadratic, len(ends))
        self.ends = ends[chosen]
        self.edge_offsets, self.edge_members = second.tetrahedra_about_edges(self.edges, len(self.ends))
        about = (self.edge_offsets, self.edge_members)
        blocks = []
        for columns, rows, width in (
            (mesh.tetrahedra, second.edge_node_rows, len(mesh.nodes)),
            (self.edges, second.edge_edge_rows, len(self.ends)),
        ):
            indptr = np.concatenate([[0], np.cumsum(second.row_lengths(columns, *about))])
            indices, data = rows(mesh.nodes, mesh.tetrahedra, self.conductivity, self.edges, *about, indptr)
            kind = np.int32 if indptr[-1] < 2**31 else np.int64
            blocks.append(csr_matrix((data, indices, indptr.astype(kind)), shape=(len(self.ends), width)))
        self.used = np.flatnonzero(np.diff(self.offsets) > 0)
        if len(self.used) < len(mesh.nodes):
            nodes, blocks[0] = nodes[self.used][:, self.used].tocsr(), blocks[0][:, self.used].tocsr()
        return nodes, blocks[0], blocks[1]

    def _primary(self, coil: Coil, pose: Pose, di_dt: float) -> tuple[Floats, Floats]:
        """The primary field at the nodes, and what it has at the edges' middles above the mean of their ends."""
        nodes, ends = self.mesh.nodes, self.ends
        at_nodes = self.primary.at(nodes, coil, pose, di_dt)
        at_edges = self.primary.at((nodes[ends[:, 0]] + nodes[ends[:, 1]]) / 2, coil, pose, di_dt)
        return at_nodes, at_edges - (at_nodes[ends[:, 0]] + at_nodes[ends[:, 1]]) / 2

    def _recovered(self, unknowns: Floats, primary: tuple[Floats, Floats]) -> dict[str, Any]:
        (at_nodes, bend), mesh = primary, self.mesh
        potential, bubbles = self._potential(unknowns), np.ascontiguousarray(unknowns[len(self.used) :])
        corners = second.corner_fields(mesh.nodes, mesh.tetrahedra, self.edges, potential, bubbles, at_nodes)
        middle = corners.mean(axis=1, dtype=float) + self._summed(bend) / 4
        return {
            "potential": potential,
            "corners": corners,
            "bends": bend.astype(np.float32),
            "edges": self.edges,
            "e_field": middle,
        }

    @property
    def parts(self) -> ModelParts:
        """Its matrices, preconditioner and unknowns."""
        system = self.system
        return ModelParts(
            used=self.used,
            blocks=((system.nodes, system.nodes_edges), (system.edges_nodes, system.edges)),
            multigrid=system.multigrid,
            smoother=system.smoother,
            edges=self.edges,
            ends=self.ends,
        )

    def _load(self, primary: tuple[Floats, Floats]) -> Floats:
        (at_nodes, bend), mesh = primary, self.mesh
        mean = corner_mean(mesh.tetrahedra, at_nodes) + self._summed(bend) / 5
        of_nodes = divergence_load(mesh.nodes, mesh.tetrahedra, self.conductivity, self.offsets, self.members, mean)
        of_edges = second.edge_load(
            mesh.nodes, mesh.tetrahedra, self.conductivity, self.edges, self.edge_offsets, self.edge_members,
            at_nodes, bend,
        )  # fmt: skip
        return np.concatenate([of_nodes[self.used], of_edges])

    def _summed(self, bend: Floats) -> Floats:
        """Sum over the edges of each tetrahedron, (n_tetrahedra, 3)."""
        padded = np.concatenate([bend, np.zeros((1, 3))])
        total = padded[self.edges[:, 0]]
        for e in range(1, 6):
            total += padded[self.edges[:, e]]
        return np.asarray(total)


def _single(matrix: csr_matrix) -> csr_matrix:
    return csr_matrix((matrix.data.astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)


def _product(matrix: csr_matrix, x: NDArray[Any], result: NDArray[Any]) -> None:
    multiply(matrix.indptr, matrix.indices, matrix.data, x, result)


def _residual(matrix: csr_matrix, x: NDArray[Any], right: NDArray[Any], result: NDArray[Any]) -> None:
    residual_of(matrix.indptr, matrix.indices, matrix.data, x, right, result)
