"""Cost exports of the local Azure: actual, amortized and FOCUS files with their manifest, from the rows of its bill.

They are made on demand, into a folder or a blob container, at the time that the caller names; nothing else of a run
needs them. Headers and spellings are Microsoft's: a byte order mark, tags without braces and days as MM/DD/YYYY in
Enterprise Agreement files, ISO days in those of a Microsoft Customer Agreement.
"""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from emulator.azure import export_rows

Put = Callable[[str, bytes], None]
TYPES = ("ActualCost", "AmortizedCost", "FocusCost")
DATA_VERSIONS = {"EA": "2023-12-01-preview", "MCA": "2023-12-01-preview", "FOCUS": "1.0r2"}
MADE_AT = timedelta(hours=2)


@dataclass(frozen=True)
class Export:
    """One export as it is set up.

    Attributes:
        kind: ``ActualCost``, ``AmortizedCost`` or ``FocusCost``.
        agreement: ``EA`` or ``MCA``; the columns of actual and amortized files.
        form: ``csv``, ``csv.gz`` or ``parquet``.
        partitions: how many files a run is split into.
        scope: the ARM id that it reads; a subscription's holds that subscription's rows only.
        overwrites: whether a run replaces the files of the one before it.
        account: billing account to write instead of the world's.
    """

    kind: str
    name: str
    agreement: str = "EA"
    form: str = "csv"
    partitions: int = 1
    scope: str | None = None
    overwrites: bool = True
    root: str = "cost"
    data_version: str | None = None
    account: str | None = None

    @property
    def columns_of(self) -> str:
        """The shape of the files: EA, MCA or FOCUS."""
        return "FOCUS" if self.kind == "FocusCost" else self.agreement


def to_folder(root: Path) -> Put:
    """Puts blobs into a folder."""

    def put(name: str, content: bytes) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return put


def to_container(container: Any) -> Put:
    """Puts blobs into a container, by a `ContainerClient` of the storage client."""
    return lambda name, content: container.upload_blob(name, content, overwrite=True)


def run(folder: Path, export: Export, month: date, now: datetime, put: Put) -> str:
    """Run an export for a month as of `now`; returns the name of its manifest.

    Args:
        folder: the world's Azure folder.
        put: takes each blob by its name; the manifest comes last.
    """
    inventory = json.loads((folder / "inventory.json").read_text(encoding="utf-8"))
    account = export.account or inventory["billing_account_id"]
    scope = export.scope or f"/providers/Microsoft.Billing/billingAccounts/{account}"
    bill = export_rows.Bill(account, inventory["currency"], month, export_rows.next_month(month))
    rows = export_rows.rows(_visible(folder, bill, now, scope), export.kind, export.columns_of, bill)
    last = bill.month_end - timedelta(days=1)
    run_id = f"{now:%Y%m%d%H%M%S}-{export.kind.lower()}"
    home = f"{export.root}/{export.name}/{month:%Y%m%d}-{last:%Y%m%d}"
    home = home if export.overwrites else f"{home}/{run_id}"
    blobs: list[dict[str, Any]] = []
    for number, part in enumerate(_split(rows, export.partitions)):
        name = f"{home}/part_{number}_0001.{'parquet' if export.form == 'parquet' else export.form}"
        content = write_rows(part, export_rows.COLUMNS[export.columns_of], export.form)
        put(name, content)
        blobs.append({"blobName": name, "byteCount": len(content), "dataRowCount": len(part)})
    manifest = _manifest(export, scope, bill, now, run_id, blobs, len(rows))
    put(f"{home}/manifest.json", json.dumps(manifest, indent=1).encode())
    return f"{home}/manifest.json"


