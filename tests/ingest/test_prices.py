"""Prices: two lists and the organisation's own become one, by day, with money worked out here by hand."""

import shutil
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from ingest.config import load_sources
from ingest.config_prices import PricesConfig
from ingest.contracts import Context, StreamContract
from ingest.errors import ConfigError
from ingest.landing import Landing
from ingest.pricing.price import UNDATED, PriceKey, contains
from ingest.run import Run
from ingest.settings import Settings
from ingest.sources import prices as prices_source
from ingest.yaml_config import load_yaml

CONFIG = Path(__file__).parents[2] / "config"
AS_OF = date(2026, 11, 18)
CANONICAL = {
    *("claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-5", "nova-pro", "nova-lite", "nova-2-lite"),
    *("gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.5-pro", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano"),
    *("gpt-4o", "gpt-4o-mini", "gpt-5", "gpt-5-mini"),
}


@pytest.fixture(scope="module")
def lists() -> prices_source.PriceLists:
    return prices_source.combine(load_yaml(CONFIG / "prices.yml", PricesConfig), AS_OF)


def current(lists: prices_source.PriceLists, text: str) -> Decimal | None:
    """The price of 'provider model region_class token_class [tier] [band]' on the day of the run."""
    words = text.split()
    key = PriceKey(*words, *("standard", "default")[len(words) - 4 :])
    found = [entry.usd_per_mtok for entry in lists.prices if entry.key == key and contains(entry, AS_OF)]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize(
    ("key", "usd_per_mtok"),
    [
        pytest.param("aws claude-sonnet-4-5 global input", "3", id="global profile"),
        # a geographic profile costs ten per cent more: 15 x 1.1
        pytest.param("aws claude-sonnet-4-5 geo output", "16.5", id="geographic profile"),
        # a five-minute cache write costs 1.25 of the input, a read a tenth: 1 x 1.1 x 1.25 and 1 x 1.1 x 0.1
        pytest.param("aws claude-haiku-4-5 geo cache_write_5m", "1.375", id="cache write"),
        pytest.param("aws claude-haiku-4-5 geo cache_read", "0.11", id="cache read"),
        pytest.param("aws claude-opus-4-5 global cache_write_1h", "10", id="one-hour cache write"),
        pytest.param("aws nova-lite regional input", "0.06", id="nova in its region"),
        pytest.param("aws nova-2-lite geo input", "0.33", id="nova 2 across a geography"),
        pytest.param("gcp gemini-2.5-flash regional output", "2.5", id="gemini costs the same in a region"),
        pytest.param("gcp gemini-2.5-pro global input standard long", "2.5", id="long context doubles the input"),
        pytest.param("gcp gemini-2.5-pro global output standard long", "15", id="and adds half to the output"),
        pytest.param("gcp gemini-2.5-pro global input batch", "0.625", id="batch is half: 1.25 / 2"),
        # priority is 1.8 times standard: 0.3 x 1.8
        pytest.param("gcp gemini-2.5-flash global input priority", "0.54", id="vertex priority"),
        pytest.param("azure gpt-4.1 global input", "2", id="azure global standard"),
        # the data zone costs ten per cent more: 8 x 1.1
        pytest.param("azure gpt-4.1 geo output", "8.8", id="azure data zone"),
        pytest.param("azure gpt-4.1 global output batch", "4", id="azure batch: 8 / 2"),
        # priority is 1.75 times standard for this family: 2 x 1.75
        pytest.param("azure gpt-4.1 global input priority", "3.5", id="azure priority"),
        # stated in prices.yml: regional is ten per cent over global, 3 x 1.1
        pytest.param("gcp claude-sonnet-4-5 regional input", "3.3", id="completed by the organisation"),
    ],
)
def test_a_list_price_is_the_one_the_provider_shows(
    lists: prices_source.PriceLists, key: str, usd_per_mtok: str
) -> None:
    assert current(lists, key) == Decimal(usd_per_mtok)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("azure gpt-4o regional input", id="azure regional depends on the region"),
        pytest.param("gcp gemini-2.5-pro global cache_write_5m standard long", id="a slip of the map"),
        pytest.param("aws nova-pro global input", id="nova has no global profile"),
        pytest.param("aws gemini-2.5-pro global input", id="another cloud's model"),
    ],
)
def test_a_price_that_no_list_states_stays_unknown(lists: prices_source.PriceLists, key: str) -> None:
    assert current(lists, key) is None


