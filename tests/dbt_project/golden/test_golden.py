"""The golden scenarios through the real models; every figure was worked out by hand in README.md first."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from ingest.contracts import StreamContract
from ingest.landing import Landing
from ingest.registry import contracts
from ingest.run import Run, Window
from ingest.sources.aws_bedrock_points import METRICS_HOURLY
from ingest.sources.aws_cur_audit import CONTRACT as COST_EXPLORER
from ingest.sources.aws_cur_schema import LINE_ITEMS
from ingest.sources.azure_cost_picture import ACTUAL, AMORTIZED
from ingest.sources.config import ALL_TIME, SCOPE_RULES
from ingest.sources.gcp_billing_rows import EXPORT_ROWS
from ingest.sources.gcp_vertex_series import TOKEN_COUNTS
from ingest.sources.prices import LIST_PRICES
from tests.dbt_project.conftest import AS_OF, Home
from tests.dbt_project.golden import rows

NOVEMBER = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
AMOUNTS = "billed_cost, billed_cost_usd, consumed_tokens"


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("golden"))
    landing = Landing(str(home.path / "landing"), Run("run-golden", AS_OF))
    landing.ensure_anchors(contracts())

    def land(contract: StreamContract, scope: str, window: Window, landed: rows.Rows) -> None:
        table = pa.Table.from_pylist(landed, schema=contract.schema)
        landing.write(contract, scope=scope, window=window, batches=[table])

    known = {"valid_from": rows.KNOWN_FROM}
    priced = known | {"service_tier": "standard", "context_band": "default", "price_source": "README.md"}
    land(LIST_PRICES, "all", ALL_TIME, [priced | price for price in rows.LIST_PRICES])
    ruled = known | {"field": "service_name", "pattern": "*", "is_in_scope": True, "category": "model_api"}
    everything = [ruled | {"rule_id": cloud, "provider": cloud, "priority": 100} for cloud in ("aws", "gcp", "azure")]
    land(SCOPE_RULES, "all", ALL_TIME, everything)
    land(LINE_ITEMS, "export", NOVEMBER, rows.LINE_ITEMS)
    land(COST_EXPLORER, rows.PAYER, NOVEMBER, rows.COST_EXPLORER)
    land(METRICS_HOURLY, rows.ACCOUNT, NOVEMBER, rows.METRICS)
    land(EXPORT_ROWS, "table", NOVEMBER, rows.EXPORT_ROWS)
    land(TOKEN_COUNTS, "projects", NOVEMBER, rows.TOKEN_COUNTS)
    land(ACTUAL, "sub-golden", NOVEMBER, rows.ACTUAL)
    land(AMORTIZED, "sub-golden", NOVEMBER, rows.AMORTIZED)
    select = ("+fct_residual", "+fct_provider_totals", "--indirect-selection", "cautious")
    finished = home.dbt("build", "--select", *select, "--exclude-resource-type", "unit_test")
    assert finished.returncode == 0, finished.stdout[-4000:]
    return home


def spend(golden: Home, workload: str, token_class: str, **where: str) -> dict[str, Any]:
    """The dollars and tokens of a workload's class in the spend mart."""
    conditions = "".join(f" and {column} = '{value}'" for column, value in where.items())
    return golden.one(
        f"""select sum(billed_cost) as cost, sum(billed_cost_usd) as usd, sum(consumed_tokens)::bigint as tokens
        from fct_spend_daily where cost_status <> 'estimate' and workload_id = '{workload}'
        and token_class = '{token_class}'{conditions}"""
    )


def residuals(golden: Home, workload: str) -> dict[str, Decimal]:
    """What is left of a workload's day, by reason."""
    found = golden.query(
        f"""select residual_class, sum(residual_usd) as usd from fct_residual
        where workload_id = '{workload}' group by all"""
    )
    return {row["residual_class"]: row["usd"] for row in found}


def figures(cost: str, tokens: int, usd: str | None = None) -> dict[str, Any]:
    return {"cost": Decimal(cost), "usd": Decimal(usd or cost), "tokens": tokens}


def test_a_cache_write_of_one_hour(golden: Home) -> None:
    assert spend(golden, "goldenopus00", "cache_write_5m") == figures("0.375", 60_000)
    assert spend(golden, "goldenopus00", "cache_write_1h") == figures("0.4", 40_000)
    assert residuals(golden, "goldenopus00") == {"cache_class": Decimal("-0.15")}


