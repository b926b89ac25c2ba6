"""How warm skin or coil may become."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anodyne.errors import SafetyRefusal
from anodyne.protocol import HEAT_LIMIT

ZERO = 273.15


def refuses(times, celsius):
    try:
        HEAT_LIMIT.refuse(times, [each + ZERO for each in celsius])
    except SafetyRefusal:
        return True
    return False


def test_the_ceiling_is_never_reached():
    assert not refuses([0.0], [44.9])
    with pytest.raises(SafetyRefusal, match=r"45.0 °C were reached"):
        HEAT_LIMIT.refuse([0.0], [45 + ZERO])


def test_nine_minutes_of_twenty_above_the_lower_limit_are_too_many():
    minutes = np.arange(0, 30) * 60.0
    assert not refuses(minutes[:9], [42] * 9)
    assert refuses(minutes[:10], [42] * 10)
    assert not refuses(minutes, [40.9] * 30)


def test_what_lies_before_the_window_counts_no_more():
    minutes = np.arange(0, 40) * 60.0
    warm = [42] * 8 + [37] * 14 + [42] * 8 + [37] * 10
    assert not refuses(minutes, warm)
    assert refuses(minutes, [42] * 8 + [37] * 6 + [42] * 8 + [37] * 18)


readings = st.lists(st.floats(20, 50), min_size=1, max_size=40)


@given(readings, st.data())
def test_warmer_is_never_judged_milder(celsius, data):
    times = [60.0 * index for index in range(len(celsius))]
    extra = data.draw(st.lists(st.floats(0, 5), min_size=len(celsius), max_size=len(celsius)))
    warmer = [one + other for one, other in zip(celsius, extra, strict=True)]
    assert refuses(times, celsius) <= refuses(times, warmer)


@pytest.mark.parametrize(
    ("times", "temperatures"), [([0.0, 0.0], [310.0, 310.0]), ([0.0], [310.0, 311.0]), ([0.0], [float("nan")])]
)
def test_readings_that_are_none_are_a_mistake(times, temperatures):
    with pytest.raises(ValueError, match="temperatures"):
        HEAT_LIMIT.refuse(times, temperatures)


@given(readings)
def test_latest_window_is_judged_as_the_whole_was_at_its_end(celsius):
    times = [60.0 * index for index in range(len(celsius))]
    at_any_time = any(not _passes_latest(times[:end], celsius[:end]) for end in range(1, len(celsius) + 1))
    assert at_any_time == refuses(times, celsius)


def _passes_latest(times, celsius):
    try:
        HEAT_LIMIT.refuse_latest(times, [each + ZERO for each in celsius])
    except SafetyRefusal:
        return False
    return True


def test_latest_window_forgets_what_lies_before_it():
    times = [0.0, 30.0, 1000.0, 1229.0, 1231.0]
    hot = [46, 37, 37, 37, 37]
    assert not _passes_latest(times[:-1], hot[:-1])
    assert _passes_latest(times, hot)
    assert HEAT_LIMIT.time_above([], []) == 0
    assert HEAT_LIMIT.time_above([0.0, 500.0, 1500.0], [each + ZERO for each in (42, 37, 37)]) == pytest.approx(200)
