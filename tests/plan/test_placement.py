"""Where a coil rests: on a ball the answers are known."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.coil import Casing, Pose, find_coil, find_entry, read_ccd, write_ccd
from anodyne.errors import PlacementRefused
from anodyne.plan import SearchGrid, candidate_placements, casing_clearance, handle_in_words, winding_clearance
from anodyne.plan.search.placement import casing_points, scalp_patch
from anodyne.units import degree, mm

RADIUS = 89 * mm
ANGLES = np.arange(0, 360, 45) * degree
SIDE = np.array([60, 30, 50]) * mm


@pytest.fixture(scope="module")
def ball(planned):
    return planned.head


@pytest.fixture(scope="module", params=["magstim-70mm", "magventure-cool-d-b80"])
def coil(request):
    return find_coil(request.param)


@pytest.fixture(scope="module")
def candidates(ball, coil):
    return candidate_placements(ball, coil, SIDE, SearchGrid(radius=10 * mm, spacing=5 * mm, hair=3 * mm), ANGLES)


def test_positions_lie_on_the_scalp_and_cover_the_patch(ball):
    points, normals = scalp_patch(ball, SIDE, 10 * mm, 5 * mm)
    assert len(points) == 19  # a hexagon of two rings
    assert_allclose(np.linalg.norm(points, axis=1), RADIUS, atol=1 * mm)
    assert_allclose(normals, points / np.linalg.norm(points, axis=1)[:, None], atol=0.03)


def test_every_candidate_is_tangential_and_rigid(candidates):
    for matrix, point in zip(candidates.head_from_coil, candidates.scalp_point, strict=True):
        pose = Pose(head_from_coil=matrix)
        assert pose.into_head @ (point / np.linalg.norm(point)) < -0.9995


def test_no_casing_comes_nearer_than_the_hair(ball, coil, candidates):
    clearance = [casing_clearance(ball, coil, Pose(head_from_coil=matrix)) for matrix in candidates.head_from_coil]
    assert min(clearance) > 2.85 * mm


def test_every_casing_rests_on_the_hair(ball, coil, candidates):
    clearance = [casing_clearance(ball, coil, Pose(head_from_coil=matrix)) for matrix in candidates.head_from_coil]
    assert max(clearance) < 3.3 * mm


def test_angles_turn_the_handle_by_what_they_say(candidates):
    y = candidates.head_from_coil[candidates.position == 0][:, :3, 1]
    turned = np.degrees(np.arccos(np.clip(y @ y[0], -1, 1)))
    assert_allclose(turned, [0, 45, 90, 135, 180, 135, 90, 45], atol=1e-4)


def test_angles_count_towards_the_patients_left(candidates):
    """Across the coil's axis y is the cosine of the angle to the front and its sine to the left (minus x)."""
    matrices = candidates.head_from_coil[candidates.position == 0]
    front = np.array([0.0, 1.0, 0.0]) - matrices[0, 1, 2] * matrices[0, :3, 2]
    front /= np.linalg.norm(front)
    left = np.array([-1.0, 0.0, 0.0])
    left -= (left @ matrices[0, :3, 2]) * matrices[0, :3, 2] + (left @ front) * front
    left /= np.linalg.norm(left)
    assert_allclose(matrices[:, :3, 1] @ front, np.cos(ANGLES), atol=1e-9)
    assert_allclose(matrices[:, :3, 1] @ left, np.sin(ANGLES), atol=1e-9)


def test_winding_lies_behind_the_casing(ball, candidates, coil):
    pose = Pose(head_from_coil=candidates.head_from_coil[0])
    assert winding_clearance(ball, coil, pose) > casing_clearance(ball, coil, pose)


def test_a_coil_file_without_casing_rests_on_its_own_plane(ball, tmp_path):
    write_ccd(tmp_path / "plain.ccd", find_entry("magstim-70mm").dipole_coil())
    plain = read_ccd(tmp_path / "plain.ccd")
    assert plain.casing is None
    assert casing_points(plain)[:, 2].min() >= 0
    found = candidate_placements(ball, plain, SIDE, SearchGrid(radius=1 * mm), [0.0])
    lift = np.linalg.norm(found.head_from_coil[0, :3, 3] - found.scalp_point[0])
    assert lift >= 2 * mm - 1e-9


def test_a_coil_that_cannot_rest_is_refused(ball):
    spike = Casing(points=np.array([[0, 0, 0], [0.01, 0, 0], [0, 0, 0.3]]), triangles=np.array([[0, 1, 2]]))
    wide = dataclasses.replace(find_coil("magstim-70mm"), casing=spike)
    with pytest.raises(PlacementRefused, match="cannot rest tangentially"):
        candidate_placements(ball, wide, SIDE, SearchGrid(radius=1 * mm, hair=2 * mm), [0.0])


@pytest.mark.parametrize(
    ("away_from_handle", "words"),
    [
        ([0, 1, 0], "the handle points straight to the back"),
        ([1, 1, 0], "the handle points to the patient's left, turned 45° to the back"),
        ([-1, 0, 0], "the handle points straight to the patient's right"),
    ],
)
def test_handle_in_the_words_of_an_operator(away_from_handle, words):
    pose = Pose.from_point_and_handle([0, 0, 0.1], [0, 0, -1], away_from_handle)
    alternatives = {words, "the handle points to the back, turned 45° to the patient's left"}
    assert handle_in_words(pose) in alternatives
