"""``anodyne cohort``: plans for many heads at once."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

import click

from anodyne.cli.options import Number, json_option, quiet_option
from anodyne.cli.outputs import rehearse_folder
from anodyne.cli.prescribing import RMT, Wanted, prescribing_options, refuse_unless_dosed
from anodyne.cli.subjects import SubjectLine, read_subjects
from anodyne.cli.talk import Talk
from anodyne.disclaimer import DISCLAIMER
from anodyne.errors import AnodyneError, SafetyRefusal
from anodyne.units import minute

if TYPE_CHECKING:
    from anodyne.plan import CohortResult, CohortRow, Subject, Workers

MARKER = "cohort.json"
"""The file by which a folder is known as a cohort's."""


@click.group()
def cohort() -> None:
    """Many heads at once."""


@cohort.command()
@click.argument("folder", metavar="FOLDER_OF_HEADS", type=click.Path(path_type=Path))
@click.option(
    "--subjects", "subjects_file", type=click.Path(path_type=Path), metavar="FILE.csv",
    help="Who is planned, one a line: columns subject, rmt_percent, and where they differ target and coil. Without "
    "it every head of the folder is planned.",
)  # fmt: skip
@click.option(
    "--rmt-percent", type=RMT,
    help="Resting motor threshold in % of stimulator output of everybody for whom FILE.csv states none.",
)  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The cohort's folder.")
@prescribing_options
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N",
    help="Processes on this machine that plan at the same time. Default: one for each core, fewer if they would have "
    "less than 4 GiB of memory each.",
)  # fmt: skip
@click.option(
    "--scheduler", metavar="ADDRESS",
    help="Plan on the workers of a running dask scheduler instead, such as tcp://10.0.0.5:8786.",
)  # fmt: skip
@click.option(
    "--wait-minutes", type=Number(unit="min", low=0), default=10.0, show_default=True,
    help="How long to wait when a scheduler has no worker at all.",
)  # fmt: skip
@click.option("--reports", is_flag=True, help="Write each subject's report, pictures and field files too.")
@click.option("--replace", "replaces_others", is_flag=True, help="Plan anew what was planned with other options.")
@json_option("the table")
@quiet_option
def plan(
    wanted: Wanted,
    folder: Path,
    subjects_file: Path | None,
    rmt_percent: float | None,
    out: Path,
    workers: int | None,
    scheduler: str | None,
    wait_minutes: float,
    reports: bool,
    replaces_others: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Plan every head in a FOLDER_OF_HEADS and put the results in one table.

    The folder holds head folders, .msh files or SimNIBS m2m folders; their names are the subjects' names. A
    command given again goes on where it stopped. A subject that fails is a row with its reason; the exit status
    is then 1.
    """
    from anodyne.plan import find_heads, plan_cohort, refuse_cohort_folder

    if workers is not None and scheduler is not None:
        raise click.UsageError("--workers starts processes here and --scheduler uses those of a cluster; give one")
    heads = find_heads(folder)
    lines = None if subjects_file is None else read_subjects(subjects_file, heads)
    subjects = _subjects(wanted, heads, lines, rmt_percent)
    rehearse_folder(out, marker=MARKER)
    refuse_cohort_folder(subjects, out, replaces_others=replaces_others)
    with Talk(quiet=quiet) as talk, _workers(workers, len(subjects), scheduler, wait_minutes * minute) as found:
        if found.dashboard_link is not None:
            talk.remark(f"watch the workers at {found.dashboard_link}")
        if (left_out := len(heads) - len(subjects)) > 0:
            talk.remark(f"{left_out} heads have no line in {subjects_file} and are left out")
        result = plan_cohort(
            subjects,
            out,
            found,
            with_reports=reports,
            replaces_others=replaces_others,
            progress=talk.progress,
        )
    _show(result, out, as_json)
    if missing := len(result.rows) - len(_planned(result)):
        raise AnodyneError(
            f"{missing} of {len(result.rows)} subjects could not be planned; {out / 'table.csv'} says why"
        )


@contextmanager
def _workers(count: int | None, subjects: int, scheduler: str | None, patience: float) -> "Iterator[Workers]":
    """Those of the scheduler, or local ones: no more than there are subjects."""
    from anodyne.plan import cluster_workers, local_workers

    if scheduler is not None:
        with cluster_workers(scheduler, patience=patience) as workers:
            yield workers
    else:
        with local_workers(count, pieces=subjects) as workers:
            yield workers


def _subjects(
    wanted: Wanted, heads: Mapping[str, Path], lines: Mapping[str, SubjectLine] | None, rmt_percent: float | None
) -> "list[Subject]":
    """Who is planned and how; whatever is wrong for all is refused here, before any work."""
    from anodyne.plan import Subject
    from anodyne.protocol import find_protocol

    protocol = find_protocol(wanted.protocol)
    chosen = lines if lines is not None else dict.fromkeys(heads, SubjectLine(rmt_percent=None, target=None, coil=None))
    subjects = []
    for name, line in chosen.items():
        threshold = line.rmt_percent if line.rmt_percent is not None else rmt_percent
        if threshold is None:
            raise click.UsageError(
                f"there is no motor threshold for {name}; write it in the file of --subjects or give --rmt-percent"
            )
        subjects.append(
            Subject(
                name=name,
                head=heads[name],
                prescription=wanted.prescription(protocol, threshold, line.target),
                coil=line.coil or wanted.coil,
                maximum_di_dt=wanted.maximum_di_dt,
            )
        )
    for coil, subject in {subject.coil: subject for subject in subjects}.items():
        _refuse_for_all(replace(wanted, coil=coil), subject)
    return subjects


def _refuse_for_all(wanted: Wanted, subject: "Subject") -> None:
    """Refuse a coil or an intensity that is wrong for every subject; one subject's own dose is that row's affair."""
    coil = wanted.find_coil()
    try:
        refuse_unless_dosed(subject.prescription, coil)
    except SafetyRefusal:
        if coil.maximum_di_dt is None:
            raise


def _planned(result: "CohortResult") -> "tuple[CohortRow, ...]":
    from anodyne.plan import SubjectStatus

    return result.of(SubjectStatus.PLANNED)


def _show(result: "CohortResult", out: Path, as_json: bool) -> None:
    from anodyne.cli.tables import caution, facts, heading, remarks, show, show_json, table

    if as_json:
        show_json(_document(result, out))
        return
    columns = {
        "subject": "subject",
        "status": "status",
        "target": "target",
        "output_percent": ">output (%)",
        "e_at_target_v_per_m": ">|E| at target (V/m)",
        "hotspot_to_target_mm": ">hotspot (mm)",
        "warnings": ">warnings",
        "seconds": ">time (s)",
    }
    rows = [[_text(row[name]) for name in columns] for row in result.rows]
    planned = _planned(result)
    show(
        heading(f"{len(planned)} of {len(result.rows)} heads planned"),
        caution(DISCLAIMER),
        table(list(columns.values()), rows),
        *_reasons(result, remarks),
        facts(_group_facts(result, out), title="Group"),
    )


def _reasons(result: "CohortResult", remarks: Any) -> list[Any]:
    """Why subjects were not planned, if any were not."""
    reasons = [f"{row['subject']}: {row['reason']}" for row in result.rows if row["reason"]]
    return [remarks(reasons, title="Not planned", style="yellow")] if reasons else []


def _group_facts(result: "CohortResult", out: Path) -> list[tuple[str, str]]:
    planned = _planned(result)
    values = [float(row["e_at_target_v_per_m"] or 0) for row in planned]
    spread = f", standard deviation {stdev(values):.3g} V/m" if len(values) > 1 else ""
    pairs = [("|E| at the target", f"mean {mean(values):.3g} V/m{spread}")] if values else []
    if result.kept:
        pairs.append(("planned before", f"{len(result.kept)}, kept as they were"))
    if result.on_fsaverage:
        near, far = (
            mean(float(row[f"fsaverage_distance_{share}_mm"] or 0) for row in _shown(result))
            for share in ("median", "95th")
        )
        pairs.append(
            (
                "on fsaverage5",
                f"{len(result.on_fsaverage)} subjects, by affines and the nearest mid-grey points ({near:.1f} mm away "
                f"in the median, {far:.1f} mm at the 95th percentile); for display only",
            )
        )
    files = [("table", f"{out / 'table.csv'}, {out / 'table.parquet'}"), ("plans", f"{out / 'subjects'}/")]
    return [*pairs, *files, ("figures and maps", f"{out / 'group'}/")]


def _shown(result: "CohortResult") -> "Sequence[CohortRow]":
    return [row for row in result.rows if row["subject"] in result.on_fsaverage]


def _text(value: object) -> str:
    if value is None:
        return "—"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _document(result: "CohortResult", out: Path) -> dict[str, Any]:
    return {
        "out": str(out),
        "subjects": len(result.rows),
        "planned": len(_planned(result)),
        "planned_before": sorted(result.kept),
        "on_fsaverage": list(result.on_fsaverage),
        "rows": list(result.rows),
    }
