"""The Google sources against the local Google Cloud: a fresh landing each, one generated world for all."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import ModuleType

import pytest

from emulator.clock import Clock
from emulator.faults import Faults
from emulator.gcp import bill
from emulator.gcp.permissions import Permissions
from emulator.gcp.server import start
from emulator.world import World, make_world
from ingest.config import load_sources
from ingest.contracts import Context, LoadResult
from ingest.landing import Landing
from ingest.run import Run, Window
from ingest.settings import Settings

CONFIG = Path(__file__).parents[3] / "config" / "sources.yml"


@dataclass
class Rig:
    """A running cloud, its clock and faults, and the context of a run on an empty home."""

    world: World
    clock: Clock
    faults: Faults
    context: Context
    permissions: Permissions

    def load(self, source: ModuleType, window: Window | None = None) -> list[LoadResult]:
        """Load with the clouds' and the run's clock agreeing."""
        return source.load(self.context, window)

    def set_settings(self, **changes: object) -> None:
        """Change settings of the next loads."""
        self.context = replace(self.context, settings=self.context.settings.model_copy(update=changes))

    def set_config(self, **changes: object) -> None:
        """Change keys of the first billing export."""
        config = self.context.config
        export = config.gcp.billing_exports[0].model_copy(update=changes)
        section = config.gcp.model_copy(update={"billing_exports": (export,)})
        self.context = replace(self.context, config=config.model_copy(update={"gcp_section": section}))

    def move_to(self, moment: datetime) -> None:
        """Set both clocks."""
        self.clock.set(moment)
        run = Run(f"run-{moment:%d%H}", moment)
        self.context = replace(self.context, run=run, landing=Landing(self.context.settings.landing_root, run))

    def asked(self, operation: str) -> list[dict[str, object]]:
        """The parameters of every logged request of one operation."""
        return [dict(item.params) for item in self.faults.requests if item.operation == operation]


@pytest.fixture(scope="session")
def google_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = make_world(tmp_path_factory.mktemp("google"), days=14)
    bill.write(world)
    return world


@pytest.fixture
def rig(google_world: World, tmp_path: Path) -> Iterator[Rig]:
    clock, faults, permissions = Clock(tmp_path / "clock.json"), Faults(), Permissions()
    service = start(google_world.folder("gcp"), clock, faults, permissions=permissions)
    settings = Settings(
        home=tmp_path / "home",
        retry_budget_seconds=20,
        **{name.removeprefix("INFERLEDGER_").lower(): url for name, url in service.env.items()},
    )
    run = Run("first", google_world.as_of)
    context = Context(settings, load_sources(CONFIG), Landing(settings.landing_root, run), run)
    prepared = Rig(google_world, clock, faults, context, permissions)
    prepared.move_to(google_world.as_of)
    yield prepared
    service.stop()
