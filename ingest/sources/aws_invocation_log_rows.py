"""The landed form of an invocation log's record: its metadata under the log's own names, without any body."""

import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from ingest.contracts import StreamContract
from ingest.errors import CorruptFile
from ingest.file_content import holds_json, open_bytes
from ingest.json_values import clean
from ingest.quarantine import Quarantine
from ingest.run import YEARS, day_start

SOURCE = "aws_invocation_log"
SCHEMA_TYPE = "ModelInvocationLog"
LINES_TO_KNOW = 100
_text, _count = pa.string(), pa.int64()
_INPUT = {
    "inputContentType": _text,
    "inputTokenCount": _count,
    "cacheReadInputTokenCount": _count,
    "cacheWriteInputTokenCount": _count,
}
_OUTPUT = {"outputContentType": _text, "outputTokenCount": _count}
REQUESTS = StreamContract(
    SOURCE,
    "requests",
    pa.schema(
        [
            pa.field("schemaVersion", _text),
            pa.field("timestamp", pa.timestamp("us", tz="UTC")),
            pa.field("accountId", _text),
            pa.field("region", _text),
            pa.field("inferenceRegion", _text),
            pa.field("requestId", _text),
            pa.field("operation", _text),
            pa.field("modelId", _text),
            pa.field("errorCode", _text),
            pa.field("identity", pa.struct([pa.field("arn", _text)])),
            pa.field("requestMetadata", pa.map_(_text, _text)),
            pa.field("input", pa.struct([pa.field(name, kind) for name, kind in _INPUT.items()])),
            pa.field("output", pa.struct([pa.field(name, kind) for name, kind in _OUTPUT.items()])),
        ]
    ),
    required=("timestamp", "accountId", "region", "requestId", "modelId"),
    empty_ok=True,
    key=("requestId",),
)
_TEXTS = ("schemaVersion", "inferenceRegion", "operation", "errorCode")
_NEEDED = ("timestamp", "accountId", "region", "requestId", "modelId")
_LAYOUT = re.compile(r"AWSLogs/(\d{12})/BedrockModelInvocationLogs/([a-z0-9-]+)/(\d{4})/(\d{2})/(\d{2})/\d{2}/[^/]+$")


@dataclass(frozen=True, order=True)
class Place:
    """The account, region and UTC day that a window of requests speaks for."""

    account_id: str
    region: str
    day: datetime

    @property
    def scope(self) -> str:
        """Account and region."""
        return f"{self.account_id}-{self.region}"


def is_log(key: str, *, strict: bool = True) -> bool:
    """Whether a key may be a log object: in AWS's layout (`strict`), no large body, not the permission check."""
    name = key.rpartition("/")[2]
    if name == "amazon-bedrock-logs-permission-check" or "/data/" in f"/{key}":
        return False
    return not strict or bool(_LAYOUT.search(key))


def day_of(key: str) -> datetime | None:
    """The day of a key in AWS's layout."""
    found = _LAYOUT.search(key)
    try:
        return datetime(*map(int, found.groups()[2:]), tzinfo=UTC) if found else None
    except ValueError:
        return None


def rows_of(path: Path, name: str, quarantine: Quarantine) -> Iterator[dict[str, Any]]:
    """The records of a log file as rows. What is no record is set apart by its line number: its text may be a prompt.

    Raises:
        CorruptFile: the file breaks off or cannot be unpacked.
    """
    for number, line in _lines(path, name):
        parsed = _parsed(line)
        reason = "it is no JSON object" if parsed is None else why_not(parsed)
        if parsed is None or reason:
            quarantine.put(file=name, reason=reason, row=f"line {number}, {len(line)} bytes")
        else:
            yield row_of(parsed)


def _lines(path: Path, name: str) -> Iterator[tuple[int, bytes]]:
    try:
        with open_bytes(path) as stream:
            for number, line in enumerate(stream, start=1):
                text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
                if text:
                    yield number, text
    except (OSError, EOFError, zlib.error) as error:
        raise CorruptFile(
            f"{name} cannot be read to its end: {error}.", "Fetch it again; nothing of its day was landed."
        ) from error


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return cast(dict[str, Any], value) if isinstance(value, dict) else None


def why_not(record: Mapping[str, Any]) -> str:
    """Why a JSON object is no usable record; empty when it is one."""
    if record.get("schemaType") != SCHEMA_TYPE:
        return f"its schemaType is {str(record.get('schemaType'))[:60]!r}, not {SCHEMA_TYPE}"
    missing = [field for field in _NEEDED if not isinstance(record.get(field), str) or not record[field]]
    if missing:
        return f"it has no {', '.join(missing)}"
    if _moment(record["timestamp"]) is None:
        return "its timestamp is no time"
    counts = [(part, field) for part, fields in (("input", _INPUT), ("output", _OUTPUT)) for field in fields]
    for part, field in counts:
        value = _part(record, part).get(field)
        if field.endswith("Count") and value is not None and (type(value) is not int or not 0 <= value < 2**63):
            return f"its {field} is no count"
    return ""


def row_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The landed row of a usable record."""
    metadata = _part(record, "requestMetadata")
    return {
        **{field: clean(record[field]) for field in _NEEDED},
        **{field: _text_or_none(record.get(field)) for field in _TEXTS},
        "timestamp": _moment(record["timestamp"]),
        "identity": {"arn": _text_or_none(_part(record, "identity").get("arn"))},
        "requestMetadata": sorted((clean(key), clean(str(value))) for key, value in metadata.items()),
        "input": {field: _count_or_text(record, "input", field) for field in _INPUT},
        "output": {field: _count_or_text(record, "output", field) for field in _OUTPUT},
    }


def _part(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = record.get(name)
    return cast(Mapping[str, Any], value) if isinstance(value, dict) else {}


def _count_or_text(record: Mapping[str, Any], part: str, field: str) -> int | str | None:
    value = _part(record, part).get(field)
    return value if isinstance(value, int) and field.endswith("Count") else _text_or_none(value)


def _text_or_none(value: object) -> str | None:
    return clean(value) if isinstance(value, str) else None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.year not in YEARS:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def first_record(path: Path, name: str) -> dict[str, Any] | None:
    """The first record of an invocation log among the first lines of a file, None when it is something else."""
    if not holds_json(path):
        return None
    for number, line in _lines(path, name):
        parsed = _parsed(line)
        if parsed is not None and parsed.get("schemaType") == SCHEMA_TYPE:
            return parsed
        if number >= LINES_TO_KNOW:
            break
    return None


def place_of(name: str, path: Path, record: Mapping[str, Any]) -> set[Place]:
    """Whose file it is: by AWS's folders where the name has them, else by the records in it."""
    found, day = _LAYOUT.search(name), day_of(name)
    if found and day:
        return {Place(found[1], found[2], day)}
    rows = rows_of(path, name, Quarantine(REQUESTS)) if record else ()
    return {_place(row) for row in rows}


def _place(row: Mapping[str, Any]) -> Place:
    return Place(row["accountId"], row["region"], day_start(row["timestamp"].date()))


def in_window(rows: Iterable[dict[str, Any]], name: str, place: Place) -> Iterator[dict[str, Any]]:
    """The rows of a file that belong to a place: all of them where its folders say so."""
    is_told = day_of(name) is not None
    return (row for row in rows if is_told or _place(row) == place)
