"""The linear solver's matrices on another device: products and the multigrid cycle with array operations."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from scipy.sparse import csr_matrix

from anodyne.field.carrying import carried
from anodyne.field.elements.multigrid import Multigrid, Smoother
from anodyne.field.elements.row_sums import RowSums


class DeviceSmoother:
    """As `Smoother.smoothed`, of a matrix carried elsewhere, in single precision."""

    def __init__(self, smoother: Smoother, namespace: Any, device: Any) -> None:
        self.matrix = RowSums.of(smoother.matrix, namespace, device, np.float32)
        self._weights = carried(smoother.weights[:, None], namespace, device)

    def smoothed(self, right: Any, x: Any = None) -> Any:
        """x, or zero, after one step for ``A x = right``, (n, k)."""
        return self._weights * right if x is None else x + self._weights * (right - self.matrix.times(x))


class DeviceMultigrid:
    """As `Multigrid`, carried elsewhere."""

    def __init__(self, multigrid: Multigrid, namespace: Any, device: Any) -> None:
        def rows(matrix: csr_matrix) -> RowSums:
            return RowSums.of(matrix, namespace, device, np.float32)

        self._levels = [
            (DeviceSmoother(level.smoother, namespace, device), rows(level.restriction), rows(level.prolongation))
            for level in multigrid.levels
        ]
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
        def rows(matrix: csr_matrix, dtype: type[np.floating]) -> RowSums:
            return RowSums.of(matrix, namespace, device, dtype)

        self._blocks = [[rows(block, np.float64) for block in row] for row in blocks]
        self._nodes = blocks[0][0].shape[0]
        self._multigrid = DeviceMultigrid(multigrid, namespace, device)
        self._smoother = None
        if smoother is not None:
            self._smoother = DeviceSmoother(smoother, namespace, device)
            self._down, self._up = rows(blocks[0][1], np.float32), rows(blocks[1][0], np.float32)

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
        right = xp.astype(residual, xp.float32)
        if self._smoother is None:
            return self._multigrid.apply(right)
        n = self._nodes
        of_nodes, of_edges = right[:n, :], right[n:, :]
        bubbles = self._smoother.smoothed(of_edges)
        nodes = self._multigrid.apply(of_nodes - self._down.times(bubbles))
        return xp.concat([nodes, self._smoother.smoothed(of_edges - self._up.times(nodes), bubbles)])
