"""Heads: images, tissues, conductivity, meshes, surfaces and targets."""

from anodyne.head.anatomy import Measure, Published, head_circumference, measure_anatomy
from anodyne.head.building import build_template, template_head
from anodyne.head.distance import read_distance, read_distances
from anodyne.head.folder import load_head, save_head
from anodyne.head.head import Head
from anodyne.head.image import Image, read_image, write_image
from anodyne.head.isosurface import isosurface, mesh_surfaces
from anodyne.head.lattice import Layer, LayeredMesh, mesh_layers
from anodyne.head.mesh import TetrahedralMesh
from anodyne.head.msh import MeshData, read_mesh, read_mesh_data, write_mesh
from anodyne.head.quality import MeshQuality, mesh_quality
from anodyne.head.refinement import refined_mesh
from anodyne.head.sphere import layered_sphere
from anodyne.head.surface import Surface, read_surface, read_vertex_data, write_surface
from anodyne.head.targets import (
    TARGET_ALIASES,
    TARGETS,
    Laterality,
    Space,
    Target,
    TargetSite,
    find_target,
    place_target,
    point_target,
)
from anodyne.head.template import ADULT, MNI, MNI152_FROM_MNI305, HeadRecipe, scale_from_circumference
from anodyne.head.tissues import Conductivities, Tissue, tissue_name

__all__ = [
    "ADULT",
    "MNI",
    "MNI152_FROM_MNI305",
    "TARGETS",
    "TARGET_ALIASES",
    "Conductivities",
    "Head",
    "HeadRecipe",
    "Image",
    "Laterality",
    "Layer",
    "LayeredMesh",
    "Measure",
    "MeshData",
    "MeshQuality",
    "Published",
    "Space",
    "Surface",
    "Target",
    "TargetSite",
    "TetrahedralMesh",
    "Tissue",
    "build_template",
    "find_target",
    "head_circumference",
    "isosurface",
    "layered_sphere",
    "load_head",
    "measure_anatomy",
    "mesh_layers",
    "mesh_quality",
    "mesh_surfaces",
    "place_target",
    "point_target",
    "read_distance",
    "read_distances",
    "read_image",
    "read_mesh",
    "read_mesh_data",
    "read_surface",
    "read_vertex_data",
    "refined_mesh",
    "save_head",
    "scale_from_circumference",
    "template_head",
    "write_image",
    "write_mesh",
    "tissue_name",
    "write_surface",
]
