"""What pages are made of: heading with as-of line, numbers in frames, tables with their CSV, notes, empty states."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, cast

import pyarrow as pa  # pyright: ignore[reportMissingTypeStubs]
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from dashboard import charts, definitions, filters, store
from dashboard import format as fmt

_MONEY_STYLES: Final = {"USD": "dollar", "EUR": "euro", "JPY": "yen"}
_NUMBER_STYLES: Final = {"number": "accounting", "ratio": "percent", "count": "localized"}
_DATE_STYLES: Final = {"day": "DD MMM YYYY", "month": "MMM YYYY"}
_ROWS_IN_FULL: Final = 25
_SCROLLED_HEIGHT: Final = 640
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")

Kind = Literal[
    "text", "provider", "month", "money", "number", "rate", "count", "tokens", "ratio", "day", "minute", "flag"
]
Columns = Mapping[str, tuple[Kind, str]]


@dataclass(frozen=True)
class Page:
    """What the pages share in one run of the script."""

    selection: filters.Selection
    as_of: datetime
    completeness: Sequence[store.Row]
    links: Mapping[str, Any]

    def rows(self, name: str, **extra: object) -> store.Rows:
        """Rows of ``queries/<name>.sql`` under the filters; ``extra`` adds parameters or replaces the filters'."""
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
        f"{fmt.provider(row['provider'])} {fmt.short_day(row['complete_through'])}" for row in page.completeness
    )
    chosen = page.selection.period
    parts = [
        f"**As of** {fmt.minute(page.as_of)}",
        f"**Complete through** {complete or fmt.UNKNOWN}",
        f"**Period** {fmt.span(chosen.start_day, chosen.last_day)}" if days else "",
        f"**Amounts** {basis or page.selection.cost_name}",
    ]
    st.caption("  |  ".join(part for part in parts if part))
    if basis is None and not (page.selection.in_usd or page.selection.in_reporting):
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
        height="stretch",
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


def unknown_cost_note(page: Page) -> None:
    """Say which charges are in no sum because they lack the chosen cost."""
    total = page.rows("overview_totals")[0]
    if total["unknown_rows"]:
        currency = page.selection.currency
        st.warning(
            f"{total['unknown_rows']:,} of {total['charges']:,} charges have no known {page.selection.cost_name}: they "
            f"are in no sum on this page. Billed: {fmt.plain(fmt.money(total['unknown_billed'], currency))}.",
            icon=":material/help:",
        )


def status_note(page: Page) -> None:
    """Say how much of the period's spend is invoiced, how much may still move, and what is used but not billed yet."""
    status = page.rows("spend_by_status")[0]
    currency = page.selection.currency
    parts = [
        f":green-badge[Final {fmt.plain(fmt.money(status['final_cost'], currency))}]",
        f":orange-badge[Provisional {fmt.plain(fmt.money(status['provisional_cost'], currency))}]",
    ]
    if status["first_day"] is not None:
        amount = fmt.plain(fmt.money(status["estimated_cost"], currency))
        days = fmt.span(status["first_day"], status["last_day"])
        parts.append(f":gray-badge[Estimate {amount} for {days}, not in any total]")
    st.markdown(" ".join(parts), help=definitions.STATUS)


def days_note(page: Page, rows: Sequence[store.Row]) -> str:
    """The sentence under a chart of days: zone, which days are incomplete, where the totals end."""
    incomplete = "" if all(row["is_complete"] for row in rows) else f" {definitions.INCOMPLETE}"
    return f"Days in UTC.{incomplete} Totals on this page end on {fmt.day(page.selection.period.last_day)}."


def purchases_note(page: Page) -> None:
    """Name the commitments bought in the period, whose whole price stands on one day."""
    for bought in page.rows("purchases"):
        amount = fmt.plain(fmt.money(bought["cost"], page.selection.currency))
        when = fmt.span(bought["first_day"], bought["last_day"])
        seller = fmt.provider(bought["provider"])
        note(f"{amount} of it are commitments bought from {seller}, {when}. {definitions.PURCHASES}")


def spike_title(spike: store.Row) -> str:
    """``support / ticket-triage up: efficiency``."""
    whose = " / ".join(name for name in (spike["team"], spike["product"] or spike["sub_account_id"]) if name)
    return f"{whose} {spike['direction']}: {spike['verdict'] or 'cause ' + fmt.UNKNOWN}"


