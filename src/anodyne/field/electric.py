"""The induced E-field in a head: a value that knows its mesh, its units and how it was found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from anodyne.field.recovery import RecoveredField
from anodyne.head import Surface, TetrahedralMesh

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class ElectricField:
    """E-field induced by one coil at one pose.

    Attributes
    ----------
    mesh : the conductor
    conductivity : (n_tetrahedra,) or (n_tetrahedra, 3, 3) array, S/m
    e_field : (n_tetrahedra, 3) array, V/m, in the mesh's own order: at each tetrahedron's barycentre
    potential : (n_nodes,) array, V, of zero mean (0 at nodes outside every tetrahedron)
    di_dt : rate of change of the coil current, A/s
    iterations : of the linear solver
    residual : of the linear system, relative to its right-hand side
    timings : seconds spent in each stage of the work
    corners : (n_tetrahedra, 4, 3) array, V/m, the field at each corner as seen from within the tetrahedron, where
        it varies there (second-order elements); None where it is constant
    bends : (n_edges, 3) array, V/m, what the field at the middle of an edge has above the mean of its ends; None
        where it is constant in each tetrahedron
    edges : (n_tetrahedra, 6) array, which of these are each tetrahedron's, corner by corner as in `EDGE_CORNERS`;
        -1 for an edge along which the field is linear
    """

    mesh: TetrahedralMesh
    conductivity: Floats
    e_field: Floats
    potential: Floats
    di_dt: float
    iterations: int
    residual: float
    timings: Mapping[str, float] = field(default_factory=dict)
    corners: NDArray[np.float32] | None = None
    bends: NDArray[np.float32] | None = None
    edges: NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        if self.e_field.shape != (len(self.mesh.tetrahedra), 3):
            raise ValueError(f"e_field has shape {self.e_field.shape}, the mesh {len(self.mesh.tetrahedra)} tetrahedra")
        for name in ("conductivity", "e_field", "potential"):
            getattr(self, name).setflags(write=False)
        object.__setattr__(self, "timings", MappingProxyType(dict(self.timings)))

    def __repr__(self) -> str:
        return (
            f"ElectricField({len(self.e_field):,} tetrahedra, at {self.di_dt / 1e6:.4g} A/us, "
            f"|E| up to {self.magnitude.max():.4g} V/m)"
        )

    def _repr_png_(self) -> bytes:
        """What a notebook shows: three slices through the strongest field in the brain."""
        from anodyne.field.plot import field_png  # matplotlib only where something is drawn

        return field_png(self)

    @cached_property
    def magnitude(self) -> Floats:
        """|E| in each tetrahedron, (n_tetrahedra,) array, V/m."""
        return np.asarray(np.linalg.norm(self.e_field, axis=1))

    @cached_property
    def recovered(self) -> RecoveredField:
        """The field made continuous within each tissue, one value per tissue at every node."""
        if self.corners is None:
            return RecoveredField(self.mesh, self.e_field)
        return RecoveredField(self.mesh, self.corners, self.edges, self.bends)

    def at_nodes(self, tissue: int) -> tuple[NDArray[np.int64], Floats]:
        """Nodes of a tissue and the recovered field of that tissue there.

        Returns
        -------
        nodes : (n,) array of node indices
        e_field : (n, 3) array, V/m
        """
        chosen = self.recovered.tissue == tissue
        counts = np.diff(self.recovered.first)
        return np.repeat(np.arange(len(counts)), counts)[chosen], self.recovered.values[chosen]

    def at_points(self, points: ArrayLike, tissue: int | None = None) -> Floats:
        """The recovered field at points, (n, 3) array, V/m; NaN outside the mesh.

        Parameters
        ----------
        points : (n, 3) array, m
        tissue : take the field of this tissue, carried on from its nearest tetrahedron where a point
            lies in another tissue (surface vertices do, by fractions of an element)
        """
        inside = np.asarray(points, dtype=float).reshape(-1, 3)
        where, barycentric = self.mesh.locate(inside)
        result = np.full(inside.shape, np.nan)
        good = where >= 0
        if tissue is not None:
            good &= np.where(good, self.mesh.tissue[where] == tissue, False)
        result[good] = self.recovered.at(where[good], barycentric[good])
        if tissue is not None and not good.all():
            nearest = self._nearest_of(tissue, inside[~good])
            middle = np.full((len(nearest), 4), 0.25)
            result[~good] = self.recovered.at(nearest, middle)
        return result

    def on_surface(self, surface: Surface, tissue: int | None = None) -> Floats:
        """The recovered field at the vertices of a surface, (n, 3) array, V/m."""
        return self.at_points(surface.points, tissue)

    def _nearest_of(self, tissue: int, points: Floats) -> NDArray[np.int64]:
        members = np.flatnonzero(self.mesh.tissue == tissue)
        if len(members) == 0:
            raise ValueError(f"the mesh holds no tetrahedra of tissue {tissue}")
        _, nearest = cKDTree(self.mesh.barycentres[members]).query(points)
        return np.asarray(members[nearest])


def current_density(e_field: ArrayLike, conductivity: ArrayLike) -> Floats:
    """Ohmic current density ``sigma E``, (n, 3) array, A/m^2, of scalar (n,) or tensor (n, 3, 3) conductivity."""
    e = np.asarray(e_field, dtype=float)
    sigma = np.asarray(conductivity, dtype=float)
    if sigma.ndim == 1:
        return np.asarray(sigma[:, None] * e)
    return np.asarray(np.einsum("nij,nj->ni", sigma, e))
