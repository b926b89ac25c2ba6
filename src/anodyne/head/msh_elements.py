"""Elements of a .msh file: tetrahedra and triangles as rows, in the file's own order."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anodyne.head.msh_kernels import (
    CUT_OFF,
    NEGATIVE_COUNT,
    NODES_PER_ELEMENT,
    OTHER_VOLUMES,
    TETRAHEDRON,
    TOO_MANY,
    TRIANGLE,
    UNKNOWN_TYPE,
    WHOLE,
    walk_4,
    walk_binary_2,
    walk_text_2,
)
from anodyne.head.msh_sections import MshFile, MshVersion, Section

Rows = NDArray[np.int64]
_Walk = Callable[..., tuple[int, int]]

_PROBLEMS = {
    CUT_OFF: "$Elements ends before its last element",
    UNKNOWN_TYPE: "$Elements names an element type that does not exist",
    NEGATIVE_COUNT: "$Elements gives a count that cannot be",
    TOO_MANY: "$Elements holds more elements than it promises",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Elements:
    """What a file says of its elements: rows {element number, tissue tag, node numbers}.

    Parameters
    ----------
    tetrahedra : (n_tetrahedra, 6) array, tag 0 where the file gives none
    triangles : (n_triangles, 5) array, likewise
    """

    tetrahedra: Rows
    triangles: Rows


def read_elements(file: MshFile) -> Elements:
    """The tetrahedra and triangles of a file; points, lines and other flat elements are passed over.

    Raises
    ------
    UnreadableFile : cut off, garbled, or with volume elements that are no four-node tetrahedra
    """
    section = file.only("Elements")
    words, head, walk = _stream(file, section)
    seen = np.zeros(len(NODES_PER_ELEMENT), dtype=np.int64)
    nothing = np.empty((0, 6), dtype=np.int64), np.empty((0, 5), dtype=np.int64)
    problem, place = walk(words, head, NODES_PER_ELEMENT, *nothing, seen)
    if problem != WHOLE:
        file.refuse(_PROBLEMS[problem], _offset(file, section, len(words), place))
    if _leftover(file, section, words, place):
        file.refuse("$Elements holds more than it promises", _offset(file, section, len(words), place))
    _refuse_other_volumes(file, seen)
    tetrahedra = np.empty((seen[TETRAHEDRON], 6), dtype=np.int64)
    triangles = np.empty((seen[TRIANGLE], 5), dtype=np.int64)
    walk(words, head, NODES_PER_ELEMENT, tetrahedra, triangles, np.zeros_like(seen))
    if file.version is MshVersion.V4_1:
        _entities_to_tags(file, tetrahedra, triangles)
    return Elements(tetrahedra=tetrahedra, triangles=triangles)


def _stream(file: MshFile, section: Section) -> tuple[NDArray[Any], tuple[int, ...], _Walk]:
    """The section's numbers after its head, what its head says, and the walk that fits."""
    if not file.binary:
        words = file.integers(section)
        counts = 1 if file.version is MshVersion.V2_2 else 4
        if len(words) < counts or words[:counts].min() < 0:
            file.refuse("$Elements does not begin with its counts", section.start)
        if file.version is MshVersion.V2_2:
            return words[1:], (int(words[0]),), walk_text_2
        return words[4:], (1, int(words[0]), int(words[1])), walk_4
    if file.version is MshVersion.V2_2:
        count, start = file.count_line(section)
        return _words(file, start, section.end), (count,), walk_binary_2
    if section.end - section.start < 32:
        file.refuse("$Elements does not begin with its counts", section.start)
    blocks, count = struct.unpack_from("<QQ", file.content, section.start)
    limit = section.end - section.start
    if blocks > limit or count > limit:
        file.refuse(_PROBLEMS[CUT_OFF], section.start)
    return _words(file, section.start + 32, section.end), (2, blocks, count), walk_4


