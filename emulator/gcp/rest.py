"""BigQuery's REST interface: jobs, query results, datasets, tables and their rows."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa

from emulator.clock import Clock
from emulator.faults import Fault, Faults
from emulator.gcp.jobs import Job, Jobs
from emulator.gcp.permissions import Permissions, needs_of
from emulator.gcp.served import ServedTable
from emulator.gcp.warehouse import GoogleError, View, Warehouse
from emulator.gcp.wire import error_body, table_rows, table_schema

LARGEST_BODY = 4 * 1024 * 1024
LARGEST_PAGE = 10_000
_PROJECT = r"/(?:bigquery/)?v2/projects/(?P<project>[^/]+)"
_DATASET = rf"{_PROJECT}/datasets/(?P<dataset>[^/]+)"
ROUTES = (
    ("POST", rf"{_PROJECT}/jobs", "jobs.insert"),
    ("POST", rf"{_PROJECT}/queries", "jobs.query"),
    ("GET", rf"{_PROJECT}/queries/(?P<job>[^/]+)", "jobs.getQueryResults"),
    ("GET", rf"{_PROJECT}/jobs/(?P<job>[^/]+)", "jobs.get"),
    ("GET", rf"{_PROJECT}/datasets", "datasets.list"),
    ("GET", _DATASET, "datasets.get"),
    ("GET", rf"{_DATASET}/tables", "tables.list"),
    ("GET", rf"{_DATASET}/tables/(?P<table>[^/]+)", "tables.get"),
    ("GET", rf"{_DATASET}/tables/(?P<table>[^/]+)/data", "tabledata.list"),
)
ERRORS = {
    "throttle": (
        "rateLimitExceeded",
        "Exceeded rate limits: too many api requests per user per method for this user_method.",
    ),
    "server_error": ("backendError", "Error encountered during execution. Retrying may solve the problem."),
    "forbidden": (
        "accessDenied",
        "Access Denied: Project acme-billing: User does not have bigquery.jobs.create permission.",
    ),
    "expired": ("authError", "Request had invalid authentication credentials. Expected OAuth 2 access token."),
}
Arguments = Mapping[str, str]


@dataclass(frozen=True)
class Call:
    """One request: path and query arguments, JSON body, and what of the export it may see."""

    arguments: Arguments
    body: Mapping[str, Any]
    view: View


class BigQuery:
    """Answers one understood request at a time; raises GoogleError for what BigQuery refuses."""

    def __init__(self, warehouse: Warehouse, jobs: Jobs, clock: Clock) -> None:
        self._warehouse, self._jobs, self._clock = warehouse, jobs, clock
        self._operations: dict[str, Callable[[Call], dict[str, Any]]] = {
            "jobs.insert": self._insert,
            "jobs.query": self._query,
            "jobs.getQueryResults": self._results,
            "jobs.get": self._job,
            "datasets.list": self._datasets,
            "datasets.get": self._dataset,
            "tables.list": self._tables,
            "tables.get": self._table,
            "tabledata.list": self._rows,
        }

    def answer(
        self, operation: str, arguments: Arguments, body: Mapping[str, Any], fault: Fault | None
    ) -> dict[str, Any]:
        """The JSON body of one operation's answer."""
        view = View(self._clock.now(), fault.kind if fault else None)
        return self._operations[operation](Call(arguments, body, view))

    def _insert(self, call: Call) -> dict[str, Any]:
        job = self._jobs.submit(call.arguments["project"], call.body, call.view)
        resource = job.resource()
        if job.is_dry:
            resource["statistics"]["query"]["schema"] = table_schema(job.rows.schema)
        return resource

    def _query(self, call: Call) -> dict[str, Any]:
        wanted = {
            name: call.body[name] for name in ("query", "queryParameters", "maximumBytesBilled") if name in call.body
        }
        reference = {"location": call.body["location"]} if "location" in call.body else {}
        resource = {
            "configuration": {"query": wanted, "dryRun": call.body.get("dryRun", False)},
            "jobReference": reference,
        }
        job = self._jobs.submit(call.arguments["project"], resource, call.view)
        page = {
            **_options(call.body.get("formatOptions", {})),
            "maxResults": str(call.body.get("maxResults", LARGEST_PAGE)),
        }
        return {**_page(job, page), "kind": "bigquery#queryResponse"}

    def _results(self, call: Call) -> dict[str, Any]:
        job = self._jobs.get(call.arguments["project"], call.arguments["job"], call.arguments.get("location"))
        return _page(job, call.arguments)

    def _job(self, call: Call) -> dict[str, Any]:
        return self._jobs.get(
            call.arguments["project"], call.arguments["job"], call.arguments.get("location")
        ).resource()

    def _datasets(self, call: Call) -> dict[str, Any]:
        known = call.arguments["project"] == self._warehouse.project
        names = dict.fromkeys(table.dataset for table in self._warehouse.tables)
        return {"kind": "bigquery#datasetList", "datasets": [self._dataset_resource(name) for name in names if known]}

    def _dataset(self, call: Call) -> dict[str, Any]:
        self._check_dataset(call.arguments)
        return self._dataset_resource(call.arguments["dataset"])

    def _tables(self, call: Call) -> dict[str, Any]:
        self._check_dataset(call.arguments)
        mine = [table for table in self._warehouse.tables if table.dataset == call.arguments["dataset"]]
        tables = [] if call.view.fault == "empty" else [self._table_resource(table, call.view) for table in mine]
        kept = ("kind", "id", "tableReference", "type", "timePartitioning", "creationTime")
        items = [{name: table[name] for name in kept} for table in tables]
        return {"kind": "bigquery#tableList", "tables": items, "totalItems": len(items)}

    def _table(self, call: Call) -> dict[str, Any]:
        return self._table_resource(self._check_table(call.arguments), call.view)

    def _rows(self, call: Call) -> dict[str, Any]:
        found = self._check_table(call.arguments)
        names = call.arguments.get("selectedFields") or ",".join(self._warehouse.schema(found, call.view).names)
        columns = ", ".join(f"`{name}`" for name in names.split(","))
        table = f"{self._warehouse.project}.{found.dataset}.{found.name}"
        rows = self._warehouse.run(self._warehouse.plan(f"SELECT {columns} FROM `{table}`", [], call.view))
        page, token = _slice(rows, call.arguments)
        integer_times = call.arguments.get("formatOptions.useInt64Timestamp", "").lower() == "true"
        answer = {"kind": "bigquery#tableDataList", "totalRows": str(rows.num_rows)}
        return {**answer, "rows": table_rows(page, integer_times=integer_times), **token}

    def _check_dataset(self, arguments: Arguments) -> None:
        datasets = {table.dataset for table in self._warehouse.tables}
        if arguments["project"] != self._warehouse.project or arguments["dataset"] not in datasets:
            raise GoogleError(404, "notFound", f"Not found: Dataset {arguments['project']}:{arguments['dataset']}")

    def _check_table(self, arguments: Arguments) -> ServedTable:
        self._check_dataset(arguments)
        found = self._warehouse.find(arguments["dataset"], arguments["table"])
        if found is None:
            place = f"{arguments['project']}:{arguments['dataset']}.{arguments['table']}"
            raise GoogleError(404, "notFound", f"Not found: Table {place}")
        return found

    def _dataset_resource(self, dataset: str) -> dict[str, Any]:
        project = self._warehouse.project
        return {
            "kind": "bigquery#dataset",
            "id": f"{project}:{dataset}",
            "datasetReference": {"projectId": project, "datasetId": dataset},
            "location": self._warehouse.location,
        }

    def _table_resource(self, served: ServedTable, view: View) -> dict[str, Any]:
        project, dataset, table = self._warehouse.project, served.dataset, served.name
        return {
            "kind": "bigquery#table",
            "id": f"{project}:{dataset}.{table}",
            "tableReference": {"projectId": project, "datasetId": dataset, "tableId": table},
            "type": "TABLE",
            "location": self._warehouse.location,
            "creationTime": str(int(self._warehouse.created * 1000)),
            "schema": table_schema(self._warehouse.schema(served, view)),
            "numRows": str(self._warehouse.row_count(served, view)),
            "timePartitioning": {"type": "DAY"},
            "requirePartitionFilter": False,
        }


