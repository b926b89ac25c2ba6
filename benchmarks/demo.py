"""`anodyne demo` as a person runs it: a fresh process, first without and then with the head in the cache."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from anodyne.units import GiB
from benchmarks.report import Row

CACHED_RUNS = 3


def rows() -> Iterator[Row]:
    """Every number of this topic."""
    with TemporaryDirectory() as folder:
        environment = {**os.environ, "ANODYNE_CACHE": str(Path(folder) / "cache")}
        first, peak = _run(Path(folder), environment)
        yield Row(name="anodyne demo, the first time", value=first, unit="s", target="≤ 180 s")
        yield Row(name="  peak memory", value=peak / GiB, unit="GiB", target="≤ 6 GB")
        cached = sorted(_run(Path(folder), environment) for _ in range(CACHED_RUNS))
        seconds, peak = cached[CACHED_RUNS // 2]
        yield Row(name="anodyne demo, head cached", value=seconds, unit="s", target="≤ 60 s")
        yield Row(name="  peak memory", value=peak / GiB, unit="GiB", target="≤ 6 GB")


WRAPPED = """
import resource, subprocess, sys, time
begin = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""
"""A small process between benchmark and demo, for a process is charged with the memory of the one that forked it."""


def _run(folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """How long the demo took, s, and its own peak of memory, bytes."""
    program = Path(sys.executable).with_name("anodyne")
    command = [sys.executable, "-c", WRAPPED, str(program), "demo", "--quiet", "--out", str(folder / "plan")]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    seconds, peak = map(float, done.stdout.split())
    return seconds, peak * (1 if sys.platform == "darwin" else 1024)
