"""Laws that every method of finding a threshold obeys, and the rules of each."""

from itertools import pairwise
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import ndtr

from anodyne.protocol import (
    BayesianSearch,
    FiveOfTen,
    IntervalBasis,
    MaximumLikelihoodSearch,
    SearchOutcome,
    StepRule,
    StochasticApproximation,
    ThresholdMethod,
    ThresholdTrial,
    TwoThresholds,
    begin_search,
)

METHODS = [method for method in ThresholdMethod if method is not ThresholdMethod.COMFORT]
"""Those that look for the intensity at which half of the pulses are answered."""

EVERY = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.value)


def searched(search, answers):
    """The search after pulses answered by a function of their intensity and number."""
    while not search.is_finished:
        search = search.record(bool(answers(search.next_intensity, len(search.trials))))
    return search


def coin(threshold, spread, seed=0):
    """Answers of a muscle with a probit curve."""
    generator = np.random.default_rng(seed)
    return lambda intensity, _: generator.random() < ndtr((intensity - threshold) / spread)


@EVERY
@pytest.mark.parametrize("threshold", [0.355, 0.555, 0.805])
def test_a_sharp_threshold_is_found_to_a_step(method, threshold):
    search = searched(begin_search(method, start=min(threshold + 0.08, 0.95)), lambda a, _: a >= threshold)
    assert search.outcome is SearchOutcome.FOUND
    # the prior of bayes pulls thresholds three standard deviations away towards its mean
    assert abs(search.estimate - threshold) < (0.04 if method is ThresholdMethod.BAYES else 0.015)


@EVERY
@given(
    answers=st.lists(st.booleans(), max_size=60),
    start=st.floats(0.05, 1.0),
    maximum=st.floats(0.3, 1.0),
    resolution=st.sampled_from([0.0, 0.005, 0.01]),
)
def test_whatever_is_answered_no_pulse_leaves_the_range(method, answers, start, maximum, resolution):
    start = min(start, maximum)
    search = begin_search(method, start=start, maximum=maximum, resolution=resolution)
    for answer in answers:
        if search.is_finished:
            break
        intensity = search.next_intensity
        assert 0 < intensity <= maximum
        steps = intensity / resolution if resolution else 0
        assert intensity == maximum or abs(steps - round(steps)) < 1e-6
        search = search.record(answer)
    if search.is_finished:
        with pytest.raises(ValueError, match="has ended"):
            search.record(True)
    if search.estimate is not None:
        assert 0 < search.estimate <= maximum


@EVERY
@given(answers=st.lists(st.booleans(), min_size=1, max_size=25))
def test_undoing_leads_back_to_where_one_was(method, answers):
    states = [begin_search(method, start=0.7)]
    for answer in answers:
        if states[-1].is_finished:
            break
        states.append(states[-1].record(answer))
    for before, after in pairwise(states):
        back = after.undone()
        assert back.trials == before.trials
        assert back.next_intensity == before.next_intensity
        assert back.estimate == before.estimate


@EVERY
def test_a_muscle_that_never_answers_has_no_threshold(method):
    search = searched(begin_search(method, start=0.9), lambda *_: False)
    assert search.outcome is SearchOutcome.NONE_UP_TO_MAXIMUM
    assert search.estimate is None
    assert "no threshold up to 100 %" in search.in_words
    assert max(trial.intensity for trial in search.trials) == 1.0


@EVERY
def test_a_lower_maximum_is_kept_and_named(method):
    search = searched(begin_search(method, start=0.55, maximum=0.6), lambda *_: False)
    assert "no threshold up to 60 %" in search.in_words
    assert max(trial.intensity for trial in search.trials) == 0.6


@EVERY
def test_a_muscle_that_always_answers_ends_too(method):
    search = searched(begin_search(method, start=0.3), lambda *_: True)
    assert search.is_finished
    assert search.estimate is None or search.estimate < (0.6 if method is ThresholdMethod.BAYES else 0.3)


@EVERY
def test_recording_leaves_the_search_before_as_it_was(method):
    search = begin_search(method, start=0.6)
    search.record(True)
    assert search.trials == ()
    assert search.next_intensity == 0.6
    with pytest.raises(ValueError, match="no pulse"):
        search.undone()


@EVERY
def test_intervals_hold_most_thresholds_and_narrow_with_confidence(method):
    held = []
    for seed in range(60):
        search = searched(begin_search(method, start=0.72, resolution=0.0), coin(0.62, 0.045, seed))
        interval = search.confidence_interval()
        held.append(interval.low <= 0.62 <= interval.high)
        narrow = search.confidence_interval(0.5)
        assert interval.low <= narrow.low <= narrow.high <= interval.high
    assert np.mean(held) >= 0.9


def test_intervals_say_what_they_rest_on():
    for method in METHODS:
        basis = begin_search(method, start=0.6).record(True).confidence_interval().basis
        assert basis is (
            IntervalBasis.POPULATION_PRIOR if method is ThresholdMethod.BAYES else IntervalBasis.FLAT_PRIOR
        )
    assert begin_search(ThresholdMethod.PEST, start=0.6).confidence_interval() is None


