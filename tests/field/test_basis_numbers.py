"""The numbers a field basis states of itself: its modes' size, the error it refuses, the placements it is tested at."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import Pose, find_coil, find_entry
from anodyne.errors import PlacementRefused
from anodyne.field import BasisTest, FieldBasis, RandomPlacements
from anodyne.head import Image
from anodyne.units import A_per_us, mm

RADIUS = 89 * mm
ABOVE = Pose.from_point_and_handle([0, 0, 95 * mm], [0, 0, -1], [0.3, 1, 0])


@pytest.fixture(scope="module")
def coil():
    return find_entry("magstim-70mm").dipole_coil()


@pytest.fixture(scope="module")
def basis():
    """Two modes at three points, read at five sensors that they make up only in part."""
    generator = np.random.default_rng(2)
    axis = np.linspace(-150 * mm, 150 * mm, 31)
    away = np.linalg.norm(np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1), axis=-1)
    affine = np.diag([10 * mm, 10 * mm, 10 * mm, 1.0])
    affine[:3, 3] = -150 * mm
    modes = np.zeros((2, 3, 3), np.float32)
    modes[0], modes[1, 0] = [3.0, 0, 4], [0, 6, 0]
    directions = generator.normal(size=(5, 3))
    return FieldBasis(
        head="ball",
        fingerprint="0" * 64,
        points=generator.normal(size=(3, 3)) * 40 * mm,
        triangles=np.array([[0, 1, 2]], np.int32),
        modes=modes,
        reading=generator.normal(size=(2, 15)) / 15,
        sensed=generator.normal(size=(2, 15)),
        sensors=directions / np.linalg.norm(directions, axis=1)[:, None] * 70 * mm,
        scalp_distance=Image(data=(away - RADIUS).astype(np.float32), affine=affine),
    )


def test_singular_values_are_each_modes_root_mean_square(basis):
    assert_allclose(basis.singular_values, [5, 6 / np.sqrt(3)])


@pytest.mark.parametrize(("error", "is_refused"), [(0.19, False), (0.21, True)])
def test_a_fifth_of_the_field_is_the_largest_error_that_is_let_pass(basis, coil, error, is_refused):
    placed = ABOVE.head_from_coil[None]
    rates = basis.rates(coil, placed, 1.0)
    unexplained = float(basis.arrays.unexplained(rates, basis.arrays.amounts(rates))[0])
    test = BasisTest(coil=coil.name, head_from_coil=tuple(placed.ravel()), error=error, unexplained=unexplained)
    tested = replace(basis, tests=(test,))
    assert tested.estimated_error(coil, ABOVE) == pytest.approx(error)
    if is_refused:
        with pytest.raises(PlacementRefused, match="off by about 21%"):
            tested.evaluate(coil, ABOVE, 1 * A_per_us)
    else:
        assert np.isfinite(tested.evaluate(coil, ABOVE, 1 * A_per_us)).all()


def test_tests_stand_between_two_and_a_half_and_fifteen_millimetres_off_the_scalp(ball_of):
    head = ball_of(20 * mm)
    coil = find_coil("magventure-cool-b35")
    placements = RandomPlacements(head=head, generator=np.random.default_rng(3))
    clearances = [
        head.scalp_distance_at(placements.of(coil).to_head(coil.outline)).min() for _ in range(60)
    ]  # each within 0.2 mm of what was drawn
    assert 2.3 * mm < min(clearances) < 4 * mm
    assert 13.5 * mm < max(clearances) < 15.2 * mm
