"""Signed distances on a regular grid: from a level set, from a surface, at any point."""

from collections.abc import Callable

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Array = NDArray[np.float64]
DistanceFunction = Callable[[Array], Array]
"""Points (n, 3) m -> signed distances (n,) m, negative inside."""

FAR = 1e6


@njit(cache=True)
def _axis_crossing(level: NDArray[np.float32], index: tuple[int, int, int], axis: int) -> float:
    """Distance in voxels along one axis to the nearest sign change; FAR where there is none."""
    here = level[index]
    nearest = FAR
    for step in (-1, 1):
        other = (
            index[0] + (step if axis == 0 else 0),
            index[1] + (step if axis == 1 else 0),
            index[2] + (step if axis == 2 else 0),
        )
        if not 0 <= other[axis] < level.shape[axis]:
            continue
        there = level[other]
        if (here < 0) != (there < 0):
            nearest = min(nearest, here / (here - there))
    return nearest


@njit(cache=True, parallel=True)
def _near_crossings(level: NDArray[np.float32], distance: NDArray[np.float32]) -> None:
    """Distance in voxels of the nodes beside a sign change, to the plane through their crossings."""
    for i in prange(level.shape[0]):
        for j in range(level.shape[1]):
            for k in range(level.shape[2]):
                total = 0.0
                for axis in range(3):
                    crossing = max(_axis_crossing(level, (i, j, k), axis), 1e-6)
                    if crossing < FAR:
                        total += 1 / crossing**2
                distance[i, j, k] = 1 / np.sqrt(total) if total > 0 else FAR


@njit(cache=True)
def _eikonal(a: float, b: float, c: float) -> float:
    """Godunov's upwind solution of |grad d| = 1 from the three smaller neighbours."""
    low, high = min(a, b, c), max(a, b, c)
    middle = a + b + c - low - high
    d = low + 1
    if d > middle:
        d = 0.5 * (low + middle + np.sqrt(2 - (low - middle) ** 2))
        if d > high:
            total = low + middle + high
            d = (total + np.sqrt(total**2 - 3 * (low**2 + middle**2 + high**2 - 1))) / 3
    return d


@njit(cache=True)
def _sweep(distance: NDArray[np.float32], frozen: NDArray[np.bool_], direction: int, reach: float) -> None:
    """One Gauss-Seidel pass of the fast sweeping method in one of the eight diagonal directions."""
    n0, n1, n2 = distance.shape
    for a in range(n0):
        i = a if direction & 1 else n0 - 1 - a
        for b in range(n1):
            j = b if direction & 2 else n1 - 1 - b
            for c in range(n2):
                k = c if direction & 4 else n2 - 1 - c
                if frozen[i, j, k]:
                    continue
                x = min(distance[max(i - 1, 0), j, k], distance[min(i + 1, n0 - 1), j, k])
                y = min(distance[i, max(j - 1, 0), k], distance[i, min(j + 1, n1 - 1), k])
                z = min(distance[i, j, max(k - 1, 0)], distance[i, j, min(k + 1, n2 - 1)])
                low = min(x, y, z)
                if low < distance[i, j, k] and low < reach:
                    d = _eikonal(x, y, z)
                    if d < distance[i, j, k]:
                        distance[i, j, k] = d


def signed_distance(level: NDArray[np.floating], spacing: float, *, reach: float = np.inf) -> NDArray[np.float32]:
    """Signed distance to the zero level of `level`, sub-voxel, m, negative where `level` is.

    Beside the zero level the distance is that to the plane through the linear crossings on the
    grid's axes; elsewhere it solves the eikonal equation by fast sweeping (H. Zhao, Math. Comp. 74
    (2005) 603, doi:10.1090/S0025-5718-04-01678-3), out to `reach`.

    Parameters
    ----------
    level : (i, j, k) array, any continuous function that is negative inside and changes sign
    spacing : edge of the cubic voxel, m
    reach : beyond this distance, m, the values stop growing

    Raises
    ------
    ValueError : the level set has one sign everywhere
    """
    level = np.ascontiguousarray(level, dtype=np.float32)
    inside = level < 0
    if inside.all() or not inside.any():
        raise ValueError("the level set has no zero crossing on this grid")
    distance = np.full(level.shape, FAR, dtype=np.float32)
    _near_crossings(level, distance)
    frozen = distance < FAR
    return _swept(distance, frozen, inside, spacing, reach)


