"""The embedded head: five tissues from the MNI152 average brain and the fsaverage scalp.

Nothing is downloaded: nilearn ships the grey matter, white matter and T1 maps of the ICBM152 2009a
symmetric average (V. Fonov et al., NeuroImage 54 (2011) 313, doi:10.1016/j.neuroimage.2010.07.033),
MNE-Python ships the scalp of FreeSurfer's fsaverage. Skull and cerebrospinal fluid, which no map
shows, are offsets from the closed brain, chosen by published thicknesses (`anatomy.yaml`).
"""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.ndimage import label as connected_labels

from anodyne.head.distance import DistanceFunction, sample, signed_distance, surface_distance
from anodyne.head.image import Image
from anodyne.head.lattice import Layer
from anodyne.head.tissues import Tissue
from anodyne.progress import SILENT, Progress
from anodyne.units import mm

Array = NDArray[np.float64]
Volume = NDArray[np.float32]

MNI152_FROM_MNI305 = np.array(
    [
        [0.9975, -0.0073, 0.0176, -0.0429 * mm],
        [0.0146, 1.0009, -0.0024, 1.5496 * mm],
        [-0.0130, -0.0093, 0.9971, 1.1840 * mm],
        [0, 0, 0, 1],
    ]
)
"""Affine (4, 4), m: FreeSurfer's mni152.register.dat (FreeSurfer wiki, CoordinateSystems, item 8)."""

GRID_LOW = np.array([-106.0, -144.0, -112.0]) * mm
GRID_SHAPE = (213, 269, 233)
"""The grid of all tissues: 1 mm of MNI space, around the scalp."""


@dataclass(frozen=True, kw_only=True)
class HeadRecipe:
    """What the maps do not show, all lengths in the final head, m.

    scale : size of the head relative to MNI space
    csf : least thickness of cerebrospinal fluid over the closed brain
    skull, scalp : thickness of bone, and least thickness of scalp over it
    closing : radius of the ball that closes the brain's furrows and clefts under the skull
    smoothing : standard deviation with which inner skull and scalp are smoothed
    cut_height : z of the plane in MNI space below which there is no more neck
    """

    scale: float = 0.92
    csf: float = 2.3 * mm
    skull: float = 6.5 * mm
    scalp: float = 5.0 * mm
    closing: float = 12 * mm
    smoothing: float = 1.5 * mm
    cut_height: float = -90 * mm

    def __post_init__(self) -> None:
        if not 0.5 <= self.scale <= 1.5:
            raise ValueError(f"the scale of a head lies between 0.5 and 1.5, not {self.scale}")
        for name in ("csf", "skull", "scalp", "closing", "smoothing"):
            if not 0 < getattr(self, name) < 50 * mm:
                raise ValueError(f"{name} must lie between 0 and 50 mm, not {getattr(self, name) / mm} mm")

    @property
    def head_from_mni(self) -> Array:
        """(4, 4) affine, m -> m."""
        return np.diag([self.scale, self.scale, self.scale, 1.0])

    @property
    def provenance(self) -> str:
        """What the head is made of and what was assumed, in sentences."""
        return (
            "Average brain, no person: grey and white matter from the ICBM152 2009a symmetric maps shipped by nilearn, "
            f"scalp from FreeSurfer's fsaverage shipped by MNE-Python, all scaled by {self.scale:g} from MNI space, "
            "which is larger than an adult head. Skull and fluid are assumed, not seen: at least "
            f"{self.csf / mm:.1f} mm of fluid over the brain closed by a ball of {self.closing / mm:.0f} mm, "
            f"{self.skull / mm:.1f} mm of bone, at least {self.scalp / mm:.1f} mm of scalp. Ventricles and clefts are "
            "fluid; face, eyes, air, muscle and neck are filled with scalp; the neck ends at a plane. Cerebellum and "
            "brainstem are as the maps have them."
        )


