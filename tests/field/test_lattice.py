"""Nested lattices read what a smooth field is, sum each point once, and are finer about the middle."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.field.reciprocity.lattice import NestedLattice, _spread
from anodyne.units import mm

MIDDLE = np.array([10, -20, 30]) * mm
RNG = np.random.default_rng(0)


def about_the_middle(count, nearest, furthest):
    """Points between two distances from the middle."""
    directions = RNG.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    return MIDDLE + directions * RNG.uniform(nearest, furthest, count)[:, None]


@pytest.fixture
def asked():
    return []


@pytest.fixture
def lattice(asked):
    """Of a charge at the middle, and of a straight field."""

    def summed(points):
        asked.append(len(points))
        away = points.astype(float) - MIDDLE
        return np.column_stack([1 / np.maximum(np.linalg.norm(away, axis=1), 1 * mm), away[:, 0], away[:, 1]])

    return NestedLattice(summed, 3, MIDDLE)


@pytest.mark.parametrize("reach", [(30 * mm, 50 * mm), (60 * mm, 90 * mm), (110 * mm, 200 * mm)])
def test_reads_what_is_there(lattice, reach):
    points = about_the_middle(200, *reach)
    lattice.cover(points)
    values = lattice.read(points)
    assert_allclose(values[:, 1:], (points - MIDDLE)[:, :2], atol=1e-8)
    assert_allclose(values[:, 0], 1 / np.linalg.norm(points - MIDDLE, axis=1), rtol=3e-3)


def test_each_point_is_summed_once(lattice, asked):
    points = about_the_middle(100, 30 * mm, 150 * mm)
    lattice.cover(points)
    assert sum(asked) == lattice.points
    before = lattice.read(points)
    lattice.cover(points[::-1].copy())
    assert sum(asked) == lattice.points
    further = about_the_middle(50, 150 * mm, 250 * mm)
    lattice.cover(further)
    assert sum(asked) == lattice.points
    assert_allclose(lattice.read(points), before, rtol=1e-12)


def test_few_points_are_asked_for_far_out(lattice, asked):
    lattice.cover(about_the_middle(1, 200 * mm, 201 * mm))
    assert sum(asked) == 64


def test_spreading_does_not_wrap():
    cells = np.zeros((9, 6, 5), bool)
    cells[5, 2, 1] = True
    _spread(cells)
    assert np.array_equal(np.argwhere(cells).min(axis=0), [5, 2, 1])
    assert np.array_equal(np.argwhere(cells).max(axis=0), [8, 5, 4])
    assert cells.sum() == 64
