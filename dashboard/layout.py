"""What every page is made of: heading with as-of line, numbers in frames, tables with their CSV, notes, empty states."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

import altair as alt
import pyarrow as pa
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from dashboard import filters, format as fmt, store

_STYLES: Final = {"USD": "dollar", "EUR": "euro", "JPY": "yen"}
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")

Kind = Literal["text", "money", "number", "rate", "count", "ratio", "day", "minute", "flag"]


@dataclass(frozen=True)
class Page:
    """What the pages share in one run of the script."""

    selection: filters.Selection
    as_of: datetime
    completeness: Sequence[store.Row]
    links: Mapping[str, Any]

    def read(self, name: str, **extra: object) -> pa.Table:
        """The table of ``queries/<name>.sql`` under the filters."""
        return store.query(name, self.selection.parameters(**extra))

    def rows(self, name: str, **extra: object) -> list[store.Row]:
        """The same as dictionaries."""
        return store.rows(name, self.selection.parameters(**extra))


def current() -> Page:
    """The page context that the entry script left for this run."""
    return st.session_state["page"]


def heading(page: Page, title: str, question: str, *, basis: str | None = None, days: bool = True) -> None:
    """Title, the question the page answers, and the line that says how far the numbers can be trusted.

    ``basis`` replaces the cost basis and currency of the filters where a page does not follow them.
    """
    st.title(title, anchor=False)
    st.markdown(question)
    complete = " · ".join(
        f"{fmt.provider(row['provider'])} {fmt.day(row['complete_through'])}" for row in page.completeness
    )
    chosen = page.selection.period
    parts = [
        f"**As of** {fmt.minute(page.as_of)}",
        f"**Complete through** {complete or fmt.UNKNOWN}",
        f"**Period** {fmt.span(chosen.start_day, chosen.last_day)}" if days else "",
        f"**Amounts** {basis or page.selection.cost_name}",
    ]
    st.caption("  |  ".join(part for part in parts if part))
    if basis is None and not page.selection.in_usd:
        st.caption(f"Only charges billed in {page.selection.currency} are in these numbers.")


def card(
    place: Any, label: str, value: str, *, detail: str | None = None, meaning: str | None = None, is_step: bool = False
) -> None:
    """A number in a frame. ``detail`` is said below it; ``is_step`` marks a change, of which a rise is bad."""
    place.metric(
        label,
        fmt.plain(value),
        detail,
        delta_color="inverse" if is_step else "off",
        delta_arrow="auto" if is_step else "off",
        help=meaning,
        border=True,
    )


def empty(what: str) -> None:
    """Say that the filters leave nothing, and what to do."""
    st.info(
        f"No {what} for these filters and days. Widen the period or clear a filter in the sidebar.",
        icon=":material/search_off:",
    )


def nothing_loaded() -> None:
    """The state of a home in which runs have published tables without any charge."""
    st.info(
        "The published file holds no charges yet. `inferledger doctor` says which sources can be read; "
        "a first bill usually arrives within a day.",
        icon=":material/inbox:",
    )


def note(text: str) -> None:
    """A definition under a chart or table."""
    st.caption(text)


def incomplete_note(rows: Sequence[store.Row]) -> str:
    """The sentence for charts that draw incomplete days, or nothing when they draw none."""
    if all(row["is_complete"] for row in rows):
        return ""
    return " Lighter bars: days whose bill is still arriving; no total on this page holds them."


def spike_title(spike: store.Row) -> str:
    """``support / ticket-triage up: efficiency``."""
    whose = " / ".join(name for name in (spike["team"], spike["product"]) if name)
    return f"{whose} {spike['direction']}: {spike['verdict'] or 'cause ' + fmt.UNKNOWN}"


def spike_line(spike: store.Row) -> str:
    """A spike in one line for a link: dollars, whose, since when."""
    impact = fmt.money(spike["impact_usd"], "USD", places=0, signed=True)
    return fmt.plain(f"{impact} {spike_title(spike)}, since {fmt.day(spike['started_on'])}")


def chart(drawing: alt.Chart | alt.LayerChart, key: str, *, alternative: str) -> None:
    """A chart over the width; ``alternative`` is read to those who do not see it."""
    st.altair_chart(drawing, width="stretch", key=key, alt=alternative)


def _column(kind: Kind, label: str, currency: str) -> ColumnConfig:
    """How a table shows a column; amounts name their currency in the label."""
    if kind == "text":
        return st.column_config.TextColumn(label)
    if kind == "day":
        return st.column_config.DateColumn(label, format="DD MMM YYYY")
    if kind == "minute":
        return st.column_config.DatetimeColumn(label, format="DD MMM YYYY, HH:mm")
    if kind == "flag":
        return st.column_config.CheckboxColumn(label)
    if kind == "ratio":
        return st.column_config.NumberColumn(label, format="percent")
    if kind == "count":
        return st.column_config.NumberColumn(label, format="localized")
    if kind == "number":
        return st.column_config.NumberColumn(label, format="accounting")
    if kind == "rate":
        return st.column_config.NumberColumn(f"{label}, {currency}", format="%.4f")
    return st.column_config.NumberColumn(f"{label}, {currency}", format=_STYLES.get(currency, "accounting"))


def table(
    name: str,
    data: pa.Table,
    columns: Mapping[str, tuple[Kind, str]],
    *,
    currency: str = "USD",
    select: bool = False,
    height: int | Literal["content", "auto"] = "auto",
) -> int | None:
    """A table of ``columns`` (field: kind and label) with its CSV below; returns the row picked when ``select``.

    Unknown stays the word, never a zero; the CSV holds every digit.
    """
    shown = data.select(list(columns))
    configured = {field: _column(kind, label, currency) for field, (kind, label) in columns.items()}
    picked = st.dataframe(
        shown,
        column_config=configured,
        hide_index=True,
        width="stretch",
        height=height,
        placeholder=fmt.UNKNOWN,
        key=f"table-{name}",
        **({"on_select": "rerun", "selection_mode": "single-row"} if select else {}),
    )
    labels = [str(config["label"]) for config in configured.values()]
    st.download_button(
        "CSV",
        data=lambda: as_csv(shown, labels),
        file_name=f"inferledger-{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        key=f"csv-{name}",
        help="These rows with every digit; empty means unknown.",
        type="tertiary",
        on_click="ignore",
    )
    if not select:
        return None
    chosen: list[int] = picked["selection"]["rows"]
    return chosen[0] if chosen else None


def as_csv(data: pa.Table, labels: Sequence[str]) -> bytes:
    """The table as CSV, amounts in full; an apostrophe stops spreadsheets from running text as a formula."""
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(labels)
    for row in data.to_pylist():
        writer.writerow([_cell(value) for value in row.values()])
    return target.getvalue().encode("utf-8-sig")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return str(value)
