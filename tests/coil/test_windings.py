"""Windings fill the space they are given and span the area they enclose."""

from collections import Counter

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import Circular, EllipticalWinding, FigureOfEight, RoundWinding, SpiralWinding
from anodyne.coil.casing import plate
from anodyne.units import degree, mm

table = {
    "turns": 9,
    "inner_diameter": 56 * mm,
    "outer_diameter": 87 * mm,
    "wire_width": 1.7 * mm,
    "wire_height": 6 * mm,
}
windings = [
    RoundWinding(**table),
    SpiralWinding(**table),
    EllipticalWinding(**table, elongation=17 * mm),
    RoundWinding(**table, layers=2, layer_gap=5 * mm),
]


def enclosed_moment(elements) -> np.ndarray:
    """½ ∮ r × dl, m²."""
    return np.cross(elements.positions, elements.vectors).sum(axis=0) / 2


@pytest.mark.parametrize("winding", windings, ids=lambda winding: type(winding).__name__)
class TestEveryWinding:
    """The contract of `Winding`."""

    def test_wires_and_dipoles_have_one_moment(self, winding):
        elements, dipoles = winding.current_elements(), winding.dipoles()
        assert_allclose(enclosed_moment(elements)[2], dipoles.moments[:, 2].sum(), rtol=1e-3)
        assert dipoles.moments[:, 2].min() > 0

    def test_the_current_is_closed(self, winding):
        assert_allclose(winding.current_elements().vectors.sum(axis=0), 0, atol=1e-4 * winding.outer_diameter)

    def test_the_conductor_stays_in_its_room(self, winding):
        positions = winding.current_elements().positions
        radius = np.hypot(positions[:, 0], positions[:, 1])
        assert radius.min() >= winding.inner_diameter / 2
        assert -winding.height <= positions[:, 2].min() < positions[:, 2].max() <= 0

    def test_slope_is_the_derivative_of_the_radius(self, winding):
        turn, angle = np.full(7, 3.0), np.linspace(0.1, 6, 7)
        difference = (winding.radius(turn, angle + 1e-5) - winding.radius(turn, angle - 1e-5)) / 2e-5
        assert_allclose(winding.slope(turn, angle), difference, atol=1e-9)

    def test_enough_elements(self, winding):
        assert len(winding.current_elements().positions) >= 3000


def test_round_turns_enclose_circles():
    winding = RoundWinding(**table)
    radii = np.linspace(winding.first_radius, winding.last_radius, 9)
    assert_allclose(enclosed_moment(winding.current_elements())[2], np.pi * (radii**2).sum(), rtol=1e-3)
    assert_allclose(winding.dipoles().moments[:, 2].sum(), np.pi * (radii**2).sum(), rtol=1e-12)


def test_wings_of_a_bent_figure_of_eight_face_each_other():
    flat = FigureOfEight(winding=windings[0], winding_depth=4 * mm, separation=90 * mm)
    bent = FigureOfEight(winding=windings[0], winding_depth=4 * mm, separation=90 * mm, bend=30 * degree)
    right, left = (part.dipoles().moments.sum(axis=0) for part in bent.placed())
    size = np.linalg.norm(right)
    assert_allclose(right / size, [-np.sin(30 * degree), 0, np.cos(30 * degree)], atol=1e-12)
    assert_allclose(left / size, [-np.sin(30 * degree), 0, -np.cos(30 * degree)], atol=1e-12)
    assert flat.current_elements().positions[:, 2].max() < -4 * mm
    assert bent.current_elements().positions[:, 2].max() > 0


def test_a_circular_coil_lies_at_its_depth():
    coil = Circular(winding=windings[0], winding_depth=4 * mm)
    assert -10 * mm < coil.current_elements().positions[:, 2].min()
    assert coil.current_elements().positions[:, 2].max() < -4 * mm
    assert coil.dipoles().moments[:, 2].max() < 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"turns": 0}, "at least one turn"),
        ({"turns": 30}, "do not fit"),
        ({"wire_width": 0.0}, "no cross-section"),
        ({"outer_diameter": 50 * mm}, "do not fit"),
    ],
)
def test_impossible_windings_are_refused(change, says):
    with pytest.raises(ValueError, match=says):
        RoundWinding(**(table | change))


def test_impossible_figures_of_eight_are_refused():
    with pytest.raises(ValueError, match="apart"):
        FigureOfEight(winding=windings[0], winding_depth=0.0, separation=0.0)
    with pytest.raises(ValueError, match="bends"):
        FigureOfEight(winding=windings[0], winding_depth=0.0, separation=0.1, bend=2.0)


@pytest.mark.parametrize(("half_spacing", "bend"), [(0.0, 0.0), (45 * mm, 0.0), (45 * mm, 30 * degree)])
def test_plates_are_closed_and_face_outwards(half_spacing, bend):
    casing = plate(half_spacing, 50 * mm, 20 * mm, bend)
    edges = Counter((a, b) for t in casing.triangles.tolist() for a, b in zip(t, t[1:] + t[:1], strict=True))
    assert set(edges.values()) == {1}
    assert all((b, a) in edges for a, b in edges)
    corners = casing.points[casing.triangles]
    volume = np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    area = np.pi * (50 * mm) ** 2 + 2 * half_spacing * 100 * mm
    wedge = (20 * mm) ** 2 * np.tan(bend) * 100 * mm  # behind the crease
    assert_allclose(volume, 20 * mm * area + wedge, rtol=0.02)
    if bend == 0:
        assert casing.points[:, 2].max() == 0
