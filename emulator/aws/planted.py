"""What this AWS bills wrong, on purpose and for a few dollars: each is one class of residual, with its answer.

Every statement touches one sandbox workload on one day, so that a class can be recovered to the cent.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import duckdb

from emulator.aws.estate import price_sheet
from emulator.truth import Residual
from emulator.world import World

UNIT_DAY, NO_DISCOUNT_DAY, TWICE_DAY, FAILED_DAY, TIER_DAY, MANTLE_DAY, STRANGE_DAY = -11, -12, -13, -10, -14, -18, -19
UNIT_STREAM, NO_DISCOUNT_STREAM = "aws-kyc-reader-stg", "aws-playground"
TWICE_STREAM, FAILED_STREAM, TIER_STREAM = "aws-contract-review-stg", "aws-query-rewrite-stg", "aws-ad-copy-stg"
FAILED_PCT = 10
# what Bedrock asks for the priority tier of Nova Pro, in percent of the standard price
PRIORITY_PCT = 175
MANTLE_TOKENS, STRANGE_TOKENS = 5_000_000, 1_000_000
STRANGE_USD = Decimal("0.60")
# devtools own the sandbox account
SANDBOX = "210000000003"

_OF_THE_DAY = "line_type = 'Usage' and stream_id = $stream and cast(usage_start as date) = $day"
# the quantity in millions where the unit says thousands, and billed so
_UNIT = f"""
update lines set quantity = quantity / 1000, cost_units = cost_units // 1000, net_units = net_units // 1000,
    list_units = list_units // 1000
where {_OF_THE_DAY}
"""
_TWICE = f"""
update lines set quantity = (cast(round(quantity * 1000000) as bigint) + cached.tokens) / 1000000,
    cost_units = cost_units + cached.tokens * $units, net_units = net_units + cached.tokens * $units,
    list_units = list_units + cached.tokens * $units
