"""What the API Management gateway in front of the shared deployments logged: requests and tokens by hour and key."""

from collections import defaultdict
from typing import Any

import numpy as np
import pyarrow as pa

from emulator.azure.catalog import load_catalog
from emulator.azure.traffic import Traffic
from emulator.truth import table

WORKSPACE_ID = "10900000-0000-4000-8000-0000000000a1"
SUBSCRIPTION_KEY = "apim-{key}"
PRODUCT = "ai-gateway"
API = "azure-openai"
GATEWAY_SCHEMA = pa.schema(
    [
        ("hour_start", pa.timestamp("us", tz="UTC")),
        ("subscription_key", pa.string()),
        ("team", pa.string()),
        ("account", pa.string()),
        ("deployment", pa.string()),
        ("model_name", pa.string()),
        ("prompt_tokens", pa.int64()),
        ("cached_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
        ("answered", pa.int64()),
        ("failed", pa.int64()),
    ]
)


def gateway_table(traffic: Traffic) -> pa.Table:
    """One row per gateway key, deployment and hour with a request; what is refused has no token."""
    columns: dict[str, list[Any]] = defaultdict(list)
    for flow in traffic.flows:
        key = flow.stream.via.get("gateway_key")
        if key is None:
            continue
        counts = flow.counts
        failed = counts["throttled_count"] + counts["error_count"]
        busy = np.flatnonzero(counts["request_count"] + failed)
        model = flow.deployment.model
        columns["hour_start"] += traffic.hours[busy].astype("datetime64[us]").tolist()
        texts = {
            "subscription_key": SUBSCRIPTION_KEY.format(key=key),
            "team": flow.stream.team,
            "account": flow.deployment.account.name,
            "deployment": flow.deployment.name,
            # an answer names the model with its version
            "model_name": f"{model}-{load_catalog().model_version(model)}",
        }
        for name, text in texts.items():
            columns[name] += [text] * len(busy)
        numbers = {
            "prompt_tokens": counts["input_tokens"] + counts["cache_read_tokens"],
            "cached_tokens": counts["cache_read_tokens"],
            "completion_tokens": counts["output_tokens"],
            "answered": counts["request_count"],
            "failed": failed,
        }
        for name, values in numbers.items():
            columns[name] += values[busy].tolist()
    return table(GATEWAY_SCHEMA, {name: columns[name] for name in GATEWAY_SCHEMA.names}).sort_by("hour_start")
