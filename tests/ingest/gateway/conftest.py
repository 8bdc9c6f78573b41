"""A real LiteLLM proxy, a real PostgreSQL and moto's S3, started when a test asks for them."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from ingest.config import SourcesConfig
from ingest.contracts import Context
from ingest.landing import Landing
from ingest.run import Run
from ingest.settings import Settings

ROOT = Path(__file__).parents[3]
ENVIRONMENT = ROOT / ".cache" / "litellm"
AS_OF = datetime(2026, 11, 18, 6, tzinfo=UTC)
MASTER_KEY = "sk-only-for-this-test"
BUCKET = "acme-gateway"
MakeContext = Callable[..., Context]


@pytest.fixture
def make_context(tmp_path: Path) -> MakeContext:
    """Builds the context of a run on this test's own home."""

    def make(sections: dict[str, Any], *, as_of: datetime = AS_OF, run_id: str = "run-1", **settings: Any) -> Context:
        chosen = Settings(home=tmp_path / "home", retry_budget_seconds=1, **settings)
        run = Run(run_id, as_of)
        return Context(chosen, SourcesConfig.model_validate(sections), Landing(chosen.landing_root, run), run)

    return make


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """moto's S3 with one empty bucket; its keys stand in the environment."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    url = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    before = dict(os.environ)
    os.environ.update({"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"})
    boto3.client("s3", endpoint_url=url, region_name="us-east-1").create_bucket(Bucket=BUCKET)
    yield url
    server.stop()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def litellm_environment() -> Path:
    """An environment of LiteLLM's own, made once: its pins clash with ours."""
    binary = ENVIRONMENT / "bin" / "litellm"
    if binary.exists():
        return ENVIRONMENT
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    try:
        subprocess.run([uv, "venv", "--python", sys.executable, str(ENVIRONMENT)], check=True, capture_output=True)
        subprocess.run(
            [uv, "pip", "install", "--python", str(ENVIRONMENT / "bin" / "python"), "litellm[proxy]>=1.80"],
            check=True, capture_output=True, text=True, timeout=600,
        )  # fmt: skip
    except (subprocess.SubprocessError, OSError) as error:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        said = getattr(error, "stderr", "") or str(error)
        pytest.skip(f"LiteLLM's proxy cannot be installed here: {str(said).strip()[-300:]}")
    return ENVIRONMENT


@dataclass(frozen=True)
class Proxy:
    """A running proxy."""

    url: str

    def ask(self, body: str, headers: dict[str, str] | None = None) -> int:
        """Ask for a completion; the status of the answer."""
        asked = urllib.request.Request(
            f"{self.url}/v1/chat/completions",
            body.encode(),
            {"Authorization": f"Bearer {MASTER_KEY}", "Content-Type": "application/json", **(headers or {})},
        )
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                answer.read()
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code


@pytest.fixture(scope="session")
def proxy(litellm_environment: Path, s3_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """LiteLLM's proxy without a database, its models mocked, its logger `s3_v2` pointed at moto."""
    folder = tmp_path_factory.mktemp("litellm")
    (folder / "config.yaml").write_text((Path(__file__).parent / "proxy.yaml").read_text().replace("S3_URL", s3_url))
    port = free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("INFERLEDGER_", "LITELLM_"))}
    env |= {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "DEFAULT_S3_FLUSH_INTERVAL_SECONDS": "1",
        "LITELLM_TELEMETRY": "False",
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [str(litellm_environment / "bin" / "litellm"), "--config", "config.yaml", "--port", str(port),
             "--host", "127.0.0.1"],
            cwd=folder, env=env, stdout=log, stderr=log,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, process, folder / "log")
        yield Proxy(url)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Starting takes half a minute of a core, most of it for imports; more where others want the core too."""
    deadline = time.monotonic() + 840
    while True:
        try:
            urllib.request.urlopen(f"{url}/health/liveliness", timeout=5).close()
            return
        except OSError:
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, "the proxy did not start in fourteen minutes"
            time.sleep(0.2)


def _postgres_binaries() -> Path | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL on a socket of its own; it refuses to run as root, so root hands it to the user postgres."""
    binaries = _postgres_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server under /usr/lib/postgresql (Debian: apt-get install postgresql)")
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra `postgres`)")
    is_root = os.geteuid() == 0
    if is_root and not ("postgres" in {user.pw_name for user in pwd.getpwall()} and shutil.which("runuser")):
        pytest.skip("running as root, and there is no user postgres to run the server as")
    # short, because a socket's path may have 107 bytes only
    folder = Path(subprocess.check_output(["mktemp", "-d", "/tmp/pg.XXXXXX"], text=True).strip())
    as_server = ["runuser", "-u", "postgres", "--"] if is_root else []
    if is_root:
        shutil.chown(folder, "postgres")

    def run(*command: str) -> None:
        env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        subprocess.run([*as_server, *command], check=True, env=env, cwd="/", stdout=subprocess.DEVNULL)

    cluster, control = str(folder / "data"), str(binaries / "pg_ctl")
    run(str(binaries / "initdb"), "-D", cluster, "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-c listen_addresses= -k {folder} -c fsync=off"
    run(control, "-D", cluster, "-w", "-l", str(folder / "log"), "-o", options, "start")
    yield f"postgresql://{{role}}@/postgres?host={folder}"
    run(control, "-D", cluster, "-w", "-m", "immediate", "stop")
    shutil.rmtree(folder)
