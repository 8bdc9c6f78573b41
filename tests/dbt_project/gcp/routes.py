"""One small bill through every route that Google offers, each under a billing account of its own, in one built home."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from emulator.clock import Clock
from emulator.faults import Faults
from emulator.gcp.server import start
from emulator.world import World
from ingest.config import load_sources
from ingest.contracts import Context
from ingest.files import open_folder
from ingest.landing import Landing
from ingest.registry import contracts, modules
from ingest.run import Run
from ingest.settings import Settings
from ingest.sources import gcp_billing
from tests.dbt_project.gcp.sku_facts import SKUS
from tests.ingest.gcp.exported import table, write_csv, write_json_lines, write_parquet

ROOT = Path(__file__).parents[3]
OWN = "01A2B3-C4D5E6-F7A8B9"
# routes to the account under which their rows are landed
TABLES = {"detailed": "AAAAAA-000000-000001", "standard": "AAAAAA-000000-000002", "focus": "AAAAAA-000000-000003"}
FILES = {
    ("detailed", "parquet"): "BBBBBB-000000-000001",
    ("standard", "json"): "BBBBBB-000000-000002",
    ("focus", "parquet"): "BBBBBB-000000-000003",
    ("focus", "csv"): "BBBBBB-000000-000004",
}
# every route of the same rows at once, and the whole bill of a company without any model
ALL_AT_ONCE, NO_AI, SKU_TABLE = "CCCCCC-000000-000001", "CCCCCC-000000-000002", "CCCCCC-000000-000003"
TRIAL = {"name": "Free trial", "full_name": "Free trial", "id": "trial", "amount": -1.0, "type": "PROMOTION"}
WRITERS = {"parquet": write_parquet, "json": write_json_lines, "csv": write_csv}


def land_everything(home: Path, world: World) -> Context:
    """Land all routes into `home`, by the real connector; returns the context of the home."""
    context = _context(home, world)
    context.landing.ensure_anchors(contracts())
    for module in modules("config"):
        module.load(context, None)
    for kind, account in TABLES.items():
        _through_table(home, world, kind, account)
    for (kind, form), account in FILES.items():
        _through_file(context, world, kind, form, account)
    for kind in TABLES:
        _through_file(context, world, kind, "parquet", ALL_AT_ONCE)
    others = [
        row
        for row in _rows(world, "detailed", NO_AI)
        if row["service"]["description"] in ("Compute Engine", "BigQuery")
    ]
    _load_file(context, write_json_lines(others, home / "files" / "no-ai.json"))
    _load_file(context, write_json_lines([_sku_row(others[0], sku) for sku in SKUS], home / "files" / "skus.json.gz"))
    return context


def _context(home: Path, world: World, **endpoints: str) -> Context:
    settings = Settings(home=home, config_dir=ROOT / "config", retry_budget_seconds=20, **endpoints)
    run = Run("first", world.as_of)
    return Context(settings, load_sources(ROOT / "config" / "sources.yml"), Landing(settings.landing_root, run), run)


def _through_table(home: Path, world: World, kind: str, account: str) -> None:
    """Load a table over the sockets into a home of its own, and move its landed rows in under another account."""
    apart = home / "apart" / kind
    clock = Clock(apart / "clock.json")
    clock.set(world.as_of)
    service = start(world.folder("gcp"), clock, Faults(), tables=tuple(TABLES))
    try:
        urls = {name.removeprefix("INFERLEDGER_").lower(): url for name, url in service.env.items()}
        context = _context(apart, world, **urls)
        export = context.config.gcp.billing_exports[0].model_copy(update={"tables": (kind,)})
        section = context.config.gcp.model_copy(update={"billing_exports": (export,)})
        gcp_billing.load(replace(context, config=context.config.model_copy(update={"gcp_section": section})), None)
    finally:
        service.stop()
    for path in (apart / "landing" / "gcp_billing").rglob("part.parquet"):
        target = home / "landing" / path.relative_to(apart / "landing")
        if "_status" not in path.parts:
            target.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(_renamed(pq.read_table(path), account), target)


def _renamed(rows: pa.Table, account: str) -> pa.Table:
    name = "BillingAccountId" if "BillingAccountId" in rows.column_names else "billing_account_id"
    value: Any = pa.scalar(account)
    return rows.set_column(rows.schema.get_field_index(name), name, pa.repeat(value, rows.num_rows))


def _through_file(context: Context, world: World, kind: str, form: str, account: str) -> None:
    path = context.settings.home / "files" / account / f"{kind}.{form}"
    _load_file(context, WRITERS[form](table(world.folder("gcp"), world.as_of, kind, account), path))


def _load_file(context: Context, path: Path) -> None:
    with open_folder(str(path), context.settings) as folder:
        gcp_billing.load_files(context, folder, None)


def _rows(world: World, kind: str, account: str) -> list[dict[str, Any]]:
    return table(world.folder("gcp"), world.as_of, kind, account).to_pylist()


def _sku_row(row: dict[str, Any], sku: Any) -> dict[str, Any]:
    """A row of one dollar for a million units of a SKU; the cost tells nothing of it."""
    copy = json.loads(json.dumps(row, default=str))
    return copy | {
        "billing_account_id": SKU_TABLE,
        "service": {"id": sku.service_id, "description": sku.service},
        "sku": {"id": sku.sku_id, "description": sku.text},
        "usage": {"amount": sku.amount, "unit": "requests", "amount_in_pricing_units": 1.0, "pricing_unit": "requests"},
        "cost": 1.0,
        "cost_at_list": 1.0,
        "credits": [TRIAL] if sku is SKUS[0] else [],
        "labels": [],
    }


def month_of(moment: datetime) -> str:
    """`YYYY-MM-01` of a moment."""
    return f"{moment:%Y-%m}-01"
