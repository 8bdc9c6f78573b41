"""Which row each token class of each workload makes on the bill: product, usage type, operation, unit and price.

Three shapes stand side by side on a real bill: Nova as `AmazonBedrock` per 1K tokens, newer Claude as
`AmazonBedrockService` per 1K tokens, and the other Claude models through AWS Marketplace per million tokens, under a
product code that is an opaque listing id.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

from emulator.aws.estate import Workload, opaque_id, price_sheet
from emulator.world import World

UNITS_PER_USD = 10**10
AWS_PREFIX = {"us-east-1": "USE1", "eu-west-1": "EU"}
MARKETPLACE_PREFIX = {"us-east-1": "USE1", "eu-west-1": "EUW1"}
_REGION_NAMES = {"us-east-1": "US East (N. Virginia)", "eu-west-1": "EU (Ireland)"}
_AWS_TOKENS = {
    "input": "input-tokens",
    "output": "output-tokens",
    "cache_read": "cache-read-input-token-count",
    "cache_write_5m": "cache-write-input-token-count",
    "cache_write_1h": "cache-write-1h-input-token-count",
}
_MARKETPLACE_TOKENS = {
    "input": ("InputTokenCount", "_Global", "Million Input Tokens"),
    "output": ("OutputTokenCount", "_Global", "Million Output Tokens"),
    "cache_read": ("CacheReadInputTokenCount", "_Global", "Million Cache Read Input Tokens"),
    "cache_write_5m": ("CacheWriteInputTokenCount", "_Global", "Million Cache Write Input Tokens"),
    "cache_write_1h": ("cache_write_tokens_1h", "_global_standard", "Million Cache Write 1h Tokens"),
}


def sku_rows(world: World, workloads: tuple[Workload, ...]) -> pa.Table:
    """One row per workload and what it is billed by, with `units_per_quantity` in 1e-10 USD."""
    models = price_sheet()["models"]
    teams = {stream.id: stream for stream in world.organisation.of("aws")}
    rows: list[dict[str, Any]] = []
    for workload in workloads:
        stream, model = teams[workload.stream_id], models[workload.model]
        common = {
            "stream_id": workload.stream_id,
            "team": stream.team,
            "product": stream.product,
            "model": workload.model,
            "workload_id": workload.workload_id,
            "account": workload.account,
            "region": workload.region,
            "resource_id": workload.arn,
            "tags": [(f"user_{key}", value) for key, value in workload.tags.items()],
        }
        if workload.kind == "provisioned":
            rows.append(common | _model_unit_sku(workload, model))
            continue
        rows.extend(common | _token_sku(world, workload, model, name) for name in model["per_mtok"])
    schema = pa.Table.from_pylist([{key: value for key, value in rows[0].items() if key != "tags"}]).schema
    return pa.Table.from_pylist(rows, schema=schema.append(pa.field("tags", pa.map_(pa.string(), pa.string()))))


def _token_sku(world: World, workload: Workload, model: Mapping[str, Any], token_class: str) -> dict[str, Any]:
    premium = model["geo_premium_pct"] if workload.routing == "geo" else 0
    per_mtok = Decimal(model["per_mtok"][token_class]) * (100 + premium) / 100
    common = {
        "token_class": token_class,
        "product_name": model["product_name"],
        "units_per_quantity": int(per_mtok * UNITS_PER_USD / 10**6),
    }
    if model["shape"] == "marketplace":
        prefix = MARKETPLACE_PREFIX[workload.region]
        name, routed, words = _MARKETPLACE_TOKENS[token_class]
        suffix = routed if workload.routing == "global" else routed.replace("_Global", "").replace("_global", "")
        return common | {
            "entity": "AWS Marketplace",
            "seller": "Anthropic, PBC",
            "product_code": opaque_id(world.seed, model["product_name"], 25),
            "usage_type": f"{prefix}-MP:{prefix}_{name}{suffix}-Units",
            "operation": "Usage",
            "pricing_unit": "Units",
            "quantity_per_unit": 1_000_000,
            "rate": _plain(per_mtok),
            "description": f"AWS Marketplace software usage|{workload.region}|{words}",
        }
    rate, words = per_mtok / 1000, _AWS_TOKENS[token_class]
    routed = "-cross-region-global" if workload.routing == "global" else ""
    return common | {
        "entity": "AWS",
        "seller": "Amazon Web Services, Inc.",
        "product_code": "AmazonBedrockService" if model["shape"] == "bedrock_service" else "AmazonBedrock",
        "usage_type": f"{AWS_PREFIX[workload.region]}-{model['billing_name']}-{words}{routed}",
        "operation": "InvokeModelInference",
        "pricing_unit": "1K tokens",
        "quantity_per_unit": 1_000,
        "rate": _plain(rate),
        "description": f"${_plain(rate)} per 1K {words} for {model['name']} in {_REGION_NAMES[workload.region]}",
    }


def _model_unit_sku(workload: Workload, model: Mapping[str, Any]) -> dict[str, Any]:
    rate = Decimal(model["model_unit_hour"])
    prefix = AWS_PREFIX[workload.region]
    return {
        "token_class": "other",
        "product_name": model["product_name"],
        "units_per_quantity": int(rate * UNITS_PER_USD),
        "entity": "AWS",
        "seller": "Amazon Web Services, Inc.",
        "product_code": "AmazonBedrock",
        "usage_type": f"{prefix}-{model['billing_name']}-ProvisionedThroughput-NoCommit-ModelUnits",
        "operation": "ProvisionedThroughput",
        "pricing_unit": "hour",
        "quantity_per_unit": 1,
        "rate": _plain(rate),
        "description": f"${_plain(rate)} per hour per model unit for {model['name']} without commitment",
    }


def _plain(value: Decimal) -> str:
    """The number without exponent and without trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
