"""Requests as LiteLLM logs them and spans as OpenTelemetry writes them, small and with prompts that must not land."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PROMPT = "SECRET-PROMPT of a person"


def seconds(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()


def request(
    identity: str,
    moment: datetime,
    *,
    prompt: int = 100,
    completion: int = 10,
    cached: int | None = None,
    written: int | None = None,
    metadata: dict[str, Any] | None = None,
    **values: Any,
) -> dict[str, Any]:
    """A StandardLoggingPayload, cut to the fields that say something."""
    details = (
        None if cached is None and written is None else {"cached_tokens": cached, "cache_creation_tokens": written}
    )
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "prompt_tokens_details": details}
    row: dict[str, Any] = {
        "id": identity,
        "litellm_call_id": f"call-{identity}",
        "call_type": "acompletion",
        "status": "success",
        "startTime": seconds(moment),
        "endTime": seconds(moment) + 0.5,
        "custom_llm_provider": "azure",
        "model": "azure/chat",
        "model_group": "chat",
        "model_map_information": {"model_map_key": "azure/gpt-4.1", "model_map_value": {"key": "azure/gpt-4.1"}},
        "api_base": "",
        "hidden_params": {"api_base": "https://acme-shared.openai.azure.com/"},
        "cache_hit": None,
        "response_cost": 0.001,
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "end_user": None,
        "request_tags": ["User-Agent: curl", "User-Agent: curl/8"],
        "messages": [{"role": "user", "content": PROMPT}],
        "response": {"choices": [{"message": {"content": PROMPT}}]},
        "error_str": PROMPT,
        "metadata": {"user_api_key_hash": "hash", "user_api_key_alias": None, "usage_object": usage},
    }
    row = row | values
    row["metadata"] = row["metadata"] | (metadata or {})
    return row


def write_objects(folder: Path, requests: Iterable[dict[str, Any]], *, team: str = "") -> None:
    """One object a request, named as the logger `s3_v2` names it."""
    for row in requests:
        moment = datetime.fromtimestamp(row["startTime"], UTC)
        name = f"time-{moment:%H-%M-%S-%f}_{row['id']}.json"
        path = folder / team / f"{moment:%Y-%m-%d}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(row))


def span(
    trace: str,
    identity: str,
    moment: datetime,
    attributes: dict[str, Any],
    *,
    parent: str = "",
    kind: Any = 3,
    error: bool = False,
) -> dict[str, Any]:
    """A span; whole numbers are written as text, as protobuf's JSON does."""
    return {
        "traceId": trace,
        "spanId": identity,
        "parentSpanId": parent,
        "name": "chat",
        "kind": kind,
        "startTimeUnixNano": str(int(seconds(moment)) * 10**9),
        "endTimeUnixNano": str(int(seconds(moment) + 1) * 10**9),
        "attributes": [{"key": key, "value": _value(value)} for key, value in attributes.items()],
        "status": {"code": 2} if error else {},
    }


def export(spans: Iterable[dict[str, Any]], **resource: Any) -> dict[str, Any]:
    """One export request of one service."""
    attributes = [{"key": key.replace("__", "."), "value": _value(value)} for key, value in resource.items()]
    scopes = [{"scope": {"name": "tests"}, "spans": list(spans)}]
    return {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": scopes}]}


def _value(value: Any) -> dict[str, Any]:
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}
