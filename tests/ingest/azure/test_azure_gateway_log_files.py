"""Exported tables of a gateway's log through the file door: the same rows whatever form they left Azure in."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ingest.contracts import Context
from ingest.errors import CorruptFile, EmptyAnswer, InferledgerError, SchemaChanged
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


@pytest.fixture
def made(tmp_path: Path) -> Context:
    return context_at(tmp_path / "home")


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
