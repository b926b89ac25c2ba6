"""Magnetic dipoles about a head that stand for every coil, and the combinations of them that matter to its cortex.

Outside the head any coil's field can be made by magnetic dipoles on surfaces around it (Love's equivalence; used for
stimulation coils by Hasan et al. 2025, Imaging Neurosci, doi:10.1162/imag_a_00412, and as "magnetic stimulation
profiles" by Daneshzand et al. 2021, NeuroImage 237:118097). Ours stand upright on two surfaces outside the scalp
with a covariance that falls exponentially with distance. The combinations are the leading singular vectors of the
field they induce at the cortex of a sphere fitted to the brain, known in closed form, and to a small share of that
elsewhere in the head: a coil before the face or beneath the ear drives currents there that leak to the cortex, which a
sphere does not know of.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.spatial import cKDTree

from anodyne.field.basis.kernels import magnetic_matrix, sphere_matrix
from anodyne.field.primary.fields import FittedSphere
from anodyne.head import Head, Surface, Tissue
from anodyne.units import mm

Floats = NDArray[np.float64]

HEIGHTS = (6 * mm, 20 * mm)
"""Of the two surfaces of dipoles above the scalp."""

SPACINGS = (8 * mm, 11 * mm)
"""Of the dipoles on either surface."""

REACH = 60 * mm
"""The dipoles stand above the part of the scalp that is nearer than this to the cortex."""

CORRELATION_LENGTH = 40 * mm
"""Distance over which the covariance of two dipoles falls by e. Chosen with the heights, the reach and the sensors in
a sphere, by 40 placements of four coils: shorter lengths make the worst of them worse, 80 mm is much like 40."""

SPHERE_SPACING = 10 * mm
"""Of the cortical points at which the sphere's field ranks the combinations."""

LEAK = 0.02
"""How much the field elsewhere in the head counts beside that at the cortex: about what leaks. Of 0.01, 0.03, 0.1 and
0.3 the first two halved the error of the sixteen worst of 528 placements of the smallest coil, the others raised it."""

ELSEWHERE_DEPTH = 8 * mm
"""Least depth beneath the scalp of the points elsewhere in the head, and of all on the way to them from its middle."""

ELSEWHERE_DISTANCES = (8 * mm, 70 * mm)
"""Least and largest distance of these points from the brain and its fluid."""

SENSOR_SPACING = 13 * mm
"""Of the points of the inner skull at which a coil's magnetic field is read."""

NOISE = 1e-6
"""Variance of the noise allowed for in a reading, relative to the mean variance of the readings."""

BRAIN_AND_FLUID = (Tissue.WHITE_MATTER, Tissue.GREY_MATTER, Tissue.CEREBROSPINAL_FLUID)


@dataclass(frozen=True, kw_only=True, eq=False)
class DipoleShell:
    """Upright magnetic dipoles about a head and their covariance.

    Attributes
    ----------
    positions : (n, 3) array, m
    moments : (n, 3) unit vectors, A m^2
    covariance : (n, n) array, of the dipoles' strengths, their variance being 1
    """

    positions: Floats
    moments: Floats
    covariance: NDArray[np.float32]

    @classmethod
    def about(cls, head: Head) -> "DipoleShell":
        """The dipoles of a head."""
        scalp = head.scalp
        near = head.mid_grey_tree.query(scalp.points)[0] < REACH
        positions, moments = [], []
        for height, spacing in zip(HEIGHTS, SPACINGS, strict=True):
            lifted = scalp.points[near] + height * scalp.normals[near]
            free = np.abs(head.scalp_distance_at(lifted) - height) < 0.2 * height + 0.5 * mm
            chosen = spread(lifted[free], spacing)
            positions.append(lifted[free][chosen])
            moments.append(scalp.normals[near][free][chosen])
        places = np.concatenate(positions)
        square = (places**2).sum(axis=1)
        distance = np.sqrt(np.maximum(square[:, None] + square - 2 * places @ places.T, 0))
        covariance = np.exp(-distance / CORRELATION_LENGTH).astype(np.float32)
        return cls(positions=places, moments=np.concatenate(moments), covariance=covariance)


@dataclass(frozen=True, kw_only=True, eq=False)
class Combinations:
    """Combinations of a shell's dipoles, and how to find their amounts in a coil from its field at the sensors.

    Attributes
    ----------
    strengths : (n_dipoles, k) array, strengths of the dipoles in each combination
    sensors : (m, 3) array, points of the inner skull, m
    reading : (k, 3 m) array; times a coil's dB/dt at the sensors (T/s) it gives the combinations' amounts
    sensed : (3 m, k) array, dB/dt at the sensors of each combination, T/s
    """

    strengths: NDArray[np.float32]
    sensors: Floats
    reading: Floats
    sensed: Floats


