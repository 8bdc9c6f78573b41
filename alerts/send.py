"""Tells every channel of the spikes it was not told of yet, each spike once."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import state as store
from alerts.channels import send
from alerts.config import AlertsConfig, Channel
from alerts.errors import AlertError
from alerts.findings import Published, Spike, read_published
from alerts.incidents import remember
from alerts.message import Message, digest_message, spike_message
from state import State

logger = logging.getLogger(__name__)

DASHBOARD_URL = "INFERLEDGER_DASHBOARD_URL"


@dataclass(frozen=True)
class Delivery:
    """One message that was tried. `spike_ids` has several for a digest; `message` says why it failed."""

    channel: str
    spike_ids: tuple[str, ...]
    sent: bool
    message: str | None = None


def send_alerts(
    published: Path, state: State, config: AlertsConfig, as_of: datetime, environ: Mapping[str, str] | None = None
) -> list[Delivery]:
    """Send what each channel has not been told, and remember it.

    A spike is claimed in the state store before it is sent, so that it is sent once even when the run is killed between
    sending and remembering. A channel that fails does not keep the others from being told; the next run tries it again.

    Returns:
        One delivery per message tried; none for spikes that were told before.

    Raises:
        AlertError: there is no published file to read.
    """
    settings = os.environ if environ is None else environ
    found = read_published(published, as_of)
    told_as = remember(state, found.spikes, as_of)
    due = [spike for spike in found.spikes if _is_due(spike, config, as_of)]
    url = settings.get(DASHBOARD_URL) or config.dashboard_url
    work = _Round(found, due, told_as, config.digest_above, url, as_of)
    deliveries: list[Delivery] = []
    for channel in config.channels:
        address = settings.get(channel.url_env, "").strip()
        if not address:
            logger.warning("alert channel is off", extra={"channel": channel.name, "unset": channel.url_env})
            continue
        deliveries.extend(_tell(channel, address, state, work))
    return deliveries


def _is_due(spike: Spike, config: AlertsConfig, as_of: datetime) -> bool:
    last = spike.ended_on or as_of.date()
    return abs(spike.impact_usd) >= config.minimum_usd and last >= as_of.date() - timedelta(days=config.max_age_days)


@dataclass(frozen=True)
class _Round:
    """What is the same for all channels of one run."""

    found: Published
    due: list[Spike]
    told_as: Mapping[str, str]
    digest_above: int
    url: str
    as_of: datetime


def _tell(channel: Channel, address: str, state: State, work: _Round) -> list[Delivery]:
    cut_off = store.interrupted_deliveries(state, channel.name)
    open_status = (None, store.FAILED)
    pending = [
        spike
        for spike in work.due
        if store.delivery_status(state, work.told_as[spike.spike_id], channel.name) in open_status
    ]
    is_digest = len(pending) > work.digest_above
    deliveries: list[Delivery] = []
    for batch in [pending] if is_digest else [[spike] for spike in pending]:
        # Claimed one message at a time, so that a killed run leaves at most one in doubt.
        claimed = [s for s in batch if store.intend_delivery(state, work.told_as[s.spike_id], channel.name, work.as_of)]
        if not claimed:
            continue
        message = (
            digest_message(claimed, work.found, work.url)
            if is_digest
            else spike_message(claimed[0], work.found, work.url)
        )
        failure = _try(channel, address, _with_notice(message, cut_off, work.url))
        for spike in claimed:
            status = store.SENT if failure is None else store.FAILED
            store.record_delivery(state, work.told_as[spike.spike_id], channel.name, status, work.as_of, failure)
        if failure is None:
            for spike_id in cut_off:
                store.record_delivery(state, spike_id, channel.name, store.UNKNOWN, work.as_of, "cut off while sending")
            cut_off = []
        else:
            logger.warning("alert not sent", extra={"channel": channel.name, "reason": failure})
        deliveries.append(Delivery(channel.name, tuple(s.spike_id for s in claimed), failure is None, failure))
    return deliveries


def _try(channel: Channel, address: str, message: Message) -> str | None:
    try:
        return send(channel, address, message)
    except AlertError as error:
        return str(error)


def _with_notice(message: Message, cut_off: list[str], url: str) -> Message:
    """Say which earlier alerts may not have arrived, because the run was killed while it sent them."""
    if not cut_off:
        return message
    links = ", ".join(f"{url.rstrip('/')}/?spike={spike_id}" for spike_id in cut_off)
    notice = ("Also", f"an earlier run was cut off while it sent these, which may not have arrived: {links}")
    return replace(message, lines=(*message.lines, notice))
