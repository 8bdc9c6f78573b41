"""The AWS bill: Cost and Usage Report 2.0 files that AWS Data Exports puts into a bucket.

Inputs: `<prefix>/<export>/metadata/BILLING_PERIOD=YYYY-MM/.../<export>-Manifest.json`, then the Parquet files it names;
the manifest is written after them, so a file it does not name is not read. With one folder per execution the newest
manifest counts.
A load is one export and billing period, replaced whole: AWS restates the month to date with every refresh and closed
months for about two weeks. Each run looks at every period of the backfill; a manifest whose entity tag is known is
skipped. The manifest is read again after its files, so a refresh in between cannot mix two deliveries.
Run alone: `inferledger ingest aws_cur --start 2026-10-01 --end 2026-11-01`.
"""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.aws_client import AwsClients
from ingest.config_aws import AwsExport
from ingest.contracts import Context, LoadResult
from ingest.errors import ConfigError, CorruptFile, EmptyAnswer, PermissionDenied, TransientError, WrongRegion
from ingest.run import Window, months
from ingest.sources.aws_cur_schema import LINE_ITEMS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SOURCE = "aws_cur"
STREAMS = (LINE_ITEMS,)
ROWS_PER_BATCH = 20_000
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Delivery:
    """One delivered billing period: where its manifest lies, its entity tag, and the files it names."""

    period: Window
    key: str
    etag: str
    files: tuple[str, ...] = ()


@dataclass
class Seen:
    """What passed by while a period was loaded: the end of its newest usage, and the Bedrock resources."""

    watermark: datetime | None = None
    workloads: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])


