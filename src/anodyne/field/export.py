"""The field as a file: arrays, a Gmsh mesh, a ParaView grid or an image, by the file's ending."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anodyne.errors import CannotWrite
from anodyne.field.electric import ElectricField
from anodyne.field.volume import field_image
from anodyne.files import replacing
from anodyne.head import Image, write_image, write_mesh
from anodyne.units import mm

Floats = NDArray[np.float64]
AtPoints = tuple[Floats, Floats]
"""Points, (n, 3) m, and the field there, (n, 3) V/m."""


def write_field(
    path: Path | str,
    field: ElectricField,
    *,
    at_points: Floats | None = None,
    tissue: int | None = None,
    like: Image | None = None,
) -> None:
    """Write a field to `path`; its ending chooses the format.

    ``.npz``
        arrays ``e_field`` (n_tetrahedra, 3) V/m and ``barycentre`` (n_tetrahedra, 3) m in the mesh's own
        order, ``potential`` (n_nodes,) V, ``tissue`` (n_tetrahedra,), ``di_dt`` A/s; with `at_points` also
        ``points`` (n, 3) m and ``e_field_at_points`` (n, 3) V/m
    ``.msh``
        Gmsh 2.2 binary, millimetres, element data ``E`` and ``magnE`` (V/m), node data ``v`` (V), named as
        in SimNIBS
    ``.vtu``
        the same for ParaView
    ``.nii`` or ``.nii.gz``
        \\|E\\| in V/m on the grid of `like`, or on 1 mm voxels about the mesh

    Parameters
    ----------
    at_points : (n, 3) array, m, where the recovered field is wanted too (``.npz`` only)
    tissue : whose field these points take, as `ElectricField.at_points`; of the one each lies in if None

    Raises
    ------
    CannotWrite : an ending that is none of these, or a place that cannot be written
    """
    goal = Path(path)
    writer = next((write for ending, write in _WRITERS.items() if goal.name.endswith(ending)), None)
    if writer is None:
        endings = ", ".join(_WRITERS)
        raise CannotWrite(f"{goal.name} has none of the endings {endings}; name the output by one of them")
    if at_points is not None and not goal.name.endswith(".npz"):
        raise CannotWrite(f"the field at points goes into an .npz file, not {goal.name}; name the output .npz")
    writer(goal, field, None if at_points is None else (at_points, field.at_points(at_points, tissue)), like)


def _write_arrays(path: Path, field: ElectricField, at_points: AtPoints | None, like: Image | None) -> None:
    arrays: dict[str, NDArray[Any]] = {
        "e_field": field.e_field,
        "barycentre": field.mesh.barycentres,
        "potential": field.potential,
        "tissue": field.mesh.tissue,
        "di_dt": np.array(field.di_dt),
    }
    if at_points is not None:
        arrays |= dict(zip(("points", "e_field_at_points"), at_points, strict=True))
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)


def _write_mesh(path: Path, field: ElectricField, at_points: AtPoints | None, like: Image | None) -> None:
    write_mesh(
        path,
        field.mesh,
        element_data={"E": field.e_field, "magnE": field.magnitude},
        node_data={"v": field.potential},
    )


def _write_grid(path: Path, field: ElectricField, at_points: AtPoints | None, like: Image | None) -> None:
    import meshio  # a quarter of a second to import, and only this format needs it

    grid = meshio.Mesh(
        field.mesh.nodes / mm,
        [("tetra", field.mesh.tetrahedra)],
        cell_data={"E": [field.e_field], "magnE": [field.magnitude], "tissue": [field.mesh.tissue]},
        point_data={"v": field.potential},
    )
    with replacing(path) as temporary:
        grid.write(temporary, file_format="vtu", binary=True)


def _write_image(path: Path, field: ElectricField, at_points: AtPoints | None, like: Image | None) -> None:
    write_image(path, field_image(field, like))


_WRITERS: dict[str, Callable[[Path, ElectricField, AtPoints | None, Image | None], None]] = {
    ".npz": _write_arrays,
    ".msh": _write_mesh,
    ".vtu": _write_grid,
    ".nii.gz": _write_image,
    ".nii": _write_image,
}
FIELD_ENDINGS = tuple(_WRITERS)
"""The endings `write_field` knows."""
