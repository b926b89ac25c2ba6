"""Many right-hand sides solved at once: conjugate gradients with an algebraic multigrid behind them.

The hierarchy is smoothed aggregation (Vanek, Mandel & Brezina 1996, Computing 56:179) as PyAMG
builds it; its cycle is ours, since it shares every pass over a matrix among all right-hand sides
and all cores, in single precision. The smoother is a Chebyshev polynomial of the Jacobi-scaled
matrix (Adams et al. 2003, J Comput Phys 188:593), symmetric and parallel by nature.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import pyamg
from numba import njit, prange
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from anodyne.errors import NotConverged

Floats = NDArray[np.float64]

SMOOTHING_DEGREE = 2
SMOOTHED_PART = 1 / 20
"""The smoother damps the part of the spectrum between this fraction of the largest eigenvalue and that."""

LARGEST_COARSE_LEVEL = 400


@njit(parallel=True, cache=True)
def multiply(indptr: Any, indices: Any, data: Any, x: Any, result: Any) -> None:
    """``result = A x`` for a block of columns x, (n, k)."""
    for row in prange(indptr.shape[0] - 1):
        for c in range(x.shape[1]):
            total = data[0] * 0
            for j in range(indptr[row], indptr[row + 1]):
                total += data[j] * x[indices[j], c]
            result[row, c] = total


@njit(parallel=True, cache=True)
def _smooth(
    indptr: Any, indices: Any, data: Any, inverse_diagonal: Any, coefficients: Any, right: Any, x: Any, step: Any,
    fresh: Any,
) -> None:  # fmt: skip
    """One Chebyshev step: ``step = a step + b D^-1 (right - A x)``, ``fresh = x + step``."""
    keep, gain = coefficients[0], coefficients[1]
    columns = x.shape[1]
    for row in prange(indptr.shape[0] - 1):
        for c in range(columns):
            residual = right[row, c]
            for j in range(indptr[row], indptr[row + 1]):
                residual -= data[j] * x[indices[j], c]
            step[row, c] = keep * step[row, c] + gain * inverse_diagonal[row] * residual
            fresh[row, c] = x[row, c] + step[row, c]


@dataclass(frozen=True)
class Smoother:
    """A matrix in single precision and the Chebyshev polynomial that damps the upper part of its spectrum."""

    matrix: csr_matrix
    inverse_diagonal: NDArray[np.float32]
    largest_eigenvalue: float

    @classmethod
    def of(cls, matrix: csr_matrix) -> "Smoother":
        """The smoother of a symmetric positive matrix in double precision."""
        diagonal = matrix.diagonal()
        return cls(
            matrix=csr_matrix((matrix.data.astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape),
            inverse_diagonal=(1 / diagonal).astype(np.float32),
            largest_eigenvalue=_largest_eigenvalue(matrix, diagonal),
        )

    def smoothed(self, right: NDArray[np.float32], x: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """x, or zero, after one pass for ``A x = right``, (n, k); the array x is spent.

        Saad 2003, Iterative methods for sparse linear systems, algorithm 12.1.
        """
        top, bottom = 1.1 * self.largest_eigenvalue, SMOOTHED_PART * self.largest_eigenvalue
        middle, half = (top + bottom) / 2, (top - bottom) / 2
        sigma = middle / half
        rho = 1 / sigma
        keep, gain = 0.0, 1 / middle
        if x is None:  # the first step from zero needs no product
            step = np.float32(gain) * self.inverse_diagonal[:, None] * right
            x, passes = step.copy(), SMOOTHING_DEGREE - 1
            rho, keep, gain = _following(rho, sigma, half)
        else:
            step, passes = np.zeros_like(x), SMOOTHING_DEGREE
        fresh = np.empty_like(x)
        for _ in range(passes):
            _smooth(
                self.matrix.indptr, self.matrix.indices, self.matrix.data, self.inverse_diagonal,
                np.array((keep, gain), np.float32), right, x, step, fresh,
            )  # fmt: skip
            x, fresh = fresh, x
            rho, keep, gain = _following(rho, sigma, half)
        return x


def _following(rho: float, sigma: float, half: float) -> tuple[float, float, float]:
    """The next rho of Saad's recurrence, and how much of the last step and of the residual the next step takes."""
    following = 1 / (2 * sigma - rho)
    return following, following * rho, 2 * following / half


