"""Who is to be planned, with which threshold: the table that a person writes for a cohort."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from anodyne.cli.points import csv_rows
from anodyne.cli.prescribing import RMT
from anodyne.errors import UnreadableFile

COLUMNS = ("subject", "rmt_percent", "target", "coil")


@dataclass(frozen=True, kw_only=True)
class SubjectLine:
    """What a line of the table says of one subject; None where its cell is empty or the column is not there.

    Attributes
    ----------
    rmt_percent : resting motor threshold, of stimulator output
    target : a name, or a point in mm
    coil : a built-in coil's name or a file
    """

    rmt_percent: float | None
    target: str | tuple[float, ...] | None
    coil: str | None


def read_subjects(path: Path, heads: Mapping[str, Path]) -> dict[str, SubjectLine]:
    """The lines of a subjects file by subject, each of which must have a head.

    The first line names the columns: ``subject``, and any of ``rmt_percent``, ``target`` and ``coil``; commas,
    semicolons or tabs part them.

    Raises
    ------
    UnreadableFile : no such file, not text, a column nobody knows, a subject twice or without a head, or a
        threshold that is none
    """
    rows = csv_rows(path)
    if not rows:
        raise UnreadableFile(f"{path} is empty; its first line names the columns {', '.join(COLUMNS)}")
    names = [name.strip().casefold() for name in rows[0][1]]
    unknown = [name for name in names if name not in COLUMNS]
    if "subject" not in names or unknown or len(set(names)) < len(names):
        fault = f"has a column {unknown[0]!r}" if unknown else "needs one column 'subject' and no column twice"
        raise UnreadableFile(f"{path} {fault}; the columns are {', '.join(COLUMNS)}")
    lines: dict[str, SubjectLine] = {}
    for number, row in rows[1:]:
        cells = {name: row[place].strip() if place < len(row) else "" for place, name in enumerate(names)}
        subject, where = cells["subject"], f"{path}, line {number}"
        if len(row) > len(names):
            raise UnreadableFile(
                f"{where} has {len(row)} cells in {len(names)} columns; put cells with commas in quotes"
            )
        if subject not in heads:
            raise UnreadableFile(
                f"{where}: there is no head for the subject {subject!r}; mend the name or add the head"
            )
        if subject in lines:
            raise UnreadableFile(f"{where}: {subject} stands there twice; keep one line")
        lines[subject] = SubjectLine(
            rmt_percent=_threshold(cells.get("rmt_percent", ""), where),
            target=_target(cells.get("target", ""), where),
            coil=cells.get("coil") or None,
        )
    if not lines:
        raise UnreadableFile(f"{path} names no subjects beneath its line of names; write one a line")
    return lines


def _threshold(word: str, where: str) -> float | None:
    if not word:
        return None
    number = _number(word)
    if number is None or RMT.low is None or RMT.high is None or not RMT.low <= number <= RMT.high:
        span = f"{RMT.low} to {RMT.high} %"
        raise UnreadableFile(f"{where}: a motor threshold of {word!r} is not in {span} of stimulator output; mend it")
    return number


def _target(word: str, where: str) -> str | tuple[float, ...] | None:
    if "," not in word:
        return word or None
    numbers = [_number(part) for part in word.split(",")]
    if len(numbers) != 3 or None in numbers:
        raise UnreadableFile(f"{where}: the target {word!r} is no name and no point x,y,z in mm; mend it")
    return tuple(number for number in numbers if number is not None)


def _number(word: str) -> float | None:
    try:
        number = float(word)
    except ValueError:
        return None
    return number if isfinite(number) else None
