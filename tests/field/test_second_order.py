"""Second-order elements: the laws of every solution, and an error that falls faster than that of first-order ones."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import Pose, find_entry
from anodyne.errors import PlacementRefused
from anodyne.field import FieldModel, FittedSphere, PrimaryField, SecondOrderModel, current_density
from anodyne.head import Conductivities, TetrahedralMesh, layered_sphere
from anodyne.units import A_per_us, mm

ABOVE = Pose.from_point_and_handle([0, 0, 96 * mm], [0, 0, -1], [0, 1, 0])
RADII, TISSUES = (78 * mm, 80 * mm, 86 * mm, 92 * mm), (2, 3, 4, 5)
DI_DT = 1 * A_per_us


class Given(PrimaryField):
    """A primary field that is a function of place alone."""

    def __init__(self, function):
        self.function = function

    def at(self, points, coil, pose, di_dt):
        """The function at the points."""
        return self.function(np.asarray(points))


@pytest.fixture(scope="module")
def mesh():
    return layered_sphere(RADII, TISSUES, 14 * mm)


@pytest.fixture(scope="module")
def coil():
    return find_entry("magstim-70mm").dipole_coil()


@pytest.fixture(scope="module")
def field(mesh, coil):
    return SecondOrderModel(mesh, tolerance=1e-10).solve(coil, ABOVE, DI_DT)


def error_of(model, coil, at_points=False):
    mesh = model.mesh
    result = model.solve(coil, ABOVE, DI_DT)
    brain = np.flatnonzero(mesh.tissue == 2)
    some = np.random.default_rng(0).choice(brain, 3000, replace=False)
    exact = FittedSphere(centre=np.zeros(3))
    if at_points:
        weights = np.random.default_rng(1).dirichlet(np.ones(4), len(some))
        points = np.einsum("nc,nci->ni", weights, mesh.nodes[mesh.tetrahedra[some]])
        values = result.at_points(points)
    else:
        points, values = mesh.barycentres[some], result.e_field[some]
    truth = exact.at(points, coil, ABOVE, DI_DT)
    return np.linalg.norm(values - truth) / np.linalg.norm(truth)


def test_error_falls_with_the_square_of_the_edge_and_beats_half_the_edge_in_first_order(coil):
    meshes = [layered_sphere(RADII, TISSUES, edge) for edge in (16 * mm, 8 * mm)]
    sizes = [mesh.volumes.mean() ** (1 / 3) for mesh in meshes]
    second = [error_of(SecondOrderModel(mesh), coil) for mesh in meshes]
    anywhere = [error_of(SecondOrderModel(mesh), coil, at_points=True) for mesh in meshes]
    first = error_of(FieldModel(meshes[1]), coil)
    assert np.log(anywhere[0] / anywhere[1]) / np.log(sizes[0] / sizes[1]) > 1.6, anywhere
    assert second[0] < 0.5 * first, (second, first)
    assert second[1] < 0.003


def test_a_quadratic_potential_is_solved_exactly(mesh, coil):
    """The primary field is the gradient of ``x y + z^2``: the potential takes it away to the last digit."""
    gradient = Given(lambda p: np.stack([p[:, 1], p[:, 0], 2 * p[:, 2]], axis=1))
    everywhere = SecondOrderModel(mesh, tissues=TISSUES, primary=gradient, tolerance=1e-12)
    result = everywhere.solve(coil, ABOVE, DI_DT)
    assert result.magnitude.max() < 1e-6 * 80 * mm  # corners are kept in single precision
    assert_allclose(result.potential - result.potential[0], potential_of(mesh.nodes), atol=1e-9)


def potential_of(nodes):
    value = nodes[:, 0] * nodes[:, 1] + nodes[:, 2] ** 2
    return value - value[0]


def test_a_field_that_turns_about_an_axis_stays_as_it_is(mesh, coil):
    """``(-y, x, 0)`` has no radial part on any sphere, so nothing is left for the potential but the facets' corners."""
    rotation = Given(lambda p: np.stack([-p[:, 1], p[:, 0], np.zeros(len(p))], axis=1))
    result = SecondOrderModel(mesh, primary=rotation, tolerance=1e-11).solve(coil, ABOVE, DI_DT)
    brain = mesh.tissue == 2
    expected = rotation.at(mesh.barycentres[brain], coil, ABOVE, DI_DT)
    assert np.linalg.norm(result.e_field[brain] - expected) < 0.01 * np.linalg.norm(expected)  # facets, 14 mm long
    assert_allclose(result.corners.mean(axis=1), result.e_field, atol=1e-6)


