"""Many heads: how many an hour, by workers, and whether their number changes a result."""

import json
import os
import resource
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from anodyne.head import ADULT, HeadRecipe, find_target, save_head, scale_from_circumference, template_head
from anodyne.plan import (
    CohortResult,
    Prescription,
    Subject,
    SubjectStatus,
    find_heads,
    local_workers,
    plan_cohort,
    read_plan,
)
from anodyne.protocol import find_protocol
from anodyne.units import hour, mm
from benchmarks.report import Row

CIRCUMFERENCES = (540 * mm, 580 * mm)
SPACING = 6 * mm
HEADS = 4
WORKERS = (1, 2)


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """A cohort planned once: seconds until the workers stood, seconds of planning, and of processors for both."""

    start: float
    seconds: float
    processor: float
    result: CohortResult


def rows() -> Iterator[Row]:
    """Every number of this topic."""
    with TemporaryDirectory() as place:
        everyone = subjects(Path(place))
        note = f"{HEADS} coarse synthetic heads of about 0.23 million tetrahedra, {os.cpu_count()} cores"
        plan(everyone[:1], Path(place) / "first", 1)  # a worker's first head compiles what all others find compiled
        seconds: dict[int, float] = {}
        said = []
        for count in WORKERS:
            run = plan(everyone, Path(place) / str(count), count)
            seconds[count] = run.seconds
            said.append(_numbers(Path(place) / str(count)))
            yield Row(name=f"heads an hour, {count} workers", value=HEADS * hour / run.seconds, unit="", note=note)
            yield Row(name=f"  start of {count} workers", value=run.start, unit="s")
            yield Row(name="  processor time of the workers for one head", value=run.processor / HEADS, unit="s")
        again = plan(everyone, Path(place) / "1", 1)
        yield Row(name="the same again, all kept", value=again.seconds, unit="s", note="figures included")
        speed = seconds[WORKERS[0]] / seconds[WORKERS[-1]]
        yield Row(name="faster by two workers than by one", value=speed, unit="times")
        same = all(one == said[0] for one in said) and len(again.result.kept) == HEADS
        yield Row(name="plans identical whatever the workers", value=float(same), unit="", target="1")


def plan(some: Sequence[Subject], folder: Path, count: int) -> Run:
    """Some subjects planned by that many processes on this machine."""
    begin, before = perf_counter(), _processor_seconds()
    with local_workers(count) as workers:
        started = perf_counter()
        result = plan_cohort(some, folder, workers)
        ended = perf_counter()
    if failed := result.of(SubjectStatus.FAILED):
        raise RuntimeError(f"{failed[0]['subject']} failed: {failed[0]['reason']}")
    return Run(start=started - begin, seconds=ended - started, processor=_processor_seconds() - before, result=result)


def _processor_seconds() -> float:
    """What processes that have ended took of the processor, their start included."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def subjects(place: Path, circumferences: Sequence[float] = CIRCUMFERENCES) -> list[Subject]:
    """As many subjects as `HEADS`, on copies of heads of some sizes that are made in a folder."""
    for number, circumference in enumerate(circumferences):
        recipe: HeadRecipe = replace(ADULT, scale=scale_from_circumference(circumference))
        head = template_head(size=recipe, spacing=SPACING, cache_folder=place / "cache")
        save_head(replace(head, name=f"synthetic-{number}"), place / "heads" / f"sub-{number}.head")
        for copy in range(1, HEADS // len(circumferences)):
            shutil.copytree(place / "heads" / f"sub-{number}.head", place / "heads" / f"sub-{number}-{copy}.head")
    prescription = Prescription(
        target=find_target("right-dlpfc"), protocol=find_protocol("fibromyalgia-1hz-right-dlpfc"), rmt=0.52
    )
    return [
        Subject(name=name, head=path, prescription=prescription, coil="magstim-70mm")
        for name, path in find_heads(place / "heads").items()
    ]


def _numbers(folder: Path) -> dict[str, Any]:
    """What every plan says but when and how long."""
    said: dict[str, Any] = {}
    for path in sorted((folder / "subjects").iterdir()):
        document = read_plan(path)
        document.pop("created")
        document["search"].pop("scoring_s")
        maps = [map_file.read_bytes() for map_file in sorted(path.glob("*.gii"))]
        said[path.name] = json.dumps(document), maps
    return said
