"""Vertex AI's meters into landing: hours by project and day, re-read while they settle, refusals in a sentence."""

from datetime import UTC, datetime, timedelta

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ingest.errors import CredentialExpired, EmptyAnswer, PermissionDenied, Shrunk, TransientError, Unreachable
from ingest.run import Window
from ingest.sources import gcp_vertex
from ingest.sources.gcp_vertex import GSU, INVOCATIONS, TOKEN_COUNTS

PREFIX = "aiplatform.googleapis.com/publisher/online_serving/"


def _metered(rig, metric: str) -> int:
    rows = pq.read_table(rig.world.folder("gcp") / "metrics.parquet")
    return pc.sum(rows.filter(pc.equal(rows["metric"], PREFIX + metric))["value"]).as_py()


def _landed(rig, stream) -> int:
    return pc.sum(rig.context.landing.read(stream)["value"]).as_py()


def test_every_metered_token_and_call_lands(rig):
    rig.load(gcp_vertex)
    assert _landed(rig, TOKEN_COUNTS) == _metered(rig, "token_count")
    assert _landed(rig, INVOCATIONS) == _metered(rig, "model_invocation_count")


def test_hours_are_stamped_at_their_start_and_days_are_utc(rig):
    rig.load(gcp_vertex)
    rows = rig.context.landing.read(TOKEN_COUNTS, scope="acme-search-prod")
    hours = pc.unique(rows["hour_start"]).to_pylist()
    assert min(hours) == datetime(2026, 11, 4, tzinfo=UTC)
    assert max(hours) == datetime(2026, 11, 18, 5, tzinfo=UTC)
    assert all(start.date() == window.date() for start, window in _pairs(rows))


def _pairs(rows):
    return zip(rows["hour_start"].to_pylist(), rows["_window_start"].to_pylist(), strict=True)


def test_throughput_lands_with_its_limits_and_what_was_burned(rig):
    rig.load(gcp_vertex)
    rows = rig.context.landing.read(GSU).to_pylist()
    assert {row["project_id"] for row in rows} == {"acme-search-prod"}
    limits = {row["metric"]: row["value"] for row in rows if row["metric"] != "consumed_token_throughput"}
    assert limits == {"dedicated_gsu_limit": 3, "dedicated_token_limit": 3 * 2690}
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
    # the first project asks five times
    rig.faults.add("gcp", "ListTimeSeries", "forbidden", times=1, after=5)
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
