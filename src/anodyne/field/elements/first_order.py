"""A head made ready once and solved for any coil at any pose, forwards and by reciprocity."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anodyne.coil import Coil, Pose
from anodyne.field.elements.assembly import (
    conducted,
    corner_mean,
    divergence_load,
    gradient,
    incidence,
    stiffness_matrix,
)
from anodyne.field.elements.finite import FiniteElementModel, ModelParts
from anodyne.field.elements.multigrid import Multigrid
from anodyne.field.primary.fields import PrimaryField
from anodyne.head import Conductivities, TetrahedralMesh
from anodyne.progress import SILENT, Progress

Floats = NDArray[np.float64]

TOLERANCE = 1e-6
"""Relative residual at which the linear solver stops; see docs/explanation for its measured effect on E."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AdjointSources:
    """Vectors at the nodes whose product with dA/dt is a chosen average of the E-field.

    By reciprocity (Plonsey 1972, IEEE Trans Biomed Eng 19:239; used for TMS by Gomez et al. 2021,
    NeuroImage 228:117696), ``E average = sum over nodes of vectors[j, node] . dA/dt(node)``, for
    every coil and pose, exactly as the forward solution on the same mesh gives it.

    Attributes
    ----------
    positions : (n_nodes, 3) array, m
    vectors : (k, n_nodes, 3) array, one field of vectors for each wanted component
    """

    positions: Floats
    vectors: Floats

    def component(self, coil: Coil, pose: Pose, di_dt: float) -> Floats:
        """The wanted averages of E for a coil at a pose, (k,) array, V/m."""
        da_dt = coil.da_dt(self.positions, pose, di_dt)
        return np.asarray(np.einsum("kni,ni->k", self.vectors, da_dt))


class FieldModel(FiniteElementModel):
    """A conducting mesh with its matrix assembled and its solver set up; solve it as often as you like.

    Parameters
    ----------
    mesh : the conductor
    conductivity : a table by tissue, or an array of (n_tetrahedra,) scalars or (n_tetrahedra, 3, 3)
        symmetric tensors, S/m
    primary : how the coil enters
    tolerance : relative residual of every solve

    Attributes
    ----------
    matrix : of the nodes in use, `used`, S
    offsets, members : tetrahedra about every node, as from `incidence`
    timings : seconds spent in making it ready

    Raises
    ------
    ValueError : a tetrahedron without volume; conductivities of the wrong shape, not finite, not symmetric or not
        positive
    """

    def __init__(
        self,
        mesh: TetrahedralMesh,
        conductivity: Conductivities | ArrayLike | None = None,
        *,
        primary: PrimaryField | None = None,
        tolerance: float = TOLERANCE,
        progress: Progress = SILENT,
    ) -> None:
        super().__init__(mesh, conductivity, primary, tolerance)
        begin = perf_counter()
        with progress.stage("assemble"):
            self.offsets, self.members = incidence(mesh.tetrahedra, len(mesh.nodes))
            matrix = stiffness_matrix(mesh.nodes, mesh.tetrahedra, self.conductivity, self.offsets, self.members)
            self.used = np.flatnonzero(np.diff(self.offsets) > 0)
            self.matrix = matrix if len(self.used) == len(mesh.nodes) else matrix[self.used][:, self.used].tocsr()
        self.timings["assemble"] = perf_counter() - begin
        begin = perf_counter()
        with progress.stage("set up solver"):
            self._multigrid = Multigrid(self.matrix)
        self._operator, self._preconditioner = self.matrix, self._multigrid
        self.timings["set_up"] = perf_counter() - begin

    @property
    def parts(self) -> ModelParts:
        """Its matrix, preconditioner and unknowns."""
        return ModelParts(used=self.used, blocks=((self.matrix,),), multigrid=self._multigrid)

    def _primary(self, coil: Coil, pose: Pose, di_dt: float) -> Floats:
        """The primary field's mean over the corners of every tetrahedron, (n_tetrahedra, 3) array, V/m."""
        return corner_mean(self.mesh.tetrahedra, self.primary.at(self.mesh.nodes, coil, pose, di_dt))

    def _load(self, primary: Floats) -> Floats:
        mesh = self.mesh
        load = divergence_load(mesh.nodes, mesh.tetrahedra, self.conductivity, self.offsets, self.members, primary)
        return np.asarray(load[self.used])

    def _recovered(self, unknowns: Floats, primary: Floats) -> dict[str, Any]:
        potential = self._potential(unknowns)
        return {"potential": potential, "e_field": primary - gradient(self.mesh.nodes, self.mesh.tetrahedra, potential)}

    def adjoint(
        self, tetrahedra: ArrayLike, weights: ArrayLike, directions: ArrayLike, progress: Progress = SILENT
    ) -> AdjointSources:
        """Sources that give weighted averages of E along directions for every coil without a solve.

        Parameters
        ----------
        tetrahedra : (n,) indices of the tetrahedra averaged over
        weights : (n,) their weights (volumes over the total volume for a mean)
        directions : (k, 3) array; component j is ``sum_n weights[n] directions[j] . E[tetrahedra[n]]``
        """
        mesh = self.mesh
        chosen = np.asarray(tetrahedra)
        along = np.atleast_2d(np.asarray(directions, dtype=float))
        share = np.asarray(weights, dtype=float) / mesh.volumes[chosen]
        unit = np.ones(len(mesh.tetrahedra))
        loads = np.empty((len(mesh.nodes), len(along)))
        for j, direction in enumerate(along):
            density = np.zeros((len(mesh.tetrahedra), 3))
            density[chosen] = share[:, None] * direction
            loads[:, j] = divergence_load(mesh.nodes, mesh.tetrahedra, unit, self.offsets, self.members, density)
        with progress.stage("adjoint solves"):
            solution = self._solved(loads[self.used])
        vectors = np.empty((len(along), len(mesh.nodes), 3))
        for j, direction in enumerate(along):
            slope = gradient(mesh.nodes, mesh.tetrahedra, self._potential(solution.x[:, j]))
            current = mesh.volumes[:, None] * conducted(self.conductivity, slope)
            current[chosen] -= np.asarray(weights, dtype=float)[:, None] * direction
            vectors[j] = _spread_to_corners(mesh, current)
        return AdjointSources(positions=mesh.nodes, vectors=vectors)


def _spread_to_corners(mesh: TetrahedralMesh, vectors: Floats) -> Floats:
    """A quarter of each tetrahedron's vector to each of its corners, (n_nodes, 3) array."""
    result = np.empty((len(mesh.nodes), 3))
    for axis in range(3):
        shares = np.repeat(vectors[:, axis] / 4, 4)
        result[:, axis] = np.bincount(mesh.tetrahedra.ravel(), weights=shares, minlength=len(mesh.nodes))
    return result
