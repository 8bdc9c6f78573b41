"""Google's Cloud Billing export in BigQuery, standard or detailed, read by changed partition.

Inputs: the tables `gcp_billing_export_resource_v1_<account>` or `gcp_billing_export_v1_<account>` of the datasets in
`sources.yml`. Rows are only ever appended: corrections and late usage land in newer partitions (`_PARTITIONTIME`, the
day of the export), and old partitions can still grow. So each run asks every partition for its fingerprint (newest
`export_time`, row count), which reads sixteen bytes a row, and reads those whole whose fingerprint is not the one of
the last load. There is no row id, and equal rows are legitimate: a partition is replaced as a whole, nothing is merged.

Stop rule: all partitions since the backfill began (first run: `backfill_days` back), or those of the given window.
Every query is dry-run first and capped at what that said. Rows come through the Storage Read API, or over REST where
only `bigquery.readSessionUser` is missing; their number must be the one of the fingerprint.
Run alone: `inferledger ingest gcp_billing`.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Any

import pyarrow as pa
from google.cloud import bigquery
from google.cloud.bigquery_storage_v1 import types

from ingest.config_gcp import GcpBillingExport
from ingest.contracts import Context, LoadResult
from ingest.errors import EmptyAnswer, PermissionDenied, TerminalError, TransientError
from ingest.gcp_connection import TIMEOUT_S, bigquery_client, call_google, storage_client
from ingest.run import Window, day_start
from ingest.sources.gcp_billing_rows import (
    EXPORT_ROWS,
    PARTITION,
    SOURCE,
    conformed,
    field_paths,
    rows_of,
    selected_columns,
    unknown_columns,
)

STREAMS = (EXPORT_ROWS,)
logger = logging.getLogger(__name__)
DAY = timedelta(days=1)
MEBIBYTE = 1 << 20
LEAST_BILLED = 10 * MEBIBYTE
# No single query may read more; at list price this is about three dollars.
QUERY_BUDGET_BYTES = 512 * 1024 * MEBIBYTE
ROWS_PER_QUERY = 200_000
ROWS_PER_STREAM = 100_000
REST_PAGE_ROWS = 5_000
READ_ATTEMPTS = 3


@dataclass(frozen=True)
class Fingerprint:
    """What tells whether a partition changed: its newest export and its row count; and how far its usage reaches."""

    partition: datetime
    newest_export: datetime
    rows: int
    usage_until: datetime

    @property
    def key(self) -> str:
        """Its name in the remembered state."""
        return self.partition.isoformat()

    def state(self) -> list[Any]:
        """As it is remembered between runs."""
        return [self.newest_export.isoformat(), self.rows, self.usage_until.isoformat()]


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Load the changed partitions of every configured export, or all partitions inside `window`.

    Raises:
        PermissionDenied, CredentialExpired, WrongRegion, Unreachable: reading is not possible; the remedy says why.
        EmptyAnswer: the dataset has no export table of the account, or the table no row.
        SchemaChanged: a column that numbers rest on is missing.
    """
    exports = context.config.gcp.billing_exports
    return [result for export in exports for result in _Reader(context, export).load(window)]


