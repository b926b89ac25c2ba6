"""What the tests of fields share."""

from collections.abc import Callable

import numpy as np
import pytest

from anodyne.head import Head, Image, Surface, Tissue, layered_sphere
from anodyne.units import mm

RADII = (74 * mm, 77 * mm, 83 * mm, 89 * mm)


@pytest.fixture(scope="session")
def card() -> str:
    """A graphics card, as PyTorch calls it; tests skip without one."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed, so no GPU can be asked")
    for name in ("cuda", "xpu"):
        if getattr(torch, name).is_available():
            return name
    pytest.skip("no GPU that PyTorch knows on this machine")


@pytest.fixture(scope="session")
def ball_of() -> Callable[..., Head]:
    """Makes a ball of four tissues of an edge (m) and, if wanted, other radii (m)."""
    return _ball


def _ball(edge: float, radii: tuple[float, ...] = RADII) -> Head:
    """A head of four concentric tissues with triangles of about `edge`, m."""
    mesh = layered_sphere(radii, (2, 3, 4, 5), edge)
    pial = mesh.interface(Tissue.GREY_MATTER, Tissue.CEREBROSPINAL_FLUID)
    return Head(
        name="ball",
        mesh=mesh,
        tissues=Image(data=np.ones((2, 2, 2), np.uint8), affine=np.eye(4)),
        t1=None,
        scalp=Surface.compact(mesh.nodes, mesh.boundary_triangles()),
        pial=pial,
        mid_grey=Surface(points=pial.points * (71 / 74), triangles=pial.triangles),
        head_from_mni=None,
        provenance="A ball of four tissues, made for tests.",
    )
