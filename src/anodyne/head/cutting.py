"""Cutting a tetrahedral mesh along the zero level of a distance, and mending what the cut left thin.

The cut follows F. Labelle and J. R. Shewchuk, "Isosurface stuffing", ACM Trans. Graph. 26 (2007) 57,
in spirit: a node close to the surface is moved onto it, every edge that still crosses is bisected at
the crossing. Edges are bisected in one global order, so neighbours agree without any table of cases.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anodyne.head.quality import largest_cosine

Array = NDArray[np.float64]
Integers = NDArray[np.int32]

Stars = tuple[NDArray[np.int64], Integers]
"""Where each node's list starts, and the tetrahedra around the nodes one after another."""
OUTER = 1
"""The bit of the outermost surface in a node's locks: where the mesh ends."""
EDGES = np.array([[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]])
_EDGE_OF = np.array([[-1, 0, 1, 2], [0, -1, 3, 4], [1, 3, -1, 5], [2, 4, 5, -1]])


@njit(cache=True)
def node_to_tetrahedra(tetrahedra: Integers, n_nodes: int) -> Stars:
    """Start of each node's list (n_nodes + 1,) and the tetrahedra around the nodes, one after another."""
    start = np.zeros(n_nodes + 1, np.int64)
    for t in range(len(tetrahedra)):
        for k in range(4):
            start[tetrahedra[t, k] + 1] += 1
    start = np.cumsum(start)
    place = start[:-1].copy()
    around = np.empty(4 * len(tetrahedra), np.int32)
    for t in range(len(tetrahedra)):
        for k in range(4):
            node = tetrahedra[t, k]
            around[place[node]] = t
            place[node] += 1
    return start, around


@njit(cache=True)
def face_bits(tetrahedra: Integers, bits: Integers, n_nodes: int) -> Integers:
    """Gather (n_nodes,) at every node the bits (n, 4) of the faces it is on, a face named by its opposite node."""
    gathered = np.zeros(n_nodes, np.int32)
    for t in range(len(tetrahedra)):
        for face in range(4):
            if bits[t, face]:
                for k in range(4):
                    if k != face:
                        gathered[tetrahedra[t, k]] |= bits[t, face]
    return gathered


@njit(cache=True)
def _worst(nodes: Array, tetrahedra: Integers, around: Integers, node: int, position: Array) -> float:
    """Worst (largest) cosine among the tetrahedra around a node, were it at `position`."""
    worst = -1.0
    for t in around:
        a, b, c, d = tetrahedra[t]
        worst = max(
            worst,
            largest_cosine(
                position if a == node else nodes[a],
                position if b == node else nodes[b],
                position if c == node else nodes[c],
                position if d == node else nodes[d],
            ),
        )
    return worst


@njit(cache=True)
def neighbour_means(
    nodes: Array,
    tetrahedra: Integers,
    locks: Integers,
    stars: Stars,
    moving: NDArray[np.int64],
    lock: int,
) -> Array:
    """Mean position (n, 3) of the neighbours of `moving`, each as often as it shares a tetrahedron.

    Only neighbours on all the surfaces of `lock` count; a node that has none stays.
    """
    start, around = stars
    means = np.empty((len(moving), 3))
    for row in range(len(moving)):
        node = moving[row]
        count = 0
        total = np.zeros(3)
        for t in around[start[node] : start[node + 1]]:
            for k in range(4):
                other = tetrahedra[t, k]
                if other != node and locks[other] & lock == lock:
                    total += nodes[other]
                    count += 1
        means[row] = total / count if count else nodes[node]
    return means


@njit(cache=True)
def move_if_good(
    nodes: Array,
    tetrahedra: Integers,
    stars: Stars,
    moving: NDArray[np.int64],
    positions: Array,
    limit: float,
) -> NDArray[np.bool_]:
    """Move nodes one by one where no tetrahedron becomes worse than `limit` (cosine), or the worst improves."""
    start, around = stars
    moved = np.zeros(len(moving), np.bool_)
    for row in range(len(moving)):
        node = moving[row]
        star = around[start[node] : start[node + 1]]
        after = _worst(nodes, tetrahedra, star, node, positions[row])
        if after <= limit or after < _worst(nodes, tetrahedra, star, node, nodes[node]) - 1e-6:
            nodes[node] = positions[row]
            moved[row] = True
    return moved


