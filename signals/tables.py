"""What the signals take and give: columns of their inputs, and the tables they add to the warehouse.

The queries name the only columns that are read from the marts; `signals` itself opens no file.
"""

import pyarrow as pa

MONEY = pa.decimal128(38, 12)

SPEND_QUERY = """
select
    charge_date, provider, billing_account_id, sub_account_id, team, product, model, token_class,
    cast(sum(effective_cost_usd) as decimal(38, 12)) as effective_cost_usd,
    cast(sum(consumed_tokens) as bigint) as consumed_tokens
from fct_spend_daily
where charge_category = 'Usage' and cost_status <> 'estimate' and effective_cost_usd is not null
group by charge_date, provider, billing_account_id, sub_account_id, team, product, model, token_class
order by charge_date, provider, billing_account_id, sub_account_id, team, product, model, token_class
"""

TOKENS_QUERY = """
select
    usage_date, provider, billing_account_id, sub_account_id, team, product, model,
    cast(sum(request_count) as bigint) as request_count,
    cast(
        sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)
            + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)) as bigint
    ) as token_count,
    cast(sum(estimated_cost_usd) as decimal(38, 12)) as estimated_cost_usd
from fct_tokens_daily
group by usage_date, provider, billing_account_id, sub_account_id, team, product, model
order by usage_date, provider, billing_account_id, sub_account_id, team, product, model
"""

STATUS_QUERY = """
select source, provider, account_id, complete_through
from source_status
order by source, provider, account_id
"""

SPIKE_SCHEMA = pa.schema(
    [
        pa.field("spike_id", pa.string(), nullable=False),
        pa.field("lane", pa.string(), nullable=False),
        pa.field("started_on", pa.date32(), nullable=False),
        pa.field("detected_on", pa.date32(), nullable=False),
        pa.field("ended_on", pa.date32()),
        pa.field("provider", pa.string(), nullable=False),
        pa.field("team", pa.string(), nullable=False),
        pa.field("product", pa.string()),
        pa.field("sub_account_id", pa.string()),
        pa.field("model", pa.string()),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("direction", pa.string(), nullable=False),
        pa.field("actual", MONEY, nullable=False),
        pa.field("expected", MONEY, nullable=False),
        pa.field("impact_usd", MONEY, nullable=False),
        pa.field("verdict", pa.string(), nullable=False),
    ]
)

SPIKE_DRIVER_SCHEMA = pa.schema(
    [
        pa.field("spike_id", pa.string(), nullable=False),
        pa.field("driver", pa.string(), nullable=False),
        pa.field("contribution_usd", MONEY, nullable=False),
    ]
)

SPIKE_COLUMNS = {
    "spike_id": "Stable id of the spike: a hash of lane, series, direction and started_on.",
    "lane": "billed: judged on the provider's bill. estimate: on metered tokens at list price, on days not yet billed.",
    "started_on": "First usage day (UTC) that was not as expected.",
    "detected_on": "Usage day (UTC) whose figures were enough to call it a spike.",
    "ended_on": "Last usage day (UTC) of the spike; NULL while it lasts.",
    "provider": "aws, gcp or azure.",
    "team": "Team the cost is attributed to; unallocated where no evidence names one.",
    "product": "Product of the team; NULL where unknown.",
    "sub_account_id": "Account, project or subscription; only for team unallocated, which is judged for each of them.",
    "model": "Canonical model, when nearly all of the change sits in one; else NULL.",
    "metric": "What was judged: effective_cost_usd (billed lane) or estimated_cost_usd (estimate lane).",
    "direction": "up or down.",
    "actual": "USD from started_on to ended_on, or to the last judged day while it lasts.",
    "expected": "USD that the days before the spike led one to expect for the same days.",
    "impact_usd": "actual - expected, in USD; negative when direction is down.",
    "verdict": "Main cause: volume, efficiency, mix, price, new or vanished.",
}

SPIKE_DRIVER_COLUMNS = {
    "spike_id": "The spike in fct_spike.",
    "driver": (
        "volume: more or fewer requests. efficiency: more or fewer tokens, or dearer kinds of token, for one request. "
        "mix: requests moved between models. price: the same tokens at another unit price. "
        "unmetered: cost that has no tokens, such as provisioned capacity."
    ),
    "contribution_usd": "USD of impact_usd that this driver explains; the drivers of a spike sum to its impact_usd.",
}

_DUCKDB_TYPES = {pa.string(): "varchar", pa.date32(): "date", MONEY: "decimal(38, 12)"}


def ddl(table: str, schema: pa.Schema, columns: dict[str, str], description: str) -> tuple[str, ...]:
    """Statements that create a table of the warehouse with its descriptions, replacing an earlier one."""
    fields = ", ".join(
        f"{field.name} {_DUCKDB_TYPES[field.type]}{'' if field.nullable else ' not null'}" for field in schema
    )
    comments = tuple(f"comment on column {table}.{name} is {_quoted(text)}" for name, text in columns.items())
    return (
        f"create or replace table {table} ({fields})",
        f"comment on table {table} is {_quoted(description)}",
        *comments,
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


SPIKE_DDL = ddl(
    "fct_spike",
    SPIKE_SCHEMA,
    SPIKE_COLUMNS,
    "One row per detected spike: a run of days of one series and direction that were not as expected.",
)
SPIKE_DRIVER_DDL = ddl(
    "fct_spike_driver",
    SPIKE_DRIVER_SCHEMA,
    SPIKE_DRIVER_COLUMNS,
    "One row per spike and driver of its price-volume-mix bridge.",
)
