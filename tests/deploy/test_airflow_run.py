"""A real Airflow, as the compose file starts it, runs every DAG to success through its REST API."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

ROOT = Path(__file__).parents[2]
Stack = Any  # the type lives in this folder's conftest
SERVICES = ("api-server", "scheduler", "dag-processor", "triggerer")
INGEST = (
    "aws_bedrock",
    "aws_cur",
    "gcp_billing",
    "gcp_vertex",
    "azure_cost",
    "azure_openai",
    "azure_reservations",
    "prices",
    "config",
)


class Api:
    """Airflow's REST API, with the admin's token."""

    def __init__(self, stack: Stack) -> None:
        self.base = stack.localised("http://api-server:8080")
        passwords = json.loads(Path(stack.localised("/var/lib/airflow/passwords.json")).read_text())
        self.token = self.call("POST", "/auth/token", {"username": "admin", "password": passwords["admin"]})[
            "access_token"
        ]

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self.token}"} if hasattr(self, "token") else {}
        )
        request = urllib.request.Request(
            self.base + path, json.dumps(body).encode() if body is not None else None, headers, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"{}")

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        return self.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf or {}})[
            "dag_run_id"
        ]

    def runs(self, dag_id: str) -> dict[str, str]:
        return {
            run["dag_run_id"]: run["state"] for run in self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns")["dag_runs"]
        }

    def wait(self, dag_id: str, runs: int, *, within_s: float = 420) -> None:
        """Until ``runs`` runs of the DAG have succeeded; a failed one ends the wait with its task's log."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            states = list(self.runs(dag_id).values())
            assert "failed" not in states, f"{dag_id} failed"
            if states.count("success") >= runs:
                return
            time.sleep(2)
        raise AssertionError(f"{dag_id}: {self.runs(dag_id)} after {within_s} s")


@pytest.fixture(scope="module")
def clouds(stack: Stack) -> Iterator[None]:
    """Thirty days of the demo organisation, served for the scheduler's tasks."""
    home = Path(stack.places["/var/lib/inferledger"])
    emulator = [sys.executable, "-m", "emulator"]
    subprocess.run([*emulator, "generate", "--home", str(home), "--days", "30", "--seed", "7"], check=True, cwd=ROOT)
    server = subprocess.Popen([*emulator, "serve", "--home", str(home)], cwd=ROOT)
    endpoints = home / "emulator" / "endpoints.json"
    while not endpoints.exists():
        assert server.poll() is None
        time.sleep(0.2)
    clock = json.loads((home / "truth" / "clock.json").read_text())["as_of"]
    stack.extra_env.update(json.loads(endpoints.read_text())["env"] | {"INFERLEDGER_AS_OF": clock})
    yield
    server.terminate()
    server.wait(timeout=20)


@pytest.fixture(scope="module")
def airflow(stack: Stack, clouds: None) -> Api:
    stack.run_once("airflow-init")
    for service in SERVICES:
        stack.start(service)
    for service in SERVICES:
        stack.wait_healthy(service)
    return Api(stack)


def test_every_dag_runs_to_success_and_publishes(airflow: Api, stack: Stack) -> None:
    wait_until_parsed(airflow, expected=len(INGEST) + 3)
    for dag in airflow.call("GET", "/api/v2/dags?limit=50")["dags"]:
        airflow.call("PATCH", f"/api/v2/dags/{dag['dag_id']}", {"is_paused": False})
    for source in INGEST:
        airflow.trigger(f"ingest_{source}")
    for source in INGEST:
        airflow.wait(f"ingest_{source}", 1)
    airflow.wait("build_and_publish", 1)
    airflow.wait("alert", 1)
    published = Path(stack.places["/var/lib/inferledger"]) / "published" / "inferledger.duckdb"
    with duckdb.connect(published, read_only=True) as connection:
        providers = connection.execute("select distinct provider from fct_spend_daily order by 1").fetchall()
    assert providers == [("aws",), ("azure",), ("gcp",)]
    before = published.stat().st_ino
    airflow.trigger("restate_window", {"source": "aws_cur", "start": "2026-11-01", "end": "2026-11-10"})
    airflow.wait("restate_window", 1)
    airflow.wait("build_and_publish", 2)
    assert published.stat().st_ino != before


def wait_until_parsed(airflow: Api, *, expected: int, within_s: float = 120) -> None:
    deadline = time.monotonic() + within_s
    while airflow.call("GET", "/api/v2/dags?limit=50")["total_entries"] < expected:
        assert time.monotonic() < deadline, airflow.call("GET", "/api/v2/importErrors")
        time.sleep(2)


def test_the_dashboard_service_becomes_healthy(stack: Stack) -> None:
    stack.start("dashboard")
    stack.wait_healthy("dashboard", within_s=60)
