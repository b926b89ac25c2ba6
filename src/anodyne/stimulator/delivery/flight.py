"""The one train that is being given: what is known of it, and what became of it."""

from concurrent.futures import Future
from dataclasses import dataclass
from math import inf

import numpy as np

from anodyne.protocol import Train
from anodyne.stimulator.delivery.gates import Timing
from anodyne.stimulator.delivery.journal import Facts
from anodyne.stimulator.delivery.order import DeliveryOrder, settings_to_data
from anodyne.stimulator.faults import FaultKind
from anodyne.stimulator.model import DeviceState, TrainSettings
from anodyne.units import CELSIUS_ZERO, A_per_us, percent

SHORTEST_SEEN = 0.3
"""A train whose last pulse comes later than this (s) must have been seen running."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a train.

    Attributes
    ----------
    pulses : given; None when nobody knows
    certain : whether the number is known
    wrong : what is not as it should be, one sentence; empty if the train was given as planned
    """

    pulses: int | None
    certain: bool
    wrong: str = ""


@dataclass(kw_only=True)
class Flight:
    """A train from its announcement to its end.

    Attributes
    ----------
    train : index in the order
    settings : of this train, or of what is left of it
    planned_start : s of the controller's clock
    counter_before : the device's count of pulses; None where it has none
    announced : done when the announcement is on the disk; None before it is written
    fired_at : just before the trigger was sent; None before that
    answered_at : when the device had answered it; None if it did not
    highest_counted : pulses by the device's counter, at most so far
    seen_running : whether the device has said so
    not_running_since : when the device first said so after that
    """

    train: int
    settings: TrainSettings
    planned_start: float
    counter_before: int | None = None
    announced: "Future[None] | None" = None
    fired_at: float | None = None
    answered_at: float | None = None
    highest_counted: int = 0
    seen_running: bool = False
    not_running_since: float | None = None

    @property
    def pulse_times(self) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
        """(pulses,) array, s after the first pulse."""
        settings = self.settings
        return Train(rate=settings.rate, pulses=settings.pulses, burst=settings.burst).pulse_times()

    @property
    def ends_at(self) -> float:
        """The end of the last period, reckoned from the latest moment at which the train can have begun, s."""
        began = self.fired_at if self.answered_at is None else self.answered_at
        return inf if began is None else began + self.settings.duration

    def counted(self, state: DeviceState | None) -> int | None:
        """Pulses by the device's own counter; None where it has none, or it was set back meanwhile."""
        if state is None or state.pulses_given is None or self.counter_before is None:
            return None
        count = state.pulses_given - self.counter_before
        if count < self.highest_counted:
            return None
        self.highest_counted = count
        return count

    def estimate(self, state: DeviceState, now: float) -> int:
        """Pulses so far for the screen: counted, else by the clock."""
        counted = self.counted(state)
        if counted is not None:
            return counted
        if self.fired_at is None:
            return 0
        return int(np.searchsorted(self.pulse_times, now - self.fired_at, side="right"))


def judge(flight: Flight, state: DeviceState, now: float, timing: Timing) -> Outcome | None:
    """What became of a triggered train by what the device says now; None while it goes on."""
    assert flight.fired_at is not None
    planned, counted = flight.settings.pulses, flight.counted(state)
    if counted is not None and counted > planned:
        return Outcome(pulses=counted, certain=True, wrong=_miscounted(flight, counted))
    if state.running:
        flight.seen_running, flight.not_running_since = True, None
        late = now > flight.ends_at + timing.overrun
        wrong = f"train {flight.train + 1} runs longer than the {flight.settings.duration:.4g} s it should take"
        return Outcome(pulses=None, certain=False, wrong=wrong) if late else None
    if flight.not_running_since is None:
        flight.not_running_since = now
    if counted is not None:
        return _by_counter(flight, counted, now, timing)
    return _by_clock(flight, now, timing)


def _by_counter(flight: Flight, counted: int, now: float, timing: Timing) -> Outcome | None:
    if counted == flight.settings.pulses:
        return Outcome(pulses=counted, certain=True)
    assert flight.not_running_since is not None
    if now - flight.not_running_since < timing.grace:
        return None
    return Outcome(pulses=counted, certain=True, wrong=_miscounted(flight, counted))


def _by_clock(flight: Flight, now: float, timing: Timing) -> Outcome | None:
    assert flight.fired_at is not None
    assert flight.not_running_since is not None
    last = float(flight.pulse_times[-1])
    if not flight.seen_running and last > SHORTEST_SEEN:
        if now - flight.fired_at < timing.grace:
            return None
        return Outcome(
            pulses=None, certain=False,
            wrong=f"the stimulator never said that train {flight.train + 1} was running; look at its panel",
        )  # fmt: skip
    if not flight.seen_running and now < flight.fired_at + last:
        return None  # a single pulse or a very short train: wait until it must be over
    if flight.seen_running and flight.not_running_since < flight.fired_at + last:
        return Outcome(
            pulses=None, certain=False,
            wrong=f"train {flight.train + 1} ended early, and this stimulator does not count its pulses; look at its "
            "panel",
        )  # fmt: skip
    return Outcome(pulses=flight.settings.pulses, certain=True)


COUNTER_LOST = frozenset({FaultKind.SILENT, FaultKind.PORT_LOST, FaultKind.RESET, FaultKind.REMOTE_LOST})
"""After these the device may have restarted, and a counter that says nothing new says nothing at all."""


def judge_withdrawn(flight: Flight, state: DeviceState | None, cause: FaultKind | None = None) -> Outcome:
    """What became of a train that was called off.

    Parameters
    ----------
    state : what the device said after it was disarmed; None if it said nothing
    cause : the fault for which it was called off, if it was one
    """
    if flight.fired_at is None:
        return Outcome(pulses=0, certain=True)
    counted = flight.counted(state)
    assert state is not None or counted is None
    doubtful = state is None or state.running or state.fault in COUNTER_LOST or cause in COUNTER_LOST
    if counted is None or doubtful:
        return Outcome(pulses=None, certain=False)
    return Outcome(pulses=counted, certain=True)


def _miscounted(flight: Flight, counted: int) -> str:
    return (
        f"the stimulator gave {counted} of {flight.settings.pulses} pulses in train {flight.train + 1}; look at its "
        "panel before you go on"
    )


def announcement(flight: Flight, order: DeliveryOrder) -> Facts:
    """What the log says of a train before it begins."""
    return {
        "train": flight.train,
        **settings_to_data(flight.settings),
        "planned_di_dt_a_per_us": round(flight.settings.power * order.peak_di_dt / A_per_us, 3),
    }


def result_facts(flight: Flight, outcome: Outcome, device: DeviceState | None, now: float) -> Facts:
    """What the log says of a train when it has ended, beside its announcement; null where nobody knows."""
    power = None if device is None or device.power is None else round(device.power / percent, 6)
    temperature = None if device is None or device.coil_temperature is None else device.coil_temperature - CELSIUS_ZERO
    return {
        "planned_pulses": flight.settings.pulses,
        "pulses": outcome.pulses,
        "certain": outcome.certain,
        "counted": outcome.certain and flight.counter_before is not None,
        "close": False,
        "device_power_percent": power,
        "di_dt_a_per_us": None if device is None or device.di_dt is None else round(device.di_dt / A_per_us, 3),
        "coil_temperature_celsius": None if temperature is None else round(temperature, 2),
        "started_late_s": None if flight.answered_at is None else round(flight.answered_at - flight.planned_start, 4),
        "ended_after_s": None if flight.fired_at is None else round(now - flight.fired_at, 3),
        "wrong": outcome.wrong,
    }
