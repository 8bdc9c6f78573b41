"""Run the local clouds, the alert receiver and the control port until told to stop."""

import contextlib
import ctypes
import importlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from importlib.abc import MetaPathFinder
from pathlib import Path

import pyarrow as pa

from emulator.clock import Clock, write_atomically
from emulator.faults import Faults, start_control
from emulator.generate import MARKER
from emulator.organisation import PROVIDERS
from emulator.service import Service

ENDPOINTS = "endpoints.json"
# M_ARENA_MAX of the GNU C library's malloc.h
ARENAS_MAX_PARAMETER = -8
TRIM_EVERY_SECONDS = 5
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class NoWorldError(Exception):
    """The home holds no complete world to serve."""


def endpoints_path(home: Path) -> Path:
    """Where `serve` says, once everything answers, how to reach it: `{"env": {...}, "control": url}`."""
    return home / "emulator" / ENDPOINTS


@contextlib.contextmanager
def serving(home: Path, *, control_port: int = 0) -> Iterator[dict[str, str]]:
    """Everything running on 127.0.0.1 while the block runs; yields the environment that clients need.

    Raises NoWorldError when nothing was generated. A taken control port is stepped aside: `endpoints.json` names the
    one that answers.
    """
    _require_world(home)
    path = endpoints_path(home)
    path.unlink(missing_ok=True)
    clock = Clock(home / "truth" / "clock.json")
    faults = Faults()
    with contextlib.ExitStack() as stack:
        env: dict[str, str] = {}
        for service in _started(home, clock, faults):
            stack.callback(service.stop)
            env.update(service.env)
        control, url = _control(faults, clock, control_port)
        stack.callback(control.stop)
        write_atomically(path, json.dumps({"env": env, "control": url}, indent=2) + "\n")
        stack.callback(path.unlink, missing_ok=True)
        yield env


def _require_world(home: Path) -> None:
    if not (home / "emulator" / MARKER).is_file():
        raise NoWorldError(f"{home} holds no world; run `python -m emulator generate --home {home}` first")


def _started(home: Path, clock: Clock, faults: Faults) -> Iterator[Service]:
    for cloud in PROVIDERS:
        server = importlib.import_module(f"emulator.{cloud}.server")
        yield server.start(home / "emulator" / cloud, clock, faults)
    yield importlib.import_module("emulator.fx").start(clock, faults)
    yield importlib.import_module("emulator.receiver").start(home / "outbox")


def _control(faults: Faults, clock: Clock, port: int) -> tuple[Service, str]:
    try:
        return start_control(faults, clock, port)
    except OSError:
        if port == 0:
            raise
        return start_control(faults, clock, 0)


class _WithoutPandas(MetaPathFinder):
    """PyArrow and Google's client load pandas where it is installed; the clouds use none of it."""

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("the local clouds run without pandas", name=fullname)


def _stay_small() -> None:
    """Keep the process below a few hundred megabytes; must run before the clouds are imported."""
    sys.meta_path.insert(0, _WithoutPandas())
    pa.set_memory_pool(pa.system_memory_pool())
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    # Each thread's own arena would keep what one large answer took.
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(ARENAS_MAX_PARAMETER, 2)


def _trim() -> None:
    """Give freed memory back to the system; only the GNU C library can be asked to."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def serve(home: Path, *, control_port: int = 0, parent: int | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then stop every part; must run in the main thread of a process of its own.

    With `parent`, the id of the process that started it, it also stops when that is gone: a killed demo leaves nothing.
    """
    _require_world(home)
    _stay_small()
    # Blocked before any thread starts, so that no other thread can swallow the signal that the main thread waits for.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    with serving(home, control_port=control_port):
        while signal.sigtimedwait(STOP_SIGNALS, TRIM_EVERY_SECONDS) is None:
            _trim()
            if parent is not None and os.getppid() != parent:
                return