def _options(wanted: Mapping[str, Any]) -> dict[str, str]:
    flag = wanted.get("useInt64Timestamp", False)
    return {"formatOptions.useInt64Timestamp": "true" if flag in (True, "true", "True") else "false"}


def _page(job: Job, arguments: Arguments) -> dict[str, Any]:
    page, token = _slice(job.rows, arguments)
    integer_times = arguments.get("formatOptions.useInt64Timestamp", "").lower() == "true"
    answer = {
        "kind": "bigquery#getQueryResultsResponse",
        "jobReference": job.reference(),
        "jobComplete": True,
        "schema": table_schema(job.rows.schema),
        "totalRows": str(job.rows.num_rows),
        "totalBytesProcessed": str(job.plan.bytes_processed),
        "cacheHit": False,
    }
    rows = table_rows(page, integer_times=integer_times)
    return {**answer, **({"rows": rows} if rows else {}), **token}


def _slice(rows: pa.Table, arguments: Arguments) -> tuple[pa.Table, dict[str, str]]:
    try:
        start = int(arguments.get("pageToken") or arguments.get("startIndex") or 0)
        size = min(int(arguments.get("maxResults", LARGEST_PAGE)), LARGEST_PAGE)
    except ValueError as error:
        raise GoogleError(400, "invalid", f"Invalid value for a paging argument: {error}") from error
    end = start + size
    token = {"pageToken": str(end)} if end < rows.num_rows and size else {}
    return rows.slice(start, size), token


