"""Data health: how far each source reaches, whether the marts tie to the bill, and what nobody could place."""

from decimal import Decimal

import streamlit as st

import state
from dashboard import closed, condition, definitions, layout, set_apart, store
from dashboard import format as fmt

page = layout.current()
currency = page.selection.currency
cost = page.selection.cost_name
CENT = Decimal("0.01")


def last_run() -> None:
    st.subheader("Last run", anchor=False)
    try:
        run = condition.last_run(store.home())
    except state.StateError as error:
        st.warning(fmt.plain(str(error)), icon=":material/database_off:")
        return
    if run is None:
        st.markdown("No run is remembered in this home; the published file may have been copied here.")
        return
    reason = f" {fmt.plain(run.message)}" if run.message else ""
    st.markdown(f"**{run.outcome.capitalize()}**, for {fmt.minute(run.as_of)} (`{run.run_id}`).{reason}")


def sources() -> None:
    st.subheader("Sources", anchor=False)
    columns: layout.Columns = {
        "source": ("text", "Source"),
        "account_id": ("text", "Account"),
        "complete_through": ("day", "Complete through"),
        "watermark": ("minute", "Newest usage, UTC"),
        "last_success_at": ("minute", "Last read, UTC"),
        "rows": ("count", "Rows"),
        "is_stale": ("flag", "Late"),
    }
    layout.table("sources", page.rows("sources"), columns)
    layout.note(definitions.SOURCES)
    for said in page.rows("source_messages"):
        st.markdown(f"- **{said['source']}**, {fmt.plain(said['account_id'])}: {fmt.plain(said['message'])}")


def provider_totals() -> None:
    st.subheader("Does it tie to the bill?", anchor=False)
    totals = page.rows("provider_totals")
    off = [row for row in totals if row["difference"] != 0]
    if off:
        st.error(f"{len(off)} of {len(totals)} totals differ from the provider's rows.", icon=":material/error:")
    elif totals:
        st.success(
            f"Yes: all {len(totals)} totals equal the provider's own rows, to the last digit.",
            icon=":material/check_circle:",
        )
    newest = max((row["billing_month"] for row in totals), default=None)
    # in a month that still runs, the one source is hours ahead of the other
    told_otherwise = [
        row for row in totals if row["billing_month"] != newest and abs(row["off_provider_cost"] or 0) >= CENT
    ]
    if told_otherwise:
        st.warning(
            f"Of {len(told_otherwise)} the provider itself says another total: load the month again, or find the rows.",
            icon=":material/warning:",
        )
    columns: layout.Columns = {
        "billing_month": ("month", "Invoice month"),
        "provider": ("provider", "Provider"),
        "billing_account_id": ("text", "Billing account"),
        "billing_currency": ("text", "Currency"),
        "landed_cost": ("number", "Landed"),
        "mart_cost": ("number", "In the marts"),
        "out_of_scope_cost": ("number", "Out of scope"),
        "difference": ("number", "Difference"),
        "provider_cost": ("number", "Provider's total"),
        "off_provider_cost": ("number", "Landed less that"),
        "invoice_cost": ("number", "Invoice"),
    }
    layout.table("provider-totals", totals, columns)
    layout.note(definitions.PROVIDER_TOTALS)
    closed.months(page)


def unplaced() -> None:
    st.subheader("Unallocated", anchor=False)
    columns: layout.Columns = {
        "provider": ("provider", "Provider"),
        "service_name": ("text", "Service"),
        "model": ("text", "Model"),
        "cost": ("money", "Spend"),
        "first_day": ("day", "First day"),
        "last_day": ("day", "Last day"),
    }
    layout.table("unallocated", page.rows("unallocated", teams=None), columns, currency=currency)
    layout.note(
        f"{cost} in the period that no evidence gives to a team. A tag, a label or an ownership rule places it."
    )
    unmapped()


def unmapped() -> None:
    st.subheader("Names without a model", anchor=False)
    columns: layout.Columns = {
        "provider": ("provider", "Provider"),
        "kind": ("text", "Seen in"),
        "provider_model_name": ("text", "Name"),
        "sku": ("text", "SKU"),
        "billing_month": ("month", "Month"),
        "billed_cost": ("number", "Billed"),
        "billing_currency": ("text", "Currency"),
        "tokens": ("tokens", "Tokens"),
        "last_day": ("day", "Last day"),
    }
    layout.table("unmapped-models", page.rows("unmapped_models"), columns)
    layout.note(definitions.UNMAPPED)


layout.heading(page, "Data health", "Can I trust these numbers: how far do they reach, and do they tie to the bill?")
last_run()
sources()
provider_totals()
set_apart.show(page)
unplaced()
