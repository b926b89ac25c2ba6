"""Smooth surfaces from signed distances, and from a mesh where there are no distances."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from skimage.measure import marching_cubes

from anodyne.head.mesh import TetrahedralMesh
from anodyne.head.surface import Surface
from anodyne.head.tissues import Tissue
from anodyne.units import mm

Array = NDArray[np.float64]


def isosurface(distance: NDArray[np.floating], affine: Array, *, spacing: float, smoothing: float = 0.0) -> Surface:
    """The largest connected piece of the zero level of a signed distance, facing outwards.

    Parameters
    ----------
    distance : (i, j, k) array, m, negative inside, on cubic voxels
    affine : (4, 4) voxel -> m
    spacing : the length of the surface's edges, m, about; the grid is resampled to it
    smoothing : standard deviation of the Gauss filter laid over the distance first, m
    """
    voxel = float(np.linalg.norm(affine[:3, 0]))
    values = np.clip(distance, -5 * spacing, 5 * spacing)
    if smoothing > 0:
        values = gaussian_filter(values, smoothing / voxel)
    shape = np.array(values.shape)
    coarse = np.maximum(np.round((shape - 1) * voxel / spacing).astype(int) + 1, 2)
    step = (shape - 1) / (coarse - 1)
    values = zoom(values, coarse / shape, order=1, grid_mode=False, mode="nearest")
    step = (shape - 1) / (np.array(values.shape) - 1)
    points, triangles, _, _ = marching_cubes(values, 0.0, gradient_direction="ascent")
    points = points.astype(np.float64) * step @ affine[:3, :3].T + affine[:3, 3]
    return largest_surface(points, triangles)


def largest_surface(points: Array, triangles: NDArray[np.integer]) -> Surface:
    """The connected piece with the most triangles, turned to face outwards."""
    n = len(points)
    graph = coo_array((np.ones(len(triangles), np.int8), (triangles[:, 0], triangles[:, 1])), shape=(n, n))
    graph = graph + coo_array((np.ones(len(triangles), np.int8), (triangles[:, 1], triangles[:, 2])), shape=(n, n))
    piece = connected_components(graph, directed=False)[1]
    largest = np.bincount(piece[triangles[:, 0]]).argmax()
    surface = Surface.compact(points, triangles[piece[triangles[:, 0]] == largest])
    if surface.enclosed_volume < 0:
        return Surface(points=surface.points, triangles=surface.triangles[:, ::-1])
    return surface


def mesh_surfaces(mesh: TetrahedralMesh) -> tuple[Surface, Surface, Surface]:
    """Scalp, pial and mid-grey surface from the boundaries of a mesh alone.

    The scalp is where the mesh ends. The pial surface is that of grey and white matter together, of the
    lowest tag present where there is neither. Mid-grey points lie halfway between each pial point and the
    nearest point of the white matter, or 1.25 mm deep where that is further than 6 mm or there is none.
    """
    scalp = Surface.compact(mesh.nodes, mesh.boundary_triangles())
    tags = {int(tag) for tag in np.unique(mesh.tissue)}
    brain = tags & {int(Tissue.GREY_MATTER), int(Tissue.WHITE_MATTER)} or {min(tags)}
    pial = mesh.outer_surface(brain)
    depth = np.full(len(pial.points), 1.25 * mm)
    inward = -pial.normals
    if tags >= {Tissue.GREY_MATTER, Tissue.WHITE_MATTER}:
        white = mesh.outer_surface([Tissue.WHITE_MATTER])
        distance, nearest = cKDTree(white.points).query(pial.points)
        close = (distance < 6 * mm) & (distance > 0)
        direction = white.points[nearest[close]] - pial.points[close]
        inward[close] = direction / distance[close, None]
        depth[close] = distance[close] / 2
        depth[distance == 0] = 0
    mid = Surface(points=pial.points + depth[:, None] * inward, triangles=pial.triangles)
    return scalp, pial, mid
