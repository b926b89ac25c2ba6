"""The log: appended, chained, durable, and refused when it was changed."""

import errno
import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anodyne.errors import CannotWrite, RecordConflict, UnreadableFile
from anodyne.stimulator.delivery import DeliveryLog, LogEvent, read_log

FACTS = {"train": 0, "pulses": 20}


def filled(path, lines: int = 4) -> None:
    with DeliveryLog(path) as log:
        log.append(LogEvent.OPENED, at="2026-11-20T09:00:00+00:00", clock=0.0, facts={"order": {}})
        for number in range(1, lines):
            log.append(LogEvent.PAUSED, at="2026-11-20T09:00:01+00:00", clock=float(number), facts=FACTS)


def test_what_is_appended_is_read(tmp_path):
    filled(tmp_path / "log")
    lines = read_log(tmp_path / "log").lines
    assert [line.number for line in lines] == [0, 1, 2, 3]
    assert lines[1].previous == lines[0].hash
    assert dict(lines[3].facts) == FACTS


def test_log_goes_on_where_it_ended(tmp_path):
    filled(tmp_path / "log", 2)
    with DeliveryLog(tmp_path / "log") as log:
        log.append(LogEvent.STOPPED, at="", clock=0.0, facts={})
    assert [line.number for line in read_log(tmp_path / "log").lines] == [0, 1, 2]


@settings(max_examples=30)
@given(cut=st.integers(1, 200))
def test_torn_last_line_is_understood(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("torn") / "log"
    filled(path)
    content = path.read_bytes()
    last = content[:-1].rindex(b"\n") + 1
    cut = min(cut, len(content) - last)
    path.write_bytes(content[:-cut])
    assert len(read_log(path).lines) == 3
    with DeliveryLog(path) as log:
        assert log.torn == content[last:-cut]
        log.append(LogEvent.CONTINUED, at="", clock=0.0, facts={})
    assert [line.event for line in read_log(path).lines][-1] is LogEvent.CONTINUED


@settings(max_examples=40)
@given(data=st.data())
def test_any_other_change_is_noticed(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("changed") / "log"
    filled(path)
    content = path.read_bytes()
    place = data.draw(st.integers(0, content.rindex(b"\n") - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != content[place]))
    path.write_bytes(content[:place] + bytes([byte]) + content[place + 1 :])
    with pytest.raises(UnreadableFile, match="line"):
        read_log(path)


@pytest.mark.parametrize("line", [0, 1, 2])
def test_line_left_out_is_noticed(tmp_path, line):
    path = tmp_path / "log"
    filled(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:line] + lines[line + 1 :]))
    with pytest.raises(UnreadableFile, match="changed after it was written"):
        DeliveryLog(path)


def test_value_altered_with_care_is_noticed(tmp_path):
    path = tmp_path / "log"
    filled(path)
    lines = path.read_bytes().splitlines()
    altered = json.loads(lines[2])
    altered["facts"]["pulses"] = 10
    lines[2] = json.dumps(altered, sort_keys=True, separators=(",", ":")).encode()
    path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(UnreadableFile, match="line 3 does not follow"):
        read_log(path)


def test_second_controller_is_refused(tmp_path):
    with DeliveryLog(tmp_path / "log"), pytest.raises(RecordConflict, match="another controller"):
        DeliveryLog(tmp_path / "log")
    DeliveryLog(tmp_path / "log").close()


@pytest.mark.parametrize("room", [0, 1, 40])
def test_full_disk_leaves_the_log_as_it_was(tmp_path, room):
    path = tmp_path / "log"
    filled(path, 2)
    left = [room]

    def write(file: int, data: bytes) -> int:
        if left[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = os.write(file, data[: left[0]])
        left[0] -= written
        return written

    with DeliveryLog(path, write=write) as log:
        with pytest.raises(CannotWrite, match="full, so no train may start"):
            log.append(LogEvent.STARTING, at="", clock=0.0, facts=FACTS)
        left[0] = 10_000
        log.append(LogEvent.PAUSED, at="", clock=0.0, facts={})
    assert [line.event for line in read_log(path).lines] == [LogEvent.OPENED, LogEvent.PAUSED, LogEvent.PAUSED]


def test_disk_that_fails_to_synchronise_is_not_trusted_again(tmp_path):
    path = tmp_path / "log"
    filled(path, 1)

    def synchronise(file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with DeliveryLog(path, synchronise=synchronise) as log:
        with pytest.raises(CannotWrite, match="Input/output error"):
            log.append(LogEvent.STARTING, at="", clock=0.0, facts=FACTS)
        with pytest.raises(CannotWrite, match="no longer trusted"):
            log.append(LogEvent.PAUSED, at="", clock=0.0, facts={})


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"hello\n", "not a line of a delivery log"), (b"\xff\xfe\n", "not a line"), (b"[1]\n", "not a line")],
)
def test_something_else_is_refused(tmp_path, content, words):
    (tmp_path / "log").write_bytes(content)
    with pytest.raises(UnreadableFile, match=words):
        read_log(tmp_path / "log")


def test_missing_log_is_refused(tmp_path):
    with pytest.raises(UnreadableFile, match="cannot read"):
        read_log(tmp_path / "nowhere")
    with pytest.raises(CannotWrite, match="cannot open the log"):
        DeliveryLog(tmp_path / "nowhere" / "log")
