"""A model that is built day by day or file by file is, after any change, what a build of everything would have made."""

import json
import shutil
from copy import deepcopy
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt_project.conftest import Home, replace_interfaces, write_landing
from tests.dbt_project.interfaces import charge, landed_totals, usage
from tests.dbt_project.scenario import config_rows, interface_rows
from tests.dbt_project.test_idempotent_build import fingerprints

Rows = list[dict[str, Any]]
CLOUDS = ("aws", "gcp", "azure")
NEW_DAY, GONE_DAY, DEARER_DAY = date(2026, 11, 14), date(2026, 11, 12), date(2026, 11, 5)


def changed_rows() -> dict[str, Rows]:
    """The scenario with a dearer charge, a day that is gone, a day that is new, and one that is metered otherwise."""
    rows = deepcopy(interface_rows())
    for row in rows["int_azure_charges"]:
        if row["charge_date"] == DEARER_DAY:
            row["billed_cost"] = row["effective_cost"] = Decimal(901)
    rows["int_azure_charges"] = [row for row in rows["int_azure_charges"] if row["charge_date"] != GONE_DAY]
    rows["int_azure_charges"] += [
        charge("sub-owned-1", charge_date=NEW_DAY, billed_cost=Decimal("3.000000000001"), consumed_tokens=1_500_000),
        charge("sub-new", charge_date=NEW_DAY, native_team="devtools", native_method="resource_tag"),
    ]
    rows["int_azure_usage_daily"].append(usage("sub-owned-1", usage_date=NEW_DAY))
    rows["int_azure_usage_daily"][0]["output_tokens"] += 1
    every = [row for cloud in CLOUDS for row in rows[f"int_{cloud}_charges"]]
    for cloud in CLOUDS:
        rows[f"int_{cloud}_landed_totals"] = [row for row in landed_totals(every) if row["provider"] == cloud]
    return rows


def changed_config() -> dict[str, Rows]:
    """The scenario's rules, prices and rates, one of each another."""
    rows = deepcopy(config_rows())
    next(rule for rule in rows["ownership_rules"] if rule["rule_id"] == "sold-before")["team"] = "growth"
    next(rule for rule in rows["ownership_rules"] if rule["rule_id"] == "wide")["priority"] = 1
    rows["list_prices"][0]["usd_per_mtok"] = "2.75"
    rows["reference_rates"][2]["units_per_eur"] = "1.30"
    return rows


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The project as dbt reads it."""
    home = Home(tmp_path_factory.mktemp("parsed"))
    finished = home.dbt("parse")
    assert finished.returncode == 0, finished.stdout[-2000:]
    return json.loads((home.path / "target" / "manifest.json").read_text())


@pytest.fixture(scope="module")
def by_part(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The models that are built by part, by name."""
    nodes = manifest["nodes"].values()
    return {node["name"]: node for node in nodes if node["config"].get("materialized") == "incremental"}


def parts(home: Home) -> dict[tuple[str, str], str]:
    """What each part was built from."""
    rows = home.query("select model, part, digest from pipeline.built_parts")
    return {(row["model"], row["part"]): row["digest"] for row in rows}


@pytest.fixture
def changed(built: Home, tmp_path: Path) -> Home:
    """A copy of the built scenario, to be changed."""
    home = Home(tmp_path / "changed")
    shutil.copytree(built.path, home.path)
    return home


def test_a_build_after_many_changes_is_what_a_whole_build_makes(changed: Home, tmp_path: Path) -> None:
    before = parts(changed)
    write_landing(changed.path, changed_config())
    replace_interfaces(changed, changed_rows())
    changed.build(tests=False)

    moved = {part for part in before.keys() | parts(changed).keys() if before.get(part) != parts(changed).get(part)}
    scoped = {day for model, day in moved if model == "int_charges_scoped"}
    # the rate of Friday the sixth holds until the next is published on Monday
    assert scoped >= {str(day) for day in (NEW_DAY, GONE_DAY, DEARER_DAY, date(2026, 11, 6), date(2026, 11, 8))}
    assert not scoped & {"2026-11-01", "2026-11-10", "2026-11-11", "2026-11-16"}
    assert ("int_charges_attributed", "2026-11-10") in moved, "an owner has changed"

    whole = Home(tmp_path / "whole")
    shutil.copytree(changed.path, whole.path)
    finished = whole.dbt(
        "build", "--full-refresh", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"
    )
    assert finished.returncode == 0, finished.stdout[-3000:]
    assert parts(changed) == parts(whole)
    assert fingerprints(changed) == fingerprints(whole)
    assert changed.query(f"select 1 from fct_spend_daily where charge_date = '{GONE_DAY}'") == []
    assert changed.query(f"select 1 from fct_spend_daily where charge_date = '{NEW_DAY}'") != []


def test_days_that_have_not_changed_are_not_built_again(changed: Home) -> None:
    """A mark on an old day stays when another day changes: whoever built it again would have lost it."""
    with duckdb.connect(str(changed.warehouse)) as connection:
        connection.execute(
            "update intermediate.int_charges_scoped set service_name = 'untouched' where charge_date = '2026-11-01'"
        )
    rows = interface_rows()
    replace_interfaces(
        changed, rows | {"int_azure_charges": [*rows["int_azure_charges"], charge("late", charge_date=NEW_DAY)]}
    )
    changed.build("int_azure_charges", "int_charges_scoped", tests=False)
    found = changed.query(
        "select charge_date, count(*) filter (where service_name = 'untouched') as marked, count(*) as charges "
        f"from intermediate.int_charges_scoped where charge_date in ('2026-11-01', '{NEW_DAY}') group by 1 order by 1"
    )
    assert [(row["marked"], row["charges"]) for row in found] == [(1, 1), (0, 1)]


def test_a_model_that_is_built_by_part_names_all_that_it_reads(by_part: dict[str, dict[str, Any]]) -> None:
    assert len(by_part) > 10
    for name, node in by_part.items():
        read = {unique_id.split(".")[2] for unique_id in node["depends_on"]["nodes"]}
        assert read == set(node["config"]["meta"]["built_from"]), name


def test_a_model_that_is_built_by_part_does_not_read_the_clock(
    manifest: dict[str, Any], by_part: dict[str, dict[str, Any]]
) -> None:
    """What a day is must not depend on when it is built: what does belongs into a model that is built each time."""
    for name, node in by_part.items():
        ours = [macro for macro in node["depends_on"]["macros"] if macro.startswith("macro.inferledger.")]
        assert ours, name
        for code in [node["raw_code"], *(manifest["macros"][macro]["macro_sql"] for macro in ours)]:
            assert "var(" not in code, name
