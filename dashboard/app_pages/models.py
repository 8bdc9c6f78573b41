"""Models: which ones burn the tokens, what a million costs, whether the cache works."""

import streamlit as st

from dashboard import charts, definitions, layout

page = layout.current()
currency = page.selection.currency
cost = page.selection.cost_name


def tokens_per_day() -> None:
    st.subheader("Tokens per day", anchor=False)
    days = page.rows("tokens_by_day")
    if not days:
        st.markdown("No charge in these days carries tokens.")
        return
    drawing = charts.stacked_days(
        days,
        series="token_class",
        value="tokens",
        title="Billed tokens",
        colours=charts.present(charts.CLASS_COLOURS, days, "token_class"),
        currency=None,
    )
    layout.chart(drawing, "token-days", alternative="Billed tokens per day, stacked by token class")
    layout.note(f"{definitions.TOKENS} {layout.days_note(page, days)}")


def unit_cost() -> None:
    st.subheader("Cost of a million tokens", anchor=False)
    rows = page.rows("unit_cost_by_day")
    if not rows:
        st.markdown("No model with billed tokens in these days.")
        return
    title = f"{cost} per 1M tokens"
    drawing = charts.lines(rows, series="model", value="cost_per_mtok", title=title, currency=currency)
    layout.chart(drawing, "unit-cost", alternative=f"{title} per day, one line per model")
    layout.note(definitions.UNIT_COST)


def every_model() -> None:
    st.subheader("Model by model", anchor=False)
    models = page.rows("models")
    columns: layout.Columns = {
        "model": ("text", "Model"),
        "cost": ("money", "Spend"),
        "cost_per_mtok": ("rate", "Per 1M tokens"),
        "billed_tokens": ("tokens", "Billed"),
        "requests": ("count", "Requests"),
        "input_tokens": ("tokens", "Input"),
        "output_tokens": ("tokens", "Output"),
        "cache_read_tokens": ("tokens", "Cache read"),
        "cache_write_tokens": ("tokens", "Cache write"),
        "cache_read_ratio": ("ratio", "Cache read share"),
    }
    layout.table("models", models, columns, currency=currency)
    layout.note(definitions.MODELS)


layout.heading(page, "Models", "Which models burn the tokens, what does a million cost, and is the cache working?")
if not page.rows("models"):
    layout.empty("charges or metered tokens")
else:
    layout.status_note(page)
    layout.unknown_cost_note(page)
    tokens_per_day()
    unit_cost()
    every_model()
