"""Takes the demo's alerts and puts each into the outbox as a person would read it.

A Slack-compatible webhook at `/slack`, a generic one at `/webhook`, and an SMTP server. One message makes one file,
named by the as-of moment that the message itself states, so that the same run gives the same names on any day:
`20261118T0600Z-001-slack.md`, `...-webhook.json`, `...-email.eml` and `...-email.txt`.
"""

import asyncio
import email.policy
import json
import re
import threading
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from emulator.service import Service

HOST = "127.0.0.1"
_AS_OF = re.compile(r"(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::\d{2})?(?: ?UTC|Z)")
_MAX_BYTES = 1_000_000
_START_SECONDS = 10.0


class Outbox:
    """A folder of messages. Numbers go on from what is there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()

    def put(self, kind: str, text: str, contents: dict[str, bytes]) -> str:
        """Write one message in one file per suffix of `contents`; returns the files' common stem."""
        moments = _AS_OF.findall(text)
        stamp = "{}{}{}T{}{}Z".format(*moments[-1]) if moments else "undated"
        with self._lock:
            taken = {path.name.split("-")[1] for path in self._folder.glob(f"{stamp}-*")}
            stem = f"{stamp}-{len(taken) + 1:03d}-{kind}"
            for suffix, content in contents.items():
                aside = self._folder / f".{stem}{suffix}"
                aside.write_bytes(content)
                aside.replace(self._folder / f"{stem}{suffix}")
        return stem


def start(outbox: Path) -> Service:
    """Listen on free loop-back ports until stopped; messages go to `outbox`."""
    box = Outbox(outbox)
    web = _Web((HOST, 0), box)
    threading.Thread(target=web.serve_forever, name="alert-webhooks", daemon=True).start()
    mail = _Mail(box)
    mail.start()

    def stop() -> None:
        web.shutdown()
        web.server_close()
        mail.stop()

    base = f"http://{HOST}:{web.server_address[1]}"
    return Service(
        env={
            "INFERLEDGER_ALERT_SLACK_URL": f"{base}/slack",
            "INFERLEDGER_ALERT_WEBHOOK_URL": f"{base}/webhook",
            "INFERLEDGER_ALERT_EMAIL_URL": f"mailto://{HOST}:{mail.port}/"
            "?from=inferledger@acme.example&to=finops@acme.example",
        },
        stop=stop,
    )


class _Web(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], box: Outbox) -> None:
        super().__init__(address, _WebHandler)
        self.box = box


class _WebHandler(BaseHTTPRequestHandler):
    timeout = 30

    @property
    def _box(self) -> Outbox:
        return cast(_Web, self.server).box

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _MAX_BYTES:
            self._answer(413, "too_large")
            return
        try:
            content = json.loads(self.rfile.read(length))
        except ValueError:
            self._answer(400, "invalid_payload")
            return
        if self.path == "/slack":
            self._take_slack(content)
        elif self.path == "/webhook":
            pretty = json.dumps(content, indent=2, ensure_ascii=False)
            self._box.put("webhook", pretty, {".json": f"{pretty}\n".encode()})
            self._answer(200, "ok")
        else:
            self._answer(404, "no_service")

    def _take_slack(self, content: object) -> None:
        # Slack's own answers: https://api.slack.com/messaging/webhooks#handling_errors
        if not isinstance(content, dict):
            self._answer(400, "invalid_payload")
        elif not isinstance(content.get("text"), str) or not content["text"].strip():
            self._answer(400, "no_text")
        else:
            text = _as_markdown(content["text"])
            self._box.put("slack", text, {".md": f"{text}\n".encode()})
            self._answer(200, "ok")

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep the terminal quiet."""


def _as_markdown(text: str) -> str:
    """Slack's mark-up as Markdown, the way Slack would show it."""
    lines = re.sub(r"<(https?://[^|>\s]+)\|([^>]+)>", r"[\2](\1)", text)
    lines = re.sub(r"(?<!\*)\*([^*\n]+)\*(?!\*)", r"**\1**", lines)
    plain = lines.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return "  \n".join(plain.splitlines())


class _Mail:
    """An SMTP server in a thread of its own."""

    def __init__(self, box: Outbox) -> None:
        self._handler = _MailHandler(box)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="alert-mail", daemon=True)
        self._server: asyncio.Server | None = None
        self.port = 0

    def start(self) -> None:
        self._thread.start()
        opening = asyncio.run_coroutine_threadsafe(self._open(), self._loop)
        self._server = opening.result(_START_SECONDS)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _open(self) -> asyncio.Server:
        def session() -> SMTP:
            return SMTP(self._handler, hostname="inferledger", loop=self._loop, enable_SMTPUTF8=True)

        return await self._loop.create_server(session, HOST, 0)

    def stop(self) -> None:
        if self._server is not None:
            self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_SECONDS)
        self._loop.close()


class _MailHandler:
    def __init__(self, box: Outbox) -> None:
        self._box = box

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002
        raw = envelope.original_content or b""
        message = BytesParser(policy=email.policy.default).parsebytes(raw)
        body = message.get_body(preferencelist=("plain", "html"))
        text = body.get_content() if body is not None else ""
        heads = "\n".join(f"{name}: {message[name]}" for name in ("From", "To", "Subject"))
        readable = f"{heads}\n\n{text}"
        self._box.put("email", text, {".eml": raw, ".txt": readable.encode()})
        return "250 OK"
