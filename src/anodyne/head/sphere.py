"""Layered spheres: the conductor whose field is known in closed form, as a conforming mesh."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anodyne.head.mesh import TetrahedralMesh

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

INNER_CUBE = 0.45
"""Half-width of the rounded inner cube as a fraction of the innermost radius."""

ROUNDING = 0.5
"""How far the faces of the inner cube bulge towards a sphere, 0 (flat) to 1."""


def layered_sphere(radii: Sequence[float], tissues: Sequence[int], edge_length: float) -> TetrahedralMesh:
    """A ball of concentric shells, meshed so that every interface lies on its sphere.

    Hexahedra of an inner cube and six radial blocks are split into 24 tetrahedra each, with the
    face centres of spherical faces projected onto their sphere; no node strays from an interface.

    Parameters
    ----------
    radii : radii of the shells, ascending, m
    tissues : tissue tag of each shell, from the innermost out
    edge_length : typical edge of a tetrahedron, m

    Raises
    ------
    ValueError : radii that do not ascend, or lengths that are not positive
    """
    levels = np.asarray(radii, dtype=float)
    if len(levels) != len(tissues) or len(levels) == 0:
        raise ValueError(f"{len(levels)} radii but {len(tissues)} tissues")
    if levels[0] <= 0 or np.any(np.diff(levels) <= 0) or not edge_length > 0:
        raise ValueError(f"radii must ascend from above 0 m, edge length be positive: {levels} m, {edge_length} m")
    hexahedron_edge = 1.5 * edge_length
    divisions = max(2, int(np.ceil(0.5 * np.pi * levels[0] / hexahedron_edge)))
    cube, surface_of_cube = _rounded_cube(divisions, levels[0])
    hexahedra, nodes, shell, sphere_radius = _radial_blocks(cube, surface_of_cube, divisions, levels, hexahedron_edge)
    nodes, tetrahedra = _split(nodes, hexahedra, sphere_radius)
    tissue = np.repeat(np.asarray(tissues, dtype=np.int32)[shell], 24)
    return TetrahedralMesh(nodes=nodes, tetrahedra=tetrahedra, tissue=tissue)


def _rounded_cube(divisions: int, radius: float) -> tuple[Floats, Integers]:
    """Lattice of a rounded cube: positions ((d+1)^3, 3) and the indices of its surface nodes."""
    axis = np.linspace(-1, 1, divisions + 1)
    lattice = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    reach = np.abs(lattice).max(axis=1)
    direction = np.tan(np.pi / 4 * lattice / np.maximum(reach, 1e-300)[:, None])
    length = np.linalg.norm(direction, axis=1)
    bulge = 1 - ROUNDING + ROUNDING * np.sqrt(2) / np.where(length > 0, length, 1)
    positions = INNER_CUBE * radius * (reach * bulge)[:, None] * direction
    return positions, np.flatnonzero(reach > 1 - 1e-9)


def _radial_blocks(
    cube: Floats, surface: Integers, divisions: int, levels: Floats, edge: float
) -> tuple[Integers, Floats, Integers, Floats]:
    """Hexahedra (n, 8), nodes, shell of each hexahedron, and the radius of nodes that lie on a sphere (else 0)."""
    unit = cube[surface] / np.linalg.norm(cube[surface], axis=1)[:, None]
    gap = levels[0] - np.linalg.norm(cube[surface], axis=1).mean()
    steps = max(1, round(gap / edge))
    fractions = np.arange(1, steps + 1) / steps
    layers = [cube[surface] * (1 - f) + levels[0] * unit * f for f in fractions]
    radius_of_layer, shell_of_layer = [0.0] * (steps - 1) + [levels[0]], [0] * steps
    for index in range(1, len(levels)):
        count = max(1, round((levels[index] - levels[index - 1]) / edge))
        for radius in np.linspace(levels[index - 1], levels[index], count + 1)[1:]:
            layers.append(radius * unit)
            radius_of_layer.append(float(radius))
            shell_of_layer.append(index)
    grid = np.arange(len(cube)).reshape((divisions + 1,) * 3)
    core = _hexahedra_of_grid(grid)
    rank = np.full(len(cube), -1)
    rank[surface] = np.arange(len(surface))
    quads = rank[_surface_quads(grid)]
    below, blocks = surface[quads], [core]
    for layer in range(len(layers)):
        above = quads + len(cube) + layer * len(surface)
        blocks.append(np.concatenate([below, above], axis=1))
        below = above
    shell = np.concatenate([np.zeros(len(core), int), np.repeat(shell_of_layer, len(quads))])
    sphere_radius = np.concatenate([np.zeros(len(cube)), np.repeat(radius_of_layer, len(surface))])
    return np.concatenate(blocks), np.concatenate([cube, *layers]), shell, sphere_radius


def _hexahedra_of_grid(grid: Integers) -> Integers:
    """Corner indices (n, 8) of the cells of a lattice: lower quad, then upper quad."""
    corners = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)]
    count = grid.shape[0] - 1
    parts = [grid[i : i + count, j : j + count, k : k + count].ravel() for i, j, k in corners]
    return np.stack(parts, axis=1)


def _surface_quads(grid: Integers) -> Integers:
    """Corner indices (n, 4) of the squares on the six faces of a lattice, in circular order."""
    quads = []
    for axis in range(3):
        for end in (0, -1):
            face = np.take(grid, end, axis=axis)
            quads.append(np.stack([face[:-1, :-1], face[1:, :-1], face[1:, 1:], face[:-1, 1:]], -1).reshape(-1, 4))
    return np.concatenate(quads)


def _split(nodes: Floats, hexahedra: Integers, sphere_radius: Floats) -> tuple[Floats, NDArray[np.int32]]:
    """Every hexahedron as 24 tetrahedra about its centre and face centres, positively oriented."""
    faces = np.array([[0, 1, 2, 3], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]])
    quads = hexahedra[:, faces]
    _, first, face_of = np.unique(np.sort(quads.reshape(-1, 4), axis=1), axis=0, return_index=True, return_inverse=True)
    corners = quads.reshape(-1, 4)[first]
    centre = nodes[corners].mean(axis=1)
    radius = sphere_radius[corners]
    spherical = (radius.min(axis=1) > 0) & (np.ptp(radius, axis=1) == 0)
    centre[spherical] *= (radius[spherical, 0] / np.linalg.norm(centre[spherical], axis=1))[:, None]
    body = nodes[hexahedra].mean(axis=1)
    face_index = len(nodes) + face_of.reshape(-1, 6)
    body_index = len(nodes) + len(centre) + np.arange(len(hexahedra))
    following = np.roll(quads, -1, axis=2)
    tetrahedra = np.stack(
        [
            quads,
            following,
            np.broadcast_to(face_index[:, :, None], quads.shape),
            np.broadcast_to(body_index[:, None, None], quads.shape),
        ],
        axis=-1,
    ).reshape(-1, 4)
    every_node = np.concatenate([nodes, centre, body])
    return every_node, _positively_oriented(every_node, tetrahedra)


def _positively_oriented(nodes: Floats, tetrahedra: Integers) -> NDArray[np.int32]:
    a, b, c, d = np.moveaxis(nodes[tetrahedra], 1, 0)
    negative = np.einsum("ij,ij->i", np.cross(b - a, c - a), d - a) < 0
    tetrahedra = tetrahedra.copy()
    tetrahedra[negative] = tetrahedra[negative][:, [0, 2, 1, 3]]
    return tetrahedra.astype(np.int32)
