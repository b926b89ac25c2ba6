"""Plans for many heads: each subject by itself on some worker, then one table and the group's figures."""

import json
import shutil
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from socket import gethostname
from threading import Lock
from time import perf_counter
from typing import Any
from uuid import uuid4

import anodyne
from anodyne.coil import write_pose
from anodyne.errors import AnodyneError, CannotWrite, WorkersLost
from anodyne.files import replacing, replacing_folder
from anodyne.head import load_head
from anodyne.plan.cohort.fsaverage import (
    MAPPING_IN_WORDS,
    FsaverageField,
    field_on_fsaverage,
    group_field,
    read_fsaverage_field,
    write_fsaverage_field,
    write_group_field,
)
from anodyne.plan.cohort.subjects import COHORT_MARKER, Subject, difference
from anodyne.plan.cohort.table import CohortRow, SubjectStatus, row_of, row_without_plan, write_table
from anodyne.plan.cohort.workers import Lost, Workers
from anodyne.plan.document import DOCUMENT_NAME, plan_document, write_document
from anodyne.plan.making import Planned, dose_for, make_plan
from anodyne.plan.navigators import write_brainsight
from anodyne.progress import SILENT, Progress
from anodyne.units import mm, percent

RECORD, LOG = "subject.json", "error.log"
SUBJECTS, GROUP = "subjects", "group"
SCHEMA, SCHEMA_VERSION = "anodyne-cohort", 1

_ONE_AT_A_TIME = Lock()
"""Kept while a process plans a subject: the compiled loops take all its threads, and their memory once is enough."""


@dataclass(frozen=True, kw_only=True)
class CohortTerms:
    """What is the same for all subjects of a cohort; it goes to every worker.

    Attributes
    ----------
    folder : of the cohort, absolute, the same for every worker
    token : stands in the folder's ``cohort.json``, so that a worker that sees another folder is found out
    version : of the program that gives the order
    with_reports : whether each subject gets its report, pictures and field files too
    """

    folder: Path
    token: str
    version: str
    with_reports: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class CohortResult:
    """What became of a cohort.

    Attributes
    ----------
    folder : where it stands
    rows : of the table, in the subjects' order
    kept : names of the subjects whose finished plans were there already
    on_fsaverage : names of the subjects in the group's figures
    """

    folder: Path
    rows: tuple[CohortRow, ...]
    kept: frozenset[str]
    on_fsaverage: tuple[str, ...]

    def of(self, status: SubjectStatus) -> tuple[CohortRow, ...]:
        """The rows of that status."""
        return tuple(row for row in self.rows if row["status"] == status.value)


def plan_subject(subject: Subject, terms: CohortTerms) -> tuple[CohortRow, bool]:
    """Plan one subject and write its folder whole, or give the row of the plan that is there already.

    A plan is kept if its subject's files, its prescription, its coil and the program's version are what they were.
    Whatever fails becomes a row with the reason; ``error.log`` in the subject's folder has the traceback.

    Returns
    -------
    the row, and whether the plan was there already
    """
    with _ONE_AT_A_TIME:
        begin = perf_counter()
        goal = terms.folder / SUBJECTS / subject.name
        try:
            _refuse_a_stranger(terms)
        except AnodyneError as error:  # nothing is written where the cohort is not
            return _failed(subject, str(error), begin), False
        try:
            digest = subject.head_digest()
            kept = _kept(goal, subject, digest, terms.with_reports)
            if kept is not None:
                return kept, True
            row = _planned_row(subject, terms, digest, begin)
        except AnodyneError as error:
            row = _failed(subject, str(error), begin)
            _write_failure(goal, row)
        except Exception as error:  # noqa: BLE001  whatever it is, the other subjects shall not suffer for it
            row = _failed(subject, _named(error), begin)
            _write_failure(goal, row)
        return row, False


def _seconds(begin: float) -> float:
    return round(perf_counter() - begin, 3)


