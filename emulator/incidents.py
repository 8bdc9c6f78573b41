"""What the scenario plants into ninety days of traffic, as a list, and how each kind bends usage.

An incident is planted only where enough history precedes it, so a short world has few. Two kinds leave usage alone and
live in the bill, where the local clouds apply them: `price_change` (list price of the stream's model times PRICE_STEP
from the start date on) and `late_data` (see `late_hours`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np

from emulator.organisation import Organisation
from emulator.pricing import TOKENS, list_cost, list_prices
from emulator.traffic import Calendar, simulate

PRICE_STEP = Decimal("1.6")
LATE_FIRST_HOUR = time(12, 0)
LATE_BY = timedelta(days=2)
CACHE_BREAK_FACTOR = 4.0
CACHE_BREAK_WRITE_SHARE = 0.15
STORM_HOURS = slice(12, 18)
STORM_FACTOR = 15.0
NETTED_SHARE = 0.75
CREEP_PER_DAY = 0.02
MONTH_END_FACTOR = 12.0
MONTH_END_KNOWN_FROM = 3
LABS_REQUESTS = 140_000
CENT = Decimal("0.01")

Usage = dict[str, np.ndarray]


@dataclass(frozen=True)
class Scene:
    """What an effect works on: the usage of all streams by id, which it changes in place."""

    organisation: Organisation
    calendar: Calendar
    usage: Usage
    rng: Callable[[str], np.random.Generator]


@dataclass(frozen=True)
class Plan:
    """One entry of the scenario: `first` and `last` are days counted from the as-of date, both included.

    `first` None stands for the first day of the world. `history` is the least number of days before the start.
    """

    kind: str
    provider: str
    team: str | None
    product: str | None
    stream_ids: tuple[str, ...]
    first: int | None
    last: int
    history: int
    is_spike: bool
    verdict: str | None
    effect: Callable[[Scene, slice], None] | None = None


@dataclass(frozen=True)
class Incident:
    """A planted incident as it stands in the truth; `impact_usd` is its difference at list prices."""

    incident_id: str
    kind: str
    provider: str
    team: str | None
    product: str | None
    stream_ids: tuple[str, ...]
    start_date: date
    end_date: date
    impact_usd: Decimal
    is_spike: bool
    verdict: str | None

    def row(self) -> Mapping[str, Any]:
        """The row of `incidents.parquet`."""
        return {name: value for name, value in vars(self).items() if name != "stream_ids"}

    def covers(self, day: date) -> bool:
        """Whether the day lies between start and end, both included."""
        return self.start_date <= day <= self.end_date


def _break_cache(scene: Scene, span: slice) -> None:
    """Turn cache reads into uncached input and cache writes until the same requests cost four times as much."""
    rows = scene.usage["aws-ticket-triage"][span]
    price = [float(rate) for rate in list_prices()["claude-sonnet-4-5"]]
    cost = float(rows[:, TOKENS].sum(axis=0) @ np.array(price))
    dearer = (1 - CACHE_BREAK_WRITE_SHARE) * price[0] + CACHE_BREAK_WRITE_SHARE * price[3] - price[2]
    share = (CACHE_BREAK_FACTOR - 1) * cost / (float(rows[:, 3].sum()) * dearer)
    if share > 1:
        raise ValueError("aws-ticket-triage reads too little from its cache to cost four times as much without it")
    lost = np.rint(rows[:, 3] * share).astype(np.int64)
    written = np.rint(lost * CACHE_BREAK_WRITE_SHARE).astype(np.int64)
    rows[:, 3] -= lost
    rows[:, 4] += written
    rows[:, 1] += lost - written


def _storm(scene: Scene, span: slice) -> None:
    """Clients time out and ask again: answered and billed requests multiply for six hours, throttled ones more so."""
    rows = scene.usage["az-agent-assist"][span][STORM_HOURS]
    rows[:] = np.rint(rows * STORM_FACTOR)
    rows[:, 6] += rows[:, 0] // 5
    rows[:, 7] += rows[:, 0] // 10


def _switch_model(scene: Scene, span: slice) -> None:
    scene.usage["aws-email-writer-sonnet"][span] += scene.usage["aws-email-writer"][span]
    scene.usage["aws-email-writer"][span] = 0


def _net(scene: Scene, span: slice) -> None:
    """Day by day, move the same list-price dollars from one product's requests to the other's."""
    giver, taker = scene.usage["az-code-complete"][span], scene.usage["az-code-review"][span]
    for start in range(0, len(giver), 24):
        given, taken = giver[start : start + 24], taker[start : start + 24]
        before = list_cost("gpt-4.1-mini", given)
        given[:] = np.rint(given * (1 - NETTED_SHARE))
        freed = before - list_cost("gpt-4.1-mini", given)
        own = list_cost("gpt-4.1", taken)
        taken[:] = np.rint(taken * float(1 + freed / own))
        # Rounding the hours leaves fractions of a cent; a few prompt tokens in the busiest hour settle them.
        open_usd = freed - (list_cost("gpt-4.1", taken) - own)
        tokens = (open_usd * 1_000_000 / list_prices()["gpt-4.1"][0]).to_integral_value(ROUND_HALF_EVEN)
        taken[int(taken[:, 0].argmax()), 1] += int(tokens)


def _open_labs(scene: Scene, span: slice) -> None:
    stream = scene.organisation.stream("gcp-labs")
    awake = replace(stream, traffic={**stream.traffic, "requests": LABS_REQUESTS})
    usage = simulate(awake, scene.calendar, scene.rng("traffic:gcp-labs"))
    scene.usage[stream.id][span] = usage[span]


def _creep(scene: Scene, span: slice) -> None:
    """Grow by 2 % a day, and stay at the height reached."""
    rows = scene.usage["aws-sql-copilot"][span.start :]
    days = np.arange(len(rows)) // 24 + 1
    rows[:] = np.rint(rows * ((1 + CREEP_PER_DAY) ** days)[:, None])


def _run_batches(scene: Scene) -> list[date]:
    """Multiply the batch on every month's last day; returns those days, oldest first."""
    calendar = scene.calendar
    days = [calendar.first_day + timedelta(days=n) for n in range(calendar.days)]
    month_ends = [day for day in days if (day + timedelta(days=1)).day == 1]
    for day in month_ends:
        rows = scene.usage["az-enrichment"][calendar.span(day, day)]
        rows[:] = np.rint(rows * MONTH_END_FACTOR)
    return month_ends


