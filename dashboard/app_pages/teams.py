"""Teams: who spent it, on which product, at what unit cost, and how we know that it was them."""

import streamlit as st

from dashboard import charts, closed, definitions, layout

page = layout.current()
currency = page.selection.currency
cost = page.selection.cost_name


def by_team() -> None:
    st.subheader("Spend per day", anchor=False)
    teams = page.rows("spend_by_team")
    colours = charts.team_colours([row["team"] for row in teams])
    days = page.rows("team_by_day")
    drawing = charts.stacked_days(days, series="team", value="cost", title=cost, colours=colours, currency=currency)
    layout.chart(drawing, "team-days", alternative=f"{cost} per day, stacked by team")
    layout.note(f"{cost}. {layout.days_note(page, days)}")
    st.subheader("Team by team", anchor=False)
    columns: layout.Columns = {
        "team": ("text", "Team"),
        "cost": ("money", "Spend"),
        "share_ratio": ("ratio", "Share"),
        "cost_before": ("money", "Before"),
        "cost_change": ("money", "Change"),
    }
    layout.table("teams", teams, columns, currency=currency)
    layout.note(f"{cost}, complete days, against the period before. Share: of what the filters leave.")


def by_status() -> None:
    st.subheader("How firm it is", anchor=False)
    columns: layout.Columns = {
        "team": ("text", "Team"),
        "final_cost": ("money", "Final"),
        "provisional_cost": ("money", "Provisional"),
        "estimated_cost": ("money", "Estimate, not in totals"),
        "first_day": ("day", "Estimate from"),
        "last_day": ("day", "To"),
    }
    layout.table("team-status", page.rows("team_status"), columns, currency=currency)
    layout.note(definitions.STATUS)


def by_product() -> None:
    st.subheader("Products", anchor=False)
    columns: layout.Columns = {
        "team": ("text", "Team"),
        "product": ("text", "Product"),
        "cost": ("money", "Spend"),
        "share_ratio": ("ratio", "Share"),
        "cost_change": ("money", "Change"),
        "tokens": ("tokens", "Billed tokens"),
        "cost_per_mtok": ("rate", "Per 1M tokens"),
    }
    layout.table("products", page.rows("team_products"), columns, currency=currency)
    layout.note(definitions.PRODUCTS)


def how_we_know() -> None:
    st.subheader("How we know", anchor=False)
    methods = page.rows("spend_by_method")
    colours = {"unallocated": charts.GREY}
    drawing = charts.ranked_bars(methods, name="attribution_method", title=cost, colours=colours, currency=currency)
    layout.chart(drawing, "methods", alternative=f"{cost} by the evidence that gave it to a team")
    rows = page.rows("team_methods")
    columns: layout.Columns = {
        "team": ("text", "Team"),
        "attribution_method": ("text", "Evidence"),
        "cost": ("money", "Spend"),
        "share_ratio": ("ratio", "Share of the team"),
    }
    layout.table("attribution", rows, columns, currency=currency)
    used = {row["attribution_method"] for row in rows}
    known = [f"**{method}** {words}" for method, words in definitions.METHODS.items() if method in used]
    layout.note("From best evidence to none: " + "; ".join(known) + ".")


def callers() -> None:
    st.subheader("Callers", anchor=False)
    rows = page.rows("logged_callers")
    if not rows:
        st.markdown("No gateway, request log or trace is read, or none saw a request in these days.")
        return
    columns: layout.Columns = {
        "source": ("text", "Log"),
        "caller": ("text", "Key or caller"),
        "team": ("text", "Team"),
        "requests": ("count", "Requests"),
        "errors": ("count", "Errors"),
        "prompt_tokens": ("tokens", "Prompt"),
        "output_tokens": ("tokens", "Output"),
        "logged_cost": ("money", "Logged cost"),
    }
    layout.table("callers", rows, columns)
    layout.note(definitions.CALLERS)


layout.heading(page, "Teams", "Which team and product spent it, at what unit cost, and how do we know?")
if not page.rows("spend_by_team"):
    layout.empty("charges")
else:
    layout.status_note(page)
    layout.unknown_cost_note(page)
    by_team()
    by_status()
    by_product()
    how_we_know()
    callers()
    closed.unallocated(page)
    closed.statement(page)
