"""The lists that prices come from: what each says, and what no longer fits is refused."""

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from genai_prices import types

from ingest.errors import CorruptFile, SchemaChanged
from ingest.pricing import genai_feed, litellm_feed
from ingest.pricing.price import UNDATED, FeedModel
from ingest.sources import prices as prices_source


def litellm_file(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    listed = json.loads((prices_source.litellm_feed.DATA / "litellm_prices.json").read_text(encoding="utf-8"))
    change(listed)
    path = folder / "litellm_prices.json"
    path.write_text(json.dumps(listed), encoding="utf-8")
    return path


@pytest.mark.parametrize("amount", [-1e-06, "0.000001", None, True], ids=["negative", "text", "null", "truth"])
def test_a_price_per_token_that_is_none_is_refused_with_id_and_field(tmp_path: Path, amount: object) -> None:
    path = litellm_file(tmp_path, lambda listed: listed["azure/gpt-4o"].update(input_cost_per_token=amount))

    with pytest.raises(SchemaChanged, match=r"azure/gpt-4o\.input_cost_per_token: .* is no price per token"):
        litellm_feed.prices(path)


def test_an_id_that_is_gone_from_the_map_is_told(tmp_path: Path) -> None:
    path = litellm_file(tmp_path, lambda listed: listed.pop("azure/gpt-4o"))

    with pytest.raises(SchemaChanged, match="has no id azure/gpt-4o"):
        litellm_feed.prices(path)


def test_a_truncated_map_is_told(tmp_path: Path) -> None:
    path = litellm_file(tmp_path, lambda listed: None)
    path.write_text(path.read_text(encoding="utf-8")[:-200], encoding="utf-8")

    with pytest.raises(CorruptFile, match="cannot be read"):
        litellm_feed.prices(path)


def test_dated_entries_of_genai_prices_become_half_open_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    # gpt-5.6-luna of the package itself: prices cut on 2026-07-30
    wanted = FeedModel("genai-prices", "openai", "gpt-5.6-luna", "azure", "gpt-5.6-luna", "global")
    monkeypatch.setattr(genai_feed, "feed_models", lambda source: [wanted])
    steps = [
        (entry.usd_per_mtok, entry.valid_from, entry.valid_to)
        for entry in genai_feed.prices()
        if (entry.key.token_class, entry.key.context_band) == ("output", "default")
    ]

    assert steps == [
        (Decimal("6"), UNDATED, date(2026, 7, 30)),
        (Decimal("1.2"), date(2026, 7, 30), None),
    ]


def test_a_price_by_the_hour_of_day_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = FeedModel("genai-prices", "deepseek", "by-the-hour", "azure", "by-the-hour", "global")
    night = types.TimeOfDateConstraint(start_time=datetime.min.time(), end_time=datetime.max.time())
    entry = types.ConditionalPrice(constraint=night, prices=types.ModelPrice(input_mtok=Decimal(1)))
    model = types.ModelInfo(id="by-the-hour", match=types.ClauseEquals("by-the-hour"), prices=[entry])
    provider = types.Provider(id="deepseek", name="DeepSeek", api_pattern="x", models=[model])
    monkeypatch.setattr(genai_feed, "feed_models", lambda source: [wanted])
    monkeypatch.setattr(genai_feed, "providers", [provider])

    with pytest.raises(SchemaChanged, match="by TimeOfDateConstraint, which no day decides"):
        genai_feed.prices()


def test_a_model_that_is_gone_from_genai_prices_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = FeedModel("genai-prices", "openai", "gpt-0", "azure", "gpt-0", "global")
    monkeypatch.setattr(genai_feed, "feed_models", lambda source: [wanted])

    with pytest.raises(SchemaChanged, match="has no model openai/gpt-0") as refused:
        genai_feed.prices()
    assert "feed_models.csv" in refused.value.remedy
