"""Spikes: what went up or down beyond the ordinary, and one spike's page by its link (``?spike=ID``)."""

from collections.abc import Sequence
from decimal import Decimal

import streamlit as st

from dashboard import capacity_charts, definitions, layout
from dashboard import format as fmt
from dashboard.store import Row

BASIS = "impact in USD, actual less expected"

page = layout.current()


def close() -> None:
    st.query_params.pop("spike", None)
    st.session_state.pop("table-spikes", None)


def one(spike: Row) -> None:
    st.button("All spikes", icon=":material/arrow_back:", on_click=close)
    st.subheader(fmt.plain(layout.spike_title(spike)), anchor=False)
    until = "still open" if spike["ended_on"] is None else f"until {fmt.day(spike['ended_on'])}"
    places = st.columns(4)
    layout.card(places[0], "Impact, USD", fmt.money(spike["impact_usd"], "USD", signed=True))
    layout.card(places[1], "Actual, USD", fmt.money(spike["actual"], "USD"))
    layout.card(places[2], "Expected, USD", fmt.money(spike["expected"], "USD"))
    layout.card(places[3], "Since", fmt.day(spike["started_on"]), detail=until)
    st.markdown(
        f"**Verdict: {spike['verdict']}.** {definitions.VERDICTS.get(spike['verdict'], '')} "
        f"{definitions.LANES.get(spike['lane'], '')} Team **{fmt.plain(spike['team'])}**, "
        f"product **{fmt.plain(spike['product'] or fmt.UNKNOWN)}**, "
        f"model **{fmt.plain(spike['model'] or 'several')}**, {fmt.provider(spike['provider'])}. "
        f"Found on {fmt.day(spike['detected_on'])}."
    )
    days = page.rows("spike_days", spike_id=spike["spike_id"])
    if days:
        drawing = capacity_charts.spike_days(days, since=spike["started_on"], expected_per_day=per_day(spike, days))
        layout.chart(drawing, "spike-days", alternative="Dollars per day around the spike, with the expected level")
    layout.note(
        "Red: the spike's days. Blue: what was expected, spread evenly over them. "
        + ("Effective cost" if spike["lane"] == "billed" else "Metered tokens at list price")
        + ", USD per day, of this team and product, usage charges only."
    )
    drivers = page.rows("spike_drivers", spike_id=spike["spike_id"])
    if drivers:
        st.subheader("What it is made of", anchor=False)
        layout.table("drivers", drivers, {"driver": ("text", "Driver"), "contribution_usd": ("money", "Contribution")})
        meant = [f"**{name}** {words}" for name, words in definitions.DRIVERS.items()]
        layout.note("Contributions sum to the impact. " + "; ".join(meant) + ".")


def per_day(spike: Row, days: Sequence[Row]) -> float | None:
    """Height of the expected marks; for drawing only."""
    expected: Decimal | None = spike["expected"]
    count = sum(1 for day in days if day["is_spike"] and day["is_complete"])
    return None if expected is None or count == 0 else float(expected) / count


def everything() -> None:
    wanted = st.pills("Direction", ["up", "down"], key="direction", bind="query-params", persist_state="session")
    found = page.rows("spikes", direction=wanted)
    if not found:
        st.success("No spike in these days for these filters.", icon=":material/check_circle:")
        return
    columns: layout.Columns = {
        "started_on": ("day", "Since"),
        "until_day": ("text", "Until"),
        "team": ("text", "Team"),
        "product": ("text", "Product"),
        "model": ("text", "Model"),
        "provider": ("provider", "Provider"),
        "direction": ("text", "Direction"),
        "verdict": ("text", "Verdict"),
        "impact_usd": ("money", "Impact"),
        "lane": ("text", "Lane"),
    }
    picked = layout.table("spikes", found, columns, select=True)
    layout.note(definitions.SPIKES)
    if picked is not None:
        st.query_params["spike"] = picked["spike_id"]
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
            f"Spike “{fmt.plain(asked)}” is not in this publication; a restated bill can dissolve it. The list:",
            icon=":material/link_off:",
        )
        everything()
