"""Cloud Monitoring as the unmodified client sees it: filter, alignment, grouping, pages, errors."""

from datetime import UTC, datetime, timedelta

import pytest
from google.api.metric_pb2 import MetricDescriptor
from google.api_core import exceptions
from google.cloud.monitoring_v3 import types

PREFIX = "aiplatform.googleapis.com/publisher/online_serving/"
SUM, MAX = types.Aggregation.Aligner.ALIGN_SUM, types.Aggregation.Aligner.ALIGN_MAX
START, END = datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 12, tzinfo=UTC)


def _ask(google, metric="token_count", project="acme-search-prod", *, extra="", end=END, page_size=0, **aggregation):
    request = types.ListTimeSeriesRequest(
        name=f"projects/{project}",
        filter=f'metric.type = "{PREFIX}{metric}"{extra}',
        interval=types.TimeInterval(start_time=START, end_time=end),
        aggregation=types.Aggregation(**aggregation),
        page_size=page_size,
    )
    return list(google.monitoring.list_time_series(request=request))


def _total(series):
    return sum(point.value.int64_value for item in series for point in item.points)


def test_daily_sums_equal_the_hours_they_align(google):
    hours = _ask(google)
    days = _ask(google, alignment_period=timedelta(days=1), per_series_aligner=SUM)
    assert _total(days) == _total(hours) > 0
    assert {point.interval.end_time for item in days for point in item.points} == {START + timedelta(days=1), END}
    assert all(point.interval.end_time - point.interval.start_time == timedelta(hours=1) for point in hours[0].points)


def test_points_come_newest_first(google):
    ends = [point.interval.end_time for point in _ask(google)[0].points]
    assert ends == sorted(ends, reverse=True)


def test_labels_are_vertex_ais_own_and_name_no_team(google):
    for series in _ask(google):
        assert series.resource.type == "aiplatform.googleapis.com/PublisherModel"
        assert {"resource_container", "location", "publisher", "model_user_id"} <= set(series.resource.labels)
        assert set(series.metric.labels) <= {"type", "request_type", "shared_request_type", "modality", "source"}


def test_grouping_sums_over_the_other_labels(google):
    grouped = _ask(
        google,
        alignment_period=timedelta(hours=1),
        per_series_aligner=SUM,
        cross_series_reducer=types.Aggregation.Reducer.REDUCE_SUM,
        group_by_fields=["metric.label.type"],
    )
    assert [dict(series.metric.labels) for series in grouped] == [{"type": "input"}, {"type": "output"}]
    assert _total(grouped) == _total(_ask(google))


def test_a_label_in_the_filter_selects_series(google):
    found = _ask(google, extra=' AND metric.labels.request_type = "dedicated"')
    assert {series.metric.labels["request_type"] for series in found} == {"dedicated"}


def test_gsu_limits_are_gauges(google):
    found = _ask(google, "dedicated_gsu_limit", alignment_period=timedelta(hours=1), per_series_aligner=MAX)
    assert {point.value.int64_value for series in found for point in series.points} == {3}
    assert len(found[0].points) == 48
    with pytest.raises(exceptions.InvalidArgument, match="ALIGN_SUM"):
        _ask(google, "dedicated_gsu_limit", alignment_period=timedelta(hours=1), per_series_aligner=SUM)


def test_pages_join_to_the_whole(google):
    whole = _ask(google, "model_invocation_count")
    paged = _ask(google, "model_invocation_count", page_size=1)
    assert [series.metric for series in paged] == [series.metric for series in whole]
    assert len(whole) > 2


def test_nothing_is_seen_beyond_the_clock(google):
    found = _ask(google, end=datetime(2026, 12, 1, tzinfo=UTC))
    assert max(point.interval.end_time for series in found for point in series.points) == google.clock.now()


def test_gcp_3_a_metric_that_does_not_exist_has_no_series(google):
    assert _ask(google, "consumed_token_count") == []


@pytest.mark.parametrize("extra", [" AND nonsense", ' AND metric.labels.colour = "red"'], ids=["syntax", "label"])
def test_a_filter_that_cannot_be_read_is_refused(google, extra):
    with pytest.raises(exceptions.InvalidArgument, match="filter"):
        _ask(google, extra=extra)


def test_metric_descriptors_name_the_kinds(google):
    found = {item.type: item for item in google.monitoring.list_metric_descriptors(name="projects/acme-search-prod")}
    kinds = MetricDescriptor.MetricKind
    assert found[PREFIX + "token_count"].metric_kind == kinds.DELTA
    assert found[PREFIX + "dedicated_gsu_limit"].metric_kind == kinds.GAUGE


def test_an_unknown_call_is_unimplemented(google):
    with pytest.raises(exceptions.MethodNotImplemented):
        list(google.monitoring.list_monitored_resource_descriptors(name="projects/p", retry=None))


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("throttle", exceptions.ResourceExhausted),
        ("server_error", exceptions.ServiceUnavailable),
        ("forbidden", exceptions.PermissionDenied),
        ("expired", exceptions.Unauthenticated),
    ],
)
def test_faults_reach_the_client_as_googles_errors(google, kind, error):
    google.faults.add("gcp", "ListTimeSeries", kind)
    with pytest.raises(error):
        google.monitoring.list_time_series(
            request={
                "name": "projects/acme-search-prod",
                "filter": f'metric.type = "{PREFIX}token_count"',
                "interval": {"start_time": START, "end_time": END},
            },
            retry=None,
        )
    assert _ask(google)
