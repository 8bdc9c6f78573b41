"""Eight weeks of the local Google Cloud, pulled by the real sources and built by the real models."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from emulator.clock import Clock
from emulator.faults import Faults
from emulator.gcp import bill
from emulator.gcp.server import start
from emulator.truth import write_charges, write_usage
from emulator.world import World, make_world
from ingest.config import load_sources
from ingest.contracts import Context
from ingest.landing import Landing
from ingest.registry import contracts, modules
from ingest.run import Run
from ingest.settings import Settings
from tests.dbt_project.gcp.routes import land_everything

ROOT = Path(__file__).parents[3]
# they run once for all models, in tests/dbt_project/test_empty_home.py
NO_UNIT_TESTS = ("--exclude-resource-type", "unit_test")
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class GoogleHome:
    """A built home and its truth."""

    path: Path
    world: World

    def query(self, sql: str) -> Rows:
        """Rows of a query in which `truth_charges`, `truth_others` and `truth_usage` are the answer sheet."""
        with duckdb.connect(str(self.path / "warehouse.duckdb"), read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for name, file in (("charges", "charges"), ("others", "out_of_scope"), ("usage", "usage")):
                connection.execute(
                    f"CREATE TEMP VIEW truth_{name} AS FROM read_parquet('{self.path}/truth/{file}.parquet')"
                )
            return connection.execute(sql).to_arrow_table().to_pylist()


@pytest.fixture(scope="session")
def dbt() -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(home: Path, as_of: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        settings = {
            "INFERLEDGER_WAREHOUSE": str(home / "warehouse.duckdb"),
            "INFERLEDGER_HOME_DIR": str(home),
            "DBT_PROFILES_DIR": str(ROOT / "dbt"),
            "DBT_PROJECT_DIR": str(ROOT / "dbt"),
            "DBT_TARGET_PATH": str(home / "target"),
            "DBT_LOG_PATH": str(home / "logs"),
            "DBT_USE_COLORS": "false",
        }
        command = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", *arguments]
        command += ["--vars", json.dumps({"as_of": as_of})]
        return subprocess.run(command, env=os.environ | settings, check=False, capture_output=True, text=True)

    return run


@pytest.fixture(scope="session")
def google_home(tmp_path_factory: pytest.TempPathFactory, dbt: Callable[..., Any]) -> GoogleHome:
    home = tmp_path_factory.mktemp("google-home")
    world = make_world(home, days=56)
    charges, others = bill.write(world)
    write_charges(world.truth, [charges], [others])
    write_usage(world.truth, [bill.usage_truth(world)])
    clock = Clock(home / "clock.json")
    clock.set(world.as_of)
    service = start(world.folder("gcp"), clock, Faults())
    try:
        endpoints = {name.removeprefix("INFERLEDGER_").lower(): url for name, url in service.env.items()}
        settings = Settings(home=home, config_dir=ROOT / "config", **endpoints)
        run = Run("first", world.as_of)
        landing = Landing(settings.landing_root, run)
        landing.ensure_anchors(contracts())
        context = Context(settings, load_sources(ROOT / "config" / "sources.yml"), landing, run)
        for source in ("config", "gcp_billing", "gcp_vertex", "gcp_request_log"):
            for module in modules(source):
                module.load(context, None)
    finally:
        service.stop()
    as_of = f"{world.as_of:%Y-%m-%d %H:%M:%S}"
    finished = dbt(home, as_of, "build", "-s", "resource_type:seed", "+path:models/intermediate/gcp", *NO_UNIT_TESTS)
    assert finished.returncode == 0, finished.stdout[-4000:]
    return GoogleHome(home, world)


@pytest.fixture(scope="session")
def routes_home(tmp_path_factory: pytest.TempPathFactory, dbt: Callable[..., Any]) -> GoogleHome:
    """Every route of the Google bill side by side in one home, with all models and marts."""
    home = tmp_path_factory.mktemp("google-routes")
    world = make_world(home, days=5)
    charges, others = bill.write(world)
    write_charges(world.truth, [charges], [others])
    write_usage(world.truth, [bill.usage_truth(world)])
    land_everything(home, world)
    # one project under many accounts is no real bill, so the models of capacity are not tested here
    marts = ["+fct_provider_totals", "+source_status", "+int_gcp_net_costs", "+int_gcp_sku_prices"]
    kinds = [*NO_UNIT_TESTS, "--exclude-resource-type", "test"]
    finished = dbt(home, f"{world.as_of:%Y-%m-%d %H:%M:%S}", "build", "-s", *marts, *kinds)
    assert finished.returncode == 0, finished.stdout[-4000:]
    return GoogleHome(home, world)
