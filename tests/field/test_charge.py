"""Surface charges: their kernels against sums, their field against the sphere, and the laws it must obey."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import Coil, Pose, find_entry
from anodyne.errors import NotConverged, PlacementRefused
from anodyne.field import FieldModel, sphere_e_field
from anodyne.field.charges.grid import SmoothSum
from anodyne.field.charges.kernels import THREE_POINTS, Facets, _solid_angle, _triangle, edges_of
from anodyne.field.charges.model import ChargeModel
from anodyne.head import Conductivities, TetrahedralMesh, layered_sphere
from anodyne.units import A_per_us, mm

ABOVE = Pose.from_point_and_handle([0, 0, 96 * mm], [0, 0, -1], [0, 1, 0])
RADII = (70 * mm, 80 * mm, 92 * mm)
DI_DT = 1 * A_per_us


class Uniform(Coil):
    """A coil whose vector potential is the same everywhere, as if it were far away."""

    def vector_potential(self, points):
        return np.broadcast_to([3e-6, -2e-6, 5e-6], np.shape(points)).copy()

    def magnetic_field(self, points):
        return np.zeros(np.shape(points))

    def sources(self):
        return ()

    @property
    def outline(self):
        return np.array([[0.0, 0.0, -100 * mm]])


@pytest.fixture(scope="module")
def coil():
    return find_entry("magstim-70mm").dipole_coil()


@pytest.fixture(scope="module")
def mesh():
    return layered_sphere(RADII, (2, 4, 5), 12 * mm)


@pytest.fixture(scope="module")
def model(mesh):
    return ChargeModel(mesh)


@pytest.fixture(scope="module")
def solution(model, coil):
    return model.charges(coil, ABOVE, DI_DT)


@pytest.fixture(scope="module")
def brain():
    """Points of the innermost sphere, at least 2 mm inside it."""
    directions = np.random.default_rng(4).normal(size=(2000, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    return directions * np.linspace(10 * mm, 68 * mm, 2000)[:, None]


def closed_form(points, coil):
    (dipoles,) = coil.sources()
    return sphere_e_field(points, ABOVE.to_head(dipoles.positions), DI_DT * dipoles.moments @ ABOVE.rotation.T)


def relative(values, truth):
    return np.linalg.norm(values - truth) / np.linalg.norm(truth)


def random_triangle(seed):
    corners = np.random.default_rng(seed).normal(size=(3, 3))
    return Facets.of(corners, np.array([[0, 1, 2]], np.int32))


@pytest.mark.parametrize("distance", [0.3, 1.0, 5.0, 40.0])
def test_triangle_acts_like_the_sum_of_its_parts(distance):
    facets = random_triangle(1)
    point = facets.centres[0] + distance * (0.8 * facets.normals[0] + [0.3, -0.2, 0.1])
    nodes, triangles = facets.corners[0], np.array([[0, 1, 2]], np.int32)
    for _ in range(7):
        edges, ends = edges_of(triangles)
        middles = edges + len(nodes)
        inner = [np.stack([triangles[:, k], middles[:, k], middles[:, k - 1]], axis=1) for k in range(3)]
        nodes, triangles = np.concatenate([nodes, nodes[ends].mean(axis=1)]), np.concatenate([*inner, middles])
    away = point - nodes[triangles].mean(axis=1)
    r = np.linalg.norm(away, axis=1)[:, None]
    share = facets.areas[0] / len(triangles)
    expected = [*(share * (away / r**3).sum(axis=0)), share * (1 / r).sum()]
    assert_allclose(_triangle(facets, 0, *point), expected, rtol=0, atol=2e-4 * np.abs(expected).max())


def test_closed_surface_fills_the_sphere_of_directions(mesh):
    facets = Facets.of(mesh.nodes, mesh.boundary_triangles())
    for point, expected in (([1 * mm, 2 * mm, -30 * mm], 4 * np.pi), ([0, 0, 95 * mm], 0)):
        total = sum(_solid_angle(facets.corners, t, *point) for t in range(len(facets.areas)))
        assert_allclose(total, expected, atol=1e-6)


def test_grid_and_short_range_make_coulomb_law():
    """The law of 1 / (4 pi R): the grid's erf(s R) part and the rest, erfc(s R), added up directly."""
    from scipy.special import erfc

    rng = np.random.default_rng(3)
    points, charges = rng.uniform(0, 0.1, size=(400, 3)), rng.normal(size=400)
    targets = rng.uniform(0, 0.1, size=(300, 3))
    smooth = SmoothSum(np.zeros(3), np.full(3, 0.1), cut=0.02, precision=1e-4)
    result = smooth.field_and_potential(smooth.potential(points, charges), targets)
    away = targets[:, None] - points
    r = np.linalg.norm(away, axis=2)
    x = smooth.sharpness * r
    short = (erfc(x) + 2 / np.sqrt(np.pi) * x * np.exp(-(x**2))) / r**3
    result[:, :3] += np.einsum("tc,tcd->td", charges * short, away) / (4 * np.pi)
    result[:, 3] += (charges * erfc(x) / r).sum(axis=1) / (4 * np.pi)
    assert relative(result[:, 3], (charges / r).sum(axis=1) / (4 * np.pi)) < 1e-4
    assert relative(result[:, :3], np.einsum("tc,tcd->td", charges / r**3, away) / (4 * np.pi)) < 1e-4


