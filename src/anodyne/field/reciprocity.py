"""What thousands of placements do at a target, from a few adjoint solves.

By reciprocity the E-field at the target is the coil's current times the vector potential that
the adjoint sources make at the coil's wire (or its dipole moments times their magnetic field;
auxiliary dipoles of Gomez et al. 2021, NeuroImage 228:117696, serve the same end). Outside the
head that potential is smooth, so it is summed once on a lattice through which all placements
sweep, and read from there by cubic interpolation.
"""

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import ArrayLike, NDArray

from anodyne.coil import Coil, CurrentElements, MagneticDipoles, Pose, Sources
from anodyne.field.model import AdjointSources
from anodyne.progress import SILENT, Progress
from anodyne.units import mm

Floats = NDArray[np.float64]

LATTICE_SPACING = 7 * mm
"""Of the lattice outside the head; the error it causes is bounded in tests/field/test_reciprocity.py."""

ELEMENT_CELL = 4 * mm
"""Elements of a coil within cubes of this edge are summed before they are read from the lattice."""

SOURCE_CELL = 5 * mm
STRONG_SHARE = 0.03
"""The strongest 3 % of the adjoint's sources, all about the target, are taken one by one; the others are
summed within cubes of this edge first. Nearly eight times fewer sources, and on the embedded head an error of 0.1 %."""

MU_0_OVER_4_PI = 1e-7
SOURCE_BLOCK = 2048
POINT_BLOCK = 512
PLACEMENT_BLOCK = 64


def placement_components(
    adjoint: AdjointSources,
    coil: Coil,
    head_from_coil: ArrayLike,
    di_dt: float,
    *,
    spacing: float = LATTICE_SPACING,
    progress: Progress = SILENT,
) -> Floats:
    """The adjoint's averages of E for many placements of one coil, (n, k) array, V/m.

    Parameters
    ----------
    adjoint : sources for k averages, from `FieldModel.adjoint`
    head_from_coil : (n, 4, 4) rigid matrices, m
    di_dt : rate of change of the coil current, A/s
    spacing : of the lattice on which the adjoint's exterior potential is summed, m

    A coil known only by samples of its field has no elements to read at; its own potential is taken at
    the adjoint's sources instead, placement by placement.

    Raises
    ------
    PlacementRefused : the samples of such a coil do not reach the whole head at one of the placements
    """
    poses = np.ascontiguousarray(head_from_coil, dtype=float).reshape(-1, 4, 4)
    sources = coil.sources()
    if sources:
        total = np.zeros((len(poses), len(adjoint.vectors)))
        for part in sources:
            total += _components_of(part, adjoint, poses, spacing, progress)
        return MU_0_OVER_4_PI * di_dt * total
    positions, vectors = _condensed_adjoint(adjoint)
    condensed = AdjointSources(positions=positions.T.astype(float), vectors=vectors.transpose(0, 2, 1).astype(float))
    result = np.empty((len(poses), len(vectors)))
    with progress.stage("score placements", len(poses)) as advance:
        for row, pose in zip(result, poses, strict=True):
            row[:] = condensed.component(coil, Pose(head_from_coil=pose), di_dt)
            advance(1)
    return result


def _components_of(part: Sources, adjoint: AdjointSources, poses: Floats, spacing: float, progress: Progress) -> Floats:
    """Sum over a part's elements of their strength times the adjoint's potential (or field) at them, (n, k)."""
    if isinstance(part, CurrentElements):
        strengths, summed = part.vectors, _potential_on
    elif isinstance(part, MagneticDipoles):
        strengths, summed = part.moments, _magnetic_field_on
    else:
        raise TypeError(f"no reciprocity for coil elements of type {type(part).__name__}")
    positions, strengths = _condensed(part.positions, strengths, ELEMENT_CELL)
    corner, shape = _lattice_about(positions, poses, spacing)
    cells = np.zeros(shape, np.bool_)
    _mark_cells(positions, poses, corner, spacing, cells)
    read = _points_read(cells)
    points = (corner + spacing * np.argwhere(read)).astype(np.float32)
    sources, vectors = _condensed_adjoint(adjoint)
    lattice = np.zeros((len(vectors), *shape, 3))
    with progress.stage("adjoint field outside the head", len(points) * len(lattice)) as advance:
        for j, along in enumerate(vectors):
            blocks = []
            for first in range(0, len(points), POINT_BLOCK):
                some = points[first : first + POINT_BLOCK]
                blocks.append(summed(sources, along, some))
                advance(len(some))
            lattice[j][read] = np.concatenate(blocks)
    result = np.empty((len(poses), len(lattice)))
    with progress.stage("score placements", len(poses)) as advance:
        for first in range(0, len(poses), PLACEMENT_BLOCK):
            block = slice(first, first + PLACEMENT_BLOCK)
            result[block] = _read_lattice(positions, strengths, poses[block], corner, spacing, lattice)
            advance(len(poses[block]))
    return result


