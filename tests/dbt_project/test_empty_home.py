"""A home that has seen nothing, or one source only, builds: its tables are there, typed and empty."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from ingest.landing import Landing
from ingest.registry import contracts
from ingest.run import Run
from ingest.settings import Settings
from pipeline.building import build
from tests.dbt_project.conftest import AS_OF, Home, new_home
from tests.dbt_project.interface_schemas import FOLDERS, INTERFACES
from tests.dbt_project.interfaces import charge, landed_totals

FACTS = ("fct_spend_daily", "fct_tokens_daily", "fct_capacity_hourly", "fct_provider_totals", "fct_logged_usage_daily")


def counts(home: Home) -> dict[str, int]:
    return {table: home.one(f"select count(*) as n from {table}")["n"] for table in FACTS}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with anchors only, built by the pipeline's own step on the real project."""
    home = Home(tmp_path_factory.mktemp("empty"))
    result = build(Settings(home=home.path), Run("run-empty", AS_OF))
    assert result.tests > 20
    return home


def test_a_home_with_anchors_only_builds_every_mart_empty_and_typed(empty: Home, built: Home) -> None:
    assert counts(empty) == dict.fromkeys(FACTS, 0)
    shape = "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'main' order by all"
    assert empty.query(shape) == built.query(shape)


@pytest.mark.parametrize(("cloud", "name"), [(folder, name) for folder, names in FOLDERS.items() for name in names])
def test_each_cloud_hands_over_the_agreed_columns_in_the_agreed_types(empty: Home, cloud: str, name: str) -> None:
    with duckdb.connect(str(empty.warehouse), read_only=True) as connection:
        connection.execute(f"set file_search_path = '{empty.path}'")
        found = connection.execute(f"select * from intermediate.int_{cloud}_{name}").to_arrow_table().schema
    # only AWS names the caller on the bill
    agreed = [field for field in INTERFACES[name] if field.name != "principal" or cloud == "aws" or name != "charges"]
    assert {field.name: found.field(field.name).type for field in agreed if field.name in found.names} == {
        field.name: field.type for field in agreed
    }


def test_the_models_own_unit_tests_pass(empty: Home) -> None:
    finished = empty.dbt("test", "--select", "test_type:unit")
    assert finished.returncode == 0, finished.stdout[-4000:]
    assert "Nothing to do" not in finished.stdout


@pytest.mark.parametrize("cloud", ["gcp"])
def test_a_home_with_one_bill_and_no_rules_totals_to_it(tmp_path: Path, cloud: str) -> None:
    rows = [charge("acme-docs", provider=cloud, charge_date=date(2026, 11, 10))]
    models = {f"int_{cloud}_charges": rows, f"int_{cloud}_landed_totals": landed_totals(rows)}
    home = new_home(tmp_path, models, config={})
    Landing(str(home.path / "landing"), Run("run-one", AS_OF)).ensure_anchors(contracts())
    home.build(*(f"+{name}" for name in FACTS))
    assert counts(home) == {name: int(name == "fct_provider_totals") for name in FACTS}
    totals = home.one("select landed_cost, mart_cost, out_of_scope_cost from fct_provider_totals")
    assert totals == {"landed_cost": 1, "mart_cost": 0, "out_of_scope_cost": 1}
