"""The embedded head, built once and kept in the cache."""

import json
import shutil
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from anodyne.errors import UnreadableFile
from anodyne.files import replacing_folder
from anodyne.head.folder import MARKER, load_head, write_head_files
from anodyne.head.head import Head
from anodyne.head.image import Image
from anodyne.head.isosurface import isosurface
from anodyne.head.lattice import mesh_layers
from anodyne.head.template import ADULT, HeadRecipe, TissueDistances, mni_map, tissue_distances
from anodyne.head.tissues import Tissue
from anodyne.progress import SILENT, Progress
from anodyne.units import mm

VERSION = 2
"""Raised whenever the same recipe gives another head, so that the cache is built again."""
SPACING = 3 * mm
FLUID_PIECES = 4
"""Fluid outside the brain and the ventricles' separate parts."""


def template_head(
    *,
    size: HeadRecipe = ADULT,
    spacing: float = SPACING,
    cache_folder: Path | None = None,
    progress: Progress = SILENT,
) -> Head:
    """The embedded head, from the cache, built first if it is not there or not whole.

    Parameters
    ----------
    size : ADULT, MNI or another recipe; `anodyne.head.scale_from_circumference` gives the
        scale for a tape measure's reading
    spacing : edge of the mesh's lattice, m
    cache_folder : where built heads are kept; the platform's cache folder for anodyne if None

    Raises
    ------
    CannotWrite : the cache folder cannot be written
    """
    key = json.dumps({"version": VERSION, "spacing": spacing, **asdict(size)}, sort_keys=True)
    folder = cache_folder if cache_folder is not None else user_cache_path("anodyne")
    kept = folder / f"template-{sha256(key.encode()).hexdigest()[:16]}"
    if kept.exists():
        try:
            return load_head(kept, progress)
        except UnreadableFile:  # damaged, and nothing but a head of ours ever has this name
            shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
    with replacing_folder(
        kept, marker=MARKER
    ) as temporary:  # opened first: a place that forbids writing costs no build
        head = build_template(size, spacing, progress)
        with progress.stage("keeping the head in the cache"):
            write_head_files(head, temporary)
    return load_head(kept, progress)


def build_template(size: HeadRecipe, spacing: float, progress: Progress = SILENT) -> Head:
    """The embedded head, built anew; see `anodyne.head.template` for what it is made of."""
    return assemble_template(size, tissue_distances(size, progress), spacing, progress)


def assemble_template(
    size: HeadRecipe, distances: TissueDistances, spacing: float, progress: Progress = SILENT
) -> Head:
    """Mesh, surfaces and images from the tissues' signed distances."""
    affine = distances.affine
    low = affine[:3, 3]
    high = low + affine[0, 0] * np.array(distances.scalp.shape)
    kept = {int(Tissue.CEREBROSPINAL_FLUID): FLUID_PIECES}
    meshed = mesh_layers(distances.layers(), low, high, spacing, pieces_kept=kept, progress=progress)
    with progress.stage("surfaces"):
        scalp = isosurface(distances.scalp, affine, spacing=2.5 * mm)
        pial = isosurface(distances.brain, affine, spacing=1.7 * mm)
        mid_grey = isosurface((distances.brain + distances.white) / 2, affine, spacing=1.7 * mm)
    return Head(
        name="mni152",
        mesh=meshed.mesh,
        tissues=distances.labels(),
        t1=Image(data=mni_map("t1"), affine=affine),
        scalp=scalp,
        pial=pial,
        mid_grey=mid_grey,
        head_from_mni=size.head_from_mni,
        provenance=size.provenance,
        is_template=True,
    )
