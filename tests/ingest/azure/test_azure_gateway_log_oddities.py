"""What a gateway's tables do not say, say wrongly, or are not: unknown stays unknown, and the rest is read."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ingest.contracts import Context
from ingest.quarantine import quarantine_contract
from ingest.sources import azure_gateway_log
from tests.ingest.azure.gateway_tables import (
    EXPECTED,
    FORMS,
    HOP_ROWS,
    HOPS,
    LLM,
    PLACE,
    REQUESTS,
    as_csv,
    as_lines,
    context_at,
    load,
    put,
    summed,
)

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


@pytest.fixture
def made(tmp_path: Path) -> Context:
    return context_at(tmp_path / "home")


def reasons(made: Context) -> list[str]:
    return [row["reason"] for row in made.landing.read(quarantine_contract("azure_gateway_log")).to_pylist()]


def without_tokens(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.endswith("Tokens")}


def test_a_request_without_token_counts_is_counted_and_its_tokens_are_unknown(made: Context, tmp_path: Path) -> None:
    # requests 0 and 2 share an hour and a key; the first states nothing in any of its rows
    rows = [without_tokens(row) if row["CorrelationId"] == "c-0" else row for row in REQUESTS]
    load(made, put(tmp_path / "files", a_json=as_lines(rows), b_csv=as_csv(HOPS, HOP_ROWS)))
    landed = made.landing.read(azure_gateway_log.REQUESTS, scope=PLACE).to_pylist()
    mine = [row for row in landed if (row["TimeGenerated"].hour, row["ApimSubscriptionId"]) == (10, "apim-mobile")]
    assert sorted((row["Requests"], row["PromptTokens"] or -1, row["TotalTokens"] or -1) for row in mine) == [
        (1, -1, -1),
        (1, 100, 120),
    ]
    (status,) = pq.read_table(f"{made.settings.landing_root}/azure_gateway_log/_status").to_pylist()
    assert status["message"] == "1 requests state no token count; theirs are unknown."


def test_an_image_and_an_empty_file_between_the_tables_do_not_stop_them(
    made: Context, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    llm, hops = FORMS["portal csv"]
    load(made, put(tmp_path / "files", a_csv=llm, b_csv=hops, logo_csv=PNG, nothing_csv=b""))
    assert summed(made) == EXPECTED
    assert "logo.csv is no CSV, JSON or Parquet file: it is a PNG image" in caplog.text
    assert "nothing.csv is empty" in caplog.text


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_row_of_an_impossible_year_is_set_apart(made: Context, tmp_path: Path, year: str) -> None:
    bad = REQUESTS[0] | {"TimeGenerated": f"{year}-01-01T00:00:00Z", "CorrelationId": "c-9"}
    load(made, put(tmp_path / "files", a_csv=as_csv(LLM, [*REQUESTS, bad]), b_csv=as_csv(HOPS, HOP_ROWS)))
    assert summed(made) == EXPECTED
    assert reasons(made) == [f"'{year}-01-01T00:00:00Z' lies outside of the years 2000 to 2199"]


def test_an_answer_of_another_shape_is_set_apart_piece_by_piece(made: Context, tmp_path: Path) -> None:
    columns = [{"name": name} for name in LLM]
    rows = [[row.get(name) for name in LLM] for row in REQUESTS]
    tables: list[Any] = [
        {"columns": columns, "rows": [*rows, *rows, rows[0][:-1], "no row"]},
        {"columns": [{"title": "x"}], "rows": []},
        "no table",
    ]
    records = {"records": [7]}
    content = "\n".join(json.dumps(one) for one in ({"tables": tables}, records)).encode()
    load(made, put(tmp_path / "files", a_json=content, b_csv=as_csv(HOPS, HOP_ROWS)))
    assert summed(made) == EXPECTED
    assert sorted(reasons(made)) == [
        "it has not one value for each of 10 columns",
        "it has not one value for each of 10 columns",
        "it is a table without columns and rows",
        "it is a table without columns and rows",
        "it is no JSON object",
    ]


def test_half_a_character_in_a_name_does_not_stop_the_rest(made: Context, tmp_path: Path) -> None:
    rows = [row | {"ModelName": "gpt\ud83d"} if row["ModelName"] else row for row in REQUESTS]
    load(made, put(tmp_path / "files", a_json=as_lines(rows), b_csv=as_csv(HOPS, HOP_ROWS)))
    assert summed(made) == EXPECTED
    landed = made.landing.read(azure_gateway_log.REQUESTS, scope=PLACE)
    assert set(landed.column("ModelName").to_pylist()) == {"gpt?"}
    assert isinstance(landed.column("TimeGenerated")[0].as_py(), datetime)
