"""One month of the Azure bill by every route that tells it: the same totals, and never two of them added up."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from emulator.azure import bill, server
from emulator.azure.exports import Export, run, to_folder
from emulator.clock import Clock
from emulator.faults import Faults
from emulator.truth import write_charges
from emulator.world import World, make_world
from ingest.config import load_sources
from ingest.contracts import Context, StreamContract
from ingest.files import open_folder
from ingest.landing import Landing
from ingest.registry import contracts, modules
from ingest.run import Run, Window, day_start, next_month
from ingest.settings import Settings
from ingest.sources import azure_cost
from tests.dbt_project.azure.meter_spellings import APPS, CATEGORIES, SPELLED, SPELLINGS, write_spellings
from tests.dbt_project.azure.truth import AS_OF, truth
from tests.dbt_project.conftest import DBT_PROJECT, Home

DAYS = 17
MONTHS = (date(2026, 10, 1), date(2026, 11, 1))
CONFIG = DBT_PROJECT.parent / "config"
# an account of its own for each route, so that one build tells all of them
QUERY, EA, MCA, FOCUS, FOCUS_BARE, ALL, PART, LATE = (
    "8611537", "7000001", "7000002", "7000003", "7000004", "7000005", "7000006", "7000007",
)  # fmt: skip
SAMPLE = Path(__file__).parents[2] / "ingest" / "azure" / "focus_sample" / "focus_1_0_microsoft_rows.csv"
ACTUAL, AMORTIZED, FOCUS_COST = "ActualCost", "AmortizedCost", "FocusCost"
EXPORTS = (
    Export(ACTUAL, "a", account=EA, root=EA, form="csv.gz", partitions=3),
    Export(AMORTIZED, "b", account=EA, root=EA),
    Export(ACTUAL, "a", account=MCA, root=MCA, agreement="MCA", form="parquet"),
    Export(AMORTIZED, "b", account=MCA, root=MCA, agreement="MCA", overwrites=False),
    Export(FOCUS_COST, "a", account=FOCUS, root=FOCUS, form="parquet", data_version="1.2-preview"),
    Export(FOCUS_COST, "a", account=FOCUS_BARE, root=FOCUS_BARE, form="csv.gz"),
    Export(ACTUAL, "a", account=ALL, root=ALL),
    Export(AMORTIZED, "b", account=ALL, root=ALL, form="parquet"),
    Export(FOCUS_COST, "c", account=ALL, root=ALL),
    Export(ACTUAL, "a", account=PART, root=PART, scope=f"/subscriptions/{APPS}"),
    Export(FOCUS_COST, "b", account=PART, root=PART),
    Export(ACTUAL, "a", account=LATE, root=LATE),
)


class Routes(Home):
    """A home on the project itself, and the world behind it."""

    @property
    def project(self) -> Path:
        return DBT_PROJECT

    @property
    def log(self) -> str:
        """What dbt said of the build."""
        return (self.path / "build.log").read_text(encoding="utf-8")

    def totals(self, account: str) -> list[dict[str, Any]]:
        return self.query(
            "select billing_month, billing_currency, landed_cost, mart_cost, out_of_scope_cost, difference"
            f" from fct_provider_totals where billing_account_id = '{account}' and billing_month > '2026-01-01'"
            " order by 1"
        )

    def chosen(self, account: str) -> set[tuple[str, str]]:
        rows = self.query(
            "select distinct route, scope_kind from intermediate.int_azure_routes"
            f" where billing_account_id = '{account}' and billing_month > '2026-01-01' and is_chosen"
        )
        return {(row["route"], row["scope_kind"]) for row in rows}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Routes]:
    """The demo's bill by the query, and by exports of every kind; built once."""
    home = Routes(tmp_path_factory.mktemp("azure-routes"))
    world = make_world(home.path, as_of=AS_OF, days=DAYS)
    charges, out_of_scope = bill.write(world)
    write_charges(world.truth, [charges], [out_of_scope])
    clock = Clock(world.truth / "clock.json")
    clock.set(AS_OF)
    service = server.start(world.folder("azure"), clock, Faults(), qpu_speed=1e9)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in service.env.items():
            patch.setenv(name, value)
        try:
            land(home, world)
        finally:
            service.stop()
    kinds = ("--exclude-resource-type", "unit_test", "--indirect-selection", "empty")
    tests = ("path:models/staging/azure_cost", "assert_azure_meters_are_known", "int_azure_routes")
    marts = ("+fct_provider_totals", "+int_azure_source_status")
    built = home.dbt("build", "--store-failures", "--select", *marts, *tests, *kinds)
    assert built.returncode == 0, built.stdout[-4000:]
    (home.path / "build.log").write_text(built.stdout, encoding="utf-8")
    yield home