def test_field_of_the_charges_is_the_sum_over_all_facets(model, solution, brain):
    facets, places = model.boundaries.facets, brain[::400]
    summed = np.zeros((len(places), 4))
    for t, density in enumerate(solution.densities):
        for i, point in enumerate(places):
            summed[i] += density / (4 * np.pi) * np.array(_triangle(facets, t, *point))
    assert relative(solution._of_charges(places), summed) < 1e-3
    assert relative(solution.potential_at(places), summed[:, 3]) < 1e-3


def test_normal_field_is_the_mean_over_facets(model, solution):
    """The equation's left side against the field itself at three points of a facet of the outer boundary."""
    facets = model.boundaries.facets
    some = np.flatnonzero(model.boundaries.contrast == 1)[::97]
    expected = np.zeros(len(some))
    for weights in THREE_POINTS:
        places = np.einsum("c,ncd->nd", weights, facets.corners[some]) - 1e-7 * facets.normals[some]
        expected += np.einsum("nd,nd->n", solution._of_charges(places)[:, :3], facets.normals[some]) / 3
    mine = model._normal_field(solution.densities)[some] - solution.densities[some] / 2
    assert relative(mine, expected) < 0.05


def test_field_in_the_sphere_is_that_of_the_closed_form(solution, coil, brain):
    assert relative(solution.e_field_at(brain), closed_form(brain, coil)) < 0.008


def test_error_falls_nearly_as_the_facets_area(coil, brain):
    truth = closed_form(brain, coil)
    errors = []
    for edge in (18 * mm, 9 * mm):
        model = ChargeModel(layered_sphere(RADII, (2, 4, 5), edge))
        errors.append(relative(model.charges(coil, ABOVE, DI_DT).e_field_at(brain), truth))
    assert np.log2(errors[0] / errors[1]) > 1.7


def test_splitting_facets_takes_their_share_of_the_error(mesh, solution, coil, brain):
    """What is left is the polyhedron that stands for the sphere."""
    finer = ChargeModel(mesh, splits=1)
    assert finer.facet_count == 4 * solution.model.facet_count
    truth = closed_form(brain, coil)
    error = relative(finer.charges(coil, ABOVE, DI_DT).e_field_at(brain), truth)
    assert error < 0.6 * relative(solution.e_field_at(brain), truth)


def test_every_piece_is_neutral(model, solution):
    boundaries = model.boundaries
    charge = np.bincount(boundaries.piece, boundaries.facets.areas * solution.densities)
    assert len(charge) == len(RADII)
    assert np.abs(charge).max() < 1e-9 * (boundaries.facets.areas @ np.abs(solution.densities))


def test_whole_mesh_and_chosen_points_agree(model, solution, mesh, coil):
    field = model.solve(coil, ABOVE, DI_DT)
    some = np.arange(0, len(mesh.tetrahedra), 500)
    assert_allclose(field.e_field[some], solution.e_field_at(mesh.barycentres[some]), rtol=0, atol=1e-5)
    assert abs(field.potential.mean()) < 1e-9 * np.ptp(field.potential)
    assert set(field.timings) == {"assemble", "set_up", "primary", "solve", "recover"}


def test_potential_belongs_to_the_field(solution, coil, brain):
    step = 0.5 * mm
    places = brain[::20]
    slope = np.stack(
        [
            (solution.potential_at(places + step * axis) - solution.potential_at(places - step * axis)) / (2 * step)
            for axis in np.eye(3)
        ],
        axis=1,
    )
    assert relative(-coil.da_dt(places, ABOVE, DI_DT) - slope, solution.e_field_at(places)) < 5e-3


def test_current_is_continuous_across_a_boundary(model, solution):
    """On average over each facet: sigma E . n before equals that behind, against the current along the facet."""
    facets, contrast = model.boundaries.facets, model.boundaries.contrast
    inner = np.flatnonzero(np.isclose(contrast, (0.275 - 0.01) / (0.275 + 0.01)))[::5]
    normal, size = np.zeros((2, len(inner))), 0.0
    for weights in THREE_POINTS:
        places = np.einsum("c,ncd->nd", weights, facets.corners[inner])
        for side, (sign, sigma) in enumerate(((-1, 0.275), (1, 0.01))):
            e_field = solution.e_field_at(places + sign * 1e-6 * facets.normals[inner])
            normal[side] += sigma * np.einsum("nd,nd->n", e_field, facets.normals[inner]) / 3
            size = max(size, sigma * np.linalg.norm(e_field, axis=1).max())
    assert np.abs(normal[0] - normal[1]).max() < 0.01 * size


