"""A head made ready once and solved for any coil at any pose, forwards and by reciprocity."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anodyne.coil import Coil, Pose
from anodyne.errors import PlacementRefused
from anodyne.field.assembly import conducted, corner_mean, divergence_load, gradient, incidence, stiffness_matrix
from anodyne.field.electric import ElectricField
from anodyne.field.multigrid import Multigrid, conjugate_gradients
from anodyne.field.primary import PrimaryField, VectorPotential
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
    tolerance : relative residual of every solve

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
            self._offsets, self._members = incidence(mesh.tetrahedra, len(mesh.nodes))
            matrix = stiffness_matrix(mesh.nodes, mesh.tetrahedra, self.conductivity, self._offsets, self._members)
            self._used = np.flatnonzero(np.diff(self._offsets) > 0)
            self._matrix = matrix if len(self._used) == len(mesh.nodes) else matrix[self._used][:, self._used].tocsr()
        self.timings["assemble"] = perf_counter() - begin
        begin = perf_counter()
        with progress.stage("set up solver"):
            self._preconditioner = Multigrid(self._matrix)
        self.timings["set_up"] = perf_counter() - begin

    def solve(self, coil: Coil, pose: Pose, di_dt: float, progress: Progress = SILENT) -> ElectricField:
        """The E-field a coil at a pose induces while its current changes by `di_dt` (A/s).

        Raises
        ------
        PlacementRefused : a part of the winding lies inside the conductor
        NotConverged : the linear solver did not reach its tolerance
        """
        refuse_coil_inside(self.mesh, coil, pose)
        begin = perf_counter()
        with progress.stage("primary field"):
            nodal = self.primary.at(self.mesh.nodes, coil, pose, di_dt)
        primary = perf_counter() - begin
        field = self.solve_primary(nodal, di_dt, progress)
        timings = {**self.timings, "primary": primary, **field.timings}
        return ElectricField(**{**field.__dict__, "timings": timings})

    def solve_primary(self, primary: ArrayLike, di_dt: float, progress: Progress = SILENT) -> ElectricField:
        """The E-field for a given primary field at the nodes, (n_nodes, 3) array, V/m.

        It enters as its mean over the corners of each tetrahedron, as in SimNIBS.
        """
        begin = perf_counter()
        mesh = self.mesh
        element_primary = corner_mean(mesh.tetrahedra, np.ascontiguousarray(primary, dtype=float))
        with progress.stage("solve"):
            load = divergence_load(
                mesh.nodes, mesh.tetrahedra, self.conductivity, self._offsets, self._members, element_primary
            )
            potential, iterations, residual = self._potential(load[:, None])
        solve = perf_counter() - begin
        begin = perf_counter()
        e_field = element_primary - gradient(mesh.nodes, mesh.tetrahedra, potential[:, 0])
        return ElectricField(
            mesh=mesh,
            conductivity=self.conductivity,
            e_field=e_field,
            potential=potential[:, 0],
            di_dt=di_dt,
            iterations=iterations,
            residual=residual,
            timings={"solve": solve, "recover": perf_counter() - begin},
        )

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
            loads[:, j] = divergence_load(mesh.nodes, mesh.tetrahedra, unit, self._offsets, self._members, density)
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
        right = loads[self._used]
        right -= right.mean(axis=0)
        solution = conjugate_gradients(self._matrix, right, self._preconditioner, self.tolerance)
        potential = np.zeros_like(loads)
        potential[self._used] = solution.x - solution.x.mean(axis=0)
        return potential, solution.iterations, solution.residual


def refuse_coil_inside(mesh: TetrahedralMesh, coil: Coil, pose: Pose) -> None:
    """Raise `PlacementRefused` if a point of the winding lies in the conductor."""
    winding = pose.to_head(coil.outline)
    where, _ = mesh.locate(winding)
    if np.any(where >= 0):
        share = np.mean(where >= 0)
        raise PlacementRefused(
            f"{share:.0%} of the winding of {coil.label} lies inside the head at this pose (centre "
            f"{np.round(pose.position * 1e3, 1)} mm); move the coil out of the scalp, and check that the pose's "
            "z axis points into the head"
        )


def conductivity_of(mesh: TetrahedralMesh, conductivity: Conductivities | ArrayLike | None) -> Floats:
    """Conductivity of every tetrahedron, (n,) or (n, 3, 3) array, S/m, of a table or of such an array, checked."""
    if conductivity is None:
        conductivity = Conductivities()
    if isinstance(conductivity, Conductivities):
        return conductivity.of(mesh.tissue)
    values = np.array(conductivity, dtype=float)
    count = len(mesh.tetrahedra)
    if values.shape not in ((count,), (count, 3, 3)):
        raise ValueError(f"conductivity has shape {values.shape}; ({count},) or ({count}, 3, 3) S/m is needed")
    if not np.isfinite(values).all():
        raise ValueError("conductivity holds NaN or infinity; every value must be a finite number of S/m")
    smallest = values if values.ndim == 1 else np.linalg.eigvalsh(values)[:, 0]
    if smallest.min() <= 0:
        raise ValueError(f"conductivity must be positive (definite); its smallest value is {smallest.min():g} S/m")
    return values


def _spread_to_corners(mesh: TetrahedralMesh, vectors: Floats) -> Floats:
    """A quarter of each tetrahedron's vector to each of its corners, (n_nodes, 3) array."""
    result = np.empty((len(mesh.nodes), 3))
    for axis in range(3):
        shares = np.repeat(vectors[:, axis] / 4, 4)
        result[:, axis] = np.bincount(mesh.tetrahedra.ravel(), weights=shares, minlength=len(mesh.nodes))
    return result
