"""Overview: what was spent, by whom, against the period before, and what needs a look."""

from datetime import timedelta

import streamlit as st

from dashboard import charts, format as fmt, layout
from dashboard.store import Row

page = layout.current()
currency = page.selection.currency
cost = page.selection.cost_name


def totals() -> None:
    now = page.rows("overview_totals")[0]
    everyone = page.rows("overview_totals", teams=None)[0]
    period = page.selection.period
    spikes = page.rows("spikes", direction=None)
    places = st.columns(4)
    layout.card(
        places[0],
        "Spend in the period",
        fmt.money(now["spend"], currency),
        detail=fmt.change(now["spend"], now["spend_before"], currency),
        meaning=f"{cost}, complete days of {fmt.span(period.start_day, period.last_day)}.",
        is_step=True,
    )
    layout.card(
        places[1],
        "Period before",
        fmt.money(now["spend_before"], currency),
        detail=fmt.span(period.before_start, period.before_end - timedelta(days=1)),
        meaning="As many days right before the period; for a month, the same days of the month before.",
    )
    layout.card(
        places[2],
        "Unallocated",
        fmt.money(everyone["unallocated"], currency),
        detail=fmt.change(everyone["unallocated"], everyone["unallocated_before"], currency),
        meaning="What no tag, label, gateway or owner rule gives to a team. All teams, whatever the team filter.",
        is_step=True,
    )
    layout.card(
        places[3],
        "Spikes in the period",
        str(len(spikes)),
        detail=f"{sum(1 for spike in spikes if spike['ended_on'] is None)} still open",
        meaning="Unusual rises and falls found in complete days; late data is not one.",
    )
    if now["unknown_rows"]:
        layout.note(
            f"{now['unknown_rows']:,} charges have no {cost.lower().removesuffix(', ' + currency.lower())} and are in no sum here; "
            f"billed, they are {fmt.plain(fmt.money(now['unknown_billed'], currency))}."
        )


def trend() -> None:
    st.subheader("Spend per day", anchor=False)
    days = page.rows("spend_by_day")
    drawing = charts.stacked_days(
        days,
        series="provider",
        value="cost",
        title=cost,
        colours={
            name: colour for name, colour in charts.PROVIDER_COLOURS.items() if any(d["provider"] == name for d in days)
        },
        currency=currency,
        label="Provider",
    )
    layout.chart(drawing, "trend", alternative=f"{cost} per day, stacked by provider")
    layout.note(f"Usage days in UTC. {cost}.{layout.incomplete_note(days)}")


def split(teams: list[Row]) -> None:
    left, right = st.columns([2, 3])
    with left:
        st.subheader("By provider", anchor=False)
        rows = page.rows("spend_by_provider")
        drawing = charts.ranked_bars(
            rows, name="provider", title=cost, colours=charts.PROVIDER_COLOURS, currency=currency
        )
        layout.chart(drawing, "providers", alternative=f"{cost} by provider")
    with right:
        st.subheader("By team", anchor=False)
        colours = charts.team_colours([row["team"] for row in teams])
        drawing = charts.ranked_bars(teams, name="team", title=cost, colours=colours, currency=currency)
        layout.chart(drawing, "teams", alternative=f"{cost} by team, unallocated included")
        layout.note("Unallocated is shown beside the teams and is never spread over them silently.")


def months() -> None:
    st.subheader("Invoice months", anchor=False)
    columns = {
        "billing_month": ("day", "Invoice month"),
        "provider": ("text", "Provider"),
        "billed": ("money", "Billed"),
        "effective": ("money", "Effective"),
        "effective_less_billed": ("money", "Effective less billed"),
        "status": ("text", "Status"),
    }
    layout.table("months", page.read("months"), columns, currency=currency)
    layout.note(
        "The provider's invoice months that the period touches, whole, incomplete days included. Billed is what the invoice says; "
        "effective spreads prepaid commitments over the days they cover. Not final: the provider may still restate it."
    )


def attention() -> None:
    left, right = st.columns([3, 2])
    with left:
        st.subheader("Top movers", anchor=False)
        columns = {
            "team": ("text", "Team"),
            "product": ("text", "Product"),
            "model": ("text", "Model"),
            "cost": ("money", "Now"),
            "cost_before": ("money", "Before"),
            "cost_change": ("money", "Change"),
        }
        layout.table("movers", page.read("movers"), columns, currency=currency)
        layout.note(f"{cost}: the ten largest steps, up or down, against the period before.")
    with right:
        st.subheader("Newest spikes", anchor=False)
        newest = page.rows("spikes", direction=None)[:5]
        if not newest:
            st.markdown("No spike in these days.")
        for spike in newest:
            st.page_link(
                page.links["spikes"], label=layout.spike_line(spike), query_params={"spike": spike["spike_id"]}
            )
        layout.note("Dollars are actual less expected, in USD whatever the currency filter.")


layout.heading(page, "Overview", "What did our LLM usage cost, who spent it, and what changed?")
team_rows = page.rows("spend_by_team")
if not page.rows("overview_totals")[0]["charges"]:
    layout.empty("charges")
else:
    totals()
    trend()
    split(team_rows)
    months()
    attention()
