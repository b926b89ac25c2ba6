"""The table of states: complete, and with no way from anywhere to a pulse but the one."""

import pytest

from anodyne.stimulator.delivery import TABLE, Event, State, following


def test_final_states_lead_nowhere():
    assert not [state for state, _ in TABLE if state.is_final]


@pytest.mark.parametrize("state", [state for state in State if not state.is_final])
def test_every_other_state_can_be_stopped(state):
    assert following(state, Event.STOP) is State.STOPPED


@pytest.mark.parametrize("state", [state for state in State if state.is_hot])
def test_every_hot_state_can_be_withdrawn_and_fault(state):
    assert following(state, Event.WITHDRAWN) is State.PAUSED
    assert following(state, Event.FAULT) is State.FAULTED


def test_firing_follows_only_arming_and_checking():
    into = {state: {before for (before, _), after in TABLE.items() if after is state} for state in State}
    assert into[State.FIRING] == {State.ARMED}
    assert into[State.ARMED] == {State.ARMING}
    assert into[State.ARMING] == {State.CHECKING}


def test_every_state_can_be_reached():
    reached = {State.IDLE}
    while more := {after for (before, _), after in TABLE.items() if before in reached} - reached:
        reached |= more
    assert reached == set(State)


def test_what_is_not_in_the_table_cannot_happen():
    with pytest.raises(ValueError, match="cannot happen while idle"):
        following(State.IDLE, Event.FIRED)
