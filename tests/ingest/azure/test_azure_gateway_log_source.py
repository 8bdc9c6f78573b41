"""Gateway logs as landed: through the real logs client, in both shapes."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest

from emulator.azure import bill, workspace
from ingest.config_azure import GatewayDimensions, GatewayLog
from ingest.errors import ConfigError, PermissionDenied, SchemaChanged, TerminalError, TransientError
from ingest.run import Window
from ingest.sources import azure_gateway_log
from ingest.sources.azure_gateway_log_queries import query

PLACE = "10900000-0000-4000-8000-0000000000a1"
DAY = Window(datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 17, tzinfo=UTC))
METRIC = GatewayLog(
    name="ai-gateway",
    shape="metric",
    workspace_id=PLACE,
    dimensions=GatewayDimensions(subscription="Subscription ID", team="Team", deployment="Deployment", model="Model"),
)


@pytest.fixture
def metric_config(config):
    azure = config.azure.model_copy(update={"gateway_logs": (METRIC,)})
    return config.model_copy(update={"azure_section": azure})


def served(local):
    """What the gateway's callers used on the day, by deployment: prompt, completion and answered requests."""
    rows = [row for row in bill.usage_truth(local.world).to_pylist() if row["workload_id"].startswith("oai-shared/")]
    sums: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row["usage_date"] == DAY.start.date():
            name = row["workload_id"].partition("/")[2]
            sums[name, "prompt"] += row["input_tokens"] + row["cache_read_tokens"]
            sums[name, "cached"] += row["cache_read_tokens"]
            sums[name, "completion"] += row["output_tokens"]
            sums[name, "requests"] += row["request_count"]
    return sums


def landed(made, contract):
    return made.landing.read(contract, scope=PLACE).to_pylist()


def test_the_exact_log_holds_what_was_served_by_deployment(context, local):
    made = context()
    azure_gateway_log.load(made, DAY)
    sums: Counter[tuple[str, str]] = Counter()
    for row in landed(made, azure_gateway_log.REQUESTS):
        sums[row["DeploymentName"], "prompt"] += row["PromptTokens"]
        sums[row["DeploymentName"], "completion"] += row["CompletionTokens"]
        sums[row["DeploymentName"], "requests"] += row["Requests"]
    true = served(local)
    assert sums == Counter({key: value for key, value in true.items() if key[1] != "cached"})
    assert min(sums.values()) > 0


def test_keys_hosts_and_owners_land(context):
    made = context()
    azure_gateway_log.load(made, DAY)
    rows = landed(made, azure_gateway_log.REQUESTS)
    assert {row["ApimSubscriptionId"] for row in rows} == {"apim-mobile", "apim-growth", "apim-docs", "apim-payments"}
    assert {row["BackendHost"] for row in rows} == {"oai-shared.openai.azure.com"}
    owners = made.landing.read(azure_gateway_log.SUBSCRIPTIONS).to_pylist()
    assert {(row["id"], row["team"]) for row in owners} >= {("apim-docs", "docs")}


def test_azure_7_the_metric_shape_holds_the_same_tokens_and_the_cached_ones(context, local, metric_config):
    made = context(changed_config=metric_config)
    azure_gateway_log.load(made, DAY)
    names = {"Prompt Tokens": "prompt", "Completion Tokens": "completion", "Cached Tokens": "cached"}
    sums: Counter[tuple[str, str]] = Counter()
    for row in landed(made, azure_gateway_log.TOKENS):
        if row["Name"] in names:
            sums[row["deployment"], names[row["Name"]]] += int(row["Tokens"])
        else:
            sums[row["deployment"], "requests"] += row["Measurements"]
    assert sums == served(local)


def test_a_metric_of_a_classic_component_is_asked_at_the_resource(context, local, config):
    group = f"/subscriptions/{config.azure.subscriptions[2].id}/resourceGroups/rg-gateway"
    component = f"{group}/providers/Microsoft.Insights/components/ai"
    log = GatewayLog(shape="metric", application_id=component, dimensions=METRIC.dimensions)
    azure = config.azure.model_copy(update={"gateway_logs": (log,)})
    made = context(changed_config=config.model_copy(update={"azure_section": azure}))
    results = azure_gateway_log.load(made, DAY)
    assert "customMetrics" in query(log, DAY)
    assert sum(result.rows for result in results if result.stream == "token_metrics_hourly") > 0


def test_azure_7_rows_of_one_request_are_one_before_they_are_summed(config):
    text = query(config.azure.gateway_logs[0], DAY)
    assert text.index("by CorrelationId") < text.index("sum(PromptTokens)")
    # a request's rows may lie on both sides of midnight, and the gateway's own log a little off
    assert "first - 1h" in text and "after + 1h" in text


