"""The line itself: pseudo-terminals, locks, probing, and time."""

import os
import pty
import threading
import time
import tty
from contextlib import contextmanager
from math import inf

import pytest
import serial

from anodyne.errors import UnknownName
from anodyne.protocol import find_device
from anodyne.stimulator import (
    DeviceFault,
    EmulatedPort,
    FaultKind,
    Habits,
    Injection,
    LineSettings,
    MagPro,
    MagProEmulator,
    MagProModel,
    Make,
    ManualClock,
    PlannedFault,
    Rapid2,
    Rapid2Emulator,
    RealClock,
    ScaledClock,
    SerialPort,
    TrainSettings,
    find_injection,
    open_stimulator,
    serve,
)
from anodyne.stimulator.opening import Make as SameMake

LINE = LineSettings(baud=9600)


@contextmanager
def served(emulator, clock):
    """The path on which an emulator answers, from a thread of its own."""
    stop, paths, told = threading.Event(), [], threading.Event()

    def announce(path):
        paths.append(path)
        told.set()

    thread = threading.Thread(target=serve, args=(emulator, clock), kwargs={"announce": announce, "stop": stop})
    thread.start()
    assert told.wait(5)
    try:
        yield paths[0]
    finally:
        stop.set()
        thread.join(5)
        assert not thread.is_alive()


