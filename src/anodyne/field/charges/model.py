"""The field from the charge on the boundaries between tissues: boundary elements without a volume mesh's error.

Where conductivity jumps, from s to t along the normal n, charge gathers until the current's normal component
is continuous. With the density c over epsilon_0 and E the field on the boundary without its own jump,

    c / 2 - K n . E(c) = K n . E_primary,    K = (s - t) / (s + t),

the adjoint double layer equation (Barnard et al. 1967, Biophys J 7:443; for magnetic stimulation Makarov et
al. 2018, IEEE Trans Biomed Eng 65:2675). Here the density is constant on every facet and both sides are averaged over
the receiving facet (Galerkin), which reciprocity turns into a solid angle's mean over the sending one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from math import log10
from time import perf_counter
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator, gmres
from scipy.spatial import cKDTree

from anodyne.coil import Coil, Pose
from anodyne.errors import NotConverged
from anodyne.field.charges.grid import SmoothSum
from anodyne.field.charges.kernels import (
    SMOOTH_TABLE,
    THREE_POINTS,
    Facets,
    add_near,
    cells_of,
    connected,
    edges_of,
    near_matrix,
    times,
)
from anodyne.field.conductor import conductivity_of, refuse_placement
from anodyne.field.electric import ElectricField
from anodyne.head import Conductivities, TetrahedralMesh
from anodyne.progress import SILENT, Progress

Floats = NDArray[np.float64]

TOLERANCE = 1e-4
"""Relative residual of the charges; on a sphere it changes E by less than 0.01 %."""

PRECISION = 1e-4
"""Share of a distant charge's action that the split into near and far may lose."""

NEAR = 2.0
"""Facets nearer than this many times the sum of their radii act on each other as triangles, not as points."""

NEAR_POINT = 3.0
"""Facets nearer to a point than this many of their radii act on it as triangles."""

BLOCK = 100_000
"""Points at which the field is taken at a time."""

RESTART = 60
CYCLES = 4

BYTES_A_GRID_POINT, BYTES_A_PAIR = 12, 8
"""Memory of the far and of the near sum; the first is let grow to twice the second, where both take about as long."""

SAMPLE = 500
"""Facets whose neighbours are counted to foresee the near sum's size."""

MOST_FACETS = 1_000_000
"""About as many as 3 GiB of memory hold."""

_OPPOSITE = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])


@dataclass(frozen=True, kw_only=True, eq=False)
class Boundaries:
    """The facets at which conductivity changes, the end of the conductor among them.

    Attributes
    ----------
    facets : triangles with normals from the lower-numbered tetrahedron to the other, or outward
    contrast : (n,) array, K = (s - t) / (s + t) of the conductivities before and behind; 1 where the mesh ends
    piece : (n,) array, number of the connected piece each facet belongs to
    """

    facets: Facets
    contrast: Floats
    piece: NDArray[np.int64]

    @classmethod
    def of(cls, mesh: TetrahedralMesh, conductivity: Floats, splits: int = 0) -> "Boundaries":
        """The boundaries of a mesh, every facet cut into ``4**splits`` alike.

        Raises
        ------
        ValueError : tensors, or a conductivity that changes nearly everywhere
        """
        if conductivity.ndim != 1:
            raise ValueError("surface charges need one scalar conductivity per tetrahedron; for tensors take fem1")
        beyond = np.where(mesh.neighbours < 0, 0.0, conductivity[mesh.neighbours])
        numbers = np.arange(len(mesh.tetrahedra))[:, None]
        chosen = (mesh.neighbours < 0) | ((mesh.neighbours > numbers) & (beyond != conductivity[:, None]))
        owner, face = np.nonzero(chosen)
        if len(owner) * 4**splits > MOST_FACETS:
            raise ValueError(
                f"conductivity changes across {len(owner) * 4**splits:,} facets; surface charges are for tissues of "
                f"even conductivity, up to {MOST_FACETS:,} facets: take a finite element solver"
            )
        triangles = np.take_along_axis(mesh.tetrahedra[owner], _OPPOSITE[face], axis=1)
        corners = mesh.nodes[triangles]
        inside = mesh.nodes[mesh.tetrahedra[owner, face]] - corners[:, 0]
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        inward = np.einsum("ij,ij->i", across, inside) > 0
        triangles[inward] = triangles[inward][:, ::-1]
        before, behind = conductivity[owner], beyond[owner, face]
        nodes, parts = mesh.nodes, triangles
        for _ in range(splits):
            nodes, parts = _quartered(nodes, parts)
        return cls(
            facets=Facets.of(nodes, parts),
            contrast=np.repeat((before - behind) / (before + behind), 4**splits),
            piece=np.repeat(connected(triangles, len(mesh.nodes)), 4**splits),
        )

    def without_total(self, densities: Floats) -> Floats:
        """Densities less their mean on every connected piece, so that no piece carries a charge."""
        areas = self.facets.areas
        mean = np.bincount(self.piece, areas * densities) / np.bincount(self.piece, areas)
        return densities - mean[self.piece]


