"""The services of docker-compose.yml as plain processes: their exact commands, on Debian's PostgreSQL."""

import os
import pwd
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

ROOT = Path(__file__).parents[2]
SECRETS = {
    "POSTGRES_PASSWORD": "only-for-this-test",
    "AIRFLOW_FERNET_KEY": "c2l4dGVlbiBieXRlcyBhbmQgc2l4dGVlbiBtb3JlISE=",
    "AIRFLOW_JWT_SECRET": "a long random text that is only for this test, longer than sixty-four letters",
}
# runs a command that sees one folder read-only: folder, command
READ_ONLY = (
    "unshare",
    "--mount",
    "sh",
    "-c",
    'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"',
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Stack:
    """The compose file, told where its parts lie on this machine."""

    folder: Path
    services: dict[str, Any]
    places: dict[str, str]
    extra_env: dict[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def localised(self, text: str) -> str:
        """``text`` of the compose file with its variables filled in and its hosts and folders on this machine."""
        filled = re.sub(r"\$\{(\w+)[^}]*\}", lambda match: SECRETS[match[1]], text)
        for there, here in self.places.items():
            filled = filled.replace(there, here)
        return filled

    def environment(self, service: str) -> dict[str, str]:
        """The environment of ``service`` on top of this process's own, as the image would give it."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("INFERLEDGER_", "AIRFLOW"))}
        image = {
            "AIRFLOW_HOME": self.places["/var/lib/airflow"],
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
            "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        }
        said = {name: self.localised(str(value)) for name, value in self.services[service]["environment"].items()}
        return own | image | self.extra_env | said

    def start(self, service: str) -> None:
        """Start the service's exact command; where this user may, with its read-only volumes mounted so."""
        command = [self.localised(word) for word in self.services[service]["command"]]
        if os.geteuid() == 0:
            for volume in self.services[service]["volumes"]:
                if volume.endswith(":ro"):
                    command = [*READ_ONLY, self.localised(volume.split(":")[1]), *command]
        log = (self.folder / f"{service}.log").open("wb")
        self.processes[service] = subprocess.Popen(
            command, env=self.environment(service), stdout=log, stderr=log, cwd=self.folder, start_new_session=True
        )

    def wait_ended(self, service: str) -> None:
        """Until the service that ends by itself has ended well."""
        assert self.processes[service].wait(timeout=400) == 0, self.log(service)

    def wait_healthy(self, service: str, *, within_s: float = 400) -> None:
        """Run the service's own health check until it passes."""
        kind, *check = self.services[service]["healthcheck"]["test"]
        assert kind == "CMD"
        command = [self.localised(word) for word in check]
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            assert self.processes[service].poll() is None, self.log(service)
            if subprocess.run(command, env=self.environment(service), capture_output=True, check=False).returncode == 0:
                return
            time.sleep(1)
        raise AssertionError(f"{service} did not become healthy: {self.log(service)}")

    def log(self, service: str) -> str:
        return (self.folder / f"{service}.log").read_text(errors="replace")[-3000:]

    def stop(self) -> None:
        """Ask every service to end, then end what is left of it: tasks run in sessions of their own."""
        trees = [psutil.Process(process.pid) for process in self.processes.values() if process.poll() is None]
        family = [*trees, *(child for parent in trees for child in parent.children(recursive=True))]
        for process in trees:
            process.terminate()
        for process in psutil.wait_procs(family, timeout=20)[1]:
            process.kill()


def _as_postgres(command: list[str]) -> list[str]:
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


@pytest.fixture(scope="session")
def postgres_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A fresh PostgreSQL with the compose file's user and databases."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not binaries:
        pytest.skip("PostgreSQL's server is not installed; on Debian: apt-get install postgresql")
    folder = Path("/tmp") / f"inferledger-postgres-{os.getpid()}"  # its user must be able to reach it
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
    password = folder / "password"
    password.write_text(SECRETS["POSTGRES_PASSWORD"])
    password.chmod(0o644)
    bin_folder, port, env = binaries[-1].parent, free_port(), os.environ | {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    data = folder / "data"
    initdb = [
        str(bin_folder / "initdb"),
        "-D",
        str(data),
        "-U",
        "inferledger",
        "--auth=scram-sha-256",
        f"--pwfile={password}",
        "-E",
        "UTF8",
    ]
    subprocess.run(_as_postgres(initdb), check=True, capture_output=True, env=env, cwd="/")
    server = subprocess.Popen(
        _as_postgres(
            [str(bin_folder / "postgres"), "-D", str(data), "-p", str(port), "-k", str(folder), "-h", "127.0.0.1"]
        ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=env,
        cwd="/",
    )
    psql_env = env | {"PGPASSWORD": SECRETS["POSTGRES_PASSWORD"]}
    psql = ["psql", "-h", "127.0.0.1", "-p", str(port), "-U", "inferledger", "-v", "ON_ERROR_STOP=1"]
    ready = [*psql, "-d", "postgres", "-c", "create database inferledger"]
    while subprocess.run(ready, env=psql_env, capture_output=True, check=False).returncode != 0:
        assert server.poll() is None, "PostgreSQL did not start"
        time.sleep(0.3)
    script = ROOT / "deploy" / "postgres" / "create_airflow.sql"
    subprocess.run([*psql, "-d", "inferledger", "-f", str(script)], env=psql_env, check=True, capture_output=True)
    yield port
    server.terminate()
    server.wait(timeout=30)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, postgres_port: int, compose: dict[str, Any]) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    for name in ("airflow", "home"):
        (folder / name).mkdir()
    api, dashboard = str(free_port()), str(free_port())
    places = {
        "/var/lib/airflow": str(folder / "airflow"),
        "/var/lib/inferledger": str(folder / "home"),
        "/etc/inferledger": str(ROOT / "config"),
        "postgres:5432": f"127.0.0.1:{postgres_port}",
        "api-server:8080": f"127.0.0.1:{api}",
        "127.0.0.1:8080": f"127.0.0.1:{api}",
        "8080": api,
        "127.0.0.1:8501": f"127.0.0.1:{dashboard}",
        "8501": dashboard,
    }
    running = Stack(folder, compose["services"], places)
    yield running
    running.stop()
