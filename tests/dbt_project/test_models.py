"""Which names mean which model, and what happens to a name that nobody has reviewed."""

import csv
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from tests.dbt_project.conftest import DBT_PROJECT, Home
from tests.dbt_project.scenario import LOGGED, USAGE

SEEDS = DBT_PROJECT / "seeds"
CLOUDS = ("aws", "gcp", "azure")


def seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def mapped(cloud: str, kind: str) -> dict[str, str]:
    rows = seed(f"{cloud}_model_names")
    return {row["provider_model_name"]: row["model"] for row in rows if row["name_kind"] == kind}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_name_was_reviewed_somewhere_on_a_day(cloud: str) -> None:
    for row in seed(f"{cloud}_model_names"):
        assert row["source"], row
        assert date(2025, 1, 1) <= date.fromisoformat(row["as_of"]) <= date(2026, 11, 26), row
        assert row["provider_model_name"] == row["provider_model_name"].strip(), row


@pytest.mark.parametrize(
    ("cloud", "kind", "name", "model"),
    [
        ("aws", "billing_name", "Claude4.6Sonnet", "claude-sonnet-4-6"),
        ("aws", "billing_name", "Claude4.6Opus", "claude-opus-4-6"),
        ("aws", "billing_name", "openai.gpt-oss-120b", "gpt-oss-120b"),
        ("aws", "billing_name", "anthropic.claude-opus-4-8", "claude-opus-4-8"),
        ("aws", "product_name", "Claude 3.5 Sonnet (Amazon Bedrock Edition)", "claude-3-5-sonnet"),
        ("aws", "model_id", "deepseek.v3-v1:0", "deepseek-v3.1"),
        ("gcp", "sku", "claude-sonnet-4.6", "claude-sonnet-4-6"),
        ("gcp", "sku", "llama-4-maverick", "llama-4-maverick"),
        ("gcp", "metric", "claude-opus-4-8", "claude-opus-4-8"),
        ("azure", "meter", "gpt 41 mn", "gpt-4.1-mini"),
        ("azure", "deployment", "gpt-4o-2024-08-06", "gpt-4o"),
    ],
)
def test_names_from_the_clouds_own_bills(cloud: str, kind: str, name: str, model: str) -> None:
    assert mapped(cloud, kind)[name] == model


@pytest.mark.parametrize(
    ("cloud", "kind", "name"),
    [
        pytest.param("gcp", "sku", "gemini-3.0/3.1-pro", id="one SKU for two models"),
        pytest.param("azure", "deployment", "model-router", id="any model"),
        pytest.param("azure", "deployment", "chat-latest", id="another model tomorrow"),
        pytest.param("azure", "deployment", "mistral-large-latest", id="an alias that moves"),
    ],
)
def test_what_means_no_single_model_is_left_unmapped(cloud: str, kind: str, name: str) -> None:
    assert name not in mapped(cloud, kind)


def test_every_model_has_a_name(built: Home) -> None:
    nameless = [row["model"] for row in built.query("select model from dim_model where name_count = 0")]
    assert nameless == []


def test_the_mart_of_names_holds_every_seed_row(built: Home) -> None:
    rows = built.query("select provider, count(*) as names from dim_model_name group by provider")
    assert {row["provider"]: row["names"] for row in rows} == {
        cloud: len(seed(f"{cloud}_model_names")) for cloud in CLOUDS
    }


def test_an_unknown_name_on_the_bill_is_listed_with_its_dollars(built: Home) -> None:
    rows = built.query("select * from fct_unmapped where kind = 'bill' order by billed_cost desc")
    told = [(row["provider_model_name"], row["billed_cost"], row["billed_cost_usd"], row["tokens"]) for row in rows]
    assert told == [("gpt 9", Decimal(9), Decimal(9), 900), ("new meter", Decimal(3), Decimal(3), None)]
    assert rows[0]["first_day"] == date(2026, 11, 10)
    assert rows[0]["last_day"] == date(2026, 11, 12)


def test_unknown_names_in_meters_and_logs_are_listed_with_their_tokens(built: Home) -> None:
    kinds = built.query("select kind, sum(tokens) as tokens from fct_unmapped where kind <> 'bill' group by kind")
    counters = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    expected = {
        kind: sum(row[name] or 0 for row in rows if row["model"] is None for name in counters)
        for kind, rows in (("meter", USAGE), ("log", LOGGED))
    }
    assert {row["kind"]: row["tokens"] for row in kinds} == expected


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
        ("azure/gpt-4o-2024-08-06", "gpt-4o"),
        # else any DeepSeek would become the one whose name ends in its version
        ("deepseek-v2", "deepseek-v2"),
    ],
)
def test_a_version_is_cut_off_only_where_the_cloud_appended_it(
    compile_inline: Callable[[str], str], name: str, plain: str
) -> None:
    sql = compile_inline(f"select {{{{ plain_model_name(\"'{name}'\") }}}}")
    with duckdb.connect() as connection:
        assert connection.execute(sql).fetchall() == [(plain,)]
