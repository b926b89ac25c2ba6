"""A small body for every test of the room: a brick of tetrahedra with a core of another tissue."""

import struct
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from anodyne.head import ADULT, TetrahedralMesh
from anodyne.head.building import assemble_template
from anodyne.head.template import tissue_distances
from anodyne.units import mm


def brick_of(n, edge=0.2, jitter=0.1, seed=7):
    """A brick of n³ cubes of six tetrahedra each (Kuhn), its inner nodes moved at random.

    Every other tetrahedron is written left-handed. The middle third is tissue 2, the rest 5;
    the outer boundary comes as triangles of tag 1005.
    """
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.arange(n + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    inner = ((grid > 0) & (grid < n)).all(axis=1)
    nodes = grid + np.where(inner[:, None], rng.uniform(-jitter, jitter, grid.shape), 0)
    strides = ((n + 1) ** 2, n + 1, 1)
    first = np.flatnonzero((grid < n).all(axis=1))
    paths = [np.cumsum([0, *(strides[axis] for axis in order)]) for order in permutations(range(3))]
    tetrahedra = (first[:, None, None] + np.array(paths)).reshape(-1, 4)
    tetrahedra[::2] = tetrahedra[::2, [1, 0, 2, 3]]
    middle = np.abs(grid[tetrahedra].mean(axis=1) / n - 0.5).max(axis=1) < 1 / 6
    nodes_mm = np.round(nodes * edge / n / mm, 6)
    mesh = TetrahedralMesh(
        nodes=nodes_mm * mm,
        tetrahedra=tetrahedra.astype(np.int32),
        tissue=np.where(middle, 2, 5).astype(np.int32),
    )
    triangles = mesh.boundary_triangles()
    return TetrahedralMesh(
        nodes=mesh.nodes,
        tetrahedra=mesh.tetrahedra,
        tissue=mesh.tissue,
        triangles=triangles,
        triangle_tissue=np.full(len(triangles), 1005, dtype=np.int32),
    )


@pytest.fixture(scope="session")
def brick():
    """1296 tetrahedra, 0.2 m on a side."""
    return brick_of(6)


@pytest.fixture(scope="session")
def small_brick():
    """162 tetrahedra."""
    return brick_of(3)


@pytest.fixture
def rng():
    """The same chance every time."""
    return np.random.default_rng(20241122)


@pytest.fixture(scope="session")
def binary_by_hand():
    """by_hand/version_2.msh as Gmsh writes such a mesh in binary: a header before every element."""
    text = (Path(__file__).parent / "by_hand" / "version_2.msh").read_text(encoding="ascii")
    nodes, elements = (
        [line.split() for line in text.split(f"${name}\n")[1].split("$End")[0].splitlines()[1:]]
        for name in ("Nodes", "Elements")
    )
    content = b"$MeshFormat\n2.2 1 8\n" + struct.pack("<i", 1) + b"\n$EndMeshFormat\n$Nodes\n5\n"
    content += b"".join(struct.pack("<i3d", int(number), *map(float, position)) for number, *position in nodes)
    content += b"\n$EndNodes\n$Elements\n7\n"
    for number, kind, tags, *rest in ([int(word) for word in words] for words in elements):
        content += struct.pack("<3i", kind, 1, tags) + struct.pack(f"<{1 + len(rest)}i", number, *rest)
    return content + b"\n$EndElements\n"


@pytest.fixture(scope="session")
def adult_distances():
    """Where the tissues of the embedded head begin."""
    return tissue_distances(ADULT)


@pytest.fixture(scope="session")
def coarse_head(adult_distances):
    """The embedded head on a 6 mm lattice: 233 thousand tetrahedra."""
    return assemble_template(ADULT, adult_distances, 6 * mm)
