"""A month is frozen once it is over, tied and final; what moves later is told with its cause, and it stays frozen."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

import state
from ingest.errors import ConfigError, TerminalError
from ingest.landing import Landing
from ingest.run import Run, Window, day_start
from ingest.settings import Settings
from ingest.sources.config import ALL_TIME, OWNERSHIP_RULES
from ingest.sources.prices import LIST_PRICES
from pipeline.building import mark_step
from pipeline.closed_home import closed_months
from pipeline.closing import Closing, close_month, parse_month, recover
from pipeline.detecting import detect
from pipeline.publishing import publish
from pipeline.restating import (
    Restatement,
    as_plain,
    as_text,
    moved_months,
    moved_sentence,
    restatement,
    write_csv,
)
from tests.dbt_project.conftest import AS_OF, Home, Rows, new_home, replace_interfaces
from tests.dbt_project.interfaces import charge, landed_totals, usage
from tests.dbt_project.scenario import config_rows

OCTOBER = date(2026, 10, 1)
_BILLED: dict[str, Any] = {"billing_month": OCTOBER, "charge_date": date(2026, 10, 20), "cost_status": "final"}
_TAGGED = {"native_team": "devtools", "native_method": "resource_tag"}
RUN = Run("run-close", AS_OF)


def charges(**restated: Any) -> Rows:
    return [
        charge("sub-owned-1", **_BILLED, workload_id="one", billed_cost=Decimal(10)),
        charge("sub-owned-1", **_BILLED, workload_id="two", billed_cost=Decimal(7)),
        charge("sub-tagged", **_BILLED, **_TAGGED, workload_id="tagged", **({"billed_cost": Decimal(5)} | restated)),
        charge(
            "sub-tagged", **_BILLED, **_TAGGED, charge_category="Credit", token_class="other", billed_cost=Decimal(-1)
        ),
    ]


def interfaces(bill: Rows) -> dict[str, Rows]:
    bill = [charge("sub-owned-1", charge_date=date(2026, 9, 30), billing_month=date(2026, 9, 1)), *bill]
    status = {"source": "azure_cost", "provider": "azure", "account_id": "sub-owned-1", "rows": 1}
    return {
        "int_azure_charges": bill,
        "int_azure_landed_totals": landed_totals(bill),
        # 2,000,000 tokens at 2.5 USD per million
        "int_azure_usage_daily": [
            usage("one", usage_date=date(2026, 10, 20), sub_account_id="sub-owned-1", input_tokens=2_000_000)
        ],
        "int_azure_source_status": [status | {"complete_through": date(2026, 11, 16)}],
    }


def land(home: Home, contract: Any, rows: Rows, *, scope: str = "all", window: Window = ALL_TIME) -> None:
    table = pa.Table.from_pylist(rows, schema=contract.schema)
    Landing(str(home.path / "landing"), RUN, accept_shrink=True).write(
        contract, scope=scope, window=window, batches=[table]
    )


def land_bill(home: Home, cost: str) -> None:
    """A landed file of October's bill; its content stands for what the interface models hold."""
    from ingest.registry import contracts

    contract = next(found for found in contracts() if (found.source, found.stream) == ("azure_cost", "tags"))
    names = ("Cost", "ResourceId", "TagKey", "TagValue", "_tag_key")
    row: dict[str, Any] = dict.fromkeys(names, "team") | {"Cost": cost, "UsageDate": 20261020}
    window = Window(day_start(OCTOBER), day_start(date(2026, 11, 1)))
    land(home, contract, [row], scope="sub-owned-1", window=window)


def settings_of(home: Home) -> Settings:
    return Settings(home=home.path, as_of=AS_OF)


def publish_all(home: Home) -> None:
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("drop table if exists pipeline.steps")
    home.build()
    with duckdb.connect(str(home.warehouse)) as connection:
        mark_step(connection, "build", RUN)
    detect(settings_of(home), RUN)
    publish(settings_of(home), RUN)


def close(home: Home, **how: Any) -> Closing:
    return close_month(settings_of(home), RUN, OCTOBER, **({"by": "Ada"} | how))


