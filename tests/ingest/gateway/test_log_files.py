"""Logs of many JSON files: which days are read, what is passed over, what is set apart, and nothing is lost."""

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.errors import ConfigError, CorruptFile, InferledgerError, SchemaChanged, Shrunk
from ingest.files import open_folder
from ingest.landing import Landing
from ingest.quarantine import quarantine_contract
from ingest.run import Run
from ingest.sources import litellm, otel_genai
from tests.gateway_logs import PROMPT, export, request, span, write_objects
from tests.ingest.gateway.conftest import AS_OF, MakeContext

DAY = datetime(2026, 11, 16, 9)  # noqa: DTZ001 - made UTC where it is written
LATE = datetime(2026, 11, 16, 23, 59, 59)  # noqa: DTZ001
SECTIONS = {"backfill_days": 5, "litellm": {"logs": [{"name": "proxy", "path": "logs"}]}}


def load_path(context: Any, path: Path, source: Any = litellm) -> list[Any]:
    with open_folder(str(path), context.settings) as folder:
        return source.load_files(context, folder, None)


def apart(context: Any, source: str = "litellm") -> list[dict[str, Any]]:
    return context.landing.read(quarantine_contract(source)).to_pylist()


def ids(context: Any) -> list[str]:
    return sorted(context.landing.read(litellm.REQUESTS).column("id").to_pylist())


def test_litellm_every_layout_of_its_loggers_is_the_same_log(make_context: MakeContext, tmp_path: Path) -> None:
    rows = [request(name, DAY) for name in ("a", "b")]
    write_objects(tmp_path / "s3_v2", rows, team="Search Team/search-key")
    batch = tmp_path / "gcs" / "2026-11-16" / "batch-1.ndjson"
    batch.parent.mkdir(parents=True)
    batch.write_text("\n".join(json.dumps(row) for row in rows))
    single = tmp_path / "gcs_single" / "2026-11-16"
    single.mkdir(parents=True)
    for row in rows:
        (single / f"chatcmpl-{row['id']}").write_text(json.dumps(row))
    packed = tmp_path / "packed.json.gz"
    packed.write_bytes(gzip.compress(json.dumps(rows).encode()))
    for place in (tmp_path / "s3_v2", tmp_path / "gcs", tmp_path / "gcs_single", packed):
        context = make_context({})
        context.landing.__init__(str(tmp_path / "homes" / place.name), context.run)  # type: ignore[misc]
        load_path(context, place)
        assert ids(context) == ["a", "b"]


def test_litellm_a_request_lands_on_the_day_it_began_wherever_its_folder_says(
    make_context: MakeContext, tmp_path: Path
) -> None:
    # the proxy names folders by its own clock, here an hour ahead
    folder = tmp_path / "home" / "logs" / "2026-11-17"
    folder.mkdir(parents=True)
    (folder / "time-00-59-59.json").write_text(json.dumps(request("late", LATE)))
    context = make_context(SECTIONS)
    litellm.load(context, None)
    (row,) = context.landing.read(litellm.REQUESTS).to_pylist()
    assert row["_window_start"].day == 16


def test_litellm_only_days_whose_files_changed_are_read_again(make_context: MakeContext, tmp_path: Path) -> None:
    logs = tmp_path / "home" / "logs"
    write_objects(logs, [request("a", DAY)])
    assert len(litellm.load(make_context(SECTIONS), None)) == 1
    assert litellm.load(make_context(SECTIONS, run_id="run-2"), None) == []
    write_objects(logs, [request("b", DAY)])
    context = make_context(SECTIONS, run_id="run-3")
    assert [result.rows for result in litellm.load(context, None)] == [2]
    assert ids(context) == ["a", "b"]


