"""How good a tetrahedral mesh is: dihedral angles, radius ratios, duplicates, holes, islands."""

from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from anodyne.head.faces import FACES, neighbouring_tetrahedra
from anodyne.head.mesh import TetrahedralMesh
from anodyne.units import degree

Array = NDArray[np.float64]
Integers = NDArray[np.int32]


@njit(cache=True, fastmath=True)
def largest_cosine(a: Array, b: Array, c: Array, d: Array) -> float:
    """Cosine of the smallest dihedral angle of a tetrahedron; 2 where it is inverted or flat.

    The dihedral angle between two faces is pi minus the angle of their outward normals.
    """
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    wx, wy, wz = d[0] - a[0], d[1] - a[1], d[2] - a[2]
    # normals opposite b, c, d (each times twice the area), all pointing inward or all outward
    px, py, pz = vy * wz - vz * wy, vz * wx - vx * wz, vx * wy - vy * wx
    qx, qy, qz = wy * uz - wz * uy, wz * ux - wx * uz, wx * uy - wy * ux
    rx, ry, rz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    volume6 = ux * px + uy * py + uz * pz
    sx, sy, sz = -px - qx - rx, -py - qy - ry, -pz - qz - rz
    p, q = np.sqrt(px * px + py * py + pz * pz), np.sqrt(qx * qx + qy * qy + qz * qz)
    r, s = np.sqrt(rx * rx + ry * ry + rz * rz), np.sqrt(sx * sx + sy * sy + sz * sz)
    longest = max(ux * ux + uy * uy + uz * uz, vx * vx + vy * vy + vz * vz, wx * wx + wy * wy + wz * wz)
    if volume6 <= 1e-9 * longest**1.5 or p * q * r * s == 0:
        return 2.0
    return max(
        -(px * qx + py * qy + pz * qz) / (p * q),
        -(px * rx + py * ry + pz * rz) / (p * r),
        -(qx * rx + qy * ry + qz * rz) / (q * r),
        -(px * sx + py * sy + pz * sz) / (p * s),
        -(qx * sx + qy * sy + qz * sz) / (q * s),
        -(rx * sx + ry * sy + rz * sz) / (r * s),
    )


@njit(cache=True, parallel=True)
def _largest_cosines(nodes: Array, tetrahedra: Integers) -> Array:
    result = np.empty(len(tetrahedra))
    for t in prange(len(tetrahedra)):
        a, b, c, d = tetrahedra[t]
        result[t] = largest_cosine(nodes[a], nodes[b], nodes[c], nodes[d])
    return result


def smallest_dihedral(nodes: Array, tetrahedra: Integers) -> Array:
    """Smallest dihedral angle of every tetrahedron, (n,) rad; negative where it is inverted or flat.

    >>> corner = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    >>> round(float(np.degrees(smallest_dihedral(corner, np.array([[0, 1, 2, 3]], dtype=np.int32))[0])), 2)
    54.74
    """
    cosine = _largest_cosines(nodes, tetrahedra)
    return np.where(cosine > 1.5, -1.0, np.arccos(np.clip(cosine, -1, 1)))


@njit(cache=True, parallel=True, fastmath=True)
def _radius_ratios(nodes: Array, tetrahedra: Integers) -> Array:
    result = np.zeros(len(tetrahedra))
    for t in prange(len(tetrahedra)):
        a, b, c, d = tetrahedra[t]
        edges = np.empty((3, 3))
        for k in range(3):
            edges[0, k] = nodes[b, k] - nodes[a, k]
            edges[1, k] = nodes[c, k] - nodes[a, k]
            edges[2, k] = nodes[d, k] - nodes[a, k]
        last, centre, areas = np.zeros(3), np.zeros(3), 0.0
        for e in range(3):
            u, v, w = edges[e], edges[(e + 1) % 3], edges[(e + 2) % 3]
            square = u[0] * u[0] + u[1] * u[1] + u[2] * u[2]
            total = 0.0
            for k in range(3):
                i, j = (k + 1) % 3, (k + 2) % 3
                normal = v[i] * w[j] - v[j] * w[i]
                total += normal * normal
                last[k] += normal
                centre[k] += square * normal
            areas += np.sqrt(total)
        areas += np.sqrt(last[0] ** 2 + last[1] ** 2 + last[2] ** 2)
        volume6 = 0.0
        for k in range(3):
            i, j = (k + 1) % 3, (k + 2) % 3
            volume6 += edges[0, k] * (edges[1, i] * edges[2, j] - edges[1, j] * edges[2, i])
        distance = np.sqrt(centre[0] ** 2 + centre[1] ** 2 + centre[2] ** 2)
        if distance > 0 and areas > 0:
            result[t] = 6 * volume6**2 / (areas * distance)
    return result