from (
    select usage_start as hour_start, cast(round(quantity * 1000000) as bigint) as tokens
    from lines
    where {_OF_THE_DAY} and token_class = 'cache_read'
) as cached
where {_OF_THE_DAY} and token_class = 'input' and usage_start = cached.hour_start
"""
# Marketplace counts in millions
_FAILED = f"""
update lines set quantity = (tokens + tokens * $pct // 100) / 1000000,
    cost_units = cost_units + tokens * $pct // 100 * $units, net_units = net_units + tokens * $pct // 100 * $units,
    list_units = list_units + tokens * $pct // 100 * $units
from (
    select usage_start as hour_start, cast(round(quantity * 1000000) as bigint) as tokens
    from lines
    where {_OF_THE_DAY} and token_class = 'input'
) as counted
where {_OF_THE_DAY} and token_class = 'input' and usage_start = counted.hour_start
"""
_TIER = f"""
update lines set cost_units = cost_units * $pct // 100, net_units = net_units * $pct // 100,
    list_units = list_units * $pct // 100
where {_OF_THE_DAY}
"""
_ALONE = """
insert into lines
select
    null, true, 'Usage', 'AWS', 'Amazon Web Services, Inc.', $account, 'us-east-1', 'AmazonBedrock', 'Amazon Bedrock',
    $usage_type, $operation, null, map {}, $description, '1K tokens', $rate, null,
    cast($day as timestamp) + interval 9 hours, cast($day as timestamp) + interval 10 hours,
    date_trunc('month', cast($day as date))::date, cast($tokens as double) / 1000, $units, $units, $units, 'devtools',
    null, $model, 'input', null, cast($day as timestamp) + interval 36 hours, null
"""


def bill_wrongly(connection: duckdb.DuckDBPyConnection, world: World) -> None:
    """Change the usage rows of `lines` before discounts and tax are worked out."""
    models = price_sheet()["models"]
    at = {
        name: {"stream": stream, "day": world.day(day)}
        for name, (stream, day) in {
            "unit": (UNIT_STREAM, UNIT_DAY),
            "twice": (TWICE_STREAM, TWICE_DAY),
            "failed": (FAILED_STREAM, FAILED_DAY),
            "tier": (TIER_STREAM, TIER_DAY),
        }.items()
    }
    connection.execute(_UNIT, at["unit"])
    connection.execute(_TWICE, at["twice"] | {"units": _units(models["claude-sonnet-4-5"]["per_mtok"]["input"])})
    failed = {"units": _units(models["claude-haiku-4-5"]["per_mtok"]["input"]), "pct": FAILED_PCT}
    connection.execute(_FAILED, at["failed"] | failed)
    connection.execute(_TIER, at["tier"] | {"pct": PRIORITY_PCT})
    if world.days >= -MANTLE_DAY:
        connection.execute(_ALONE, _mantle(world, models["nova-lite"]))
    if world.days >= -STRANGE_DAY:
        connection.execute(_ALONE, _strange(world))


def without_discount(world: World) -> dict[str, Any]:
    """The stream and day whose usage AWS forgets to discount."""
    return {"forgotten": NO_DISCOUNT_STREAM, "forgotten_day": world.day(NO_DISCOUNT_DAY)}


def residual_truth(world: World, connection: duckdb.DuckDBPyConnection) -> list[Residual]:
    """The planted residuals in dollars, from `usage` and `skus` in the connection and the price sheet."""
    kept = 1 - Decimal(price_sheet()["discount"]["aws_entity_pct"]) / 100
    due = {
        "unit": (UNIT_STREAM, UNIT_DAY, kept * Decimal("0.999")),
        "discount": (NO_DISCOUNT_STREAM, NO_DISCOUNT_DAY, kept - 1),
        "service_tier": (TIER_STREAM, TIER_DAY, kept * (100 - PRIORITY_PCT) / 100),
    }
    found = [
        Residual("aws", name, world.day(day), workload, model, share * cost)
        for name, (stream, day, share) in due.items()
        for workload, model, cost, _, _ in _used(connection, stream, world, day)
    ]
    models = price_sheet()["models"]
    sonnet, haiku = (Decimal(models[f"claude-{name}-4-5"]["per_mtok"]["input"]) for name in ("sonnet", "haiku"))
    for workload, model, _, _, cached in _used(connection, TWICE_STREAM, world, TWICE_DAY):
        found.append(Residual("aws", "cache_class", world.day(TWICE_DAY), workload, model, -cached * sonnet / 10**6))
    for workload, model, _, extra, _ in _used(connection, FAILED_STREAM, world, FAILED_DAY):
        found.append(Residual("aws", "unmetered", world.day(FAILED_DAY), workload, model, -extra * haiku / 10**6))
    if world.days >= -MANTLE_DAY:
        usd = MANTLE_TOKENS * Decimal(models["nova-lite"]["per_mtok"]["input"]) / 10**6
        found.append(Residual("aws", "outside_profile", world.day(MANTLE_DAY), None, "nova-lite", -usd * kept))
    if world.days >= -STRANGE_DAY:
        usd = STRANGE_TOKENS * STRANGE_USD / 10**6
        found.append(Residual("aws", "unmapped", world.day(STRANGE_DAY), None, None, -usd * kept))
    return found + _late(world, connection, kept)


def _late(world: World, connection: duckdb.DuckDBPyConnection, kept: Decimal) -> list[Residual]:
    """What is used and not billed yet; CloudWatch knows one class of cache writes, which counts at five minutes."""
    rows = connection.execute(
        f"""
    with hours as (
        unpivot (
            select
                stream_id, hour_start, input_tokens as input, output_tokens as output, cache_read_tokens as cache_read,
                cache_write_tokens + cache_write_1h_tokens as cache_write_5m
            from usage
            where hour_start >= date '{world.day(-1)}'
        )
        on input, output, cache_read, cache_write_5m into name token_class value counted
    )
    select
        cast(hours.hour_start as date), skus.workload_id, skus.model, skus.entity,
        cast(sum(hours.counted * skus.units_per_quantity) as decimal(26, 0))
    from hours
    inner join skus on hours.stream_id = skus.stream_id and hours.token_class = skus.token_class
    group by all having sum(hours.counted) > 0 order by all
    """
    ).fetchall()
    return [
        Residual(
            "aws", "late_data", day, workload, model, Decimal(units).scaleb(-10) * (kept if entity == "AWS" else 1)
        )
        for day, workload, model, entity, units in rows
    ]


def _used(
    connection: duckdb.DuckDBPyConnection, stream: str, world: World, day: int
) -> list[tuple[str, str, Decimal, int, int]]:
    """Workload, model, list cost in USD, a share of each hour's input and the cached tokens of a stream's day."""
    query = f"""
    with hours as (
        unpivot (
            select
                hour_start, input_tokens as input, output_tokens as output, cache_read_tokens as cache_read,
                cache_write_tokens as cache_write_5m, cache_write_1h_tokens as cache_write_1h
            from usage
            where stream_id = '{stream}' and cast(hour_start as date) = date '{world.day(day)}'
        )
        on input, output, cache_read, cache_write_5m, cache_write_1h into name token_class value counted
    )
    select
        skus.workload_id, skus.model,
        cast(sum(hours.counted * skus.units_per_quantity) as decimal(26, 0)),
        sum(if(hours.token_class = 'input', hours.counted * {FAILED_PCT} // 100, 0)),
        sum(if(hours.token_class = 'cache_read', hours.counted, 0))
    from hours
    inner join skus on hours.token_class = skus.token_class and skus.stream_id = '{stream}'
    group by skus.workload_id, skus.model
    """
    rows = connection.execute(query).fetchall()
    return [(row[0], row[1], Decimal(row[2]).scaleb(-10), int(row[3]), int(row[4])) for row in rows]


def _units(usd_per_mtok: str) -> int:
    """What a token costs in 1e-10 USD."""
    return int(Decimal(usd_per_mtok) * 10**4)


def _mantle(world: World, model: Mapping[str, Any]) -> dict[str, Any]:
    """The mantle endpoint: no profile can be named there, and CloudWatch counts it in another namespace."""
    rate = Decimal(model["per_mtok"]["input"]) / 1000
    return _alone(
        world.day(MANTLE_DAY),
        f"USE1-{model['model_id']}-mantle-input-tokens-standard",
        MANTLE_TOKENS,
        rate,
        "nova-lite",
    )


def _strange(world: World) -> dict[str, Any]:
    """A model that no list knows yet."""
    return _alone(world.day(STRANGE_DAY), "USE1-PalmyraX9-input-tokens", STRANGE_TOKENS, STRANGE_USD / 1000, None)


def _alone(day: Any, usage_type: str, tokens: int, rate: Decimal, model: str | None) -> dict[str, Any]:
    return {
        "account": SANDBOX,
        "usage_type": usage_type,
        "operation": "InvokeModelInference",
        "description": f"{usage_type} in US East (N. Virginia)",
        "rate": f"{rate.normalize():f}",
        "day": day,
        "tokens": tokens,
        "units": int(tokens * rate / 1000 * 10**10),
        "model": model,
    }
