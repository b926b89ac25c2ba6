"""A delivery whose processes are killed at random instants, and how punctual it is: real processes over a terminal."""

import json
import multiprocessing
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from anodyne.errors import NotAvailable, SafetyRefusal
from anodyne.stimulator import (
    GIVEN,
    DeliveryClient,
    DeliveryOrder,
    DeliveryStatus,
    Emulator,
    LogEvent,
    MagProEmulator,
    PlannedTrain,
    PoseDeviation,
    PoseTolerance,
    Rapid2Emulator,
    ResumePoint,
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
KILLS, MANY_KILLS = 20, 120
"""Of the controller, for each make; the second if thorough."""

EMULATOR_KILLS, MANY_EMULATOR_KILLS = 3, 20
"""Of the emulator, for each make; the second if thorough."""

SPEED = 6.0
LONGEST_LIFE = 2.5
"""Real seconds after which a process is killed at the latest."""

LOOK = 0.01
"""Real seconds for which the process that only sleeps means to sleep."""


@dataclass(kw_only=True)
class Killed:
    """What killing a process again and again came to.

    Attributes
    ----------
    instants : how often it was killed
    in_flight : how often that left a train uncertain
    unlogged : pulses that had been given at such an instant and were in no log
    above_plan : pulses above the plan of the whole session
    missing : pulses of the plan that were not given, beyond those of trains that the operator called given
    torn : lines of what an emulator wrote of its pulses that were not whole
    sessions : that were completed in spite of it
    states : of the controller when it was killed, or before its emulator was, as it last said
    """

    instants: int = 0
    in_flight: int = 0
    unlogged: int = 0
    above_plan: int = 0
    missing: int = 0
    torn: int = 0
    sessions: int = 0
    states: dict[str, int] = field(default_factory=dict)

    def note_death(self, last: DeliveryStatus | None) -> None:
        """Count an instant and the state it was in."""
        state = "unknown" if last is None else last.state
        self.instants += 1
        self.states[state] = self.states.get(state, 0) + 1

    def weigh(self, point: ResumePoint | None, given: int) -> None:
        """Hold the pulses really given against where the log says that the session stands."""
        at_most = 0 if point is None else point.pulses_at_most
        self.in_flight += point is not None and point.uncertain is not None
        self.unlogged += max(given - at_most, 0)

    def conclude(self, order: DeliveryOrder, given: int, called_given: int) -> None:
        """Hold the pulses of a complete session against its plan."""
        self.sessions += 1
        self.above_plan += max(given - order.pulses, 0)
        self.missing += max(order.pulses - given - called_given, 0)


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


def make_of(order: DeliveryOrder) -> str:
    """The make of an order's device."""
    return next(make for make, device in DEVICES.items() if device == order.device)


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
def emulating_process(make: str, speed: float, truth: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """``anodyne stimulator emulate``, a process of its own: the path on which it answers, and the process."""
    words = ["stimulator", "emulate", make, "--speed", f"{speed:g}", "--truth", str(truth)]
    program = [sys.executable, "-c", "from anodyne.cli import main; main()", *words]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip(), process
        finally:
            process.terminate()


def pulses_in(truth: Path) -> tuple[int, int]:
    """The pulses that an emulator wrote down, and how many of its lines are not whole."""
    *lines, rest = truth.read_bytes().split(b"\n")
    return sum(json.loads(line)["event"] == "pulse" for line in lines), int(rest != b"")


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


def point_of(log: Path) -> ResumePoint | None:
    """Where a log says that its session stands; None before its first line."""
    lines = read_log(log).lines if log.exists() else ()
    return resume_point(lines) if lines else None


def _is_open(point: ResumePoint | None) -> bool:
    return point is None or point.next_train is not None or point.uncertain is not None


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
    with emulated(make_of(order), clock) as (port, emulator):
        task = Task(order=order, signed_hash=order.hash, port=port, log=log, folder=log.with_suffix(""), speed=SPEED)
        called_given, point = 0, point_of(log)
        while _is_open(point):
            uncertain = None if point is None else point.uncertain
            called_given += 0 if uncertain is None else uncertain.pulses
            with operated(task, None if uncertain is None else GIVEN) as (number, client):
                killing = found.instants < instants
                done = client.ended.wait(chance.uniform(0.0, LONGEST_LIFE) if killing else 60)
                if not done and killing:
                    os.kill(number, signal.SIGKILL)
                    found.note_death(client.latest)
            clock.sleep(1.5)  # in which the emulator's own watchdog ends what was running
            point = point_of(log)
            found.weigh(point, len(emulator.pulses))
        found.conclude(order, len(emulator.pulses), called_given)


def emulator_kills(make: str, instants: int, seed: int, folder: Path, trains: int = 8) -> Killed:
    """Kill the emulator at random instants, and go on with another and the same log, until that was done so often."""
    found, chance = Killed(), random.Random(seed)
    order = order_of(make, trains=trains, pulses=10, rate=10.0, wait=2.0)
    while found.instants < instants:
        log = folder / f"{make}-without-{found.sessions}.jsonl"
        _session_without_emulators(order, found, chance, log, instants)
    return found


def _session_without_emulators(
    order: DeliveryOrder, found: Killed, chance: random.Random, log: Path, instants: int
) -> None:
    truths: list[Path] = []
    called_given, given, point = 0, 0, point_of(log)
    while _is_open(point):
        uncertain = None if point is None else point.uncertain
        called_given += 0 if uncertain is None else uncertain.pulses
        truths.append(log.with_suffix(f".{len(truths)}.truth"))
        with emulating_process(make_of(order), SPEED, truths[-1]) as (port, emulator):
            door = log.with_suffix("")
            task = Task(order=order, signed_hash=order.hash, port=port, log=log, folder=door, speed=SPEED)
            with operated(task, None if uncertain is None else GIVEN) as (_, client):
                killing = found.instants < instants
                if killing and not client.ended.wait(chance.uniform(0.0, LONGEST_LIFE)):
                    found.note_death(client.latest)
                    emulator.kill()
                last = client.wait_for(lambda status: status.state in ("done", "faulted", "paused", "stopped"))
                if last.state in ("faulted", "paused"):
                    client.stop()
                client.ended.wait(20)
        counts = [pulses_in(truth) for truth in truths]
        given, point = sum(pulses for pulses, _ in counts), point_of(log)
        found.torn += counts[-1][1]
        found.weigh(point, given)
    found.conclude(order, given, called_given)


@dataclass(frozen=True, kw_only=True)
class Punctuality:
    """How punctual one session was.

    Attributes
    ----------
    status : the last one, in the session's own seconds
    starts : how late each train began, s of the session
    slept : the longest by which a process that only sleeps woke too late meanwhile, real s
    """

    status: DeliveryStatus
    starts: tuple[float, ...]
    slept: float


def punctual(make: str, order: DeliveryOrder, speed: float) -> Punctuality:
    """Give a whole session, emulator and controller in processes of their own, and see how late everything was."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with emulating_process(make, speed, place / "truth") as (port, emulator), sleeper() as overslept:
            _put_first(emulator)
            task = Task(
                order=order, signed_hash=order.hash, port=port, log=place / "log", folder=place / "door", speed=speed
            )
            with operated(task, None) as (_, client):
                last = client.wait_for(lambda status: status.state in ("done", "paused", "faulted", "stopped"), 3600)
                if last.state == "done":
                    client.ended.wait()
            slept = overslept()
        if last.state != "done":
            raise SafetyRefusal(f"the session did not come to its end: {last.message}")
        lines = read_log(place / "log").lines
        late = tuple(line.facts["started_late_s"] for line in lines if line.event is LogEvent.ENDED)
        return Punctuality(status=last, starts=late, slept=slept)


def _put_first(process: "subprocess.Popen[str]") -> None:
    """Let a process go before others where that is granted: an emulator stands for a device that is never busy."""
    if sys.platform != "win32":
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, process.pid, -15)


class Overslept:
    """Asks a process that only sleeps how late it woke at worst."""

    def __init__(self, line: "Connection[str, float]") -> None:
        self._line = line

    def __call__(self) -> float:
        """Real s."""
        self._line.send("how late?")
        return self._line.recv()


@contextmanager
def sleeper() -> Iterator[Overslept]:
    """A process that only sleeps: how late it wakes is the machine's doing and nobody else's."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_sleep, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Overslept(ours)
    finally:
        process.kill()
        process.join()


def _sleep(line: "Connection[float, str]") -> None:
    worst = 0.0
    while not line.poll():
        begin = time.monotonic()
        time.sleep(LOOK)
        worst = max(worst, time.monotonic() - begin - LOOK)
    line.send(worst)


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


def rows(instants: int = KILLS, emulator_instants: int = EMULATOR_KILLS) -> Iterator[Row]:
    """Kills at a few instants, and a session of 37 minutes in hurried time: some ten minutes altogether."""
    with tempfile.TemporaryDirectory() as folder:
        for make in DEVICES:
            yield from _kill_rows(f"{make}: the controller", kills(make, instants, seed=1, folder=Path(folder)))
            found = emulator_kills(make, emulator_instants, seed=2, folder=Path(folder))
            yield from _kill_rows(f"{make}: the emulator", found)
    yield from hurried_rows()


def thorough_rows() -> Iterator[Row]:
    """Kills at hundreds of instants, and more than five minutes in real time with every processor busy."""
    yield from rows(MANY_KILLS, MANY_EMULATOR_KILLS)
    yield from loaded_rows()


def hurried_rows(make: str = "rapid2", speed: float = 5.0) -> Iterator[Row]:
    """A session of 37 minutes in hurried time."""
    order = order_of(make, trains=15, pulses=100, rate=10.0, wait=148.0)
    note = f"{make}, a session of 37 minutes, {speed:g} times as fast"
    yield from _punctual_rows(punctual(make, order, speed), note, speed)


def loaded_rows(make: str = "rapid2") -> Iterator[Row]:
    """More than five minutes in real time with every processor busy."""
    order = order_of(make, trains=15, pulses=40, rate=10.0, wait=19.0)
    with busy(os.cpu_count() or 1):
        begin = time.monotonic()
        found = punctual(make, order, 1.0)
        length = (time.monotonic() - begin) / minute
    note = f"{make}, {length:.1f} minutes in real time, as many busy processes as processors"
    yield from _punctual_rows(found, note, 1.0)


def _kill_rows(what: str, found: Killed) -> Iterator[Row]:
    states = ", ".join(f"{count} {state}" for state, count in sorted(found.states.items()))
    note = f"{found.in_flight} with a train in flight; {states}"
    yield Row(name=f"{what} killed, instants", value=found.instants, unit="", note=note)
    note = f"{found.sessions} sessions of 80 pulses completed in spite of it"
    for words, value in (
        ("pulses above the plan", found.above_plan),
        ("pulses given that no log knows", found.unlogged),
        ("pulses of the plan that are missing", found.missing),
        ("torn lines of what emulators wrote", found.torn),
    ):
        yield Row(name=f"  {words}", value=value, unit="", target="0", note=note)


def _punctual_rows(found: Punctuality, note: str, speed: float) -> Iterator[Row]:
    status = found.status
    for name, value, target in (
        ("keep-alive, worst lateness of its answer", status.keep_alive_worst, ""),
        ("longest silence of the stimulator", status.contact_gap_worst, "≤ 1000 ms"),
        ("train start, worst lateness", max(found.starts), ""),
        ("train start, median lateness", statistics.median(found.starts), ""),
    ):
        harder = ""
        if speed != 1:
            harder = (
                f"; {value / speed / ms:.0f} ms of real time: whatever delays counts {speed:g} times in hurried time"
            )
        yield Row(name=name, value=value / ms, unit="ms", target=target, note=note + harder)
    yield Row(
        name="  a process that only sleeps, worst lateness", value=found.slept / ms, unit="ms",
        note=f"of real time, meanwhile and at ordinary priority, {LOOK / ms:g} ms at a time: the machine's own doing",
    )  # fmt: skip
