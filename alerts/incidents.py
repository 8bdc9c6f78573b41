"""Turns spikes into incidents, and knows an incident again when it comes under another id."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import state as store
from alerts.findings import Spike
from state import Incident, State

_NEAR = timedelta(days=2)


def remember(state: State, spikes: Iterable[Spike], as_of: datetime) -> dict[str, str]:
    """Make or update the incident of every spike.

    A spike that was first seen on estimates comes again with the bill, and a restated day can move the first day of
    one: both get another id. Such a spike is the same incident as an earlier one of its series and direction whose
    days it meets.

    Returns:
        For every spike id, the id under which people were told of the incident.
    """
    listed = list(spikes)
    current = {spike.spike_id for spike in listed}
    told_as: dict[str, str] = {}
    for spike in sorted(listed, key=lambda one: (one.started_on, one.spike_id)):
        known = store.find_incidents(state, provider=spike.provider, team=spike.team, direction=spike.direction)
        own = next((incident for incident in known if incident.spike_id == spike.spike_id), None)
        same_as = own.same_as if own else _earlier(spike, known, current, as_of.date())
        store.save_incident(state, _incident(spike, same_as), as_of)
        told_as[spike.spike_id] = same_as or spike.spike_id
    return told_as


def _earlier(spike: Spike, known: list[Incident], current: set[str], today: date) -> str | None:
    for incident in known:
        # Two spikes that stand side by side in the published file are two.
        if incident.spike_id in current or not _is_same_series(spike, incident):
            continue
        ended = incident.ended_on or (incident.last_seen_as_of.date() if incident.last_seen_as_of else today)
        if spike.started_on <= ended + _NEAR and (spike.ended_on or today) >= incident.started_on - _NEAR:
            return incident.same_as or incident.spike_id
    return None


def _is_same_series(spike: Spike, incident: Incident) -> bool:
    return (incident.product, incident.sub_account_id) == (spike.product, spike.sub_account_id)


def _incident(spike: Spike, same_as: str | None) -> Incident:
    return Incident(
        spike_id=spike.spike_id,
        lane=spike.lane,
        provider=spike.provider,
        team=spike.team,
        product=spike.product,
        sub_account_id=spike.sub_account_id,
        model=spike.model,
        direction=spike.direction,
        verdict=spike.verdict,
        started_on=spike.started_on,
        ended_on=spike.ended_on,
        impact_usd=spike.impact_usd,
        same_as=same_as,
    )
