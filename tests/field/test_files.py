"""What a field says, and that every file of it says the same."""

from dataclasses import replace

import meshio
import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import Pose, find_coil
from anodyne.errors import CannotWrite
from anodyne.field import ElectricField, mean, mean_of_highest, peak_by_tissue, percentile, solve, write_field
from anodyne.head import Image, Surface, layered_sphere, read_image, read_mesh, read_mesh_data
from anodyne.units import A_per_us, mm


@pytest.fixture(scope="module")
def field():
    mesh = layered_sphere([70 * mm, 80 * mm, 92 * mm], [2, 4, 5], 14 * mm)
    pose = Pose.from_point_and_handle([0, 0, 96 * mm], [0, 0, -1], [0, 1, 0])
    return solve(mesh, find_coil("magstim-70mm"), pose, 1 * A_per_us)


def linear_field(mesh):
    """A field that is linear in space: recovery must reproduce it."""
    slope = np.array([[1.0, 2, 0], [0, -1, 3], [2, 0, 1]])
    return slope, mesh.barycentres @ slope.T + [1, 2, 3]


def test_recovery_reproduces_a_linear_field(field):
    slope, values = linear_field(field.mesh)
    linear = ElectricField(
        mesh=field.mesh, conductivity=field.conductivity, e_field=values, potential=field.potential, di_dt=1.0,
        iterations=0, residual=0.0,
    )  # fmt: skip
    points = np.random.default_rng(0).normal(size=(50, 3)) * 25 * mm
    expected = points @ slope.T + [1, 2, 3]
    assert_allclose(linear.at_points(points), expected, rtol=0, atol=2e-3 * np.abs(expected).max())


def test_field_outside_the_head_is_not_a_number(field):
    assert np.isnan(field.at_points([[0, 0, 0.2]])).all()


def test_nodes_between_tissues_have_a_value_for_each(field):
    inside, _ = field.at_nodes(2)
    outside, _ = field.at_nodes(4)
    shared_nodes = np.intersect1d(inside, outside)
    radius = np.linalg.norm(field.mesh.nodes[shared_nodes], axis=1)
    assert len(shared_nodes) > 100
    assert_allclose(radius, 70 * mm, rtol=1e-9)


def test_surface_just_outside_a_tissue_takes_the_nearest_field_of_it(field):
    """A field even in each tissue: whoever asks for the brain's beside the brain gets it whole, not the bone's."""
    of_tissue = {2: [1.0, -2.0, 3.0], 4: [40.0, 50.0, 60.0], 5: [-7.0, 8.0, 9.0]}
    values = np.array([of_tissue[tissue] for tissue in field.mesh.tissue.tolist()])
    even = replace(field, e_field=values, corners=None)
    points = np.array([[0, 0, 71], [1, 0, 71], [0, 1, 71], [0, 0, 65]]) * mm
    triangle = Surface(points=points, triangles=np.array([[0, 1, 2]]))
    assert_allclose(even.on_surface(triangle, tissue=2), np.tile(of_tissue[2], (4, 1)), rtol=1e-9)
    assert_allclose(even.on_surface(triangle)[:3], np.tile(of_tissue[4], (3, 1)), rtol=1e-9)


def test_at_points_of_an_absent_tissue_is_refused(field):
    with pytest.raises(ValueError, match="tissue 9"):
        field.at_points([[0, 0, 0.05]], tissue=9)


def test_numbers_that_sum_a_field_up(field):
    values, volumes = field.magnitude, field.mesh.volumes
    assert percentile(values, volumes, 0) == values.min()
    assert percentile(values, volumes, 1) == values.max()
    assert mean_of_highest(values, volumes, volumes.sum()) == pytest.approx(float(mean(values, volumes)))
    peaks = peak_by_tissue(field)
    assert set(peaks) == {"grey matter", "bone", "scalp"}
    for peak in peaks.values():
        assert peak.top_cubic_centimetre <= peak.highest
        assert peak.percentile_99_9 <= peak.highest


def test_arrays(field, tmp_path):
    points = np.array([[0, 0, 60], [10, 0, 50]]) * mm
    write_field(tmp_path / "e.npz", field, at_points=points)
    with np.load(tmp_path / "e.npz") as file:
        assert_allclose(file["e_field"], field.e_field)
        assert_allclose(file["barycentre"], field.mesh.barycentres)
        assert_allclose(file["potential"], field.potential)
        assert_allclose(file["e_field_at_points"], field.at_points(points))


def test_gmsh_mesh(field, tmp_path):
    write_field(tmp_path / "e.msh", field)
    data = read_mesh_data(tmp_path / "e.msh")
    assert len(read_mesh(tmp_path / "e.msh").tetrahedra) == len(field.mesh.tetrahedra)
    assert_allclose(data.element_data["E"], field.e_field)
    assert_allclose(data.element_data["magnE"].ravel(), field.magnitude)
    assert_allclose(data.node_data["v"].ravel(), field.potential)


def test_paraview_grid(field, tmp_path):
    write_field(tmp_path / "e.vtu", field)
    grid = meshio.read(tmp_path / "e.vtu")
    assert_allclose(grid.points, field.mesh.nodes / mm)
    assert_allclose(grid.cell_data["E"][0], field.e_field)


def test_image_agrees_with_the_field_at_voxel_centres(field, tmp_path):
    affine = np.diag([4 * mm, 4 * mm, 4 * mm, 1.0])
    affine[:3, 3] = -100 * mm
    like = Image(data=np.zeros((50, 50, 50), np.float32), affine=affine)
    write_field(tmp_path / "e.nii.gz", field, like=like)
    image = read_image(tmp_path / "e.nii.gz")
    voxels = np.argwhere(np.ones(like.data.shape, bool))
    values, centres = image.data.ravel(), voxels @ affine[:3, :3].T + affine[:3, 3]
    tetrahedra, weights = field.mesh.locate(centres)
    assert (values[tetrahedra < 0] == 0).all()
    assert (values[tetrahedra >= 0] > 0).all()
    some = np.flatnonzero(weights.min(axis=1) > 1e-3)[::97]  # on a face two tetrahedra have a say, and E jumps there
    assert len(some) > 200
    assert_allclose(values[some], np.linalg.norm(field.at_points(centres[some]), axis=1), rtol=1e-3, atol=1e-4)


def test_image_without_a_grid_covers_the_mesh(field, tmp_path):
    write_field(tmp_path / "e.nii", field)
    image = read_image(tmp_path / "e.nii")
    assert (np.array(image.data.shape) > 183).all()
    assert image.data.max() == pytest.approx(np.linalg.norm(field.recovered.values, axis=1).max(), rel=0.3)


@pytest.mark.parametrize(
    ("name", "points", "complaint"), [("e.txt", None, "endings"), ("e.msh", np.zeros((1, 3)), "npz")]
)
def test_wrong_endings_are_refused_and_leave_nothing(field, tmp_path, name, points, complaint):
    with pytest.raises(CannotWrite, match=complaint):
        write_field(tmp_path / name, field, at_points=points)
    assert not list(tmp_path.iterdir())
