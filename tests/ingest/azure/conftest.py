"""The real Azure sources against the local Azure: settings, configuration and landing for a short world."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from emulator.azure import bill, server
from emulator.clock import Clock
from emulator.faults import Faults
from emulator.world import World, make_world
from ingest.config import SourcesConfig, load_sources
from ingest.contracts import Context, LoadResult
from ingest.files import open_folder
from ingest.landing import Landing
from ingest.run import Run, Window
from ingest.settings import Settings
from ingest.sources import azure_cost

ROOT = Path(__file__).parents[3]
AS_OF = datetime(2026, 11, 18, 6, tzinfo=UTC)
DAYS = 14
Load = Callable[..., list[LoadResult]]


@dataclass(frozen=True)
class Local:
    """A running local Azure and the world behind it."""

    world: World
    env: dict[str, str]
    faults: Faults
    clock: Clock

    def asked(self, operation: str) -> int:
        """How often an operation was called."""
        return sum(request.operation == operation for request in self.faults.requests)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    world = make_world(tmp_path_factory.mktemp("azure-world"), as_of=AS_OF, days=DAYS)
    bill.write(world)
    clock = Clock(world.home / "truth" / "clock.json")
    clock.set(AS_OF)
    faults = Faults()
    service = server.start(world.folder("azure"), clock, faults, qpu_speed=1e9)
    try:
        yield Local(world, service.env, faults, clock)
    finally:
        service.stop()


@pytest.fixture
def local(running: Local, monkeypatch: pytest.MonkeyPatch) -> Iterator[Local]:
    """The running local Azure, without faults; the application's credential is in the environment."""
    for name, value in running.env.items():
        if name.startswith("AZURE_"):
            monkeypatch.setenv(name, value)
    yield running
    running.faults.clear()
    running.faults.forget_requests()
    running.clock.set(AS_OF)


@pytest.fixture
def settings(local: Local, tmp_path: Path) -> Settings:
    endpoints = {name.removeprefix("INFERLEDGER_").lower(): value for name, value in local.env.items()}
    known = {name: value for name, value in endpoints.items() if name in Settings.model_fields}
    return Settings(
        home=tmp_path / "home", config_dir=ROOT / "config", as_of=AS_OF, retry_budget_seconds=20, **known
    )  # fmt: skip


@pytest.fixture
def config() -> SourcesConfig:
    return load_sources(ROOT / "config" / "sources.yml").model_copy(update={"backfill_days": DAYS})


@pytest.fixture
def context(settings: Settings, config: SourcesConfig) -> Callable[..., Context]:
    """Makes the context of a run; `as_of` moves its clock, other names replace settings."""

    def make(as_of: datetime = AS_OF, changed_config: SourcesConfig | None = None, **changes: object) -> Context:
        run = Run("run-1", as_of)
        chosen = settings.model_copy(update=changes)
        return Context(chosen, changed_config or config, Landing(chosen.landing_root, run), run)

    return make


@pytest.fixture(scope="session")
def cost_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = make_world(tmp_path_factory.mktemp("azure-files"), as_of=AS_OF, days=6)
    bill.write(made)
    return made


@pytest.fixture
def cost_context(tmp_path: Path) -> Context:
    settings = Settings(home=tmp_path / "home", config_dir=ROOT / "config", as_of=AS_OF, retry_budget_seconds=5)
    run_ = Run("run-1", AS_OF)
    return Context(settings, load_sources(ROOT / "config" / "sources.yml"), Landing(settings.landing_root, run_), run_)


@pytest.fixture
def load_costs(cost_context: Context) -> Load:
    def call(path: Path | str, window: Window | None = None) -> list[LoadResult]:
        with open_folder(str(path), cost_context.settings) as folder:
            return azure_cost.load_files(cost_context, folder, window)

    return call
