"""fsaverage: the average cortex on which the fields of a group are laid over each other, for display only.

The surfaces are FreeSurfer's fsaverage5 (B. Fischl et al., Hum Brain Mapp 8 (1999) 272), as nilearn ships them;
nothing is downloaded. Their coordinates are MNI305; `MNI152_FROM_MNI305` and the head's own affine bring them into a
head, where each vertex takes the field of the nearest point of the mid-grey surface. fsaverage's pial surface lies
millimetres inside the MNI152 brain, and an affine aligns no gyri: good for a picture of where a group is
stimulated, not for a measurement at a gyrus. How far the nearest points were is kept with every field.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import nibabel
import numpy as np
from nibabel.gifti import GiftiDataArray, GiftiImage, GiftiMetaData
from numpy.typing import NDArray

from anodyne.field import ElectricField
from anodyne.files import replacing
from anodyne.head import MNI152_FROM_MNI305, Head, Laterality, Surface, Tissue, read_vertex_data
from anodyne.units import mm

Floats = NDArray[np.float64]

VERTICES = 10242
"""Of one hemisphere of fsaverage5."""

THINNEST_CORTEX = 0.1 * mm
"""Where fsaverage's cortex is thinner than this there is none: the core of the medial wall."""

MAPPING_IN_WORDS = (
    "fsaverage5's pial vertices, MNI305 to MNI152 to head by affines, each with the field of the nearest point of the "
    "head's mid-grey surface; for display only"
)
SIDES = (Laterality.LEFT, Laterality.RIGHT)


@dataclass(frozen=True, kw_only=True, eq=False)
class Hemisphere:
    """One half of fsaverage5.

    Attributes
    ----------
    side : left or right
    pial, inflated : the same triangles in two shapes, m; the pial one lies in MNI305 space
    sulcal_depth : (n,) array, FreeSurfer's `sulc`: positive in sulci, without a unit
    is_cortex : (n,) array, false on the core of the medial wall
    """

    side: Laterality
    pial: Surface
    inflated: Surface
    sulcal_depth: Floats
    is_cortex: NDArray[np.bool_]


@cache
def fsaverage5() -> tuple[Hemisphere, Hemisphere]:
    """The left and the right half, as nilearn ships them."""
    left, right = (_hemisphere(side) for side in SIDES)
    return left, right


