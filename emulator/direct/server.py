"""The usage and cost reports of Anthropic's and OpenAI's admin APIs, from rows that a test writes down.

Answers are grouped, bucketed by day and paged as the providers do it: a dimension that is not grouped by is null, a
page holds at most `limit` buckets, and an amount of Anthropic is text in cents.
"""

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from emulator.faults import Faults
from emulator.service import Service

HOST = "127.0.0.1"
ANTHROPIC_KEY, OPENAI_KEY = "sk-ant-admin-emulated", "sk-admin-emulated"
_ANTHROPIC_DIMENSIONS = ("workspace_id", "api_key_id", "model", "service_tier", "context_window")
_DESCRIBED = ("description", "cost_type", "token_type", "model", "service_tier", "context_window", "inference_geo")
_OPENAI_DIMENSIONS = ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier")
_ANTHROPIC_COUNTS = ("uncached_input_tokens", "cache_read_input_tokens", "output_tokens")
_OPENAI_COUNTS = ("input_tokens", "input_cached_tokens", "output_tokens", "num_model_requests")
Row = dict[str, Any]


class ApiError(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Books:
    """What the organisations used and owe, a row per day and finest grain.

    Anthropic's usage rows hold `write_5m` and `write_1h` tokens, its cost rows `cents`; OpenAI's `usd`, all Decimals.
    With `amounts_as_text` OpenAI writes amounts as text, which it was seen to do. `most_buckets` makes pages shorter.
    """

    anthropic_usage: list[Row] = field(default_factory=list)
    anthropic_costs: list[Row] = field(default_factory=list)
    openai_usage: list[Row] = field(default_factory=list)
    openai_costs: list[Row] = field(default_factory=list)
    amounts_as_text: bool = True
    most_buckets: int = 31


def start(books: Books, faults: Faults) -> Service:
    """Serve the reports on a free loop-back port until stopped."""
    server = _Server((HOST, 0), books, faults)
    threading.Thread(target=server.serve_forever, name="direct-apis", daemon=True).start()

    def stop() -> None:
        server.shutdown()
        server.server_close()

    base = f"http://{HOST}:{server.server_address[1]}"
    return Service(
        env={
            "INFERLEDGER_ANTHROPIC_ENDPOINT": base,
            "INFERLEDGER_OPENAI_ENDPOINT": base,
            "ANTHROPIC_ADMIN_KEY": ANTHROPIC_KEY,
            "OPENAI_ADMIN_KEY": OPENAI_KEY,
        },
        stop=stop,
    )


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], books: Books, faults: Faults) -> None:
        super().__init__(address, _Handler)
        self.books, self.faults = books, faults