def content(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def open_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """October billed and published, not closed."""
    home = new_home(tmp_path_factory.mktemp("closing"), interfaces(charges()))
    land_bill(home, "5")
    publish_all(home)
    return home


@pytest.fixture
def home(open_home: Home, tmp_path: Path) -> Home:
    """A copy to close."""
    shutil.copytree(open_home.path, tmp_path / "home", ignore=shutil.ignore_patterns("project", "target", "logs"))
    return Home(tmp_path / "home")


def test_a_closed_month_holds_inputs_by_hash_totals_who_and_when(home: Home) -> None:
    done = close(home)
    manifest = json.loads(done.manifest.read_text())
    assert (done.outcome, done.revision, manifest["closed_as_of"]) == ("closed", 1, AS_OF.isoformat())
    bill = next(file for file in manifest["inputs"] if file["source"] == "azure_cost")
    assert (bill["stream"], bill["window_start"], bill["rows"]) == ("tags", "2026-10-01", 1)
    assert len(bill["checksum"]) == 64
    assert {file["stream"] for file in manifest["inputs"]} >= {"ownership_rules", "list_prices"}
    assert [total["mart_cost"] for total in manifest["totals"]] == ["21.000000000000"]
    assert {team["team"]: team["billed_cost"] for team in manifest["teams"]} == {
        "search": "17.000000000000",
        "devtools": "4.000000000000",
    }
    assert manifest["tables"]["spend_daily"]["rows"] == 4
    assert done.manifest_hash == hashlib.sha256(done.manifest.read_bytes()).hexdigest()
    store = state.open_state(settings_of(home).database_url)
    assert state.find_closed_months(store) == [state.ClosedMonth(OCTOBER, 1, AS_OF, "Ada", done.manifest_hash, None)]
    store.close()
    assert closed_months(home.path) == [OCTOBER]


def test_closing_again_without_change_does_nothing(home: Home) -> None:
    first = close(home)
    before = content(first.manifest.parent)
    again = close(home, by="Grace")
    assert (again.outcome, again.revision, again.manifest_hash) == ("identical", 1, first.manifest_hash)
    assert content(first.manifest.parent) == before
    assert restatement(settings_of(home), OCTOBER).movements == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(
            "update fct_provider_totals set difference = 0.000000000001", "differs from its landed bill", id="off"
        ),
        pytest.param(
            "update fct_spend_daily set cost_status = 'provisional'", "is not final: azure: ", id="provisional"
        ),
        pytest.param(
            "update source_status set complete_through = '2026-10-30' where source = 'azure_cost'",
            "complete through 2026-10-30 only",
            id="incomplete",
        ),
        pytest.param("delete from fct_provider_totals", "No bill of 2026-10", id="nothing billed"),
    ],
)
def test_a_month_that_is_not_settled_is_refused(home: Home, change: str, reason: str) -> None:
    with duckdb.connect(str(settings_of(home).published)) as connection:
        connection.execute(change)
    with pytest.raises(TerminalError, match=reason):
        close(home)
    assert not (home.path / "closed" / "2026-10").exists()


def test_a_provisional_month_is_closed_with_a_reason_that_is_kept(home: Home) -> None:
    with duckdb.connect(str(settings_of(home).published)) as connection:
        connection.execute("update fct_spend_daily set cost_status = 'provisional'")
    done = close(home, accept_provisional="the invoice is paid")
    manifest = json.loads(done.manifest.read_text())
    assert (manifest["accepted_provisional"], manifest["unsettled"]) == (
        "the invoice is paid",
        ["azure: 4 rows are provisional"],
    )


def test_a_month_is_refused_before_it_is_over_and_after_a_failed_build(home: Home) -> None:
    early = Run("run-early", datetime(2026, 10, 31, 23, tzinfo=UTC))
    with pytest.raises(TerminalError, match="2026-10 is not over"):
        close_month(settings_of(home), early, OCTOBER, by="Ada")
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("drop table pipeline.steps")
    with pytest.raises(TerminalError, match="has not passed its tests"):
        close(home)


def test_a_reopening_needs_a_reason_and_keeps_the_earlier_revision(home: Home) -> None:
    first = close(home)
    before = content(first.manifest.parent)
    with duckdb.connect(str(settings_of(home).published)) as connection:
        connection.execute("update fct_spend_daily set billed_cost = billed_cost + 1 where workload_id = 'one'")
    with pytest.raises(TerminalError, match="closed by Ada as revision 1"):
        close(home)
    assert content(first.manifest.parent) == before
    second = close(home, reopen="a credit came")
    assert (second.outcome, second.revision) == ("reopened", 2)
    assert content(home.path / "closed" / "revisions" / "2026-10-r1") == before
    assert json.loads(second.manifest.read_text())["reopened_because"] == "a credit came"
    # a reopening that was cut off between its two renames
    shutil.rmtree(second.manifest.parent)
    recover(home.path, OCTOBER)
    assert content(second.manifest.parent) == before


