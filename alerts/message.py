"""The words of an alert: what, since when, how many dollars, who, why, how sure, and where to look."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from alerts.findings import Published, Spike

PROVIDERS = {"aws": "AWS", "gcp": "Google Cloud", "azure": "Azure", "anthropic": "Anthropic", "openai": "OpenAI"}
UNALLOCATED = "unallocated"
NORMAL_AFTER_DAYS = 28

_CAUSES = {
    ("volume", "up"): "more requests",
    ("volume", "down"): "fewer requests",
    (
        "efficiency",
        "up",
    ): "each request costs more: more tokens, or dearer ones, such as a prompt cache that no longer hits",
    (
        "efficiency",
        "down",
    ): "each request costs less: fewer tokens, or cheaper ones, such as a prompt cache that hits more",
    ("mix", "up"): "requests moved to a dearer model",
    ("mix", "down"): "requests moved to a cheaper model",
    ("price", "up"): "the same tokens at a higher unit price",
    ("price", "down"): "the same tokens at a lower unit price",
    ("new", "up"): "there was no such cost before",
    ("vanished", "down"): "the cost stopped",
}
_DRIVERS = {
    "volume": "number of requests",
    "efficiency": "tokens for one request",
    "mix": "shift between models",
    "price": "unit price",
    "unmetered": "cost without tokens (capacity)",
}
_BASES = {
    "billed": "effective cost from the provider's bill, in USD",
    "estimate": "estimated cost, in USD: metered tokens at list price, for days not yet billed",
}


@dataclass(frozen=True)
class Message:
    """An alert in the form each channel needs. `facts` are the named values of a machine-readable message."""

    title: str
    lines: tuple[tuple[str, str], ...]
    link: str
    facts: dict[str, object]
    closing: str


def spike_message(spike: Spike, published: Published, dashboard_url: str) -> Message:
    """The alert of one spike."""
    link = f"{dashboard_url.rstrip('/')}/?spike={spike.spike_id}"
    complete = published.complete_through.get((spike.lane, spike.provider))
    lines = (
        ("When", _period(spike)),
        ("How much", _amount(spike)),
        ("Who", _owner(spike)),
        ("Why", _cause(spike)),
        ("Basis", _BASES[spike.lane]),
        ("Complete", _completeness(spike, complete)),
    )
    return Message(_title(spike), lines, link, _facts(spike, complete, published.as_of, link), _as_of(published.as_of))


def digest_message(spikes: list[Spike], published: Published, dashboard_url: str) -> Message:
    """One alert for many spikes, largest first."""
    messages = [spike_message(spike, published, dashboard_url) for spike in spikes]
    link = f"{dashboard_url.rstrip('/')}/spikes"
    lines = tuple(
        (_period(spike), f"{message.title}. {message.link}") for spike, message in zip(spikes, messages, strict=True)
    )
    facts: dict[str, object] = {
        "kind": "digest",
        "count": len(spikes),
        "currency": "USD",
        "as_of": _iso(published.as_of),
        "link": link,
        "spikes": [message.facts for message in messages],
    }
    days = {
        f"{PROVIDERS.get(spike.provider, spike.provider)}: "
        + _completeness(spike, published.complete_through.get((spike.lane, spike.provider)))
        for spike in spikes
    }
    return Message(
        f"{len(spikes)} spikes in AI spend",
        (*lines, ("Complete", " ".join(sorted(days)))),
        link,
        facts,
        _as_of(published.as_of),
    )


def plain_text(message: Message) -> str:
    """For e-mail."""
    width = max(len(name) for name, _ in message.lines) + 1
    lines = [f"{name + ':':<{width}} {text}" for name, text in message.lines]
    return "\n".join([message.title, "", *lines, "", f"Look closer: {message.link}", "", message.closing])


def slack_text(message: Message) -> str:
    """For Slack's own mark-up, which knows *bold* and <link|text>."""
    lines = [f"*{_escaped(name)}:* {_escaped(text)}" for name, text in message.lines]
    return "\n".join(
        [f"*{_escaped(message.title)}*", *lines, f"<{message.link}|Look closer>", f"_{_escaped(message.closing)}_"]
    )


