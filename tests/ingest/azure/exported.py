"""Cost exports of a short world, and what of them landed."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from emulator.azure.exports import Export, run, to_folder
from emulator.world import World
from ingest.contracts import Context
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
