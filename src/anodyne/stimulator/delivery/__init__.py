"""Deliveries: an order, a controller that gives it and watches over it, its log, and the clients' way to it."""

from anodyne.stimulator.delivery.client import DeliveryClient
from anodyne.stimulator.delivery.controller import Controller, Equipment
from anodyne.stimulator.delivery.emulated import is_emulated, registered
from anodyne.stimulator.delivery.gates import Timing
from anodyne.stimulator.delivery.inbox import Inbox, Pause, PoseDeviation, Resume, Start
from anodyne.stimulator.delivery.interruption import InterruptiblePort
from anodyne.stimulator.delivery.journal import Inline, Journal
from anodyne.stimulator.delivery.log import DeliveryLog, LogContents, LogEvent, LogLine, read_log
from anodyne.stimulator.delivery.order import (
    DeliveryOrder,
    PlannedTrain,
    PoseTolerance,
    fingerprint,
    order_from_data,
    order_to_data,
)
from anodyne.stimulator.delivery.process import Task, carry_out
from anodyne.stimulator.delivery.reporting import status_of
from anodyne.stimulator.delivery.resuming import (
    GIVEN,
    NOT_GIVEN,
    ResumePoint,
    UncertainTrain,
    pulses_by_word,
    resume_point,
)
from anodyne.stimulator.delivery.site import Site, read_site, refuse_port
from anodyne.stimulator.delivery.starting import started_controller
from anodyne.stimulator.delivery.states import TABLE, Event, State, following
from anodyne.stimulator.delivery.status import DeliveryStatus

__all__ = [
    "GIVEN",
    "NOT_GIVEN",
    "TABLE",
    "Controller",
    "DeliveryClient",
    "DeliveryLog",
    "DeliveryOrder",
    "DeliveryStatus",
    "Equipment",
    "Event",
    "Inbox",
    "Inline",
    "InterruptiblePort",
    "Journal",
    "LogContents",
    "LogEvent",
    "LogLine",
    "Pause",
    "PlannedTrain",
    "PoseDeviation",
    "PoseTolerance",
    "Resume",
    "ResumePoint",
    "Site",
    "Start",
    "State",
    "Task",
    "Timing",
    "UncertainTrain",
    "carry_out",
    "fingerprint",
    "following",
    "is_emulated",
    "order_from_data",
    "order_to_data",
    "pulses_by_word",
    "read_log",
    "read_site",
    "refuse_port",
    "registered",
    "resume_point",
    "started_controller",
    "status_of",
]