def _hemisphere(side: Laterality) -> Hemisphere:
    folder = Path(str(files("nilearn") / "datasets" / "data" / "fsaverage5"))
    pial, inflated, depth, thickness = (
        nibabel.load(folder / f"{kind}_{side.value}.gii.gz") for kind in ("pial", "infl", "sulc", "thick")
    )
    shapes = [
        Surface(
            points=np.asarray(image.agg_data("pointset"), dtype=np.float64) * mm,
            triangles=np.asarray(image.agg_data("triangle")),
        )
        for image in (pial, inflated)
    ]
    return Hemisphere(
        side=side,
        pial=shapes[0],
        inflated=shapes[1],
        sulcal_depth=np.asarray(depth.agg_data(), dtype=np.float64),
        is_cortex=np.asarray(thickness.agg_data() * mm > THINNEST_CORTEX),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class FsaverageField:
    """\\|E\\| of one head at the vertices of fsaverage5, the left half's first.

    Attributes
    ----------
    magnitude : (20484,) array, V/m
    distance : (20484,) array, from each vertex to the mid-grey point whose field it took, m
    """

    magnitude: Floats
    distance: Floats

    def percentile_of_distance(self, share: float) -> float:
        """How far the nearest mid-grey points were, over the cortex (the medial wall left out), m."""
        return float(np.percentile(self.distance[_is_cortex()], 100 * share))


def _is_cortex() -> NDArray[np.bool_]:
    return np.concatenate([half.is_cortex for half in fsaverage5()])


def field_on_fsaverage(head: Head, field: ElectricField) -> FsaverageField:
    """\\|E\\| in the grey matter of a head, laid on fsaverage5.

    Raises
    ------
    ValueError : the head's way to MNI space is unknown
    """
    mni305 = np.concatenate([half.pial.points for half in fsaverage5()])
    mni152 = mni305 @ MNI152_FROM_MNI305[:3, :3].T + MNI152_FROM_MNI305[:3, 3]
    distance, nearest = head.mid_grey_tree.query(head.from_mni(mni152))
    used, back = np.unique(nearest, return_inverse=True)
    e_field = field.at_points(head.mid_grey.points[used], Tissue.GREY_MATTER)
    return FsaverageField(magnitude=np.linalg.norm(e_field, axis=1)[back], distance=np.asarray(distance))


@dataclass(frozen=True, kw_only=True, eq=False)
class GroupField:
    """\\|E\\| of a group on fsaverage5, the left half's vertices first.

    Attributes
    ----------
    subjects : whose fields were laid over each other
    mean : (20484,) array, V/m
    spread : (20484,) array, standard deviation over the subjects (of a sample), V/m; None for fewer than two
    distance : (20484,) array, mean over the subjects of the way to the nearest mid-grey point, m
    """

    subjects: tuple[str, ...]
    mean: Floats
    spread: Floats | None
    distance: Floats


def group_field(fields: Mapping[str, FsaverageField]) -> GroupField:
    """Mean and spread of fields by subject.

    Raises
    ------
    ValueError : no field
    """
    if not fields:
        raise ValueError("a group needs at least one field")
    magnitudes = np.stack([field.magnitude for field in fields.values()])
    return GroupField(
        subjects=tuple(fields),
        mean=magnitudes.mean(axis=0),
        spread=magnitudes.std(axis=0, ddof=1) if len(fields) > 1 else None,
        distance=np.mean([field.distance for field in fields.values()], axis=0),
    )


def write_fsaverage_field(folder: Path, field: FsaverageField) -> None:
    """Write ``fsaverage5.left.shape.gii`` and its right twin: ``magnE`` (V/m) and ``distance_mm``."""
    _write_maps(folder, {"magnE": field.magnitude, "distance_mm": field.distance / mm})


def read_fsaverage_field(folder: Path) -> FsaverageField:
    """What `write_fsaverage_field` wrote, in single precision.

    Raises
    ------
    UnreadableFile : missing or garbled
    """
    halves = [read_vertex_data(folder / _file_name(side)) for side in SIDES]
    return FsaverageField(
        magnitude=np.concatenate([half["magnE"] for half in halves]),
        distance=np.concatenate([half["distance_mm"] for half in halves]) * mm,
    )


def write_group_field(folder: Path, group: GroupField) -> None:
    """Write ``fsaverage5.left.shape.gii`` and its right twin: mean, spread (V/m) and distance (mm)."""
    maps = {"mean_magnE": group.mean, "distance_mm": group.distance / mm}
    if group.spread is not None:
        maps["standard_deviation_magnE"] = group.spread
    _write_maps(folder, maps)


def _file_name(side: Laterality) -> str:
    return f"fsaverage5.{side.value}.shape.gii"


def _write_maps(folder: Path, maps: Mapping[str, Floats]) -> None:
    """Numbers at each vertex as GIfTI, without the surface, as FreeSurfer keeps them."""
    for index, side in enumerate(SIDES):
        half = slice(index * VERTICES, (index + 1) * VERTICES)
        with replacing(folder / _file_name(side)) as temporary:
            temporary.write_bytes(GiftiImage(darrays=_arrays(maps, half)).to_bytes())


def _arrays(maps: Mapping[str, Floats], half: slice) -> Sequence[GiftiDataArray]:
    return [
        GiftiDataArray(values[half].astype(np.float32), intent="NIFTI_INTENT_SHAPE", meta=GiftiMetaData({"Name": name}))
        for name, values in maps.items()
    ]