class Bucket:
    """Reads one export's bucket with our errors and retries."""

    def __init__(self, clients: AwsClients, export: AwsExport) -> None:
        self.export = export
        self._clients = clients
        self._client: S3Client = clients.s3(export.region)
        self._where = f"Billing export {export.name} in bucket {export.bucket}"

    def check_region(self) -> None:
        """Raise WrongRegion when the bucket lives elsewhere than configured; boto3 would follow it silently."""
        head = self._clients.calling(self._where, "s3:ListBucket")(self._client.head_bucket)
        try:
            region = head(Bucket=self.export.bucket).get("BucketRegion")
        except (ConfigError, PermissionDenied):
            # an answer to HEAD has no body that could say why; listing needs the same permission, and does say
            self._clients.calling(self._where, "s3:ListBucket")(self._client.list_objects_v2)(
                Bucket=self.export.bucket, MaxKeys=1
            )
            raise
        if region and region != self.export.region:
            raise WrongRegion(
                f"{self._where}: the bucket is in {region}, sources.yml says {self.export.region}.",
                f"Set region: {region} for export {self.export.name} in sources.yml.",
            )

    def manifests(self) -> dict[str, Delivery]:
        """The newest manifest of each billing period, by `YYYY-MM`; raises EmptyAnswer when there is none."""
        folder = "/".join(part for part in (self.export.prefix.strip("/"), self.export.name, "metadata") if part)
        list_page = self._clients.calling(self._where, "s3:ListBucket")(self._client.list_objects_v2)
        newest: dict[str, tuple[datetime, Delivery]] = {}
        token: dict[str, Any] = {}
        while True:
            page = list_page(Bucket=self.export.bucket, Prefix=f"{folder}/", **token)
            for found in page.get("Contents", []):
                key, written = found.get("Key", ""), found.get("LastModified", datetime.min.replace(tzinfo=UTC))
                period = _period(key)
                if period is None or not key.endswith("-Manifest.json"):
                    continue
                name = f"{period.start:%Y-%m}"
                if name not in newest or written > newest[name][0]:
                    newest[name] = written, Delivery(period, key, found.get("ETag", ""))
            if not page.get("IsTruncated"):
                break
            token = {"ContinuationToken": page.get("NextContinuationToken", "")}
        if not newest:
            raise EmptyAnswer(
                f"{self._where}: there is no manifest under {folder}/.",
                "Check bucket, prefix and export name in sources.yml; a new export delivers within 24 hours.",
            )
        return {name: delivery for name, (_, delivery) in sorted(newest.items())}

    def read_manifest(self, delivery: Delivery) -> Delivery:
        """The delivery with the files its manifest names.

        Raises:
            CorruptFile: the manifest is no JSON or names no file.
            ConfigError: the export writes text instead of Parquet.
        """
        read = self._clients.calling(f"{self._where}, {delivery.key}", "s3:GetObject")(self._get)
        body, etag = read(delivery.key)
        try:
            manifest = json.loads(body)
            files = tuple(_file_key(entry, self.export.bucket) for entry in manifest["dataFiles"])
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptFile(
                f"{self._where}: {delivery.key} is no manifest that names its dataFiles ({error!r}).",
                "Wait for the next delivery, or check the export's health in the AWS console.",
            ) from error
        if not files:
            raise EmptyAnswer(f"{self._where}: {delivery.key} names no file.", "Wait for the next delivery.")
        if any(not key.endswith(".parquet") for key in files):
            raise ConfigError(f"{self._where}: the export is not Parquet ({files[0]}).", "Set its format to Parquet.")
        return replace(delivery, etag=etag, files=files)

    def download(self, key: str, target: Path) -> None:
        """Copy one data file to `target`."""
        self._clients.calling(f"{self._where}, {key}", "s3:GetObject")(self._download)(key, target)

    def _get(self, key: str) -> tuple[bytes, str]:
        answer = self._client.get_object(Bucket=self.export.bucket, Key=key)
        return answer["Body"].read(), answer["ETag"]

    def _download(self, key: str, target: Path) -> None:
        answer = self._client.get_object(Bucket=self.export.bucket, Key=key)
        with target.open("wb") as stream:
            for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                stream.write(chunk)


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Replace every billing period of `window` (None: those of the backfill whose manifest changed).

    Raises:
        EmptyAnswer, CorruptFile, SchemaChanged, Shrunk: what was delivered is not a bill; the landed one stays.
        PermissionDenied, CredentialExpired, Unreachable, WrongRegion, ConfigError: as AWS answered, with what to do.
    """
    clients = AwsClients(context.settings)
    results: list[LoadResult] = []
    for export in context.config.aws.exports:
        results += _load_export(context, Bucket(clients, export), window)
    return results


def _load_export(context: Context, bucket: Bucket, window: Window | None) -> list[LoadResult]:
    export, as_of = bucket.export, context.run.as_of
    bucket.check_region()
    delivered = bucket.manifests()
    span = window or Window(as_of - timedelta(days=context.config.backfill_days), as_of)
    wanted = [delivered[name] for name in (f"{month.start:%Y-%m}" for month in months(span)) if name in delivered]
    if not wanted:
        raise EmptyAnswer(
            f"Billing export {export.name}: no billing period of {span} is delivered, only {', '.join(delivered)}.",
            "Ask for another window, or backfill the export in the AWS console.",
        )
    state = context.landing.read_state(SOURCE, export.name)
    landed = context.landing.windows(LINE_ITEMS, export.name)
    results: list[LoadResult] = []
    for number, delivery in enumerate(wanted):
        context.progress(f"aws_cur {export.name}", number, len(wanted))
        name = f"{delivery.period.start:%Y-%m}"
        is_known = state.get(name, {}).get("etag") == delivery.etag and f"{name}-01" in landed
        if window is None and is_known:
            continue
        result, etag, seen = _load_period(context, bucket, delivery)
        results.append(result)
        state[name] = {"etag": etag, "watermark": seen.watermark.isoformat() if seen.watermark else None}
        _remember_workloads(context, seen)
        context.landing.write_state(SOURCE, export.name, state)
    context.progress(f"aws_cur {export.name}", len(wanted), len(wanted))
    marks = [datetime.fromisoformat(one["watermark"]) for one in state.values() if one["watermark"]]
    context.landing.report(SOURCE, context.config.aws.payer_account_id, max(marks, default=None))
    return results


def _load_period(context: Context, bucket: Bucket, delivery: Delivery) -> tuple[LoadResult, str, Seen]:
    """Load one period from one consistent delivery; a refresh in between starts it over, up to three times."""
    for _ in range(3):
        manifest = bucket.read_manifest(delivery)
        with tempfile.TemporaryDirectory(prefix="inferledger-") as folder:
            paths = [Path(folder) / f"{number:05d}.parquet" for number in range(len(manifest.files))]
            for key, path in zip(manifest.files, paths, strict=True):
                bucket.download(key, path)
            if bucket.read_manifest(delivery).etag != manifest.etag:
                continue
            seen = Seen()
            batches = _batches(list(zip(manifest.files, paths, strict=True)), seen)
            result = context.landing.write(
                LINE_ITEMS, scope=bucket.export.name, window=delivery.period, batches=batches
            )
            return result, manifest.etag, seen
    raise TransientError(
        f"Billing export {bucket.export.name}: {delivery.key} was rewritten three times while it was read.",
        "Run again in an hour.",
    )


def _batches(files: list[tuple[str, Path]], seen: Seen) -> Iterator[pa.Table]:
    """The rows of all files, noting on the way how far usage reaches and which Bedrock resources appear."""
    for key, path in files:
        try:
            file: Any = pq.ParquetFile(path)
            for batch in file.iter_batches(ROWS_PER_BATCH):
                table = pa.Table.from_batches([batch])
                _note(table, seen)
                yield table
            file.close()
        except (pa.ArrowInvalid, OSError) as error:
            raise CorruptFile(
                f"Billing export file {key} cannot be read to its end: {error}.",
                "Run again after the export's next refresh; the rows landed before stay.",
            ) from error


def _note(table: pa.Table, seen: Seen) -> None:
    needed = {"line_item_line_item_type", "line_item_usage_end_date", "line_item_resource_id"}
    needed |= {"line_item_usage_account_id"}
    if not needed <= set(table.column_names):
        return
    usage = table.filter(pc.field("line_item_line_item_type") == "Usage")
    newest: Any = pc.max(usage["line_item_usage_end_date"]).as_py()
    if newest is not None:
        newest = newest.replace(tzinfo=UTC)
        seen.watermark = max(newest, seen.watermark or newest)
    pairs = usage.select(["line_item_usage_account_id", "line_item_resource_id"])
    pairs = pairs.rename_columns(["account", "resource"]).filter(pc.match_substring(pc.field("resource"), ":bedrock:"))
    named: Any = pairs.group_by(["account", "resource"]).aggregate([])
    for row in named.to_pylist():
        parts = str(row["resource"]).split(":", 5)
        model_id = row["resource"] if parts[5].startswith("provisioned-model/") else parts[5].partition("/")[2]
        seen.workloads.add((row["account"], parts[3], model_id))


def _remember_workloads(context: Context, seen: Seen) -> None:
    """Keep the ids for the metrics: CloudWatch still has the hours of a profile that is deleted and long silent."""
    known = context.landing.read_state(SOURCE, "workloads")
    for account, region, model_id in sorted(seen.workloads):
        place = known.setdefault(account, [])
        if [region, model_id] not in place:
            place.append([region, model_id])
    context.landing.write_state(SOURCE, "workloads", known)


def _period(key: str) -> Window | None:
    """The billing period in a key's `BILLING_PERIOD=YYYY-MM` folder."""
    for part in key.split("/"):
        label, _, value = part.partition("=")
        if label == "BILLING_PERIOD":
            start = datetime.strptime(value, "%Y-%m").replace(tzinfo=UTC)
            return next(months(Window(start, start + timedelta(days=1))))
    return None


def _file_key(entry: Any, bucket: str) -> str:
    """The key of a manifest's entry: text or an object, a full s3 address or a key."""
    text = entry if isinstance(entry, str) else str(entry["filePath"])
    if "://" in text:
        return urlsplit(text).path.lstrip("/")
    return text.removeprefix(f"{bucket}/")
