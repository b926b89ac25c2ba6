"""What may be asked of a placement reaches the plan, and what makes no sense is refused before the work."""

import numpy as np
import pytest

from anodyne.plan import CAP, Ceiling, Objective


def prescribed(succeed, plan_words, hasty, *words):
    succeed(*plan_words, *words, "--out", "plan")
    (prescription,) = hasty
    return prescription


def test_direction_reaches_the_plan(succeed, plan_words, hasty):
    found = prescribed(succeed, plan_words, hasty, "--objective", "direction", "--direction", "0,-1,0.5")
    assert found.objective is Objective.DIRECTION
    np.testing.assert_allclose(found.direction, [0, -1, 0.5])


def test_ceilings_reach_the_plan(succeed, plan_words, hasty):
    words = ("--objective", "focality", "--ceiling", "scalp=150", "--ceiling", "right-m1-hand=40.5")
    found = prescribed(succeed, plan_words, hasty, *words)
    assert found.objective is Objective.FOCALITY
    assert found.ceilings == (Ceiling(where="scalp", limit=150.0), Ceiling(where="right-m1-hand", limit=40.5))


def test_navigation_reaches_the_plan(succeed, plan_words, hasty):
    found = prescribed(succeed, plan_words, hasty, "--objective", "expected-magnitude", "--navigation", "cap")
    assert found.objective is Objective.EXPECTED_MAGNITUDE
    assert found.error is CAP


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--objective", "direction"], 2, "--direction x,y,z go together"),
        (["--direction", "1,0,0"], 2, "--direction x,y,z go together"),
        (["--objective", "expected-magnitude"], 2, "--navigation go together"),
        (["--navigation", "cap"], 2, "--navigation go together"),
        (["--objective", "direction", "--direction", "1,0"], 2, "2 numbers where a direction has 3"),
        (["--objective", "direction", "--direction", "0,0,0"], 2, "cannot be 0,0,0"),
        (["--objective", "direction", "--direction", "1,nan,0"], 2, "not a finite number"),
        (["--objective", "direction", "--direction", "1,up,0"], 2, "not a number"),
        (["--ceiling", "scalp"], 2, "WHERE=LIMIT"),
        (["--ceiling", "scalp=0"], 2, "outside"),
        (["--ceiling", "scalp=lots"], 2, "not a number"),
        (["--ceiling", "scalp=100", "--ceiling", "scalp=90"], 2, "twice"),
        (["--ceiling", "right-m1-hnd=50"], 1, "'right-m1-hand'"),
        (["--navigation", "stars"], 2, "--navigation"),
    ],
)
def test_refused_before_the_work(refuse, plan_words, words, status, says):
    assert says in refuse(*plan_words, *words, "--out", "plan", status=status)
