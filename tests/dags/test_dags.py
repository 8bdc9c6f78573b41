"""The DAGs as Airflow parses them: the exact set, each with its manual, retries and limits."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = {
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
}
EXPECTED = {f"ingest_{source}" for source in SOURCES} | {"build_and_publish", "alert", "restate_window"}
DUMP = """
import json, sys
from airflow.dag_processing.dagbag import DagBag

def task(it):
    return {"retries": it.retries, "timeout": bool(it.execution_timeout), "outlets": [a.name for a in it.outlets],
            "downstream": sorted(it.downstream_task_ids)}

def dag(it):
    return {"doc": it.doc_md, "tags": sorted(it.tags), "max_active_runs": it.max_active_runs, "catchup": it.catchup,
            "tasks": {one.task_id: task(one) for one in it.tasks}}

bag = DagBag(sys.argv[1])
errors = {file: str(error) for file, error in bag.import_errors.items()}
print("DAGS" + json.dumps({"errors": errors, "dags": {one.dag_id: dag(one) for one in bag.dags.values()}}))
"""


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("airflow")
    env = os.environ | {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "PYTHONPATH": str(ROOT)}
    env["PATH"] = f"{ROOT / '.venv' / 'bin'}:{env['PATH']}"
    subprocess.run(["airflow", "db", "migrate"], env=env, check=True, capture_output=True)
    finished = subprocess.run(
        [sys.executable, "-c", DUMP, str(ROOT / "dags")], env=env, capture_output=True, text=True, check=True, cwd=home
    )
    return json.loads(next(line for line in finished.stdout.splitlines() if line.startswith("DAGS"))[4:])


def test_the_exact_set_of_dags_parses(parsed: dict[str, Any]) -> None:
    assert parsed["errors"] == {}
    assert set(parsed["dags"]) == EXPECTED


@pytest.mark.parametrize("dag_id", sorted(EXPECTED))
def test_each_dag_says_what_to_do_and_limits_itself(parsed: dict[str, Any], dag_id: str) -> None:
    dag = parsed["dags"][dag_id]
    assert all(heading in dag["doc"] for heading in ("**Purpose**", "**Owner**", "**When it fails**"))
    assert dag["max_active_runs"] == 1
    assert dag["catchup"] is False
    assert {tag.split(":")[0] for tag in dag["tags"]} <= {"layer", "source", "tier"}
    assert all(task["retries"] >= 1 and task["timeout"] for task in dag["tasks"].values())


def test_sources_tell_the_build_and_the_build_tells_the_alert(parsed: dict[str, Any]) -> None:
    dags = parsed["dags"]
    assert {dags[f"ingest_{source}"]["tasks"]["load"]["outlets"][0] for source in SOURCES} == {
        f"landing_{s}" for s in SOURCES
    }
    build = dags["build_and_publish"]["tasks"]
    assert build["build"]["downstream"] == ["detect"]
    assert build["detect"]["downstream"] == ["publish"]
    assert build["publish"]["outlets"] == ["published"]


def test_dag_files_stay_thin() -> None:
    files = sorted((ROOT / "dags").glob("*.py"))
    assert len(files) == 4
    assert all(len(path.read_text().splitlines()) <= 80 for path in files)
