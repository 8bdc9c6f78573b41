"""What `inferledger doctor` asks of a source, and how the answers read.

A source offers `check(context)`, which yields findings: is the endpoint reachable, is each action that the source needs
permitted (tried with the smallest call there is), are tags activated, what will a run cost to read. Freshness and
completeness come from what is landed and are judged by the pipeline.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ingest.errors import InferledgerError

Aspect = Literal["reachable", "permitted", "fresh", "complete", "tags", "cost", "configured"]
Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One answer of the doctor.

    Attributes:
        source: one of the names of the sources.
        account: account, project, subscription or file that was asked.
        aspect: what was asked.
        status: `ok`, `warn` (works, but look at it) or `fail`.
        message: what was found, one sentence.
        remedy: what to do, empty when nothing is; for a missing permission the line of the policy that grants it.
    """

    source: str
    account: str
    aspect: Aspect
    status: Status
    message: str
    remedy: str = ""


def attempt(source: str, account: str, aspect: Aspect, works: str, call: Callable[[], object]) -> Finding:
    """Make a call and tell how it went: `works` when it did, else the error's own sentence and remedy."""
    try:
        call()
    except InferledgerError as error:
        return Finding(source, account, aspect, "fail", error.message, error.remedy)
    return Finding(source, account, aspect, "ok", works)
