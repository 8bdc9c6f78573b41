"""The AWS models on what the real connectors landed from the local AWS, against what was really charged and used."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from emulator.aws import planted
from ingest.config import load_sources
from ingest.contracts import Context
from ingest.landing import Landing
from ingest.registry import contracts, modules
from ingest.run import Run
from ingest.settings import Settings
from tests.dbt_project.conftest import DBT_PROJECT, Home
from tests.emulator.aws.local_aws import AS_OF, serving, write_world

CONFIG = DBT_PROJECT.parent / "config"
MODELS = ("+path:models/intermediate/aws", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
# days on which the bill counts other tokens than the meters, on purpose
WRONG_DAYS = (planted.UNIT_DAY, planted.TWICE_DAY, planted.FAILED_DAY, planted.MANTLE_DAY, planted.STRANGE_DAY)
AI = "(product_family like 'AmazonBedrock%' or service_name like '%(Amazon Bedrock Edition)')"


class AwsHome(Home):
    """A home on the project itself: nothing is replaced."""

    @property
    def project(self) -> Path:
        return DBT_PROJECT

    def build_aws(self) -> "AwsHome":
        finished = self.dbt("build", "--select", *MODELS)
        assert finished.returncode == 0, finished.stdout[-4000:]
        return self


def run_context(home: Path) -> Context:
    settings = Settings(home=home, config_dir=CONFIG)
    run = Run("run-test", AS_OF)
    landing = Landing(settings.landing_root, run)
    landing.ensure_anchors(contracts())
    sources = load_sources(CONFIG / "sources.yml").model_copy(update={"backfill_days": 39})
    return Context(settings, sources, landing, run)


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsHome]:
    """Forty days of AWS, ingested and built once."""
    home = tmp_path_factory.mktemp("aws-home")
    world = write_world(tmp_path_factory.mktemp("aws-world"))
    with pytest.MonkeyPatch.context() as patch, serving(world, home) as aws:
        for name, value in aws.env.items():
            patch.setenv(name, value)
        context = run_context(home)
        for source in ("config", "prices", "aws_cur", "aws_bedrock"):
            for module in modules(source):
                module.load(context, None)
    yield AwsHome(home).build_aws()


def truth(home: Home, name: str) -> list[dict[str, Any]]:
    rows = pq.read_table(home.path / "truth" / f"{name}.parquet").to_pylist()
    return [
        row for row in rows if row["visible_from"] <= AS_OF and (row["visible_to"] is None or row["visible_to"] > AS_OF)
    ]


def summed(rows: list[dict[str, Any]], *keys: str) -> dict[tuple[Any, ...], Decimal]:
    sums: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[tuple(row[key] for key in keys)] += row["billed_cost"]
    return {key: cost for key, cost in sums.items() if cost}


def test_charges_are_the_truth_by_day_workload_model_and_token_class(landed: AwsHome) -> None:
    keys = ("billing_account_id", "billing_month", "charge_date", "workload_id", "model", "token_class")
    billed = landed.query(f"select * from intermediate.int_aws_charges where {AI}")
    assert summed(billed, *keys) == summed(truth(landed, "charges"), *keys)


def test_everything_else_on_the_bill_is_kept(landed: AwsHome) -> None:
    rest = landed.query(f"select * from intermediate.int_aws_charges where not {AI}")
    keys = ("billing_month", "charge_date")
    assert summed(rest, *keys) == summed(truth(landed, "out_of_scope"), *keys)


def test_totals_by_the_other_way_are_the_same(landed: AwsHome) -> None:
    totals = landed.query("select billing_month, landed_cost as billed_cost from intermediate.int_aws_landed_totals")
    rows = truth(landed, "charges") + truth(landed, "out_of_scope")
    assert summed(totals, "billing_month") == summed(rows, "billing_month")


def test_tagged_cost_is_its_teams_and_untagged_cost_nobodys(landed: AwsHome) -> None:
    billed = landed.query(f"select * from intermediate.int_aws_charges where {AI} and workload_id is not null")
    tagged = [row | {"team": row["native_team"], "product": row["native_product"]} for row in billed]
    owned = summed([row for row in tagged if row["native_method"] == "profile_tag"], "workload_id", "team", "product")
    true = summed(truth(landed, "charges"), "workload_id", "team", "product")
    untagged = {workload for workload, *_ in true} - {workload for workload, *_ in owned}
    assert owned == {key: cost for key, cost in true.items() if key[0] not in untagged}
    system = {one for one in untagged if one is not None and one.startswith("us.anthropic.")}
    # tax and credits have no workload, one team calls a system profile, two profiles were never tagged
    assert len(system) == 1
    assert len(untagged - system - {None}) == 2


def test_usage_is_the_truth_by_day_and_workload(landed: AwsHome) -> None:
    columns = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "request_count")
    used = landed.query("select * from intermediate.int_aws_usage_daily")
    true = pq.read_table(landed.path / "truth" / "usage.parquet").to_pylist()
    first = min(row["usage_date"] for row in used)

    def counted(rows: list[dict[str, Any]]) -> dict[tuple[Any, ...], tuple[int, ...]]:
        return {
            (row["usage_date"], row["workload_id"], row["model"]): tuple(row[name] for name in columns)
            for row in rows
            if row["usage_date"] >= first
        }

    assert counted(used) == counted(true)
    assert {row["input_is_total"] for row in used} == {False}


def test_aws_2_3_billed_tokens_are_the_metered_ones(landed: AwsHome) -> None:
    """Two sources that share nothing: the bill and CloudWatch, on days that are billed, and billed right."""
    wrong = ", ".join(f"date '{AS_OF.date() + timedelta(days=day)}'" for day in WRONG_DAYS)
    (difference,) = landed.query(
        f"""
        with billed as (
            select sum(consumed_tokens) as tokens from intermediate.int_aws_charges
            where {AI} and charge_date between date '2026-10-12' and date '2026-11-16' and charge_date not in ({wrong})
        ),
        metered as (
            select sum(input_tokens + output_tokens + cache_read_tokens + cache_write_tokens) as tokens
            from intermediate.int_aws_usage_daily
            where usage_date between date '2026-10-12' and date '2026-11-16' and model <> 'nova-2-lite'
                and usage_date not in ({wrong})
        )
        select billed.tokens - metered.tokens as difference, billed.tokens from billed cross join metered
        """
    )
    assert difference["tokens"] > 10**9
    assert difference["difference"] == 0


def test_capacity_costs_what_its_rows_on_the_bill_sum_to(landed: AwsHome) -> None:
    hours = landed.one(
        "select sum(capacity_cost_usd) as cost, count(*) as hours from intermediate.int_aws_capacity_hourly"
    )
    billed = landed.one(
        "select sum(billed_cost) as cost from intermediate.int_aws_charges where pricing_category = 'provisioned'"
    )
    assert hours["cost"] == billed["cost"] > 0
    assert hours["hours"] % 24 == 0


def test_only_the_invoiced_month_is_final(landed: AwsHome) -> None:
    rows = landed.query("select distinct billing_month, cost_status from intermediate.int_aws_charges order by 1")
    assert [(row["billing_month"].month, row["cost_status"]) for row in rows] == [(10, "final"), (11, "provisional")]


def test_aws_3_6_discounts_and_effective_cost_come_to_the_same_total(landed: AwsHome) -> None:
    row = landed.one(
        """
        select sum(billed_cost) as billed, sum(effective_cost) as effective,
            sum(billed_cost) filter (where charge_category = 'Adjustment') as discount,
            sum(effective_cost) filter (where charge_category = 'Adjustment') as discount_effective
        from intermediate.int_aws_charges
        """
    )
    assert row["billed"] == row["effective"]
    assert row["discount"] < row["discount_effective"] == 0


def test_home_that_saw_no_aws_has_empty_typed_tables(tmp_path: Path) -> None:
    run_context(tmp_path)
    home = AwsHome(tmp_path).build_aws()
    names = ("charges", "usage_daily", "capacity_hourly", "landed_totals", "source_status")
    for name in names:
        assert home.one(f"select count(*) as n from intermediate.int_aws_{name}") == {"n": 0}
    (column,) = home.query(
        "select typeof(billed_cost) as kind from intermediate.int_aws_charges union all select 'none'"
    )
    assert column["kind"] == "none"
