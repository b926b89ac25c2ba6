"""``anodyne stimulator``: emulators as programs, and what probing them says."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from anodyne.protocol import DEVICES
from anodyne.stimulator import Injection, ScaledClock, TrainSettings, open_stimulator

SOURCE = Path(__file__).parents[2] / "src"


@contextmanager
def emulated(*words):
    """An emulator in a process of its own: its path, and the process."""
    code = "from anodyne.cli import main; main()"
    command = [sys.executable, "-c", code, "stimulator", "emulate", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True, env=environment) as process:
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("words", "ending"),
    [
        (("rapid2", "--version", "v10"), signal.SIGTERM),
        (("magpro", "--model", "magventure-x100"), signal.SIGINT),
    ],
)
def test_emulate_probe_and_stop(succeed, words, ending, tmp_path):
    with emulated(*words, "--truth", tmp_path / "truth.jsonl") as (path, process):
        text = succeed("stimulator", "probe", "--port", path)
        assert "24.0 °C" in text
        assert "Research software, not a medical device." in text
        document = json.loads(succeed("stimulator", "probe", "--port", path, "--json"))
        assert document["port"] == path
        assert document["model"] == ("magstim-rapid2" if words[0] == "rapid2" else "magventure-x100")
        assert document["coil_temperature_celsius"] == 24
        assert document["fault"] is None
        process.send_signal(ending)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (0, "", "")
    events = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    assert (events[0]["event"], events[-1]["event"]) == ("start", "stop")


def test_truth_is_written_as_it_happens_and_the_port_is_busy_meanwhile(refuse, tmp_path):
    truth = tmp_path / "truth.jsonl"
    clock = ScaledClock(0.5)  # twice the patience, for machines with much else to do
    with emulated("rapid2", "--truth", truth, "--speed", 0.5) as (path, process):
        with open_stimulator(path, clock=clock) as stimulator:
            stimulator.take_control()
            stimulator.set_train(TrainSettings(power=0.35, rate=20, pulses=10))
            stimulator.arm()
            while not stimulator.keep_alive().ready:
                time.sleep(0.1)
            stimulator.start_train()
            assert "another program has the serial port" in refuse("stimulator", "probe", "--port", path, status=1)
            while stimulator.keep_alive().running:
                time.sleep(0.1)
        process.kill()
        process.wait()
    events = [json.loads(line) for line in truth.read_text().splitlines()]
    pulses = [event for event in events if event["event"] == "pulse"]
    assert [event["count"] for event in pulses] == list(range(1, 11))
    assert {event["power"] for event in pulses} == {0.35}
    assert all(event["armed"] for event in pulses)


def test_fault_after_a_time_and_lived_fast(refuse):
    with emulated("rapid2", "--speed", 1000, "--fault", "silent@100") as (path, _):
        time.sleep(0.15)
        assert "does not answer" in refuse("stimulator", "probe", "--port", path, status=1)


def test_port_that_is_none(refuse, place):
    (place / "notes.txt").write_text("words")
    assert "no such serial port (nowhere)" in refuse("stimulator", "probe", "--port", "nowhere", status=1)
    assert "notes.txt is no serial port" in refuse("stimulator", "probe", "--port", "notes.txt", status=1)


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("emulate", "rapid3"), 2, "rapid3"),
        (("emulate", "rapid2", "--version", "v8"), 2, "v8"),
        (("emulate", "magpro", "--version", "v9"), 2, "no versions"),
        (("emulate", "rapid2", "--model", "magventure-r30"), 2, "no rapid2"),
        (("emulate", "magpro", "--model", "magpro-r33"), 1, "no stimulator is named 'magpro-r33'"),
        (("emulate", "rapid2", "--fault", "silence"), 2, "did you mean 'silent'"),
        (("emulate", "rapid2", "--fault", "zzzz"), 2, "no fault is named 'zzzz' (see 'anodyne"),
        (("emulate", "rapid2", "--fault", "silent@soon"), 2, "'soon' is no number of seconds"),
        (("emulate", "rapid2", "--fault", "silent@-3"), 2, "not negative"),
        (("emulate", "rapid2", "--speed", "0"), 2, "0 times real time"),
        (("emulate", "rapid2", "--truth", "no/such/truth.jsonl"), 1, "cannot write no/such/truth.jsonl"),
        (("emulate", "rapid2", "--seed", "-1"), 2, "-1"),
        (("probe",), 2, "--port"),
    ],
)
def test_refusals(refuse, words, status, says):
    assert says in refuse("stimulator", *words, status=status)


def test_list_names_every_model_and_how_sure_each_fact_is(succeed):
    text = succeed("stimulator", "list")
    assert max(map(len, text.splitlines())) <= 80
    assert all(name in text for name in DEVICES)
    assert "Research software, not a medical device." in text
    documents = json.loads(succeed("stimulator", "list", "--json"))
    assert [each["name"] for each in documents] == list(DEVICES)
    for document in documents:
        for fact in document["facts"].values():
            assert fact["source"]
            assert (fact["value"] is None) == (fact["certainty"] == "not-reported")


def test_help_names_every_fault(succeed):
    words = set(re.findall(r"[\w-]+", succeed("stimulator", "emulate", "--help")))
    assert {each.value for each in Injection} <= words
