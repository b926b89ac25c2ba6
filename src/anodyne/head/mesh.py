"""A head, or any body, cut into tetrahedra with a tissue in each."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

import numpy as np
from numba import njit, prange
from numpy.typing import ArrayLike, NDArray

from anodyne.head.arrays import FloatArray, IndexArray, frozen_floats, frozen_indices
from anodyne.head.faces import faces_where, neighbouring_tetrahedra
from anodyne.head.location import Bins
from anodyne.head.surface import Surface

FLAT = 1e-13
"""A tetrahedron whose six-fold volume is below this share of its longest edge cubed has none.

About a thousand rounding errors of a determinant in double precision: below it the sign is chance.
"""


def _no_triangles() -> IndexArray:
    return np.empty((0, 3), dtype=np.int32)


def _no_tags() -> IndexArray:
    return np.empty(0, dtype=np.int32)


@dataclass(frozen=True, kw_only=True, eq=False)
class TetrahedralMesh:
    """A body cut into tetrahedra, each of one tissue.

    Parameters
    ----------
    nodes : (n_nodes, 3) array, m
    tetrahedra : (n_tetrahedra, 4) array of 0-based node indices, in the file's own order and orientation
    tissue : (n_tetrahedra,) array of tags, 1 or more, see `anodyne.head.Tissue`
    triangles : (n_triangles, 3) array of 0-based node indices: surfaces that came with the mesh
    triangle_tissue : (n_triangles,) array of tags, 1000 more than the tissue they bound, 0 for none

    Raises
    ------
    ValueError : wrong shapes, no tetrahedron, indices out of range, nodes that are not finite,
        a tissue tag below 1, a negative triangle tag
    """

    nodes: FloatArray
    tetrahedra: IndexArray
    tissue: IndexArray
    triangles: IndexArray = field(default_factory=_no_triangles)
    triangle_tissue: IndexArray = field(default_factory=_no_tags)

    def __post_init__(self) -> None:
        nodes = frozen_floats(self.nodes, (None, 3), "nodes")
        tetrahedra = frozen_indices(self.tetrahedra, (None, 4), "tetrahedra")
        tissue = frozen_indices(self.tissue, (len(tetrahedra),), "tissue")
        triangles = frozen_indices(self.triangles, (None, 3), "triangles")
        triangle_tissue = frozen_indices(self.triangle_tissue, (len(triangles),), "triangle_tissue")
        if len(tetrahedra) == 0:
            raise ValueError("a mesh needs at least one tetrahedron")
        _check_range("tetrahedra", tetrahedra, len(nodes))
        _check_range("triangles", triangles, len(nodes))
        if tissue.min() < 1:
            raise ValueError(f"a tissue tag is 1 or more, not {tissue.min()}")
        if triangle_tissue.min(initial=0) < 0:
            raise ValueError(f"a triangle's tag is not negative: {triangle_tissue.min()}")
        object.__setattr__(self, "nodes", nodes)
        object.__setattr__(self, "tetrahedra", tetrahedra)
        object.__setattr__(self, "tissue", tissue)
        object.__setattr__(self, "triangles", triangles)
        object.__setattr__(self, "triangle_tissue", triangle_tissue)

    def __repr__(self) -> str:
        tags = ", ".join(map(str, np.unique(self.tissue)))
        return f"TetrahedralMesh({len(self.nodes)} nodes, {len(self.tetrahedra)} tetrahedra, tissues {tags})"

    @cached_property
    def barycentres(self) -> FloatArray:
        """(n_tetrahedra, 3) the middle of each tetrahedron, m."""
        return _frozen(_barycentres(self.nodes, self.tetrahedra))

    @property
    def signed_volumes(self) -> FloatArray:
        """(n_tetrahedra,) volume of each tetrahedron, m³, negative where it is written left-handed.

        Right-handed: seen from the fourth node, the first three turn counter-clockwise.
        """
        volumes: FloatArray = _signed_volumes(self.nodes, self.tetrahedra)
        return volumes

    @cached_property
    def volumes(self) -> FloatArray:
        """(n_tetrahedra,) volume of each tetrahedron whichever way it is written, m³."""
        return _frozen(np.abs(self.signed_volumes))

    @cached_property
    def node_volumes(self) -> FloatArray:
        """(n_nodes,) a quarter of the volume of every tetrahedron around a node, m³; 0 where none is."""
        return _frozen(_node_volumes(self.tetrahedra, self.volumes, len(self.nodes)))

    @cached_property
    def neighbours(self) -> IndexArray:
        """(n_tetrahedra, 4) the tetrahedron across the face opposite each node; -1 where the mesh ends."""
        neighbours = neighbouring_tetrahedra(self.tetrahedra, len(self.nodes))
        neighbours.setflags(write=False)
        return neighbours

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of nodes, tetrahedra and tissues: equal for equal meshes on every machine."""
        digest = sha256()
        for array, stored in ((self.nodes, "<f8"), (self.tetrahedra, "<i4"), (self.tissue, "<i4")):
            digest.update(str(array.shape).encode())
            digest.update(array.astype(stored, copy=False).data)
        return digest.hexdigest()

    def flat_tetrahedra(self) -> NDArray[np.intp]:
        """Indices of tetrahedra that have no volume, to rounding; no field can be computed in them."""
        return np.flatnonzero(_is_flat(self.nodes, self.tetrahedra))

    def gradients(self) -> FloatArray:
        """(n_tetrahedra, 4, 3) gradient of each node's hat function in each tetrahedron, 1/m.

        The hat function of a node is 1 there, 0 at the other three nodes and linear between; its
        gradient is the normal of the opposite face over the height above it, the same for either
        orientation (Ern & Guermond, Finite Elements I, 2021, section 7.3).

        Raises
        ------
        ValueError : a tetrahedron without volume
        """
        flat = self.flat_tetrahedra()
        if len(flat):
            raise ValueError(f"{len(flat)} tetrahedra have no volume, the first is number {flat[0]}; mesh again")
        gradients: FloatArray = _gradients(self.nodes, self.tetrahedra)
        return gradients

    def locate(self, points: ArrayLike) -> tuple[IndexArray, FloatArray]:
        """Which tetrahedron holds each point, and where in it.

        On a face that several tetrahedra share the one of lowest index is given; a point within a
        relative 1e-9 outside a face still counts as inside.

        Parameters
        ----------
        points : (n, 3) array, m

        Returns
        -------
        (n,) array of tetrahedron indices, -1 outside the mesh
        (n, 4) array of barycentric coordinates: the weights of the four nodes, 0 outside the mesh

        Raises
        ------
        ValueError : points of another shape or not finite
        """
        checked = frozen_floats(points, (None, 3), "points")
        return self._bins.locate(checked, self.nodes, self.tetrahedra)

    def boundary_triangles(self) -> IndexArray:
        """(k, 3) node indices of the faces where the mesh ends, counter-clockwise seen from outside."""
        return faces_where(self.nodes, self.tetrahedra, self.neighbours < 0)

    def interface_triangles(self, inside: int, outside: int) -> IndexArray:
        """(k, 3) node indices of the faces between two tissues, counter-clockwise seen from the second."""
        wanted = (self.tissue == inside)[:, None] & self._across(self.tissue == outside)
        return faces_where(self.nodes, self.tetrahedra, wanted)

    def interface(self, inside: int, outside: int) -> Surface:
        """The surface between two tissues, facing the second.

        Raises
        ------
        ValueError : the two do not touch
        """
        triangles = self.interface_triangles(inside, outside)
        if len(triangles) == 0:
            raise ValueError(f"tissues {inside} and {outside} do not touch anywhere in this mesh")
        return Surface.compact(self.nodes, triangles)

    def outer_surface(self, tissues: Iterable[int]) -> Surface:
        """The whole surface, cavities included, of the body that these tissues make together, facing out.

        Raises
        ------
        ValueError : none of them is in the mesh
        """
        tags = list(tissues)
        body = np.isin(self.tissue, tags)
        if not body.any():
            raise ValueError(f"no tetrahedron has a tissue tag among {tags}")
        wanted = body[:, None] & ~self._across(body)
        return Surface.compact(self.nodes, faces_where(self.nodes, self.tetrahedra, wanted))

    def _across(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(n_tetrahedra, 4): is there a neighbour across this face, and is it chosen?"""
        across: NDArray[np.bool_] = chosen[self.neighbours] & (self.neighbours >= 0)
        return across

    @cached_property
    def _bins(self) -> Bins:
        return Bins.of(self.nodes, self.tetrahedra)


def _check_range(name: str, indices: IndexArray, n_nodes: int) -> None:
    if indices.size and (indices.min() < 0 or indices.max() >= n_nodes):
        raise ValueError(f"{name} name nodes {indices.min()} to {indices.max()}, but there are {n_nodes} nodes")


def _frozen(array: FloatArray) -> FloatArray:
    array.setflags(write=False)
    return array


@njit(cache=True, parallel=True)
def _barycentres(nodes: FloatArray, tetrahedra: IndexArray) -> FloatArray:
    barycentres = np.empty((len(tetrahedra), 3))
    for t in prange(len(tetrahedra)):
        a, b, c, d = tetrahedra[t]
        for axis in range(3):
            barycentres[t, axis] = 0.25 * (nodes[a, axis] + nodes[b, axis] + nodes[c, axis] + nodes[d, axis])
    return barycentres


@njit(cache=True)
def _edges(nodes, tetrahedron):  # type: ignore[no-untyped-def]
    """The three edges from the first node to the others."""
    a, b, c, d = tetrahedron
    x, y, z = nodes[a, 0], nodes[a, 1], nodes[a, 2]
    return (
        (nodes[b, 0] - x, nodes[b, 1] - y, nodes[b, 2] - z),
        (nodes[c, 0] - x, nodes[c, 1] - y, nodes[c, 2] - z),
        (nodes[d, 0] - x, nodes[d, 1] - y, nodes[d, 2] - z),
    )


@njit(cache=True)
def _cross(u, v):  # type: ignore[no-untyped-def]
    return (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])


@njit(cache=True)
def _dot(u, v):  # type: ignore[no-untyped-def]
    return u[0] * v[0] + u[1] * v[1] + u[2] * v[2]


@njit(cache=True, parallel=True)
def _signed_volumes(nodes: FloatArray, tetrahedra: IndexArray) -> FloatArray:
    volumes = np.empty(len(tetrahedra))
    for t in prange(len(tetrahedra)):
        u, v, w = _edges(nodes, tetrahedra[t])
        volumes[t] = _dot(u, _cross(v, w)) / 6
    return volumes


@njit(cache=True, parallel=True)
def _is_flat(nodes: FloatArray, tetrahedra: IndexArray) -> NDArray[np.bool_]:
    flat = np.empty(len(tetrahedra), dtype=np.bool_)
    for t in prange(len(tetrahedra)):
        u, v, w = _edges(nodes, tetrahedra[t])
        longest = max(_dot(u, u), _dot(v, v), _dot(w, w)) ** 1.5
        flat[t] = not abs(_dot(u, _cross(v, w))) > FLAT * longest
    return flat


@njit(cache=True, parallel=True)
def _gradients(nodes: FloatArray, tetrahedra: IndexArray) -> FloatArray:
    gradients = np.empty((len(tetrahedra), 4, 3))
    for t in prange(len(tetrahedra)):
        u, v, w = _edges(nodes, tetrahedra[t])
        vw, wu, uv = _cross(v, w), _cross(w, u), _cross(u, v)
        scale = 1 / _dot(u, vw)
        for axis in range(3):
            gradients[t, 1, axis] = vw[axis] * scale
            gradients[t, 2, axis] = wu[axis] * scale
            gradients[t, 3, axis] = uv[axis] * scale
            gradients[t, 0, axis] = -(vw[axis] + wu[axis] + uv[axis]) * scale
    return gradients


@njit(cache=True)
def _node_volumes(tetrahedra: IndexArray, volumes: FloatArray, n_nodes: int) -> FloatArray:
    around = np.zeros(n_nodes)
    for t in range(len(tetrahedra)):
        for corner in range(4):
            around[tetrahedra[t, corner]] += 0.25 * volumes[t]
    return around
