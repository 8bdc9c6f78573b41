"""What the models make of gateways' logs, of traces and of the direct APIs; expectations are worked out by hand."""

from decimal import Decimal
from typing import Any

from ingest.landing import Landing
from ingest.run import Run
from ingest.sources import litellm
from tests.dbt_project.conftest import AS_OF, Home
from tests.dbt_project.gateway.conftest import ARN


def rows(home: Home, where: str) -> list[dict[str, Any]]:
    return home.query(f"select * from fct_logged_usage_daily where {where} order by all")


def test_gateway_cached_tokens_inside_of_the_prompt_are_taken_out(gateway_home: Home) -> None:
    (row,) = rows(gateway_home, "key_id = 'search-key'")
    # 1,000 - 400 cached and 200; the answer from the proxy's own cache and the failure used nothing
    assert (row["input_tokens"], row["cache_read_tokens"], row["output_tokens"]) == (800, 400, 60)
    assert (row["request_count"], row["error_count"]) == (3, 1)
    assert row["logged_cost_usd"] == Decimal("0.0035") + Decimal("0.0005")
    assert row["input_is_total"] is False


def test_gateway_a_key_s_team_a_deployment_and_its_base_model_are_named(gateway_home: Home) -> None:
    (row,) = rows(gateway_home, "key_id = 'search-key'")
    assert (row["team"], row["attribution_method"]) == ("search", "request_label")
    assert (row["provider"], row["workload_id"], row["model"]) == ("azure", "acme-shared/chat", "gpt-4.1")


def test_gateway_a_request_in_two_files_and_through_two_doors_counts_once(gateway_home: Home) -> None:
    landing = Landing(str(gateway_home.path / "landing"), Run("run-test", AS_OF))
    assert landing.read(litellm.REQUESTS).column("id").to_pylist().count("plain") == 4
    counted = gateway_home.one("select count(*) as n from intermediate.int_gateway_litellm_requests")
    assert counted["n"] == 8


def test_gateway_an_arn_names_account_region_and_profile_and_tags_name_the_team(gateway_home: Home) -> None:
    (row,) = rows(gateway_home, "workload_id = 'abc123def456'")
    assert (row["provider"], row["sub_account_id"], row["region_id"]) == ("aws", "210000000001", "us-east-1")
    assert (row["team"], row["environment"]) == ("docs", "prod")
    assert ARN.endswith(row["workload_id"])


def test_gateway_a_cost_of_zero_for_tokens_is_a_price_the_proxy_does_not_know(gateway_home: Home) -> None:
    (row,) = rows(gateway_home, "workload_id = 'abc123def456'")
    assert row["logged_cost_usd"] is None
    (strange,) = rows(gateway_home, "source = 'litellm' and provider is null")
    assert (strange["model"], strange["team"], strange["logged_cost_usd"]) == (None, "unallocated", None)


def test_gateway_cached_tokens_outside_of_the_prompt_are_left_there(gateway_home: Home) -> None:
    (row,) = rows(gateway_home, "provider = 'anthropic'")
    assert (row["input_tokens"], row["cache_read_tokens"]) == (100, 900)
    assert (row["principal"], row["team"], row["product"]) == ("ann", "risk", "kyc-reader")
    assert row["model"] == "claude-haiku-4-5"


def test_gateway_an_owner_rule_speaks_where_the_log_does_not(gateway_home: Home) -> None:
    (row,) = rows(gateway_home, "provider = 'gcp'")
    assert (row["sub_account_id"], row["region_id"]) == ("acme-search-prod", "us-central1")
    assert (row["team"], row["attribution_method"]) == ("search", "owner")
    # the log says nothing of a cache
    assert (row["input_is_total"], row["cache_read_tokens"]) == (True, None)


def test_otel_of_spans_inside_each_other_the_innermost_counts(gateway_home: Home) -> None:
    (row,) = rows(gateway_home, "source = 'otel_genai' and team = 'payments'")
    assert (row["input_tokens"], row["cache_read_tokens"], row["output_tokens"]) == (400, 600, 100)
    assert (row["request_count"], row["principal"], row["environment"]) == (1, "checkout", "prod")
    assert (row["provider"], row["model"], row["logged_cost_usd"]) == ("aws", "claude-sonnet-4-5", None)


