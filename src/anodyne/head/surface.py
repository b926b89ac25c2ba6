"""Surfaces of triangles, and the GIfTI files that hold them."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.parsers.expat import ExpatError

import nibabel
import numpy as np
from nibabel.gifti import GiftiDataArray, GiftiImage, GiftiMetaData
from numpy.typing import ArrayLike

from anodyne.errors import UnreadableFile
from anodyne.files import replacing
from anodyne.head.arrays import NO_DATA, FloatArray, IndexArray, frozen_floats, frozen_indices
from anodyne.units import mm


@dataclass(frozen=True, kw_only=True, eq=False)
class Surface:
    """A surface of triangles in head space.

    Parameters
    ----------
    points : (n, 3) array, m
    triangles : (k, 3) array of 0-based point indices, counter-clockwise seen from outside

    Raises
    ------
    ValueError : no triangles, wrong shapes, points that are not finite, indices out of range
    """

    points: FloatArray
    triangles: IndexArray

    def __post_init__(self) -> None:
        points = frozen_floats(self.points, (None, 3), "points")
        triangles = frozen_indices(self.triangles, (None, 3), "triangles")
        if len(triangles) == 0:
            raise ValueError("a surface needs at least one triangle")
        if triangles.min() < 0 or triangles.max() >= len(points):
            span = f"{triangles.min()} to {triangles.max()}"
            raise ValueError(f"triangles name points {span}, but there are {len(points)} points")
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "triangles", triangles)

    @classmethod
    def compact(cls, points: ArrayLike, triangles: ArrayLike) -> "Surface":
        """The surface of these triangles without the points that none of them uses."""
        used, renumbered = np.unique(np.asarray(triangles), return_inverse=True)
        return cls(points=np.asarray(points)[used], triangles=renumbered.reshape(-1, 3).astype(np.int32))

    @cached_property
    def areas(self) -> FloatArray:
        """(k,) area of each triangle, m²."""
        areas: FloatArray = np.linalg.norm(self._area_vectors, axis=1)
        areas.setflags(write=False)
        return areas

    @cached_property
    def enclosed_volume(self) -> float:
        """The volume inside, m³; negative where the triangles face inwards (divergence theorem)."""
        corner = self.points[self.triangles[:, 0]] - self.points.mean(axis=0)
        return float(np.einsum("ij,ij->", corner, self._area_vectors) / 3)

    @cached_property
    def normals(self) -> FloatArray:
        """(n, 3) outward unit normal at each point: the mean of its triangles' normals by area.

        Outward is where the enclosed volume is positive, whichever way the triangles are written.
        A point that no triangle uses has the normal (0, 0, 0).
        """
        outward = -self._area_vectors if self.enclosed_volume < 0 else self._area_vectors
        sums = np.empty_like(self.points)
        for axis in range(3):
            weights = np.repeat(outward[:, axis], 3)
            sums[:, axis] = np.bincount(self.triangles.ravel(), weights=weights, minlength=len(self.points))
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        normals: FloatArray = np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0)
        normals.setflags(write=False)
        return normals

    @cached_property
    def _area_vectors(self) -> FloatArray:
        first, second, third = (self.points[self.triangles[:, i]] for i in range(3))
        vectors: FloatArray = np.cross(second - first, third - first) / 2
        return vectors


def read_surface(path: Path | str) -> Surface:
    """The surface in a GIfTI file, from millimetres.

    Coordinates are taken as they stand in the file; they are expected in head space.

    Raises
    ------
    UnreadableFile : missing, garbled, or without points and triangles
    """
    image = _load_gifti(Path(path))
    try:
        points = image.agg_data("NIFTI_INTENT_POINTSET")
        triangles = image.agg_data("NIFTI_INTENT_TRIANGLE")
        return Surface(points=np.asarray(points, dtype=np.float64) * mm, triangles=np.asarray(triangles))
    except (ValueError, TypeError) as error:
        raise UnreadableFile(f"{path} does not hold one surface ({error}); choose a GIfTI surface file") from error


def read_vertex_data(path: Path | str) -> dict[str, FloatArray]:
    """What a GIfTI file holds at each point beside the surface: name -> (n,) or (n, c) array.

    Numbers are as in the file; an array without a name is called ``data``.

    Raises
    ------
    UnreadableFile : missing or garbled
    """
    shapes = {
        nibabel.nifti1.intent_codes["NIFTI_INTENT_POINTSET"],
        nibabel.nifti1.intent_codes["NIFTI_INTENT_TRIANGLE"],
    }
    arrays = [array for array in _load_gifti(Path(path)).darrays if array.intent not in shapes]
    return {array.meta.get("Name") or "data": np.asarray(array.data, dtype=np.float64) for array in arrays}


def write_surface(path: Path | str, surface: Surface, *, vertex_data: Mapping[str, ArrayLike] = NO_DATA) -> None:
    """Write a surface as GIfTI, in millimetres, with numbers at each point if there are any.

    Coordinates and data are stored as 32-bit floats, as the format demands of coordinates.

    Parameters
    ----------
    vertex_data : name -> (n,) or (n, c) array, written as it is

    Raises
    ------
    ValueError : an array that does not have one row per point
    CannotWrite : no permission, no space
    """
    arrays = [
        GiftiDataArray((surface.points / mm).astype(np.float32), intent="NIFTI_INTENT_POINTSET"),
        GiftiDataArray(surface.triangles, intent="NIFTI_INTENT_TRIANGLE"),
    ]
    for name, values in vertex_data.items():
        numbers = np.asarray(values, dtype=np.float32)
        if len(numbers) != len(surface.points):
            raise ValueError(f"{name} has {len(numbers)} rows for {len(surface.points)} points")
        meta = GiftiMetaData({"Name": name})
        arrays.append(GiftiDataArray(numbers, intent="NIFTI_INTENT_SHAPE", meta=meta))
    arrays[0].coordsys.dataspace = nibabel.nifti1.xform_codes["NIFTI_XFORM_SCANNER_ANAT"]
    arrays[0].coordsys.xformspace = nibabel.nifti1.xform_codes["NIFTI_XFORM_SCANNER_ANAT"]
    with replacing(path) as temporary:
        temporary.write_bytes(GiftiImage(darrays=arrays).to_bytes())


def _load_gifti(path: Path) -> GiftiImage:
    try:
        image = GiftiImage.from_bytes(path.read_bytes())
    except OSError as error:
        raise UnreadableFile(f"cannot read {path}: {error.strerror}; check the path") from error
    except (ExpatError, ValueError, KeyError, TypeError, AttributeError, IndexError, zlib.error) as error:
        raise UnreadableFile(f"{path} is not a whole GIfTI file ({error}); write or copy it again") from error
    if not isinstance(image, GiftiImage):
        raise UnreadableFile(f"{path} is not a GIfTI file; choose a .gii file")
    return image