class ChargeModel:
    """A conductor of even tissues ready to be solved by surface charges, for any coil at any pose.

    Parameters
    ----------
    mesh : the conductor; only the facets at which conductivity changes count
    conductivity : a table by tissue, or an (n_tetrahedra,) array, S/m, that is even within each tissue
    tolerance : relative residual of the charges
    precision : share of a distant charge's action that may be lost
    splits : how often every facet is cut into four: each time a third to a quarter of the error is left,
        at four times the cost

    Raises
    ------
    ValueError : conductivities of the wrong shape, tensors, not positive or not finite, or that change nearly
        everywhere; a tetrahedron without volume; a tolerance or precision that is not between 0 and 1
    """

    def __init__(
        self,
        mesh: TetrahedralMesh,
        conductivity: Conductivities | ArrayLike | None = None,
        *,
        tolerance: float = TOLERANCE,
        precision: float = PRECISION,
        splits: int = 0,
        progress: Progress = SILENT,
    ) -> None:
        for name, value in (("tolerance", tolerance), ("precision", precision)):
            if not 0 < value < 1:
                raise ValueError(f"{name} is a share between 0 and 1, not {value}")
        self.mesh = mesh
        self.tolerance = tolerance
        self.conductivity = conductivity_of(mesh, conductivity)
        self.timings: dict[str, float] = {}
        begin = perf_counter()
        with progress.stage("find boundaries"):
            self.boundaries = Boundaries.of(mesh, self.conductivity, splits)
        self.timings["assemble"] = perf_counter() - begin
        begin = perf_counter()
        with progress.stage("set up solver"):
            facets = self.boundaries.facets
            self._far = _smooth_sum(facets, precision)
            self._smooth = self._far.sharpness, SMOOTH_TABLE
            self._cells = cells_of(facets.centres, facets.radii, self._far.cut)
            self._near = near_matrix(facets, self._cells, (self._far.cut, NEAR), self._smooth, THREE_POINTS)
        self.timings["set_up"] = perf_counter() - begin

    @property
    def facet_count(self) -> int:
        """Number of facets that carry charge."""
        return len(self.boundaries.contrast)

    def charges(self, coil: Coil, pose: Pose, di_dt: float, progress: Progress = SILENT) -> "ChargeSolution":
        """The surface charges while the coil's current changes by `di_dt` (A/s).

        Raises
        ------
        PlacementRefused : a part of the winding lies inside the conductor, or all of it metres away
        NotConverged : the linear solver did not reach its tolerance
        """
        refuse_placement(self.mesh, coil, pose)
        begin = perf_counter()
        facets = self.boundaries.facets
        da_dt = partial(coil.da_dt, pose=pose, di_dt=di_dt)
        normal = np.zeros(self.facet_count)
        with progress.stage("primary field"):
            for weights in THREE_POINTS:
                inside = np.einsum("c,ncd->nd", weights, facets.corners)
                normal -= np.einsum("nd,nd->n", da_dt(inside), facets.normals) / len(THREE_POINTS)
        seconds = perf_counter() - begin
        begin = perf_counter()
        densities, iterations, residual = self._solved(2 * self.boundaries.contrast * normal, progress)
        return ChargeSolution(
            model=self,
            da_dt=da_dt,
            densities=densities,
            di_dt=di_dt,
            iterations=iterations,
            residual=residual,
            timings={**self.timings, "primary": seconds, "solve": perf_counter() - begin},
        )

    def solve(self, coil: Coil, pose: Pose, di_dt: float, progress: Progress = SILENT) -> ElectricField:
        """The E-field of a coil at a pose at the barycentre of every tetrahedron, and the potential at the nodes.

        Raises
        ------
        PlacementRefused : a part of the winding lies inside the conductor, or all of it metres away
        NotConverged : the linear solver did not reach its tolerance
        """
        solution = self.charges(coil, pose, di_dt, progress)
        begin = perf_counter()
        e_field = solution.e_field_at(self.mesh.barycentres, progress)
        used = np.unique(self.mesh.tetrahedra)
        potential = np.zeros(len(self.mesh.nodes))
        potential[used] = solution.potential_at(self.mesh.nodes[used], progress)
        potential[used] -= potential[used].mean()
        return ElectricField(
            mesh=self.mesh,
            conductivity=self.conductivity,
            e_field=e_field,
            potential=potential,
            di_dt=di_dt,
            iterations=solution.iterations,
            residual=solution.residual,
            timings={**solution.timings, "recover": perf_counter() - begin},
        )

    def solve_many(
        self, coil: Coil, poses: Sequence[Pose], di_dt: float, progress: Progress = SILENT
    ) -> list[ElectricField]:
        """As `solve` for several poses, one after the other."""
        return [self.solve(coil, pose, di_dt, progress) for pose in poses]

    def _solved(self, right: Floats, progress: Progress) -> tuple[Floats, int, float]:
        """Densities without a total on any piece, the iterations and the residual they took."""
        pinned = self.boundaries.without_total
        residuals = [1.0]

        def product(densities: Floats) -> Floats:
            free = pinned(densities)
            return densities - 2 * pinned(self.boundaries.contrast * self._normal_field(free))

        with progress.stage("solve", -log10(self.tolerance)) as advance:

            def heard(residual: float) -> None:
                advance(log10(residuals[-1] / max(residual, 1e-300)))
                residuals.append(residual)

            densities, failed = gmres(
                LinearOperator((self.facet_count, self.facet_count), matvec=product, dtype=float),
                pinned(right),
                rtol=self.tolerance,
                restart=RESTART,
                maxiter=CYCLES,
                callback=heard,
                callback_type="pr_norm",
            )
        iterations = len(residuals) - 1
        if failed:
            raise NotConverged(
                f"the charges reached a relative residual of {residuals[-1]:.1e} after {iterations} iterations, "
                f"not {self.tolerance:.1e}; loosen the tolerance, or look for facets without area in the mesh"
            )
        return pinned(densities), iterations, residuals[-1] if iterations else 0.0

    def _coefficients(self, densities: Floats) -> NDArray[np.float32]:
        """The smooth potential of the charges on the grid."""
        facets = self.boundaries.facets
        return self._far.potential(facets.middles, facets.shared(densities * facets.areas))

    def _normal_field(self, densities: Floats) -> Floats:
        """Mean normal field on every facet of all the others' charges, V/m."""
        facets = self.boundaries.facets
        smooth = self._far.field_and_potential(self._coefficients(densities), facets.middles)
        return facets.across(smooth) + times(*self._near, densities)