def _lattice_about(positions: Floats, poses: Floats, spacing: float) -> tuple[Floats, tuple[int, int, int]]:
    """Corner and shape of a lattice that holds every placement's box with two points to spare."""
    low, high = positions.min(axis=0), positions.max(axis=0)
    corners = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    placed = np.einsum("nij,kj->nki", poses[:, :3, :3], corners) + poses[:, None, :3, 3]
    lowest = placed.min(axis=(0, 1)) - 2 * spacing
    counts = np.ceil((placed.max(axis=(0, 1)) + 2 * spacing - lowest) / spacing).astype(int) + 1
    return lowest, (int(counts[0]), int(counts[1]), int(counts[2]))


@njit(cache=True)
def _cell(position: Any, pose: Any, corner: Any, spacing: float, place: Any, offset: Any) -> None:
    """First of the four lattice points along each axis about a position in coil space, and the place among them."""
    for axis in range(3):
        x = pose[axis, 0] * position[0] + pose[axis, 1] * position[1] + pose[axis, 2] * position[2] + pose[axis, 3]
        u = (x - corner[axis]) / spacing
        place[axis] = int(np.floor(u)) - 1
        offset[axis] = u - np.floor(u)


@njit(cache=True)
def _mark_cells(positions: Any, poses: Any, corner: Any, spacing: float, cells: Any) -> None:
    place, offset = np.empty(3, np.int64), np.empty(3)
    for n in range(poses.shape[0]):
        for p in range(positions.shape[0]):
            _cell(positions[p], poses[n], corner, spacing, place, offset)
            cells[place[0], place[1], place[2]] = True


