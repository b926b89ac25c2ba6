"""What must hold before a stimulator is armed, and all the while that it is."""

from dataclasses import dataclass
from math import isfinite

from anodyne.errors import SafetyRefusal
from anodyne.stimulator.delivery.inbox import Inbox, Start
from anodyne.stimulator.delivery.order import DeliveryOrder
from anodyne.stimulator.model import DeviceState
from anodyne.units import CELSIUS_ZERO, degree, mm


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long things may take; all in s.

    Attributes
    ----------
    presence : after which an operator who was not heard of is gone
    pose : after which a tracked pose is too old
    tick : between two looks at what clients want
    poll : between two questions to a stimulator that arms or fires
    preparation : before the planned start, when settings are written and read back
    arming : before the planned start, when arming begins
    longest_arming : after which a stimulator that is not ready is at fault
    announcement : before the planned start, when the train is written into the log
    overrun : after which a train that should have ended is at fault
    grace : in which a counter may lag behind the end of a train
    rest : after a train, before which settings cannot be changed (0.5 s on a Rapid², MAGIC; read)
    """

    presence: float = 1.0
    pose: float = 1.0
    tick: float = 0.02
    poll: float = 0.1
    preparation: float = 4.0
    arming: float = 1.6
    longest_arming: float = 10.0
    announcement: float = 0.2
    overrun: float = 1.0
    grace: float = 0.5
    rest: float = 0.6


def refuse_start(start: Start, order: DeliveryOrder) -> None:
    """Raise `SafetyRefusal` unless ears are protected and the coil is the one of the order."""
    if not (start.patient_protected and start.operator_protected):
        whose = "the operator's" if start.patient_protected else "the patient's"
        raise SafetyRefusal(f"{whose} ears are not said to be protected; put earplugs in and say so")
    if start.coil != order.coil:
        raise SafetyRefusal(
            f"the order is for the coil {order.coil} and {start.coil or 'none'} is attached; attach the right one, or "
            "make a plan for this one"
        )


def unmet(order: DeliveryOrder, state: DeviceState, inbox: Inbox, timing: Timing) -> tuple[str, ...]:
    """What does not hold at this moment, each in a few words; empty if the stimulator may be armed."""
    missing = [*_coil(order, state)]
    if inbox.presence_age > timing.presence:
        missing.append("the operator's presence is not renewed")
    missing += _pose(order, inbox, timing)
    return tuple(missing)


def _coil(order: DeliveryOrder, state: DeviceState) -> list[str]:
    temperature, limit = state.coil_temperature, order.maximum_coil_temperature
    if state.fault is not None:
        return [state.fault.in_words]
    if not state.coil_present:
        return ["no coil is connected"]
    if temperature is None or not isfinite(temperature):
        return ["the coil's temperature is not known"]
    if temperature >= limit:
        return [f"the coil is at {temperature - CELSIUS_ZERO:.1f} °C, its limit is {limit - CELSIUS_ZERO:g} °C"]
    return []


def _pose(order: DeliveryOrder, inbox: Inbox, timing: Timing) -> list[str]:
    pose, tolerance = inbox.latest_pose, order.pose_tolerance
    if tolerance is None:
        return [] if pose is not None and pose.fixed else ["nobody vouches that the coil is held at the site"]
    if pose is None:
        return ["the coil's pose is not known"]
    if inbox.pose_age > timing.pose:
        return [f"the coil's pose is {inbox.pose_age:.1f} s old"]
    if pose.distance > tolerance.distance or pose.angle > tolerance.angle:
        return [
            f"the coil is {pose.distance / mm:.1f} mm and {pose.angle / degree:.1f}° off, "
            f"{tolerance.distance / mm:g} mm and {tolerance.angle / degree:g}° are allowed"
        ]
    return []
