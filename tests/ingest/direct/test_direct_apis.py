"""Both organisation APIs over a real socket: pages, groups, days, money as it came, and what a refusal says."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from types import ModuleType

import pytest

from ingest.errors import ConfigError, CredentialExpired, PermissionDenied, SchemaChanged, Shrunk, Unreachable
from ingest.run import Run, Window
from ingest.sources import anthropic, openai
from tests.ingest.direct.conftest import Rig

BOTH = pytest.mark.parametrize("source", [anthropic, openai], ids=lambda source: source.SOURCE)


def test_direct_anthropic_amounts_are_cents_as_text_and_land_as_they_came(rig: Rig) -> None:
    anthropic.load(rig.context, None)
    rows = rig.context.landing.read(anthropic.COSTS).to_pylist()
    assert {row["description"]: row["amount"] for row in rows} == {
        "Sonnet input": "0.3",
        "Sonnet output": "0.075",
        "Code Execution Usage": "123.45678901234",
        "Sonnet read": "0.27",
    }
    assert {row["currency"] for row in rows} == {"USD"}


def test_direct_anthropic_usage_splits_cache_writes_by_life_and_keeps_the_default_workspace_null(rig: Rig) -> None:
    anthropic.load(rig.context, None)
    rows = rig.context.landing.read(anthropic.USAGE).to_pylist()
    assert {row["api_key_id"]: row["uncached_input_tokens"] for row in rows if row["workspace_id"]} == {
        "key-1": 700,
        "key-2": 300,
    }
    written = next(row["cache_creation"] for row in rows if row["api_key_id"] == "key-1")
    assert written == {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 4}
    assert [row["cache_read_input_tokens"] for row in rows if row["workspace_id"] is None] == [9_000]


@pytest.mark.parametrize("as_text", [True, False], ids=["text", "number"])
def test_direct_openai_amounts_come_as_text_or_as_number(rig: Rig, as_text: bool) -> None:
    rig.books.amounts_as_text = as_text
    openai.load(rig.context, None)
    amounts = {row["line_item"]: row["amount_value"] for row in rig.context.landing.read(openai.COSTS).to_pylist()}
    assert Decimal(amounts["gpt-4o-mini-2024-07-18, output"]) == Decimal("0.000036")
    assert amounts["gpt-4o, input"] == "0"
    assert "e" not in "".join(amounts.values()).lower()


@BOTH
def test_direct_every_page_is_read(rig: Rig, source: ModuleType) -> None:
    rig.books.most_buckets = 2
    source.load(rig.context, None)
    paged = [request for request in rig.faults.requests if "page" in request.params]
    # 41 days in answers of at most 31: pages of two make 16 and 5 a report, the first of each without a token
    assert len(paged) == 2 * (15 + 4)
    days = {row["_window_start"].date().day for row in rig.context.landing.read(source.COSTS).to_pylist()}
    assert days == {3, 16}


@BOTH
def test_direct_the_trailing_week_is_read_again_and_the_rest_left_alone(rig: Rig, source: ModuleType) -> None:
    first = source.load(rig.context, None)
    assert {result.window_start.day for result in first} == {3, 16}
    rig.faults.forget_requests()
    again = source.load(rig.context, None)
    assert {result.window_start.day for result in again} == {16}
    assert not any(result.changed for result in again)
    asked = rig.faults.requests[0].params
    start = asked.get("starting_at", asked.get("start_time"))[0]
    assert start in ("2026-11-09T00:00:00Z", str(int(datetime(2026, 11, 9, tzinfo=UTC).timestamp())))


@BOTH
def test_direct_a_given_window_is_read_in_whole_days(rig: Rig, source: ModuleType) -> None:
    results = source.load(
        rig.context, Window(datetime(2026, 11, 3, 7, tzinfo=UTC), datetime(2026, 11, 3, 9, tzinfo=UTC))
    )
    assert {result.window_start.day for result in results} == {3}


@BOTH
def test_direct_a_throttled_call_is_tried_again(rig: Rig, source: ModuleType) -> None:
    for operation in ("messages", "cost_report", "completions", "costs"):
        rig.faults.add("*", operation, "throttle", retry_after=0.01)
    source.load(rig.context, None)
    assert rig.context.landing.read(source.COSTS).num_rows > 0


@BOTH
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("expired", CredentialExpired),
        ("forbidden", PermissionDenied),
        ("wrong_schema", SchemaChanged),
    ],
)
def test_direct_a_refusal_says_what_to_do(rig: Rig, source: ModuleType, kind: str, error: type[Exception]) -> None:
    rig.faults.add("*", "*", kind, times=None)
    with pytest.raises(error) as caught:
        source.load(rig.context, None)
    assert caught.value.remedy  # type: ignore[attr-defined]
    assert "sk-" not in caught.value.message  # type: ignore[attr-defined]


@BOTH
def test_direct_a_provider_that_stays_away_is_unreachable(rig: Rig, source: ModuleType) -> None:
    rig.faults.add("*", "*", "server_error", times=None, retry_after=0.01)
    with pytest.raises(Unreachable, match="answered 503"):
        source.load(rig.context, None)
    nowhere = rig.context.settings.model_copy(
        update={
            "anthropic_endpoint": "http://127.0.0.1:9",
            "openai_endpoint": "http://127.0.0.1:9",
            "retry_budget_seconds": 0.1,
        }
    )
    with pytest.raises(Unreachable, match="does not answer"):
        source.load(replace(rig.context, settings=nowhere), None)


@BOTH
def test_direct_a_day_that_was_billed_and_now_is_empty_stops(rig: Rig, source: ModuleType) -> None:
    source.load(rig.context, None)
    rig.books.anthropic_usage.clear()
    rig.books.openai_costs.clear()
    later = replace(rig.context, run=Run("run-2", rig.context.run.as_of))
    with pytest.raises(Shrunk):
        source.load(later, None)


@BOTH
def test_direct_without_its_key_the_source_says_which_variable(
    rig: Rig, source: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = f"{source.SOURCE.upper()}_ADMIN_KEY"
    monkeypatch.delenv(variable)
    with pytest.raises(ConfigError, match=variable):
        source.load(rig.context, None)


@BOTH
def test_direct_the_doctor_tries_both_reports(rig: Rig, source: ModuleType) -> None:
    findings = list(source.check(rig.context))
    assert [finding.status for finding in findings] == ["ok", "ok", "ok"]
    rig.faults.add("*", "*", "forbidden", times=None)
    assert [finding.status for finding in source.check(rig.context)] == ["fail", "fail", "ok"]