@dataclass(frozen=True)
class _Level:
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
        hierarchy = pyamg.smoothed_aggregation_solver(
            matrix, strength=("symmetric", {"theta": 0.0}), max_coarse=LARGEST_COARSE_LEVEL, coarse_solver="pinv"
        )
        self._levels = [
            _Level(
                smoother=Smoother.of(csr_matrix(level.A)),
                restriction=csr_matrix(level.R).astype(np.float32),
                prolongation=csr_matrix(level.P).astype(np.float32),
            )
            for level in hierarchy.levels[:-1]
        ]
        coarse = hierarchy.levels[-1].A.toarray()
        self._coarse_inverse = np.linalg.pinv(coarse, rcond=1e-10, hermitian=True).astype(np.float32)

    @property
    def unknowns(self) -> list[int]:
        """Unknowns on every level, finest first."""
        return [level.restriction.shape[1] for level in self._levels] + [len(self._coarse_inverse)]

    def apply(self, residual: NDArray[Any]) -> NDArray[np.float32]:
        """One V-cycle on a block of residuals (n, k), started from zero; its columns sum to zero."""
        result = self._cycle(0, np.ascontiguousarray(residual, dtype=np.float32))
        result -= result.mean(axis=0, dtype=np.float64).astype(np.float32)
        return result

    def _cycle(self, depth: int, right: NDArray[np.float32]) -> NDArray[np.float32]:
        if depth == len(self._levels):
            return np.asarray(self._coarse_inverse @ right)
        level = self._levels[depth]
        smoother, down, up = level.smoother, level.restriction, level.prolongation
        matrix = smoother.matrix
        x = smoother.smoothed(right)
        residual = np.empty_like(right)
        multiply(matrix.indptr, matrix.indices, matrix.data, x, residual)
        np.subtract(right, residual, out=residual)
        coarse = np.empty((down.shape[0], right.shape[1]), np.float32)
        multiply(down.indptr, down.indices, down.data, residual, coarse)
        correction = self._cycle(depth + 1, coarse)
        multiply(up.indptr, up.indices, up.data, correction, residual)
        x += residual
        return smoother.smoothed(right, x)


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
    x : (n, k) array, up to what the matrix takes to zero
    iterations : of conjugate gradients
    residual : largest norm of ``b - A x`` relative to that of b over the columns
    """

    x: Floats
    iterations: int
    residual: float


def conjugate_gradients(
    matrix: csr_matrix | Operator,
    right: Floats,
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
    right : (n, k) array, each column orthogonal to what the matrix takes to zero
    tolerance : on the residual norm relative to that of the right-hand side

    Raises
    ------
    NotConverged : the tolerance was not reached in `most_iterations`
    """
    norm = np.linalg.norm(right, axis=0)
    norm[norm == 0] = 1.0
    times = _product_with(matrix) if isinstance(matrix, csr_matrix) else matrix.times
    x, residual = np.zeros_like(right), np.array(right, dtype=float, order="C")
    image, direction = np.empty_like(x), np.zeros_like(x)
    before, beta, last = np.ones(right.shape[1]), np.zeros(right.shape[1]), residual
    for iteration in range(most_iterations + 1):
        worst = float((np.linalg.norm(residual, axis=0) / norm).max())
        if worst <= tolerance:
            return BlockSolution(x=x, iterations=iteration, residual=worst)
        scale = np.maximum(np.linalg.norm(residual, axis=0), 1e-300)
        z = preconditioner.apply(residual / scale) * scale
        if iteration:
            beta = (np.einsum("ij,ij->j", z, residual) - np.einsum("ij,ij->j", z, last)) / before
        direction *= beta
        direction += z
        times(direction, image)
        before = np.einsum("ij,ij->j", z, residual)
        curvature = np.einsum("ij,ij->j", direction, image)
        alpha = np.where(
            curvature > 0, np.einsum("ij,ij->j", direction, residual) / np.where(curvature > 0, curvature, 1), 0
        )
        last = residual.copy()
        x += alpha * direction
        residual -= alpha * image
    raise NotConverged(
        f"the field solver reached a relative residual of {worst:.1e} after {most_iterations} iterations, "
        f"not {tolerance:.1e}; check the mesh for needle elements and the conductivities for extremes"
    )
