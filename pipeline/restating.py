"""Restatement: how far a closed month has moved since it was frozen, and why.

The amounts and their causes are those of the marts `fct_closed_month` and `fct_closed_month_movement`; the landed files
that changed are told beside them as evidence.
"""

import csv
import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from ingest.errors import TerminalError
from ingest.settings import Settings
from pipeline.closed_check import require_as_closed
from pipeline.closed_home import closed_root, input_rows, month_name
from pipeline.closed_manifest import as_json, changed_inputs, read_manifest, sha256
from pipeline.closed_tables import has_table, open_published, records

MOVEMENT_COLUMNS = ("billing_month", "provider", "team", "measure", "billing_currency", "cause", "moved_amount")
CAUSES = {
    "provider_restated": "the provider changed an amount that was closed",
    "late_row": "a charge or reading that was not there",
    "price_corrected": "the same tokens or charges at another price",
    "ownership_changed": "the same cost, another team",
    "definition_changed": "no landed input explains it: scope, model names or the models changed",
}
_MOVEMENTS = f"select {', '.join(MOVEMENT_COLUMNS)} from fct_closed_month_movement where billing_month = ? order by all"
_TOTALS = """
select provider, billing_account_id, billing_currency, closed_cost, current_cost, moved_cost
from fct_closed_month where billing_month = ? order by all
"""


@dataclass(frozen=True)
class Restatement:
    """What moved in a closed month. `inputs` are the landed files that differ from those of the close."""

    month: date
    revision: int
    closed_as_of: str
    closed_by: str
    manifest_hash: str
    movements: list[dict[str, Any]]
    totals: list[dict[str, Any]]
    inputs: list[dict[str, Any]]


def restatement(settings: Settings, month: date) -> Restatement:
    """Compare a closed month with the published numbers.

    Raises:
        TerminalError: the month is not closed, its folder was changed, or the published file was built before it.
    """
    folder = closed_root(settings.home) / month_name(month)
    manifest = read_manifest(folder)
    if manifest is None:
        raise TerminalError(
            f"{month_name(month)} is not closed.", f"Run `inferledger close {month_name(month)}` first."
        )
    require_as_closed(settings, folder, manifest)
    if not settings.published.exists():
        raise TerminalError("Nothing is published to compare with.", "Run `inferledger run` first.")
    with open_published(settings.published) as connection:
        known = _known_revision(connection, month)
        published = records(connection, "select run_id from publication")[0]["run_id"]
        if known != manifest["revision"] and published != manifest["published_run_id"]:
            raise TerminalError(
                f"The published numbers were built before {month_name(month)} was closed.",
                "Run `inferledger build`, `detect` and `publish`, then ask again.",
            )
        is_compared = known == manifest["revision"]
        movements = records(connection, _MOVEMENTS, month) if is_compared else []
        totals = records(connection, _TOTALS, month) if is_compared else _as_closed(manifest)
    now = input_rows(settings.landing_root, month, 0)
    return Restatement(
        month,
        manifest["revision"],
        manifest["closed_as_of"],
        manifest["closed_by"],
        _manifest_hash(folder),
        movements,
        totals,
        changed_inputs(manifest["inputs"], now),
    )


def moved_months(published: Path) -> dict[str, list[dict[str, Any]]]:
    """The closed months whose published numbers have moved, each with its movements by measure, currency and cause."""
    query = """
    select billing_month, measure, billing_currency, cause, cast(sum(moved_amount) as decimal(38, 12)) as moved_amount,
        cast(sum(abs(moved_amount)) as decimal(38, 12)) as gross_amount
    from fct_closed_month_movement group by all order by all
    """
    moved: dict[str, list[dict[str, Any]]] = {}
    with open_published(published) as connection:
        if has_table(connection, "fct_closed_month_movement"):
            for row in records(connection, query):
                moved.setdefault(month_name(row.pop("billing_month")), []).append(row)
    return moved


def moved_sentence(month: str, movements: list[dict[str, Any]]) -> str:
    """One sentence: which closed month moved, by how much of what it was billed, and why."""
    billed = [row for row in movements if row["measure"] == "billed_cost"] or movements
    parts = [
        f"{row['moved_amount']:+,.2f} {row['billing_currency']} {row['measure']} ({row['cause']}"
        + (f", {row['gross_amount'] / 2:,.2f} between teams" if row["cause"] == "ownership_changed" else "")
        + ")"
        for row in billed
    ]
    return f"Closed month {month} has moved: {'; '.join(parts)}. See `inferledger restatement {month}`."


def as_text(report: Restatement) -> str:
    """The report for people."""
    closed = f"closed by {report.closed_by} as of {report.closed_as_of} (revision {report.revision}, manifest"
    lines = [f"{month_name(report.month)}, {closed} {report.manifest_hash[:12]})."]
    if not report.movements:
        lines.append("Nothing has moved since.")
    lines += [
        f"{row['cause']:<19} {row['provider']:<10} {row['team']:<20} {row['measure']:<21} "
        f"{row['moved_amount']:>+22,.6f} {row['billing_currency']}"
        for row in report.movements
    ]
    lines += [f"  {cause}: {CAUSES[cause]}." for cause in sorted({row["cause"] for row in report.movements})]
    lines += [
        f"{total['provider']} {total['billing_account_id']}: {total['closed_cost']:,.2f} when closed, "
        f"{total['current_cost']:,.2f} now, {total['moved_cost']:+,.2f} {total['billing_currency']}"
        for total in report.totals
    ]
    if report.inputs:
        lines.append("Landed files that differ from those of the close:")
    for file in report.inputs:
        rows = f"{file['closed_rows'] or 0:,} rows then, {file['current_rows'] or 0:,} now"
        name = f"{file['source']}/{file['stream']}/{file['scope']} {file['window_start']}"
        lines.append(f"  {file['change']:<8} {name} ({rows})")
    return "\n".join(lines)


def as_plain(report: Restatement) -> dict[str, Any]:
    """The report for a program: amounts as text, days in ISO form."""
    return json.loads(as_json(vars(report) | {"month": month_name(report.month)}))


def _known_revision(connection: duckdb.DuckDBPyConnection, month: date) -> int | None:
    if not has_table(connection, "fct_closed_month"):
        return None
    row = connection.execute("select max(revision) from fct_closed_month where billing_month = ?", [month]).fetchone()
    return row[0] if row else None


def _as_closed(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The totals of a month that nothing was built upon since: now is as closed."""
    return [
        {name: total[name] for name in ("provider", "billing_account_id", "billing_currency")}
        | {
            "closed_cost": Decimal(total["mart_cost"]),
            "current_cost": Decimal(total["mart_cost"]),
            "moved_cost": Decimal(0),
        }
        for total in manifest["totals"]
    ]


def _manifest_hash(folder: Path) -> str:
    return sha256((folder / "manifest.json").read_text())


def write_csv(report: Restatement, path: Path) -> None:
    """Write the movements, amounts in full."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(MOVEMENT_COLUMNS)
        for row in report.movements:
            writer.writerow([f"{row[name]:f}" if name == "moved_amount" else row[name] for name in MOVEMENT_COLUMNS])
