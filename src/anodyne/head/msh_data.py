"""Numbers that a .msh file holds for its nodes and elements ($NodeData, $ElementData)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anodyne.head.arrays import FloatArray
from anodyne.head.msh_nodes import Numbering
from anodyne.head.msh_sections import MshFile, Section

COMPONENTS = (1, 3, 9)
"""Numbers per node or element that Gmsh knows: scalar, vector, tensor."""


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """One data section: its name, and a row of values for each numbered node or element.

    Parameters
    ----------
    name : the section's first string
    numbers : (n,) node or element numbers, in the file's order
    values : (n, c) array, as in the file
    """

    name: str
    numbers: NDArray[np.int64]
    values: FloatArray


def read_views(file: MshFile, section_name: str) -> Iterator[View]:
    """Every data section of that name, in the file's order.

    Raises
    ------
    UnreadableFile : cut off or garbled
    """
    for section in file.every(section_name):
        name, components, count, start = _head(file, section)
        if file.binary:
            numbers, values = _binary_rows(file, section, components, count, start)
        else:
            numbers, values = _text_rows(file, section, components, count, start)
        yield View(name=name, numbers=numbers, values=values)


def spread(view: View, numbering: Numbering) -> FloatArray:
    """The view's values in the order of `numbering`, NaN where it has none; (n,) if of one component."""
    index = numbering.index_of(view.numbers)
    values = np.full((len(numbering.numbers), view.values.shape[1]), np.nan)
    values[index[index >= 0]] = view.values[index >= 0]
    return values[:, 0] if values.shape[1] == 1 else values


def _head(file: MshFile, section: Section) -> tuple[str, int, int, int]:
    """Name, number of components, number of rows, and the byte where the rows begin."""
    lines = re.compile(rb"[ \t]*([^\r\n]*)[ \t\r]*\n")
    place = section.start

    def next_line() -> bytes:
        nonlocal place
        line = lines.match(file.content, place, section.end)
        if line is None:
            file.refuse(f"${section.name} is cut off", place)
        place = line.end()
        return line[1].strip()

    def tags() -> list[bytes]:
        count = int(next_line())
        if not 0 <= count <= section.end - place:
            raise ValueError("a count that cannot be")
        return [next_line() for _ in range(count)]

    try:
        strings, _, integers = tags(), tags(), tags()
        components, rows = int(integers[1]), int(integers[2])
        if components not in COMPONENTS or rows < 0:
            raise ValueError("a count that cannot be")
    except (ValueError, IndexError):
        file.refuse(f"${section.name} has garbled tags", place)
    name = strings[0].strip(b'"').decode("utf-8", "replace") if strings else "data"
    return name, components, rows, place


def _binary_rows(
    file: MshFile, section: Section, components: int, count: int, start: int
) -> tuple[NDArray[np.int64], FloatArray]:
    row = np.dtype([("number", "<i4"), ("values", "<f8", (components,))])
    end = start + count * row.itemsize
    if end > section.end or file.content[end : section.end].strip():
        file.refuse(f"${section.name} does not hold as many rows as it promises", start)
    rows = np.frombuffer(file.content, dtype=row, count=count, offset=start)
    return rows["number"].astype(np.int64), rows["values"].astype(np.float64)


def _text_rows(
    file: MshFile, section: Section, components: int, count: int, start: int
) -> tuple[NDArray[np.int64], FloatArray]:
    flat = file.floats(Section(name=section.name, start=start, end=section.end))
    if len(flat) != count * (1 + components):
        file.refuse(f"${section.name} does not hold as many rows as it promises", start)
    rows = flat.reshape(count, 1 + components)
    numbers = rows[:, 0]
    if not (np.abs(numbers) < 2.0**53).all():
        file.refuse(f"${section.name} has a row whose number is none", start)
    return numbers.astype(np.int64), np.ascontiguousarray(rows[:, 1:])
