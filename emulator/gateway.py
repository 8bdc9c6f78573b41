"""A LiteLLM gateway's request log for a part of the demo's traffic: the callers of Azure's shared deployments.

An hour of thousands of requests is written as a few, among which the hour's tokens are shared out exactly: sums of
tokens are those of the world, counts of requests are not. Made on demand; the demo does not read it.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from emulator.world import Stream, World

REQUESTS_PER_HOUR = 3
FOLDER = "gateway"


def write(world: World, *, days: int = 3) -> Path:
    """Write the log of the last `days` days before the world's as-of time; returns its folder."""
    folder = world.folder(FOLDER)
    since = world.as_of - timedelta(days=days)
    streams = {stream.id: stream for stream in world.organisation.streams if "gateway_key" in stream.via}
    lines: dict[str, list[str]] = {}
    for row in world.usage.to_pylist():
        if row["stream_id"] in streams and row["hour_start"] >= since:
            for request in _requests(row, streams[row["stream_id"]]):
                day = datetime.fromtimestamp(request["startTime"], UTC).date().isoformat()
                lines.setdefault(day, []).append(json.dumps(request))
    for day, written in lines.items():
        path = folder / day / f"batch-{day}.ndjson"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(written) + "\n", encoding="utf-8")
    return folder


def _requests(row: dict[str, Any], stream: Stream) -> Iterator[dict[str, Any]]:
    count = min(REQUESTS_PER_HOUR, int(row["request_count"]))
    for number in range(count):
        started = row["hour_start"] + timedelta(minutes=7 + 15 * number)
        cached = _share(row["cache_read_tokens"], number, count)
        prompt = _share(row["input_tokens"], number, count) + cached
        answer = _share(row["output_tokens"], number, count)
        details = {"cached_tokens": cached}
        usage = {"prompt_tokens": prompt, "completion_tokens": answer, "prompt_tokens_details": details}
        yield {
            "id": f"chatcmpl-{stream.id}-{started:%Y%m%d%H%M}",
            "call_type": "acompletion",
            "status": "success",
            "startTime": started.timestamp(),
            "endTime": started.timestamp() + 1,
            "custom_llm_provider": "azure",
            "model": f"azure/{stream.via['deployment']}",
            "api_base": f"https://{stream.account}.openai.azure.com/",
            "model_map_information": {"model_map_key": f"azure/{stream.model}"},
            "response_cost": None,
            "prompt_tokens": prompt,
            "completion_tokens": answer,
            "total_tokens": prompt + answer,
            "metadata": {
                "user_api_key_alias": stream.via["gateway_key"],
                "user_api_key_team_alias": stream.team,
                "spend_logs_metadata": {"product": stream.product},
                "usage_object": usage,
            },
        }


def _share(total: int, number: int, count: int) -> int:
    """The part of one of `count` requests; together they are the total."""
    return int(total) // count + (int(total) % count if number == 0 else 0)
