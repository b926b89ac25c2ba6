"""A head by the word or path a person gives for it, and what a coil's place about it cannot be."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from anodyne.cli.settings import Settings
from anodyne.errors import PlacementRefused, UnreadableFile
from anodyne.progress import Progress
from anodyne.units import mm

if TYPE_CHECKING:
    from anodyne.coil import Coil, Pose
    from anodyne.head import Head, TetrahedralMesh

TEMPLATE = "template"

FARTHEST = 300 * mm
"""A winding further than this from the head is taken for a mistake in the pose, as a field basis takes it."""

METRES = 1 * mm
"""A coil whose centre is nearer than this to the origin, inside the head, was most likely placed in metres."""


def open_head(place: str, settings: Settings, progress: Progress) -> "Head":
    """The embedded head for the word ``template``, else the head in that folder or mesh.

    Raises
    ------
    UnreadableFile, CannotWrite : as `anodyne.head.load_head` and `anodyne.head.template_head`
    """
    from anodyne.head import load_head, template_head

    if place == TEMPLATE:
        return template_head(cache_folder=settings.cache, progress=progress)
    if not Path(place).exists():
        raise UnreadableFile(
            f"there is no head {place}; name a head's folder, a .msh file or an m2m folder, or say {TEMPLATE} for the "
            "embedded head"
        )
    return load_head(place, progress)


def refuse_poses(mesh: "TetrahedralMesh", coil: "Coil", poses: "Sequence[Pose]") -> None:
    """Raise `PlacementRefused` if a winding lies in the head or is metres away from it."""
    import numpy as np

    from anodyne.field import refuse_coil_inside

    low, high = mesh.nodes.min(axis=0), mesh.nodes.max(axis=0)
    for pose in poses:
        centre = f"{np.round(pose.position / mm, 3)} mm"
        try:
            refuse_coil_inside(mesh, coil, pose)
        except PlacementRefused as refusal:
            if np.linalg.norm(pose.position) >= METRES:
                raise
            raise PlacementRefused(
                f"{coil.label} at {centre} lies in the middle of the head; a pose's position is in millimetres, and "
                "this one looks as if it were in metres, so multiply it by 1000"
            ) from refusal
        winding = pose.to_head(coil.outline)
        gaps = np.linalg.norm(np.maximum(np.maximum(low - winding, winding - high), 0), axis=1)
        if len(gaps) and gaps.min() > FARTHEST:
            raise PlacementRefused(
                f"{coil.label} at {centre} is {gaps.min():.2g} m from the head; bring it within "
                f"{FARTHEST / mm:.0f} mm, and check that the pose is in millimetres"
            )