def combinations(head: Head, shell: DipoleShell, count: int) -> Combinations:
    """The `count` combinations of a shell's dipoles that matter most to the cortex of a sphere fitted to the brain.

    With D the covariance, S the dipoles' E at the sphere's cortex, and less of it elsewhere in the head, and
    ``S D S' = U s^2 U'``, they are
    ``D S' U / s``: independent and of unit variance. F the dipoles' B at the sensors, the best linear estimate
    of their amounts from a reading b is ``U'/s S D F' (F D F' + noise)^-1 b``.

    Raises
    ------
    ValueError : more combinations than the cortical points and dipoles can tell apart
    """
    centre = FittedSphere.to(head.mesh).centre
    cortex = head.mid_grey.points[spread(head.mid_grey.points, SPHERE_SPACING)]
    elsewhere = points_elsewhere(head, centre)
    most = min(3 * len(cortex), len(shell.positions)) // 2
    if not 1 <= count <= most:
        raise ValueError(f"{count} modes asked for; this head can tell 1 to {most} apart")
    places = np.ascontiguousarray((shell.positions - centre).T)
    moments = np.ascontiguousarray(shell.moments.T)
    single = (places.astype(np.float32), moments.astype(np.float32))
    fields = sphere_matrix((np.concatenate([cortex, elsewhere]) - centre).astype(np.float32), *single)
    fields[len(cortex) :] *= np.float32(LEAK * np.sqrt(len(cortex) / max(1, len(elsewhere))))
    fields = fields.reshape(-1, fields.shape[2])
    varied = fields @ shell.covariance
    gram = (varied @ fields.T).astype(float)
    values, vectors = eigh(gram, subset_by_index=[len(gram) - count, len(gram) - 1])
    order = np.argsort(values)[::-1]
    vectors = vectors[:, order] * np.where(vectors[:, order].sum(axis=0) < 0, -1.0, 1.0)
    strengths = varied.T @ vectors / np.sqrt(values[order])
    skull = head.mesh.outer_surface(set(BRAIN_AND_FLUID) & set(np.unique(head.mesh.tissue).tolist()))
    sensors = skull.points[spread(skull.points, SENSOR_SPACING)]
    read = magnetic_matrix(sensors - centre, places, moments).reshape(3 * len(sensors), -1)
    variance = read @ shell.covariance.astype(float) @ read.T
    variance[np.diag_indices_from(variance)] += NOISE * np.trace(variance) / len(variance)
    sensed = read @ strengths
    return Combinations(
        strengths=strengths.astype(np.float32),
        sensors=sensors,
        reading=np.linalg.solve(variance, sensed).T,
        sensed=sensed,
    )


def spread(points: Floats, spacing: float) -> NDArray[np.int64]:
    """Indices of points no two of which are nearer than `spacing` (m), none of the others further from them."""
    tree = cKDTree(points)
    free = np.ones(len(points), np.bool_)
    chosen = []
    for index in range(len(points)):
        if free[index]:
            chosen.append(index)
            free[tree.query_ball_point(points[index], spacing)] = False
    return np.array(chosen, dtype=np.int64)


def thinned(surface: Surface, least: int) -> tuple[Floats, NDArray[np.int32]]:
    """Points of a surface, at least `least` where it has as many, and triangles between them.

    Vertices are clustered in cubes of the largest edge that leaves enough clusters (Rossignac & Borrel 1993,
    in Modeling in Computer Graphics, 455); the vertex nearest a cube's centre stands for its cluster.
    """
    points = surface.points
    if len(points) <= least:
        return np.array(points), np.array(surface.triangles, dtype=np.int32)
    finest, coarsest = 0.1 * mm, float(np.ptp(points, axis=0).max())
    for _ in range(30):
        edge = np.sqrt(finest * coarsest)
        if len(_clusters(points, edge)[0]) >= least:
            finest = edge
        else:
            coarsest = edge
    chosen, number = _clusters(points, finest)
    corners = number[surface.triangles]
    whole = (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2]) & (corners[:, 0] != corners[:, 2])
    return points[chosen], corners[whole].astype(np.int32)


def _clusters(points: Floats, edge: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The vertex that stands for each cube of edge `edge`, and the cube of each vertex."""
    cells = np.floor(points / edge)
    off = ((points / edge - cells - 0.5) ** 2).sum(axis=1)
    _, cube = np.unique(cells, axis=0, return_inverse=True)
    cube = cube.ravel()
    order = np.lexsort((off, cube))
    first = np.concatenate([[True], cube[order][1:] != cube[order][:-1]])
    return order[first], cube


def points_elsewhere(head: Head, centre: Floats) -> Floats:
    """Points of the head outside of the brain and its fluid that can be seen from `centre` through the head, (n, 3)."""
    nodes, mesh = head.mesh.nodes, head.mesh
    inner = np.zeros(len(nodes), bool)
    inner[mesh.tetrahedra[np.isin(mesh.tissue, BRAIN_AND_FLUID)]] = True
    nearest, farthest = ELSEWHERE_DISTANCES
    away = cKDTree(nodes[inner]).query(nodes)[0]
    points = nodes[(away > nearest) & (away < farthest)]
    ways = centre + np.linspace(0.1, 1, 12)[:, None, None] * (points - centre)
    depths = -head.scalp_distance_at(ways.reshape(-1, 3)).reshape(len(ways), -1)
    points = points[(depths > ELSEWHERE_DEPTH).all(axis=0)]
    return points[spread(points, SPHERE_SPACING)]
