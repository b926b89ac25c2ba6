"""A head as a folder of files that other programs open too."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anodyne.errors import UnreadableFile
from anodyne.files import replacing_folder
from anodyne.head.head import Head
from anodyne.head.image import Image, read_image, write_image
from anodyne.head.isosurface import mesh_surfaces
from anodyne.head.mesh import TetrahedralMesh
from anodyne.head.msh import read_mesh, write_mesh
from anodyne.head.surface import read_surface, write_surface
from anodyne.head.tissues import tissue_name
from anodyne.progress import SILENT, Progress
from anodyne.units import mm

MARKER = "head.json"
SCHEMA = "anodyne-head"
SCHEMA_VERSION = 1
SURFACES = ("scalp", "pial", "mid_grey")
LABEL_SPACING = 2 * mm
"""Voxel of the label image made for a mesh that comes without one."""


def save_head(head: Head, folder: Path | str) -> None:
    """Write a head as a folder: ``head.json``, mesh, tissues, T1, and ``surfaces/``.

    Lengths in the files are millimetres, in head space. An earlier head in the folder is replaced.

    Raises
    ------
    CannotWrite : something else stands there, no permission, or the disk is full
    """
    with replacing_folder(folder, marker=MARKER) as temporary:
        write_head_files(head, temporary)


def write_head_files(head: Head, folder: Path) -> None:
    """The files of `save_head` in an existing, empty folder."""
    write_mesh(folder / "mesh.msh", head.mesh)
    write_image(folder / "tissues.nii.gz", head.tissues)
    if head.t1 is not None:
        write_image(folder / "T1.nii.gz", head.t1)
    (folder / "surfaces").mkdir()
    for name in SURFACES:
        write_surface(folder / "surfaces" / f"{name}.gii", getattr(head, name))
    text = json.dumps(_description(head), indent=2, ensure_ascii=False)
    (folder / MARKER).write_text(text + "\n", encoding="utf-8")


def _description(head: Head) -> dict[str, Any]:
    head_from_mni = None
    if head.head_from_mni is not None:
        in_mm = head.head_from_mni.copy()
        in_mm[:3, 3] /= mm
        head_from_mni = in_mm.tolist()
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "name": head.name,
        "units": {"length": "mm"},
        "space": "RAS, the world of the T1",
        "head_from_mni_mm": head_from_mni,
        "provenance": head.provenance,
        "is_template": head.is_template,
        "tissues": {str(tag): tissue_name(int(tag)) for tag in np.unique(head.mesh.tissue)},
        "nodes": len(head.mesh.nodes),
        "tetrahedra": len(head.mesh.tetrahedra),
    }


def load_head(path: Path | str, progress: Progress = SILENT) -> Head:
    """A head from its folder, from a bare .msh file, or from a SimNIBS m2m folder.

    A bare mesh has no T1 and no way to MNI space; its surfaces are its tissue boundaries, its label image
    is the mesh itself, sampled at 2 mm. From an m2m folder the mesh and T1.nii.gz are taken.

    Raises
    ------
    UnreadableFile : nothing there, not a head, or one of its files is missing or garbled
    """
    source = Path(path)
    if source.is_file():
        return _from_mesh(source.stem, read_mesh(source, progress), None, f"read from the mesh {source.name}")
    if not source.is_dir():
        raise UnreadableFile(f"there is no head {source}; name a head folder, a .msh file or an m2m folder")
    if (source / MARKER).is_file():
        return _from_folder(source, progress)
    if source.name.startswith("m2m_"):
        return _from_m2m(source, progress)
    raise UnreadableFile(f"{source} is not a head folder: there is no {MARKER} in it; make one with 'anodyne head'")


def _from_folder(folder: Path, progress: Progress) -> Head:
    description = _read_description(folder / MARKER)
    head_from_mni = description["head_from_mni_mm"]
    if head_from_mni is not None:
        head_from_mni = np.array(head_from_mni, dtype=np.float64)
        head_from_mni[:3, 3] *= mm
    mesh = read_mesh(folder / "mesh.msh", progress)
    surfaces = {name: read_surface(folder / "surfaces" / f"{name}.gii") for name in SURFACES}
    t1 = folder / "T1.nii.gz"
    try:
        return Head(
            name=description["name"],
            mesh=mesh,
            tissues=read_image(folder / "tissues.nii.gz"),
            t1=read_image(t1) if t1.exists() else None,
            head_from_mni=head_from_mni,
            provenance=description["provenance"],
            is_template=description["is_template"],
            **surfaces,
        )
    except ValueError as error:
        raise UnreadableFile(f"{folder} does not hold a whole head ({error}); make it again") from error


def _read_description(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        if description["schema"] != SCHEMA:
            raise UnreadableFile(f"{path} is not the description of a head; choose a head folder")
        if description["schema_version"] != SCHEMA_VERSION:
            raise UnreadableFile(
                f"{path} has schema version {description['schema_version']}, this program reads {SCHEMA_VERSION}; "
                "make the head again or update the program"
            )
        shape = np.shape(description["head_from_mni_mm"])
        if shape not in ((), (4, 4)) or not isinstance(description["provenance"], str):
            raise ValueError(f"head_from_mni_mm has shape {shape}")
        if not isinstance(description["is_template"], bool):
            raise ValueError("is_template is neither true nor false")
        if not isinstance(description["name"], str):
            raise ValueError("the name is no text")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableFile(f"{path} is not the description of a head ({error!r}); make the head again") from error
    result: dict[str, Any] = description
    return result


def _from_m2m(folder: Path, progress: Progress) -> Head:
    name = folder.name.removeprefix("m2m_")
    meshes = sorted(folder.glob("*.msh"))
    wanted = folder / f"{name}.msh"
    if wanted not in meshes and len(meshes) != 1:
        raise UnreadableFile(f"{folder} holds {len(meshes)} .msh files and none is {wanted.name}; name the mesh itself")
    mesh = read_mesh(wanted if wanted in meshes else meshes[0], progress)
    t1 = folder / "T1.nii.gz"
    provenance = f"SimNIBS folder {folder.name}: mesh and T1 only"
    return _from_mesh(name, mesh, read_image(t1) if t1.exists() else None, provenance)


def _from_mesh(name: str, mesh: TetrahedralMesh, t1: Image | None, provenance: str) -> Head:
    scalp, pial, mid_grey = mesh_surfaces(mesh)
    return Head(
        name=name,
        mesh=mesh,
        tissues=label_image(mesh, LABEL_SPACING),
        t1=t1,
        scalp=scalp,
        pial=pial,
        mid_grey=mid_grey,
        head_from_mni=None,
        provenance=provenance,
    )


def label_image(mesh: TetrahedralMesh, spacing: float) -> Image:
    """The tissue of a mesh at the points of a cubic grid around it, 0 outside."""
    low = mesh.nodes.min(axis=0) - spacing
    shape = np.ceil((mesh.nodes.max(axis=0) + spacing - low) / spacing).astype(int) + 1
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = low
    labels = np.zeros(shape, np.int16)
    plane = np.stack(np.meshgrid(np.arange(shape[1]), np.arange(shape[2]), indexing="ij"), -1).reshape(-1, 2)
    for i in range(shape[0]):
        points = np.column_stack([np.full(len(plane), i), plane]) * spacing + low
        found: NDArray[np.int32] = mesh.locate(points)[0]
        labels[i] = np.where(found >= 0, mesh.tissue[found], 0).reshape(shape[1], shape[2])
    return Image(data=labels, affine=affine)
