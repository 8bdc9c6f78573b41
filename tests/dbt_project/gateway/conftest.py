"""One home of gateways, traces and direct APIs, landed by the real sources and built by the real project."""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from emulator.direct.server import start
from emulator.faults import Faults
from ingest.config import SourcesConfig
from ingest.contracts import Context
from ingest.files import open_folder
from ingest.landing import Landing
from ingest.registry import contracts
from ingest.run import Run
from ingest.settings import Settings
from ingest.sources import anthropic, config, litellm, openai, otel_genai
from tests.dbt_project.conftest import AS_OF, Home
from tests.gateway_logs import export, request, span, write_objects
from tests.ingest.direct.conftest import books

ROOT = Path(__file__).parents[3]
NINE, TEN = datetime(2026, 11, 16, 9, 5), datetime(2026, 11, 16, 10)  # noqa: DTZ001 - made UTC where it is written
ARN = "arn:aws:bedrock:us-east-1:210000000001:application-inference-profile/abc123def456"
SEARCH = {"user_api_key_alias": "search-key", "user_api_key_team_alias": "Search"}


def litellm_requests() -> list[dict]:
    """Each request is one case, named by its id."""
    return [
        request("plain", NINE, prompt=1_000, cached=400, completion=50, response_cost=0.0035, metadata=SEARCH),
        request("same-hour", NINE, prompt=200, cached=0, completion=10, response_cost=0.0005, metadata=SEARCH),
        request("hit_cache_hit1", NINE, prompt=500, cached=0, cache_hit=True, response_cost=0.0, metadata=SEARCH),
        request("failed", NINE, prompt=0, completion=0, cached=0, status="failure", response_cost=0.0, metadata=SEARCH),
        request(
            "profile", TEN, model=f"bedrock/{ARN}", custom_llm_provider="bedrock", response_cost=0.0,
            model_map_information={"model_map_key": f"bedrock/{ARN}"}, hidden_params={},
            request_tags=["Team: docs", "env=prod"],
        ),
        request(
            "outside", TEN, model="anthropic/claude-haiku-4-5-20251001", custom_llm_provider="anthropic", prompt=100,
            cached=900, hidden_params={}, model_map_information={}, end_user="ann",
            metadata={"requester_metadata": {"owner-team": "risk", "app": "kyc-reader"}},
        ),
        request(
            "vertex", TEN, model="vertex_ai/gemini-2.5-flash", custom_llm_provider="vertex_ai",
            api_base="https://us-central1-aiplatform.googleapis.com/v1/projects/acme-search-prod/locations/us-central1/x",
            model_map_information={"model_map_key": "vertex_ai/gemini-2.5-flash"},
        ),
        request(
            "strange", TEN, model="groq/wizard-99", custom_llm_provider="groq", response_cost=0.0,
            hidden_params={}, model_map_information={"model_map_key": "groq/wizard-99"},
        ),
    ]  # fmt: skip


def traces() -> list[dict]:
    """A trace of an agent, one of an older instrumentation, and one that failed."""
    usage = {"gen_ai.usage.input_tokens": 1_000, "gen_ai.usage.output_tokens": 100}
    sonnet = {
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.request.model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    }
    chat = sonnet | usage | {"gen_ai.operation.name": "chat"}
    agent = [
        span("t1", "agent", TEN, chat | {"gen_ai.operation.name": "invoke_agent"}),
        span("t1", "frame", TEN, chat, parent="agent", kind=1),
        span("t1", "http", TEN, {"url.full": "https://x"}, parent="frame"),
        span("t1", "call", TEN, chat | {"gen_ai.usage.cache_read.input_tokens": 600}, parent="http"),
        span("t1", "tool", TEN, {"gen_ai.operation.name": "execute_tool"}, parent="agent"),
    ]
    older = {"gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2024-08-06",
             "gen_ai.usage.prompt_tokens": 70, "gen_ai.usage.completion_tokens": 7, "team": "growth"}  # fmt: skip
    return [
        export(agent, service__name="checkout", team="payments", deployment__environment="PROD"),
        export([span("t2", "old", TEN, older)], service__name="writer"),
        export([span("t2", "old", TEN, older)], service__name="writer"),
        export([span("t3", "bad", TEN, sonnet | {"error.type": "timeout"}, error=True)], service__name="writer"),
    ]


@pytest.fixture(scope="session")
def gateway_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = tmp_path_factory.mktemp("gateway")
    logs = home / "logs"
    write_objects(logs / "litellm", litellm_requests(), team="Search")
    write_objects(logs / "litellm" / "copy", litellm_requests()[:1])
    (logs / "otel").mkdir()
    (logs / "otel" / "traces.json").write_text("\n".join(json.dumps(line) for line in traces()))
    sections = {
        "backfill_days": 40,
        "litellm": {"logs": [{"name": "proxy", "path": "logs/litellm"}]},
        "otel_genai": {"logs": [{"name": "collector", "path": "logs/otel"}]},
        "anthropic": {"organization_id": "org-a"},
        "openai": {"organization_id": "org-o"},
    }
    service = start(books(), Faults())
    before = dict(os.environ)
    os.environ.update(service.env)
    settings, run = Settings(home=home, config_dir=ROOT / "config"), Run("run-1", AS_OF)
    os.environ.clear()
    os.environ.update(before | {name: service.env[name] for name in ("ANTHROPIC_ADMIN_KEY", "OPENAI_ADMIN_KEY")})
    landing = Landing(settings.landing_root, run)
    landing.ensure_anchors(contracts())
    context = Context(settings, SourcesConfig.model_validate(sections), landing, run)
    for source in (config, litellm, otel_genai, anthropic, openai):
        source.load(context, None)
    # the same log through the file door is the same requests
    with open_folder(str(logs / "litellm"), settings) as folder:
        litellm.load_files(context, folder, None)
    service.stop()
    os.environ.clear()
    os.environ.update(before)
    marts = ("fct_spend_daily", "fct_tokens_daily", "fct_logged_usage_daily", "fct_provider_totals", "source_status")
    yield Home(home).build(*(f"+{name}" for name in marts))
