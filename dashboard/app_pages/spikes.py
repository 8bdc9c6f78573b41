"""Spikes: what went up or down beyond the ordinary, and one spike's page by its link (``?spike=ID``)."""

from decimal import Decimal

import streamlit as st

from dashboard import capacity_charts, format as fmt, layout
from dashboard.store import Row

VERDICTS = {
    "volume": "More or fewer tokens or requests at the same cost each.",
    "efficiency": "A request costs another amount at the same model and price: prompt length, output length or cache.",
    "mix": "The work moved between models or products with other prices.",
    "price": "The price itself changed.",
    "new": "There was no such spend before.",
    "vanished": "Spend that was there every day has stopped.",
}
LANES = {"billed": "seen on the bill", "estimate": "seen early from the meters at list price; the bill follows"}
BASIS = "impact in USD: actual less expected, billed cost or metered estimate as named"

page = layout.current()


def close() -> None:
    st.query_params.pop("spike", None)
    st.session_state.pop("table-spikes", None)


def one(spike: Row) -> None:
    st.button("All spikes", icon=":material/arrow_back:", on_click=close)
    st.subheader(fmt.plain(layout.spike_title(spike)), anchor=False)
    ended = None if spike["ended_on"] is None else fmt.span(spike["started_on"], spike["ended_on"])
    places = st.columns(4)
    layout.card(places[0], "Impact, USD", fmt.money(spike["impact_usd"], "USD", signed=True))
    layout.card(places[1], "Actual, USD", fmt.money(spike["actual"], "USD"))
    layout.card(places[2], "Expected, USD", fmt.money(spike["expected"], "USD"))
    layout.card(places[3], "Days", f"since {fmt.day(spike['started_on'])}" if ended is None else ended)
    st.markdown(
        f"**Verdict: {spike['verdict'] or fmt.UNKNOWN}.** {VERDICTS.get(spike['verdict'], '')} "
        f"Team **{fmt.plain(spike['team'])}**, product **{fmt.plain(spike['product'] or fmt.UNKNOWN)}**, "
        f"model **{fmt.plain(spike['model'] or 'all')}**, {fmt.provider(spike['provider'])}. "
        f"{LANES.get(spike['lane'], '').capitalize()}. Found on {fmt.day(spike['detected_on'])}."
    )
    days = page.rows("spike_days", spike_id=spike["spike_id"])
    if not days:
        layout.empty("daily amounts around this spike")
        return
    drawing = capacity_charts.spike_days(days, expected_per_day=per_day(spike, days))
    layout.chart(drawing, "spike-days", alternative="Dollars per day around the spike, with the expected level")
    layout.note(
        f"{'Billed cost' if spike['lane'] == 'billed' else 'Metered tokens at list price'}, USD per day, for this team, product "
        "and model. Red: the spike's days. Blue marks: the expected level, the spike's expectation spread evenly over its days."
    )


def per_day(spike: Row, days: list[Row]) -> float | None:
    """Height of the expected marks; for drawing only."""
    expected: Decimal | None = spike["expected"]
    count = sum(1 for day in days if day["is_spike"])
    return None if expected is None or count == 0 else float(expected) / count


def everything() -> None:
    wanted = st.pills("Direction", ["up", "down"], key="direction", bind="query-params", persist_state="session")
    found = page.read("spikes", direction=wanted)
    if not found.num_rows:
        st.success("No spike in these days for these filters.", icon=":material/check_circle:")
        return
    columns = {
        "started_on": ("day", "Since"),
        "ended_on": ("day", "Until"),
        "team": ("text", "Team"),
        "product": ("text", "Product"),
        "model": ("text", "Model"),
        "provider": ("text", "Provider"),
        "direction": ("text", "Direction"),
        "verdict": ("text", "Verdict"),
        "impact_usd": ("money", "Impact"),
        "lane": ("text", "Lane"),
    }
    picked = layout.table("spikes", found, columns, select=True)
    layout.note(
        "Pick a row to open it. Until unknown: still open. Late data is no spike; the detector waits for complete days."
    )
    if picked is not None:
        st.query_params["spike"] = found.column("spike_id")[picked].as_py()
        st.rerun()


layout.heading(page, "Spikes", "What went up or down beyond the ordinary, why, and whose is it?", basis=BASIS)
asked = st.query_params.get("spike")
if asked is None:
    everything()
else:
    known = page.rows("spike", spike_id=asked)
    if known:
        one(known[0])
    else:
        st.warning(
            f"Spike “{fmt.plain(asked)}” is not in this publication. Restated bills can dissolve a spike; the list has the current ones.",
            icon=":material/link_off:",
        )
        everything()
