"""A statement as PDF: A4, page numbers, the manifest's hash on each page; the same statement gives the same bytes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab import rl_config
from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, TableStyle
from reportlab.platypus import Table as Grid

from pipeline.statement_page import StatementPage, Table

_INK, _GREY, _LINE, _RED = (colors.HexColor(code) for code in ("#1b1f24", "#57606a", "#d0d7de", "#b42318"))
# the Vera fonts come with reportlab and cover what the built-in ones lack
_PLAIN, _BOLD = "Vera", "VeraBd"
_WIDTH = A4[0] - 36 * mm


def write_pdf(page: StatementPage, path: Path) -> None:
    """Write the page as a PDF file."""
    for name in (_PLAIN, _BOLD):
        pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))
    rl_config.invariant = 1
    document = SimpleDocTemplate(
        str(path),
        pagesize=A4,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=18 * mm,
        bottomMargin=20 * mm,
        title=f"{page.title}, {page.subtitle}",
        author="inferledger",
        invariant=1,
    )
    document.build(_story(page), canvasmaker=_numbered(page))


def _style(size: float, *, bold: bool = False, grey: bool = False, right: bool = False, before: float = 0) -> Any:
    return ParagraphStyle(
        "text",
        fontName=_BOLD if bold else _PLAIN,
        fontSize=size,
        leading=size * 1.35,
        textColor=_GREY if grey else _INK,
        alignment=TA_RIGHT if right else 0,
        spaceBefore=before,
        spaceAfter=2,
        keepWithNext=bold,
        splitLongWords=1,
    )


def _story(page: StatementPage) -> list[Flowable]:
    story: list[Flowable] = [
        Paragraph(escape(page.title), _style(17, bold=True)),
        Paragraph(escape(page.subtitle), _style(10, grey=True)),
        Spacer(0, 4 * mm),
    ]
    facts: list[list[Flowable]] = [
        [Paragraph(escape(name), _style(8.5, grey=True)), Paragraph(escape(value), _style(8.5))]
        for name, value in page.facts
    ]
    story.append(_grid(facts, [38 * mm, _WIDTH - 38 * mm], []))
    for currency, tables in page.sections:
        if len(page.sections) > 1:
            story.append(Paragraph(escape(currency), _style(13, bold=True, before=14)))
        for table in tables:
            story += [Paragraph(escape(table.title), _style(10, bold=True, before=10)), _table(table)]
    story.append(Spacer(0, 5 * mm))
    story += [Paragraph(escape(note), _style(7.5, grey=True)) for note in page.notes]
    return story


def _table(table: Table) -> Flowable:
    first_number = len(table.headers) - table.numbers

    def row(cells: Sequence[str], *, bold: bool = False) -> list[Flowable]:
        return [
            Paragraph(escape(cell), _style(8, bold=bold, right=place >= first_number))
            for place, cell in enumerate(cells)
        ]

    rows = [row(table.headers, bold=True), *(row(cells) for cells in table.rows)]
    lines: list[tuple[Any, ...]] = [("LINEBELOW", (0, 0), (-1, 0), 0.8, _INK)]
    if table.last:
        rows.append(row(table.last, bold=True))
        lines.append(("LINEABOVE", (0, -1), (-1, -1), 0.8, _INK))
    number = 30 * mm
    words = (_WIDTH - number * table.numbers) / first_number
    return _grid(rows, [words] * first_number + [number] * table.numbers, lines, repeat=1)


def _grid(rows: list[list[Flowable]], widths: list[float], lines: list[tuple[Any, ...]], repeat: int = 0) -> Flowable:
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.3, _LINE),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
        *lines,
    ]
    return Grid(rows, colWidths=widths, style=TableStyle(style), repeatRows=repeat, hAlign="LEFT")


def _numbered(page: StatementPage) -> Callable[..., Canvas]:
    """A canvas that knows at its end how many pages there are."""
    footer = next((f"Manifest {value}" for name, value in page.facts if name.startswith("Manifest")), page.title)

    class Numbered(Canvas):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self._pages: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - reportlab's name
            self._pages.append(dict(self.__dict__))
            self._startPage()  # pyright: ignore[reportAttributeAccessIssue]

        def save(self) -> None:
            for number, kept in enumerate(self._pages, start=1):
                self.__dict__.update(kept)
                self._draw_frame(number)
                super().showPage()
            super().save()

        def _draw_frame(self, number: int) -> None:
            self.setFont(_PLAIN, 7)
            self.setFillColor(_GREY)
            self.drawString(18 * mm, 11 * mm, footer)
            self.drawRightString(A4[0] - 18 * mm, 11 * mm, f"Page {number} of {len(self._pages)}")
            if page.mark:
                self.setFont(_BOLD, 11)
                self.setFillColor(_RED)
                self.drawRightString(A4[0] - 18 * mm, A4[1] - 13 * mm, page.mark)

    return Numbered
