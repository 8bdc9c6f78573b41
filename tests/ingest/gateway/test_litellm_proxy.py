"""A real LiteLLM proxy answers real requests and writes its log to S3; the source reads what it wrote."""

import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import boto3
import pyarrow as pa
import pytest

from ingest.files import open_folder
from ingest.sources import litellm
from tests.ingest.gateway.conftest import BUCKET, MakeContext, Proxy

pytestmark = pytest.mark.timeout(1200)
PROMPT = "SECRET-PROMPT of a person"


def body(model: str, **values: Any) -> str:
    return json.dumps({"model": model, "messages": [{"role": "user", "content": PROMPT}]} | values)


@pytest.fixture(scope="module")
def logged(proxy: Proxy, s3_url: str) -> int:
    """Ask the proxy seven times; how many objects it wrote."""
    labels = {"team": "search", "product": "search-box", "note": "x" * 300}
    assert proxy.ask(body("chat", metadata=labels, user="ann")) == 200
    assert proxy.ask(body("profile"), {"x-litellm-tags": "team:docs,prod"}) == 200
    assert proxy.ask(body("strange", temperature=0)) == 200
    assert proxy.ask(body("strange", temperature=0)) == 200
    assert proxy.ask(body("chat", temperature=0.5, metadata={"spend_logs_metadata": {"team": "risk"}})) == 200
    assert proxy.ask(body("broken")) == 500
    assert proxy.ask(body("nosuch")) == 400
    client = boto3.client("s3", endpoint_url=s3_url, region_name="us-east-1")
    deadline = time.monotonic() + 120
    while (found := client.list_objects_v2(Bucket=BUCKET).get("KeyCount", 0)) < 7:
        assert time.monotonic() < deadline, f"the proxy wrote {found} of 7 objects in two minutes"
        time.sleep(0.2)
    return found


def test_litellm_a_real_proxy_s_log_is_read_from_s3(logged: int, make_context: MakeContext, s3_url: str) -> None:
    now = datetime.now(UTC) + timedelta(hours=1)
    sections = {"backfill_days": 3, "litellm": {"logs": [{"name": "proxy", "path": f"s3://{BUCKET}/proxy"}]}}
    context = make_context(sections, as_of=now, aws_s3_endpoint_url=s3_url)
    results = litellm.load(context, None)
    assert sum(result.rows for result in results) == logged == 7
    rows = context.landing.read(litellm.REQUESTS).to_pylist()
    by_model = {row["model_group"]: row for row in rows}

    chat = next(row for row in rows if row["end_user"] == "ann")
    assert (chat["custom_llm_provider"], chat["model"]) == ("azure", "azure/chat-shared")
    assert (chat["model_map_key"], chat["api_base"]) == ("azure/gpt-4.1", "https://acme-shared.openai.azure.com/")
    # the mock counts ten prompt and twenty answer tokens: 10 x 2 and 20 x 8 USD a million
    assert (chat["prompt_tokens"], chat["completion_tokens"]) == (10, 20)
    assert Decimal(chat["response_cost"]).quantize(Decimal("1e-12")) == Decimal("0.00018")
    assert dict(chat["metadata"]["requester_metadata"])["team"] == "search"
    assert by_model["profile"]["request_tags"][:2] == ["team:docs", "prod"]
    assert by_model["profile"]["model"].endswith(":application-inference-profile/abc123def456")

    strange = sorted((row for row in rows if row["model_group"] == "strange"), key=lambda row: row["startTime"])
    assert [row["cache_hit"] for row in strange] == [None, True]
    assert [Decimal(row["response_cost"]) for row in strange] == [0, 0]
    assert len({row["id"] for row in strange}) == 2
    assert [row["status"] for row in rows].count("failure") == 2
    assert by_model["broken"]["error_class"] == "InternalServerError"

    # nothing to do the second time, and everything again through the file door
    assert litellm.load(context, None) == []
    with open_folder(f"s3://{BUCKET}/proxy", context.settings) as folder:
        assert sum(result.rows for result in litellm.load_files(context, folder, None)) == 7


def test_litellm_prompts_answers_and_long_labels_never_land(
    logged: int, make_context: MakeContext, s3_url: str
) -> None:
    context = make_context({}, aws_s3_endpoint_url=s3_url)
    with open_folder(f"s3://{BUCKET}/proxy", context.settings) as folder:
        litellm.load_files(context, folder, None)
    landed: pa.Table = context.landing.read(litellm.REQUESTS)
    text = json.dumps(landed.to_pylist(), default=str)
    assert landed.num_rows == logged
    assert "SECRET-PROMPT" not in text
    assert "answer of the mock" not in text
    assert "xxxx" not in text
