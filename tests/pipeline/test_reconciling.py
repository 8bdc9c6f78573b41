"""The evidence pack: every overcharge of the month with its arithmetic, in a table and a report."""

import csv
import json
import subprocess
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingest.errors import TerminalError
from pipeline.reconciling import write_evidence
from tests.dashboard import fixture_published

RunCli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Ninety days on which AWS charges three dollars too much."""
    return fixture_published.build(tmp_path)


def test_a_month_is_written_row_by_row_with_its_sum(published: Path, tmp_path: Path) -> None:
    evidence = write_evidence(published, tmp_path / "out", date(2026, 10, 1))
    with evidence.table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["usage_date"][:7] for row in rows} == {"2026-10"}
    assert len(rows) == evidence.rows == 31
    assert sum(Decimal(row["overcharge_usd"]) for row in rows) == evidence.overcharge_usd == 93
    report = evidence.report.read_text(encoding="utf-8")
    assert report.startswith("# Charged too much for usage in October 2026\n")
    assert "## aws: Charged at the list price: the contract's discount is missing: 93.00 USD in 31 rows" in report
    assert "50000000 tokens at 2 USD per million instead of 1.9 USD per million" in report


def test_all_months_are_one_pack(published: Path, tmp_path: Path) -> None:
    evidence = write_evidence(published, tmp_path, None)
    assert evidence.table.name == "overcharges-all.csv"
    assert evidence.rows > 31


def test_a_month_without_overcharges_says_so(published: Path, tmp_path: Path) -> None:
    evidence = write_evidence(published, tmp_path, date(2025, 1, 1))
    assert (evidence.rows, evidence.overcharge_usd) == (0, 0)
    assert "every charge of a complete day fits its contract price" in evidence.report.read_text(encoding="utf-8")


def test_nothing_published_and_an_older_file_say_what_to_do(published: Path, tmp_path: Path) -> None:
    with pytest.raises(TerminalError, match="inferledger run"):
        write_evidence(tmp_path / "none.duckdb", tmp_path, None)
    with duckdb.connect(str(published)) as connection:
        connection.execute("drop table fct_overcharge")
    with pytest.raises(TerminalError, match="Build and publish it again"):
        write_evidence(published, tmp_path, None)


def test_the_command_writes_both_files_and_tells_the_sum(published: Path, tmp_path: Path, cli: RunCli) -> None:
    finished = cli(
        "reconcile", "evidence", "--month", "2026-10", "--out", str(tmp_path), "--home", str(tmp_path), "--json"
    )
    assert finished.returncode == 0, finished.stderr
    told = json.loads(finished.stdout)
    assert told["rows"] == 31
    assert Decimal(told["overcharge_usd"]) == 93
    assert Path(told["csv"]).is_file() and Path(told["markdown"]).is_file()
