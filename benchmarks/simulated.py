"""A delivery in simulated time: what the words on the wire cost where no machine adds anything of its own."""

import random
import statistics
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from anodyne.protocol import find_device
from anodyne.stimulator import (
    Controller,
    DeliveryLog,
    DeliveryOrder,
    EmulatedPort,
    Emulator,
    Equipment,
    Inbox,
    Injection,
    Inline,
    InterruptiblePort,
    Journal,
    LogEvent,
    MagPro,
    MagProEmulator,
    ManualClock,
    PoseDeviation,
    Rapid2,
    Rapid2Emulator,
    Start,
)
from anodyne.units import ms
from benchmarks.delivery import DEVICES, order_of
from benchmarks.report import Row

STOPS, SPOILT_STOPS = 120, 80
"""Of each make; the second with three answers or commands spoilt."""

SPOILS = (Injection.DROPPED_BYTE, Injection.WRONG_CHECKSUM, Injection.PARTIAL, Injection.UNKNOWN_COMMAND)
LAST_STOP = 16.0
"""s after the start within which a short session is stopped: before, in and between its two trains."""


class Simulated:
    """A controller over an emulator in one process, on a clock that moves when somebody waits."""

    def __init__(self, make: str, order: DeliveryOrder, log: DeliveryLog) -> None:
        self.clock, began = ManualClock(), datetime.now(UTC)
        self.emulator: Emulator = Rapid2Emulator() if make == "rapid2" else MagProEmulator()
        line = InterruptiblePort(EmulatedPort(self.emulator, self.clock), self.clock)
        driver = Rapid2 if make == "rapid2" else MagPro
        self.inbox = Inbox(self.clock)
        journal = Journal(log, self.clock, lambda: began + timedelta(seconds=self.clock.now()), Inline())
        stimulator = driver(line, find_device(DEVICES[make]), clock=self.clock)
        equipment = Equipment(stimulator=stimulator, journal=journal, inbox=self.inbox, clock=self.clock, line=line)
        self.controller = Controller(order, order.hash, equipment)
        self.inbox.pose(PoseDeviation(distance=0.0, angle=0.0, fixed=True))
        self.inbox.put(Start(coil=order.coil, patient_protected=True, operator_protected=True))

    def live(self, until: float = float("inf")) -> None:
        """Let time pass with an operator who stays, to an instant (s) or to the end."""
        while not self.controller.finished and self.clock.now() < until:
            self.inbox.present()
            self.controller.step()
            self.clock.sleep(self.controller.until_next_step())


def rows() -> Iterator[Row]:
    """A session of 37 minutes, and STOP at random instants of a short one, for each make."""
    with tempfile.TemporaryDirectory() as folder:
        for make in DEVICES:
            yield from _session(make, Path(folder))
            for count, spoilt in ((STOPS, 0), (SPOILT_STOPS, 3)):
                latencies = list(_stops(make, count, spoilt, Path(folder)))
                words = f"{spoilt} answers or commands spoilt" if spoilt else "nothing else wrong"
                yield Row(
                    name=f"{make}: STOP to the word that it is disarmed, worst", value=max(latencies) / ms, unit="ms",
                    target="≤ 300 ms", note=f"{count} random instants, {words}; median {_median(latencies):.0f} ms",
                )  # fmt: skip


def _session(make: str, folder: Path) -> Iterator[Row]:
    with DeliveryLog(folder / f"{make}.jsonl") as log:
        session = Simulated(make, order_of(make, trains=15, pulses=100, rate=10.0, wait=148.0), log)
        session.live()
        late = [line.facts["started_late_s"] for line in log.lines if line.event is LogEvent.ENDED]
    watch, note = session.controller.contact.keep_alive, "a session of 37 minutes"
    yield Row(
        name=f"{make}: keep-alive, worst lateness of its answer", value=watch.worst_lateness / ms, unit="ms", note=note
    )
    yield Row(
        name=f"{make}: longest silence of the stimulator", value=watch.worst_gap / ms, unit="ms", target="≤ 1000 ms",
        note=note,
    )  # fmt: skip
    yield Row(
        name=f"{make}: train start, worst lateness",
        value=max(late) / ms,
        unit="ms",
        note=f"median {_median(late):.0f} ms",
    )


def _stops(make: str, count: int, spoilt: int, folder: Path) -> Iterator[float]:
    """From STOP to the stimulator's word that it is disarmed, s, at random instants."""
    chance = random.Random(count)
    order = order_of(make, trains=2, pulses=20, rate=10.0, wait=4.0)
    for number in range(count):
        with DeliveryLog(folder / f"{make}-{spoilt}-{number}.jsonl") as log:
            session = Simulated(make, order, log)
            session.live(until=chance.uniform(0.1, LAST_STOP))
            for _ in range(spoilt):
                session.emulator.inject(chance.choice(SPOILS), session.clock.now())
            session.inbox.stop("benchmark")
            session.live()
            if session.controller.stop_latency is not None:  # else it was done before
                yield session.controller.stop_latency


def _median(values: list[float]) -> float:
    return statistics.median(values) / ms