ADULT = HeadRecipe()
"""An adult of average size: brain 1.36 litres, inside of the skull 1.61 litres, circumference 56 cm.

The scale is a judgement: it gives the mean circumference of British adults (women 55.2, men 57.2 cm; Bushby et
al., Arch Dis Child 67 (1992) 1286, as quoted) and a brain and skull within two standard deviations of Matsumae et
al., J Neurosurg 84 (1996) 982; see `anatomy.yaml`."""
MNI = HeadRecipe(scale=1.0, csf=2.5 * mm)
"""The size of MNI space itself, a fifth larger in volume than an average adult."""


CIRCUMFERENCE_OF_SCALE = (66.2 * mm, 540 * mm)
"""Start and slope of the straight line from scale to `head_circumference`, measured on heads of scale 0.84 to
1.04 (521, 542, 563, 584, 606, 629 mm); bone and scalp do not grow with the head, so the start is not zero."""


def scale_from_circumference(circumference: float) -> float:
    """The scale of a `HeadRecipe` whose head measures this circumference, m, within a millimetre or two.

    Raises
    ------
    ValueError : a circumference outside 45 to 68 cm
    """
    if not 450 * mm <= circumference <= 680 * mm:
        raise ValueError(f"an adult head measures 450 to 680 mm around, not {circumference / mm:g} mm")
    start, slope = CIRCUMFERENCE_OF_SCALE
    return (circumference - start) / slope


@dataclass(frozen=True, kw_only=True, eq=False)
class TissueDistances:
    """Signed distances, m, negative inside, of nested bodies on one cubic grid of head space.

    scalp, skull, inner_skull, brain, white : (i, j, k) arrays
    affine : (4, 4) voxel -> head space, m
    """

    scalp: Volume
    skull: Volume
    inner_skull: Volume
    brain: Volume
    white: Volume
    affine: Array

    def function(self, volume: Volume) -> DistanceFunction:
        """The distance at any point, by trilinear interpolation."""
        affine = self.affine
        return lambda points: sample(volume, affine, points)

    def layers(self) -> list[Layer]:
        """The tissues from the outside in, for `mesh_layers`."""
        nested = [
            (Tissue.SCALP, 0, self.scalp),
            (Tissue.BONE, Tissue.SCALP, self.skull),
            (Tissue.CEREBROSPINAL_FLUID, Tissue.BONE, self.inner_skull),
            (Tissue.GREY_MATTER, Tissue.CEREBROSPINAL_FLUID, self.brain),
            (Tissue.WHITE_MATTER, Tissue.GREY_MATTER, self.white),
        ]
        return [
            Layer(tissue=int(tissue), within=int(parent), distance=self.function(volume))
            for tissue, parent, volume in nested
        ]

    def labels(self) -> Image:
        """The tissue of each voxel (SimNIBS tags, 0 outside)."""
        labels = np.zeros(self.scalp.shape, np.uint8)
        for tissue, volume in (
            (Tissue.SCALP, self.scalp),
            (Tissue.BONE, self.skull),
            (Tissue.CEREBROSPINAL_FLUID, self.inner_skull),
            (Tissue.GREY_MATTER, self.brain),
            (Tissue.WHITE_MATTER, self.white),
        ):
            labels[volume < 0] = tissue
        return Image(data=labels, affine=self.affine)


def mni_map(kind: str) -> NDArray[np.uint8]:
    """A shipped map, "gm", "wm" or "t1" (0 to 255), on the template's grid, zero beyond its border."""
    path = Path(str(files("nilearn") / "datasets" / "data" / f"mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz"))
    image = nibabel.load(path)
    values = np.asarray(image.dataobj).astype(np.uint8)
    first = np.rint(image.affine[:3, 3] - GRID_LOW / mm).astype(int)
    result = np.zeros(GRID_SHAPE, np.uint8)
    i, j, k = first
    result[i : i + values.shape[0], j : j + values.shape[1], k : k + values.shape[2]] = values
    return result


