"""The demo organisation's marts at list prices, made without clouds: what the detector meets, minus ingestion."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from emulator.incidents import PRICE_STEP, Incident
from emulator.pricing import TOKEN_METRICS, list_prices
from emulator.world import World, make_world

MONEY = pa.decimal128(38, 12)
TOKEN_CLASSES = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
BILLS = {"aws": "aws_cur", "gcp": "gcp_billing", "azure": "azure_cost"}
METERS = {"aws": "aws_bedrock", "gcp": "gcp_vertex", "azure": "azure_openai"}


@dataclass(frozen=True)
class WorldMarts:
    """A world and the three inputs of the detector that follow from it."""

    world: World
    spend: pa.Table
    tokens: pa.Table
    status: pa.Table

    @property
    def incidents(self) -> tuple[Incident, ...]:
        return self.world.incidents


@pytest.fixture(scope="session")
def world_marts() -> Callable[[int], WorldMarts]:
    """Marts of a ninety-day world by seed."""
    return lru_cache(maxsize=4)(_world_marts)


def _world_marts(seed: int) -> WorldMarts:
    world = make_world(Path("unused"), seed=seed)
    frame = _usage_by_day(world)
    billed = frame[frame["usage_date"] <= world.day(-2)]
    late = world.incident("late_data")
    through = {provider: world.day(-2) for provider in BILLS}
    if late is not None:
        through[late.provider] = late.start_date - timedelta(days=1)
        is_late = (billed["provider"] == late.provider) & (billed["usage_date"] > late.start_date)
        is_half = (billed["provider"] == late.provider) & (billed["usage_date"] == late.start_date)
        halved = billed[[*TOKEN_METRICS]].where(~is_half, billed[[*TOKEN_METRICS]] // 2)
        billed = billed.assign(**halved)[~is_late]
    return WorldMarts(world, _spend(world, billed), _tokens(frame), _status(world, through))


def _usage_by_day(world: World) -> pd.DataFrame:
    frame = world.usage.to_pandas()
    frame["usage_date"] = frame["hour_start"].dt.date
    counts = ["request_count", *TOKEN_METRICS]
    frame = frame.groupby(["stream_id", "usage_date"], as_index=False)[counts].sum()
    streams = {stream.id: stream for stream in world.organisation.streams}
    for name in ("provider", "team", "product", "model", "account"):
        frame[name] = [getattr(streams[stream_id], name) for stream_id in frame["stream_id"]]
    return frame[frame["usage_date"] < world.as_of.date()]


def _spend(world: World, billed: pd.DataFrame) -> pa.Table:
    prices = list_prices()
    step = world.incident("price_change")
    rows = []
    for row in billed.to_dict("records"):
        raised = step is not None and row["stream_id"] in step.stream_ids and row["usage_date"] >= step.start_date
        for metric, token_class, price in zip(TOKEN_METRICS, TOKEN_CLASSES, prices[row["model"]], strict=True):
            if row[metric]:
                factor = PRICE_STEP if raised and token_class in ("input", "output") else Decimal(1)
                cost = int(row[metric]) * price * factor / 1_000_000
                rows.append({**_place(row), "charge_date": row["usage_date"], "token_class": token_class,
                             "effective_cost_usd": cost, "consumed_tokens": int(row[metric])})  # fmt: skip
    return _typed(rows, "charge_date", {"token_class": pa.string(), "effective_cost_usd": MONEY,
                                        "consumed_tokens": pa.int64()})  # fmt: skip


def _tokens(frame: pd.DataFrame) -> pa.Table:
    prices = list_prices()
    rows = []
    for row in frame.to_dict("records"):
        cost = sum((int(row[m]) * p for m, p in zip(TOKEN_METRICS, prices[row["model"]], strict=True)), Decimal(0))
        rows.append({**_place(row), "usage_date": row["usage_date"], "request_count": int(row["request_count"]),
                     "token_count": int(sum(row[m] for m in TOKEN_METRICS)),
                     "estimated_cost_usd": cost / 1_000_000})  # fmt: skip
    return _typed(rows, "usage_date", {"request_count": pa.int64(), "token_count": pa.int64(),
                                       "estimated_cost_usd": MONEY})  # fmt: skip


def _place(row: dict[str, object]) -> dict[str, object]:
    product = row["product"]
    return {"provider": row["provider"], "billing_account_id": "payer", "sub_account_id": row["account"],
            "team": row["team"], "product": product if isinstance(product, str) else None,
            "model": row["model"]}  # fmt: skip


def _typed(rows: list[dict[str, object]], day: str, measures: dict[str, pa.DataType]) -> pa.Table:
    texts = ("provider", "billing_account_id", "sub_account_id", "team", "product", "model")
    schema = pa.schema([(day, pa.date32()), *((name, pa.string()) for name in texts), *measures.items()])
    return pa.Table.from_pylist(rows, schema=schema)


def _status(world: World, through: dict[str, date]) -> pa.Table:
    rows = [
        {"source": BILLS[p], "provider": p, "account_id": "payer", "complete_through": d} for p, d in through.items()
    ]
    rows += [
        {"source": METERS[p], "provider": p, "account_id": "payer", "complete_through": world.day(-1)} for p in METERS
    ]
    names = ("source", "provider", "account_id")
    return pa.Table.from_pylist(
        rows, schema=pa.schema([*((n, pa.string()) for n in names), ("complete_through", pa.date32())])
    )
