"""The demo: local clouds up, the whole run against them, then the dashboard."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from ingest.errors import ConfigError, Unreachable
from ingest.settings import Settings, load_settings
from pipeline.paths import config_dir

logger = logging.getLogger(__name__)
_READY_WITHIN_S = 120.0
_USUAL_DAYS = 90
# a laptop's own cloud profiles must not reach the demo's local clouds
_FOREIGN = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "AWS_CA_BUNDLE",
)


def check_home(home: Path) -> None:
    """Refuse a home that holds a real account's landing.

    Raises:
        ConfigError: landing is there but no demo made it.
    """
    # truth is missing for a while when a newer version makes the world again
    is_demo = any((home / name).exists() for name in ("truth", "emulator"))
    if (home / "landing").exists() and not is_demo:
        raise ConfigError(
            f"{home} holds real data; the demo would mix its own into it.", "Choose another one with --home."
        )


def generate_world(home: Path, *, days: int, seed: int) -> None:
    """Write the demo organisation's traffic, bills and truth into ``home``, unless it holds that very world.

    Raises:
        ConfigError: the home holds a demo of other days or seed, or the days are out of range.
    """
    finished = subprocess.run(
        [sys.executable, "-m", "emulator", "generate", "--home", str(home), "--days", str(days), "--seed", str(seed)],
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        lines = [line for line in finished.stderr.splitlines() if line.strip()] or ["no message"]
        raise ConfigError(
            f"The demo's world could not be made: {lines[-1]}.", "Choose another --home, --days or --seed."
        )


@contextmanager
def local_clouds(home: Path) -> Iterator[dict[str, str]]:
    """Serve the world in ``home`` while the block runs; yields the environment that points the SDKs at it.

    Raises:
        Unreachable: the local clouds did not come up.
    """
    endpoints = home / "emulator" / "endpoints.json"
    endpoints.unlink(missing_ok=True)
    log = (home / "emulator" / "serve.log").open("w")
    child = subprocess.Popen(
        [sys.executable, "-m", "emulator", "serve", "--parent", str(os.getpid()), "--home", str(home)],
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        yield _wait_ready(child, endpoints)["env"]
    finally:
        stop(child)
        log.close()


def _wait_ready(child: subprocess.Popen[bytes], endpoints: Path) -> dict[str, Any]:
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline and child.poll() is None:
        if endpoints.exists():
            return json.loads(endpoints.read_text())
        time.sleep(0.1)
    raise Unreachable("The demo's local clouds did not come up.", f"See {endpoints.parent / 'serve.log'}.")


def stop(child: subprocess.Popen[bytes], *, within_s: float = 10.0) -> None:
    """End a child: ask first, then insist."""
    if child.poll() is not None:
        return
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(within_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def demo_settings(home: Path, env: dict[str, str], days: int) -> Settings:
    """Settings that point every SDK at the local clouds, with the demo's clock and all of its days."""
    for name in _FOREIGN:
        os.environ.pop(name, None)
    os.environ.update(env)
    clock = json.loads((home / "truth" / "clock.json").read_text())
    settings = load_settings(
        home=home, as_of=datetime.fromisoformat(clock["as_of"]), backfill_days=max(days, _USUAL_DAYS)
    )
    return settings.model_copy(update={"config_dir": settings.config_dir or config_dir(settings)})
