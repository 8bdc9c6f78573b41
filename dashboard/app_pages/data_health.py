"""Data health: how far each source reaches, whether the marts tie to the bill, and what nobody could place."""

import state
import streamlit as st

from dashboard import condition, format as fmt, layout, store

page = layout.current()
currency = page.selection.currency
cost = page.selection.cost_name


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
    columns = {
        "source": ("text", "Source"),
        "account_id": ("text", "Account"),
        "complete_through": ("day", "Complete through"),
        "watermark": ("minute", "Newest usage, UTC"),
        "last_success_at": ("minute", "Last read, UTC"),
        "rows": ("count", "Rows"),
        "is_stale": ("flag", "Late"),
        "message": ("text", "Message"),
    }
    layout.table("sources", page.read("sources"), columns)
    layout.note(
        "Complete through: the last day that is whole and has no missing day before it. Late: further behind than this source "
        "usually is. An amount of a later day is partial, not small."
    )


def provider_totals() -> None:
    st.subheader("Does it tie to the bill?", anchor=False)
    totals = page.read("provider_totals")
    off = [row for row in totals.to_pylist() if row["difference"] != 0]
    if off:
        st.error(f"{len(off)} of {totals.num_rows} totals differ from the provider's rows.", icon=":material/error:")
    elif totals.num_rows:
        st.success(
            f"Yes: all {totals.num_rows} totals equal the provider's own rows, to the last digit.",
            icon=":material/check_circle:",
        )
    columns = {
        "billing_month": ("day", "Invoice month"),
        "provider": ("text", "Provider"),
        "billing_account_id": ("text", "Billing account"),
        "billing_currency": ("text", "Currency"),
        "landed_cost": ("number", "Landed"),
        "mart_cost": ("number", "In the marts"),
        "out_of_scope_cost": ("number", "Out of scope"),
        "difference": ("number", "Difference"),
        "invoice_cost": ("number", "Invoice"),
    }
    layout.table("provider-totals", totals, columns)
    layout.note(
        "Billed cost, each row in its own billing currency. Landed = in the marts + out of scope + difference. Out of scope is "
        "everything on the bill that is not AI. Filters of days, team and currency do not apply."
    )


def unplaced() -> None:
    st.subheader("Unallocated", anchor=False)
    columns = {
        "provider": ("text", "Provider"),
        "service_name": ("text", "Service"),
        "model": ("text", "Model"),
        "cost": ("money", "Spend"),
        "first_day": ("day", "First day"),
        "last_day": ("day", "Last day"),
    }
    layout.table("unallocated", page.read("unallocated", teams=None), columns, currency=currency)
    layout.note(
        f"{cost} in the period that no evidence gives to a team. A tag, a label or an ownership rule places it."
    )
    st.subheader("No model named", anchor=False)
    columns = {
        "provider": ("text", "Provider"),
        "service_name": ("text", "Service"),
        "token_class": ("text", "Token class"),
        "pricing_category": ("text", "Pricing"),
        "charge_category": ("text", "Charge"),
        "cost": ("money", "Spend"),
    }
    layout.table("unmapped-models", page.read("unmapped_models", teams=None), columns, currency=currency)
    layout.note(
        f"{cost} of charges without a model: credits, tax and capacity have none; a token class beside one means that the "
        "provider's model name is not in the mapping yet."
    )


layout.heading(page, "Data health", "Can I trust these numbers: how far do they reach, and do they tie to the bill?")
last_run()
sources()
provider_totals()
unplaced()
