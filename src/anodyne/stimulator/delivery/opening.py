"""Before the first train: which device, which order, and where the log says that the session stands."""

from datetime import datetime

from anodyne.errors import RecordConflict, SafetyRefusal
from anodyne.protocol import DeviceModel
from anodyne.stimulator.delivery.inbox import Start
from anodyne.stimulator.delivery.journal import Facts, Journal
from anodyne.stimulator.delivery.log import LogEvent
from anodyne.stimulator.delivery.order import DeliveryOrder, order_to_data
from anodyne.stimulator.delivery.resuming import ResumePoint, beginning, resume_point
from anodyne.stimulator.delivery.watch import refuse_set_back


def refuse_device(order: DeliveryOrder, device: DeviceModel) -> None:
    """Raise `SafetyRefusal` unless this is the model of the order and it can give every train."""
    if device.name != order.device:
        raise SafetyRefusal(
            f"the order is for a {order.device} and {device.label} answers; connect the right one, or make an "
            "order for this one"
        )
    for settings in {planned.settings for planned in order.trains}:
        device.refuse_train(settings, settings.power)


def required_wait(order: DeliveryOrder, device: DeviceModel, train: int) -> float:
    """How long nothing is given after a train, s: as the protocol or as the device wants it, whichever is longer."""
    planned = order.trains[train]
    return max(planned.wait_after, device.wait_after(planned.settings, planned.settings.power) or 0.0)


def opened(journal: Journal, order: DeliveryOrder) -> ResumePoint:
    """Where the session of a log stands; at its beginning if the log is empty.

    Raises
    ------
    RecordConflict : the log belongs to another order
    SafetyRefusal : the computer's clock was set back since the last line
    UnreadableFile : the log says what cannot be
    """
    if not journal.lines:
        return beginning(order)
    point = resume_point(journal.lines)
    if point.order.hash != order.hash:
        raise RecordConflict(
            f"the log belongs to another order ({point.order.hash[:12]}, not {order.hash[:12]}): the plan or its "
            "numbers were changed since, or it is another session; name another log, or deliver what it was begun with"
        )
    refuse_set_back(journal.now(), datetime.fromisoformat(journal.lines[-1].at))
    return point


def last_started(journal: Journal) -> int | None:
    """Index of the train that was last announced; None if none was."""
    started = [line.facts["train"] for line in journal.lines if line.event is LogEvent.STARTING]
    return started[-1] if started else None


def first_facts(journal: Journal, order: DeliveryOrder, start: Start) -> tuple[LogEvent, Facts]:
    """The line with which this run begins: it opens the session, or goes on with it."""
    said: Facts = {
        "coil_attached": start.coil,
        "patient_protected": start.patient_protected,
        "operator_protected": start.operator_protected,
    }
    if not journal.lines:
        return LogEvent.OPENED, {"order": order_to_data(order), "order_hash": order.hash, **said}
    torn = journal.torn.decode(errors="replace")
    return LogEvent.CONTINUED, {"order_hash": order.hash, "torn_line": torn, **said}
