"""The hourly metrics of each deployment, as Azure Monitor would sum them, in one table."""

import numpy as np
import pyarrow as pa

from emulator.azure.estate import Deployment
from emulator.azure.traffic import Traffic

METRIC_SCHEMA = pa.schema(
    [
        ("account", pa.string()),
        ("deployment", pa.string()),
        ("hour_start", pa.timestamp("us", tz="UTC")),
        ("metric", pa.string()),
        ("status_code", pa.string()),
        ("is_spillover", pa.string()),
        ("total", pa.float64()),
        ("average", pa.float64()),
        ("maximum", pa.float64()),
        ("minimum", pa.float64()),
    ]
)
UTILIZATION = "AzureOpenAIProvisionedManagedUtilizationV2"
REQUESTS = "AzureOpenAIRequests"
CACHE_MATCH = "AzureOpenAIContextTokensCacheMatchRate"


def metric_table(traffic: Traffic) -> pa.Table:
    """One row per deployment, hour, metric and dimension values that have something to say; idle hours are absent."""
    parts = [part for deployment in traffic.estate.deployments.values() for part in _parts(traffic, deployment)]
    return pa.concat_tables(parts).combine_chunks()


def _parts(traffic: Traffic, deployment: Deployment) -> list[pa.Table]:
    flows = [flow for flow in traffic.flows if flow.deployment == deployment]
    direct = [flow for flow in flows if not flow.is_spilled]
    spilled = [flow for flow in flows if flow.is_spilled]

    def total(name: str, chosen: list) -> np.ndarray:
        return sum((flow.counts[name] for flow in chosen), np.zeros(len(traffic.hours), dtype=np.int64))

    uncached, cached, output = (total(name, flows) for name in ("input_tokens", "cache_read_tokens", "output_tokens"))
    errors = total("error_count", flows)
    # a third of what fails is refused by the content filter
    filtered = errors // 3
    counted = [
        ("ProcessedPromptTokens", None, None, uncached + cached),
        ("GeneratedTokens", None, None, output),
        ("TokenTransaction", None, None, uncached + cached + output),
        (REQUESTS, "200", "False", total("request_count", direct)),
        (REQUESTS, "200", "True", total("request_count", spilled)),
        (REQUESTS, "429", "False", total("throttled_count", flows)),
        (REQUESTS, "400", "False", filtered),
        (REQUESTS, "500", "False", errors - filtered),
    ]
    if deployment.is_provisioned:
        counted.append(("ActiveTokens", None, None, uncached + output))
    parts = [_counts(traffic, deployment, *entry) for entry in counted]
    if deployment.is_provisioned:
        parts.append(_utilization(traffic, deployment))
        parts.append(_cache_match(traffic, deployment, cached, uncached + cached))
    return parts


def _counts(
    traffic: Traffic, deployment: Deployment, metric: str, status: str | None, spilled: str | None, totals: np.ndarray
) -> pa.Table:
    busy = totals > 0
    values = totals[busy].astype(np.float64)
    return _table(traffic, deployment, metric, busy, status, spilled, (values, values, values, values))


def _utilization(traffic: Traffic, deployment: Deployment) -> pa.Table:
    there, load = traffic.is_there[deployment.key], traffic.loads[deployment.key]
    mean, peak, low = (np.round(values[there], 4) for values in (load.mean_pct, load.peak_pct, load.low_pct))
    return _table(traffic, deployment, UTILIZATION, there, None, None, (mean * 60, mean, peak, low))


def _cache_match(traffic: Traffic, deployment: Deployment, cached: np.ndarray, prompt: np.ndarray) -> pa.Table:
    """The percentage of prompt tokens that the cache held, of hours with a prompt."""
    busy = prompt > 0
    rate = np.round(100 * cached[busy] / prompt[busy], 4)
    return _table(traffic, deployment, CACHE_MATCH, busy, None, None, (rate * 60, rate, rate, rate))


def _table(
    traffic: Traffic,
    deployment: Deployment,
    metric: str,
    chosen: np.ndarray,
    status: str | None,
    spilled: str | None,
    values: tuple[np.ndarray, ...],
) -> pa.Table:
    hours = pa.array(traffic.hours[chosen].astype("datetime64[us]")).cast(pa.timestamp("us", tz="UTC"))
    texts = (deployment.account.name, deployment.name)
    columns: list[pa.Array] = [pa.repeat(pa.scalar(text, pa.string()), len(hours)) for text in texts]
    columns.append(hours)
    columns += [pa.repeat(pa.scalar(text, pa.string()), len(hours)) for text in (metric, status, spilled)]
    columns += [pa.array(numbers) for numbers in values]
    return pa.Table.from_arrays(columns, schema=METRIC_SCHEMA)