def _points_read(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The lattice points that some cell's interpolation reads: four along each axis from the cell's first."""
    read = cells.copy()
    for axis in range(3):
        alone = read.copy()
        for step in (1, 2, 3):
            read |= np.roll(alone, step, axis=axis)  # no wrap: cells keep three points from the far end
    return read


@njit(parallel=True, fastmath=True, cache=True)
def _potential_on(sources: Any, vectors: Any, points: Any) -> Any:
    """Sum of ``c / |r - r'|`` over sources (3, n) with vectors (3, n) at points (m, 3), in blocks against round-off."""
    result = np.zeros((points.shape[0], 3))
    for i in prange(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        for first in range(0, sources.shape[1], SOURCE_BLOCK):
            last = min(first + SOURCE_BLOCK, sources.shape[1])
            a = b = c = np.float32(0)
            for k in range(first, last):
                dx, dy, dz = sources[0, k] - x, sources[1, k] - y, sources[2, k] - z
                inverse = np.float32(1) / np.sqrt(dx * dx + dy * dy + dz * dz)
                a += vectors[0, k] * inverse
                b += vectors[1, k] * inverse
                c += vectors[2, k] * inverse
            result[i, 0] += a
            result[i, 1] += b
            result[i, 2] += c
    return result


@njit(parallel=True, fastmath=True, cache=True)
def _magnetic_field_on(sources: Any, vectors: Any, points: Any) -> Any:
    """Sum of ``(r' - r) x c / |r - r'|^3``, the curl of `_potential_on`."""
    result = np.zeros((points.shape[0], 3))
    for i in prange(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        for first in range(0, sources.shape[1], SOURCE_BLOCK):
            last = min(first + SOURCE_BLOCK, sources.shape[1])
            a = b = c = np.float32(0)
            for k in range(first, last):
                dx, dy, dz = sources[0, k] - x, sources[1, k] - y, sources[2, k] - z
                square = dx * dx + dy * dy + dz * dz
                cube = np.float32(1) / (square * np.sqrt(square))
                a += (dy * vectors[2, k] - dz * vectors[1, k]) * cube
                b += (dz * vectors[0, k] - dx * vectors[2, k]) * cube
                c += (dx * vectors[1, k] - dy * vectors[0, k]) * cube
            result[i, 0] += a
            result[i, 1] += b
            result[i, 2] += c
    return result


@njit(cache=True)
def _lagrange(u: float, weights: Any) -> None:
    """Weights of the four points -1, 0, 1, 2 for the cubic through them at u in [0, 1]."""
    weights[0] = -u * (u - 1) * (u - 2) / 6
    weights[1] = (u + 1) * (u - 1) * (u - 2) / 2
    weights[2] = -(u + 1) * u * (u - 2) / 2
    weights[3] = (u + 1) * u * (u - 1) / 6


@njit(parallel=True, fastmath=True, cache=True)
def _read_lattice(positions: Any, strengths: Any, poses: Any, corner: Any, spacing: float, lattice: Any) -> Any:
    """Sum over elements of strength times the vectors interpolated from a lattice (k, nx, ny, nz, 3): (n, k)."""
    result = np.zeros((poses.shape[0], lattice.shape[0]))
    for n in prange(poses.shape[0]):
        pose = poses[n]
        place, offset = np.empty(3, np.int64), np.empty(3)
        wx, wy, wz = np.empty(4), np.empty(4), np.empty(4)
        turned = np.empty(3)
        for p in range(positions.shape[0]):
            _cell(positions[p], pose, corner, spacing, place, offset)
            _lagrange(offset[0], wx)
            _lagrange(offset[1], wy)
            _lagrange(offset[2], wz)
            for axis in range(3):
                turned[axis] = (
                    pose[axis, 0] * strengths[p, 0] + pose[axis, 1] * strengths[p, 1] + pose[axis, 2] * strengths[p, 2]
                )
            for j in range(lattice.shape[0]):
                a = b = c = 0.0
                for ix in range(4):
                    for iy in range(4):
                        row = lattice[j, place[0] + ix, place[1] + iy, place[2] : place[2] + 4]
                        weight = wx[ix] * wy[iy]
                        a += weight * (wz[0] * row[0, 0] + wz[1] * row[1, 0] + wz[2] * row[2, 0] + wz[3] * row[3, 0])
                        b += weight * (wz[0] * row[0, 1] + wz[1] * row[1, 1] + wz[2] * row[2, 1] + wz[3] * row[3, 1])
                        c += weight * (wz[0] * row[0, 2] + wz[1] * row[1, 2] + wz[2] * row[2, 2] + wz[3] * row[3, 2])
                result[n, j] += a * turned[0] + b * turned[1] + c * turned[2]
    return result


def _condensed(positions: Floats, strengths: Floats, cell: float) -> tuple[Floats, Floats]:
    """Sources summed within cubes of edge `cell`, each sum at the strength-weighted centre of its cube's sources.

    positions : (n, 3); strengths : (n, w), any number of components that share the positions.
    """
    _, cube = np.unique(np.floor(positions / cell).astype(np.int64), axis=0, return_inverse=True)
    count = int(cube.max()) + 1
    size = np.linalg.norm(strengths, axis=1)
    size += 1e-12 * size.max()

    def summed(values: Floats) -> Floats:
        return np.stack([np.bincount(cube.ravel(), values[:, axis], count) for axis in range(values.shape[1])], axis=1)

    weight = np.bincount(cube.ravel(), size, count)[:, None]
    return summed(positions * size[:, None]) / weight, summed(strengths)


def _condensed_adjoint(adjoint: AdjointSources) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The adjoint's sources (3, m) and vectors (k, 3, m), the weak ones condensed, ready for the sums."""
    flat = np.moveaxis(adjoint.vectors, 0, 1).reshape(len(adjoint.positions), -1)
    size = np.linalg.norm(flat, axis=1)
    strong = size >= np.quantile(size, 1 - STRONG_SHARE)
    positions, strengths = _condensed(adjoint.positions[~strong], flat[~strong], SOURCE_CELL)
    positions = np.concatenate([adjoint.positions[strong], positions])
    vectors = np.concatenate([flat[strong], strengths]).reshape(len(positions), -1, 3).transpose(1, 2, 0)
    return (
        np.ascontiguousarray(positions.T, dtype=np.float32),
        np.ascontiguousarray(vectors, dtype=np.float32),
    )