def test_a_word_that_is_no_month_is_wrong_usage() -> None:
    for word in ("2026", "2026-13", "october"):
        with pytest.raises(ConfigError, match="no month"):
            parse_month(word)


@pytest.fixture(scope="module")
def restated(open_home: Home) -> Iterator[tuple[Restatement, dict[str, str], dict[str, str], Home]]:
    """October closed, then a price, an ownership rule and the provider's file changed."""
    home = open_home
    done = close(home)
    before = content(done.manifest.parent)
    config = config_rows()
    for rule in config["ownership_rules"]:
        # the project of `one` and `two` belongs to another team
        if rule["rule_id"] == "owned":
            rule |= {"team": "docs", "product": None}
    for price in config["list_prices"]:
        if (price["region_class"], price["token_class"]) == ("global", "input") and price.get("valid_to"):
            price["usd_per_mtok"] = "3"
    land(home, OWNERSHIP_RULES, config["ownership_rules"])
    land(home, LIST_PRICES, config["list_prices"])
    bill = charges(billed_cost=Decimal("5.25"))
    land_bill(home, "5.25")
    replace_interfaces(home, interfaces(bill))
    publish_all(home)
    yield restatement(settings_of(home), OCTOBER), before, content(done.manifest.parent), home


def test_price_rule_and_file_changed_after_the_close_are_told_with_cause_and_amount(
    restated: tuple[Restatement, dict[str, str], dict[str, str], Home],
) -> None:
    report = restated[0]
    moved = {
        (row["team"], row["measure"], row["cause"]): row["moved_amount"]
        for row in report.movements
        if row["measure"] in ("billed_cost", "metered_list_cost")
    }
    assert moved == {
        ("devtools", "billed_cost", "provider_restated"): Decimal("0.25"),
        ("docs", "billed_cost", "ownership_changed"): Decimal(17),
        ("search", "billed_cost", "ownership_changed"): Decimal(-17),
        # 2,000,000 tokens: 5 USD went to another team, and cost 1 USD more there
        ("docs", "metered_list_cost", "ownership_changed"): Decimal(5),
        ("search", "metered_list_cost", "ownership_changed"): Decimal(-5),
        ("docs", "metered_list_cost", "price_corrected"): Decimal(1),
    }
    assert [(total["closed_cost"], total["current_cost"], total["moved_cost"]) for total in report.totals] == [
        (Decimal(21), Decimal("21.25"), Decimal("0.25"))
    ]
    changed = {(file["source"], file["stream"]) for file in report.inputs}
    assert changed == {("azure_cost", "tags"), ("config", "ownership_rules"), ("prices", "list_prices")}


def test_a_restated_month_keeps_what_was_closed(
    restated: tuple[Restatement, dict[str, str], dict[str, str], Home],
) -> None:
    report, before, after, home = restated
    assert before == after
    lines = home.query(
        "select statement_status, team, sum(billed_cost) as cost from fct_statement_line "
        "where billing_month = '2026-10-01' group by all order by all"
    )
    assert [tuple(line.values()) for line in lines] == [
        ("closed", "devtools", Decimal(4)),
        ("closed", "search", Decimal(17)),
        ("draft", "devtools", Decimal("4.25")),
        ("draft", "docs", Decimal(17)),
    ]
    assert set(moved_months(settings_of(home).published)) == {"2026-10"}
    told = moved_sentence("2026-10", moved_months(settings_of(home).published)["2026-10"])
    assert "+0.25 USD billed_cost (provider_restated)" in told
    assert "+0.00 USD billed_cost (ownership_changed, 17.00 between teams)" in told
    assert "ownership_changed: the same cost, another team." in as_text(report)
    assert {row["moved_amount"] for row in as_plain(report)["movements"]} >= {"0.250000000000", "-17.000000000000"}
    write_csv(report, home.path / "out.csv")
    assert len((home.path / "out.csv").read_text().splitlines()) == 1 + len(report.movements)
    with pytest.raises(TerminalError, match="its numbers are others now"):
        close(home)
