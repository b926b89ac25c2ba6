"""The solver against the closed form in a layered sphere: three coils, three meshes, the order of convergence."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from anodyne.coil import CurrentElements, DipoleCoil, MagneticDipoles, Pose, WireCoil, find_entry
from anodyne.field import FieldModel, sphere_e_field
from anodyne.head import Conductivities, layered_sphere
from anodyne.units import A_per_us, mm

RADII = (78 * mm, 80 * mm, 86 * mm, 92 * mm)
TISSUES = (2, 3, 4, 5)
EDGES = (12 * mm, 8 * mm, 5 * mm)
DI_DT = 1 * A_per_us
ABOVE = Pose.from_point_and_handle([0, 0, 96 * mm], [0, 0, -1], [0, 1, 0])


def dipole_coil():
    dipoles = MagneticDipoles(positions=np.array([[0, 0, -8 * mm]]), moments=np.array([[0.02, 0, 0.01]]))
    return DipoleCoil(name="dipole", label="one dipole", source="this test", dipoles=dipoles)


COILS = {
    "dipole": dipole_coil(),
    "circular": find_entry("magstim-90mm").dipole_coil(),
    "figure-of-eight": find_entry("magstim-70mm").dipole_coil(),
}


@pytest.fixture(scope="module")
def models():
    return [FieldModel(layered_sphere(RADII, TISSUES, edge)) for edge in EDGES]


def closed_form(coil, pose, points):
    (dipoles,) = coil.sources()
    return sphere_e_field(points, pose.to_head(dipoles.positions), DI_DT * dipoles.moments @ pose.rotation.T)


def some_of(indices, count=4000):
    return np.random.default_rng(0).choice(indices, count, replace=False)


def relative_l2(field, reference, volumes):
    return np.sqrt(
        (volumes * ((field - reference) ** 2).sum(axis=1)).sum() / (volumes * (reference**2).sum(axis=1)).sum()
    )


# The field of a round coil above the vertex has no potential part, so the elements' own first-order error
# drops out and what is left is that of averaging dA/dt over corners, of second order.
@pytest.mark.parametrize(
    ("name", "expected", "recovered_expected"), [("dipole", 1, 2), ("figure-of-eight", 1, 2), ("circular", 2, 1)]
)
def test_error_falls_with_the_mesh_as_first_order_elements_must(models, name, expected, recovered_expected):
    raw, recovered, sizes = [], [], []
    for model in models:
        mesh = model.mesh
        field = model.solve(COILS[name], ABOVE, DI_DT)
        brain = some_of(np.flatnonzero(mesh.tissue == 2))
        reference = closed_form(COILS[name], ABOVE, mesh.barycentres[brain])
        volumes = mesh.volumes[brain]
        middle = np.full((len(brain), 4), 0.25)
        raw.append(relative_l2(field.e_field[brain], reference, volumes))
        recovered.append(relative_l2(field.recovered.at(brain, middle), reference, volumes))
        sizes.append(mesh.volumes.mean() ** (1 / 3))
    order = np.polyfit(np.log(sizes), np.log(raw), 1)[0]
    order_recovered = np.polyfit(np.log(sizes), np.log(recovered), 1)[0]
    assert expected - 0.3 < order < expected + 0.5, (raw, sizes)
    assert order_recovered > recovered_expected - 0.6, (recovered, sizes)
    assert recovered[-1] < 0.7 * raw[-1] or name == "circular"


def test_no_radial_field_in_a_sphere(models):
    mesh = models[-1].mesh
    field = models[-1].solve(COILS["figure-of-eight"], ABOVE, DI_DT)
    outward = mesh.barycentres / np.linalg.norm(mesh.barycentres, axis=1)[:, None]
    brain = mesh.tissue == 2
    radial = np.abs((field.e_field * outward).sum(axis=1))[brain]
    assert (
        np.sqrt((mesh.volumes[brain] * radial**2).sum() / mesh.volumes[brain].sum())
        < 0.02 * field.magnitude[brain].max()
    )


def test_conductivities_of_the_layers_do_not_matter(models):
    mesh = models[-1].mesh
    other = FieldModel(mesh, Conductivities().replaced({2: 0.33, 3: 0.5, 4: 0.05, 5: 1.0}))
    brain = mesh.tissue == 2
    one = models[-1].solve(COILS["circular"], ABOVE, DI_DT).e_field[brain]
    two = other.solve(COILS["circular"], ABOVE, DI_DT).e_field[brain]
    assert relative_l2(two, one, mesh.volumes[brain]) < 0.02


def test_turning_coil_and_reading_points_together_turns_the_field(models):
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_rotvec([0.4, -0.7, 0.3]).as_matrix()
    mesh = models[-1].mesh
    field = models[-1].solve(COILS["figure-of-eight"], ABOVE, DI_DT)
    turned = models[-1].solve(COILS["figure-of-eight"], ABOVE.moved(turn), DI_DT)
    points = np.random.default_rng(3).normal(size=(200, 3))
    points *= (70 * mm / np.linalg.norm(points, axis=1))[:, None]
    expected = field.at_points(points) @ turn[:3, :3].T
    assert np.linalg.norm(turned.at_points(points @ turn[:3, :3].T) - expected) < 0.04 * np.linalg.norm(expected)
    assert len(mesh.nodes) > 1000


def test_wires_and_dipoles_of_one_coil_induce_the_same_field(models):
    entry = find_entry("magstim-70mm")
    mesh = models[-1].mesh
    brain = mesh.tissue == 2
    wires = models[-1].solve(entry.wire_coil(), ABOVE, DI_DT).e_field[brain]
    dipoles = models[-1].solve(entry.dipole_coil(), ABOVE, DI_DT).e_field[brain]
    assert relative_l2(wires, dipoles, mesh.volumes[brain]) < 0.04  # their gauges differ; the mesh sees it


def test_closed_form_does_not_depend_on_how_a_current_loop_is_cut_into_dipoles():
    """A loop's field from few and from many dipoles: the closed form sees only B."""
    points = 60 * mm * np.eye(3)

    def disc(count):
        side = 2 * 40 * mm / count
        axis = -40 * mm + side * (np.arange(count) + 0.5)
        x, y = np.meshgrid(axis, axis)
        positions = np.stack([x.ravel(), y.ravel(), np.full(x.size, 110 * mm)], axis=1)
        moments = np.zeros_like(positions)
        moments[:, 2] = side**2
        return sphere_e_field(points, positions, moments * 1e6)

    change = np.abs(disc(40) - disc(20)).max(), np.abs(disc(80) - disc(40)).max()
    assert change[0] < 5e-4 * np.abs(disc(80)).max()
    assert change[1] < 0.3 * change[0]  # the midpoint rule is of second order


def test_closed_form_refuses_a_coil_inside_the_points():
    with pytest.raises(ValueError, match="nearer to the sphere's centre"):
        sphere_e_field([[0, 0, 0.08]], [[0, 0, 0.07]], [[0, 0, 1.0]])


def test_straight_wire_far_away_is_not_a_loop():
    """Current elements that do not close still have an A-field; its gradient part must drop out of E."""
    elements = CurrentElements(positions=np.array([[0, 0, -30 * mm]]), vectors=np.array([[1e-3, 0, 0]]))
    coil = WireCoil(name="wire", label="wire", source="this test", elements=elements)
    assert np.isfinite(coil.da_dt(np.zeros((1, 3)), ABOVE, DI_DT)).all()
