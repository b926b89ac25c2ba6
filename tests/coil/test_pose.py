"""Poses are rigid, move points as they say, and survive their text file."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from anodyne.coil import Pose, read_pose, write_pose
from anodyne.errors import CannotWrite, UnreadableFile
from anodyne.units import mm

angles = st.floats(-np.pi, np.pi)
lengths = st.floats(-0.3, 0.3)


def rigid(turn, shift) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(turn).as_matrix()
    matrix[:3, 3] = shift
    return matrix


@given(st.tuples(angles, angles, angles), st.tuples(lengths, lengths, lengths))
def test_points_go_there_and_back(turn, shift):
    pose = Pose(head_from_coil=rigid(turn, shift))
    points = np.array([[0.01, -0.02, 0.03], [0, 0, 0]])
    assert_allclose(pose.to_coil(pose.to_head(points)), points, atol=1e-15)
    assert_allclose(pose.coil_from_head @ pose.head_from_coil, np.eye(4), atol=1e-14)
    assert_allclose(np.cross(pose.handle_direction, pose.into_head), pose.rotation[:, 0], atol=1e-12)


@given(st.tuples(angles, angles, angles), st.tuples(lengths, lengths, lengths))
@pytest.mark.parametrize("decimals", [4, 9])
def test_decimals_in_a_file_are_rigid_enough(tmp_path_factory, decimals, turn, shift):
    path = tmp_path_factory.mktemp("pose") / "pose.txt"
    matrix = rigid(turn, np.array(shift) / mm)
    path.write_text("\n".join(" ".join(f"{value:.{decimals}f}" for value in row) for row in matrix))
    pose = read_pose(path)
    assert_allclose(pose.rotation, matrix[:3, :3], atol=2 * 10**-decimals)
    assert_allclose(pose.position, shift, atol=10**-decimals * mm)
    assert_allclose(pose.rotation.T @ pose.rotation, np.eye(3), atol=1e-14)


def test_file_round_trip(tmp_path):
    pose = Pose.facing([0.03, 0.01, 0.09], [0.3, 0.1, 0.9], [0.0, 0.1, 0.1], distance=4 * mm)
    write_pose(tmp_path / "pose.txt", pose)
    assert_allclose(read_pose(tmp_path / "pose.txt").head_from_coil, pose.head_from_coil, atol=1e-11)
    with pytest.raises(CannotWrite, match="cannot write"):
        write_pose(tmp_path / "nowhere" / "pose.txt", pose)


def test_facing_stands_off_the_scalp_and_points_ahead():
    pose = Pose.facing([0, 0, 0.1], [0, 0, 2], [0, 0.05, 0.08], distance=5 * mm)
    assert_allclose(pose.position, [0, 0, 0.105])
    assert_allclose(pose.into_head, [0, 0, -1])
    assert_allclose(pose.handle_direction, [0, 1, 0], atol=1e-15)
    assert_allclose(pose.rotation[:, 0], [-1, 0, 0], atol=1e-15)
    assert_allclose(pose.lifted(0.01).position, [0, 0, 0.115])
    assert_allclose(pose.turned(np.pi / 2).handle_direction, -pose.rotation[:, 0], atol=1e-15)
    assert_allclose(pose.moved(rigid([0, 0, 0], [1, 2, 3])).position, [1, 2, 3.105])


@pytest.mark.parametrize(
    ("matrix", "says"),
    [
        (np.eye(3), "4×4"),
        (np.diag([1, 1, 1, 2.0]), "last row"),
        (np.diag([np.nan, 1, 1, 1]), "not finite"),
        (np.diag([1, 1, -1.0, 1]), "mirrored"),
        (np.diag([1.001, 1, 1, 1]), "scaled"),
        (np.diag([0, 1, 1, 1.0]), "length zero"),
        (np.eye(4) + 1e-3 * np.eye(4, k=1) * np.array([[1], [0], [0], [0]]), "sheared"),
    ],
)
def test_what_is_not_rigid_is_refused(matrix, says):
    with pytest.raises(ValueError, match=says):
        Pose(head_from_coil=matrix)


def test_parallel_or_empty_directions_are_refused():
    with pytest.raises(ValueError, match="parallel"):
        Pose.from_point_and_handle([0, 0, 0], [0, 0, 1], [0, 0, 3])
    with pytest.raises(ValueError, match="not a direction"):
        Pose.from_point_and_handle([0, 0, 0], [0, 0, 0], [0, 1, 0])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1 0 0 0\n0 1 0 0\n0 0 1 0\n", "has 3 rows .* add the last one, 0 0 0 1$"),
        ("1 0 0 0\n0 1 0 0\n", "has 2 rows .* write it again so$"),
        ("here stands\nno pose\n", "line 1 holds something that is not a number"),
        ("1 0 0 0\n0 1 0\n0 0 1 0\n0 0 0 1\n", "line 2 has 3 numbers"),
        ("# a pose\n1 0 0 0\n0 one 0 0\n0 0 1 0\n0 0 0 1\n", "line 3 holds something that is not a number"),
        ("1 0 0 0\n0 1 0 nan\n0 0 1 0\n0 0 0 1\n", "not finite"),
        ("1 0.2 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "scaled"),
        ("-1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "mirrored"),
    ],
)
def test_a_bad_file_is_one_sentence_with_its_name(tmp_path, text, says):
    path = tmp_path / "pose.txt"
    path.write_text(text)
    with pytest.raises(UnreadableFile, match=says) as caught:
        read_pose(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_or_binary_file(tmp_path):
    with pytest.raises(UnreadableFile, match="cannot read"):
        read_pose(tmp_path / "none.txt")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(UnreadableFile, match="not text"):
        read_pose(tmp_path / "binary")
