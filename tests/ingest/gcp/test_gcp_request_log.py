"""Vertex AI's request logs into landing: from Cloud Logging and from files, counted, told apart, without prompts."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ingest.errors import CorruptFile, EmptyAnswer, PermissionDenied, Shrunk
from ingest.files import LocalFolder
from ingest.landing import Landing
from ingest.quarantine import quarantine_contract
from ingest.run import Run, Window
from ingest.settings import Settings
from ingest.sources import gcp_request_log
from ingest.sources.gcp_request_log_entries import REQUESTS
from tests.ingest.gcp.request_log_entries import HAND, log_entry, write_exported

RISK, DOCS = "acme-risk-prod", "acme-docs-prod"
MEASURES = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "thought_tokens")
DOCS_DAY = Window(datetime(2026, 11, 18, tzinfo=UTC), datetime(2026, 11, 19, tzinfo=UTC))


def _context(tmp_path, rig=None, name="files"):
    run = Run("files", datetime(2026, 11, 18, 6, tzinfo=UTC))
    settings = Settings(home=tmp_path / name)
    context = rig.context
    return replace(context, settings=settings, run=run, landing=Landing(settings.landing_root, run))


def _only(rig, *projects):
    section = rig.context.config.gcp
    logs = tuple(log for log in section.request_logs if log.project in projects)
    config = rig.context.config.model_copy(update={"gcp_section": section.model_copy(update={"request_logs": logs})})
    rig.context = replace(rig.context, config=config)


def _metered(rig, project, model, metric="model_invocation_count", **labels):
    """What the meters counted of a model since its log is on."""
    rows = pq.read_table(rig.world.folder("gcp") / "metrics.parquet")
    first = rig.context.landing.read(REQUESTS, scope=project)["timestamp"].to_pylist()[0]
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    wanted = {"resource_container": project, "model_user_id": model, **labels}
    wanted["metric"] = f"aiplatform.googleapis.com/publisher/online_serving/{metric}"
    for name, value in wanted.items():
        rows = rows.filter(pc.equal(rows[name], value))
    return pc.sum(rows.filter(pc.greater_equal(rows["hour_start"], start))["value"]).as_py()


def _sums(rows):
    return {name: pc.sum(rows[name]).as_py() or 0 for name in MEASURES}


def test_gcp_2_4_logged_requests_and_tokens_are_what_the_meters_counted(rig):
    rig.load(gcp_request_log)
    claude = rig.context.landing.read(REQUESTS, scope=RISK)
    answered = claude.filter(pc.equal(claude["response_code"], "200"))
    assert answered.num_rows == _metered(rig, RISK, "claude-sonnet-4-5", response_code="200")
    throttled = claude.filter(pc.equal(claude["response_code"], "429"))
    assert throttled.num_rows == _metered(rig, RISK, "claude-sonnet-4-5", response_code="429")
    sums = _sums(claude)
    prompt = sums["input_tokens"] + sums["cached_tokens"] + sums["cache_write_tokens"]
    metered = [_metered(rig, RISK, "claude-sonnet-4-5", "token_count", type=kind) or 0
               for kind in ("input", "cache_read_input", "cache_write_input", "cache_write_1h_input")]  # fmt: skip
    assert prompt == sum(metered)
    gemini = rig.context.landing.read(REQUESTS, scope=DOCS)
    sums = _sums(gemini)
    assert sums["input_tokens"] == _metered(rig, DOCS, "gemini-2.5-pro", "token_count", type="input")
    spoken = sums["output_tokens"] + sums["thought_tokens"]
    assert spoken == _metered(rig, DOCS, "gemini-2.5-pro", "token_count", type="output")
    assert set(gemini["is_cached_inside"].to_pylist()) == {True, None}
    risk, docs = (rows.slice(0, 1).to_pylist()[0] for rows in (claude, gemini))
    assert risk["request_labels"] == []
    assert {"key": "team", "value": "risk"} in risk["header_labels"]
    assert {"key": "team", "value": "docs"} in docs["request_labels"]
    assert (docs["publisher"], risk["publisher"]) == ("google", "anthropic")


def test_a_second_load_re_reads_two_days_and_changes_nothing(rig):
    _only(rig, DOCS)
    rig.load(gcp_request_log)
    again = rig.load(gcp_request_log)
    assert again
    assert not any(result.changed for result in again)
    status = pq.read_table(f"{rig.context.settings.landing_root}/gcp_request_log/_status/{DOCS}/part.parquet")
    assert status["watermark"][0].as_py() == rig.world.as_of
    asked = [item["filter"] for item in rig.asked("ListLogEntries")]
    assert 'timestamp>="2026-11-16T00:00:00+00:00"' in asked[-1] or any("2026-11-16" in text for text in asked[-12:])


def test_no_log_configured_costs_no_request(rig):
    _only(rig)
    assert rig.load(gcp_request_log) == []
    assert rig.asked("ListLogEntries") == []


def test_gcp_3_the_backfill_stops_where_the_bucket_keeps_nothing(rig):
    _only(rig, DOCS)
    rig.load(gcp_request_log)
    first = rig.asked("ListLogEntries")[0]["filter"]
    # thirty days with the day in progress: the day that left the bucket in part is not asked for
    assert 'timestamp>="2026-10-20T00:00:00+00:00"' in first


def test_a_fault_repeats_a_page_not_the_day(rig):
    _only(rig, DOCS)
    rig.faults.add("gcp", "ListLogEntries", "cut", times=1, after=2)
    rig.load(gcp_request_log, DOCS_DAY)
    pages = [item["page"] for item in rig.asked("ListLogEntries")]
    assert pages.count("2000") == 2
    assert pages.count("") == 1
    answered = rig.context.landing.read(REQUESTS, scope=DOCS)
    logged = pq.read_table(rig.world.folder("gcp") / "request_log.parquet")
    assert answered.num_rows == logged.filter(pc.equal(logged["project"], DOCS)).num_rows


def test_an_empty_answer_does_not_take_landed_days_away(rig):
    _only(rig, DOCS)
    rig.load(gcp_request_log, DOCS_DAY)
    rig.faults.add("gcp", "ListLogEntries", "empty", times=None)
    with pytest.raises(Shrunk):
        rig.load(gcp_request_log, DOCS_DAY)


def test_a_refused_project_does_not_keep_the_other_from_landing(rig):
    rig.faults.add("gcp", "ListLogEntries", "forbidden", times=1)
    with pytest.raises(PermissionDenied, match=r"logging.logEntries.list.*projects/acme-risk-prod"):
        rig.load(gcp_request_log, DOCS_DAY)
    assert rig.context.landing.windows(REQUESTS, DOCS) == ["2026-11-18"]


@pytest.mark.parametrize("shape", ["sink", "gcloud"])
def test_gcp_3_files_land_the_same_rows_as_the_api(rig, tmp_path, shape):
    _only(rig, DOCS)
    by_api = rig.load(gcp_request_log, DOCS_DAY)
    write_exported(rig, DOCS, tmp_path / shape, shape=shape)
    context = _context(tmp_path, rig)
    by_files = gcp_request_log.load_files(context, LocalFolder(str(tmp_path / shape)), None)
    assert [item.checksum for item in by_files] == [item.checksum for item in by_api]
    assert by_files[0].rows > 2000


def test_set_apart_entries_are_kept_without_their_content(rig, tmp_path):
    secret = log_entry(model=None, prompt="my salary is 3")
    lines = [json.dumps(HAND | {"insertId": f"a{number}"}) for number in range(8)] + [json.dumps(secret)]
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    context = _context(tmp_path, rig)
    gcp_request_log.load_files(context, LocalFolder(str(tmp_path / "log.jsonl")), None)
    apart = context.landing.read(quarantine_contract("gcp_request_log")).to_pylist()
    assert [row["reason"] for row in apart] == ["it names no model"]
    assert "prompt" in apart[0]["row"]
    assert not any(b"salary" in path.read_bytes() for path in (tmp_path / "files").rglob("*.parquet"))


def test_entries_are_known_by_their_members_whatever_the_file_is_called(rig, tmp_path, caplog):
    folder = tmp_path / "in"
    folder.mkdir()
    odd = log_entry() | {"insertId": "odd", "timestamp": "9999-01-01T00:00:00Z"}
    lines = [json.dumps(HAND | {"insertId": f"a{number}"}) for number in range(8)] + [json.dumps(odd)]
    (folder / "printed.txt").write_text("\n".join(lines))
    (folder / "chart.json").write_bytes(b"\x89PNG\r\n\x1a\n")
    context = _context(tmp_path, rig)
    gcp_request_log.load_files(context, LocalFolder(str(folder)), None)
    assert context.landing.read(REQUESTS).num_rows == 8
    assert "chart.json: it holds no log entry" in caplog.text
    (apart,) = context.landing.read(quarantine_contract("gcp_request_log")).to_pylist()
    assert "lies outside of the years 2000 to 2199" in apart["reason"]


def test_files_of_another_log_are_refused_in_a_sentence(rig, tmp_path):
    (tmp_path / "other.json").write_text('[{"id": 1}]')
    with pytest.raises(EmptyAnswer, match=r"no file at .* holds log entries"):
        gcp_request_log.load_files(_context(tmp_path, rig), LocalFolder(str(tmp_path / "other.json")), None)
    audit = [json.dumps(log_entry(model=None)), json.dumps(HAND)]
    (tmp_path / "other.json").write_text("\n".join(audit))
    with pytest.raises(CorruptFile, match="1 of 2 rows cannot be taken"):
        gcp_request_log.load_files(_context(tmp_path, rig), LocalFolder(str(tmp_path / "other.json")), None)


def test_the_doctor_tells_a_silent_log_from_a_working_one(rig):
    found = {(item.account, item.aspect): item for item in gcp_request_log.check(rig.context)}
    assert found["acme-risk-prod", "permitted"].status == "ok"
    assert found["acme-risk-prod", "configured"].status == "ok"
    assert "free of charge" in found["", "cost"].message
    rig.faults.add("gcp", "ListLogEntries", "empty", times=None)
    found = {(item.account, item.aspect): item for item in gcp_request_log.check(rig.context)}
    assert found["acme-risk-prod", "configured"].status == "warn"
    assert "Switch on" in found["acme-risk-prod", "configured"].remedy
    _only(rig)
    assert [item.status for item in gcp_request_log.check(rig.context)] == ["warn"]