def _manifest(
    export: Export,
    scope: str,
    bill: export_rows.Bill,
    now: datetime,
    run_id: str,
    blobs: list[dict[str, Any]],
    rows: int,
) -> dict[str, Any]:
    last = bill.month_end - timedelta(days=1)
    return {
        "manifestVersion": "2024-04-01",
        "byteCount": sum(blob["byteCount"] for blob in blobs),
        "blobCount": len(blobs),
        "dataRowCount": rows,
        "exportConfig": {
            "exportName": export.name,
            "resourceId": f"{scope}/providers/Microsoft.CostManagement/exports/{export.name}",
            "dataVersion": export.data_version or DATA_VERSIONS[export.columns_of],
            "apiVersion": "2023-07-01-preview",
            "type": export.kind,
            "timeFrame": "MonthToDate",
            "granularity": "Daily",
        },
        "deliveryConfig": {
            "partitionData": True,
            "dataOverwriteBehavior": "OverwritePreviousReport" if export.overwrites else "CreateNewReport",
            "fileFormat": "Parquet" if export.form == "parquet" else "Csv",
            "containerUri": "/subscriptions/x/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/acmecost",
            "rootFolderPath": export.root,
        },
        "runInfo": {
            "executionType": "Scheduled",
            "submittedTime": now.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z",
            "runId": run_id,
            "startDate": f"{bill.month:%Y-%m-%d}T00:00:00",
            "endDate": f"{last:%Y-%m-%d}T00:00:00",
        },
        "blobs": blobs,
    }


def details(folder: Path, kind: str, scope: str, start: date, end: date, now: datetime) -> tuple[bytes, int]:
    """The CSV of a cost details report over `start` to `end`, both included, and its number of rows."""
    inventory = json.loads((folder / "inventory.json").read_text(encoding="utf-8"))
    bill = export_rows.Bill(inventory["billing_account_id"], inventory["currency"], start, end + timedelta(days=1))
    rows = list(export_rows.rows(_visible(folder, bill, now, scope), kind, "EA", bill))
    return write_rows(rows, export_rows.COLUMNS["EA"], "csv"), len(rows)


def _visible(folder: Path, bill: export_rows.Bill, now: datetime, scope: str) -> list[dict[str, Any]]:
    """The rows of both views that can be read at `now`."""
    table = pq.read_table(folder / "cost_rows.parquet")
    day, seen, gone = (pc.field(name) for name in ("usage_date", "visible_from", "visible_to"))
    moment = pa.scalar(now, pa.timestamp("us", tz="UTC"))
    kept = table.filter((day >= pa.scalar(bill.month)) & (day < pa.scalar(bill.month_end)) & (seen <= moment))
    rows = kept.filter(gone.is_null() | (gone > moment)).to_pylist()
    if "/subscriptions/" in f"/{scope.lower()}":
        subscription = scope.lower().partition("subscriptions/")[2].partition("/")[0]
        return [row for row in rows if (row["subscription_id"] or "").lower() == subscription]
    return rows


def _split(rows: list[dict[str, str]], parts: int) -> Iterator[list[dict[str, str]]]:
    size = -(-len(rows) // parts) if rows else 1
    for number in range(parts):
        yield rows[number * size : (number + 1) * size]


def write_rows(rows: list[dict[str, str]], columns: tuple[str, ...], form: str) -> bytes:
    """The bytes of one file."""
    if form == "parquet":
        return _parquet(rows, columns)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    content = "\ufeff".encode() + text.getvalue().encode()
    return gzip.compress(content, mtime=0) if form == "csv.gz" else content


def _parquet(rows: list[dict[str, str]], columns: tuple[str, ...]) -> bytes:
    """Amounts as decimals and days as timestamps, as an export in this format types them."""
    arrays: dict[str, Any] = {}
    for name in columns:
        values = [row.get(name) or None for row in rows]
        if name in export_rows.DECIMALS:
            arrays[name] = pa.array([export_rows.exact(value) for value in values], pa.decimal128(38, 18))
        elif name in export_rows.MOMENTS:
            arrays[name] = pa.array([export_rows.moment(value) for value in values], pa.timestamp("ms"))
        else:
            arrays[name] = pa.array(values, pa.string())
    sink = io.BytesIO()
    pq.write_table(pa.table(arrays), sink, compression="snappy")
    return sink.getvalue()