def _swept(
    distance: NDArray[np.float32], known: NDArray[np.bool_], inside: NDArray[np.bool_], spacing: float, reach: float
) -> NDArray[np.float32]:
    for direction in range(8):
        _sweep(distance, known, direction, reach / spacing)
    distance = np.minimum(distance, np.float32(reach / spacing + 2)) * np.float32(spacing)
    return np.where(inside, -distance, distance)


@njit(cache=True)
def read_grid(data: NDArray[np.float32], x: float, y: float, z: float) -> float:
    """Trilinear value of a grid at a place counted in its spacings; beyond its border the border's value."""
    n0, n1, n2 = data.shape
    a, b, c = min(max(x, 0.0), n0 - 1.0), min(max(y, 0.0), n1 - 1.0), min(max(z, 0.0), n2 - 1.0)
    i, j, k = max(min(int(a), n0 - 2), 0), max(min(int(b), n1 - 2), 0), max(min(int(c), n2 - 2), 0)
    u, v, w = a - i, b - j, c - k  # not a number reads as not a number
    low = (data[i, j, k] * (1 - w) + data[i, j, k + 1] * w) * (1 - v) + (
        data[i, j + 1, k] * (1 - w) + data[i, j + 1, k + 1] * w
    ) * v
    high = (data[i + 1, j, k] * (1 - w) + data[i + 1, j, k + 1] * w) * (1 - v) + (
        data[i + 1, j + 1, k] * (1 - w) + data[i + 1, j + 1, k + 1] * w
    ) * v
    return low * (1 - u) + high * u


@njit(cache=True)
def read_distance(data: NDArray[np.float32], corner: Array, spacing: float, x: float, y: float, z: float) -> float:
    """Signed distance at a point, m, out of a grid; beyond the grid the way back to it is added: a lower bound."""
    n0, n1, n2 = data.shape
    u, v, w = (x - corner[0]) / spacing, (y - corner[1]) / spacing, (z - corner[2]) / spacing
    p, q, r = u - min(max(u, 0.0), n0 - 1.0), v - min(max(v, 0.0), n1 - 1.0), w - min(max(w, 0.0), n2 - 1.0)
    return read_grid(data, u, v, w) + spacing * np.sqrt(p * p + q * q + r * r)


@njit(cache=True, parallel=True)
def _sampled(data: NDArray[np.float32], index: Array) -> Array:
    result = np.empty(len(index))
    for row in prange(len(index)):
        result[row] = read_grid(data, index[row, 0], index[row, 1], index[row, 2])
    return result


@njit(cache=True)
def _distances(data: NDArray[np.float32], corner: Array, spacing: float, points: Array) -> Array:
    result = np.empty(len(points))
    for row in range(len(points)):
        result[row] = read_distance(data, corner, spacing, points[row, 0], points[row, 1], points[row, 2])
    return result


def read_distances(data: NDArray[np.floating], affine: Array, points: Array) -> Array:
    """Signed distances (n,), m, at `points` (n, 3) m, trilinear; beyond the grid the way back to it is added.

    Parameters
    ----------
    data : (i, j, k) array, m
    affine : (4, 4) array, voxel -> m, of cubes along the axes
    """
    grid = np.ascontiguousarray(data, dtype=np.float32)
    return _distances(grid, np.ascontiguousarray(affine[:3, 3]), float(affine[0, 0]), np.ascontiguousarray(points))


def sample(data: NDArray[np.floating], affine: Array, points: Array) -> Array:
    """Trilinear values (n,) of a grid at `points` (n, 3) m; beyond its border the border's value.

    Parameters
    ----------
    data : (i, j, k) array
    affine : (4, 4) array, voxel -> m
    """
    inverse = np.linalg.inv(affine)
    index = np.asarray(points, dtype=np.float64) @ inverse[:3, :3].T + inverse[:3, 3]
    return _sampled(np.ascontiguousarray(data, dtype=np.float32), np.ascontiguousarray(index))


