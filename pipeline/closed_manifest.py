"""The manifest of a closed month: its inputs by hash, tables by digest, totals, and who closed it when."""

import hashlib
import json
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from ingest.landing import Landing
from ingest.run import Run, next_month
from ingest.settings import Settings
from ingest.sources.config import OWNERSHIP_RULES, SPLITS, TAG_SYNONYMS
from pipeline.closed_home import input_rows, month_name, write_table
from pipeline.closed_tables import day_column, freeze, has_table, quoted, read_frozen, records

TOTALS = """
select
    provider, billing_account_id, billing_currency, landed_cost, mart_cost, out_of_scope_cost, provider_cost,
    invoice_cost
from fct_provider_totals where billing_month = ? order by all
"""
TEAMS = """
select team, billing_currency, cast(sum(billed_cost) as decimal(38, 12)) as billed_cost
from fct_spend_daily where billing_month = ? and cost_status <> 'estimate' group by all order by all
"""
STATUSES = """
select
    provider, cost_status, billing_currency, count(*) as rows,
    cast(sum(billed_cost) as decimal(38, 12)) as billed_cost
from fct_spend_daily where billing_month = ? group by all order by all
"""


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a closed month, None where there is none."""
    path = folder / "manifest.json"
    return json.loads(path.read_text()) if path.exists() else None


def changed_inputs(then: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The landed files that differ between two lists of inputs: changed, gone or new, with their row counts."""
    key = ("source", "stream", "scope", "window_start")
    before = {tuple(str(file[name]) for name in key): file for file in then}
    after = {tuple(str(file[name]) for name in key): file for file in now}
    found: list[dict[str, Any]] = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None or new is None or old["checksum"] != new["checksum"]:
            what = "new" if old is None else "gone" if new is None else "changed"
            rows = {"closed_rows": old and old["rows"], "current_rows": new and new["rows"]}
            found.append(dict(zip(key, name, strict=True)) | {"change": what} | rows)
    return found


def freeze_month(
    settings: Settings, run: Run, connection: duckdb.DuckDBPyConnection, month: date, revision: int, aside: Path
) -> dict[str, Any]:
    """Copy the month into a folder; returns its manifest without who and why."""
    tables = freeze(connection, month, revision, aside)
    landing = Landing(settings.landing_root, run)
    for contract in (OWNERSHIP_RULES, TAG_SYNONYMS, SPLITS):
        rows = landing.read(contract).select(list(contract.schema.names))
        path = aside / f"{contract.stream}.parquet"
        connection.register("rules", rows)
        connection.execute(f"copy (from rules order by all) to '{quoted(path)}' (format parquet)")
        connection.unregister("rules")
        tables.append(read_frozen(connection, path))
    inputs = input_rows(settings.landing_root, month, revision)
    write_table(aside, "inputs", inputs)
    publication = records(connection, "select run_id, as_of from publication")[0]
    listed = [{key: value for key, value in row.items() if key not in ("closed_month", "revision")} for row in inputs]
    content: dict[str, Any] = {
        "month": month_name(month),
        "inputs": listed,
        "tables": {table.name: asdict(table) for table in sorted(tables, key=lambda table: table.name)},
        "totals": records(connection, TOTALS, month),
        "teams": records(connection, TEAMS, month),
        "statuses": records(connection, STATUSES, month),
        "residuals": _residuals(connection, month),
    }
    return json.loads(
        as_json(
            content
            | {
                "content_hash": sha256(as_json(content)),
                "revision": revision,
                "closed_as_of": run.as_of,
                "published_run_id": publication["run_id"],
                "published_as_of": publication["as_of"],
                "software": f"inferledger {version('inferledger')}",
            }
        )
    )


def _residuals(connection: duckdb.DuckDBPyConnection, month: date) -> list[dict[str, Any]]:
    """What the reconciliation leaves in the month, by class, where the published file has one."""
    if not has_table(connection, "fct_residual"):
        return []
    day = day_column(connection, "fct_residual")
    query = (
        "select provider, residual_class, cast(sum(residual_usd) as decimal(38, 12)) as residual_usd from fct_residual "
        f"where {day} >= ? and {day} < ? group by all order by all"
    )
    return records(connection, query, month, next_month(month))


def write_manifest(aside: Path, manifest: dict[str, Any], month: date) -> str:
    """Write manifest and the table `months` into a folder; returns the manifest's hash."""
    text = as_json(manifest)
    (aside / "manifest.json").write_text(text)
    manifest_hash = sha256(text)
    closed = {
        "closed_month": month,
        "revision": manifest["revision"],
        "closed_by": manifest["closed_by"],
        "manifest_hash": manifest_hash,
        "reason": manifest["reopened_because"] or manifest["accepted_provisional"],
        "closed_as_of": datetime.fromisoformat(manifest["closed_as_of"]).replace(tzinfo=None),
    }
    write_table(aside, "months", [closed])
    return manifest_hash


def as_json(value: object) -> str:
    """Canonical JSON: keys sorted, decimals and times as text."""
    return json.dumps(value, default=_plain, sort_keys=True, indent=1)


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


def sha256(text: str) -> str:
    """Hex digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()
