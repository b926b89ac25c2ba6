"""Writing Gmsh mesh files: sections as text or as numbers in memory order."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anodyne.head.arrays import FloatArray
from anodyne.head.mesh import TetrahedralMesh
from anodyne.head.msh_data import COMPONENTS
from anodyne.head.msh_kernels import TETRAHEDRON, TRIANGLE
from anodyne.head.msh_sections import MshVersion
from anodyne.units import mm

_ROWS_AT_ONCE = 65_536

Data = Mapping[str, FloatArray]


def checked_data(data: Mapping[str, ArrayLike], rows: int, of: str) -> dict[str, FloatArray]:
    """Data by name as (rows, components) arrays.

    Raises
    ------
    ValueError : another number of rows or components, or a name that the format cannot hold
    """
    checked: dict[str, FloatArray] = {}
    for name, values in data.items():
        array = np.asarray(values, dtype=np.float64)
        array = array[:, None] if array.ndim == 1 else array
        if array.ndim != 2 or len(array) != rows or array.shape[1] not in COMPONENTS:
            raise ValueError(f"{name} must have {rows} rows ({of}) of 1, 3 or 9 numbers, not shape {array.shape}")
        if '"' in name or not name.isprintable():
            raise ValueError(f"the name {name!r} holds a character that a .msh file cannot")
        checked[name] = array
    return checked


def write_contents(
    stream: BinaryIO,
    mesh: TetrahedralMesh,
    element_data: Data,
    node_data: Data,
    form: tuple[MshVersion, bool],
) -> None:
    """Write every section of a mesh file in the form (version, binary)."""
    version, binary = form
    stream.write(f"$MeshFormat\n{version} {int(binary)} 8\n".encode())
    if binary:
        stream.write(np.array([1], dtype="<i4").tobytes() + b"\n")
    stream.write(b"$EndMeshFormat\n")
    parts = _sections_2(mesh, binary) if version is MshVersion.V2_2 else _sections_4(mesh, binary)
    for part in parts:
        stream.write(part)
    for name, values in node_data.items():
        _write_data(stream, "NodeData", name, values, 1, binary)
    for name, values in element_data.items():
        _write_data(stream, "ElementData", name, values, len(mesh.triangles) + 1, binary)


def positions_mm(nodes: FloatArray) -> FloatArray:
    """Positions in millimetres that, read back, give the same metres to the last bit where any can.

    Dividing by a thousandth and multiplying again may end one rounding off; of the neighbouring
    numbers the one that comes back exactly is taken.
    """
    result: FloatArray = nodes / mm
    off = result * mm != nodes
    wanted, first = nodes[off], result[off]
    chosen = first.copy()
    for direction in (-np.inf, np.inf):
        neighbour = np.nextafter(first, direction)
        exact = neighbour * mm == wanted
        chosen[exact] = neighbour[exact]
    result[off] = chosen
    return result


def _sections_2(mesh: TetrahedralMesh, binary: bool) -> Iterator[bytes]:
    """Version 2.2 as SimNIBS lays it out: one block of triangles, one of tetrahedra."""
    n_nodes, n_triangles, n_tetrahedra = len(mesh.nodes), len(mesh.triangles), len(mesh.tetrahedra)
    yield f"$Nodes\n{n_nodes}\n".encode()
    yield from _numbered_rows(1, positions_mm(mesh.nodes), binary)
    yield f"$EndNodes\n$Elements\n{n_triangles + n_tetrahedra}\n".encode()
    blocks = (
        (TRIANGLE, 1, mesh.triangles, mesh.triangle_tissue),
        (TETRAHEDRON, n_triangles + 1, mesh.tetrahedra, mesh.tissue),
    )
    for kind, first, corners, tags in blocks:
        if len(corners) == 0:
            continue
        if binary:
            yield np.array([kind, len(corners), 2], dtype="<i4").tobytes()
        for start in range(0, len(corners), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            tag = tags[rows, None]
            numbers = first + np.arange(start, start + len(tag), dtype=np.int32)[:, None]
            typed = [] if binary else [np.full_like(tag, kind), np.full_like(tag, 2)]
            table = np.hstack([numbers, *typed, tag, tag, corners[rows] + 1])
            yield table.astype("<i4").tobytes() if binary else _text(table, "%d")
    yield b"$EndElements\n"


def _numbered_rows(first: int, values: FloatArray, binary: bool) -> Iterator[bytes]:
    """Rows {number, values}, numbered from `first`: nodes of version 2.2, and data of both."""
    for start in range(0, len(values), _ROWS_AT_ONCE):
        chunk = values[start : start + _ROWS_AT_ONCE]
        if binary:
            rows = np.empty(len(chunk), dtype=[("number", "<i4"), ("values", "<f8", (values.shape[1],))])
            rows["number"] = first + start + np.arange(len(chunk))
            rows["values"] = chunk
            yield rows.tobytes()
        else:
            lines = zip(range(first + start, first + start + len(chunk)), chunk.tolist(), strict=True)
            template = "%d" + " %.17g" * values.shape[1] + "\n"
            yield "".join(template % (number, *row) for number, row in lines).encode()


def _text(table: NDArray[Any], spec: str) -> bytes:
    """A table as lines of numbers."""
    line = " ".join([spec] * table.shape[1]) + "\n"
    return (line * len(table) % tuple(table.ravel().tolist())).encode()


def _sections_4(mesh: TetrahedralMesh, binary: bool) -> Iterator[bytes]:
    """Version 4.1: one entity per tag; elements in blocks of equal tag, in the mesh's own order."""
    nodes_mm = positions_mm(mesh.nodes)
    yield b"$Entities\n"
    yield from _entities(mesh, nodes_mm, binary)
    yield b"\n$EndEntities\n" if binary else b"$EndEntities\n"
    n_nodes, n_triangles, n_tetrahedra = len(mesh.nodes), len(mesh.triangles), len(mesh.tetrahedra)
    yield b"$Nodes\n" + _sizes([1, n_nodes, 1, n_nodes], binary)
    yield _block_head([3, int(mesh.tissue[0]), 0], n_nodes, binary)
    numbers = np.arange(1, n_nodes + 1)[:, None]
    yield numbers.astype("<u8").tobytes() if binary else _text(numbers, "%d")
    yield nodes_mm.astype("<f8").tobytes() if binary else _text(nodes_mm, "%.17g")
    yield b"\n$EndNodes\n" if binary else b"$EndNodes\n"
    total = n_triangles + n_tetrahedra
    n_blocks = len(_runs(mesh.triangle_tissue)) + len(_runs(mesh.tissue))
    yield b"$Elements\n" + _sizes([n_blocks, total, 1, total], binary)
    for dimension, kind, first, corners, tags in (
        (2, TRIANGLE, 1, mesh.triangles, _surface_entities(mesh)),
        (3, TETRAHEDRON, n_triangles + 1, mesh.tetrahedra, mesh.tissue),
    ):
        numbered = np.hstack([np.arange(first, first + len(corners))[:, None], corners + 1])
        write = _binary_blocks if binary else _text_blocks
        yield from write((dimension, kind), numbered, tags)
    yield b"\n$EndElements\n" if binary else b"$EndElements\n"


