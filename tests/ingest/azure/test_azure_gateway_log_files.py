"""Exported tables of a gateway's log through the file door: the same rows whatever form they left Azure in."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ingest.config import load_sources
from ingest.contracts import Context
from ingest.errors import CorruptFile, EmptyAnswer, InferledgerError, SchemaChanged
from ingest.files import open_folder
from ingest.landing import Landing
from ingest.quarantine import quarantine_contract
from ingest.run import Run
from ingest.settings import Settings
from ingest.sources import azure_gateway_log

ROOT = Path(__file__).parents[3]
AS_OF = datetime(2026, 11, 18, 6, tzinfo=UTC)
PLACE = "10900000-0000-4000-8000-0000000000a1"
LLM = ("TenantId", "TimeGenerated", "CorrelationId", "DeploymentName", "ModelName", "PromptTokens", "CompletionTokens",
       "TotalTokens", "IsStreamCompletion", "SequenceNumber")  # fmt: skip
HOPS = (
    "TimeGenerated",
    "CorrelationId",
    "ApimSubscriptionId",
    "ProductId",
    "ApiId",
    "UserId",
    "ResponseCode",
    "BackendUrl",
)
BACKEND = "https://oai-shared.openai.azure.com/openai/deployments/gpt-4o/chat/completions"


def request(number: int, hour: int = 10, prompt: int = 100, completion: int = 20) -> list[dict[str, Any]]:
    """A request as the log writes it: one row with the tokens, and two with parts of its messages."""
    base = {
        "TenantId": PLACE,
        "CorrelationId": f"c-{number}",
        "DeploymentName": "",
        "ModelName": "",
        "PromptTokens": 0,
        "CompletionTokens": 0,
        "TotalTokens": 0,
        "IsStreamCompletion": False,
    }
    told = {"DeploymentName": "gpt-4o", "ModelName": "gpt-4o-2024-11-20", "PromptTokens": prompt,
            "CompletionTokens": completion, "TotalTokens": prompt + completion}  # fmt: skip
    times = [f"2026-11-16T{hour:02d}:30:00.{part}234567Z" for part in range(3)]
    return [
        base | told | {"TimeGenerated": times[0], "SequenceNumber": 0},
        *(base | {"TimeGenerated": times[part], "SequenceNumber": part} for part in (1, 2)),
    ]


def hop(number: int, key: str = "apim-docs", code: int = 200) -> dict[str, Any]:
    return {
        "TimeGenerated": "2026-11-16T10:30:00.0234567Z",
        "CorrelationId": f"c-{number}",
        "ApimSubscriptionId": key,
        "ProductId": "ai-gateway",
        "ApiId": "azure-openai",
        "UserId": "",
        "ResponseCode": code,
        "BackendUrl": BACKEND,
    }


REQUESTS = [row for number in range(6) for row in request(number, hour=10 + number // 4)]
HOP_ROWS = [
    hop(number, "apim-docs" if number % 2 else "apim-mobile", 429 if number == 5 else 200) for number in range(6)
]
# hour 10 has requests 0..3, hour 11 has 4 and 5, of which the last was refused
EXPECTED = {
    (10, "apim-mobile"): (200, 40, 2, 0),
    (10, "apim-docs"): (200, 40, 2, 0),
    (11, "apim-mobile"): (100, 20, 1, 0),
    (11, "apim-docs"): (100, 20, 0, 1),
}


def as_csv(names: tuple[str, ...], rows: list[dict[str, Any]], rename: Callable[[str], str] = str) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, names, extrasaction="ignore")
    out.write(",".join(rename(name) for name in names) + "\n")
    writer.writerows(rows)
    return out.getvalue().encode()


def as_lines(rows: list[dict[str, Any]]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def as_archive(rows: list[dict[str, Any]], category: str) -> bytes:
    """Records of a diagnostic archive, columns inside `properties`."""
    records = [
        {"time": row["TimeGenerated"], "category": category, "correlationId": row["CorrelationId"], "properties":
            {name[0].lower() + name[1:]: value for name, value in row.items() if name not in ("TimeGenerated",)}}
        for row in rows
    ]  # fmt: skip
    return json.dumps({"records": records}).encode()


def as_answer(names: tuple[str, ...], rows: list[dict[str, Any]]) -> bytes:
    columns = [{"name": name, "type": "string"} for name in names]
    values = [[row.get(name) for name in names] for row in rows]
    return json.dumps({"tables": [{"name": "PrimaryResult", "columns": columns, "rows": values}]}).encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def portal_time(row: dict[str, Any]) -> dict[str, Any]:
    moment = datetime.fromisoformat(row["TimeGenerated"])
    return row | {"TimeGenerated": moment.strftime("%m/%d/%Y, %I:%M:%S.%f %p")[:-6] + moment.strftime(" %p")}


def utc(name: str) -> str:
    return f"{name} [UTC]" if name == "TimeGenerated" else name


@pytest.fixture
def made(tmp_path: Path) -> Context:
    return context_at(tmp_path / "home")


def context_at(home: Path) -> Context:
    settings = Settings(home=home, config_dir=ROOT / "config")
    run = Run("run-1", AS_OF)
    return Context(settings, load_sources(ROOT / "config" / "sources.yml"), Landing(settings.landing_root, run), run)


def load(made: Context, folder: Path) -> list[Any]:
    with open_folder(str(folder), made.settings) as opened:
        return azure_gateway_log.load_files(made, opened, None)


def put(folder: Path, **files: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content)
    return folder


def summed(made: Context) -> dict[tuple[int, str], tuple[int, int, int, int]]:
    return {
        (row["TimeGenerated"].hour, row["ApimSubscriptionId"]): (
            row["PromptTokens"], row["CompletionTokens"], row["Requests"], row["Errors"],
        )
        for row in made.landing.read(azure_gateway_log.REQUESTS, scope=PLACE).to_pylist()
    }  # fmt: skip


FORMS = {
    "portal csv": (
        as_csv(LLM, [portal_time(row) for row in REQUESTS], utc),
        as_csv(HOPS, [portal_time(row) for row in HOP_ROWS], utc),
    ),
    "csv with a byte order mark, gzipped": (
        gzip.compress(b"\xef\xbb\xbf" + as_csv(LLM, REQUESTS)),
        gzip.compress(as_csv(HOPS, HOP_ROWS, str.lower)),
    ),
    "json lines": (as_lines(REQUESTS), as_lines(HOP_ROWS)),
    "diagnostic archive": (as_archive(REQUESTS, "GatewayLlmLogs"), as_archive(HOP_ROWS, "GatewayLogs")),
    "answer of a query": (as_answer(LLM, REQUESTS), as_answer(HOPS, HOP_ROWS)),
    "parquet": (as_parquet(REQUESTS), as_parquet(HOP_ROWS)),
    "the other order, in reverse": (as_csv(LLM, REQUESTS[::-1]), as_csv(HOPS, HOP_ROWS[::-1])),
}


@pytest.mark.parametrize("form", FORMS)
def test_azure_7_whatever_the_form_the_sums_are_the_same(made: Context, tmp_path: Path, form: str) -> None:
    llm, hops = FORMS[form]
    load(made, put(tmp_path / "files", a_dat=llm, b_dat=hops))
    assert summed(made) == EXPECTED
    rows = made.landing.read(azure_gateway_log.REQUESTS, scope=PLACE).to_pylist()
    assert {(row["BackendHost"], row["DeploymentName"], row["_gateway"]) for row in rows} == {
        ("oai-shared.openai.azure.com", "gpt-4o", "ai-gateway")
    }


def test_a_file_given_twice_counts_once(made: Context, tmp_path: Path) -> None:
    llm, hops = FORMS["json lines"]
    load(made, put(tmp_path / "files", a_json=llm, b_json=hops, c_json=llm + b"\n", d_csv=as_csv(LLM, REQUESTS)))
    assert summed(made) == EXPECTED


def test_a_second_load_changes_nothing(made: Context, tmp_path: Path) -> None:
    llm, hops = FORMS["json lines"]
    folder = put(tmp_path / "files", a_json=llm, b_json=hops)
    load(made, folder)
    assert not any(result.changed for result in load(made, folder))


@pytest.mark.parametrize("classic", [False, True], ids=["AppMetrics", "customMetrics"])
def test_azure_7_metrics_of_both_generations_are_read(made: Context, tmp_path: Path, classic: bool) -> None:
    given = [("Prompt Tokens", 700.0, 3), ("Completion Tokens", 70.0, 3), ("Requests per second", 9.0, 3)]
    dimensions = json.dumps({"Subscription ID": "apim-docs", "Deployment": "gpt-4o", "Team": "docs"})
    if classic:
        names = ("timestamp", "name", "value", "valueSum", "valueCount", "customDimensions")
        rows = [{"timestamp": "2026-11-16T10:05:00Z", "name": name, "value": total / count, "valueSum": total,
                 "valueCount": count, "customDimensions": dimensions} for name, total, count in given]  # fmt: skip
    else:
        names = ("TimeGenerated", "Name", "Sum", "ItemCount", "Properties")
        rows = [{"TimeGenerated": "2026-11-16T10:05:00Z", "Name": name, "Sum": total, "ItemCount": count,
                 "Properties": dimensions} for name, total, count in given]  # fmt: skip
    load(made, put(tmp_path / "files", a_csv=as_csv(names, rows)))
    landed = made.landing.read(azure_gateway_log.TOKENS).to_pylist()
    assert {(r["Name"], r["Tokens"], r["Measurements"], r["subscription"], r["team"]) for r in landed} == {
        ("Prompt Tokens", 700.0, 3, "apim-docs", "docs"),
        ("Completion Tokens", 70.0, 3, "apim-docs", "docs"),
    }


def test_the_gateways_own_log_alone_has_no_token(made: Context, tmp_path: Path) -> None:
    with pytest.raises(EmptyAnswer, match="Export ApiManagementGatewayLlmLog as well"):
        load(made, put(tmp_path / "files", b_csv=as_csv(HOPS, HOP_ROWS)))


def test_a_missing_column_is_named(made: Context, tmp_path: Path) -> None:
    names = tuple(name for name in LLM if name != "PromptTokens")
    with pytest.raises(SchemaChanged, match=r"looks like ApiManagementGatewayLlmLog.*missing: PromptTokens"):
        load(made, put(tmp_path / "files", a_csv=as_csv(names, REQUESTS)))


def test_times_of_another_zone_are_refused(made: Context, tmp_path: Path) -> None:
    local = as_csv(LLM, REQUESTS, lambda name: f"{name} [Local Time]" if name == "TimeGenerated" else name)
    with pytest.raises(SchemaChanged, match="is not in UTC"):
        load(made, put(tmp_path / "files", a_csv=local))


def test_a_row_that_cannot_be_taken_is_kept_with_its_reason(made: Context, tmp_path: Path) -> None:
    bad = [REQUESTS[0] | {"CorrelationId": ""}, REQUESTS[3] | {"PromptTokens": "many"}]
    load(made, put(tmp_path / "files", a_csv=as_csv(LLM, [*REQUESTS, *bad]), b_csv=as_csv(HOPS, HOP_ROWS)))
    assert summed(made) == EXPECTED
    kept = made.landing.read(quarantine_contract("azure_gateway_log")).to_pylist()
    assert {row["reason"] for row in kept} == {"it has no correlation id", "'many' is no count"}


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_never_crashes_without_a_sentence(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    """Cut, overwritten, doubled: either the sums are right, or what is wrong is told or set apart."""
    content = bytearray(data.draw(st.sampled_from([FORMS["json lines"][0], as_csv(LLM, REQUESTS)])))
    damage = data.draw(st.sampled_from(["cut", "overwrite", "double", "latin"]))
    place = data.draw(st.integers(0, len(content) - 1))
    if damage == "cut":
        content = content[:place]
    elif damage == "overwrite":
        content[place : place + 4] = data.draw(st.binary(min_size=1, max_size=8))
    elif damage == "double":
        content += content[:place]
    else:
        content[place:place] = "é".encode("latin-1")
    home = tmp_path_factory.mktemp("fuzz")
    made = context_at(home / "home")
    folder = put(home / "files", a_dat=bytes(content))
    try:
        load(made, folder)
    except InferledgerError as error:
        assert error.message and error.remedy
        return
    rows = made.landing.read(azure_gateway_log.REQUESTS).to_pylist()
    assert all(row["PromptTokens"] >= 0 and row["Requests"] >= 0 for row in rows)
    assert sum(row["Requests"] + row["Errors"] for row in rows) <= 12


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(REQUESTS))), repeats=st.lists(st.integers(0, len(REQUESTS) - 1), max_size=6))
def test_neither_order_nor_repeated_rows_change_the_sums(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], repeats: list[int]
) -> None:
    home = tmp_path_factory.mktemp("order")
    made = context_at(home / "home")
    rows = [REQUESTS[place] for place in (*order, *repeats)]
    load(made, put(home / "files", a_json=as_lines(rows), b_csv=as_csv(HOPS, HOP_ROWS)))
    assert summed(made) == EXPECTED


def test_a_file_whose_rows_are_all_bad_lands_nothing(made: Context, tmp_path: Path) -> None:
    with pytest.raises(CorruptFile, match=r"None of 18 rows can be taken"):
        load(made, put(tmp_path / "files", a_csv=as_csv(LLM, [row | {"TimeGenerated": "soon"} for row in REQUESTS])))