def test_batch_at_half_price(golden: Home) -> None:
    assert spend(golden, "goldenbatch0", "input", pricing_category="batch") == figures("0.8", 2_000_000)
    assert residuals(golden, "goldenbatch0") == {"service_tier": Decimal("0.8")}


def test_long_context_begins_one_token_above_two_hundred_thousand(golden: Home) -> None:
    bands = golden.query(
        """select context_band, billed_tokens, charged_cost_usd, due_cost_usd
        from intermediate.int_billed_tokens where workload_id = 'goldensonnet' order by context_band"""
    )
    short, long = Decimal("0.6"), Decimal("1.200006")
    assert bands == [
        {"context_band": "default", "billed_tokens": 200_000, "charged_cost_usd": short, "due_cost_usd": short},
        {"context_band": "long", "billed_tokens": 200_001, "charged_cost_usd": long, "due_cost_usd": long},
    ]
    assert residuals(golden, "goldensonnet") == {"context_band": Decimal("-0.600003")}


def test_marketplace_counts_in_millions_and_first_party_in_thousands(golden: Home) -> None:
    assert spend(golden, "goldenhaiku0", "input") == figures("0.25", 250_000)
    assert spend(golden, "goldenlite00", "input", charge_date="2026-11-05") == figures("0.015", 250_000)
    assert residuals(golden, "goldenhaiku0") == {}


def test_a_correction_that_negates_and_bills_again(golden: Home) -> None:
    assert spend(golden, "golden-corrected", "input") == figures("0.8", 10_000_000, usd="1")
    assert residuals(golden, "golden-corrected") == {}


def test_a_credit_that_exceeds_its_charge(golden: Home) -> None:
    assert spend(golden, "golden-credited", "output") == figures("-0.2", 400_000, usd="-0.25")
    assert residuals(golden, "golden-credited") == {"discount": Decimal("1.25")}


def test_an_invoice_month_that_is_not_the_usage_month(golden: Home) -> None:
    row = golden.one(
        f"select charge_date, billing_month, {AMOUNTS} from fct_spend_daily where workload_id = 'golden-october'"
    )
    assert row == {
        "charge_date": date(2026, 10, 31),
        "billing_month": date(2026, 11, 1),
        "billed_cost": Decimal("0.4"),
        "billed_cost_usd": Decimal("0.5"),
        "consumed_tokens": 200_000,
    }
    # 0.80 corrected, -0.20 credited, 0.40 of October, and 0.40 on each of six days around
    total = golden.one("select landed_cost, mart_cost, difference from fct_provider_totals where provider = 'gcp'")
    assert total == {"landed_cost": Decimal("3.4"), "mart_cost": Decimal("3.4"), "difference": Decimal(0)}


def test_blocks_of_a_thousand_and_of_a_million_in_one_file(golden: Home) -> None:
    assert spend(golden, "golden", "input", model="gpt-4.1") == figures("3", 1_500_000)
    assert spend(golden, "golden", "input", model="gpt-5") == figures("1.875", 1_500_000)


def test_a_reservation_bought_in_the_middle_of_the_month(golden: Home) -> None:
    days = golden.query(
        """select charge_date, sum(billed_cost) as billed, sum(effective_cost) as effective
        from fct_spend_daily where workload_id = 'golden-order' group by all order by all"""
    )
    assert [tuple(day.values()) for day in days] == [
        (date(2026, 11, 10), Decimal(3900), Decimal(130)),
        (date(2026, 11, 11), Decimal(0), Decimal(130)),
        (date(2026, 11, 12), Decimal(0), Decimal(130)),
    ]


def test_the_providers_own_total_stands_beside_what_landed(golden: Home) -> None:
    # 0.775 Opus, 0.80 batch, 1.800006 Sonnet, 0.25 Haiku, 0.03 Nova Lite
    total = golden.one(
        "select landed_cost, provider_cost, invoice_cost from fct_provider_totals where provider = 'aws'"
    )
    landed = Decimal("3.655006")
    assert total == {"landed_cost": landed, "provider_cost": landed, "invoice_cost": None}
