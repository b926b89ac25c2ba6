"""Sixteen fields at once in a head with second-order elements, in single precision, at chosen points."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from anodyne.errors import NotConverged
from anodyne.field.elements import block_kernels as block
from anodyne.field.elements.block_kernels import LANES
from anodyne.field.elements.multigrid import Smoother
from anodyne.field.elements.second_order import SecondOrderModel
from anodyne.field.elements.second_order_assembly import EDGE_CORNERS
from anodyne.field.recovery import edge_weights

Singles = NDArray[np.float32]
Floats = NDArray[np.float64]

BLOCK_TOLERANCE = 3e-4
"""Relative residual of every column at which a block is done; E at the cortex then differs by 0.02 % from that at
1e-7 (one placement, embedded head at 6 mm)."""

MOST_ITERATIONS = 100


@dataclass(frozen=True, kw_only=True, eq=False)
class PointFields:
    """Which tetrahedron each of n points lies in, and what the potential says there.

    Attributes
    ----------
    tetrahedra : (n,) indices
    barycentric : (n, 4) weights
    """

    tetrahedra: NDArray[np.integer[Any]]
    barycentric: Floats


class BlockSolver:
    """A second-order model that solves blocks of sixteen primary fields given at its nodes and edges.

    Parameters
    ----------
    model : its matrices, preconditioner and tables are shared, not copied, but for single-precision copies
    points : where E is wanted
    tolerance : relative residual of every column
    """

    def __init__(self, model: SecondOrderModel, points: PointFields, *, tolerance: float = BLOCK_TOLERANCE) -> None:
        system = model.system
        self._model, self._tolerance = model, tolerance
        self._blocks = [
            (_single(system.nodes), _single(system.nodes_edges)),
            (_single(system.edges_nodes), _single(system.edges)),
        ]
        self._cycle = _Cycle(system)
        self._corners = model.mesh.tetrahedra[points.tetrahedra]
        self._weights = points.barycentric.astype(np.float32)
        self._slope = slope_matrix(model, points)
        self._edges = model.edges[points.tetrahedra]
        self._edge_weights = edge_weights(self._edges, points.barycentric).astype(np.float32)
        self.iterations: list[int] = []

    @property
    def sample_points(self) -> Floats:
        """Where a primary field is needed: the nodes, then the middles of the edges; (n, 3) array, m."""
        nodes, ends = self._model.mesh.nodes, self._model.ends
        return np.concatenate([nodes, (nodes[ends[:, 0]] + nodes[ends[:, 1]]) / 2])

    def solve(self, primary: Singles) -> Singles:
        """E at the points for sixteen primary fields at `sample_points`, V/m.

        Parameters
        ----------
        primary : (n_samples, 3, 16) array, V/m; its part at the edges is spent

        Returns
        -------
        (n_points, 3, 16) array, V/m

        Raises
        ------
        NotConverged : a column did not reach the tolerance
        """
        model = self._model
        count = len(model.mesh.nodes)
        at_nodes, bend = primary[:count], primary[count:]
        block.bend_of(model.ends, at_nodes, bend)
        load = self._load(at_nodes, bend)
        solution = self._conjugate_gradients(load)
        e_field = np.einsum("nc,ncik->nik", self._weights, at_nodes[self._corners], optimize=True)
        e_field += np.einsum("ne,neik->nik", self._edge_weights, bend[self._edges], optimize=True)
        e_field -= (self._slope @ solution).reshape(e_field.shape)
        return np.asarray(e_field, dtype=np.float32)

    def _load(self, at_nodes: Singles, bend: Singles) -> Singles:
        model, mesh = self._model, self._model.mesh
        of_nodes = np.empty((len(mesh.nodes), LANES), np.float32)
        of_edges = np.empty((len(model.ends), LANES), np.float32)
        known = (mesh.nodes, mesh.tetrahedra, model.conductivity, model.edges)
        block.node_loads(known, (model.offsets, model.members), at_nodes, bend, of_nodes)
        block.edge_loads(known, (model.edge_offsets, model.edge_members), at_nodes, bend, of_edges)
        return np.concatenate([of_nodes[model.used], of_edges])

    def _times(self, x: Singles, result: Singles) -> None:
        n = self._blocks[0][0].shape[0]
        for (first, second), part in zip(self._blocks, (result[:n], result[n:]), strict=True):
            block.product(first.indptr, first.indices, first.data, x[:n], part)
            block.added_product(second.indptr, second.indices, second.data, x[n:], np.float32(1), part)

    def _conjugate_gradients(self, load: Singles) -> Singles:
        """Flexible preconditioned conjugate gradients (Notay 2000, SIAM J Sci Comput 22:1444), column by column."""
        norm = np.sqrt(block.column_products(load, load))
        norm[norm == 0] = 1.0
        residual = load / norm.astype(np.float32)
        x, direction, image = (np.zeros_like(residual) for _ in range(3))
        last, before = residual.copy(), np.ones(LANES)
        for iteration in range(MOST_ITERATIONS + 1):
            worst = float(np.sqrt(block.column_products(residual, residual)).max())
            if worst <= self._tolerance:
                self.iterations.append(iteration)
                return np.asarray(x * norm.astype(np.float32))
            z = self._cycle.apply(residual)
            along = block.column_products(z, residual)
            beta = (along - block.column_products(z, last)) / before if iteration else np.zeros(LANES)
            block.scaled_sum(z, beta.astype(np.float32), direction, direction)
            self._times(direction, image)
            curvature = block.column_products(direction, image)
            step = block.column_products(direction, residual) / np.where(curvature > 0, curvature, np.inf)
            before = np.where(along > 0, along, 1.0)
            last[:] = residual
            block.scaled_sum(x, step.astype(np.float32), direction, x)
            block.scaled_sum(residual, (-step).astype(np.float32), image, residual)
        raise NotConverged(
            f"a block of fields reached a relative residual of {worst:.1e} after {MOST_ITERATIONS} iterations, not "
            f"{self._tolerance:.1e}; check the mesh for needle elements and the conductivities for extremes"
        )


class _Cycle:
    """The preconditioner of `SecondOrderModel`: edges, nodes by multigrid, edges again."""

    def __init__(self, system: Any) -> None:
        self._down, self._up = _single(system.nodes_edges), _single(system.edges_nodes)
        self._edges, self._levels = system.smoother, system.multigrid.levels
        self._coarse = system.multigrid.coarse_inverse

    def apply(self, residual: Singles) -> Singles:
        """What to add to the solution for a block of residuals, (n, 16)."""
        n = self._down.shape[0]
        result = np.empty_like(residual)
        right = residual[:n].copy()
        bubbles = _smoothed_from_zero(self._edges, residual[n:])
        block.added_product(self._down.indptr, self._down.indices, self._down.data, bubbles, np.float32(-1), right)
        nodes = self._at(0, right)
        result[:n] = nodes - nodes.mean(axis=0, dtype=np.float64).astype(np.float32)
        moved = residual[n:].copy()
        block.added_product(self._up.indptr, self._up.indices, self._up.data, nodes, np.float32(-1), moved)
        result[n:] = _smoothed(self._edges, moved, bubbles)
        return result

    def _at(self, depth: int, right: Singles) -> Singles:
        if depth == len(self._levels):
            return np.asarray(self._coarse @ right, np.float32)
        level = self._levels[depth]
        matrix, down, up = level.smoother.matrix, level.restriction, level.prolongation
        x = _smoothed_from_zero(level.smoother, right)
        residual = right.copy()
        block.added_product(matrix.indptr, matrix.indices, matrix.data, x, np.float32(-1), residual)
        coarse = np.empty((down.shape[0], LANES), np.float32)
        block.product(down.indptr, down.indices, down.data, residual, coarse)
        block.added_product(up.indptr, up.indices, up.data, self._at(depth + 1, coarse), np.float32(1), x)
        return _smoothed(level.smoother, right, x)


def _smoothed_from_zero(smoother: Smoother, right: Singles) -> Singles:
    x = np.empty_like(right)
    block.weigh(smoother.weights, right, x)
    return x


def _smoothed(smoother: Smoother, right: Singles, x: Singles) -> Singles:
    matrix, fresh = smoother.matrix, np.empty_like(x)
    block.smooth((matrix.indptr, matrix.indices, matrix.data), smoother.weights, right, x, fresh)
    return fresh


def slope_matrix(model: SecondOrderModel, points: PointFields) -> csr_matrix:
    """grad(phi) at points out of the unknowns at used nodes and edges, (3 n_points, n_unknowns), float32."""
    mesh, chosen, weights = model.mesh, points.tetrahedra, points.barycentric
    hats = np.linalg.inv(np.concatenate([np.ones((len(chosen), 4, 1)), mesh.nodes[mesh.tetrahedra[chosen]]], axis=2))[
        :, 1:
    ].transpose(0, 2, 1)
    place = np.full(len(mesh.nodes), -1)
    place[model.used] = np.arange(len(model.used))
    edges = model.edges[chosen]
    first, second = EDGE_CORNERS[:, 0], EDGE_CORNERS[:, 1]
    bubbles = 4 * (weights[:, first, None] * hats[:, second] + weights[:, second, None] * hats[:, first])
    bubbles[edges < 0] = 0.0
    columns = np.concatenate([place[mesh.tetrahedra[chosen]], np.maximum(edges, 0) + len(model.used)], axis=1)
    values = np.concatenate([hats, bubbles], axis=1).transpose(0, 2, 1)
    rows = np.arange(3 * len(chosen) + 1) * 10
    return csr_matrix(
        (values.astype(np.float32).ravel(), np.repeat(columns, 3, axis=0).ravel(), rows),
        shape=(3 * len(chosen), len(model.used) + len(model.ends)),
    )


def _single(matrix: csr_matrix) -> csr_matrix:
    return csr_matrix((matrix.data.astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)
