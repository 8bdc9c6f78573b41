"""The landed form of CloudWatch's points: one row per account, region, ModelId, metric, statistic and period.

Rows of one day are replaced whole; `merge` keeps what is landed of series that a run did not ask for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from ingest.aws_cloudwatch import Points
from ingest.contracts import LoadResult, StreamContract
from ingest.landing import Landing
from ingest.run import Window

_compute = cast(Any, pc)
SOURCE = "aws_bedrock"
_MOMENT = pa.timestamp("us", tz="UTC")
_SCHEMA = pa.schema(
    [
        pa.field("account_id", pa.string()),
        pa.field("region", pa.string()),
        pa.field("model_id", pa.string()),
        pa.field("metric", pa.string()),
        pa.field("statistic", pa.string()),
        pa.field("period_s", pa.int32()),
        pa.field("timestamp", _MOMENT),
        pa.field("value", pa.float64()),
    ]
)
_REQUIRED = ("account_id", "region", "model_id", "metric", "timestamp", "value")
METRICS_HOURLY = StreamContract(SOURCE, "metrics_hourly", _SCHEMA, _REQUIRED, empty_ok=True)
METRICS_MINUTELY = StreamContract(SOURCE, "metrics_minutely", _SCHEMA, _REQUIRED, empty_ok=True)
_ORDER = [(name, "ascending") for name in ("region", "model_id", "metric", "statistic", "timestamp")]


def table_of(account_id: str, region: str, points: Sequence[Points]) -> pa.Table:
    """The points of one answer as rows."""
    counts = [len(one.moments) for one in points]
    stamps: dict[datetime, int] = {}
    moments: list[int] = []
    values: list[float] = []
    for one in points:
        for moment in one.moments:
            stamp = stamps.get(moment)
            if stamp is None:
                stamp = stamps[moment] = int(moment.timestamp()) * 1_000_000
            moments.append(stamp)
        values += one.values
    columns = [
        _repeated([account_id] * len(points), counts, pa.string()),
        _repeated([region] * len(points), counts, pa.string()),
        _repeated([one.metric.dimensions[0][1] for one in points], counts, pa.string()),
        _repeated([one.metric.name for one in points], counts, pa.string()),
        _repeated([one.statistic for one in points], counts, pa.string()),
        _repeated([one.period_s for one in points], counts, pa.int32()),
        pa.array(moments, pa.int64()).cast(_MOMENT),
        pa.array(values, pa.float64()),
    ]
    return pa.Table.from_arrays(columns, schema=_SCHEMA)


def _repeated(values: Iterable[object], counts: Sequence[int], kind: pa.DataType) -> "pa.Array[Any]":
    """Each value as often as its count says."""
    positions = [number for number, count in enumerate(counts) for _ in range(count)]
    return pa.array(list(values), kind).take(pa.array(positions, pa.int64()))


@dataclass(frozen=True)
class Pull:
    """What was read for one stream of an account: whole days, and which series (region, id, metric) were asked for."""

    contract: StreamContract
    days: list[Window]
    fresh: pa.Table
    asked: set[tuple[str, str, str]]


def merge(landing: Landing, account_id: str, pull: Pull) -> list[LoadResult]:
    """Write each day of a pull: its fresh points, and the landed ones of series that were not asked for."""
    starts = {f"{day.start:%Y-%m-%d}" for day in pull.days}
    names = pull.contract.schema.names
    landed = landing.read(pull.contract, scope=account_id, window_starts=starts).select(names)
    kept = cast(Any, landed).filter(_compute.invert(_is_in(landed, pull.asked))) if landed.num_rows else landed
    together = cast(Any, pa.concat_tables([kept, pull.fresh])).sort_by(_ORDER)
    moment = pc.field("timestamp")
    results: list[LoadResult] = []
    for day in pull.days:
        inside = (moment >= pa.scalar(day.start, _MOMENT)) & (moment < pa.scalar(day.end, _MOMENT))
        results.append(landing.write(pull.contract, scope=account_id, window=day, batches=[together.filter(inside)]))
    return results


def _is_in(landed: pa.Table, asked: set[tuple[str, str, str]]) -> Any:
    columns = [landed[name] for name in ("region", "model_id", "metric")]
    joined = _compute.binary_join_element_wise(*columns, " ")
    return _compute.is_in(joined, value_set=pa.array([" ".join(one) for one in asked], pa.string()))
