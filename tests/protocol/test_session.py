"""Laws of bursts, trains and sessions."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from anodyne.protocol import THETA_BURST, Burst, Duration, Session, Train

rates = st.floats(0.1, 100)
plain_trains = st.builds(Train, rate=rates, pulses=st.integers(1, 200), intensity=st.none() | st.floats(0.1, 2))
theta_trains = st.integers(1, 20).map(lambda bursts: Train(rate=5, pulses=3 * bursts, burst=THETA_BURST))
trains = plain_trains | theta_trains
sessions = st.builds(Session, train=trains, trains=st.integers(1, 30), inter_train_interval=st.floats(0, 100))


@given(sessions)
def test_there_are_as_many_pulse_times_as_pulses_and_they_ascend(session):
    times = session.pulse_times()
    assert len(times) == session.pulses == session.trains * session.train.pulses
    assert times[0] == 0
    assert (np.diff(times) > 0).all()


@given(sessions)
def test_the_session_lasts_trains_and_the_pauses_between_them(session):
    expected = session.trains * session.train.duration + (session.trains - 1) * session.inter_train_interval
    assert_allclose(session.duration.length, expected)
    assert not session.duration.is_lower_bound
    assert session.pulse_times()[-1] < session.duration.length * (1 + 1e-9)


@given(sessions)
def test_trains_are_equal_and_equally_spaced(session):
    times = session.pulse_times().reshape(session.trains, -1)
    assert_allclose(times - times[:, :1], np.tile(session.train.pulse_times(), (session.trains, 1)), atol=1e-9)
    gaps = np.diff(times[:, 0])
    assert_allclose(gaps, session.train.duration + session.inter_train_interval)


@given(plain_trains)
def test_pulses_of_a_train_are_one_period_apart(train):
    assert_allclose(np.diff(train.pulse_times()), 1 / train.rate)
    assert_allclose(train.duration, train.pulses / train.rate)


@given(sessions)
def test_an_unknown_interval_leaves_a_lower_bound_that_says_so(session):
    unknown = replace(session, inter_train_interval=None)
    assert unknown.pulses == session.pulses
    assert unknown.duration.length <= session.duration.length
    assert unknown.duration.is_lower_bound == (session.trains > 1)
    if session.trains > 1:
        assert str(unknown.duration).startswith("at least ")
        with pytest.raises(ValueError, match="inter-train interval is not reported"):
            unknown.pulse_times()
    else:
        assert_allclose(unknown.pulse_times(), session.pulse_times())


def test_intermittent_theta_burst_is_composed_of_bursts():
    session = Session(train=Train(rate=5, pulses=30, burst=Burst(pulses=3, rate=50)), trains=20, inter_train_interval=8)
    times = session.pulse_times()
    assert session.pulses == 600
    assert session.duration.length == 192
    assert_allclose(times[:6], [0, 0.02, 0.04, 0.2, 0.22, 0.24])
    assert_allclose(times[30], 10)  # 2 s on, 8 s off
    within, between = np.unique(np.diff(times[:30]).round(9))
    assert_allclose([within, between], [0.02, 0.16])


@pytest.mark.parametrize(
    ("length", "words"),
    [(0.04, "0.04 s"), (45.0, "45 s"), (1200.0, "20 min"), (189.4, "3 min 9 s"), (59.7, "1 min")],
)
def test_a_duration_speaks_in_minutes_and_seconds(length, words):
    assert str(Duration(length=length)) == words
    assert str(Duration(length=length, is_lower_bound=True)) == f"at least {words}"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Train(rate=0, pulses=1), "0 Hz"),
        (lambda: Train(rate=float("nan"), pulses=1), "nan Hz"),
        (lambda: Train(rate=1, pulses=0), "at least 1, not 0"),
        (lambda: Train(rate=1, pulses=2.5), "not 2.5"),
        (lambda: Train(rate=1, pulses=1, intensity=0), "intensity"),
        (lambda: Train(rate=5, pulses=31, burst=THETA_BURST), "31 pulses"),
        (lambda: Train(rate=30, pulses=30, burst=THETA_BURST), "do not fit 30 Hz"),
        (lambda: Burst(pulses=1, rate=50), "at least 2 pulses"),
        (lambda: Session(train=Train(rate=1, pulses=1), trains=0, inter_train_interval=1), "trains"),
        (lambda: Session(train=Train(rate=1, pulses=1), trains=1, inter_train_interval=-1), "-1 s"),
    ],
)
def test_impossible_patterns_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_a_misspelt_field_is_a_type_error():
    with pytest.raises(TypeError, match="intensty"):
        Train(rate=10, pulses=50, intensty=1.1)
