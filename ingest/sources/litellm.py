"""LiteLLM's request logs, as its S3 and GCS loggers write them: JSON, one request an object or a line.

Inputs: the files below each location of `litellm.logs` in `sources.yml`. The loggers `s3_v2` and `s3` write
`<path>/[team/][key/]YYYY-MM-DD/time-HH-MM-SS-ffffff_<id>.json` with an object each, `gcs_bucket` writes
`YYYY-MM-DD/<id>` or, in batches, `YYYY-MM-DD/batch-<id>.ndjson`. Prompts and answers in them never land.
A window is one UTC day of one location, replaced whole; the first run reads `backfill_days`, later ones the three days
before the newest landed one and on, and of those only the days whose files changed. A request that lies in two files
lands twice and counts once: its id tells.
Run alone: `inferledger ingest litellm`, or `inferledger ingest litellm --path s3://bucket/prefix`.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime

from ingest import log_files
from ingest.checks import Finding, attempt
from ingest.contracts import Context, LoadResult
from ingest.file_rows import json_rows, may_be_json
from ingest.files import Folder
from ingest.json_values import UnreadableRow, known_cost, moment
from ingest.log_files import DayBook, OpenedFile
from ingest.quarantine import Quarantine
from ingest.run import Window
from ingest.sources.litellm_rows import REQUESTS, SOURCE, is_request, parse

STREAMS = (REQUESTS,)
_COST = re.compile(r'"response_cost": ?([0-9.eE+-]+)[,}]')
__all__ = ["REQUESTS", "SOURCE", "STREAMS", "check", "load", "load_files"]


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Replace each day of `window` (None: the days whose files changed) of every location.

    Raises:
        ConfigError, EmptyAnswer, PermissionDenied, CredentialExpired, Unreachable: a location cannot be read.
        CorruptFile, Shrunk: what lies there is no log, or far less than before.
    """
    return [
        result
        for place in context.config.litellm.logs
        for result in log_files.load_location(context, REQUESTS, place, window, read)
    ]


def load_files(context: Context, folder: Folder, window: Window | None) -> list[LoadResult]:
    """Land the requests of the files in `folder`. Raises SchemaChanged when none is a log of LiteLLM."""
    return log_files.load_folder(context, REQUESTS, folder, window, read, "a LiteLLM request log")


def check(context: Context) -> Iterator[Finding]:
    """Whether each location can be listed, and what it holds."""
    for place in context.config.litellm.logs:
        yield attempt(
            SOURCE, place.name, "reachable", f"{place.path} can be listed.",
            lambda place=place: log_files.require_location(context, place),
        )  # fmt: skip


def read(files: Callable[[], Iterator[OpenedFile]], book: DayBook) -> None:
    """Put the requests of all files into `book`; a file that holds none, and could hold none, is passed over."""
    for file, path in files():
        aside = Quarantine(REQUESTS)
        found = others = 0
        for row in json_rows(path, file.name, aside):
            if not is_request(row):
                others += 1
                continue
            found += 1
            _take(row, file.name, book)
        book.recognised += bool(found)
        if found or (may_be_json(aside) and not others):
            # a broken line among requests, or a file of JSON that breaks off
            for bad in aside.rows:
                _set_line_apart(book, file.name, str(bad["row"]))
        if found and others:
            for _ in range(others):
                book.set_apart(file=file.name, reason="it is no logged request", row="")


def _take(row: dict[str, object], name: str, book: DayBook) -> None:
    try:
        kept = parse(row)
    except UnreadableRow as error:
        book.set_apart(
            file=name,
            reason=str(error),
            # never the request itself: it holds what people wrote
            row=f"id {row.get('id')!r:.100}",
            moment=_moment(row),
            amount=known_cost(row.get("response_cost")),
        )
        return
    book.add(kept["startTime"], kept)


def _set_line_apart(book: DayBook, name: str, line: str) -> None:
    """A line that is no JSON: its cost where that can be made out, never its text."""
    cost = _COST.search(line)
    amount = known_cost(cost[1]) if cost else None
    book.set_apart(file=name, reason="it is no JSON object", row=f"{len(line)} characters", amount=amount)


def _moment(row: dict[str, object]) -> datetime | None:
    try:
        return moment(row.get("startTime"), "startTime")
    except UnreadableRow:
        return None
