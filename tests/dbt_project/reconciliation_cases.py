"""Workloads of one day, each with one thing wrong between meter and bill, and the residual that a pencil gives.

The model costs 2 USD per million input tokens (2.50 until 2026-11-10) and 10 % less by contract, on AWS; Google and
Azure charge 1 and 2 USD and grant nothing. The bill is complete through 2026-11-12.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from tests.dbt_project.interfaces import charge, usage

Rows = list[dict[str, Any]]
DAY, NEXT, LATE = date(2026, 11, 11), date(2026, 11, 12), date(2026, 11, 13)
MILLION = 1_000_000
_AWS = {"provider": "aws", "model": "opus", "region_class": "regional"}
_OLD = {"valid_from": date(2020, 1, 1), "valid_to": date(2026, 11, 10)}
_STANDARD = {"input": "2", "output": "10", "cache_read": "0.2", "cache_write_5m": "2.5", "cache_write_1h": "4"}
LIST_PRICES: Rows = [
    _AWS | _OLD | {"token_class": "input", "usd_per_mtok": "2.5"},
    *(
        _AWS | {"token_class": name, "usd_per_mtok": price}
        | ({"valid_from": date(2026, 11, 10)} if name == "input" else {})
        for name, price in _STANDARD.items()
    ),
    _AWS | {"token_class": "input", "usd_per_mtok": "1", "service_tier": "batch"},
    _AWS | {"token_class": "input", "usd_per_mtok": "3.5", "service_tier": "priority"},
    _AWS | {"token_class": "input", "usd_per_mtok": "4.4", "context_band": "long"},
    {"provider": "gcp", "model": "opus", "region_class": "global", "token_class": "input", "usd_per_mtok": "1"},
    {"provider": "gcp", "model": "opus", "region_class": "global", "token_class": "cache_read", "usd_per_mtok": "0.1"},
    {"provider": "azure", "model": "opus", "region_class": "global", "token_class": "input", "usd_per_mtok": "2"},
]  # fmt: skip
DISCOUNTS: Rows = [
    {"discount_id": "agreement", "provider": "aws", "model_pattern": "op*", "discount_pct": "10",
     "valid_from": date(2026, 1, 1)},
]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """What was metered and billed for one workload, and the residual by class."""

    name: str
    metered: tuple[dict[str, Any], ...]
    billed: tuple[dict[str, Any], ...]
    residual: Mapping[str, str] = field(default_factory=dict)
    overcharge: Mapping[str, str] = field(default_factory=dict)
    provider: str = "aws"


def tokens(count: int, **values: Any) -> dict[str, Any]:
    return {"input_tokens": count} | values


def cost(amount: str, count: int | None = MILLION, **values: Any) -> dict[str, Any]:
    return {"billed_cost": Decimal(amount), "consumed_tokens": count} | values


_CREDIT = {"charge_category": "Credit", "consumed_tokens": None}
_TOTAL: dict[str, Any] = {"input_is_total": True, "cache_read_tokens": None, "cache_write_tokens": None}
CASES = (
    Case("exact", (tokens(MILLION),), (cost("1.8"),)),
    Case("whole cents", (tokens(1_234_567),), (cost("2.22", 1_234_567),), {"rounding": "0.0022206"}),
    Case("a thousandth of the tokens", (tokens(MILLION),), (cost("0.0018", 1000),), {"unit": "1.7982"}),
    Case(
        "a thousand times the price", (tokens(1000),), (cost("1.8", 1000),), {"unit": "-1.7982"},
        {"wrong_unit": "1.7982"},
    ),
    Case(
        "the price of last month", (tokens(MILLION),), (cost("2.25"),), {"price_date": "-0.45"},
        {"outdated_price": "0.45"},
    ),
    Case(
        "a list price of its own", (tokens(MILLION),), (cost("2.88", list_cost=Decimal("3.2")),),
        {"price_date": "-1.08"},
    ),
    Case(
        "no discount", (tokens(MILLION),), (cost("2"),), {"discount": "-0.2"}, {"discount_not_applied": "0.2"}
    ),
    Case("a credit", (tokens(MILLION),), (cost("1.8"), cost("-0.3") | _CREDIT), {"discount": "0.3"}),
    Case(
        "a discount on a row of its own", (tokens(MILLION),),
        (cost("2"), cost("-0.2", None, charge_category="Adjustment")),
    ),
    # 600,000 for five minutes at 2.25, 400,000 for an hour at 3.60; the meter knows 1,000,000 writes
    Case(
        "cache writes of one hour", (tokens(0, cache_write_tokens=MILLION),),
        (cost("1.35", 600_000, token_class="cache_write_5m"), cost("1.44", 400_000, token_class="cache_write_1h")),
        {"cache_class": "-0.54"},
    ),
    Case(
        "cached tokens billed twice", (tokens(MILLION, cache_read_tokens=400_000),),
        (cost("2.52", 1_400_000), cost("0.072", 400_000, token_class="cache_read")),
        {"cache_class": "-0.72"}, {"cached_tokens_twice": "0.72"},
    ),
    Case(
        "cached tokens inside the metered input", (tokens(MILLION, **_TOTAL),),
        (cost("0.6", 600_000), cost("0.04", 400_000, token_class="cache_read")), {"cache_class": "0.36"},
        provider="gcp",
    ),
    Case("batch", (tokens(MILLION),), (cost("0.9", service_tier="batch"),), {"service_tier": "0.9"}),
    # what is metered at the standard price and billed at it leaves no residual, but batch was due
    Case(
        "batch at the standard price", (tokens(MILLION),), (cost("1.8", service_tier="batch"),), {},
        {"wrong_tier": "0.9"},
    ),
    Case(
        "priority that nobody asked for", (tokens(MILLION),), (cost("3.15"),), {"service_tier": "-1.35"},
        {"wrong_tier": "1.35"},
    ),
    Case(
        "long context", (tokens(MILLION),), (cost("1.62", 900_000), cost("0.396", 100_000, context_band="long")),
        {"context_band": "-0.216"},
    ),
    Case("a tier without a price", (tokens(MILLION),), (cost("1", service_tier="flex"),), {"service_tier": "0.8"}),
    Case("failed calls", (tokens(MILLION),), (cost("1.98", 1_100_000),), {"unmetered": "-0.18"}),
    Case("calls that were not billed", (tokens(MILLION),), (cost("1.62", 900_000),), {"unmetered": "0.18"}),
    Case("no meter that day", (tokens(5, usage_date=NEXT),), (cost("1.8"), cost("0.000009", 5, charge_date=NEXT)),
         {"unmetered": "-1.8"}),
    Case("never metered", (), (cost("1.8"),), {"outside_profile": "-1.8"}),
    Case("not billed yet", (tokens(MILLION, usage_date=LATE),), (), {"late_data": "1.8"}),
    Case("an unknown model", (tokens(9, model=None),), (cost("5", 9, model=None),), {"unmapped": "-5"}),
    Case("no reason", (tokens(MILLION),), (cost("1.77"),), {"unknown": "0.03"}),
    Case(
        "a deeper discount", (tokens(MILLION),), (cost("1.5", list_cost=Decimal(2)),), {"discount": "0.3"}
    ),
    # more than the list price is no discount, whoever's list it is
    Case(
        "a surcharge", (tokens(MILLION),), (cost("5", list_cost=Decimal(2)),), {"unknown": "-3.2"},
        {"unexplained": "3.2"},
    ),
    Case(
        "a surcharge on a list price of its own", (tokens(MILLION),), (cost("4.1", list_cost=Decimal("3.2")),),
        {"price_date": "-1.08", "unknown": "-1.22"},
    ),
    Case("no rate", (tokens(MILLION),), (cost("1", billing_currency="JPY", usd_per_currency=None),)),
    # 300,000 of its tokens belong to the Pacific day before and 200,000 of the next day to this one; the next day is
    # billed in UTC again, after its first 200,000
    Case(
        "pacific", (tokens(MILLION), tokens(MILLION, usage_date=NEXT)),
        (cost("0.9", 900_000), cost("0.8", 800_000, charge_date=NEXT)), {"time_zone": "0.3"}, provider="gcp",
    ),
    # 700,000 of the tokens were served by bought throughput
    Case("dedicated", (tokens(MILLION),), (cost("0.3", 300_000),), provider="gcp"),
    Case("capacity", (tokens(MILLION),), ()),
)  # fmt: skip
METER_DETAILS: Rows = [
    {"project_id": "pacific", "usage_date": DAY, "dedicated_tokens": 0, "early_tokens": 300_000},
    {"project_id": "pacific", "usage_date": NEXT, "dedicated_tokens": 0, "early_tokens": 200_000},
    {"project_id": "dedicated", "usage_date": DAY, "dedicated_tokens": 700_000, "early_tokens": 0},
]
ACCOUNT_USAGE: Rows = [
    usage(f"shared/{name}", usage_date=DAY, sub_account_id="sub", model="opus", input_tokens=MILLION)
    for name in ("chat", "mail")
]
ACCOUNT_CHARGES: Rows = [
    charge("sub", charge_date=DAY, model="opus", workload_id="shared", billed_cost=Decimal(3), list_cost=None,
           consumed_tokens=1_500_000),
    charge("sub", charge_date=DAY, model="opus", workload_id="shared/mail", billed_cost=Decimal(1), list_cost=None,
           consumed_tokens=500_000),
]  # fmt: skip


def metered_rows(provider: str) -> Rows:
    common = {"usage_date": DAY, "provider": provider, "billing_account_id": provider, "model": "opus"}
    common |= {"region_class": "regional" if provider == "aws" else "global", "region_id": "here"}
    return [
        usage(case.name) | common | {"sub_account_id": case.name, "provider_model_name": "opus"} | row
        for case in CASES
        if case.provider == provider
        for row in case.metered
    ]


def billed_rows(provider: str) -> Rows:
    common = {"charge_date": DAY, "provider": provider, "billing_account_id": provider, "model": "opus"}
    common |= {"region_class": "regional" if provider == "aws" else "global", "list_cost": None}
    return [
        charge(case.name) | common | {"workload_id": case.name} | row
        for case in CASES
        if case.provider == provider
        for row in case.billed
    ]
