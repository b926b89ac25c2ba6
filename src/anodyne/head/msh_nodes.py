"""Nodes of a .msh file: where they are, and which index belongs to which number."""

import struct
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anodyne.head.arrays import FloatArray
from anodyne.head.msh_sections import MshFile, MshVersion, Section
from anodyne.units import mm

Numbers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Numbering:
    """The numbers a file gives its nodes (or elements), in the file's order; any order, any gaps.

    Parameters
    ----------
    numbers : (n,) array, each number once
    """

    numbers: Numbers

    @cached_property
    def is_consecutive(self) -> bool:
        """Do the numbers count up by one? Then looking up is a subtraction."""
        first = self.numbers[0] if len(self.numbers) else 0
        return bool(np.array_equal(self.numbers, first + np.arange(len(self.numbers))))

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(self.numbers, kind="stable")

    @cached_property
    def _sorted(self) -> Numbers:
        return self.numbers[self._order]

    def repeated(self) -> int | None:
        """The first number that occurs twice, if one does."""
        if self.is_consecutive:
            return None
        twice = np.flatnonzero(self._sorted[1:] == self._sorted[:-1])
        return int(self._sorted[twice[0]]) if len(twice) else None

    def index_of(self, wanted: Numbers) -> Numbers:
        """The index of each wanted number, -1 where nothing has that number."""
        if self.is_consecutive:
            index = wanted - self.numbers[0] if len(self.numbers) else np.full_like(wanted, -1)
            return np.where((index >= 0) & (index < len(self.numbers)), index, -1)
        lowest, highest = int(self._sorted[0]), int(self._sorted[-1])
        if highest - lowest < 8 * len(self.numbers):
            return self._index_by_table(wanted, lowest, highest)
        place = np.minimum(np.searchsorted(self._sorted, wanted), len(self.numbers) - 1)
        return np.where(self._sorted[place] == wanted, self._order[place], -1)

    def _index_by_table(self, wanted: Numbers, lowest: int, highest: int) -> Numbers:
        table = np.full(highest - lowest + 2, -1, dtype=np.int64)
        table[self.numbers - lowest] = np.arange(len(self.numbers))
        outside = (wanted < lowest) | (wanted > highest)
        return table[np.where(outside, len(table) - 1, wanted - lowest)]


def read_nodes(file: MshFile) -> tuple[Numbering, FloatArray]:
    """The numbers of a file's nodes and their (n, 3) positions, m.

    Raises
    ------
    UnreadableFile : cut off, garbled, a position that is not finite, or a number used twice
    """
    section = file.only("Nodes")
    if file.version is MshVersion.V2_2:
        numbers, positions_mm = _binary_2(file, section) if file.binary else _text_2(file, section)
    else:
        numbers, positions_mm = _binary_4(file, section) if file.binary else _text_4(file, section)
    numbering = Numbering(numbers=numbers)
    repeated = numbering.repeated()
    if repeated is not None:
        file.refuse(f"$Nodes has two nodes of number {repeated}", remedy="save the mesh again")
    finite = np.isfinite(positions_mm).all(axis=1)
    if not finite.all():
        bad = numbers[np.argmin(finite)]
        file.refuse(f"node {bad} has a position that is not a finite number", remedy="mesh again or repair the node")
    return numbering, positions_mm * mm


def _binary_2(file: MshFile, section: Section) -> tuple[Numbers, FloatArray]:
    count, start = file.count_line(section)
    row = np.dtype([("number", "<i4"), ("position", "<f8", (3,))])
    end = start + count * row.itemsize
    _check_end(file, section, end)
    rows = np.frombuffer(file.content, dtype=row, count=count, offset=start)
    return rows["number"].astype(np.int64), np.ascontiguousarray(rows["position"])


