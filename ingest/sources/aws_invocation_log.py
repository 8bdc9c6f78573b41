"""Model invocation logs of Bedrock in S3: one row per request, who made it and with which metadata, never the prompt.

Objects: `<prefix>AWSLogs/<account>/BedrockModelInvocationLogs/<region>/YYYY/MM/DD/HH/<name>.json.gz`, a JSON object per
line; large bodies below `data/` and AWS's permission check are passed over. A load is one account, region and UTC day
of the key, replaced whole: the day is read again when the list of its objects (name, entity tag, size) has changed.
Runs look again at the last 2 days, because a log may come some minutes, after a fault hours, late, and at everything
since the last run. It stops at the end of the list. Nothing is configured: nothing is asked.
Run alone: `inferledger ingest aws_invocation_log`.
"""

import hashlib
import logging
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from ingest.aws_client import AwsClients
from ingest.checks import Finding
from ingest.config_aws import AwsInvocationLog
from ingest.contracts import Context, LoadResult
from ingest.errors import SchemaChanged
from ingest.files import ExportedFile, Folder
from ingest.quarantine import Quarantine
from ingest.run import Window, day_start, days
from ingest.sources.aws_invocation_log_rows import (
    REQUESTS,
    Place,
    day_of,
    first_record,
    in_window,
    is_log,
    place_of,
    rows_of,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger(__name__)
SOURCE = "aws_invocation_log"
STREAMS = (REQUESTS,)
REREAD_DAYS = 2
ROWS_PER_BATCH = 20_000
_LIST = "s3:ListBucket @ FindTheInvocationLogs"
_GET = "s3:GetObject @ ReadTheInvocationLogs"


@dataclass(frozen=True)
class LogObject:
    """One object of a log bucket."""

    key: str
    etag: str
    size: int


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Read the days of `window` (None: the backfill, then the trailing days) of every configured log.

    Raises:
        PermissionDenied, CredentialExpired, Unreachable, WrongRegion, ConfigError: as AWS answered, with what to do.
        CorruptFile: an object breaks off, or over a fifth of a day's lines are no records.
    """
    results: list[LoadResult] = []
    logs = context.config.aws.invocation_logs if context.config.aws_section else ()
    clients = AwsClients(context.settings)
    for number, log in enumerate(logs):
        context.progress("aws_invocation_log", number, len(logs))
        results += _load_log(context, LogBucket(clients, context, log), window)
    if logs:
        context.progress("aws_invocation_log", len(logs), len(logs))
    return results


def check(context: Context) -> Iterator[Finding]:
    """Try what the logs need; see `aws_invocation_log_check`."""
    yield from import_module("ingest.sources.aws_invocation_log_check").findings(context)


class LogBucket:
    """The objects of one log, read as the account that writes it."""

    def __init__(self, clients: AwsClients, context: Context, log: AwsInvocationLog) -> None:
        self.log = log
        account = next(one for one in context.config.aws.accounts if one.id == log.account_id)
        self._client: S3Client = clients.s3_of(account, log.bucket_region or log.region)
        self._where = f"Invocation logs of {account.name} ({account.id}) in s3://{log.bucket}"
        self._list = clients.calling(self._where, _LIST)(self._client.list_objects_v2)
        self._fetch = clients.calling(self._where, _GET)(self._fetched)

    @property
    def scope(self) -> str:
        """Account and region."""
        return f"{self.log.account_id}-{self.log.region}"

    def prefix(self, day: datetime | None = None) -> str:
        """Where the keys of a day begin, or of all days."""
        own = f"{self.log.prefix.strip('/')}/" if self.log.prefix.strip("/") else ""
        root = f"{own}AWSLogs/{self.log.account_id}/BedrockModelInvocationLogs/{self.log.region}/"
        return f"{root}{day:%Y/%m/%d}/" if day else root

    def objects(self, span: Window) -> dict[datetime, list[LogObject]]:
        """The log objects of each day that touches `span`; keys are ordered by day, so one range of them is listed."""
        found: dict[datetime, list[LogObject]] = {day.start: [] for day in days(span)}
        place: dict[str, Any] = {"StartAfter": self.prefix(min(found))}
        while True:
            page = cast(Any, self._list(Bucket=self.log.bucket, Prefix=self.prefix(), **place))
            for one in page.get("Contents", []):
                day = day_of(one["Key"]) if is_log(one["Key"]) else None
                if day is not None and day in found:
                    found[day].append(LogObject(one["Key"], one["ETag"].strip('"'), one["Size"]))
                elif day is not None and day > max(found):
                    return found
            if not page.get("IsTruncated"):
                return found
            place = {"ContinuationToken": page["NextContinuationToken"]}

    def probe(self) -> None:
        """The smallest call of each kind: one key, and one byte of it."""
        page = cast(Any, self._list(Bucket=self.log.bucket, Prefix=self.prefix(), MaxKeys=1))
        for one in page.get("Contents", []):
            self._fetch(one["Key"], None)

    def fetch(self, one: LogObject, path: Path) -> None:
        """Bring an object to a local path."""
        self._fetch(one.key, path)

    def _fetched(self, key: str, path: Path | None) -> None:
        if path is None:
            self._client.get_object(Bucket=self.log.bucket, Key=key, Range="bytes=0-0")["Body"].read()
            return
        path.write_bytes(self._client.get_object(Bucket=self.log.bucket, Key=key)["Body"].read())


def _load_log(context: Context, bucket: LogBucket, window: Window | None) -> list[LoadResult]:
    state = context.landing.read_state(SOURCE, bucket.scope)
    prints: dict[str, str] = dict(state.get("days", {}))
    results: list[LoadResult] = []
    span = window or _default_window(context, state.get("loaded_to"))
    listed = bucket.objects(span)
    for day in days(span):
        objects = listed[day.start]
        name, print_now = f"{day.start:%Y-%m-%d}", _print(objects)
        if prints.get(name, _print([])) == print_now and window is None:
            continue
        results += _load_day(context, bucket, day, objects)
        prints[name] = print_now
        # after each day, so that a run which breaks off later does not read it again
        context.landing.write_state(SOURCE, bucket.scope, {"days": prints, "loaded_to": state.get("loaded_to")})
    newest = max((name for name, found in prints.items() if found != _print([])), default=None)
    loaded_to = state.get("loaded_to") if window else context.run.as_of.isoformat()
    context.landing.write_state(SOURCE, bucket.scope, {"days": prints, "loaded_to": loaded_to})
    context.landing.report(SOURCE, bucket.scope, _reach(context, newest), None if newest else _silent(bucket))
    return results


def _default_window(context: Context, loaded_to: str | None) -> Window:
    as_of = context.run.as_of
    first = as_of - timedelta(days=context.config.backfill_days)
    if loaded_to:
        first = max(first, min(datetime.fromisoformat(loaded_to), as_of) - timedelta(days=REREAD_DAYS))
    return Window(day_start(first.date()), as_of)


def _reach(context: Context, newest: str | None) -> datetime | None:
    """The end of the newest day with a log, at most now."""
    if newest is None:
        return None
    return min(day_start(datetime.fromisoformat(newest).date()) + timedelta(days=1), context.run.as_of)


def _silent(bucket: LogBucket) -> str:
    return f"No invocation log lies below s3://{bucket.log.bucket}/{bucket.prefix()}; see whether logging is on."


def _print(objects: Iterable[LogObject]) -> str:
    text = "\n".join(sorted(f"{one.key} {one.etag} {one.size}" for one in objects))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _load_day(context: Context, bucket: LogBucket, day: Window, objects: list[LogObject]) -> list[LoadResult]:
    quarantine = Quarantine(REQUESTS)
    with tempfile.TemporaryDirectory(prefix="inferledger-") as scratch:
        path = Path(scratch) / "log"

        def rows() -> Iterator[dict[str, Any]]:
            for one in objects:
                bucket.fetch(one, path)
                yield from rows_of(path, one.key, quarantine)

        return _land(context, bucket.scope, day, rows(), quarantine)


def _land(
    context: Context, scope: str, day: Window, rows: Iterable[dict[str, Any]], quarantine: Quarantine
) -> list[LoadResult]:
    result = context.landing.write(REQUESTS, scope=scope, window=day, batches=_batches(rows))
    return [result, quarantine.land(context.landing, scope=scope, window=day, good_rows=result.rows)]


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[pa.Table]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == ROWS_PER_BATCH:
            yield pa.Table.from_pylist(batch, schema=REQUESTS.schema)
            batch = []
    if batch:
        yield pa.Table.from_pylist(batch, schema=REQUESTS.schema)


def load_files(context: Context, folder: Folder, window: Window | None) -> list[LoadResult]:
    """Land log files from a folder or one file, with or without AWS's folders above them.

    Raises:
        SchemaChanged: no file is an invocation log.
    """
    places: dict[Place, list[tuple[ExportedFile, bool]]] = {}
    for file in folder.files():
        if not is_log(file.name, strict=False):
            continue
        record = first_record(folder.fetch(file), file.name)
        if record is None:
            logger.warning("passed over %s: it is no model invocation log", file.name)
        else:
            found = sorted(place_of(file.name, folder.fetch(file), record))
            # what is no record is counted once, for the first place of its file
            for place in found:
                places.setdefault(place, []).append((file, place == found[0]))
    if not places:
        raise SchemaChanged(
            f"{folder.location} holds no model invocation log: no file has lines with schemaType ModelInvocationLog.",
            "Give the folder AWSLogs of the log bucket, or one of its .json.gz files.",
        )
    logger.info("recognised model invocation logs", extra={"files": sum(map(len, places.values()))})
    results: list[LoadResult] = []
    for place in sorted(places):
        day = Window(place.day, place.day + timedelta(days=1))
        if window is not None and not (window.start < day.end and day.start < window.end):
            continue
        results += _load_place(context, folder, place, places[place])
        context.landing.report(SOURCE, place.scope, min(day.end, context.run.as_of))
    return results


def _load_place(
    context: Context, folder: Folder, place: Place, files: list[tuple[ExportedFile, bool]]
) -> list[LoadResult]:
    quarantine, counted_elsewhere = Quarantine(REQUESTS), Quarantine(REQUESTS)

    def rows() -> Iterator[dict[str, Any]]:
        for file, is_first in files:
            found = rows_of(folder.fetch(file), file.name, quarantine if is_first else counted_elsewhere)
            yield from in_window(found, file.name, place)

    return _land(context, place.scope, Window(place.day, place.day + timedelta(days=1)), rows(), quarantine)
