"""What is recorded of a measurement, and its flags."""

import pytest

from anodyne.protocol import (
    VISUAL_TWITCH,
    FiveOfTen,
    ResponseObservation,
    SearchOutcome,
    ThresholdMethod,
    begin_search,
    conclude_search,
)


def finished(start=0.60, seen=ResponseObservation.EMG, threshold=0.555, maximum=1.0):
    search = FiveOfTen(start=start, maximum=maximum)
    while not search.is_finished:
        search = search.record(search.next_intensity >= threshold)
    return conclude_search(search, seen)


def test_a_threshold_by_emg_needs_no_flag():
    result = finished()
    assert not result.is_visual
    assert "56.0 % of stimulator output (five-of-ten, 1 % steps, EMG of at least 50 µV" in result.in_words
    assert not any("eye" in warning for warning in result.warnings())


def test_a_visual_threshold_is_flagged_with_its_source():
    result = finished(seen=ResponseObservation.VISUAL)
    assert result.is_visual
    assert "visible twitch" in result.in_words
    (warning,) = (each for each in result.warnings() if "eye" in each)
    assert "11.3 % higher" in warning
    assert "0 to 27.8 %" in warning
    assert "Westin" in warning
    assert VISUAL_TWITCH.certainty.value == "read"


def test_stopping_early_is_said():
    search = begin_search(ThresholdMethod.PEST, start=0.6).record(True).record(False)
    result = conclude_search(search, ResponseObservation.EMG)
    assert result.outcome is SearchOutcome.RUNNING
    assert any("provisional" in warning for warning in result.warnings())
    nothing = conclude_search(begin_search(ThresholdMethod.PEST, start=0.6), ResponseObservation.EMG)
    assert nothing.in_words == "no threshold yet (ML-PEST, EMG of at least 50 µV, 0 pulses)"


def test_a_wide_interval_is_remarked_upon():
    search = begin_search(ThresholdMethod.PEST, start=0.6, pulses=4)
    for answer in (True, False, False, True):
        search = search.record(answer)
    assert any("wide" in warning for warning in conclude_search(search, ResponseObservation.EMG).warnings())


def test_an_estimate_that_the_answers_contradict_is_remarked_upon():
    """Five of ten stops at the first level that fails, whatever the levels above have shown."""
    search = FiveOfTen(start=0.80)
    for answer in [True] * 5 * 8 + [False] * 6:
        search = search.record(answer)
    assert search.is_finished
    result = conclude_search(search, ResponseObservation.EMG)
    contradicted = not result.interval.low <= result.threshold <= result.interval.high
    assert contradicted == any("all answers together" in warning for warning in result.warnings())
    assert contradicted


def test_no_threshold_has_no_number():
    result = finished(start=0.9, threshold=2.0)
    assert result.threshold is None
    assert result.in_words.startswith("no threshold up to 100 % of stimulator output")


def test_a_threshold_that_looks_like_a_mistake_is_said_to():
    assert any("20 to 100 %" in warning for warning in finished(start=0.2, threshold=0.115).warnings())


@pytest.mark.parametrize("seen", ResponseObservation)
def test_observations_have_words(seen):
    assert seen.in_words
