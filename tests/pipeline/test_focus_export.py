"""The FOCUS export of the demo's ninety days: what the file holds, and the published rules executed on it."""

import csv
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from subprocess import CompletedProcess

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.focus.readings import READINGS, REASONS
from tests.focus.report import MARK, PAGE, judge, reason, render
from tests.focus.runner import Status

Cli = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def exported(demo_home: Path, cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the exported files."""
    out = tmp_path_factory.mktemp("focus")
    finished = cli("export", "focus", "--home", str(demo_home), "--out", str(out), "--json")
    assert finished.returncode == 0, finished.stderr
    told = json.loads(finished.stdout)
    assert told["files"] == [str(out / f"focus_cost_and_usage.{kind}") for kind in ("parquet", "csv")]
    assert set(told["billed_cost"]) == {"USD", "EUR"}
    assert told["as_of"].endswith("Z")
    return out


@pytest.fixture(scope="module")
def parquet(exported: Path) -> Path:
    return exported / "focus_cost_and_usage.parquet"


def test_the_export_sums_to_the_published_spend_to_the_last_decimal(demo_home: Path, parquet: Path) -> None:
    with duckdb.connect(str(demo_home / "published" / "inferledger.duckdb"), read_only=True) as connection:
        spend = connection.execute(
            "select provider, billing_account_id, billing_month, billing_currency, sum(billed_cost) "
            "from fct_spend_daily where cost_status <> 'estimate' group by all order by all"
        ).fetchall()
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        focus = connection.execute(
            'select "x_Provider", "BillingAccountId", cast("BillingPeriodStart" as date), "BillingCurrency", '
            f"sum(\"BilledCost\") from '{parquet}' group by all order by all"
        ).fetchall()
    assert len({row[0] for row in spend}) == 3
    assert focus == spend


def test_both_forms_hold_the_same_values(exported: Path, parquet: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        moments = ", ".join(
            f'strftime("{name}", \'%Y-%m-%dT%H:%M:%SZ\') as "{name}"'
            for name in ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")
        )
        typed = connection.execute(
            f"select cast(columns(*) as varchar) from (select * replace ({moments}) from '{parquet}')"
        )
        expected = [tuple(value or "" for value in row) for row in typed.fetchall()]
    with (exported / "focus_cost_and_usage.csv").open(newline="") as handle:
        header, *rows = csv.reader(handle)
    assert header == pq.read_schema(parquet).names
    assert [tuple(row) for row in rows] == expected


def test_the_file_says_its_version_and_its_moments_are_utc(parquet: Path) -> None:
    file = pq.ParquetFile(parquet)
    assert (file.metadata.metadata or {})[b"FocusVersion"] == b"1.2"
    assert str(file.schema_arrow.field("ChargePeriodStart").type) == "timestamp[us, tz=UTC]"
    assert str(file.schema_arrow.field("BilledCost").type) == "decimal128(38, 12)"


def test_one_month_holds_that_invoice_month_alone(demo_home: Path, cli: Cli, parquet: Path, tmp_path: Path) -> None:
    for _ in range(2):  # a second export replaces the first
        finished = cli(
            "export", "focus", "--home", str(demo_home), "--month", "2026-10", "--format", "csv", "--out", str(tmp_path)
        )
        assert finished.returncode == 0, finished.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["focus_cost_and_usage_2026-10.csv"]
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        expected = connection.execute(
            f"select count(*), sum(\"BilledCost\") from '{parquet}' where \"BillingPeriodStart\" = '2026-10-01'"
        ).fetchall()
    with (tmp_path / "focus_cost_and_usage_2026-10.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert expected == [(len(rows), sum((Decimal(row["BilledCost"]) for row in rows), Decimal(0)))]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (
            ("--month", "2020-01"),
            1,
            "No AI charge was billed in 2020-01. Ask for a month that is published: those from",
        ),
        (("--month", "October"), 2, "'October' is no month. Write it as YYYY-MM"),
        (("--format", "xlsx"), 2, "xlsx"),
    ],
    ids=["month without charges", "no month", "no format"],
)
def test_what_cannot_be_exported_is_said_in_a_sentence(
    demo_home: Path, cli: Cli, tmp_path: Path, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    finished = cli("export", "focus", "--home", str(demo_home), "--out", str(tmp_path), *arguments)
    assert finished.returncode == code
    assert sentence in " ".join(finished.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_without_a_published_file_nothing_is_exported(cli: Cli, tmp_path: Path) -> None:
    finished = cli("export", "focus", "--home", str(tmp_path / "empty"))
    assert (finished.returncode, finished.stdout) == (1, "")
    assert "Nothing is published yet" in finished.stderr


def test_each_rule_that_fails_has_a_written_reason_and_no_other_has_one(parquet: Path) -> None:
    outcomes, meant, own = judge(parquet)
    failed = {rule_id: one for rule_id, one in outcomes.items() if one.status is Status.FAIL}
    assert [rule_id for rule_id, one in failed.items() if not reason(one, outcomes)] == []
    # a reason that nothing needs any more goes
    assert [rule_id for rule_id in REASONS if rule_id not in failed] == []
    # what we check ourselves because the specification publishes no check
    assert [rule_id for rule_id, holds in own.items() if not holds] == []
    assert {outcomes[rule_id].status for rule_id in own} == {Status.NO_CHECK}
    # where the published check contradicts its sentence, the sentence holds
    assert [rule_id for rule_id in READINGS if not meant[rule_id]] == []


def test_the_list_of_rules_in_the_docs_is_current(parquet: Path) -> None:
    _, found, list_in_docs = PAGE.read_text().partition(MARK)
    assert found + list_in_docs == render(*judge(parquet)), "write it with `python -m tests.focus.report FILE.parquet`"
