"""``anodyne plan steer``: currents for every aim, and what it refuses."""

import csv
import json

import numpy as np
import pytest

import anodyne.plan
from anodyne.cli.steering import ARRAYS
from anodyne.plan import ARRAYS as KNOWN


@pytest.fixture
def steer_words(bodies):
    """Few aims above a point of the sphere."""
    place = ("--target", "-27,30,18", "--space", "head", "--radius-mm", "5", "--spacing-mm", "5")
    return ["plan", "steer", bodies / "sphere.head", *place, "--array", "crossed-eights"]


def test_arrays_are_those_of_the_library():
    assert set(ARRAYS) == set(KNOWN)


def test_every_aim_and_its_currents(succeed, steer_words, place):
    words = [*steer_words, "--magnitude", "60", "--out", "aims.csv", "--figure", "steering.png"]
    document = json.loads(succeed(*words, "--json"))
    assert document["array"]["certainty"] == "assumed"
    assert len(document["aims"]) == 7
    reached = [aim for aim in document["aims"] if aim["refusal"] is None]
    assert reached
    for aim in reached:
        assert len(aim["rates_a_per_us"]) == 2
        assert sum(value**2 for value in aim["e_field_v_per_m"]) ** 0.5 >= 60 * (1 - 1e-6)
        currents = 1e3 * np.array(aim["currents_ka"])
        stored = currents @ (1e-6 * np.array(document["array"]["inductance_uh"])) @ currents / 2
        assert aim["energy_j"] == pytest.approx(stored, rel=1e-3)
        away = np.array(aim["summit_mm"]) - aim["aim_mm"]
        across = away @ np.array(document["head_from_array_mm"])[:3, :2]
        assert aim["summit_off_aim_mm"] == pytest.approx(np.linalg.norm(across), abs=0.01)
    assert (place / "steering.png").stat().st_size > 10_000
    with (place / "aims.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert len(rows) == 8
    assert rows[0][2] == "figure of eight along x (A/us)"


def test_on_a_terminal(succeed, steer_words):
    text = succeed(*steer_words, "--radius-mm", "0")
    assert "not a medical device" in text
    assert "reached" in text
    assert max(map(len, text.splitlines())) <= 80


def test_why_nothing_was_reached(succeed, steer_words, place):
    """A limit that nothing keeps: the table says so and why, and the figure is drawn all the same."""
    text = " ".join(succeed(*steer_words, "--radius-mm", "0", "--rate", "0.01", "--figure", "none.png").split())
    assert "0 of 1 aims" in text
    assert "with at most 0.01 A/us in a coil; allow more" in text
    assert (place / "none.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (["--direction", "0,0,0"], 2, "cannot be 0,0,0"),
        (["--magnitude", "0"], 2, "outside"),
        (["--radius-mm", "60"], 2, "outside 0 to 40 mm"),
        (["--most-elsewhere-percent", "50"], 2, "outside 100"),
        (["--array", "planar-six"], 2, "--array"),
        (["--target", "right-m1-hnd"], 1, "'right-m1-hand'"),
        (["--target", "right-thalamus"], 1, "too deep for a coil to be aimed at; steer to a target of the cortex"),
        (["--figure", "steering.txt"], 2, ".png"),
        (["--out", "aims.json"], 2, ".csv"),
    ],
)
def test_refused(refuse, steer_words, options, status, says):
    words = [word for word in steer_words if not (options[0] == "--target" and word in ("--space", "head"))]
    assert says in refuse(*words, *options, status=status)


def test_a_direction_through_the_scalp(refuse, steer_words, monkeypatch):
    def along_the_axis(*_):
        raise ValueError("the wanted direction runs along the array's axis")

    monkeypatch.setattr(anodyne.plan, "steer", along_the_axis)
    assert "runs along the array's axis" in refuse(*steer_words, "--radius-mm", "0", status=2)