def test_field_is_linear_in_the_current_slope(mesh, coil, field):
    doubled = SecondOrderModel(mesh, tolerance=1e-10).solve(coil, ABOVE, 2 * DI_DT)
    assert_allclose(doubled.e_field, 2 * field.e_field, rtol=0, atol=1e-6 * field.magnitude.max())


def test_linear_elements_in_bone_and_scalp_change_little_in_the_brain(mesh, coil, field):
    throughout = SecondOrderModel(mesh, tissues=TISSUES, tolerance=1e-10).solve(coil, ABOVE, DI_DT)
    brain = mesh.tissue == 2
    change = np.linalg.norm(throughout.e_field[brain] - field.e_field[brain])
    assert 0 < change < 0.006 * np.linalg.norm(throughout.e_field[brain])


def test_a_mesh_without_brain_is_quadratic_throughout(coil):
    mesh = layered_sphere(RADII[-2:], (4, 5), 20 * mm)
    assert SecondOrderModel(mesh).quadratic.all()


def test_isotropic_tensors_give_the_scalar_field(mesh, coil, field):
    sigma = Conductivities().of(mesh.tissue)
    tensors = sigma[:, None, None] * np.eye(3)
    same = SecondOrderModel(mesh, tensors, tolerance=1e-10).solve(coil, ABOVE, DI_DT)
    assert_allclose(same.e_field, field.e_field, rtol=0, atol=1e-6 * field.magnitude.max())


def test_nodes_outside_every_tetrahedron_do_no_harm(mesh, coil, field):
    more = TetrahedralMesh(
        nodes=np.vstack([[[1, 1, 1]], mesh.nodes]), tetrahedra=mesh.tetrahedra + 1, tissue=mesh.tissue
    )
    result = SecondOrderModel(more, tolerance=1e-10).solve(coil, ABOVE, DI_DT)
    assert result.potential[0] == 0
    assert_allclose(result.e_field, field.e_field, rtol=0, atol=1e-5 * field.magnitude.max())


def test_left_handed_tetrahedra_give_the_same_field(mesh, coil, field):
    turned = TetrahedralMesh(nodes=mesh.nodes, tetrahedra=mesh.tetrahedra[:, [1, 0, 2, 3]], tissue=mesh.tissue)
    result = SecondOrderModel(turned, tolerance=1e-10).solve(coil, ABOVE, DI_DT)
    assert_allclose(result.e_field, field.e_field, rtol=0, atol=1e-6 * field.magnitude.max())


def test_energy_balance(mesh, coil, field):
    """Heat in the head is the work of the primary field on the current, up to the quadrature at barycentres."""
    current = current_density(field.e_field, field.conductivity)
    heat = (mesh.volumes * (current * field.e_field).sum(axis=1)).sum()
    primary = -coil.da_dt(mesh.barycentres, ABOVE, DI_DT)
    work = (mesh.volumes * (current * primary).sum(axis=1)).sum()
    assert_allclose(work, heat, rtol=0.02)


def test_coil_inside_the_head_is_refused(mesh, coil):
    inside = Pose.from_point_and_handle([0, 0, 80 * mm], [0, 0, -1], [0, 1, 0])
    with pytest.raises(PlacementRefused, match="inside the head"):
        SecondOrderModel(mesh).solve(coil, inside, DI_DT)


def test_points_between_corners_and_nodes_of_a_tissue(mesh, field):
    inside = np.flatnonzero(mesh.tissue == 2)[:50]
    highest = field.magnitude.max()
    assert_allclose(field.at_points(mesh.barycentres[inside]), field.e_field[inside], rtol=0, atol=1e-6 * highest)
    nodes, values = field.at_nodes(2)
    assert len(nodes) == len(np.unique(mesh.tetrahedra[mesh.tissue == 2]))
    assert np.isfinite(values).all()


def test_points_feel_how_the_primary_field_bends(mesh, coil, field):
    """Within a tetrahedron E is the primary field, quadratic there, less a linear slope: at the middles of edges it is
    what stands at the ends, and the bend of the primary field."""
    inside = np.flatnonzero(mesh.tissue == 2)[:200]
    first, last = mesh.tetrahedra[inside, 0], mesh.tetrahedra[inside, 3]
    middles = (mesh.nodes[first] + mesh.nodes[last]) / 2

    def primary(points):
        return -coil.da_dt(points, ABOVE, DI_DT)

    bend = primary(middles) - (primary(mesh.nodes[first]) + primary(mesh.nodes[last])) / 2
    ends = (field.corners[inside, 0] + field.corners[inside, 3]) / 2
    between = np.tile([0.5, 0, 0, 0.5], (len(inside), 1))
    found = field.recovered.at(inside, between)
    assert np.linalg.norm(bend) > 0.01 * np.linalg.norm(found)
    assert_allclose(found, ends + bend, rtol=0, atol=1e-5 * field.magnitude.max())