@njit(cache=True)
def bisect(tetrahedra: Integers, labels: Integers, middle: Integers, priority: Array) -> tuple[Integers, Integers]:
    """Split tetrahedra at the new nodes on their edges, the edge of highest priority first.

    Parameters
    ----------
    middle : (n, 6) new node on each of EDGES, or -1
    priority : (n, 6), the same number for the same edge in every tetrahedron that has it
    """
    total = 0
    for t in range(len(tetrahedra)):
        cuts = 0
        for e in range(6):
            if middle[t, e] >= 0:
                cuts += 1
        total += 1 if cuts == 0 else 2 ** min(cuts, 5)
    result = np.empty((total, 4), np.int32)
    tags = np.empty(total, np.int32)
    count = 0
    node, corner = np.empty((64, 4), np.int32), np.empty((64, 4), np.int32)
    for t in range(len(tetrahedra)):
        node[0], corner[0] = tetrahedra[t], np.arange(4)
        depth = 1
        while depth > 0:
            depth -= 1
            best_a, best_b, best, cut = -1, -1, -np.inf, -1
            for a in range(4):
                for b in range(a + 1, 4):
                    if corner[depth, a] < 0 or corner[depth, b] < 0:
                        continue
                    e = _EDGE_OF[corner[depth, a], corner[depth, b]]
                    if middle[t, e] >= 0 and priority[t, e] > best:
                        best_a, best_b, best, cut = a, b, priority[t, e], middle[t, e]
            if best_a < 0:
                result[count] = node[depth]
                tags[count] = labels[t]
                count += 1
                continue
            node[depth + 1], corner[depth + 1] = node[depth], corner[depth]
            node[depth, best_a], corner[depth, best_a] = cut, -1
            node[depth + 1, best_b], corner[depth + 1, best_b] = cut, -1
            depth += 2
    return result[:count].copy(), tags[:count].copy()


@njit(cache=True)
def _same_surroundings(
    tetrahedra: Integers, labels: Integers, around: Integers, u: int, v: int, u_on_boundary: bool
) -> bool:
    """The edge u-v touches every tissue that u touches, and the open boundary if u does."""
    links = np.empty(2 * len(around), np.int32)
    n_links, ring = 0, 0
    for t in around:
        has = False
        for k in range(4):
            has = has or tetrahedra[t, k] == v
        if has:
            ring += 1
            for k in range(4):
                w = tetrahedra[t, k]
                if w != u and w != v:
                    known = False
                    for m in range(n_links):
                        known = known or links[m] == w
                    if not known:
                        links[n_links] = w
                        n_links += 1
        else:
            found = False
            for s in around:
                if labels[s] == labels[t]:
                    for k in range(4):
                        found = found or tetrahedra[s, k] == v
            if not found:
                return False
    return n_links > ring if u_on_boundary else True


@njit(cache=True)
def _collapse_quality(nodes: Array, tetrahedra: Integers, around: Integers, u: int, v: int) -> float:
    """Worst cosine around u were it merged into v; the tetrahedra that hold both vanish."""
    worst = -1.0
    for t in around:
        a, b, c, d = tetrahedra[t]
        if a == v or b == v or c == v or d == v:
            continue
        a, b, c, d = v if a == u else a, v if b == u else b, v if c == u else c, v if d == u else d
        worst = max(worst, largest_cosine(nodes[a], nodes[b], nodes[c], nodes[d]))
        if worst > 1.5:
            break
    return worst


@njit(cache=True)
def collapse_bad(
    nodes: Array, tetrahedra: Integers, labels: Integers, locks: Integers, cosine: Array, limit: float
) -> int:
    """Merge a node of each tetrahedron worse than `limit` into a neighbour if its star stays or becomes good.

    Removed tetrahedra keep the label -1. A node merges only into one on all the surfaces it lies on
    (`locks`, a bit each), along an edge that touches all the tissues it touches.
    """
    start, around = node_to_tetrahedra(tetrahedra, len(nodes))
    touched = np.zeros(len(nodes), np.bool_)
    done = 0
    for bad in np.argsort(-cosine):
        if cosine[bad] <= limit:
            break
        if labels[bad] < 0:
            continue
        best, best_u, best_v = 2.0, -1, -1
        for a in range(4):
            u = tetrahedra[bad, a]
            star = around[start[u] : start[u + 1]]
            if touched[u]:
                continue
            before = _worst(nodes, tetrahedra, star, u, nodes[u])
            for b in range(4):
                v = tetrahedra[bad, b]
                if a == b or touched[v] or (locks[u] & ~locks[v]) != 0:
                    continue
                after = _collapse_quality(nodes, tetrahedra, star, u, v)
                if (
                    after < best
                    and (after <= limit or after < before - 1e-6)
                    and _same_surroundings(tetrahedra, labels, star, u, v, locks[u] & OUTER > 0)
                ):
                    best, best_u, best_v = after, u, v
        if best_u < 0:
            continue
        done += 1
        for t in around[start[best_u] : start[best_u + 1]]:
            for k in range(4):
                touched[tetrahedra[t, k]] = True
            for k in range(4):
                if tetrahedra[t, k] == best_v:
                    labels[t] = -1
        for t in around[start[best_u] : start[best_u + 1]]:
            for k in range(4):
                if labels[t] >= 0 and tetrahedra[t, k] == best_u:
                    tetrahedra[t, k] = best_v
    return done
