"""What pages show of closed months: a team's statement, and how far a month has moved since it was closed."""

from typing import Final

import streamlit as st

from dashboard import definitions, layout
from dashboard import format as fmt

_CAUSES: Final = {
    "provider_restated": "provider restated",
    "late_row": "late row",
    "price_corrected": "price corrected",
    "ownership_changed": "ownership changed",
    "definition_changed": "definition changed",
}


def statement(page: layout.Page) -> None:
    """One team's statement of one month, closed where the month is closed."""
    st.subheader("Statement", anchor=False)
    offered = page.rows("statement_months")
    if not offered:
        st.markdown("No month has a statement yet.")
        return
    left, right = st.columns(2)
    status = {row["billing_month"]: row["statement_status"] for row in offered}
    month = left.selectbox(
        "Invoice month",
        list(status),
        format_func=lambda day: f"{day:%b %Y} ({status[day]})",
        key="statement_month",
    )
    chosen = page.selection.teams
    teams = sorted({str(row["team"]) for row in offered if row["billing_month"] == month})
    mine = [team for team in teams if chosen is None or team in chosen] or teams
    team = right.selectbox("Team", mine, key="statement_team")
    asked = {"statement_month": month, "statement_team": team, "statement_status": status[month]}
    totals = page.rows("statement_totals", **asked)
    amounts = ", ".join(f"**{fmt.plain(fmt.money(row['billed_cost'], row['billing_currency']))}**" for row in totals)
    first = totals[0] if totals else None
    if first is not None and first["closed_by"] is not None:
        st.markdown(
            f"{amounts} billed. Closed by {fmt.plain(first['closed_by'])}, {fmt.minute(first['closed_as_of'])}, "
            f"revision {first['revision']}. Manifest `{first['manifest_hash']}`."
        )
    else:
        st.markdown(f":orange-badge[DRAFT] {amounts or 'Nothing'} billed so far. The month is not closed.")
    columns: layout.Columns = {
        "provider": ("provider", "Provider"),
        "product": ("text", "Product"),
        "model": ("text", "Model"),
        "charge_category": ("text", "Kind"),
        "attribution_method": ("text", "How we know"),
        "attribution_evidence": ("text", "Evidence"),
        "attribution_confidence": ("text", "Confidence"),
        "split_from_team": ("text", "Allocated from"),
        "cost_status": ("text", "Status"),
        "billing_currency": ("text", "Currency"),
        "billed_cost": ("number", "Billed"),
        "share_ratio": ("ratio", "Share"),
        "estimated_cost": ("number", "Estimate, not in total"),
    }
    layout.table(f"statement-{month:%Y-%m}-{team}", page.rows("statement", **asked), columns)
    layout.note(definitions.STATEMENT)


def unallocated(page: layout.Page) -> None:
    """What no evidence gives to a team, and why."""
    st.subheader("Unallocated, and why", anchor=False)
    columns: layout.Columns = {
        "provider": ("provider", "Provider"),
        "sub_account_id": ("text", "Account or project"),
        "service_name": ("text", "Service"),
        "reason": ("text", "Why nobody is named"),
        "cost": ("money", "Spend"),
    }
    rows = page.rows("unallocated_why", teams=None)
    layout.table("unallocated-why", rows, columns, currency=page.selection.currency)
    layout.note(f"{page.selection.cost_name}. {definitions.UNALLOCATED}")


def months(page: layout.Page) -> None:
    """The closed months, and what moved in them since."""
    st.subheader("Closed months", anchor=False)
    closed = page.rows("closed_months")
    if not closed:
        st.markdown("No month is closed yet: `inferledger close MONTH` freezes one.")
        return
    movements = page.rows("closed_movements", teams=None)
    moved = sorted({row["billing_month"] for row in movements})
    if moved:
        names = ", ".join(f"{month:%b %Y}" for month in moved)
        st.warning(f"Closed, and moved since: {names}. The statements stay as closed.", icon=":material/edit_calendar:")
    else:
        st.success("Nothing has moved since the close.", icon=":material/check_circle:")
    columns: layout.Columns = {
        "billing_month": ("month", "Invoice month"),
        "provider": ("provider", "Provider"),
        "billing_account_id": ("text", "Billing account"),
        "billing_currency": ("text", "Currency"),
        "closed_cost": ("number", "When closed"),
        "current_cost": ("number", "Now"),
        "moved_cost": ("number", "Moved"),
        "closed_by": ("text", "Closed by"),
        "closed_as_of": ("minute", "Closed, UTC"),
        "revision": ("count", "Revision"),
        "reason": ("text", "Remark"),
    }
    layout.table("closed-months", closed, columns)
    if movements:
        told = [dict(row) | {"cause": _CAUSES.get(row["cause"], row["cause"])} for row in movements]
        columns = {
            "billing_month": ("month", "Invoice month"),
            "cause": ("text", "Cause"),
            "provider": ("provider", "Provider"),
            "team": ("text", "Team"),
            "measure": ("text", "Measure"),
            "billing_currency": ("text", "Currency"),
            "moved_amount": ("number", "Moved"),
        }
        layout.table("closed-movements", told, columns)
    layout.note(definitions.CLOSED)
