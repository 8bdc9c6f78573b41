"""Exported time series into landing: the rows of the API, finer points summed into hours, oddities set apart."""

import gzip
import json
from datetime import UTC, datetime

import pytest
from google.cloud.monitoring_v3 import types
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import CorruptFile, EmptyAnswer, InferledgerError
from ingest.files import LocalFolder
from ingest.gcp_connection import monitoring_client
from ingest.landing import Landing
from ingest.quarantine import quarantine_contract
from ingest.run import Run, Window
from ingest.settings import Settings
from ingest.sources import gcp_vertex
from ingest.sources.gcp_vertex import GSU, LATENCIES, METRICS, TOKEN_COUNTS
from ingest.sources.gcp_vertex_series import PREFIX, STREAMS

PROJECT = "acme-search-prod"
WINDOW = Window(datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 11, tzinfo=UTC))


def _context(folder):
    run = Run("files", datetime(2026, 11, 18, 6, tzinfo=UTC))
    return gcp_vertex.Context(Settings(home=folder), None, Landing(str(folder / "landing"), run), run)


def _export(rig):
    """Every metric of a project's day as the API writes it in JSON, series as they are, not aligned."""
    client, found = monitoring_client(rig.context.settings), []
    for metric in METRICS:
        request = types.ListTimeSeriesRequest(
            name=f"projects/{PROJECT}",
            filter=f'metric.type = "{PREFIX}{metric.name}"',
            interval=types.TimeInterval(start_time=WINDOW.start, end_time=WINDOW.end),
        )
        found += [json_format.MessageToDict(types.TimeSeries.pb(item)) for item in client.list_time_series(request)]
    return found


def _series(points, metric="token_count", **labels):
    return {
        "metric": {"type": PREFIX + metric, "labels": {"type": "input", "request_type": "shared"}},
        "resource": {"labels": {"project_id": "p-one", "model_user_id": "gemini-2.5-pro", "location": "us"} | labels},
        "points": [{"interval": {"startTime": start, "endTime": end}, "value": value} for start, end, value in points],
    }


def test_files_land_the_same_rows_as_the_api(rig, tmp_path):
    rig.load(gcp_vertex, WINDOW)
    series = _export(rig)
    (tmp_path / "in").mkdir()
    # what gcloud prints, and pages of the REST API, one gzipped
    (tmp_path / "in" / "tokens.json").write_text(json.dumps(series[:5]))
    (tmp_path / "in" / "page.json").write_text(json.dumps({"timeSeries": series[5:9], "nextPageToken": "9"}))
    rest = json.dumps({"timeSeries": series[9:]})
    (tmp_path / "in" / "page2.json.gz").write_bytes(gzip.compress(rest.encode()))
    context = _context(tmp_path)
    gcp_vertex.load_files(context, LocalFolder(str(tmp_path / "in")), None)
    for stream in STREAMS:
        ours = context.landing.read(stream, scope=PROJECT).drop_columns(["_loaded_at", "_run_id"])
        assert ours.num_rows
        assert ours.equals(rig.context.landing.read(stream, scope=PROJECT).drop_columns(["_loaded_at", "_run_id"]))


def test_gcp_3_minutes_are_summed_into_their_hour_and_limits_take_the_highest(tmp_path):
    minutes = [
        ("2026-11-10T04:58:00Z", "2026-11-10T04:59:00Z", {"int64Value": "5"}),
        ("2026-11-10T04:59:00Z", "2026-11-10T05:00:00Z", {"int64Value": "7"}),
        ("2026-11-10T05:00:00Z", "2026-11-10T05:01:00Z", {"int64Value": "11"}),
    ]
    gauge = [
        ("2026-11-10T05:10:00Z", "2026-11-10T05:10:00Z", {"int64Value": "3"}),
        ("2026-11-10T05:20:00Z", "2026-11-10T05:20:00Z", {"int64Value": "4"}),
    ]
    bins = {"count": "3", "mean": 100.0, "bucketOptions": {"linearBuckets": {"numFiniteBuckets": 2, "width": 50}}}
    half = [("2026-11-10T05:00:00Z", "2026-11-10T05:30:00Z", {"distributionValue": bins | {"bucketCounts": [1, 2]}}),
            ("2026-11-10T05:30:00Z", "2026-11-10T06:00:00Z",
             {"distributionValue": bins | {"mean": 300, "bucketCounts": ["0", "0", "3"]}})]  # fmt: skip
    series = [_series(minutes), _series(gauge, "dedicated_gsu_limit"), _series(half, "first_token_latencies")]
    (tmp_path / "series.json").write_text(json.dumps(series))
    context = _context(tmp_path)
    gcp_vertex.load_files(context, LocalFolder(str(tmp_path / "series.json")), None)
    tokens = [(row["hour_start"].hour, row["value"]) for row in context.landing.read(TOKEN_COUNTS).to_pylist()]
    assert tokens == [(4, 12), (5, 11)]
    assert [row["value"] for row in context.landing.read(GSU).to_pylist()] == [4]
    found = context.landing.read(LATENCIES).to_pylist()[0]
    assert (found["value"], found["mean_ms"], found["bounds_ms"]) == (6, 200.0, [0.0, 50.0, 100.0])
    assert found["bucket_counts"] == [1, 2, 3]


