"""Fixtures that many tests share: one demo run of ninety days, made by the real command."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run_cli(
    *arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `inferledger` as a person would, in a process of its own."""
    command = [sys.executable, "-m", "pipeline.cli", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INFERLEDGER_")}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd or ROOT,
        env=environment | (env or {}) | {"PYTHONPATH": str(ROOT)},
    )


# folders whose tests share costly fixtures (a demo run, a built warehouse) stay on one worker, the longest first
_TOGETHER = ("pipeline", "dbt_project", "deploy", "emulator", "ingest")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group tests by folder for pytest-xdist, and let the groups that take longest begin."""
    for item in items:
        parts = item.path.relative_to(ROOT / "tests").parts
        # the dashboard's browser tests look at the demo run that the pipeline's tests made
        folder = "pipeline" if parts[0] == "dashboard" else parts[0]
        cloud = parts[1] if folder in ("ingest", "emulator", "dbt_project") and len(parts) > 2 else ""
        item.add_marker(pytest.mark.xdist_group(f"{folder}/{cloud}"))
    items.sort(key=lambda item: _rank(item.path.relative_to(ROOT / "tests").parts[0]))


def _rank(folder: str) -> int:
    folder = "pipeline" if folder == "dashboard" else folder
    return _TOGETHER.index(folder) if folder in _TOGETHER else len(_TOGETHER)


@pytest.fixture(scope="session")
def cli() -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command line, run for real."""
    return run_cli


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of one undisturbed demo run of ninety days; tests copy it before they change it."""
    home = tmp_path_factory.mktemp("demo") / "home"
    finished = run_cli("demo", "--home", str(home), "--no-dashboard")
    assert finished.returncode == 0, finished.stderr[-2000:]
    return home


@pytest.fixture
def demo_copy(demo_home: Path, tmp_path: Path) -> Path:
    """A copy of the demo's home at another place, free to be changed."""
    copy = tmp_path / "moved" / "home"
    shutil.copytree(demo_home, copy)
    return copy
