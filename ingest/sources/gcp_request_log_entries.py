"""One log entry of Vertex AI's inference request metadata, as Logging's REST writes it, into one row.

What an entry tells is documented (model, region, input, output, cached and thought tokens, burndown of provisioned
throughput, latency, error, header and request labels); how its fields are spelled is not public for all of them. So
each is looked up under every name that Google gives the same thing elsewhere, in any letter case, with or without
underscores, wherever in the payload it stands. Only these fields are taken: no other content is ever landed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import pyarrow as pa

from ingest.contracts import StreamContract
from ingest.run import YEARS

SOURCE = "gcp_request_log"
_TEXT, _COUNT = pa.string(), pa.int64()
_LABELS = pa.list_(pa.struct([pa.field("key", _TEXT), pa.field("value", _TEXT)]))
REQUESTS = StreamContract(
    SOURCE,
    "requests",
    pa.schema(
        [
            ("project_id", _TEXT),
            ("insert_id", _TEXT),
            ("timestamp", pa.timestamp("us", tz="UTC")),
            ("log_name", _TEXT),
            ("location", _TEXT),
            ("publisher", _TEXT),
            ("model", _TEXT),
            ("method", _TEXT),
            ("request_type", _TEXT),
            ("input_tokens", _COUNT),
            ("cached_tokens", _COUNT),
            ("cache_write_tokens", _COUNT),
            ("output_tokens", _COUNT),
            ("thought_tokens", _COUNT),
            ("total_tokens", _COUNT),
            ("is_cached_inside", pa.bool_()),
            ("burned_tokens", _COUNT),
            ("latency_ms", pa.float64()),
            ("first_token_ms", pa.float64()),
            ("response_code", _TEXT),
            ("request_labels", _LABELS),
            ("header_labels", _LABELS),
        ]
    ),
    ("project_id", "timestamp", "model"),
    empty_ok=True,
    key=("insert_id",),
)
# names by which a field is known, best first: lower case, letters and digits only
_NAMES: dict[str, tuple[str, ...]] = {
    "model": ("model", "modelname", "modelid", "modeluserid", "publishermodel", "endpoint"),
    "location": ("location", "region"),
    "method": ("method", "apimethod", "methodname"),
    "request_type": ("requesttype", "traffictype"),
    "total_tokens": ("totaltokencount", "totaltokens"),
    "latency_ms": ("latencyms", "requestlatencyms", "totallatencyms", "requestlatency", "totallatency", "latency"),
    "first_token_ms": ("firsttokenlatencyms", "timetofirsttokenms", "firsttokenlatency", "timetofirsttoken"),
    "error": ("errorcode", "responsecode", "statuscode", "httpstatus", "error", "status", "code"),
    "request_labels": ("requestlabels", "requestbodylabels", "labels"),
    "header_labels": ("headerlabels", "requestheaderlabels"),
}
_TOKENS: dict[str, tuple[str, ...]] = {
    "input_tokens": ("inputtokencount", "inputtokens", "prompttokencount", "prompttokens"),
    "output_tokens": ("outputtokencount", "outputtokens", "candidatestokencount", "responsetokencount"),
    "thought_tokens": ("thoughttokencount", "thoughtstokencount", "thoughttokens", "thoughtstokens", "thinkingtokens"),
    "cache_write_tokens": ("cachecreationinputtokens", "cachewriteinputtokens", "cachewritetokens"),
    "burned_tokens": ("provisionedthroughputburndown", "provisionedthroughputburndowns", "ptburndown",
                      "burndowntokens", "burndowntokencount", "burndown", "burndowns"),
}  # fmt: skip
# Gemini counts cached prompt tokens inside its input, Claude beside it
_CACHED_INSIDE = ("cachedcontenttokencount", "cachedtokencount", "cachedtokens", "cachedinputtokens")
_CACHED_BESIDE = ("cachereadinputtokens", "cachereadtokens", "cachereadinput")
# google.rpc.Code, by number and by name, as HTTP statuses
_RPC = {
    1: ("CANCELLED", "499"), 2: ("UNKNOWN", "500"), 3: ("INVALID_ARGUMENT", "400"), 4: ("DEADLINE_EXCEEDED", "504"),
    5: ("NOT_FOUND", "404"), 6: ("ALREADY_EXISTS", "409"), 7: ("PERMISSION_DENIED", "403"),
    8: ("RESOURCE_EXHAUSTED", "429"), 9: ("FAILED_PRECONDITION", "400"), 10: ("ABORTED", "409"),
    11: ("OUT_OF_RANGE", "400"), 12: ("UNIMPLEMENTED", "501"), 13: ("INTERNAL", "500"), 14: ("UNAVAILABLE", "503"),
    15: ("DATA_LOSS", "500"), 16: ("UNAUTHENTICATED", "401"),
}  # fmt: skip
_BY_NAME = dict(_RPC.values())
_DURATION = re.compile(r"^(\d+(?:\.\d+)?)s$")
_MODEL = re.compile(r"publishers/([^/]+)/models/([^/]+)")
_DEEPEST = 4


class UnknownEntry(Exception):
    """The entry cannot be a request; says why."""


@dataclass(frozen=True)
class Payload:
    """A payload's values by their plain name, those nearer to its top first."""

    values: Mapping[str, Any]

    def get(self, names: Sequence[str]) -> Any:
        """The value under the first of the names that is there."""
        return next((self.values[name] for name in names if self.values.get(name) is not None), None)


