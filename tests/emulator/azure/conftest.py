"""A short world and the local Azure that serves it, with the real clients signed in."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from azure.identity import ClientSecretCredential

from emulator.azure import bill, server
from emulator.clock import Clock
from emulator.faults import Faults
from emulator.world import World, make_world

AS_OF = datetime(2026, 11, 18, 6, tzinfo=UTC)
DAYS = 14


@dataclass(frozen=True)
class Written:
    """A world with its Azure files and their truth."""

    world: World
    charges: pa.Table
    out_of_scope: pa.Table


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    world = make_world(tmp_path_factory.mktemp("azure-world"), as_of=AS_OF, days=DAYS)
    return Written(world, *bill.write(world))


@dataclass(frozen=True)
class Local:
    """A running local Azure."""

    env: dict[str, str]
    faults: Faults
    clock: Clock

    @property
    def base(self) -> str:
        return self.env["INFERLEDGER_AZURE_ARM_ENDPOINT"]

    @property
    def options(self) -> dict[str, Any]:
        """What every real client gets."""
        return {"connection_verify": self.env["INFERLEDGER_AZURE_CA_BUNDLE"], "retry_total": 0}

    def credential(self, **changes: str) -> ClientSecretCredential:
        known = {name: self.env[f"AZURE_{name.upper()}"] for name in ("tenant_id", "client_id", "client_secret")}
        return ClientSecretCredential(
            **(known | changes), authority=self.base, disable_instance_discovery=True,
            connection_verify=self.env["INFERLEDGER_AZURE_CA_BUNDLE"], retry_total=0,
        )  # fmt: skip


@pytest.fixture(scope="session")
def running(written: Written, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    clock = Clock(tmp_path_factory.mktemp("azure-clock") / "clock.json")
    clock.set(AS_OF)
    faults = Faults()
    # a budget that never runs out; its own test has its own
    service = server.start(written.world.folder("azure"), clock, faults, qpu_speed=1e9)
    try:
        yield Local(service.env, faults, clock)
    finally:
        service.stop()


@pytest.fixture
def local(running: Local) -> Iterator[Local]:
    """The running local Azure, without faults and with an empty request log."""
    yield running
    running.faults.clear()
    running.faults.forget_requests()


@pytest.fixture
def subscriptions(written: Written) -> dict[str, str]:
    """Subscription ids by name."""
    return {item["name"]: key for key, item in written.world.organisation.azure["subscriptions"].items()}