def test_uniform_a_makes_no_field(model, brain):
    far = Uniform(name="far", label="a coil far away", source="this test")
    solution = model.charges(far, ABOVE, DI_DT)
    assert np.linalg.norm(solution.e_field_at(brain), axis=1).max() < 0.01 * np.linalg.norm([3, -2, 5])


def test_field_is_linear_in_the_current_slope(model, solution, coil, brain):
    doubled = model.charges(coil, ABOVE, 2 * DI_DT).e_field_at(brain)
    assert relative(doubled, 2 * solution.e_field_at(brain)) < 1e-6


def test_field_turns_with_head_and_coil(mesh, solution, coil, brain):
    turn = Pose.from_point_and_handle([0, 0, 0], [0.48, 0.6, 0.64], [0, 1, 0.2]).rotation
    turned = TetrahedralMesh(nodes=mesh.nodes @ turn.T, tetrahedra=mesh.tetrahedra, tissue=mesh.tissue)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn @ ABOVE.rotation, turn @ ABOVE.position
    rotated = ChargeModel(turned).charges(coil, Pose(head_from_coil=matrix), DI_DT).e_field_at(brain @ turn.T)
    assert relative(rotated @ turn, solution.e_field_at(brain)) < 1e-3


def test_boundaries_without_contrast_carry_no_charge(coil, brain):
    parted = layered_sphere(RADII, (1, 2, 5), 14 * mm)
    even = Conductivities().replaced({1: 0.275, 2: 0.275})
    plain = TetrahedralMesh(
        nodes=parted.nodes, tetrahedra=parted.tetrahedra, tissue=np.maximum(parted.tissue, 2).astype(np.int32)
    )
    model, merged = ChargeModel(parted, even), ChargeModel(plain, even)
    outer, inner = len(parted.boundary_triangles()), len(parted.interface_triangles(2, 5))
    assert model.facet_count == merged.facet_count == outer + inner
    fields = [each.charges(coil, ABOVE, DI_DT).e_field_at(brain) for each in (model, merged)]
    assert_allclose(fields[0], fields[1], rtol=0, atol=1e-12)


def test_nodes_outside_every_tetrahedron_do_no_harm(mesh, solution, coil, brain):
    more = TetrahedralMesh(nodes=np.vstack([mesh.nodes, [[1, 1, 1]]]), tetrahedra=mesh.tetrahedra, tissue=mesh.tissue)
    model = ChargeModel(more)
    assert relative(model.charges(coil, ABOVE, DI_DT).e_field_at(brain), solution.e_field_at(brain)) < 1e-6


def test_agrees_with_finite_elements(solution, mesh, coil):
    """Two ways that share nothing but the mesh, on elements as coarse as these."""
    field = FieldModel(mesh).solve(coil, ABOVE, DI_DT)
    inner = np.flatnonzero(mesh.tissue == 2)[::7]
    assert relative(field.e_field[inner], solution.e_field_at(mesh.barycentres[inner])) < 0.15


def test_coil_inside_the_head_is_refused(model, coil):
    inside = Pose.from_point_and_handle([0, 0, 80 * mm], [0, 0, -1], [0, 1, 0])
    with pytest.raises(PlacementRefused, match="inside the head"):
        model.charges(coil, inside, DI_DT)


def test_unreachable_tolerance_says_how_far_it_came(coil):
    with pytest.raises(NotConverged, match="relative residual of"):
        ChargeModel(layered_sphere([92 * mm], [2], 24 * mm), tolerance=1e-30).charges(coil, ABOVE, DI_DT)


@pytest.mark.parametrize(
    ("conductivity", "options", "complaint"),
    [
        (lambda n: np.broadcast_to(np.eye(3), (n, 3, 3)), {}, "fem1"),
        (lambda n: -np.ones(n), {}, "positive"),
        (lambda n: np.ones(3), {}, "shape"),
        (np.ones, {"tolerance": 0.0}, "tolerance"),
        (np.ones, {"precision": 2.0}, "precision"),
        (np.ones, {"splits": 6}, "facets"),
    ],
)
def test_what_surface_charges_cannot_do_is_refused(mesh, conductivity, options, complaint):
    with pytest.raises(ValueError, match=complaint):
        ChargeModel(mesh, conductivity(len(mesh.tetrahedra)), **options)


@pytest.mark.parametrize(
    ("points", "complaint"), [([[0, 0, 0.2]], "outside the box"), ([[0, 0, np.nan]], "outside"), ([0, 0, 0], "shape")]
)
def test_points_where_the_field_is_not_known_are_refused(solution, points, complaint):
    with pytest.raises(ValueError, match=complaint):
        solution.e_field_at(points)
