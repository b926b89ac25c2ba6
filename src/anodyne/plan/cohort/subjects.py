"""Who is in a cohort: the heads of a folder, and what is wanted for each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from enum import Enum
from functools import cache
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import numpy as np

import anodyne
from anodyne.coil import Coil, find_coil
from anodyne.errors import UnreadableFile
from anodyne.plan.making import Prescription
from anodyne.units import percent

HEAD_MARKER, M2M, MESH, HEAD_ENDING = "head.json", "m2m_", ".msh", ".head"
HEAD_FILES = ("head.json", "mesh.msh", "tissues.nii.gz", "T1.nii.gz", "surfaces/*.gii")
"""Of a head's folder, what a plan depends on."""

M2M_FILES = ("*.msh", "T1.nii.gz")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One person of a cohort and what is wanted for that person.

    Attributes
    ----------
    name : a study code, no person's name; that of the plan's folder
    head : a head's folder, a .msh file or an m2m folder, as `anodyne.head.load_head` takes it
    prescription : target, protocol, motor threshold and the rest
    coil : a built-in coil's name or a coil file; each worker reads it itself
    maximum_di_dt : of the stimulator at full output, A/s, in place of the coil's own
    """

    name: str
    head: Path
    prescription: Prescription
    coil: str
    maximum_di_dt: float | None = None

    def __post_init__(self) -> None:
        if not is_subject_name(self.name):
            raise ValueError(f"{self.name!r} cannot name a subject and its folder")

    def find_coil(self) -> Coil:
        """The coil, with `maximum_di_dt` in place of its own where that is given."""
        coil = find_coil(self.coil)
        return coil if self.maximum_di_dt is None else replace(coil, maximum_di_dt=self.maximum_di_dt)

    def order(self) -> dict[str, Any]:
        """All that a plan depends on but the head, as JSON-ready data; equal for equal plans.

        A coil file stands in it by what it holds, a built-in coil by its name and this program's version.
        """
        path = Path(self.coil)
        wanted = {field.name: getattr(self.prescription, field.name) for field in fields(self.prescription)}
        return {
            "anodyne_version": anodyne.__version__,
            **{name: _plain(value) for name, value in wanted.items()},
            "coil": path.name if path.is_file() else self.coil,
            "coil_sha256": _coil_digest(path, path.stat().st_mtime_ns) if path.is_file() else None,
            "maximum_di_dt": self.maximum_di_dt,
        }

    def absolute(self) -> "Subject":
        """The same with absolute paths, for a process that works in another folder."""
        coil = str(Path(self.coil).absolute()) if Path(self.coil).is_file() else self.coil
        return replace(self, head=self.head.absolute(), coil=coil)

    def head_digest(self) -> str:
        """SHA-256 over the files of the head that a plan depends on; of nothing where there are none.

        Raises
        ------
        UnreadableFile : a file cannot be read
        """
        if self.head.is_file():
            return _digest([self.head])
        patterns = HEAD_FILES if (self.head / HEAD_MARKER).is_file() else M2M_FILES
        return _digest(sorted(path for pattern in patterns for path in self.head.glob(pattern)))


def is_subject_name(name: str) -> bool:
    """Whether a name can stand for a folder, in a table's cell and in a navigator's file."""
    return bool(name.strip()) and name[0] not in ".#" and not set(name) & set("/\\\t\r\n;")


def _digest(paths: list[Path]) -> str:
    total = sha256()
    for path in paths:
        try:
            with path.open("rb") as stream:
                total.update(path.name.encode() + b"\0" + file_digest(stream, "sha256").digest())
        except OSError as error:
            raise UnreadableFile(f"cannot read {path}: {error.strerror}; check the file") from error
    return total.hexdigest()


@cache
def _coil_digest(path: Path, modified: int) -> str:
    """The digest of a coil's file, read once and not for each subject again."""
    return _digest([path])


def _plain(value: Any) -> Any:
    """A value of ours as JSON holds it, so that equal values give equal data."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Path | date):
        return str(value)
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"{type(value).__name__} cannot stand in the order of a cohort")


def difference(order: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    """The first thing in which two orders differ, in words; None where they are the same.

    >>> difference({"rmt": 0.5, "coil": "a"}, {"rmt": 0.5, "coil": "b"})
    'coil a instead of b'
    """
    for name in dict.fromkeys([*order, *other]):
        mine, theirs = (json.loads(json.dumps(one.get(name))) for one in (order, other))
        if mine != theirs:
            words = {"rmt": "motor threshold", "coil_sha256": "content of the coil file"}.get(name, name)
            return f"{words.replace('_', ' ')}{_change(*(_in_words(name, one) for one in (mine, theirs)))}"
    return None


def _in_words(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("name", ""))
    if value is None:
        return "none"
    in_percent = name in ("rmt", "intensity") and isinstance(value, float)
    return f"{value / percent:g} %" if in_percent else str(value)


def _change(*short: str) -> str:
    if short[0] == short[1] or any(not 0 < len(word) <= 40 for word in short):
        return ""
    return f" {short[0]} instead of {short[1]}"


def find_heads(folder: Path | str) -> dict[str, Path]:
    """The heads in a folder by subject, in the names' order.

    Each subfolder is a subject (beside heads, one that is none will fail as a subject and say why), and so is each
    .msh file. The name is that of the folder or file without ``.head``, ``.msh`` or ``m2m_``: ``sub-01_ses-02.head`` is
    ``sub-01_ses-02``. Names that begin with a dot, and cohorts' own folders, are passed over.

    Raises
    ------
    UnreadableFile : no folder, no heads in it, a head itself, or two heads of one name
    """
    place = Path(folder)
    if not place.is_dir():
        raise UnreadableFile(f"there is no folder {place}; name a folder of heads")
    if (place / HEAD_MARKER).is_file() or place.name.startswith(M2M):
        raise UnreadableFile(
            f"{place} is one head, not a folder of heads; use 'anodyne plan make' or its parent folder"
        )
    heads: dict[str, Path] = {}
    for path in sorted(place.iterdir()):
        if path.name.startswith(".") or not (_is_candidate(path)):
            continue
        name = path.name.removeprefix(M2M) if path.is_dir() else path.name
        name = name.removesuffix(HEAD_ENDING) if path.is_dir() else name[: -len(MESH)]
        if not is_subject_name(name):
            raise UnreadableFile(f"{name!r} in {place} cannot be a subject's name; rename it without ; # and tabs")
        if name in heads:
            raise UnreadableFile(f"{heads[name]} and {path} would both be the subject {name}; rename one of them")
        heads[name] = path
    if not any(_looks_like_a_head(path) for path in heads.values()):
        raise UnreadableFile(f"{place} holds no heads; put head folders, .msh files or m2m folders in it")
    return dict(sorted(heads.items()))


def _looks_like_a_head(path: Path) -> bool:
    return path.is_file() or path.name.startswith(M2M) or (path / HEAD_MARKER).is_file()


def _is_candidate(path: Path) -> bool:
    if path.is_dir():
        return not (path / COHORT_MARKER).is_file()
    return path.name.lower().endswith(MESH)


COHORT_MARKER = "cohort.json"
"""The file by which a folder is known as a cohort's."""
