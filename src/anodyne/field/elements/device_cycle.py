"""The linear solver's matrices on another device: products and the multigrid cycle with array operations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from scipy.sparse import csr_matrix

from anodyne.field.carrying import carried
from anodyne.field.elements.multigrid import Multigrid, Smoother
from anodyne.field.elements.row_sums import RowSums

LARGEST_TABLE = 2**23
"""Entries up to which a matrix is held with its zeros, 32 MiB: one product of that is a single operation on the device,
where slices take a dozen."""


@dataclass(frozen=True, eq=False)
class Table:
    """A small matrix with its zeros, (n_rows, n)."""

    values: Any

    def times(self, x: Any) -> Any:
        """The product with columns x, (n, k); (n_rows, k)."""
        return array_namespace(x).matmul(self.values, x)


Product = RowSums | Table


@dataclass(frozen=True, eq=False)
class DeviceSmoother:
    """As `Smoother`, carried elsewhere: a matrix in single precision and its weights, (n, 1)."""

    matrix: Product
    weights: Any

    def smoothed(self, right: Any, x: Any = None) -> Any:
        """x, or zero, after one step for ``A x = right``, (n, k)."""
        return self.weights * right if x is None else x + self.weights * (right - self.matrix.times(x))


class DeviceMultigrid:
    """As `Multigrid`, carried elsewhere; its finest matrix, in single precision, lies there already."""

    def __init__(self, multigrid: Multigrid, finest: RowSums, namespace: Any, device: Any) -> None:
        def held(matrix: csr_matrix) -> Product:
            if matrix.shape[0] * matrix.shape[1] <= LARGEST_TABLE:
                return Table(carried(matrix.toarray(), namespace, device))
            return RowSums.of(matrix, namespace, device, np.float32)

        self._levels: list[tuple[DeviceSmoother, Product, Product]] = []
        for depth, level in enumerate(multigrid.levels):
            matrix = held(level.smoother.matrix) if depth else finest
            smoother = DeviceSmoother(matrix, carried(level.smoother.weights[:, None], namespace, device))
            self._levels.append((smoother, held(level.restriction), held(level.prolongation)))
        self._coarse_inverse = carried(multigrid.coarse_inverse, namespace, device)

    def apply(self, residual: Any) -> Any:
        """One V-cycle on a block of residuals (n, k), started from zero; its columns sum to zero."""
        xp = array_namespace(residual)
        result = self._cycle(0, residual)
        return result - xp.mean(result, axis=0, keepdims=True)

    def _cycle(self, depth: int, right: Any) -> Any:
        if depth == len(self._levels):
            xp = array_namespace(right)
            return xp.astype(xp.matmul(self._coarse_inverse, xp.astype(right, xp.float64)), xp.float32)
        smoother, down, up = self._levels[depth]
        x = smoother.smoothed(right)
        correction = self._cycle(depth + 1, down.times(right - smoother.matrix.times(x)))
        return smoother.smoothed(right, x + up.times(correction))


class DeviceSystem:
    """A matrix in blocks of nodes and, of second-order elements, edges, with its preconditioner.

    Parameters
    ----------
    blocks : rows of blocks: the nodes' matrix alone, or nodes, nodes by edges; edges by nodes, edges
    multigrid : of the nodes' matrix
    smoother : of the edges' matrix, where there are edges
    """

    def __init__(
        self,
        blocks: Sequence[Sequence[csr_matrix]],
        multigrid: Multigrid,
        smoother: Smoother | None,
        namespace: Any,
        device: Any,
    ) -> None:
        self._blocks = [[RowSums.of(block, namespace, device, np.float64) for block in row] for row in blocks]
        self._nodes = blocks[0][0].shape[0]
        self._multigrid = DeviceMultigrid(multigrid, self._blocks[0][0].single(), namespace, device)
        self._smoother = None
        if smoother is not None:
            weights = carried(smoother.weights[:, None], namespace, device)
            self._smoother = DeviceSmoother(self._blocks[1][1].single(), weights)
            self._down, self._up = self._blocks[0][1].single(), self._blocks[1][0].single()

    def times(self, x: Any, result: Any) -> None:
        """Write the matrix times a block of columns, (n, k), into `result`."""
        n = self._nodes
        parts = (x,) if self._smoother is None else (x[:n, :], x[n:, :])
        places = (slice(None),) if self._smoother is None else (slice(None, n), slice(n, None))
        for row, place in zip(self._blocks, places, strict=True):
            total = row[0].times(parts[0])
            for block, part in zip(row[1:], parts[1:], strict=True):
                total = total + block.times(part)
            result[place, :] = total

    def apply(self, residual: Any) -> Any:
        """What to add to the solution for a block of residuals, (n, k), single precision."""
        xp = array_namespace(residual)
        right = xp.astype(residual, xp.float32, copy=False)
        if self._smoother is None:
            return self._multigrid.apply(right)
        n = self._nodes
        of_nodes, of_edges = right[:n, :], right[n:, :]
        bubbles = self._smoother.smoothed(of_edges)
        nodes = self._multigrid.apply(of_nodes - self._down.times(bubbles))
        return xp.concat([nodes, self._smoother.smoothed(of_edges - self._up.times(nodes), bubbles)])
