"""One conforming tetrahedral mesh of nested tissues, from their signed distances, on a lattice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from anodyne.head.cutting import (
    EDGES,
    OUTER,
    bisect,
    collapse_bad,
    face_bits,
    move_if_good,
    neighbour_means,
    node_to_tetrahedra,
)
from anodyne.head.distance import DistanceFunction, projected
from anodyne.head.faces import neighbouring_tetrahedra
from anodyne.head.mesh import TetrahedralMesh
from anodyne.head.quality import pieces, radius_ratio, smallest_dihedral
from anodyne.progress import SILENT, Progress
from anodyne.units import degree

Array = NDArray[np.float64]
Integers = NDArray[np.int32]

OUTSIDE = 0
SNAP_REACH = 0.35
"""A node moves onto a surface that crosses one of its edges within this fraction of the edge."""
LOCKED_REACH = 0.25
"""A node already on a surface takes a further one to run through it within this fraction of an edge."""
GOOD_ANGLE = 18 * degree
"""Elements with a smaller dihedral angle are worked on."""
SMALLEST_ANGLE = 10 * degree
"""Elements with a smaller dihedral angle are not left in the mesh."""
SMALLEST_RATIO = 0.15
"""Needles, elements with a smaller radius ratio, are merged away where their surroundings allow it."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One tissue within another: where `distance` is negative, the `within` tissue becomes `tissue`."""

    tissue: int
    within: int
    distance: DistanceFunction


def body_centred_lattice(low: Array, high: Array, spacing: float) -> tuple[Array, Integers]:
    """Nodes (n, 3) m and tetrahedra (m, 4) of a body-centred cubic lattice that fills a box.

    All tetrahedra are congruent, with dihedral angles of 60 and 90 degrees; each joins two
    neighbouring cube centres with an edge of the cube face between them.

    Parameters
    ----------
    low, high : (3,) m, opposite corners of the box
    spacing : edge of the cube, m; the tetrahedra's edges are 1 and 0.87 of it
    """
    cells = np.ceil((np.asarray(high) - low) / spacing).astype(int) + 1
    corner_shape, centre_shape = tuple(cells + 1), tuple(cells)
    corners = np.stack(list(np.indices(corner_shape)), -1).reshape(-1, 3).astype(float)
    centres = np.stack(list(np.indices(centre_shape)), -1).reshape(-1, 3) + 0.5
    corner = np.arange(len(corners)).reshape(corner_shape)
    centre = len(corners) + np.arange(len(centres)).reshape(centre_shape)
    tetrahedra = []
    for axis in range(3):
        lower = np.moveaxis(centre, axis, 0)[:-1]
        upper = np.moveaxis(centre, axis, 0)[1:]
        face = np.moveaxis(corner, axis, 0)[1:-1]
        ring = [face[:, :-1, :-1], face[:, 1:, :-1], face[:, 1:, 1:], face[:, :-1, 1:]]
        for k in range(4):
            tetrahedra.append(np.stack([lower, upper, ring[k], ring[(k + 1) % 4]], -1).reshape(-1, 4))
    nodes = np.concatenate([corners, centres]) * spacing + low
    joined = oriented(nodes, np.concatenate(tetrahedra).astype(np.int32))
    return nodes, joined


def oriented(nodes: Array, tetrahedra: Integers) -> Integers:
    """The same tetrahedra, each with positive volume: the last two nodes change places where needed."""
    a, b, c, d = (nodes[tetrahedra[:, k]] for k in range(4))
    negative = np.einsum("ij,ij->i", np.cross(b - a, c - a), d - a) < 0
    result = tetrahedra.copy()
    result[negative, 2], result[negative, 3] = tetrahedra[negative, 3], tetrahedra[negative, 2]
    return result


