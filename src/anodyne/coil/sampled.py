"""Coils known only by samples of their vector potential: SimNIBS' ``.nii.gz`` files."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import ArrayLike, NDArray

from anodyne.coil.coil import Coil
from anodyne.coil.sources import Sources
from anodyne.errors import PlacementRefused, UnreadableFile
from anodyne.units import A_per_us, mm

Array = NDArray[np.float64]

NODES = 4
"""Samples along each axis that one interpolated value is made from."""


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
        samples = np.array(self.samples, dtype=np.float64)
        affine = np.array(self.coil_from_voxel, dtype=np.float64)
        if samples.ndim != 4 or samples.shape[3] != 3 or min(samples.shape[:3]) < 4:
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
        return self._interpolated(self._voxels(points))

    def magnetic_field(self, points: ArrayLike) -> Array:
        """B = curl A per ampere at (n, 3) points (m): (n, 3) T/A; PlacementRefused outside the grid."""
        voxels = self._voxels(points)
        by_voxel = np.stack([self._interpolated(voxels, slope_along=axis) for axis in range(3)], axis=-1)
        gradient = by_voxel @ np.linalg.inv(self.coil_from_voxel[:3, :3])  # gradient[:, i, j] = ∂A_i/∂x_j
        curl = [gradient[:, 2, 1] - gradient[:, 1, 2], gradient[:, 0, 2] - gradient[:, 2, 0]]
        return np.stack([*curl, gradient[:, 1, 0] - gradient[:, 0, 1]], axis=-1)

    def sources(self) -> tuple[Sources, ...]:
        """None: only samples of the field are known."""
        return ()

    @property
    def outline(self) -> Array:
        """(0, 3): where the winding lies is not known."""
        return np.zeros((0, 3))

    def _voxels(self, points: ArrayLike) -> Array:
        inverse = np.linalg.inv(self.coil_from_voxel)
        voxels: Array = np.asarray(points, dtype=np.float64) @ inverse[:3, :3].T + inverse[:3, 3]
        last = np.array(self.samples.shape[:3]) - 1
        outside = np.any((voxels < -1e-6) | (voxels > last + 1e-6), axis=1)
        if outside.any():
            raise PlacementRefused(
                f"the sampled field of {self.label} does not reach {int(outside.sum())} of {len(voxels)} "
                "points; move the coil or take a dipole model (.ccd or .tcd) of it"
            )
        return voxels

    def _interpolated(self, voxels: Array, slope_along: int | None = None) -> Array:
        """A at voxel positions, or its derivative along one voxel axis."""
        first = np.clip(np.floor(voxels).astype(np.intp) - 1, 0, np.array(self.samples.shape[:3]) - NODES)
        weights, slopes = _lagrange(voxels - first)
        factors = [slopes[:, axis] if axis == slope_along else weights[:, axis] for axis in range(3)]
        total = np.zeros((len(voxels), 3))
        for i, j, k in product(range(NODES), repeat=3):
            weight = factors[0][:, i] * factors[1][:, j] * factors[2][:, k]
            total += weight[:, None] * self.samples[first[:, 0] + i, first[:, 1] + j, first[:, 2] + k]
        return total


def _lagrange(place: Array) -> tuple[Array, Array]:
    """Values and slopes at `place` of the four cubics that are 1 at one of the nodes 0 to 3, else 0."""
    basis = [
        np.polynomial.Polynomial.fromroots([other for other in range(NODES) if other != node]) for node in range(NODES)
    ]
    basis = [cubic / cubic(node) for node, cubic in enumerate(basis)]
    values = np.stack([cubic(place) for cubic in basis], axis=-1)
    return values, np.stack([cubic.deriv()(place) for cubic in basis], axis=-1)


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
