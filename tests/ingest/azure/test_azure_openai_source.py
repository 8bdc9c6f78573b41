"""Deployments and metrics as landed."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from emulator.azure import bill
from ingest.errors import EmptyAnswer, PermissionDenied, SchemaChanged, TerminalError
from ingest.run import Window
from ingest.sources import azure_openai, azure_openai_answers, azure_openai_metrics

APPS = "5b000000-0000-4000-8000-00000000000a"
SHARED = "5b000000-0000-4000-8000-00000000000c"
DAY = Window(datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 17, tzinfo=UTC))


def test_every_deployment_lands_with_its_tags_type_and_spillover(context, local):
    made = context()
    azure_openai.load(made, None)
    rows = made.landing.read(azure_openai.DEPLOYMENTS).to_pylist()
    wanted = local.world.organisation.azure["deployments"]
    assert {(row["account_name"], row["name"]) for row in rows} == {(item["account"], item["name"]) for item in wanted}
    (spilling,) = [row for row in rows if row["spillover_deployment_name"]]
    assert (spilling["name"], spilling["sku_name"], spilling["sku_capacity"]) == (
        "gpt-4o-ptu",
        "GlobalProvisionedManaged",
        30,
    )
    assert dict(spilling["account_tags"]) == {"Team": "support", "app": "agent-assist", "env": "prod"}


def test_the_inventory_is_a_snapshot_of_its_day(context):
    made = context()
    azure_openai.load(made, None)
    assert made.landing.windows(azure_openai.DEPLOYMENTS, APPS) == ["2026-11-18"]
    assert not any(result.changed for result in azure_openai.load(made, None))


def test_tokens_of_a_day_are_what_was_served(context, local):
    made = context()
    azure_openai_metrics.load(made, DAY)
    usage = bill.usage_truth(local.world).to_pandas()
    usage = usage[usage.usage_date == DAY.start.date()].groupby("workload_id")[
        ["input_tokens", "cache_read_tokens", "output_tokens", "request_count"]
    ]
    served = {
        workload: (sums.input_tokens + sums.cache_read_tokens, sums.output_tokens, sums.request_count)
        for workload, sums in usage.sum().iterrows()
    }
    seen: Counter[tuple[str, str]] = Counter()
    for row in made.landing.read(azure_openai_metrics.METRICS_HOURLY).to_pylist():
        if row["status_code"] in (None, "200"):
            account = row["resource_id"].rpartition("/")[2]
            seen[f"{account}/{row['model_deployment_name']}", row["metric"]] += row["total"] or 0
    names = ("ProcessedPromptTokens", "GeneratedTokens", "AzureOpenAIRequests")
    assert {workload: tuple(seen[workload, name] for name in names) for workload in served} == served


def test_azure_3_series_are_never_cut_off_in_silence(context, local, monkeypatch):
    made = context()
    azure_openai_metrics.load(made, DAY)
    requests = [r for r in local.faults.requests if r.operation == "metrics_batch"]
    assert {request.params["top"] for request in requests} == {str(azure_openai_answers.MOST_SERIES)}
    monkeypatch.setattr(azure_openai_answers, "MOST_SERIES", 3)
    with pytest.raises(TerminalError, match="3 series or more, so some may be cut off"):
        azure_openai_metrics.load(made, DAY)


def test_a_first_run_lands_every_day_and_a_second_rereads_three(context, local):
    made = context()
    first = azure_openai_metrics.load(made, None)
    assert len(made.landing.windows(azure_openai_metrics.METRICS_HOURLY, SHARED)) == 15
    assert len(first) == 3 * 15
    again = azure_openai_metrics.load(made, None)
    assert {result.window_start.date().isoformat() for result in again} == {
        "2026-11-15",
        "2026-11-16",
        "2026-11-17",
        "2026-11-18",
    }
    assert not any(result.changed for result in again)


def test_a_day_that_was_missed_is_read_the_next_time(context):
    made = context()
    azure_openai_metrics.load(made, DAY)
    wanted = azure_openai_metrics._wanted(made, None, APPS)
    assert DAY in wanted
    assert len(wanted) == 15
    older = Window(DAY.start - timedelta(days=6), DAY.start - timedelta(days=5))
    azure_openai_metrics.load(made, older)
    assert older not in azure_openai_metrics._wanted(made, None, APPS)


def test_spans_follow_gaps_the_limit_of_a_call_and_the_last_full_hour():
    start = datetime(2026, 1, 1, tzinfo=UTC)
    one = timedelta(days=1)
    wanted = [Window(start + n * one, start + (n + 1) * one) for n in (*range(35), 40)]
    end = start + 40 * one + timedelta(hours=5)
    spans = list(azure_openai_metrics._spans(wanted, end))
    assert spans == [
        Window(start, start + 30 * one),
        Window(start + 30 * one, start + 35 * one),
        Window(start + 40 * one, end),
    ]


def test_one_empty_answer_is_asked_again(context, local):
    made = context()
    local.faults.add("azure", "metrics_batch", "empty", times=1)
    azure_openai_metrics.load(made, DAY)
    metrics = set(made.landing.read(azure_openai_metrics.METRICS_HOURLY, scope=APPS).column("metric").to_pylist())
    assert "ProcessedPromptTokens" in metrics


def test_accounts_without_any_metric_stop_the_first_load(context, local, monkeypatch):
    monkeypatch.setattr(azure_openai_metrics, "DAYS_PER_CALL", 10)
    local.faults.add("azure", "metrics_batch", "empty", times=None)
    with pytest.raises(EmptyAnswer, match=r"has accounts but no metric.*Monitoring Reader"):
        azure_openai_metrics.load(context(), None)


def test_accounts_younger_than_the_backfill_have_empty_days_before(context, config):
    made = context(changed_config=config.model_copy(update={"backfill_days": 60}))
    azure_openai_metrics.load(made, None)
    landed = made.landing.windows(azure_openai_metrics.METRICS_HOURLY, APPS)
    assert (landed[0], landed[-1], len(landed)) == ("2026-09-19", "2026-11-18", 61)
    hours = made.landing.read(azure_openai_metrics.METRICS_HOURLY, scope=APPS).column("timestamp").to_pylist()
    assert min(hours) == datetime(2026, 11, 4, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["throttle", "server_error", "cut"])
def test_it_recovers_from_a_passing_fault(context, local, kind):
    local.faults.add("azure", "metrics_batch", kind, times=2, retry_after=0.05)
    made = context()
    results = azure_openai_metrics.load(made, DAY)
    assert all(result.rows for result in results)


def test_a_missing_permission_names_the_role(context, local):
    for operation in ("metrics_batch", "metrics"):
        local.faults.add("azure", operation, "forbidden")
    with pytest.raises(PermissionDenied, match=f"'Monitoring Reader' at subscription {APPS}"):
        azure_openai_metrics.load(context(), DAY)


def test_an_answer_of_another_shape_is_named(context, local):
    local.faults.add("azure", "metrics_batch", "wrong_schema")
    with pytest.raises(SchemaChanged, match="azure_openai metrics"):
        azure_openai_metrics.load(context(), DAY)


def test_azure_3_a_refused_batch_is_read_account_by_account(context, local):
    made = context()
    azure_openai_metrics.load(made, DAY)
    by_batch = [r | {"_run_id": ""} for r in made.landing.read(azure_openai_metrics.METRICS_HOURLY).to_pylist()]
    local.faults.add("azure", "metrics_batch", "forbidden", times=None)
    alone = context(home=made.settings.home / "alone")
    azure_openai_metrics.load(alone, DAY)
    one_by_one = [r | {"_run_id": ""} for r in alone.landing.read(azure_openai_metrics.METRICS_HOURLY).to_pylist()]
    order = ("resource_id", "metric", "model_deployment_name", "timestamp", "status_code", "is_spillover")
    assert sorted(one_by_one, key=lambda r: [str(r[name]) for name in order]) == sorted(
        by_batch, key=lambda r: [str(r[name]) for name in order]
    )


def minutes(made):
    rows = made.landing.read(azure_openai_metrics.METRICS_MINUTELY).to_pylist()
    return [row for row in rows if row["_window_start"] == DAY.start]


def test_azure_3_minutes_of_a_provisioned_deployment_sum_to_its_hours(context):
    made = context()
    azure_openai.load(made, None)
    azure_openai_metrics.load(made, DAY)
    fine = minutes(made)
    names = {row["model_deployment_name"] for row in fine}
    assert names == {"gpt-4.1-ptu", "gpt-4.1-mini-ptu", "gpt-4o-ptu", "gpt-5-ptu", "gpt-4o"}
    # of the two deployments called gpt-4o one takes what spills, and the other one is not read
    assert {row["resource_id"].rpartition("/")[2] for row in fine if row["model_deployment_name"] == "gpt-4o"} == {
        "oai-support"
    }
    kept = {(row["resource_id"], row["model_deployment_name"]) for row in fine}
    by_minute, by_hour = Counter(), Counter()
    for sums, rows in (
        (by_minute, fine),
        (by_hour, made.landing.read(azure_openai_metrics.METRICS_HOURLY).to_pylist()),
    ):
        for row in rows:
            if row["total"] is not None and row["metric"] in {r["metric"] for r in fine}:
                key = row["resource_id"], row["model_deployment_name"], row["metric"], row["status_code"]
                sums[*key, row["is_spillover"], row["timestamp"].hour] += int(row["total"])
    assert by_minute == Counter({key: value for key, value in by_hour.items() if key[:2] in kept})
    assert any(key[4] == "True" for key in by_minute)


def test_azure_3_an_idle_minute_has_utilisation_and_no_tokens(context):
    made = context()
    azure_openai.load(made, None)
    azure_openai_metrics.load(made, DAY)
    idle = [row for row in minutes(made) if row["model_deployment_name"] == "gpt-4.1-mini-ptu"]
    assert {row["metric"] for row in idle} == {"AzureOpenAIProvisionedManagedUtilizationV2"}
    assert (len(idle), {row["average"] for row in idle}) == (1440, {0.0})


def test_minutes_reach_as_far_back_as_is_configured(context, config):
    azure = config.azure.model_copy(update={"minute_days": 2})
    made = context(changed_config=config.model_copy(update={"azure_section": azure}))
    azure_openai.load(made, None)
    azure_openai_metrics.load(made, None)
    assert made.landing.windows(azure_openai_metrics.METRICS_MINUTELY, APPS) == [
        "2026-11-16",
        "2026-11-17",
        "2026-11-18",
    ]
    again = [result for result in azure_openai_metrics.load(made, None) if result.stream == "metrics_minutely"]
    assert {result.window_start.day for result in again} == {17, 18}
    assert not any(result.changed for result in again)


def test_without_the_inventory_no_minute_is_asked(context, local):
    azure_openai_metrics.load(context(), DAY)
    assert {r.params["interval"] for r in local.faults.requests if r.operation == "metrics_batch"} == {"PT1H"}


def test_azure_3_the_newer_set_lands_beside_the_older(context):
    made = context()
    azure_openai_metrics.load(made, DAY)
    rows = made.landing.read(azure_openai_metrics.METRICS_HOURLY, scope=SHARED).to_pylist()
    sums = Counter()
    for row in rows:
        sums[row["metric"]] += row["total"] or 0
    assert sums["InputTokens"] == sums["ProcessedPromptTokens"] > 0
    assert sums["OutputTokens"] == sums["GeneratedTokens"] > 0
    apps = made.landing.read(azure_openai_metrics.METRICS_HOURLY, scope=APPS)
    # only accounts of Foundry show it
    assert "InputTokens" not in set(apps.column("metric").to_pylist())


def test_azure_3_metrics_that_an_account_does_not_know_are_none(context, local, monkeypatch):
    strange = azure_openai_answers.Question(("FutureTokens",), ("Total",), is_optional=True)
    monkeypatch.setattr(azure_openai_metrics, "QUESTIONS", (*azure_openai_metrics.QUESTIONS, strange))
    results = azure_openai_metrics.load(context(), DAY)
    assert all(result.rows for result in results)


def test_latency_and_cache_match_land_for_those_that_have_them(context):
    made = context()
    azure_openai_metrics.load(made, DAY)
    rows = made.landing.read(azure_openai_metrics.METRICS_HOURLY).to_pylist()
    slow = [row for row in rows if row["metric"] == "AzureOpenAITimeToResponse"]
    assert slow and all(row["average"] > 0 and row["total"] is None for row in slow)
    matched = {
        row["model_deployment_name"] for row in rows if row["metric"] == "AzureOpenAIContextTokensCacheMatchRate"
    }
    assert matched == {"gpt-4.1-ptu", "gpt-4o-ptu", "gpt-5-ptu"}