def land(home: Routes, world: World) -> None:
    settings = Settings(home=home.path, config_dir=CONFIG)
    run_ = Run("run-test", AS_OF)
    landing = Landing(settings.landing_root, run_)
    landing.ensure_anchors(contracts())
    sources = load_sources(CONFIG / "sources.yml").model_copy(update={"backfill_days": DAYS})
    context = Context(settings, sources, landing, run_)
    for source in ("config", "prices", "azure_cost"):
        for module in modules(source):
            module.load(context, None)
    modules("azure_openai")[0].load(context, None)
    put = to_folder(home.path / "exports")
    for export in EXPORTS:
        for month in MONTHS:
            seen = datetime(2026, 11, 4, 6, tzinfo=UTC) if export.account == LATE else AS_OF
            manifest = run(world.folder("azure"), export, month, seen, put)
            if export.account == FOCUS_BARE:
                (home.path / "exports" / manifest).unlink()
    for account in sorted({export.root for export in EXPORTS}):
        with open_folder(str(home.path / "exports" / account), settings) as folder:
            azure_cost.load_files(context, folder, None)
    write_spellings(home.path / "spellings" / "actual.csv")
    for path in (home.path / "spellings", SAMPLE):
        with open_folder(str(path), settings) as folder:
            azure_cost.load_files(context, folder, None)
    # the same account by its query, of which the export of the fourth of November knows less
    for contract in (azure_cost.ACTUAL, azure_cost.AMORTIZED):
        copy_query_rows(context, contract)


def copy_query_rows(context: Context, contract: StreamContract) -> None:
    """What the query said of the demo's account, as if it were the late account's too."""
    rows = context.landing.read(contract)
    starts = rows.column("_window_start").to_pylist()
    for month in MONTHS:
        window = Window(day_start(month), day_start(next_month(month)))
        kept = rows.filter(pa.array([start == window.start for start in starts])).select(contract.schema.names)
        place = kept.schema.get_field_index("_billing_account_id")
        kept = kept.set_column(place, "_billing_account_id", pa.array([LATE] * kept.num_rows))
        context.landing.write(contract, scope="late", window=window, batches=[kept])


@pytest.mark.parametrize("account", [EA, MCA, FOCUS, FOCUS_BARE, ALL, PART, LATE])
def test_azure_1_4_the_same_totals_by_every_route(home: Routes, account: str) -> None:
    expected = home.totals(QUERY)
    # October has no row: an empty export is no row either
    assert len(expected) == 1
    assert all(row["landed_cost"] > 0 and row["mart_cost"] > 0 and row["difference"] == 0 for row in expected)
    assert home.totals(account) == expected


def test_one_route_counts_per_account_and_month(home: Routes) -> None:
    billing = "billing_account"
    assert home.chosen(QUERY) == {("query", billing)}
    assert home.chosen(ALL) == home.chosen(EA) == {("export", billing)}
    assert home.chosen(FOCUS) == {("focus", billing)}
    assert home.chosen(FOCUS_BARE) == {("focus", "file")}
    # one subscription is not the whole bill
    assert home.chosen(PART) == {("focus", billing)}
    # an export that stopped on the fourth does not hide the query that went on; October was whole on both
    assert home.chosen(LATE) == {("query", billing)}


def test_azure_0_1_every_row_of_an_export_keeps_its_deployment_model_class_and_team(home: Routes) -> None:
    keys = ("charge_date", "workload_id", "model", "token_class")
    true: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for row in truth(home, "charges"):
        true[tuple(row[key] for key in keys)] += row["billed_cost"]
    for account in (EA, MCA, FOCUS):
        found: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
        for row in charges(home, account):
            found[tuple(row[key] for key in keys)] += row["billed_cost"]
        assert {key: cost for key, cost in found.items() if cost} == {key: cost for key, cost in true.items() if cost}


