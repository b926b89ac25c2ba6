"""Polynomial chaos: a quantity as a polynomial of its uncertain inputs, from which its variance falls apart.

In polynomials that are orthonormal under the inputs' own distributions the variance is the sum of the
squared coefficients, and each input's share of it the sum over the terms it takes part in
(Sudret 2008, Reliab Eng Syst Saf 93:964). Under a beta distribution they are Jacobi's
(Xiu & Karniadakis 2002, SIAM J Sci Comput 24:619).
"""

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import eval_jacobi, gammaln

Floats = NDArray[np.float64]

ROUND_OFF = 1e-20
"""A variance smaller than this part of the squared mean is none."""


def jacobi_values(points: ArrayLike, highest: int, p: float, q: float) -> Floats:
    """Polynomials of degree 0 to `highest`, orthonormal under the beta(p, q) distribution on 0 to 1.

    Returns
    -------
    values : (highest + 1, ...) array for points of any shape

    >>> jacobi_values([0.5, 1.0], 1, 1, 1).round(3).tolist()
    [[1.0, 1.0], [0.0, 1.732]]
    """
    x = 2 * np.asarray(points, dtype=float) - 1
    values = np.ones((highest + 1, *x.shape))
    a, b = q - 1, p - 1
    mass = gammaln(a + 1) + gammaln(b + 1) - gammaln(a + b + 2)
    for n in range(1, highest + 1):
        square = gammaln(n + a + 1) + gammaln(n + b + 1) - gammaln(n + 1) - gammaln(n + a + b + 1) - mass
        values[n] = eval_jacobi(n, a, b, x) * np.sqrt((2 * n + a + b + 1) / np.exp(square))
    return values


def degrees_up_to(order: int, inputs: int) -> NDArray[np.int64]:
    """The degree of every input in every term of a polynomial of total degree `order`, (n_terms, inputs) array.

    >>> degrees_up_to(1, 2).tolist()
    [[0, 0], [1, 0], [0, 1]]
    """
    rows = [
        np.bincount(chosen, minlength=inputs) if chosen else np.zeros(inputs, int)
        for total in range(order + 1)
        for chosen in combinations_with_replacement(range(inputs), total)
    ]
    return np.array(rows, dtype=np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class PolynomialChaos:
    """Quantities as polynomials of independent inputs from 0 to 1, each with a beta distribution.

    Attributes
    ----------
    shapes : (d, 2) array, p and q of each input
    degrees : (n_terms, d) array, the first row zero
    coefficients : (n_terms, k) array, of the orthonormal polynomials, for k quantities
    unexplained : (k,) array, share of each quantity's variance that the polynomial misses, by leaving each
        point out in turn; 0 for a quantity that does not vary
    """

    shapes: Floats
    degrees: NDArray[np.int64]
    coefficients: Floats
    unexplained: Floats

    @classmethod
    def fitted(cls, shapes: ArrayLike, points: ArrayLike, values: ArrayLike, order: int) -> "PolynomialChaos":
        """The polynomial of total degree `order` that fits values best in the sense of least squares.

        Parameters
        ----------
        shapes : (d, 2) array, p and q of each input
        points : (n, d) array, from 0 to 1
        values : (n, k) array

        Raises
        ------
        ValueError : fewer points than the polynomial has terms
        """
        inputs, wanted = np.asarray(points, dtype=float), np.asarray(values, dtype=float)
        both = np.asarray(shapes, dtype=float)
        degrees = degrees_up_to(order, len(both))
        if len(inputs) < len(degrees):
            raise ValueError(f"{len(inputs)} points cannot fix the {len(degrees)} terms of a polynomial of {order=}")
        design = _terms(both, degrees, inputs)
        orthogonal, triangle = np.linalg.qr(design)
        coefficients = np.linalg.solve(triangle, orthogonal.T @ wanted)
        left_out = 1 - (orthogonal**2).sum(axis=1, keepdims=True)
        missed = (wanted - design @ coefficients) / np.maximum(left_out, 1e-12)
        variance = wanted.var(axis=0)
        unexplained = _quotient((missed**2).mean(axis=0), variance, coefficients[0])
        return cls(shapes=both, degrees=degrees, coefficients=coefficients, unexplained=unexplained)

    def at(self, points: ArrayLike) -> Floats:
        """The quantities at points (n, d) from 0 to 1, (n, k) array."""
        return _terms(self.shapes, self.degrees, np.asarray(points, dtype=float)) @ self.coefficients

    @property
    def mean(self) -> Floats:
        """(k,) array."""
        return self.coefficients[0]

    @property
    def variance(self) -> Floats:
        """(k,) array."""
        return np.asarray((self.coefficients[1:] ** 2).sum(axis=0))

    def first_order(self) -> Floats:
        """Share of the variance that each input makes by itself, (d, k) array; they sum to at most 1."""
        alone = (self.degrees > 0) & ((self.degrees > 0).sum(axis=1, keepdims=True) == 1)
        return self._shares(alone)

    def total(self) -> Floats:
        """Share of the variance that each input takes part in, (d, k) array; they sum to at least 1."""
        return self._shares(self.degrees > 0)

    def _shares(self, chosen: NDArray[np.bool_]) -> Floats:
        parts = chosen.T.astype(float) @ self.coefficients**2
        return _quotient(parts, self.variance, self.mean)


def _quotient(parts: Floats, variance: Floats, mean: Floats) -> Floats:
    """Parts of variances (..., k) relative to them, 0 where a variance is round-off."""
    varies = variance > ROUND_OFF * mean**2
    return np.divide(parts, variance, out=np.zeros_like(parts), where=np.broadcast_to(varies, parts.shape))


def _terms(shapes: Floats, degrees: NDArray[np.int64], points: Floats) -> Floats:
    """Every term's value at every point, (n, n_terms) array."""
    result = np.ones((len(points), len(degrees)))
    for column, (p, q) in enumerate(shapes):
        values = jacobi_values(points[:, column], int(degrees.max()), p, q)
        result *= values[degrees[:, column]].T
    return result
