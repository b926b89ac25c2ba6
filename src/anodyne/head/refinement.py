"""The same body in smaller tetrahedra."""

import numpy as np
from numpy.typing import NDArray

from anodyne.head.mesh import TetrahedralMesh

CORNER_PAIRS = np.array([(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)])
"""The corners that each of a tetrahedron's six edges joins."""

DIAGONALS = ((0, 5, (1, 3, 4, 2)), (1, 4, (0, 3, 5, 2)), (2, 3, (0, 1, 5, 4)))
"""Opposite edges whose middles a diagonal of the inner octahedron joins, and the other four in a ring about it."""


def refined_mesh(mesh: TetrahedralMesh) -> TetrahedralMesh:
    """Every tetrahedron cut into eight at the middles of its edges; the tissues' borders stay where they are.

    The octahedron that is left when the corners are cut off is cut along its shortest diagonal, which keeps the
    pieces from degenerating (Zhang 1995, Houston J Math 21:541; recalled). Each piece is written left- or
    right-handed as its parent. Surface triangles that came with the mesh are dropped.
    """
    corners = mesh.tetrahedra.astype(np.int64)
    ends = np.sort(corners[:, CORNER_PAIRS].reshape(-1, 2), axis=1)
    codes, number = np.unique(ends[:, 0] * len(mesh.nodes) + ends[:, 1], return_inverse=True)
    low, high = np.divmod(codes, len(mesh.nodes))
    nodes = np.concatenate([mesh.nodes, (mesh.nodes[low] + mesh.nodes[high]) / 2])
    middles = len(mesh.nodes) + number.reshape(-1, 6)
    pieces = [
        np.column_stack(
            [
                corners[:, corner],
                *(middles[:, edge] for edge in np.flatnonzero(np.isin(CORNER_PAIRS, corner).any(axis=1))),
            ]
        )
        for corner in range(4)
    ] + _octahedra(nodes, middles)
    fine = TetrahedralMesh(
        nodes=nodes, tetrahedra=np.concatenate(pieces).astype(np.int32), tissue=np.tile(mesh.tissue, len(pieces))
    )
    turned = fine.signed_volumes * np.tile(mesh.signed_volumes, len(pieces)) < 0
    tetrahedra = np.where(turned[:, None], fine.tetrahedra[:, [1, 0, 2, 3]], fine.tetrahedra)
    return TetrahedralMesh(nodes=nodes, tetrahedra=tetrahedra, tissue=fine.tissue)


def _octahedra(nodes: NDArray[np.float64], middles: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The four tetrahedra of each inner octahedron, about its shortest diagonal."""
    lengths = [np.linalg.norm(nodes[middles[:, one]] - nodes[middles[:, other]], axis=1) for one, other, _ in DIAGONALS]
    shortest = np.argmin(lengths, axis=0)
    pieces = []
    for quarter in range(4):
        choices = np.stack(
            [middles[:, [one, other, ring[quarter], ring[(quarter + 1) % 4]]] for one, other, ring in DIAGONALS]
        )
        pieces.append(choices[shortest, np.arange(len(middles))])
    return pieces
