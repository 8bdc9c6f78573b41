"""What Data Exports has put into the bucket by a given moment: one file set per billing period, the manifest last.

The keys are those of an export that overwrites its files (`OVERWRITE_REPORT`). A refresh restates the whole month to
date; an invoice id appears some days after the month has ended, for AWS and for Marketplace apart.
"""

import io
import json
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

BUCKET = "acme-billing-exports"
BUCKET_REGION = "us-east-1"
PREFIX = "cur"
EXPORT = "inferledger-cur2"
# from the end of the month until the invoice is out
INVOICED_AFTER = {"AWS": timedelta(days=4, hours=12), "AWS Marketplace": timedelta(days=3, hours=12)}
ROWS_PER_FILE = 60_000
ROWS_PER_GROUP = 10_000
_TYPES = {"string": "string", "double": "double", "timestamp[us]": "timestamp"}

Put = Callable[[str, bytes], None]


@dataclass(frozen=True)
class Period:
    """One billing period of the bill and the moments at which its export changes."""

    path: Path
    moments: tuple[datetime, ...]

    @property
    def name(self) -> str:
        """The billing period as `YYYY-MM`."""
        return self.path.stem

    def version(self, now: datetime) -> int:
        """How often the export of this period has been written by `now`; 0 means not yet."""
        return sum(1 for moment in self.moments if moment <= now)


class Delivery:
    """Brings the bucket to what it holds at a moment; safe to call from many threads."""

    def __init__(self, folder: Path, put: Put, remove: Callable[[str], None]) -> None:
        self._put, self._remove = put, remove
        self._lock = threading.Lock()
        self._periods = tuple(_period(path) for path in sorted((folder / "bill").glob("*.parquet")))
        self._versions: dict[str, int] = {period.name: 0 for period in self._periods}
        self._keys: dict[str, list[str]] = {}

    def bring_to(self, now: datetime) -> None:
        """Write the periods whose content at `now` differs from what the bucket holds."""
        with self._lock:
            for period in self._periods:
                version = period.version(now)
                if version != self._versions[period.name]:
                    self._deliver(period, version, now)
                    self._versions[period.name] = version
            pa.default_memory_pool().release_unused()

    def _deliver(self, period: Period, version: int, now: datetime) -> None:
        outdated = self._keys.pop(period.name, [])
        files: list[str] = []
        columns: list[dict[str, str]] = []
        if version:
            for number, (body, schema) in enumerate(_files(period.path, period.name, now), start=1):
                key = f"{PREFIX}/{EXPORT}/data/BILLING_PERIOD={period.name}/{EXPORT}-{number:05d}.snappy.parquet"
                self._put(key, body)
                files.append(key)
                columns = [{"name": field.name, "type": _TYPES.get(str(field.type), "map")} for field in schema]
        manifest = f"{PREFIX}/{EXPORT}/metadata/BILLING_PERIOD={period.name}/{EXPORT}-Manifest.json"
        if files:
            self._put(manifest, _manifest(period, version, files, columns))
        kept = [*files, manifest] if files else []
        for key in outdated:
            if key not in kept:
                self._remove(key)
        self._keys[period.name] = kept


def _period(path: Path) -> Period:
    spans: Any = pq.read_table(path, columns=["visible_from", "visible_to"])
    found = pa.concat_arrays([pc.unique(spans["visible_from"]), pc.unique(spans["visible_to"]).drop_null()])
    moments = {moment.replace(tzinfo=UTC) for moment in found.to_pylist()}
    end = _month_end(path.stem)
    return Period(path, tuple(sorted(moments | {end + delay for delay in INVOICED_AFTER.values()})))


def _month_end(name: str) -> datetime:
    year, month = (int(part) for part in name.split("-"))
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)


def rows_at(path: Path, now: datetime) -> pa.Table:
    """The rows of one period's file that AWS shows at `now`."""
    return _shown(pq.read_table(path), _invoices(path.stem, now), now)


def _invoices(name: str, now: datetime) -> pa.Table:
    return pa.table(
        {
            "entity": pa.array(list(INVOICED_AFTER)),
            "bill_invoice_id": pa.array([_invoice_id(entity, name, now) for entity in INVOICED_AFTER], pa.string()),
        }
    )


def _files(path: Path, name: str, now: datetime) -> Iterator[tuple[bytes, pa.Schema]]:
    """The rows that AWS shows at `now`, with the invoice ids that are known by then, as Parquet files."""
    invoices = _invoices(name, now)
    schema = pa.schema([])
    sink, writer, rows = io.BytesIO(), None, 0
    for batch in pq.ParquetFile(path).iter_batches(ROWS_PER_GROUP):
        shown = _shown(pa.Table.from_batches([batch]), invoices, now)
        if not shown.num_rows:
            continue
        writer = writer or pq.ParquetWriter(sink, shown.schema, compression="snappy")
        schema = shown.schema
        writer.write_table(shown)
        rows += shown.num_rows
        if rows >= ROWS_PER_FILE:
            writer.close()
            yield sink.getvalue(), shown.schema
            sink, writer, rows = io.BytesIO(), None, 0
    if writer is not None:
        writer.close()
        yield sink.getvalue(), schema


def _shown(rows: Any, invoices: pa.Table, now: datetime) -> pa.Table:
    moment = pa.scalar(now.astimezone(UTC).replace(tzinfo=None), pa.timestamp("us"))
    is_open = pc.fill_null(pc.less(moment, rows["visible_to"]), pa.scalar(True))
    rows = rows.filter(pc.and_(pc.less_equal(rows["visible_from"], moment), is_open))
    position = pc.index_in(rows["bill_billing_entity"], value_set=invoices["entity"].combine_chunks())
    invoice = invoices["bill_invoice_id"].take(position)
    return rows.drop_columns(["visible_from", "visible_to"]).append_column("bill_invoice_id", invoice)


def _invoice_id(entity: str, name: str, now: datetime) -> str | None:
    if now < _month_end(name) + INVOICED_AFTER[entity]:
        return None
    return f"E{zlib.crc32(f'{entity} {name}'.encode()):010d}"


def _manifest(period: Period, version: int, files: list[str], columns: list[dict[str, str]]) -> bytes:
    written: dict[str, Any] = {
        "exportArn": f"arn:aws:bcm-data-exports:us-east-1:100000000001:export/{EXPORT}",
        "exportName": EXPORT,
        "billingPeriod": period.name,
        "executionCreatedAt": period.moments[version - 1].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "contentType": "Parquet",
        "compression": "Parquet",
        "columns": columns,
        "dataFiles": [f"s3://{BUCKET}/{key}" for key in files],
    }
    return json.dumps(written, indent=1).encode()
