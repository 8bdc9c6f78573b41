"""Report: write the statements of a month as CSV, HTML or PDF, each file in one step."""

import csv
import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

from ingest.errors import ConfigError
from ingest.settings import Settings
from pipeline.closed_home import month_name
from pipeline.statement import LINE_COLUMNS, Statement, statements
from pipeline.statement_html import as_html
from pipeline.statement_page import statement_page

FORMATS = ("csv", "html", "pdf")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_statements(
    settings: Settings,
    month: date,
    *,
    team: str | None = None,
    formats: tuple[str, ...] = FORMATS,
    out: Path | None = None,
) -> list[Path]:
    """Write each team's statement, or one team's, into a folder; by default ``reports/<month>`` of the home.

    Returns:
        The files, in order of team and format.

    Raises:
        ConfigError: a format or team is not known.
        TerminalError: nothing is known of the month, or it does not tie to its manifest.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise ConfigError(f"There is no format {unknown[0]!r}.", f"Use one of: {', '.join(FORMATS)}.")
    folder = out or settings.home / "reports" / month_name(month)
    written: list[Path] = []
    for statement in list(statements(settings, month, team)):
        for name in formats:
            path = folder / f"statement-{month_name(month)}-{_safe(statement.team)}.{name}"
            _write(path, statement, _WRITERS[name])
            written.append(path)
    return written


def as_csv(statement: Statement) -> str:
    """The statement's lines with every digit; an apostrophe stops spreadsheets from running text as a formula."""
    target = io.StringIO()
    writer = csv.writer(target)
    told = ("month", "status", "team_name", "cost_center", "manifest_hash")
    writer.writerow([*told, *LINE_COLUMNS])
    month = statement.month
    status = "draft" if month.is_draft else "closed"
    head = (month_name(month.month), status, statement.team_name, statement.cost_center, month.manifest_hash)
    for line in statement.lines:
        writer.writerow([_cell(value) for value in (*head, *(line[name] for name in LINE_COLUMNS))])
    return target.getvalue()


def _write(path: Path, statement: Statement, write: Callable[[Statement, Path], None]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.tmp")
    write(statement, aside)
    aside.replace(path)


def _write_csv(statement: Statement, path: Path) -> None:
    path.write_text(as_csv(statement), encoding="utf-8-sig", newline="")


def _write_html(statement: Statement, path: Path) -> None:
    path.write_text(as_html(statement_page(statement)), encoding="utf-8")


def _write_pdf(statement: Statement, path: Path) -> None:
    # reportlab takes half a second to import
    from pipeline.statement_pdf import write_pdf

    write_pdf(statement_page(statement), path)


_WRITERS: dict[str, Callable[[Statement, Path], None]] = {"csv": _write_csv, "html": _write_html, "pdf": _write_pdf}


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = str(value)
    return "'" + text if isinstance(value, str) and text.startswith(_FORMULA_STARTS) else text


def _safe(team: str) -> str:
    """A team's name as part of a file name."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in team)
