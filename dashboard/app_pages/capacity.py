"""Capacity: whether provisioned units pay against on-demand, what lies idle, what spilled."""

from collections.abc import Sequence
from decimal import Decimal

import streamlit as st

from dashboard import capacity_charts, definitions, layout
from dashboard import format as fmt
from dashboard.store import Row

page = layout.current()
BASIS = "capacity and on-demand equivalent in USD, at the prices in force"
UNITS = {"ptu": "PTU", "model_unit": "model unit", "gsu": "GSU"}


def totals() -> None:
    total = page.rows("capacity_totals")[0]
    unmeasured: Decimal | None = total["unmeasured_cost_usd"]
    details = {
        "Capacity cost": None if unmeasured is None else f"{fmt.money(unmeasured, 'USD')} of unknown use",
        "Of that idle": f"{fmt.percent(total['idle_ratio'])} of what is measured",
    }
    for place, (label, field, meaning) in zip(st.columns(4), definitions.CAPACITY_CARDS, strict=True):
        layout.card(place, label, fmt.money(total[field], "USD"), detail=details.get(label), meaning=meaning)


def verdict(row: Row) -> str:
    """One sentence: does it pay?"""
    saved: Decimal | None = row["saved_usd"]
    full: Decimal | None = row["break_even_ratio"]
    if saved is None:
        return "Whether it pays is unknown: no on-demand price or no utilisation for its traffic."
    amount = fmt.money(abs(saved), "USD")
    if saved >= 0:
        return f"Pays: the same traffic on demand would have cost {amount} more."
    if full is not None and full > 1:
        return f"Cannot pay with its token mix, not even full: on demand would have cost {amount} less."
    return f"Does not pay: the same traffic on demand would have cost {amount} less."


def used_line(row: Row) -> str:
    """Mean use, break-even and idle dollars of one capacity."""
    if row["unknown_hours"] == row["hours"]:
        return definitions.NO_USE_MEASURED
    unknown = f" {row['unknown_hours']:,} of {row['hours']:,} hours unknown." if row["unknown_hours"] else ""
    return (
        f"Used {fmt.percent(row['utilization_ratio'])} on average, break-even {fmt.percent(row['break_even_ratio'])}, "
        f"idle {fmt.plain(fmt.money(row['idle_cost_usd'], 'USD'))}.{unknown}"
    )


def one(row: Row, days: Sequence[Row]) -> None:
    with st.container(border=True, height="stretch"):
        unit = UNITS.get(row["unit_kind"], row["unit_kind"])
        st.markdown(
            f"**{fmt.plain(row['capacity_id'])}** · {fmt.plain(row['model'] or 'model ' + fmt.UNKNOWN)} · "
            f"{fmt.provider(row['provider'])} · "
            f"{row['units'].normalize():f} {unit}{'s' if row['units'] != 1 else ''}"
        )
        st.markdown(fmt.plain(verdict(row)))
        if row["unknown_hours"] < row["hours"]:
            drawing = capacity_charts.utilisation(days, time="usage_date")
            layout.chart(drawing, f"use-{row['capacity_id']}", alternative=f"Daily use of {row['capacity_id']}")
        layout.note(used_line(row))


def listed() -> None:
    st.subheader("Capacity by capacity", anchor=False)
    columns: layout.Columns = {
        "capacity_id": ("text", "Capacity"),
        "model": ("text", "Model"),
        "units": ("count", "Units"),
        "utilization_ratio": ("ratio", "Used"),
        "break_even_ratio": ("ratio", "Break-even"),
        "capacity_cost_usd": ("money", "Cost"),
        "used_cost_usd": ("money", "Used"),
        "idle_cost_usd": ("money", "Idle"),
        "on_demand_equivalent_usd": ("money", "On demand"),
        "saved_usd": ("money", "Saved"),
        "spill_cost_usd": ("money", "Spill"),
    }
    layout.table("capacity", page.rows("capacities"), columns)
    layout.note(definitions.CAPACITY)


layout.heading(page, "Capacity", "Do our provisioned units pay against on-demand, and what lies idle?", basis=BASIS)
capacities = page.rows("capacities")
if not capacities:
    layout.empty("provisioned capacity")
else:
    totals()
    st.subheader("Used, idle, spilled", anchor=False)
    layout.chart(
        capacity_charts.used_and_idle(capacities), "split", alternative="Used, idle and spill cost by capacity"
    )
    st.subheader("Use against break-even", anchor=False)
    layout.note(definitions.BREAK_EVEN)
    use_days = page.rows("capacity_days")
    for start in range(0, len(capacities), 2):
        for place, row in zip(st.columns(2), capacities[start : start + 2], strict=False):
            with place:
                one(row, [day for day in use_days if day["capacity_id"] == row["capacity_id"]])
    listed()
