"""A delivery killed at random instants, and how punctual it is: real processes over a pseudo-terminal."""

import multiprocessing
import os
import random
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from anodyne.errors import NotAvailable, SafetyRefusal
from anodyne.stimulator import (
    GIVEN,
    DeliveryClient,
    DeliveryOrder,
    DeliveryStatus,
    Emulator,
    GivenPulse,
    LogEvent,
    MagProEmulator,
    PlannedTrain,
    PoseDeviation,
    PoseTolerance,
    Rapid2Emulator,
    ScaledClock,
    Task,
    TrainSettings,
    read_log,
    registered,
    resume_point,
    serve,
    started_controller,
)
from anodyne.units import day, degree, minute, mm, ms
from benchmarks.report import Row

DEVICES = {"rapid2": "magstim-rapid2", "magpro": "magventure-r30"}
KILLS = 20
MANY_KILLS = 120
"""Of each make."""

SPEED = 6.0
LONGEST_LIFE = 2.5
"""Real seconds after which a controller is killed at the latest."""


@dataclass(kw_only=True)
class Killed:
    """What killing a controller again and again came to.

    Attributes
    ----------
    instants : how often it was killed
    in_flight : how often that left a train uncertain
    unlogged : pulses that had been given at such an instant and were in no log
    above_plan : pulses above the plan of the whole session
    missing : pulses of the plan that were not given, beyond those of trains that the operator called given
    sessions : that were completed in spite of it
    states : of the controller when it was killed, as it last said
    """

    instants: int = 0
    in_flight: int = 0
    unlogged: int = 0
    above_plan: int = 0
    missing: int = 0
    sessions: int = 0
    states: dict[str, int] = field(default_factory=dict)


def order_of(make: str, *, trains: int, pulses: int, rate: float, wait: float) -> DeliveryOrder:
    """A session at 45 % of output."""
    settings = TrainSettings(power=0.45, rate=rate, pulses=pulses)
    return DeliveryOrder(
        plan_hash="0" * 64,
        protocol="benchmark",
        person="nobody",
        device=DEVICES[make],
        coil="magstim-70mm",
        trains=tuple(PlannedTrain(settings=settings, wait_after=wait) for _ in range(trains)),
        pose_tolerance=PoseTolerance(distance=5 * mm, angle=10 * degree),
        maximum_coil_temperature=313.15,
        peak_di_dt=115e6,
        rmt=0.5,
        rmt_measured=datetime.now(UTC).date(),
        rmt_age_limit=7 * day,
    )


@contextmanager
def emulated(make: str, clock: ScaledClock) -> Iterator[tuple[str, Emulator]]:
    """An emulator behind a pseudo-terminal, served by a thread of this process: its path, and itself."""
    emulator = (Rapid2Emulator if make == "rapid2" else MagProEmulator)(now=clock.now())
    announced: list[str] = []
    ready, stop = threading.Event(), threading.Event()

    def announce(path: str) -> None:
        announced.append(path)
        ready.set()

    thread = threading.Thread(target=serve, args=(emulator, clock), kwargs={"announce": announce, "stop": stop})
    thread.start()
    try:
        ready.wait(10)
        with registered(announced[0]):
            yield announced[0], emulator
    finally:
        stop.set()
        thread.join()


@contextmanager
def operated(task: Task, uncertain: str | None) -> Iterator[tuple[int, DeliveryClient]]:
    """A controller's process whose operator never leaves: its number, and the operator's client."""
    process, door = started_controller(task)
    try:
        with DeliveryClient(door, operator=True) as client:
            client.pose(PoseDeviation(distance=0.0, angle=0.0, fixed=True))
            client.start(coil=task.order.coil, patient_protected=True, operator_protected=True, uncertain=uncertain)
            leaving = threading.Event()
            presence = threading.Thread(target=_stay, args=(client, leaving, task.speed), daemon=True)
            presence.start()
            yield process.pid, client
            leaving.set()
            presence.join()
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _stay(client: DeliveryClient, leaving: threading.Event, speed: float) -> None:
    while not leaving.wait(0.25 / speed):
        try:
            client.present()
        except NotAvailable:
            return


def kills(make: str, instants: int, seed: int, folder: Path, trains: int = 8) -> Killed:
    """Kill a controller at random instants of its life, and let the next one go on, until that was done so often.

    Between two lives every uncertain train is called given, which is what keeps a dose from being exceeded.
    """
    found, chance = Killed(), random.Random(seed)
    order = order_of(make, trains=trains, pulses=10, rate=10.0, wait=2.0)
    while found.instants < instants:
        _session_with_kills(order, found, chance, folder / f"{make}-{found.sessions}.jsonl", instants)
    return found


def _session_with_kills(order: DeliveryOrder, found: Killed, chance: random.Random, log: Path, instants: int) -> None:
    clock = ScaledClock(SPEED)
    make = next(make for make, device in DEVICES.items() if device == order.device)
    with emulated(make, clock) as (port, emulator):
        task = Task(order=order, signed_hash=order.hash, port=port, log=log, folder=log.with_suffix(""), speed=SPEED)
        called_given = 0
        while True:
            point = resume_point(read_log(log).lines) if log.exists() and log.stat().st_size else None
            uncertain = None if point is None or point.uncertain is None else GIVEN
            if point is not None and point.next_train is None and uncertain is None:
                break
            if point is not None and point.uncertain is not None:
                called_given += point.uncertain.pulses
            with operated(task, uncertain) as (number, client):
                killing = found.instants < instants
                done = client.ended.wait(chance.uniform(0.0, LONGEST_LIFE) if killing else 60)
                if not done and killing:
                    os.kill(number, signal.SIGKILL)
                    _note_death(found, client.latest)
            _weigh(found, log, emulator, clock)
        found.sessions += 1
        found.above_plan += max(len(emulator.pulses) - order.pulses, 0)
        found.missing += max(order.pulses - len(emulator.pulses) - called_given, 0)


