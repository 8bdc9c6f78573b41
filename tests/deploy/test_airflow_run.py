"""A real Airflow, as the compose file starts it, runs every DAG to success through its REST API."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

import state

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(3600)
Stack = Any  # the type lives in this folder's conftest
AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer")
INGEST = (
    "aws_bedrock",
    "aws_cur",
    "aws_invocation_log",
    "gcp_billing",
    "gcp_vertex",
    "gcp_request_log",
    "azure_cost",
    "azure_openai",
    "azure_reservations",
    "azure_gateway_log",
    "litellm",
    "otel_genai",
    "anthropic",
    "openai",
    "fx",
    "prices",
    "config",
)
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def request(method: str, url: str, body: Any = None, token: str = "") -> Any:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    asked = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers, method=method)
    with OPENER.open(asked, timeout=60) as answer:
        return json.loads(answer.read() or b"{}")


class Api:
    """Airflow's REST API, with the admin's token."""

    def __init__(self, stack: Stack) -> None:
        self.base = stack.localised("http://api-server:8080")
        passwords = json.loads(Path(stack.localised("/var/lib/airflow/passwords.json")).read_text())
        login = {"username": "admin", "password": passwords["admin"]}
        self.token = request("POST", f"{self.base}/auth/token", login)["access_token"]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return request(method, f"{self.base}/api/v2{path}", body, self.token)

    def trigger(self, dag_id: str, *, logical_date: str | None = None, conf: dict[str, Any] | None = None) -> str:
        body = {"logical_date": logical_date, "conf": conf or {}}
        return self.call("POST", f"/dags/{dag_id}/dagRuns", body)["dag_run_id"]

    def runs(self, dag_id: str) -> dict[str, str]:
        return {run["dag_run_id"]: run["state"] for run in self.call("GET", f"/dags/{dag_id}/dagRuns")["dag_runs"]}

    def log(self, dag_id: str, run_id: str, task_id: str, *, attempt: int = 1) -> str:
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}?full_content=true"
        return json.dumps(self.call("GET", path)["content"])

    def wait(self, dag_id: str, run_id: str, *, wanted: str = "success", within_s: float = 900) -> None:
        """Until the run has ended; another end than ``wanted`` is told with the logs of its failed tasks."""
        eventually(lambda: self.runs(dag_id)[run_id] in ("success", "failed"), f"{dag_id} {run_id}", within_s=within_s)
        if self.runs(dag_id)[run_id] != wanted:
            tasks = self.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
            failed = [self.log(dag_id, run_id, task["task_id"])[-3000:] for task in tasks if task["state"] == "failed"]
            raise AssertionError(f"{dag_id} {run_id} is not {wanted}: {failed}")

    def wait_new(self, dag_id: str, known: set[str], *, within_s: float = 900) -> str:
        """Until a run that is not in ``known`` has come up and succeeded."""
        eventually(lambda: set(self.runs(dag_id)) - known, f"a new run of {dag_id}", within_s=within_s)
        (new,) = set(self.runs(dag_id)) - known
        self.wait(dag_id, new, within_s=within_s)
        return new


def eventually(is_so: Callable[[], Any], what: str, *, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, f"{what}: not within {within_s} s"
        time.sleep(1)


def publication(published: Path) -> tuple[str, int]:
    with duckdb.connect(published, read_only=True) as connection:
        return connection.execute("select run_id, published_rows from publication").fetchall()[0]


@pytest.fixture(scope="module")
def published(stack: Stack) -> Path:
    return Path(stack.places["/var/lib/inferledger"]) / "published" / "inferledger.duckdb"


@pytest.fixture(scope="module")
def control(stack: Stack) -> Iterator[str]:
    """Thirty days of the demo organisation, served for the scheduler's tasks; the address that switches faults on."""
    stack.start("airflow-init")
    home = Path(stack.places["/var/lib/inferledger"])
    emulator = [sys.executable, "-m", "emulator"]
    subprocess.run([*emulator, "generate", "--home", str(home), "--days", "30", "--seed", "7"], check=True, cwd=ROOT)
    server = subprocess.Popen([*emulator, "serve", "--home", str(home)], cwd=ROOT)
    endpoints = home / "emulator" / "endpoints.json"
    while not endpoints.exists():
        assert server.poll() is None
        time.sleep(0.2)
    clock = json.loads((home / "truth" / "clock.json").read_text())["as_of"]
    served = json.loads(endpoints.read_text())
    stack.extra_env.update(served["env"] | {"INFERLEDGER_AS_OF": clock})
    yield served["control"]
    server.terminate()
    server.wait(timeout=20)