@dataclass(frozen=True, kw_only=True, eq=False)
class ChargeSolution:
    """The surface charges of one coil at one pose, and with them the field anywhere.

    Attributes
    ----------
    model : whose boundaries carry the charges
    da_dt : of the coil alone at (n, 3) points, V/m
    densities : (n_facets,) array, charge density over epsilon_0, V/m
    di_dt : rate of change of the coil current, A/s
    iterations : of the linear solver
    residual : of the linear system, relative to its right-hand side
    timings : seconds spent in each stage of the work
    """

    model: ChargeModel
    da_dt: Callable[[Floats], Floats]
    densities: Floats
    di_dt: float
    iterations: int
    residual: float
    timings: Mapping[str, float]

    def __post_init__(self) -> None:
        self.densities.setflags(write=False)
        object.__setattr__(self, "timings", MappingProxyType(dict(self.timings)))

    def e_field_at(self, points: ArrayLike, progress: Progress = SILENT) -> Floats:
        """E at points in the conductor, (n, 3) array, V/m; on a boundary that of one of its sides.

        Parameters
        ----------
        points : (n, 3) array, m

        Raises
        ------
        ValueError : points outside the box about the conductor
        """
        places = self._checked(points)
        result = np.empty((len(places), 3))
        for block in _blocks(len(places), "field of the charges", progress):
            result[block] = self._of_charges(places[block])[:, :3] - self.da_dt(places[block])
        return result

    def potential_at(self, points: ArrayLike, progress: Progress = SILENT) -> Floats:
        """Potential of the charges at points in the conductor, (n,) array, V, 0 far away.

        Parameters
        ----------
        points : (n, 3) array, m

        Raises
        ------
        ValueError : points outside the box about the conductor
        """
        places = self._checked(points)
        result = np.empty(len(places))
        for block in _blocks(len(places), "potential of the charges", progress):
            result[block] = self._of_charges(places[block])[:, 3]
        return result

    @cached_property
    def _coefficients(self) -> NDArray[np.float32]:
        return self.model._coefficients(self.densities)

    def _of_charges(self, places: Floats) -> Floats:
        """Field and potential of the charges at points, (n, 4) array."""
        model = self.model
        result = model._far.field_and_potential(self._coefficients, places)
        reach = model._far.cut, NEAR_POINT
        add_near(model.boundaries.facets, model._cells, self.densities, reach, model._smooth, (places, result))
        return result

    def _checked(self, points: ArrayLike) -> Floats:
        places = np.ascontiguousarray(points, dtype=float)
        if places.ndim != 2 or places.shape[1] != 3:
            raise ValueError(f"points have shape {places.shape}; (n, 3) in m is needed")
        corners = self.model.boundaries.facets.corners
        low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
        outside = ~np.all((places >= low) & (places <= high), axis=1)
        if outside.any():
            raise ValueError(f"{outside.sum()} of {len(places)} points lie outside the box about the conductor")
        return places


