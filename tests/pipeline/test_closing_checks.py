"""What keeps a month open: rows that are not final, days that are not there, totals and invoices that say otherwise."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pytest

from ingest.errors import ConfigError, TerminalError
from ingest.run import Run
from pipeline.closing_checks import parse_invoices, require_closable

OCTOBER = date(2026, 10, 1)
RUN = Run("run-1", datetime(2026, 11, 18, 6, tzinfo=UTC))
PUBLISHED = """
create table fct_provider_totals as select
    'aws' as provider, 'payer' as billing_account_id, date '2026-10-01' as billing_month, 'USD' as billing_currency,
    120.004::decimal(38, 12) as landed_cost, 100.004::decimal(38, 12) as mart_cost,
    20::decimal(38, 12) as out_of_scope_cost,
    120::decimal(38, 12) as provider_cost, null::decimal(38, 12) as invoice_cost, 0::decimal(38, 12) as difference;
create table fct_spend_daily as select
    'aws' as provider, unnest([date '2026-09-30', date '2026-10-20']) as charge_date, 'USD' as billing_currency,
    date_trunc('month', charge_date)::date as billing_month, 'Usage' as charge_category, 'final' as cost_status,
    50::decimal(38, 12) as billed_cost;
create table source_status as select
    'aws_cur' as source, 'payer' as account_id, date '2026-11-16' as complete_through, 9 as rows
"""


@pytest.fixture
def published() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(PUBLISHED)
        yield connection


def check(
    published: duckdb.DuckDBPyConnection, *, reason: str | None = None, invoices: dict[str, Decimal] | None = None
) -> list[str]:
    return require_closable(published, RUN, OCTOBER, reason, invoices or {})


def test_a_settled_month_leaves_nothing_to_accept(published: duckdb.DuckDBPyConnection) -> None:
    assert check(published) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(
            "update fct_provider_totals set provider_cost = 20",
            r"aws payer: 120.00 USD landed, the provider's own total is 20.00 (+100.00)",
            id="the provider's own total is another",
        ),
        pytest.param(
            "update source_status set complete_through = null",
            "aws_cur payer: no complete day is known",
            id="no day is complete",
        ),
        pytest.param(
            "update source_status set complete_through = '2026-10-30'",
            "aws_cur payer: complete through 2026-10-30 only",
            id="a day is missing",
        ),
        pytest.param(
            "delete from fct_spend_daily where charge_date < '2026-10-01'",
            "aws: its usage is known from 2026-10-20 on only",
            id="the beginning is missing",
        ),
        pytest.param(
            "update fct_spend_daily set cost_status = 'provisional'",
            "aws: 1 rows are provisional",
            id="rows may change",
        ),
    ],
)
def test_what_is_not_settled_needs_a_reason(published: duckdb.DuckDBPyConnection, change: str, told: str) -> None:
    published.execute(change)
    with pytest.raises(TerminalError) as refused:
        check(published)
    assert told in str(refused.value)
    assert check(published, reason="agreed with finance") == [told]


def test_a_source_that_landed_nothing_is_no_objection(published: duckdb.DuckDBPyConnection) -> None:
    published.execute("insert into source_status values ('azure_cost', 'empty', null, 0)")
    assert check(published) == []


def test_the_invoice_is_held_against_the_bill_to_the_cent(published: duckdb.DuckDBPyConnection) -> None:
    assert check(published, invoices={"payer": Decimal("120.00")}) == []
    with pytest.raises(TerminalError, match=r"payer: 120.00 USD landed, the invoice says 119.99 \(\+0.01\)"):
        check(published, invoices={"payer": Decimal("119.99")})
    with pytest.raises(ConfigError, match="other has no bill in 2026-10"):
        check(published, invoices={"other": Decimal(1)})


def test_an_invoice_is_an_account_and_an_amount() -> None:
    assert parse_invoices(["01A2B3-C4=1234.50", "a=b=-1"]) == {"01A2B3-C4": Decimal("1234.50"), "a=b": Decimal(-1)}
    for wrong in ("payer", "=5", "payer=", "payer=1,5", "payer=nan"):
        with pytest.raises(ConfigError, match="is no invoice total"):
            parse_invoices([wrong])
    with pytest.raises(ConfigError, match="given twice"):
        parse_invoices(["a=1", "a=2"])
