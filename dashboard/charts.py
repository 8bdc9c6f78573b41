"""Altair charts. Floats appear here and only here, for drawing; the exact amount stands in the tooltip.

The palette keeps at least 3:1 contrast on the light and the dark background, and never carries meaning alone:
every mark has a legend or a direct label, and incomplete days differ by opacity and outline.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import altair as alt

from dashboard import format as fmt
from dashboard.store import Row

PALETTE: Final = ("#2f78c4", "#d9730d", "#0f9488", "#c4478f", "#8064d0", "#8a8420", "#d2453d", "#9a6b4a")
GREY: Final = "#808894"
PROVIDER_COLOURS: Final = {
    "aws": PALETTE[1],
    "gcp": PALETTE[0],
    "azure": PALETTE[2],
    "anthropic": PALETTE[3],
    "openai": PALETTE[4],
}
CLASS_COLOURS: Final = {
    "input": PALETTE[0],
    "output": PALETTE[1],
    "cache_read": PALETTE[2],
    "cache_write_5m": PALETTE[3],
    "cache_write_1h": PALETTE[4],
    "other": GREY,
}
BREAK_EVEN_COLOUR: Final = PALETTE[6]
_SHOWN_APART: Final = 7
_HEIGHT: Final = 300
# d3 writes giga where people say billion
SHORT_NUMBER: Final = "datum.value == 0 ? '0' : replace(format(datum.value, '~s'), 'G', 'B')"
AMOUNT_AXIS: Final = alt.Axis(labelExpr=SHORT_NUMBER, tickCount=5)

Colours = Mapping[str, str]
Drawing = alt.Chart | alt.LayerChart | alt.FacetChart


def drawable(rows: Iterable[Row]) -> list[Row]:
    """Rows as JSON can carry them; amounts become floats for position only."""
    return [{key: _drawable(value) for key, value in row.items()} for row in rows]


def _drawable(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value


def _with_text(rows: Sequence[Row], *, value: str, day: str, currency: str | None) -> list[Row]:
    described: list[Row] = []
    for row in rows:
        amount = row[value]
        text = fmt.money(amount, currency) if currency else fmt.tokens(amount)
        described.append(row | {"amount_text": text, "day_text": fmt.day(row[day])})
    return drawable(described)


def team_colours(ranked: Sequence[str]) -> dict[str, str]:
    """Colours for the teams that spend most, in that order; the rest share one, and unallocated is always grey."""
    named = [team for team in ranked if team != "unallocated"]
    colours = dict(zip(named[:_SHOWN_APART], PALETTE, strict=False))
    if len(named) > _SHOWN_APART:
        colours["other teams"] = PALETTE[_SHOWN_APART]
    return colours | {"unallocated": GREY}


def present(colours: Colours, rows: Sequence[Row], field: str) -> dict[str, str]:
    """The part of ``colours`` that the rows use, so that a legend names nothing else."""
    used = {row[field] for row in rows}
    return {name: colour for name, colour in colours.items() if name in used}


def _days_axis(field: str) -> alt.X:
    return alt.X(
        f"{field}:T",
        timeUnit="utcyearmonthdate",
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(title=None, format="%d %b", labelAngle=0, grid=False, tickCount=8, labelOverlap=True),
    )


def stacked_days(
    rows: Sequence[Row], *, series: str, value: str, title: str, colours: Colours, currency: str | None
) -> alt.Chart:
    """Stacked bars per day; ``series`` outside ``colours`` are drawn as ``other teams``."""
    shown = [
        row | {"group": row[series] if row[series] in colours else "other teams", "state": _state(row)}
        for row in _with_text(rows, value=value, day="charge_date", currency=currency)
    ]
    names = list(colours)
    return (
        alt.Chart(alt.Data(values=shown), height=_HEIGHT)
        .mark_bar(strokeWidth=1)
        .encode(
            x=_days_axis("charge_date"),
            y=alt.Y(f"{value}:Q", title=title, axis=AMOUNT_AXIS),
            color=alt.Color(
                "group:N",
                scale=alt.Scale(domain=names, range=[colours[name] for name in names]),
                legend=alt.Legend(title=None, orient="top", labelExpr=_LEGEND_WORDS, columns=6, labelLimit=160),
            ),
            order=alt.Order("position:Q"),
            opacity=alt.Opacity(
                "state:N",
                scale=alt.Scale(domain=["complete", "incomplete"], range=[1, 0.35]),
                legend=None,
            ),
            detail=f"{series}:N",
            tooltip=[
                alt.Tooltip("day_text:N", title="Day"),
                alt.Tooltip(f"{series}:N", title=series.replace("_", " ").capitalize()),
                alt.Tooltip("amount_text:N", title=title),
                alt.Tooltip("state:N", title="Bill"),
            ],
        )
        .transform_calculate(position=f"indexof({names!r}, datum.group)")
    )


_LEGEND_WORDS: Final = (
    "{'aws': 'AWS Bedrock', 'gcp': 'Google Vertex AI', 'azure': 'Azure OpenAI', 'anthropic': 'Anthropic API', "
    "'openai': 'OpenAI API', 'cache_read': 'cache read', "
    "'cache_write_5m': 'cache write (5 min)', 'cache_write_1h': 'cache write (1 h)'}[datum.label] || datum.label"
)


def _state(row: Row) -> str:
    return "complete" if row["is_complete"] else "incomplete"


def ranked_bars(rows: Sequence[Row], *, name: str, title: str, colours: Colours, currency: str) -> Drawing:
    """Horizontal bars, largest on top, each with its amount written at its end."""
    shown = drawable(
        row
        | {
            "name_text": fmt.provider(row[name]) if name == "provider" else row[name] or "no model named",
            "amount_text": fmt.money(row["cost"], currency, places=0),
            "share_text": fmt.percent(row["share_ratio"]),
            "colour": colours.get(row[name], PALETTE[_SHOWN_APART] if name == "team" else PALETTE[0]),
        }
        for row in rows
    )
    base = alt.Chart(alt.Data(values=shown), height=alt.Step(26)).encode(
        y=alt.Y("name_text:N", sort=None, axis=alt.Axis(title=None, labelLimit=150, ticks=False, domain=False)),
        x=alt.X(
            "cost:Q", axis=alt.Axis(title=title, labelExpr=SHORT_NUMBER, tickCount=4), scale=_room_for_words(shown)
        ),
        tooltip=[
            alt.Tooltip("name_text:N", title=name.replace("_", " ").capitalize()),
            alt.Tooltip("amount_text:N", title=title),
            alt.Tooltip("share_text:N", title="Share"),
        ],
    )
    bars = base.mark_bar().encode(color=alt.Color("colour:N", scale=None))
    words = base.mark_text(align="left", dx=4, color=GREY, fontSize=12).encode(text="amount_text:N")
    return alt.layer(bars, words)


def _room_for_words(rows: Sequence[Row]) -> alt.Scale:
    amounts = [row["cost"] for row in rows if row["cost"] is not None] or [1.0]
    return alt.Scale(domain=[min(0.0, *amounts) * 1.3, max(0.0, *amounts) * 1.3], nice=False)


def waterfall(rows: Sequence[Row], *, title: str, currency: str) -> Drawing:
    """Floating bars from a first total to a last one, each with its amount written beside it."""
    shown = drawable(
        row
        | {
            "name_text": row["step"].replace("_", " "),
            "amount_text": fmt.money(row["amount"], currency, places=2, signed=row["kind"] != "total"),
            "left": min(row["opens"], row["closes"]),
            "right": max(row["opens"], row["closes"]),
            "colour": {"total": GREY, "lower": PALETTE[2], "higher": PALETTE[6]}[row["kind"]],
        }
        for row in rows
    )
    floating = [value for row in shown for value in (row["closes"], row["opens"] or row["closes"])]
    low, high = min(floating, default=0.0), max(floating, default=1.0)
    room = (high - low or abs(high) or 1.0) * 0.25
    for row in shown:
        row["left"] = max(row["left"], low - room) if row["kind"] == "total" else row["left"]
    scale = alt.Scale(domain=[low - room, high + room], nice=False, zero=False)
    base = alt.Chart(alt.Data(values=shown), height=alt.Step(26)).encode(
        y=alt.Y("name_text:N", sort=None, axis=alt.Axis(title=None, labelLimit=150, ticks=False, domain=False)),
        tooltip=[alt.Tooltip("name_text:N", title="Step"), alt.Tooltip("amount_text:N", title=title)],
    )
    x = alt.X("left:Q", scale=scale, axis=alt.Axis(title=title, labelExpr=SHORT_NUMBER, tickCount=5))
    bars = base.mark_bar(minBandSize=2).encode(x=x, x2="right:Q", color=alt.Color("colour:N", scale=None))
    edges = base.mark_tick(thickness=2).encode(x=alt.X("right:Q", scale=scale), color=alt.Color("colour:N", scale=None))
    words = base.mark_text(align="left", dx=5, color=GREY, fontSize=12).encode(
        x=alt.X("right:Q", scale=scale), text="amount_text:N"
    )
    return alt.layer(bars, edges, words)


def lines(rows: Sequence[Row], *, series: str, value: str, title: str, currency: str) -> alt.Chart:
    """One line per ``series`` over days."""
    names = list(dict.fromkeys(row[series] for row in rows))
    shown = [
        row
        | {
            "amount_text": fmt.money(_decimal(row[value]), currency, places=4),
            "day_text": fmt.day(row["charge_date"]),
        }
        for row in rows
    ]
    return (
        alt.Chart(alt.Data(values=drawable(shown)), height=_HEIGHT)
        .mark_line(point=alt.OverlayMarkDef(size=14), strokeWidth=2)
        .encode(
            x=_days_axis("charge_date"),
            y=alt.Y(f"{value}:Q", title=title, axis=alt.Axis(tickCount=5)),
            color=alt.Color(
                f"{series}:N",
                scale=alt.Scale(domain=names, range=list(PALETTE)),
                legend=alt.Legend(title=None, orient="top", columns=6, labelLimit=160),
            ),
            tooltip=[
                alt.Tooltip("day_text:N", title="Day"),
                alt.Tooltip(f"{series}:N", title=series.capitalize()),
                alt.Tooltip("amount_text:N", title=title),
            ],
        )
    )


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))