INCIDENTS = (
    Plan("cache_break", "aws", "support", "ticket-triage", ("aws-ticket-triage",),
         -7, -2, 28, True, "efficiency", _break_cache),
    Plan("retry_storm", "azure", "support", "agent-assist", ("az-agent-assist",),
         -28, -28, 28, True, "volume", _storm),
    Plan("model_switch", "aws", "growth", "email-writer", ("aws-email-writer", "aws-email-writer-sonnet"),
         -37, -31, 28, True, "mix", _switch_model),
    Plan("price_change", "gcp", "docs", "doc-translate", ("gcp-doc-translate",),
         -26, -1, 28, True, "price"),
    Plan("netting_pair", "azure", "devtools", "code-review", ("az-code-review",),
         -16, -12, 28, True, "volume", _net),
    Plan("netting_pair", "azure", "devtools", "code-complete", ("az-code-complete",),
         -16, -12, 28, True, "volume"),
    Plan("untagged_project", "gcp", "unallocated", None, ("gcp-labs",),
         -21, -9, 28, True, "new", _open_labs),
    Plan("slow_creep", "aws", "data-platform", "sql-copilot", ("aws-sql-copilot",),
         -36, -1, 40, True, "volume", _creep),
    Plan("late_data", "gcp", None, None, (), -4, -2, 0, False, None),
    Plan("weekend_dip", "aws", "docs", "contract-review", ("aws-contract-review",),
         None, -1, 0, False, None),
)  # fmt: skip


def plant(scene: Scene) -> tuple[Incident, ...]:
    """Bend the usage of the scene in place and return what was planted, in the order of INCIDENTS."""
    touched = {stream_id for plan in INCIDENTS for stream_id in plan.stream_ids} | {"az-enrichment"}
    before = {stream_id: scene.usage[stream_id].copy() for stream_id in touched}
    planted = [plan for plan in INCIDENTS if _has_history(plan, scene.calendar)]
    for plan in planted:
        if plan.effect is not None:
            plan.effect(scene, scene.calendar.span(*_dates(plan, scene.calendar)))
    incidents = [_incident(plan, scene, before) for plan in planted]
    batch = Plan("month_end_batch", "azure", "data-platform", "nightly-enrichment", ("az-enrichment",),
                 None, -1, 0, False, None)  # fmt: skip
    known = _run_batches(scene)[MONTH_END_KNOWN_FROM - 1 :]
    return (*incidents, *(_incident(batch, scene, before, (day, day)) for day in known))


def _has_history(plan: Plan, calendar: Calendar) -> bool:
    start, _ = _dates(plan, calendar)
    return (start - calendar.first_day).days >= plan.history


def _dates(plan: Plan, calendar: Calendar) -> tuple[date, date]:
    first = calendar.first_day if plan.first is None else max(calendar.day(plan.first), calendar.first_day)
    return first, max(calendar.day(plan.last), first)


def _incident(plan: Plan, scene: Scene, before: Usage, dates: tuple[date, date] | None = None) -> Incident:
    start, end = dates or _dates(plan, scene.calendar)
    span = scene.calendar.span(start, end)
    return Incident(
        incident_id="-".join(filter(None, (plan.kind, plan.product, start.isoformat()))),
        kind=plan.kind,
        provider=plan.provider,
        team=plan.team,
        product=plan.product,
        stream_ids=plan.stream_ids,
        start_date=start,
        end_date=end,
        impact_usd=_impact(plan, scene, before, span),
        is_spike=plan.is_spike,
        verdict=plan.verdict,
    )


def _impact(plan: Plan, scene: Scene, before: Usage, span: slice) -> Decimal:
    total = Decimal(0)
    for stream_id in plan.stream_ids:
        model = scene.organisation.stream(stream_id).model
        after = list_cost(model, scene.usage[stream_id][span])
        rise = (
            after * (PRICE_STEP - 1)
            if plan.kind == "price_change"
            else after - list_cost(model, before[stream_id][span])
        )
        total += rise
    return total.quantize(CENT, ROUND_HALF_EVEN)


def incident(kind: str, planted: tuple[Incident, ...]) -> Incident | None:
    """The first planted incident of a kind, or None when this horizon has none; raises KeyError on an unknown kind."""
    if kind != "month_end_batch" and kind not in {plan.kind for plan in INCIDENTS}:
        raise KeyError(kind)
    return next((found for found in planted if found.kind == kind), None)


def late_hours(late: Incident) -> tuple[datetime, datetime]:
    """The usage hours [start, end) whose bill rows `late_data` holds back until LATE_BY after the as-of time."""
    start = datetime.combine(late.start_date, LATE_FIRST_HOUR, UTC)
    return start, datetime.combine(late.end_date + timedelta(days=1), time(0, 0), UTC)
