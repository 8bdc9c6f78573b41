"""Reconciliation: do metered tokens explain the bill, why not, and what was charged too much."""

import streamlit as st

from dashboard import charts, definitions, layout
from dashboard import format as fmt

page = layout.current()


def totals() -> None:
    total = page.rows("reconciliation_totals")[0]
    places = st.columns(4)
    layout.card(places[0], "Metered", fmt.money(total["metered_usd"], "USD"), meaning=definitions.METERED)
    layout.card(places[1], "Billed", fmt.money(total["billed_usd"], "USD"), meaning=definitions.BILLED_TOKENS)
    layout.card(
        places[2], "Residual", fmt.money(total["residual_usd"], "USD", signed=True), meaning=definitions.RESIDUAL
    )
    unknown = fmt.money(total["unknown_usd"], "USD")
    share = f"{fmt.percent(total['unknown_ratio'], places=4)} of the bill"
    layout.card(places[3], "Unexplained", unknown, detail=share, meaning=definitions.RESIDUALS["unknown"])
    if total["unconverted_rows"]:
        st.warning(
            f"{total['unconverted_rows']:,} rows have no rate to USD: they are in no sum on this page.",
            icon=":material/help:",
        )


def waterfall() -> None:
    st.subheader("From metered to billed", anchor=False)
    steps = page.rows("residual_waterfall")
    drawing = charts.waterfall(steps, title="USD", currency="USD")
    layout.chart(drawing, "waterfall", alternative="Steps from metered cost to billed cost, one per reason")
    layout.note(
        "Each step is a reason: green where it makes the bill lower, red where higher. The axis begins above 0."
    )


def by_class() -> tuple[str | None, str | None]:
    """The table of reasons; returns the reason and provider that the reader picked."""
    st.subheader("Why they differ", anchor=False)
    rows = page.rows("residuals")
    columns: layout.Columns = {
        "residual_class": ("text", "Reason"),
        "provider": ("provider", "Provider"),
        "residual_usd": ("money", "Residual"),
        "moved_usd": ("money", "Without sign"),
        "rows_count": ("count", "Rows"),
        "first_day": ("day", "First day"),
        "last_day": ("day", "Last day"),
    }
    picked = layout.table("residuals", rows, columns, select=True)
    used = {row["residual_class"] for row in rows}
    layout.note(" ".join(f"**{name}**: {words}" for name, words in definitions.RESIDUALS.items() if name in used))
    return (picked["residual_class"], picked["provider"]) if picked else (None, None)


def behind(reason: str | None, provider: str | None) -> None:
    title = f"Rows: {reason}, {fmt.provider(provider)}" if reason else "Largest rows"
    st.subheader(title, anchor=False)
    columns: layout.Columns = {
        "usage_date": ("day", "Day"),
        "provider": ("provider", "Provider"),
        "workload_id": ("text", "Workload"),
        "model": ("text", "Model"),
        "token_class": ("text", "Class"),
        "residual_class": ("text", "Reason"),
        "residual_usd": ("rate", "Residual"),
        "evidence": ("text", "Evidence"),
        "metered_cost_usd": ("rate", "Metered"),
        "billed_cost_usd": ("rate", "Billed"),
    }
    rows = page.rows("residual_rows", residual_class=reason, residual_provider=provider)
    layout.table("residual-rows", rows, columns)
    layout.note("Tick a reason above to see its rows; the largest 500 are shown.")


def overcharges() -> None:
    st.subheader("Charged too much", anchor=False)
    rows = page.rows("overcharges")
    if not rows:
        st.markdown("Nothing: every charge of a complete day fits its contract price.")
        return
    columns: layout.Columns = {
        "usage_date": ("day", "Day"),
        "provider": ("provider", "Provider"),
        "overcharge_kind": ("text", "What is wrong"),
        "workload_id": ("text", "Workload"),
        "model": ("text", "Model"),
        "token_class": ("text", "Class"),
        "overcharge_usd": ("rate", "Too much"),
        "arithmetic": ("text", "Arithmetic"),
    }
    layout.table("overcharges", rows, columns)
    layout.note(definitions.OVERCHARGES)


def provider_totals() -> None:
    st.subheader("Against the provider's own totals", anchor=False)
    columns: layout.Columns = {
        "billing_month": ("month", "Invoice month"),
        "provider": ("provider", "Provider"),
        "billing_account_id": ("text", "Billing account"),
        "billing_currency": ("text", "Currency"),
        "landed_cost": ("number", "Landed"),
        "difference": ("number", "Not in the marts"),
        "provider_cost": ("number", "Provider's total"),
        "off_provider_cost": ("number", "Landed less that"),
        "invoice_cost": ("number", "Invoice"),
    }
    layout.table("reconciled-totals", page.rows("provider_totals"), columns)
    layout.note(definitions.PROVIDER_TOTALS)


layout.heading(
    page,
    "Reconciliation",
    "Do the metered tokens explain the bill, and where they do not, why?",
    basis="Contract price and billed cost, USD",
)
layout.note("Period and provider apply here. Meters know no team: the other filters do not.")
if not page.rows("reconciliation_totals")[0]["rows_count"]:
    layout.empty("metered or billed tokens")
else:
    totals()
    waterfall()
    behind(*by_class())
    overcharges()
provider_totals()
