"""A real blob service for tests: Azurite from npm, installed once into `.cache/azurite`, in memory, on 127.0.0.1."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

VERSION = "3.35.0"
FOLDER = Path(__file__).parents[1] / ".cache" / "azurite"
# the key that Azurite documents for its only account
KEY = (  # pragma: allowlist secret
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
INSTALL_S, START_S = 600, 60


def program() -> Path:
    """The program, installed if it is not; skips the test where npm is missing or reaches no registry."""
    path = FOLDER / "node_modules" / ".bin" / "azurite-blob"
    if path.exists():
        return path
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed, so Azurite cannot be (Debian: apt-get install npm)")
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(FOLDER), f"azurite@{VERSION}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=INSTALL_S)
    if done.returncode or not path.exists():
        pytest.skip(f"npm could not install Azurite: {(done.stderr or done.stdout).strip()[:200]}")
    return path


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The connection string of a running Azurite; it ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(program()), "--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence", "--silent",
        "--skipApiVersionCheck", "--disableTelemetry",
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(port, process)
            yield (
                "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
                f"AccountKey={KEY};BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
            )
        finally:
            process.terminate()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until it listens."""
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("Azurite did not start")
