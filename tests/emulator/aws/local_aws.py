"""A small AWS for tests: forty days of the demo organisation, served on ports of its own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from emulator.aws import bill, server
from emulator.aws.estate import Workload, load_estate
from emulator.aws.policy import Guard
from emulator.aws.wire import access_key
from emulator.clock import Clock
from emulator.faults import Faults
from emulator.truth import write_charges, write_usage
from emulator.world import make_world

AS_OF = datetime(2026, 11, 18, 6, tzinfo=UTC)
DAYS = 40
PAYER = "100000000001"
APPS, DATA, SANDBOX = "210000000001", "210000000002", "210000000003"
BUCKET = "acme-billing-exports"
ONCE = Config(retries={"total_max_attempts": 1, "mode": "standard"}, connect_timeout=5, read_timeout=20)


def write_world(home: Path) -> Path:
    """Simulate the world and write its bill, metrics and truth below `home`."""
    world = make_world(home, as_of=AS_OF, days=DAYS)
    charges, rest = bill.write(world)
    write_charges(world.truth, [charges], [rest])
    write_usage(world.truth, [bill.usage_truth(world)])
    return home


@dataclass(frozen=True)
class LocalAws:
    """A running AWS: its folder, clock and faults, and real clients for it."""

    home: Path
    clock: Clock
    faults: Faults
    env: dict[str, str]
    guard: Guard

    @property
    def estate(self) -> dict[str, Workload]:
        """Workloads by stream id."""
        return {one.stream_id: one for one in load_estate(self.home / "emulator" / "aws")}

    def client(self, service: str, *, account: str = APPS, region: str = "us-east-1", config: Config = ONCE) -> Any:
        """A boto3 client that signs as `account` and tries once."""
        endpoint = "INFERLEDGER_AWS_S3_ENDPOINT_URL" if service == "s3" else "INFERLEDGER_AWS_ENDPOINT_URL"
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.env[endpoint],
            aws_access_key_id=access_key(account),
            aws_secret_access_key="emulated",
            config=config,
        )


@contextmanager
def serving(world: Path, home: Path) -> Iterator[LocalAws]:
    """Serve a copy of `world` in `home` at AS_OF until the block ends."""
    shutil.copytree(world, home, dirs_exist_ok=True)
    clock, faults, guard = Clock(home / "truth" / "clock.json"), Faults(), Guard()
    clock.set(AS_OF)
    service = server.start(home / "emulator" / "aws", clock, faults, guard=guard)
    try:
        yield LocalAws(home, clock, faults, service.env, guard)
    finally:
        service.stop()
