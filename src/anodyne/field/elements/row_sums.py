"""Sparse matrices times dense columns with nothing but array operations, for any array library."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from anodyne.field.carrying import carried, rows_of

NARROWEST = 8
"""Entries of the shortest rows' slice."""

GROWTH = 1.5
"""How much wider each slice is than the one before."""

LARGEST_SLICE = 2**22
"""Entries of a slice, padding included: bounds what a product gathers at once."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RowSums:
    """A sparse matrix in slices of rows of like length, each padded to the slice's width.

    Sliced ELLPACK with the rows sorted by length (Monakov, Lokhmotov & Avetisyan 2010, HiPEAC, LNCS 5952:111):
    few entries are padding, and a product is a gather, a multiplication and a sum.

    Attributes
    ----------
    slices : columns and values, (width, n_rows_of_slice) arrays each
    order : (n_rows,) place of each row among the slices' rows
    """

    slices: tuple[tuple[Any, Any], ...]
    order: Any

    @classmethod
    def of(cls, matrix: csr_matrix, namespace: Any, device: Any, dtype: type[np.floating]) -> "RowSums":
        """A matrix of scipy's carried to another library and device, its values in a precision."""
        members = list(_rows_of_like_length(np.diff(matrix.indptr)))
        slices = [_padded(matrix, rows, dtype) for rows in members]
        order = np.empty(matrix.shape[0], np.int32)
        order[np.concatenate([np.empty(0, np.int64), *members])] = np.arange(matrix.shape[0])
        carry = [(carried(c, namespace, device), carried(v, namespace, device)) for c, v in slices]
        return cls(slices=tuple(carry), order=carried(order, namespace, device))

    def single(self) -> "RowSums":
        """The same matrix in single precision, which shares all but the values."""
        xp = array_namespace(self.order)
        return replace(self, slices=tuple((columns, xp.astype(v, xp.float32)) for columns, v in self.slices))

    def times(self, x: Any) -> Any:
        """The product with columns x, (n, k); (n_rows, k)."""
        xp = array_namespace(x)
        parts = []
        for columns, values in self.slices:
            gathered = xp.reshape(rows_of(x, xp.reshape(columns, (-1,))), (*columns.shape, x.shape[1]))
            parts.append(xp.sum(gathered * values[:, :, None], axis=0))
        return rows_of(xp.concat(parts), self.order) if parts else xp.zeros_like(x[:0, :])


def _rows_of_like_length(lengths: NDArray[np.integer[Any]]) -> Iterator[NDArray[np.int64]]:
    """Rows of the given lengths slice by slice, the shortest first."""
    width, below = NARROWEST, -1
    while below < lengths.max(initial=0):
        rows = np.flatnonzero((lengths > below) & (lengths <= width))
        count = max(1, LARGEST_SLICE // width)
        yield from (rows[first : first + count] for first in range(0, len(rows), count))
        width, below = int(np.ceil(width * GROWTH)), width


def _padded(
    matrix: csr_matrix, rows: NDArray[np.int64], dtype: type[np.floating]
) -> tuple[NDArray[np.int32], NDArray[np.floating[Any]]]:
    """Columns and values of some rows, (width, n) each; padding is zero times the first column."""
    start, length = matrix.indptr[rows], np.diff(matrix.indptr)[rows]
    step = np.arange(max(1, length.max()))[:, None]
    held = step < length
    if matrix.nnz == 0:
        return np.zeros(held.shape, np.int32), np.zeros(held.shape, dtype)
    entry = np.where(held, start + step, 0)
    columns = np.where(held, matrix.indices[entry], 0).astype(np.int32)
    return columns, np.where(held, matrix.data[entry], 0).astype(dtype)
