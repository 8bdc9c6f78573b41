"""OpenTelemetry's GenAI spans: traces as OTLP JSON, as the collector's file and object exporters write them.

Inputs: the files below each location of `otel_genai.logs` in `sources.yml`; one export request
(`{"resourceSpans": [...]}`) a file or a line. Of each trace that holds a `gen_ai.` span every span lands,
the others only with their ids, so that the models can see which span lies inside which. Of attributes only those named
here land: prompts, answers and tool arguments never do.
A window is one UTC day of one location, replaced whole; which days are read is as in `ingest/log_files.py`. A span that
lies in two files lands twice and counts once: its ids tell.
Run alone: `inferledger ingest otel_genai`, or `inferledger ingest otel_genai --path DIR`.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import pyarrow as pa

from ingest import log_files
from ingest.checks import Finding, attempt
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.file_rows import json_rows, may_be_json
from ingest.files import Folder
from ingest.json_values import LONGEST_LABEL, UnreadableRow, clean, count, mapping, moment, text
from ingest.log_files import DayBook, OpenedFile
from ingest.quarantine import Quarantine
from ingest.run import Window

SOURCE = "otel_genai"
_text, _count, _labels = pa.string(), pa.int64(), pa.map_(pa.string(), pa.string())
_SCHEMA = pa.schema(
    [
        ("traceId", _text),
        ("spanId", _text),
        ("parentSpanId", _text),
        ("name", _text),
        ("kind", _count),
        ("startTimeUnixNano", _count),
        ("endTimeUnixNano", _count),
        ("status_code", _count),
        ("scope_name", _text),
        ("attributes", _labels),
        ("resource", _labels),
    ]
)
SPANS = StreamContract(SOURCE, "spans", _SCHEMA, ("traceId", "spanId", "startTimeUnixNano"), empty_ok=True)
STREAMS = (SPANS,)
_KEPT = {
    "gen_ai.system",
    "gen_ai.provider.name",
    "gen_ai.operation.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "gen_ai.response.id",
    "llm.request.type",
    "server.address",
    "error.type",
    "enduser.id",
    "user.id",
    "cloud.account.id",
    "cloud.region",
    "http.response.status_code",
}
_USAGE = ("gen_ai.usage.", "llm.usage.")
_NOT_OURS = ("process.", "host.", "telemetry.", "os.", "container.")
_KINDS = {f"SPAN_KIND_{name}": number for number, name in
          enumerate(("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"))}  # fmt: skip
_STATUSES = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
Found = tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Replace each day of `window` (None: the days whose files changed) of every location.

    Raises:
        ConfigError, EmptyAnswer, PermissionDenied, CredentialExpired, Unreachable: a location cannot be read.
        CorruptFile, Shrunk: what lies there are no traces, or far less than before.
    """
    return [
        result
        for place in context.config.otel_genai.logs
        for result in log_files.load_location(context, SPANS, place, window, read)
    ]


def load_files(context: Context, folder: Folder, window: Window | None) -> list[LoadResult]:
    """Land the spans of the files in `folder`. Raises SchemaChanged when none holds OTLP traces."""
    return log_files.load_folder(context, SPANS, folder, window, read, "a file of OTLP traces in JSON")


def check(context: Context) -> Iterator[Finding]:
    """Whether each location can be listed."""
    for place in context.config.otel_genai.logs:
        yield attempt(
            SOURCE, place.name, "reachable", f"{place.path} can be listed.",
            lambda place=place: log_files.require_location(context, place),
        )  # fmt: skip


def read(files: Callable[[], Iterator[OpenedFile]], book: DayBook) -> None:
    """Put the spans of every trace that calls a model into `book`; read twice, first to know those traces."""
    traces: set[str] = set()
    for file, path in files():
        aside = Quarantine(SPANS)
        holds_spans = others = 0
        for row in json_rows(path, file.name, aside):
            holds_spans += "resourceSpans" in row
            others += "resourceSpans" not in row
            traces.update(str(span.get("traceId")) for _, _, span in _spans(row) if _calls_a_model(span))
        book.recognised += bool(holds_spans)
        if holds_spans or (may_be_json(aside) and not others):
            for bad in aside.rows:
                # never its text: it may hold what people wrote
                book.set_apart(file=file.name, reason=str(bad["reason"]), row=f"{len(str(bad['row']))} characters")
    for file, path in files():
        for row in json_rows(path, file.name, Quarantine(SPANS)):
            for resource, scope, span in _spans(row):
                if str(span.get("traceId")) in traces:
                    _take(resource, scope, span, file.name, book)