def test_litellm_a_log_that_lost_its_files_stops(make_context: MakeContext, tmp_path: Path) -> None:
    logs = tmp_path / "home" / "logs"
    write_objects(logs, [request(f"r{number}", DAY) for number in range(10)])
    litellm.load(make_context(SECTIONS), None)
    for path in sorted(logs.rglob("*.json"))[:5]:
        path.unlink()
    with pytest.raises(Shrunk):
        litellm.load(make_context(SECTIONS, run_id="run-2"), None)


def test_litellm_what_is_no_request_is_passed_over_and_nothing_known_is_said(
    make_context: MakeContext, tmp_path: Path
) -> None:
    logs = tmp_path / "mixed"
    write_objects(logs, [request("a", DAY)])
    (logs / "audit_logs").mkdir()
    (logs / "audit_logs" / "audit-1.json").write_text('{"id": "x", "action": "created"}')
    (logs / "README.md").write_text("# nothing")
    (logs / "proxy.log").write_text("INFO: started\n")
    context = make_context({})
    load_path(context, logs)
    assert ids(context) == ["a"]
    assert apart(context) == []
    with pytest.raises(SchemaChanged, match="none of its 1 files is a LiteLLM request log"):
        load_path(context, logs / "audit_logs")


def test_litellm_rows_that_cannot_be_taken_are_set_apart_with_their_dollars(
    make_context: MakeContext, tmp_path: Path
) -> None:
    good = [request(f"r{number}", DAY) for number in range(20)]
    bad = [
        request("no-start", DAY) | {"startTime": "yesterday", "response_cost": 2.5},
        request("half", DAY) | {"prompt_tokens": 1.5, "response_cost": 0.25},
        request("no-cost", DAY) | {"response_cost": "a lot"},
    ]
    write_objects(tmp_path / "logs", good)
    cut = json.dumps(request("cut", DAY, response_cost=4.125))
    (tmp_path / "logs" / "bad.json").write_text("\n".join(json.dumps(row) for row in bad) + "\n" + cut[:-20])
    context = make_context({})
    load_path(context, tmp_path / "logs")
    found = apart(context)
    assert len(ids(context)) == 20
    assert sorted(row["reason"] for row in found) == [
        "it is no JSON object", "its cost 'a lot' is no number", "its prompt_tokens Decimal('1.5') is no count",
        "its startTime 'yesterday' is no time",
    ]  # fmt: skip
    assert sum(Decimal(row["amount"]) for row in found if row["amount"]) == Decimal("6.875")
    assert PROMPT not in json.dumps(found, default=str)


def test_litellm_a_file_of_mostly_rubbish_stops_before_anything_lands(
    make_context: MakeContext, tmp_path: Path
) -> None:
    lines = [json.dumps(request("a", DAY)), '{"cut', '{"cut']
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    context = make_context({})
    with pytest.raises(CorruptFile, match="2 of 3 rows cannot be taken"):
        load_path(context, tmp_path / "log.jsonl")
    assert ids(context) == []


def test_litellm_a_log_is_known_by_its_lines_whatever_it_is_called(
    make_context: MakeContext, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [request(name, DAY) for name in ("a", "b")]
    # the first line lost its beginning: the log is one all the same, and the line is counted
    lines = [json.dumps(request("cut", DAY))[20:], *(json.dumps(request(f"r{number}", DAY)) for number in range(9))]
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "requests.txt").write_text("\n".join(lines))
    (logs / "list.csv").write_text(json.dumps(rows))
    (logs / "chart.json").write_bytes(b"\x89PNG\r\n\x1a\n")
    context = make_context({})
    load_path(context, logs)
    assert ids(context) == ["a", "b", *(f"r{number}" for number in range(9))]
    assert [row["reason"] for row in apart(context)] == ["it is no JSON object"]
    assert "passed over chart.json: it is no log in JSON" in caplog.text


def test_litellm_a_list_that_breaks_off_lands_nothing_and_says_so(make_context: MakeContext, tmp_path: Path) -> None:
    text = json.dumps([request(name, DAY) for name in ("a", "b")], indent=1)
    (tmp_path / "log.json").write_text(text[:-30])
    context = make_context({})
    with pytest.raises(CorruptFile, match=r"log\.json breaks off or is no JSON: a list begins and does not end"):
        load_path(context, tmp_path / "log.json")
    assert ids(context) == []


