"""A head made ready once and solved for any coil at any pose, forwards and by reciprocity."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anodyne.coil import Coil, Pose
from anodyne.field.conductor import conductivity_of, refuse_coil_inside
from anodyne.field.electric import ElectricField
from anodyne.field.elements.assembly import (
    conducted,
    corner_mean,
    divergence_load,
    gradient,
    incidence,
    stiffness_matrix,
)
from anodyne.field.elements.device import DeviceModel
from anodyne.field.elements.multigrid import Multigrid, conjugate_gradients
from anodyne.field.elements.parts import POSES_AT_ONCE, ModelParts
from anodyne.field.primary.fields import PrimaryField, VectorPotential
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


class FieldModel:
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
    ValueError : conductivities of the wrong shape, not positive or not finite
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
        self.mesh = mesh
        self.primary = primary if primary is not None else VectorPotential()
        self.tolerance = tolerance
        self.conductivity = conductivity_of(mesh, conductivity)
        self.timings: dict[str, float] = {}
        begin = perf_counter()
        with progress.stage("assemble"):
            self.offsets, self.members = incidence(mesh.tetrahedra, len(mesh.nodes))
            matrix = stiffness_matrix(mesh.nodes, mesh.tetrahedra, self.conductivity, self.offsets, self.members)
            self.used = np.flatnonzero(np.diff(self.offsets) > 0)
            self.matrix = matrix if len(self.used) == len(mesh.nodes) else matrix[self.used][:, self.used].tocsr()
        self.timings["assemble"] = perf_counter() - begin
        begin = perf_counter()
        with progress.stage("set up solver"):
            self._preconditioner = Multigrid(self.matrix)
        self.timings["set_up"] = perf_counter() - begin

    def solve(self, coil: Coil, pose: Pose, di_dt: float, progress: Progress = SILENT) -> ElectricField:
        """The E-field a coil at a pose induces while its current changes by `di_dt` (A/s).

        Raises
        ------
        PlacementRefused : a part of the winding lies inside the conductor
        NotConverged : the linear solver did not reach its tolerance
        """
        return self.solve_many(coil, [pose], di_dt, progress)[0]

    def solve_many(
        self, coil: Coil, poses: Sequence[Pose], di_dt: float, progress: Progress = SILENT
    ) -> list[ElectricField]:
        """As `solve` for several poses, whose right-hand sides share every pass over the matrix."""
        for pose in poses:
            refuse_coil_inside(self.mesh, coil, pose)
        fields: list[ElectricField] = []
        for first in range(0, len(poses), POSES_AT_ONCE):
            some = poses[first : first + POSES_AT_ONCE]
            begin = perf_counter()
            with progress.stage("primary field"):
                nodal = [self.primary.at(self.mesh.nodes, coil, pose, di_dt) for pose in some]
            seconds = {**self.timings, "primary": (perf_counter() - begin) / len(some)}
            for field in self._solved(nodal, di_dt, progress):
                fields.append(replace(field, timings={**seconds, **field.timings}))
        return fields

    def solve_primary(self, primary: ArrayLike, di_dt: float, progress: Progress = SILENT) -> ElectricField:
        """The E-field for a given primary field at the nodes, (n_nodes, 3) array, V/m.

        It enters as its mean over the corners of each tetrahedron, as in SimNIBS.
        """
        return self._solved([np.ascontiguousarray(primary, dtype=float)], di_dt, progress)[0]

    def _solved(self, primaries: list[Floats], di_dt: float, progress: Progress) -> list[ElectricField]:
        begin = perf_counter()
        mesh = self.mesh
        of_elements = [corner_mean(mesh.tetrahedra, nodal) for nodal in primaries]
        with progress.stage("solve"):
            loads = [
                divergence_load(mesh.nodes, mesh.tetrahedra, self.conductivity, self.offsets, self.members, element)
                for element in of_elements
            ]
            potentials, iterations, residual = self._potential(np.stack(loads, axis=1))
        solve = (perf_counter() - begin) / len(primaries)
        fields = []
        for element, potential in zip(of_elements, np.ascontiguousarray(potentials.T), strict=True):
            begin = perf_counter()
            e_field = element - gradient(mesh.nodes, mesh.tetrahedra, potential)
            fields.append(
                ElectricField(
                    mesh=mesh,
                    conductivity=self.conductivity,
                    e_field=e_field,
                    potential=potential,
                    di_dt=di_dt,
                    iterations=iterations,
                    residual=residual,
                    timings={"solve": solve, "recover": perf_counter() - begin},
                )
            )
        return fields

    def on(self, namespace: Any, device: Any = None) -> DeviceModel:
        """The same model in another array library, on one of its devices.

        Parameters
        ----------
        namespace : an array API namespace such as ``array_api_compat.torch`` or ``cupy``
        device : what that library calls a device; its default if None
        """
        return DeviceModel(self, namespace, device)

    @property
    def parts(self) -> ModelParts:
        """Its matrix, preconditioner and unknowns."""
        return ModelParts(used=self.used, blocks=((self.matrix,),), multigrid=self._preconditioner)

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
            potentials, _, _ = self._potential(loads)
        vectors = np.empty((len(along), len(mesh.nodes), 3))
        for j, direction in enumerate(along):
            slope = gradient(mesh.nodes, mesh.tetrahedra, np.ascontiguousarray(potentials[:, j]))
            current = mesh.volumes[:, None] * conducted(self.conductivity, slope)
            current[chosen] -= np.asarray(weights, dtype=float)[:, None] * direction
            vectors[j] = _spread_to_corners(mesh, current)
        return AdjointSources(positions=mesh.nodes, vectors=vectors)

    def _potential(self, loads: Floats) -> tuple[Floats, int, float]:
        right = loads[self.used]
        right -= right.mean(axis=0)
        solution = conjugate_gradients(self.matrix, right, self._preconditioner, self.tolerance)
        potential = np.zeros_like(loads)
        potential[self.used] = solution.x - solution.x.mean(axis=0)
        return potential, solution.iterations, solution.residual


def _spread_to_corners(mesh: TetrahedralMesh, vectors: Floats) -> Floats:
    """A quarter of each tetrahedron's vector to each of its corners, (n_nodes, 3) array."""
    result = np.empty((len(mesh.nodes), 3))
    for axis in range(3):
        shares = np.repeat(vectors[:, axis] / 4, 4)
        result[:, axis] = np.bincount(mesh.tetrahedra.ravel(), weights=shares, minlength=len(mesh.nodes))
    return result
