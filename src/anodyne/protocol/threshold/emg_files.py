"""Epochs of EMG from files: a table with a column for time and one for EMG, or NumPy's archive."""

import csv
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anodyne.errors import UnreadableFile
from anodyne.protocol.threshold.emg import EmgEpoch

Array = NDArray[np.float64]

TIME_UNITS = {"time_s": 1.0, "time_ms": 1e-3}
EMG_UNITS = {"emg_v": 1.0, "emg_mv": 1e-3, "emg_uv": 1e-6}
EPOCH_FILES = (".csv", ".npz")
"""Endings of the files that `read_epoch` reads."""


def read_epoch(path: Path | str) -> EmgEpoch:
    """One epoch of EMG from a ``.csv`` or ``.npz`` file.

    Columns or arrays are named with their units: ``time_s`` or ``time_ms`` with the pulse at 0, evenly spaced, and
    ``emg_v``, ``emg_mv`` or ``emg_uv``.

    Raises
    ------
    UnreadableFile : no such file, not of this form, unevenly or too coarsely sampled, or not finite
    """
    path = Path(path)
    try:
        match path.suffix.lower():
            case ".csv":
                columns = _csv_columns(path)
            case ".npz":
                columns = _npz_columns(path)
            case _:
                raise UnreadableFile(f"{path} is not an epoch of EMG; its name must end in .csv or .npz")
    except OSError as error:
        raise UnreadableFile(f"cannot read {path}: {error.strerror or error}; check the name") from error
    time, emg = (_scaled(path, columns, units) for units in (TIME_UNITS, EMG_UNITS))
    if time.shape != emg.shape or time.ndim != 1 or len(time) < 2:
        raise UnreadableFile(
            f"{path} holds times of shape {time.shape} and EMG of shape {emg.shape}, not two rows alike"
        )
    interval = (time[-1] - time[0]) / (len(time) - 1)
    if not (np.isfinite(time).all() and interval > 0 and np.ptp(np.diff(time)) <= 0.2 * interval):
        raise UnreadableFile(f"{path} is not evenly sampled; its times must rise in equal steps")
    try:
        return EmgEpoch(samples=emg, rate=round(1 / interval, 6), start=float(time[0]))
    except ValueError as error:
        raise UnreadableFile(f"{path} cannot be used: {error}") from error


def _scaled(path: Path, columns: dict[str, Array], units: dict[str, float]) -> Array:
    found = [name for name in units if name in columns]
    if len(found) != 1:
        raise UnreadableFile(f"{path} needs exactly one column or array named {' or '.join(units)}")
    return columns[found[0]] * units[found[0]]


def _csv_columns(path: Path) -> dict[str, Array]:
    rows: list[list[float]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = csv.reader(stream)
            names = [name.strip().lower() for name in next(lines, [])]
            for row in lines:
                if row:
                    rows.append(_numbers(path, row, len(names), lines.line_num))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(f"{path} is not a table in UTF-8; save it as CSV") from error
    if len(rows) < 2:
        raise UnreadableFile(f"{path} holds {len(rows)} rows of samples; an epoch needs a header and many rows")
    return dict(zip(names, np.array(rows).T, strict=True))


def _numbers(path: Path, row: list[str], count: int, line: int) -> list[float]:
    if len(row) != count:
        raise UnreadableFile(f"{path}, line {line}: {len(row)} cells where the header has {count}")
    try:
        return [float(cell) for cell in row]
    except ValueError as error:
        raise UnreadableFile(f"{path}, line {line}: {', '.join(row)!r} are not all numbers") from error


def _npz_columns(path: Path) -> dict[str, Array]:
    known = {*TIME_UNITS, *EMG_UNITS}
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: np.asarray(archive[name], dtype=float) for name in archive.files if name in known}
    except (ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise UnreadableFile(f"{path} is not an archive of NumPy arrays; save it with numpy.savez") from error
