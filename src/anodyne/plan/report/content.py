"""What a report is made of, whatever it is printed on: headings, paragraphs, tables, pictures."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """Plain text; `is_lead` marks the sentence a section begins with."""

    text: str
    is_lead: bool = False


@dataclass(frozen=True, kw_only=True)
class Bullets:
    """A list of sentences; `is_checklist` gives each a box to tick on paper."""

    items: tuple[str, ...]
    is_checklist: bool = False


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One line of the answer: what, how much, and the small print beneath."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The answer to what the reader came for."""

    rows: tuple[Answer, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with a caption and a header row.

    Attributes
    ----------
    caption : what it lists
    header : one label a column, units included
    rows : as many texts a row as there are labels
    widths : of the columns, relative to each other
    numbers : indices of columns that hold numbers, set flush right
    notes : sentences beneath it

    Raises
    ------
    ValueError : a row, or `widths`, of another length than the header
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]
    numbers: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.widths) != len(self.header):
            raise ValueError(f"{len(self.widths)} widths for {len(self.header)} columns of {self.caption!r}")
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"a row of {len(row)} cells in {len(self.header)} columns of {self.caption!r}")


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture in the report and a file beside it.

    Attributes
    ----------
    name : of the file, without its ending
    png : the picture
    size : (width, height), pixels
    caption : beneath the picture
    alternative : what it shows, for those who cannot see it
    """

    name: str
    png: bytes
    size: tuple[int, int]
    caption: str
    alternative: str

    def __repr__(self) -> str:
        return f"Picture({self.name!r}, {self.size[0]} x {self.size[1]})"


@dataclass(frozen=True, kw_only=True)
class InteractiveHead:
    """The place of the head that can be turned; on paper the pictures stand in for it."""

    caption: str


@dataclass(frozen=True, kw_only=True)
class Definitions:
    """Words and what they mean."""

    terms: tuple[tuple[str, str], ...]


Block = Paragraph | Bullets | Answers | Table | Picture | InteractiveHead | Definitions


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading and what stands under it; `anchor` is its address in the page."""

    title: str
    anchor: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """A whole report.

    Attributes
    ----------
    banner : stands on every page
    title, subtitle : of the report
    details : label and text of what identifies it
    sections : in the order of reading
    """

    banner: str
    title: str
    subtitle: str
    details: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Every picture in the order of reading."""
        return tuple(block for section in self.sections for block in section.blocks if isinstance(block, Picture))


def blocks(*given: Block | Sequence[Block] | None) -> tuple[Block, ...]:
    """Blocks in order, sequences spread out and None left out."""
    result: list[Block] = []
    for item in given:
        if item is None:
            continue
        result.extend(item if isinstance(item, Sequence) else (item,))
    return tuple(result)
