"""The controller's own process: ``python -m anodyne.stimulator.delivery``, its task as JSON on standard input.

Nothing of web or screen is in it. It answers with one line of JSON on standard output, ``{"door": path}`` or
``{"refused": sentence}``, and everything after that goes through the door.
"""

import signal
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from anodyne.errors import SafetyRefusal
from anodyne.protocol import find_device
from anodyne.stimulator.clock import Clock, RealClock, ScaledClock
from anodyne.stimulator.delivery.controller import Controller, Equipment
from anodyne.stimulator.delivery.door import Door
from anodyne.stimulator.delivery.emulated import is_emulated
from anodyne.stimulator.delivery.inbox import Inbox
from anodyne.stimulator.delivery.interruption import InterruptiblePort
from anodyne.stimulator.delivery.journal import Journal
from anodyne.stimulator.delivery.log import DeliveryLog, LogLine
from anodyne.stimulator.delivery.order import DeliveryOrder, order_from_data, order_to_data
from anodyne.stimulator.delivery.reporting import status_of
from anodyne.stimulator.delivery.site import Site, read_site, refuse_port
from anodyne.stimulator.opening import open_stimulator
from anodyne.stimulator.port import Port

STOPPING = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a controller's process is told.

    Attributes
    ----------
    order, signed_hash : what to give, and the hash of what was signed
    port : the stimulator's serial port
    log : the session's log
    folder : for the door
    site : the site's file; None without one
    speed : seconds of the session in one real second; other than 1 only with an emulator
    """

    order: DeliveryOrder
    signed_hash: str
    port: str
    log: Path
    folder: Path
    site: Path | None = None
    speed: float = 1.0

    def to_data(self) -> dict[str, Any]:
        """The task as JSON-ready data."""
        return {
            "order": order_to_data(self.order),
            "signed_hash": self.signed_hash,
            "port": self.port,
            "log": str(self.log),
            "folder": str(self.folder),
            "site": None if self.site is None else str(self.site),
            "speed": self.speed,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Task":
        """The task that `to_data` gave.

        Raises
        ------
        UnreadableFile, SafetyRefusal : as `order_from_data`
        """
        return cls(
            order=order_from_data(data["order"]),
            signed_hash=data["signed_hash"],
            port=data["port"],
            log=Path(data["log"]),
            folder=Path(data["folder"]),
            site=None if data["site"] is None else Path(data["site"]),
            speed=data["speed"],
        )


def carry_out(task: Task, ready: Callable[[Path], None]) -> None:
    """Give a session, and come back when it is done or stopped.

    Parameters
    ----------
    ready : called with the door's file once clients may come

    Raises
    ------
    AnodyneError : the port is not allowed, busy or no stimulator, another order was signed, or the log is another one's
    """
    now = datetime.now(UTC)
    emulated = is_emulated(task.port)
    refuse_port(task.port, Site() if task.site is None else read_site(task.site), emulated=emulated, today=now.date())
    if task.speed != 1 and not emulated:
        raise SafetyRefusal("time can be hurried only with an emulator; leave --speed out")
    clock: Clock = RealClock() if task.speed == 1 else ScaledClock(task.speed)
    inbox = Inbox(clock)
    with ExitStack() as last_things:
        log = last_things.enter_context(DeliveryLog(task.log))
        lines: list[InterruptiblePort] = []

        def interruptible(port: Port) -> Port:
            lines.append(InterruptiblePort(port, clock))
            return lines[-1]

        device = find_device(task.order.device)
        stimulator = last_things.enter_context(
            open_stimulator(task.port, device=device, clock=clock, wrap=interruptible)
        )
        writer = last_things.enter_context(ThreadPoolExecutor(1, "log"))
        journal = Journal(log, clock, _wall(clock, max([now, *map(_instant, log.lines[-1:])])), writer)
        equipment = Equipment(stimulator=stimulator, journal=journal, inbox=inbox, clock=clock, line=lines[-1])
        controller = Controller(task.order, task.signed_hash, equipment)
        door = last_things.enter_context(closing(Door(inbox, task.folder)))
        _heed_signals(inbox)
        ready(door.path)
        controller.run(lambda: door.publish(status_of(controller)))
        door.publish(status_of(controller))


def _instant(line: LogLine) -> datetime:
    """When a line was written."""
    return datetime.fromisoformat(line.at)


def _wall(clock: Clock, began: datetime) -> Callable[[], datetime]:
    """The wall clock; in hurried time one that begins at an instant and runs as fast as the session."""
    if clock.speed == 1:
        return lambda: datetime.now(UTC)
    start = clock.now()
    return lambda: began + timedelta(seconds=clock.now() - start)


def _heed_signals(inbox: Inbox) -> None:
    """Let every signal that asks to end be a STOP."""

    def stop(number: int, frame: FrameType | None) -> None:
        inbox.stop(f"the system said {signal.Signals(number).name}")

    for name in STOPPING:
        signal.signal(getattr(signal, name), stop)