class _Handler(BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        cloud = "anthropic" if parts.path.startswith("/v1/organizations/") else "openai"
        fault = self.server.faults.take(cloud, parts.path.rpartition("/")[2], query)
        if fault is not None and fault.kind in ("throttle", "server_error", "forbidden", "expired"):
            self._answer(fault.status, {"error": {"message": fault.kind}}, {"Retry-After": str(fault.retry_after)})
            return
        if fault is not None and fault.kind == "cut":
            self.close_connection = True
            return
        try:
            page = self._page(parts.path, query)
        except ApiError as error:
            self._answer(error.status, {"error": {"message": str(error)}})
            return
        if fault is not None and fault.kind == "wrong_schema":
            page = {"items": page["data"]}
        self._answer(200, page)

    def _page(self, path: str, query: Mapping[str, list[str]]) -> Row:
        books = self.server.books
        if path == "/v1/organizations/usage_report/messages":
            self._require("x-api-key", ANTHROPIC_KEY)
            groups = _groups(query, "group_by[]", _ANTHROPIC_DIMENSIONS)
            return _anthropic(query, books, _grouped(books.anthropic_usage, groups, _anthropic_usage))
        if path == "/v1/organizations/cost_report":
            self._require("x-api-key", ANTHROPIC_KEY)
            named = _groups(query, "group_by[]", ("workspace_id", "description"))
            groups = [name for name in named if name != "description"] + (
                list(_DESCRIBED) if "description" in named else []
            )
            return _anthropic(query, books, _grouped(books.anthropic_costs, groups, _anthropic_cost))
        if path == "/v1/organization/usage/completions":
            self._require("authorization", f"Bearer {OPENAI_KEY}")
            groups = _groups(query, "group_by", _OPENAI_DIMENSIONS)
            return _openai(query, books, _grouped(books.openai_usage, groups, _openai_usage))
        if path == "/v1/organization/costs":
            self._require("authorization", f"Bearer {OPENAI_KEY}")
            groups = _groups(query, "group_by", ("project_id", "line_item"))
            as_text = books.amounts_as_text
            return _openai(query, books, _grouped(books.openai_costs, groups, lambda rows: _openai_cost(rows, as_text)))
        raise ApiError(404, f"Unknown path {path}")

    def _require(self, header: str, value: str) -> None:
        if self.headers.get(header) != value:
            raise ApiError(401, "invalid admin key")

    def _answer(self, status: int, body: Row, headers: Mapping[str, str] | None = None) -> None:
        content = json.dumps(body, default=float).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: the faults keep the log of requests."""


def _groups(query: Mapping[str, list[str]], name: str, known: Iterable[str]) -> list[str]:
    wanted = query.get(name, [])
    strange = [group for group in wanted if group not in set(known)]
    if strange:
        raise ApiError(400, f"cannot group by {', '.join(strange)}")
    return wanted


def _grouped(rows: Iterable[Row], groups: list[str], measure: Any) -> dict[date, list[Row]]:
    """The results of each day: rows with equal values of the groups, measured together."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault((row["day"], *(row.get(group) for group in groups)), []).append(row)
    days: dict[date, list[Row]] = {}
    for key, members in found.items():
        days.setdefault(key[0], []).append(dict(zip(groups, key[1:], strict=True)) | measure(members))
    return days


def _anthropic_usage(rows: list[Row]) -> Row:
    return {name: sum(row.get(name, 0) for row in rows) for name in _ANTHROPIC_COUNTS} | {
        "cache_creation": {
            "ephemeral_5m_input_tokens": sum(row.get("write_5m", 0) for row in rows),
            "ephemeral_1h_input_tokens": sum(row.get("write_1h", 0) for row in rows),
        },
        "server_tool_use": {"web_search_requests": 0},
    }  # fmt: skip


def _anthropic_cost(rows: list[Row]) -> Row:
    return {"currency": "USD", "amount": str(sum((row["cents"] for row in rows), Decimal(0)))}


def _openai_usage(rows: list[Row]) -> Row:
    counts = {name: sum(row.get(name, 0) for row in rows) for name in _OPENAI_COUNTS}
    return {"object": "organization.usage.completions.result"} | counts


def _openai_cost(rows: list[Row], as_text: bool) -> Row:
    total = sum((row["usd"] for row in rows), Decimal(0))
    value = str(total) if as_text else total
    return {"object": "organization.costs.result", "amount": {"value": value, "currency": "usd"}}


def _anthropic(query: Mapping[str, list[str]], books: Books, days: dict[date, list[Row]]) -> Row:
    start, end = (datetime.fromisoformat(query[name][0]) for name in ("starting_at", "ending_at"))
    wanted, token = _bucket_days(query, books, start, end, 31)
    buckets = [
        {
            "starting_at": f"{day}T00:00:00Z",
            "ending_at": f"{day + timedelta(days=1)}T00:00:00Z",
            "results": days.get(day, []),
        }
        for day in wanted
    ]
    return {"data": buckets, "has_more": token is not None, "next_page": token}


def _openai(query: Mapping[str, list[str]], books: Books, days: dict[date, list[Row]]) -> Row:
    start, end = (datetime.fromtimestamp(int(query[name][0]), UTC) for name in ("start_time", "end_time"))
    wanted, token = _bucket_days(query, books, start, end, 180)
    buckets = [
        {
            "object": "bucket",
            "start_time": _seconds(day),
            "end_time": _seconds(day + timedelta(days=1)),
            "results": days.get(day, []),
        }
        for day in wanted
    ]
    return {"object": "page", "data": buckets, "has_more": token is not None, "next_page": token}


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _bucket_days(
    query: Mapping[str, list[str]], books: Books, start: datetime, end: datetime, most: int
) -> tuple[list[date], str | None]:
    """The days of the page that is asked for, and the token of the next one."""
    limit = int(query.get("limit", ["7"])[0])
    if not 1 <= limit <= most or query.get("bucket_width", ["1d"]) != ["1d"]:
        raise ApiError(400, "limit or bucket_width is out of range")
    days = [start.date() + timedelta(days=offset) for offset in range((end - start).days)]
    size, skip = min(limit, books.most_buckets), 0
    if "page" in query:
        skip = int(query["page"][0].removeprefix("page_"))
    rest = len(days) > skip + size
    return days[skip : skip + size], f"page_{skip + size}" if rest else None