class _Cutter:
    """The mesh while it is being cut: the only mutable thing here, never seen from outside."""

    def __init__(self, layers: Sequence[Layer], low: Array, high: Array, spacing: float) -> None:
        self.layers, self.spacing = layers, spacing
        self.nodes, self.tetrahedra = body_centred_lattice(low, high, spacing)
        self.labels = np.full(len(self.tetrahedra), OUTSIDE, np.int32)
        near: NDArray[np.bool_] = np.asarray(layers[0].distance(self.nodes) < 0)
        if near[(self.nodes <= np.asarray(low)).any(axis=1) | (self.nodes >= np.asarray(high)).any(axis=1)].any():
            raise ValueError("the outermost layer reaches the border of its box; choose a larger box")
        self.drop(np.asarray(near[self.tetrahedra].any(axis=1)))

    def crossing_edges(self, value: Array, within: int) -> NDArray[np.int64]:
        """(n, 2) edges of tetrahedra of `within` at whose ends `value` has opposite signs."""
        sign = np.sign(value).astype(np.int8)
        signs = sign[self.tetrahedra]
        mixed = (self.labels == within) & (signs.min(1) < 0) & (signs.max(1) > 0)
        edges = np.sort(self.tetrahedra[mixed][:, EDGES].reshape(-1, 2), axis=1)
        edges = edges[sign[edges[:, 0]] * sign[edges[:, 1]] < 0]
        return self.unique_edges(edges)

    def unique_edges(self, edges: NDArray[np.integer]) -> NDArray[np.int64]:
        key = np.unique(edges[:, 0].astype(np.int64) * len(self.nodes) + edges[:, 1])
        return np.stack([key // len(self.nodes), key % len(self.nodes)], axis=1)

    def crossings(self, distance: DistanceFunction, edges: NDArray[np.int64], value: Array) -> Array:
        """Fraction (n,) of each edge, from its first node, at which the distance vanishes."""
        a, b = self.nodes[edges[:, 0]], self.nodes[edges[:, 1]]
        low, high = np.zeros(len(edges)), np.ones(len(edges))
        at_low, at_high = value[edges[:, 0]].copy(), value[edges[:, 1]].copy()
        for _ in range(3):  # regula falsi: the crossing on the curved surface, not on its chord
            t = low + (high - low) * at_low / (at_low - at_high)
            here = distance(a + t[:, None] * (b - a))
            below = here * at_low > 0
            low, at_low = np.where(below, t, low), np.where(below, here, at_low)
            high, at_high = np.where(below, high, t), np.where(below, at_high, here)
        return np.clip(low + (high - low) * at_low / np.where(at_low == at_high, 1, at_low - at_high), 0.02, 0.98)

    def snap(self, layer: Layer, value: Array) -> None:
        """Move nodes onto a surface that passes close to them, where their elements allow it."""
        edges = self.crossing_edges(value, layer.within)
        t = self.crossings(layer.distance, edges, value)
        node = np.concatenate([edges[:, 0], edges[:, 1]])
        other = np.concatenate([edges[:, 1], edges[:, 0]])
        reach = np.concatenate([t, 1 - t])
        order = np.lexsort((reach, node))
        node, first = np.unique(node[order], return_index=True)
        other, reach = other[order][first], reach[order][first]
        locked = self.locks[node] != 0
        through = locked & (reach < LOCKED_REACH)
        value[node[through]] = 0
        free = ~locked & (reach < SNAP_REACH)
        node, other, reach = node[free], other[free], reach[free]
        goal = self.nodes[node] + reach[:, None] * (self.nodes[other] - self.nodes[node])
        stars = node_to_tetrahedra(self.tetrahedra, len(self.nodes))
        moved = move_if_good(self.nodes, self.tetrahedra, stars, node, goal, float(np.cos(SMALLEST_ANGLE * 1.5)))
        value[node[moved]] = 0

    def cut(self, layer: Layer) -> None:
        """Bisect the edges that cross the layer's surface and name the elements inside."""
        value = layer.distance(self.nodes)
        value[value == 0] = 1e-12
        self.snap(layer, value)
        edges = self.crossing_edges(value, layer.within)
        t = self.crossings(layer.distance, edges, value)
        a, b = self.nodes[edges[:, 0]], self.nodes[edges[:, 1]]
        length = np.linalg.norm(b - a, axis=1)
        key = edges[:, 0] * len(self.nodes) + edges[:, 1]
        crossing = (np.sign(value[self.tetrahedra]).min(1) < 0) & (np.sign(value[self.tetrahedra]).max(1) > 0)
        pairs = np.sort(self.tetrahedra[crossing][:, EDGES], axis=2).astype(np.int64)
        pair_key = pairs[..., 0] * len(self.nodes) + pairs[..., 1]
        place = np.minimum(np.searchsorted(key, pair_key), len(key) - 1)
        hit = key[place] == pair_key
        middle = np.full((len(self.tetrahedra), 6), -1, np.int32)
        middle[crossing] = np.where(hit, len(self.nodes) + place, -1)
        rank = np.argsort(np.lexsort((np.arange(len(length)), np.round(length, 9)))).astype(float)
        priority = np.zeros((len(self.tetrahedra), 6))
        priority[crossing] = np.where(hit, rank[place], -1)
        self.nodes = np.concatenate([self.nodes, a + t[:, None] * (b - a)])
        value = np.concatenate([value, np.zeros(len(edges))])
        self.tetrahedra, self.labels = bisect(self.tetrahedra, self.labels, middle, priority)
        self.name_inside(layer, value)
        self.find_locks()

    def name_inside(self, layer: Layer, value: Array) -> None:
        """Give the layer's tissue to the elements of its parent that lie within its surface."""
        candidate = np.flatnonzero(self.labels == layer.within)
        values = value[self.tetrahedra[candidate]]
        inside = values.min(1) < 0
        flat = (values == 0).all(1)
        centres = self.nodes[self.tetrahedra[candidate[flat]]].mean(1)
        inside[flat] = layer.distance(centres) < 0
        self.labels[candidate[inside]] = layer.tissue

    def find_locks(self) -> None:
        """Bits (n_nodes,) of the surfaces each node lies on: those that part the tissues on a face's two sides."""
        within = np.zeros(max(layer.tissue for layer in self.layers) + 1, np.int32)
        for bit, layer in enumerate(self.layers):
            within[layer.tissue] = within[layer.within] | 1 << bit
        neighbours = neighbouring_tetrahedra(self.tetrahedra, len(self.nodes))
        other = np.where(neighbours < 0, OUTSIDE, self.labels[neighbours])
        parted = within[self.labels][:, None] ^ within[other]
        self.locks = face_bits(self.tetrahedra, parted, len(self.nodes))

    def drop(self, keep: NDArray[np.bool_]) -> None:
        """Keep some of the tetrahedra, and only the nodes they use."""
        self.tetrahedra, self.labels = self.tetrahedra[keep], self.labels[keep]
        used = np.zeros(len(self.nodes), bool)
        used[self.tetrahedra] = True
        renumbered = np.cumsum(used).astype(np.int32) - 1
        self.nodes = self.nodes[used]
        self.tetrahedra = renumbered[self.tetrahedra]
        self.find_locks()

    def join_islands(self, keep: Mapping[int, int]) -> None:
        """Give all but the `keep[tissue]` largest pieces of a tissue to the tissue most around them."""
        for _ in range(4):
            part = pieces(self.tetrahedra, self.labels, len(self.nodes))
            size = np.bincount(part)
            tissue = np.zeros(len(size), np.int32)
            tissue[part] = self.labels
            small = np.zeros(len(size), bool)
            for tag in np.unique(tissue):
                ranked = np.flatnonzero(tissue == tag)
                ranked = ranked[np.argsort(-size[ranked], kind="stable")]
                small[ranked[keep.get(int(tag), 1) :]] = True
            if not small.any():
                return
            neighbours = neighbouring_tetrahedra(self.tetrahedra, len(self.nodes))
            a, face = np.nonzero((neighbours >= 0) & small[part][:, None])
            b = neighbours[a, face]
            at = small[part[a]] & (part[a] != part[b])
            votes = np.zeros((len(size), int(tissue.max()) + 1), np.int32)
            np.add.at(votes, (part[a[at]], self.labels[b[at]]), 1)
            mine = np.flatnonzero(small[part])
            self.labels[mine] = votes.argmax(1)[part[mine]].astype(np.int32)

    def bad_nodes(self, angle: float) -> NDArray[np.bool_]:
        """Which nodes (n_nodes,) belong to an element with a dihedral angle below `angle`."""
        bad = np.zeros(len(self.nodes), bool)
        bad[self.tetrahedra[smallest_dihedral(self.nodes, self.tetrahedra) < angle]] = True
        return bad

    def needle_nodes(self) -> NDArray[np.bool_]:
        """Which nodes (n_nodes,) belong to a needle."""
        needle = np.zeros(len(self.nodes), bool)
        needle[self.tetrahedra[radius_ratio(self.nodes, self.tetrahedra) < SMALLEST_RATIO]] = True
        return needle

    def smooth(self, bad: NDArray[np.bool_], limit: float) -> None:
        """Move `bad` nodes towards their neighbours' mean, along their surface if on one.

        A move is made where no angle's cosine around the node exceeds `limit` after it, or the worst improves.
        """
        stars = node_to_tetrahedra(self.tetrahedra, len(self.nodes))
        groups: list[tuple[int, int | None]] = [(0, None)]
        groups += [(1 << bit, bit) for bit in range(len(self.layers))]
        for lock, bit in groups:
            moving = np.flatnonzero(bad & (self.locks == lock))
            if len(moving) == 0:
                continue
            mean = neighbour_means(self.nodes, self.tetrahedra, self.locks, stars, moving, lock)
            for share in (1.0, 0.4):
                goal = self.nodes[moving] + share * (mean - self.nodes[moving])
                if bit is not None:
                    goal = projected(self.layers[bit].distance, goal, 0.15 * self.spacing)
                move_if_good(self.nodes, self.tetrahedra, stars, moving, goal, limit)

    def loosen(self, bad: NDArray[np.bool_], limit: float) -> None:
        """Move `bad` nodes off their surface towards their neighbours' mean; see `smooth` for `limit`."""
        moving = np.flatnonzero(bad & (self.locks & OUTER == 0))
        stars = node_to_tetrahedra(self.tetrahedra, len(self.nodes))
        mean = neighbour_means(self.nodes, self.tetrahedra, self.locks, stars, moving, 0)
        for share in (0.1, 0.2, 0.4, 0.8):
            goal = self.nodes[moving] + share * (mean - self.nodes[moving])
            move_if_good(self.nodes, self.tetrahedra, stars, moving, goal, limit)

    def collapse(self, angle: float) -> int:
        """Merge nodes of poor elements into neighbours; how many."""
        cosine = np.cos(np.maximum(smallest_dihedral(self.nodes, self.tetrahedra), 0))
        cosine[radius_ratio(self.nodes, self.tetrahedra) < SMALLEST_RATIO] = 1
        self.tetrahedra = np.ascontiguousarray(self.tetrahedra)
        done: int = collapse_bad(self.nodes, self.tetrahedra, self.labels, self.locks, cosine, float(np.cos(angle)))
        if done:
            self.drop(self.labels >= 0)
        return done

    def mend(self, progress: Progress) -> None:
        """Merge and move until no element is thinner than it must be."""
        with progress.stage("mending thin elements", total=8) as advance:
            for turn in range(8):
                merged = self.collapse(1.2 * SMALLEST_ANGLE)
                self.smooth(self.bad_nodes(GOOD_ANGLE), -1.0)
                needles = self.needle_nodes()
                self.smooth(needles, float(np.cos(1.2 * SMALLEST_ANGLE)))
                if turn >= 2:
                    self.loosen(self.bad_nodes(SMALLEST_ANGLE), -1.0)
                    self.loosen(needles & self.needle_nodes(), float(np.cos(1.2 * SMALLEST_ANGLE)))
                advance(1)
                smallest = smallest_dihedral(self.nodes, self.tetrahedra).min()
                if turn >= 1 and merged == 0 and smallest >= SMALLEST_ANGLE and not needles.any():
                    break

    def fractions_on_surface(self) -> Array:
        """(n_layers,) fraction of the nodes of each interface that lie on the zero level of its distance."""
        found = []
        for bit, layer in enumerate(self.layers):
            on = self.nodes[(self.locks >> bit & 1) > 0]
            found.append(np.mean(np.abs(layer.distance(on)) < 0.01 * self.spacing) if len(on) else 1.0)
        return np.array(found)

    def in_blocks(self) -> None:
        """Number nodes and tetrahedra by small blocks of space, so that neighbours are near in memory."""
        block = 4 * self.spacing
        order = _block_order(self.nodes, block)
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        self.nodes = self.nodes[order]
        self.tetrahedra = place[self.tetrahedra]
        order = np.lexsort((self.tetrahedra.min(1),))
        self.tetrahedra, self.labels = self.tetrahedra[order], self.labels[order]
        self.find_locks()


def _block_order(points: Array, block: float) -> NDArray[np.int64]:
    cell = np.floor((points - points.min(0)) / block).astype(np.int64)
    return np.lexsort((points[:, 0], points[:, 1], points[:, 2], cell[:, 0], cell[:, 1], cell[:, 2]))


@dataclass(frozen=True, kw_only=True, eq=False)
class LayeredMesh:
    """What `mesh_layers` returns.

    mesh : the tetrahedra and their tissue
    on_surface : (n_layers,) fraction of each layer's interface nodes within 1 % of the spacing of its zero level
    """

    mesh: TetrahedralMesh
    on_surface: Array


def mesh_layers(
    layers: Sequence[Layer],
    low: Array,
    high: Array,
    spacing: float,
    *,
    pieces_kept: Mapping[int, int] = MappingProxyType({}),
    progress: Progress = SILENT,
) -> LayeredMesh:
    """One conforming mesh of nested tissues on a body-centred lattice, its interfaces on their zero levels.

    Every layer's zero level is cut into the lattice in turn (see `anodyne.head.cutting`), then thin elements
    are merged and moved. No element has a dihedral angle below SMALLEST_ANGLE unless the layers' zero levels
    touch where no merge can part them; `anodyne.head.mesh_quality` measures it. The same input gives the
    same mesh.

    Parameters
    ----------
    layers : each within an earlier one; the first is within OUTSIDE, what is outside it has no elements
    low, high : (3,) m, corners of a box around the first layer
    spacing : edge of the lattice's cube, m
    pieces_kept : tissue -> how many connected pieces it may keep, 1 where none is named; the smaller ones
        join the tissue around them

    Raises
    ------
    ValueError : no layer, a layer without a parent before it, or a spacing that is not positive
    """
    known = {OUTSIDE}
    for layer in layers:
        if layer.within not in known or layer.tissue in known:
            raise ValueError(f"tissue {layer.tissue} must be new and lie within a tissue named before it")
        known = known - {OUTSIDE} | {layer.tissue}
    if not layers or not 0 < spacing < np.inf:
        raise ValueError(f"a mesh needs a layer and a positive spacing, not {len(layers)} layers and {spacing} m")
    cutter = _Cutter(layers, np.asarray(low, float), np.asarray(high, float), spacing)
    with progress.stage("cutting the lattice along the tissues", total=len(layers)) as advance:
        for layer in layers:
            cutter.cut(layer)
            if layer.within == OUTSIDE:
                cutter.drop(cutter.labels != OUTSIDE)
            advance(1)
    cutter.join_islands(pieces_kept)
    cutter.find_locks()
    cutter.mend(progress)
    cutter.join_islands(pieces_kept)
    cutter.in_blocks()
    mesh = TetrahedralMesh(nodes=cutter.nodes, tetrahedra=cutter.tetrahedra, tissue=cutter.labels)
    return LayeredMesh(mesh=mesh, on_surface=cutter.fractions_on_surface())
