"""The HTTP door of every AWS service but S3: finds the service by the request's own signs and applies the faults."""

import json
import socket
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from emulator.aws.bedrock import Bedrock
from emulator.aws.cloudwatch import CloudWatch
from emulator.aws.costs import EXPORTS_TARGET, Costs, data_exports, list_cost_allocation_tags
from emulator.aws.costs import TARGET as COSTS
from emulator.aws.identity import get_resources, sts
from emulator.aws.policy import Guard
from emulator.aws.wire import (
    Answer,
    AwsError,
    Caller,
    caller,
    fault_error,
    json_answer,
    json_target_error,
    query_error,
    rest_json_error,
)
from emulator.clock import Clock
from emulator.faults import Fault, Faults

CLOUDWATCH = "GraniteServiceVersion20100801"
TAGGING = "ResourceGroupsTaggingAPI_20170126"
# the list or body that an `empty` fault empties, and the member that a `wrong_schema` fault renames
_MAIN_MEMBER = {
    "ListInferenceProfiles": "inferenceProfileSummaries",
    "ListProvisionedModelThroughputs": "provisionedModelSummaries",
    "ListTagsForResource": "tags",
    "ListMetrics": "Metrics",
    "GetMetricData": "MetricDataResults",
    "GetResources": "ResourceTagMappingList",
}


class AwsApi:
    """Routes a request to its service and lets the faults strike."""

    def __init__(
        self,
        bedrock: Bedrock,
        cloudwatch: CloudWatch,
        clock: Clock,
        faults: Faults,
        *,
        costs: Costs | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._bedrock, self._cloudwatch, self._clock, self._faults = bedrock, cloudwatch, clock, faults
        self._costs = costs
        self._guard = guard or Guard()

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to one request, whichever service it is for; names of headers are lower case."""
        amz_target = headers.get("x-amz-target")
        if amz_target is not None:
            return self._json_target(amz_target, headers, body)
        if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return self._query(headers, body)
        return self._rest(method, target, headers, body)

    def _json_target(self, amz_target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        service, _, operation = amz_target.partition(".")
        version = "1.0" if service == CLOUDWATCH else "1.1"
        try:
            who = caller(headers.get("authorization"))
            wanted = json.loads(body or b"{}")
            known = {
                (CLOUDWATCH, "GetMetricData"): lambda: self._cloudwatch.get_metric_data(who, wanted),
                (CLOUDWATCH, "ListMetrics"): lambda: self._cloudwatch.list_metrics(who, wanted),
                (TAGGING, "GetResources"): lambda: get_resources(self._bedrock, who, wanted),
            }.get((service, operation))
            if service == COSTS and self._costs is not None:
                known = self._cost_explorer(operation, wanted)
            if service == EXPORTS_TARGET and data_exports(operation, wanted) is not None:
                known = lambda: cast(dict[str, Any], data_exports(operation, wanted))  # noqa: E731 - as those above
            if known is None:
                raise AwsError("UnknownOperationException", f"{amz_target} is not known", 404)
            fault = self._take(operation, who, wanted)
            return _bent(operation, json_answer(known(), f"application/x-amz-json-{version}"), fault)
        except AwsError as error:
            return json_target_error(error, version)

    def _cost_explorer(self, operation: str, wanted: Mapping[str, Any]) -> Callable[[], dict[str, Any]] | None:
        costs = self._costs
        if operation == "GetCostAndUsage" and costs is not None:
            return lambda: costs.get_cost_and_usage(wanted, self._clock.now())
        return list_cost_allocation_tags if operation == "ListCostAllocationTags" else None

    def _query(self, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            form = dict(parse_qsl(body.decode()))
            who = caller(headers.get("authorization"))
            fault = self._take(form.get("Action", ""), who, form)
            answer = sts(form, who, self._clock)
            return _bent(form["Action"], answer, fault)
        except AwsError as error:
            return query_error(error)

    def _rest(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            address = urlsplit(target)
            operation = self._bedrock.operation(method, address.path)
            who = caller(headers.get("authorization"))
            query, wanted = dict(parse_qsl(address.query)), json.loads(body or b"{}")
            fault = self._take(operation, who, query | wanted)
            return _bent(
                operation, json_answer(self._bedrock.answer(operation, who, address.path, query, wanted)), fault
            )
        except AwsError as error:
            return rest_json_error(error)

    def _take(self, operation: str, who: Caller, params: Mapping[str, Any]) -> Fault | None:
        self._guard.check(who, operation, params)
        fault = self._faults.take("aws", operation, {"account": who.account, "region": who.region, **params})
        error = fault_error(fault) if fault else None
        if error is not None:
            raise error
        return fault


def _bent(operation: str, answer: Answer, fault: Fault | None) -> Answer:
    """The answer as a fault changes it: cut in the middle, emptied, or with a member renamed."""
    if fault is None:
        return answer
    if fault.kind == "cut":
        return Answer(answer.status, answer.body, answer.headers, cut=True)
    member = _MAIN_MEMBER.get(operation)
    if member is not None and fault.kind in ("empty", "wrong_schema"):
        payload = json.loads(answer.body)
        if fault.kind == "empty":
            payload = {member: []}
        else:
            payload[f"{member}V2"] = payload.pop(member)
        return Answer(answer.status, json.dumps(payload).encode(), answer.headers)
    return answer


class _Handler(BaseHTTPRequestHandler):
    server: "ApiServer"  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.api.handle(self.command, self.path, headers, body)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("x-amzn-RequestId", "5d1c2b6e-0000-4000-8000-000000000001")
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.cut:
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.wfile.write(answer.body)

    def do_POST(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ARG002 - named so by the base class
        return


class ApiServer(ThreadingHTTPServer):
    """Serves an AwsApi on a port of 127.0.0.1."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], api: AwsApi) -> None:
        super().__init__(address, _Handler)
        self.api = api