class BigQueryServer(ThreadingHTTPServer):
    """The HTTP server; `answers` and `faults` are read by its request handlers."""

    daemon_threads = True

    def __init__(self, port: int, answers: BigQuery, faults: Faults, permissions: Permissions) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answers, self.faults, self.permissions = answers, faults, permissions


class _Handler(BaseHTTPRequestHandler):
    server: BigQueryServer  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"
    # one write per answer: small writes would wait for the client's delayed acknowledgements
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY:
            self.close_connection = True
            self._send(413, error_body(GoogleError(413, "uploadTooLarge", "The request body is too large")))
            return
        self._serve(json.loads(self.rfile.read(length) or b"{}"))

    def _serve(self, body: Mapping[str, Any]) -> None:
        split = urlsplit(self.path)
        operation, arguments = _route(self.command, split.path)
        arguments |= {name: values[-1] for name, values in parse_qs(split.query).items()}
        fault = self.server.faults.take("gcp", operation, {**arguments, **_digest(body)})
        if fault is not None and fault.kind in ERRORS:
            reason, message = ERRORS[fault.kind]
            headers = {"Retry-After": str(max(1, round(fault.retry_after)))} if fault.kind == "throttle" else {}
            self._send(fault.status, error_body(GoogleError(fault.status, reason, message)), headers)
            return
        try:
            if operation == "unknown":
                raise GoogleError(404, "notFound", f"Not Found: {self.command} {split.path}")
            missing = self.server.permissions.missing(*needs_of(operation, arguments, body))
            if missing is not None:
                raise GoogleError(403, "accessDenied", f"Access Denied: {missing[1]}: Permission {missing[0]} denied.")
            answer = self.server.answers.answer(operation, arguments, body, fault)
        except GoogleError as error:
            self._send(error.status, error_body(error))
            return
        self._send(200, answer, is_cut=fault is not None and fault.kind == "cut")

    def _send(
        self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None, *, is_cut: bool = False
    ) -> None:
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(payload)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload[: len(payload) // 2] if is_cut else payload)
        self.wfile.flush()
        self.close_connection = self.close_connection or is_cut

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ARG002
        return


def _route(method: str, path: str) -> tuple[str, dict[str, str]]:
    for verb, pattern, operation in ROUTES:
        found = re.fullmatch(pattern, path)
        if verb == method and found:
            return operation, {name: unquote(value) for name, value in found.groupdict().items()}
    return "unknown", {"path": path}


def _digest(body: Mapping[str, Any]) -> dict[str, Any]:
    """What of a request body is worth logging."""
    configuration = body.get("configuration", {})
    query = configuration.get("query", body if isinstance(body.get("query"), str) else {})
    logged = {name: query[name] for name in ("query", "maximumBytesBilled") if name in query}
    return {**logged, "dryRun": bool(configuration.get("dryRun", False))} if logged else {}