def _failed(subject: Subject, reason: str, begin: float) -> CohortRow:
    return row_without_plan(subject.name, SubjectStatus.FAILED, reason, **_asked(subject), seconds=_seconds(begin))


def _named(error: BaseException) -> str:
    """An unforeseen exception by its type and the first line of what it says; the log has the rest."""
    return ": ".join([type(error).__name__, *str(error).splitlines()[:1]])


def _asked(subject: Subject) -> CohortRow:
    """What is known of a subject without a plan."""
    prescription = subject.prescription
    return {
        "target": prescription.target.name,
        "protocol": prescription.protocol.name,
        "coil": subject.coil,
        "rmt_percent": float(f"{prescription.rmt / percent:.5g}"),
    }


def _refuse_a_stranger(terms: CohortTerms) -> None:
    """Refuse to work where the cohort's folder or the program is not that of the command."""
    host = gethostname()
    if anodyne.__version__ != terms.version:
        raise AnodyneError(
            f"the worker on {host} has Anodyne {anodyne.__version__}, the command {terms.version}; install the same"
        )
    try:
        token = json.loads((terms.folder / COHORT_MARKER).read_text(encoding="utf-8"))["token"]
    except (OSError, ValueError, KeyError):
        token = None
    if token != terms.token:
        raise AnodyneError(f"the worker on {host} does not see {terms.folder}; put the cohort in a folder all share")


def _kept(goal: Path, subject: Subject, digest: str, with_reports: bool) -> CohortRow | None:
    record = _record(goal)
    if record is None or not _is_planned(record) or record["head_sha256"] != digest:
        return None
    whole = (goal / DOCUMENT_NAME).is_file() and (not with_reports or (goal / "report.html").is_file())
    if not whole or difference(subject.order(), record["order"]) is not None:
        return None
    row: CohortRow = record["row"]
    return row


def _record(goal: Path) -> dict[str, Any] | None:
    """What an earlier run left about a subject; None where it left nothing readable."""
    try:
        record: dict[str, Any] = json.loads((goal / RECORD).read_text(encoding="utf-8"))
        is_ours = record["schema"] == SCHEMA and record["schema_version"] == SCHEMA_VERSION
        return record if is_ours and {"status", "order", "head_sha256", "row"} <= set(record) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_planned(record: dict[str, Any]) -> bool:
    return bool(record["status"] == SubjectStatus.PLANNED.value)


def _planned_row(subject: Subject, terms: CohortTerms, digest: str, begin: float) -> CohortRow:
    coil = subject.find_coil()
    dose_for(coil, subject.prescription)  # refused before the head is read
    head = load_head(subject.head)
    planned = make_plan(head, coil, subject.prescription)
    on_fsaverage = None if head.head_from_mni is None else field_on_fsaverage(head, planned.field)
    with replacing_folder(terms.folder / SUBJECTS / subject.name, marker=RECORD) as temporary:
        _write_plan(temporary, planned, with_reports=terms.with_reports)
        if on_fsaverage is not None:
            write_fsaverage_field(temporary, on_fsaverage)
        row = row_of(subject.name, plan_document(planned.plan), **_distances(on_fsaverage), seconds=_seconds(begin))
        _write_record(temporary, row, order=subject.order(), digest=digest)
    return row


def _distances(field: FsaverageField | None) -> dict[str, float]:
    if field is None:
        return {}
    return {
        "fsaverage_distance_median_mm": round(field.percentile_of_distance(0.5) / mm, 2),
        "fsaverage_distance_95th_mm": round(field.percentile_of_distance(0.95) / mm, 2),
    }


def _write_plan(folder: Path, planned: Planned, *, with_reports: bool) -> None:
    if with_reports:
        from anodyne.plan.exports import write_report_files  # figures and pages take a second to import

        write_report_files(folder, planned)
    else:
        pose = planned.plan.placement.pose
        (folder / "poses").mkdir()
        write_pose(folder / "poses" / "simnibs.txt", pose)
        write_brainsight(folder / "poses" / "brainsight.txt", {planned.plan.field.target.site.target.name: pose})
    write_document(folder / DOCUMENT_NAME, plan_document(planned.plan))