def test_what_cannot_be_an_hour_is_set_apart_with_its_reason(tmp_path):
    good = [_series([("2026-11-10T04:00:00Z", "2026-11-10T05:00:00Z", {"int64Value": "5"})], location=f"r{number}")
            for number in range(20)]  # fmt: skip
    bad = [
        _series([("2026-11-10T00:00:00Z", "2026-11-11T00:00:00Z", {"int64Value": "5"})]),
        _series([("2026-11-10T00:00:00Z", "2026-11-10T01:00:00Z", {"doubleValue": 5.5})]),
        _series([("when", "2026-11-10T01:00:00Z", {"int64Value": "5"})]),
        _series([], project_id=""),
    ]
    (tmp_path / "series.json").write_text(json.dumps(good + bad))
    context = _context(tmp_path)
    gcp_vertex.load_files(context, LocalFolder(str(tmp_path / "series.json")), None)
    reasons = [row["reason"] for row in context.landing.read(quarantine_contract("gcp_vertex")).to_pylist()]
    assert len(reasons) == 4
    for reason, said in zip(reasons, ("reaches over the end", "no whole number", "time is", "no project"), strict=True):
        assert said in reason
    (tmp_path / "series.json").write_text(json.dumps(bad))
    with pytest.raises(CorruptFile):
        gcp_vertex.load_files(context, LocalFolder(str(tmp_path / "series.json")), None)


def test_series_are_known_by_their_members_whatever_the_file_is_called(tmp_path, caplog):
    folder = tmp_path / "in"
    folder.mkdir()
    good = _series([("2026-11-10T04:00:00Z", "2026-11-10T05:00:00Z", {"int64Value": "5"})])
    (folder / "printed.txt").write_text(json.dumps([good]))
    (folder / "chart.json").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "notes.md").write_text("# Notes\n\n{not json\n")
    context = _context(tmp_path)
    gcp_vertex.load_files(context, LocalFolder(str(folder)), None)
    assert context.landing.read(TOKEN_COUNTS).num_rows == 1
    assert context.landing.read(quarantine_contract("gcp_vertex")).num_rows == 0
    assert "chart.json: it is no JSON" in caplog.text
    assert "notes.md: it holds no time series" in caplog.text


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_point_of_an_impossible_year_is_set_apart(tmp_path, year):
    good = [_series([("2026-11-10T04:00:00Z", "2026-11-10T05:00:00Z", {"int64Value": "5"})], location=f"r{number}")
            for number in range(9)]  # fmt: skip
    bad = _series([(f"{year}-01-01T04:00:00Z", f"{year}-01-01T05:00:00Z", {"int64Value": "5"})])
    (tmp_path / "series.json").write_text(json.dumps([*good, bad]))
    context = _context(tmp_path)
    gcp_vertex.load_files(context, LocalFolder(str(tmp_path / "series.json")), None)
    (apart,) = context.landing.read(quarantine_contract("gcp_vertex")).to_pylist()
    assert "outside of the years 2000 to 2199" in apart["reason"]


def test_files_without_a_series_are_refused_in_a_sentence(tmp_path):
    other = _series([("2026-11-10T04:00:00Z", "2026-11-10T05:00:00Z", {"int64Value": "5"})], "something_else")
    (tmp_path / "series.json").write_text(json.dumps([other, {"id": 1}]))
    with pytest.raises(EmptyAnswer, match="no file at"):
        gcp_vertex.load_files(_context(tmp_path), LocalFolder(str(tmp_path / "series.json")), None)


words = st.text(alphabet="ab1.:Z-", max_size=6)
values = st.recursive(
    st.none() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=6,
)


@given(
    top=st.dictionaries(st.sampled_from(["metric", "resource", "points", "timeSeries"]), values, max_size=2),
    point=st.dictionaries(st.sampled_from(["interval", "value"]), values, max_size=2),
    number=values,
)
def test_any_series_lands_or_says_why(top, point, number, tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    whole = _series([("2026-11-10T04:00:00Z", "2026-11-10T05:00:00Z", {"int64Value": number})])
    whole["points"] = [whole["points"][0] | point]
    (folder / "series.json").write_text(json.dumps([whole | top]))
    context = _context(folder)
    try:
        gcp_vertex.load_files(context, LocalFolder(str(folder / "series.json")), None)
    except InferledgerError as error:
        assert error.message
        return
    assert context.landing.read(TOKEN_COUNTS).num_rows == 1 or not whole.get("points")
