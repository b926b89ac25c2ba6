"""What every solver asks of its conductor: conductivities that make sense, and no coil inside."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anodyne.coil import Coil, Pose
from anodyne.errors import PlacementRefused
from anodyne.head import Conductivities, TetrahedralMesh

Floats = NDArray[np.float64]


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