def _surface_entities(mesh: TetrahedralMesh) -> NDArray[np.int32]:
    """The entity of each triangle: its tag, and a number of its own where it has none."""
    tags = mesh.triangle_tissue
    return tags if not (tags == 0).any() else np.where(tags == 0, tags.max() + 1, tags).astype(np.int32)


def _entities(mesh: TetrahedralMesh, nodes_mm: FloatArray, binary: bool) -> Iterator[bytes]:
    surfaces, volumes = np.unique(_surface_entities(mesh)), np.unique(mesh.tissue)
    yield _sizes([0, 0, len(surfaces), len(volumes)], binary)
    for tags, corners, of in (
        (surfaces, mesh.triangles, _surface_entities(mesh)),
        (volumes, mesh.tetrahedra, mesh.tissue),
    ):
        for tag in tags.tolist():
            used = nodes_mm[corners[of == tag].ravel()]
            box = np.concatenate([used.min(axis=0), used.max(axis=0)])
            physical = [tag] if (tag != mesh.triangle_tissue.max(initial=0) + 1 or of is mesh.tissue) else []
            if binary:
                yield np.array([tag], dtype="<i4").tobytes() + box.astype("<f8").tobytes()
                yield (np.array([len(physical)], dtype="<u8").tobytes() + np.array(physical, dtype="<i4").tobytes())
                yield np.array([0], dtype="<u8").tobytes()
            else:
                numbers = " ".join([str(tag), *(f"{x:.17g}" for x in box), str(len(physical)), *map(str, physical)])
                yield f"{numbers} 0\n".encode()


def _runs(tags: NDArray[Any]) -> NDArray[np.intp]:
    """Where each run of equal tags begins."""
    if len(tags) == 0:
        return np.empty(0, dtype=np.intp)
    return np.concatenate([[0], np.flatnonzero(tags[1:] != tags[:-1]) + 1])


def _text_blocks(form: tuple[int, int], rows: NDArray[Any], tags: NDArray[Any]) -> Iterator[bytes]:
    dimension, kind = form
    bounds = [*_runs(tags), len(rows)]
    for start, end in itertools.pairwise(bounds):
        yield _block_head([dimension, int(tags[start]), kind], end - start, binary=False)
        for chunk in range(start, end, _ROWS_AT_ONCE):
            yield _text(rows[chunk : min(chunk + _ROWS_AT_ONCE, end)], "%d")


def _binary_blocks(form: tuple[int, int], rows: NDArray[Any], tags: NDArray[Any]) -> Iterator[bytes]:
    """All blocks at once, as 32-bit words: {dimension, entity, type, n, 0} and {number, 0} pairs."""
    if len(rows) == 0:
        return
    starts = _runs(tags)
    lengths = np.diff([*starts, len(rows)])
    width = 2 * rows.shape[1]
    words = np.zeros(5 * len(starts) + width * len(rows), dtype="<i4")
    heads = 5 * np.arange(len(starts)) + width * starts
    for column, value in enumerate((form[0], tags[starts], form[1], lengths)):
        words[heads + column] = value
    place = width * np.arange(len(rows)) + 5 * np.repeat(np.arange(1, len(starts) + 1), lengths)
    for column in range(rows.shape[1]):
        words[place + 2 * column] = rows[:, column]
    yield words.tobytes()


def _block_head(integers: list[int], count: int, binary: bool) -> bytes:
    if binary:
        return np.array(integers, dtype="<i4").tobytes() + np.array([count], dtype="<u8").tobytes()
    return (" ".join(map(str, [*integers, count])) + "\n").encode()


def _sizes(numbers: list[int], binary: bool) -> bytes:
    if binary:
        return np.array(numbers, dtype="<u8").tobytes()
    return (" ".join(map(str, numbers)) + "\n").encode()


def _write_data(stream: BinaryIO, section: str, name: str, values: FloatArray, first: int, binary: bool) -> None:
    n, components = values.shape
    stream.write(f'${section}\n1\n"{name}"\n1\n0\n4\n0\n{components}\n{n}\n0\n'.encode())
    for part in _numbered_rows(first, values, binary):
        stream.write(part)
    stream.write(f"$End{section}\n".encode())
