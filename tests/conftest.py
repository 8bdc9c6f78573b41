"""Fixtures that many tests share: one demo run of ninety days, made by the real command."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

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


class ByFolder(LoadScopeScheduling):
    """Deals tests out to pytest-xdist's workers by folder, because a folder's tests share a demo run or a warehouse."""

    def _split_scope(self, nodeid: str) -> str:
        parts = nodeid.partition("::")[0].removeprefix("tests/").split("/")
        # the dashboard's browser tests look at the demo run that the pipeline's tests made
        folder = "pipeline" if parts[0] == "dashboard" else parts[0]
        return "/".join([folder, parts[1]]) if folder in _WITH_CLOUDS and len(parts) > 2 else folder


_WITH_CLOUDS = ("ingest", "emulator", "dbt_project")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder:
    """Used where tests run on several workers."""
    return ByFolder(config, log)


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
