"""Google's Cloud Billing export: detailed, standard or FOCUS, from BigQuery or from exported files.

Inputs: the tables `gcp_billing_export_resource_v1_<account>`, `gcp_billing_export_v1_<account>` and
`gcp_billing_export_focus_<account>`, found by name in the datasets of `sources.yml`, and `cloud_pricing_export` where
it is named there. Rows are only ever appended: corrections and late usage land in newer partitions (`_PARTITIONTIME`),
and old partitions can still grow. There is no row id, and equal rows are legitimate: a partition is replaced as a
whole, nothing is merged. Exported files carry no partition: they are replaced whole by account and invoice month.

Stop rule: the partitions of the last 60 days, weekly all since the backfill began (first run: `backfill_days` back), or
those of the given window. Their fingerprints are compared with those of the last load; see `gcp_billing_partitions`.
Several exports of one account may be landed side by side: the models take one of them for each invoice month.
Run alone: `inferledger ingest gcp_billing [--path FOLDER_OR_URL]`.
"""

from collections.abc import Iterator

from ingest.checks import Finding
from ingest.config_gcp import GcpBillingExport
from ingest.contracts import Context, LoadResult
from ingest.files import Folder
from ingest.run import Window
from ingest.sources.gcp_billing_check import findings
from ingest.sources.gcp_billing_files import load_exported
from ingest.sources.gcp_billing_focus import FOCUS_ROWS
from ingest.sources.gcp_billing_partitions import PartitionLoader
from ingest.sources.gcp_billing_prices import ACCOUNT_PRICES, load_prices
from ingest.sources.gcp_billing_rows import EXPORT_ROWS, SOURCE
from ingest.sources.gcp_billing_tables import find_tables

STREAMS = (EXPORT_ROWS, FOCUS_ROWS, ACCOUNT_PRICES)


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Load the changed partitions of every configured export, or all partitions inside `window`.

    Raises:
        PermissionDenied, CredentialExpired, WrongRegion, Unreachable: reading is not possible; the remedy says why.
        EmptyAnswer: the dataset has no export table of the account, or the table no row.
        SchemaChanged: a column that numbers rest on is missing.
    """
    return [result for export in context.config.gcp.billing_exports for result in _load_export(context, export, window)]


def load_files(context: Context, folder: Folder, window: Window | None) -> list[LoadResult]:
    """Land exported tables (Parquet, JSON lines, CSV; plain or gzipped) by billing account and invoice month.

    Raises:
        SchemaChanged: no file is a billing export; names what is missing.
        CorruptFile: a file cannot be read to its end, or more than a fifth of its rows cannot be taken.
    """
    return load_exported(context, folder, window)


def check(context: Context) -> Iterator[Finding]:
    """Try each call that reading needs, and tell what a run costs."""
    for export in context.config.gcp.billing_exports:
        yield from findings(context, export)


def _load_export(context: Context, export: GcpBillingExport, window: Window | None) -> list[LoadResult]:
    results: list[LoadResult] = []
    notes: list[str] = []
    newest = None
    for table in find_tables(context.settings, export):
        if table.kind is None:
            results += load_prices(context, table)
            continue
        loader = PartitionLoader(context, table, table.kind)
        loads, reached = loader.load(window)
        results += loads
        notes += [*loader.notes, *table.reader.notes]
        newest = max(reached, newest) if newest else reached
    message = " ".join(dict.fromkeys(notes)) or None
    context.landing.report(SOURCE, export.billing_account_id, newest, message)
    return results
