"""Cloud Logging over gRPC: ListLogEntries with filter, order and pages, for as long as the bucket keeps entries."""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import grpc
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from google.api import monitored_resource_pb2
from google.cloud.logging_v2 import types

from emulator.clock import Clock
from emulator.faults import Faults
from emulator.gcp.grpc_faults import refuse
from emulator.gcp.permissions import Need, Permissions
from emulator.gcp.request_log import ENTRY_SCHEMA, LOG_ID, RETENTION_DAYS

SERVICE = "google.logging.v2.LoggingServiceV2"
MOST_ENTRIES = 1000
DEFAULT_PAGE = 50
_TERM = re.compile(r'^(logName|timestamp)\s*(=|>=|<)\s*"([^"]*)"$')
_compute: Any = pc


@dataclass(frozen=True)
class Logging:
    """The one call of the logging service on one generated world."""

    folder: Path
    clock: Clock
    faults: Faults
    permissions: Permissions = field(default_factory=Permissions)

    def handlers(self) -> grpc.GenericRpcHandler:
        """What a gRPC server needs to serve this."""
        listing = grpc.unary_unary_rpc_method_handler(
            self._list, types.ListLogEntriesRequest.deserialize, types.ListLogEntriesResponse.serialize
        )
        return grpc.method_handlers_generic_handler(SERVICE, {"ListLogEntries": listing})

    def _list(
        self, request: types.ListLogEntriesRequest, context: grpc.ServicerContext
    ) -> types.ListLogEntriesResponse:
        asked = {"resources": list(request.resource_names), "filter": request.filter, "page": request.page_token}
        fault = self.faults.take("gcp", "ListLogEntries", asked)
        refuse(fault, context)
        self.permissions.refuse(context, *(_need(name) for name in request.resource_names))
        try:
            found = self._found(request)
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        if fault is not None and fault.kind == "empty":
            found = found.slice(0, 0)
        start, size = int(request.page_token or 0), min(request.page_size or DEFAULT_PAGE, MOST_ENTRIES)
        page = found.slice(start, size).to_pylist()
        following = str(start + size) if start + size < found.num_rows else ""
        message: Any = types.ListLogEntriesResponse.pb()(
            entries=[_entry(row) for row in page], next_page_token=following
        )
        return types.ListLogEntriesResponse.wrap(message)

    def _found(self, request: types.ListLogEntriesRequest) -> pa.Table:
        projects = {name.split("/")[1] for name in request.resource_names}
        now = self.clock.now()
        start, end, log = now - timedelta(days=RETENTION_DAYS), now, ""
        for term in request.filter.split(" AND "):
            match = _TERM.match(term.strip().strip("()"))
            if match is None:
                raise ValueError(f"Unparsable filter: {term!r}.")
            name, sign, value = match.groups()
            if name == "logName":
                log = value
            elif sign == ">=":
                start = max(start, datetime.fromisoformat(value).astimezone(UTC))
            else:
                end = min(end, datetime.fromisoformat(value).astimezone(UTC))
        if not any(log in ("", f"projects/{project}/logs/{LOG_ID}") for project in projects):
            return self._entries.slice(0, 0)
        column = self._entries["timestamp"]
        is_seen = _compute.and_(
            _compute.and_(_compute.greater_equal(column, start), _compute.less(column, end)),
            _compute.is_in(self._entries["project"], pa.array(sorted(projects))),
        )
        return self._entries.filter(is_seen)

    @cached_property
    def _entries(self) -> pa.Table:
        path = self.folder / "request_log.parquet"
        return pq.read_table(path) if path.exists() else ENTRY_SCHEMA.empty_table()


def _need(resource: str) -> Need:
    return ("logging.views.access" if "/views/" in resource else "logging.logEntries.list", resource)


def _entry(row: dict[str, Any]) -> Any:
    payload = json.loads(row["payload"])
    place = {
        "resource_container": f"projects/{row['project']}",
        "location": payload["location"],
        "model_user_id": payload["model"].rpartition("/")[2],
    }
    entry: Any = types.LogEntry.pb()(
        log_name=f"projects/{row['project']}/logs/{LOG_ID}",
        resource=monitored_resource_pb2.MonitoredResource(
            type="aiplatform.googleapis.com/PublisherModel", labels=place
        ),
        insert_id=row["insert_id"],
        severity=row["severity"],
    )
    entry.timestamp.FromDatetime(row["timestamp"])
    entry.receive_timestamp.FromDatetime(row["timestamp"] + timedelta(seconds=2))
    entry.json_payload.update(payload)
    return entry