def _escaped(text: str) -> str:
    # https://api.slack.com/reference/surfaces/formatting#escaping
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _title(spike: Spike) -> str:
    provider = PROVIDERS.get(spike.provider, spike.provider)
    usd = dollars(abs(spike.impact_usd))
    if spike.team == UNALLOCATED:
        place = f"account {spike.sub_account_id}" if spike.sub_account_id else "an unknown account"
        if spike.verdict == "new":
            return f"New cost that no team owns: {place} on {provider}, {usd}{_so_far(spike)}"
        return f"Cost that no team owns is {usd} {_above(spike)} expected: {place} on {provider}"
    what = f"{spike.team} / {spike.product}" if spike.product else spike.team
    if spike.verdict == "new":
        return f"New cost: {what} on {provider}, {usd}{_so_far(spike)}"
    if spike.verdict == "vanished":
        return f"Cost stopped: {what} on {provider}, {usd} below expected"
    return f"{what} on {provider}: {usd} {_above(spike)} expected"


def _so_far(spike: Spike) -> str:
    return " so far" if spike.ended_on is None else ""


def _above(spike: Spike) -> str:
    return "above" if spike.direction == "up" else "below"


def _period(spike: Spike) -> str:
    if spike.ended_on is None:
        return f"since {_day(spike.started_on)}, still going on"
    if spike.ended_on == spike.started_on:
        return f"on {_day(spike.started_on)}"
    period = f"{_day(spike.started_on)} to {_day(spike.ended_on)}"
    if (spike.ended_on - spike.started_on).days + 1 >= NORMAL_AFTER_DAYS:
        return f"{period}; after four weeks it counts as the new normal"
    return period


def _amount(spike: Spike) -> str:
    text = f"{dollars(spike.actual)} instead of {dollars(spike.expected)}: {dollars(spike.impact_usd, signed=True)}"
    if spike.expected > 0:
        share = (spike.impact_usd / spike.expected * 100).quantize(Decimal(1), ROUND_HALF_EVEN)
        text += f" ({share:+} %)"
    return text


def _owner(spike: Spike) -> str:
    parts = [f"team {spike.team}"]
    if spike.product:
        parts.append(f"product {spike.product}")
    parts.append(PROVIDERS.get(spike.provider, spike.provider))
    if spike.sub_account_id:
        parts.append(f"account {spike.sub_account_id}")
    if spike.model:
        parts.append(f"model {spike.model}")
    return ", ".join(parts)


def _cause(spike: Spike) -> str:
    cause = _CAUSES.get((spike.verdict, spike.direction), spike.verdict)
    if spike.verdict in ("new", "vanished"):
        return cause
    shares = sorted(spike.drivers.items(), key=lambda item: abs(item[1]), reverse=True)
    shown = [f"{_DRIVERS.get(name, name)} {dollars(usd, signed=True)}" for name, usd in shares if abs(usd) >= 1]
    return f"{cause} ({', '.join(shown)})" if shown else cause


def _completeness(spike: Spike, complete: date | None) -> str:
    kind = "bill" if spike.lane == "billed" else "usage"
    if complete is None:
        return f"it is not known through which day the {kind} is complete."
    return f"the {kind} is complete through {_day(complete)}; later days are not judged."


def _facts(spike: Spike, complete: date | None, as_of: datetime, link: str) -> dict[str, object]:
    # Money is text, so that no reader turns it into a rounded double.
    return {
        "kind": "spike",
        "spike_id": spike.spike_id,
        "lane": spike.lane,
        "provider": spike.provider,
        "team": spike.team,
        "product": spike.product,
        "sub_account_id": spike.sub_account_id,
        "model": spike.model,
        "direction": spike.direction,
        "verdict": spike.verdict,
        "metric": spike.metric,
        "currency": "USD",
        "started_on": spike.started_on.isoformat(),
        "detected_on": spike.detected_on.isoformat(),
        "ended_on": spike.ended_on.isoformat() if spike.ended_on else None,
        "actual": format(spike.actual, "f"),
        "expected": format(spike.expected, "f"),
        "impact_usd": format(spike.impact_usd, "f"),
        "drivers": {name: format(usd, "f") for name, usd in sorted(spike.drivers.items())},
        "complete_through": complete.isoformat() if complete else None,
        "as_of": _iso(as_of),
        "link": link,
    }


def dollars(usd: Decimal, *, signed: bool = False) -> str:
    """US dollars for people: whole ones from ten dollars on, cents below."""
    step = Decimal(1) if abs(usd) >= 10 else Decimal("0.01")
    rounded = abs(usd).quantize(step, ROUND_HALF_EVEN)
    sign = "-" if usd < 0 else "+" if signed else ""
    return f"{sign}${rounded:,}"


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _as_of(moment: datetime) -> str:
    return f"inferledger, as of {moment:%Y-%m-%d %H:%M} UTC"
