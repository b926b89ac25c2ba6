"""Inductances of loops agree with the closed formulas, and matrices store energy."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import ellipe, ellipk

from anodyne.coil import find_entry
from anodyne.plan import Turns, inductance_matrix, planar_five, turns_of_winding
from anodyne.plan.arrays.inductance import MEAN_DISTANCE_IN_A_ROUND_WIRE
from anodyne.units import mm

MU_0 = 4e-7 * np.pi


def loop(radius, wire=1.2 * mm, height=0.0, points=240):
    angle = 2 * np.pi * np.arange(points) / points
    points_ = np.stack([radius * np.cos(angle), radius * np.sin(angle), height + 0 * angle], -1)
    vectors = np.stack([-np.sin(angle), np.cos(angle), 0 * angle], -1) * (2 * np.pi * radius / points)
    inside = MEAN_DISTANCE_IN_A_ROUND_WIRE * wire
    return Turns(points=points_[None], vectors=vectors[None], share=np.ones(1), distance=np.array([inside]))


def coaxial(one, other, apart):
    """Mutual inductance of two coaxial circles (Maxwell 1873, Treatise, art. 701)."""
    square = 4 * one * other / ((one + other) ** 2 + apart**2)
    k = np.sqrt(square)
    return MU_0 * np.sqrt(one * other) * ((2 / k - k) * ellipk(square) - 2 / k * ellipe(square))


@pytest.mark.parametrize("radius", [20 * mm, 30 * mm, 40 * mm])
def test_a_round_loop_holds_what_the_formula_says(radius):
    """Grover 1946, with the current spread evenly over the wire: mu_0 R (ln(8 R / a) - 1.75)."""
    exact = MU_0 * radius * (np.log(8 * radius / (1.2 * mm)) - 1.75)
    assert_allclose(inductance_matrix([loop(radius)]), exact, rtol=2e-3)


@pytest.mark.parametrize("apart", [3 * mm, 20 * mm])
def test_two_loops_are_coupled_as_maxwell_found(apart):
    matrix = inductance_matrix([loop(40 * mm), loop(50 * mm, height=apart)])
    assert_allclose(matrix[0, 1], coaxial(40 * mm, 50 * mm, apart), rtol=1e-6)


def test_turns_in_series_add_their_own_and_mutual_parts():
    one, other = loop(40 * mm), loop(50 * mm, height=5 * mm)
    matrix = inductance_matrix([one, other])
    both = Turns(**{name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in one.__dict__})
    assert_allclose(inductance_matrix([both])[0, 0], matrix.sum(), rtol=1e-9)


def test_turning_a_current_round_turns_the_coupling_round():
    one, other = loop(40 * mm), loop(50 * mm, height=5 * mm)
    back = Turns(points=other.points, vectors=-other.vectors, share=other.share, distance=other.distance)
    assert_allclose(inductance_matrix([one, back])[0, 1], -inductance_matrix([one, other])[0, 1])


def test_a_rectangular_conductor_changes_little_with_more_filaments(monkeypatch):
    winding = find_entry("magstim-70mm").assembly().placed()
    rough = inductance_matrix([turns_of_winding(winding, 160)])[0, 0]
    monkeypatch.setattr("anodyne.plan.arrays.inductance.THICKEST_FILAMENT", 3.1 * mm)
    assert_allclose(inductance_matrix([turns_of_winding(winding, 160)])[0, 0], rough, rtol=0.01)
    assert rough == pytest.approx(16.0e-6, rel=5e-3)  # as docs/how-to/coil-arrays.md tells it


def test_turns_carry_the_current_of_the_coil_they_are_taken_from():
    """In front of a figure of eight its turns make the vector potential of its own elements, wing by wing."""
    assembly = find_entry("magstim-70mm").assembly()
    points = np.array([[0, 0, 20], [45, 10, 30], [-45, 10, 30], [10, -60, 15]]) * mm
    exact = assembly.current_elements().vector_potential(points)
    ours = turns_of_winding(assembly.placed()).elements().vector_potential(points)
    assert_allclose(ours, exact, rtol=0, atol=0.01 * np.abs(exact).max())


def test_filaments_lie_as_far_from_themselves_as_their_section_does():
    """The mean of ln r over pairs of points of a filament's rectangle, here on a grid too fine to matter."""
    turns = turns_of_winding(find_entry("magstim-70mm").assembly().placed(), 40)
    sides = np.array([1.75, 6.0]) * mm / [1, 3]
    steps = [side * (np.arange(40) + 0.5) / 40 for side in sides]
    grid = np.stack(np.meshgrid(*steps), axis=-1).reshape(-1, 2)
    apart = np.linalg.norm(grid[:, None] - grid, axis=-1)
    np.fill_diagonal(apart, 0.2235 * sides.sum() / 40)
    assert_allclose(turns.distance, np.exp(np.log(apart).mean()), rtol=2e-3)
    assert_allclose(turns.share, 1 / 3)


def test_a_spiral_is_refused():
    with pytest.raises(ValueError, match="spiral"):
        turns_of_winding(find_entry("magventure-c-100").assembly().placed())


def test_windings_of_the_planar_array_are_coupled_only_where_symmetry_allows():
    """A figure of eight and a four-leaf winding about one axis do not couple; nor do two crossed ones."""
    matrix = planar_five().inductance
    assert_allclose(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix).min() > 0
    coupling = matrix / np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))
    coupled = np.abs(coupling) > 1e-6
    assert coupled.sum() == 5 + 2  # each with itself, and the oval with the leaves on its axes
    assert coupled[1, 4]
