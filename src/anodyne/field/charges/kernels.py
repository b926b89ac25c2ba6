"""Flat triangles with an even charge: their field, potential and mutual action in closed form, compiled.

All fields are those of a charge density over epsilon_0 (V/m): a facet of density c makes the field
``c / 4 pi * integral((r - r') / |r - r'|^3)``. The integral is the signed solid angle along the
normal (van Oosterom & Strackee 1983, IEEE Trans Biomed Eng 30:125) and one logarithm per edge
across it; the potential follows from the same terms (Wilton et al. 1984, IEEE Trans Antennas
Propag 32:276; Graglia 1993, ibid. 41:1448).
"""

from math import atan2, log, pi, sqrt
from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

PER_4_PI = 1 / (4 * pi)
SMALL = 0.4
"""Below this the series of the arc tangent and of the logarithm, cut after seven terms, err by 1e-7 at most."""

SLENDER = 1e-14
"""Share of an edge's length below which a point counts as lying on it, so that its logarithm stays finite."""

TABLE_END, TABLE_SIZE = 20.0, 8192
"""Of the table of erf over (s R)^2: erfc is below 1e-9 at its end, straight lines between entries err by 1e-6."""


class Facets(NamedTuple):
    """Flat triangles.

    Attributes
    ----------
    corners : (n, 3, 3) array, m, counter-clockwise seen from where the normals point
    centres : (n, 3) array, m
    normals : (n, 3) array of unit vectors
    areas : (n,) array, m^2
    radii : (n,) array, farthest corner from the centre, m
    edges : (n, 3) array, number of each edge, shared by all facets about it
    middles : (n_edges, 3) array, the edges' middles, m; a third of a facet's charge at each of its three acts from afar
        like the facet (the rule of degree 2 with the fewest points a facet: Strang & Fix 1973)
    """

    corners: Floats
    centres: Floats
    normals: Floats
    areas: Floats
    radii: Floats
    edges: NDArray[np.int32]
    middles: Floats

    @classmethod
    def of(cls, nodes: Floats, triangles: NDArray[np.int32]) -> "Facets":
        """From nodes and the (n, 3) indices of each triangle's, counter-clockwise.

        Raises
        ------
        ValueError : triangles without area
        """
        corners = nodes[triangles]
        centres = corners.mean(axis=1)
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        doubled = np.linalg.norm(across, axis=1)
        if doubled.min() == 0:
            raise ValueError(f"{np.sum(doubled == 0)} facets have no area; mesh again")
        radii = np.linalg.norm(corners - centres[:, None], axis=2).max(axis=1)
        edges, ends = edges_of(triangles)
        return cls(corners, centres, across / doubled[:, None], doubled / 2, radii, edges, nodes[ends].mean(axis=1))

    def shared(self, charges: Floats) -> Floats:
        """Charges of the facets as charges at the middles of their edges, (n_edges,) array."""
        return np.asarray(np.bincount(self.edges.ravel(), np.repeat(charges / 3, 3), len(self.middles)), dtype=float)

    def across(self, vectors: Floats) -> Floats:
        """Mean normal component on every facet of (n_edges, 3) vectors at the middles."""
        return np.asarray(_across(self.edges, self.normals, vectors))


