"""Any entry and any cut file of Vertex AI's request log: a row, a reason, or a sentence."""

import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import InferledgerError
from ingest.files import LocalFolder
from ingest.landing import Landing
from ingest.quarantine import quarantine_contract
from ingest.run import Run
from ingest.settings import Settings
from ingest.sources import gcp_request_log
from ingest.sources.gcp_request_log_entries import REQUESTS, UnknownEntry, entry_row
from tests.ingest.gcp.request_log_entries import HAND, log_entry


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
        (log_entry(model=None), "no model"),
        (log_entry(inputTokenCount="many"), "input_tokens are 'many', no number"),
        (log_entry(inputTokenCount=1.5), "no whole number"),
        (log_entry(outputTokenCount=-1), "no whole number"),
        (log_entry(inputTokenCount=None, outputTokenCount=None), "no token count that is known"),
        (HAND | {"timestamp": "yesterday"}, "its time is"),
        (HAND | {"logName": None}, "no project"),
    ],
    ids=["text", "model", "word", "point", "negative", "counts", "time", "project"],
)
def test_an_entry_that_cannot_be_a_request_says_why(entry, reason):
    with pytest.raises(UnknownEntry, match=reason):
        entry_row(entry)


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
