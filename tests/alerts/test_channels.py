import json
import logging
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from aiosmtpd.controller import Controller

from alerts.channels import send
from alerts.config import Channel
from alerts.errors import AlertError
from alerts.message import Message

MESSAGE = Message(
    "Title", (("When", "today"),), "http://here/?spike=a", {"kind": "spike", "impact_usd": "1.5"}, "closing"
)


def channel(kind: str) -> Channel:
    return Channel.model_validate({"name": "here", "kind": kind, "url_env": "THE_URL"})


class _Recorder(BaseHTTPRequestHandler):
    seen: ClassVar[list[dict[str, Any]]] = []
    status = 200

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append({"path": self.path, "auth": self.headers.get("Authorization"), "body": body})
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def web() -> Iterator[str]:
    _Recorder.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_slack_gets_one_key_with_the_text(web: str) -> None:
    assert send(channel("slack"), f"http://{web}/services/T0/B0/secret?thread=1", MESSAGE) is None
    (seen,) = _Recorder.seen
    assert seen["path"] == "/services/T0/B0/secret?thread=1"
    assert list(seen["body"]) == ["text"]
    assert seen["body"]["text"].startswith("*Title*\n*When:* today")


def test_a_webhook_gets_the_facts_and_its_credentials(web: str) -> None:
    assert send(channel("webhook"), f"http://me:hush@{web}/hook", MESSAGE) is None
    (seen,) = _Recorder.seen
    assert seen["body"]["impact_usd"] == "1.5"
    assert seen["body"]["title"] == "Title"
    assert seen["auth"].startswith("Basic ")


@pytest.mark.parametrize("status", [301, 403, 500])
def test_an_answer_that_is_no_success_is_a_reason(web: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Recorder, "status", status)
    assert str(status) in str(send(channel("slack"), f"http://{web}/x", MESSAGE))


def test_the_reason_is_known_however_little_is_logged(web: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Recorder, "status", 500)
    monkeypatch.setattr(logging.getLogger(), "level", logging.ERROR)
    assert "500" in str(send(channel("slack"), f"http://{web}/x", MESSAGE))
    assert "Connection error" in str(send(channel("slack"), "http://127.0.0.1:9/x", MESSAGE))


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("slack", "hooks.slack.com/services/x"),
        ("slack", "http://hooks.example.com/services/x"),
        ("webhook", "ftp://127.0.0.1/x"),
        ("email", "https://127.0.0.1/x"),
        ("email", "mailto://"),
        ("email", "mailto://me:hush@mail.example.com?mode=insecure&to=a@b.example"),
        ("email", "mailtos://me:hush@mail.example.com?verify=no&to=a@b.example"),
    ],
)
def test_a_wrong_or_unsafe_address_is_refused_without_repeating_it(kind: str, address: str) -> None:
    with pytest.raises(AlertError, match="THE_URL") as raised:
        send(channel(kind), address, MESSAGE)
    assert "hush" not in str(raised.value)


class _Keep:
    def __init__(self) -> None:
        self.received: list[tuple[bool, bytes]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.received.append((session.ssl is not None, envelope.content))
        return "250 OK"


def test_mail_to_another_host_goes_over_tls_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that offers no STARTTLS, reached by a name that is not loop-back's, gets nothing."""
    monkeypatch.setattr("alerts.channels._is_this_machine", lambda _host: False)
    keep = _Keep()
    server = Controller(keep, hostname="127.0.0.1", port=_free_port())
    server.start()
    address = f"mailto://127.0.0.1:{server.port}/?from=a@acme.example&to=b@acme.example"
    try:
        assert send(channel("email"), address, MESSAGE) is not None
        assert keep.received == []
        monkeypatch.undo()
        assert send(channel("email"), address, MESSAGE) is None
        assert [is_secure for is_secure, _ in keep.received] == [False]
    finally:
        server.stop()


def test_mail_over_tls_asks_for_a_certificate_it_can_trust(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    from cryptography import x509

    assert x509
    monkeypatch.setattr("alerts.channels._is_this_machine", lambda _host: False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*_self_signed(tmp_path))
    keep = _Keep()
    server = Controller(keep, hostname="127.0.0.1", port=_free_port(), tls_context=context)
    server.start()
    try:
        address = f"mailto://127.0.0.1:{server.port}/?from=a@acme.example&to=b@acme.example"
        assert send(channel("email"), address, MESSAGE) is not None
        assert keep.received == []
    finally:
        server.stop()


def _free_port() -> int:

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _self_signed(folder: Any) -> tuple[str, str]:

    key, certificate = str(folder / "key.pem"), str(folder / "certificate.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
         "-days", "2", "-subj", "/CN=127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key
