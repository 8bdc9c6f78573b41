"""A small world of three weeks, served for runs that are killed or disturbed."""

import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

ROOT = Path(__file__).parents[2]


def hash_marts(home: Path) -> dict[str, str]:
    """A hash of the content of each published table, whatever the order of its rows."""
    with duckdb.connect(home / "published" / "inferledger.duckdb", read_only=True) as connection:
        query = "select table_name from duckdb_tables() where schema_name = 'main' and table_name <> 'publication'"
        tables = [row[0] for row in connection.execute(query).fetchall()]
        rows = {table: sorted(connection.execute(f"select hash(t) from {table} as t").fetchall()) for table in tables}
    return {table: hashlib.sha256(repr(hashed).encode()).hexdigest() for table, hashed in rows.items()}


@dataclass(frozen=True)
class Clouds:
    """Local clouds that serve a small world, and the switch of their faults."""

    env: dict[str, str]
    control: str

    def set_fault(self, **fault: Any) -> None:
        self._call("POST", fault)

    def clear_faults(self) -> None:
        self._call("DELETE", None)

    def _call(self, method: str, body: dict[str, Any] | None) -> None:
        payload = json.dumps(body).encode() if body is not None else None
        urllib.request.urlopen(
            urllib.request.Request(f"{self.control}/faults", payload, method=method), timeout=10
        ).close()

    def start(self, home: Path, *arguments: str) -> "subprocess.Popen[str]":
        """Start `inferledger ARGUMENTS --home HOME` against these clouds."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("INFERLEDGER_")}
        env = own | self.env | {"PYTHONPATH": str(ROOT), "INFERLEDGER_RETRY_BUDGET_SECONDS": "20"}
        command = [sys.executable, "-m", "pipeline.cli", *arguments, "--home", str(home)]
        return subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(home, *arguments)
        stdout, stderr = process.communicate(timeout=600)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


@pytest.fixture(scope="session")
def mart_hashes() -> Callable[[Path], dict[str, str]]:
    """Hashes of what a home has published, per table."""
    return hash_marts


@pytest.fixture(scope="session")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clouds]:
    world = tmp_path_factory.mktemp("world")
    emulator = [sys.executable, "-m", "emulator"]
    subprocess.run(
        [*emulator, "generate", "--home", str(world), "--days", "21"], check=True, cwd=ROOT, capture_output=True
    )
    server = subprocess.Popen([*emulator, "serve", "--home", str(world)], cwd=ROOT)
    endpoints = world / "emulator" / "endpoints.json"
    while not endpoints.exists():
        assert server.poll() is None, "the local clouds did not start"
        time.sleep(0.1)
    said = json.loads(endpoints.read_text())
    as_of = json.loads((world / "truth" / "clock.json").read_text())["as_of"]
    yield Clouds(said["env"] | {"INFERLEDGER_AS_OF": as_of}, said["control"])
    server.terminate()
    server.wait(timeout=20)


@pytest.fixture(scope="session")
def undisturbed(clouds: Clouds, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of one run that nothing disturbed."""
    home = tmp_path_factory.mktemp("undisturbed")
    finished = clouds.run(home, "run")
    assert finished.returncode == 0, finished.stderr
    return home


@pytest.fixture
def quiet_clouds(clouds: Clouds) -> Iterator[Clouds]:
    """The clouds, with whatever fault a test set taken back afterwards."""
    clouds.clear_faults()
    yield clouds
    clouds.clear_faults()
