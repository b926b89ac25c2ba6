"""Reading, writing and searching a mesh as large as a fine head: four million tetrahedra."""

import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import meshio
import numpy as np

from anodyne.head import TetrahedralMesh, read_mesh, write_mesh
from anodyne.units import GiB
from benchmarks.report import Row

CUBES = 88  # along each side; six tetrahedra each make 4.09 million
POINTS = 1_000_000

PEAK = """
import sys
from anodyne.head import read_mesh
from benchmarks.report import highest_memory
mesh = read_mesh(sys.argv[1])
mesh.gradients()
print(highest_memory())
"""


def rows() -> Iterator[Row]:
    """Every number of this topic."""
    _compile()
    mesh = _ball_in_brick(CUBES)
    size = f"{len(mesh.tetrahedra) / 1e6:.2f} million tetrahedra, {len(mesh.nodes) / 1e6:.2f} million nodes"
    with TemporaryDirectory() as folder:
        yield from _files(Path(folder), mesh, size)
    yield from _geometry(mesh, size)


def _files(folder: Path, mesh: TetrahedralMesh, size: str) -> Iterator[Row]:
    path = folder / "mesh.msh"
    for version, binary in (("2.2", True), ("4.1", True), ("2.2", False), ("4.1", False)):
        form = f"{version} {'binary' if binary else 'text'}"
        write = partial(write_mesh, path, mesh, version=version, binary=binary)
        yield _timed(f"write .msh {form}", write)
        target = "≤ 5 s" if binary else ""
        yield _timed(f"read .msh {form}", lambda: read_mesh(path), target=target, note=size)
        if form == "2.2 binary":
            with redirect_stdout(StringIO()):  # meshio prints an empty line
                peer = _timed("the same with meshio", partial(meshio.read, path), note=f"meshio {meshio.__version__}")
            yield peer
            output = subprocess.run([sys.executable, "-c", PEAK, path], check=True, capture_output=True)
            peak = int(output.stdout) / GiB
            yield Row(name="peak memory, read and gradients", value=peak, unit="GiB", target="≤ 3 GiB", note=size)
    _write_with_a_header_each(path, mesh)
    note = "one header per element, as Gmsh itself writes"
    yield _timed("read .msh 2.2 binary", lambda: read_mesh(path), target="≤ 5 s", note=note)


def _geometry(mesh: TetrahedralMesh, size: str) -> Iterator[Row]:
    yield _timed("gradients of hat functions", mesh.gradients, note=size)
    yield _timed("neighbours across faces", lambda: mesh.neighbours, note=size)
    yield _timed("fingerprint", lambda: mesh.fingerprint, note=size)
    points = np.random.default_rng(1).uniform(0, 0.2, (POINTS, 3))
    yield _timed("locate the first point", lambda: mesh.locate(points[:1]), note="sorts the tetrahedra into bins, once")
    yield _timed("locate a million points", lambda: mesh.locate(points), note=size)


def _timed(name: str, work: Callable[[], object], target: str = "", note: str = "") -> Row:
    start = perf_counter()
    work()
    return Row(name=name, value=perf_counter() - start, unit="s", target=target, note=note)


def _compile() -> None:
    """Let every kernel be compiled before anything is timed."""
    mesh = _ball_in_brick(2)
    with TemporaryDirectory() as folder:
        for version in ("2.2", "4.1"):
            for binary in (True, False):
                write_mesh(Path(folder) / "mesh.msh", mesh, version=version, binary=binary)
                read_mesh(Path(folder) / "mesh.msh")
    list(_geometry(mesh, ""))


def _ball_in_brick(cubes: int) -> TetrahedralMesh:
    """A brick of 0.2 m, cut into cubes of six tetrahedra, with a ball of four shells in the middle."""
    grid = np.stack(np.meshgrid(*[np.arange(cubes + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    first = np.flatnonzero((grid < cubes).all(axis=1))
    strides = ((cubes + 1) ** 2, cubes + 1, 1)
    paths = [np.cumsum([0, *(strides[axis] for axis in order)]) for order in permutations(range(3))]
    tetrahedra = (first[:, None, None] + np.array(paths)).reshape(-1, 4).astype(np.int32)
    jitter = np.random.default_rng(0).uniform(-0.1, 0.1, grid.shape)
    nodes = (grid + jitter) * (0.2 / cubes)
    distance = np.linalg.norm(nodes[tetrahedra].mean(axis=1) - 0.1, axis=1)
    tissue = 1 + np.digitize(distance, [0.05, 0.06, 0.07, 0.08])
    return TetrahedralMesh(nodes=nodes, tetrahedra=tetrahedra, tissue=tissue.astype(np.int32))


def _write_with_a_header_each(path: Path, mesh: TetrahedralMesh) -> None:
    nodes = np.empty(len(mesh.nodes), dtype=[("number", "<i4"), ("position", "<f8", (3,))])
    nodes["number"] = np.arange(1, len(nodes) + 1)
    nodes["position"] = mesh.nodes * 1e3
    elements = np.empty((len(mesh.tetrahedra), 10), dtype="<i4")
    elements[:, :3] = 4, 1, 2
    elements[:, 3] = np.arange(1, len(elements) + 1)
    elements[:, 4] = elements[:, 5] = mesh.tissue
    elements[:, 6:] = mesh.tetrahedra + 1
    with path.open("wb") as stream:
        stream.write(b"$MeshFormat\n2.2 1 8\n" + struct.pack("<i", 1) + b"\n$EndMeshFormat\n")
        stream.write(f"$Nodes\n{len(nodes)}\n".encode() + nodes.tobytes() + b"\n$EndNodes\n")
        stream.write(f"$Elements\n{len(elements)}\n".encode() + elements.tobytes() + b"\n$EndElements\n")
