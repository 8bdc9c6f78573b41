"""Teams: who spent it, on which product, at what unit cost, and how we know that it was them."""

import streamlit as st

from dashboard import charts, layout

METHODS = {
    "profile_tag": "tag of the Bedrock inference profile",
    "request_label": "label sent with the request",
    "resource_tag": "tag of the resource",
    "deployment_tag": "tag of the deployment",
    "gateway_share": "share of a shared deployment, from gateway logs",
    "capacity_share": "hourly use of a reservation",
    "principal": "identity that called",
    "owner": "owner of the account, project or subscription on that day",
    "rule": "a split the organisation decided",
    "unallocated": "no evidence",
}

page = layout.current()
currency = page.selection.currency
cost = page.selection.cost_name


def by_team() -> None:
    teams = page.read("spend_by_team")
    colours = charts.team_colours(teams.column("team").to_pylist())
    days = page.rows("team_by_day")
    drawing = charts.stacked_days(
        days, series="team", value="cost", title=cost, colours=colours, currency=currency, label="Team"
    )
    layout.chart(drawing, "team-days", alternative=f"{cost} per day, stacked by team")
    layout.note(f"Usage days in UTC. {cost}.{layout.incomplete_note(days)}")
    st.subheader("Team by team", anchor=False)
    columns = {
        "team": ("text", "Team"),
        "cost": ("money", "Spend"),
        "share_ratio": ("ratio", "Share"),
        "cost_before": ("money", "Before"),
        "cost_change": ("money", "Change"),
    }
    layout.table("teams", teams, columns, currency=currency)
    layout.note(f"{cost}, complete days, against the period before. Share: of what the filters leave.")


def by_product() -> None:
    st.subheader("Products", anchor=False)
    columns = {
        "team": ("text", "Team"),
        "product": ("text", "Product"),
        "cost": ("money", "Spend"),
        "share_ratio": ("ratio", "Share"),
        "cost_change": ("money", "Change"),
        "tokens": ("count", "Billed tokens"),
        "cost_per_mtok": ("rate", "Per 1M tokens"),
    }
    layout.table("products", page.read("team_products"), columns, currency=currency)
    layout.note(
        "Per 1M tokens: the cost of charges that carry tokens, divided by those tokens, all classes together. Capacity, "
        "credits and platform charges carry none: they are in the spend, not in the unit cost. "
        "An unknown product is a charge whose evidence names a team only, or none."
    )


def how_we_know() -> None:
    st.subheader("How we know", anchor=False)
    rows = page.read("team_methods")
    columns = {
        "team": ("text", "Team"),
        "attribution_method": ("text", "Evidence"),
        "cost": ("money", "Spend"),
        "share_ratio": ("ratio", "Share of the team"),
    }
    layout.table("attribution", rows, columns, currency=currency)
    used = dict.fromkeys(rows.column("attribution_method").to_pylist())
    layout.note("From best evidence to none: " + "; ".join(f"**{m}** {METHODS[m]}" for m in METHODS if m in used) + ".")


layout.heading(page, "Teams", "Which team and product spent it, at what unit cost, and how do we know?")
if not page.rows("spend_by_team"):
    layout.empty("charges")
else:
    by_team()
    by_product()
    how_we_know()