def _text_2(file: MshFile, section: Section) -> tuple[Numbers, FloatArray]:
    numbers = file.floats(section)
    if len(numbers) == 0 or len(numbers) != 1 + 4 * numbers[0]:
        file.refuse("$Nodes does not hold as many nodes as it promises", section.start)
    rows = numbers[1:].reshape(-1, 4)
    return _whole(file, section, rows[:, 0]), np.ascontiguousarray(rows[:, 1:])


def _binary_4(file: MshFile, section: Section) -> tuple[Numbers, FloatArray]:
    place, size = section.start + 32, section.end - section.start
    if size < 32:
        file.refuse("$Nodes does not begin with its counts", section.start)
    blocks, count = struct.unpack_from("<QQ", file.content, section.start)
    if blocks > size // 20 or count > size // 32:
        file.refuse("$Nodes ends before its last node", section.start)
    numbers, positions = np.empty(count, dtype=np.int64), np.empty((count, 3))
    done = 0
    for _ in range(blocks):
        _check_room(file, section, place, 20)
        dimension, _, parametric, n = struct.unpack_from("<iiiQ", file.content, place)
        width = _coordinates(dimension, parametric)
        if not width:
            file.refuse("$Nodes has a garbled block", place)
        place += 20
        if n > count - done:
            file.refuse("$Nodes holds more nodes than it promises", place)
        _check_room(file, section, place, n * 8 * (1 + width))
        numbers[done : done + n] = np.frombuffer(file.content, "<i8", n, place)
        rows = np.frombuffer(file.content, "<f8", n * width, place + 8 * n)
        positions[done : done + n] = rows.reshape(n, width)[:, :3]
        place += n * 8 * (1 + width)
        done += n
    if done != count:
        file.refuse("$Nodes holds fewer nodes than it promises", place)
    _check_end(file, section, place)
    return numbers, positions


def _text_4(file: MshFile, section: Section) -> tuple[Numbers, FloatArray]:
    flat = file.floats(section)
    if len(flat) < 4 or not (0 <= flat[0] <= len(flat) and 0 <= flat[1] <= len(flat) / 4):
        file.refuse("$Nodes does not begin with its counts", section.start)
    count, place, done = int(flat[1]), 4, 0
    numbers, positions = np.empty(count), np.empty((count, 3))
    for _ in range(int(flat[0])):
        head = flat[place : place + 4]
        if len(head) < 4 or not np.isfinite(head).all():
            file.refuse("$Nodes ends before its last node", file.token_offset(section, place))
        width = _coordinates(head[0], head[2])
        place += 4
        if not width or not 0 <= head[3] <= min(count - done, (len(flat) - place) // (1 + width)):
            file.refuse("$Nodes has a garbled block", file.token_offset(section, place - 4))
        n = int(head[3])
        numbers[done : done + n] = flat[place : place + n]
        rows = flat[place + n : place + n * (1 + width)]
        positions[done : done + n] = rows.reshape(n, width)[:, :3]
        place += n * (1 + width)
        done += n
    if done != count or place != len(flat):
        file.refuse("$Nodes does not hold as many nodes as it promises", section.start)
    return _whole(file, section, numbers), positions


def _coordinates(dimension: float, parametric: float) -> int:
    """Numbers per node: three, and one per dimension of its entity if it has parameters; 0 if garbled."""
    if dimension not in (0, 1, 2, 3) or parametric not in (0, 1):
        return 0
    return 3 + int(dimension) * int(parametric)


def _whole(file: MshFile, section: Section, values: FloatArray) -> Numbers:
    whole = (values == np.rint(values)) & (np.abs(values) < 2.0**53)
    if not whole.all():
        file.refuse(f"$Nodes has {values[np.argmin(whole)]} for a node number", section.start)
    return values.astype(np.int64)


def _check_room(file: MshFile, section: Section, place: int, size: int) -> None:
    if place + size > section.end:
        file.refuse("$Nodes ends before its last node", place)


def _check_end(file: MshFile, section: Section, place: int) -> None:
    _check_room(file, section, place, 0)
    if file.content[place : section.end].strip():
        file.refuse("$Nodes holds more than it promises", place)
