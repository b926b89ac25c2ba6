"""Walking through the numbers of a .msh file at memory speed."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

TETRAHEDRON = 4
TRIANGLE = 2

WHOLE = 0
CUT_OFF = 1
UNKNOWN_TYPE = 2
NEGATIVE_COUNT = 3
TOO_MANY = 4

TEXT_FULL = -1
"""No further token in the text."""

_LONGEST_INTEGER = 18  # digits that fit 64 bits whatever they are


def _nodes_per_element() -> NDArray[np.int64]:
    """Number of nodes of each Gmsh element type, 0 where no such type exists.

    Source: Gmsh reference manual, chapter File formats, list of elm-type.
    """
    table = np.zeros(94, dtype=np.int64)
    first = [
        0,
        2,
        3,
        4,
        4,
        8,
        6,
        5,
        3,
        6,
        9,
        10,
        27,
        18,
        14,
        1,
        8,
        20,
        15,
        13,
        9,
        10,
        12,
        15,
        15,
        21,
        4,
        5,
        6,
        20,
        35,
        56,
    ]
    table[: len(first)] = first
    table[92:94] = 64, 125
    return table


NODES_PER_ELEMENT = _nodes_per_element()

OTHER_VOLUMES = frozenset({5, 6, 7, 11, 12, 13, 14, 17, 18, 19, 29, 30, 31, 92, 93})
"""Element types that fill space but are not tetrahedra of four nodes: hexahedra, prisms, curved elements."""


@njit(cache=True)
def _is_space(byte: int) -> bool:
    return byte == 32 or 9 <= byte <= 13


@njit(cache=True)
def _count_tokens(text: NDArray[np.uint8], start: int, end: int) -> int:
    count, inside = 0, False
    for place in range(start, end):
        space = _is_space(text[place])
        if not space and not inside:
            count += 1
        inside = not space
    return count


@njit(cache=True)
def integers_in(text: NDArray[np.uint8], start: int, end: int) -> tuple[NDArray[np.int64], int]:
    """The whole numbers in a stretch of text, and the byte of the first thing that is none (-1: all are)."""
    values = np.empty(_count_tokens(text, start, end), dtype=np.int64)
    place = start
    for n in range(len(values)):
        while _is_space(text[place]):
            place += 1
        first = place
        negative = text[place] == 45
        if negative:
            place += 1
        value, digits = 0, 0
        while place < end and 48 <= text[place] <= 57 and digits < _LONGEST_INTEGER:
            value = 10 * value + (text[place] - 48)
            digits += 1
            place += 1
        if digits == 0 or (place < end and not _is_space(text[place])):
            return values, first
        values[n] = -value if negative else value
    return values, -1


@njit(cache=True)
def token_starts(text: NDArray[np.uint8], start: int, end: int, wanted: int) -> int:
    """The byte at which the token of that number (from 0) begins, `TEXT_FULL` if there are fewer."""
    count, inside = 0, False
    for place in range(start, end):
        space = _is_space(text[place])
        if not space and not inside:
            if count == wanted:
                return place
            count += 1
        inside = not space
    return TEXT_FULL


@njit(cache=True)
def _store(words, place, wide, row):  # type: ignore[no-untyped-def]
    """Put the node numbers that begin at `place` into `row` {number, tag, nodes}."""
    for corner in range(len(row) - 2):
        row[2 + corner] = _size(words, place + corner * wide, wide)


@njit(cache=True)
def _size(words, place, wide):  # type: ignore[no-untyped-def]
    """A number of one word, or of two, low word first; beyond 63 bits it comes out negative."""
    if wide == 1:
        return np.int64(words[place])
    return (np.int64(words[place + 1]) << 32) | (np.int64(words[place]) & 0xFFFFFFFF)


@njit(cache=True)
def walk_text_2(words, head, table, tetrahedra, triangles, seen):  # type: ignore[no-untyped-def]
    """Go through the elements of version 2.2 text: {number, type, n tags, tags, nodes} each.

    Parameters
    ----------
    words : every whole number of the section after the count
    head : (number of elements,)
    table : nodes per element type
    tetrahedra, triangles : (n, 2 + nodes) int64 rows {number, first tag, nodes} to fill; with no rows
        they are only counted
    seen : number of elements of each type, added to

    Returns
    -------
    what was found wrong, and the place in `words` where the walk ended
    """
    place, size = 0, len(words)
    for _ in range(head[0]):
        if place + 3 > size:
            return CUT_OFF, place
        kind, tags = words[place + 1], words[place + 2]
        if kind < 1 or kind >= len(table) or table[kind] == 0:
            return UNKNOWN_TYPE, place + 1
        if tags < 0:
            return NEGATIVE_COUNT, place + 2
        if tags + table[kind] > size - place - 3:
            return CUT_OFF, place
        out = tetrahedra if kind == TETRAHEDRON else triangles
        if kind in (TETRAHEDRON, TRIANGLE) and len(out):
            row = out[seen[kind]]
            row[0] = words[place]
            row[1] = abs(words[place + 3]) if tags else 0
            _store(words, place + 3 + tags, 1, row)
        seen[kind] += 1
        place += 3 + tags + table[kind]
    return WHOLE, place


@njit(cache=True)
def walk_binary_2(words, head, table, tetrahedra, triangles, seen):  # type: ignore[no-untyped-def]
    """Go through version 2.2 binary blocks {type, n, n tags} of rows {number, tags, nodes}.

    A block may hold one element (as Gmsh writes them) or millions (as SimNIBS does); the cost per
    element is the same. Parameters and results are those of `walk_text_2`.
    """
    place, size, total, count = 0, len(words), 0, head[0]
    while total < count:
        if place + 3 > size:
            return CUT_OFF, place
        kind, n, tags = int(words[place]), int(words[place + 1]), int(words[place + 2])
        if kind < 1 or kind >= len(table) or table[kind] == 0:
            return UNKNOWN_TYPE, place
        if n < 1 or tags < 0:
            return NEGATIVE_COUNT, place + 1
        if n > count - total:
            return TOO_MANY, place + 1
        width = 1 + tags + table[kind]
        place += 3
        if n > (size - place) // width:
            return CUT_OFF, place
        out = tetrahedra if kind == TETRAHEDRON else triangles
        if kind in (TETRAHEDRON, TRIANGLE) and len(out):
            for i in range(n):
                here, row = place + i * width, out[seen[kind] + i]
                row[0] = words[here]
                row[1] = abs(np.int64(words[here + 1])) if tags else np.int64(0)
                _store(words, here + 1 + tags, 1, row)
        seen[kind] += n
        total += n
        place += n * width
    return WHOLE, place


@njit(cache=True)
def walk_4(words, head, table, tetrahedra, triangles, seen):  # type: ignore[no-untyped-def]
    """Go through version 4.1 blocks {dimension, entity, type, n} of rows {number, nodes}.

    Parameters and results are those of `walk_text_2`, but `head` is (words per size, number of blocks,
    number of elements) and the tag of a row is the entity. Numbers of elements and nodes and n are
    sizes: one word each in text, two in binary.
    """
    place, size, total = 0, len(words), 0
    wide, blocks, count = head
    for _ in range(blocks):
        if place + 3 + wide > size:
            return CUT_OFF, place
        entity, kind, n = words[place + 1], np.int64(words[place + 2]), _size(words, place + 3, wide)
        if kind < 1 or kind >= len(table) or table[kind] == 0:
            return UNKNOWN_TYPE, place + 2
        if n < 0:
            return NEGATIVE_COUNT, place + 3
        if n > count - total:
            return TOO_MANY, place + 3
        width = wide * (1 + table[kind])
        place += 3 + wide
        if n > (size - place) // width:
            return CUT_OFF, place
        out = tetrahedra if kind == TETRAHEDRON else triangles
        if kind in (TETRAHEDRON, TRIANGLE) and len(out):
            for i in range(n):
                here, row = place + i * width, out[seen[kind] + i]
                row[0] = _size(words, here, wide)
                row[1] = entity
                _store(words, here + wide, wide, row)
        seen[kind] += n
        total += n
        place += n * width
    return (WHOLE if total == count else CUT_OFF), place
