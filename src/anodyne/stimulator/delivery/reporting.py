"""A controller's status, as its clients see it."""

from typing import TYPE_CHECKING

from anodyne.stimulator.delivery.opening import required_wait
from anodyne.stimulator.delivery.states import State
from anodyne.stimulator.delivery.status import DeliveryStatus

if TYPE_CHECKING:
    from anodyne.stimulator.delivery.controller import Controller


def status_of(controller: "Controller") -> DeliveryStatus:
    """The delivery as it is now."""
    order, point, flight, device = controller.order, controller.point, controller.flight, controller.contact.state
    index, now, pose = point.next_train, controller.now, controller.pose
    running = 0 if flight is None or device is None else flight.estimate(device, now)
    planned = None if index is None else order.trains[index].settings
    given = 0 if index is None else point.given[index]
    begins = None if index is None else _next_start(controller)
    uncertain = point.uncertain
    return DeliveryStatus(
        state=controller.state.value,
        train=None if index is None else index + 1,
        trains=len(order.trains),
        pulses_given=point.pulses_given + running,
        pulses_planned=order.pulses,
        train_pulses=given + running,
        train_planned=0 if planned is None else planned.pulses,
        remaining=_remaining(controller),
        next_start_in=None if begins is None else max(begins - now, 0.0),
        power=None if planned is None else planned.power,
        device_power=None if device is None else device.power,
        di_dt=None if device is None else device.di_dt,
        planned_di_dt=None if planned is None else planned.power * order.peak_di_dt,
        coil_temperature=None if device is None else device.coil_temperature,
        deviation_distance=None if pose is None else pose.distance,
        deviation_angle=None if pose is None else pose.angle,
        keep_alive_worst=controller.contact.keep_alive.worst_lateness,
        contact_gap_worst=controller.contact.keep_alive.worst_gap,
        start_jitter_worst=controller.start_jitter_worst,
        stop_latency=controller.stop_latency,
        holding=controller.holding if controller.state is State.CHECKING else (),
        uncertain=None if uncertain is None else (uncertain.train + 1, uncertain.pulses),
        message=controller.message,
        heat_time=None if controller.heat.limit is None else controller.heat.time_above,
    )


def _next_start(controller: "Controller") -> float | None:
    """When the next train begins, s of the controller's clock; None while that is open."""
    if controller.flight is not None:
        return controller.flight.planned_start if controller.flight.fired_at is None else None
    return controller.not_before if controller.state in (State.CHECKING, State.WAITING) else None


def _remaining(controller: "Controller") -> float:
    """Until the last train ends if nothing holds it up, s."""
    order, point, flight, now = controller.order, controller.point, controller.flight, controller.now
    left = [index for index, closed in enumerate(point.closed) if not closed]
    if not left or controller.state.is_final:
        return 0.0
    total = sum(point.settings(index).duration for index in left)
    total += sum(required_wait(order, controller.device_model, index) for index in left[:-1])
    if flight is not None and flight.fired_at is not None:
        return max(total - (now - flight.fired_at), 0.0)
    return total + max((_next_start(controller) or now) - now, 0.0)
