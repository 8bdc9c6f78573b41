"""What a request and an answer of the local Azure are, and Azure's error bodies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    """One request as received at `base` (`https://host:port`); `query` holds the last value of each name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    json: Any
    base: str


@dataclass(frozen=True)
class Reply:
    """An answer; a body of None sends none."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class AzureError(Exception):
    """An answer in Azure's error shape: `{"error": {"code", "message"}}`."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.reply = Reply(status, {"error": {"code": code, "message": message}}, headers or {})


def bad_request(message: str, code: str = "BadRequest") -> AzureError:
    """HTTP 400 with a message."""
    return AzureError(400, code, message)
