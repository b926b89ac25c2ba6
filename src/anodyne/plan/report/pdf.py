"""The report on paper: the same content as the page, A4."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import matplotlib as mpl
from reportlab.lib.colors import HexColor, white
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm as point_per_mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    Image,
    KeepTogether,
    ListFlowable,
    ListItem,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
)

from anodyne.files import replacing
from anodyne.plan.report import content

INK, SOFT, LINE, TINT, ACCENT = (HexColor(c) for c in ("#1f2933", "#52606d", "#d9dee3", "#f3f7f8", "#0f5e6e"))
MARGIN = 17 * point_per_mm
BANNER = 8 * point_per_mm
WIDTH = A4[0] - 2 * MARGIN
SIZE = 8.6
"""Of the text, points."""

LONGEST_KEPT_TABLE = 14
"""Rows of a table that is not broken over two pages."""

REGULAR, BOLD = "DejaVuSans", "DejaVuSans-Bold"


def write_pdf(path: Path | str, report: content.Report) -> None:
    """Write the report as PDF.

    Raises
    ------
    CannotWrite : the file cannot be written
    """
    pages = pdf_bytes(report)
    with replacing(path) as temporary:
        temporary.write_bytes(pages)


def pdf_bytes(report: content.Report) -> bytes:
    """The report as the bytes of a PDF file."""
    _fonts()
    stream = BytesIO()
    document = _Document(stream, report)
    document.build(_story(report), canvasmaker=partial(_NumberedCanvas, report=report))
    return stream.getvalue()


@cache
def _fonts() -> None:
    """Register the fonts that matplotlib ships: they have every letter and sign a report needs."""
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    for name in (REGULAR, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))


class _Document(BaseDocTemplate):
    """A4 pages with room for banner and footer, and an outline of the sections."""

    def __init__(self, stream: BytesIO, report: content.Report) -> None:
        super().__init__(
            stream,
            pagesize=A4,
            title=report.title,
            subject=f"{report.subtitle}. {report.banner}",
            author="Anodyne",
            lang="en",
        )
        frame = Frame(MARGIN, 15 * point_per_mm, WIDTH, A4[1] - 33 * point_per_mm, 0, 0, 0, 0)
        self.addPageTemplates(PageTemplate(id="page", frames=[frame]))

    def afterFlowable(self, flowable: Flowable) -> None:
        """Put each section's heading into the outline."""
        anchor = getattr(flowable, "anchor", None)
        if anchor is not None:
            self.canv.bookmarkPage(anchor)
            self.canv.addOutlineEntry(flowable.getPlainText(), anchor, level=0)


