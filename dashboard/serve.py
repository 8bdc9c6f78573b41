"""Starts the dashboard as a child process on the loop-back address and waits until it answers."""

import http.client
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlsplit

logger = logging.getLogger(__name__)

HOST: Final = "127.0.0.1"
_PORTS_TRIED: Final = 50
_READY_WITHIN_S: Final = 60.0
_APP: Final = Path(__file__).with_name("streamlit_app.py")
_SWITCHES: Final = {
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
}


class ServeError(Exception):
    """The dashboard did not start; the message says what to do."""


@dataclass(frozen=True)
class Served:
    """A dashboard that answers at ``url``."""

    process: subprocess.Popen[bytes]
    url: str

    def wait(self) -> int:
        """Block until it ends; Ctrl-C ends it. Returns its exit code, 0 for Ctrl-C."""
        try:
            return self.process.wait()
        except KeyboardInterrupt:
            self.stop()
            return 0

    def stop(self, *, within_s: float = 10.0) -> None:
        """End it: ask first, then insist."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def serve(
    home: Path, port: int = 8501, open_browser: bool = False, *, as_of: datetime | None = None, host: str = HOST
) -> Served:
    """Serve ``home`` on ``port``, or on the next free one, and return once it answers.

    ``as_of`` is the clock that staleness is measured by (aware); ``None`` leaves it to the environment. Its log is
    ``home/dashboard.log``, or stderr when the home can only be read. The caller ends it with ``Served.stop`` or waits
    with ``Served.wait``.

    Raises:
        ServeError: no port is free, or the child ended or did not answer within a minute.
    """
    home = home.resolve()
    free = free_port(port, host=host)
    if port not in (free, 0):
        logger.warning("Port %d is taken; the dashboard takes %d.", port, free)
    switches = _SWITCHES | {"server.address": host, "server.port": str(free)}
    command = [sys.executable, "-m", "streamlit", "run", str(_APP)]
    command += [part for name, value in switches.items() for part in (f"--{name}", value)]
    with _log(home) as log:
        process = subprocess.Popen(
            command,
            env=_environment(home, as_of),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    served = Served(process, f"http://{_reachable(host)}:{free}")
    try:
        _wait_ready(served, log_file=home / "dashboard.log")
    except BaseException:
        served.stop()
        raise
    if open_browser:
        webbrowser.open(served.url)
    return served


def free_port(first: int, *, host: str = HOST) -> int:
    """``first``, or the next port above it that nothing listens on; 0 lets the system choose.

    Raises:
        ServeError: none of the next fifty is free.
    """
    for port in range(first, min(first + _PORTS_TRIED, 65_536)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # as the server itself does, so that a port in TIME_WAIT counts as free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServeError(
        f"No port from {first} to {first + _PORTS_TRIED - 1} is free on {host}; choose another with --port."
    )


def _log(home: Path) -> IO[bytes]:
    try:
        home.mkdir(parents=True, exist_ok=True)
        return (home / "dashboard.log").open("wb")
    except OSError:
        # a container mounts the volume read-only
        return os.fdopen(os.dup(sys.stderr.fileno()), "wb")


def _reachable(host: str) -> str:
    return HOST if ip_address(host).is_unspecified else host


def _environment(home: Path, as_of: datetime | None) -> dict[str, str]:
    # the folder that holds the package: a checkout can be served without being installed
    above = str(_APP.parent.parent)
    paths = [above, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    environment = os.environ | {"INFERLEDGER_HOME": str(home), "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
    return environment if as_of is None else environment | {"INFERLEDGER_AS_OF": as_of.isoformat()}


def _wait_ready(served: Served, *, log_file: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    address = urlsplit(served.url)
    while time.monotonic() < deadline:
        code = served.process.poll()
        if code is not None:
            raise ServeError(f"The dashboard ended at once (exit code {code}); see {log_file}.")
        try:
            answered = http.client.HTTPConnection(address.hostname or HOST, address.port, timeout=2)
            answered.request("GET", "/_stcore/health")
            if answered.getresponse().status == http.HTTPStatus.OK:
                return
        except (OSError, http.client.HTTPException):
            logger.debug("not yet answering")
        time.sleep(0.1)
    raise ServeError(f"The dashboard did not answer within {_READY_WITHIN_S:.0f} s; see {log_file}.")
