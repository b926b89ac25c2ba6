"""What every coil obeys, and what its elements add up to."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation
from scipy.special import ellipe, ellipk

from anodyne.coil import (
    Casing,
    CompositeCoil,
    CurrentElements,
    DipoleCoil,
    MagneticDipoles,
    Pose,
    RoundWinding,
    SampledCoil,
    WireCoil,
    find_entry,
)
from anodyne.errors import PlacementRefused
from anodyne.units import mm

MU0 = 4e-7 * np.pi
described = {"name": "test", "label": "a test coil", "source": "none"}


def loop_potential(radius: float, rho: np.ndarray, z: np.ndarray) -> np.ndarray:
    """A_φ of a circular loop of 1 A (Jackson, eq. 5.37)."""
    square = 4 * radius * rho / ((radius + rho) ** 2 + z**2)
    bracket = (1 - square / 2) * ellipk(square) - ellipe(square)
    return MU0 / (np.pi * np.sqrt(square)) * np.sqrt(radius / rho) * bracket


def loop_field(radius: float, rho: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """B_ρ and B_z of a circular loop of 1 A (Smythe, Static and Dynamic Electricity, 7.10)."""
    square = 4 * radius * rho / ((radius + rho) ** 2 + z**2)
    near, far = (radius - rho) ** 2 + z**2, np.sqrt((radius + rho) ** 2 + z**2)
    k, e = ellipk(square), ellipe(square)
    across = MU0 * z / (2 * np.pi * rho * far) * (-k + (radius**2 + rho**2 + z**2) / near * e)
    return across, MU0 / (2 * np.pi * far) * (k + (radius**2 - rho**2 - z**2) / near * e)


def one_turn() -> RoundWinding:
    wire = 0.02 * mm
    return RoundWinding(
        turns=1,
        inner_diameter=80 * mm - wire,
        outer_diameter=80 * mm + wire,
        wire_width=wire,
        wire_height=wire,
    )


@pytest.mark.parametrize("elements", ["current_elements", "dipoles"])
def test_circular_loop_against_elliptic_integrals(elements):
    source = getattr(one_turn(), elements)()
    random = np.random.default_rng(3)
    rho, angle = random.uniform(2, 120, 400) * mm, random.uniform(0, 2 * np.pi, 400)
    z = random.uniform(20, 100, 400) * mm
    points = np.column_stack([rho * np.cos(angle), rho * np.sin(angle), z - 0.01 * mm])
    outwards = np.column_stack([np.cos(angle), np.sin(angle), 0 * angle])
    round_axis = np.column_stack([-np.sin(angle), np.cos(angle), 0 * angle])
    expected_a = loop_potential(40 * mm, rho, z)[:, None] * round_axis
    across, along = loop_field(40 * mm, rho, z)
    expected_b = across[:, None] * outwards + along[:, None] * np.array([0, 0, 1])
    a, b = source.vector_potential(points), source.magnetic_field(points)
    assert_allclose(a, expected_a, rtol=0, atol=1e-4 * np.abs(expected_a).max())
    assert_allclose(b, expected_b, rtol=0, atol=1e-4 * np.abs(expected_b).max())
    error = np.linalg.norm(a - expected_a, axis=1) / np.linalg.norm(expected_a, axis=1)
    assert error.max() < 1e-4
    assert (np.linalg.norm(b - expected_b, axis=1) / np.linalg.norm(expected_b, axis=1)).max() < 1e-4


def few_wires() -> CurrentElements:
    random = np.random.default_rng(1)
    positions = random.uniform(-50, 50, (60, 3)) * mm - [0, 0, 0.08]
    return CurrentElements(positions=positions, vectors=random.normal(size=(60, 3)) * mm)


def few_dipoles() -> MagneticDipoles:
    random = np.random.default_rng(2)
    positions = random.uniform(-50, 50, (60, 3)) * mm - [0, 0, 0.08]
    return MagneticDipoles(positions=positions, moments=random.normal(size=(60, 3)) * mm**2)


def sampled() -> SampledCoil:
    axis = np.linspace(-60, 60, 25) * mm
    grid = np.stack(np.meshgrid(axis, axis, axis + 50 * mm, indexing="ij"), axis=-1)
    affine = np.diag([5 * mm, 5 * mm, 5 * mm, 1])
    affine[:3, 3] = [-60 * mm, -60 * mm, -10 * mm]
    samples = few_dipoles().vector_potential(grid.reshape(-1, 3)).reshape(grid.shape)
    return SampledCoil(samples=samples, coil_from_voxel=affine, **described)


def every_coil():
    casing = Casing(points=np.eye(3), triangles=np.array([[0, 1, 2]]))
    wires = WireCoil(elements=few_wires(), casing=casing, maximum_di_dt=1e8, **described)
    dipoles = DipoleCoil(dipoles=few_dipoles(), **described)
    coils = [wires, dipoles, sampled(), CompositeCoil(parts=(wires, dipoles), **described)]
    return [pytest.param(coil, id=type(coil).__name__) for coil in coils]


points = np.random.default_rng(5).uniform(-40, 40, (50, 3)) * mm + [0, 0, 0.05]


@pytest.mark.parametrize("coil", every_coil())
class TestEveryCoil:
    """The contract of `Coil`."""

    def test_field_is_the_curl_of_the_potential(self, coil):
        step = 0.2 * mm
        gradient = np.empty((len(points), 3, 3))
        for axis in range(3):
            shift = step * np.eye(3)[axis]
            ahead, behind = coil.vector_potential(points + shift), coil.vector_potential(points - shift)
            gradient[:, :, axis] = (ahead - behind) / (2 * step)
        curl = gradient[:, [2, 0, 1], [1, 2, 0]] - gradient[:, [1, 2, 0], [2, 0, 1]]
        b = coil.magnetic_field(points)
        assert_allclose(b, curl, rtol=0, atol=(5e-3 if isinstance(coil, SampledCoil) else 1e-4) * np.abs(b).max())

    def test_a_rigid_motion_of_coil_and_points_changes_nothing(self, coil):
        movement = np.eye(4)
        movement[:3, :3] = Rotation.from_rotvec([0.4, -1.1, 0.7]).as_matrix()
        movement[:3, 3] = [0.1, -0.2, 0.3]
        pose = Pose.facing([0, 0.01, 0.1], [0.1, 0.2, 1], [0, 0.1, 0.1])
        there = pose.to_head(points)
        moved = there @ movement[:3, :3].T + movement[:3, 3]
        for rate in (coil.da_dt, coil.db_dt):
            still = rate(there, pose, 2e6)
            after = rate(moved, pose.moved(movement), 2e6)
            assert_allclose(after, still @ movement[:3, :3].T, rtol=0, atol=1e-9 * np.abs(still).max())

    def test_the_rate_is_linear_in_the_current(self, coil):
        pose = Pose(head_from_coil=np.eye(4))
        assert_allclose(coil.da_dt(points, pose, 3e6), 3e6 * coil.vector_potential(points), rtol=1e-12)
        assert_allclose(coil.db_dt(points, pose, 3e6), 3e6 * coil.magnetic_field(points), rtol=1e-12)

    def test_sources_add_up_to_the_field(self, coil):
        if not coil.sources():
            assert isinstance(coil, SampledCoil)
            return
        total = sum(source.vector_potential(points) for source in coil.sources())
        assert_allclose(total, coil.vector_potential(points), rtol=1e-12)

    def test_shapes_and_values_are_checked(self, coil):
        assert coil.vector_potential(points).shape == coil.magnetic_field(points).shape == points.shape
        assert coil.outline.shape[1] == 3
        assert coil.vector_potential(points[:0]).shape == (0, 3)
        with pytest.raises(ValueError, match="peak dI/dt"):
            replace(coil, maximum_di_dt=0.0)
        with pytest.raises(ValueError, match="winding depth"):
            replace(coil, winding_depth=np.nan)


def test_superposition():
    first, second = few_wires(), few_wires().moved(np.diag([-1.0, -1, 1, 1]))
    both = CurrentElements(
        positions=np.concatenate([first.positions, second.positions]),
        vectors=np.concatenate([first.vectors, 2 * second.vectors]),
    )
    expected = first.vector_potential(points) + 2 * second.vector_potential(points)
    assert_allclose(both.vector_potential(points), expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize(
    "name",
    ["magstim-70mm", "magventure-c-b60", "magventure-cool-b35", "magventure-mri-b91", "magventure-c-100"],
)
def test_wires_and_dipoles_of_one_coil_agree(name):
    entry = find_entry(name)
    below = points * [1.5, 1.5, 0.5]  # 5 to 45 mm beneath the casing's face
    wires, dipoles = entry.wire_coil(), entry.dipole_coil()
    for field in ("vector_potential", "magnetic_field"):
        one, other = getattr(wires, field)(below), getattr(dipoles, field)(below)
        assert np.linalg.norm(one - other) < 3e-3 * np.linalg.norm(one)


@pytest.mark.parametrize("name", ["magstim-70mm", "magventure-cool-d-b80", "magventure-cool-b35"])
def test_a_positive_rate_of_current_drives_e_away_from_the_handle(name):
    coil = find_entry(name).wire_coil()
    a_x, a_y, a_z = coil.vector_potential(np.array([[0, 0, 30 * mm]]))[0]
    assert a_y < 0  # E = −dA/dt along +y
    assert max(abs(a_x), abs(a_z)) < 1e-2 * abs(a_y)


def test_one_symmetry_axis_of_a_figure_of_eight():
    coil = find_entry("magstim-70mm").wire_coil()
    mirrored = coil.vector_potential(points * [-1, 1, 1]) * [-1, 1, 1]
    assert_allclose(mirrored, coil.vector_potential(points), rtol=0, atol=1e-12)


def test_a_point_outside_the_samples_is_refused():
    for beyond in (0.2, np.nan):
        with pytest.raises(PlacementRefused, match="does not reach 1 of 2 points"):
            sampled().vector_potential(np.array([[0, 0, 0.05], [0, 0, beyond]]))


SHEARED = np.array([[0.006, 0.001, 0, -0.02], [0, -0.005, 0.001, 0.02], [0.001, 0, 0.007, -0.01], [0, 0, 0, 1]])


def grid_points(affine: np.ndarray, counts: tuple[int, int, int]) -> np.ndarray:
    return np.argwhere(np.ones(counts, bool)) @ affine[:3, :3].T + affine[:3, 3]


def test_samples_of_a_cubic_give_the_cubic_everywhere():
    random = np.random.default_rng(3)
    powers = np.array([(i, j, k) for i in range(4) for j in range(4) for k in range(4) if i + j + k <= 3])
    factors = random.normal(size=(len(powers), 3))

    def terms(at, powers):
        return np.prod((at[:, None] / 0.02) ** np.maximum(powers, 0), axis=2) * (powers >= 0).all(axis=1)

    counts = (6, 9, 4)
    samples = (terms(grid_points(SHEARED, counts), powers) @ factors).reshape(*counts, 3)
    coil = SampledCoil(samples=samples, coil_from_voxel=SHEARED, **described)
    within = random.uniform(0, np.array(counts) - 1, (200, 3)) @ SHEARED[:3, :3].T + SHEARED[:3, 3]
    expected = terms(within, powers) @ factors
    assert_allclose(coil.vector_potential(within), expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    slopes = [
        terms(within, powers - np.eye(3, dtype=int)[i]) @ (powers[:, i : i + 1] * factors) / 0.02 for i in range(3)
    ]
    curl = [slopes[1][:, 2] - slopes[2][:, 1], slopes[2][:, 0] - slopes[0][:, 2], slopes[0][:, 1] - slopes[1][:, 0]]
    assert_allclose(coil.magnetic_field(within), np.transpose(curl), rtol=0, atol=1e-12 * np.abs(curl).max())


@pytest.mark.parametrize("lowest", [-20, -17, -14])
def test_the_shadow_of_a_sampled_winding_is_about_its_size(lowest):
    """Whichever plane of the grid lies nearest to the face."""
    wires = find_entry("magstim-70mm").wire_coil()
    affine, counts = np.diag([5 * mm, 5 * mm, 5 * mm, 1]), (61, 61, 12)
    affine[:3, 3] = [-150 * mm, -150 * mm, lowest * mm]
    samples = wires.vector_potential(grid_points(affine, counts)).reshape(*counts, 3)
    shadow = SampledCoil(samples=samples, coil_from_voxel=affine, **described).outline
    assert len(shadow) > 100
    assert_allclose(shadow[:, 2], -1 * mm)
    assert_allclose(np.ptp(shadow, axis=0)[:2], np.ptp(wires.outline, axis=0)[:2], rtol=0, atol=25 * mm)
    assert_allclose(np.abs(shadow.mean(axis=0)[:2]), 0, atol=2 * mm)


def test_the_shadow_lies_inside_the_grid_and_is_never_a_point_alone():
    samples = np.array(sampled().samples)
    samples[12, 12] = 1e6
    for values in (sampled().samples, samples, np.zeros_like(samples)):
        coil = replace(sampled(), samples=values)
        assert len(coil.outline) >= 8
        assert np.isfinite(coil.vector_potential(coil.outline)).all()


def test_elements_are_checked_and_cannot_be_changed():
    with pytest.raises(ValueError, match="not finite"):
        MagneticDipoles(positions=np.full((2, 3), np.nan), moments=np.ones((2, 3)))
    with pytest.raises(ValueError, match="2 positions but 1"):
        CurrentElements(positions=np.ones((2, 3)), vectors=np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"\(n, 3\)"):
        few_wires().vector_potential(np.ones(3))
    with pytest.raises(ValueError, match="read-only"):
        few_wires().positions[0] = 0
    with pytest.raises(ValueError, match="at least one part"):
        CompositeCoil(parts=(), **described)
    with pytest.raises(ValueError, match="not among"):
        Casing(points=np.eye(3), triangles=np.array([[0, 1, 3]]))
