"""How the coil enters: the closed form for pieces of wire, and the sphere fitted to a head."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import eval_legendre

from anodyne.coil import CurrentElements, Pose, SampledCoil, WireCoil, find_entry
from anodyne.errors import PlacementRefused
from anodyne.field import FieldModel, FittedSphere, VectorPotential, sphere_e_field
from anodyne.field.primary.sphere_kernels import field_of_wires
from anodyne.head import TetrahedralMesh, layered_sphere
from anodyne.units import A_per_us, mm

ABOVE = Pose.from_point_and_handle([0, 0, 96 * mm], [0, 0, -1], [0, 1, 0])
DI_DT = 1 * A_per_us


@pytest.fixture(scope="module")
def points():
    generator = np.random.default_rng(0)
    directions = generator.normal(size=(500, 3))
    return directions / np.linalg.norm(directions, axis=1)[:, None] * generator.uniform(1e-4, 85 * mm, (500, 1))


def loop(centre, radius, pieces=400):
    """A closed ring about z, as pieces of wire."""
    angle = 2 * np.pi * (np.arange(pieces) + 0.5) / pieces
    ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(pieces)], axis=1)
    along = np.stack([-np.sin(angle), np.cos(angle), np.zeros(pieces)], axis=1)
    return centre + radius * ring, along * 2 * np.pi * radius / pieces


def test_small_ring_is_a_dipole(points):
    centre = np.array([30 * mm, 20 * mm, 110 * mm])
    errors = []
    for radius in (4 * mm, 2 * mm):
        ring = field_of_wires(points, *loop(centre, radius))
        dipole = sphere_e_field(points, centre[None], [[0, 0, np.pi * radius**2]])
        errors.append(np.linalg.norm(ring - dipole) / np.linalg.norm(dipole))
    assert errors[1] < 2e-3
    assert 3.5 < errors[0] / errors[1] < 4.5  # what a ring has beyond its dipole falls with its area


def test_faraday_round_a_circle_of_the_sphere(points):
    """The E-field round a circle is minus the rate of the flux through it, here by Legendre series of the ring's B.

    For a ring of radius a at height h about the axis, ``r . B`` is a sum of ``r^l P_l`` and E runs round the axis:
    ``E = mu0/2 sin(alpha) sum_l (r/R)^l P_l1(cos alpha) P_l1(cos theta) / (l (l + 1))`` per dI/dt (Jackson 5.46).
    """
    radius, height = 50 * mm, 80 * mm
    distance, alpha = np.hypot(radius, height), np.arctan2(radius, height)
    theta, r = np.array([0.3, 0.9, 1.7, 2.8]), 60 * mm
    where = r * np.stack([np.sin(theta), np.zeros(4), np.cos(theta)], axis=1)
    degrees = np.arange(1, 160)

    def associated(angle):
        """dP_l/d(angle)."""
        x = np.cos(angle)
        return -degrees * (eval_legendre(degrees - 1, x) - x * eval_legendre(degrees, x)) / np.sin(angle)

    weights = -2e-7 * np.pi * np.sin(alpha) * (r / distance) ** degrees / (degrees * (degrees + 1))
    series = [np.sum(weights * associated(alpha) * associated(angle)) for angle in theta]
    e_field = field_of_wires(where, *loop(np.array([0, 0, height]), radius))
    assert_allclose(e_field[:, 1], series, rtol=2e-4)
    assert np.abs(e_field[:, [0, 2]]).max() < 1e-9 * np.abs(e_field[:, 1]).max() + 1e-15


def test_no_radial_part_anywhere(points):
    positions, pieces = loop(np.array([40 * mm, 0, 105 * mm]), 30 * mm)
    e_field = field_of_wires(points, positions, pieces)
    assert np.abs((e_field * points).sum(axis=1)).max() < 1e-12 * np.abs(e_field).max()


def test_wires_and_dipoles_of_one_coil_agree(points):
    entry, sphere = find_entry("magstim-70mm"), FittedSphere(centre=np.zeros(3))
    wires = sphere.at(points, entry.wire_coil(), ABOVE, DI_DT)
    dipoles = sphere.at(points, entry.dipole_coil(), ABOVE, DI_DT)
    assert np.linalg.norm(wires - dipoles) < 1e-3 * np.linalg.norm(dipoles)


def test_below_the_sphere_the_other_branch_joins_smoothly():
    """The closed form has two branches by the sign of the cosine; both sides of the seam agree."""
    wire = np.array([[0, 0, 100 * mm]]), np.array([[1.0, 0, 0]])
    for at in ([50 * mm, 20 * mm], [-30 * mm, 40 * mm]):
        above, below = ([*at, 1e-9], [*at, -1e-9])
        assert_allclose(field_of_wires(np.array([above]), *wire), field_of_wires(np.array([below]), *wire), rtol=1e-6)
    far = field_of_wires(np.array([[0.0, 0, -80 * mm]]), *wire)
    assert np.isfinite(far).all()


def test_exact_sphere_leaves_nothing_to_the_potential():
    mesh = layered_sphere([78 * mm, 92 * mm], [2, 5], 20 * mm)
    coil = find_entry("magstim-70mm").dipole_coil()
    exact = FieldModel(mesh, primary=FittedSphere.to(mesh)).solve(coil, ABOVE, DI_DT)
    usual = FieldModel(mesh, primary=VectorPotential()).solve(coil, ABOVE, DI_DT)
    assert np.ptp(exact.potential) < 0.1 * np.ptp(usual.potential)


def test_fit_finds_the_centre_of_a_ball_and_of_a_brain_in_a_box():
    ball = layered_sphere([70 * mm, 92 * mm], [2, 5], 20 * mm)
    moved = TetrahedralMesh(
        nodes=ball.nodes + np.array([12, -7, 30]) * mm, tetrahedra=ball.tetrahedra, tissue=ball.tissue
    )
    assert_allclose(FittedSphere.to(moved).centre, [12 * mm, -7 * mm, 30 * mm], atol=1e-6)
    no_brain = TetrahedralMesh(nodes=moved.nodes, tetrahedra=moved.tetrahedra, tissue=np.full(len(ball.tissue), 4))
    assert_allclose(FittedSphere.to(no_brain).centre, [12 * mm, -7 * mm, 30 * mm], atol=1e-6)


def test_head_behind_the_winding_is_refused():
    elements = CurrentElements(positions=np.array([[0, 0, 50 * mm]]), vectors=np.array([[1.0, 0, 0]]))
    coil = WireCoil(name="wire", label="A wire", source="this test", elements=elements)
    pose = Pose(head_from_coil=np.eye(4))
    with pytest.raises(PlacementRefused, match="behind A wire"):
        FittedSphere().at([[0, 0, 80 * mm]], coil, pose, 1.0)
    assert np.isfinite(FittedSphere().at([[80 * mm, 0, 0]], coil, pose, 1.0)).all()


def test_coil_known_by_samples_only_is_refused(shared):
    from anodyne.coil import read_coil

    coil = read_coil(shared / "data" / "coil" / "testcoil.nii.gz")
    assert isinstance(coil, SampledCoil)
    with pytest.raises(PlacementRefused, match="samples"):
        FittedSphere().at([[0, 0, 0]], coil, ABOVE, 1.0)


@pytest.mark.parametrize("centre", [[0, 0], [np.nan, 0, 0]])
def test_impossible_centres_are_refused(centre):
    with pytest.raises(ValueError, match="centre"):
        FittedSphere(centre=centre)
