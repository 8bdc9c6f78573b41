"""Serves the local Azure over TLS on 127.0.0.1: one host plays Entra, Resource Manager and Azure Monitor."""

import json
import re
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import SSLError
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from emulator.azure.authorization import Authorization
from emulator.azure.details import Details
from emulator.azure.identity import CLIENT_ID, CLIENT_SECRET, Identity
from emulator.azure.monitor import Metrics
from emulator.azure.query import CostQueries
from emulator.azure.resources import Resources
from emulator.azure.routes import LOGS_AUDIENCE, ROUTES
from emulator.azure.strikes import emptied, strike
from emulator.azure.throttle import QpuBudget
from emulator.azure.tls import server_context
from emulator.azure.wire import AzureError, Call, Reply, bad_request
from emulator.azure.workspace import Workspace
from emulator.clock import Clock
from emulator.faults import Fault, Faults
from emulator.service import Service

CLOUD = "azure"
ENTRA = "entra"
LARGEST_BODY = 1024 * 1024
# The demo's budget refills this many times as fast as Azure's.
QPU_SPEED = 20.0
SIGN_IN = ("openid_configuration", "token")
METRIC_OPERATIONS = ("metrics", "metrics_batch")


class Azure:
    """The tenant behind the sockets: routes a call to what answers it and lets faults strike."""

    def __init__(
        self, folder: Path, clock: Clock, faults: Faults, budget: QpuBudget, authorization: Authorization | None
    ) -> None:
        self._clock = clock
        self._authorization = authorization or Authorization()
        self._faults = faults
        self._budget = budget
        self._details = Details(folder)
        self._resources = Resources(folder)
        inventory = self._resources.inventory
        self.identity = Identity(inventory["tenant_id"])
        self._queries = CostQueries(
            folder, inventory["billing_account_id"], inventory["currency"], frozenset(self._resources.subscriptions)
        )
        self._metrics = Metrics(folder, inventory["accounts"])
        self.workspace = Workspace(folder)

    def close(self) -> None:
        """Free what the tenant holds."""
        self._queries.close()

    def answer(self, call: Call) -> tuple[Reply, bool]:
        """The reply, and whether the connection is to be cut in its middle."""
        try:
            operation, found, audience = _route(call)
            # signing in is not the cloud's data: `*` of azure leaves it alone
            cloud = ENTRA if operation in SIGN_IN else CLOUD
            fault = self._faults.take(cloud, operation, {"path": call.path, **call.query, "body": call.json})
            if audience is not None:
                self.identity.check(call, audience)
                self._authorization.check(operation, found, call)
            strike(operation, fault)
            reply = self._dispatch(operation, found, call, fault)
        except AzureError as error:
            return error.reply, False
        if fault is not None and fault.kind == "empty":
            reply = emptied(operation, reply)
        if fault is not None and fault.kind == "wrong_schema" and operation in METRIC_OPERATIONS:
            reply = Reply(200, {"value": []})
        return reply, fault is not None and fault.kind == "cut"

    def _dispatch(self, operation: str, found: dict[str, str], call: Call, fault: Fault | None) -> Reply:
        now = self._clock.now()
        calls: dict[str, Callable[[], Reply]] = {
            "openid_configuration": lambda: self.identity.discovery(call, found["tenant"]),
            "token": lambda: self.identity.token(call, found["tenant"]),
            "metrics_batch": lambda: self._metrics.batch(call, found["subscription"], now),
            "metrics": lambda: self._metrics.single(call, found["resource"], now),
            "logs_query": lambda: self.workspace.query(call, found["workspace"], now),
            "query": lambda: self._query(call, found["scope"], fault),
            "details_report": lambda: self._details.ask(call, found["scope"], now),
            "details_result": lambda: self._details.result(call, found["name"], now),
            "details_blob": lambda: self._details.blob(call, found["name"], int(found["number"])),
            "reservation_summaries": lambda: self._resources.reservation_summaries(call, found["scope"], now),
            "reservation_details": lambda: self._resources.reservation_details(call, found["scope"], now),
            "reservation_transactions": lambda: self._resources.reservation_transactions(
                call, found["account"], found["profile"], now
            ),
            "reservations": lambda: self._resources.list_reservations(call, now),
            "subscriptions": self._resources.list_subscriptions,
            "subscription": lambda: self._resources.get_subscription(found["subscription"]),
            "settings": lambda: self._resources.settings(found["scope"]),
            "tag_names": lambda: self._resources.tag_names(found["subscription"]),
            "accounts": lambda: self._resources.list_accounts(found["subscription"]),
            "deployments": lambda: self._resources.list_deployments(
                found["subscription"], found["group"], found["name"]
            ),
        }
        return calls[operation]()

    def _query(self, call: Call, scope: str, fault: Fault | None) -> Reply:
        if not isinstance(call.json, dict):
            raise bad_request("Invalid query definition: a JSON object is expected.")
        now = self._clock.now()
        headers = self._budget.spend(self._queries.cost_in_qpu(call.json, now))
        reply = self._queries.answer(call, scope, now, fault)
        return Reply(reply.status, reply.body, {**reply.headers, **headers})


