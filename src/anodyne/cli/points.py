"""Points from a table of a person's own: x, y and z in millimetres, one point a line."""

import csv
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from anodyne.errors import UnreadableFile
from anodyne.units import mm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AXES = ("x", "y", "z")


def read_points(path: Path) -> "NDArray[np.float64]":
    """The points of a .csv file, (n, 3) array, m.

    Columns are x, y, z in millimetres, parted by commas, semicolons or tabs. A first line of names is
    optional; with it the columns named x, y and z (or x_mm, ...) are taken wherever they stand.

    Raises
    ------
    UnreadableFile : no such file, not text, no points, or a line without three finite numbers
    """
    import numpy as np

    rows = csv_rows(path)
    if not rows:
        raise UnreadableFile(f"{path} holds no points; write x,y,z in mm, one point a line")
    columns = (0, 1, 2)
    if not _is_number(rows[0][1][0]):
        columns = _columns(path, rows.pop(0)[1])
    if not rows:
        raise UnreadableFile(f"{path} holds no points beneath its line of names; write x,y,z in mm")
    return np.array([_point(path, number, row, columns) for number, row in rows]) * mm


def csv_rows(path: Path) -> list[tuple[int, list[str]]]:
    """The lines that are not empty with their numbers, cut at the separator that the first one uses."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path} is not text; save it as a .csv file in UTF-8") from error
    except OSError as error:
        raise UnreadableFile(f"cannot read {path}: {error.strerror}; check its name") from error
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    separator = next((mark for mark in ",;\t" if lines and mark in lines[0][1]), ",")
    return [(number, next(csv.reader([line], delimiter=separator))) for number, line in lines]


def _columns(path: Path, names: list[str]) -> tuple[int, int, int]:
    plain = [name.strip().casefold().removesuffix("_mm").removesuffix(" (mm)") for name in names]
    if missing := [axis for axis in AXES if axis not in plain]:
        raise UnreadableFile(f"{path} has no column {' or '.join(missing)}; name the columns x, y and z (mm)")
    return plain.index("x"), plain.index("y"), plain.index("z")


def _point(path: Path, number: int, row: list[str], columns: tuple[int, int, int]) -> list[float]:
    words = [row[column] if column < len(row) else "" for column in columns]
    if not all(_is_number(word) and isfinite(float(word)) for word in words):
        raise UnreadableFile(f"{path}, line {number} does not hold three finite numbers x,y,z in mm; mend that line")
    return [float(word) for word in words]


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
