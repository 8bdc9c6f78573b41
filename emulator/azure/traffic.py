"""Turns the streams' hourly traffic into what each deployment served, spilled and refused.

A provisioned deployment is filled minute by minute. What does not fit goes to its spillover deployment, or, where
there is none, is refused with 429 and never becomes tokens.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from emulator.azure.catalog import Catalog, load_catalog
from emulator.azure.estate import Deployment, Estate, build_estate
from emulator.world import Stream, World

TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens")
REQUESTS = ("request_count", "throttled_count", "error_count")
BURSTINESS = 0.35
Counts = dict[str, np.ndarray]


@dataclass(frozen=True)
class Flow:
    """Traffic of one stream at the deployment that served it, hour by hour (int64 arrays).

    `input_tokens` are the uncached ones. `request_count` are the answered requests; those answered with 429
    (`throttled_count`) or 500 (`error_count`) come on top. A spilled flow came from another deployment.
    """

    stream: Stream
    deployment: Deployment
    is_spilled: bool
    counts: Counts


@dataclass(frozen=True)
class Load:
    """How full a provisioned deployment was in each hour, in percent of its PTUs.

    `served` and `over` are the normalised tokens of each of its sixty minutes: those that fitted and the others.
    """

    mean_pct: np.ndarray
    peak_pct: np.ndarray
    low_pct: np.ndarray
    minute_pct: np.ndarray = field(repr=False)
    served: np.ndarray = field(repr=False)
    over: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class Traffic:
    """All flows over the hours of the world; `is_there` tells the hours in which a deployment existed."""

    estate: Estate
    hours: np.ndarray
    flows: tuple[Flow, ...]
    loads: Mapping[tuple[str, str], Load]
    is_there: Mapping[tuple[str, str], np.ndarray]
    day_numbers: np.ndarray = field(repr=False)


def play(world: World) -> Traffic:
    """Run the streams of the world through the tenant's deployments."""
    estate, catalog = build_estate(world.organisation.azure), load_catalog()
    hours = _hours(world)
    # offset of the hour's day from the as-of day
    as_of_day = np.datetime64(world.as_of.date(), "D")
    day_numbers = (hours.astype("datetime64[D]") - as_of_day).astype(np.int64)
    demand = _demand(world, estate, hours)
    flows: list[Flow] = []
    loads: dict[tuple[str, str], Load] = {}
    for key, wanted in sorted(demand.items()):
        deployment = estate.deployments[key]
        if not deployment.is_provisioned:
            flows.extend(wanted)
            continue
        served, load = _fill(world, catalog, deployment, wanted, estate)
        flows.extend(served)
        loads[key] = load
    for key, deployment in estate.deployments.items():
        if deployment.is_provisioned and key not in loads:
            idle = np.zeros(len(hours))
            nothing = np.zeros((len(hours), 60))
            loads[key] = Load(idle, idle, idle, nothing, nothing, nothing)
    moments = (hours - as_of_day.astype("datetime64[h]")).astype(np.int64) / 24
    is_there = {key: _is_there(deployment, moments) for key, deployment in estate.deployments.items()}
    return Traffic(estate, hours, tuple(flows), loads, is_there, day_numbers)


def _hours(world: World) -> np.ndarray:
    start = np.datetime64(world.day(-world.days), "h")
    end = np.datetime64(world.as_of.replace(tzinfo=None), "h")
    return np.arange(start, end)


def _is_there(deployment: Deployment, moments: np.ndarray) -> np.ndarray:
    if deployment.gone is None:
        return np.ones(len(moments), dtype=bool)
    first, end = deployment.gone
    return (moments < first) | (moments >= end)


def _demand(world: World, estate: Estate, hours: np.ndarray) -> dict[tuple[str, str], list[Flow]]:
    wanted: dict[tuple[str, str], list[Flow]] = defaultdict(list)
    names = np.array(world.usage.column("stream_id").to_pylist())
    moments = world.usage.column("hour_start").to_numpy().astype("datetime64[h]")
    columns = {name: world.usage.column(name).to_numpy() for name in (*TOKENS, *REQUESTS)}
    for stream in world.organisation.of("azure"):
        mine = names == stream.id
        places = (moments[mine] - hours[0]).astype(np.int64)
        counts: Counts = {}
        for name, values in columns.items():
            counts[name] = np.zeros(len(hours), dtype=np.int64)
            counts[name][places] = values[mine]
        deployment = estate.deployments[stream.account, stream.via["deployment"]]
        wanted[deployment.key].append(Flow(stream, deployment, is_spilled=False, counts=counts))
    return wanted


def _fill(
    world: World, catalog: Catalog, deployment: Deployment, wanted: list[Flow], estate: Estate
) -> tuple[list[Flow], Load]:
    """Fill the PTUs; the overflow spills or is refused, in the same proportion for every stream."""
    per_minute = deployment.ptus * catalog.tokens_per_minute(deployment.model)
    weight = catalog.output_weight(deployment.model)
    # cached prompt tokens take no capacity
    hourly = sum(flow.counts["input_tokens"] + weight * flow.counts["output_tokens"] for flow in wanted)
    hourly = np.asarray(hourly, dtype=np.float64)
    bursts = world.rng(f"azure minutes {deployment.workload_id}").lognormal(0.0, BURSTINESS, (len(hourly), 60))
    minutes = hourly[:, None] * bursts / bursts.sum(axis=1, keepdims=True)
    shares = np.minimum(minutes, per_minute) / per_minute
    beyond = np.maximum(minutes - per_minute, 0)
    over = beyond.sum(axis=1)
    overflow = np.divide(over, hourly, out=np.zeros_like(hourly), where=hourly > 0)
    load = Load(
        shares.mean(axis=1) * 100,
        shares.max(axis=1) * 100,
        shares.min(axis=1) * 100,
        shares * 100,
        minutes - beyond,
        beyond,
    )
    target = estate.deployments[deployment.account.name, deployment.spillover] if deployment.spillover else None
    flows: list[Flow] = []
    for flow in wanted:
        flows.extend(_split(flow, overflow, target))
    return flows, load


def _split(flow: Flow, overflow: np.ndarray, target: Deployment | None) -> list[Flow]:
    moved = {name: np.rint(flow.counts[name] * overflow).astype(np.int64) for name in (*TOKENS, "request_count")}
    kept: Counts = {name: flow.counts[name] - moved[name] for name in moved}
    kept["error_count"] = flow.counts["error_count"]
    # the provisioned deployment logs the 429 even when the request is then answered elsewhere
    kept["throttled_count"] = flow.counts["throttled_count"] + moved["request_count"]
    stays = replace(flow, counts=kept)
    if target is None:
        return [stays]
    nothing = np.zeros_like(kept["error_count"])
    spilled = {**moved, "throttled_count": nothing, "error_count": nothing}
    return [stays, Flow(flow.stream, target, is_spilled=True, counts=spilled)]