def fsaverage_scalp() -> tuple[Array, NDArray[np.int32]]:
    """Points (n, 3), m, in MNI152 space, and triangles of fsaverage's closed outer head surface."""
    import mne

    path = Path(str(files("mne") / "data" / "fsaverage" / "fsaverage-head.fif"))
    surface = mne.read_bem_surfaces(path, verbose="error")[0]
    points = np.asarray(surface["rr"], dtype=np.float64)
    triangles: NDArray[np.int32] = np.asarray(surface["tris"], dtype=np.int32)
    return points @ MNI152_FROM_MNI305[:3, :3].T + MNI152_FROM_MNI305[:3, 3], triangles


def largest_piece(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected piece of a mask."""
    pieces, _ = connected_labels(inside)
    size = np.bincount(pieces.ravel())
    size[0] = 0
    piece: NDArray[np.bool_] = pieces == size.argmax()
    return piece


def _one_piece(level: Volume, sign: int = 1) -> Volume:
    """A level set of which only the largest inside piece (`sign` 1) or outside piece (-1) is left."""
    inside = level * sign < 0
    dropped = inside & ~largest_piece(inside)
    result = level.copy()
    result[dropped] = np.abs(level[dropped]) * sign
    return result


def _closed(distance: Volume, radius: float, spacing: float) -> Volume:
    """The body closed by a ball: grown by `radius`, then shrunk again."""
    grown = signed_distance(distance - np.float32(radius), spacing, reach=1.5 * radius)
    return grown + np.float32(radius)


def _smoothed(distance: Volume, width: float, spacing: float) -> Volume:
    return gaussian_filter(distance, width / spacing, mode="nearest")


def tissue_distances(recipe: HeadRecipe, progress: Progress = SILENT) -> TissueDistances:
    """Where each tissue of the embedded head begins.

    1. brain: grey + white matter above one half, its largest piece, inner voids filled only if they are
       not ventricles (they join the fluid); white matter: where it exceeds grey matter within the brain;
    2. inner skull: the brain closed by a ball, smoothed, and `recipe.csf` outside it;
    3. outer skull: `recipe.skull` outside that; scalp: the fsaverage scalp, scaled, united with
       `recipe.scalp` outside the skull, smoothed, cut below by a plane.
    What the maps do not show is filled so: ventricles and clefts are fluid, everything between outer skull
    and scalp, face, eyes, air and neck included, is scalp.
    """
    spacing = recipe.scale * mm
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = GRID_LOW * recipe.scale
    with progress.stage("signed distances of the tissues", total=5) as advance:
        grey, white_map = (mni_map(kind).astype(np.float32) / np.float32(255) for kind in ("gm", "wm"))
        brain = signed_distance(_one_piece(np.float32(0.5) - grey - white_map), spacing, reach=25 * mm)
        advance(1)
        white_level: Volume = np.maximum(grey - white_map, np.float32(0.5) - grey - white_map)
        white = signed_distance(_one_piece(white_level), spacing, reach=10 * mm)
        advance(1)
        closed = _smoothed(_closed(brain, recipe.closing, spacing), recipe.smoothing, spacing)
        inner_skull = signed_distance(np.minimum(closed, brain), spacing, reach=20 * mm) - np.float32(recipe.csf)
        skull = inner_skull - np.float32(recipe.skull)
        advance(1)
        points, triangles = fsaverage_scalp()
        skin = surface_distance(points * recipe.scale, triangles, GRID_SHAPE, affine)
        skin = _smoothed(np.minimum(skin, skull - np.float32(recipe.scalp)), recipe.smoothing, spacing)
        skin = np.minimum(skin, skull - np.float32(0.8 * recipe.scalp))
        advance(1)
        height = affine[2, 3] + spacing * np.arange(GRID_SHAPE[2], dtype=np.float32)
        plane = (recipe.cut_height * recipe.scale - height).astype(np.float32)
        scalp = signed_distance(np.maximum(skin, plane[None, None, :]), spacing, reach=10 * mm)
        advance(1)
    return TissueDistances(scalp=scalp, skull=skull, inner_skull=inner_skull, brain=brain, white=white, affine=affine)
