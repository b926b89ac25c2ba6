"""How far a rigid casing must be lifted off the scalp to clear it, for many placements at once.

The casing's points are gathered in clusters. A distance changes by no more than the way travelled, so a whole cluster
whose centre is far enough off cannot hold the nearest point and is passed over; so is a point that was far enough off
at an earlier height. What is left is what would have been found by asking every point.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from anodyne.head import Head, read_distance
from anodyne.units import mm

Floats = NDArray[np.float64]

CLUSTER = 12 * mm
"""Edge of the cubes whose casing points stand or fall together."""

SLOPE = 1.2
"""No distance on the scalp's grid is taken to change by more than this times the way travelled: 1 for a true distance,
a little more between the nodes of a grid."""

CONTACT_TOLERANCE = 0.05 * mm
LARGEST_LIFT = 80 * mm
STEPS = 60


@dataclass(frozen=True, kw_only=True, eq=False)
class _Clusters:
    """Casing points sorted by cluster: those of cluster c are ``points[first[c]:first[c + 1]]``.

    points : (n, 3), coil frame, m; away : (n,) from their cluster's centre, m
    centres : (c, 3), m; radii : (c,) of the balls that hold them, m
    """

    points: Floats
    away: Floats
    first: NDArray[np.int64]
    centres: Floats
    radii: Floats


def resting_lift(head: Head, casing: Floats, rotations: Floats, points: Floats, hair: float) -> Floats:
    """Least height of each coil's centre above its scalp point at which the whole casing clears the hair, (n,) m.

    A distance grows by no more than the way travelled, so lifting by what is missing never overshoots
    the first height that is free (sphere tracing, Hart 1996, Visual Computer 12:527). Infinite where
    none is found within 80 mm.

    Parameters
    ----------
    casing : (c, 3) points of the casing, coil frame, m
    rotations : (n, 3, 3) the coils' axes as columns; a coil is lifted against its own z axis
    points : (n, 3) scalp points, m
    hair : distance to be kept, m
    """
    clusters = _clusters(casing)
    image = head.scalp_distance
    grid = np.ascontiguousarray(image.data, dtype=np.float32)
    spacing, corner = float(image.affine[0, 0]), np.ascontiguousarray(image.affine[:3, 3])
    axes = np.ascontiguousarray(rotations, dtype=float)
    starts = np.ascontiguousarray(points, dtype=float)
    lifts: Floats = _lifts(
        (grid, corner, spacing),
        (clusters.points, clusters.away, clusters.first, clusters.centres, clusters.radii),
        axes,
        starts,
        float(hair),
    )
    return lifts


def _clusters(casing: Floats) -> _Clusters:
    cells = np.floor((casing - casing.min(axis=0)) / CLUSTER).astype(np.int64)
    _, cluster, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(cluster.ravel(), kind="stable")
    points = np.ascontiguousarray(casing[order], dtype=float)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    centres = np.add.reduceat(points, first[:-1]) / counts[:, None]
    away = np.linalg.norm(points - np.repeat(centres, counts, axis=0), axis=1)
    radii = np.maximum.reduceat(away, first[:-1])
    return _Clusters(points=points, away=away, first=first, centres=centres, radii=radii)


@njit(cache=True)
def _at(scalp: Any, axes: Any, origin: Any, point: Any) -> float:
    """Distance of a point of the coil's frame from the scalp."""
    grid, corner, spacing = scalp
    return read_distance(
        grid,
        corner,
        spacing,
        origin[0] + axes[0, 0] * point[0] + axes[0, 1] * point[1] + axes[0, 2] * point[2],
        origin[1] + axes[1, 0] * point[0] + axes[1, 1] * point[1] + axes[1, 2] * point[2],
        origin[2] + axes[2, 0] * point[0] + axes[2, 1] * point[1] + axes[2, 2] * point[2],
    )


@njit(cache=True)
def _clearance(scalp: Any, casing: Any, axes: Any, origin: Any, known: Any) -> float:
    """Least distance of the casing from the scalp.

    known : (points,) and (clusters,) lower bounds of the distances, kept up to date
    """
    points, away, first, centres, radii = casing
    of_points, of_clusters = known
    least, nearest = np.inf, 0
    for c in range(len(centres)):
        if of_clusters[c] < of_clusters[nearest] or c == nearest:
            of_clusters[c] = max(of_clusters[c], _at(scalp, axes, origin, centres[c]) - SLOPE * radii[c])
            nearest = c if of_clusters[c] < of_clusters[nearest] else nearest
    for turn in range(len(centres)):
        c = (nearest + turn) % len(centres)
        if of_clusters[c] >= least:
            continue
        of_clusters[c] = max(of_clusters[c], _at(scalp, axes, origin, centres[c]) - SLOPE * radii[c])
        if of_clusters[c] >= least:
            continue
        there = of_clusters[c] + SLOPE * radii[c]
        for n in range(first[c], first[c + 1]):
            of_points[n] = max(of_points[n], there - SLOPE * away[n])
            if of_points[n] < least:
                of_points[n] = _at(scalp, axes, origin, points[n])
                least = min(least, of_points[n])
    return least


@njit(parallel=True, cache=True)
def _lifts(scalp: Any, casing: Any, rotations: Any, starts: Any, hair: float) -> Any:
    lifts = np.empty(len(starts))
    for n in prange(len(starts)):
        axes, origin = rotations[n], np.empty(3)
        of_points, of_clusters = np.full(len(casing[0]), -np.inf), np.full(len(casing[3]), -np.inf)
        lift, missing = hair, np.inf
        for _ in range(STEPS):
            for axis in range(3):
                origin[axis] = starts[n, axis] - lift * axes[axis, 2]
            missing = hair - _clearance(scalp, casing, axes, origin, (of_points, of_clusters))
            step = max(missing, 0.0)
            lift += step
            if missing <= CONTACT_TOLERANCE or lift >= LARGEST_LIFT:
                break
            of_points -= SLOPE * step
            of_clusters -= SLOPE * step
        lifts[n] = lift if missing <= 2 * CONTACT_TOLERANCE and lift < LARGEST_LIFT else np.inf
    return lifts
