"""Runs the real dbt project on small homes.

The clouds' own models are replaced by rows written by hand; all else is real.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.contracts import StreamContract
from ingest.landing import Landing
from ingest.registry import contracts
from ingest.run import Run
from ingest.sources.config import (
    ALL_TIME,
    BUDGETS,
    OWNERSHIP_RULES,
    REPORTING,
    SCOPE_RULES,
    SPLITS,
    TAG_SYNONYMS,
    TEAMS,
)
from ingest.sources.fx import REFERENCE_RATES
from ingest.sources.prices import CAPACITY_PRICES, DISCOUNTS, LIST_PRICES
from pipeline.closed_home import prepare_closed
from tests.dbt_project.interface_schemas import FOLDERS, INTERFACES
from tests.dbt_project.scenario import config_rows, interface_rows

AS_OF = datetime(2026, 11, 18, 6, tzinfo=UTC)
DBT_PROJECT = Path(__file__).parents[2] / "dbt"
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Home:
    """A home, and what dbt makes of it."""

    path: Path

    @property
    def project(self) -> Path:
        """The home's own copy of the dbt project, or the real one where it has none."""
        copy = self.path / "project"
        return copy if copy.is_dir() else DBT_PROJECT

    @property
    def warehouse(self) -> Path:
        return self.path / "warehouse.duckdb"

    def dbt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run dbt once, in a process of its own."""
        settings = {
            "INFERLEDGER_WAREHOUSE": str(self.warehouse),
            "INFERLEDGER_HOME_DIR": str(self.path),
            "DBT_PROFILES_DIR": str(self.project),
            "DBT_PROJECT_DIR": str(self.project),
            "DBT_TARGET_PATH": str(self.path / "target"),
            "DBT_LOG_PATH": str(self.path / "logs"),
            "DBT_USE_COLORS": "false",
        }
        command = [
            sys.executable,
            "-c",
            "from dbt.cli.main import cli; cli()",
            *arguments,
            "--vars",
            f"{{as_of: '{AS_OF:%Y-%m-%d %H:%M:%S}'}}",
        ]
        return subprocess.run(command, env=os.environ | settings, check=False, capture_output=True, text=True)

    def build(self, *select: str, tests: bool = True) -> "Home":
        """Build the selected models, all where none is named, and test them; what fails fails the test that asked.

        The models' own unit tests run once, on the empty home of test_empty_home.py.
        """
        prepare_closed(self.path, str(self.path / "landing"))
        kinds = ["unit_test", *([] if tests else ["test"])]
        chosen = ["--select", *select, "--indirect-selection", "cautious"] if select else []
        finished = self.dbt("build", *chosen, *(word for kind in kinds for word in ("--exclude-resource-type", kind)))
        assert finished.returncode == 0, finished.stdout[-4000:] + finished.stderr[-2000:]
        return self

    def query(self, sql: str) -> Rows:
        """Rows of a query on the warehouse, as dicts; staging models are views that find landing from the home."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            connection.execute(f"set file_search_path = '{self.path}'")
            return connection.execute(sql).to_arrow_table().to_pylist()

    def one(self, sql: str) -> dict[str, Any]:
        """The only row of a query."""
        rows = self.query(sql)
        assert len(rows) == 1, rows
        return rows[0]


def write_landing(home: Path, rows: dict[str, Rows]) -> None:
    """Anchors for every source, and rules and prices as the sources `config` and `prices` land them."""
    landing = Landing(str(home / "landing"), Run("run-test", AS_OF))
    landing.ensure_anchors(contracts())
    priced = (LIST_PRICES, DISCOUNTS, CAPACITY_PRICES, REFERENCE_RATES)
    streams: tuple[StreamContract, ...] = (
        TEAMS,
        TAG_SYNONYMS,
        BUDGETS,
        OWNERSHIP_RULES,
        SPLITS,
        SCOPE_RULES,
        REPORTING,
        *priced,
    )
    for contract in (stream for stream in streams if rows.get(stream.stream)):
        table = pa.Table.from_pylist(rows[contract.stream], schema=contract.schema)
        landing.write(contract, scope="all", window=ALL_TIME, batches=[table])
    landing.report("azure_cost", "sub-fresh", None, None)
    landing.report("prices", "all", None, "2 prices differ between the lists; see price_disagreements.")


def replace_interfaces(home: Home, rows: dict[str, Rows]) -> None:
    """Let each cloud's interface models read the given rows; a model without rows becomes empty."""
    for cloud, interfaces in FOLDERS.items():
        shutil.rmtree(home.project / "tests" / cloud, ignore_errors=True)
        shutil.rmtree(home.project / "models" / "intermediate" / cloud)
        folder = home.project / "models" / "intermediate" / cloud
        folder.mkdir()
        for name in interfaces:
            schema = INTERFACES[name]
            model = f"int_{cloud}_{name}"
            path = home.path / "landing" / "by_hand" / f"{model}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(rows.get(model, []), schema=schema), path)
            (folder / f"{model}.sql").write_text(f"select * from read_parquet('landing/by_hand/{model}.parquet')")


def new_home(path: Path, rows: dict[str, Rows], config: dict[str, Rows] | None = None) -> Home:
    """A home that holds the given interface rows and configuration, the scenario's unless told; nothing is built."""
    home = Home(path)
    shutil.copytree(DBT_PROJECT, path / "project")
    write_landing(path, config_rows() if config is None else config)
    replace_interfaces(home, rows)
    return home


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The scenario, built and tested once; nobody changes it."""
    return new_home(tmp_path_factory.mktemp("built"), interface_rows()).build()


@pytest.fixture(scope="session")
def compile_inline(built: Home) -> Callable[[str], str]:
    """Compiles SQL with macros as dbt does."""

    def compile_sql(sql: str) -> str:
        finished = built.dbt("--quiet", "compile", "--inline", sql)
        assert finished.returncode == 0, finished.stdout[-2000:]
        return finished.stdout

    return compile_sql
