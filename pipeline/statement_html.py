"""A statement as one HTML file: no script, nothing fetched, fit to print."""

from collections.abc import Sequence
from html import escape

from pipeline.statement_page import StatementPage, Table

_NUMBER = ' class="number"'
_STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; color: #1b1f24; margin: 2.5rem auto;
  max-width: 60rem; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .2rem; border-bottom: 2px solid #1b1f24; }
h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; }
.subtitle { color: #57606a; margin: .2rem 0 1.2rem; }
.mark { display: inline-block; background: #b42318; color: #fff; font-weight: 600; padding: .1rem .6rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .28rem .6rem .28rem 0; vertical-align: top; border-bottom: 1px solid #d0d7de; }
th { border-bottom: 1px solid #1b1f24; font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; padding-right: 0; }
tfoot td { font-weight: 600; border-top: 1px solid #1b1f24; border-bottom: none; }
.facts th { width: 12rem; border-bottom: 1px solid #d0d7de; color: #57606a; font-weight: 400; }
.facts td { overflow-wrap: anywhere; }
.notes { color: #57606a; margin-top: 2rem; font-size: .9rem; }
@media print { body { margin: 0; max-width: none; } h3 { break-after: avoid; } tr { break-inside: avoid; } }
"""


def as_html(page: StatementPage) -> str:
    """The page as HTML."""
    mark = f'<p><span class="mark">{escape(page.mark)}</span></p>' if page.mark else ""
    facts = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in page.facts)
    sections = "".join(
        f"<section><h2>{escape(currency)}</h2>{''.join(_table(table) for table in tables)}</section>"
        for currency, tables in page.sections
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in page.notes)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(page.title)}: {escape(page.subtitle)}</title><style>{_STYLE}</style></head><body>"
        f'<h1>{escape(page.title)}</h1><p class="subtitle">{escape(page.subtitle)}</p>{mark}'
        f'<table class="facts"><tbody>{facts}</tbody></table>{sections}<div class="notes">{notes}</div></body></html>\n'
    )


def _table(table: Table) -> str:
    head = _row(table.headers, table.numbers, "th") if any(table.headers) else ""
    body = "".join(_row(row, table.numbers, "td") for row in table.rows)
    foot = f"<tfoot>{_row(table.last, table.numbers, 'td')}</tfoot>" if table.last else ""
    return f"<h3>{escape(table.title)}</h3><table><thead>{head}</thead><tbody>{body}</tbody>{foot}</table>"


def _row(cells: Sequence[str], numbers: int, tag: str) -> str:
    first_number = len(cells) - numbers
    written = (
        f"<{tag}{_NUMBER if place >= first_number else ''}>{escape(text)}</{tag}>" for place, text in enumerate(cells)
    )
    return f"<tr>{''.join(written)}</tr>"