@contextmanager
def something_else(answer):
    """A line on which whatever is said gets the same answer, or itself back."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    stop = threading.Event()
    os.set_blocking(ours, False)

    def live():
        while not stop.is_set():
            try:
                data = os.read(ours, 100)
            except BlockingIOError:
                time.sleep(0.005)
                continue
            os.write(ours, data if answer is None else answer)

    thread = threading.Thread(target=live)
    thread.start()
    try:
        yield os.ttyname(theirs)
    finally:
        stop.set()
        thread.join()
        os.close(theirs)
        os.close(ours)


def refusal(call):
    with pytest.raises(DeviceFault) as caught:
        call()
    assert "\n" not in str(caught.value)
    return caught.value


# Opening


@pytest.mark.parametrize(
    ("emulator", "driver", "model"),
    [
        (Rapid2Emulator, Rapid2, "magstim-rapid2"),
        (MagProEmulator, MagPro, "magventure-r30"),
        (lambda **now: MagProEmulator(model=MagProModel.X100, **now), MagPro, "magventure-x100"),
    ],
)
def test_who_is_there_is_found_out(emulator, driver, model):
    clock = RealClock()
    with served(emulator(now=clock.now()), clock) as path, open_stimulator(path) as opened:
        assert isinstance(opened, driver)
        assert opened.identify().model == model == opened.device.name
        assert not opened.state().remote


def test_train_over_a_pseudo_terminal_in_hurried_time():
    for make in (Rapid2Emulator, MagProEmulator):
        clock = ScaledClock(5)
        emulator = make(now=clock.now(), habits=Habits(armed_watchdog=30))  # for machines with much else to do
        with served(emulator, clock) as path, open_stimulator(path, clock=clock) as opened:
            opened.take_control()
            opened.set_train(TrainSettings(power=0.35, rate=10, pulses=10))
            opened.arm()
            while not opened.keep_alive().ready:
                clock.sleep(0.2)
            opened.start_train()
            while opened.keep_alive().running:
                clock.sleep(0.2)
            opened.release()
        assert len(emulator.pulses) == 10


def test_port_is_held_by_one_and_free_again():
    clock = RealClock()
    with served(Rapid2Emulator(now=clock.now()), clock) as path:
        with open_stimulator(path):
            assert refusal(lambda: open_stimulator(path)).kind is FaultKind.PORT_BUSY
        open_stimulator(path).close()


def test_port_that_vanishes():
    clock = RealClock()
    faults = [PlannedFault(injection=Injection.PORT_LOST, after=0.3)]
    with served(Rapid2Emulator(now=clock.now(), faults=faults), clock) as path:
        opened = open_stimulator(path)
        time.sleep(0.5)
        assert refusal(opened.state).kind is FaultKind.PORT_LOST
        assert refusal(opened.state).kind is FaultKind.PORT_LOST
        opened.close()
        assert refusal(lambda: open_stimulator(path)).kind is FaultKind.NO_PORT


@pytest.mark.parametrize("answer", [b"ERROR\r\n", b"\x00", b"N", None], ids=["words", "nul", "letter", "echo"])
def test_what_is_no_stimulator_is_refused(answer):
    with something_else(answer) as path:
        assert refusal(lambda: open_stimulator(path)).kind is FaultKind.NOT_A_STIMULATOR


def test_nothing_that_answers():
    with something_else(b"") as path:
        fault = refusal(lambda: open_stimulator(path))
        assert fault.kind is FaultKind.SILENT
        assert path in str(fault)


def test_wrong_make_or_model_is_refused():
    clock = RealClock()
    with served(MagProEmulator(now=clock.now()), clock) as path:
        assert refusal(lambda: open_stimulator(path, Make.RAPID2)).kind is FaultKind.SILENT
        wrong = refusal(lambda: open_stimulator(path, device=find_device("magventure-x100")))
        assert wrong.kind is FaultKind.NOT_A_STIMULATOR
        assert "magventure-r30" in str(wrong)


def test_magpro_of_which_nothing_is_known_is_refused():
    clock = RealClock()
    with served(MagProEmulator(now=clock.now(), model=MagProModel.MST), clock) as path:
        assert "MST" in str(refusal(lambda: open_stimulator(path)))


def test_damaged_answer_is_asked_for_again():
    clock = RealClock()
    for injection in (Injection.DROPPED_BYTE, Injection.WRONG_CHECKSUM, Injection.NOISE):
        with served(Rapid2Emulator(now=clock.now(), faults=[PlannedFault(injection=injection)]), clock) as path:
            open_stimulator(path, Make.RAPID2).close()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("no-such-port", FaultKind.NO_PORT), ("file", FaultKind.NOT_A_STIMULATOR), (".", FaultKind.NOT_A_STIMULATOR)],
)
def test_what_is_no_port(tmp_path, name, kind):
    (tmp_path / "file").write_text("words")
    path = str(tmp_path / name)
    fault = refusal(lambda: SerialPort(path, LINE))
    assert fault.kind is kind
    assert path in str(fault)


def test_request_to_send_is_low_before_a_rapid2s_port_opens(monkeypatch):
    levels = []

    class Recorded(serial.Serial):
        def open(self):
            levels.append((self.rts, self.exclusive, self.baudrate, self.bytesize, self.parity, self.stopbits))
            raise serial.SerialException(2, "no such port")

    monkeypatch.setattr(serial, "Serial", Recorded)
    for make in Make:
        with pytest.raises(DeviceFault):
            SerialPort("somewhere", make.line)
    assert levels == [(False, True, 9600, 8, "N", 1), (True, True, 38400, 8, "N", 1)]


def test_what_nobody_reads_does_not_stop_an_emulator():
    clock = ScaledClock(50)
    emulator = MagProEmulator(now=clock.now())
    with served(emulator, clock) as path:
        port = SerialPort(path, Make.MAGPRO.line, clock)
        for _ in range(2000):
            port.write(bytes.fromhex("fe 01 05 3f ff"))
        time.sleep(0.1)
        before = emulator.machine.time
        time.sleep(0.2)
        assert emulator.machine.time > before
        port.close()


def test_makes_are_one_list():
    assert SameMake is Make
    assert [each.value for each in Make] == [Rapid2Emulator.make, MagProEmulator.make]


# Time


def test_scaled_clock_hurries():
    clock, real = ScaledClock(20), time.monotonic()
    clock.sleep(1.0)
    assert 1.0 <= clock.now() < 20 * (time.monotonic() - real) + 1
    clock.sleep(-5)


@pytest.mark.parametrize("speed", [0, -1, inf, float("nan")])
def test_clock_of_no_speed(speed):
    with pytest.raises(ValueError, match="speed"):
        ScaledClock(speed)


def test_real_port_needs_real_time():
    with pytest.raises(ValueError, match="real time"):
        SerialPort("somewhere", LINE, ManualClock())


def test_reading_from_an_emulator_waits_no_longer_than_it_must():
    clock = ManualClock()
    port = EmulatedPort(Rapid2Emulator(), clock)
    assert port.read(0.5) == b""
    assert clock.now() == 0.5
    port.write(b"NDm")
    answer = port.read(0.5)
    assert answer
    assert clock.now() == pytest.approx(0.5 + LINE.time_of(3 + len(answer)))


def test_real_clock_sleeps():
    clock = RealClock()
    before = clock.now()
    clock.sleep(0.01)
    clock.sleep(-1)
    assert clock.now() - before >= 0.01


# Names


def test_unknown_fault_names_the_near_misses():
    with pytest.raises(UnknownName, match="did you mean 'silent'"):
        find_injection("silence")


def test_faults_of_both_lists_have_the_same_names():
    shared = {each.value for each in Injection} & {each.value for each in FaultKind}
    assert len(shared) >= 13


# What the documentation says


def test_reference_lists_every_fault_and_every_injection(root):
    page = (root / "docs" / "reference" / "stimulators.md").read_text(encoding="utf-8")
    for injection in Injection:
        assert f"| `{injection.value}` | " in page
    for kind in FaultKind:
        assert f"`{kind.value}`" in page


def test_example_of_the_documentation_does_what_it_says(root, capsys):
    page = (root / "docs" / "how-to" / "emulate-a-stimulator.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0]
    exec(compile(code, "emulate-a-stimulator.md", "exec"), {})
    assert capsys.readouterr().out.split() == ["FaultKind.COIL_ABSENT", "8"]