def entry_row(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The row of one entry.

    Raises:
        UnknownEntry: it has no time, no payload, no model, no count that is known, or a count that is no whole number.
    """
    if not isinstance(entry.get("jsonPayload"), dict):
        raise UnknownEntry("it has no jsonPayload")
    payload = Payload(dict(_plain(entry["jsonPayload"])))
    resource = _mapping(_mapping(entry.get("resource")).get("labels"))
    publisher, model = _model(payload.get(_NAMES["model"]) or resource.get("model_user_id"), resource)
    inside, beside = payload.get(_CACHED_INSIDE), payload.get(_CACHED_BESIDE)
    counts = {name: _count(name, payload.get(names)) for name, names in _TOKENS.items()}
    response = _response_code(payload.get(_NAMES["error"]), entry.get("severity"))
    if counts["input_tokens"] is None and counts["output_tokens"] is None and response.startswith("2"):
        raise UnknownEntry(f"it has no token count that is known; its fields are {_fields(payload)}")
    cached = _count("cached_tokens", inside if inside is not None else beside)
    request_type = _request_type(payload.get(_NAMES["request_type"]), counts["burned_tokens"])
    return counts | {
        "project_id": _project(entry, resource),
        "insert_id": _text(entry.get("insertId")),
        "timestamp": _moment(entry.get("timestamp")),
        "log_name": _text(entry.get("logName")),
        "location": _text(payload.get(_NAMES["location"]) or resource.get("location")),
        "publisher": publisher,
        "model": model,
        "method": _text(payload.get(_NAMES["method"])),
        "request_type": request_type,
        "cached_tokens": cached,
        "total_tokens": _count("total_tokens", payload.get(_NAMES["total_tokens"])),
        "is_cached_inside": None if cached is None else inside is not None,
        "latency_ms": _milliseconds(payload.get(_NAMES["latency_ms"])),
        "first_token_ms": _milliseconds(payload.get(_NAMES["first_token_ms"])),
        "response_code": response,
        "request_labels": _labels(payload.get(_NAMES["request_labels"])),
        "header_labels": _labels(payload.get(_NAMES["header_labels"])),
    }


def outline(entry: Mapping[str, Any]) -> str:
    """What may be kept of an entry that was set apart: its names, never its content."""
    names = _mapping(entry.get("jsonPayload")) or entry
    return f"{entry.get('timestamp')} {entry.get('insertId')}: {', '.join(sorted(str(name) for name in names))}"


def _plain(payload: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names and values of a payload, deeper ones first so that those nearer to the top win."""
    levels: list[list[tuple[str, Any]]] = []
    level: list[Mapping[str, Any]] = [payload]
    whole = {*_NAMES["request_labels"], *_NAMES["header_labels"], *_TOKENS["burned_tokens"]}
    while level and len(levels) < _DEEPEST:
        found = [(re.sub(r"[^a-z0-9]", "", str(name).lower()), value) for part in level for name, value in part.items()]
        levels.append(found)
        level = [cast(dict[str, Any], value) for name, value in found if isinstance(value, dict) and name not in whole]
    for found in reversed(levels):
        yield from reversed(found)


def _model(found: Any, resource: Mapping[str, Any]) -> tuple[str | None, str]:
    if not isinstance(found, str) or not found.strip():
        raise UnknownEntry("it names no model")
    named = _MODEL.search(found)
    publisher, model = named.groups() if named else (_text(resource.get("publisher")), found.rpartition("/")[2])
    return publisher, model.partition("@")[0].partition(":")[0]


def _project(entry: Mapping[str, Any], resource: Mapping[str, Any]) -> str:
    from_log = str(entry.get("logName") or "").removeprefix("projects/").partition("/logs/")[0]
    found = from_log or resource.get("project_id") or resource.get("resource_container")
    if not found:
        raise UnknownEntry("it names no project")
    return str(found).removeprefix("projects/")


def _moment(found: Any) -> datetime:
    try:
        # nanoseconds are cut: a moment has six digits
        moment = datetime.fromisoformat(str(found))
    except ValueError as error:
        raise UnknownEntry(f"its time is {found!r}") from error
    if moment.year not in YEARS:
        raise UnknownEntry(f"its time {found!r} lies outside of the years {YEARS[0]} to {YEARS[-1]}")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _count(name: str, found: Any) -> int | None:
    """A whole number, which JSON may write as text or with a point; the sum of a record of numbers."""
    if isinstance(found, dict):
        parts = [_count(name, value) for value in cast(dict[str, Any], found).values()]
        return sum(part for part in parts if part is not None) if parts else None
    if found is None or isinstance(found, bool):
        return None
    try:
        number = Decimal(str(found))
    except ArithmeticError as error:
        raise UnknownEntry(f"its {name} are {str(found)[:40]!r}, no number") from error
    if not number.is_finite() or number != number.to_integral_value() or not 0 <= number < 2**62:
        raise UnknownEntry(f"its {name} are {str(found)[:40]!r}, no whole number")
    return int(number)


def _milliseconds(found: Any) -> float | None:
    seconds = _DURATION.match(found) if isinstance(found, str) else None
    if seconds:
        return float(seconds[1]) * 1000
    try:
        return None if found is None or isinstance(found, dict | list | bool) else float(found)
    except ValueError:
        return None


def _response_code(found: Any, severity: Any) -> str:
    """The HTTP status that an error code, number or name stands for; `200` where there is none."""
    if isinstance(found, dict):
        return _response_code(cast(dict[str, Any], found).get("code"), severity)
    text = _text(found) or ""
    if text.replace(".", "", 1).isdigit():
        number = int(float(text))
        return _RPC[number][1] if number in _RPC else str(number) if number >= 100 else "200"
    if text.upper() in _BY_NAME:
        return _BY_NAME[text.upper()]
    return "500" if not text and severity in ("ERROR", "CRITICAL") else "200"


def _request_type(found: Any, burned: int | None) -> str | None:
    text = (_text(found) or "").lower()
    if "dedicated" in text or "provisioned" in text or (not text and burned):
        return "dedicated"
    return "shared" if "shared" in text or "demand" in text else text or None


def _labels(found: Any) -> list[dict[str, str]]:
    if isinstance(found, list):
        pairs = [_mapping(item) for item in cast(list[Any], found)]
        return [{"key": str(pair["key"]), "value": str(pair.get("value", ""))} for pair in pairs if "key" in pair]
    return [{"key": str(key), "value": str(value)} for key, value in sorted(_mapping(found).items())]


def _mapping(found: Any) -> dict[str, Any]:
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def _text(found: Any) -> str | None:
    return str(found) if isinstance(found, str | int | float | Decimal) and str(found) else None


def _fields(payload: Payload) -> str:
    """The names in a payload; never a value, which may be somebody's text."""
    return ", ".join(sorted(payload.values)[:12])