def _blocks(count: int, stage: str, progress: Progress) -> Iterator[slice]:
    """Points in blocks, with a stage that advances as each is done."""
    with progress.stage(stage, count) as advance:
        for first in range(0, count, BLOCK):
            last = min(first + BLOCK, count)
            yield slice(first, last)
            advance(last - first)


def _smooth_sum(facets: Facets, precision: float) -> SmoothSum:
    """The grid whose cut leaves neighbours to act as triangles, and is as short as its memory allows.

    A cut beyond the box's diagonal would gain nothing: every pair is near by then, and the grid at its smallest.
    """
    low, high = facets.corners.min(axis=(0, 1)), facets.corners.max(axis=(0, 1))
    diagonal = float(np.linalg.norm(high - low))
    cut = 2 * NEAR * float(np.median(facets.radii))
    tree = cKDTree(facets.centres)
    some = facets.centres[:: max(1, len(facets.centres) // SAMPLE)]

    def pairs() -> float:
        return float(len(facets.centres) * tree.query_ball_point(some, cut, return_length=True).mean())

    def grid_is_larger() -> bool:
        points = SmoothSum.points(low, high, cut, precision)
        return points * BYTES_A_GRID_POINT > 2 * BYTES_A_PAIR * pairs()

    while cut < diagonal and grid_is_larger():
        cut *= 1.05
    return SmoothSum(low, high, cut, precision)


def _quartered(nodes: Floats, triangles: NDArray[np.int32]) -> tuple[Floats, NDArray[np.int32]]:
    """The nodes with the edges' middles, and each of (n, 3) triangles as the four they make, in their turn."""
    edges, ends = edges_of(triangles)
    middles = edges + np.int32(len(nodes))
    inner = [np.stack([triangles[:, k], middles[:, k], middles[:, k - 1]], axis=1) for k in range(3)]
    return np.concatenate([nodes, nodes[ends].mean(axis=1)]), np.stack([*inner, middles], axis=1).reshape(-1, 3)
