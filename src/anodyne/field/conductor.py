"""What every solver asks of its conductor: volumes and conductivities that make sense, no coil inside or far away."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anodyne.coil import Coil, Pose
from anodyne.errors import PlacementRefused
from anodyne.head import Conductivities, TetrahedralMesh
from anodyne.units import mm

Floats = NDArray[np.float64]


FARTHEST = 300 * mm
"""A winding further than this from the head is taken for a mistake in the pose, most often one of units."""

METRES = 1 * mm
"""A coil whose centre is nearer than this to the origin, inside the head, was most likely placed in metres."""

ASYMMETRY = 1e-5
"""Difference between a tensor and its transpose, as a share of its largest entry, that rounding may leave."""


def refuse_placement(mesh: TetrahedralMesh, coil: Coil, pose: Pose) -> None:
    """Raise `PlacementRefused` if a point of the winding lies in the conductor, or all of it metres away."""
    winding = pose.to_head(coil.outline)
    centre = f"{np.round(pose.position / mm, 3)} mm"
    where, _ = mesh.locate(winding)
    if np.any(where >= 0) and np.linalg.norm(pose.position) < METRES:
        raise PlacementRefused(
            f"{coil.label} at {centre} lies in the middle of the head; a pose's position is in millimetres, and "
            "this one looks as if it were in metres, so multiply it by 1000"
        )
    if np.any(where >= 0):
        raise PlacementRefused(
            f"{percent(np.mean(where >= 0))} of the winding of {coil.label} lies inside the head at this pose "
            f"(centre {centre}); move the coil out of the scalp, and check that the pose's z axis points into the head"
        )
    low, high = mesh.nodes.min(axis=0), mesh.nodes.max(axis=0)
    gaps = np.linalg.norm(np.maximum(np.maximum(low - winding, winding - high), 0), axis=1)
    if len(gaps) and gaps.min() > FARTHEST:
        raise PlacementRefused(
            f"{coil.label} at {centre} is {gaps.min():.2g} m from the head; bring it within "
            f"{FARTHEST / mm:.0f} mm, and check that the pose is in millimetres"
        )


def percent(share: np.floating) -> str:
    """A share as whole per cent; a small one is never none.

    >>> percent(np.mean([0, 0, 0, 1])), percent(np.float64(0.001))
    ('25%', 'less than 1%')
    """
    return f"{share:.0%}" if share >= 0.01 else "less than 1%"


def conductivity_of(mesh: TetrahedralMesh, conductivity: Conductivities | ArrayLike | None) -> Floats:
    """Conductivity of every tetrahedron, (n,) or (n, 3, 3) array, S/m, of a table or of such an array, checked.

    Raises
    ------
    ValueError : a tetrahedron without volume; conductivities of the wrong shape, not finite, not symmetric or not
        positive
    """
    flat = mesh.flat_tetrahedra()
    if len(flat):
        raise ValueError(f"{len(flat)} tetrahedra have no volume, the first is number {flat[0]}; mesh again")
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
    if values.ndim == 3:
        _refuse_asymmetry(values)
    smallest = values if values.ndim == 1 else np.linalg.eigvalsh(values)[:, 0]
    if smallest.min() <= 0:
        raise ValueError(f"conductivity must be positive (definite); its smallest value is {smallest.min():g} S/m")
    return values


def _refuse_asymmetry(tensors: Floats) -> None:
    """Raise `ValueError` if one of (n, 3, 3) tensors, S/m, is not its own transpose."""
    difference = np.abs(tensors - tensors.swapaxes(1, 2)).max(axis=(1, 2))
    asymmetric = np.flatnonzero(difference > ASYMMETRY * np.abs(tensors).max(axis=(1, 2)))
    if len(asymmetric):
        raise ValueError(
            f"conductivity must be symmetric; {len(asymmetric)} tensors are not, the first is that of tetrahedron "
            f"{asymmetric[0]}, which differs from its transpose by {difference[asymmetric[0]]:g} S/m"
        )