def spike_line(spike: store.Row) -> str:
    """A spike in one line for a link: dollars, whose, since when."""
    impact = fmt.money(spike["impact_usd"], "USD", places=0, signed=True)
    return fmt.plain(f"{impact} {spike_title(spike)}, since {fmt.day(spike['started_on'])}")


def newest_spikes(page: Page, count: int = 5) -> None:
    """The newest spikes of the period, each a link to its page."""
    st.subheader("Newest spikes", anchor=False)
    newest = page.rows("spikes", direction=None)[:count]
    if not newest:
        st.markdown("No spike in these days.")
    for spike in newest:
        st.page_link(page.links["spikes"], label=spike_line(spike), query_params={"spike": spike["spike_id"]})
    note("Dollars are actual less expected, in USD whatever the currency filter.")


def chart(drawing: charts.Drawing, key: str, *, alternative: str) -> None:
    """A chart over the width; ``alternative`` is read to those who do not see it."""
    st.altair_chart(drawing, width="stretch", key=key, alt=alternative)


def _column(kind: Kind, label: str, currency: str) -> ColumnConfig:
    if kind in _DATE_STYLES:
        return st.column_config.DateColumn(label, format=_DATE_STYLES[kind])
    if kind == "minute":
        return st.column_config.DatetimeColumn(label, format="DD MMM YYYY, HH:mm")
    if kind == "flag":
        return st.column_config.CheckboxColumn(label)
    if kind == "tokens":
        return st.column_config.NumberColumn(f"{label}, M", format="localized")
    if kind in ("money", "rate"):
        style = "%.4f" if kind == "rate" else _MONEY_STYLES.get(currency, "accounting")
        return st.column_config.NumberColumn(f"{label}, {currency}", format=style)
    if kind in _NUMBER_STYLES:
        return st.column_config.NumberColumn(label, format=_NUMBER_STYLES[kind])
    return st.column_config.TextColumn(label)


def table(
    name: str,
    rows: Sequence[store.Row],
    columns: Columns,
    *,
    currency: str = "USD",
    select: bool = False,
) -> store.Row | None:
    """A table of ``columns`` (field: kind and label) with its CSV below; returns the row picked when ``select``.

    Unknown stays the word, never a zero; the CSV holds every digit.
    """
    if not rows:
        st.markdown("None in these days.")
        return None
    configured = {field: _column(kind, label, currency) for field, (kind, label) in columns.items()}
    picked = st.dataframe(  # pyright: ignore[reportUnknownMemberType]
        _arrow(rows, columns),
        column_config=configured,
        hide_index=True,
        width="stretch",
        height="content" if len(rows) <= _ROWS_IN_FULL else _SCROLLED_HEIGHT,
        placeholder=fmt.UNKNOWN,
        key=f"table-{name}",
        on_select="rerun" if select else "ignore",
        selection_mode="single-row",
    )
    labels = [f"{label}, {currency}" if kind in ("money", "rate") else label for kind, label in columns.values()]
    st.download_button(
        "CSV",
        data=lambda: as_csv([[row[field] for field in columns] for row in rows], labels),
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
    chosen = cast(Mapping[str, Mapping[str, list[int]]], picked)["selection"]["rows"]
    return rows[chosen[0]] if chosen else None


def _arrow(rows: Sequence[store.Row], columns: Columns) -> Any:
    # Arrow keeps decimals and whole numbers beside unknowns, which a data frame would turn into floats
    fields: dict[str, list[Any]] = {field: [row[field] for row in rows] for field in columns}
    for field, (kind, _) in columns.items():
        if kind == "provider":
            fields[field] = [None if name is None else fmt.provider(name) for name in fields[field]]
        elif kind == "tokens":
            fields[field] = [None if count is None else round(count / 1e6, 1) for count in fields[field]]
    return cast(Any, pa).table(fields)


def as_csv(rows: Iterable[Sequence[Any]], labels: Sequence[str]) -> bytes:
    """Rows as CSV, amounts in full; an apostrophe stops spreadsheets from running text as a formula."""
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(labels)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return target.getvalue().encode("utf-8-sig")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return str(value)
