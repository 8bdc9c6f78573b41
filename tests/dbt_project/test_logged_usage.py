"""Logged usage in the small organisation: summed by day and caller, attributed, unknown kept unknown."""

from decimal import Decimal

from tests.dbt_project.conftest import Home


def test_hours_become_days_and_days_stay_apart(built: Home) -> None:
    days = built.query("select * from fct_logged_usage_daily where key_id = 'told' order by usage_date")
    assert [(row["usage_date"].day, row["request_count"], row["input_tokens"]) for row in days] == [
        (10, 4, 200),
        (11, 2, 100),
    ]
    assert [row["logged_cost_usd"] for row in days] == [Decimal(1), Decimal("0.5")]
    assert {(row["team"], row["product"], row["attribution_method"]) for row in days} == {
        ("devtools", "code-review", "request_label")
    }


def test_an_ownership_rule_names_the_team_that_the_log_does_not(built: Home) -> None:
    row = built.one("select * from fct_logged_usage_daily where key_id = 'owned'")
    assert (row["team"], row["attribution_method"], row["environment"]) == ("payments", "owner", "dev")


def test_an_unknown_cost_makes_the_sum_unknown_and_an_unknown_owner_is_unallocated(built: Home) -> None:
    row = built.one("select * from fct_logged_usage_daily where key_id = 'nobody'")
    assert (row["team"], row["provider"], row["model"]) == ("unallocated", None, None)
    assert (row["request_count"], row["error_count"], row["logged_cost_usd"]) == (4, 3, None)


def test_sources_stay_apart_and_prompts_with_cached_tokens_inside_say_so(built: Home) -> None:
    found = built.query("select source, count(*) as n from fct_logged_usage_daily group by source order by source")
    assert [(row["source"], row["n"]) for row in found] == [("litellm", 7), ("otel_genai", 1)]
    total = built.one("select * from fct_logged_usage_daily where key_id = 'total'")
    assert (total["input_is_total"], total["cache_read_tokens"]) == (True, None)
