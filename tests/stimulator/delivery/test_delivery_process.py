"""The controller in its own process, over a pseudo-terminal: clients, signals, death, and two of a kind."""

import json
import os
import signal
import socket
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from anodyne.errors import NotAvailable, SafetyRefusal
from anodyne.stimulator import (
    DeliveryClient,
    Injection,
    LogEvent,
    PoseDeviation,
    ScaledClock,
    State,
    Task,
    read_log,
    resume_point,
    started_controller,
)

SPEED = 4.0
pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, root: Path) -> ModuleType:
    """The benchmarks' own emulators and operators, which do more of the same."""
    monkeypatch.syspath_prepend(str(root))
    return import_module("benchmarks.delivery")


@pytest.fixture
def task_on(bench, tmp_path):
    def made(port: str, *, log: str = "log", folder: str = "door", **order) -> Task:
        wanted = {"make": "rapid2", "trains": 3, "pulses": 10, "rate": 10.0, "wait": 3.0} | order
        ordered = bench.order_of(wanted.pop("make"), **wanted)
        return Task(
            order=ordered,
            signed_hash=ordered.hash,
            port=port,
            log=tmp_path / log,
            folder=tmp_path / folder,
            speed=SPEED,
        )

    return made


def test_session_is_given_over_a_terminal(bench, task_on):
    with bench.emulated("magpro", ScaledClock(SPEED)) as (port, emulator):
        task = task_on(port, make="magpro", trains=2)
        with bench.operated(task, None) as (_, client):
            assert client.ended.wait(30)
            assert client.latest.state == "done"
        assert len(emulator.pulses) == 20
    assert resume_point(read_log(task.log).lines).next_train is None
    assert not (task.folder / "door.json").exists()


@pytest.mark.parametrize("how", ["client", "lost", "signal"])
def test_stop_by_anybody(bench, task_on, how):
    clock = ScaledClock(SPEED)
    with bench.emulated("rapid2", clock) as (port, emulator):
        task = task_on(port, pulses=100)
        with bench.operated(task, None) as (number, client):
            client.wait_for(lambda status: status.state == "firing", 20)
            with DeliveryClient(task.folder / "door.json") as watcher:
                with pytest.raises(SafetyRefusal, match="only the operator"):
                    watcher.resume()
                said = clock.now()
                if how == "client":
                    watcher.stop()
                elif how == "lost":
                    client.close()
                else:
                    os.kill(number, signal.SIGTERM)
                assert watcher.ended.wait(10)
                assert watcher.latest.state == "stopped"
        clock.sleep(5)
        late = [pulse for pulse in emulator.pulses if pulse.time > said + 0.3 + 0.1 * SPEED]  # 0.1 s for this machine
        assert late == []
        assert len(emulator.pulses) < 100
    stopped = [line for line in read_log(task.log).lines if line.event is LogEvent.STOPPED]
    assert stopped[0].facts["disarm_confirmed"]


def test_second_controller_is_refused(bench, task_on):
    with bench.emulated("rapid2", ScaledClock(SPEED)) as (port, _):
        task = task_on(port, trains=50)
        with bench.operated(task, None):
            with pytest.raises(SafetyRefusal, match="another program has the serial port"):
                started_controller(task_on(port, log="other-log", folder="other"))
            with pytest.raises(SafetyRefusal, match="another controller is writing the log"):
                started_controller(task_on(port, folder="other"))
            with pytest.raises(NotAvailable, match="another client is the operator"):
                DeliveryClient(task.folder / "door.json", operator=True)


def test_stranger_is_not_let_in(bench, task_on):
    with bench.emulated("rapid2", ScaledClock(SPEED)) as (port, _):
        task = task_on(port, trains=50)
        with bench.operated(task, None) as (_, client):
            door = task.folder / "door.json"
            assert door.stat().st_mode & 0o077 == 0
            about = json.loads(door.read_text())
            door.with_name("false.json").write_text(json.dumps({**about, "token": "guessed"}))
            with pytest.raises(NotAvailable, match="did not accept"):
                DeliveryClient(door.with_name("false.json"))
            if isinstance(about["address"], str):
                with socket.socket(socket.AF_UNIX) as rude:
                    rude.connect(about["address"])
                    rude.sendall(b"\x00" * 100_000)
                    rude.settimeout(5)
                    assert rude.recv(100) == b""  # hung up
            client.wait_for(lambda status: status.state == "firing", 20)


