"""Generated meters, logs and bills of shared deployments, and who bears them, worked out in fractions."""

import random
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any

from tests.dbt_project.interfaces import charge, logged

Rows = list[dict[str, Any]]
Parts = dict[tuple[Any, ...], Decimal]
DAY = date(2026, 11, 10)
START = datetime(2026, 11, 10)  # noqa: DTZ001 - the warehouse holds UTC without zone
TEAMS = ("search", "docs", "growth", None)
UNIT = Decimal("0.000000000001")


def hour(workload: str, at: int, tokens: tuple[int, int, int, int] | None) -> dict[str, Any]:
    """What the meter counted in an hour: input, cache read, cache write, output; the cached ones NULL when untold."""
    names = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
    counts = dict(zip(names, tokens or (None,) * 4, strict=True))
    place = {"provider": "azure", "sub_account_id": "sub-shared", "workload_id": workload, "model": "gpt-4o"}
    return place | {"hour_start": START + timedelta(hours=at)} | counts


def call(workload: str, at: int, team: str | None, tokens: tuple[int, int, int, int], **values: Any) -> dict[str, Any]:
    """What a log saw of a team in an hour."""
    names = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
    row = logged(str(team), workload_id=workload, sub_account_id="sub-shared", native_team=team)
    return row | dict(zip(names, tokens, strict=True)) | {"hour_start": START + timedelta(hours=at)} | values


def billed(workload: str, token_class: str, cost: Decimal, tokens: int | None = None, **values: Any) -> dict[str, Any]:
    """A day's charge of a shared deployment without a tag."""
    named = {"workload_id": workload, "token_class": token_class, "billed_cost": cost, "consumed_tokens": tokens}
    return charge("sub-shared", **(named | values))


def generated(seed: int) -> tuple[Rows, Rows, Rows]:
    """Charges, metered hours and logged calls of one deployment, each with gaps, overlaps and odd amounts."""
    draw = random.Random(seed)
    workload = f"shared/{seed}"
    apart = draw.random() < 0.5
    count = lambda: draw.choice((0, 1, draw.randrange(10), draw.randrange(10**6)))  # noqa: E731
    hours, calls = [], []
    for at in draw.sample(range(24), draw.randrange(1, 5)):
        tokens = (count(), count(), count(), count())
        hours.append(hour(workload, at, tokens))
        if not apart:
            hours[-1] |= {"cache_read_tokens": None, "cache_write_tokens": None}
    for at in draw.sample(range(24), draw.randrange(0, 3)) + [int(row["hour_start"].hour) for row in hours]:
        calls += [
            call(workload, at, team, (count(), count(), count(), count()))
            for team in draw.sample(TEAMS, draw.randrange(0, 4))
        ]
    costs = [
        billed(workload, name, Decimal(draw.randrange(-(10**14), 10**15)) * UNIT, draw.choice((None, count())))
        for name in ("input", "cache_read", "cache_write_1h", "output")
    ]
    return costs, hours, calls


def expected_weights(hours: Rows, calls: Rows, kind: str) -> dict[str | None, int]:
    """Tokens of each team, and of nobody, of a kind: the meter's hour less what the log explains is nobody's."""
    apart = all(row["cache_read_tokens"] is not None for row in hours)

    def tokens(row: dict[str, Any]) -> int:
        if kind == "output" or apart:
            return row[f"{kind}_tokens"] or 0
        return sum(row[f"{name}_tokens"] or 0 for name in ("input", "cache_read", "cache_write"))

    weights: dict[str | None, int] = defaultdict(int)
    rest: dict[datetime, int] = defaultdict(int)
    for row in hours:
        rest[row["hour_start"]] += tokens(row)
    for row in calls:
        weights[row["native_team"]] += tokens(row)
        rest[row["hour_start"]] -= tokens(row)
    for left in rest.values():
        weights[None] += max(left, 0)
    return {team: weight for team, weight in weights.items() if weight > 0}


def expected_parts(cost: Decimal, weights: dict[str | None, int]) -> dict[str | None, Decimal]:
    """The cost in parts by weight, half to even at twelve decimals, the remainder to the largest."""
    total = sum(weights.values())
    parts = {}
    for team, weight in weights.items():
        exact = Fraction(cost) * weight / total / Fraction(UNIT)
        parts[team] = Decimal(round(exact)) * UNIT
    largest = min(weights, key=lambda team: (-weights[team], team is None, team or ""))
    parts[largest] += cost - sum(parts.values())
    return {team: part.quantize(UNIT, ROUND_HALF_EVEN) for team, part in parts.items()}
