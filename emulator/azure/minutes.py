"""The metrics of provisioned deployments, and of those that they spill to, minute by minute; each hour sums exactly."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emulator.azure.estate import Deployment
from emulator.azure.measures import REQUESTS, UTILIZATION
from emulator.azure.traffic import Flow, Traffic

HOUR_MINUTES = 60
Label = tuple[str, str, str, str, str]
Minutes = dict[str, np.ndarray]


def minute_table(traffic: Traffic) -> pa.Table:
    """One column per series (`account|deployment|metric|status|is_spillover`), one row per minute of the world."""
    targets = {(d.account.name, d.spillover) for d in traffic.estate.deployments.values() if d.spillover}
    columns: dict[str, pa.Array] = {}
    for key, deployment in traffic.estate.deployments.items():
        if deployment.is_provisioned or key in targets:
            for (metric, status, spill), values in _series(traffic, deployment):
                name = "|".join((*key, metric, status, spill))
                kind = pa.float32() if metric == UTILIZATION else pa.int32()
                columns[name] = pa.array(values.reshape(-1), kind)
    return pa.table(columns)


def spread(totals: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Whole numbers by minute that sum to each hour's total, in proportion to the weights, or evenly without any."""
    sums = weights.sum(axis=1, keepdims=True)
    shares = np.divide(weights, sums, out=np.full(weights.shape, 1 / HOUR_MINUTES), where=sums > 0)
    reached = np.rint(np.cumsum(shares, axis=1) * totals[:, None]).astype(np.int64)
    reached[:, -1] = totals
    return np.diff(reached, axis=1, prepend=0)


def _series(traffic: Traffic, deployment: Deployment) -> Iterator[tuple[tuple[str, str, str], np.ndarray]]:
    parts = [(flow, _minutes_of(traffic, flow)) for flow in traffic.flows if flow.deployment == deployment]
    nothing = np.zeros((len(traffic.hours), HOUR_MINUTES), dtype=np.int64)

    def total(name: str, *, spilled: bool | None = None) -> np.ndarray:
        chosen = [minutes[name] for flow, minutes in parts if spilled in (None, flow.is_spilled)]
        return sum(chosen, nothing)

    uncached, cached, output = (total(name) for name in ("input_tokens", "cache_read_tokens", "output_tokens"))
    errors = total("error_count")
    filtered = sum((minutes["filtered"] for _, minutes in parts), nothing)
    yield ("ProcessedPromptTokens", "", ""), uncached + cached
    yield ("GeneratedTokens", "", ""), output
    yield ("TokenTransaction", "", ""), uncached + cached + output
    yield (REQUESTS, "200", "False"), total("request_count", spilled=False)
    yield (REQUESTS, "200", "True"), total("request_count", spilled=True)
    yield (REQUESTS, "429", "False"), total("throttled_count")
    yield (REQUESTS, "400", "False"), filtered
    yield (REQUESTS, "500", "False"), errors - filtered
    if deployment.is_provisioned:
        yield ("ActiveTokens", "", ""), uncached + output
        there = traffic.is_there[deployment.key]
        shares = np.round(traffic.loads[deployment.key].minute_pct, 4)
        yield (UTILIZATION, "", ""), np.where(there[:, None], shares, np.nan)


def _minutes_of(traffic: Traffic, flow: Flow) -> Minutes:
    """A flow's counts by minute: of a provisioned deployment by its load, of what it spilled by its overflow."""
    asked = traffic.estate.deployments[flow.stream.account, flow.stream.via["deployment"]]
    load = traffic.loads.get(asked.key)
    evenly = np.zeros((len(traffic.hours), HOUR_MINUTES))
    served = evenly if load is None else load.over if flow.is_spilled else load.served
    refused = evenly if load is None else load.over
    minutes = {name: spread(values, refused if name == "throttled_count" else served)
               for name, values in flow.counts.items()}  # fmt: skip
    # a third of what fails is refused by the content filter
    return minutes | {"filtered": spread(flow.counts["error_count"] // 3, served)}


class MinuteStore:
    """Reads the series of `metrics_minutes.parquet` when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "metrics_minutes.parquet"
        self._names: list[str] = pq.read_schema(self._path).names
        self._kept: dict[str, np.ndarray] = {}

    def deployments(self, account: str) -> set[str]:
        """The deployments of an account whose minutes are known."""
        return {name.split("|")[1] for name in self._names if name.startswith(f"{account}|")}

    def series(self, account: str, metric: str) -> Mapping[Label, np.ndarray]:
        """Every series of a metric of an account, over all minutes."""
        wanted = [name for name in self._names if name.startswith(f"{account}|") and name.split("|")[2] == metric]
        missing = [name for name in wanted if name not in self._kept]
        if missing:
            read = pq.read_table(self._path, columns=missing)
            self._kept |= {name: read.column(name).to_numpy() for name in missing}
        return {_label(name): self._kept[name] for name in wanted}


def _label(name: str) -> Label:
    account, deployment, metric, status, spill = name.split("|")
    return account, deployment, metric, status, spill
