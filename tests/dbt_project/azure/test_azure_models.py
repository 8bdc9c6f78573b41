"""The Azure models on what the real connectors landed from the local Azure, against what was charged and used."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from emulator.azure import bill, server
from emulator.clock import Clock
from emulator.faults import Faults
from emulator.truth import write_charges, write_usage
from emulator.world import make_world
from ingest.config import load_sources
from ingest.contracts import Context
from ingest.landing import Landing
from ingest.registry import contracts, modules
from ingest.run import Run
from ingest.settings import Settings
from tests.dbt_project.azure.truth import AS_OF, truth
from tests.dbt_project.conftest import DBT_PROJECT, Home

DAYS = 40
CONFIG = DBT_PROJECT.parent / "config"
MODELS = (
    *("+path:models/intermediate/azure", "path:models/staging/azure_reservations", "models", "path:tests/azure"),
    *("--indirect-selection", "cautious", "--exclude-resource-type", "unit_test"),
)
AI = "product_family = 'Foundry Models'"


class AzureHome(Home):
    """A home on the project itself: nothing is replaced."""

    @property
    def project(self) -> Path:
        return DBT_PROJECT


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureHome]:
    """Forty days of Azure, ingested, built and tested once."""
    home = tmp_path_factory.mktemp("azure-home")
    world = make_world(home, as_of=AS_OF, days=DAYS)
    charges, out_of_scope = bill.write(world)
    write_charges(world.truth, [charges], [out_of_scope])
    write_usage(world.truth, [bill.usage_truth(world)])
    clock = Clock(world.truth / "clock.json")
    clock.set(AS_OF)
    service = server.start(world.folder("azure"), clock, Faults(), qpu_speed=1e9)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in service.env.items():
            patch.setenv(name, value)
        try:
            ingest(home)
        finally:
            service.stop()
    built = AzureHome(home)
    finished = built.dbt("build", "--select", *MODELS)
    assert finished.returncode == 0, finished.stdout[-4000:]
    yield built


def ingest(home: Path) -> None:
    settings = Settings(home=home, config_dir=CONFIG)
    run = Run("run-test", AS_OF)
    landing = Landing(settings.landing_root, run)
    landing.ensure_anchors(contracts())
    sources = load_sources(CONFIG / "sources.yml").model_copy(update={"backfill_days": DAYS})
    context = Context(settings, sources, landing, run)
    for source in ("config", "prices", "azure_cost", "azure_reservations", "azure_openai", "azure_gateway_log"):
        for module in modules(source):
            module.load(context, None)


def summed(rows: list[dict[str, Any]], *keys: str) -> dict[tuple[Any, ...], Decimal]:
    sums: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[tuple(row[key] for key in keys)] += row["billed_cost"]
    return {key: cost for key, cost in sums.items() if cost}


def test_azure_2_charges_are_the_truth_by_day_deployment_model_and_token_class(landed: AzureHome) -> None:
    keys = ("billing_account_id", "billing_month", "charge_date", "workload_id", "model", "token_class")
    billed = landed.query(f"select * from intermediate.int_azure_charges where {AI}")
    assert summed(billed, *keys) == summed(truth(landed, "charges"), *keys)


def test_everything_else_on_the_bill_is_kept(landed: AzureHome) -> None:
    rest = landed.query(f"select * from intermediate.int_azure_charges where ({AI}) is not true")
    assert summed(rest, "charge_date") == summed(truth(landed, "out_of_scope"), "charge_date")


def test_totals_by_the_other_way_are_the_same(landed: AzureHome) -> None:
    totals = landed.query("select billing_month, landed_cost as billed_cost from intermediate.int_azure_landed_totals")
    rows = truth(landed, "charges") + truth(landed, "out_of_scope")
    assert summed(totals, "billing_month") == summed(rows, "billing_month")


def test_azure_0_4_usage_is_the_truth_by_day_and_deployment(landed: AzureHome) -> None:
    used = landed.query("select * from intermediate.int_azure_usage_daily")
    true: dict[tuple[date, str], tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
    for row in pq.read_table(landed.path / "truth" / "usage.parquet").to_pylist():
        key = row["usage_date"], row["workload_id"]
        parts = row["input_tokens"] + row["cache_read_tokens"], row["output_tokens"], row["request_count"]
        true[key] = tuple(a + b for a, b in zip(true[key], parts, strict=True))
    assert {
        (row["usage_date"], row["workload_id"]): (row["input_tokens"], row["output_tokens"], row["request_count"])
        for row in used
    } == true
    assert {(row["input_is_total"], row["cache_read_tokens"]) for row in used} == {(True, None)}


def test_billed_tokens_are_the_metered_ones_where_nothing_is_restated(landed: AzureHome) -> None:
    """Two sources that share nothing: the bill and the metrics."""
    differences = landed.query(
        """
        with billed as (
            select charge_date as day, workload_id, sum(consumed_tokens) as tokens
            from intermediate.int_azure_charges where consumed_tokens is not null group by all
        ), metered as (
            select usage_date as day, workload_id, input_tokens + output_tokens as tokens
            from intermediate.int_azure_usage_daily
        )
        select * from billed inner join metered using (day, workload_id) where billed.tokens <> metered.tokens
        """
    )
    assert differences == []


def test_teams_come_from_account_deployment_and_inherited_tags_and_from_nothing_else(landed: AzureHome) -> None:
    rows = landed.query(
        "select distinct workload_id, native_team, native_method from intermediate.int_azure_usage_daily"
    )
    teams = {row["workload_id"]: (row["native_team"], row["native_method"]) for row in rows}
    assert teams["oai-support/gpt-4o"] == ("support", "resource_tag")
    assert teams["oai-data/gpt-5"] == ("data-platform", "resource_tag")
    assert teams["oai-shared/gpt-5-ptu"] == ("payments", "deployment_tag")
    assert teams["oai-shared/gpt-5-mini"] == (None, None)
    # a team is the same on the bill as on the metrics
    billed = landed.query(
        f"select distinct workload_id, native_team, native_method from intermediate.int_azure_charges where {AI}"
    )
    assert {
        row["workload_id"]: (row["native_team"], row["native_method"]) for row in billed if "/" in row["workload_id"]
    } == teams | {"oai-codecomplete/gpt-4.1-mini-ptu": ("devtools", "resource_tag")}


def test_effective_cost_spreads_reservations_and_leaves_purchases_out(landed: AzureHome) -> None:
    rows = landed.query(
        f"""
        select charge_category, pricing_category, sum(billed_cost) as billed, sum(effective_cost) as effective
        from intermediate.int_azure_charges where {AI} and charge_date >= date '2026-11-01' group by all
        """
    )
    by_kind = {(row["charge_category"], row["pricing_category"]): (row["billed"], row["effective"]) for row in rows}
    assert by_kind["Purchase", "committed"] == (Decimal(19500), Decimal(0))
    billed, effective = by_kind["Usage", "committed"]
    # sixteen days of a monthly reservation of 75 PTUs and a yearly one of 30
    held = 16 * (Decimal(75 * 260) / 30 + Decimal(30 * 2652) / 365)
    assert billed < Decimal("0.0001")
    assert abs(effective - held) < Decimal("0.000001")


def test_capacity_costs_what_was_amortized_and_tells_idle_and_spill(landed: AzureHome) -> None:
    rows = landed.query(
        """
        select
            workload_id, max(units) as units, count(*) as hours, sum(capacity_cost_usd) as cost,
            max(utilization_ratio) as highest, sum(spill_output_tokens) as spilled,
            count(*) filter (where capacity_cost_usd is null and hour_start < '2026-11-17') as unknown_hours
        from intermediate.int_azure_capacity_hourly group by workload_id
        """
    )
    capacity = {row["workload_id"]: row for row in rows}
    assert {name: row["units"] for name, row in capacity.items()} == {
        "oai-codereview/gpt-4.1-ptu": 50,
        "oai-codecomplete/gpt-4.1-mini-ptu": 25,
        "oai-support/gpt-4o-ptu": 30,
        "oai-shared/gpt-5-ptu": 20,
    }
    hours = DAYS * 24 + 6
    assert capacity["oai-shared/gpt-5-ptu"]["hours"] == hours
    # it was deleted for six hours
    assert capacity["oai-codecomplete/gpt-4.1-mini-ptu"]["hours"] == hours - 6
    assert capacity["oai-codecomplete/gpt-4.1-mini-ptu"]["highest"] == 0
    assert capacity["oai-support/gpt-4o-ptu"]["spilled"] > 0
    assert capacity["oai-shared/gpt-5-ptu"]["spilled"] == 0
    assert capacity["oai-shared/gpt-5-ptu"]["cost"] == (DAYS - 1) * 24 * 20
    assert {row["unknown_hours"] for row in rows} == {0}


def test_status_tells_the_last_complete_day_of_each_account(landed: AzureHome) -> None:
    rows = landed.query("select * from intermediate.int_azure_source_status")
    through = defaultdict(set)
    for row in rows:
        through[row["source"]].add(row["complete_through"])
    assert through == {
        "azure_cost": {date(2026, 11, 16)},
        "azure_openai": {date(2026, 11, 17)},
        "azure_reservations": {date(2026, 11, 16)},
        "azure_gateway_log": {date(2026, 11, 17)},
    }
    assert len(rows) == 4 + 3 + 1 + 1


def test_a_gateways_log_gives_each_team_of_a_shared_deployment_what_it_used(landed: AzureHome) -> None:
    rows = landed.query(
        """
        select cast(hour_start as date) as day, workload_id, native_team, native_product, sum(input_tokens) as input,
            sum(output_tokens) as output, sum(request_count) as requests
        from intermediate.int_azure_logged_usage group by all
        """
    )
    true = {
        (row["usage_date"], row["workload_id"], row["team"], row["product"]): (
            row["input_tokens"] + row["cache_read_tokens"],
            row["output_tokens"],
            row["request_count"],
        )
        for row in pq.read_table(landed.path / "truth" / "usage.parquet").to_pylist()
        # the hour that just ended is not in the log yet
        if row["workload_id"].startswith("oai-shared/") and row["usage_date"] < AS_OF.date()
    }
    logged = {
        (row["day"], row["workload_id"], row["native_team"], row["native_product"]): (
            row["input"],
            row["output"],
            row["requests"],
        )
        for row in rows
        if row["day"] < AS_OF.date()
    }
    assert logged == true
    one = landed.query("select distinct model, sub_account_id, input_is_total from intermediate.int_azure_logged_usage")
    assert {row["model"] for row in one} == {"gpt-5-mini", "gpt-4o", "gpt-5"}
    assert {row["input_is_total"] for row in one} == {True}


def test_azure_7_nothing_bypasses_the_gateway_on_whole_days(landed: AzureHome) -> None:
    rows = landed.query(
        "select * from intermediate.int_azure_gateway_coverage_daily where usage_date < date '2026-11-18'"
    )
    assert len(rows) == 3 * DAYS
    assert {(row["coverage_ratio"], row["bypass_tokens"]) for row in rows} == {(Decimal(1), 0)}


def test_azure_4_1_minutes_tell_what_a_provisioned_deployment_was_asked_for(landed: AzureHome) -> None:
    rows = landed.query(
        """
        select
            capacity_id, count(*) as minutes, sum(input_tokens + cached_tokens) as prompt,
            sum(output_tokens) as output, sum(throttled_count) as throttled, sum(spill_requests) as spilled,
            sum(spill_output_tokens) as spill_output, max(utilization_ratio) as highest
        from intermediate.int_azure_capacity_minutes
        where cast(minute_start as date) = date '2026-11-16' group by all
        """
    )
    minutes = {row["capacity_id"]: row for row in rows}
    assert {row["minutes"] for row in rows} == {1440}
    hours = landed.query(
        """
        select capacity_id, sum(input_tokens + cached_tokens) as prompt, sum(output_tokens) as output
        from intermediate.int_azure_capacity_hourly where cast(hour_start as date) = date '2026-11-16' group by all
        """
    )
    assert {(row["capacity_id"], row["prompt"], row["output"]) for row in hours} == {
        (name, row["prompt"], row["output"]) for name, row in minutes.items()
    }
    spilling = minutes["oai-support/gpt-4o-ptu"]
    # a refused request that was answered elsewhere is one request, seen on both sides
    assert spilling["throttled"] >= spilling["spilled"] > 0
    assert spilling["spill_output"] > 0
    assert spilling["highest"] == 1
    assert minutes["oai-shared/gpt-5-ptu"]["spilled"] == 0


def test_azure_5_both_utilisations_of_a_reservation_are_told(landed: AzureHome) -> None:
    rows = landed.query("select * from intermediate.int_azure_reservation_days")
    assert {row["reservation_order_id"] for row in rows} == {"ro-monthly-01", "ro-yearly-01"}
    for row in rows:
        assert 0 < row["reservation_ratio"] <= 1
        # an idle deployment uses its reservation fully and is not used itself
        assert row["capacity_ratio"] < row["reservation_ratio"]


def test_azure_5_transactions_are_the_purchases_on_the_bill(landed: AzureHome) -> None:
    bought = landed.query(
        "select event_date as charge_date, amount as billed_cost from staging.stg_azure_reservations__transactions"
    )
    billed = landed.query(f"select * from intermediate.int_azure_charges where charge_category = 'Purchase' and {AI}")
    assert summed(bought, "charge_date") == summed(billed, "charge_date")
    assert bought
