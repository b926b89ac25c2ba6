"""``anodyne stimulator deliver``, as a person or a program calls it."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from anodyne.cli.delivering import Tracker
from anodyne.cli.delivery_view import live_view
from anodyne.cli.ordering import coil_limit
from anodyne.coil import Pose, write_pose
from anodyne.plan import plan_document, write_document
from anodyne.protocol import find_device
from anodyne.stimulator import (
    DeliveryLog,
    DeliveryStatus,
    Emulator,
    LogEvent,
    PoseDeviation,
    Rapid2Emulator,
    Site,
    order_from_data,
    read_log,
)

SPEED = 1.5
"""Faster, and a busy machine would be later than a stimulator's patience."""

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()


@pytest.fixture
def plan(place, planned):
    """A plan for 2 trains of 10 pulses at 10 Hz, 46 % of output, 3 s apart."""
    folder = place.parent / "short"
    folder.mkdir()
    document = plan_document(planned.plan)
    document["protocol"] |= {
        "rate": 10.0, "pulses_per_train": 10, "trains": 2, "pulses_per_session": 20, "inter_train_interval": 3.0,
        "session_duration": None, "sessions": 1, "schedule": None,
    }  # fmt: skip
    write_document(folder / "plan.json", document)
    return folder


@pytest.fixture
def emulator_served(on_a_port):
    """A Rapid² on a port, in hurried time."""
    return lambda: on_a_port(lambda now: Rapid2Emulator(now=now), SPEED)


def words(plan, port, *more) -> list[object]:
    return [
        *("stimulator", "deliver", plan, "--port", port, "--person", "P-017", "--rmt-date", YESTERDAY),
        *("--coil-attached", "magstim-70mm", "--pose-fixed", "--yes-hearing-protection", "--present"),
        *("--speed", SPEED, "--power-percent", 46, *more),
    ]


@pytest.fixture
def served(emulator_served) -> Iterator[tuple[str, Emulator]]:
    with emulator_served() as found:
        yield found


def test_session_from_plan_to_record(succeed, place, plan, served):
    port, emulator = served
    said = succeed(*words(plan, port))
    assert "20 of 20" in said
    assert "Research software, not a medical device." in said
    assert len(emulator.pulses) == 20
    assert all(pulse.power == pytest.approx(0.46) for pulse in emulator.pulses)
    (record,) = place.glob("*.delivery.jsonl")
    lines = read_log(record).lines
    assert [line.event for line in lines][-1] is LogEvent.CLOSED
    order = order_from_data(lines[0].facts["order"])
    assert (order.person, order.coil, order.pulses) == ("P-017", "magstim-70mm", 20)


def test_json_is_a_stream_and_the_complete_session_is_not_given_again(succeed, place, plan, served):
    port, emulator = served
    for _ in range(2):
        told = [json.loads(line) for line in succeed(*words(plan, port, "--json", "--log", "log")).splitlines()]
        assert told[-1]["summary"]["state"] == "done"
        assert told[-1]["summary"]["pulses_given"] == 20
    assert len(emulator.pulses) == 20


def test_uncertain_train_is_asked_for_and_settled(run, succeed, place, plan, served):
    port, emulator = served
    succeed(*words(plan, port, "--log", "first"))
    lines = read_log(place / "first").lines
    with DeliveryLog(place / "second") as log:  # as if the machine had died in the second train
        last = max(number for number, line in enumerate(lines) if line.event is LogEvent.STARTING)
        for line in lines[: last + 1]:
            log.append(line.event, at=line.at, clock=line.clock, facts=line.facts)
    refused = run(*words(plan, port, "--log", "second"))
    assert refused.exit_code == 2
    assert "say --uncertain given, not-given" in refused.stderr
    succeed(*words(plan, port, "--log", "second", "--uncertain", "4"))
    assert len(emulator.pulses) == 26
    settled = [line for line in read_log(place / "second").lines if line.event is LogEvent.SETTLED]
    assert settled[0].facts["pulses"] == 4


