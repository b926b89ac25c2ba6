"""The states of a delivery and the events that lead from one to the next: the whole machine as one table."""

from collections.abc import Mapping
from enum import Enum


class State(Enum):
    """What the controller is doing."""

    IDLE = "idle"
    CHECKING = "checking"
    ARMING = "arming"
    ARMED = "armed"
    FIRING = "firing"
    WAITING = "waiting"
    PAUSED = "paused"
    STOPPED = "stopped"
    FAULTED = "faulted"
    DONE = "done"

    @property
    def is_hot(self) -> bool:
        """Whether the stimulator may be armed, so that whatever is lost must disarm it at once."""
        return self in (State.ARMING, State.ARMED, State.FIRING)

    @property
    def is_final(self) -> bool:
        """Whether nothing follows in this process."""
        return self in (State.STOPPED, State.DONE)


class Event(Enum):
    """What happens to a delivery."""

    START = "start"
    CHECKED = "checked"
    READY = "ready"
    FIRED = "fired"
    TRAIN_ENDED = "train-ended"
    WAITED = "waited"
    COMPLETED = "completed"
    PAUSE = "pause"
    WITHDRAWN = "withdrawn"
    RESUME = "resume"
    STOP = "stop"
    FAULT = "fault"


_FORWARD: dict[tuple[State, Event], State] = {
    (State.IDLE, Event.START): State.CHECKING,
    (State.CHECKING, Event.CHECKED): State.ARMING,
    (State.ARMING, Event.READY): State.ARMED,
    (State.ARMED, Event.FIRED): State.FIRING,
    (State.FIRING, Event.TRAIN_ENDED): State.WAITING,
    (State.FIRING, Event.COMPLETED): State.DONE,
    (State.WAITING, Event.WAITED): State.CHECKING,
    (State.CHECKING, Event.COMPLETED): State.DONE,
    (State.PAUSED, Event.RESUME): State.CHECKING,
    (State.FAULTED, Event.RESUME): State.CHECKING,
}
_CALM = (State.CHECKING, State.WAITING)
_HOT = (State.ARMING, State.ARMED, State.FIRING)
_LIVE = (State.IDLE, *_CALM, *_HOT, State.PAUSED)

TABLE: Mapping[tuple[State, Event], State] = {
    **_FORWARD,
    **{(state, Event.PAUSE): State.PAUSED for state in (*_CALM, *_HOT)},
    **{(state, Event.WITHDRAWN): State.PAUSED for state in _HOT},
    **{(state, Event.STOP): State.STOPPED for state in (*_LIVE, State.FAULTED)},
    **{(state, Event.FAULT): State.FAULTED for state in _LIVE},
}
"""The next state for each state and each event that may happen in it; what is not here cannot happen."""


def following(state: State, event: Event) -> State:
    """The state after `event`.

    Raises
    ------
    ValueError : the event cannot happen in this state

    >>> following(State.ARMED, Event.STOP)
    <State.STOPPED: 'stopped'>
    """
    try:
        return TABLE[state, event]
    except KeyError:
        raise ValueError(f"{event.value!r} cannot happen while {state.value}") from None
