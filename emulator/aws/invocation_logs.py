"""Model invocation logs of the sandbox account: gzipped JSON lines per hour, as Bedrock puts them into a bucket.

Logging was switched on there a day ago. The requests of an hour are those of the world: their tokens sum to the
hour's exactly, spread evenly with the rest on the first ones. An errored call has no tokens and an error code.
"""

import gzip
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from emulator.aws.estate import Workload, opaque_id
from emulator.world import World

LOG_BUCKET = "acme-bedrock-logs"
LOG_PREFIX = "invocations"
LOGGED_ACCOUNT = "210000000003"
LOGGED_REGION = "us-east-1"
LOGGED_DAYS = 1
DELIVERED_AFTER = timedelta(minutes=5)
FOLDER = "invocation_logs"
_PEOPLE = ("ana", "bo", "chris")
_SPREAD = {
    "inputTokenCount": "input_tokens",
    "cacheReadInputTokenCount": "cache_read_tokens",
    "outputTokenCount": "output_tokens",
}

Put = Callable[[str, bytes], None]


def write_logs(world: World, estate: tuple[Workload, ...]) -> None:
    """Write the log objects below the world's aws folder, under the keys they have in the bucket."""
    root = world.folder("aws") / FOLDER
    shutil.rmtree(root, ignore_errors=True)
    logged = {
        one.stream_id: one
        for one in estate
        if (one.account, one.region, one.kind) == (LOGGED_ACCOUNT, LOGGED_REGION, "application_profile")
    }
    since = world.as_of - timedelta(days=LOGGED_DAYS)
    chosen = pc.field("stream_id").isin(list(logged)) & (pc.field("hour_start") >= since)
    hours: dict[datetime, list[dict[str, Any]]] = {}
    for row in world.usage.filter(chosen).to_pylist():
        hours.setdefault(row["hour_start"], []).append(row)
    for hour, rows in hours.items():
        lines = [line for row in rows for line in _lines(row, logged[row["stream_id"]], world.seed)]
        path = root / _key(hour, opaque_id(world.seed, f"log {hour}"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress("\n".join(lines).encode(), compresslevel=1, mtime=0))


def _key(hour: datetime, name: str) -> str:
    place = f"AWSLogs/{LOGGED_ACCOUNT}/BedrockModelInvocationLogs/{LOGGED_REGION}"
    return f"{LOG_PREFIX}/{place}/{hour:%Y/%m/%d/%H}/{hour:%Y%m%dT%H%M%S}000Z_{name}.json.gz"


def _lines(row: Mapping[str, Any], workload: Workload, seed: int) -> Iterator[str]:
    hour: datetime = row["hour_start"]
    answered, failed = row["request_count"], row["error_count"]
    step = timedelta(hours=1) / max(answered + failed, 1)
    writes = row["cache_write_tokens"] + row["cache_write_1h_tokens"]
    for number in range(answered + failed):
        is_error = number >= answered
        counts = {name: 0 if is_error else _part(row[column], answered, number) for name, column in _SPREAD.items()}
        counts["cacheWriteInputTokenCount"] = 0 if is_error else _part(writes, answered, number)
        moment = (hour + step * number).strftime("%Y-%m-%dT%H:%M:%SZ")
        request_id = f"{workload.workload_id}-{hour:%m%d%H}-{number:05d}"
        yield json.dumps(_record(workload, moment, request_id, counts, is_error, _PEOPLE[(number + seed) % 3]))


def _part(total: int, parts: int, number: int) -> int:
    """One of so many nearly equal whole parts."""
    return total // parts + (number < total % parts)


def _record(
    workload: Workload, moment: str, request_id: str, counts: Mapping[str, int], is_error: bool, person: str
) -> dict[str, Any]:
    output = counts["outputTokenCount"]
    record: dict[str, Any] = {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": moment,
        "accountId": workload.account,
        "region": workload.region,
        "requestId": request_id,
        "operation": "Converse",
        "modelId": workload.arn,
        "input": {
            "inputContentType": "application/json",
            "inputBodyJson": {"messages": [{"role": "user", "content": [{"text": "SECRET prompt"}]}]},
            **{name: count for name, count in counts.items() if name != "outputTokenCount"},
        },
        "output": {"outputContentType": "application/json", "outputTokenCount": output},
        "identity": {
            "arn": f"arn:aws:sts::{workload.account}:assumed-role/{workload.name}-service/{person}@acme.example"
        },
        "requestMetadata": {"product": workload.tags.get("product", "unknown"), "cost_tag": "staging"},
    }
    if is_error:
        record["errorCode"] = "ModelErrorException"
        del record["output"]
    return record


class LogDelivery:
    """Brings the log bucket to what it holds at a moment."""

    def __init__(self, folder: Path, put: Put, remove: Callable[[str], None]) -> None:
        root = folder / FOLDER
        self._put, self._remove = put, remove
        self._paths = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*.json.gz"))}
        self._shown: set[str] = set()
        self._put(
            f"{LOG_PREFIX}/AWSLogs/{LOGGED_ACCOUNT}/BedrockModelInvocationLogs/amazon-bedrock-logs-permission-check",
            b"",
        )

    def bring_to(self, now: datetime) -> None:
        """Put what is delivered by now, take away what is not yet."""
        due = {key for key in self._paths if _delivered_at(key) <= now}
        for key in sorted(due - self._shown):
            self._put(key, self._paths[key].read_bytes())
        for key in sorted(self._shown - due):
            self._remove(key)
        self._shown = due


def _delivered_at(key: str) -> datetime:
    hour = datetime.strptime(key.rpartition("/")[2][:15] + "+0000", "%Y%m%dT%H%M%S%z")
    return hour + timedelta(hours=1) + DELIVERED_AFTER