class _Reader:
    """Reads one export."""

    def __init__(self, context: Context, export: GcpBillingExport) -> None:
        self._context, self._export = context, export
        # the libraries' types leave out that `retry=None` is allowed, and much else
        self._client: Any = bigquery_client(context.settings, export.project, export.location)
        self._notes: list[str] = []
        self._storage: Any = storage_client(context.settings)

    def load(self, window: Window | None) -> list[LoadResult]:
        """Load what changed and report how far the export reaches."""
        landing, scope = self._context.landing, self._table
        known: dict[str, Any] = landing.read_state(SOURCE, scope)
        start = window.start if window else self._backfill_start(known)
        found = self._fingerprints(start, window.end if window else None)
        if not found:
            raise EmptyAnswer(
                f"{SOURCE}: {self._name} has no row in any partition since {start:%Y-%m-%d}.",
                "A new export takes some hours to fill; check that it is on and that the days are right.",
            )
        landed = set(landing.windows(EXPORT_ROWS, scope))
        changed = [
            item
            for item in found
            if window or known.get(item.key) != item.state() or f"{item.partition:%Y-%m-%d}" not in landed
        ]
        results: list[LoadResult] = []
        for chunk in _chunks(changed):
            results.extend(self._load_chunk(chunk))
            known |= {item.key: item.state() for item in chunk}
            landing.write_state(SOURCE, scope, known)
            self._context.progress("Google billing partitions", len(results), len(changed))
        newest = max(datetime.fromisoformat(state[2]) for state in known.values())
        landing.report(SOURCE, self._export.billing_account_id, newest, " ".join(self._notes) or None)
        return results

    def _backfill_start(self, known: dict[str, Any]) -> datetime:
        first = self._context.run.as_of - timedelta(days=self._context.config.backfill_days)
        earliest = min((datetime.fromisoformat(day) for day in known), default=first)
        return day_start(min(first, earliest).astimezone(UTC).date())

    @cached_property
    def _table(self) -> str:
        """Name of the export's table, the detailed one where both are there."""
        export = self._export
        dataset = f"{export.project}.{export.dataset}"
        found = self._ask(
            "roles/bigquery.dataViewer on the dataset",
            lambda: [item.table_id for item in self._client.list_tables(dataset, retry=None, timeout=TIMEOUT_S)],
        )
        account = export.billing_account_id.replace("-", "_")
        for kind in ("resource_v1", "v1"):
            if f"gcp_billing_export_{kind}_{account}" in found:
                return f"gcp_billing_export_{kind}_{account}"
        raise EmptyAnswer(
            f"{SOURCE}: dataset {dataset} holds no billing export of account {export.billing_account_id}.",
            "Switch on the detailed usage cost export in Billing > Billing export, or correct sources.yml.",
        )

    @property
    def _name(self) -> str:
        return f"{self._export.project}.{self._export.dataset}.{self._table}"

    @cached_property
    def _columns(self) -> list[str]:
        schema: list[bigquery.SchemaField] = self._ask(
            "roles/bigquery.dataViewer on the dataset",
            lambda: self._client.get_table(self._name, retry=None, timeout=TIMEOUT_S).schema,
        )
        paths = list(field_paths(schema))
        columns = selected_columns(self._table, paths)
        if unknown := unknown_columns(paths):
            logger.warning("columns are not read", extra={"table": self._table, "columns": unknown})
            self._notes.append(f"Google added columns that are not read: {', '.join(unknown)}.")
        return columns

    def _fingerprints(self, start: datetime, end: datetime | None) -> list[Fingerprint]:
        until = " AND _PARTITIONTIME < @until" if end else ""
        sql = (
            "SELECT _PARTITIONTIME AS p, MAX(export_time) AS newest_export, COUNT(*) AS n,"
            f" MAX(usage_end_time) AS usage_until FROM `{self._name}`"
            f" WHERE _PARTITIONTIME >= @since{until} GROUP BY p ORDER BY p"
        )
        job = self._query(sql, {"since": start, **({"until": end} if end else {})})
        rows = self._ask("roles/bigquery.dataViewer on the dataset", lambda: list(_result(job)))
        return [Fingerprint(row["p"], row["newest_export"], row["n"], row["usage_until"]) for row in rows]

    def _load_chunk(self, chunk: list[Fingerprint]) -> list[LoadResult]:
        """Read neighbouring partitions and land each; a partition that grew meanwhile is read again.

        Raises:
            TransientError: the partitions kept growing.
        """
        expected = {item.partition: item.rows for item in chunk}
        for _ in range(READ_ATTEMPTS):
            rows = self._read(chunk[0].partition, chunk[-1].partition + DAY, sum(expected.values()))
            if {item: rows_of(rows, item).num_rows for item in expected} == expected:
                break
            again = self._fingerprints(chunk[0].partition, chunk[-1].partition + DAY)
            chunk[:] = again
            expected = {item.partition: item.rows for item in again}
        else:
            raise TransientError(
                f"{SOURCE}: partitions of {self._table} changed while read ({chunk[0].partition:%Y-%m-%d} on)."
            )
        write = self._context.landing.write
        windows = [Window(item.partition, item.partition + DAY) for item in chunk]
        parts = [(window, [rows_of(rows, window.start)]) for window in windows]
        return [write(EXPORT_ROWS, scope=self._table, window=window, batches=part) for window, part in parts]

    def _read(self, start: datetime, end: datetime, expected: int) -> pa.Table:
        columns = ", ".join(f"`{name}`" for name in self._columns)
        sql = (
            f"SELECT {columns}, _PARTITIONTIME AS {PARTITION} FROM `{self._name}`"
            " WHERE _PARTITIONTIME >= @since AND _PARTITIONTIME < @until"
        )
        job = self._query(sql, {"since": start, "until": end})
        batches = list(conformed(self._batches(job, expected)))
        return pa.concat_tables(batches) if batches else EXPORT_ROWS.schema.empty_table()

    def _query(self, sql: str, times: dict[str, datetime]) -> bigquery.QueryJob:
        """A finished query job that was priced first and cannot cost more than that.

        Raises:
            TerminalError: the query would read more than the budget of one query.
        """
        parameters = [bigquery.ScalarQueryParameter(name, "TIMESTAMP", value) for name, value in times.items()]
        grant = f"roles/bigquery.jobUser on project {self._export.project} and roles/bigquery.dataViewer on the dataset"

        def submit(**options: Any) -> bigquery.QueryJob:
            config = bigquery.QueryJobConfig(
                query_parameters=parameters, use_query_cache=False, labels={"app": "inferledger"}, **options
            )
            return self._client.query(sql, job_config=config, retry=None, job_retry=None, timeout=TIMEOUT_S)

        estimate = int(self._ask(grant, lambda: submit(dry_run=True)).total_bytes_processed or 0)
        if estimate > QUERY_BUDGET_BYTES:
            raise TerminalError(
                f"{SOURCE}: reading {self._table} would scan {estimate:,} bytes in one query.",
                "Load shorter windows with --start and --end.",
            )
        # the price is rounded up to whole mebibytes, ten at least; a partition may grow until the query runs
        cap = max(estimate + estimate // 4 + MEBIBYTE, LEAST_BILLED)
        return self._ask(grant, lambda: submit(maximum_bytes_billed=cap))

    def _batches(self, job: bigquery.QueryJob, expected: int) -> Iterator[pa.RecordBatch]:
        if self._storage is not None:
            self._ask("roles/bigquery.dataViewer on the dataset", lambda: _result(job, max_results=0))
            try:
                yield from self._storage_batches(self._storage, job, expected)
                return
            except PermissionDenied as error:
                logger.warning("reading over REST", extra={"reason": error.message})
                self._notes.append("Rows are read over REST, which is slow: grant roles/bigquery.readSessionUser.")
                self._storage = None
        rows = self._ask(
            "roles/bigquery.dataViewer on the dataset", lambda: _result(job).to_arrow(create_bqstorage_client=False)
        )
        yield from rows.to_batches()

    def _storage_batches(self, client: Any, job: bigquery.QueryJob, expected: int) -> Iterator[pa.RecordBatch]:
        target: Any = job.destination
        wanted = types.ReadSession(
            table=f"projects/{target.project}/datasets/{target.dataset_id}/tables/{target.table_id}",
            data_format=types.DataFormat.ARROW,
        )
        grant = f"roles/bigquery.readSessionUser on project {self._export.project}"
        session = self._ask(
            grant,
            lambda: client.create_read_session(
                parent=f"projects/{self._export.project}",
                read_session=wanted,
                max_stream_count=max(1, -(-expected // ROWS_PER_STREAM)),
                retry=None,
                timeout=TIMEOUT_S,
            ),
        )
        schema = pa.ipc.read_schema(pa.py_buffer(session.arrow_schema.serialized_schema))
        for stream in session.streams:
            received: list[pa.RecordBatch] = []
            self._ask(grant, partial(_read_on, client, stream.name, schema, received))
            yield from received

    def _ask(self, grant: str, call: Any) -> Any:
        export = self._export
        return call_google(self._context.settings, f"{SOURCE}: {export.project}.{export.dataset}", grant, call)


def _read_on(client: Any, stream: str, schema: pa.Schema, received: list[pa.RecordBatch]) -> None:
    """Read a stream to its end from where an earlier try broke off, adding to `received`."""
    offset = sum(batch.num_rows for batch in received)
    for response in client.read_rows(read_stream=stream, offset=offset, retry=None, timeout=TIMEOUT_S):
        message = pa.py_buffer(response.arrow_record_batch.serialized_record_batch)
        received.append(pa.ipc.read_record_batch(message, schema))


def _result(job: bigquery.QueryJob, max_results: int | None = None) -> Any:
    """The finished job's rows, or its error; no row is fetched yet where at most 0 are wanted."""
    page = REST_PAGE_ROWS if max_results is None else None
    return job.result(page_size=page, max_results=max_results, retry=None, job_retry=None, timeout=TIMEOUT_S)


def _chunks(changed: list[Fingerprint]) -> Iterator[list[Fingerprint]]:
    """Runs of neighbouring partitions of at most ROWS_PER_QUERY rows together, a larger partition alone."""
    chunk: list[Fingerprint] = []
    for item in changed:
        is_next = bool(chunk) and item.partition == chunk[-1].partition + DAY
        fits = sum(part.rows for part in chunk) + item.rows <= ROWS_PER_QUERY
        if chunk and not (is_next and fits):
            yield chunk
            chunk = []
        chunk.append(item)
    if chunk:
        yield chunk