class _NumberedCanvas(Canvas):
    """A canvas that knows how many pages there are before it writes the first footer."""

    def __init__(self, *args: Any, report: content.Report, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._report = report
        self._pages: list[dict[str, Any]] = []

    def showPage(self) -> None:
        """Keep the page until the last is known."""
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Write every page with its banner and footer."""
        for number, state in enumerate(self._pages, start=1):
            self.__dict__.update(state)
            self._furnish(number, len(self._pages))
            super().showPage()
        super().save()

    def _furnish(self, number: int, count: int) -> None:
        width, height = A4
        self.setFillColor(ACCENT)
        self.rect(0, height - BANNER, width, BANNER, stroke=0, fill=1)
        self.setFillColor(white)
        self.setFont(BOLD, 8.5)
        self.drawCentredString(width / 2, height - BANNER / 2 - 3, self._report.banner)
        self.setFillColor(SOFT)
        self.setFont(REGULAR, 7)
        self.drawString(MARGIN, 8 * point_per_mm, _shortened(self._report.title, WIDTH - 70))
        self.drawRightString(width - MARGIN, 8 * point_per_mm, f"page {number} of {count}")


def _shortened(text: str, width: float) -> str:
    while pdfmetrics.stringWidth(text, REGULAR, 7) > width:
        text = text[:-2].rstrip(" .…·") + "…"
    return text


def _style(name: str, **changes: Any) -> ParagraphStyle:
    settings = {"fontName": REGULAR, "fontSize": SIZE, "leading": 1.48 * SIZE, "textColor": INK, **changes}
    return ParagraphStyle(name, **settings)


BODY = _style("body", spaceAfter=5)
LEAD = _style("lead", fontSize=SIZE + 1.2, leading=1.45 * (SIZE + 1.2), spaceAfter=6)
TITLE = _style("title", fontName=BOLD, fontSize=19, leading=23, spaceAfter=4)
SUBTITLE = _style("subtitle", fontSize=11, leading=15, textColor=SOFT, spaceAfter=9)
HEADING = _style("heading", fontName=BOLD, fontSize=13, leading=17, spaceBefore=13, spaceAfter=6, keepWithNext=1)
CAPTION = _style("caption", fontName=BOLD, spaceBefore=8, spaceAfter=3)
SMALL = _style("small", fontSize=7.4, leading=10.4, textColor=SOFT)
CELL = _style("cell", fontSize=7.6, leading=10.2)
CELL_RIGHT = _style("cell-right", fontSize=7.6, leading=10.2, alignment=TA_RIGHT)
HEAD_CELL = _style("head-cell", fontName=BOLD, fontSize=7.2, leading=9.4, textColor=SOFT)
HEAD_RIGHT = _style("head-right", fontName=BOLD, fontSize=7.2, leading=9.4, textColor=SOFT, alignment=TA_RIGHT)
VALUE = _style("value", fontName=BOLD, fontSize=10.2, leading=13.6)
LABEL = _style("label", textColor=SOFT)


def _text(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(text), style)


def _story(report: content.Report) -> list[Flowable]:
    details = " · ".join(f"{escape(label)} <b>{escape(text)}</b>" for label, text in report.details)
    story: list[Flowable] = [
        _text(report.title, TITLE),
        _text(report.subtitle, SUBTITLE),
        Paragraph(details.replace("<b>", f'<font name="{BOLD}">').replace("</b>", "</font>"), SMALL),
        Spacer(1, 4),
    ]
    for section in report.sections:
        heading = _text(section.title, HEADING)
        heading.anchor = section.anchor
        flowables = [flowable for block in section.blocks for flowable in _FLOWABLES[type(block)](block)]
        story += [CondPageBreak(38 * point_per_mm), *_headed(heading, flowables)]
    return story


def _headed(heading: Paragraph, flowables: list[Flowable]) -> list[Flowable]:
    """A heading and what follows; with what is kept together it is kept, too, so that it never ends a page."""
    if flowables and isinstance(flowables[0], KeepTogether):
        return [KeepTogether([heading, *flowables[0]._content]), *flowables[1:]]
    return [heading, *flowables]


def _paragraph(block: content.Paragraph) -> list[Flowable]:
    return [_text(block.text, LEAD if block.is_lead else BODY)]


def _bullets(block: content.Bullets) -> list[Flowable]:
    items = [ListItem(_text(item, BODY), leftIndent=13) for item in block.items]
    mark = "❏" if block.is_checklist else "•"
    settings = {"bulletType": "bullet", "start": mark, "bulletFontName": REGULAR, "bulletColor": ACCENT}
    return [ListFlowable(items, leftIndent=13, bulletFontSize=SIZE, **settings), Spacer(1, 3)]


def _answers(block: content.Answers) -> list[Flowable]:
    rows = [[_text(row.label, LABEL), [_text(row.value, VALUE), _text(row.note, SMALL)]] for row in block.rows]
    table = Table(rows, colWidths=[0.2 * WIDTH, 0.8 * WIDTH])
    table.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, -1), TINT),
            ("LINEBEFORE", (0, 0), (0, -1), 2.5, ACCENT),
            ("LINEBELOW", (0, 0), (-1, -2), 0.5, LINE),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (0, -1), 10),
            ("TOPPADDING", (0, 0), (-1, -1), 5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
        ]
    )
    return [table]


def _table(block: content.Table) -> list[Flowable]:
    def row(cells: Sequence[str], left: ParagraphStyle, right: ParagraphStyle) -> list[Paragraph]:
        return [_text(cell, right if column in block.numbers else left) for column, cell in enumerate(cells)]

    rows = [row(block.header, HEAD_CELL, HEAD_RIGHT), *(row(cells, CELL, CELL_RIGHT) for cells in block.rows)]
    widths = [WIDTH * width / sum(block.widths) for width in block.widths]
    table = Table(rows, colWidths=widths, repeatRows=1)
    table.setStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
            ("LINEBELOW", (0, 0), (-1, 0), 0.9, SOFT),
            ("LINEBELOW", (0, 1), (-1, -1), 0.4, LINE),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 8),
            ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 3),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
        ]
    )
    parts: list[Flowable] = [_text(block.caption, CAPTION), table]
    parts += [Spacer(1, 3), *(_text(note, SMALL) for note in block.notes), Spacer(1, 4)]
    if len(block.rows) <= LONGEST_KEPT_TABLE:
        return [KeepTogether(parts)]
    return [CondPageBreak(50 * point_per_mm), *parts]


def _picture(block: content.Picture) -> list[Flowable]:
    width, height = block.size
    image = Image(BytesIO(block.png), width=WIDTH, height=WIDTH * height / width)
    return [KeepTogether([Spacer(1, 6), image, Spacer(1, 3), _text(block.caption, SMALL), Spacer(1, 6)])]


def _interactive(block: content.InteractiveHead) -> list[Flowable]:
    return [_text("The head that can be turned is in report.html; the pictures show the same from fixed sides.", SMALL)]


def _definitions(block: content.Definitions) -> list[Flowable]:
    rows = [
        [_text(term, _style("term", fontName=BOLD, fontSize=7.8, leading=10.6)), _text(meaning, CELL)]
        for term, meaning in block.terms
    ]
    table = Table(rows, colWidths=[0.2 * WIDTH, 0.8 * WIDTH])
    table.setStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (0, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ]
    )
    return [table]


_FLOWABLES: dict[type, Callable[[Any], list[Flowable]]] = {
    content.Paragraph: _paragraph,
    content.Bullets: _bullets,
    content.Answers: _answers,
    content.Table: _table,
    content.Picture: _picture,
    content.InteractiveHead: _interactive,
    content.Definitions: _definitions,
}
