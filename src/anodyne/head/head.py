"""A head: its mesh, its images, its surfaces, and where it lies in MNI space."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from anodyne.head.arrays import FloatArray, frozen_floats
from anodyne.head.distance import read_distances, surface_distance
from anodyne.head.image import Image
from anodyne.head.mesh import TetrahedralMesh
from anodyne.head.surface import Surface
from anodyne.units import mm

SCALP_DISTANCE_SPACING = 3 * mm
SCALP_DISTANCE_REACH = 156 * mm


@dataclass(frozen=True, kw_only=True, eq=False)
class Head:
    """One person's head, or the template, in head space (RAS, the world of its T1), m.

    Parameters
    ----------
    name : what to call it
    mesh : five or more tissues in tetrahedra
    tissues : label image, the tags of `anodyne.head.Tissue`, 0 outside the head
    t1 : the MRI, or None where there is none
    scalp : closed outer surface
    pial : outer boundary of the grey matter
    mid_grey : halfway between pial surface and white matter
    head_from_mni : (4, 4) affine, m -> m, or None where the way to MNI space is unknown
    provenance : where it comes from and what was assumed, in sentences
    is_template : whether it is an average of many people and so nobody's head
    """

    name: str
    mesh: TetrahedralMesh
    tissues: Image
    t1: Image | None
    scalp: Surface
    pial: Surface
    mid_grey: Surface
    head_from_mni: FloatArray | None
    provenance: str
    is_template: bool = False

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a head needs a name")
        if self.head_from_mni is not None:
            affine = frozen_floats(self.head_from_mni, (4, 4), "head_from_mni")
            if not np.array_equal(affine[3], [0, 0, 0, 1]) or abs(np.linalg.det(affine)) < 1e-6:
                raise ValueError(f"head_from_mni must be invertible with last row 0 0 0 1, not {affine.tolist()}")
            object.__setattr__(self, "head_from_mni", affine)

    def __repr__(self) -> str:
        return f"Head({self.name!r}, {len(self.mesh.nodes)} nodes, {len(self.mesh.tetrahedra)} tetrahedra)"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the mesh: equal for equal meshes on every machine."""
        return self.mesh.fingerprint

    @cached_property
    def scalp_distance(self) -> Image:
        """Signed distance to the scalp, m, positive outside, to 150 mm around the head and further, unsaturated."""
        low = self.scalp.points.min(axis=0) - SCALP_DISTANCE_REACH
        extent = self.scalp.points.max(axis=0) + SCALP_DISTANCE_REACH - low
        i, j, k = (int(n) for n in np.ceil(extent / SCALP_DISTANCE_SPACING) + 1)
        affine = np.diag([*[SCALP_DISTANCE_SPACING] * 3, 1.0])
        affine[:3, 3] = low
        data = surface_distance(self.scalp.points, self.scalp.triangles, (i, j, k), affine)
        return Image(data=data, affine=affine)

    @cached_property
    def scalp_tree(self) -> cKDTree:
        """Finds the scalp's nearest points."""
        return cKDTree(self.scalp.points)

    @cached_property
    def mid_grey_tree(self) -> cKDTree:
        """Finds the mid-grey surface's nearest points."""
        return cKDTree(self.mid_grey.points)

    def scalp_distance_at(self, points: ArrayLike) -> FloatArray:
        """(n,) signed distance, m, of (n, 3) points to the scalp, positive outside; trilinear.

        Beyond the grid of `scalp_distance` the distance to its border is added: a lower bound.
        """
        image = self.scalp_distance
        return read_distances(image.data, image.affine, np.atleast_2d(np.asarray(points, dtype=np.float64)))

    def from_mni(self, points: ArrayLike) -> FloatArray:
        """(n, 3) points of MNI152 space, m, in head space, m.

        Raises
        ------
        ValueError : this head's way to MNI space is unknown
        """
        if self.head_from_mni is None:
            raise ValueError(f"the way from MNI space to the head {self.name!r} is unknown")
        result: FloatArray = np.asarray(points) @ self.head_from_mni[:3, :3].T + self.head_from_mni[:3, 3]
        return result

    def to_mni(self, points: ArrayLike) -> FloatArray:
        """(n, 3) points of head space, m, in MNI152 space, m.

        Raises
        ------
        ValueError : this head's way to MNI space is unknown
        """
        if self.head_from_mni is None:
            raise ValueError(f"the way from MNI space to the head {self.name!r} is unknown")
        inverse = np.linalg.inv(self.head_from_mni)
        result: FloatArray = np.asarray(points) @ inverse[:3, :3].T + inverse[:3, 3]
        return result
