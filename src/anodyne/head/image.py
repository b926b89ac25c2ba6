"""Images with their place in head space, and the NIfTI files that hold them."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import map_coordinates

from anodyne.errors import UnreadableFile
from anodyne.files import replacing
from anodyne.head.arrays import FloatArray, frozen_floats
from anodyne.units import mm, um

_UNIT = {"mm": mm, "unknown": mm, "meter": 1.0, "micron": um}
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    OverflowError,
    zlib.error,
    ImageFileError,
    HeaderDataError,
)
_LARGEST_DEFLATE_RATIO = 1100  # zlib cannot pack tighter than 1032 : 1 (zlib technical notes)


@dataclass(frozen=True, kw_only=True, eq=False)
class Image:
    """Numbers on a regular grid of voxels, and where that grid lies in head space.

    Parameters
    ----------
    data : (i, j, k) or (i, j, k, c) array of any number type, kept as it is
    affine : (4, 4) array, voxel indices -> head space, m

    Raises
    ------
    ValueError : not three or four axes, an empty axis, or an affine that is not invertible
    """

    data: NDArray[Any]
    affine: FloatArray

    def __post_init__(self) -> None:
        data = np.array(self.data, copy=True)
        if data.ndim not in (3, 4) or data.size == 0 or data.dtype.kind not in "biuf":
            raise ValueError(f"an image holds real numbers on 3 or 4 axes, not {data.dtype} of shape {data.shape}")
        affine = frozen_floats(self.affine, (4, 4), "affine")
        if not np.array_equal(affine[3], [0, 0, 0, 1]) or np.linalg.matrix_rank(affine[:3, :3]) < 3:
            raise ValueError(f"the affine must be invertible with last row 0 0 0 1, not {affine.tolist()}")
        data.setflags(write=False)
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "affine", affine)

    @property
    def voxel_size(self) -> FloatArray:
        """(3,) length of a voxel along each axis of the grid, m."""
        size: FloatArray = np.linalg.norm(self.affine[:3, :3], axis=0)
        return size

    @property
    def voxel_volume(self) -> float:
        """The volume of one voxel, m³."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    def voxels_of(self, points: ArrayLike) -> FloatArray:
        """(n, 3) voxel indices, not rounded, of (n, 3) points in head space, m."""
        inverse = np.linalg.inv(self.affine)
        voxels: FloatArray = np.asarray(points, dtype=np.float64) @ inverse[:3, :3].T + inverse[:3, 3]
        return voxels

    def centres_of(self, voxels: ArrayLike) -> FloatArray:
        """(n, 3) points in head space, m, of (n, 3) voxel indices."""
        points: FloatArray = np.asarray(voxels, dtype=np.float64) @ self.affine[:3, :3].T + self.affine[:3, 3]
        return points

    def at(self, points: ArrayLike, *, outside: float = np.nan) -> FloatArray:
        """The image between its voxels, by trilinear interpolation.

        Parameters
        ----------
        points : (n, 3) array, head space, m
        outside : what points beyond the outermost voxel centres (by more than half a voxel) are given

        Returns
        -------
        (n,) array, or (n, c) for an image of c components
        """
        voxels = self.voxels_of(points).T
        components = np.moveaxis(self.data, -1, 0) if self.data.ndim == 4 else self.data[None]
        values = np.empty((voxels.shape[1], len(components)))
        for column, component in enumerate(components):
            values[:, column] = map_coordinates(component, voxels, output=np.float64, order=1, mode="nearest")
        values[~self._holds(voxels.T)] = outside
        return values if self.data.ndim == 4 else values[:, 0]

    def nearest(self, points: ArrayLike, *, outside: float = 0) -> NDArray[Any]:
        """The image at the voxel that holds each of (n, 3) points, m: what labels need."""
        voxels = self.voxels_of(points)
        upper = np.array(self.data.shape[:3]) - 1
        index = np.clip(np.rint(voxels), 0, upper).astype(np.intp)
        values = self.data[index[:, 0], index[:, 1], index[:, 2]]
        values[~self._holds(voxels)] = outside
        return values

    def _holds(self, voxels: FloatArray) -> NDArray[np.bool_]:
        upper = np.array(self.data.shape[:3]) - 0.5
        holds: NDArray[np.bool_] = np.all((voxels >= -0.5) & (voxels <= upper), axis=1)
        return holds


def read_image(path: Path | str) -> Image:
    """The image in a NIfTI file (.nii or .nii.gz), its affine from millimetres.

    Whole numbers stay whole unless the file scales them.

    Raises
    ------
    UnreadableFile : missing, truncated, garbled, or not a NIfTI image
    """
    source = Path(path)
    try:
        stored = nibabel.load(source)
        if not isinstance(stored, nibabel.Nifti1Image):
            raise UnreadableFile(f"{source} is not a NIfTI image; choose a .nii or .nii.gz file")
        _check_size(source, stored)
        affine = np.array(stored.affine, dtype=np.float64)
        affine[:3] *= _UNIT[stored.header.get_xyzt_units()[0]]
        return Image(data=np.asanyarray(stored.dataobj), affine=affine)
    except FileNotFoundError as error:
        raise UnreadableFile(f"there is no file {source}; check the path") from error
    except _UNREADABLE as error:
        raise UnreadableFile(f"{source} is not a whole NIfTI image ({error}); write or copy it again") from error


def _check_size(path: Path, stored: nibabel.Nifti1Image) -> None:
    claimed = int(np.prod([int(n) for n in stored.shape], dtype=object)) * stored.get_data_dtype().itemsize
    possible = path.stat().st_size * (_LARGEST_DEFLATE_RATIO if path.suffix == ".gz" else 1)
    if claimed > possible:
        raise UnreadableFile(f"{path} promises more voxels than it can hold (truncated?); write or copy it again")


def write_image(path: Path | str, image: Image) -> None:
    """Write an image as NIfTI (.nii or .nii.gz by the ending), its affine in millimetres.

    Truth values become bytes and 64-bit integers 32-bit ones, which every reader knows.

    Raises
    ------
    ValueError : another ending, or integers beyond 32 bits
    CannotWrite : no permission, no space
    """
    if not str(path).endswith((".nii", ".nii.gz")):
        raise ValueError(f"a NIfTI file ends in .nii or .nii.gz, not {Path(path).name}")
    affine = image.affine.copy()
    affine[:3] /= mm
    stored = nibabel.Nifti1Image(_storable(image.data), affine)
    stored.header.set_xyzt_units("mm")
    stored.set_sform(affine, code="scanner")
    if _has_right_angles(affine):
        stored.set_qform(affine, code="scanner")
    with replacing(path) as temporary:
        nibabel.save(stored, temporary)


def _storable(data: NDArray[Any]) -> NDArray[Any]:
    if data.dtype == np.bool_:
        return data.astype(np.uint8)
    if data.dtype in (np.int64, np.uint64):
        limits = np.iinfo(np.int32)
        if data.min() < limits.min or data.max() > limits.max:
            raise ValueError(f"integers {data.min()} to {data.max()} go beyond 32 bits; use floats")
        return data.astype(np.int32)
    return data.astype(np.float32) if data.dtype == np.float16 else data


def _has_right_angles(affine: FloatArray) -> bool:
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.allclose(directions.T @ directions, np.eye(3), atol=1e-6))
