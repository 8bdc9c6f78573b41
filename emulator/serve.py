"""Run the local clouds, the alert receiver and the control port until told to stop."""

import contextlib
import importlib
import importlib.util
import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

from emulator.clock import Clock, write_atomically
from emulator.faults import Faults, start_control
from emulator.generate import MARKER
from emulator.organisation import PROVIDERS
from emulator.service import Service

ENDPOINTS = "endpoints.json"


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
    if not (home / "emulator" / MARKER).is_file():
        raise NoWorldError(f"{home} holds no world; run `python -m emulator generate --home {home}` first")
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


def _started(home: Path, clock: Clock, faults: Faults) -> Iterator[Service]:
    for cloud in PROVIDERS:
        server = importlib.import_module(f"emulator.{cloud}.server")
        yield server.start(home / "emulator" / cloud, clock, faults)
    if importlib.util.find_spec("emulator.receiver") is not None:
        yield importlib.import_module("emulator.receiver").start(home / "outbox")


def _control(faults: Faults, clock: Clock, port: int) -> tuple[Service, str]:
    try:
        return start_control(faults, clock, port)
    except OSError:
        if port == 0:
            raise
        return start_control(faults, clock, 0)


def serve(home: Path, *, control_port: int = 0) -> None:
    """Serve until SIGTERM or SIGINT, then stop every part; must run in the main thread."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with serving(home, control_port=control_port):
        stop.wait()
