"""Laws every solution obeys, whatever the head: linearity, gauge, energy, reciprocity, agreement with SimNIBS."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import CurrentElements, Pose, WireCoil, find_coil, read_coil, read_pose
from anodyne.errors import NotConverged, PlacementRefused
from anodyne.field import FieldModel, PrimaryField, current_density, solve
from anodyne.head import Conductivities, TetrahedralMesh, layered_sphere, read_mesh
from anodyne.units import A_per_us, mm

ABOVE = Pose.from_point_and_handle([0, 0, 96 * mm], [0, 0, -1], [0.3, 1, 0])


class Given(PrimaryField):
    """A primary field that is a function of place alone."""

    def __init__(self, function):
        self.function = function

    def at(self, points, coil, pose, di_dt):
        """The function at the points."""
        return self.function(np.asarray(points))


@pytest.fixture(scope="module")
def mesh():
    return layered_sphere([70 * mm, 80 * mm, 92 * mm], [2, 4, 5], 12 * mm)


@pytest.fixture(scope="module")
def model(mesh):
    return FieldModel(mesh, tolerance=1e-10)


@pytest.fixture(scope="module")
def coil():
    return find_coil("magstim-70mm")


@pytest.fixture(scope="module")
def field(model, coil):
    return model.solve(coil, ABOVE, 1 * A_per_us)


def test_field_is_linear_in_the_current_slope(model, coil, field):
    doubled = model.solve(coil, ABOVE, 2 * A_per_us)
    assert_allclose(doubled.e_field, 2 * field.e_field, rtol=0, atol=1e-8 * field.magnitude.max())


def test_field_turns_and_shifts_with_head_and_coil(mesh, coil, field):
    motion = Pose.from_point_and_handle([0.2, -0.1, 0.3], [0.48, 0.6, 0.64], [0, 1, 0.2]).head_from_coil
    nodes = mesh.nodes @ motion[:3, :3].T + motion[:3, 3]
    moved = TetrahedralMesh(nodes=nodes, tetrahedra=mesh.tetrahedra, tissue=mesh.tissue)
    result = FieldModel(moved, tolerance=1e-10).solve(coil, ABOVE.moved(motion), 1 * A_per_us)
    assert_allclose(result.e_field @ motion[:3, :3], field.e_field, rtol=0, atol=1e-6 * field.magnitude.max())


def test_mirrored_coil_on_the_mirrored_head_gives_the_mirrored_field(mesh, coil):
    """One wing of a figure-of-eight, so that the coil is not its own mirror image."""
    mirror = np.array([-1.0, 1, 1])
    other = TetrahedralMesh(nodes=mesh.nodes * mirror, tetrahedra=mesh.tetrahedra, tissue=mesh.tissue)
    wing = coil.elements.positions[:, 0] > 0
    pose = Pose.from_point_and_handle([20 * mm, 0, 95 * mm], [-0.2, 0, -1], [0.3, 1, 0])
    reflected = np.diag([*mirror, 1]) @ pose.head_from_coil @ np.diag([*mirror, 1])
    fields = []
    for body, side, placed in ((mesh, 1, pose), (other, mirror, Pose(head_from_coil=reflected))):
        elements = CurrentElements(
            positions=coil.elements.positions[wing] * side, vectors=coil.elements.vectors[wing] * side
        )
        half = WireCoil(name="wing", label="wing", source="a test", elements=elements)
        fields.append(FieldModel(body, tolerance=1e-10).solve(half, placed, 1 * A_per_us).e_field)
    assert_allclose(fields[1], fields[0] * mirror, rtol=0, atol=1e-6 * np.abs(fields[0]).max())


def test_uniform_a_makes_no_field(mesh, coil):
    uniform = Given(lambda p: np.tile([3.0, -2.0, 5.0], (len(p), 1)))
    assert FieldModel(mesh, primary=uniform, tolerance=1e-10).solve(coil, ABOVE, 1.0).magnitude.max() < 1e-7


def test_gradient_of_a_linear_potential_in_a_makes_no_field(mesh, coil):
    """dA/dt = grad(x y) is curl-free: the potential cancels it up to what linear elements can say."""
    gradient = Given(lambda p: np.stack([p[:, 1], p[:, 0], np.zeros(len(p))], axis=1))
    result = FieldModel(mesh, primary=gradient, tolerance=1e-10).solve(coil, ABOVE, 1.0)
    assert result.magnitude.mean() < 0.1 * np.linalg.norm(mesh.nodes[:, :2], axis=1).mean()


def test_energy_balance(model, mesh, coil, field):
    """Heat in the head is the work of the primary field on the current: the potential does none."""
    current = current_density(field.e_field, field.conductivity)
    heat = (mesh.volumes * (current * field.e_field).sum(axis=1)).sum()
    da_dt = coil.da_dt(mesh.nodes, ABOVE, 1 * A_per_us)[mesh.tetrahedra].mean(axis=1)
    work = -(mesh.volumes * (current * da_dt).sum(axis=1)).sum()
    assert_allclose(work, heat, rtol=1e-6)


def test_no_current_leaves_the_head_or_gathers_in_it(model, mesh, field):
    """The weak divergence of the current vanishes at every node, the boundary included."""
    current = current_density(field.e_field, field.conductivity) * mesh.volumes[:, None]
    into_node = np.zeros(len(mesh.nodes))
    shares = np.einsum("ni,nci->nc", current, mesh.gradients())
    np.add.at(into_node, mesh.tetrahedra, shares)
    typical = np.abs(shares).sum() / len(mesh.nodes)
    assert np.abs(into_node).max() < 1e-6 * typical


def test_adjoint_gives_the_forward_field(model, mesh, coil, field):
    rng = np.random.default_rng(5)
    region = rng.choice(len(mesh.tetrahedra), 40, replace=False)
    weights = mesh.volumes[region] / mesh.volumes[region].sum()
    directions = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0, 0.8]])
    adjoint = model.adjoint(region, weights, directions)
    forward = directions @ (weights[:, None] * field.e_field[region]).sum(axis=0)
    assert_allclose(adjoint.component(coil, ABOVE, 1 * A_per_us), forward, rtol=0, atol=1e-8 * field.magnitude.max())


def test_isotropic_tensors_give_the_scalar_field(mesh, coil, field):
    sigma = Conductivities().of(mesh.tissue)
    tensors = sigma[:, None, None] * np.eye(3)
    same = FieldModel(mesh, tensors, tolerance=1e-10).solve(coil, ABOVE, 1 * A_per_us)
    assert_allclose(same.e_field, field.e_field, rtol=0, atol=1e-8 * field.magnitude.max())


def test_tensors_obey_the_stretched_laplace_equation(coil):
    """Stretching space by S turns conductivity 1 into S S^T / det S; potentials are carried along."""
    mesh = layered_sphere([80 * mm], [2], 14 * mm)
    stretch = np.array([1.0, 1.3, 0.8])
    stretched = TetrahedralMesh(nodes=mesh.nodes * stretch, tetrahedra=mesh.tetrahedra, tissue=mesh.tissue)
    tensor = np.broadcast_to(np.diag(stretch**2) / stretch.prod(), (len(mesh.tetrahedra), 3, 3))
    rng = np.random.default_rng(2)
    mean, slope = rng.normal(size=3), rng.normal(size=(3, 3)) / mm / 50
    one, other = Given(lambda p: mean + p @ slope), Given(lambda p: (mean + p / stretch @ slope) / stretch)
    unit = np.ones(len(mesh.tetrahedra))
    plain = FieldModel(mesh, unit, primary=one, tolerance=1e-11).solve(coil, ABOVE, 1.0)
    carried = FieldModel(stretched, tensor, primary=other, tolerance=1e-11).solve(coil, ABOVE, 1.0)
    assert_allclose(carried.potential, plain.potential, rtol=0, atol=1e-7 * np.ptp(plain.potential))


def test_nodes_outside_every_tetrahedron_do_no_harm(mesh, coil, field):
    more = TetrahedralMesh(nodes=np.vstack([mesh.nodes, [[1, 1, 1]]]), tetrahedra=mesh.tetrahedra, tissue=mesh.tissue)
    result = solve(more, coil, ABOVE, 1 * A_per_us, solver="fem1")
    assert result.potential[-1] == 0
    assert_allclose(result.e_field, field.e_field, rtol=0, atol=1e-5 * field.magnitude.max())


@pytest.mark.parametrize("name", ["MagVenture_C-B60", "Magstim_70mm_Fig8"])
def test_same_mesh_coil_and_pose_give_the_field_of_simnibs(shared, name):
    data = shared / "data"
    mesh = read_mesh(data / "mesh" / "sphere3.msh")
    pose = read_pose(data / "reference" / "pose_oblique.txt")
    mine = solve(mesh, read_coil(data / "coil" / f"{name}.ccd"), pose, 1e6, solver="fem1").e_field
    theirs = np.load(data / "reference" / f"sphere3_{name}.npz")["e_field"]
    assert np.linalg.norm(mine - theirs) < 5e-4 * np.linalg.norm(theirs)


def test_coil_inside_the_head_is_refused(model, coil):
    inside = Pose.from_point_and_handle([0, 0, 80 * mm], [0, 0, -1], [0, 1, 0])
    with pytest.raises(PlacementRefused, match="inside the head"):
        model.solve(coil, inside, 1 * A_per_us)


def test_unreachable_tolerance_says_how_far_it_came(mesh, coil):
    with pytest.raises(NotConverged, match="relative residual of"):
        FieldModel(mesh, tolerance=1e-30).solve(coil, ABOVE, 1 * A_per_us)


@pytest.mark.parametrize(
    ("conductivity", "complaint"),
    [
        (np.ones(3), "shape"),
        (lambda n: np.full(n, np.nan), "NaN"),
        (lambda n: -np.ones(n), "positive"),
        (lambda n: np.broadcast_to(np.diag([1.0, 1.0, -1.0]), (n, 3, 3)), "positive"),
    ],
)
def test_impossible_conductivities_are_refused(mesh, conductivity, complaint):
    values = conductivity(len(mesh.tetrahedra)) if callable(conductivity) else conductivity
    with pytest.raises(ValueError, match=complaint):
        FieldModel(mesh, values)
