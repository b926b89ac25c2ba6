"""What every solver asks of its conductor: conductivities that make sense, and no coil inside or far away."""

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
            f"{np.mean(where >= 0):.0%} of the winding of {coil.label} lies inside the head at this pose (centre "
            f"{centre}); move the coil out of the scalp, and check that the pose's z axis points into the head"
        )
    low, high = mesh.nodes.min(axis=0), mesh.nodes.max(axis=0)
    gaps = np.linalg.norm(np.maximum(np.maximum(low - winding, winding - high), 0), axis=1)
    if len(gaps) and gaps.min() > FARTHEST:
        raise PlacementRefused(
            f"{coil.label} at {centre} is {gaps.min():.2g} m from the head; bring it within "
            f"{FARTHEST / mm:.0f} mm, and check that the pose is in millimetres"
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
