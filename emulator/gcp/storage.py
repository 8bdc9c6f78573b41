"""The BigQuery Storage Read API over gRPC: sessions on query results and on the export, streams of Arrow batches."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import uuid4

import grpc
import pyarrow as pa
from google.cloud.bigquery_storage_v1 import types

from emulator.clock import Clock
from emulator.faults import Fault, Faults
from emulator.gcp.grpc_faults import refuse
from emulator.gcp.jobs import Jobs
from emulator.gcp.permissions import Permissions
from emulator.gcp.warehouse import GoogleError, View, Warehouse

SERVICE = "google.cloud.bigquery.storage.v1.BigQueryRead"
ROWS_PER_BATCH = 2048
ROWS_PER_STREAM = 4096
MOST_STREAMS = 4
KEPT_STREAMS = 96
KEPT_ROWS = 2_000_000
_CODES = {400: grpc.StatusCode.INVALID_ARGUMENT, 403: grpc.StatusCode.PERMISSION_DENIED, 404: grpc.StatusCode.NOT_FOUND}


@dataclass(frozen=True)
class StorageRead:
    """The two calls of the service."""

    warehouse: Warehouse
    jobs: Jobs
    clock: Clock
    faults: Faults
    streams: "Streams"
    permissions: Permissions = field(default_factory=Permissions)

    def handlers(self) -> grpc.GenericRpcHandler:
        """What a gRPC server needs to serve this."""
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "CreateReadSession": grpc.unary_unary_rpc_method_handler(
                    self._create, types.CreateReadSessionRequest.deserialize, types.ReadSession.serialize
                ),
                "ReadRows": grpc.unary_stream_rpc_method_handler(
                    self._read, types.ReadRowsRequest.deserialize, types.ReadRowsResponse.serialize
                ),
            },
        )

    def _create(self, request: types.CreateReadSessionRequest, context: grpc.ServicerContext) -> types.ReadSession:
        wanted = request.read_session
        fault = self.faults.take("gcp", "CreateReadSession", {"table": wanted.table})
        refuse(fault, context)
        self.permissions.refuse(context, ("bigquery.readsessions.create", request.parent))
        if wanted.data_format != types.DataFormat.ARROW:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "the local BigQuery reads in Arrow format only")
        try:
            rows = self._rows(wanted, fault)
        except GoogleError as error:
            context.abort(_CODES.get(error.status, grpc.StatusCode.INTERNAL), error.message)
        project = request.parent.split("/")[-1]
        name = f"projects/{project}/locations/{self.warehouse.location.lower()}/sessions/{uuid4().hex}"
        count = min(request.max_stream_count or MOST_STREAMS, MOST_STREAMS, -(-rows.num_rows // ROWS_PER_STREAM))
        schema = types.ArrowSchema(serialized_schema=rows.schema.serialize().to_pybytes())
        return types.ReadSession(
            name=name,
            table=wanted.table,
            data_format=types.DataFormat.ARROW,
            arrow_schema=schema,
            streams=[types.ReadStream(name=stream) for stream in self.streams.share(name, rows, count)],
            estimated_row_count=rows.num_rows,
        )

    def _rows(self, wanted: types.ReadSession, fault: Fault | None) -> pa.Table:
        _, project, _, dataset, _, table = wanted.table.split("/")
        name = f"{project}.{dataset}.{table}"
        fields = list(wanted.read_options.selected_fields)
        result = self.jobs.result_of(name)
        if result is not None:
            return result.select(fields) if fields else result
        columns = ", ".join(f"`{item}`" for item in fields) or "*"
        where = f" WHERE {wanted.read_options.row_restriction}" if wanted.read_options.row_restriction else ""
        view = View(self.clock.now(), fault.kind if fault else None)
        plan = self.warehouse.plan(f"SELECT {columns} FROM `{name}`{where}", [], view)
        return self.warehouse.run(plan)

    def _read(self, request: types.ReadRowsRequest, context: grpc.ServicerContext) -> Iterator[types.ReadRowsResponse]:
        fault = self.faults.take("gcp", "ReadRows", {"stream": request.read_stream, "offset": request.offset})
        is_cut = fault is not None and fault.kind == "cut"
        if not is_cut:
            refuse(fault, context)
        project = "/".join(request.read_stream.split("/")[:2])
        self.permissions.refuse(context, ("bigquery.readsessions.getData", project))
        rows = self.streams.find(request.read_stream)
        if rows is None:
            context.abort(grpc.StatusCode.NOT_FOUND, f"stream {request.read_stream} not found")
            return
        sent = 0
        # the schema goes with the first answer of each stream: clients learn the format from it
        schema = types.ArrowSchema(serialized_schema=rows.schema.serialize().to_pybytes())
        for batch in rows.slice(request.offset).to_batches(max_chunksize=ROWS_PER_BATCH):
            if is_cut and sent:
                break
            response = types.ReadRowsResponse(
                arrow_record_batch=types.ArrowRecordBatch(
                    serialized_record_batch=batch.serialize().to_pybytes(), row_count=batch.num_rows
                ),
                row_count=batch.num_rows,
            )
            if not sent:
                response.arrow_schema = schema
            sent += batch.num_rows
            yield response
        if is_cut:
            context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")


class Streams:
    """The rows behind the newest streams."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: OrderedDict[str, pa.Table] = OrderedDict()

    def share(self, session: str, rows: pa.Table, count: int) -> list[str]:
        """Deal the rows out to `count` streams of a session and return their names; an empty table has none."""
        if not count:
            return []
        size = -(-rows.num_rows // count)
        parts = {f"{session}/streams/{number}": rows.slice(number * size, size) for number in range(count)}
        with self._lock:
            self._rows.update(parts)
            while len(self._rows) > KEPT_STREAMS or (
                len(self._rows) > count and sum(part.num_rows for part in self._rows.values()) > KEPT_ROWS
            ):
                self._rows.popitem(last=False)
        return list(parts)

    def find(self, name: str) -> pa.Table | None:
        """The rows of a stream, None when it is unknown."""
        with self._lock:
            return self._rows.get(name)