def test_litellm_a_folder_that_is_not_there_is_told_by_the_doctor(make_context: MakeContext) -> None:
    findings = list(litellm.check(make_context(SECTIONS)))
    assert [(finding.status, finding.account) for finding in findings] == [("fail", "proxy")]
    assert "sources.yml" in findings[0].remedy
    with pytest.raises(ConfigError):
        litellm.load(make_context(SECTIONS), None)


def test_otel_whole_numbers_come_as_text_or_number_and_kinds_by_name(make_context: MakeContext, tmp_path: Path) -> None:
    usage = {"gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 5}
    one = span("t", "a", DAY, usage, kind="SPAN_KIND_CLIENT") | {"status": {"code": "STATUS_CODE_ERROR"}}
    other = span("t", "b", DAY, usage)
    other["attributes"][1]["value"] = {"intValue": 5}
    other["startTimeUnixNano"] = int(other["startTimeUnixNano"])
    (tmp_path / "traces.jsonl").write_text(json.dumps(export([one, other], service__name="writer")))
    context = make_context({})
    load_path(context, tmp_path / "traces.jsonl", otel_genai)
    rows = context.landing.read(otel_genai.SPANS).to_pylist()
    assert [(row["kind"], row["status_code"]) for row in rows] == [(3, 2), (3, None)]
    assert {dict(row["attributes"])["gen_ai.usage.input_tokens"] for row in rows} == {"5"}


def test_otel_prompts_never_land_and_other_traces_stay_out(make_context: MakeContext, tmp_path: Path) -> None:
    call = {"gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 5, "gen_ai.prompt.0.content": PROMPT,
            "gen_ai.input.messages": PROMPT, "team": "docs", "http.url": "https://x", "long": PROMPT * 20}  # fmt: skip
    spans = [span("t", "a", DAY, call), span("t", "p", DAY, {"db.statement": PROMPT}), span("u", "x", DAY, {"a": "b"})]
    metrics = {"resourceMetrics": []}
    lines = [json.dumps(export(spans, service__name="writer", process__command_line=PROMPT)), json.dumps(metrics)]
    (tmp_path / "all.json").write_text("\n".join(lines))
    context = make_context({})
    load_path(context, tmp_path / "all.json", otel_genai)
    rows = context.landing.read(otel_genai.SPANS).to_pylist()
    assert [(row["traceId"], row["spanId"]) for row in rows] == [("t", "a"), ("t", "p")]
    assert dict(rows[0]["attributes"]) == {
        "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": "5", "team": "docs",
    }  # fmt: skip
    assert PROMPT not in json.dumps(rows, default=str)


def test_otel_a_span_that_cannot_be_taken_is_set_apart(make_context: MakeContext, tmp_path: Path) -> None:
    usage = {"gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 5}
    spans = [span("t", f"s{number}", DAY, usage) for number in range(9)]
    spans.append(span("t", "bad", DAY, usage) | {"startTimeUnixNano": "soon"})
    (tmp_path / "traces.json").write_text(json.dumps(export(spans)))
    context = make_context({})
    load_path(context, tmp_path / "traces.json", otel_genai)
    assert [row["reason"] for row in apart(context, "otel_genai")] == ["its startTimeUnixNano 'soon' is no count"]
    with pytest.raises(SchemaChanged, match="OTLP traces"):
        (tmp_path / "metrics.json").write_text('{"resourceMetrics": []}')
        load_path(context, tmp_path / "metrics.json", otel_genai)


_TEXT = st.text(st.sampled_from("a0.e-{}\ud800\u2028é "), max_size=6)
_JUNK = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _TEXT, st.lists(_TEXT, max_size=2),
                  st.dictionaries(_TEXT, st.integers(), max_size=2))  # fmt: skip
_FIELDS = st.sampled_from(sorted({*request("x", DAY), "startTime", "response_cost", "metadata"}))
_BENT = st.dictionaries(_FIELDS, _JUNK, max_size=3)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(bent=st.lists(_BENT, max_size=4), bent_lines=st.lists(st.binary(min_size=1, max_size=30), max_size=2))
def test_litellm_whatever_a_log_holds_every_line_is_landed_or_counted(
    bent: list[dict[str, Any]],
    bent_lines: list[bytes],
    tmp_path_factory: pytest.TempPathFactory,
    make_context: MakeContext,
) -> None:
    """Requests in are requests landed and set apart, and the dollars that can be read are those of both."""
    folder = tmp_path_factory.mktemp("fuzz")
    rows = [request(f"r{number}", DAY, response_cost=0.5) for number in range(40)]
    rows += [request(f"bent{number}", DAY, response_cost=0.5) | change for number, change in enumerate(bent)]
    strange = [line.replace(b"\n", b" ").replace(b"\r", b" ") for line in bent_lines]
    lines = [json.dumps(row).encode() for row in rows] + [b'{"' + line for line in strange]
    (folder / "log.jsonl").write_bytes(b"\n".join(lines))
    context = make_context({})
    context.landing.__init__(str(folder / "landing"), Run("run-fuzz", AS_OF.astimezone(UTC)))  # type: ignore[misc]
    try:
        load_path(context, folder / "log.jsonl")
    except InferledgerError as error:
        # a line that is no UTF-8 makes the file unreadable: nothing landed, and it was said
        assert error.message
        assert ids(context) == []
        return
    landed, found = context.landing.read(litellm.REQUESTS).to_pylist(), apart(context)
    assert len(landed) + len(found) == len(lines)
    told = sum(Decimal(row["response_cost"]) for row in landed if row["response_cost"])
    told += sum(Decimal(row["amount"]) for row in found if row["amount"])
    known = [row["response_cost"] for row in rows if isinstance(row["response_cost"], (int, float, str))]
    expected = sum((_money(value) for value in known), Decimal(0))
    assert told == expected


def _money(value: Any) -> Decimal:
    """What the log's text of a cost is worth, 0 where it is no money."""
    if isinstance(value, bool):
        return Decimal(0)
    text = json.loads(json.dumps(value), parse_float=str)
    try:
        exact = Decimal(str(text))
    except ArithmeticError:
        return Decimal(0)
    is_money = exact.is_finite() and abs(exact) < 10**9 and (exact == 0 or exact.adjusted() >= -40)
    return exact if is_money else Decimal(0)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(cut=st.integers(0, 4_000), flip=st.integers(0, 4_000), byte=st.integers(0, 255), is_packed=st.booleans())
def test_otel_a_damaged_file_lands_whole_spans_or_says_why(
    cut: int, flip: int, byte: int, is_packed: bool, tmp_path_factory: pytest.TempPathFactory, make_context: MakeContext
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    usage = {"gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 5}
    content = "\n".join(json.dumps(export([span("t", f"s{n}", DAY, usage)])) for n in range(12)).encode()
    damaged = bytearray(gzip.compress(content, mtime=0) if is_packed else content)
    damaged[flip % len(damaged)] = byte
    (folder / "traces.json").write_bytes(bytes(damaged[: max(2, len(damaged) - cut % len(damaged))]))
    context = make_context({})
    landing = Landing(str(folder / "landing"), context.run)
    context.landing.__init__(str(folder / "landing"), context.run)  # type: ignore[misc]
    try:
        load_path(context, folder / "traces.json", otel_genai)
    except InferledgerError as error:
        assert error.message
        assert error.remedy
        return
    rows = landing.read(otel_genai.SPANS).to_pylist()
    assert {row["startTimeUnixNano"] for row in rows} or apart(context, "otel_genai")
