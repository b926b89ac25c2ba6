"""The strongest output that is tolerated: laws of the way up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anodyne.protocol import (
    ResponseObservation,
    SearchOutcome,
    ThresholdMethod,
    ToleranceSearch,
    begin_search,
    conclude_search,
)


def asked(search, limit):
    """The search when a person who bears outputs up to `limit` was asked to the end."""
    while not search.is_finished:
        search = search.record(search.next_intensity <= limit)
    return search


@given(
    limit=st.floats(0.0, 1.2),
    start=st.floats(0.02, 1.0),
    maximum=st.floats(0.02, 1.0),
    step=st.sampled_from([0.01, 0.02, 0.05]),
)
def test_never_more_than_one_step_beyond_what_is_bearable(limit, start, maximum, step):
    search = asked(ToleranceSearch(start=min(start, maximum), maximum=maximum, step=step), limit)
    given_outputs = [trial.intensity for trial in search.trials]
    assert max(given_outputs) <= maximum
    first, *others = given_outputs
    assert all(output <= limit + step + 1e-9 or output < first for output in others)
    refused = [trial.intensity for trial in search.trials if not trial.responded]
    assert len(set(refused)) == len(refused)  # nothing that was too much is given twice
    if search.outcome is SearchOutcome.FOUND:
        assert search.estimate <= limit
        assert search.estimate == max(trial.intensity for trial in search.trials if trial.responded)
        assert search.estimate > min(limit, maximum) - step - 1e-2 or search.estimate >= min(limit, maximum)
    else:
        assert search.outcome is SearchOutcome.NONE_BEARABLE
        assert search.estimate is None
        assert limit < 0.02


def test_one_who_bears_the_maximum_has_it_for_an_answer():
    search = asked(ToleranceSearch(start=0.3, maximum=0.47, step=0.05), 2.0)
    assert search.estimate == pytest.approx(0.47)
    assert search.outcome is SearchOutcome.FOUND


def test_there_is_no_interval_and_it_can_be_undone():
    search = ToleranceSearch(start=0.2, step=0.05).record(True).record(False)
    assert search.confidence_interval() is None
    assert (
        search.in_words
        == "strongest tolerated output 20.0 % of stimulator output (ascending limits, 5 % steps, 2 pulses)"
    )
    assert search.undone().next_intensity == pytest.approx(0.25)


def test_result_says_what_it_is_of():
    search = asked(begin_search(ThresholdMethod.COMFORT, start=0.2), 0.31)
    result = conclude_search(search, ResponseObservation.WORD, site="left sural nerve")
    assert (result.sought, result.site) == ("strongest tolerated output", "left sural nerve")
    assert result.threshold == pytest.approx(0.30)
    assert not result.is_visual
    assert result.warnings() == ()
    nothing = asked(begin_search(ThresholdMethod.COMFORT, start=0.02), 0.0)
    assert "not even the weakest pulse was bearable" in conclude_search(nothing, ResponseObservation.WORD).in_words


@pytest.mark.parametrize("step", [0.0, 0.005, 0.2])
def test_senseless_steps_are_refused(step):
    with pytest.raises(ValueError, match="steps of"):
        ToleranceSearch(start=0.2, step=step)
