"""docker-compose.yml and Dockerfile: valid, without a secret, and of one mind with the project."""

import re
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COPIED = re.compile(r"^COPY (\S+) ", re.MULTILINE)


def test_the_compose_file_meets_the_compose_schema() -> None:
    command = [
        str(ROOT / ".venv" / "bin" / "check-jsonschema"),
        "--builtin-schema",
        "vendor.compose-spec",
        str(ROOT / "docker-compose.yml"),
    ]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout


def test_every_service_has_a_health_check_or_ends_by_itself(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {
        "postgres",
        "airflow-init",
        "api-server",
        "scheduler",
        "dag-processor",
        "triggerer",
        "dashboard",
    }
    assert [name for name, service in services.items() if "healthcheck" not in service] == ["airflow-init"]


def test_no_secret_stands_in_the_files(compose: dict[str, Any]) -> None:
    secret = re.compile(r"(PASSWORD|SECRET|KEY)\b", re.IGNORECASE)
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if secret.search(name) and not name.endswith("_FILE"):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), name
    assert not re.search(r"(?i)(password|secret|token)\s*=", (ROOT / "Dockerfile").read_text())


def test_volumes_are_named_and_used(compose: dict[str, Any]) -> None:
    used = {mount.split(":")[0] for service in compose["services"].values() for mount in service.get("volumes", [])}
    assert set(compose["volumes"]) == {name for name in used if not name.startswith(".")}


def test_the_image_carries_what_the_project_runs() -> None:
    copied = set(COPIED.findall((ROOT / "Dockerfile").read_text()))
    assert {"ingest", "pipeline", "signals", "alerts", "state", "dashboard", "dbt", "config", "dags"} <= copied
    assert all((ROOT / name).exists() for name in copied)