@pytest.fixture(scope="module")
def airflow(stack: Stack, control: str) -> Api:
    """Airflow with every DAG parsed; ingestion waits, paused, for its run of this morning to be triggered."""
    stack.wait_ended("airflow-init")
    for service in (*AIRFLOW, "dashboard"):
        stack.start(service)
    for service in AIRFLOW:
        stack.wait_healthy(service)
    api = Api(stack)
    eventually(lambda: api.call("GET", "/dags")["total_entries"] == len(INGEST) + 3, "every DAG parsed", within_s=300)
    assert api.call("GET", "/importErrors")["total_entries"] == 0
    return api


def test_every_dag_runs_to_success_and_publishes(airflow: Api, stack: Stack, published: Path) -> None:
    started = {}
    for source in INGEST:
        # the slot that the schedule would fill as soon as the DAG is switched on: one run, not two
        slot = airflow.call("GET", f"/dags/ingest_{source}")["next_dagrun_logical_date"]
        started[source] = airflow.trigger(f"ingest_{source}", logical_date=slot)
    for dag in airflow.call("GET", "/dags")["dags"]:
        airflow.call("PATCH", f"/dags/{dag['dag_id']}", {"is_paused": False})
    for source in INGEST:
        airflow.wait(f"ingest_{source}", started[source])
    built = airflow.wait_new("build_and_publish", set())
    airflow.wait_new("alert", set())
    assert built.startswith("asset_triggered")
    with duckdb.connect(published, read_only=True) as connection:
        providers = connection.execute("select distinct provider from fct_spend_daily order by 1").fetchall()
    assert providers == [("aws",), ("azure",), ("gcp",)]
    with closing(state.open_state(state_url(stack))) as store:
        assert state.latest_run(store).outcome == "success"


def test_a_restated_window_is_followed_by_a_new_publication(airflow: Api, published: Path) -> None:
    before, known = publication(published), set(airflow.runs("build_and_publish"))
    window = {"source": "aws_cur", "start": "2026-11-01", "end": "2026-11-10"}
    run_id = airflow.trigger("restate_window", conf=window)
    airflow.wait("restate_window", run_id)
    airflow.wait_new("build_and_publish", known)
    after = publication(published)
    assert after[0] != before[0]
    assert after[1] == before[1]
    assert "line_items: " in airflow.log("restate_window", run_id, "load")


def test_a_failing_source_leaves_the_published_file_as_it_is(
    airflow: Api, stack: Stack, published: Path, control: str
) -> None:
    before, known = published.stat(), airflow.runs("build_and_publish")
    assets = {asset["name"]: asset["id"] for asset in airflow.call("GET", "/assets")["assets"]}
    for source in INGEST:
        if source != "aws_cur":
            airflow.call("POST", "/assets/events", {"asset_id": assets[f"landing_{source}"], "extra": {}})
    request("POST", f"{control}/faults", {"cloud": "aws", "operation": "*", "kind": "forbidden", "times": None})
    try:
        run_id = airflow.trigger("ingest_aws_cur")
        airflow.wait("ingest_aws_cur", run_id, wanted="failed")
    finally:
        request("DELETE", f"{control}/faults")
    waiting = airflow.call("GET", "/dags/build_and_publish/assets/queuedEvents")
    assert waiting["total_entries"] == len(INGEST) - 1
    assert airflow.runs("build_and_publish") == known
    assert (published.stat().st_ino, published.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert "s3:ListBucket" in airflow.log("ingest_aws_cur", run_id, "load")
    with closing(state.open_state(state_url(stack))) as store:
        failed = state.latest_run(store)
    assert failed.outcome == "failed"
    assert "s3:ListBucket" in failed.message


def test_the_dashboard_service_is_healthy(stack: Stack, airflow: Api) -> None:
    stack.wait_healthy("dashboard", within_s=60)


def state_url(stack: Stack) -> str:
    return stack.environment("scheduler")["INFERLEDGER_STATE_URL"]