def test_otel_names_of_earlier_conventions_are_read_and_a_span_sent_twice_counts_once(gateway_home: Home) -> None:
    (row,) = rows(gateway_home, "source = 'otel_genai' and team = 'growth'")
    assert (row["input_tokens"], row["output_tokens"], row["request_count"]) == (70, 7, 1)
    assert (row["provider"], row["model"], row["input_is_total"]) == ("openai", "gpt-4o", True)


def test_otel_a_failed_call_is_an_error_without_tokens(gateway_home: Home) -> None:
    (row,) = rows(gateway_home, "source = 'otel_genai' and error_count > 0")
    assert (row["request_count"], row["error_count"], row["input_tokens"]) == (0, 1, None)


def test_direct_anthropic_cents_become_dollars_and_the_totals_tie(gateway_home: Home) -> None:
    totals = gateway_home.one("select * from fct_provider_totals where provider = 'anthropic'")
    # 0.3 + 0.075 + 123.45678901234 + 0.27 cents; each row rounds half even at the twelfth decimal
    cents = [Decimal("0.3"), Decimal("0.075"), Decimal("123.45678901234"), Decimal("0.27")]
    expected = sum((amount.scaleb(-2).quantize(Decimal("1e-12")) for amount in cents), Decimal(0))
    assert totals["landed_cost"] == totals["mart_cost"] == expected == Decimal("1.241017890123")
    assert totals["difference"] == 0
    assert totals["billing_account_id"] == "org-a"


def test_direct_anthropic_tokens_stand_beside_their_cost(gateway_home: Home) -> None:
    found = gateway_home.query(
        "select workload_id, token_class, model, billed_cost, consumed_tokens from fct_spend_daily "
        "where provider = 'anthropic' and token_class <> 'other' order by token_class"
    )
    assert [(row["workload_id"], row["token_class"], row["billed_cost"], row["consumed_tokens"]) for row in found] == [
        ("default", "cache_read", Decimal("0.0027"), 9_000),
        ("wrk-1", "input", Decimal("0.003"), 1_000),
        ("wrk-1", "output", Decimal("0.00075"), 50),
    ]
    assert {row["model"] for row in found} == {"claude-sonnet-4-5"}


def test_direct_openai_line_items_name_model_and_token_class(gateway_home: Home) -> None:
    found = gateway_home.query(
        "select token_class, model, billed_cost, consumed_tokens from fct_spend_daily "
        "where provider = 'openai' and sub_account_id = 'proj-1' order by token_class"
    )
    assert [tuple(row.values()) for row in found] == [
        ("cache_read", "gpt-4o-mini", Decimal("0.00006"), 800),
        ("input", "gpt-4o-mini", Decimal("0.00003"), 200),
        ("output", "gpt-4o-mini", Decimal("0.000036"), 60),
    ]
    totals = gateway_home.one("select * from fct_provider_totals where provider = 'openai'")
    assert totals["landed_cost"] == totals["mart_cost"] == Decimal("0.010126")


def test_direct_usage_is_metered_by_workspace_and_project(gateway_home: Home) -> None:
    found = gateway_home.query(
        "select provider, workload_id, input_tokens, cache_read_tokens, cache_write_tokens, request_count "
        "from fct_tokens_daily order by provider, workload_id"
    )
    assert [tuple(row.values()) for row in found] == [
        ("anthropic", "default", 0, 9_000, 0, None),
        ("anthropic", "wrk-1", 1_000, 0, 34, None),
        ("openai", "proj-1", 200, 800, None, 5),
        ("openai", "proj-2", 7, 0, None, 1),
    ]


def test_every_source_has_its_status(gateway_home: Home) -> None:
    found = gateway_home.query("select source, provider, account_id from source_status where source <> 'config'")
    assert {(row["source"], row["provider"]) for row in found} == {
        ("litellm", None), ("otel_genai", None), ("anthropic", "anthropic"), ("openai", "openai"),
    }  # fmt: skip
