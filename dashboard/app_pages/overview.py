"""Overview: what was spent, by whom, against the period before, and what needs a look."""

from collections.abc import Sequence
from datetime import timedelta

import streamlit as st

from dashboard import charts, definitions, layout
from dashboard import format as fmt
from dashboard.store import Row

page = layout.current()
currency = page.selection.currency
cost = page.selection.cost_name


def totals() -> None:
    now = page.rows("overview_totals")[0]
    everyone = page.rows("overview_totals", teams=None)[0]
    found = page.rows("spikes", direction=None)
    period = page.selection.period
    spend, before, unallocated, spikes = st.columns(4)
    layout.card(
        spend,
        "Spend in the period",
        fmt.money(now["spend"], currency),
        detail=fmt.change(now["spend"], now["spend_before"], currency),
        meaning=f"{cost}, complete days of {fmt.span(period.start_day, period.last_day)}.",
        is_step=True,
    )
    layout.card(
        before,
        "Period before",
        fmt.money(now["spend_before"], currency),
        detail=fmt.span(period.before_start, period.before_end - timedelta(days=1)),
        meaning=definitions.PERIOD_BEFORE,
    )
    layout.card(
        unallocated,
        "Unallocated",
        fmt.money(everyone["unallocated"], currency),
        detail=fmt.change(everyone["unallocated"], everyone["unallocated_before"], currency),
        meaning=definitions.UNALLOCATED_TOTAL,
        is_step=True,
    )
    still_open = sum(1 for spike in found if spike["ended_on"] is None)
    layout.card(
        spikes, "Spikes in the period", str(len(found)), detail=f"{still_open} still open", meaning=definitions.SPIKE
    )
    layout.status_note(page)
    layout.unknown_cost_note(page)


def trend() -> None:
    st.subheader("Spend per day", anchor=False)
    days = page.rows("spend_by_day")
    colours = charts.present(charts.PROVIDER_COLOURS, days, "provider")
    drawing = charts.stacked_days(days, series="provider", value="cost", title=cost, colours=colours, currency=currency)
    layout.chart(drawing, "trend", alternative=f"{cost} per day, stacked by provider")
    layout.note(f"{cost}. {layout.days_note(page, days)}")
    layout.purchases_note(page)


def split(teams: Sequence[Row]) -> None:
    left, right = st.columns([2, 3])
    with left:
        st.subheader("By provider", anchor=False)
        providers = page.rows("spend_by_provider")
        colours = charts.PROVIDER_COLOURS
        drawing = charts.ranked_bars(providers, name="provider", title=cost, colours=colours, currency=currency)
        layout.chart(drawing, "providers", alternative=f"{cost} by provider")
    with right:
        st.subheader("By team", anchor=False)
        colours = charts.team_colours([row["team"] for row in teams])
        drawing = charts.ranked_bars(teams, name="team", title=cost, colours=colours, currency=currency)
        layout.chart(drawing, "teams", alternative=f"{cost} by team, unallocated included")
        layout.note(definitions.UNALLOCATED)


def months() -> None:
    st.subheader("Invoice months", anchor=False)
    columns: layout.Columns = {
        "billing_month": ("month", "Invoice month"),
        "provider": ("provider", "Provider"),
        "billed": ("money", "Billed"),
        "effective": ("money", "Effective"),
        "effective_less_billed": ("money", "Effective less billed"),
        "status": ("text", "Status"),
    }
    layout.table("months", page.rows("months"), columns, currency=currency)
    layout.note(definitions.MONTHS)


def movers() -> None:
    st.subheader("Top movers", anchor=False)
    columns: layout.Columns = {
        "team": ("text", "Team"),
        "product": ("text", "Product"),
        "model": ("text", "Model"),
        "cost": ("money", "Now"),
        "cost_before": ("money", "Before"),
        "cost_change": ("money", "Change"),
    }
    layout.table("movers", page.rows("movers"), columns, currency=currency)
    layout.note(f"{cost}: the ten largest steps, up or down, against the period before.")


layout.heading(page, "Overview", "What did our LLM usage cost, who spent it, and what changed?")
team_rows = page.rows("spend_by_team")
if not team_rows:
    layout.empty("charges")
else:
    totals()
    trend()
    split(team_rows)
    months()
    place, beside = st.columns([3, 2])
    with place:
        movers()
    with beside:
        layout.newest_spikes(page)
