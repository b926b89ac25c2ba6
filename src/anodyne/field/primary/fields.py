"""How the coil enters a solver: a field with the right curl, from which a gradient is then taken away.

``E = E_p - grad(phi)`` holds for every E_p whose curl is ``-dB/dt``; phi mends what E_p does not know of
the conductor. The exact E does not depend on the choice, its discretisation does: what E_p leaves to
phi carries the error of the elements.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anodyne.coil import Coil, CurrentElements, MagneticDipoles, Pose
from anodyne.errors import PlacementRefused
from anodyne.field.primary.sphere_kernels import field_of_dipoles, field_of_wires, hidden_points
from anodyne.head import TetrahedralMesh, Tissue

Floats = NDArray[np.float64]

BRAIN = (Tissue.WHITE_MATTER, Tissue.GREY_MATTER)


class PrimaryField(ABC):
    """A field that a coil makes in a body, up to a gradient."""

    @abstractmethod
    def at(self, points: ArrayLike, coil: Coil, pose: Pose, di_dt: float) -> Floats:
        """The primary field at points of the body, (n, 3) array, V/m.

        Parameters
        ----------
        points : (n, 3) array, m
        di_dt : rate of change of the coil current, A/s
        """


@dataclass(frozen=True, kw_only=True)
class VectorPotential(PrimaryField):
    """``-dA/dt`` of the coil in free space, in the Coulomb gauge: what most solvers take."""

    def at(self, points: ArrayLike, coil: Coil, pose: Pose, di_dt: float) -> Floats:
        """``-dA/dt`` at points, (n, 3) array, V/m, right to 1e-6 of its largest value."""
        sources = coil.sources()
        in_coil = pose.to_coil(np.asarray(points, dtype=float).reshape(-1, 3))
        if sources:
            potential = np.sum([part.vector_potential(in_coil, np.float32) for part in sources], axis=0)
        else:
            potential = coil.vector_potential(in_coil)
        return np.asarray(potential @ (-di_dt * pose.rotation.T))


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedSphere(PrimaryField):
    """The field the same coil induces in a sphere about a point, in closed form.

    It depends on the coil's magnetic field in the body alone, so any two sources of the same field
    enter alike, and in a round head it leaves little to the potential.
    For magnetic dipoles it is the reciprocal of Sarvas (1987, Phys Med Biol 32:11, eq. 25), for pieces of
    wire see `anodyne.field.primary.sphere_kernels`.

    Attributes
    ----------
    centre : (3,) array, m
    """

    centre: Floats = field(default_factory=lambda: np.zeros(3))

    def __post_init__(self) -> None:
        centre = np.array(self.centre, dtype=float)
        if centre.shape != (3,) or not np.isfinite(centre).all():
            raise ValueError(f"a sphere's centre is three finite lengths in m, not {self.centre!r}")
        centre.setflags(write=False)
        object.__setattr__(self, "centre", centre)

    @classmethod
    def to(cls, mesh: TetrahedralMesh) -> "FittedSphere":
        """The sphere that fits the brain's upper surface best, or the whole body's where there is no brain.

        Least squares on ``|p|^2 = 2 c . p + const`` over the surface's nodes above the brain's lowest third.
        """
        tags = set(np.unique(mesh.tissue).tolist())
        brain = [tag for tag in BRAIN if tag in tags]
        surface = mesh.outer_surface(brain) if brain else mesh.outer_surface(tags)
        points = surface.points
        height = points[:, 2]
        points = points[height >= height.min() + (height.max() - height.min()) / 3]
        middle = points.mean(axis=0)
        shifted = points - middle
        columns = np.column_stack([2 * shifted, np.ones(len(points))])
        solution, *_ = np.linalg.lstsq(columns, (shifted**2).sum(axis=1), rcond=None)
        return cls(centre=solution[:3] + middle)

    def at(self, points: ArrayLike, coil: Coil, pose: Pose, di_dt: float) -> Floats:
        """The sphere's field at points, (n, 3) array, V/m.

        Raises
        ------
        PlacementRefused : a point lies behind a part of the winding as seen from the centre, or the coil is known
            by samples of its field only
        """
        inside = np.ascontiguousarray(np.asarray(points, dtype=float).reshape(-1, 3) - self.centre)
        sources = coil.sources()
        if not sources:
            raise PlacementRefused(
                f"{coil.label} is known by samples of its field only, which have no closed form in a sphere; "
                "take another solver (see 'anodyne field solvers')"
            )
        total = np.zeros(inside.shape)
        for part in sources:
            positions = np.ascontiguousarray(pose.to_head(part.positions) - self.centre)
            if hidden_points(inside, positions):
                raise PlacementRefused(
                    f"part of the head lies behind {coil.label} as seen from the middle of the brain; "
                    "move the coil off the head, or solve with --solver fem1, which allows for this"
                )
            if isinstance(part, CurrentElements):
                total += field_of_wires(inside, positions, part.vectors @ (di_dt * pose.rotation.T))
            elif isinstance(part, MagneticDipoles):
                total += field_of_dipoles(inside, positions, part.moments @ (di_dt * pose.rotation.T))
            else:
                raise TypeError(f"no closed form for coil elements of type {type(part).__name__}")
        return total
