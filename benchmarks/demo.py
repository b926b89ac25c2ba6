"""`anodyne demo` as a person runs it: a fresh process, first without and then with the head in the cache."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from anodyne.units import GiB
from benchmarks.report import Row

CACHED_RUNS = 3


def rows() -> Iterator[Row]:
    """Every number of this topic."""
    with TemporaryDirectory() as folder:
        environment = {**os.environ, "ANODYNE_CACHE": str(Path(folder) / "cache")}
        first = _run(Path(folder), environment)
        yield Row(name="anodyne demo, the first time", value=first, unit="s", target="≤ 180 s")
        cached = sorted(_run(Path(folder), environment) for _ in range(CACHED_RUNS))
        yield Row(name="anodyne demo, head cached", value=cached[CACHED_RUNS // 2], unit="s", target="≤ 60 s")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        yield Row(name="peak memory", value=peak / GiB, unit="GiB", target="≤ 6 GB")


def _run(folder: Path, environment: dict[str, str]) -> float:
    begin = perf_counter()
    program = Path(sys.executable).with_name("anodyne")
    command = [str(program), "demo", "--quiet", "--out", str(folder / "plan")]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return perf_counter() - begin
