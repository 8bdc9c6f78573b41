"""Vertex AI's inference request metadata logs: who used how many tokens, request by request, without any prompt.

Endpoint: `ListLogEntries` of each project (or log view) in `gcp.request_logs`; or exported files, as a log sink writes
them to Cloud Storage (JSON lines) and `gcloud logging read --format=json` prints them. Google logs requests only where
that is switched on, and only Gemini's generateContent and Claude's rawPredict.

Stop rule: the first run reads `backfill_days`, but no further back than the log's bucket keeps entries; later ones from
two days before the newest landed day, because entries can arrive late and a day in progress is read again. Always up
to the run's as-of. A window is one UTC day of one project, replaced whole; entries that came twice (sinks promise no
de-duplication) are told by time and insert id. A day without entries is left out. An entry that cannot be a request
goes to the quarantine, without its content.
Run alone: `inferledger ingest gcp_request_log [--path DIR_OR_URL]`.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
from google.protobuf import json_format

from ingest.checks import Finding, attempt
from ingest.config_gcp import GcpRequestLog
from ingest.contracts import Context, LoadResult
from ingest.errors import EmptyAnswer, InferledgerError
from ingest.file_content import holds_json
from ingest.file_rows import json_rows, may_be_json
from ingest.files import Folder
from ingest.gcp_connection import TIMEOUT_S, call_google, logging_client
from ingest.quarantine import Quarantine, quarantine_contract
from ingest.run import Window, day_start, days
from ingest.sources.gcp_request_log_entries import REQUESTS, SOURCE, UnknownEntry, entry_row, outline

STREAMS = (REQUESTS,)
logger = logging.getLogger(__name__)
REREAD_DAYS = 2
PAGE_SIZE = 1000
ROWS_PER_BATCH = 20_000
SWITCH_ON = "Switch on inference request metadata logs for the project, see docs/sources/gcp_request_log.md."


@dataclass
class _Day:
    """What one day of one project gathers while its entries are read."""

    file: str
    quarantine: Quarantine = field(default_factory=lambda: Quarantine(REQUESTS))
    seen: set[int] = field(default_factory=set[int])
    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    good: int = 0

    def take(self, entry: dict[str, Any]) -> dict[str, Any] | None:
        """The entry's row, None where it came before or cannot be one."""
        try:
            row = entry_row(entry)
        except UnknownEntry as reason:
            self.quarantine.put(file=self.file, reason=str(reason), row=outline(entry))
            return None
        return row if self.is_new(row) else None

    def is_new(self, row: dict[str, Any]) -> bool:
        """Whether the row did not come before; it counts as seen from now on."""
        name = hash((row["timestamp"], row["insert_id"], row["log_name"]))
        if row["insert_id"] and name in self.seen:
            return False
        self.seen.add(name)
        self.good += 1
        return True


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Load every configured log; one that fails does not keep the others from landing.

    Raises:
        PermissionDenied, CredentialExpired, Unreachable: the first log that could not be read.
        CorruptFile: more than a fifth of a day's entries cannot be requests: it is another log.
    """
    logs = context.config.gcp.request_logs
    if not logs:
        return []
    client = logging_client(context.settings)
    results: list[LoadResult] = []
    faults: list[InferledgerError] = []
    for number, log in enumerate(logs, start=1):
        try:
            results.extend(_load_log(context, client, log, window or _default_window(context, log)))
        except InferledgerError as fault:
            faults.append(fault)
        context.progress("Vertex AI request logs", number, len(logs))
    if faults:
        raise faults[0]
    return results


def load_files(context: Context, folder: Folder, window: Window | None) -> list[LoadResult]:
    """Land the log entries of exported files, whole days (those inside `window` where one is given).

    Raises:
        EmptyAnswer: no file holds log entries.
        CorruptFile: a file is cut off, or more than a fifth of a day's entries cannot be requests.
    """
    found: dict[tuple[str, date], _Day] = {}
    strays = Quarantine(REQUESTS)
    for file in folder.files():
        path, aside = folder.fetch(file), Quarantine(REQUESTS)
        entries = json_rows(path, file.name, aside) if holds_json(path) else ()
        taken = [_sort_in(entry, file.name, found, aside) for entry in entries]
        if any(taken) or (aside.rows and may_be_json(aside)):
            strays.rows += aside.rows
            logger.info("read request log entries", extra={"file": file.name, "rows": sum(taken)})
        else:
            logger.warning("passed over %s: it holds no log entry", file.name)
    if not found:
        raise EmptyAnswer(
            f"{SOURCE}: no file at {folder.location} holds log entries.",
            "Give files of a Cloud Storage log sink, or of `gcloud logging read ... --format=json`.",
        )
    results: list[LoadResult] = []
    for (project, day), gathered in sorted(found.items()):
        whole = Window(day_start(day), day_start(day + timedelta(days=1)))
        if window is None or (window.start < whole.end and whole.start < window.end):
            ordered = sorted(gathered.rows, key=lambda row: (row["timestamp"], row["insert_id"] or ""))
            table = pa.Table.from_pylist(ordered, schema=REQUESTS.schema)
            gathered.quarantine.rows += strays.rows
            strays = Quarantine(REQUESTS)
            results += _land(context, project, whole, gathered, [table] if ordered else [])
    _report(context, sorted({project for project, _ in found}))
    return results


def check(context: Context) -> Iterator[Finding]:
    """Whether each log can be read, holds requests of the last day, and what reading it costs."""
    logs = context.config.gcp.request_logs
    if not logs:
        said = "No request log is configured, so usage below the project is known from labels on the bill alone."
        yield Finding(SOURCE, "", "configured", "warn", said, SWITCH_ON + " Then name it under gcp.request_logs.")
        return
    client = logging_client(context.settings)
    as_of = context.run.as_of
    for log in logs:
        newest: list[dict[str, Any]] = []

        def ask(log: GcpRequestLog = log, newest: list[dict[str, Any]] = newest) -> None:
            page = _page(context, client, log, Window(as_of - timedelta(days=1), as_of), page_size=1, token="")
            newest.extend(page[0])

        found = attempt(SOURCE, log.project, "permitted", f"logging.logEntries.list on {_resource(log)} works.", ask)
        yield found
        if found.status == "ok":
            yield _recent(log, newest)
    pages = "Reading Cloud Logging is free of charge; 60 pages of 1,000 entries may be read a minute and project."
    yield Finding(SOURCE, "", "cost", "ok", pages)


def _recent(log: GcpRequestLog, newest: list[dict[str, Any]]) -> Finding:
    if not newest:
        said = f"{log.log} has no entry of the last day: no model was called, or the log is switched off."
        return Finding(SOURCE, log.project, "configured", "warn", said, SWITCH_ON)
    try:
        entry_row(newest[0])
    except UnknownEntry as reason:
        said = f"An entry of {log.log} cannot be read: {reason}."
        return Finding(SOURCE, log.project, "configured", "fail", said, "Check `log` and `filter` in sources.yml.")
    return Finding(SOURCE, log.project, "configured", "ok", "Requests of the last day are logged.")


def _default_window(context: Context, log: GcpRequestLog) -> Window:
    as_of = context.run.as_of.astimezone(UTC)
    landed = context.landing.windows(REQUESTS, log.project)
    # a day that has left the bucket in part must not replace what was read of it
    oldest = as_of.date() - timedelta(days=log.retention_days - 1)
    first = as_of.date() - timedelta(days=context.config.backfill_days)
    if landed:
        first = date.fromisoformat(landed[-1]) - timedelta(days=REREAD_DAYS)
    return Window(day_start(max(first, oldest)), as_of)


def _load_log(context: Context, client: Any, log: GcpRequestLog, window: Window) -> list[LoadResult]:
    landed = set(context.landing.windows(REQUESTS, log.project))
    results: list[LoadResult] = []
    for day in days(Window(window.start, min(window.end, context.run.as_of))):
        gathered = _Day(file=log.log)
        batches = _batches(_entries(context, client, log, day), gathered)
        first = next(batches, None)
        if first is None and not gathered.quarantine.rows and f"{day.start:%Y-%m-%d}" not in landed:
            continue
        results += _land(context, log.project, day, gathered, _chained(first, batches))
    _report(context, [log.project])
    return results


def _entries(context: Context, client: Any, log: GcpRequestLog, day: Window) -> Iterator[dict[str, Any]]:
    """The entries of a day, oldest first, a page at a time; a fault repeats one page, not the day."""
    token = ""
    while True:
        entries, token = _page(
            context, client, log, Window(day.start, min(day.end, context.run.as_of)), page_size=PAGE_SIZE, token=token
        )
        yield from entries
        if not token:
            return


def _page(
    context: Context, client: Any, log: GcpRequestLog, window: Window, *, page_size: int, token: str
) -> tuple[list[dict[str, Any]], str]:
    from google.cloud.logging_v2 import types

    terms = [
        f'logName="projects/{log.project}/logs/{log.log}"',
        f'timestamp>="{window.start.isoformat()}"',
        f'timestamp<"{window.end.isoformat()}"',
        *([f"({log.filter})"] if log.filter else []),
    ]
    request = types.ListLogEntriesRequest(
        resource_names=[_resource(log)],
        filter=" AND ".join(terms),
        order_by="timestamp asc",
        page_size=page_size,
        page_token=token,
    )
    is_view = log.view is not None
    grant = (
        f"logging.views.access (roles/logging.viewAccessor) on {_resource(log)}"
        if is_view
        else f"logging.logEntries.list (deploy/gcp/request_log_role.yaml, or roles/logging.viewer) on {_resource(log)}"
    )

    def read() -> tuple[list[dict[str, Any]], str]:
        page: Any = next(client.list_log_entries(request=request, retry=None, timeout=TIMEOUT_S).pages)
        wrapper: Any = types.LogEntry
        return [json_format.MessageToDict(wrapper.pb(entry)) for entry in page.entries], page.next_page_token

    return call_google(context.settings, f"{SOURCE}: {log.log} of {log.project}", grant, read)


def _resource(log: GcpRequestLog) -> str:
    return f"projects/{log.project}" + (f"/{log.view}" if log.view else "")


def _batches(entries: Iterable[dict[str, Any]], gathered: _Day) -> Iterator[pa.Table]:
    rows: list[dict[str, Any]] = []
    for entry in entries:
        row = gathered.take(entry)
        if row is not None:
            rows.append(row)
        if len(rows) == ROWS_PER_BATCH:
            yield pa.Table.from_pylist(rows, schema=REQUESTS.schema)
            rows = []
    if rows:
        yield pa.Table.from_pylist(rows, schema=REQUESTS.schema)


def _chained(first: pa.Table | None, rest: Iterator[pa.Table]) -> Iterator[pa.Table]:
    if first is not None:
        yield first
    yield from rest


def _land(context: Context, project: str, day: Window, gathered: _Day, batches: Iterable[pa.Table]) -> list[LoadResult]:
    """Land a day; what was set apart of it lands first, so that a wrong log replaces nothing."""
    apart: list[LoadResult] = []

    def checked() -> Iterator[pa.Table]:
        yield from batches
        earlier = context.landing.windows(quarantine_contract(SOURCE), f"{REQUESTS.stream}-{project}")
        if gathered.quarantine.rows or f"{day.start:%Y-%m-%d}" in earlier:
            apart.append(gathered.quarantine.land(context.landing, scope=project, window=day, good_rows=gathered.good))

    landed = context.landing.write(REQUESTS, scope=project, window=day, batches=checked())
    return [landed, *apart]


def _sort_in(entry: dict[str, Any], file: str, found: dict[tuple[str, date], _Day], strays: Quarantine) -> bool:
    """Put an entry of a file to its day, or to the strays; returns whether it was taken."""
    if "logName" not in entry and "jsonPayload" not in entry:
        return False
    try:
        row = entry_row(entry)
    except UnknownEntry as reason:
        strays.put(file=file, reason=str(reason), row=outline(entry))
        return False
    gathered = found.setdefault((row["project_id"], row["timestamp"].date()), _Day(file))
    if gathered.is_new(row):
        gathered.rows.append(row)
    return True


def _report(context: Context, projects: Iterable[str]) -> None:
    for project in projects:
        landed = context.landing.windows(REQUESTS, project)
        newest: datetime | None = None
        if landed:
            end = day_start(date.fromisoformat(landed[-1])) + timedelta(days=1)
            newest = min(end, context.run.as_of)
        message = None if newest else "No request is logged in the days read."
        context.landing.report(SOURCE, project, newest, message)
