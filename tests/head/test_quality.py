"""Mesh quality on elements whose answers are known."""

import numpy as np
import pytest

from anodyne.head import TetrahedralMesh, mesh_quality
from anodyne.head.quality import radius_ratio, smallest_dihedral
from anodyne.units import degree

REGULAR = np.array([[1.0, 1, 1], [-1, 1, -1], [1, -1, -1], [-1, -1, 1]])
RIGHT = np.array([[0, 1, 2, 3]], dtype=np.int32)


def test_regular_tetrahedron():
    assert smallest_dihedral(REGULAR, RIGHT)[0] == pytest.approx(np.arccos(1 / 3))
    assert radius_ratio(REGULAR, RIGHT)[0] == pytest.approx(1)


def test_inverted_and_flat_tetrahedra_have_no_angle():
    assert smallest_dihedral(REGULAR, RIGHT[:, [1, 0, 2, 3]])[0] < 0
    flat = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    assert smallest_dihedral(flat, RIGHT)[0] < 0
    assert radius_ratio(flat, RIGHT)[0] == 0


def test_needle_has_good_angles_and_a_poor_ratio():
    needle = np.array([[0.0, 0, 0], [1, 0, 0], [0.5, 0.87, 0], [0.5, 0.29, 30]])
    assert smallest_dihedral(needle, RIGHT)[0] > 55 * degree
    assert radius_ratio(needle, RIGHT)[0] < 0.06


def test_measures_do_not_change_with_size_or_place(rng):
    nodes = rng.normal(size=(4, 3))
    if np.linalg.det(nodes[1:] - nodes[0]) < 0:
        nodes = nodes[[1, 0, 2, 3]]
    moved = 1e-3 * nodes @ np.linalg.qr(rng.normal(size=(3, 3)))[0] + 0.1
    moved = moved if np.linalg.det(moved[1:] - moved[0]) > 0 else moved * [-1, 1, 1]
    assert smallest_dihedral(moved, RIGHT)[0] == pytest.approx(smallest_dihedral(nodes, RIGHT)[0], rel=1e-5)
    assert radius_ratio(moved, RIGHT)[0] == pytest.approx(radius_ratio(nodes, RIGHT)[0], rel=1e-5)


def test_faults_are_counted():
    tetrahedra = np.array([[0, 1, 2, 3], [0, 1, 2, 3], [1, 0, 2, 3]], dtype=np.int32)
    mesh = TetrahedralMesh(nodes=REGULAR, tetrahedra=tetrahedra, tissue=np.array([1, 1, 2], dtype=np.int32))
    quality = mesh_quality(mesh)
    assert (quality.inverted, quality.duplicates, quality.overused_faces) == (1, 2, 4)
    assert not quality.sound
    assert "1 inverted, 2 duplicate" in str(quality)
