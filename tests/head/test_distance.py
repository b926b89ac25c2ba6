"""Signed distances against closed forms."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.head.distance import projected, sample, signed_distance, surface_distance
from anodyne.head.isosurface import isosurface
from anodyne.units import mm

SPACING = 2 * mm
SHAPE = (41, 41, 41)
AFFINE = np.diag([SPACING, SPACING, SPACING, 1.0])
AFFINE[:3, 3] = -40 * mm
GRID = np.stack(np.indices(SHAPE), -1) * SPACING - 40 * mm
BALL = np.linalg.norm(GRID, axis=-1) - 25 * mm


def test_distance_of_a_ball_from_a_level_set_of_another_slope():
    distance = signed_distance(3 * BALL * (1 + 0.2 * np.sin(GRID[..., 0] / (10 * mm))), SPACING)
    assert_allclose(distance, BALL, atol=1.1 * SPACING)  # first order in the spacing far away
    near = np.abs(BALL) < 2 * SPACING
    assert_allclose(distance[near], BALL[near], atol=0.3 * SPACING)


def test_distance_keeps_the_sign_of_the_level_set_and_stops_at_its_reach():
    distance = signed_distance(BALL, SPACING, reach=8 * mm)
    assert ((distance < 0) == (BALL < 0)).all()
    assert np.abs(distance).max() <= 8 * mm + 2 * SPACING + 1e-6
    whole = signed_distance(BALL, SPACING)
    near = np.abs(BALL) < 6 * mm
    assert_allclose(distance[near], whole[near], atol=1e-6)


def test_level_set_without_a_crossing_is_refused():
    with pytest.raises(ValueError, match="no zero crossing"):
        signed_distance(np.ones((4, 4, 4)), 1.0)


def test_distance_to_a_surface_agrees_with_the_ball_it_was_made_from():
    surface = isosurface(BALL, AFFINE, spacing=SPACING)
    distance = surface_distance(surface.points, surface.triangles, SHAPE, AFFINE)
    assert_allclose(distance, BALL, atol=0.2 * SPACING)


def test_sampling_is_exact_for_linear_functions_and_constant_beyond_the_border(rng):
    data = 1 + GRID @ [2.0, -3.0, 0.5]
    points = rng.uniform(-39 * mm, 39 * mm, (200, 3))
    assert_allclose(sample(data, AFFINE, points), 1 + points @ [2.0, -3.0, 0.5], atol=1e-6)
    far = sample(data, AFFINE, np.array([[1.0, 0, 0]]))
    assert_allclose(far, 1 + np.array([40 * mm, 0, 0]) @ [2.0, -3.0, 0.5], atol=1e-6)


def test_projection_lands_on_the_zero_level(rng):
    points = rng.normal(size=(100, 3))
    points *= (rng.uniform(20 * mm, 30 * mm, 100) / np.linalg.norm(points, axis=1))[:, None]

    def ball(p):
        return np.linalg.norm(p, axis=1) - 25 * mm

    assert_allclose(ball(projected(ball, points, 1 * mm)), 0, atol=1e-6)
