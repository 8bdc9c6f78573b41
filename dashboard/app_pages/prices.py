"""Prices: what we believe a million tokens costs, since when and from where, and what the bill says instead."""

import streamlit as st

from dashboard import definitions, layout
from dashboard import format as fmt

page = layout.current()
KEY: layout.Columns = {
    "provider": ("provider", "Provider"),
    "model": ("text", "Model"),
    "token_class": ("text", "Token class"),
    "sold_as": ("text", "Sold as"),
}


def chosen_models() -> tuple[str, ...] | None:
    offered = [str(row["model"]) for row in page.rows("priced_models")]
    chosen = st.multiselect("Model", offered, key="price-model", placeholder="All", disabled=not offered)
    return tuple(chosen) or None


def totals() -> None:
    total = page.rows("effective_price_totals", models=models)[0]
    values = {
        "Compared": fmt.money(total["compared_usd"], "USD"),
        "Charged above contract": fmt.money(total["over_usd"], "USD"),
        "Charged below contract": fmt.money(total["under_usd"], "USD"),
        "Cannot be compared": f"{total['unknown_rows']:,} prices",
    }
    for place, (label, value) in zip(st.columns(4), values.items(), strict=True):
        layout.card(place, label, value, meaning=definitions.PRICE_CARDS[label])


def against_the_bill() -> None:
    st.subheader("What the bill charged", anchor=False)
    only = st.toggle("Only where it differs by a cent or more", value=True, key="price-differing")
    columns: layout.Columns = {
        **KEY,
        "billing_month": ("month", "Invoice month"),
        "difference_usd": ("money", "Billed less contract"),
        "billed_usd_per_mtok": ("rate", "Billed per 1M"),
        "contract_usd_per_mtok": ("rate", "Contract per 1M"),
        "list_usd_per_mtok": ("rate", "List per 1M"),
        "tokens": ("tokens", "Tokens"),
    }
    rows = page.rows("effective_prices", models=models, only_differing=only)
    if rows:
        layout.table("effective-prices", rows, columns)
    elif only:
        st.markdown("The bill of these months charges what the contract says, to the cent.")
    else:
        layout.empty("billed tokens")
    layout.note(definitions.EFFECTIVE_PRICE)


def believed() -> None:
    st.subheader("What we believe", anchor=False)
    day = fmt.day(page.selection.period.last_day)
    history = st.toggle("Every price there ever was", value=False, key="price-history")
    columns: layout.Columns = {
        **KEY,
        "usd_per_mtok": ("rate", "List per 1M"),
        "contract_usd_per_mtok": ("rate", "Contract per 1M"),
        "contract_basis": ("text", "Contract by"),
        "since": ("text", "Since"),
        "until": ("text", "Until"),
        "price_source": ("text", "Source"),
        "source_date": ("day", "Read on"),
    }
    rows = page.rows("prices", models=models, all_intervals=history)
    if rows:
        layout.table("prices", rows, columns)
    else:
        layout.empty("prices")
    layout.note(f"{'All intervals.' if history else f'Prices on {day}.'} {definitions.BELIEVED_PRICE}")


def between_the_lists() -> None:
    st.subheader("Where the lists disagree", anchor=False)
    columns: layout.Columns = {
        **KEY,
        "usd_per_mtok": ("rate", "Ours per 1M"),
        "other_usd_per_mtok": ("rate", "Other per 1M"),
        "difference_usd_per_mtok": ("rate", "Other less ours"),
        "price_source": ("text", "Ours from"),
        "other_price_source": ("text", "Other from"),
        "other_source_id": ("text", "Under the name"),
    }
    rows = page.rows("price_disagreements", models=models)
    if rows:
        layout.table("price-disagreements", rows, columns)
    else:
        st.markdown("The lists agree on every price they share.")
    layout.note(definitions.PRICE_DISAGREEMENT)


layout.heading(
    page,
    "Prices",
    "What do we believe a million tokens costs, since when, from where, and what does the bill charge?",
    basis="USD per million tokens",
)
models = chosen_models()
totals()
against_the_bill()
believed()
between_the_lists()
