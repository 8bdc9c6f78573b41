"""How AWS speaks on the wire: who calls, what an answer and an error look like in each of its protocols.

Bedrock speaks REST with JSON, CloudWatch and the tagging API speak JSON with a target header, STS speaks query with
XML, S3 speaks REST with XML.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from emulator.faults import Fault

REQUEST_ID = "5d1c2b6e-0000-4000-8000-000000000001"
_SCOPE = re.compile(r"Credential=([^/,]+)/\d{8}/([^/,]+)/([^/,]+)/aws4_request")
# access keys of this emulator carry the account: eight letters, twelve digits
_KEY = re.compile(r"^EMULATED(\d{12})$")


@dataclass(frozen=True)
class Caller:
    """Who signed a request, and for which region and service."""

    account: str
    region: str
    service: str


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of a response; `cut` closes the connection in the middle of the body."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False


class AwsError(Exception):
    """An error as AWS names it: code, HTTP status and message."""

    def __init__(self, code: str, message: str, status: int = 400, *, query_code: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status
        self.query_code = query_code or code.removesuffix("Exception")


def access_key(account: str) -> str:
    """The access key under which this emulator knows an account."""
    return f"EMULATED{account}"


def caller(authorization: str | None) -> Caller:
    """Read who calls from a Signature Version 4 header; raises AwsError without one or with an unknown key."""
    found = _SCOPE.search(authorization or "")
    if found is None:
        raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
    key = _KEY.match(found[1])
    if key is None:
        message = "The security token included in the request is invalid."
        raise AwsError("UnrecognizedClientException", message, 403, query_code="InvalidClientTokenId")
    return Caller(key[1], found[2], found[3])


def fault_error(fault: Fault, *, throttle_code: str = "ThrottlingException") -> AwsError | None:
    """The error that a fault makes of a request, or None when it changes the answer instead."""
    if fault.kind == "throttle":
        return AwsError(throttle_code, "Rate exceeded", 429 if throttle_code == "ThrottlingException" else 503)
    if fault.kind == "server_error":
        return AwsError("InternalServerException", "The server encountered an internal error.", 500)
    if fault.kind == "forbidden":
        return AwsError("AccessDeniedException", "User is not authorized to perform this action", 403)
    if fault.kind == "expired":
        return AwsError("ExpiredTokenException", "The security token included in the request is expired", 403)
    return None


def json_answer(payload: Mapping[str, Any], content_type: str = "application/json") -> Answer:
    """A JSON body with AWS's headers."""
    return Answer(200, json.dumps(payload).encode(), {"Content-Type": content_type})


def rest_json_error(error: AwsError) -> Answer:
    """How Bedrock says no."""
    body = json.dumps({"message": error.message}).encode()
    return Answer(error.status, body, {"Content-Type": "application/json", "x-amzn-ErrorType": error.code})


def json_target_error(error: AwsError, version: str) -> Answer:
    """How CloudWatch and the tagging API say no; the query code stands in a header for older clients."""
    body = json.dumps({"__type": error.code, "message": error.message}).encode()
    fault = "Receiver" if error.status >= 500 else "Sender"
    headers = {"Content-Type": f"application/x-amz-json-{version}"}
    if version == "1.0":
        headers["x-amzn-query-error"] = f"{error.query_code};{fault}"
    return Answer(error.status, body, headers)


def query_error(error: AwsError) -> Answer:
    """How STS says no."""
    fault = "Receiver" if error.status >= 500 else "Sender"
    body = (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
        f"<Type>{fault}</Type><Code>{error.query_code}</Code><Message>{escape(error.message)}</Message></Error>"
        f"<RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
    )
    return Answer(error.status, body.encode(), {"Content-Type": "text/xml"})


def s3_error(error: AwsError, extra: str = "") -> Answer:
    """How S3 says no; its codes have no `Exception` at their end."""
    code = {"ThrottlingException": "SlowDown", "InternalServerException": "InternalError"}.get(
        error.code, error.code.removesuffix("Exception")
    )
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{escape(error.message)}</Message>{extra}"
        f"<RequestId>{REQUEST_ID}</RequestId></Error>"
    )
    return Answer(error.status, body.encode(), {"Content-Type": "application/xml"})


def iso(moment: datetime) -> str:
    """A timestamp as Bedrock writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def page_token(offset: int) -> str:
    """An opaque token for the items from `offset` on."""
    return base64.urlsafe_b64encode(f"emulator:{offset}".encode()).decode()


def page_offset(token: str | None, error: AwsError) -> int:
    """Where a token points to; raises `error` when this emulator did not make it."""
    if not token:
        return 0
    try:
        label, _, offset = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if label != "emulator":
            raise error
        return int(offset)
    except (ValueError, UnicodeDecodeError) as cause:
        raise error from cause
