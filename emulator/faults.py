"""Faults that a test or a person switches on while the local clouds run, and the log of what was asked of them."""

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from emulator.clock import Clock, format_utc, parse_utc
from emulator.service import Service

KINDS = (
    "throttle",
    "server_error",
    "cut",
    "forbidden",
    "expired",
    "empty",
    "late_day",
    "restated_day",
    "wrong_schema",
    "streaming",
)
DEFAULT_STATUS = {"throttle": 429, "server_error": 503, "forbidden": 403, "expired": 401}
KEPT_REQUESTS = 20_000
LARGEST_BODY = 64 * 1024


@dataclass(frozen=True)
class Fault:
    """What a cloud has to do to one request: `status` for errors, `retry_after` in seconds.

    `times` is how many requests it hits (None: all until cleared), after `after` matching ones went through unharmed.
    """

    kind: str
    status: int
    retry_after: float
    times: int | None
    after: int


@dataclass(frozen=True)
class Request:
    """One request as a cloud understood it."""

    cloud: str
    operation: str
    params: Mapping[str, Any]


@dataclass
class _Rule:
    cloud: str
    operation: str
    fault: Fault
    seen: int = 0
    hit: int = 0

    def matches(self, cloud: str, operation: str) -> bool:
        return self.cloud in ("*", cloud) and self.operation in ("*", operation)


class Faults:
    """The switched-on faults and the request log, shared by all threads of all local clouds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []
        self._requests: deque[Request] = deque(maxlen=KEPT_REQUESTS)

    def add(
        self,
        cloud: str,
        operation: str,
        kind: str,
        *,
        times: int | None = 1,
        after: int = 0,
        status: int | None = None,
        retry_after: float = 1.0,
    ) -> Fault:
        """Switch a fault on; `*` stands for every cloud or operation. Raises ValueError on an unknown kind."""
        if kind not in KINDS:
            raise ValueError(f"unknown fault kind {kind!r}; known are {', '.join(KINDS)}")
        if after < 0 or (times is not None and times < 1):
            raise ValueError("`times` must be at least 1 (or null for always) and `after` at least 0")
        chosen = DEFAULT_STATUS.get(kind, 200) if status is None else status
        fault = Fault(kind=kind, status=chosen, retry_after=retry_after, times=times, after=after)
        with self._lock:
            self._rules.append(_Rule(cloud, operation, fault))
        return fault

    def clear(self) -> None:
        """Switch every fault off; the request log stays."""
        with self._lock:
            self._rules.clear()

    def take(self, cloud: str, operation: str, params: Mapping[str, Any] | None = None) -> Fault | None:
        """Log one request and return the fault it has to suffer, or None; every call counts as one request."""
        with self._lock:
            self._requests.append(Request(cloud, operation, dict(params or {})))
            chosen: Fault | None = None
            for rule in self._rules:
                if not rule.matches(cloud, operation):
                    continue
                rule.seen += 1
                spent = rule.fault.times is not None and rule.hit >= rule.fault.times
                if chosen is None and not spent and rule.seen > rule.fault.after:
                    rule.hit += 1
                    chosen = rule.fault
            return chosen

    @property
    def requests(self) -> list[Request]:
        """The newest requests, oldest first, at most 20,000 of them."""
        with self._lock:
            return list(self._requests)

    def forget_requests(self) -> None:
        """Empty the request log."""
        with self._lock:
            self._requests.clear()

    def active(self) -> list[dict[str, Any]]:
        """The faults that can still strike, as plain values."""
        with self._lock:
            return [
                {"cloud": rule.cloud, "operation": rule.operation, "hit": rule.hit, **asdict(rule.fault)}
                for rule in self._rules
                if rule.fault.times is None or rule.hit < rule.fault.times
            ]


class _ControlHandler(BaseHTTPRequestHandler):
    server: "_ControlServer"  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/requests":
            self._answer(HTTPStatus.OK, [asdict(request) for request in self.server.faults.requests])
        elif self.path == "/faults":
            self._answer(HTTPStatus.OK, self.server.faults.active())
        elif self.path == "/clock":
            self._answer(HTTPStatus.OK, {"as_of": format_utc(self.server.clock.now())})
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "known are /faults, /requests and /clock"})

    def do_DELETE(self) -> None:
        if self.path == "/faults":
            self.server.faults.clear()
        elif self.path == "/requests":
            self.server.faults.forget_requests()
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "only /faults and /requests can be deleted"})
            return
        self._answer(HTTPStatus.OK, {})

    def do_POST(self) -> None:
        try:
            wanted = self._read_json()
            if self.path == "/faults":
                self._answer(HTTPStatus.CREATED, asdict(self._add_fault(wanted)))
            elif self.path == "/clock":
                self.server.clock.set(_moment(wanted))
                self._answer(HTTPStatus.OK, {"as_of": format_utc(self.server.clock.now())})
            else:
                self._answer(HTTPStatus.NOT_FOUND, {"error": "post to /faults or /clock"})
        except (ValueError, TypeError, KeyError) as error:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})

    def _add_fault(self, wanted: dict[str, Any]) -> Fault:
        places = {"cloud": wanted.pop("cloud", "*"), "operation": wanted.pop("operation", "*")}
        return self.server.faults.add(places["cloud"], places["operation"], wanted.pop("kind"), **wanted)

    def _read_json(self) -> dict[str, Any]:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY:
            self.close_connection = True
            raise ValueError(f"a body has at most {LARGEST_BODY} bytes")
        body = json.loads(self.rfile.read(length) or b"{}")
        if not isinstance(body, dict):
            raise ValueError("the body must be a JSON object")
        return body

    def _answer(self, status: HTTPStatus, body: Any) -> None:
        payload = json.dumps(body, default=str).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep the terminal quiet."""


def _moment(wanted: dict[str, Any]) -> datetime:
    return parse_utc(str(wanted["as_of"]))


class _ControlServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], faults: Faults, clock: Clock) -> None:
        super().__init__(address, _ControlHandler)
        self.faults = faults
        self.clock = clock


def start_control(faults: Faults, clock: Clock, port: int = 0) -> tuple[Service, str]:
    """Serve the control port on 127.0.0.1 and return it with its URL; raises OSError when the port is taken."""
    server = _ControlServer(("127.0.0.1", port), faults, clock)
    thread = threading.Thread(target=server.serve_forever, name="emulator-control", daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)

    return Service(env={}, stop=stop), f"http://127.0.0.1:{server.server_address[1]}"