def test_tokens_cost_what_the_rates_say(lists: prices_source.PriceLists) -> None:
    tokens = {"input": 1_200_000, "output": 80_000, "cache_read": 5_000_000, "cache_write_5m": 300_000}
    cost = sum(
        (current(lists, f"aws claude-sonnet-4-5 global {name}") or Decimal(0)) * count / 1_000_000
        for name, count in tokens.items()
    )

    # 1.2 x 3 + 0.08 x 15 + 5 x 0.30 + 0.3 x 3.75
    assert cost == Decimal("3.6") + Decimal("1.2") + Decimal("1.5") + Decimal("1.125")


def test_every_canonical_model_has_input_and_output_prices(lists: prices_source.PriceLists) -> None:
    priced = {(entry.key.model, entry.key.token_class) for entry in lists.prices if contains(entry, AS_OF)}

    assert {(model, name) for model in CANONICAL for name in ("input", "output")} <= priced
    assert {model for model, _ in priced} == CANONICAL


def test_where_the_lists_differ_genai_prices_wins_and_the_difference_is_kept(
    lists: prices_source.PriceLists,
) -> None:
    key = PriceKey("aws", "claude-haiku-4-5", "regional", "input", "standard", "default")
    chosen, other = next(pair for pair in lists.disagreements if pair[0].key == key)

    assert (chosen.usd_per_mtok, chosen.price_source) == (Decimal("1.1"), f"genai-prices {version('genai-prices')}")
    assert (other.usd_per_mtok, other.price_source) == (Decimal("1"), "litellm")
    assert all(first.usd_per_mtok != second.usd_per_mtok for first, second in lists.disagreements)


def test_a_dearer_region_of_a_geography_is_kept_as_a_difference(lists: prices_source.PriceLists) -> None:
    europe = [other for _, other in lists.disagreements if other.source_id == "eu.amazon.nova-lite-v1:0"]

    # Europe costs 1.3 of the United States: 0.06, 0.24 and 0.015 x 1.3
    assert {other.key.token_class: other.usd_per_mtok for other in europe} == {
        "input": Decimal("0.078"),
        "output": Decimal("0.312"),
        "cache_read": Decimal("0.0195"),
    }


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        pytest.param(
            "usd_per_unit_hour: -1", "prices.yml:9: capacity_prices[0].usd_per_unit_hour: -1 is below 0", id="negative"
        ),
        pytest.param("price: 260", "prices.yml:9: capacity_prices[0].price: unknown key", id="no unit in the key"),
        pytest.param(
            "valid_to: null", "a price needs its unit: give usd_per_unit_hour or usd_per_unit_term", id="none"
        ),
        pytest.param(
            "usd_per_unit_hour: 0.3561643835616438",
            "0.3561643835616438 has more than 12 decimals",
            id="more decimals than money has",
        ),
    ],
)
def test_a_capacity_price_without_sense_is_refused(tmp_path: Path, prices: str, expected: str) -> None:
    path = tmp_path / "prices.yml"
    entry = (
        "provider: azure\n    unit_kind: ptu\n    sku_scope: global\n    term: 1_month\n    valid_from: 2026-01-01\n"
    )
    source = "    source: a page\n    source_date: 2026-01-01\n"
    path.write_text(f"capacity_prices:\n  - {entry}{source}    {prices}\n", encoding="utf-8")

    with pytest.raises(ConfigError) as refused:
        load_yaml(path, PricesConfig)
    assert expected in refused.value.message
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("second_start", "expected"),
    [
        pytest.param("2026-05-01", "overlaps token_prices[0]; give token_prices[0] valid_to: 2026-05-01", id="overlap"),
        pytest.param("2026-07-01", "no entry from 2026-06-01 to 2026-07-01; close the gap", id="gap"),
    ],
)
def test_token_prices_follow_each_other_to_the_day(tmp_path: Path, second_start: str, expected: str) -> None:
    path = tmp_path / "prices.yml"
    common = "provider: gcp, model: gemini-2.5-pro, usd_per_mtok: {input: 1.25}, source: page, source_date: 2026-01-01"
    first = f"  - {{{common}, valid_from: 2026-01-01, valid_to: 2026-06-01}}"
    path.write_text(f"token_prices:\n{first}\n  - {{{common}, valid_from: {second_start}}}\n", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"prices\.yml:3: token_prices\[1\]\.valid_from: ") as refused:
        load_yaml(path, PricesConfig)
    assert expected in refused.value.message


