"""Cost exports of a short world, and what of them landed."""

import csv
import io
import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from emulator.azure.exports import Export, run, to_folder
from emulator.world import World
from ingest.contracts import Context
from ingest.quarantine import quarantine_contract
from ingest.sources.azure_cost_shapes import EA
from tests.ingest.azure.conftest import AS_OF

NOVEMBER = date(2026, 11, 1)


ACCOUNT = "8611537"


def export(world: World, into: Path, name: str = "actual", *, seen: datetime = AS_OF, **options: Any) -> Path:
    """Run an export into a folder; its manifest's path."""
    made = Export(options.pop("kind", "ActualCost"), name, **options)
    return into / run(world.folder("azure"), made, NOVEMBER, seen, to_folder(into))


def visible(world: World, view: str = "ActualCost", now: datetime = AS_OF) -> Decimal:
    """What the bill holds for November at a time."""
    rows = pq.read_table(world.folder("azure") / "cost_rows.parquet").to_pylist()
    return sum(
        (
            row["cost"]
            for row in rows
            if row["metric"] == view
            and row["usage_date"] >= NOVEMBER
            and row["visible_from"] <= now
            and (row["visible_to"] is None or row["visible_to"] > now)
        ),
        Decimal(0),
    )


def total(context: Context, contract=EA, column: str = "Cost", view: str | None = None) -> Decimal:
    rows = context.landing.read(contract).to_pylist()
    return sum((Decimal(row[column]) for row in rows if view is None or row["_view"] == view), Decimal(0))


def quarantined(cost_context: Context) -> list[dict[str, Any]]:
    return cost_context.landing.read(quarantine_contract("azure_cost")).to_pylist()


def rewrite(path: Path, change: Callable[[list[list[str]]], list[list[str]]]) -> None:
    """Change the rows of a CSV file, header first."""
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
    text = io.StringIO(newline="")
    csv.writer(text).writerows(change(rows))
    path.write_bytes("\ufeff".encode() + text.getvalue().encode())


def trust(path: Path) -> None:
    """Let the manifest speak of the file as it is now."""
    manifest = path.with_name("manifest.json")
    content = json.loads(manifest.read_text())
    content["blobs"][0]["byteCount"] = path.stat().st_size
    content["dataRowCount"] = len(list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))) - 1
    manifest.write_text(json.dumps(content))