def gradient(distance: DistanceFunction, points: Array, step: float) -> Array:
    """Central-difference gradient (n, 3) of a distance function at `points`."""
    result = np.empty_like(points)
    for axis in range(3):
        offset = np.zeros(3)
        offset[axis] = step
        result[:, axis] = (distance(points + offset) - distance(points - offset)) / (2 * step)
    return result


def projected(distance: DistanceFunction, points: Array, step: float, rounds: int = 3) -> Array:
    """`points` moved along the gradient onto the zero level of `distance` by Newton steps."""
    points = points.copy()
    for _ in range(rounds):
        slope = gradient(distance, points, step)
        size = np.maximum((slope**2).sum(1), 0.05)
        points -= (distance(points) / size)[:, None] * slope
    return points


@njit(cache=True, inline="always")
def _dot(a: Array, b: Array) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(cache=True, fastmath=True)
def _point_triangle(p: Array, a: Array, ab: Array, ac: Array) -> float:
    """Squared distance from p to the triangle a, a + ab, a + ac (Ericson, Real-Time Collision Detection, 5.1.5)."""
    ap = (p[0] - a[0], p[1] - a[1], p[2] - a[2])
    d1, d2 = _dot(ab, ap), _dot(ac, ap)
    bb, cc, bc = _dot(ab, ab), _dot(ac, ac), _dot(ab, ac)
    d3, d4, d5, d6 = d1 - bb, d2 - bc, d1 - bc, d2 - cc
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    v, w = 0.0, 0.0
    if d1 <= 0 and d2 <= 0:
        v = 0.0
    elif d3 >= 0 and d4 <= d3:
        v = 1.0
    elif d6 >= 0 and d5 <= d6:
        w = 1.0
    elif vc <= 0 and d1 >= 0 and d3 <= 0:
        v = d1 / (d1 - d3)
    elif vb <= 0 and d2 >= 0 and d6 <= 0:
        w = d2 / (d2 - d6)
    elif va <= 0 and d4 >= d3 and d5 >= d6:
        w = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        v = 1 - w
    else:
        v, w = vb / (va + vb + vc), vc / (va + vb + vc)
    x = ap[0] - v * ab[0] - w * ac[0]
    y = ap[1] - v * ab[1] - w * ac[1]
    z = ap[2] - v * ab[2] - w * ac[2]
    return x * x + y * y + z * z


@njit(cache=True)
def _node_triangle(i: int, j: int, k: int, points: Array, corners: NDArray[np.int32]) -> float:
    """Distance in voxels from a grid node to one triangle."""
    a, b, c = points[corners[0]], points[corners[1]], points[corners[2]]
    p = (float(i), float(j), float(k))
    ab = (b[0] - a[0], b[1] - a[1], b[2] - a[2])
    ac = (c[0] - a[0], c[1] - a[1], c[2] - a[2])
    return np.sqrt(_point_triangle(p, a, ab, ac))


@njit(cache=True)
def _surface_band(
    points: Array,
    triangles: NDArray[np.int32],
    distance: NDArray[np.float32],
    nearest: NDArray[np.int32],
    band: float,
) -> None:
    """Distance, in voxels, of the grid nodes within `band` of a surface given in voxels, and the triangle."""
    low, high = np.empty(3, np.int64), np.empty(3, np.int64)
    for t in range(len(triangles)):
        a, b, c = points[triangles[t, 0]], points[triangles[t, 1]], points[triangles[t, 2]]
        for axis in range(3):
            low[axis] = max(int(min(a[axis], b[axis], c[axis]) - band), 0)
            high[axis] = min(int(max(a[axis], b[axis], c[axis]) + band) + 2, distance.shape[axis])
        for i in range(low[0], high[0]):
            for j in range(low[1], high[1]):
                for k in range(low[2], high[2]):
                    d = _node_triangle(i, j, k, points, triangles[t])
                    if d < distance[i, j, k]:
                        distance[i, j, k] = d
                        nearest[i, j, k] = t


