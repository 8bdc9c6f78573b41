"""24 months of Azure backfill by the cost query: does it keep to the budget of query units, and how long does it wait?

The real source reads the local Azure over TLS, which counts query units as Azure does and refuses with 429 what is over
them. Both run on one virtual clock, so the minutes that are waited cost no time. Beside it the naive client: it fires,
waits for what the refusal's headers say, and fires again.

    python bench/bench_azure_backfill.py [--months 24]
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from emulator.azure import bill, server
from emulator.azure.throttle import QpuBudget
from emulator.azure.wire import AzureError
from emulator.clock import Clock
from emulator.faults import Faults
from emulator.world import make_world
from ingest.azure_client import AzureCaller
from ingest.azure_errors import seconds_to_wait
from ingest.azure_pace import BUDGETS, Pacer
from ingest.config import load_sources
from ingest.run import Window, months
from ingest.settings import Settings
from ingest.sources.azure_cost_picture import Account, one_picture

CONFIG = Path(__file__).parents[1] / "config"
AS_OF = datetime(2026, 11, 18, 6, tzinfo=UTC)
TAG_KEYS = ("environment", "product", "team")


@dataclass
class VirtualClock:
    """Seconds that pass only while somebody sleeps."""

    now: float = 0.0

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Meter(QpuBudget):
    """The local budget, which also writes down what it granted and refused."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(1.0, clock.read)
        self._virtual = clock
        self.granted: list[tuple[float, int]] = []
        self.refused = 0

    def spend(self, units: int):
        try:
            headers = super().spend(units)
        except AzureError:
            self.refused += 1
            raise
        self.granted.append((self._virtual.now, units))
        return headers

    def highest(self) -> list[tuple[int, int]]:
        """The most units in any span of each budget, beside what it allows."""
        return [
            (max(sum(u for m, u in self.granted if at - span < m <= at) for at, _ in self.granted), size)
            for span, size in BUDGETS
        ]


def connector(wanted: list[Window]) -> tuple[Meter, VirtualClock, Pacer]:
    """The source as it is."""
    clock = VirtualClock()
    meter, pacer = Meter(clock), Pacer(clock=clock.read, sleep=clock.sleep)

    def read(settings: Settings) -> None:
        config = load_sources(CONFIG / "sources.yml").azure
        caller = AzureCaller(settings, config.tenant_id, pacer)
        account = Account(config, caller, caller.costs())
        keys = {subscription.id.lower(): TAG_KEYS for subscription in config.subscriptions}
        for month in wanted:
            one_picture(account, month, keys)

    _against(meter, read)
    return meter, clock, pacer


def naive(calls: int) -> tuple[Meter, VirtualClock]:
    """The same number of calls, each fired at once and again after what its refusal asks for."""
    clock = VirtualClock()
    meter = Meter(clock)
    for _ in range(calls):
        while True:
            try:
                meter.spend(1)
                break
            except AzureError as error:
                clock.sleep(seconds_to_wait(error.reply.headers) or 20.0)
    return meter, clock


def _against(meter: Meter, read: Callable[[Settings], None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(Path(folder), as_of=AS_OF, days=5)
        bill.write(world)
        clock = Clock(world.truth / "clock.json")
        clock.set(AS_OF)
        service = server.start(world.folder("azure"), clock, Faults(), budget=meter)
        os.environ.update(service.env)
        try:
            read(Settings(home=Path(folder), config_dir=CONFIG, azure_qpu_speed=1))
        finally:
            service.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--months", type=int, default=24)
    count = parser.parse_args().months
    start = AS_OF.replace(year=AS_OF.year - (count + 11) // 12)
    wanted = list(months(Window(start, AS_OF)))[-count:]
    began = time.process_time()
    meter, clock, pacer = connector(wanted)
    cpu = time.process_time() - began
    calls = len(meter.granted)
    other, other_clock = naive(calls)
    within = " ".join(f"{most}/{size}" for most, size in meter.highest())
    out = sys.stdout.write
    out(f"{count} months: {calls} queries, {cpu:.1f} CPU seconds of both sides\n")
    out(f"connector: {meter.refused} refused, {clock.now:.1f} s waited, most units in 10 s, 60 s, 3600 s: {within}\n")
    out(f"naive:     {other.refused} refused, {other_clock.now:.1f} s waited\n")
    ratio = clock.now / other_clock.now if other_clock.now else 1.0
    out(f"waited {ratio:.4f} of what the headers ask the naive client for; the pacer counts {pacer.slept:.1f} s\n")


if __name__ == "__main__":
    main()
