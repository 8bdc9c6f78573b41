"""The European Central Bank's archive of reference rates, as it stood at the demo's clock.

The rates are invented: each currency walks from a rate of 2025-04-25 by steps that its name and the day decide, so that
they are the same in every run. Weekends and the bank's fixed holidays have none, and a day has its rate from 15:00 UTC.
"""

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from emulator.clock import Clock
from emulator.faults import Faults
from emulator.service import Service

HOST = "127.0.0.1"
PATH = "/stats/eurofxref"
FIRST_DAY = date(2025, 1, 2)
PUBLISHED_AT_HOUR = 15
ANCHORS = {"USD": "1.1357", "JPY": "162.80", "CZK": "24.929", "GBP": "0.85310", "SEK": "11.0015", "CHF": "0.9421"}
# lev: fixed until Bulgaria took the euro, afterwards N/A as in the bank's own file
_PEGGED, _PEGGED_UNTIL = {"BGN": "1.9558"}, date(2026, 1, 1)
_HOLIDAYS = ((1, 1), (5, 1), (12, 25), (12, 26))


def start(clock: Clock, faults: Faults) -> Service:
    """Serve the archive on a free loop-back port until stopped."""
    server = _Server((HOST, 0), clock, faults)
    threading.Thread(target=server.serve_forever, name="fx", daemon=True).start()

    def stop() -> None:
        server.shutdown()
        server.server_close()

    return Service(env={"INFERLEDGER_FX_ENDPOINT": f"http://{HOST}:{server.server_address[1]}{PATH}"}, stop=stop)


def archive(now: datetime) -> bytes:
    """`eurofxref-hist.zip` as it is served at `now`."""
    header = ["Date", *ANCHORS, *_PEGGED]
    lines = [",".join([*header, ""])]
    for day, rates in sorted(published(now), reverse=True):
        lines.append(",".join([day.isoformat(), *(rates[code] or "N/A" for code in header[1:]), ""]))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("eurofxref-hist.csv", "\n".join(lines) + "\n")
    return buffer.getvalue()


def published(now: datetime) -> Iterator[tuple[date, dict[str, str | None]]]:
    """Each working day up to `now` with its rates, as text per euro."""
    moved = {code: Decimal(rate) for code, rate in ANCHORS.items()}
    day = FIRST_DAY
    while datetime(day.year, day.month, day.day, PUBLISHED_AT_HOUR, tzinfo=UTC) <= now:
        if day.weekday() < 5 and (day.month, day.day) not in _HOLIDAYS:
            for code, anchor in ANCHORS.items():
                moved[code] += _step(code, day) * Decimal(anchor)
            rates: dict[str, str | None] = {
                code: f"{moved[code].quantize(Decimal(anchor))}" for code, anchor in ANCHORS.items()
            }
            yield day, rates | {code: rate if day < _PEGGED_UNTIL else None for code, rate in _PEGGED.items()}
        day += timedelta(days=1)


def _step(code: str, day: date) -> Decimal:
    """Between -0.3 % and +0.3 %."""
    drawn = int.from_bytes(hashlib.sha256(f"{code} {day}".encode()).digest()[:4], "big")
    return (Decimal(drawn) / Decimal(2**32) - Decimal("0.5")) * Decimal("0.006")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], clock: Clock, faults: Faults) -> None:
        super().__init__(address, _Handler)
        self.clock, self.faults = clock, faults


class _Handler(BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        fault = self.server.faults.take("fx", self.path.rpartition("/")[2], {})
        if fault is not None and fault.kind == "cut":
            self.close_connection = True
            return
        content = archive(self.server.clock.now()) if self.path == f"{PATH}/eurofxref-hist.zip" else b""
        status = 200 if content else 404
        if fault is not None:
            status, content = (200, content[:100]) if fault.kind == "wrong_schema" else (fault.status, b"")
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: the faults keep the log of requests."""