def radius_ratio(nodes: Array, tetrahedra: Integers) -> Array:
    """Three times inscribed over circumscribed radius, (n,): 1 for the regular tetrahedron, 0 for a flat one.

    >>> regular = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    >>> round(float(radius_ratio(regular, np.array([[0, 1, 2, 3]], dtype=np.int32))[0]), 6)
    1.0
    """
    ratios: Array = _radius_ratios(nodes, tetrahedra)
    return ratios


def pieces(tetrahedra: Integers, tissue: Integers, n_nodes: int) -> Integers:
    """Number (n,) of the connected piece of one tissue each tetrahedron lies in, joined through faces."""
    neighbours = neighbouring_tetrahedra(tetrahedra, n_nodes)
    n = len(tetrahedra)
    owner, face = np.nonzero((neighbours > np.arange(n)[:, None]) & (tissue[neighbours] == tissue[:, None]))
    joined = neighbours[owner, face]
    graph = coo_array((np.ones(len(owner), np.int8), (owner, joined)), shape=(n, n))
    labels: Integers = connected_components(graph, directed=False)[1].astype(np.int32)
    return labels


def shared_faces(tetrahedra: Integers) -> NDArray[np.int64]:
    """How many faces belong to 1, 2, 3, ... tetrahedra, from index 1 on; a conforming mesh has none beyond 2."""
    faces = np.sort(tetrahedra[:, FACES].reshape(-1, 3), axis=1).astype(np.int64)
    n = int(tetrahedra.max()) + 1
    order = np.lexsort((faces[:, 2], faces[:, 0] * n + faces[:, 1]))
    new = np.concatenate([[True], (np.diff(faces[order], axis=0) != 0).any(axis=1), [True]])
    return np.bincount(np.diff(np.flatnonzero(new)), minlength=3)


@dataclass(frozen=True, kw_only=True, eq=False)
class MeshQuality:
    """What `mesh_quality` found.

    smallest_dihedral : (n_tetrahedra,) rad; radius_ratio : (n_tetrahedra,), 1 is regular
    inverted, duplicates : how many elements are inverted or flat, and how many occur twice
    overused_faces : faces that belong to more than two tetrahedra
    pieces : tissue tag -> how many connected pieces it has
    open_edges : edges of the outer boundary that are not shared by an even number of its triangles
    """

    smallest_dihedral: Array
    radius_ratio: Array
    inverted: int
    duplicates: int
    overused_faces: int
    open_edges: int
    pieces: dict[int, int]

    @property
    def sound(self) -> bool:
        """No inverted, no duplicate element, no overused face, and a closed outer boundary."""
        return self.inverted + self.duplicates + self.overused_faces + self.open_edges == 0

    def __str__(self) -> str:
        angle = np.percentile(self.smallest_dihedral, [0, 1, 5, 50]) / degree
        ratio = np.percentile(self.radius_ratio, [0, 1, 50])
        return (
            f"smallest dihedral angle {angle[0]:.1f}° (1 % below {angle[1]:.1f}°, 5 % below {angle[2]:.1f}°, "
            f"median {angle[3]:.1f}°); radius ratio {ratio[0]:.2f} (1 % below {ratio[1]:.2f}, median {ratio[2]:.2f}); "
            f"{self.inverted} inverted, {self.duplicates} duplicate, {self.open_edges} open edges"
        )


def mesh_quality(mesh: TetrahedralMesh) -> MeshQuality:
    """Measure a mesh: the shape of its elements, and whether it is one sound body."""
    angle = smallest_dihedral(mesh.nodes, mesh.tetrahedra)
    boundary = mesh.boundary_triangles()
    edges = np.sort(np.concatenate([boundary[:, [0, 1]], boundary[:, [1, 2]], boundary[:, [0, 2]]]), axis=1)
    _, uses = np.unique(edges, axis=0, return_counts=True)
    part = pieces(mesh.tetrahedra, mesh.tissue, len(mesh.nodes))
    _, first = np.unique(part, return_index=True)
    tags, counts = np.unique(mesh.tissue[first], return_counts=True)
    distinct = np.unique(np.sort(mesh.tetrahedra, axis=1), axis=0)
    return MeshQuality(
        smallest_dihedral=angle,
        radius_ratio=radius_ratio(mesh.nodes, mesh.tetrahedra),
        inverted=int((angle < 0).sum()),
        duplicates=len(mesh.tetrahedra) - len(distinct),
        overused_faces=int(shared_faces(mesh.tetrahedra)[3:].sum()),
        open_edges=int((uses % 2).sum()),
        pieces={int(tag): int(count) for tag, count in zip(tags, counts, strict=True)},
    )
