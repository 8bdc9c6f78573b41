"""What the demo's clouds bill otherwise than they meter: each planted difference is found, in its own class."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

CLASSES = {
    "time_zone", "rounding", "unit", "price_date", "discount", "cache_class", "service_tier", "context_band",
    "unmetered", "outside_profile", "late_data", "unmapped",
}  # fmt: skip
CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def published(demo_home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(demo_home / "published" / "inferledger.duckdb"), read_only=True) as connection:
        path = demo_home / "truth" / "residuals.parquet"
        connection.execute(f"create temp view planted as select * from read_parquet('{path}')")
        yield connection


def test_every_class_but_unknown_is_planted(published: duckdb.DuckDBPyConnection) -> None:
    planted = published.execute("select distinct residual_class from planted where residual_usd <> 0").fetchall()
    assert {name for (name,) in planted} == CLASSES


def test_each_planted_difference_is_found_to_the_cent(published: duckdb.DuckDBPyConnection) -> None:
    key = "provider, residual_class, usage_date, workload_id, model"
    rows = published.execute(
        f"""
        with wanted as (select {key}, sum(residual_usd) as usd from planted group by all),
        found as (select {key}, sum(residual_usd) as usd from fct_residual group by all)
        select wanted.*, found.usd as found_usd
        from wanted left join found on wanted.provider = found.provider
            and wanted.residual_class = found.residual_class and wanted.usage_date = found.usage_date
            and wanted.workload_id is not distinct from found.workload_id
            and wanted.model is not distinct from found.model
        """
    ).fetchall()
    assert len(rows) >= 15
    assert [row for row in rows if row[-1] is None or abs(row[-1] - row[-2]) >= CENT] == []


def test_each_class_comes_to_what_was_planted_on_those_days(published: duckdb.DuckDBPyConnection) -> None:
    rows = published.execute(
        """
        select provider, residual_class, sum(planted_usd), sum(found_usd) from (
            select provider, residual_class, residual_usd as planted_usd, 0 as found_usd from planted
            union all
            select provider, residual_class, 0 as planted_usd, residual_usd as found_usd from fct_residual
            where residual_class in ('time_zone', 'unit', 'context_band', 'outside_profile', 'unmapped', 'unmetered')
                or (provider = 'aws' and residual_class in ('late_data', 'service_tier', 'discount'))
                or (provider = 'azure' and residual_class in ('rounding', 'price_date'))
        ) where residual_class <> 'cache_class' group by all order by all
        """
    ).fetchall()
    assert [row for row in rows if abs(row[2] - row[3]) >= CENT] == []


def test_next_to_nothing_is_left_unexplained(published: duckdb.DuckDBPyConnection) -> None:
    unknown, billed = published.execute(
        """
        select
            (select coalesce(sum(abs(residual_usd)), 0) from fct_residual where residual_class = 'unknown'),
            (select sum(billed_cost_usd) from fct_reconciliation)
        """
    ).fetchall()[0]
    assert billed > 100_000
    assert unknown * 1000 < billed


def test_residuals_sum_to_metered_less_billed(published: duckdb.DuckDBPyConnection) -> None:
    classified, residual, difference = published.execute(
        """
        select
            (select sum(residual_usd) from fct_residual),
            (select sum(residual_usd) from fct_reconciliation),
            (select sum(coalesce(metered_cost_usd, 0)) - sum(coalesce(billed_cost_usd, 0)) from fct_reconciliation)
        """
    ).fetchall()[0]
    assert classified == residual == difference


def test_overcharges_are_the_planted_ones(published: duckdb.DuckDBPyConnection) -> None:
    found = published.execute(
        "select overcharge_kind, sum(overcharge_usd) from fct_overcharge group by all order by all"
    ).fetchall()
    planted = dict(
        published.execute(
            """select residual_class, -sum(residual_usd) from planted
            where residual_usd < 0 and residual_class in ('cache_class', 'discount', 'price_date', 'service_tier')
            group by all"""
        ).fetchall()
    )
    wanted = {
        "cached_tokens_twice": planted["cache_class"],
        "discount_not_applied": planted["discount"],
        "outdated_price": planted["price_date"],
        "wrong_tier": planted["service_tier"],
    }
    assert {kind for kind, _ in found} == set(wanted)
    assert [kind for kind, usd in found if abs(usd - wanted[kind]) >= CENT] == []


def test_the_invoices_that_can_be_read_are_what_landed(published: duckdb.DuckDBPyConnection) -> None:
    invoiced = published.execute(
        "select provider, landed_cost, invoice_cost from fct_provider_totals where invoice_cost is not null"
    ).fetchall()
    assert {provider for provider, _, _ in invoiced} == {"aws", "gcp"}
    assert [row for row in invoiced if row[1] != row[2]] == []