def test_azure_3_a_result_that_is_too_large_is_asked_in_halves(context, local, monkeypatch):
    whole = context()
    azure_gateway_log.load(whole, DAY)
    rows = landed(whole, azure_gateway_log.REQUESTS)
    local.faults.forget_requests()
    monkeypatch.setattr(workspace, "MOST_ROWS", 30)
    halved = context(home=whole.settings.home / "halved")
    azure_gateway_log.load(halved, DAY)
    assert [{**row, "_run_id": ""} for row in landed(halved, azure_gateway_log.REQUESTS)] == [
        {**row, "_run_id": ""} for row in rows
    ]
    assert len(rows) > 60
    assert local.asked("logs_query") >= 7


def test_azure_3_one_hour_with_more_rows_than_a_query_gives_stops(context, monkeypatch):
    monkeypatch.setattr(workspace, "MOST_ROWS", 1)
    with pytest.raises(TerminalError, match=r"one hour has more rows than a query.*--path"):
        azure_gateway_log.load(context(), DAY)


def test_azure_7_a_partial_answer_for_another_reason_never_lands(context, monkeypatch):
    monkeypatch.setattr(workspace, "MOST_ROWS", 30)
    monkeypatch.setattr(workspace, "PARTIAL", "A shard did not answer.")
    made = context(retry_budget_seconds=0.2)
    with pytest.raises(TransientError, match=r"gave a part of the answer.*A shard did not answer"):
        azure_gateway_log.load(made, DAY)
    assert landed(made, azure_gateway_log.REQUESTS) == []


def test_a_first_run_lands_every_day_and_a_second_rereads_three(context, local):
    made = context()
    azure_gateway_log.load(made, None)
    assert len(made.landing.windows(azure_gateway_log.REQUESTS, PLACE)) == 15
    again = azure_gateway_log.load(made, None)
    days = {result.window_start for result in again if result.stream == "llm_requests_hourly"}
    assert days == {datetime(2026, 11, day, tzinfo=UTC) for day in (15, 16, 17, 18)}
    assert not any(result.changed for result in again)
    (status,) = [row for row in read_status(made) if row["account_id"] == PLACE]
    # five minutes of delay: the hour that just ended is not there yet
    assert status["watermark"] == datetime(2026, 11, 18, 5, tzinfo=UTC)


def read_status(made):
    root = made.settings.home / "landing" / "azure_gateway_log" / "_status"
    return [row for path in root.rglob("part.parquet") for row in pq.read_table(path).to_pylist()]


def test_without_a_gateway_nothing_is_asked(context, local, config):
    azure = config.azure.model_copy(update={"gateway_logs": ()})
    made = context(changed_config=config.model_copy(update={"azure_section": azure}))
    assert azure_gateway_log.load(made, None) == []
    assert local.faults.requests == []


@pytest.mark.parametrize("kind", ["throttle", "server_error", "cut"])
def test_it_recovers_from_a_passing_fault(context, local, kind):
    local.faults.add("azure", "logs_query", kind, times=2, retry_after=0.05)
    results = azure_gateway_log.load(context(), DAY)
    assert sum(result.rows for result in results) > 0


def test_a_missing_permission_names_workspace_and_line(context, local):
    local.faults.add("azure", "logs_query", "forbidden")
    with pytest.raises(PermissionDenied, match=rf"'Log Analytics Reader' at workspace {PLACE}.*workspaces/query/read"):
        azure_gateway_log.load(context(), DAY)


def test_a_workspace_that_is_not_there_is_named(context, config):
    log = config.azure.gateway_logs[0].model_copy(update={"workspace_id": "00000000-0000-4000-8000-000000000000"})
    azure = config.azure.model_copy(update={"gateway_logs": (log,)})
    with pytest.raises((ConfigError, TerminalError), match="00000000-0000-4000-8000-000000000000"):
        azure_gateway_log.load(context(changed_config=config.model_copy(update={"azure_section": azure})), DAY)


def test_an_answer_without_its_columns_is_named(context, local, monkeypatch):
    monkeypatch.setattr(workspace, "_logs", lambda text, rows: workspace._answer(["Rows"], ["long"], [[1]]))
    with pytest.raises(SchemaChanged, match="no column TimeGenerated"):
        azure_gateway_log.load(context(), DAY)


def test_the_day_of_a_late_row_is_read_again(context, local):
    early = DAY.end - timedelta(hours=2)
    local.clock.set(early)
    made = context(as_of=early)
    azure_gateway_log.load(made, None)
    before = made.landing.read(azure_gateway_log.REQUESTS, scope=PLACE).num_rows
    local.clock.set(DAY.end + timedelta(hours=6))
    later = context(as_of=DAY.end + timedelta(hours=6))
    azure_gateway_log.load(later, None)
    assert later.landing.read(azure_gateway_log.REQUESTS, scope=PLACE).num_rows > before
