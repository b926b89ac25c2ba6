"""What a head measures."""

import numpy as np
import pytest

from anodyne.head import head_circumference, load_head, measure_anatomy
from anodyne.head.anatomy import distance_to_surface, published_anatomy
from anodyne.head.isosurface import isosurface
from anodyne.units import mm

SPACING = 2 * mm


def ellipsoid(x, y, z):
    low = -120 * mm
    grid = np.stack(np.indices((121, 121, 121)), -1) * SPACING + low
    affine = np.diag([SPACING, SPACING, SPACING, 1.0])
    affine[:3, 3] = low
    shape = np.linalg.norm(grid / [x, y, z], axis=-1) - 1
    return isosurface(shape * min(x, y, z), affine, spacing=SPACING)


def test_circumference_of_a_ball_and_an_ellipsoid():
    assert head_circumference(ellipsoid(0.09, 0.09, 0.09)) == pytest.approx(2 * np.pi * 0.09, rel=0.02)
    a, b = 75 * mm, 95 * mm
    h = ((a - b) / (a + b)) ** 2  # Ramanujan's second approximation of an ellipse's perimeter
    perimeter = np.pi * (a + b) * (1 + 3 * h / (10 + np.sqrt(4 - 3 * h)))
    assert head_circumference(ellipsoid(a, b, 85 * mm)) == pytest.approx(perimeter, rel=0.025)


def test_distance_to_a_surface_is_that_across_it(rng):
    ball = ellipsoid(0.08, 0.08, 0.08)
    points = rng.normal(size=(50, 3))
    points *= 0.07 / np.linalg.norm(points, axis=1)[:, None]
    assert distance_to_surface(ball, points) == pytest.approx(10 * mm, abs=0.3 * mm)


def test_published_ranges_are_ranges_with_sources():
    for published in published_anatomy().values():
        assert 0 < published.low < published.high < 1
        assert published.source


def test_thicknesses_are_those_of_the_recipe(coarse_head):
    measures = {m.name: m for m in measure_anatomy(coarse_head)}
    assert measures["skull-thickness"].value == pytest.approx(6.5 * mm, abs=0.3 * mm)
    assert measures["csf-thickness"].value == pytest.approx(2.4 * mm, abs=0.4 * mm)
    assert measures["scalp-thickness"].value > 4.5 * mm
    assert "published 5.4–9.4" in str(measures["skull-thickness"])


def test_only_what_is_there_is_measured(shared):
    measures = {m.name for m in measure_anatomy(load_head(shared / "data" / "mesh" / "sphere3.msh"))}
    assert "circumference" in measures
    assert not measures & {"white-volume", "brain-volume", "csf-thickness", "scalp-cortex-m1"}
