"""A coil at every handle angle at once does what the same coil does placed at each of them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import CompositeCoil, Pose, SampledCoil, find_entry
from anodyne.field import ExteriorField, FieldModel, placement_components, turned_components
from anodyne.field.reciprocity.turning import CUBIC, _Rings
from anodyne.head import layered_sphere
from anodyne.units import A_per_us, degree, mm

COILS = {
    "flat": find_entry("magstim-70mm").wire_coil(),
    "bent": find_entry("magventure-cool-d-b80").wire_coil(),
    "dipoles": find_entry("magventure-c-b60").dipole_coil(),
}
COILS["two kinds"] = CompositeCoil(
    name="both", label="both", source="this test", parts=(COILS["flat"], COILS["dipoles"])
)
ANGLES = np.array([0, 17, 90, 133, 262.5, 360]) * degree
RISES = np.array([0, 1.5, -4, 3, 5, 0]) * mm


@pytest.fixture(scope="module")
def adjoint():
    mesh = layered_sphere([78 * mm, 80 * mm, 86 * mm, 92 * mm], [2, 3, 4, 5], 8 * mm)
    region = np.flatnonzero(np.linalg.norm(mesh.barycentres - [0, 0, 70 * mm], axis=1) < 8 * mm)
    volumes = mesh.volumes[region]
    return FieldModel(mesh).adjoint(region, volumes / volumes.sum(), np.eye(3))


@pytest.fixture(scope="module")
def exterior(adjoint):
    return ExteriorField(adjoint)


@pytest.fixture(scope="module")
def frames():
    """Above the vertex, beside it, and tilted, high enough for a coil that bends to the head."""
    aside = Pose.from_point_and_handle([20 * mm, -5 * mm, 120 * mm], [-0.2, 0.05, -1], [0, 1, 0])
    return [Pose.from_point_and_handle([0, 0, 118 * mm], [0, 0, -1], [0, 1, 0]), aside]


def placed(frame, angle, rise):
    return frame.turned(angle).lifted(rise)


@pytest.mark.parametrize("name", COILS)
def test_turning_is_placing(adjoint, exterior, frames, name):
    coil = COILS[name]
    turned = turned_components(exterior, coil, [frame.head_from_coil for frame in frames], 1 * A_per_us)
    for number, (frame, some) in enumerate(zip(frames, (slice(0, 5, 2), slice(1, 5, 2)), strict=True)):
        angles, rises = ANGLES[some], RISES[some]
        poses = [placed(frame, angle, rise) for angle, rise in zip(angles, rises, strict=True)]
        exact = np.array([adjoint.component(coil, pose, 1 * A_per_us) for pose in poses])
        fast = turned.at(np.full(len(angles), number), angles, rises)
        assert_allclose(fast, exact, rtol=0, atol=2e-3 * np.abs(exact).max())


def test_both_ways_of_reading_agree(exterior, frames):
    coil = COILS["flat"]
    turned = turned_components(exterior, coil, [frames[0].head_from_coil], 1 * A_per_us)
    poses = [placed(frames[0], angle, 0).head_from_coil for angle in ANGLES]
    read = placement_components(exterior, coil, poses, 1 * A_per_us)
    assert_allclose(turned.at(0 * np.arange(6), ANGLES, np.zeros(6)), read, rtol=0, atol=1e-3 * np.abs(read).max())


def test_half_a_turn_of_a_figure_of_eight_turns_the_field_round(exterior, frames):
    turned = turned_components(exterior, COILS["flat"], [frames[1].head_from_coil], 1 * A_per_us)
    there = turned.at([0, 0, 0], ANGLES[:3], RISES[:3])
    assert_allclose(turned.at([0, 0, 0], ANGLES[:3] + np.pi, RISES[:3]), -there, atol=1e-9 * np.abs(there).max())


def test_a_round_coil_does_not_care_how_it_is_turned(exterior, frames):
    coil = find_entry("magstim-90mm").wire_coil()
    turned = turned_components(exterior, coil, [frames[1].head_from_coil], 1 * A_per_us)
    there = turned.at(np.zeros(6, int), ANGLES, np.zeros(6))
    assert_allclose(there, np.broadcast_to(there[0], there.shape), rtol=0, atol=2e-3 * np.abs(there).max())


def test_series_sums_to_the_components(exterior, frames):
    turned = turned_components(exterior, COILS["flat"], [frames[1].head_from_coil], 1 * A_per_us)
    series = turned.series([0], [2 * mm])[0]
    waves = np.exp(1j * np.outer(np.arange(series.shape[1]), ANGLES))
    assert_allclose((series @ waves).real.T, turned.at(np.zeros(6, int), ANGLES, np.full(6, 2 * mm)), rtol=1e-9)


def test_rings_carry_the_coils_current_moments():
    """Spreading with a cubic's weights keeps what polynomials up to the third degree see of the coil."""
    elements = COILS["flat"].elements
    rings = _Rings.of(elements.positions, elements.vectors)
    assert len(rings.points) == rings.counts.sum()
    assert_allclose(np.hypot(*rings.points.T[:2]), np.repeat(rings.radius, rings.counts))
    for power in range(4):
        there = (rings.towards[0, 0] * rings.height**power).sum()
        exact = ((elements.vectors[:, 0] + 1j * elements.vectors[:, 1]) * elements.positions[:, 2] ** power).sum()
        assert abs(there - exact) < 1e-9


def test_cubic_weights_interpolate():
    nodes = np.array([-1, 0, 1, 2.0])
    assert_allclose(nodes[:, None] ** np.arange(4) @ CUBIC.T, np.eye(4), atol=1e-12)


def test_a_rise_out_of_reach_is_refused(exterior, frames):
    turned = turned_components(exterior, COILS["flat"], [frames[0].head_from_coil], 1 * A_per_us)
    with pytest.raises(ValueError, match="beyond the reach"):
        turned.at([0], [0.0], [turned.reach * 1.1])


def test_a_coil_of_samples_has_nothing_to_turn(exterior, frames):
    samples = SampledCoil(
        name="samples",
        label="a sampled coil",
        source="this test",
        samples=np.zeros((4, 4, 4, 3)),
        coil_from_voxel=np.diag([0.1, 0.1, 0.1, 1]),
    )
    with pytest.raises(ValueError, match="no elements to turn"):
        turned_components(exterior, samples, [frames[0].head_from_coil], 1 * A_per_us)