def _note_death(found: Killed, last: DeliveryStatus | None) -> None:
    state = "unknown" if last is None else last.state
    found.instants += 1
    found.states[state] = found.states.get(state, 0) + 1


def _weigh(found: Killed, log: Path, emulator: Emulator, clock: ScaledClock) -> None:
    """Hold the pulses really given against the log, once the emulator's own watchdog has ended what was running."""
    clock.sleep(1.5)
    lines = read_log(log).lines if log.exists() else ()
    given = len(emulator.pulses)
    if not lines:
        found.unlogged += given
        return
    point = resume_point(lines)
    found.in_flight += point.uncertain is not None
    found.unlogged += max(given - point.pulses_at_most, 0)


@dataclass(frozen=True, kw_only=True)
class Punctuality:
    """How punctual one session was, in its own seconds."""

    status: DeliveryStatus
    starts: tuple[float, ...]
    pulses: tuple[GivenPulse, ...]


def punctual(make: str, order: DeliveryOrder, speed: float) -> Punctuality:
    """Give a whole session and see how late its trains and its keep-alive were."""
    clock = ScaledClock(speed)
    with tempfile.TemporaryDirectory() as folder, emulated(make, clock) as (port, emulator):
        log = Path(folder) / "log"
        task = Task(order=order, signed_hash=order.hash, port=port, log=log, folder=Path(folder) / "door", speed=speed)
        with operated(task, None) as (_, client):
            last = client.wait_for(lambda status: status.state in ("done", "paused", "faulted", "stopped"), 3600)
            if last.state == "done":
                client.ended.wait()
        if last.state != "done":
            raise SafetyRefusal(f"the session did not come to its end: {last.message}")
        late = tuple(line.facts["started_late_s"] for line in read_log(log).lines if line.event is LogEvent.ENDED)
        return Punctuality(status=last, starts=late, pulses=tuple(emulator.pulses))


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keep so many processors busy while the block lasts."""
    workers = [multiprocessing.get_context("spawn").Process(target=_spin, daemon=True) for _ in range(processes)]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.kill()
            worker.join()


def _spin() -> None:
    while True:
        sum(number * number for number in range(10_000))


def rows(instants: int = KILLS) -> Iterator[Row]:
    """Kills at a few instants, and a session of 37 minutes in hurried time: some ten minutes altogether."""
    with tempfile.TemporaryDirectory() as folder:
        for make in DEVICES:
            yield from _kill_rows(make, kills(make, instants, seed=1, folder=Path(folder)))
    long = order_of("rapid2", trains=15, pulses=100, rate=10.0, wait=148.0)
    speed = 5.0
    yield from _punctual_rows(
        punctual("rapid2", long, speed), f"a session of 37 minutes, {speed:g} times as fast", speed
    )


def thorough_rows() -> Iterator[Row]:
    """Kills at hundreds of instants, and more than five minutes in real time with every processor busy."""
    yield from rows(MANY_KILLS)
    order = order_of("rapid2", trains=15, pulses=40, rate=10.0, wait=19.0)
    with busy(os.cpu_count() or 1):
        begin = time.monotonic()
        found = punctual("rapid2", order, 1.0)
        length = (time.monotonic() - begin) / minute
    yield from _punctual_rows(found, f"{length:.1f} minutes in real time, as many busy processes as processors", 1.0)


def _kill_rows(make: str, found: Killed) -> Iterator[Row]:
    states = ", ".join(f"{count} {state}" for state, count in sorted(found.states.items()))
    note = f"{found.in_flight} with a train in flight; {states}"
    yield Row(name=f"{make}: instants at which the controller was killed", value=found.instants, unit="", note=note)
    note = f"{found.sessions} sessions of 80 pulses completed in spite of it"
    for words, value in (
        ("pulses above the plan", found.above_plan),
        ("pulses given that no log knows", found.unlogged),
        ("pulses of the plan that are missing", found.missing),
    ):
        yield Row(name=f"  {words}", value=value, unit="", target="0", note=note)


def _punctual_rows(found: Punctuality, note: str, speed: float) -> Iterator[Row]:
    status = found.status
    yield Row(name="keep-alive, worst lateness", value=status.keep_alive_worst / ms, unit="ms", note=note)
    yield Row(
        name="longest silence towards the stimulator", value=status.contact_gap_worst / ms, unit="ms",
        target="≤ 1000 ms", note=note,
    )  # fmt: skip
    yield Row(name="train start, worst lateness", value=max(found.starts) / ms, unit="ms", note=note)
    yield Row(name="train start, median lateness", value=statistics.median(found.starts) / ms, unit="ms", note=note)
    if speed != 1:
        yield Row(
            name="  the same in real time", value=max(found.starts) / speed / ms, unit="ms",
            note="a session's second is shorter in hurried time, so a real delay counts for more",
        )  # fmt: skip