def test_one_sided_answers_bound_one_side():
    up = begin_search(ThresholdMethod.SAMT, start=0.6).record(True).confidence_interval()
    assert (up.low, up.high < inf) == (0.0, True)
    assert "below" in up.in_words
    down = begin_search(ThresholdMethod.SAMT, start=0.6).record(False).confidence_interval()
    assert (down.low > 0, down.high) == (True, inf)
    assert "above" in down.in_words


def test_five_of_ten_leaves_a_level_as_soon_as_it_is_decided():
    search = FiveOfTen(start=0.60)
    for answer in (True, False, True, False, True, False, True, False, False):
        search = search.record(answer)
    assert search.next_intensity == 0.60
    assert search.record(True).next_intensity == 0.59
    assert search.record(False).next_intensity == 0.61


def test_five_of_ten_goes_up_from_a_start_that_is_too_weak():
    search = searched(FiveOfTen(start=0.50, step=0.02), lambda a, _: a >= 0.549)
    assert_allclose(search.estimate, 0.56)
    assert len(search.trials) == 3 * 6 + 5


def test_two_thresholds_are_the_ends_of_the_uncertain_range():
    generator = np.random.default_rng(3)
    search = TwoThresholds(start=0.65)
    search = searched(search, lambda a, _: a >= 0.58 or (a > 0.525 and generator.random() < 0.5))
    assert search.lower < 0.56
    assert search.upper <= 0.58
    assert search.estimate == (search.lower + search.upper) / 2


def test_two_thresholds_climb_from_silence_in_bounds():
    search = searched(TwoThresholds(start=0.50), lambda a, _: a >= 0.62)
    assert_allclose((search.lower, search.upper), (0.61, 0.62))


@given(st.lists(st.booleans(), min_size=1, max_size=24))
def test_stochastic_approximation_walks_in_harmonic_steps(answers):
    search = StochasticApproximation(start=0.6, resolution=0.0)
    place = 0.6
    for number, answer in enumerate(answers, start=1):
        search = search.record(answer)
        place = min(max(place + (-1 if answer else 1) * 0.067 / number, 0.002), 1.0)
        if not search.is_finished:
            assert_allclose(search.next_intensity, place, rtol=1e-9)


def test_adaptive_steps_shorten_only_when_the_answer_changes():
    search = StochasticApproximation(start=0.6, resolution=0.0, rule=StepRule.ADAPTIVE)
    places = [0.6]
    for answer in (True, True, False, False, True):
        search = search.record(answer)
        places.append(search.next_intensity)
    assert_allclose(np.diff(places), [-0.042, -0.042, 0.021, 0.021, -0.014])


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_pest_gives_the_next_pulse_where_the_likelihood_is_highest(answers):
    search = MaximumLikelihoodSearch(start=0.6, resolution=0.0)
    for answer in answers:
        if search.is_finished:
            break
        search = search.record(answer)
    if search.is_finished:
        return
    thresholds = np.linspace(0.002, 1.3, 5000)
    chance = np.ones_like(thresholds)
    for trial in (*search.trials, ThresholdTrial(intensity=1.3, responded=True)):
        answered = ndtr((trial.intensity - thresholds) / (0.07 * thresholds))
        chance *= answered if trial.responded else 1 - answered
    best = thresholds[chance >= chance.max() * (1 - 1e-6)]
    assert best.min() - 0.003 <= search.wanted <= best.max() + 0.003


def test_bayes_begins_at_its_prior_and_moves_away_from_it():
    search = BayesianSearch(resolution=0.0)
    assert_allclose(search.next_intensity, 0.658)
    up, down = search.record(False), search.record(True)
    assert down.next_intensity < 0.658 < up.next_intensity
    interval = searched(search, coin(0.5, 0.04)).confidence_interval()
    assert interval.low < 0.5 < interval.high


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"start": 0.0}, "first pulse"),
        ({"start": 60.0}, "first pulse at 6000 %"),
        ({"start": float("nan")}, "first pulse"),
        ({"start": 0.8, "maximum": 0.7}, "within 0 to 70 %"),
        ({"start": 0.5, "maximum": 1.3}, "maximum"),
        ({"start": 0.5, "resolution": 0.5}, "steps of"),
        ({"start": 0.5, "pulses": 0}, "1 to 200"),
        ({"start": 0.5, "step": 0.01}, "chooses its own"),
    ],
)
def test_senseless_settings_are_refused(settings, says):
    with pytest.raises(ValueError, match=says):
        begin_search(ThresholdMethod.PEST, **settings)


@pytest.mark.parametrize(("settings", "says"), [({"pulses": 20}, "own rule"), ({"step": 0.001}, "steps of 0.1 %")])
def test_senseless_settings_of_counting_are_refused(settings, says):
    with pytest.raises(ValueError, match=says):
        begin_search(ThresholdMethod.IFCN, start=0.5, **settings)


@pytest.mark.parametrize(
    ("trial", "says"),
    [
        ({"intensity": 0.5, "responded": True, "amplitude": 40e-6}, "is not a response"),
        ({"intensity": 0.5, "responded": False, "amplitude": 50e-6}, "is not no response"),
        ({"intensity": 0.5, "responded": False, "amplitude": -1e-6}, "not negative"),
        ({"intensity": 50.0, "responded": True}, "cannot be"),
    ],
)
def test_senseless_trials_are_refused(trial, says):
    with pytest.raises(ValueError, match=says):
        ThresholdTrial(**trial)
