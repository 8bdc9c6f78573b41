"""Exported tables of a gateway's log, summed as the queries would have summed them.

Known are ApiManagementGatewayLlmLog with ApiManagementGatewayLogs (portal CSV, data export, diagnostic archive or the
JSON of a query), AppMetrics, customMetrics, and the result of our own query. A request is told by its correlation id,
so that a file given twice counts once; of tables without one an identical file is read once.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ingest.config_azure import GatewayDimensions, GatewayLog
from ingest.contracts import StreamContract
from ingest.errors import CorruptFile, EmptyAnswer, SchemaChanged
from ingest.file_rows import content_digest
from ingest.files import ExportedFile, FileKind, Folder, recognise
from ingest.quarantine import Quarantine
from ingest.run import Window, day_start
from ingest.sources.azure_gateway_log_queries import DIMENSIONS, Row
from ingest.sources.azure_gateway_log_records import Unreadable, moment_of, properties_of, records, text_of, whole_of

logger = logging.getLogger(__name__)
SUMMED = FileKind(
    "the summed gateway log",
    ("TimeGenerated", "ApimSubscriptionId", "DeploymentName", "PromptTokens", "CompletionTokens", "Requests"),
    any_case=True,
)
LLM = FileKind(
    "ApiManagementGatewayLlmLog",
    ("TimeGenerated", "CorrelationId", "DeploymentName", "ModelName", "PromptTokens", "CompletionTokens"),
    any_case=True,
)
HOPS = FileKind("ApiManagementGatewayLogs", ("CorrelationId", "ApimSubscriptionId", "ResponseCode"), any_case=True)
METRICS = FileKind("AppMetrics", ("TimeGenerated", "Name", "Sum", "ItemCount", "Properties"), any_case=True)
CLASSIC = FileKind("customMetrics", ("timestamp", "name", "valueSum", "valueCount", "customDimensions"), any_case=True)
KINDS = (SUMMED, LLM, HOPS, METRICS, CLASSIC)
METRIC_NAMES = ("Prompt Tokens", "Completion Tokens", "Total Tokens", "Cached Tokens")
# the names that the policy's reference uses, for files of a gateway that is not configured
USUAL = GatewayDimensions(
    subscription="Subscription ID", team="Team", user="User ID", deployment="Deployment", model="Model"
)
_KEYS = ("ApimSubscriptionId", "ProductId", "ApiId", "UserId", "DeploymentName", "ModelName", "BackendHost")
_SUMS = ("PromptTokens", "CompletionTokens", "TotalTokens", "Requests", "Errors", "Streamed")
# the values that a row is summed by, and which measures it leaves out: those do not lie among others as zeros
Key = tuple[tuple[Any, ...], tuple[bool, ...]]


@dataclass
class Found:
    """What the files hold of one gateway in one shape: its rows by hour, and what could not be taken of each day."""

    shape: str
    gateway: str
    place: str
    contract: StreamContract
    dimensions: GatewayDimensions
    sums: dict[Key, list[float | None]] = field(default_factory=dict["Key", "list[float | None]"])
    requests: dict[str, Row] = field(default_factory=dict[str, Row])
    quarantines: dict[datetime | None, Quarantine] = field(default_factory=dict[datetime | None, Quarantine])
    rows: list[Row] = field(default_factory=list[Row])
    taken: Counter[datetime] = field(default_factory=Counter[datetime])

    def days(self, window: Window | None) -> Iterator[Window]:
        """The days that have rows, oldest first, of `window` where one is given."""
        for start in sorted({day_start(row["TimeGenerated"].date()) for row in self.rows}):
            day = Window(start, start + timedelta(days=1))
            if window is None or (day.start < window.end and window.start < day.end):
                yield day

    @property
    def watermark(self) -> datetime | None:
        """End of the newest hour."""
        return max((row["TimeGenerated"] + timedelta(hours=1) for row in self.rows), default=None)

    @property
    def told(self) -> str | None:
        """What is said of requests whose tokens are not known."""
        logged = [row for row in self.rows if "Requests" in row]
        silent = [row for row in logged if None in (row["PromptTokens"], row["CompletionTokens"])]
        count = sum((row["Requests"] or 0) + (row["Errors"] or 0) for row in silent)
        return f"{count} requests state no token count; theirs are unknown." if count else None

    def set_apart(self, file: str, reason: str, row: Row, moment: datetime | None) -> None:
        """Keep a row that cannot be taken, with its day where that is known."""
        day = None if moment is None else day_start(moment.date())
        self.quarantine(day).put(file=file, reason=reason, row=repr(row))

    def quarantine(self, day: datetime | None) -> Quarantine:
        """The quarantine of a day; that of rows without a day goes to the first one."""
        return self.quarantines.setdefault(day, Quarantine(self.contract))

    def quarantine_of(self, span: Window) -> Quarantine:
        """What was set apart of a day."""
        whole = Quarantine(self.contract)
        landed = list(self.days(None))
        days = {one.start for one in landed}
        for day, part in self.quarantines.items():
            # rows of no day, or of one without a good row, stand with the first day that lands
            if day == span.start or (span == landed[0] and day not in days):
                whole.rows += part.rows
        return whole


def read_files(
    folder: Folder, configured: Sequence[GatewayLog], contracts: tuple[StreamContract, StreamContract]
) -> list[Found]:
    """What the known files of a folder hold, by gateway and shape.

    Raises:
        SchemaChanged: no file is known.
        EmptyAnswer: only the gateway's own log is there, which has no token.
        CorruptFile: a file cannot be read, or none of its rows can be taken.
    """
    reading = _Reading(configured, contracts)
    unknown: SchemaChanged | None = None
    known = 0
    for file in folder.files():
        try:
            known += reading.read(file, folder.fetch(file))
        except SchemaChanged as error:
            if error.is_near:
                raise
            logger.warning("passed over %s: %s", file.name, error.message)
            unknown = error
        except EmptyAnswer as error:
            logger.warning("passed over %s: %s", file.name, error.message)
    if not known:
        raise unknown or EmptyAnswer(f"--path {folder.location}: no file is a table of a gateway.", "Check the path.")
    return reading.finished()


class _Reading:
    """Rows of all files as they come in."""

    def __init__(self, configured: Sequence[GatewayLog], contracts: tuple[StreamContract, StreamContract]) -> None:
        self._configured = configured
        self._contracts = {"log": contracts[0], "metric": contracts[1]}
        self._found: dict[tuple[str, str], Found] = {}
        self._hops: dict[str, Row] = {}
        self._digests: set[str] = set()

    def read(self, file: ExportedFile, path: Path) -> int:
        """Take the rows of one file; 1 when it was one of ours."""
        digest = content_digest(path, file.name)
        if digest in self._digests:
            return 1
        self._digests.add(digest)
        apart = Quarantine(self._contracts["log"])
        columns, rows = records(path, file.name, apart)
        kind = recognise(file.name, columns, KINDS)
        logger.info("recognised", extra={"file": file.name, "kind": kind.name})
        shape = "metric" if kind in (METRICS, CLASSIC) else "log"
        last: Found | None = None
        for row in rows:
            last = self._target(shape, row)
            self._take(last, kind, file.name, row)
        if apart.rows:
            (last or self._target(shape, {})).quarantine(None).rows += apart.rows
        return 1

    def _target(self, shape: str, row: Row) -> Found:
        """The gateway that a row belongs to: of its workspace, else the only one that is configured."""
        workspace = text_of(row.get("tenantid")).lower()
        fitting = [log for log in self._configured if log.shape == shape]
        mine = [log for log in fitting if log.place == workspace] or (fitting if len(fitting) == 1 else [])
        place = workspace or (mine[0].place if mine else "files")
        if (shape, place) not in self._found:
            gateway = mine[0].name if mine else "gateway"
            dimensions = mine[0].dimensions if mine and any(mine[0].dimensions.model_dump().values()) else USUAL
            self._found[shape, place] = Found(shape, gateway, place, self._contracts[shape], dimensions)
        return self._found[shape, place]

    def _take(self, found: Found, kind: FileKind, file: str, row: Row) -> None:
        moment: datetime | None = None
        try:
            if kind is HOPS:
                _take_hop(self._hops, row)
                return
            moment = moment_of(row.get("timestamp" if kind is CLASSIC else "timegenerated"))
            takers = {SUMMED.name: _take_summed, LLM.name: _take_request}
            takers.get(kind.name, _take_metric)(found, row, moment)
            found.taken[day_start(moment.date())] += 1
        except Unreadable as error:
            found.set_apart(file, str(error), row, moment)

    def finished(self) -> list[Found]:
        """Everything summed by hour."""
        for found in self._found.values():
            for request in found.requests.values():
                _add_request(found, request, self._hops.get(request["id"], {}))
            names = ("TimeGenerated", *_KEYS) if found.shape == "log" else ("TimeGenerated", "Name", *DIMENSIONS)
            measures = _SUMS if found.shape == "log" else ("Tokens", "Measurements")
            whole = found.shape == "log"
            found.rows = [
                dict(zip(names, key, strict=True))
                | {name: int(value) if value is not None and (whole or name == "Measurements") else value
                   for name, value in zip(measures, values, strict=True)}
                for (key, _), values in found.sums.items()
            ]  # fmt: skip
        for found in self._found.values():
            bad = [row for part in found.quarantines.values() for row in part.rows]
            if bad and not found.rows:
                raise CorruptFile(
                    f"None of {len(bad)} rows can be taken, the first because {bad[0]['reason']} ({bad[0]['file']}).",
                    "Check the file; what was landed before stays.",
                )
        useful = [found for found in self._found.values() if found.rows]
        if useful:
            return useful
        bad = [row for found in self._found.values() for part in found.quarantines.values() for row in part.rows]
        if bad:
            raise CorruptFile(
                f"None of {len(bad)} rows can be taken, the first because {bad[0]['reason']} ({bad[0]['file']}).",
                "Check the file; what was landed before stays.",
            )
        if self._hops:
            raise EmptyAnswer(
                "ApiManagementGatewayLogs alone has no token.", "Export ApiManagementGatewayLlmLog as well."
            )
        raise EmptyAnswer("The files hold no token count.", "Check the time range of the export.")


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _add(found: Found, key: tuple[Any, ...], values: Sequence[float | None]) -> None:
    absent = tuple(value is None for value in values)
    sums = found.sums.setdefault((key, absent), [None if missing else 0 for missing in absent])
    for place, value in enumerate(values):
        known = sums[place]
        if known is not None and value is not None:
            sums[place] = known + value


def _take_summed(found: Found, row: Row, moment: datetime) -> None:
    values = [whole_of(row.get(name.lower())) for name in _SUMS]
    _add(found, (_hour(moment), *(text_of(row.get(name.lower())) for name in _KEYS)), values)


def _take_request(found: Found, row: Row, moment: datetime) -> None:
    """One of the rows of a request; only one of them bears the tokens."""
    identity = text_of(row.get("correlationid"))
    if not identity:
        raise Unreadable("it has no correlation id")
    tokens = {name: whole_of(row.get(name.lower())) for name in _SUMS[:3]}
    request = found.requests.setdefault(identity, defaultdict(str, id=identity, time=moment))
    request["time"] = min(request["time"], moment)
    request["stream"] = request["stream"] or text_of(row.get("isstreamcompletion")).lower() in ("true", "1")
    for name in ("DeploymentName", "ModelName"):
        request[name] = request[name] or text_of(row.get(name.lower()))
    for name, value in tokens.items():
        if value is not None:
            request[name] = max(request.get(name) or 0, value)


def _take_hop(hops: dict[str, Row], row: Row) -> None:
    identity = text_of(row.get("correlationid"))
    if not identity:
        raise Unreadable("it has no correlation id")
    hop = hops.setdefault(identity, defaultdict(str))
    for name in ("ApimSubscriptionId", "ProductId", "ApiId", "UserId", "BackendUrl"):
        hop[name] = hop[name] or text_of(row.get(name.lower()))
    hop["code"] = max(hop["code"] or 0, whole_of(row.get("responsecode")) or 0)


def _add_request(found: Found, request: Row, hop: Row) -> None:
    texts = {name: request.get(name) or hop.get(name) or "" for name in _KEYS[:-1]}
    host = urlsplit(str(hop.get("BackendUrl") or "")).hostname or ""
    is_error = int(hop.get("code") or 200) >= 400
    values = [
        *(request.get(name) for name in _SUMS[:3]),
        int(not is_error),
        int(is_error),
        int(bool(request["stream"])),
    ]
    _add(found, (_hour(request["time"]), *texts.values(), host), values)


def _take_metric(found: Found, row: Row, moment: datetime) -> None:
    name = text_of(row.get("name"))
    if name not in METRIC_NAMES:
        return
    given = properties_of(row.get("properties", row.get("customdimensions")))
    chosen: dict[str, str | None] = found.dimensions.model_dump()
    values = tuple(given.get(chosen[key] or "", "") for key in DIMENSIONS)
    count = whole_of(row.get("itemcount", row.get("valuecount")))
    tokens = whole_of(row.get("sum", row.get("valuesum")))
    if tokens is None:
        raise Unreadable("it has no sum")
    _add(found, (_hour(moment), name, *values), (float(tokens), count))