def edges_of(triangles: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Number of the edge after each corner of (n, 3) triangles, and the (n_edges, 2) nodes at its ends."""
    ends = np.sort(np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=-1), axis=-1).astype(np.int64)
    span = int(triangles.max()) + 1
    keys, edges = np.unique(ends[..., 0] * span + ends[..., 1], return_inverse=True)
    return edges.reshape(triangles.shape).astype(np.int32), np.stack([keys // span, keys % span], axis=1)


@njit(parallel=True, cache=True)
def _across(edges: Any, normals: Any, vectors: Any) -> Any:
    result = np.empty(len(edges))
    for i in prange(len(edges)):
        a, b, c = edges[i]
        total = 0.0
        for axis in range(3):
            total += normals[i, axis] * (vectors[a, axis] + vectors[b, axis] + vectors[c, axis])
        result[i] = total / 3
    return result


class Cells(NamedTuple):
    """Facets sorted by their centres into cubes.

    Attributes
    ----------
    corner : (3,) array, lowest corner of the first cube, m
    edge : of a cube, m
    shape : (3,) array, number of cubes along each axis
    start, members : the facets of cube k are ``members[start[k] : start[k + 1]]``
    largest, widest : (n_cubes,) array, m, the largest radius in each cube, and in all
    """

    corner: Floats
    edge: float
    shape: NDArray[np.int64]
    start: NDArray[np.int64]
    members: NDArray[np.int32]
    largest: Floats
    widest: float


THREE_POINTS = np.array([[4, 1, 1], [1, 4, 1], [1, 1, 4]]) / 6
"""Barycentric coordinates of the rule of degree 2 with three equal weights (Strang & Fix 1973).

Every pair of near facets is integrated with the same points on the sender: their solid angles then add up to half or
all of a sphere over a closed surface, so that no charge is lost. Closer points change E in a sphere by 0.01 % only.
"""


def _smooth_table() -> Floats:
    t = np.linspace(0, TABLE_END, TABLE_SIZE + 1)
    root = np.sqrt(np.maximum(t, 1e-12))
    value = special.erf(root) / root
    slope = np.where(t > 1e-3, (value - 2 / sqrt(pi) * np.exp(-t)) / np.maximum(t, 1e-12), 0)
    early = t <= 1e-3
    slope[early] = 4 / sqrt(pi) * (1 / 3 - t[early] / 5 + t[early] ** 2 / 14)
    return np.stack([value, slope], axis=1)


@njit(cache=True, fastmath=True)
def _solid_angle(corners: Any, t: int, x: float, y: float, z: float) -> float:
    """Solid angle of triangle t at a point, positive where the point lies on the side its normal comes from."""
    ax, ay, az = corners[t, 0, 0] - x, corners[t, 0, 1] - y, corners[t, 0, 2] - z
    bx, by, bz = corners[t, 1, 0] - x, corners[t, 1, 1] - y, corners[t, 1, 2] - z
    cx, cy, cz = corners[t, 2, 0] - x, corners[t, 2, 1] - y, corners[t, 2, 2] - z
    a = sqrt(ax * ax + ay * ay + az * az)
    b = sqrt(bx * bx + by * by + bz * bz)
    c = sqrt(cx * cx + cy * cy + cz * cz)
    box = ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)
    ab = ax * bx + ay * by + az * bz
    bc = bx * cx + by * cy + bz * cz
    ca = cx * ax + cy * ay + cz * az
    below = a * b * c + ab * c + bc * a + ca * b
    if abs(box) < SMALL * below:  # most facets are far: the series of the arc tangent to 1e-9
        ratio = box / below
        u = ratio * ratio
        return 2 * ratio * (1 - u * (1 / 3 - u * (1 / 5 - u * (1 / 7 - u * (1 / 9 - u * (1 / 11 - u / 13))))))
    return 2 * atan2(box, below)


@njit(cache=True)
def _triangle(facets: Any, t: int, x: float, y: float, z: float) -> Any:
    """Integrals over triangle t of ``(r - r') / R^3`` (three numbers) and of ``1 / R``."""
    corners = facets.corners
    nx, ny, nz = facets.normals[t, 0], facets.normals[t, 1], facets.normals[t, 2]
    angle = -_solid_angle(corners, t, x, y, z)
    height = (x - corners[t, 0, 0]) * nx + (y - corners[t, 0, 1]) * ny + (z - corners[t, 0, 2]) * nz
    ex, ey, ez = nx * angle, ny * angle, nz * angle
    potential = -height * angle
    for k in range(3):
        m = (k + 1) % 3
        ax, ay, az = corners[t, k, 0] - x, corners[t, k, 1] - y, corners[t, k, 2] - z
        bx, by, bz = corners[t, m, 0] - x, corners[t, m, 1] - y, corners[t, m, 2] - z
        ux, uy, uz = bx - ax, by - ay, bz - az
        length = sqrt(ux * ux + uy * uy + uz * uz)
        reach = sqrt(ax * ax + ay * ay + az * az) + sqrt(bx * bx + by * by + bz * bz)
        if length < SMALL * reach:
            u = (length / reach) ** 2
            series = 1 + u * (1 / 3 + u * (1 / 5 + u * (1 / 7 + u * (1 / 9 + u * (1 / 11 + u / 13)))))
            share = 2 * series / reach
        else:
            share = log((reach + length) / max(reach - length, SLENDER * length)) / length
        ox, oy, oz = uy * nz - uz * ny, uz * nx - ux * nz, ux * ny - uy * nx  # outward in the plane, times the length
        ex += ox * share
        ey += oy * share
        ez += oz * share
        potential += (ax * ox + ay * oy + az * oz) * share
    return ex, ey, ez, potential


@njit(cache=True)
def _smooth(table: Any, sharpness: float, square: float) -> Any:
    """``erf(s R) / R`` and minus its slope over R, the action of a charge through a grid (`SmoothSum`)."""
    t = sharpness * sharpness * square
    if t >= TABLE_END:
        inverse = 1 / sqrt(square)
        return inverse, inverse * inverse * inverse
    place = t * (TABLE_SIZE / TABLE_END)
    k = int(place)
    u = place - k
    value = table[k, 0] + u * (table[k + 1, 0] - table[k, 0])
    slope = table[k, 1] + u * (table[k + 1, 1] - table[k, 1])
    return sharpness * value, sharpness * sharpness * sharpness * slope


@njit(cache=True)
def cells_of(centres: Any, radii: Any, edge: float) -> Any:
    """Facets sorted by their centres into cubes of a given edge."""
    corner, shape = np.empty(3), np.empty(3, np.int64)
    for axis in range(3):
        corner[axis] = centres[:, axis].min()
        shape[axis] = int((centres[:, axis].max() - corner[axis]) / edge) + 1
    place = np.empty(len(centres), np.int64)
    start = np.zeros(shape[0] * shape[1] * shape[2] + 1, np.int64)
    largest = np.zeros(len(start) - 1)
    for t in range(len(centres)):
        index = 0
        for axis in range(3):
            index = index * shape[axis] + int((centres[t, axis] - corner[axis]) / edge)
        place[t] = index
        start[index + 1] += 1
        largest[index] = max(largest[index], radii[t])
    start = np.cumsum(start)
    fill = start[:-1].copy()
    members = np.empty(len(centres), np.int32)
    for t in range(len(centres)):
        members[fill[place[t]]] = t
        fill[place[t]] += 1
    return Cells(corner, edge, shape, start, members, largest, radii.max())


@njit(cache=True)
def _about(cells: Any, point: Any, reach: float, first: Any, last: Any) -> None:
    """Ranges of cells that a ball's box touches."""
    for axis in range(3):
        middle = point[axis] - cells.corner[axis]
        first[axis] = max(0, int(np.floor((middle - reach) / cells.edge)))
        last[axis] = min(cells.shape[axis] - 1, int(np.floor((middle + reach) / cells.edge)))


@njit(cache=True)
def _apart(cells: Any, point: Any, a: int, b: int, c: int) -> float:
    """Square of the distance between a point and cell (a, b, c)."""
    total = 0.0
    for axis, place in enumerate((a, b, c)):
        beyond = (point[axis] - cells.corner[axis]) / cells.edge - place
        gap = max(-beyond, beyond - 1, 0.0) * cells.edge
        total += gap * gap
    return total


@njit(cache=True)
def _square(points: Any, i: int, others: Any, j: int) -> float:
    """Square of the distance between point i and another point j."""
    dx, dy, dz = points[i, 0] - others[j, 0], points[i, 1] - others[j, 1], points[i, 2] - others[j, 2]
    return dx * dx + dy * dy + dz * dz


@njit(cache=True)
def _gather(facets: Any, cells: Any, i: int, reach: Any, found: Any) -> int:
    """Facets whose mutual action with facet i the grid cannot give: their number; their indices into `found` if long.

    `reach` is the grid's cut, the number of summed radii up to which facets are not points.
    """
    first, last = np.empty(3, np.int64), np.empty(3, np.int64)
    cut, radii = reach
    _about(cells, facets.centres[i], max(cut, radii * (facets.radii[i] + cells.widest)), first, last)
    count = 0
    for a in range(first[0], last[0] + 1):
        for b in range(first[1], last[1] + 1):
            row = (a * cells.shape[1] + b) * cells.shape[2]
            for c in range(first[2], last[2] + 1):
                limit = max(cut, radii * (facets.radii[i] + cells.largest[row + c]))
                if _apart(cells, facets.centres[i], a, b, c) >= limit * limit:
                    continue
                for k in range(cells.start[row + c], cells.start[row + c + 1]):
                    j = cells.members[k]
                    limit = max(cut, radii * (facets.radii[i] + facets.radii[j]))
                    if _square(facets.centres, i, facets.centres, j) < limit * limit and i != j:
                        if count < len(found):
                            found[count] = j
                        count += 1
    return count


@njit(cache=True)
def _normal_action(facets: Any, i: int, j: int, rule: Any) -> float:
    """Mean over facet i of the normal field of unit density on facet j: by reciprocity i's mean solid angle on j."""
    corners = facets.corners
    total = 0.0
    for q in range(len(rule)):
        a, b, c = rule[q, 0], rule[q, 1], rule[q, 2]
        total += _solid_angle(
            corners,
            i,
            a * corners[j, 0, 0] + b * corners[j, 1, 0] + c * corners[j, 2, 0],
            a * corners[j, 0, 1] + b * corners[j, 1, 1] + c * corners[j, 2, 1],
            a * corners[j, 0, 2] + b * corners[j, 1, 2] + c * corners[j, 2, 2],
        )
    return PER_4_PI * total / len(rule) * facets.areas[j] / facets.areas[i]


@njit(cache=True)
def _point_actions(facets: Any, i: int, j: int, smooth: Any) -> Any:
    """The same for a third of the charge at each middle of an edge: all of it, and what comes through the grid."""
    sharpness, table = smooth
    full = through = 0.0
    for p in range(3):
        a = facets.edges[i, p]
        for q in range(3):
            b = facets.edges[j, q]
            dx = facets.middles[a, 0] - facets.middles[b, 0]
            dy = facets.middles[a, 1] - facets.middles[b, 1]
            dz = facets.middles[a, 2] - facets.middles[b, 2]
            along = facets.normals[i, 0] * dx + facets.normals[i, 1] * dy + facets.normals[i, 2] * dz
            square = dx * dx + dy * dy + dz * dz
            through += along * _smooth(table, sharpness, square)[1]
            if square > 0:
                full += along / (square * sqrt(square))
    share = PER_4_PI * facets.areas[j] / 9
    return share * full, share * through


@njit(parallel=True, cache=True)
def near_matrix(facets: Any, cells: Any, reach: Any, smooth: Any, rule: Any) -> Any:
    """What the grid leaves out of the mean normal field on facets of unit densities on their neighbours.

    Exact action up to `reach[1]` summed radii, that of points up to the grid's cut `reach[0]`, each less the
    smooth part that comes through the grid; rows of a sparse matrix: starts, columns, values.
    """
    n = len(facets.areas)
    start = np.zeros(n + 1, np.int64)
    none = np.empty(0, np.int32)
    for i in prange(n):
        start[i + 1] = _gather(facets, cells, i, reach, none)
    start = np.cumsum(start)
    columns = np.empty(start[-1], np.int32)
    values = np.empty(start[-1], np.float32)
    for i in prange(n):
        found = columns[start[i] : start[i + 1]]
        _gather(facets, cells, i, reach, found)
        for k in range(len(found)):
            j = found[k]
            action, through = _point_actions(facets, i, j, smooth)
            limit = reach[1] * (facets.radii[i] + facets.radii[j])
            if _square(facets.centres, i, facets.centres, j) < limit * limit:
                action = _normal_action(facets, i, j, rule)
            values[start[i] + k] = action - through
    return start, columns, values


@njit(parallel=True, cache=True)
def times(start: Any, columns: Any, values: Any, x: Any) -> Any:
    """Sparse matrix times vector."""
    result = np.empty(len(start) - 1)
    for i in prange(len(result)):
        total = 0.0
        for k in range(start[i], start[i + 1]):
            total += values[k] * x[columns[k]]
        result[i] = total
    return result


@njit(cache=True)
def _left_out(facets: Any, j: int, point: Any, exact: bool, smooth: Any) -> Any:
    """What the grid leaves out of the field and potential of unit density on facet j at a point, times 4 pi."""
    sharpness, table = smooth
    x, y, z = point[0], point[1], point[2]
    ex = ey = ez = potential = 0.0
    if exact:
        ex, ey, ez, potential = _triangle(facets, j, x, y, z)
    share = facets.areas[j] / 3
    for q in range(3):
        b = facets.edges[j, q]
        dx, dy, dz = x - facets.middles[b, 0], y - facets.middles[b, 1], z - facets.middles[b, 2]
        square = dx * dx + dy * dy + dz * dz
        value, slope = _smooth(table, sharpness, square)
        value, slope = -share * value, -share * slope
        if not exact:
            inverse = 1 / sqrt(square)
            value += share * inverse
            slope += share * inverse * inverse * inverse
        ex += slope * dx
        ey += slope * dy
        ez += slope * dz
        potential += value
    return ex, ey, ez, potential


@njit(parallel=True, cache=True)
def add_near(facets: Any, cells: Any, densities: Any, reach: Any, smooth: Any, targets: Any) -> None:
    """Add what the grid leaves out to the field and potential (n, 4) at points (n, 3): `targets` holds both.

    Facets nearer than `reach[1]` of their radii act as triangles, those within the grid's cut `reach[0]` as points.
    """
    points, result = targets
    farthest = max(reach[0], reach[1] * cells.widest)
    for i in prange(len(points)):
        first, last = np.empty(3, np.int64), np.empty(3, np.int64)
        _about(cells, points[i], farthest, first, last)
        fx = fy = fz = potential = 0.0
        for a in range(first[0], last[0] + 1):
            for b in range(first[1], last[1] + 1):
                row = (a * cells.shape[1] + b) * cells.shape[2]
                for c in range(first[2], last[2] + 1):
                    limit = max(reach[0], reach[1] * cells.largest[row + c])
                    if _apart(cells, points[i], a, b, c) >= limit * limit:
                        continue
                    for k in range(cells.start[row + c], cells.start[row + c + 1]):
                        j = cells.members[k]
                        square = _square(points, i, facets.centres, j)
                        limit = reach[1] * facets.radii[j]
                        if square >= max(limit, reach[0]) ** 2:
                            continue
                        ex, ey, ez, u = _left_out(facets, j, points[i], square < limit * limit, smooth)
                        charge = PER_4_PI * densities[j]
                        fx += charge * ex
                        fy += charge * ey
                        fz += charge * ez
                        potential += charge * u
        result[i, 0] += fx
        result[i, 1] += fy
        result[i, 2] += fz
        result[i, 3] += potential


@njit(cache=True)
def connected(triangles: Any, n_nodes: int) -> Any:
    """Number of the connected piece to which each triangle belongs; triangles are connected where they share a node."""
    parent = np.arange(n_nodes)
    for t in range(len(triangles)):
        root = _root(parent, triangles[t, 0])
        for c in (1, 2):
            other = _root(parent, triangles[t, c])
            parent[max(root, other)] = min(root, other)
            root = min(root, other)
    number = np.full(n_nodes, -1)
    pieces = np.empty(len(triangles), np.int64)
    count = 0
    for t in range(len(triangles)):
        root = _root(parent, triangles[t, 0])
        if number[root] < 0:
            number[root] = count
            count += 1
        pieces[t] = number[root]
    return pieces


@njit(cache=True)
def _root(parent: Any, node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


SMOOTH_TABLE = _smooth_table()
"""``erf(x) / x`` and minus its slope over x at equal steps of x^2 from 0 to `TABLE_END`."""
