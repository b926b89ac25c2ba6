"""Many right-hand sides solved at once: conjugate gradients with an algebraic multigrid behind them.

The hierarchy is smoothed aggregation (Vanek, Mandel & Brezina 1996, Computing 56:179) as PyAMG
builds it; its cycle is ours, since it shares every pass over a matrix among all right-hand sides
and all cores, in single precision. The smoother is one damped Jacobi step before and one after each
coarse level (Saad 2003, Iterative methods for sparse linear systems, 13.2), symmetric and parallel by nature.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any, Protocol

import numpy as np
import pyamg
from array_api_compat import array_namespace, is_numpy_array
from numba import njit, prange
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from anodyne.errors import NotConverged

Floats = NDArray[np.float64]

SMOOTHED_PART = 0.2
"""The smoother damps the part of the spectrum between this fraction of the largest eigenvalue and that."""

WEAK = (0.03, 0.05)
"""Couplings below this part of the mean of their two diagonals (geometric) are left out of the aggregates: on the
finest level, on all coarser ones. With none left out the coarse levels shrink by fifty at a step and twice as many
iterations are needed (spheres and heads from 25 thousand to 3.7 million tetrahedra); above 0.09 they fill up."""

LARGEST_COARSE_LEVEL = 400

NEGLIGIBLE = 1e-6
"""Eigenvalues of the coarsest level, scaled to a unit diagonal, below this part of the largest are taken as zero."""

SHARES = 64
"""Parts in which products of columns are summed, whatever the number of threads."""

_ONE_AT_A_TIME = Lock()
"""Kept while a hierarchy is made from NumPy's shared random numbers, so that no other thread's seed comes between."""


@njit(cache=True, inline="always")
def _add_row(indptr: Any, indices: Any, data: Any, x: Any, row: int, sign: Any, result: Any) -> None:
    """``result[row] += sign A[row] x``: a single column in a register, several side by side in vector registers."""
    if x.shape[1] == 1:
        total = data[0] * 0
        for j in range(indptr[row], indptr[row + 1]):
            total += data[j] * x[indices[j], 0]
        result[row, 0] += sign * total
    else:
        for j in range(indptr[row], indptr[row + 1]):
            weight, other = sign * data[j], indices[j]
            for c in range(x.shape[1]):
                result[row, c] += weight * x[other, c]


@njit(parallel=True, cache=True)
def multiply(indptr: Any, indices: Any, data: Any, x: Any, result: Any) -> None:
    """``result = A x`` for a block of columns x, (n, k)."""
    for row in prange(indptr.shape[0] - 1):
        for c in range(x.shape[1]):
            result[row, c] = 0
        _add_row(indptr, indices, data, x, row, data.dtype.type(1), result)


@njit(parallel=True, cache=True)
def _smooth(indptr: Any, indices: Any, data: Any, weights: Any, right: Any, x: Any, fresh: Any) -> None:
    """One Jacobi step: ``fresh = x + W (right - A x)``."""
    for row in prange(indptr.shape[0] - 1):
        for c in range(x.shape[1]):
            fresh[row, c] = right[row, c]
        _add_row(indptr, indices, data, x, row, data.dtype.type(-1), fresh)
        for c in range(x.shape[1]):
            fresh[row, c] = x[row, c] + weights[row] * fresh[row, c]


@njit(parallel=True, cache=True)
def _weigh(weights: Any, right: Any, x: Any) -> None:
    """The first Jacobi step from zero, which needs no product: ``x = W right``."""
    for row in prange(right.shape[0]):
        for c in range(right.shape[1]):
            x[row, c] = weights[row] * right[row, c]


@njit(parallel=True, cache=True)
def residual_of(indptr: Any, indices: Any, data: Any, x: Any, right: Any, result: Any) -> None:
    """``result = right - A x`` for a block of columns; `result` may be `right`."""
    for row in prange(indptr.shape[0] - 1):
        for c in range(x.shape[1]):
            result[row, c] = right[row, c]
        _add_row(indptr, indices, data, x, row, data.dtype.type(-1), result)


@njit(parallel=True, cache=True)
def _add_product(indptr: Any, indices: Any, data: Any, x: Any, result: Any) -> None:
    """``result += A x`` for a block of columns."""
    for row in prange(indptr.shape[0] - 1):
        _add_row(indptr, indices, data, x, row, data.dtype.type(1), result)


@njit(parallel=True, cache=True)
def _products_in_parts(a: Any, b: Any, partial: Any) -> None:
    """Products of the columns of a and b over equal shares of their rows, into (shares, k)."""
    shares = partial.shape[0]
    for share in prange(shares):
        for row in range(share * a.shape[0] // shares, (share + 1) * a.shape[0] // shares):
            for c in range(a.shape[1]):
                partial[share, c] += a[row, c] * b[row, c]


@njit(parallel=True, cache=True)
def _sums_in_parts(a: Any, partial: Any) -> None:
    """Sums of the columns of a over equal shares of its rows, into (shares, k)."""
    shares = partial.shape[0]
    for share in prange(shares):
        for row in range(share * a.shape[0] // shares, (share + 1) * a.shape[0] // shares):
            for c in range(a.shape[1]):
                partial[share, c] += a[row, c]


@njit(parallel=True, cache=True)
def _shift(a: Any, by: Any) -> None:
    """``a += by``, a number to each column."""
    for row in prange(a.shape[0]):
        for c in range(a.shape[1]):
            a[row, c] += by[c]


@njit(parallel=True, cache=True)
def _combine(a: Any, of_a: Any, b: Any, of_b: Any, result: Any) -> None:
    """``result = a of_a + b of_b``, a factor to each column; `result` may be a or b."""
    for row in prange(a.shape[0]):
        for c in range(a.shape[1]):
            result[row, c] = a[row, c] * of_a[c] + b[row, c] * of_b[c]


@dataclass(frozen=True)
class Smoother:
    """A matrix in single precision and the damped Jacobi step that shrinks the upper part of its spectrum.

    Attributes
    ----------
    matrix : (n, n), single precision
    weights : (n,) array, the inverse of its diagonal times the damping
    """

    matrix: csr_matrix
    weights: NDArray[np.float32]

    @classmethod
    def of(cls, matrix: csr_matrix) -> "Smoother":
        """The smoother of a symmetric positive matrix in double precision."""
        diagonal = matrix.diagonal()
        top, bottom = 1.1, SMOOTHED_PART  # of the largest eigenvalue, which Lanczos meets from below
        damping = 2 / ((top + bottom) * _largest_eigenvalue(matrix, diagonal))
        return cls(
            matrix=csr_matrix((matrix.data.astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape),
            weights=(damping / diagonal).astype(np.float32),
        )

    def smoothed(self, right: NDArray[np.float32], x: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """x, or zero, after one step for ``A x = right``, (n, k)."""
        fresh, matrix = np.empty_like(right), self.matrix
        if x is None:
            _weigh(self.weights, right, fresh)
        else:
            _smooth(matrix.indptr, matrix.indices, matrix.data, self.weights, right, x, fresh)
        return fresh


@dataclass(frozen=True)
class Level:
    """One matrix of the hierarchy with the way down and up."""

    smoother: Smoother
    restriction: csr_matrix
    prolongation: csr_matrix


class Preconditioner(Protocol):
    """An approximate inverse of a symmetric matrix."""

    def apply(self, residual: NDArray[Any]) -> NDArray[np.float32]:
        """What to add to the solution for a block of residuals, (n, k) array."""


class Operator(Protocol):
    """A symmetric matrix in parts."""

    def times(self, x: Floats, result: Floats) -> None:
        """Write ``A x`` for a block of columns (n, k) into `result`."""


class Multigrid:
    """A symmetric preconditioner for a stiffness matrix whose rows sum to zero."""

    def __init__(self, matrix: csr_matrix) -> None:
        strength = [("symmetric", {"theta": weak}) for weak in WEAK]
        with _the_same_every_time():
            hierarchy = pyamg.smoothed_aggregation_solver(
                matrix, strength=strength, max_coarse=LARGEST_COARSE_LEVEL, coarse_solver="pinv"
            )
        self.levels = [
            Level(
                smoother=Smoother.of(csr_matrix(level.A)),
                restriction=csr_matrix(level.R).astype(np.float32),
                prolongation=csr_matrix(level.P).astype(np.float32),
            )
            for level in hierarchy.levels[:-1]
        ]
        self.coarse_inverse = _pseudo_inverse(hierarchy.levels[-1].A.toarray())

    @property
    def unknowns(self) -> list[int]:
        """Unknowns on every level, finest first."""
        return [level.restriction.shape[1] for level in self.levels] + [len(self.coarse_inverse)]

    def apply(self, residual: NDArray[Any]) -> NDArray[np.float32]:
        """One V-cycle on a block of residuals (n, k), started from zero; its columns sum to zero."""
        result = self._cycle(0, np.ascontiguousarray(residual, dtype=np.float32))
        _take_mean_off(result)
        return result

    def _cycle(self, depth: int, right: NDArray[np.float32]) -> NDArray[np.float32]:
        if depth == len(self.levels):
            return np.asarray(self.coarse_inverse @ right, np.float32)
        level = self.levels[depth]
        smoother, down, up = level.smoother, level.restriction, level.prolongation
        matrix = smoother.matrix
        x = smoother.smoothed(right)
        rest = np.empty_like(right)
        residual_of(matrix.indptr, matrix.indices, matrix.data, x, right, rest)
        coarse = np.empty((down.shape[0], right.shape[1]), np.float32)
        multiply(down.indptr, down.indices, down.data, rest, coarse)
        _add_product(up.indptr, up.indices, up.data, self._cycle(depth + 1, coarse), x)
        return smoother.smoothed(right, x)


def _take_mean_off(a: NDArray[np.float32]) -> None:
    """Shift the columns of a so that each sums to zero."""
    partial = np.zeros((SHARES, a.shape[1]))
    _sums_in_parts(a, partial)
    _shift(a, (-partial.sum(axis=0) / len(a)).astype(np.float32))


@contextmanager
def _the_same_every_time() -> Iterator[None]:
    """NumPy's shared random numbers, which PyAMG starts its estimates from, from a fixed seed; then as they were.

    Threads that make hierarchies wait for each other.
    """
    with _ONE_AT_A_TIME:
        before = np.random.get_state()  # noqa: NPY002
        np.random.seed(0)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(before)  # noqa: NPY002


def _pseudo_inverse(matrix: Floats) -> Floats:
    """The inverse of a symmetric positive semidefinite matrix, but for what lies near its nullspace.

    Parts joined by almost nothing make eigenvectors whose gain would exceed what single precision
    elsewhere in the cycle carries; they are left to the iteration.
    """
    scale = 1 / np.sqrt(matrix.diagonal())
    return np.asarray(
        scale[:, None] * np.linalg.pinv(scale[:, None] * matrix * scale, NEGLIGIBLE, hermitian=True) * scale
    )


def _largest_eigenvalue(matrix: csr_matrix, diagonal: Floats) -> float:
    """Largest eigenvalue of ``D^-1 A`` by fifteen steps of Lanczos on the symmetric scaling."""
    scale = 1 / np.sqrt(diagonal)
    generator = np.random.default_rng(1)
    previous, beta = np.zeros(len(diagonal)), 0.0
    vector = generator.standard_normal(len(diagonal))
    vector /= np.linalg.norm(vector)
    diagonals, betas = [], []
    for _ in range(15):
        image = scale * (matrix @ (scale * vector)) - beta * previous
        alpha = float(vector @ image)
        image -= alpha * vector
        diagonals.append(alpha)
        beta = float(np.linalg.norm(image))
        betas.append(beta)
        previous, vector = vector, image / beta
    ritz = np.linalg.eigvalsh(np.diag(diagonals) + np.diag(betas[:-1], 1) + np.diag(betas[:-1], -1))
    return float(ritz[-1])


def _product_with(matrix: csr_matrix) -> Callable[[Floats, Floats], None]:
    return partial(multiply, matrix.indptr, matrix.indices, matrix.data)


@dataclass(frozen=True, kw_only=True, eq=False)
class BlockSolution:
    """Solutions of ``A x = b`` for several right-hand sides.

    Attributes
    ----------
    x : (n, k) array of the right-hand sides' library, up to what the matrix takes to zero
    iterations : of conjugate gradients
    residual : largest norm of ``b - A x`` relative to that of b over the columns
    """

    x: Any
    iterations: int
    residual: float


def conjugate_gradients(
    matrix: csr_matrix | Operator,
    right: Any,
    preconditioner: Preconditioner,
    tolerance: float,
    most_iterations: int = 300,
) -> BlockSolution:
    """Preconditioned conjugate gradients on a block of right-hand sides that share every matrix pass.

    The scalars of each column are its own (no block Krylov space); the flexible form of beta
    (Notay 2000, SIAM J Sci Comput 22:1444) forgives the preconditioner its single precision.

    Parameters
    ----------
    matrix : (n, n) symmetric, positive semidefinite
    right : (n, k) array in double precision, of any array library that the matrix and the preconditioner work with,
        each column orthogonal to what the matrix takes to zero
    tolerance : on the residual norm relative to that of the right-hand side

    Raises
    ------
    NotConverged : the tolerance was not reached in `most_iterations`
    """
    xp = array_namespace(right)
    norm = _norms(right)
    norm = xp.where(norm > 0, norm, xp.ones_like(norm))
    times = _product_with(matrix) if isinstance(matrix, csr_matrix) else matrix.times
    x, rest, last = xp.zeros_like(right), xp.asarray(right, copy=True), xp.asarray(right, copy=True)
    image, direction = xp.empty_like(x), xp.zeros_like(x)
    before, beta, one = xp.ones_like(norm), xp.zeros_like(norm), xp.ones_like(norm)
    for iteration in range(most_iterations + 1):
        lengths = _norms(rest)
        worst = float(xp.max(lengths / norm))
        if worst <= tolerance:
            return BlockSolution(x=x, iterations=iteration, residual=worst)
        scale = xp.where(lengths > 0, lengths, norm)
        z = preconditioner.apply(_scaled(rest, 1 / scale))  # what to add, in units of the residual's length
        along = scale * _products(z, rest)
        if iteration:
            beta = (along - scale * _products(z, last)) / before
        _add(direction, beta, z, scale, direction)
        times(direction, image)
        before = xp.where(along != 0, along, one)
        curvature = _products(direction, image)
        inside = curvature > 0
        alpha = xp.where(inside, _products(direction, rest) / xp.where(inside, curvature, one), 0.0 * along)
        _add(x, one, direction, alpha, x)
        _add(rest, one, image, -alpha, last)
        rest, last = last, rest
    raise NotConverged(
        f"the field solver reached a relative residual of {worst:.1e} after {most_iterations} iterations, "
        f"not {tolerance:.1e}; check the mesh for needle elements and the conductivities for extremes"
    )


def _products(a: Any, b: Any) -> Any:
    """Products of columns, (k,), in double precision; the same whatever the number of threads."""
    if is_numpy_array(a):
        partial = np.zeros((SHARES, a.shape[1]))
        _products_in_parts(a, b, partial)
        return partial.sum(axis=0)
    return array_namespace(a).sum(a * b, axis=0)


def _norms(a: Any) -> Any:
    return array_namespace(a).sqrt(_products(a, a))


def _scaled(a: Any, factors: Any) -> Any:
    """Columns times factors, in single precision."""
    xp = array_namespace(a)
    if not is_numpy_array(a):
        return xp.astype(a * factors, xp.float32)
    result = np.empty(a.shape, np.float32)
    _combine(a, factors, a, np.zeros_like(factors), result)
    return result


def _add(a: Any, of_a: Any, b: Any, of_b: Any, result: Any) -> None:
    """Write ``a of_a + b of_b``, a factor to each column, into `result`, which may be a or b."""
    if is_numpy_array(a):
        _combine(a, of_a, b, of_b, result)
    else:
        result[...] = a * of_a + b * of_b
