"""What a delivery looks like at one moment, for whoever watches it."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class DeliveryStatus:
    """A delivery at one moment.

    Attributes
    ----------
    state : name of the controller's state
    train, trains : number of the train that runs or comes next, from 1; None when the session is complete
    pulses_given, pulses_planned : of the session; while a train runs its pulses are counted in
    train_pulses, train_planned : of the train that runs or comes next
    remaining : until the session is complete if nothing holds it up, s
    next_start_in : until the next train, s; None while nothing is to be started
    power : fraction of output that is planned for this train
    device_power : that the stimulator says; None when it does not
    di_dt, planned_di_dt : of the last pulse as the stimulator says, and as planned, A/s
    coil_temperature : K; None when it is not known
    deviation_distance, deviation_angle : of the coil from its planned pose, m and rad; None when not known
    keep_alive_worst : of an answer after the moment it was due, s
    contact_gap_worst : between two answers, s
    start_jitter_worst : of a train's start after its planned moment, s
    stop_latency : from STOP to the stimulator's word that it is disarmed, s; None before that
    holding : what keeps the next train from being armed
    uncertain : number of the train, from 1, whose end nobody saw, and the pulses it may have given; None without one
    message : the last thing worth saying
    heat_time : above the lower temperature of the rule of heat at the skin, within its window, s; None without the rule
    """

    state: str
    train: int | None
    trains: int
    pulses_given: int
    pulses_planned: int
    train_pulses: int
    train_planned: int
    remaining: float
    next_start_in: float | None
    power: float | None
    device_power: float | None
    di_dt: float | None
    planned_di_dt: float | None
    coil_temperature: float | None
    deviation_distance: float | None
    deviation_angle: float | None
    keep_alive_worst: float
    contact_gap_worst: float
    start_jitter_worst: float
    stop_latency: float | None
    holding: tuple[str, ...]
    uncertain: tuple[int, int] | None
    message: str
    heat_time: float | None = None

    def to_data(self) -> dict[str, Any]:
        """The same for JSON; SI units throughout."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> "DeliveryStatus":
        """The status that `to_data` gave, after its way through JSON.

        Raises
        ------
        TypeError : a key is missing or unknown
        """
        uncertain = data["uncertain"]
        return cls(
            **{
                **data,
                "holding": tuple(data["holding"]),
                "uncertain": None if uncertain is None else (uncertain[0], uncertain[1]),
            }
        )
