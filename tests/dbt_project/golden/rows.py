"""The rows of the golden scenarios as the providers write them; README.md beside this file works them out."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

Rows = list[dict[str, Any]]
PAYER, ACCOUNT = "100000000001", "210000000001"
DAY = datetime(2026, 11, 5, 9, tzinfo=UTC)
NOVEMBER, DECEMBER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
_PROFILE = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:application-inference-profile/"

_PRICES = {
    ("aws", "claude-opus-4-5", "global"): {"cache_write_5m": "6.25", "cache_write_1h": "10"},
    ("aws", "nova-pro", "regional"): {"input": "0.80"},
    ("aws", "claude-sonnet-4-5", "global"): {"input": "3"},
    ("aws", "claude-haiku-4-5", "global"): {"input": "1"},
    ("aws", "nova-lite", "regional"): {"input": "0.06"},
    ("gcp", "gemini-2.5-flash-lite", "regional"): {"input": "0.10"},
    ("gcp", "gemini-2.5-flash", "regional"): {"output": "2.50"},
    ("azure", "gpt-4.1", "global"): {"input": "2"},
    ("azure", "gpt-5", "global"): {"input": "1.25"},
}
LIST_PRICES: Rows = [
    {"provider": provider, "model": model, "region_class": region, "token_class": name, "usd_per_mtok": price}
    for (provider, model, region), prices in _PRICES.items()
    for name, price in prices.items()
]
LIST_PRICES += [
    {"provider": "aws", "model": "nova-pro", "region_class": "regional", "token_class": "input",
     "usd_per_mtok": "0.40", "service_tier": "batch"},
    {"provider": "aws", "model": "claude-sonnet-4-5", "region_class": "global", "token_class": "input",
     "usd_per_mtok": "6", "context_band": "long"},
]  # fmt: skip


def _aws(profile: str, usage_type: str, amount: float, cost: float, **values: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "bill_billing_entity": "AWS",
        "bill_payer_account_id": PAYER,
        "bill_billing_period_start_date": NOVEMBER.replace(tzinfo=None),
        "bill_billing_period_end_date": DECEMBER.replace(tzinfo=None),
        "line_item_usage_account_id": ACCOUNT,
        "line_item_line_item_type": "Usage",
        "line_item_usage_start_date": DAY.replace(tzinfo=None),
        "line_item_usage_end_date": DAY.replace(tzinfo=None) + timedelta(hours=1),
        "line_item_product_code": "AmazonBedrock",
        "line_item_usage_type": usage_type,
        "line_item_operation": "InvokeModelInference",
        "line_item_resource_id": _PROFILE + profile,
        "line_item_usage_amount": amount,
        "line_item_currency_code": "USD",
        "line_item_unblended_cost": cost,
        "line_item_line_item_description": usage_type,
        "product": [("product_name", "Amazon Bedrock")],
        "product_region_code": "us-east-1",
        "pricing_unit": "1K tokens",
        "pricing_public_on_demand_cost": cost,
        "resource_tags": [],
    }
    return row | values


def _marketplace(profile: str, usage_type: str, amount: float, cost: float, product: str) -> dict[str, Any]:
    return _aws(
        profile,
        usage_type,
        amount,
        cost,
        bill_billing_entity="AWS Marketplace",
        line_item_product_code="4a524th30q694o538qndh9ucht",
        product=[("product_name", f"{product} (Amazon Bedrock Edition)")],
        pricing_unit="Units",
    )


_LATER = {
    "line_item_usage_start_date": datetime(2026, 11, 6, 23),  # noqa: DTZ001 - AWS's times carry no zone
    "line_item_usage_end_date": datetime(2026, 11, 7),  # noqa: DTZ001
}
LINE_ITEMS: Rows = [
    _aws("goldenopus00", "USE1-Claude4.5Opus-cache-write-input-token-count-cross-region-global", 60.0, 0.375),
    _aws("goldenopus00", "USE1-Claude4.5Opus-cache-write-1h-input-token-count-cross-region-global", 40.0, 0.4),
    _aws("goldenbatch0", "USE1-NovaPro-input-tokens-batch", 2000.0, 0.8),
    _marketplace("goldensonnet", "USE1-MP:USE1_InputTokenCount_Global-Units", 0.2, 0.6, "Claude Sonnet 4.5"),
    _marketplace("goldensonnet", "USE1-MP:USE1_InputTokenCount_Global_LCtx-Units", 0.200001, 1.200006,
                 "Claude Sonnet 4.5"),
    _marketplace("goldenhaiku0", "USE1-MP:USE1_InputTokenCount_Global-Units", 0.25, 0.25, "Claude Haiku 4.5"),
    _aws("goldenlite00", "USE1-NovaLite-input-tokens", 250.0, 0.015),
    # the bill goes on for a day, so that the day before it is complete
    _aws("goldenlite00", "USE1-NovaLite-input-tokens", 250.0, 0.015) | _LATER,
]  # fmt: skip

# Cost Explorer sums the same month by service, and once more by model: only one of the two may count
COST_EXPLORER: Rows = [
    {"payer_account_id": PAYER, "grouped_by": group, "key": key, "start": start, "amount": amount, "unit": "USD"}
    for group, key, start, amount in (
        ("service", "Amazon Bedrock", date(2026, 11, 5), "1.59"),
        ("service", "Claude (Amazon Bedrock Edition)", date(2026, 11, 5), "2.050006"),
        ("service", "Amazon Bedrock", date(2026, 11, 6), "0.015"),
        ("model", "Nova Lite", date(2026, 11, 6), "0.015"),
    )
]


def _metric(profile: str, metric: str, value: float, hour: datetime = DAY) -> dict[str, Any]:
    return {
        "account_id": ACCOUNT, "region": "us-east-1", "model_id": profile, "metric": metric, "timestamp": hour,
        "value": value,
    }  # fmt: skip


METRICS: Rows = [
    _metric("goldenopus00", "CacheWriteInputTokenCount", 100_000.0),
    _metric("goldenbatch0", "InputTokenCount", 2_000_000.0),
    _metric("goldensonnet", "InputTokenCount", 400_001.0),
    _metric("goldenhaiku0", "InputTokenCount", 250_000.0),
    _metric("goldenlite00", "InputTokenCount", 250_000.0),
    _metric("goldenlite00", "InputTokenCount", 250_000.0, datetime(2026, 11, 6, 23, tzinfo=UTC)),
]

_SKUS = {
    "Gemini 2.5 Flash Lite Text Input - Predictions": "7A06-C2F1-EE53",
    "Gemini 2.5 Flash GA Text Output - Predictions": "5D1E-90B3-6C27",
}


def _google(project: str, sku: str, tokens: float, euro: float, **values: Any) -> dict[str, Any]:
    start = values.pop("start", DAY)
    row: dict[str, Any] = {
        "billing_account_id": "01A2B3-C4D5E6-F7A8B9",
        "service": {"id": "C7E2-9256-1C43", "description": "Vertex AI"},
        "sku": {"id": _SKUS[sku], "description": sku},
        "usage_start_time": start,
        "usage_end_time": start + timedelta(hours=1),
        "project": {"id": project, "number": "1", "name": project, "labels": []},
        "labels": [],
        "location": {"location": "us-central1", "country": "US", "region": "us-central1", "zone": None},
        "export_time": start + timedelta(hours=20),
        "cost": euro,
        "cost_at_list": euro,
        "currency": "EUR",
        "currency_conversion_rate": 0.8,
        "usage": {"amount": tokens, "unit": "requests", "amount_in_pricing_units": tokens, "pricing_unit": "requests"},
        "credits": [],
        "invoice": {"month": "202611", "publisher_type": "GOOGLE"},
        "cost_type": "regular",
        "export_kind": "detailed",
        "read_from": "table",
    }
    return row | values


_INPUT, _OUTPUT = _SKUS
_NOTE = {"id": "adj-1", "description": "Correction", "type": "USAGE_CORRECTION",
         "mode": "COMPLETE_NEGATION_WITH_REMONETIZATION"}  # fmt: skip
_LAST_HOUR = datetime(2026, 10, 31, 23, tzinfo=UTC)
# the days around it are billed too, so that it is complete
_AROUND = tuple(datetime(2026, 11, day, 23, tzinfo=UTC) for day in (1, 2, 3, 4, 6, 7))
EXPORT_ROWS: Rows = [
    _google("golden-corrected", _INPUT, 12e6, 0.96),
    _google("golden-corrected", _INPUT, -12e6, -0.96, adjustment_info=_NOTE),
    _google("golden-corrected", _INPUT, 10e6, 0.8, adjustment_info=_NOTE),
    _google("golden-credited", _OUTPUT, 4e5, 0.8,
            credits=[{"name": "Startup credit", "amount": -1.0, "full_name": None, "id": None, "type": "PROMOTION"}]),
    _google("golden-october", _OUTPUT, 2e5, 0.4, start=_LAST_HOUR),
    *(_google("golden-around", _OUTPUT, 2e5, 0.4, start=hour) for hour in _AROUND),
]  # fmt: skip


def _count(project: str, model: str, kind: str, tokens: int, hour: datetime = DAY) -> dict[str, Any]:
    return {
        "project_id": project, "location": "us-central1", "publisher": "google", "model_user_id": model, "type": kind,
        "request_type": "shared", "source": "online", "metric": "token_count", "hour_start": hour, "value": tokens,
    }  # fmt: skip


TOKEN_COUNTS: Rows = [
    _count("golden-corrected", "gemini-2.5-flash-lite", "input", 10_000_000),
    _count("golden-credited", "gemini-2.5-flash", "output", 400_000),
    _count("golden-october", "gemini-2.5-flash", "output", 200_000, _LAST_HOUR),
    *(_count("golden-around", "gemini-2.5-flash", "output", 200_000, hour) for hour in _AROUND),
]

_OPENAI = "/subscriptions/sub-golden/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/golden"
_ORDER = "/providers/Microsoft.Capacity/reservationOrders/golden-order"


def _azure(meter: str, unit: str, quantity: str, cost: str, **values: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "Cost": cost,
        "UsageQuantity": quantity,
        "UsageDate": 20261105,
        "SubscriptionId": "sub-golden",
        "ResourceId": _OPENAI,
        "ResourceLocation": "eastus2",
        "ConsumedService": "Microsoft.CognitiveServices",
        "ServiceName": "Foundry Models",
        "ServiceTier": "Azure OpenAI",
        "Meter": meter,
        "UnitOfMeasure": unit,
        "ChargeType": "Usage",
        "PricingModel": "OnDemand",
        "Currency": "USD",
        "_billing_account_id": "8611537",
    }
    return row | values


_RESERVED = {"ResourceId": _ORDER, "ConsumedService": "Microsoft.Capacity", "PricingModel": "Reservation"}
_PTU = "Provisioned Managed Global Unit"
_TOKENS: Rows = [
    _azure("gpt 4.1 Inp glbl Tokens", "1K", "1500", "3"),
    _azure("GPT 5 Inpt Glbl 1M Tokens", "1M", "1.5", "1.875", ServiceTier="Azure OpenAI GPT5"),
]
ACTUAL: Rows = [
    *_TOKENS,
    _azure(_PTU, "1 Month", "15", "3900", UsageDate=20261110, ChargeType="Purchase", **_RESERVED),
]
AMORTIZED: Rows = [
    *_TOKENS,
    *(_azure(_PTU, "1/Hour", "360", "130", UsageDate=20261110 + day, **_RESERVED) for day in range(3)),
]
KNOWN_FROM = date(2020, 1, 1)
