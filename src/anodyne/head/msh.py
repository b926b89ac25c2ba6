"""Gmsh mesh files (.msh 2.2 and 4.1, text and binary), read and written.

Format: Gmsh reference manual, chapter "File formats"; tags and layout as SimNIBS 4.5 uses them.
Files are in millimetres, meshes in metres.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from anodyne.files import replacing
from anodyne.head.arrays import NO_DATA, FloatArray, IndexArray
from anodyne.head.mesh import TetrahedralMesh
from anodyne.head.msh_data import read_views, spread
from anodyne.head.msh_elements import Elements, Rows, read_elements
from anodyne.head.msh_nodes import Numbering, read_nodes
from anodyne.head.msh_sections import MshFile, MshVersion, open_msh
from anodyne.head.msh_writing import checked_data, write_contents
from anodyne.progress import SILENT, Progress

__all__ = ["MeshData", "MshVersion", "read_mesh", "read_mesh_data", "write_mesh"]


@dataclass(frozen=True, kw_only=True, eq=False)
class MeshData:
    """What a mesh file holds beside the mesh, by name, in the file's own units.

    Parameters
    ----------
    element_data : (n_tetrahedra,) or (n_tetrahedra, c) arrays, NaN where the file has no value
    triangle_data : (n_triangles,) or (n_triangles, c) arrays, likewise
    node_data : (n_nodes,) or (n_nodes, c) arrays, likewise
    """

    element_data: Mapping[str, FloatArray] = field(default_factory=dict)
    triangle_data: Mapping[str, FloatArray] = field(default_factory=dict)
    node_data: Mapping[str, FloatArray] = field(default_factory=dict)


def read_mesh(path: Path | str, progress: Progress = SILENT) -> TetrahedralMesh:
    """The mesh in a Gmsh .msh file, its elements and nodes in the file's own order.

    Node numbers may be in any order with any gaps. The first physical tag of an element is its
    tissue. Points, lines and sections that say nothing of the mesh are passed over.

    Raises
    ------
    UnreadableFile : missing, cut off, garbled, in another version or byte order, with no tetrahedra,
        with tetrahedra that have no tissue tag or no volume, with nodes that are not finite, or with
        volume elements other than four-node tetrahedra
    """
    with progress.stage(f"reading {Path(path).name}", total=3) as advance:
        file = open_msh(path)
        numbering, nodes = read_nodes(file)
        advance(1)
        elements = read_elements(file)
        advance(1)
        mesh = _mesh(file, numbering, nodes, elements)
        advance(1)
    return mesh


def read_mesh_data(path: Path | str) -> MeshData:
    """The node and element data in a Gmsh .msh file, in the order of `read_mesh`.

    Where a name occurs more than once (time steps) the later ones are called ``name (2)`` and so on.

    Raises
    ------
    UnreadableFile : as `read_mesh`, or an element number used twice
    """
    file = open_msh(path)
    numbering, _ = read_nodes(file)
    elements = read_elements(file)
    node_data: dict[str, FloatArray] = {}
    for view in read_views(file, "NodeData"):
        node_data[_unused(view.name, node_data)] = spread(view, numbering)
    of_tetrahedra, of_triangles = _element_numbering(file, elements)
    element_data: dict[str, FloatArray] = {}
    triangle_data: dict[str, FloatArray] = {}
    for view in read_views(file, "ElementData"):
        name = _unused(view.name, element_data)
        element_data[name] = spread(view, of_tetrahedra)
        triangle_data[name] = spread(view, of_triangles)
    return MeshData(element_data=element_data, triangle_data=triangle_data, node_data=node_data)


def write_mesh(
    path: Path | str,
    mesh: TetrahedralMesh,
    *,
    element_data: Mapping[str, ArrayLike] = NO_DATA,
    node_data: Mapping[str, ArrayLike] = NO_DATA,
    version: MshVersion | str = MshVersion.V2_2,
    binary: bool = True,
) -> None:
    """Write a mesh as a Gmsh .msh file, triangles first, then tetrahedra, each in their own order.

    A mesh that was read from a file is written such that reading gives the same numbers to the last
    bit; any other may change by one rounding, since files are in millimetres.

    Parameters
    ----------
    element_data : name -> array with one row per tetrahedron, of 1, 3 or 9 components, written as it is
    node_data : name -> array with one row per node, likewise
    version : 2.2, which SimNIBS writes, or 4.1

    Raises
    ------
    ValueError : another version, or data of another shape
    CannotWrite : no permission, no space
    """
    chosen = MshVersion(version)
    of_elements = checked_data(element_data, len(mesh.tetrahedra), "tetrahedra")
    of_nodes = checked_data(node_data, len(mesh.nodes), "nodes")
    with replacing(path) as temporary, temporary.open("wb") as stream:
        write_contents(stream, mesh, of_elements, of_nodes, (chosen, binary))


def _mesh(file: MshFile, numbering: Numbering, nodes: FloatArray, elements: Elements) -> TetrahedralMesh:
    tetrahedra, triangles = elements.tetrahedra, elements.triangles
    if len(tetrahedra) == 0:
        file.refuse("there are no tetrahedra in it", remedy="save the volume mesh, not only its surfaces")
    untagged = int(np.count_nonzero(tetrahedra[:, 1] == 0))
    if untagged:
        file.refuse(
            f"{untagged} of {len(tetrahedra)} tetrahedra have no tissue tag",
            remedy="give every volume a physical tag (1 white matter, 2 grey matter, 3 CSF, 4 bone, 5 scalp)",
        )
    mesh = TetrahedralMesh(
        nodes=nodes,
        tetrahedra=_indices(file, numbering, tetrahedra),
        tissue=_tags(file, tetrahedra),
        triangles=_indices(file, numbering, triangles),
        triangle_tissue=_tags(file, triangles),
    )
    flat = mesh.flat_tetrahedra()
    if len(flat):
        number = tetrahedra[flat[0], 0]
        file.refuse(f"{len(flat)} tetrahedra have no volume, the first is element {number}", remedy="mesh again")
    return mesh


def _indices(file: MshFile, numbering: Numbering, rows: Rows) -> IndexArray:
    index = numbering.index_of(rows[:, 2:])
    if len(index) and index.min() < 0:
        row, corner = np.argwhere(index < 0)[0]
        file.refuse(
            f"element {rows[row, 0]} names node {rows[row, 2 + corner]}, which is not in $Nodes",
            remedy="save the mesh again",
        )
    return index.astype(np.int32)


def _tags(file: MshFile, rows: Rows) -> IndexArray:
    if len(rows) and rows[:, 1].max() > np.iinfo(np.int32).max:
        file.refuse(f"a tissue tag is {rows[:, 1].max()}", remedy="use tags below 2147483648")
    return rows[:, 1].astype(np.int32)


def _element_numbering(file: MshFile, elements: Elements) -> tuple[Numbering, Numbering]:
    pair = Numbering(numbers=elements.tetrahedra[:, 0]), Numbering(numbers=elements.triangles[:, 0])
    for numbering in pair:
        repeated = numbering.repeated()
        if repeated is not None:
            file.refuse(f"$Elements has two elements of number {repeated}", remedy="save the mesh again")
    return pair


def _unused(name: str, taken: Mapping[str, object]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name} ({number})" in taken:
        number += 1
    return f"{name} ({number})"