def _write_record(folder: Path, row: CohortRow, *, order: dict[str, Any] | None, digest: str | None) -> None:
    record = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "status": row["status"],
        "head_sha256": digest,
        "row": row,
        "order": order,
    }
    with replacing(folder / RECORD) as temporary:
        temporary.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_failure(goal: Path, row: CohortRow) -> None:
    """The traceback of the exception at hand and the row, in the subject's folder if it can be written.

    A finished plan is never thrown away for a failure: the traceback is put beside it.
    """
    log = traceback.format_exc()
    before = _record(goal)
    try:
        if before is not None and _is_planned(before):
            with replacing(goal / LOG) as temporary:
                temporary.write_text(log, encoding="utf-8")
            return
        with replacing_folder(goal, marker=RECORD) as temporary:
            (temporary / LOG).write_text(log, encoding="utf-8")
            _write_record(temporary, row, order=None, digest=None)
    except CannotWrite as refusal:
        row["reason"] = f"{row['reason']} (and its log could not be written: {refusal})"


def plan_cohort(
    subjects: Sequence[Subject],
    folder: Path | str,
    workers: Workers,
    *,
    with_reports: bool = False,
    replaces_others: bool = False,
    progress: Progress = SILENT,
) -> CohortResult:
    """Plan every subject, write the table and the group's figures; begun before, it goes on where it stopped.

    ``subjects/NAME/`` has each plan, ``table.csv`` and ``table.parquet`` a row for each subject, ``group/`` the
    figures and maps on fsaverage5. The table is written even if the work ends early.

    Parameters
    ----------
    with_reports : write report, pictures and field files of every subject too, which takes longer than planning
    replaces_others : plan anew what an earlier command planned with other options; refused otherwise

    Raises
    ------
    ValueError : no subjects, or two of one name
    CannotWrite : something else stands in `folder`, or finished plans in it were made with other options
    WorkersLost : the scheduler or all workers died; what they finished is kept
    """
    subjects = [subject.absolute() for subject in subjects]
    names = [subject.name for subject in subjects]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"a cohort needs subjects of different names, not {names}")
    goal = Path(folder).absolute()
    refuse_cohort_folder(subjects, goal, replaces_others=replaces_others)
    terms = _begun(goal, with_reports)
    done: dict[str, tuple[CohortRow, bool]] = {}
    try:
        with progress.stage(f"plan {len(subjects)} heads", total=len(subjects)) as advance:
            for index, answer in workers.results(plan_subject, [(subject, terms) for subject in subjects]):
                done[names[index]] = _answered(subjects[index], answer, goal)
                advance(1)
    except WorkersLost as loss:
        _write_rows(goal, subjects, done)
        raise WorkersLost(
            f"{loss}: {len(done)} of {len(names)} subjects are done, kept, and in {goal / 'table.csv'}; give the same "
            "command again to go on"
        ) from loss
    except BaseException:
        _write_rows(goal, subjects, done)
        raise
    rows = _write_rows(goal, subjects, done)
    with progress.stage("the group's figures"):
        shown = _write_group(goal, rows)
    kept = frozenset(name for name, (_, was_kept) in done.items() if was_kept)
    return CohortResult(folder=goal, rows=rows, kept=kept, on_fsaverage=shown)


def refuse_cohort_folder(subjects: Sequence[Subject], folder: Path, *, replaces_others: bool) -> None:
    """Raise `CannotWrite` if a cohort cannot stand in a folder or if finished work there would be thrown away."""
    if folder.exists() and not folder.is_dir():
        raise CannotWrite(f"{folder} is a file, not a folder; choose another place")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / COHORT_MARKER).is_file():
        raise CannotWrite(f"{folder} holds something else (no {COHORT_MARKER} in it); choose an empty or new folder")
    if replaces_others:
        return
    changes = []
    for subject in subjects:
        record = _record(folder / SUBJECTS / subject.name)
        if record is not None and _is_planned(record):
            change = difference(subject.order(), record["order"])
            changes += [(subject.name, change)] if change is not None else []
    if changes:
        first, change = changes[0]
        others = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
        raise CannotWrite(
            f"{folder} holds finished plans made with other options ({first}{others}: now {change}); choose another "
            "folder, or add --replace to plan those anew"
        )


