"""Reads BigQuery: every query priced first and capped at that, rows as Arrow batches through the Storage Read API.

Rows are handed on as they arrive and never held as a whole, so that memory stays flat however large a partition is.
Where only `bigquery.readSessionUser` is missing they come over REST, which is a hundred times slower.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

import pyarrow as pa

from ingest.errors import PermissionDenied, TerminalError
from ingest.gcp_connection import TIMEOUT_S, bigquery_client, call_google, storage_client
from ingest.settings import Settings

R = TypeVar("R")
logger = logging.getLogger(__name__)
MEBIBYTE = 1 << 20
LEAST_BILLED = 10 * MEBIBYTE
TEBIBYTE = 1 << 40
# on-demand analysis, US and EU multi-regions, https://cloud.google.com/bigquery/pricing (November 2026)
USD_CENTS_PER_TEBIBYTE = 625
# No single query may read more; at list price this is about three dollars.
QUERY_BUDGET_BYTES = 512 * 1024 * MEBIBYTE
ROWS_PER_STREAM = 100_000
ROWS_PER_TABLE = 32_768
REST_PAGE_ROWS = 5_000
VIEWER = "roles/bigquery.dataViewer on the dataset"


class BigQueryReader:
    """Asks one project's BigQuery in one location.

    Args:
        what: the thing that is read, for the sentence of an error.

    Raises:
        CredentialExpired: there is no credential.
    """

    def __init__(self, settings: Settings, *, what: str, project: str, location: str) -> None:
        self._settings, self._what, self._project = settings, what, project
        # the libraries' types leave out that `retry=None` is allowed, and much else
        self._client: Any = bigquery_client(settings, project, location)
        self._storage: Any = storage_client(settings)
        self.notes: list[str] = []

    def datasets(self) -> list[str]:
        """Names of the project's datasets that the credential may see."""
        return self.ask(
            "roles/bigquery.dataViewer on the datasets",
            lambda: [item.dataset_id for item in self._client.list_datasets(retry=None, timeout=TIMEOUT_S)],
        )

    def tables(self, dataset: str) -> list[str]:
        """Names of a dataset's tables."""
        name = f"{self._project}.{dataset}"
        return self.ask(
            VIEWER, lambda: [item.table_id for item in self._client.list_tables(name, retry=None, timeout=TIMEOUT_S)]
        )

    def table(self, name: str) -> Any:
        """The table resource of `project.dataset.table`."""
        return self.ask(VIEWER, lambda: self._client.get_table(name, retry=None, timeout=TIMEOUT_S))

    def estimate(self, sql: str, times: Mapping[str, datetime]) -> int:
        """Bytes that a query would read, by a dry run, which costs nothing."""
        job = self.ask(self._job_grant, lambda: self._submit(sql, times, dry_run=True))
        return int(job.total_bytes_processed or 0)

    def rows(self, sql: str, times: Mapping[str, datetime]) -> list[Any]:
        """The rows of a small answer."""
        job = self._query(sql, times)
        return self.ask(VIEWER, lambda: list(_result(job)))

    def open_session(self, sql: str, times: Mapping[str, datetime]) -> None:
        """Run a small query and open a read session on its result, to see whether both are allowed."""
        job = self._query(sql, times)
        self.ask(VIEWER, lambda: _result(job, max_results=0))
        self._session(job, 1)

    def tables_of_rows(self, sql: str, times: Mapping[str, datetime], expected: int) -> Iterator[pa.Table]:
        """The rows of a large answer, some ten thousand at a time; by `expected` rows the streams are counted."""
        job = self._query(sql, times)
        gathered: list[pa.RecordBatch] = []
        rows = 0
        for batch in self._batches(job, expected):
            gathered.append(batch)
            rows += batch.num_rows
            if rows >= ROWS_PER_TABLE:
                yield pa.Table.from_batches(gathered)
                gathered, rows = [], 0
        if gathered:
            yield pa.Table.from_batches(gathered)

    def ask(self, grant: str, call: Callable[[], R]) -> R:
        """The result of a call to Google, as `call_google` makes it."""
        return call_google(self._settings, self._what, grant, call)

    @property
    def _job_grant(self) -> str:
        return f"roles/bigquery.jobUser on project {self._project} and {VIEWER}"

    def _submit(self, sql: str, times: Mapping[str, datetime], **options: Any) -> Any:
        from google.cloud import bigquery

        parameters = [bigquery.ScalarQueryParameter(name, "TIMESTAMP", value) for name, value in times.items()]
        config = bigquery.QueryJobConfig(
            query_parameters=parameters, use_query_cache=False, labels={"app": "inferledger"}, **options
        )
        return self._client.query(sql, job_config=config, retry=None, job_retry=None, timeout=TIMEOUT_S)

    def _query(self, sql: str, times: Mapping[str, datetime]) -> Any:
        """A finished query job that was priced first and cannot cost more than that.

        Raises:
            TerminalError: the query would read more than the budget of one query.
        """
        estimate = self.estimate(sql, times)
        if estimate > QUERY_BUDGET_BYTES:
            raise TerminalError(
                f"{self._what}: one query would read {estimate:,} bytes, about {dollars(estimate)}.",
                "Load shorter windows with --start and --end.",
            )
        # the price is rounded up to whole mebibytes, ten at least; a partition may grow until the query runs
        cap = max(estimate + estimate // 4 + MEBIBYTE, LEAST_BILLED)
        return self.ask(self._job_grant, lambda: self._submit(sql, times, maximum_bytes_billed=cap))

    def _batches(self, job: Any, expected: int) -> Iterator[pa.RecordBatch]:
        if self._storage is not None:
            self.ask(VIEWER, lambda: _result(job, max_results=0))
            try:
                session = self._session(job, max(1, -(-expected // ROWS_PER_STREAM)))
            except PermissionDenied as error:
                logger.warning("reading over REST", extra={"reason": error.message})
                self.notes.append("Rows are read over REST, which is slow: grant roles/bigquery.readSessionUser.")
                self._storage = None
            else:
                schema = pa.ipc.read_schema(pa.py_buffer(session.arrow_schema.serialized_schema))
                for stream in session.streams:
                    yield from self._stream(stream.name, schema)
                return
        yield from self._pages(job)

    def _session(self, job: Any, streams: int) -> Any:
        from google.cloud.bigquery_storage_v1 import types

        target = job.destination
        wanted = types.ReadSession(
            table=f"projects/{target.project}/datasets/{target.dataset_id}/tables/{target.table_id}",
            data_format=types.DataFormat.ARROW,
        )
        return self.ask(
            f"roles/bigquery.readSessionUser on project {self._project}",
            lambda: self._storage.create_read_session(
                parent=f"projects/{self._project}",
                read_session=wanted,
                max_stream_count=streams,
                retry=None,
                timeout=TIMEOUT_S,
            ),
        )

    def _stream(self, name: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The batches of one stream of a read session."""
        grant = f"roles/bigquery.readSessionUser on project {self._project}"

        def opened(offset: int) -> Any:
            answer = self._storage.read_rows(read_stream=name, offset=offset, retry=None, timeout=TIMEOUT_S)
            return (response.arrow_record_batch.serialized_record_batch for response in answer)

        yield from self._resumed(grant, opened, lambda part: pa.ipc.read_record_batch(pa.py_buffer(part), schema))

    def _pages(self, job: Any) -> Iterator[pa.RecordBatch]:
        """The rows over REST, a page at a time."""

        def opened(offset: int) -> Any:
            return iter(_result(job, start_index=offset).to_arrow_iterable(bqstorage_client=None))

        yield from self._resumed(VIEWER, opened, lambda batch: batch)

    def _resumed(
        self, grant: str, opened: Callable[[int], Any], decoded: Callable[[Any], pa.RecordBatch]
    ) -> Iterator[pa.RecordBatch]:
        """Batches to the end; where they break off they are opened again behind the last row that arrived."""
        running: list[Any] = []
        received = 0

        def following() -> Any:
            # a broken iterator is not put back, so that the next try opens another
            parts = running.pop() if running else opened(received)
            part = next(parts, None)
            running.append(parts)
            return part

        while (part := self.ask(grant, following)) is not None:
            batch = decoded(part)
            received += batch.num_rows
            yield batch


def dollars(byte_count: int) -> str:
    """The list price of reading so many bytes, in words; at least a cent."""
    cents = max(1, -(-byte_count * USD_CENTS_PER_TEBIBYTE // TEBIBYTE))
    return f"{cents // 100}.{cents % 100:02d} USD"


def _result(job: Any, *, max_results: int | None = None, start_index: int | None = None) -> Any:
    """The finished job's rows, or its error; no row is fetched yet where at most 0 are wanted."""
    return job.result(
        page_size=REST_PAGE_ROWS if max_results is None else None,
        max_results=max_results,
        start_index=start_index or None,
        retry=None,
        job_retry=None,
        timeout=TIMEOUT_S,
    )
