"""Poses and targets for neuronavigators: Brainsight's text files, written and read back.

The pose for SimNIBS and for scripts is a plain 4 x 4 file: `anodyne.coil.write_pose`.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anodyne import __version__
from anodyne.coil import Pose
from anodyne.errors import UnreadableFile
from anodyne.files import replacing
from anodyne.units import mm

COIL_FROM_BRAINSIGHT = np.diag([-1.0, 1.0, -1.0, 1.0])
"""Brainsight's x and z axes point the other way: half a turn about y (as SimNIBS converts, its nnav.py)."""

SPACE = "NIfTI:Aligned"
"""The world coordinates of the T1 that is loaded, as versions up to 2.5.2 name them; later ones read it too."""

COLUMNS = ("Target Name", "Loc. X", "Loc. Y", "Loc. Z", *(f"m{i}n{j}" for i in range(3) for j in range(3)))


def write_brainsight(path: Path | str, poses: Mapping[str, Pose]) -> None:
    """Write poses as targets of Brainsight, by name, in mm in the world of the T1.

    The file has the columns of version 12: the location and m0n0 to m2n2, where m_i is the i-th axis.

    Raises
    ------
    ValueError : a name that would break the table
    CannotWrite : the file cannot be written
    """
    lines = [
        "# Version: 12",
        f"# Coordinate system: {SPACE}",
        f"# Created by: Anodyne {__version__} (research software, not a medical device)",
        "# Units: millimetres, degrees, milliseconds, and microvolts",
        "# Encoding: UTF-8",
        "# Notes: Each column is delimited by a tab. Each value within a column is delimited by a semicolon.",
        "# " + "\t".join(COLUMNS),
    ]
    for name, pose in poses.items():
        if not name.strip() or any(sign in name for sign in "\t\r\n;") or name.startswith("#"):
            raise ValueError(f"{name!r} cannot name a target in a table parted by tabs")
        lines.append("\t".join([name, *_numbers(pose)]))
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _numbers(pose: Pose) -> list[str]:
    matrix = pose.head_from_coil @ COIL_FROM_BRAINSIGHT
    place = [f"{value / mm + 0.0:.4f}" for value in matrix[:3, 3]]
    return place + [f"{value + 0.0:.6f}" for value in matrix[:3, :3].T.ravel()]


def read_brainsight(path: Path | str) -> dict[str, Pose]:
    """The targets of a Brainsight text file, by name; samples and sessions are passed over.

    Coordinates are taken as they stand, in the file's own space (see `SPACE`), from mm. Targets without
    an orientation are left out.

    Raises
    ------
    UnreadableFile : missing, no target table, or a row that is no pose; names the line
    """
    poses: dict[str, Pose] = {}
    columns: list[str] | None = None
    found = False
    for number, line in enumerate(_lines(Path(path)), start=1):
        if line.startswith("#"):
            header = line[1:].strip().split("\t")
            if "Loc. X" in header:
                columns = header if header[0] == "Target Name" else None
                found |= columns is not None
            continue
        if columns is None or not line.strip():
            continue
        pose = _pose_of(Path(path), number, dict(zip(columns, line.split("\t"), strict=False)))
        if pose is not None:
            poses[line.split("\t")[0]] = pose
    if not found:
        raise UnreadableFile(f"{path} holds no table of targets; export targets from Brainsight as text")
    return poses


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path} is not text in UTF-8; export it from Brainsight as text") from error
    except OSError as error:
        raise UnreadableFile(f"cannot read {path}: {error.strerror}; check its name and permissions") from error


def _pose_of(path: Path, number: int, row: Mapping[str, str]) -> Pose | None:
    missing = [column for column in COLUMNS if column not in row]
    if missing:
        raise UnreadableFile(f"{path}, line {number} has no column {missing[0]}; export the targets again")
    words = [row[column].strip() for column in COLUMNS[1:]]
    if "(null)" in words:
        return None
    try:
        values: NDArray[np.float64] = np.array([float(word) for word in words])
    except ValueError as error:
        raise UnreadableFile(f"{path}, line {number} holds something that is not a number; mend that line") from error
    matrix = np.eye(4)
    matrix[:3, 3] = values[:3] * mm
    matrix[:3, :3] = values[3:].reshape(3, 3).T
    try:
        return Pose(head_from_coil=_tidied(matrix) @ COIL_FROM_BRAINSIGHT)
    except ValueError as error:
        raise UnreadableFile(f"{path}, line {number} is not a coil pose: {error}; export the targets again") from error


ROUNDING = 3e-3
"""How far axes rounded to three decimals, as old versions write them, may be from square."""


def _tidied(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix with the nearest rotation, where its axes are off by no more than the file's rounding."""
    axes = matrix[:3, :3]
    if np.isfinite(axes).all() and np.abs(axes.T @ axes - np.eye(3)).max() <= ROUNDING:
        left, _, right = np.linalg.svd(axes)
        matrix = matrix.copy()
        matrix[:3, :3] = left @ right
    return matrix
