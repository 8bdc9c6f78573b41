"""What the doctor asks of the billing export: each call that reading needs, tried with the smallest there is."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from ingest.checks import Aspect, Finding, Status, attempt
from ingest.config_gcp import GcpBillingExport
from ingest.contracts import Context
from ingest.errors import InferledgerError
from ingest.gcp_query import dollars
from ingest.run import day_start
from ingest.sources.gcp_billing_partitions import LOOKBACK, PartitionLoader
from ingest.sources.gcp_billing_rows import SOURCE
from ingest.sources.gcp_billing_tables import ExportTable, find_tables

LATE = timedelta(days=2)
LABELS_OVER = timedelta(days=3)
_POLICY = "see deploy/gcp/roles.md"


def findings(context: Context, export: GcpBillingExport) -> Iterator[Finding]:
    """Reachable, permitted, fresh, labelled, and at what price; it ends where nothing further can be asked."""
    account = export.billing_account_id
    try:
        tables = find_tables(context.settings, export)
    except InferledgerError as error:
        yield Finding(SOURCE, account, "reachable", "fail", error.message, f"{error.remedy} ({_POLICY})")
        return
    names = ", ".join(table.name for table in tables)
    yield Finding(SOURCE, account, "reachable", "ok", f"{export.project}.{export.dataset} holds {names}.")
    yield Finding(SOURCE, account, "permitted", "ok", "bigquery.tables.list and tables.get are granted.")
    for table in tables:
        yield from _table_findings(context, account, table)


def _table_findings(context: Context, account: str, table: ExportTable) -> Iterator[Finding]:
    since = day_start((context.run.as_of - LABELS_OVER).date())
    times = {"since": since}
    small = f"SELECT COUNT(*) AS n FROM `{table.place}` WHERE _PARTITIONTIME >= @since"
    asked = [
        _asked(account, "bigquery.jobs.create is granted.", lambda: table.reader.estimate(small, times)),
        _asked(account, "bigquery.tables.getData is granted.", lambda: table.reader.rows(small, times)),
        _asked(
            account,
            "bigquery.readsessions.create is granted.",
            lambda: table.reader.open_session(small, times),
        ),
    ]
    yield from asked
    if any(found.status == "fail" for found in asked[:2]) or table.kind is None:
        return
    try:
        yield from _content(context, account, table)
    except InferledgerError as error:
        yield Finding(SOURCE, account, "fresh", "fail", error.message, error.remedy)


def _asked(account: str, works: str, call: Callable[[], object]) -> Finding:
    found = attempt(SOURCE, account, "permitted", works, call)
    if found.status == "ok":
        return found
    return Finding(SOURCE, account, found.aspect, found.status, found.message, f"{found.remedy} ({_POLICY})")


def _content(context: Context, account: str, table: ExportTable) -> Iterator[Finding]:
    """How fresh the export is, whether requests carry labels, and what reading costs."""
    if table.kind is None:
        return
    as_of = context.run.as_of
    loader = PartitionLoader(context, table, table.kind)
    backfill = day_start((as_of - timedelta(days=context.config.backfill_days)).date())
    found = loader.fingerprints(backfill, None)
    newest = max(item.newest_export for item in found)
    is_late = as_of - newest > LATE
    status: Status = "warn" if is_late else "ok"
    remedy = "Google promises no time, but two days is long: look whether the export is still on." if is_late else ""
    yield Finding(SOURCE, account, "fresh", status, f"The newest export is of {newest:%Y-%m-%d %H:%M} UTC.", remedy)
    yield _labels(account, table, as_of - LABELS_OVER)
    look = table.reader.estimate(*loader.fingerprint_query(day_start((as_of - LOOKBACK).date()), None))
    daily = look + loader.estimate(found[-2:])
    whole = loader.estimate(found)
    yield _cost(account, f"A daily run reads {daily:,} bytes, about {dollars(daily)}.")
    yield _cost(account, f"The backfill of {len(found)} partitions reads {whole:,} bytes, about {dollars(whole)}.")
    for note in loader.notes:
        yield Finding(SOURCE, account, "complete", "warn", note)


def _labels(account: str, table: ExportTable, since: datetime) -> Finding:
    labels = "x_Labels" if table.kind is not None and table.kind.name == "focus" else "labels"
    sql = (
        f"SELECT COUNT(*) AS n, COUNTIF(ARRAY_LENGTH({labels}) > 0) AS labelled FROM `{table.place}`"
        " WHERE _PARTITIONTIME >= @since"
    )
    row = table.reader.rows(sql, {"since": since})[0]
    aspect: Aspect = "tags"
    told = f"{row['labelled']} of {row['n']} rows of the last days carry request labels."
    if row["labelled"]:
        return Finding(SOURCE, account, aspect, "ok", told)
    remedy = "Put `labels` with team and product on each generateContent call; until then the project decides."
    return Finding(SOURCE, account, aspect, "warn", told, remedy)


def _cost(account: str, told: str) -> Finding:
    return Finding(SOURCE, account, "cost", "ok", told)