def _route(call: Call) -> tuple[str, dict[str, str], str | None]:
    """Operation, path parts and token audience; raises Azure's own error for what it does not know."""
    methods: list[str] = []
    for operation, method, pattern, audience in ROUTES:
        match = pattern.fullmatch(call.path.rstrip("/") or "/")
        if match and method == call.method:
            needs_version = audience not in (None, LOGS_AUDIENCE) and "api-version" not in call.query
            if needs_version:
                raise bad_request(
                    "The api-version query parameter (?api-version=) is required.", "MissingApiVersionParameter"
                )
            return operation, match.groupdict(), audience
        if match:
            methods.append(method)
    if methods:
        message = f"The requested resource does not support http method '{call.method}'."
        raise AzureError(405, "MethodNotAllowed", message, {"Allow": ", ".join(methods)})
    provider = re.search(r"/providers/([^/]+)/([^/]+)", call.path)
    if provider:
        message = f"The resource type '{provider[2]}' could not be found in the namespace '{provider[1]}'."
        raise AzureError(404, "InvalidResourceType", message)
    raise AzureError(404, "NotFound", f"No HTTP resource was found that matches the request URI '{call.path}'.")


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"
    timeout = 120

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY:
            self.close_connection = True
            self._send(bad_request("The request body is too large.").reply, is_cut=False)
            return
        body = self.rfile.read(length)
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        call = Call(self.command, unquote(parts.path), query, headers, body, _json(body), self.server.base)
        self._send(*self.server.azure.answer(call))

    def _send(self, reply: Reply, is_cut: bool) -> None:
        is_file = isinstance(reply.body, bytes)
        payload = reply.body if is_file else b"" if reply.body is None else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.body is not None:
            self.send_header("Content-Type", "text/csv" if is_file else "application/json; charset=utf-8")
        # 204 has no body and no length
        if reply.status != 204:
            self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload[: len(payload) // 2] if is_cut else payload)
        self.close_connection = self.close_connection or is_cut

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ARG002 - the base class names them so
        return


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, azure: Azure, authority_path: Path) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.azure = azure
        self.base = f"https://127.0.0.1:{self.server_address[1]}"
        # the handshake is made in the connection's own thread, so that a silent client blocks nobody
        context = server_context(authority_path)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up or do not trust the authority."""
        if not isinstance(sys.exc_info()[1], (SSLError, ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def start(
    folder: Path,
    clock: Clock,
    faults: Faults,
    *,
    port: int = 0,
    qpu_speed: float = QPU_SPEED,
    budget: QpuBudget | None = None,
    authorization: Authorization | None = None,
) -> Service:
    """Serve a world's Azure on 127.0.0.1; raises OSError when the port is taken, FileNotFoundError without a world.

    `authorization` says what the application may do, everything where it is left out.
    """
    azure = Azure(folder, clock, faults, budget or QpuBudget(qpu_speed), authorization)
    authority_path = folder / "authority.pem"
    server = _Server(port, azure, authority_path)
    thread = threading.Thread(target=server.serve_forever, name="emulator-azure", daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
        azure.close()

    env = {
        "INFERLEDGER_AZURE_ARM_ENDPOINT": server.base,
        "INFERLEDGER_AZURE_METRICS_ENDPOINT": server.base,
        "INFERLEDGER_AZURE_LOGS_ENDPOINT": server.base,
        "INFERLEDGER_AZURE_AUTHORITY_HOST": server.base,
        "INFERLEDGER_AZURE_CA_BUNDLE": str(authority_path.resolve()),
        "INFERLEDGER_AZURE_QPU_SPEED": str(qpu_speed),
        "AZURE_TENANT_ID": azure.identity.tenant_id,
        "AZURE_CLIENT_ID": CLIENT_ID,
        "AZURE_CLIENT_SECRET": CLIENT_SECRET,
    }
    return Service(env=env, stop=stop)
