"""A statement ties to the closed month, never crosses currencies, and is a draft while its month is open."""

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pypdfium2
import pytest

from ingest.errors import ConfigError, TerminalError
from ingest.settings import Settings
from pipeline.closed_home import SCHEMAS, write_table
from pipeline.closed_manifest import as_json
from pipeline.closed_tables import read_frozen
from pipeline.reporting import as_csv, write_statements
from pipeline.statement import LINE_COLUMNS, Statement, statements, total
from pipeline.statement_html import as_html
from pipeline.statement_page import statement_page

OCTOBER, SEPTEMBER = date(2026, 10, 1), date(2026, 9, 1)
_USAGE: dict[str, Any] = {
    "statement_status": "draft",
    "billing_month": OCTOBER,
    "provider": "aws",
    "billing_account_id": "payer",
    "team": "support",
    "product": "triage",
    "model": "claude",
    "charge_category": "Usage",
    "pricing_category": "on_demand",
    "attribution_method": "profile_tag",
    "attribution_evidence": "user_team=support",
    "attribution_confidence": "high",
    "cost_status": "final",
    "billing_currency": "USD",
    "billed_cost": Decimal("10.005"),
    "consumed_tokens": 2_500_000,
}
_TEAM = """select 'support' as team, 'Customer Support' as team_name, 'CC-42' as cost_center,
    date '2020-01-01' as valid_from, null::date as valid_to"""
LINES = [
    _USAGE,
    _USAGE | {"charge_category": "Credit", "model": None, "billed_cost": Decimal("-2.5"), "consumed_tokens": None},
    _USAGE
    | {
        "provider": "azure",
        "attribution_method": "rule",
        "attribution_evidence": "rule platform",
        "attribution_confidence": "low",
        "split_from_team": "platform",
        "split_path": "platform-costs",
        "billed_cost": Decimal("2.495"),
    },
    _USAGE | {"provider": "gcp", "billing_currency": "EUR", "billed_cost": Decimal(7)},
    _USAGE | {"cost_status": "estimate", "billed_cost": None, "effective_cost": Decimal(3)},
    _USAGE | {"billing_month": SEPTEMBER, "billed_cost": Decimal(4)},
    _USAGE | {"team": "=cmd", "product": None, "billed_cost": Decimal(1)},
    _USAGE | {"team": "unallocated", "attribution_method": "unallocated", "billed_cost": Decimal("0.5")},
]


def _published(home: Path, lines: list[dict[str, Any]]) -> Settings:
    (home / "published").mkdir(parents=True)
    kinds = {"date": "date", "decimal": "decimal(38, 12)", "int64": "bigint", "string": "varchar"}
    fields = [field for field in SCHEMAS["statement_lines"] if field.name not in ("closed_month", "revision")]
    columns = ", ".join(
        f"{field.name} {next(kind for name, kind in kinds.items() if str(field.type).startswith(name))}"
        for field in fields
    )
    with duckdb.connect(home / "published" / "inferledger.duckdb") as connection:
        connection.execute(f"create table fct_statement_line ({columns})")
        for line in lines:
            values = [line.get(field.name) for field in fields]
            connection.execute(f"insert into fct_statement_line values ({', '.join('?' * len(values))})", values)
        connection.execute(f"create table dim_team as {_TEAM}")
    return Settings(home=home, as_of=datetime(2026, 11, 18, tzinfo=UTC))


def _close(settings: Settings) -> Path:
    """Freeze October by hand, as `close` writes it."""
    folder = settings.home / "closed" / "2026-10"
    lines = [line | {"closed_month": OCTOBER, "revision": 1} for line in LINES if line["billing_month"] == OCTOBER]
    write_table(folder, "statement_lines", lines)
    with duckdb.connect() as connection:
        connection.execute(f"copy ({_TEAM}) to '{folder}/teams.parquet' (format parquet)")
        tables = {
            name: vars(read_frozen(connection, folder / f"{name}.parquet")) for name in ("statement_lines", "teams")
        }
    totals = [
        {"provider": "aws", "billing_account_id": "payer", "billing_currency": "USD", "mart_cost": Decimal("9.005")},
        {"provider": "azure", "billing_account_id": "payer", "billing_currency": "USD", "mart_cost": Decimal("2.495")},
        {"provider": "gcp", "billing_account_id": "payer", "billing_currency": "EUR", "mart_cost": Decimal(7)},
    ]
    who = {"closed_by": "Ada", "closed_as_of": "2026-11-18T06:00:00+00:00", "revision": 1}
    why = {"reopened_because": None, "accepted_provisional": None}
    manifest = {"month": "2026-10", "tables": tables, "totals": totals} | who | why
    (folder / "manifest.json").write_text(as_json(manifest))
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return _published(tmp_path / "home", LINES)


