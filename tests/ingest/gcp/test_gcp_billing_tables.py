"""Which tables of the export are read, how far back, and what the doctor says: one running local cloud for all."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emulator.clock import Clock
from emulator.faults import Faults
from emulator.gcp import bill
from emulator.gcp.permissions import Permissions
from emulator.gcp.server import start
from emulator.world import make_world
from ingest.config import load_sources
from ingest.contracts import Context
from ingest.errors import ConfigError, EmptyAnswer
from ingest.landing import Landing
from ingest.run import Run, Window
from ingest.settings import Settings
from ingest.sources import gcp_billing, gcp_billing_partitions
from ingest.sources.gcp_billing_focus import FOCUS_ROWS
from ingest.sources.gcp_billing_prices import ACCOUNT_PRICES
from ingest.sources.gcp_billing_rows import EXPORT_ROWS, conformed
from tests.ingest.gcp.conftest import CONFIG, Rig
from tests.ingest.gcp.exported import table

ACCOUNT = "01A2B3_C4D5E6_F7A8B9"
DAY = Window(datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 17, tzinfo=UTC))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    home = tmp_path_factory.mktemp("tables")
    world = make_world(home, days=5)
    bill.write(world)
    clock, faults = Clock(home / "clock.json"), Faults()
    clock.set(world.as_of)
    permissions = Permissions()
    tables = ("detailed", "standard", "focus", "pricing")
    service = start(world.folder("gcp"), clock, faults, tables=tables, permissions=permissions)
    urls = {name.removeprefix("INFERLEDGER_").lower(): url for name, url in service.env.items()}
    settings = Settings(home=home, retry_budget_seconds=5, **urls)
    run = Run("first", world.as_of)
    yield Rig(world, clock, faults, Context(settings, load_sources(CONFIG), Landing("unused", run), run), permissions)
    service.stop()


@pytest.fixture
def rig(cloud: Rig, tmp_path) -> Rig:
    cloud.faults.clear()
    cloud.faults.forget_requests()
    cloud.clock.set(cloud.world.as_of)
    settings = cloud.context.settings.model_copy(update={"home": tmp_path})
    run = Run("first", cloud.world.as_of)
    context = Context(settings, load_sources(CONFIG), Landing(settings.landing_root, run), run)
    return Rig(cloud.world, cloud.clock, cloud.faults, context, cloud.permissions)


def _status(rig):
    return pq.read_table(rig.context.settings.home / "landing" / "gcp_billing" / "_status").to_pylist()[0]


def test_gcp_1_1_either_table_is_found_by_its_name(rig):
    assert {result.scope for result in rig.load(gcp_billing, DAY)} == {f"gcp_billing_export_resource_v1_{ACCOUNT}"}
    rig.set_config(tables=("standard",))
    assert {result.scope for result in rig.load(gcp_billing, DAY)} == {f"gcp_billing_export_v1_{ACCOUNT}"}
    rows = rig.context.landing.read(EXPORT_ROWS, scope=f"gcp_billing_export_v1_{ACCOUNT}")
    assert rows["price"].null_count == rows.num_rows > 0
    assert set(rows["export_kind"].to_pylist()) == {"standard"}


def test_gcp_1_4_the_focus_table_is_found_in_googles_own_dataset(rig):
    rig.set_config(tables=("focus",), dataset="billing_*")
    rig.load(gcp_billing, DAY)
    landed = rig.context.landing.read(FOCUS_ROWS).to_pylist()
    served = [row for row in table(rig.world.folder("gcp"), rig.clock.now(), "focus").to_pylist()
              if DAY.start <= row["x_ExportTime"] < DAY.end]  # fmt: skip
    assert len(landed) == len(served) > 0
    assert sum(row["BilledCost"] for row in landed) == sum(row["BilledCost"] for row in served)


def test_a_pattern_without_dataset_and_a_table_that_is_not_there_are_named(rig):
    rig.set_config(dataset="nothing_*")
    with pytest.raises(EmptyAnswer, match=r"shows no dataset like nothing_\*"):
        rig.load(gcp_billing)
    rig.set_config(dataset="billing_export", tables=("detailed",), billing_account_id="FFFFFF-FFFFFF-FFFFFF")
    with pytest.raises(EmptyAnswer, match="holds no detailed export of account FFFFFF"):
        rig.load(gcp_billing)


def test_gcp_1_2_numbers_are_cast_whatever_their_type(rig):
    rows = table(rig.world.folder("gcp"), rig.clock.now()).slice(0, 50)
    index = rows.schema.get_field_index("cost")
    numeric = rows.set_column(index, "cost", rows["cost"].cast(pa.decimal128(38, 9), safe=False))
    assert conformed(numeric, EXPORT_ROWS.schema)["cost"].to_pylist() == rows["cost"].to_pylist()


def test_gcp_1_3_the_newest_price_snapshot_lands_by_its_day(rig):
    rig.set_config(tables=("detailed", "pricing"))
    results = [result for result in rig.load(gcp_billing, DAY) if result.stream == "account_prices"]
    assert [f"{result.window_start:%Y-%m-%d}" for result in results] == ["2026-11-18"]
    prices = rig.context.landing.read(ACCOUNT_PRICES).to_pylist()
    assert {row["service"]["description"] for row in prices} <= {"Vertex AI", "Claude Sonnet 4.5"}
    lite = [row for row in prices if row["sku"]["description"] == "Gemini 2.5 Flash Lite Text Input - Predictions"]
    assert all(rate["usd_amount"] > Decimal(0) for row in lite for rate in row["list_price"]["tiered_rates"])


def test_gcp_1_5_daily_runs_look_back_sixty_days_and_weekly_ones_at_all(rig):
    rig.load(gcp_billing)
    looks = [
        str(request["query"]) for request in rig.asked("jobs.insert") if "MAX(export_time)" in str(request["query"])
    ]
    assert looks
    loader_asks: list[datetime] = []

    def looked(self, start, end, inner=gcp_billing_partitions.PartitionLoader.fingerprints):
        loader_asks.append(start)
        return inner(self, start, end)

    original = gcp_billing_partitions.PartitionLoader.fingerprints
    gcp_billing_partitions.PartitionLoader.fingerprints = looked
    try:
        for days in (1, 8):
            rig.move_to(rig.world.as_of + timedelta(days=days))
            rig.load(gcp_billing)
    finally:
        gcp_billing_partitions.PartitionLoader.fingerprints = original
    spans = [
        (rig.world.as_of + timedelta(days=days) - asked).days for days, asked in zip((1, 8), loader_asks, strict=True)
    ]
    assert spans == [60, 90]


def test_a_crash_in_the_first_load_does_not_count_as_a_full_look(rig):
    rig.faults.add("gcp", "jobs.insert", "forbidden", times=None, after=2)
    with pytest.raises(Exception, match="refuses access"):
        rig.load(gcp_billing)
    state = rig.context.landing.read_state("gcp_billing", f"gcp_billing_export_resource_v1_{ACCOUNT}")
    assert not state.get("full_at", "1970").startswith("2026")


def test_gcp_1_5_rows_without_partition_are_told_and_land_later(rig):
    rig.faults.add("gcp", "*", "streaming", times=None)
    rig.load(gcp_billing)
    table_name = f"gcp_billing_export_resource_v1_{ACCOUNT}"
    before = rig.context.landing.read(EXPORT_ROWS, scope=table_name).num_rows
    assert "rows of gcp_billing_export_resource_v1" in _status(rig)["message"]
    assert "have no partition yet" in _status(rig)["message"]
    rig.faults.clear()
    rig.load(gcp_billing)
    served = table(rig.world.folder("gcp"), rig.clock.now()).num_rows
    assert before < rig.context.landing.read(EXPORT_ROWS, scope=table_name).num_rows == served
    assert _status(rig)["message"] is None


def test_gcp_4_2_a_large_read_tells_its_price_first(rig, monkeypatch):
    monkeypatch.setattr(gcp_billing_partitions, "ROWS_PER_QUERY", 100)
    told: list[str] = []
    rig.context = replace(rig.context, progress=lambda step, done, total: told.append(step))
    rig.load(gcp_billing)
    assert told[0].startswith("Google billing reads 0.0")
    assert told[0].endswith("about 0.01 USD")
    first = rig.asked("jobs.insert")[:3]
    assert [request["dryRun"] for request in first] == [True, False, True]
    # each partition is now larger than a query may be, and streams into landing alone
    assert rig.context.landing.read(EXPORT_ROWS).num_rows == table(rig.world.folder("gcp"), rig.clock.now()).num_rows


def test_the_doctor_finds_all_in_order_and_tells_what_runs_cost(rig):
    found = list(gcp_billing.check(rig.context))
    assert {finding.status for finding in found} == {"ok"}
    assert [finding.aspect for finding in found] == [
        "reachable", "permitted", "permitted", "permitted", "permitted", "fresh", "tags", "cost", "cost",
    ]  # fmt: skip
    assert "rows of the last days carry request labels" in found[6].message
    assert found[7].message.startswith("A daily run reads")
    assert found[8].message.endswith("about 0.01 USD.")


@pytest.mark.parametrize(
    ("operation", "role"),
    [
        ("tables.list", "roles/bigquery.dataViewer on the dataset"),
        ("jobs.insert", "roles/bigquery.jobUser on project acme-billing"),
        ("CreateReadSession", "roles/bigquery.readSessionUser on project acme-billing"),
    ],
)
def test_gcp_6_the_doctor_names_each_missing_role(rig, operation, role):
    rig.faults.add("gcp", operation, "forbidden", times=None)
    failed = [finding for finding in gcp_billing.check(rig.context) if finding.status == "fail"]
    assert failed
    assert all(role in finding.remedy and "deploy/gcp/roles.md" in finding.remedy for finding in failed)


def test_an_export_that_stands_still_is_said_to_be_late(rig):
    rig.move_to(rig.world.as_of)
    late = Run("late", rig.world.as_of + timedelta(days=9))
    found = list(gcp_billing.check(replace(rig.context, run=late)))
    assert [finding.status for finding in found if finding.aspect == "fresh"] == ["warn"]


def test_a_table_in_two_datasets_is_refused(rig, monkeypatch):
    rig.set_config(dataset="*")
    monkeypatch.setattr("ingest.gcp_query.BigQueryReader.datasets", lambda _: ["billing_export", "billing_copy"])
    monkeypatch.setattr("ingest.gcp_query.BigQueryReader.tables", lambda _, __: [f"gcp_billing_export_v1_{ACCOUNT}"])
    with pytest.raises(ConfigError, match="lies in datasets billing_export and billing_copy"):
        rig.load(gcp_billing)
