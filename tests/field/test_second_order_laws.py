"""What second-order elements owe to every primary field: no current is lost, and the field runs the right way round."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import Pose, find_entry
from anodyne.field import FittedSphere, PrimaryField, SecondOrderModel
from anodyne.head import TetrahedralMesh, layered_sphere
from anodyne.units import A_per_us, mm

RADII, TISSUES = (70 * mm, 80 * mm, 92 * mm), (2, 3, 5)
SCALE = 80 * mm
DI_DT = 1 * A_per_us

BARYCENTRIC = np.array([[0.25] * 4, *(1 / 6 + np.eye(4) / 3)])
WEIGHTS = np.array([-4 / 5, *[9 / 20] * 4])
"""Five points of a tetrahedron that sum cubic functions exactly (Keast 1986, Comput Methods Appl Mech Eng 55:339)."""

SLOPES = {
    "x": lambda p: np.tile([1.0, 0, 0], (len(p), 1)),
    "y": lambda p: np.tile([0, 1.0, 0], (len(p), 1)),
    "z": lambda p: np.tile([0, 0, 1.0], (len(p), 1)),
    "x^2": lambda p: 2 * p * [1, 0, 0],
    "y^2": lambda p: 2 * p * [0, 1, 0],
    "x z": lambda p: p[:, ::-1] * [1, 0, 1],
    "y z": lambda p: p[:, [0, 2, 1]] * [0, 1, 1],
}
"""Gradients of functions of place that second-order elements hold exactly."""


class Quadratic(PrimaryField):
    """A primary field, quadratic in place, that is the gradient of nothing."""

    def at(self, points, coil, pose, di_dt):
        """``(y^2 + x z, z^2 - 3 x y, x^2 + y z)`` in units of the head's size, V/m."""
        x, y, z = np.asarray(points).T / SCALE
        return np.stack([y**2 + x * z, z**2 - 3 * x * y, x**2 + y * z], axis=1)


@pytest.fixture(scope="module")
def mesh():
    return layered_sphere(RADII, TISSUES, 20 * mm)


@pytest.fixture(scope="module")
def coil():
    return find_entry("magstim-70mm").dipole_coil()


@pytest.fixture(scope="module")
def piece(mesh):
    """A part of the ball without any symmetry, so that no error of one side makes up for the other's."""
    chosen = mesh.barycentres @ [1.0, 0.5, 0.3] > 10 * mm
    return TetrahedralMesh(nodes=mesh.nodes, tetrahedra=mesh.tetrahedra[chosen], tissue=mesh.tissue[chosen])


@pytest.fixture(scope="module")
def bent(piece, coil):
    """The field of a quadratic primary field, quadratic in every tetrahedron."""
    model = SecondOrderModel(piece, tissues=TISSUES, primary=Quadratic(), tolerance=1e-12)
    return model.solve(coil, above(0), DI_DT)


def above(x):
    return Pose.from_point_and_handle([x, 0, 96 * mm], [-10 * x, 0, -1], [0, 1, 0])


def samples(mesh, field):
    """Points in every tetrahedron, and E there: linear between the corners, and what bends the primary field."""
    corners = mesh.nodes[mesh.tetrahedra]
    points = np.einsum("qc,tci->tqi", BARYCENTRIC, corners)
    primary, at = Quadratic(), lambda places: primary.at(places.reshape(-1, 3), None, None, 0).reshape(places.shape)
    straight = np.einsum("qc,tci->tqi", BARYCENTRIC, at(corners))
    return points, np.einsum("qc,tci->tqi", BARYCENTRIC, field.corners) + at(points) - straight


@pytest.mark.parametrize("name", SLOPES)
def test_no_current_is_lost_in_any_sum_that_the_elements_hold(piece, bent, name):
    """``integral(sigma E . grad(v))`` vanishes for every v: for v = x it is the mean current."""
    points, e_field = samples(piece, bent)
    current = bent.conductivity[:, None, None] * e_field
    slope = SLOPES[name](points.reshape(-1, 3)).reshape(points.shape)
    parts = (piece.volumes[:, None] * WEIGHTS)[:, :, None] * current * slope
    assert abs(parts.sum()) < 1e-6 * np.abs(parts).sum()


def test_field_at_the_middle_bends_with_the_primary_field(piece, bent):
    _, e_field = samples(piece, bent)
    assert_allclose(bent.e_field, e_field[:, 0], rtol=0, atol=1e-6 * bent.magnitude.max())


def test_field_runs_the_way_of_the_closed_form(mesh, coil):
    """A sign that is turned for every coil alike is seen by no law of symmetry."""
    brain = mesh.tissue == 2
    field = SecondOrderModel(mesh).solve(coil, above(0), DI_DT).e_field[brain]
    truth = FittedSphere(centre=np.zeros(3)).at(mesh.barycentres[brain], coil, above(0), DI_DT)
    assert np.sum(field * truth) > 0.99 * np.linalg.norm(field) * np.linalg.norm(truth)


@pytest.mark.parametrize(("name", "sign"), [("magstim-70mm", 1), ("magstim-90mm", -1)], ids=["eight", "circle"])
def test_mirrored_head_under_the_mirrored_pose_has_the_mirrored_field(mesh, name, sign):
    """A figure-of-eight is its own mirror image, current and all; a circle's current runs the other way round."""
    mirror = np.array([-1.0, 1, 1])
    coil = find_entry(name).dipole_coil()
    other = TetrahedralMesh(nodes=mesh.nodes * mirror, tetrahedra=mesh.tetrahedra, tissue=mesh.tissue)
    one = SecondOrderModel(mesh, tolerance=1e-10).solve(coil, above(20 * mm), DI_DT).e_field
    two = SecondOrderModel(other, tolerance=1e-10).solve(coil, above(-20 * mm), DI_DT).e_field
    assert np.linalg.norm(two - sign * one * mirror) < 1e-3 * np.linalg.norm(one)