def _begun(goal: Path, with_reports: bool) -> CohortTerms:
    """The cohort's folder, made or freed of what a killed worker left half-done, and what its workers are told."""
    terms = CohortTerms(folder=goal, token=uuid4().hex, version=anodyne.__version__, with_reports=with_reports)
    try:
        (goal / SUBJECTS).mkdir(parents=True, exist_ok=True)
        for left_over in (goal / SUBJECTS).glob(".*"):
            shutil.rmtree(left_over, ignore_errors=True)
    except OSError as error:
        raise CannotWrite(f"cannot make {goal}: {error.strerror}; choose another place") from error
    begun = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "anodyne_version": terms.version,
        "begun": datetime.now(UTC).isoformat(timespec="seconds"),
        "token": terms.token,
        "group_maps": MAPPING_IN_WORDS,
    }
    with replacing(goal / COHORT_MARKER) as temporary:
        temporary.write_text(json.dumps(begun, indent=2) + "\n", encoding="utf-8")
    return terms


def _answered(subject: Subject, answer: Any, goal: Path) -> tuple[CohortRow, bool]:
    """The row of what a worker gave back, a row of its own making included."""
    if isinstance(answer, Lost):
        reason = (
            f"the process that planned it died {answer.attempts} times; most often that is too little memory, so try "
            "fewer workers"
        )
    elif isinstance(answer, BaseException):
        reason = _named(answer)
    else:
        row, was_kept = answer
        return row, was_kept
    row = row_without_plan(subject.name, SubjectStatus.FAILED, reason, **_asked(subject))
    try:
        raise RuntimeError(reason) from (answer if isinstance(answer, BaseException) else None)
    except RuntimeError:
        _write_failure(goal / SUBJECTS / subject.name, row)
    return row, False


def _write_rows(
    goal: Path, subjects: Sequence[Subject], done: dict[str, tuple[CohortRow, bool]]
) -> tuple[CohortRow, ...]:
    """The table of what is done, and what stands in it."""
    rows = [done[one.name][0] if one.name in done else _row_before(goal, one) for one in subjects]
    write_table(goal, rows)
    return tuple(rows)


def _row_before(goal: Path, subject: Subject) -> CohortRow:
    """The row of a subject that this run has not heard of: that of its finished plan, if there is one."""
    record = _record(goal / SUBJECTS / subject.name)
    if record is not None and _is_planned(record) and difference(subject.order(), record["order"]) is None:
        row: CohortRow = record["row"]
        return row
    reason = "the work stopped before; give the command again"
    return row_without_plan(subject.name, SubjectStatus.NOT_REACHED, reason, **_asked(subject))


def _write_group(goal: Path, rows: Sequence[CohortRow]) -> tuple[str, ...]:
    """Figures and maps of all planned subjects; gives the names of those that are on fsaverage."""
    from anodyne.plan.cohort.plot import draw_group  # matplotlib only where something is drawn

    planned = [row for row in rows if row["status"] == SubjectStatus.PLANNED.value]
    fields = {
        str(row["subject"]): read_fsaverage_field(goal / SUBJECTS / str(row["subject"]))
        for row in planned
        if row["fsaverage_distance_median_mm"] is not None
    }
    group = group_field(fields) if fields else None
    with replacing_folder(goal / GROUP, marker="README.txt") as temporary:
        (temporary / "README.txt").write_text(f"Maps of |E| on {MAPPING_IN_WORDS}.\n", encoding="utf-8")
        if group is not None:
            write_group_field(temporary, group)
        if planned:
            draw_group(temporary, planned, group)
    return tuple(fields)