def test_the_organisations_own_price_wins_from_its_day_on(tmp_path: Path) -> None:
    path = tmp_path / "prices.yml"
    path.write_text(
        "token_prices:\n"
        "  - {provider: gcp, model: gemini-2.5-pro, usd_per_mtok: {output: 16}, valid_from: 2026-11-01,\n"
        "     source: notice, source_date: 2026-10-20}\n",
        encoding="utf-8",
    )
    lists = prices_source.combine(load_yaml(path, PricesConfig), AS_OF)
    key = PriceKey("gcp", "gemini-2.5-pro", "global", "output", "standard", "default")
    steps = [(entry.usd_per_mtok, entry.valid_from, entry.valid_to) for entry in lists.prices if entry.key == key]

    assert steps == [
        (Decimal("10"), UNDATED, date(2026, 11, 1)),
        (Decimal("16"), date(2026, 11, 1), None),
    ]
    assert {other.price_source for chosen, other in lists.disagreements if chosen.key == key} == {
        "litellm",
        f"genai-prices {version('genai-prices')}",
    }


def test_a_term_price_is_spread_over_the_hours_of_the_term() -> None:
    rows = prices_source.capacity_rows(load_yaml(CONFIG / "prices.yml", PricesConfig))
    ptu = {(row["sku_scope"], row["term"]): row["usd_per_unit_hour"] for row in rows if row["model"] == "gpt-4.1"}

    # 260 / 730 and 2652 / 8760, half even at twelve decimals
    assert ptu[("global", "hourly")] == "1"
    assert ptu[("global", "1_month")] == "0.356164383562"
    assert ptu[("global", "1_year")] == "0.302739726027"
    assert ("data_zone", "1_month") not in ptu


def test_capacity_carries_what_its_model_is_known_to_and_a_row_serves_the_other_models() -> None:
    rows = prices_source.capacity_rows(load_yaml(CONFIG / "prices.yml", PricesConfig))
    ptu = {
        row["model"]: row
        for row in rows
        if (row["unit_kind"], row["sku_scope"], row["term"]) == ("ptu", "global", "hourly")
    }
    gsu = {row["model"]: row for row in rows if (row["unit_kind"], row["sku_scope"]) == ("gsu", "global")}
    units = [row for row in rows if row["unit_kind"] == "model_unit"]

    assert (ptu["gpt-5"]["tokens_per_minute_per_unit"], ptu["gpt-5"]["output_weight"]) == (4750, "8")
    assert (ptu[None]["tokens_per_minute_per_unit"], ptu[None]["usd_per_unit_hour"]) == (None, "1")
    # Google states tokens per second: 2,690 x 60
    assert gsu["gemini-2.5-flash"]["tokens_per_minute_per_unit"] == 161_400
    assert gsu["gemini-2.5-flash"]["cached_weight"] is None
    assert [(row["model"], row["usd_per_unit_hour"], row["tokens_per_minute_per_unit"]) for row in units] == [
        ("nova-2-lite", "60.5", 2000000)
    ]


@pytest.fixture
def context(tmp_path: Path) -> Context:
    shutil.copytree(CONFIG, tmp_path / "config")
    run = Run("run-1", datetime(2026, 11, 18, 6, tzinfo=UTC))
    landing = Landing(str(tmp_path / "landing"), run)
    return Context(
        Settings(config_dir=tmp_path / "config"), load_sources(tmp_path / "config" / "sources.yml"), landing, run
    )


def rows(context: Context, contract: StreamContract) -> list[dict[str, Any]]:
    return context.landing.read(contract).to_pylist()


def test_prices_land_as_text_with_their_source(context: Context) -> None:
    prices_source.load(context, None)
    landed = rows(context, prices_source.LIST_PRICES)
    flash = next(
        row
        for row in landed
        if (row["model"], row["token_class"], row["region_class"]) == ("gemini-2.5-flash", "cache_read", "global")
        and (row["service_tier"], row["context_band"]) == ("standard", "default")
    )

    assert (flash["provider"], flash["usd_per_mtok"]) == ("gcp", "0.03")
    assert (flash["valid_from"], flash["valid_to"]) == (UNDATED, None)
    assert flash["price_source"].startswith("genai-prices ")
    assert not [row["usd_per_mtok"] for row in landed if "e" in row["usd_per_mtok"].lower()]


def test_loading_prices_twice_changes_nothing(context: Context) -> None:
    assert all(result.changed for result in prices_source.load(context, None))
    assert not any(result.changed for result in prices_source.load(context, None))


def test_a_wrong_prices_file_leaves_the_earlier_prices(context: Context) -> None:
    prices_source.load(context, None)
    before = rows(context, prices_source.LIST_PRICES)
    assert context.settings.config_dir is not None
    path = context.settings.config_dir / "prices.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("percent: 5", "percent: 500"), encoding="utf-8")

    with pytest.raises(ConfigError, match=r"discounts\[0\]\.percent: 500 is not below 100"):
        prices_source.load(context, None)
    assert rows(context, prices_source.LIST_PRICES) == before