def test_azure_1_5_teams_and_tokens_and_effective_cost_are_the_same_by_every_export(home: Routes) -> None:
    columns = (
        "charge_date", "workload_id", "model", "token_class", "native_team", "native_product", "native_environment",
        "native_method", "pricing_category", "charge_category", "region_id", "sku", "consumed_tokens", "billed_cost",
        "effective_cost",
    )  # fmt: skip
    told = [
        sorted(tuple(str(row[column]) for column in columns) for row in charges(home, account))
        for account in (EA, MCA, FOCUS)
    ]
    assert told[0] == told[1]
    assert told[0] == told[2]
    assert {row[4] for row in told[0]} >= {"support", "devtools", "data-platform"}


def test_azure_1_4_list_cost_is_the_price_before_discount_times_quantity_and_unknown_where_azure_has_none(
    home: Routes,
) -> None:
    for account in (EA, MCA, FOCUS):
        rows = charges(home, account)
        tokens = [
            row for row in rows if row["token_class"] in ("input", "output", "cache_read") and row["billed_cost"] > 1
        ]
        assert tokens
        # five percent off: the list price is the billed one over 0.95
        assert all(abs(row["list_cost"] * 95 - row["billed_cost"] * 100) < row["billed_cost"] / 1000 for row in tokens)
        assert {row["list_cost"] for row in rows if row["charge_category"] == "Purchase"} <= {None}
        covered = [row for row in rows if row["pricing_category"] == "committed" and row["billed_cost"] > 0]
        assert covered
        assert {row["list_cost"] for row in covered} == {None}


def test_azure_2_1_every_spelling_of_a_meter_is_read(home: Routes) -> None:
    rows = home.query(
        "select * from intermediate.int_azure_meters where provider_model_name is not null or meter_kind <> 'tokens'"
    )
    found = {
        (row["meter_subcategory"], row["meter"], row["unit_of_measure"]): (
            row["model"], row["model_version"], row["token_class"], row["price_scope"], row["service_tier"],
            row["block_size"],
        )
        for row in rows
    }  # fmt: skip
    assert {key: found[key] for key in SPELLINGS} == SPELLINGS


def test_azure_2_blocks_become_tokens_row_by_row(home: Routes) -> None:
    rows = {row["sku"]: row["consumed_tokens"] for row in all_charges(home, SPELLED)}
    assert rows["GPT 5 outpt DZone 1M Tokens"] == 2_500_000
    assert rows["gpt 4.1 Inp glbl Tokens"] == 2500
    assert rows["gpt-oss-20b-Outp-glbl Tokens"] == 250
    assert rows["Provisioned Managed Global Unit"] is None


def test_azure_0_3_a_meter_of_any_age_is_ai_spend_and_so_is_a_partners_model(home: Routes) -> None:
    (total,) = home.totals(SPELLED)
    assert (total["landed_cost"], total["mart_cost"]) == (len(SPELLINGS) + 7, len(SPELLINGS) + 7)
    assert {row["product_family"] for row in all_charges(home, SPELLED)} == {*CATEGORIES, "Anthropic"}


def test_azure_2_1_an_unknown_meter_is_told_with_its_dollars(home: Routes) -> None:
    assert re.search(r"WARN \d+ assert_azure_meters_are_known", home.log)
    told = home.query("select * from dbt_test__audit.assert_azure_meters_are_known")
    assert {row["meter"]: row["billed_cost"] for row in told} == {
        "9.9 quux inp Gl 1M Tokens": 1, "gpt 4.1 ft Inp glbl Tokens": 1,
    }  # fmt: skip


def test_a_real_bill_without_ai_lands_whole_and_is_out_of_scope(home: Routes) -> None:
    """The rows of Microsoft in the FOCUS 1.0 sample: `NULL` is nothing, and no dollar is lost."""
    with SAMPLE.open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["ProviderName"] == "Microsoft"]
    billed = sum((Decimal(row["BilledCost"]) for row in rows), Decimal(0))
    assert len(rows) == 51
    total = home.one("select * from fct_provider_totals where provider = 'azure' and billing_month = '2024-09-01'")
    assert (total["billing_account_id"], total["billing_currency"]) == ("8611537", "USD")
    assert total["landed_cost"] == total["out_of_scope_cost"] == billed
    assert total["mart_cost"] == total["difference"] == 0


def all_charges(home: Routes, account: str) -> list[dict[str, Any]]:
    return home.query(f"select * from intermediate.int_azure_charges where billing_account_id = '{account}'")


def charges(home: Routes, account: str) -> list[dict[str, Any]]:
    return home.query(
        "select * from intermediate.int_azure_charges where product_family = 'Foundry Models'"
        f" and billing_account_id = '{account}'"
    )
