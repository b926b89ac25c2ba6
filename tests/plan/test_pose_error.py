"""Drawn pose errors have the published means, evenly in all directions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anodyne.plan import CAP, NEURONAVIGATED, POSE_ERRORS, PoseError, find_pose_error
from anodyne.units import degree, mm


@pytest.mark.parametrize("error", POSE_ERRORS, ids=lambda error: error.name)
def test_means_are_the_published_ones(error):
    drawn = error.drawn(4096)
    assert_allclose(np.linalg.norm(drawn[:, :2], axis=1).mean(), error.distance, rtol=0.01)
    assert_allclose(np.linalg.norm(drawn[:, 2:4], axis=1).mean(), error.tilt, rtol=0.01)
    assert_allclose(np.abs(drawn[:, 4]).mean(), error.turn, rtol=0.01)


def test_errors_have_no_bias_and_no_favourite_direction():
    drawn = CAP.drawn(4096)
    spread = drawn.std(axis=0)
    assert np.abs(drawn.mean(axis=0) / spread).max() < 0.01
    assert_allclose(np.corrcoef(drawn.T), np.eye(5), atol=0.02)
    assert_allclose(spread[[0, 2]], spread[[1, 3]], rtol=0.02)


def test_lengths_follow_rayleigh():
    lengths = np.linalg.norm(CAP.drawn(4096)[:, :2], axis=1)
    scale = CAP.distance / np.sqrt(np.pi / 2)
    for share in (0.05, 0.5, 0.95):
        assert_allclose(np.quantile(lengths, share), scale * np.sqrt(-2 * np.log(1 - share)), rtol=0.02)


def test_draws_repeat():
    assert_allclose(CAP.drawn(100), CAP.drawn(100))
    assert not np.allclose(CAP.drawn(100), CAP.drawn(100, seed=1))


def test_published_ones_are_found_by_name():
    assert find_pose_error("cap") is CAP
    assert find_pose_error("neuronavigated") is NEURONAVIGATED
    with pytest.raises(ValueError, match="no pose error"):
        find_pose_error("eye")


@pytest.mark.parametrize("wrong", [{"distance": -1 * mm}, {"tilt": float("nan")}, {"turn": -1 * degree}])
def test_impossible_errors_are_refused(wrong):
    given = {"distance": 1 * mm, "tilt": 1 * degree, "turn": 1 * degree, **wrong}
    with pytest.raises(ValueError, match="must be finite"):
        PoseError(name="x", label="x", source="x", certainty=CAP.certainty, **given)
