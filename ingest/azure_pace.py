"""Keeps the calls of Cost Management within its budget of query units, so that no call has to be refused first.

Azure counts a tenant's query processing units: 12 in 10 seconds, 60 in a minute, 600 in an hour; a month of data that a
query touches is one unit, and the header `x-ms-ratelimit-microsoft.costmanagement-qpu-consumed` tells what was taken
(Microsoft Learn, "Manage costs with automation", data latency and rate limits). The pacer counts what this process
spent and waits until the next call fits, never longer. What others spend is not seen here; their 429 is waited for by
its own headers (`ingest.retry`).
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)
CONSUMED = "x-ms-ratelimit-microsoft.costmanagement-qpu-consumed"
BUDGETS = ((10.0, 12), (60.0, 60), (3600.0, 600))
LONG_WAIT_S = 5.0


@dataclass
class Pacer:
    """Counts units against Azure's budgets.

    Attributes:
        speed: how much faster than Azure's the budgets refill; 1 for the real cloud.
        clock: seconds, only ever more.
        sleep: waits so many of them.
        slept: seconds waited so far.
        spent: units taken so far.
    """

    speed: float = 1.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    slept: float = 0.0
    spent: int = 0
    _taken: deque[tuple[float, int]] = field(default_factory=deque[tuple[float, int]])

    def wait(self, units: int) -> None:
        """Wait until `units` fit into every budget."""
        seconds = self.seconds_until(units)
        if seconds <= 0:
            return
        if seconds >= LONG_WAIT_S:
            logger.info("waiting for query units", extra={"seconds": round(seconds, 1), "units": units})
        self.sleep(seconds)
        self.slept += seconds

    def seconds_until(self, units: int) -> float:
        """Seconds until `units` fit; 0 when they do."""
        now = self.clock() * self.speed
        while self._taken and self._taken[0][0] <= now - BUDGETS[-1][0]:
            self._taken.popleft()
        return max(self._wait(now, span, size, units) for span, size in BUDGETS) / self.speed

    def note(self, headers: Mapping[str, str], estimate: int) -> None:
        """Count a call that was answered: what its header says it took, else what was expected."""
        told = {name.lower(): value for name, value in headers.items()}.get(CONSUMED, "")
        units = int(told) if told.isdigit() else estimate
        self._taken.append((self.clock() * self.speed, units))
        self.spent += units

    def _wait(self, now: float, span: float, size: int, units: int) -> float:
        free = size - sum(taken for moment, taken in self._taken if moment > now - span)
        # a query larger than the whole budget passes on its own
        needed = min(units, size)
        if free >= needed:
            return 0.0
        for moment, taken in self._taken:
            if moment > now - span:
                free += taken
                if free >= needed:
                    return moment + span - now
        return span
