"""Fixtures that many tests share: one demo run of ninety days, made by the real command."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
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


class ByFixture(LoadScopeScheduling):
    """Deals tests out to pytest-xdist's workers so that those with one demo run, cloud or warehouse stay together.

    The longest pieces go first: what a piece costs has little to do with how many tests it has, and a long one that
    starts last would leave the other worker idle.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _piece_of(nodeid.partition("::")[0])

    def _assign_work_unit(self, node: Any) -> None:
        longest = max(self.workqueue, key=lambda piece: _seconds(piece, len(self.workqueue[piece])))
        self.workqueue.move_to_end(longest, last=False)
        super()._assign_work_unit(node)


# what shares something that takes long to make: words of a test file to the piece that it is part of
_SHARED = {"demo_home": "demo", "demo_copy": "demo", "quiet_clouds": "clouds", "undisturbed": "clouds"}
# seconds of the long pieces on two cores; others take about half a second a test
_LONG = {
    "demo": 400,
    "clouds": 350,
    "deploy/test_airflow_run": 300,
    "emulator": 240,
    "built": 200,
    "ingest/azure": 180,
    "ingest/gcp": 160,
    "ingest/aws": 140,
    "ingest/gateway": 120,
    "dashboard": 120,
    "dags": 60,
    "deploy/test_azure_roles": 60,
}


@cache
def _piece_of(file: str) -> str:
    """The tests that run one after the other in one worker: a file, or files that share a fixture of the session."""
    name = file.removeprefix("tests/").removesuffix(".py")
    words = set(re.findall(r"\w+", (ROOT / file).read_text(encoding="utf-8")))
    found = next((piece for word, piece in _SHARED.items() if word in words), None)
    folder, _, rest = name.partition("/")
    if found:
        return found
    if folder == "dbt_project":
        is_shared = "/" not in rest and words & {"built", "compile_inline"}
        return "built" if is_shared else name
    if folder in ("deploy", "ingest", "emulator") and "/" not in rest:
        return name if folder == "deploy" else folder
    return "/".join(name.split("/")[:2]) if folder in ("ingest", "emulator") else folder


def _seconds(piece: str, tests: int) -> float:
    return _LONG.get(piece, 60 + tests if piece.startswith("dbt_project/") else tests / 2)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFixture:
    """Used where tests run on several workers."""
    return ByFixture(config, log)


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
