"""Gmsh mesh files: what others wrote, round trips, and what others read."""

import struct
from dataclasses import replace
from pathlib import Path

import meshio
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from anodyne.errors import CannotWrite
from anodyne.head import TetrahedralMesh
from anodyne.head.msh import MshVersion, read_mesh, read_mesh_data, write_mesh
from anodyne.progress import Progress
from anodyne.units import mm

FORMS = [(version, binary) for version in MshVersion for binary in (True, False)]
every_form = pytest.mark.parametrize(("version", "binary"), FORMS)
PARTS = ("nodes", "tetrahedra", "tissue", "triangles", "triangle_tissue")
HEADER = b"$MeshFormat\n2.2 1 8\n" + struct.pack("<i", 1) + b"\n$EndMeshFormat\n"
NUMBERS = [40, 7, 1000, 3, 12]  # of the nodes in the files by hand, and their positions
POSITIONS_MM = [[0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10], [10, 10, 10.5]]
BY_HAND_2 = (Path(__file__).parent / "by_hand" / "version_2.msh").read_text(encoding="ascii")
BY_HAND_4 = (Path(__file__).parent / "by_hand" / "version_4.msh").read_text(encoding="ascii")


def read_bytes(tmp_path, content, name="mesh.msh"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_mesh(path)


def assert_same(one, other):
    for part in PARTS:
        assert_array_equal(getattr(one, part), getattr(other, part), err_msg=part)


def check_by_hand(mesh, triangle_tissue=(1005, 0)):
    assert_array_equal(mesh.nodes, np.array(POSITIONS_MM) * mm)
    assert_array_equal(mesh.tetrahedra, [[0, 1, 2, 3], [1, 2, 3, 4]])
    assert_array_equal(mesh.tissue, [2, 5])
    assert_array_equal(mesh.triangles, [[1, 2, 4], [1, 3, 4]][: len(triangle_tissue)])
    assert_array_equal(mesh.triangle_tissue, triangle_tissue)


@pytest.fixture(scope="module")
def bare(small_brick):
    """A mesh without triangles."""
    return TetrahedralMesh(nodes=small_brick.nodes, tetrahedra=small_brick.tetrahedra, tissue=small_brick.tissue)


# Reading what others wrote ---------------------------------------------------------------------------


def test_version_2_text_with_sparse_numbers_and_other_elements(tmp_path):
    check_by_hand(read_bytes(tmp_path, BY_HAND_2))


def test_version_2_text_with_windows_line_ends(tmp_path):
    check_by_hand(read_bytes(tmp_path, BY_HAND_2.replace("\n", "\r\n")))


def test_version_2_binary_with_a_header_before_every_element(tmp_path, binary_by_hand):
    check_by_hand(read_bytes(tmp_path, binary_by_hand))


def test_version_2_binary_without_a_newline_after_a_section(tmp_path, binary_by_hand):
    as_simnibs = binary_by_hand.replace(b"\n$EndNodes", b"$EndNodes").replace(b"\n$EndElements", b"$EndElements")
    check_by_hand(read_bytes(tmp_path, as_simnibs))


def test_version_4_text_with_entities_and_parametric_nodes(tmp_path):
    check_by_hand(read_bytes(tmp_path, BY_HAND_4), triangle_tissue=(1005,))


def test_version_4_binary_with_every_kind_of_entity(tmp_path):
    volumes = [(31, 2, [6]), (32, -5, [-6])]
    entities = struct.pack("<4Q", 1, 1, 1, 2) + struct.pack("<i3dQi", 1, 0, 0, 0, 1, 77)
    entities += struct.pack("<i6dQQ2i", 1, 0, 0, 0, 10, 0, 0, 0, 2, 1, -1)
    entities += struct.pack("<i6dQ2iQ", 6, 0, 0, 0, 10, 10, 10, 2, 1005, 8, 0)
    for entity, tag, bounds in volumes:
        entities += struct.pack(f"<i6dQiQ{len(bounds)}i", entity, 0, 0, 0, 10, 10, 10.5, 1, tag, len(bounds), *bounds)
    nodes = struct.pack("<4Q", 3, 5, 3, 1000)
    for dimension, entity, parameters, which in (
        (0, 1, (), [0]),
        (2, 6, (0.5, 0.25), [1, 2, 3]),
        (3, 32, (), [4]),
    ):
        nodes += struct.pack("<3iQ", dimension, entity, bool(parameters), len(which))
        nodes += b"".join(struct.pack("<Q", NUMBERS[i]) for i in which)
        nodes += b"".join(struct.pack(f"<{3 + len(parameters)}d", *POSITIONS_MM[i], *parameters) for i in which)
    elements = struct.pack("<4Q", 4, 4, 2, 70)
    for head, row in (
        ((0, 1, 15, 1), (9, 40)),
        ((3, 31, 4, 1), (8, 40, 7, 1000, 3)),
        ((2, 6, 2, 1), (2, 7, 1000, 12)),
        ((3, 32, 4, 1), (6, 7, 1000, 3, 12)),
    ):
        elements += struct.pack("<3iQ", *head) + struct.pack(f"<{len(row)}Q", *row)
    content = HEADER.replace(b"2.2", b"4.1")
    for name, payload in (("Entities", entities), ("Nodes", nodes), ("Elements", elements)):
        content += f"${name}\n".encode() + payload + f"\n$End{name}\n".encode()
    check_by_hand(read_bytes(tmp_path, content), triangle_tissue=(1005,))


def test_numbers_far_apart_are_no_matter(tmp_path):
    far = BY_HAND_2.replace("1000", "2000000000")
    check_by_hand(read_bytes(tmp_path, far))


def canonical(mesh):
    """The mesh with nodes and elements in an order that does not depend on the file's."""
    order = np.lexsort(mesh.nodes.T)
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(len(order))
    parts = [mesh.nodes[order]]
    for corners, tags in ((mesh.tetrahedra, mesh.tissue), (mesh.triangles, mesh.triangle_tissue)):
        rows = np.column_stack([np.sort(rank[corners], axis=1), tags])
        parts.append(rows[np.lexsort(rows.T)])
    return parts


def test_a_sphere_in_three_forms_is_one_sphere(shared):
    folder = shared / "data" / "mesh"
    names = ("sphere3.msh", "sphere3_v4_1_ascii.msh", "sphere3_v4_1_binary.msh")
    meshes = [read_mesh(folder / name) for name in names]
    assert meshes[0].tetrahedra.shape == (22704, 4)
    assert_array_equal(np.unique(meshes[0].triangle_tissue), [1003, 1004, 1005])
    assert_same(meshes[1], meshes[2])
    for one, other in zip(canonical(meshes[0]), canonical(meshes[1]), strict=True):
        assert_array_equal(one, other)


def test_the_shared_sphere_is_three_nested_balls(shared):
    mesh = read_mesh(shared / "data" / "mesh" / "sphere3.msh")
    for tags, radius in (([3], 0.085), ([3, 4], 0.09), ([3, 4, 5], 0.095)):
        surface = mesh.outer_surface(tags)
        assert_allclose(np.linalg.norm(surface.points, axis=1), radius, rtol=0.01)
        assert_allclose(surface.enclosed_volume, mesh.volumes[np.isin(mesh.tissue, tags)].sum())


# Round trips -----------------------------------------------------------------------------------------


@every_form
def test_a_mesh_comes_back_to_the_last_bit(tmp_path, brick, version, binary):
    write_mesh(tmp_path / "a.msh", brick, version=version, binary=binary)
    assert_same(read_mesh(tmp_path / "a.msh"), brick)


@every_form
def test_a_mesh_that_never_was_a_file_changes_by_one_rounding_once(tmp_path, brick, version, binary, rng):
    odd = replace(brick, nodes=brick.nodes + rng.uniform(0, 1e-3, brick.nodes.shape))
    write_mesh(tmp_path / "a.msh", odd, version=version, binary=binary)
    once = read_mesh(tmp_path / "a.msh")
    assert_allclose(once.nodes, odd.nodes, rtol=3e-16)
    write_mesh(tmp_path / "b.msh", once, version=version, binary=binary)
    assert_same(read_mesh(tmp_path / "b.msh"), once)
    assert (tmp_path / "a.msh").read_bytes() == (tmp_path / "b.msh").read_bytes()


@every_form
def test_a_mesh_without_triangles(tmp_path, bare, version, binary):
    write_mesh(tmp_path / "a.msh", bare, version=version, binary=binary)
    assert_same(read_mesh(tmp_path / "a.msh"), bare)


@every_form
def test_triangles_without_a_tag(tmp_path, small_brick, version, binary):
    tags = np.where(np.arange(len(small_brick.triangles)) % 3, 1005, 0)
    mesh = replace(small_brick, triangle_tissue=tags)
    write_mesh(tmp_path / "a.msh", mesh, version=version, binary=binary)
    assert_same(read_mesh(tmp_path / "a.msh"), mesh)


@every_form
def test_data_comes_back_to_the_last_bit(tmp_path, brick, rng, version, binary):
    of_elements = {
        "|E|": rng.normal(size=len(brick.tetrahedra)),
        "E": rng.normal(size=(len(brick.tetrahedra), 3)),
    }
    of_nodes = {"potential": rng.normal(size=len(brick.nodes)), "T": rng.normal(size=(len(brick.nodes), 9))}
    write_mesh(
        tmp_path / "a.msh",
        brick,
        element_data=of_elements,
        node_data=of_nodes,
        version=version,
        binary=binary,
    )
    assert_same(read_mesh(tmp_path / "a.msh"), brick)
    found = read_mesh_data(tmp_path / "a.msh")
    assert list(found.element_data) == list(of_elements)
    assert list(found.node_data) == list(of_nodes)
    for name, values in of_elements.items():
        assert_array_equal(found.element_data[name], values)
        assert np.isnan(found.triangle_data[name]).all()
    for name, values in of_nodes.items():
        assert_array_equal(found.node_data[name], values)


def test_a_file_without_data_has_none(tmp_path, brick):
    write_mesh(tmp_path / "a.msh", brick)
    found = read_mesh_data(tmp_path / "a.msh")
    assert (found.element_data, found.triangle_data, found.node_data) == ({}, {}, {})


def test_data_goes_by_element_number_and_leaves_gaps(tmp_path):
    view = '$ElementData\n1\n"s"\n1\n{time}\n3\n{step}\n1\n{n}\n{rows}$EndElementData\n'
    first = view.format(time=0.0, step=0, n=3, rows="2 0.5\n6 -1e3\n9 4\n")
    second = view.format(time=1.0, step=1, n=1, rows="8 2\n")
    (tmp_path / "a.msh").write_text(BY_HAND_2 + first + second)
    found = read_mesh_data(tmp_path / "a.msh")
    assert_array_equal(found.element_data["s"], [np.nan, -1e3])
    assert_array_equal(found.triangle_data["s"], [0.5, np.nan])
    assert_array_equal(found.element_data["s (2)"], [2, np.nan])


# Writing ---------------------------------------------------------------------------------------------


@every_form
def test_another_program_reads_what_we_write(tmp_path, brick, rng, version, binary):
    e_field, potential = rng.normal(size=(len(brick.tetrahedra), 3)), rng.normal(size=len(brick.nodes))
    # meshio wants data for every element, so this mesh has no triangles
    mesh = TetrahedralMesh(nodes=brick.nodes, tetrahedra=brick.tetrahedra, tissue=np.sort(brick.tissue))
    path = tmp_path / "a.msh"
    write_mesh(path, mesh, element_data={"E": e_field}, node_data={"v": potential}, version=version, binary=binary)
    read = meshio.read(path)
    assert_allclose(read.points, mesh.nodes / mm, rtol=1e-15)
    assert_array_equal(np.vstack([block.data for block in read.cells]), mesh.tetrahedra)
    assert_array_equal(np.concatenate(read.cell_data["gmsh:physical"]), mesh.tissue)
    assert_array_equal(np.vstack(read.cell_data["E"]), e_field)
    assert_array_equal(read.point_data["v"].ravel(), potential)


@every_form
def test_another_program_reads_our_triangles(tmp_path, brick, version, binary):
    write_mesh(tmp_path / "a.msh", brick, version=version, binary=binary)
    read = meshio.read(tmp_path / "a.msh")
    assert_array_equal(read.cells_dict["triangle"], brick.triangles)
    assert_array_equal(read.cells_dict["tetra"], brick.tetrahedra)


@every_form
def test_we_read_what_another_program_writes(tmp_path, brick, version, binary):
    order = np.argsort(brick.tissue, kind="stable")  # meshio knows one tag per block
    tetrahedra, tissue = brick.tetrahedra[order], brick.tissue[order]
    cells = [("triangle", brick.triangles), *(("tetra", tetrahedra[tissue == tag]) for tag in (2, 5))]
    tags = [np.full(len(corners), tag) for (_, corners), tag in zip(cells, (1005, 2, 5), strict=True)]
    entity = np.minimum(np.arange(len(brick.nodes)), 2)  # meshio lists the entities that have nodes
    other = meshio.Mesh(
        brick.nodes / mm,
        cells,
        point_data={"gmsh:dim_tags": np.array([[2, 1005], [3, 2], [3, 5]])[entity]},
        cell_data={"gmsh:physical": tags, "gmsh:geometrical": tags},
    )
    form = "gmsh22" if version is MshVersion.V2_2 else "gmsh"
    meshio.write(tmp_path / "a.msh", other, file_format=form, binary=binary)
    read = read_mesh(tmp_path / "a.msh")
    assert_allclose(read.nodes, brick.nodes, atol=1e-16)
    assert_array_equal(read.tetrahedra, tetrahedra)
    assert_array_equal(read.tissue, tissue)
    assert_array_equal(read.triangles, brick.triangles)
    assert_array_equal(read.triangle_tissue, brick.triangle_tissue)


def test_version_2_binary_is_laid_out_as_simnibs_does(tmp_path, bare):
    write_mesh(tmp_path / "a.msh", bare)
    content = (tmp_path / "a.msh").read_bytes()
    assert content.startswith(HEADER + b"$Nodes\n64\n" + struct.pack("<i", 1))
    block = struct.pack("<7i", 4, len(bare.tetrahedra), 2, 1, bare.tissue[0], bare.tissue[0], bare.tetrahedra[0, 0] + 1)
    assert b"$EndNodes\n$Elements\n162\n" + block in content
    assert content.endswith(b"$EndElements\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"version": "3.0"}, "3.0"),
        ({"element_data": {"E": np.zeros(3)}}, "E must have 162 rows"),
        ({"element_data": {"E": np.zeros((162, 2))}}, "of 1, 3 or 9 numbers"),
        ({"node_data": {"v": np.zeros(162)}}, "v must have 64 rows"),
        ({"node_data": {'a "b"': np.zeros(64)}}, "holds a character"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is(tmp_path, small_brick, arguments, message):
    with pytest.raises(ValueError, match=message):
        write_mesh(tmp_path / "a.msh", small_brick, **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path, small_brick):
    with pytest.raises(CannotWrite):
        write_mesh(tmp_path / "none" / "a.msh", small_brick)


def test_reading_says_how_far_it_is(tmp_path, small_brick):
    class Listener(Progress):
        def stage(self, label, total=None):
            said.append((label, total))
            return super().stage(label, total)

    said = []
    write_mesh(tmp_path / "a.msh", small_brick)
    read_mesh(tmp_path / "a.msh", Listener())
    assert said == [("reading a.msh", 3)]