def one(settings: Settings, team: str = "support") -> Statement:
    return next(statements(settings, OCTOBER, team))


def tables(statement: Statement, currency: str) -> dict[str, list[list[str]]]:
    page = statement_page(statement)
    return {table.title: [list(row) for row in table.rows] for table in dict(page.sections)[currency]}


def test_each_currency_has_its_own_totals_and_the_estimate_is_in_none(settings: Settings) -> None:
    statement = one(settings)
    assert statement.currencies == ["USD", "EUR"]
    assert total(statement.billed("USD")) == Decimal("10")
    assert tables(statement, "USD")["Summary"] == [
        ["Total billed", "10.00"],
        ["of it final", "10.00"],
        ["month before", "4.00"],
        ["change", "+6.00"],
        ["used, not billed yet (estimate, not in the total)", "3.00"],
    ]
    assert tables(statement, "EUR")["Summary"] == [
        ["Total billed", "7.00"],
        ["of it final", "7.00"],
        ["month before", "none"],
    ]


def test_provenance_treatments_and_allocations_are_lines(settings: Settings) -> None:
    shown = tables(one(settings), "USD")
    assert shown["How we know that it is this team's"] == [
        ["tag of the inference profile", "user_team=support", "high", "75.0 %", "7.50"],
        ["split that the organisation decided", "rule platform", "low", "25.0 %", "2.50"],
    ]
    assert shown["Of it allocated from shared cost"] == [
        ["split that the organisation decided", "platform", "platform-costs", "Azure OpenAI", "2.50"]
    ]
    assert ["Credit", "credit, taken off", "AWS Bedrock", "-2.50"] in shown["Usage, purchases, credits and tax"]


def test_an_open_month_is_a_draft_and_a_closed_one_names_its_manifest(settings: Settings) -> None:
    draft = one(settings)
    assert statement_page(draft).mark == "DRAFT"
    assert "DRAFT" in as_html(statement_page(draft))
    folder = _close(settings)
    closed = one(settings)
    assert closed.month.closed_by == "Ada"
    assert statement_page(closed).mark is None
    assert str(closed.month.manifest_hash) in as_html(statement_page(closed))
    # what is published later does not reach it
    with duckdb.connect(settings.published) as connection:
        connection.execute("update fct_statement_line set billed_cost = 99")
    assert one(settings).lines == closed.lines
    assert folder.exists()


def test_a_closed_month_that_was_tampered_with_is_refused(settings: Settings) -> None:
    folder = _close(settings)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["totals"][0]["mart_cost"] = "9.005000000001"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(TerminalError, match="do not tie to its manifest: aws payer USD"):
        one(settings)
    write_table(folder, "statement_lines", [])
    with pytest.raises(TerminalError, match="is not what its manifest says"):
        one(settings)


def test_the_csv_holds_every_digit_and_runs_no_formula(settings: Settings) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(one(settings)))))
    assert len(rows) == 5
    assert set(LINE_COLUMNS) < set(rows[0])
    assert (
        sum(Decimal(row["billed_cost"]) for row in rows if row["billing_currency"] == "USD" and row["billed_cost"])
        == 10
    )
    attack = next(csv.DictReader(io.StringIO(as_csv(one(settings, "=cmd")))))
    assert attack["team"] == "'=cmd"


def test_the_files_are_written_and_the_pdf_says_what_the_page_says(settings: Settings, tmp_path: Path) -> None:
    _close(settings)
    written = write_statements(settings, OCTOBER, out=tmp_path / "out")
    assert sorted(path.suffix for path in written) == [".csv"] * 3 + [".html"] * 3 + [".pdf"] * 3
    pdf = next(path for path in written if path.name == "statement-2026-10-support.pdf")
    before = pdf.read_bytes()
    with pypdfium2.PdfDocument(pdf) as document:
        text = "".join(document[place].get_textpage().get_text_range() for place in range(len(document)))
    for words in ("Customer Support", "CC-42", "closed by Ada", "user_team=support", "Page 1 of", "10.00"):
        assert words in text, words
    assert "DRAFT" not in text
    write_statements(settings, OCTOBER, team="support", formats=("pdf",), out=tmp_path / "out")
    assert pdf.read_bytes() == before
    assert not list((tmp_path / "out").glob(".*"))


def test_an_unknown_team_format_or_month_is_told(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="Use one of: =cmd, support, unallocated"):
        one(settings, "nobody")
    with pytest.raises(ConfigError, match="no format 'docx'"):
        write_statements(settings, OCTOBER, formats=("docx",))
    with pytest.raises(TerminalError, match="Nothing was billed in 2026-08"):
        list(statements(settings, date(2026, 8, 1)))
