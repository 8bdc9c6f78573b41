"""The evidence pack: what providers charged too much, as a file to send them and a table to check it with."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from ingest.errors import TerminalError

KINDS = {
    "wrong_tier": "Charged at the price of another service tier than the bill names",
    "wrong_context_band": "Charged at the price of another context band than the bill names",
    "wrong_cache_price": "Charged at the price of another token class",
    "cached_tokens_twice": "Cached tokens charged a second time, as input",
    "discount_not_applied": "Charged at the list price: the contract's discount is missing",
    "wrong_unit": "Quantity or price in the wrong unit",
    "outdated_price": "Charged at a contract price of another date",
    "unexplained": "Charged above the agreed price, and no known price explains it",
}
_ROWS = """
select
    overcharge_kind, provider, billing_account_id, usage_date, workload_id, model, token_class, region_class,
    service_tier, context_band, tokens, due_usd_per_mtok, charged_usd_per_mtok, due_cost_usd, charged_cost_usd,
    overcharge_usd, arithmetic, overcharge_id
from fct_overcharge
where $month is null or date_trunc('month', usage_date) = $month
order by provider, overcharge_kind, usage_date, overcharge_id
"""


@dataclass(frozen=True)
class Evidence:
    """What was written: the two files, how many rows they hold and their dollars."""

    table: Path
    report: Path
    rows: int
    overcharge_usd: Decimal


def write_evidence(published: Path, out: Path, month: date | None) -> Evidence:
    """Write ``overcharges.csv`` and ``overcharges.md`` of one month of usage, or of all, into ``out``.

    Raises:
        TerminalError: nothing is published yet, or by an older version without overcharges.
    """
    with _opened(published) as connection:
        as_of = connection.execute("select as_of from publication").fetchall()[0][0]
        cursor = connection.execute(_ROWS, {"month": month})
        names = [column[0] for column in cursor.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    out.mkdir(parents=True, exist_ok=True)
    label = f"{month:%Y-%m}" if month else "all"
    table, report = out / f"overcharges-{label}.csv", out / f"overcharges-{label}.md"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    report.write_text("\n".join(_report(rows, as_of, month)) + "\n", encoding="utf-8")
    return Evidence(table, report, len(rows), sum((row["overcharge_usd"] for row in rows), Decimal(0)))


@contextmanager
def _opened(published: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    if not published.exists():
        raise TerminalError(f"Nothing is published in {published}.", "Run `inferledger run` first.")
    with duckdb.connect(str(published), read_only=True) as connection:
        known = "select 1 from duckdb_tables() where table_name = 'fct_overcharge'"
        if connection.execute(known).fetchone() is None:
            raise TerminalError(f"{published} holds no overcharges.", "Build and publish it again.")
        yield connection


def _report(rows: list[dict[str, Any]], as_of: datetime, month: date | None) -> Iterator[str]:
    yield f"# Charged too much{f' for usage in {month:%B %Y}' if month else ''}"
    yield ""
    yield f"As of {as_of:%Y-%m-%d %H:%M} UTC, complete days only. Dollars are USD before tax and credits."
    if not rows:
        yield ""
        yield "Nothing: every charge of a complete day fits its contract price."
    for provider, kind in dict.fromkeys((row["provider"], row["overcharge_kind"]) for row in rows):
        found = [row for row in rows if (row["provider"], row["overcharge_kind"]) == (provider, kind)]
        total = sum((row["overcharge_usd"] for row in found), Decimal(0))
        yield ""
        yield f"## {provider}: {KINDS[kind]}: {_dollars(total)} USD in {len(found)} rows"
        yield ""
        yield "| day | account | workload | model | class | tier | arithmetic |"
        yield "|---|---|---|---|---|---|---|"
        for row in found:
            workload = row["workload_id"] or "none"
            yield (
                f"| {row['usage_date']} | {row['billing_account_id']} | {workload} | {row['model']} | "
                f"{row['token_class']} | {row['service_tier']} | {row['arithmetic']} |"
            )


def _dollars(amount: Decimal) -> str:
    """An amount with all the digits that it has, and two at least."""
    digits = max(2, -int(amount.normalize().as_tuple().exponent))
    return f"{amount:,.{digits}f}"
