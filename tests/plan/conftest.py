"""One small plan on a ball of five tissues, made once for every test of the room."""

from types import MappingProxyType

import numpy as np
import pytest

from anodyne.coil import find_coil
from anodyne.head import TARGETS, Head, Image, Surface, Tissue, find_target, layered_sphere
from anodyne.plan import Prescription, SearchGrid, make_plan
from anodyne.protocol import find_protocol
from anodyne.units import degree, mm

TISSUES = (
    Tissue.WHITE_MATTER,
    Tissue.GREY_MATTER,
    Tissue.CEREBROSPINAL_FLUID,
    Tissue.BONE,
    Tissue.SCALP,
)
RADII = (62 * mm, 74 * mm, 77 * mm, 83 * mm, 89 * mm)
ON_THE_CONVEXITY = ("right-dlpfc", "left-dlpfc", "right-m1-hand", "left-s1-hand", "right-thalamus")


def sphere_head(t1: bool = False) -> Head:
    """A ball as a head, with MNI space 4 % larger than it."""
    mesh = layered_sphere(RADII, TISSUES, 9 * mm)
    pial = mesh.interface(Tissue.GREY_MATTER, Tissue.CEREBROSPINAL_FLUID)
    middle = Surface(points=pial.points * (68 / 74), triangles=pial.triangles)
    axis = np.arange(-96, 97, 6.0)
    affine = np.diag([6 * mm, 6 * mm, 6 * mm, 1.0])
    affine[:3, 3] = -96 * mm
    radius = np.linalg.norm(np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1), axis=-1) * mm
    labels = np.zeros(radius.shape, np.uint8)
    for outer, tissue in reversed(list(zip(RADII, TISSUES, strict=True))):
        labels[radius < outer] = tissue
    return Head(
        name="ball",
        mesh=mesh,
        tissues=Image(data=labels, affine=affine),
        t1=Image(data=np.where(labels > 0, 1000.0 - 150 * labels, 0), affine=affine) if t1 else None,
        scalp=Surface.compact(mesh.nodes, mesh.boundary_triangles()),
        pial=pial,
        mid_grey=middle,
        head_from_mni=np.diag([0.96, 0.96, 0.96, 1.0]),
        provenance="A ball of five tissues, made for tests; it is nobody's head.",
        is_template=True,
    )


@pytest.fixture(scope="session")
def ball_with_t1():
    """The same ball as `planned` has, with a T1."""
    return sphere_head(t1=True)


@pytest.fixture(scope="session")
def planned():
    """A plan for the ball without T1, of a protocol that does not report its pauses."""
    few = MappingProxyType({name: TARGETS[name] for name in ON_THE_CONVEXITY})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("anodyne.plan.summary.TARGETS", few)
        return make_plan(
            sphere_head(),
            find_coil("magstim-70mm"),
            Prescription(
                target=find_target("right-dlpfc"),
                protocol=find_protocol("fibromyalgia-1hz-right-dlpfc"),
                rmt=0.52,
                grid=SearchGrid(radius=8 * mm, spacing=8 * mm, angle_step=60 * degree),
            ),
        )
