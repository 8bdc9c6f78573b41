"""The bucket: moto's S3 behind a thin door that keeps it at the clock's time, checks the region and applies faults."""

import io
import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import pyarrow.parquet as pq
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import S3Backend, s3_backends
from werkzeug.serving import make_server

from emulator.aws.delivery import BUCKET, BUCKET_REGION, Delivery
from emulator.aws.invocation_logs import LOG_BUCKET
from emulator.aws.log_bucket import LogBucket
from emulator.aws.policy import Guard
from emulator.aws.wire import Answer, AwsError, Caller, caller, fault_error, s3_error
from emulator.clock import Clock
from emulator.faults import Fault, Faults

RENAMED_COLUMN = "line_item_unblended_cost"
StartResponse = Callable[..., Any]


class Bucket:
    """A WSGI application: what the export's bucket answers at the clock's time.

    Two of them in one process keep apart: moto's state is global, so each has its own name behind the door.
    """

    def __init__(self, folder: Path, clock: Clock, faults: Faults, guard: Guard | None = None) -> None:
        self._clock, self._faults, self._guard = clock, faults, guard or Guard()
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._backend: S3Backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        taken = sum(1 for name in self._backend.buckets if name.endswith(BUCKET))
        self._name = f"{taken}.{BUCKET}" if taken else BUCKET
        self._backend.create_bucket(self._name, BUCKET_REGION)
        self._delivery = Delivery(folder, self._put, self._remove)
        self._delivery.bring_to(clock.now())
        self._logs = LogBucket(self._backend, folder, clock)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        bucket, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
        operation = _operation(environ["REQUEST_METHOD"], key, environ.get("QUERY_STRING", ""))
        try:
            who = caller(environ.get("HTTP_AUTHORIZATION"))
            prefix = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True).get("prefix", [None])[0]
            self._guard.check(who, operation, {"bucket": bucket, "key": key, "prefix": prefix})
            fault = self._faults.take("aws", operation, {"bucket": bucket, "key": key, "account": who.account})
            error = fault_error(fault, throttle_code="SlowDown") if fault else None
            if error is not None:
                raise error
            if bucket == BUCKET:
                late = timedelta(days=1) if fault and fault.kind == "late_day" else timedelta()
                self._delivery.bring_to(self._clock.now() - late)
                environ["PATH_INFO"] = f"/{self._name}" + (f"/{key}" if key else "")
            elif bucket == LOG_BUCKET:
                environ["PATH_INFO"] = self._logs.path(key)
            answer = self._own_answer(operation, bucket, key, who, fault)
        except AwsError as error:
            answer = s3_error(error)
        if answer is not None:
            return _respond(answer, environ, start_response)
        return self._moto(environ, start_response)

    def close(self) -> None:
        """Drop the bucket from moto's global state."""
        for key in list(self._backend.buckets[self._name].keys):
            self._remove(key)
        self._backend.delete_bucket(self._name)
        self._logs.close()

    def _own_answer(self, operation: str, bucket: str, key: str, who: Caller, fault: Fault | None) -> Answer | None:
        """What moto would not say: the wrong region, and answers that a fault bends; None leaves it to moto."""
        if bucket in (BUCKET, LOG_BUCKET) and who.region != BUCKET_REGION:
            error = AwsError(
                "AuthorizationHeaderMalformed", f"the region '{who.region}' is wrong; expecting '{BUCKET_REGION}'"
            )
            answer = s3_error(error, f"<Region>{BUCKET_REGION}</Region>")
            return Answer(answer.status, answer.body, {**answer.headers, "x-amz-bucket-region": BUCKET_REGION})
        if fault is None:
            return None
        if fault.kind == "empty":
            return _empty(operation, bucket)
        name = {BUCKET: self._name, LOG_BUCKET: self._logs.name}.get(bucket)
        body = self._body(name, key) if operation == "GetObject" and name else None
        if body is not None and fault.kind == "cut":
            return Answer(200, body, {"Content-Type": "binary/octet-stream"}, cut=True)
        if body is not None and fault.kind == "wrong_schema" and key.endswith(".parquet"):
            return Answer(200, _renamed(body), {"Content-Type": "binary/octet-stream"})
        return None

    def _body(self, name: str, key: str) -> bytes | None:
        stored = self._backend.get_object(name, key)
        return None if stored is None else bytes(stored.value)

    def _put(self, key: str, body: bytes) -> None:
        self._backend.put_object(self._name, key, body)

    def _remove(self, key: str) -> None:
        self._backend.delete_object(self._name, key)


class BucketServer:
    """Serves a Bucket on a port of 127.0.0.1 with moto's own request handler."""

    def __init__(self, bucket: Bucket, port: int) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._bucket = bucket
        self._server = make_server("127.0.0.1", port, bucket, threaded=True, request_handler=MotoRequestHandler)
        self._thread = Thread(target=self._server.serve_forever, name="emulator-s3", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """End it and free its port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
        self._bucket.close()


def _operation(method: str, key: str, query: str) -> str:
    if not key:
        if method == "GET":
            return "ListObjectsV2" if "list-type" in parse_qs(query) else "ListObjects"
        return {"HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}.get(method, method)
    return {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}.get(method, method)


def _empty(operation: str, bucket: str) -> Answer | None:
    if operation == "ListObjectsV2":
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{bucket}</Name><Prefix></Prefix><KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys>"
            "<IsTruncated>false</IsTruncated></ListBucketResult>"
        )
        return Answer(200, body.encode(), {"Content-Type": "application/xml"})
    if operation == "GetObject":
        return s3_error(AwsError("NoSuchKey", "The specified key does not exist.", 404))
    return None


def _renamed(body: bytes) -> bytes:
    table = pq.read_table(io.BytesIO(body))
    names = [f"{name}_usd" if name == RENAMED_COLUMN else name for name in table.column_names]
    sink = io.BytesIO()
    pq.write_table(table.rename_columns(names), sink, compression="snappy")
    return sink.getvalue()


def _respond(answer: Answer, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    is_head = environ["REQUEST_METHOD"] == "HEAD"
    headers = [*answer.headers.items(), ("Content-Length", str(0 if is_head else len(answer.body)))]
    start_response(f"{answer.status} {'OK' if answer.status < 400 else 'Error'}", headers)
    if is_head:
        return [b""]
    # fewer bytes than announced, and the connection closes: the client sees a broken transfer
    return [answer.body[: len(answer.body) // 2] if answer.cut else answer.body]
