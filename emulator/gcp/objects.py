"""Cloud Storage's JSON interface over local folders, as far as reading needs it: list objects, fetch one."""

import base64
import json
import re
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import google_crc32c

from emulator.faults import Faults
from emulator.service import Service

LIST = re.compile(r"/storage/v1/b/(?P<bucket>[^/]+)/o")
FETCH = re.compile(r"/download/storage/v1/b/(?P<bucket>[^/]+)/o/(?P<object>.+)")
ERRORS = {"forbidden": 403, "expired": 401, "throttle": 429, "server_error": 503}
LARGEST_PAGE = 1000


class ObjectServer(ThreadingHTTPServer):
    """Serves each folder below `root` as a bucket."""

    daemon_threads = True

    def __init__(self, root: Path, faults: Faults) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root, self.faults = root, faults


def start_objects(root: Path, faults: Faults) -> Service:
    """Serve the buckets below `root` on a free port."""
    server = ObjectServer(root, faults)
    thread = threading.Thread(target=server.serve_forever, name="emulator-objects", daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)

    return Service({"INFERLEDGER_GCP_STORAGE_ENDPOINT": f"http://127.0.0.1:{server.server_address[1]}"}, stop)


class _Handler(BaseHTTPRequestHandler):
    server: ObjectServer  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        listing, fetching = LIST.fullmatch(split.path), FETCH.fullmatch(split.path)
        found = listing or fetching
        operation = "objects.list" if listing else "objects.get"
        arguments = {name: values[-1] for name, values in parse_qs(split.query).items()}
        parts = {name: unquote(value) for name, value in found.groupdict().items()} if found else {}
        fault = self.server.faults.take("gcp", operation, {**arguments, **parts})
        if fault is not None and fault.kind in ERRORS:
            self._refuse(fault.status, f"the caller does not have storage.{operation} access")
            return
        bucket = self.server.root / parts.get("bucket", "")
        if found is None or not bucket.is_dir():
            self._refuse(404, "The specified bucket does not exist.")
        elif listing:
            self._send(json.dumps(_page(bucket, arguments)).encode(), {"Content-Type": "application/json"})
        elif (path := bucket / parts["object"]).is_file():
            content = path.read_bytes()
            self._send(content, {"X-Goog-Hash": f"crc32c={_crc32c(content)}"})
        else:
            self._refuse(404, f"No such object: {bucket.name}/{parts['object']}")

    def _refuse(self, status: int, message: str) -> None:
        body = {"error": {"code": status, "message": message, "errors": [{"message": message, "reason": "refused"}]}}
        self._send(json.dumps(body).encode(), {"Content-Type": "application/json"}, status)

    def _send(self, body: bytes, headers: dict[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ARG002
        return


def _page(bucket: Path, arguments: dict[str, str]) -> dict[str, Any]:
    names = sorted(path.relative_to(bucket).as_posix() for path in bucket.rglob("*") if path.is_file())
    names = [name for name in names if name.startswith(arguments.get("prefix", ""))]
    start = int(arguments.get("pageToken", "0"))
    end = start + min(int(arguments.get("maxResults", LARGEST_PAGE)), LARGEST_PAGE)
    items = [_resource(bucket, name) for name in names[start:end]]
    return {"kind": "storage#objects", "items": items} | ({"nextPageToken": str(end)} if end < len(names) else {})


def _resource(bucket: Path, name: str) -> dict[str, Any]:
    status = (bucket / name).stat()
    return {
        "kind": "storage#object",
        "name": name,
        "bucket": bucket.name,
        "size": str(status.st_size),
        "generation": str(status.st_mtime_ns // 1000),
        "etag": f"{status.st_mtime_ns}",
    }


def _crc32c(content: bytes) -> str:
    return base64.b64encode(struct.pack(">I", google_crc32c.value(content))).decode()
