"""Vertex AI's meters into landing: hours by project and day, re-read while they settle, refusals in a sentence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ingest.errors import CredentialExpired, EmptyAnswer, PermissionDenied, Shrunk, TransientError, Unreachable
from ingest.run import Window
from ingest.sources import gcp_vertex
from ingest.sources.gcp_vertex import GSU, INVOCATIONS, LATENCIES, METRICS, TOKEN_COUNTS

WINDOW = Window(datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 11, tzinfo=UTC))
PREFIX = "aiplatform.googleapis.com/publisher/online_serving/"


def _metered(rig, metric: str) -> int:
    rows = pq.read_table(rig.world.folder("gcp") / "metrics.parquet")
    return pc.sum(rows.filter(pc.equal(rows["metric"], PREFIX + metric))["value"]).as_py()


def _landed(rig, stream) -> int:
    return pc.sum(rig.context.landing.read(stream)["value"]).as_py()


def test_gcp_3_every_metered_token_and_call_lands(rig):
    rig.load(gcp_vertex)
    assert _landed(rig, TOKEN_COUNTS) == _metered(rig, "token_count")
    assert _landed(rig, INVOCATIONS) == _metered(rig, "model_invocation_count")
    # the labels that newer series have come along, the others are NULL
    rows = rig.context.landing.read(TOKEN_COUNTS).to_pylist()
    tiers = {(row["request_type"], row["shared_request_type"], row["source"]) for row in rows}
    assert tiers == {("shared", "standard", "online"), ("dedicated", None, "online")}
    calls = rig.context.landing.read(INVOCATIONS).to_pylist()
    assert {(row["response_code"], row["error_category"]) for row in calls} == {
        ("200", None),
        ("429", "user_error"),
        ("503", "system_error"),
    }


def test_gcp_3_claudes_cached_tokens_are_types_of_their_own(rig):
    rig.load(gcp_vertex, WINDOW)
    rows = rig.context.landing.read(TOKEN_COUNTS).to_pylist()
    kinds = {(row["publisher"], row["type"]) for row in rows}
    assert {kind for publisher, kind in kinds if publisher == "google"} == {"input", "output"}
    assert {kind for publisher, kind in kinds if publisher == "anthropic"} >= {"cache_read_input", "cache_write_input"}


def test_gcp_3_latencies_land_as_histograms(rig):
    rig.load(gcp_vertex, WINDOW)
    rows = rig.context.landing.read(LATENCIES).to_pylist()
    assert {row["metric"] for row in rows} == {"model_invocation_latencies", "first_token_latencies"}
    for row in rows:
        assert sum(row["bucket_counts"]) == row["value"]
        assert row["bounds_ms"] == [100.0 * 2**number for number in range(9)]
    answered = sum(row["value"] for row in rows if row["metric"] == "first_token_latencies")
    calls = rig.context.landing.read(INVOCATIONS).to_pylist()
    assert answered == sum(row["value"] for row in calls if row["response_code"] == "200")


def test_gcp_3_labels_that_the_api_does_not_know_are_done_without(rig):
    rig.faults.add("gcp", "ListTimeSeries", "wrong_schema", times=None)
    rig.load(gcp_vertex, WINDOW)
    rows = rig.context.landing.read(TOKEN_COUNTS)
    assert rows["shared_request_type"].null_count == rows.num_rows > 0
    known = [row["request_type"] for row in rows.to_pylist()]
    assert {"shared", "dedicated"} == set(known)


def test_gcp_3_a_scoping_project_is_asked_for_its_own_series_alone(rig):
    rig.load(gcp_vertex, WINDOW)
    for asked in rig.asked("ListTimeSeries"):
        project = str(asked["name"]).removeprefix("projects/")
        assert str(asked["filter"]).endswith(f' AND project = "{project}"')


def test_gcp_3_nothing_is_asked_beyond_what_google_keeps(rig):
    rig.context = replace(rig.context, config=rig.context.config.model_copy(update={"backfill_days": 1100}))
    window = gcp_vertex._default_window(rig.context, "acme-docs-prod")
    assert window.start == datetime(2024, 11, 18, tzinfo=UTC)


def test_gcp_3_a_restated_day_is_replaced(rig):
    rig.load(gcp_vertex, WINDOW)
    before = _landed(rig, TOKEN_COUNTS)
    path = rig.world.folder("gcp") / "metrics.parquet"
    original = pq.read_table(path)
    try:
        # one more token in every hour of every series
        more = original.set_column(original.schema.get_field_index("value"), "value", pc.add(original["value"], 1))
        pq.write_table(more, path)
        again = rig.load(gcp_vertex, WINDOW)
    finally:
        pq.write_table(original, path)
    rows = rig.context.landing.read(TOKEN_COUNTS)
    assert _landed(rig, TOKEN_COUNTS) == before + rows.num_rows
    assert rows.num_rows == sum(item.rows for item in again if item.stream == "token_counts")


def test_hours_are_stamped_at_their_start_and_days_are_utc(rig):
    rig.load(gcp_vertex)
    rows = rig.context.landing.read(TOKEN_COUNTS, scope="acme-search-prod")
    hours = pc.unique(rows["hour_start"]).to_pylist()
    assert min(hours) == datetime(2026, 11, 4, tzinfo=UTC)
    assert max(hours) == datetime(2026, 11, 18, 5, tzinfo=UTC)
    assert all(start.date() == window.date() for start, window in _pairs(rows))


def _pairs(rows):
    return zip(rows["hour_start"].to_pylist(), rows["_window_start"].to_pylist(), strict=True)


def test_gcp_3_throughput_lands_with_its_limits_and_what_was_burned(rig):
    rig.load(gcp_vertex)
    rows = rig.context.landing.read(GSU).to_pylist()
    assert {row["project_id"] for row in rows} == {"acme-search-prod"}
    limits = {row["metric"]: row["value"] for row in rows if row["metric"] != "consumed_token_throughput"}
    assert limits == {
        "dedicated_gsu_limit": 3,
        "dedicated_token_limit": 3 * 2690,
        "dedicated_gsu_project_max_limit": 3,
        "dedicated_token_project_max_limit": 3 * 2690,
    }
    burned = [row["value"] for row in rows if row["metric"] == "consumed_token_throughput"]
    assert max(burned) <= 3 * 2690 * 3600
    assert sum(burned) == _metered(rig, "consumed_token_throughput")


def test_a_second_load_reads_the_days_that_can_settle_and_changes_nothing(rig):
    rig.load(gcp_vertex)
    again = rig.load(gcp_vertex)
    assert not any(result.changed for result in again)
    assert min(result.window_start for result in again) == datetime(2026, 11, 15, tzinfo=UTC)


def test_the_day_in_progress_is_completed_by_the_next_run(rig):
    rig.move_to(rig.world.as_of - timedelta(hours=20))
    rig.load(gcp_vertex)
    rig.move_to(rig.world.as_of)
    rig.load(gcp_vertex)
    assert _landed(rig, TOKEN_COUNTS) == _metered(rig, "token_count")


def test_a_window_is_loaded_alone(rig):
    window = Window(datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 12, tzinfo=UTC))
    rig.load(gcp_vertex, window)
    assert rig.context.landing.windows(TOKEN_COUNTS, "acme-docs-prod") == ["2026-11-10", "2026-11-11"]


@pytest.mark.parametrize("kind", ["throttle", "server_error", "cut"])
def test_a_passing_fault_is_waited_out(rig, kind):
    rig.faults.add("gcp", "ListTimeSeries", kind, times=2, after=1)
    rig.load(gcp_vertex)
    assert _landed(rig, TOKEN_COUNTS) == _metered(rig, "token_count")


def test_a_refused_project_does_not_keep_the_others_from_landing(rig):
    # the first project asks once a metric
    rig.faults.add("gcp", "ListTimeSeries", "forbidden", times=1, after=len(METRICS))
    with pytest.raises(PermissionDenied) as refused:
        rig.load(gcp_vertex)
    assert refused.value.remedy == "Grant roles/monitoring.viewer on project acme-docs-prod."
    assert rig.context.landing.windows(TOKEN_COUNTS, "acme-docs-prod") == []
    assert rig.context.landing.windows(TOKEN_COUNTS, "acme-risk-prod") != []


def test_an_expired_credential_is_named(rig):
    rig.faults.add("gcp", "ListTimeSeries", "expired", times=None)
    with pytest.raises(CredentialExpired, match="does not accept the credential"):
        rig.load(gcp_vertex)


def test_no_point_at_all_is_an_error(rig):
    rig.faults.add("gcp", "ListTimeSeries", "empty", times=None)
    with pytest.raises(EmptyAnswer, match="none of 6 projects"):
        rig.load(gcp_vertex)


def test_an_empty_answer_does_not_take_landed_days_away(rig):
    rig.load(gcp_vertex)
    before = _landed(rig, TOKEN_COUNTS)
    rig.faults.add("gcp", "ListTimeSeries", "empty", times=None)
    with pytest.raises(Shrunk):
        rig.load(gcp_vertex)
    assert _landed(rig, TOKEN_COUNTS) == before


def test_a_lasting_outage_ends_within_the_budget(rig):
    rig.set_settings(retry_budget_seconds=0.5)
    rig.faults.add("gcp", "ListTimeSeries", "server_error", times=None)
    with pytest.raises(TransientError, match="unavailable"):
        rig.load(gcp_vertex)


def test_nobody_at_the_endpoint_is_said_so(rig):
    rig.set_settings(gcp_monitoring_endpoint="127.0.0.1:9", retry_budget_seconds=0.5)
    with pytest.raises(Unreachable, match="nobody answers"):
        rig.load(gcp_vertex)


def test_the_doctor_tells_resting_projects_from_refused_ones_and_what_a_run_costs(rig):
    found = {(item.account, item.aspect): item for item in gcp_vertex.check(rig.context)}
    assert found["acme-docs-prod", "permitted"].status == "ok"
    assert "asks 54 times" in found["", "cost"].message
    assert "one million series a month" in found["", "cost"].message
    rig.faults.add("gcp", "ListTimeSeries", "empty", times=1)
    rig.faults.add("gcp", "ListTimeSeries", "forbidden", times=1, after=1)
    found = {(item.account, item.aspect): item for item in gcp_vertex.check(rig.context)}
    assert found["acme-search-prod", "configured"].status == "warn"
    assert found["acme-docs-prod", "permitted"].status == "fail"
    assert found["acme-docs-prod", "permitted"].remedy == "Grant roles/monitoring.viewer on project acme-docs-prod."
