"""Poses go to Brainsight and come back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from anodyne.coil import Pose
from anodyne.errors import UnreadableFile
from anodyne.plan.navigators import COLUMNS, read_brainsight, write_brainsight
from anodyne.units import mm

LEVEL = Pose.from_point_and_handle([0.01, 0.02, 0.12], [0, 0, -1], [0, 1, 0])


def vectors(least):
    numbers = st.floats(-1, 1, allow_nan=False, width=32)
    return st.tuples(numbers, numbers, numbers).filter(lambda v: np.linalg.norm(v) > least)


@given(into=vectors(0.2), towards=vectors(0.2), place=vectors(0.01))
def test_round_trip_keeps_the_pose(tmp_path_factory, into, towards, place):
    if np.linalg.norm(np.cross(into, towards)) < 0.02:
        return
    pose = Pose.from_point_and_handle(np.array(place) * 0.1, into, towards)
    path = tmp_path_factory.mktemp("brainsight") / "targets.txt"
    write_brainsight(path, {"target": pose})
    back = read_brainsight(path)["target"]
    assert_allclose(back.position, pose.position, atol=1e-4 * mm)
    assert_allclose(back.rotation, pose.rotation, atol=2e-6)


def test_brainsight_axes_are_half_a_turn_about_y(tmp_path):
    path = tmp_path / "targets.txt"
    write_brainsight(path, {"M1 hand": LEVEL})
    row = path.read_text().splitlines()[-1].split("\t")
    assert row[0] == "M1 hand"
    assert_allclose([float(word) for word in row[1:4]], [10, 20, 120])
    axes = np.array([float(word) for word in row[4:]]).reshape(3, 3)  # m_i is the i-th axis
    assert_allclose(axes, (LEVEL.rotation @ np.diag([-1, 1, -1])).T, atol=1e-6)
    assert_allclose(axes[2], [0, 0, 1], atol=1e-6)  # out of the head, as in Brainsight


def test_several_targets_keep_their_names_and_order(tmp_path):
    path = tmp_path / "targets.txt"
    write_brainsight(path, {"b": LEVEL, "a": LEVEL.turned(1.0)})
    assert list(read_brainsight(path)) == ["b", "a"]


@pytest.mark.parametrize("name", ["", "a\tb", "a\nb", "a;b", "# a"])
def test_names_that_break_the_table_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match="cannot name a target"):
        write_brainsight(tmp_path / "targets.txt", {name: LEVEL})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("file", "count"),
    [("brainsight_nifti_aligned.txt", 7), ("brainsight_gridfolder.txt", 15), ("brainsight_v14_nifti_q.txt", 2)],
)
def test_brainsights_own_files_are_read(shared, file, count):
    poses = read_brainsight(shared / "data" / "navigator" / file)
    assert len(poses) == count


def test_brainsights_own_numbers_are_understood(shared):
    pose = read_brainsight(shared / "data" / "navigator" / "brainsight_nifti_aligned.txt")["Sample 11"]
    assert_allclose(pose.position, np.array([-40.127, -67.042, 42.366]) * mm)
    assert_allclose(pose.rotation[:, 1], [0.252, 0.544, 0.800], atol=2e-3)
    assert_allclose(pose.into_head, [0.603, 0.557, -0.569], atol=3e-3)
    assert pose.into_head @ pose.position < 0  # a coil at the left back looks to the right front


HEADER = "# Version: 12\n# Target Name\t" + "\t".join(COLUMNS[1:]) + "\n"
GOOD = "10\t20\t120\t" + "\t".join(["1", "0", "0", "0", "1", "0", "0", "0", "1"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no table of targets"),
        ("# Sample Name\tLoc. X\n", "no table of targets"),
        (HEADER + "a\t1\t2\n", "line 3 has no column Loc. Z"),
        (HEADER + "a\t" + GOOD.replace("120", "high") + "\n", "line 3 holds something that is not a number"),
        (HEADER + "a\t" + GOOD.replace("\t1", "\t2") + "\n", "line 3 is not a coil pose"),
        (HEADER + "a\t" + GOOD.replace("120", "nan") + "\n", "line 3 is not a coil pose"),
    ],
)
def test_garbled_files_are_refused_with_their_line(tmp_path, text, says):
    path = tmp_path / "targets.txt"
    path.write_text(text)
    with pytest.raises(UnreadableFile, match=says):
        read_brainsight(path)


def test_targets_without_orientation_are_left_out(tmp_path):
    path = tmp_path / "targets.txt"
    path.write_text(HEADER + "a\t" + GOOD + "\nb\t1\t2\t3" + "\t(null)" * 9 + "\n")
    assert list(read_brainsight(path)) == ["a"]


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.write_bytes(b"\xff\xfe\x00")])
def test_missing_and_binary_files_are_refused(tmp_path, make):
    path = tmp_path / "targets.txt"
    make(path)
    with pytest.raises(UnreadableFile):
        read_brainsight(path)
