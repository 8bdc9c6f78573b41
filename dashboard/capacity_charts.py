"""Charts of provisioned capacity and of one spike: a measure against the line it is judged by."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import altair as alt

from dashboard import format as fmt
from dashboard.charts import AMOUNT_AXIS, BREAK_EVEN_COLOUR, GREY, PALETTE, Drawing, drawable
from dashboard.store import Row

_USED: Final = PALETTE[0]
_FULL: Final = 1.0


def utilisation(rows: Sequence[Row], *, time: str, height: int = 170) -> Drawing:
    """Use over time (area) against the break-even of the capacity's own token mix (dashed); 100 % is full."""
    hourly = time == "hour_start"
    shown = drawable(
        row
        | {
            "when_text": fmt.minute(row[time]) if hourly else fmt.day(row[time]),
            "use_text": fmt.percent(row["utilization_ratio"]),
            "line_text": fmt.percent(row["break_even_ratio"]),
        }
        for row in rows
    )
    top = max([_FULL, *(row["break_even_ratio"] for row in shown if row["break_even_ratio"] is not None)])
    base = alt.Chart(alt.Data(values=shown), height=height).encode(
        x=alt.X(
            f"{time}:T",
            scale=alt.Scale(type="utc"),
            axis=alt.Axis(title=None, format="%d %b", tickCount=6, grid=False, labelOverlap=True),
        ),
        tooltip=[
            alt.Tooltip("when_text:N", title="Hour" if hourly else "Day"),
            alt.Tooltip("use_text:N", title="Used"),
            alt.Tooltip("line_text:N", title="Break-even"),
        ],
    )
    y = alt.Y(
        "utilization_ratio:Q",
        title="Capacity used, %",
        axis=alt.Axis(format=".0%", tickCount=5),
        scale=alt.Scale(domain=[0, top], nice=False),
    )
    area = base.mark_area(color=_USED, opacity=0.35, line={"color": _USED, "strokeWidth": 1.5}).encode(y=y)
    line = base.mark_line(color=BREAK_EVEN_COLOUR, strokeDash=[6, 4], strokeWidth=2).encode(y="break_even_ratio:Q")
    return alt.layer(area, line)


def used_and_idle(rows: Sequence[Row]) -> alt.Chart:
    """What each capacity cost: used, idle, of unknown use, and what spilled over at on-demand prices."""
    parts = {
        "used": "used_cost_usd",
        "idle": "idle_cost_usd",
        "use unknown": "unmeasured_cost_usd",
        "spill": "spill_cost_usd",
    }
    shown = drawable(
        {
            "capacity": row["capacity_id"],
            "part": part,
            "position": position,
            "cost": row[column],
            "amount_text": fmt.money(row[column], "USD"),
        }
        for row in rows
        for position, (part, column) in enumerate(parts.items())
    )
    return (
        alt.Chart(alt.Data(values=shown), height=alt.Step(28))
        .mark_bar()
        .encode(
            y=alt.Y("capacity:N", sort=None, axis=alt.Axis(title=None, labelLimit=220, ticks=False, domain=False)),
            x=alt.X("cost:Q", title="Cost in the period, USD", axis=AMOUNT_AXIS),
            color=alt.Color(
                "part:N",
                scale=alt.Scale(domain=list(parts), range=[_USED, GREY, PALETTE[4], PALETTE[1]]),
                legend=alt.Legend(title=None, orient="top"),
            ),
            order="position:Q",
            tooltip=[
                alt.Tooltip("capacity:N", title="Capacity"),
                alt.Tooltip("part:N", title="Part"),
                alt.Tooltip("amount_text:N", title="USD"),
            ],
        )
    )


def spike_days(rows: Sequence[Row], *, since: date, expected_per_day: float | None) -> Drawing:
    """Dollars per day from six weeks before ``since``, the spike's days in another colour, and what was expected."""
    first, last = since - timedelta(days=42), max(row["charge_date"] for row in rows)
    shown = drawable(
        row
        | {
            "day_text": fmt.day(row["charge_date"]),
            "amount_text": fmt.money(row["cost_usd"], "USD"),
            "part": "spike" if row["is_spike"] else "other days",
            "expected": expected_per_day if row["is_spike"] else None,
        }
        for row in rows
    )
    base = alt.Chart(alt.Data(values=shown), height=280).encode(
        x=alt.X(
            "charge_date:T",
            timeUnit="utcyearmonthdate",
            scale=alt.Scale(type="utc", domain=[first.isoformat(), (last + timedelta(days=1)).isoformat()], nice=False),
            axis=alt.Axis(title=None, format="%d %b", grid=False, tickCount=8, labelOverlap=True),
        )
    )
    bars = base.mark_bar().encode(
        y=alt.Y("cost_usd:Q", title="Cost per day, USD", axis=AMOUNT_AXIS),
        color=alt.Color(
            "part:N",
            scale=alt.Scale(domain=["spike", "other days"], range=[BREAK_EVEN_COLOUR, GREY]),
            legend=alt.Legend(title=None, orient="top"),
        ),
        opacity=alt.condition("datum.is_complete", alt.value(1), alt.value(0.35)),
        tooltip=[alt.Tooltip("day_text:N", title="Day"), alt.Tooltip("amount_text:N", title="Actual")],
    )
    line = base.mark_tick(color=_USED, thickness=3, orient="horizontal").encode(y="expected:Q")
    return alt.layer(bars, line)