def test_port_without_an_emulator_is_refused(task_on):
    ours, theirs = os.openpty()
    try:
        with pytest.raises(SafetyRefusal, match="delivery to hardware is off"):
            started_controller(task_on(os.ttyname(theirs)))
    finally:
        os.close(ours)
        os.close(theirs)


def test_vanished_port_is_told_and_the_train_is_uncertain(bench, task_on):
    with bench.emulated("rapid2", ScaledClock(SPEED)) as (port, emulator):
        task = task_on(port, pulses=100)
        with bench.operated(task, None) as (_, client):
            client.wait_for(lambda status: status.state == "firing", 20)
            emulator.inject(Injection.PORT_LOST)
            status = client.wait_for(lambda status: status.state == State.FAULTED.value, 20)
            assert "switch it off" in status.message
            assert status.uncertain == (1, 100)
        assert len(emulator.pulses) <= 100
    assert resume_point(read_log(task.log).lines).uncertain.pulses == 100


@pytest.mark.parametrize("make", ["rapid2", "magpro"])
def test_killed_emulator_leaves_its_train_uncertain_and_another_goes_on(bench, make, task_on, tmp_path):
    """`anodyne stimulator emulate` as a program: killed in mid-train, and the session ends on another port."""
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    with bench.emulating_process(make, SPEED, first) as (port, emulator):
        task = task_on(port, make=make, trains=2, pulses=30)
        with bench.operated(task, None) as (_, client):
            client.wait_for(lambda status: status.state == "firing" and 3 <= status.train_pulses <= 20, 30)
            emulator.kill()
            emulator.wait()
            status = client.wait_for(lambda status: status.state == State.FAULTED.value, 20)
            assert "serial port has gone" in status.message
            assert "switch it off" in status.message
            assert status.uncertain == (1, 30)
            with bench.emulating_process(make, SPEED, second) as (other, _):  # while the old port is still held
                assert other != port
                client.stop()
                assert client.ended.wait(20)
                begun, torn = bench.pulses_in(first)
                assert torn == 0
                left = bench.point_of(task.log)
                assert left.pulses_given == 0
                assert 3 <= begun <= left.pulses_at_most == 30
                goes_on = replace(task, port=other)
                with pytest.raises(SafetyRefusal, match="nobody knows how much"), bench.operated(goes_on, None):
                    pass
                with bench.operated(goes_on, "given") as (_, client):
                    assert client.ended.wait(60)
                    assert client.latest.state == "done"
                assert bench.pulses_in(second) == (30, 0)
    point = bench.point_of(task.log)
    assert point.next_train is None
    assert begun + 30 <= point.pulses_given == task.order.pulses == 60


@pytest.mark.parametrize("make", ["rapid2", "magpro"])
def test_killed_controller_loses_nothing_and_repeats_nothing(bench, make, tmp_path):
    found = bench.kills(make, 1, seed=3, folder=tmp_path, trains=2)
    assert found.instants == 1
    assert (found.above_plan, found.unlogged, found.missing) == (0, 0, 0)


def test_silent_operator_is_noticed(bench, task_on):
    with bench.emulated("rapid2", ScaledClock(SPEED)) as (port, emulator):
        process, door = started_controller(task_on(port))
        try:
            with DeliveryClient(door, operator=True) as client:
                client.pose(PoseDeviation(distance=0.0, angle=0.0, fixed=True))
                client.start(coil="magstim-70mm", patient_protected=True, operator_protected=True)
                status = client.wait_for(lambda status: bool(status.holding), 20)
                assert "presence" in status.holding[0]
                time.sleep(4 / SPEED)
                assert not emulator.pulses
                client.stop()
                assert client.ended.wait(10)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
