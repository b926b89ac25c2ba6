"""A Gmsh .msh file cut into its sections, and how to refuse one in a sentence."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from anodyne.errors import UnreadableFile
from anodyne.head.msh_kernels import TEXT_FULL, integers_in, token_starts

WRITE_AGAIN = "write or copy the file again"


class MshVersion(StrEnum):
    """The two forms of the Gmsh mesh format in use (Gmsh reference manual, chapter File formats)."""

    V2_2 = "2.2"
    V4_1 = "4.1"


@dataclass(frozen=True, kw_only=True, eq=False)
class Section:
    """What stands between ``$Name`` and ``$EndName``: its name and its first and last byte + 1."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True, eq=False)
class MshFile:
    """The bytes of a .msh file, its form, and where its sections lie.

    Parameters
    ----------
    path : for messages
    content : the whole file
    version : format version
    binary : numbers are stored as they are in memory (little-endian), not as text
    sections : in the file's order, unknown ones too
    """

    path: Path
    content: bytes = field(repr=False)
    version: MshVersion
    binary: bool
    sections: Sequence[Section]

    def every(self, name: str) -> list[Section]:
        """All sections of that name."""
        return [section for section in self.sections if section.name == name]

    def only(self, name: str) -> Section:
        """The one section of that name; refuses a file that has none, or two."""
        found = self.every(name)
        if not found:
            self.refuse(f"there is no ${name} section", remedy="save the mesh again with nodes and elements")
        if len(found) > 1:
            self.refuse(f"there is a second ${name} section", found[1].start, "keep only one mesh in a file")
        return found[0]

    def refuse(self, problem: str, offset: int | None = None, remedy: str = WRITE_AGAIN) -> NoReturn:
        """Raise `UnreadableFile`: the problem, the line (text) or byte (binary) at `offset`, the remedy."""
        raise _refusal(self.path, self.content, problem, offset, self.binary, remedy)

    def payload(self, section: Section) -> bytes:
        """A copy of the section's bytes."""
        return self.content[section.start : section.end]

    def floats(self, section: Section) -> NDArray[np.float64]:
        """Every number of a text section as float64, in order; refuses what is no number."""
        payload = self.payload(section)
        try:
            with warnings.catch_warnings():  # before NumPy 2.3 what is no number was only warned of
                warnings.simplefilter("error", DeprecationWarning)
                return np.fromstring(payload, dtype=np.float64, sep=" ")
        except (ValueError, DeprecationWarning):
            self.refuse(f"${section.name} holds something that is not a number", self._garbled(section, payload))

    def _garbled(self, section: Section, payload: bytes) -> int:
        """Where the first token that is no number begins."""
        for match in re.finditer(rb"\S+", payload):
            try:
                float(match.group())
            except ValueError:
                return section.start + match.start()
        return section.start

    def integers(self, section: Section) -> NDArray[np.int64]:
        """Every number of a text section as int64, in order; refuses what is no integer."""
        text = np.frombuffer(self.content, dtype=np.uint8)
        values, bad = integers_in(text, section.start, section.end)
        if bad >= 0:
            self.refuse(f"${section.name} holds something that is not a whole number", int(bad))
        return values

    def token_offset(self, section: Section, token: int) -> int:
        """The byte at which the n-th number of a text section begins, or the section's end."""
        starts = token_starts(np.frombuffer(self.content, dtype=np.uint8), section.start, section.end, token)
        return section.end if starts == TEXT_FULL else int(starts)

    def count_line(self, section: Section) -> tuple[int, int]:
        """The whole number alone on a section's first line, and the byte after that line."""
        newline = self.content.find(b"\n", section.start, section.end)
        line = self.content[section.start : newline] if newline >= 0 else b""
        if not re.fullmatch(rb"\s*\d{1,18}\s*", line):
            self.refuse(f"${section.name} does not begin with a count", section.start)
        return int(line), newline + 1


def open_msh(path: Path | str) -> MshFile:
    """Read a .msh file into memory and find its sections, without looking into them.

    Raises
    ------
    UnreadableFile : missing, not a Gmsh mesh, another version, big-endian, or cut off
    """
    source = Path(path)
    try:
        content = source.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnreadableFile(f"cannot read {source}: {reason}; check the path") from error
    version, binary, start = _form(source, content)
    sections = _sections(source, content, start, binary)
    return MshFile(path=source, content=content, version=version, binary=binary, sections=sections)


def _refusal(path: Path, content: bytes, problem: str, offset: int | None, binary: bool, remedy: str) -> UnreadableFile:
    if offset is None:
        place = ""
    elif binary:
        place = f" at byte {offset}"
    else:
        line = content.count(b"\n", 0, offset) + 1
        place = f" on line {line}"
    return UnreadableFile(f"{path}: {problem}{place}; {remedy}")


def _form(path: Path, content: bytes) -> tuple[MshVersion, bool, int]:
    """The version, whether numbers are binary, and the byte after the $MeshFormat section."""
    heading = re.compile(rb"\s*\$MeshFormat\s*?\n").match(content)
    if heading is None:
        raise UnreadableFile(f"{path} is not a Gmsh mesh: it does not begin with $MeshFormat; choose a .msh file")
    garbled = _refusal(path, content, "$MeshFormat is garbled", heading.end(), False, WRITE_AGAIN)
    line = re.compile(rb"[ \t]*([\x21-\x7e]{1,12})[ \t]+([01])[ \t]+(\d+)[ \t\r]*\n").match(content, heading.end())
    if line is None:
        raise garbled
    known = {version.value.encode(): version for version in MshVersion}
    if line[1] not in known:
        raise UnreadableFile(f"{path} is in version {line[1].decode()} of the Gmsh format; save it as 2.2 or 4.1")
    binary = line[2] == b"1"
    one = content[line.end() : line.end() + 4] if binary else b""
    if one == b"\0\0\0\1":
        raise UnreadableFile(f"{path} was written in big-endian order; save it on a little-endian machine or as text")
    end = re.compile(rb"\s*\$EndMeshFormat\s*").match(content, line.end() + len(one))
    if line[3] != b"8" or (binary and one != b"\1\0\0\0") or end is None:
        raise garbled
    return known[line[1]], binary, end.end()


def _sections(path: Path, content: bytes, start: int, binary: bool) -> list[Section]:
    found: list[Section] = []
    heading = re.compile(rb"\s*\$([A-Za-z]{1,40})[ \t\r]*\n")
    blank = re.compile(rb"\s*")
    while start < len(content):
        head = heading.match(content, start)
        if head is None:
            before = found[-1].name if found else "MeshFormat"
            raise _refusal(path, content, f"something follows ${before} that is no section", start, binary, WRITE_AGAIN)
        name = head[1]
        end = content.find(b"$End" + name, head.end())
        if end < 0:
            problem = f"${name.decode()} begins but does not end (cut off or garbled)"
            raise _refusal(path, content, problem, head.start(1), binary, WRITE_AGAIN)
        found.append(Section(name=name.decode(), start=head.end(), end=end))
        rest = blank.match(content, end + len(name) + 4)
        start = rest.end() if rest else len(content)
    return found
