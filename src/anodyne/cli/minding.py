"""What a person should mind about a field that stands all the same."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anodyne.coil import Pose
    from anodyne.head import TetrahedralMesh


def facing_remarks(mesh: "TetrahedralMesh", poses: "Sequence[Pose]") -> list[str]:
    """A sentence where the z axis of a pose points away from the head's centre, the mean of its nodes; else none."""
    centre = mesh.nodes.mean(axis=0)
    away = [str(i) for i, pose in enumerate(poses, start=1) if pose.into_head @ (centre - pose.position) < 0]
    if not away:
        return []
    which = f" in placement{'s' if len(away) > 1 else ''} {', '.join(away)}" if len(poses) > 1 else ""
    return [
        f"the coil's z axis points away from the head{which}; it should point out of the coil's face into the head, so "
        "check the third column of the pose"
    ]


def mid_grey_in_words(mesh: "TetrahedralMesh") -> str:
    """What the surface that a head calls mid-grey is: that, or what stands for it where there is no grey matter."""
    from anodyne.head import Tissue

    return "mid-grey surface" if (mesh.tissue == Tissue.GREY_MATTER).any() else "surface that stands for mid-grey"


def surface_remarks(mesh: "TetrahedralMesh") -> list[str]:
    """A sentence where a mesh without grey matter can have no mid-grey surface of its own; else none."""
    from anodyne.head import Tissue

    if (mesh.tissue == Tissue.GREY_MATTER).any():
        return []
    return [
        "the mesh holds no grey matter: the points lie on a surface that stands for mid-grey, and E is that of the "
        "tissue around each of them"
    ]


def minded(remarks: Sequence[str]) -> list[tuple[str, str]]:
    """The sentences as facts to show beneath a result."""
    return [("mind", remark) for remark in remarks]
