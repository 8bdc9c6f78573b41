"""Query Processing Units of the Cost Management API: 12 in 10 seconds, 60 in a minute, 600 in an hour, per tenant."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from math import ceil

from emulator.azure.wire import AzureError

PREFIX = "x-ms-ratelimit-microsoft.costmanagement"
BUDGETS = ((10.0, 12), (60.0, 60), (3600.0, 600))


class QpuBudget:
    """Counts what was consumed.

    `speed` is how much faster than Azure's the budget refills: a demo that reads ninety days would otherwise wait a
    minute. `clock` gives seconds.
    """

    def __init__(self, speed: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._speed = speed
        self._clock = clock
        self._lock = threading.Lock()
        self._spent: deque[tuple[float, int]] = deque()

    def spend(self, units: int) -> Mapping[str, str]:
        """Take units and return the headers that say so; raises Azure's 429, which carries no plain Retry-After."""
        with self._lock:
            now = self._clock() * self._speed
            while self._spent and self._spent[0][0] <= now - BUDGETS[-1][0]:
                self._spent.popleft()
            wait = max(self._wait(now, span, size, units) for span, size in BUDGETS)
            if wait > 0:
                raise throttled(wait / self._speed)
            self._spent.append((now, units))
            left = [size - self._used(now, span) for span, size in BUDGETS]
        return {f"{PREFIX}-qpu-consumed": str(units), f"{PREFIX}-qpu-remaining": ",".join(map(str, left))}

    def _used(self, now: float, span: float) -> int:
        return sum(units for moment, units in self._spent if moment > now - span)

    def _wait(self, now: float, span: float, size: int, units: int) -> float:
        """Seconds of the budget's own time until `units` fit into a window."""
        free = size - self._used(now, span)
        # a query larger than the whole budget passes on its own
        if free >= min(units, size):
            return 0.0
        for moment, taken in self._spent:
            if moment > now - span:
                free += taken
                if free >= min(units, size):
                    return moment + span - now
        return span


def throttled(seconds: float) -> AzureError:
    """Azure's 429: several waits in headers of its own, of which the longest counts."""
    shown = str(ceil(seconds * 100) / 100)
    headers = {
        f"{PREFIX}-qpu-retry-after": shown,
        f"{PREFIX}-entity-retry-after": "0",
        f"{PREFIX}-tenant-retry-after": shown,
    }
    return AzureError(429, "429", "Too many requests. Please retry.", headers)
