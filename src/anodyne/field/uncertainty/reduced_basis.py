"""The potential for any conductivities as a combination of potentials already solved for.

The stiffness matrix and its load are sums over tissues, each in proportion to that tissue's conductivity:
``(sum s_t K_t) phi = sum s_t f_t``. Put on the space of a few solutions it shrinks to as many equations
as there are solutions, and its answer is the best in that space in the norm of the energy
(reduced basis; Prud'homme et al. 2002, J Fluids Eng 124:70; Quarteroni, Manzoni & Negri 2016).
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from anodyne.field.elements.assembly import divergence_load, incidence, stiffness_matrix
from anodyne.field.elements.first_order import FieldModel

Floats = NDArray[np.float64]

SMALLEST_ADDITION = 1e-9
"""Part of a solution outside the space, relative to the solution, below which it is round-off."""


@njit(cache=True)
def _places(indptr: Any, indices: Any, part_indptr: Any, part_indices: Any) -> Any:
    """Where the entries of a matrix stand among those of another that has them all; columns in order in both."""
    places = np.empty(part_indices.shape[0], indptr.dtype)
    for row in range(indptr.shape[0] - 1):
        k = indptr[row]
        for j in range(part_indptr[row], part_indptr[row + 1]):
            while indices[k] != part_indices[j]:
                k += 1
            places[j] = k
    return places


class TissueSum:
    """The stiffness matrix and load of a model as sums over groups of tissues.

    Parameters
    ----------
    model : whose matrix is taken apart
    groups : tissue tags of each part; together they hold every tissue of the mesh
    primary : (n_tetrahedra, 3) array, the primary field's mean in each tetrahedron, V/m

    Attributes
    ----------
    loads : (n_unknowns, n_groups) array, A, at the model's own conductivities
    """

    def __init__(self, model: FieldModel, groups: tuple[tuple[int, ...], ...], primary: Floats) -> None:
        matrix = csr_matrix(model.matrix)
        matrix.sort_indices()
        self._pattern = (matrix.indptr, matrix.indices)
        self._parts: list[csr_matrix] = []
        self._places = []
        self.loads = np.empty((matrix.shape[0], len(groups)))
        rank = np.full(len(model.mesh.nodes), -1, np.int32)
        rank[model.used] = np.arange(len(model.used), dtype=np.int32)
        nodes = np.ascontiguousarray(model.mesh.nodes[model.used])
        for column, group in enumerate(groups):
            chosen = np.isin(model.mesh.tissue, group)
            tetrahedra = rank[model.mesh.tetrahedra[chosen]]
            conductivity = np.ascontiguousarray(model.conductivity[chosen])
            about = incidence(tetrahedra, len(nodes))
            part = stiffness_matrix(nodes, tetrahedra, conductivity, *about)
            self._parts.append(part)
            self._places.append(_places(matrix.indptr, matrix.indices, part.indptr, part.indices))
            mean = np.ascontiguousarray(primary[chosen])
            self.loads[:, column] = divergence_load(nodes, tetrahedra, conductivity, *about, mean)

    def matrix(self, factors: ArrayLike) -> csr_matrix:
        """The stiffness matrix with each group's conductivity times a factor, (n_groups,) array."""
        indptr, indices = self._pattern
        data = np.zeros(len(indices))
        for factor, part, places in zip(np.asarray(factors), self._parts, self._places, strict=True):
            data[places] += factor * part.data
        result = csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, len(indptr) - 1))
        result.has_sorted_indices = True
        return result

    def load(self, factors: ArrayLike) -> Floats:
        """The load with each group's conductivity times a factor, (n_unknowns,) array."""
        return self.loads @ np.asarray(factors, dtype=float)

    def products(self, vector: Floats) -> Floats:
        """Each group's matrix times a vector, (n_groups, n_unknowns) array."""
        return np.stack([part @ vector for part in self._parts])


class ReducedBasis:
    """A space of solutions and what the equations are within it.

    Parameters
    ----------
    whole : the equations

    Attributes
    ----------
    vectors : (size, n_unknowns) array, orthonormal
    """

    def __init__(self, whole: TissueSum) -> None:
        self._whole = whole
        n_unknowns, n_groups = whole.loads.shape
        self.vectors = np.empty((0, n_unknowns))
        self._matrices = np.empty((n_groups, 0, 0))
        self._loads = np.empty((n_groups, 0))

    def __len__(self) -> int:
        return len(self.vectors)

    def extend(self, potential: Floats) -> None:
        """Take in one more solution, (n_unknowns,); one that adds nothing but round-off leaves the space as it is."""
        fresh, size = potential, float(np.linalg.norm(potential))
        for _ in range(2):  # once more against round-off
            fresh = fresh - self.vectors.T @ (self.vectors @ fresh)
        added = float(np.linalg.norm(fresh))
        if added <= SMALLEST_ADDITION * size:
            return
        fresh = fresh / added
        self.vectors = np.concatenate([self.vectors, fresh[None]])
        images = self._whole.products(fresh) @ self.vectors.T
        matrices = np.empty((len(images), len(self.vectors), len(self.vectors)))
        matrices[:, :-1, :-1] = self._matrices
        matrices[:, -1, :] = matrices[:, :, -1] = images
        self._matrices = matrices
        self._loads = np.concatenate([self._loads, (self._whole.loads.T @ fresh)[:, None]], axis=1)

    def combined(self, coefficients: Floats) -> Floats:
        """A combination of the space's vectors, (n_unknowns,) array."""
        return coefficients @ self.vectors

    def coefficients(self, factors: ArrayLike) -> Floats:
        """The solutions for many conductivities as combinations of the space's vectors, (n, size) array.

        Parameters
        ----------
        factors : (n, n_groups) array
        """
        given = np.asarray(factors, dtype=float)
        systems = np.einsum("nt,tij->nij", given, self._matrices)
        loads = given @ self._loads
        return np.asarray(np.linalg.solve(systems, loads[..., None])[..., 0])
