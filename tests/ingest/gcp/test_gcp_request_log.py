"""Vertex AI's request logs into landing: from Cloud Logging and from files, counted, told apart, without prompts."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import CorruptFile, EmptyAnswer, InferledgerError, PermissionDenied, Shrunk
from ingest.files import LocalFolder
from ingest.landing import Landing
from ingest.quarantine import quarantine_contract
from ingest.run import Run, Window
from ingest.settings import Settings
from ingest.sources import gcp_request_log
from ingest.sources.gcp_request_log_entries import REQUESTS, UnknownEntry, entry_row

RISK, DOCS = "acme-risk-prod", "acme-docs-prod"
LOG = "aiplatform.googleapis.com%2Finference_request_metadata"
MEASURES = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "thought_tokens")
DOCS_DAY = Window(datetime(2026, 11, 18, tzinfo=UTC), datetime(2026, 11, 19, tzinfo=UTC))
HAND = {
    "logName": f"projects/p-one-two/logs/{LOG}",
    "insertId": "a1",
    "timestamp": "2026-11-10T23:59:59.123456789Z",
    "resource": {"type": "aiplatform.googleapis.com/PublisherModel", "labels": {"location": "us-central1"}},
    "jsonPayload": {
        "model": "publishers/google/models/gemini-2.5-pro@default",
        "inputTokenCount": "1000",
        "cachedTokenCount": 400,
        "outputTokenCount": 50.0,
        "thoughtTokenCount": 7,
        "provisionedThroughputBurndown": {"input": 640, "output": 450},
        "latency": "1.250s",
        "requestLabels": {"team": "docs"},
    },
}


def _entry(**payload):
    kept = {name: value for name, value in (HAND["jsonPayload"] | payload).items() if value is not None}
    return HAND | {"jsonPayload": kept}


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


def test_logged_requests_and_tokens_are_what_the_meters_counted(rig):
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


def test_the_backfill_stops_where_the_bucket_keeps_nothing(rig):
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


def _exported(rig, project, folder, *, shape):
    """The entries of a project as a log sink or gcloud writes them."""
    rows = pq.read_table(rig.world.folder("gcp") / "request_log.parquet").to_pylist()
    entries = [
        {
            "logName": f"projects/{project}/logs/{LOG}",
            "insertId": row["insert_id"],
            "timestamp": row["timestamp"].isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "severity": row["severity"],
            "resource": {"type": "aiplatform.googleapis.com/PublisherModel", "labels": {}},
            "jsonPayload": json.loads(row["payload"]),
        }
        for row in rows
        if row["project"] == project
    ]
    folder.mkdir(parents=True)
    if shape == "gcloud":
        (folder / "entries.json").write_text(json.dumps(entries[::-1]))
        return
    half = len(entries) // 2
    lines = [json.dumps(entry) for entry in entries]
    (folder / "05:00:00_05:59:59_S0.json").write_text("\n".join(lines[half:]))
    # sinks promise no de-duplication
    first = gzip.compress("\n".join(lines[: half + 5]).encode())
    (folder / "04:00:00_04:59:59_S0.json.gz").write_bytes(first)


@pytest.mark.parametrize("shape", ["sink", "gcloud"])
def test_files_land_the_same_rows_as_the_api(rig, tmp_path, shape):
    _only(rig, DOCS)
    by_api = rig.load(gcp_request_log, DOCS_DAY)
    _exported(rig, DOCS, tmp_path / shape, shape=shape)
    context = _context(tmp_path, rig)
    by_files = gcp_request_log.load_files(context, LocalFolder(str(tmp_path / shape)), None)
    assert [item.checksum for item in by_files] == [item.checksum for item in by_api]
    assert by_files[0].rows > 2000


def test_gcp_3_request_log_names_are_found_however_they_are_spelled():
    plain = entry_row(HAND)
    assert (plain["input_tokens"], plain["cached_tokens"], plain["is_cached_inside"]) == (1000, 400, True)
    assert (plain["output_tokens"], plain["thought_tokens"], plain["burned_tokens"]) == (50, 7, 1090)
    assert (plain["model"], plain["publisher"], plain["location"]) == ("gemini-2.5-pro", "google", "us-central1")
    assert (plain["latency_ms"], plain["response_code"], plain["request_type"]) == (1250.0, "200", "dedicated")
    assert plain["timestamp"] == datetime(2026, 11, 10, 23, 59, 59, 123456, tzinfo=UTC)
    nested = HAND | {
        "jsonPayload": {
            "model_name": "claude-sonnet-4-5",
            "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 2},
            "response": {"output_tokens": 3},
            "labels": [{"key": "team", "value": "risk"}],
            "traffic_type": "ON_DEMAND",
            "error": {"code": 8, "message": "quota"},
        }
    }
    row = entry_row(nested)
    assert (row["input_tokens"], row["cached_tokens"], row["cache_write_tokens"]) == (10, 5, 2)
    assert (row["is_cached_inside"], row["output_tokens"], row["request_type"]) == (False, 3, "shared")
    assert (row["response_code"], row["request_labels"]) == ("429", [{"key": "team", "value": "risk"}])


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (HAND | {"jsonPayload": None, "textPayload": "x"}, "no jsonPayload"),
        (_entry(model=None), "no model"),
        (_entry(inputTokenCount="many"), "input_tokens are 'many', no number"),
        (_entry(inputTokenCount=1.5), "no whole number"),
        (_entry(outputTokenCount=-1), "no whole number"),
        (_entry(inputTokenCount=None, outputTokenCount=None), "no token count that is known"),
        (HAND | {"timestamp": "yesterday"}, "its time is"),
        (HAND | {"logName": None}, "no project"),
    ],
    ids=["text", "model", "word", "point", "negative", "counts", "time", "project"],
)
def test_an_entry_that_cannot_be_a_request_says_why(entry, reason):
    with pytest.raises(UnknownEntry, match=reason):
        entry_row(entry)


def test_set_apart_entries_are_kept_without_their_content(rig, tmp_path):
    secret = _entry(model=None, prompt="my salary is 3")
    lines = [json.dumps(HAND | {"insertId": f"a{number}"}) for number in range(8)] + [json.dumps(secret)]
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    context = _context(tmp_path, rig)
    gcp_request_log.load_files(context, LocalFolder(str(tmp_path / "log.jsonl")), None)
    apart = context.landing.read(quarantine_contract("gcp_request_log")).to_pylist()
    assert [row["reason"] for row in apart] == ["it names no model"]
    assert "prompt" in apart[0]["row"]
    assert not any(b"salary" in path.read_bytes() for path in (tmp_path / "files").rglob("*.parquet"))


def test_files_of_another_log_are_refused_in_a_sentence(rig, tmp_path):
    (tmp_path / "other.json").write_text('[{"id": 1}]')
    with pytest.raises(EmptyAnswer, match=r"no file at .* holds log entries"):
        gcp_request_log.load_files(_context(tmp_path, rig), LocalFolder(str(tmp_path / "other.json")), None)
    audit = [json.dumps(_entry(model=None)), json.dumps(HAND)]
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


words = st.text(alphabet="ab1. é", max_size=5)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from([*sorted(HAND["jsonPayload"]), "error", "code", "usage", "labels", "location"])


@given(payload=st.dictionaries(names, json_values, max_size=6), top=st.dictionaries(
    st.sampled_from([*sorted(HAND), "severity"]), json_values, max_size=3))  # fmt: skip
def test_any_entry_is_a_row_of_the_contract_or_a_reason(payload, top):
    try:
        row = entry_row(HAND | top | {"jsonPayload": HAND["jsonPayload"] | payload})
    except UnknownEntry as reason:
        assert str(reason)
        return
    assert pa.Table.from_pylist([row], schema=REQUESTS.schema).num_rows == 1
    assert row["input_tokens"] is None or row["input_tokens"] >= 0


@given(cut=st.integers(min_value=1, max_value=4000), shuffled=st.randoms(use_true_random=False))
def test_any_cut_file_is_refused_or_loses_no_entry_silently(cut, shuffled, tmp_path_factory):
    entries = [json.dumps(HAND | {"insertId": f"a{number}"}) for number in range(6)]
    shuffled.shuffle(entries)
    text = "\n".join(entries).encode()[:cut]
    folder = tmp_path_factory.mktemp("cut")
    (folder / "log.json").write_bytes(text)
    run = Run("files", datetime(2026, 11, 18, 6, tzinfo=UTC))
    landing = Landing(str(folder / "landing"), run)
    context = gcp_request_log.Context(Settings(home=folder), None, landing, run)
    started = len([line for line in text.split(b"\n") if line.strip()])
    try:
        gcp_request_log.load_files(context, LocalFolder(str(folder / "log.json")), None)
    except InferledgerError as error:
        assert error.message
        return
    kept = landing.read(REQUESTS).num_rows + landing.read(quarantine_contract("gcp_request_log")).num_rows
    assert kept == started