@pytest.mark.parametrize(
    ("options", "status", "reason"),
    [
        (("--signed", "0" * 64), 1, "changed after it was signed"),
        (("--coil-attached", "magstim-90mm"), 1, "attach the right one"),
        (("--stimulator", "magventure-r30"), 1, "take a coil of this stimulator"),
        (("--power-percent", "40"), 1, "another dose needs another plan"),
        (("--power-percent", "46.5"), 1, "--power-percent 46 or 47"),
        (("--inter-train-interval", "2"), 1, "another one needs another plan"),
        (("--person", "Ann Smith"), 2, "pseudonym"),
        (("--rmt-date", "2020-01-01"), 1, "measure it again"),
        (("--pose", "pose.txt"), 2, "--pose-fixed"),
        (("--stimulator", "rapid3"), 1, "no stimulator is named 'rapid3'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(run, place, plan, served, options, status, reason):
    port, emulator = served
    result = run(*words(plan, port, *options))
    assert result.exit_code == status
    assert reason in result.stderr.replace("\n", " ")
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert emulator.pulses == []


def test_ears_must_be_protected(run, plan, served):
    port, emulator = served
    result = run(*[word for word in words(plan, port) if word != "--yes-hearing-protection"])
    assert result.exit_code == 1
    assert "ears are not said to be protected" in result.stderr
    assert emulator.pulses == []


def test_presence_needs_a_terminal(refuse, plan, served):
    port, _ = served
    line = refuse(*[word for word in words(plan, port) if word != "--present"], status=2)
    assert "space bar" in line


def test_real_port_is_off(refuse, plan):
    line = refuse(*words(plan, "/dev/ttyUSB7"), status=1)
    assert "delivery to hardware is off" in line


def test_real_port_needs_site_and_signature(run, place, plan, monkeypatch):
    (place / "site.toml").write_text(
        '[delivery]\nport = "/dev/ttyUSB7"\nallowed_by = ["A", "B"]\ndate = 2026-01-01\n', encoding="utf-8"
    )
    monkeypatch.setenv("ANODYNE_SITE", "site.toml")
    result = run(*words(plan, "/dev/ttyUSB7"))
    assert result.exit_code == 2
    assert "--signed" in result.stderr
    result = run(*words(plan, "/dev/ttyUSB7", "--emulated"))
    assert "delivery to hardware is off" in result.stderr


def test_view_says_what_an_operator_needs(planned):
    status = DeliveryStatus(
        state="firing", train=3, trains=15, pulses_given=257, pulses_planned=1500, train_pulses=57, train_planned=100,
        remaining=1834.0, next_start_in=None, power=0.46, device_power=0.46, di_dt=52.1e6, planned_di_dt=52.8e6,
        coil_temperature=303.85, deviation_distance=0.0012, deviation_angle=0.02, keep_alive_worst=0.021,
        contact_gap_worst=0.52, start_jitter_worst=0.004, stop_latency=None, holding=(), uncertain=None,
        message="giving train 3",
    )  # fmt: skip

    class Order:
        maximum_coil_temperature = 313.15
        site = heat_limit = None

    console = Console(width=100, record=True, file=StringIO())
    console.print(live_view(Order(), status, "a session", keys=True))
    shown = console.export_text()
    for words in (
        "FIRING", "train 3 of 15", "257 of 1500 pulses", "57 of 100 pulses", "30:34 min", "46 %", "-1.3 %",
        "30.7 of 40 °C", "1.2 mm, 1.1°", "21 ms at worst", "any other key: STOP", "not a medical device",
    ):  # fmt: skip
        assert words in shown


class Terminal:
    """The program on a terminal of its own, and somebody who looks at it and presses keys."""

    def __init__(self, *call: object) -> None:
        self._ours, theirs = os.openpty()
        self.program = subprocess.Popen(
            [sys.executable, "-c", "from anodyne.cli import main; main()", *map(str, call)],
            stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env={**os.environ, "TERM": "xterm"},
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.screen = bytearray()

    def press(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def press_until(self, found: Callable[[], bool], keys: bytes = b" ") -> None:
        end = time.monotonic() + 60
        while not found():
            assert time.monotonic() < end, self.screen[-2000:].decode(errors="replace")
            if keys:
                self.press(keys)
            if select.select([self._ours], [], [], 0.05)[0]:
                self.screen.extend(os.read(self._ours, 65536))

    def wait_for(self, words: bytes) -> None:
        self.press_until(lambda: words in self.screen, keys=b"")

    def ended(self) -> str:
        """What it printed, once it has ended as it does after a STOP."""
        assert self.program.stdout is not None
        said = self.program.stdout.read().decode()
        assert self.program.wait(20) == 1
        return said

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.program.kill()
        self.program.communicate()
        os.close(self._ours)


def test_keys_of_a_terminal(place, plan, emulator_served):
    """Space is presence, p pauses, r goes on, and any other key is STOP."""
    with emulator_served() as (port, emulator):
        with Terminal(*[word for word in words(plan, port) if word != "--present"]) as terminal:
            terminal.press_until(lambda: b"FIRING" in terminal.screen)
            terminal.press(b"p")
            terminal.press_until(lambda: b"PAUSED" in terminal.screen)
            assert len(emulator.pulses) == 10
            terminal.press(b"r")
            terminal.press_until(lambda: terminal.screen.count(b"giving train 2") > 0)
            terminal.press(b"x")
            terminal.press_until(lambda: b"STOPPED" in terminal.screen or terminal.program.poll() is not None, keys=b"")
            said = terminal.ended()
            assert "a client said STOP" in said
            assert "stopped: stopped" not in said
        assert len(emulator.pulses) <= 20


def test_what_was_left_out_is_asked_for_on_a_terminal(place, plan, emulator_served):
    with emulator_served() as (port, emulator):
        with Terminal("stimulator", "deliver", plan, "--port", port, "--speed", SPEED, "--log", "log") as terminal:
            for question, answer in (
                (b"Pseudonym of the person", b"P-017"),
                (b"Day on which the threshold was measured", YESTERDAY.encode()),
                (b"cannot be set to", b"46"),
                (b"coil attached", b"magstim-70mm"),
                (b"patient's ears", b"y"),
                (b"And the operator's", b"y"),
                (b"vouch for that", b"y"),
            ):
                terminal.wait_for(question)
                terminal.press(answer + b"\n")
            terminal.press_until(lambda: b"FIRING" in terminal.screen)
            terminal.press(b"x")
            terminal.ended()
        assert emulator.pulses
    order = order_from_data(read_log(place / "log").lines[0].facts["order"])
    assert (order.person, order.rmt_measured.isoformat()) == ("P-017", YESTERDAY)
    assert order.trains[0].settings.power == pytest.approx(0.46)


def test_without_a_terminal_what_was_left_out_is_named(refuse, plan, served):
    port, _ = served
    given = words(plan, port)
    for option in ("--person", "--rmt-date", "--coil-attached"):
        at = given.index(option)
        assert f"give {option}" in refuse(*given[:at], *given[at + 2 :], status=2)


def test_dose_outside_the_tested_range_needs_a_consultant_and_that_is_in_the_record(run, succeed, place, plan, served):
    port, emulator = served
    raised = ("--modifier", "tramadol", "--modifier", "sleep-loss", "--log", "log")
    refused = run(*words(plan, port, *raised))
    assert refused.exit_code == 1
    assert "override" in refused.stderr
    assert emulator.pulses == []
    override = "Dr A. Bell, consultant in pain medicine: the dose was tolerated in the first course"
    succeed(*words(plan, port, *raised, "--override", override))
    noted = [line for line in read_log(place / "log").lines if line.event is LogEvent.OVERRIDE]
    assert "Bell" in noted[0].facts["by"]
    assert noted[0].facts["verdict"]
    assert len(emulator.pulses) == 20


@pytest.mark.parametrize(
    ("device", "stated", "celsius"),
    [
        ("magstim-rapid2", None, 40),
        ("magstim-rapid2", 44, 40),
        ("magstim-rapid2", 38, 38),
        ("magventure-x100", None, 40),
        ("magventure-x100", 44, 44),
        ("magventure-x100", 36, 36),
    ],
)
def test_coil_is_no_warmer_than_its_device_allows_and_else_than_the_site(device, stated, celsius):
    limit = coil_limit(find_device(device), Site(maximum_coil_temperature_celsius=stated))
    assert limit == pytest.approx(celsius + 273.15)


def test_pose_file_is_told_whenever_it_is_written_anew(tmp_path):
    told: list[PoseDeviation] = []

    class Client:
        def pose(self, deviation: PoseDeviation) -> None:
            told.append(deviation)

    turned = np.eye(4)
    turned[:2, :2] = [[np.cos(0.1), -np.sin(0.1)], [np.sin(0.1), np.cos(0.1)]]
    turned[:3, 3] = [0.003, 0.0, 0.004]
    path = tmp_path / "pose.txt"
    tracker = Tracker(path, Pose(head_from_coil=np.eye(4)))
    tracker.tell(Client())
    path.write_text("half of a po")
    tracker.tell(Client())
    assert told == []
    write_pose(path, Pose(head_from_coil=turned))
    tracker.tell(Client())
    tracker.tell(Client())
    assert [(each.distance, each.angle) for each in told] == [pytest.approx((0.005, 0.1), rel=1e-6)]
    assert not told[0].fixed
    os.utime(path, (1, 1))
    tracker.tell(Client())
    assert len(told) == 2
