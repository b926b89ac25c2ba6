"""A disk that is really full, under a controller that is a process: no train starts, and no line is lost."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from anodyne.stimulator import LogEvent, Task, read_log, resume_point

try:
    import resource
except ImportError:
    resource = None

SPEED = 4.0
MOUNTED = 'mount -t tmpfs -o size=64k tmpfs "$1" && exec "$2" -c "$3" "$1"'
pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")


@dataclass(frozen=True, kw_only=True)
class Disk:
    """How a disk is filled and room made on it, both told the number of the controller's process."""

    fill: Callable[[int], None]
    free: Callable[[int], None]


def deliver(bench: ModuleType, folder: Path, disk: Disk, trains: int) -> None:
    """A session whose disk fills up after its first train, until room is made again.

    A disk without a free block may still have room for a few lines in the log's last one.
    """
    with bench.emulated("rapid2", bench.ScaledClock(SPEED)) as (port, emulator):
        order = bench.order_of("rapid2", trains=trains, pulses=10, rate=10.0, wait=1.0)
        log = folder / "log"
        task = Task(order=order, signed_hash=order.hash, port=port, log=log, folder=folder / "door", speed=SPEED)
        with bench.operated(task, None) as (number, client):
            client.wait_for(lambda status: status.state == "waiting", 30)
            disk.fill(number)
            status = client.wait_for(lambda status: status.state in ("faulted", "done"), 60)
            assert status.state == "faulted"
            assert "no train may start" in status.message
            bench.time.sleep(4 / SPEED)
            full = read_log(log).lines
            announced = [line.event for line in full].count(LogEvent.STARTING)
            assert len(emulator.pulses) == 10 * announced < order.pulses
            assert not emulator.machine.stage.is_armed
            assert LogEvent.FAULT not in [line.event for line in full]
            disk.free(number)
            client.resume()
            assert client.ended.wait(60)
            assert client.latest.state == "done"
        assert len(emulator.pulses) == order.pulses
    lines = read_log(log).lines
    assert lines[: len(full)] == full
    assert LogEvent.FAULT in [line.event for line in lines]  # it was owed, and written when there was room
    assert resume_point(lines).given == (10,) * trains


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, root: Path) -> ModuleType:
    """The benchmarks' own emulators and operators."""
    monkeypatch.syspath_prepend(str(root))
    return import_module("benchmarks.delivery")


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="this system limits no files of other processes")
def test_file_that_the_system_lets_grow_no_further(bench, tmp_path):
    """The system writes the first bytes of a line and refuses the rest, as on a disk with a little room."""
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(number: int) -> None:
        room = (tmp_path / "log").stat().st_size + 40
        resource.prlimit(number, resource.RLIMIT_FSIZE, (room, unlimited[1]))

    def free(number: int) -> None:
        resource.prlimit(number, resource.RLIMIT_FSIZE, unlimited)

    deliver(bench, tmp_path, Disk(fill=fill, free=free), trains=2)


def on_a_small_disk(folder: Path) -> None:
    """The session on a disk of 64 kB, in a process that mounted it."""
    ballast = folder / "ballast"

    def fill(number: int) -> None:
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(512)):
                    pass
            except OSError:
                return

    disk = Disk(fill=fill, free=lambda number: ballast.unlink())
    deliver(import_module("benchmarks.delivery"), folder, disk, trains=6)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets anybody mount a disk of his own")
def test_disk_without_room(tmp_path, root):
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("no program unshare, by which to mount a small disk")
    mounting = [unshare, "--user", "--map-root-user", "--mount", "sh", "-c", MOUNTED, "sh", str(tmp_path)]
    if subprocess.run([*mounting, "true", ""], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody mount a disk in a namespace of his own")
    code = "import pathlib, sys; from tests.stimulator.delivery.test_full_disk import on_a_small_disk as f; "
    code += "f(pathlib.Path(sys.argv[1]))"
    path = os.pathsep.join([str(root), str(root / "src"), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [*mounting, sys.executable, code], capture_output=True, text=True, check=False, cwd=root,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
