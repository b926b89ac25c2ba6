"""Coils known only by samples of their vector potential: SimNIBS' ``.nii.gz`` files."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import ArrayLike, NDArray

from anodyne.coil.coil import Coil
from anodyne.coil.interpolation import NODES, VALUE, interpolated, voxels_at
from anodyne.coil.sources import Sources
from anodyne.errors import PlacementRefused, UnreadableFile
from anodyne.units import A_per_us, mm

Array = NDArray[np.float64]

SHADOW_SHARE = 0.3
"""Of the largest potential in the plane of the casing's face; where there is more, a winding is taken to be."""

FEWEST_SHADOW_POINTS = 8
"""The strongest points, which belong to the shadow however much one sample stands out."""

FACE_THICKNESS = 1 * mm
"""How far behind the casing's face a winding lies at least; an assumption, smaller than any coil's known to us."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SampledCoil(Coil):
    """A coil whose vector potential was sampled on a regular grid.

    Between the samples the cubic through the four nearest along each axis is taken: local, so that the huge
    values close to the winding do not ring through the grid as they do with splines. Outside the grid
    nothing is known, so points there are refused rather than given a field of zero.

    Parameters
    ----------
    samples : (nx, ny, nz, 3) vector potential per ampere, T·m/A, at least four samples along each axis
    coil_from_voxel : (4, 4) affine from voxel indices to the coil's frame, m
    """

    samples: Array
    coil_from_voxel: Array

    def __post_init__(self) -> None:
        super().__post_init__()
        samples = np.array(self.samples, dtype=np.float64, order="C")
        affine = np.array(self.coil_from_voxel, dtype=np.float64)
        if samples.ndim != 4 or samples.shape[3] != 3 or min(samples.shape[:3]) < NODES:
            raise ValueError(f"a sampled field has shape (nx, ny, nz, 3) with at least 4 samples, not {samples.shape}")
        if not np.isfinite(samples).all():
            raise ValueError("a sampled field holds a number that is not finite")
        if affine.shape != (4, 4) or not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) == 0:
            raise ValueError("the affine of a sampled field is not an invertible 4×4 matrix")
        samples.setflags(write=False)
        affine.setflags(write=False)
        object.__setattr__(self, "samples", samples)
        object.__setattr__(self, "coil_from_voxel", affine)

    def vector_potential(self, points: ArrayLike) -> Array:
        """A per ampere at (n, 3) points (m): (n, 3) T·m/A; PlacementRefused for points outside the grid."""
        potential: Array = interpolated(self.samples, self._voxels(points), VALUE)
        return potential

    def magnetic_field(self, points: ArrayLike) -> Array:
        """B = curl A per ampere at (n, 3) points (m): (n, 3) T/A; PlacementRefused outside the grid."""
        voxels = self._voxels(points)
        by_voxel = np.stack([interpolated(self.samples, voxels, axis) for axis in range(3)], axis=-1)
        gradient = by_voxel @ np.linalg.inv(self.coil_from_voxel[:3, :3])  # gradient[:, i, j] = ∂A_i/∂x_j
        curl = [gradient[:, 2, 1] - gradient[:, 1, 2], gradient[:, 0, 2] - gradient[:, 2, 0]]
        return np.stack([*curl, gradient[:, 1, 0] - gradient[:, 0, 1]], axis=-1)

    def sources(self) -> tuple[Sources, ...]:
        """None: only samples of the field are known."""
        return ()

    @property
    def outline(self) -> Array:
        """(n, 3) an estimate of the winding's shadow on the casing's face, m, for clearance and drawings.

        Where the winding lies is not known; near it the potential is large. The points are those of the grid's
        plane nearest to z = 0 at which the potential exceeds 30 % of its largest value in that plane (and never
        fewer than the eight strongest), brought to a millimetre behind the face.
        """
        return self._shadow

    def _voxels(self, points: ArrayLike) -> Array:
        array = np.ascontiguousarray(points, dtype=np.float64)
        inverse = np.linalg.inv(self.coil_from_voxel)
        voxels: Array
        voxels, outside = voxels_at(array, inverse, self.samples.shape[:3])
        if outside:
            raise PlacementRefused(
                f"the sampled field of {self.label} does not reach {outside} of {len(array)} points; "
                "move the coil or take a dipole model (.ccd or .tcd) of it"
            )
        return voxels

    @cached_property
    def _shadow(self) -> Array:
        affine, counts = self.coil_from_voxel, np.array(self.samples.shape[:3])
        across = int((np.abs(affine[2, :3]) / np.linalg.norm(affine[:3, :3], axis=0)).argmax())
        middles = np.tile((counts - 1) / 2, (counts[across], 1))
        middles[:, across] = np.arange(counts[across])
        plane = int(np.abs(middles @ affine[2, :3] + affine[2, 3]).argmin())
        strength = np.linalg.norm(np.take(self.samples, plane, axis=across), axis=-1)
        least = min(SHADOW_SHARE * strength.max(), np.sort(strength, axis=None)[-FEWEST_SHADOW_POINTS])
        voxels = np.insert(np.argwhere(strength >= least), across, plane, axis=1)
        shadow: Array = voxels @ affine[:3, :3].T + affine[:3, 3]
        shadow[:, 2] = -FACE_THICKNESS
        shadow.setflags(write=False)
        return shadow


def read_sampled(path: Path | str) -> SampledCoil:
    """The coil in a NIfTI image of its vector potential (three components, affine in millimetres).

    The description may hold ``dIdtmax=...;coilname=...;stimulator=...;brand=...`` (A/µs).

    Raises
    ------
    UnreadableFile : missing, truncated, not a vector image, not finite, no invertible affine
    """
    try:
        image = nibabel.load(path)
        samples = np.asarray(image.get_fdata(dtype=np.float64))
        description = bytes(image.header["descrip"].tobytes()).split(b"\0")[0].decode("latin-1")
    except FileNotFoundError as error:
        raise UnreadableFile(f"cannot read {path}: there is no such file; check its name") from error
    except (ImageFileError, EOFError, OSError, ValueError, KeyError, zlib.error) as error:
        raise UnreadableFile(f"{path} is not a whole NIfTI image; fetch it again") from error
    if samples.ndim == 5 and samples.shape[3] == 1:
        samples = samples[:, :, :, 0]
    affine = np.array(image.affine, dtype=np.float64)
    affine[:3] *= mm
    header = dict(part.split("=", 1) for part in description.split(";") if "=" in part)
    known = {key: value for key, value in header.items() if value not in ("", "None")}
    try:
        peak = float(known["dIdtmax"].split(",")[0]) * A_per_us if "dIdtmax" in known else None
        return SampledCoil(
            name=Path(path).name,
            label=f"{known.get('brand', '')} {known.get('coilname', '')}".strip() or Path(path).name.split(".")[0],
            source=f"samples read from {Path(path).name}",
            maximum_di_dt=peak,
            stimulator=known.get("stimulator"),
            samples=samples,
            coil_from_voxel=affine,
        )
    except ValueError as error:
        raise UnreadableFile(f"{path} is not a coil's vector potential: {error}; give another file") from error