@njit(cache=True)
def _sweep_nearest(
    points: Array,
    triangles: NDArray[np.int32],
    distance: NDArray[np.float32],
    nearest: NDArray[np.int32],
    direction: int,
) -> None:
    """One diagonal pass in which every node tries the triangles nearest to its three neighbours before it."""
    n0, n1, n2 = distance.shape
    x, y, z = (1 if direction & 1 else -1), (1 if direction & 2 else -1), (1 if direction & 4 else -1)
    for a in range(n0):
        i = a if x > 0 else n0 - 1 - a
        for b in range(n1):
            j = b if y > 0 else n1 - 1 - b
            for c in range(n2):
                k = c if z > 0 else n2 - 1 - c
                own = nearest[i, j, k]
                for axis in range(3):
                    u, v, w = i - (x if axis == 0 else 0), j - (y if axis == 1 else 0), k - (z if axis == 2 else 0)
                    if not (0 <= u < n0 and 0 <= v < n1 and 0 <= w < n2):
                        continue
                    t = nearest[u, v, w]
                    if t < 0 or t == own or distance[u, v, w] > distance[i, j, k] + 1:
                        continue
                    d = _node_triangle(i, j, k, points, triangles[t])
                    if d < distance[i, j, k]:
                        distance[i, j, k] = d
                        own = t
                nearest[i, j, k] = own


@njit(cache=True)
def _crossing_parity(points: Array, triangles: NDArray[np.int32], inside: NDArray[np.bool_]) -> None:
    """Flip `inside` beyond each crossing of the rays along the third axis: an odd count is inside."""
    for t in range(len(triangles)):
        a, b, c = points[triangles[t, 0]], points[triangles[t, 1]], points[triangles[t, 2]]
        area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
        if area == 0:
            continue
        for i in range(max(int(min(a[0], b[0], c[0])), 0), min(int(max(a[0], b[0], c[0])) + 2, inside.shape[0])):
            for j in range(max(int(min(a[1], b[1], c[1])), 0), min(int(max(a[1], b[1], c[1])) + 2, inside.shape[1])):
                x, y = i + 1.234e-4, j + 2.345e-4  # never through a vertex or an edge
                v = ((x - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (y - a[1])) / area
                w = ((b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])) / area
                if v >= 0 and w >= 0 and v + w <= 1:
                    first = int(np.ceil(a[2] + v * (b[2] - a[2]) + w * (c[2] - a[2])))
                    for k in range(max(first, 0), inside.shape[2]):
                        inside[i, j, k] = not inside[i, j, k]


def surface_distance(
    points: Array, triangles: NDArray[np.int32], shape: tuple[int, int, int], affine: Array
) -> NDArray[np.float32]:
    """Signed distance (shape), m, of the nodes of a cubic grid to a closed surface, negative inside.

    Exact beside the surface; beyond, each node takes the nearest of its neighbours' nearest triangles, so that
    the distance is exact but for the rare node whose own nearest triangle no neighbour knows.

    Parameters
    ----------
    points, triangles : (n, 3) m and (k, 3), the closed surface; it may pass out of the grid
    affine : (4, 4) array, voxel -> m, of cubic voxels
    """
    spacing = float(np.linalg.norm(affine[:3, 0]))
    inverse = np.linalg.inv(affine)
    in_voxels = points @ inverse[:3, :3].T + inverse[:3, 3]
    distance = np.full(shape, FAR, dtype=np.float32)
    nearest = np.full(shape, -1, dtype=np.int32)
    _surface_band(in_voxels, triangles, distance, nearest, 1.5)
    inside = np.zeros(shape, dtype=np.bool_)
    _crossing_parity(in_voxels, triangles, inside)
    for direction in range(8):
        _sweep_nearest(in_voxels, triangles, distance, nearest, direction)
    distance *= np.float32(spacing)
    return np.where(inside, -distance, distance)
