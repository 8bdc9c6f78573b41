"""Cost details reports of the local Azure: asked for, waited for, fetched by a link that is signed."""

import threading
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from emulator.azure.exports import details
from emulator.azure.wire import AzureError, Call, Reply, bad_request

KINDS = ("ActualCost", "AmortizedCost")
VALID_FOR = timedelta(hours=12)
LONGEST = timedelta(days=31)
BLOBS = 2
SIGNATURE = "sv=2025-11-05&sig=local"


@dataclass
class _Report:
    scope: str
    kind: str
    blobs: list[bytes]
    polls: int = 0


class Details:
    """Makes reports of the world in `folder`; each is ready when it is asked for the second time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._reports: dict[str, _Report] = {}

    def ask(self, call: Call, scope: str, now: datetime) -> Reply:
        """202 with the place to ask again; a report is of one month at most and not of a management group."""
        body: dict[str, Any] = call.json if isinstance(call.json, dict) else {}
        kind = body.get("metric")
        if kind not in KINDS:
            raise bad_request(f"Invalid metric '{kind}'; valid values: {', '.join(KINDS)}.")
        if "managementgroups" in scope.lower():
            raise bad_request("Management groups are not supported.")
        try:
            period = body["timePeriod"]
            start, end = date.fromisoformat(period["start"]), date.fromisoformat(period["end"])
        except (KeyError, TypeError, ValueError) as error:
            raise bad_request("Invalid timePeriod.") from error
        if end < start or end - start > LONGEST:
            raise bad_request("The time period must not be longer than one month.")
        content, rows = details(self._folder, kind, scope, start, end, now)
        with self._lock:
            name = f"report-{len(self._reports) + 1}"
            self._reports[name] = _Report(scope, kind, _split(content) if rows > 1 else [content])
        place = f"{call.base}{scope}/providers/Microsoft.CostManagement/costDetailsOperationResults/{name}"
        return Reply(202, None, {"Location": f"{place}?api-version={call.query['api-version']}", "Retry-After": "0"})

    def result(self, call: Call, name: str, now: datetime) -> Reply:
        """202 once more, then the manifest."""
        with self._lock:
            report = self._reports.get(name)
            if report is None:
                raise AzureError(404, "NotFound", f"There is no report '{name}'.")
            report.polls += 1
            if report.polls < 2:
                return Reply(
                    202, None, {"Location": f"{call.base}{call.path}?api-version=2025-03-01", "Retry-After": "0"}
                )
        blobs = [
            {"blobLink": f"{call.base}/costdetails/{name}/{number}.csv?{SIGNATURE}", "byteCount": len(content)}
            for number, content in enumerate(report.blobs)
        ]
        manifest = {
            "manifestVersion": "2021-10-01",
            "dataFormat": "Csv",
            "byteCount": sum(map(len, report.blobs)),
            "blobCount": len(blobs),
            "compressData": False,
            "requestContext": {"requestScope": report.scope, "requestBody": {"metric": report.kind}},
            "blobs": blobs,
        }
        valid = (now + VALID_FOR).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {
            "id": f"{report.scope}/{name}",
            "name": name,
            "status": "Completed",
            "manifest": manifest,
            "validTill": valid,
        }
        return Reply(200, body)

    def blob(self, call: Call, name: str, number: int) -> Reply:
        """A file, for whoever has its link and shows no token."""
        report = self._reports.get(name)
        if report is None or number >= len(report.blobs) or call.query.get("sig") != "local":
            raise AzureError(403, "AuthenticationFailed", "Server failed to authenticate the request.")
        if "authorization" in call.headers:
            raise bad_request("A token was sent to a storage link.", "InvalidAuthenticationInfo")
        return Reply(200, report.blobs[number])


def _split(content: bytes) -> list[bytes]:
    """The same rows in several files, each with the header."""
    header, *rows = content.splitlines(keepends=True)
    size = -(-len(rows) // BLOBS)
    return [header + b"".join(rows[place : place + size]) for place in range(0, len(rows), size)]