def _take(
    resource: Mapping[str, Any], scope: Mapping[str, Any], span: Mapping[str, Any], name: str, book: DayBook
) -> None:
    started: datetime | None = None
    try:
        started, kept = _kept(resource, scope, span)
    except UnreadableRow as error:
        if _calls_a_model(span):
            book.set_apart(
                file=name, reason=str(error), row=f"trace {span.get('traceId')!r:.80} span {span.get('spanId')!r:.80}"
            )
        return
    book.add(started, kept)


def _kept(
    resource: Mapping[str, Any], scope: Mapping[str, Any], span: Mapping[str, Any]
) -> tuple[datetime, dict[str, Any]]:
    nanos = count(span.get("startTimeUnixNano"), "startTimeUnixNano", most=2**63)
    trace, identity = text(span.get("traceId")), text(span.get("spanId"))
    if nanos is None or trace is None or identity is None:
        raise UnreadableRow("it has no trace id, span id or start")
    is_ours, found = _calls_a_model(span), _attributes(span.get("attributes"))
    return moment(Decimal(nanos) / 10**9, "startTimeUnixNano"), {
        "traceId": trace,
        "spanId": identity,
        "parentSpanId": text(span.get("parentSpanId")),
        "name": text(span.get("name")) if is_ours else None,
        "kind": _number(span.get("kind"), _KINDS),
        "startTimeUnixNano": nanos,
        "endTimeUnixNano": count(span.get("endTimeUnixNano"), "endTimeUnixNano", most=2**63),
        "status_code": _number(mapping(span.get("status")).get("code"), _STATUSES),
        "scope_name": text(scope.get("name")),
        "attributes": _wanted(found) if is_ours else None,
        "resource": [(key, value) for key, value in _plain(_attributes(resource.get("attributes"))).items()
                     if not key.startswith(_NOT_OURS)] if is_ours else None,
    }  # fmt: skip


def _spans(row: Mapping[str, Any]) -> Iterator[Found]:
    """Each span of an export request with its resource and scope."""
    for part in _list(row.get("resourceSpans")):
        scopes = _list(part.get("scopeSpans")) or _list(part.get("instrumentationLibrarySpans"))
        for group in scopes:
            scope = mapping(group.get("scope") or group.get("instrumentationLibrary"))
            for span in _list(group.get("spans")):
                yield mapping(part.get("resource")), scope, span


def _calls_a_model(span: Mapping[str, Any]) -> bool:
    return any(str(one.get("key")).startswith(("gen_ai.", *_USAGE)) for one in _list(span.get("attributes")))


def _wanted(found: dict[str, object]) -> list[tuple[str, str]]:
    """The attributes that land: who, which model, how many tokens, and labels that people put on a span."""
    kept: dict[str, str] = {}
    for key, value in found.items():
        if key.startswith(_USAGE):
            number = count(value, key)
            if number is not None:
                kept[key] = str(number)
    plain = _plain(found)
    kept |= {key: value for key, value in plain.items() if key in _KEPT or "." not in key or _is_association(key)}
    return list(kept.items())


def _is_association(key: str) -> bool:
    return key.startswith("traceloop.association.properties.")


def _plain(found: dict[str, object]) -> dict[str, str]:
    short = {key: str(value) for key, value in found.items() if isinstance(value, (str, int, Decimal))}
    return {clean(key): clean(value) for key, value in short.items() if len(value) <= LONGEST_LABEL}


def _attributes(listed: object) -> dict[str, object]:
    """Attributes by key; whole numbers come as text or as numbers, whoever writes them."""
    found: dict[str, object] = {}
    for one in _list(listed):
        value = mapping(one.get("value"))
        for kind in ("stringValue", "intValue", "doubleValue", "boolValue"):
            if value.get(kind) is not None:
                found[str(one.get("key"))] = value[kind]
    return found


def _list(value: object) -> list[Mapping[str, Any]]:
    items = cast(list[Any], value) if isinstance(value, list) else []
    return [cast(Mapping[str, Any], item) for item in items if isinstance(item, Mapping)]


def _number(value: object, names: Mapping[str, int]) -> int | None:
    """An enumeration's value, written as its number or by its name."""
    if isinstance(value, str) and value in names:
        return names[value]
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 100 else None
