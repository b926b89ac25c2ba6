"""Thousands of placements by reciprocity agree with the nodes' own sum, for wires, dipoles and samples."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import CompositeCoil, Pose, SampledCoil, find_entry
from anodyne.field import ExteriorField, FieldModel, placement_components
from anodyne.field.reciprocity.exterior import potential_on
from anodyne.head import layered_sphere
from anodyne.units import A_per_us, mm

COILS = {
    "wires": find_entry("magstim-70mm").wire_coil(),
    "dipoles": find_entry("magventure-c-b60").dipole_coil(),
}
COILS["both"] = CompositeCoil(name="both", label="both", source="this test", parts=(COILS["wires"], COILS["dipoles"]))


@pytest.fixture(scope="module")
def adjoint():
    mesh = layered_sphere([78 * mm, 80 * mm, 86 * mm, 92 * mm], [2, 3, 4, 5], 8 * mm)
    region = np.flatnonzero(np.linalg.norm(mesh.barycentres - [0, 0, 70 * mm], axis=1) < 8 * mm)
    volumes = mesh.volumes[region]
    return FieldModel(mesh).adjoint(region, volumes / volumes.sum(), np.eye(3))


def poses_about_the_vertex(count):
    rng = np.random.default_rng(1)
    into = np.column_stack([0.25 * rng.normal(size=(count, 2)), -np.ones(count)])
    into /= np.linalg.norm(into, axis=1)[:, None]
    return [Pose.from_point_and_handle(-96 * mm * z, z, rng.normal(size=3)) for z in into]


@pytest.mark.parametrize("name", COILS)
def test_lattice_reads_what_the_nodes_sum(adjoint, name):
    poses = poses_about_the_vertex(12)
    fast = placement_components(adjoint, COILS[name], [pose.head_from_coil for pose in poses], 1 * A_per_us)
    exact = np.array([adjoint.component(COILS[name], pose, 1 * A_per_us) for pose in poses])
    assert_allclose(fast, exact, rtol=0, atol=4e-3 * np.abs(exact).max())


def test_finer_lattice_is_closer(adjoint):
    poses = poses_about_the_vertex(4)
    matrices = [pose.head_from_coil for pose in poses]
    exact = np.array([adjoint.component(COILS["wires"], pose, 1 * A_per_us) for pose in poses])
    errors = [
        np.abs(placement_components(adjoint, COILS["wires"], matrices, 1 * A_per_us, spacing=spacing) - exact).max()
        for spacing in (12 * mm, 6 * mm)
    ]
    assert errors[1] < errors[0] / 2


def test_a_coil_without_elements_is_scored_through_its_samples(adjoint):
    axis = np.arange(-150, 151, 10) * mm
    low = np.array([-150, -150, -20]) * mm
    counts = (31, 31, 23)
    grid = low + 10 * mm * np.argwhere(np.ones(counts, bool))
    affine = np.diag([10 * mm] * 3 + [1.0])
    affine[:3, 3] = low
    assert len(axis) == counts[0]
    values = COILS["wires"].vector_potential(grid).reshape(*counts, 3)
    sampled = SampledCoil(name="samples", label="samples", source="this test", samples=values, coil_from_voxel=affine)
    poses = poses_about_the_vertex(2)
    fast = placement_components(adjoint, sampled, [pose.head_from_coil for pose in poses], 1 * A_per_us)
    exact = placement_components(adjoint, COILS["wires"], [pose.head_from_coil for pose in poses], 1 * A_per_us)
    assert_allclose(fast, exact, rtol=0, atol=0.1 * np.abs(exact).max())


def test_what_was_summed_once_serves_again(adjoint):
    matrices = [pose.head_from_coil for pose in poses_about_the_vertex(4)]
    exterior = ExteriorField(adjoint)
    first = placement_components(exterior, COILS["wires"], matrices, 1 * A_per_us)
    summed = exterior.lattice(potential_on).points
    assert summed > 0
    assert_allclose(placement_components(exterior, COILS["wires"], matrices, 1 * A_per_us), first, rtol=1e-12)
    assert exterior.lattice(potential_on).points == summed
    assert_allclose(placement_components(adjoint, COILS["wires"], matrices, 1 * A_per_us), first, rtol=1e-12)


def test_no_placements_are_no_components(adjoint):
    assert placement_components(adjoint, COILS["wires"], np.empty((0, 4, 4)), 1 * A_per_us).shape == (0, 3)
