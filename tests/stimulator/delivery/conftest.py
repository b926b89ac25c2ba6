"""A delivery on a bench: a controller, an emulated stimulator, and time that stands still until somebody waits."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from anodyne.protocol import find_device
from anodyne.stimulator.clock import ManualClock
from anodyne.stimulator.delivery import (
    Controller,
    DeliveryLog,
    DeliveryOrder,
    Equipment,
    Inbox,
    Inline,
    InterruptiblePort,
    Journal,
    PlannedTrain,
    PoseDeviation,
    PoseTolerance,
    Start,
    State,
)
from anodyne.stimulator.emulation import EmulatedPort, Emulator, Habits
from anodyne.stimulator.magpro import MagPro, MagProEmulator
from anodyne.stimulator.model import Stimulator, TrainSettings
from anodyne.stimulator.port import Port
from anodyne.stimulator.rapid2 import Rapid2, Rapid2Emulator
from anodyne.units import day, degree, mm

TODAY = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
HABITS = Habits(keeps_energy_law=False)
"""An emulator that does not wait of its own accord, so that it shows whether the controller does."""


def make_order(
    device: str = "magstim-rapid2", *, trains: int = 3, pulses: int = 20, rate: float = 10.0, wait: float = 8.0
) -> DeliveryOrder:
    """A short session at 45 % of output."""
    settings = TrainSettings(power=0.45, rate=rate, pulses=pulses)
    return DeliveryOrder(
        plan_hash="0" * 64,
        protocol="test",
        person="P-017",
        device=device,
        coil="magstim-70mm",
        trains=tuple(PlannedTrain(settings=settings, wait_after=wait) for _ in range(trains)),
        pose_tolerance=PoseTolerance(distance=5 * mm, angle=10 * degree),
        maximum_coil_temperature=313.15,
        peak_di_dt=115e6,
        rmt=0.5,
        rmt_measured=date(2026, 11, 18),
        rmt_age_limit=7 * day,
    )


@dataclass(kw_only=True)
class Bench:
    """One controller over one emulator; `go_on` lets time pass with an operator who stays."""

    emulator: Emulator
    stimulator: Stimulator
    clock: ManualClock
    inbox: Inbox
    log: DeliveryLog
    controller: Controller
    order: DeliveryOrder
    present: bool = True

    def start(self, **changes: object) -> None:
        """Begin with everything as it should be, or with one thing otherwise."""
        start = Start(coil=self.order.coil, patient_protected=True, operator_protected=True)
        self.inbox.pose(PoseDeviation(distance=0.0, angle=0.0, fixed=True))
        self.refusals: list[str | None] = []
        self.inbox.put(replace(start, **changes), self.refusals.append)

    def step(self) -> None:
        """One step and the sleep after it."""
        if self.present:
            self.inbox.present()
        self.controller.step()
        self.clock.sleep(self.controller.until_next_step())

    def go_on(self, until: Callable[[], bool], longest: float = 600.0) -> None:
        """Step until something is so."""
        end = self.clock.now() + longest
        while not until():
            assert self.clock.now() < end, f"still {self.controller.state}: {self.controller.message}"
            self.step()

    def go_on_to(self, *states: State, longest: float = 600.0) -> None:
        """Step until the controller is in one of these states."""
        self.go_on(lambda: self.controller.state in states, longest)

    def go_on_for(self, seconds: float) -> None:
        """Step for so long."""
        end = self.clock.now() + seconds
        self.go_on(lambda: self.clock.now() >= end, longest=seconds + 60)

    @property
    def given(self) -> int:
        """Pulses really given."""
        return len(self.emulator.pulses)

    def leave(self) -> None:
        """As a process does at its end, or by its death."""
        self.log.close()


def make_emulator(make: str) -> Emulator:
    return Rapid2Emulator(habits=HABITS) if make == "rapid2" else MagProEmulator(habits=HABITS)


def make_driver(make: str, port: Port, clock: ManualClock) -> Stimulator:
    if make == "rapid2":
        return Rapid2(port, find_device("magstim-rapid2"), clock=clock)
    return MagPro(port, find_device("magventure-r30"), clock=clock)


DEVICE_OF = {"rapid2": "magstim-rapid2", "magpro": "magventure-r30"}


@pytest.fixture
def bench_on(tmp_path: Path):
    """A bench for an emulator and an order; the log goes on if it is there."""
    logs: list[DeliveryLog] = []

    def made(
        make: str = "rapid2",
        *,
        order: DeliveryOrder | None = None,
        emulator: Emulator | None = None,
        clock: ManualClock | None = None,
        wall: Callable[[], datetime] | None = None,
        write=None,
        synchronise=None,
        wrap: Callable[[Port], Port] = lambda port: port,
        path: Path | None = None,
    ) -> Bench:
        clock = clock or ManualClock()
        emulator = emulator or make_emulator(make)
        order = order or make_order(DEVICE_OF[make])
        line = InterruptiblePort(wrap(EmulatedPort(emulator, clock)), clock)
        stimulator = make_driver(emulator.make, line, clock)
        system = {"write": write or os.write, "synchronise": synchronise}
        log = DeliveryLog(path or tmp_path / "session.jsonl", **system)
        logs.append(log)
        inbox = Inbox(clock)
        journal = Journal(log, clock, wall or (lambda: TODAY + timedelta(seconds=clock.now())), Inline())
        equipment = Equipment(stimulator=stimulator, journal=journal, inbox=inbox, clock=clock, line=line)
        controller = Controller(order, order.hash, equipment)
        return Bench(
            emulator=emulator,
            stimulator=stimulator,
            clock=clock,
            inbox=inbox,
            log=log,
            controller=controller,
            order=order,
        )

    yield made
    for log in logs:
        with suppress(OSError):
            log.close()


@pytest.fixture(params=["rapid2", "magpro"])
def make(request) -> str:
    """Each make of stimulator in turn."""
    return request.param


@pytest.fixture
def order_of():
    """Orders of a short session, see `make_order`."""
    return make_order
