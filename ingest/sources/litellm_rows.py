"""One request as LiteLLM logs it (its StandardLoggingPayload), in the fields that are kept.

Prompts, answers, headers, error texts and mail addresses never land: what is not named here is left out.
"""

from collections.abc import Mapping
from typing import Any, cast

import pyarrow as pa

from ingest.contracts import StreamContract
from ingest.json_values import LONGEST_LABEL, UnreadableRow, clean, cost, count, labels, mapping, moment, text

SOURCE = "litellm"
_text, _count, _time = pa.string(), pa.int64(), pa.timestamp("us", tz="UTC")
_labels = pa.map_(_text, _text)
USAGE = pa.struct(
    [
        ("prompt_tokens", _count),
        ("completion_tokens", _count),
        ("cache_read_input_tokens", _count),
        ("cache_creation_input_tokens", _count),
        ("prompt_tokens_details", pa.struct([("cached_tokens", _count), ("cache_creation_tokens", _count)])),
        ("completion_tokens_details", pa.struct([("reasoning_tokens", _count)])),
    ]
)
METADATA = pa.struct(
    [
        ("user_api_key_hash", _text),
        ("user_api_key_alias", _text),
        ("user_api_key_team_id", _text),
        ("user_api_key_team_alias", _text),
        ("user_api_key_user_id", _text),
        ("user_api_key_org_id", _text),
        ("user_api_key_auth_metadata", _labels),
        ("spend_logs_metadata", _labels),
        ("requester_metadata", _labels),
        ("usage_object", USAGE),
    ]
)
_SCHEMA = pa.schema(
    [
        ("id", _text),
        ("litellm_call_id", _text),
        ("call_type", _text),
        ("status", _text),
        ("startTime", _time),
        ("endTime", _time),
        ("custom_llm_provider", _text),
        ("model", _text),
        ("model_id", _text),
        ("model_group", _text),
        ("model_map_key", _text),
        ("api_base", _text),
        ("cache_hit", pa.bool_()),
        ("response_cost", _text),
        ("prompt_tokens", _count),
        ("completion_tokens", _count),
        ("total_tokens", _count),
        ("end_user", _text),
        ("request_tags", pa.list_(_text)),
        ("error_class", _text),
        ("error_code", _text),
        ("metadata", METADATA),
    ]
)
REQUESTS = StreamContract(SOURCE, "requests", _SCHEMA, ("id", "startTime"), empty_ok=True)


def is_request(row: Mapping[str, Any]) -> bool:
    """Whether an object is a logged request: audit logs and batch line items are not."""
    return "startTime" in row and "call_type" in row and ("id" in row or "litellm_call_id" in row)


def parse(row: Mapping[str, Any]) -> dict[str, Any]:
    """The kept fields of one request.

    Raises:
        UnreadableRow: it has no id or start, or a count or the cost is no number.
    """
    identity = text(row.get("id")) or text(row.get("litellm_call_id"))
    if identity is None:
        raise UnreadableRow("it has no id")
    hidden, mapped, error = (mapping(row.get(key)) for key in
                             ("hidden_params", "model_map_information", "error_information"))  # fmt: skip
    return {
        "id": identity,
        "litellm_call_id": text(row.get("litellm_call_id")),
        "call_type": text(row.get("call_type")),
        "status": text(row.get("status")),
        "startTime": moment(row["startTime"], "startTime"),
        "endTime": moment(row["endTime"], "endTime") if row.get("endTime") else None,
        "custom_llm_provider": text(row.get("custom_llm_provider")),
        "model": text(row.get("model")),
        "model_id": text(row.get("model_id")),
        "model_group": text(row.get("model_group")),
        "model_map_key": text(mapped.get("model_map_key")),
        # the payload's own is empty where the client library made the address
        "api_base": text(row.get("api_base")) or text(hidden.get("api_base")),
        "cache_hit": row.get("cache_hit") if isinstance(row.get("cache_hit"), bool) else None,
        "response_cost": cost(row.get("response_cost")),
        "prompt_tokens": count(row.get("prompt_tokens"), "prompt_tokens"),
        "completion_tokens": count(row.get("completion_tokens"), "completion_tokens"),
        "total_tokens": count(row.get("total_tokens"), "total_tokens"),
        "end_user": text(row.get("end_user")),
        "request_tags": tags(row.get("request_tags")),
        "error_class": text(error.get("error_class")),
        "error_code": text(error.get("error_code")),
        "metadata": metadata(mapping(row.get("metadata"))),
    }


def metadata(found: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request's metadata that say who asked, and its token counts."""
    kept: dict[str, Any] = {
        name: text(found.get(name))
        for name in (
            "user_api_key_hash",
            "user_api_key_alias",
            "user_api_key_team_id",
            "user_api_key_team_alias",
            "user_api_key_user_id",
            "user_api_key_org_id",
        )
    }
    for name in ("user_api_key_auth_metadata", "spend_logs_metadata", "requester_metadata"):
        kept[name] = labels(found.get(name))
    return kept | {"usage_object": usage(mapping(found.get("usage_object")))}


def usage(found: Mapping[str, Any]) -> dict[str, Any]:
    """The token counts of a usage object; each provider fills some."""
    prompt, completion = (mapping(found.get(name)) for name in ("prompt_tokens_details", "completion_tokens_details"))
    top = ("prompt_tokens", "completion_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return {name: count(found.get(name), name) for name in top} | {
        "prompt_tokens_details": {
            name: count(prompt.get(name), name) for name in ("cached_tokens", "cache_creation_tokens")
        },
        "completion_tokens_details": {
            "reasoning_tokens": count(completion.get("reasoning_tokens"), "reasoning_tokens"),
        },
    }


def tags(found: object) -> list[str] | None:
    """The request's tags, as a list of texts."""
    if not isinstance(found, list):
        return None
    values = [value for value in cast(list[Any], found) if isinstance(value, str) and len(value) <= LONGEST_LABEL]
    return [clean(value) for value in values] or None
