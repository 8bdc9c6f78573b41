"""One user of the warehouse at a time, and children that do not outlive their parent."""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.errors import TransientError


@contextmanager
def warehouse_lock(home: Path, *, wait_s: float = 900.0) -> Iterator[None]:
    """Hold the warehouse of ``home`` alone; the system lets go of it when the holder dies.

    Args:
        wait_s: seconds to wait for another run to finish its step.

    Raises:
        TransientError: another process held it for the whole time.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "warehouse.lock").open("a+") as handle:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TransientError(
                        f"Another run has used the warehouse in {home} for {wait_s:.0f} s.",
                        "Wait for it to end, or stop it, and start again.",
                    ) from None
                time.sleep(0.2)
        yield


def die_with_parent(parent: int) -> None:
    """End this process when the one that started it, ``parent``, is gone: a killed run leaves no writer behind.

    The parent says its own id: it may be gone before this process asks who started it.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.3)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="die-with-parent").start()
