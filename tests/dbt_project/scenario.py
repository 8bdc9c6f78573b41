"""One organisation, small enough to work out by hand, that carries every rule the central models have to keep.

Each account, workload or capacity is one case; tests look it up by its name.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.dbt_project.interfaces import capacity_hour, charge, landed_totals, logged, usage

Rows = list[dict[str, Any]]
RESOURCE = "/subscriptions/sub-grouped/resourceGroups/RG-Support/providers/x"

OWNERSHIP_RULES: Rows = [
    {"rule_id": "owned", "field": "subscription", "pattern": "sub-owned*", "team": "search", "product": "search-box"},
    {
        "rule_id": "sold-before",
        "field": "subscription",
        "pattern": "sub-sold",
        "team": "risk",
        "valid_to": date(2026, 11, 10),
    },
    {
        "rule_id": "sold-after",
        "field": "subscription",
        "pattern": "sub-sold",
        "team": "docs",
        "valid_from": date(2026, 11, 10),
    },
    {"rule_id": "wide", "field": "subscription", "pattern": "sub-contested*", "team": "growth", "priority": 100},
    {"rule_id": "narrow", "field": "subscription", "pattern": "sub-contested-1", "team": "mobile", "priority": 50},
    {"rule_id": "grouped", "field": "resource_group", "pattern": "rg-support", "team": "support"},
    {"rule_id": "literal", "field": "subscription", "pattern": "sub_literal%", "team": "docs"},
    {"rule_id": "foreign", "provider": "gcp", "field": "project", "pattern": "sub-foreign", "team": "docs"},
    {
        "rule_id": "caller",
        "provider": "aws",
        "field": "principal",
        "pattern": "*:assumed-role/CodeReview",
        "team": "devtools",
    },
    {"rule_id": "account", "provider": "aws", "priority": 1, "field": "account", "pattern": "aws-*", "team": "search"},
    {"rule_id": "metered", "field": "workload_id", "pattern": "owned/*", "team": "payments", "environment": "prod"},
    {"rule_id": "pooled", "field": "tag:cost_pool", "pattern": "pool-*", "team": "risk"},
    {"rule_id": "modelled", "field": "model", "pattern": "o3*", "team": "docs"},
    {"rule_id": "keyed", "field": "gateway_key", "pattern": "sk-night-*", "team": "data", "priority": 200},
    {"rule_id": "keyed-account", "field": "subscription", "pattern": "sub-keyed", "team": "docs", "priority": 1},
]
SCOPE_RULES: Rows = [
    {
        "rule_id": "bedrock",
        "provider": "aws",
        "field": "service_name",
        "pattern": "Amazon Bedrock",
        "is_in_scope": True,
    },
    {"rule_id": "cognitive", "field": "service_name", "pattern": "cognitive *", "is_in_scope": True},
    {"rule_id": "no-search", "priority": 50, "field": "sku", "pattern": "*search unit*", "is_in_scope": False},
]

BUDGETS: Rows = [
    {"budget_id": "met", "team": "devtools", "monthly_amount": "4"},
    {"budget_id": "over", "team": "search", "monthly_amount": "2.999999999999"},
    {"budget_id": "inside", "team": "search", "product": "labelled", "monthly_amount": "2"},
    {"budget_id": "untouched", "team": "payments", "monthly_amount": "1"},
    {"budget_id": "yen-inside", "team": "growth", "monthly_amount": "1000"},
    {"budget_id": "euro", "team": "mobile", "monthly_amount": "1000", "currency": "EUR"},
    {"budget_id": "ended", "team": "docs", "monthly_amount": "1", "valid_to": date(2026, 11, 1)},
    {"budget_id": "not-begun", "team": "docs", "monthly_amount": "1", "valid_from": date(2026, 12, 1)},
]

# 2,500 tokens a minute and unit are 0.15 M an hour: 0.30 USD of input at 2 USD per million
_PTU = {"model": "gpt-4o", "tokens_per_minute_per_unit": 2500}
CAPACITY_PRICES: Rows = [
    _PTU | {"term": "hourly", "usd_per_unit_hour": "1"},
    _PTU | {"term": "1_month", "usd_per_unit_hour": "0.36"},
    _PTU | {"term": "1_year", "usd_per_unit_hour": "0.27", "valid_to": date(2026, 11, 10)},
    {"term": "1_year", "usd_per_unit_hour": "0.01"},
]

_GPT_4O = {"provider": "azure", "model": "gpt-4o", "service_tier": "standard", "context_band": "default"}
_OLD, _NEW = {"valid_from": date(2020, 1, 1), "valid_to": date(2026, 11, 10)}, {"valid_from": date(2026, 11, 10)}
LIST_PRICES: Rows = [
    _GPT_4O | _OLD | {"region_class": "global", "token_class": "input", "usd_per_mtok": "2.5"},
    _GPT_4O | _NEW | {"region_class": "global", "token_class": "input", "usd_per_mtok": "2"},
    _GPT_4O | {"region_class": "global", "token_class": "cache_read", "usd_per_mtok": "1.25"},
    _GPT_4O | {"region_class": "global", "token_class": "output", "usd_per_mtok": "10"},
    _GPT_4O | {"region_class": "global", "token_class": "output", "usd_per_mtok": "5", "service_tier": "batch"},
    _GPT_4O | {"region_class": "geo", "token_class": "input", "usd_per_mtok": "2.75"},
    _GPT_4O | {"region_class": "geo", "token_class": "output", "usd_per_mtok": "11"},
]
_PRICED = {"model": "gpt-5.5", "region_class": "global", "token_class": "input"}
LIST_PRICES += [_GPT_4O | _OLD | _PRICED | {"usd_per_mtok": "2.5"}, _GPT_4O | _NEW | _PRICED | {"usd_per_mtok": "2"}]

# the request says whose it is before the resource does
_REQUEST = '{"method":"request_label","tags":{"cost_pool":"other"}}'
_RESOURCE = '{"method":"resource_tag","tags":{"cost_pool":"pool-7"}}'
TAGGED = {"native_team": "devtools", "native_method": "resource_tag"}
CHARGES: Rows = [
    charge("sub-tagged", **TAGGED, native_product="code-review", native_environment="prod"),
    charge("sub-owned-tagged", **TAGGED),
    charge("sub-owned-1"),
    charge("sub-owned-product", native_product="labelled"),
    charge("sub-sold", charge_date=date(2026, 11, 9), billed_cost=Decimal(3)),
    charge("sub-sold", charge_date=date(2026, 11, 10), billed_cost=Decimal(5)),
    *(charge(f"sub-contested-{number}") for number in (1, 2)),
    charge("sub-contested-yen", billing_currency="JPY", usd_per_currency=None),
    charge("sub-grouped", resource_id=RESOURCE),
    *(charge(account) for account in ("sub_literal%", "subXliteralY", "sub-foreign")),
    charge("sub-nobody", charge_category="Tax", token_class="other", billed_cost=Decimal("0.07")),
    charge("sub-nobody", service_name="Virtual Machines", billed_cost=Decimal("123.45")),
    charge("sub-nobody", sku="Standard search unit", billed_cost=Decimal("9.99")),
    charge("sub-nobody", service_name=None, billed_cost=Decimal("0.000000000001")),
    charge("sub-euro", billing_currency="EUR", usd_per_currency=Decimal("1.5"), billed_cost=Decimal("0.000000000003")),
    charge(
        "sub-euro-odd", billing_currency="EUR", usd_per_currency=Decimal("0.5"), billed_cost=Decimal("-0.000000000003")
    ),
    charge("sub-yen", billing_currency="JPY", usd_per_currency=None, billed_cost=Decimal(1500)),
    charge("sub-pooled", carried_tags='{"method":"resource_tag","tags":{"user:Cost Pool":"Pool-7 "}}'),
    charge("sub-pooled-request", carried_tags=f"{_REQUEST},{_RESOURCE}"),
    charge("sub-pooled-blank", carried_tags='{"method":"resource_tag","tags":{"cost_pool":" ","pool":"pool-7"}}'),
    charge("sub-modelled", model="o3-mini"),
    charge("sub-summed", billed_cost=Decimal("0.1"), list_cost=None, consumed_tokens=40_000),
    charge("sub-summed", billed_cost=Decimal("0.2"), consumed_tokens=60_000),
    charge("sub-summed", billed_cost=Decimal("-0.3"), charge_category="Credit", token_class="other"),
]
# Friday, Monday, and a currency that was published last on the Monday before
FX_RATES: Rows = [
    {"rate_date": date(2026, 11, 2), "currency": "USD", "units_per_eur": "1.1000"},
    {"rate_date": date(2026, 11, 2), "currency": "TRY", "units_per_eur": "44"},
    {"rate_date": date(2026, 11, 6), "currency": "USD", "units_per_eur": "1.20"},
    {"rate_date": date(2026, 11, 6), "currency": "SEK", "units_per_eur": "11.25"},
    {"rate_date": date(2026, 11, 9), "currency": "USD", "units_per_eur": "1.25"},
    {"rate_date": date(2026, 11, 9), "currency": "SEK", "units_per_eur": "10"},
]
_KRONA: dict[str, Any] = {"billing_currency": "SEK", "usd_per_currency": None, "billed_cost": Decimal(900)}
_LIRA = _KRONA | {"billing_currency": "TRY", "billed_cost": Decimal(44)}
CHARGES += [
    charge("sub-krona-friday", **_KRONA, charge_date=date(2026, 11, 6)),
    charge("sub-krona-sunday", **_KRONA, charge_date=date(2026, 11, 8)),
    charge("sub-krona-monday", **_KRONA, charge_date=date(2026, 11, 9)),
    charge("sub-krona-before", **_KRONA, charge_date=date(2026, 11, 5)),
    charge("sub-krona-own", **_KRONA | {"usd_per_currency": Decimal("0.1")}, charge_date=date(2026, 11, 9)),
    charge("sub-lira-week", **_LIRA, charge_date=date(2026, 11, 9)),
    charge("sub-lira-longer", **_LIRA, charge_date=date(2026, 11, 10)),
    charge("sub-dollar", charge_date=date(2026, 11, 9), billed_cost=Decimal(5)),
    charge("sub-dollar-before", charge_date=date(2026, 11, 1), billed_cost=Decimal(5)),
]
_STRANGE: dict[str, Any] = {"model": None, "sku": "gpt 9 Inp glbl Tokens", "provider_model_name": "gpt 9"}
CHARGES += [
    charge("sub-strange", **_STRANGE, billed_cost=Decimal(7), consumed_tokens=700),
    charge("sub-strange", **_STRANGE, billed_cost=Decimal(2), charge_date=date(2026, 11, 12), consumed_tokens=200),
    charge("sub-strange", **_STRANGE | {"provider_model_name": None, "sku": "new meter"}, billed_cost=Decimal(3)),
    charge("sub-strange", model=None, sku="Provisioned Managed Global Unit", token_class="other"),
]
# a million tokens at 2 USD on the eleventh; list prices before the tenth are 2.5
_SOLD: dict[str, Any] = {"region_class": "global", "service_tier": "standard", "context_band": "default"}
_SOLD |= {"billing_account_id": "effective", "model": "gpt-5.5", "consumed_tokens": 1_000_000}
CHARGES += [
    charge("sub-price", **_SOLD, charge_date=date(2026, 11, 9), billed_cost=Decimal("2.5")),
    charge("sub-price", **_SOLD, charge_date=date(2026, 11, 11), billed_cost=Decimal(2)),
    charge(
        "sub-price", **_SOLD | {"consumed_tokens": None}, charge_date=date(2026, 11, 11), billed_cost=Decimal("-0.5"),
        charge_category="Adjustment",
    ),
    charge("sub-price", **_SOLD, charge_category="Credit", billed_cost=Decimal(-1)),
    charge("sub-price", **_SOLD, pricing_category="committed", billed_cost=Decimal(0)),
    charge("sub-price", **_SOLD | {"service_tier": "flex"}, billed_cost=Decimal(1)),
    charge("sub-price", **_SOLD | {"region_class": "geo", "consumed_tokens": None}, billed_cost=Decimal(1)),
    charge("sub-price", **_SOLD | {"region_class": "regional", "consumed_tokens": 3}, billed_cost=Decimal(0)),
]  # fmt: skip
_CALLED: dict[str, Any] = {"provider": "aws", "billing_account_id": "100000000002", "service_name": "Amazon Bedrock"}
CHARGES += [
    charge("aws-called", **_CALLED, principal="arn:aws:sts::2:assumed-role/CodeReview"),
    charge("aws-others", **_CALLED, principal="arn:aws:sts::2:assumed-role/Nightly"),
    charge("aws-tagged", **_CALLED, principal="arn:aws:sts::2:assumed-role/CodeReview", **TAGGED),
    charge("payer-linked", provider="aws", billing_account_id="100000000001", service_name="AmazonBedrock"),
    charge("acme-docs", provider="gcp", billing_account_id="01A2B3", service_name="Vertex AI", billing_currency="EUR"),
]

USAGE: Rows = [
    usage(
        "cheap", usage_date=date(2026, 11, 10), input_tokens=1_000_000, cache_read_tokens=400_000, output_tokens=30_000
    ),
    usage("dear", usage_date=date(2026, 11, 9), input_tokens=1_000_000),
    usage("zone", region_class="geo", input_tokens=1_000_000, output_tokens=1_000_000),
    usage("zone-cached", region_class="geo", input_tokens=1_000_000, cache_read_tokens=7),
    usage("strange", model=None, input_tokens=11, output_tokens=13),
    usage("total", input_tokens=500_000, cache_read_tokens=None, cache_write_tokens=None, input_is_total=True),
    usage(
        "silent",
        input_tokens=None,
        output_tokens=None,
        cache_read_tokens=None,
        cache_write_tokens=None,
        throttled_count=4,
    ),
    usage("owned/chat", input_tokens=1),
    usage("split", input_tokens=1, request_count=2),
    usage("split", input_tokens=3, request_count=5, region_id="westus"),
    usage("steady", input_tokens=3),
]

# the bill of sub-fresh is complete through the 15th, that of the others (by the slowest account) through the 14th
_EARLY: dict[str, Any] = {"sub_account_id": "sub-fresh", "usage_date": date(2026, 11, 16)}
USAGE += [
    usage("unbilled", **_EARLY, input_tokens=2_000_000, output_tokens=100_000, cache_read_tokens=7),
    usage("unpriced", **_EARLY, model=None, input_tokens=5),
    usage("half-billed", **_EARLY, input_tokens=9, output_tokens=9),
    usage("whole-billed", **_EARLY | {"sub_account_id": "sub-whole"}, input_tokens=9),
    usage("complete", **_EARLY | {"usage_date": date(2026, 11, 15)}, input_tokens=9),
    usage("slowest", usage_date=date(2026, 11, 15), input_tokens=1_000_000),
    usage("units", **_EARLY, input_tokens=9),
]
CHARGES += [
    charge("sub-fresh", charge_date=date(2026, 11, 16), workload_id="half-billed"),
    # a bill that names no workload speaks for all of its account
    charge("sub-whole", charge_date=date(2026, 11, 16)),
    # a fee counts no token, so it takes no estimate's place
    charge("sub-fresh", charge_date=date(2026, 11, 16), workload_id="unbilled", token_class="other"),
]

START = datetime(2026, 11, 10)  # noqa: DTZ001 - the warehouse holds UTC without zone
# a steady capacity: half used, 10 USD an hour; its tokens would cost 4 USD on demand (1.6 M x 2 + 0.08 M x 10)
_HALF = {"utilization_ratio": Decimal("0.5"), "input_tokens": 1_600_000, "output_tokens": 80_000}
CAPACITY: Rows = [capacity_hour("steady", START + timedelta(hours=hour), **_HALF) for hour in range(3)]
CAPACITY += [
    capacity_hour("units", datetime(2026, 11, 16)),  # noqa: DTZ001 - the warehouse holds UTC without zone
    capacity_hour("unmeasured", START, utilization_ratio=None),
    capacity_hour("tie", START, capacity_cost_usd=Decimal("0.000000000005"), utilization_ratio=Decimal("0.5")),
    capacity_hour("idle", START),
    capacity_hour(
        "unpriced",
        START,
        model="gpt-4o",
        price_scope="regional",
        input_tokens=5,
        utilization_ratio=Decimal("0.5"),
    ),
    capacity_hour(
        "spilling", START, spill_input_tokens=1_000_000, spill_cached_tokens=200_000, spill_output_tokens=10_000
    ),
    # 29 days before its last hour the mix was another one
    capacity_hour("moved", START - timedelta(days=29), **(_HALF | {"output_tokens": 800_000})),
    capacity_hour("moved", START, **_HALF),
]

LOGGED: Rows = [
    logged("told", native_team="devtools", native_product="code-review"),
    logged("told", native_team="devtools", native_product="code-review", hour_start=START + timedelta(hours=20)),
    logged("told", native_team="devtools", native_product="code-review", hour_start=START + timedelta(hours=24)),
    logged("owned", workload_id="owned/chat", native_environment="dev"),
    logged("nobody", provider=None, billing_account_id=None, sub_account_id=None, model=None, logged_cost_usd=None),
    logged("nobody", provider=None, billing_account_id=None, sub_account_id=None, model=None, error_count=3),
    logged("total", cache_read_tokens=None, cache_write_tokens=None, input_is_total=True),
    logged("sk-night-1", sub_account_id="sub-keyed"),
    logged("sk-day-1", sub_account_id="sub-keyed"),
    logged("traced", source="otel_genai", key_id=None, principal="checkout", logged_cost_usd=None),
]

STATUS: Rows = [
    {"source": "azure_cost", "account_id": "sub-fresh", "complete_through": date(2026, 11, 15), "rows": 12},
    {"source": "azure_cost", "account_id": "sub-late", "complete_through": date(2026, 11, 14), "rows": 12},
]


def interface_rows() -> dict[str, Rows]:
    """Rows by interface model."""
    by_cloud: dict[str, Rows] = {}
    totals = landed_totals(CHARGES)
    for cloud in ("aws", "gcp", "azure"):
        by_cloud[f"int_{cloud}_charges"] = [row for row in CHARGES if row["provider"] == cloud]
        by_cloud[f"int_{cloud}_landed_totals"] = [row for row in totals if row["provider"] == cloud]
    status = [{"provider": "azure"} | row for row in STATUS]
    return by_cloud | {
        "int_azure_usage_daily": USAGE,
        "int_azure_capacity_hourly": CAPACITY,
        "int_azure_source_status": status,
        "int_gateway_logged_usage": LOGGED,
    }


def config_rows() -> dict[str, Rows]:
    """Rows by landed configuration stream, defaults filled in."""
    ruled = {"provider": "azure", "priority": 100}
    teams = sorted({rule["team"] for rule in [*OWNERSHIP_RULES, *BUDGETS]})
    budgeted = {"currency": "USD", "cost_basis": "billed", "warn_at_pct": 80, "valid_from": date(2026, 1, 1)}
    unit = {"provider": "azure", "unit_kind": "ptu", "sku_scope": "global", "valid_from": date(2025, 1, 1)}
    return {
        "teams": [{"team": team, "team_name": team.title(), "valid_from": date(2024, 1, 1)} for team in teams],
        "budgets": [budgeted | budget for budget in BUDGETS],
        "ownership_rules": [ruled | {"valid_from": date(2025, 1, 1)} | rule for rule in OWNERSHIP_RULES],
        "scope_rules": [ruled | {"category": "model_api"} | rule for rule in SCOPE_RULES],
        "capacity_prices": [unit | price for price in CAPACITY_PRICES],
        "reference_rates": FX_RATES,
        "reporting": [{"reporting_currency": "EUR"}],
        "list_prices": [{"valid_from": date(2020, 1, 1), "price_source": "by hand"} | price for price in LIST_PRICES],
    }