def _words(file: MshFile, start: int, end: int) -> NDArray[np.int32]:
    """An aligned copy, so that the walk is compiled once whatever the offset."""
    return np.frombuffer(file.content, dtype="<i4", count=(end - start) // 4, offset=start).astype(np.int32)


def _head_size(file: MshFile, section: Section) -> int:
    """Words before the stream in text, bytes in binary."""
    if file.version is MshVersion.V4_1:
        return 32 if file.binary else 4
    return file.count_line(section)[1] - section.start if file.binary else 1


def _offset(file: MshFile, section: Section, size: int, place: int) -> int:
    if file.binary:
        return section.start + _head_size(file, section) + 4 * min(place, size)
    return file.token_offset(section, _head_size(file, section) + place)


def _leftover(file: MshFile, section: Section, words: NDArray[Any], place: int) -> bool:
    if not file.binary:
        return place < len(words)
    return bool(file.content[_offset(file, section, len(words), place) : section.end].strip())


def _refuse_other_volumes(file: MshFile, seen: NDArray[np.int64]) -> None:
    others = sum(int(seen[kind]) for kind in OTHER_VOLUMES)
    if others:
        file.refuse(
            f"{others} volume elements are not tetrahedra of four nodes",
            remedy="mesh again with first-order tetrahedra only",
        )


def _entities_to_tags(file: MshFile, tetrahedra: Rows, triangles: Rows) -> None:
    """Replace the entity in each row by that entity's first physical tag, 0 where it has none."""
    physical = _physical_tags(file)
    for dimension, rows in ((3, tetrahedra), (2, triangles)):
        table = {entity: tag for (of, entity), tag in physical.items() if of == dimension}
        rows[:, 1] = _looked_up(table, rows[:, 1])


def _looked_up(table: Mapping[int, int], keys: Rows) -> Rows:
    if not table:
        return np.zeros_like(keys)
    known = np.array(sorted(table), dtype=np.int64)
    values = np.array([table[key] for key in sorted(table)], dtype=np.int64)
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[place] == keys, values[place], 0)


def _physical_tags(file: MshFile) -> dict[tuple[int, int], int]:
    """(dimension, entity) -> first physical tag, from $Entities; empty where there is no such section."""
    if not file.every("Entities"):
        return {}
    section = file.only("Entities")
    try:
        return _physical_in_binary(file, section) if file.binary else _physical_in_text(file, section)
    except (struct.error, ValueError, IndexError, OverflowError):
        file.refuse("$Entities is cut off or garbled", section.start)


def _physical_in_binary(file: MshFile, section: Section) -> dict[tuple[int, int], int]:
    content, place = file.payload(section), 32
    found: dict[tuple[int, int], int] = {}
    for dimension, count in enumerate(struct.unpack_from("<4Q", content)):
        for _ in range(count):
            (entity,) = struct.unpack_from("<i", content, place)
            place += 4 + 8 * (3 if dimension == 0 else 6)
            (n_physical,) = struct.unpack_from("<Q", content, place)
            place += 8
            if n_physical:
                found[dimension, entity] = abs(struct.unpack_from("<i", content, place)[0])
            place += 4 * n_physical
            if dimension:
                (n_bounding,) = struct.unpack_from("<Q", content, place)
                place += 8 + 4 * n_bounding
    if content[place:].strip():
        raise ValueError("more than the counts promise")
    return found


def _physical_in_text(file: MshFile, section: Section) -> dict[tuple[int, int], int]:
    words, place = file.payload(section).split(), 4
    found: dict[tuple[int, int], int] = {}
    for dimension, count in enumerate(_count(word) for word in words[:4]):
        for _ in range(count):
            entity = int(words[place])
            place += 4 if dimension == 0 else 7
            n_physical = _count(words[place])
            place += 1
            if n_physical:
                found[dimension, entity] = abs(int(words[place]))
            place += n_physical
            if dimension:
                place += 1 + _count(words[place])
    if place != len(words):
        raise ValueError("not what the counts promise")
    return found


def _count(word: bytes) -> int:
    count = int(word)
    if count < 0:
        raise ValueError("a count that cannot be")
    return count
