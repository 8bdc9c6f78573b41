"""The emulated gateway's log holds the world's tokens, exactly, and the source reads it."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

from emulator.gateway import write
from emulator.world import make_world
from ingest.config import SourcesConfig
from ingest.contracts import Context
from ingest.landing import Landing
from ingest.run import Run
from ingest.settings import Settings
from ingest.sources import litellm


def test_the_gateway_s_log_sums_to_the_tokens_that_its_callers_used(tmp_path: Path) -> None:
    world = make_world(tmp_path, days=5)
    write(world, days=2)
    since = world.as_of - timedelta(days=2)
    keys = {
        stream.id: stream.via["gateway_key"] for stream in world.organisation.streams if "gateway_key" in stream.via
    }
    used: Counter[str] = Counter()
    for row in world.usage.to_pylist():
        if row["stream_id"] in keys and row["hour_start"] >= since:
            used[keys[row["stream_id"]]] += row["input_tokens"] + row["cache_read_tokens"] + row["output_tokens"]
    sections = {"backfill_days": 5, "litellm": {"logs": [{"name": "gateway", "path": "emulator/gateway"}]}}
    settings, run = Settings(home=tmp_path), Run("run-1", world.as_of)
    context = Context(settings, SourcesConfig.model_validate(sections), Landing(settings.landing_root, run), run)
    litellm.load(context, None)
    logged: Counter[str] = Counter()
    for row in context.landing.read(litellm.REQUESTS).to_pylist():
        logged[row["metadata"]["user_api_key_alias"]] += row["total_tokens"]
    assert logged == used
    assert set(logged) == {"mobile", "growth", "docs", "payments"}
