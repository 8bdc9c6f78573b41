"""Writes the local Google Cloud: the billing export, Vertex AI's metrics and request log, and the truth about both."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emulator.gcp import corrections, lines, metrics, planted, request_log
from emulator.gcp.rows import MICROS, Block, export_table
from emulator.gcp.traffic import StreamTraffic, stream_traffic
from emulator.truth import CHARGE_SCHEMA, USAGE_SCHEMA, Residual, money_column, table

if TYPE_CHECKING:
    from emulator.world import World

# A row group of about a day keeps reads of single partitions small.
ROWS_PER_GROUP = 4096


def write(world: "World") -> tuple[pa.Table, pa.Table]:
    """Write export and metrics into the world's folder; returns the charges that are AI spend and all others."""
    biller = lines.new_biller(world)
    traffic = stream_traffic(world)
    tokens = [block for part in traffic for block in lines.token_blocks(biller, part)]
    spend = corrections.corrected(biller, planted.planted(biller, tokens))
    spend += corrections.goodwill(biller, tokens)
    spend += lines.provisioned_blocks(biller)
    others = lines.other_blocks(biller)
    others += corrections.tax_blocks(biller, [*spend, *others])

    folder = world.folder("gcp")
    google = world.organisation.gcp
    rows = export_table([*spend, *others], google)
    pq.write_table(rows, folder / "export.parquet", compression="zstd", row_group_size=ROWS_PER_GROUP)
    pq.write_table(metrics.series_table(world, traffic), folder / "metrics.parquet", compression="zstd")
    pq.write_table(metrics.latency_table(traffic), folder / "latencies.parquet", compression="zstd")
    pq.write_table(request_log.entry_table(world, traffic), folder / "request_log.parquet", compression="zstd")
    account = google["billing_account_id"]
    place = {**google["export"], "table": f"gcp_billing_export_resource_v1_{account.replace('-', '_')}"}
    (folder / "export.json").write_text(json.dumps({**place, "projects": list(google["projects"])}), encoding="utf-8")
    return _charges(spend, account, google["currency"]), _charges(others, account, google["currency"])


def usage_truth(world: "World") -> pa.Table:
    """Tokens and requests per day, project, product and model as really served; cached tokens stand apart."""
    parts = [_usage(traffic) for traffic in stream_traffic(world)]
    return pa.concat_tables(parts) if parts else USAGE_SCHEMA.empty_table()


def residual_truth(world: "World") -> list[Residual]:
    """What the planted differences between meter and bill come to."""
    return planted.residual_truth(world, stream_traffic(world))


def _usage(traffic: StreamTraffic) -> pa.Table:
    days = traffic.hours.astype("datetime64[D]")
    dates, index = np.unique(days, return_inverse=True)

    def daily(values: np.ndarray) -> np.ndarray:
        sums = np.zeros(len(dates), dtype=np.int64)
        np.add.at(sums, index, values)
        return sums

    served = {
        name: traffic.tokens["shared"][name] + traffic.tokens["dedicated"][name] for name in traffic.tokens["shared"]
    }
    count, stream = len(dates), traffic.stream
    return table(
        USAGE_SCHEMA,
        {
            "provider": ["gcp"] * count,
            "usage_date": pa.array(dates),
            "workload_id": [stream.account] * count,
            "team": [stream.team] * count,
            "product": [stream.product] * count,
            "model": [stream.model] * count,
            "input_tokens": daily(served["input"]),
            "output_tokens": daily(served["output"]),
            "cache_read_tokens": daily(served["cache_read"]),
            "cache_write_tokens": daily(served["cache_write_5m"] + served["cache_write_1h"]),
            "request_count": daily(traffic.counts["request_count"]),
        },
    )


def _charges(blocks: Sequence[Block], account: str, currency: str) -> pa.Table:
    parts = []
    for block in blocks:
        if not len(block.start):
            continue
        parts.append(_charge_rows(block, block.cost, np.arange(len(block.start)), account, currency))
        for credit in block.credits:
            hit = np.flatnonzero(credit.micros)
            if len(hit):
                parts.append(_charge_rows(block, credit.micros[hit], hit, account, currency))
    return pa.concat_tables(parts) if parts else CHARGE_SCHEMA.empty_table()


def _charge_rows(block: Block, micros: np.ndarray, hit: np.ndarray, account: str, currency: str) -> pa.Table:
    count, owner = len(hit), block.owner
    months = np.array([f"{month[:4]}-{month[4:]}-01" for month in block.invoice[hit]], dtype="datetime64[D]")
    return table(
        CHARGE_SCHEMA,
        {
            "provider": ["gcp"] * count,
            "billing_account_id": [account] * count,
            "billing_month": pa.array(months),
            "charge_date": pa.array(block.start[hit].astype("datetime64[D]")),
            "workload_id": [block.project] * count,
            "team": [owner.team] * count,
            "product": [owner.product] * count,
            "model": [owner.model] * count,
            "token_class": [block.token_class] * count,
            "billing_currency": [currency] * count,
            "billed_cost": money_column(micros, decimals=MICROS),
            "visible_from": pa.array(block.export[hit].astype("datetime64[us]")).cast(pa.timestamp("us", tz="UTC")),
            "visible_to": pa.nulls(count, pa.timestamp("us", tz="UTC")),
            "stream_id": [owner.stream_id] * count,
        },
    )
