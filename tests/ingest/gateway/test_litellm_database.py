"""The spend log table, made from the schema that LiteLLM ships, read by a role that may only read."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ingest.errors import ConfigError, CredentialExpired, PermissionDenied, SchemaChanged, Unreachable
from ingest.sources import litellm_database
from tests.ingest.gateway.conftest import MakeContext

PROMPT = "SECRET-PROMPT of a person"
SECTIONS = {"backfill_days": 5, "litellm": {"database": {}}}
TYPES = {"String": "text", "Float": "double precision", "Int": "integer", "DateTime": "timestamp(3)", "Json": "jsonb"}
# the table as LiteLLM 1.108 ships it, for machines where the package cannot be installed
SHIPPED = Path(__file__).parent / "spend_logs.prisma"


def ddl(model: str) -> str:
    """The table of a Prisma model."""
    columns = []
    for line in model.splitlines():
        match = re.match(r"\s+(\w+)\s+(String|Float|Int|DateTime|Json)(\?)?\s*(.*)$", line.partition("//")[0])
        if match is None:
            continue
        name, kind, optional, rest = match.groups()
        default = re.search(r'@default\s*\((now\(\)|"[^"]*"|[\d.]+)\)', rest)
        value = f" default {default[1].replace(chr(34), chr(39))}" if default else ""
        key = " primary key" if "@id" in rest else ""
        columns.append(f'"{name}" {TYPES[kind]}{value}{"" if optional or key else " not null"}{key}')
    return f'create table "LiteLLM_SpendLogs" ({", ".join(columns)})'


def shipped_model() -> str:
    """The model in the installed package, else the kept copy of it."""
    installed = sorted(Path(__file__).parents[3].glob(".cache/litellm/lib/*/site-packages/litellm/proxy/schema.prisma"))
    text = (installed[0] if installed else SHIPPED).read_text()
    found = re.search(r"model LiteLLM_SpendLogs \{.*?\n\}", text, re.DOTALL)
    assert found is not None
    return found[0]


def insert(connection: Any, identity: str, moment: str, **values: Any) -> None:
    row = {
        "request_id": identity, "call_type": "acompletion", "api_key": "hashed", "spend": 0.1, "total_tokens": 30,
        "prompt_tokens": 10, "completion_tokens": 20, "startTime": moment, "endTime": moment, "model": "gpt-4o",
        "custom_llm_provider": "openai", "team_id": "search", "messages": json.dumps({"content": PROMPT}),
        "response": json.dumps({"content": PROMPT}), "proxy_server_request": json.dumps({"content": PROMPT}),
        "metadata": json.dumps({"user_api_key_alias": "search-key", "error_information": {"error_message": PROMPT}}),
        "request_tags": json.dumps(["team:docs"]), "status": "success",
    } | values  # fmt: skip
    names, marks = ", ".join(f'"{name}"' for name in row), ", ".join(["%s"] * len(row))
    connection.execute(f'insert into "LiteLLM_SpendLogs" ({names}) values ({marks})', list(row.values()))


@pytest.fixture
def owner(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The owner's connection to an empty spend log; the reader's URL stands in the environment."""
    with psycopg.connect(postgres_url.format(role="owner"), autocommit=True) as connection:
        connection.execute('drop table if exists "LiteLLM_SpendLogs"')
        connection.execute(ddl(shipped_model()))
        if connection.execute("select 1 from pg_roles where rolname = 'inferledger_reader'").fetchone() is None:
            connection.execute("create role inferledger_reader login")
        connection.execute('grant select on "LiteLLM_SpendLogs" to inferledger_reader')
        monkeypatch.setenv("LITELLM_DATABASE_URL", postgres_url.format(role="inferledger_reader"))
        yield connection


def test_litellm_the_table_is_read_by_day_without_prompts(owner: Any, make_context: MakeContext) -> None:
    insert(owner, "a", "2026-11-16 23:59:59.999", spend=0.1)
    insert(owner, "b", "2026-11-17 00:00:00.000", spend=0.30000000000000004, cache_hit="True")
    insert(owner, "c", "2026-11-17 09:00:00", status="failure", spend=0)
    insert(owner, "old", "2026-11-01 09:00:00")
    context = make_context(SECTIONS)
    results = [result for result in litellm_database.load(context, None) if result.stream == "spend_logs"]
    assert [(result.window_start.day, result.rows) for result in results] == [(16, 1), (17, 2)]
    rows = context.landing.read(litellm_database.SPEND_LOGS).to_pylist()
    assert {row["request_id"]: row["spend"] for row in rows} == {"a": "0.1", "b": "0.30000000000000004", "c": "0"}
    assert rows[0]["metadata"]["user_api_key_alias"] == "search-key"
    assert rows[0]["request_tags"] == ["team:docs"]
    assert "SECRET" not in json.dumps(rows, default=str)
    status = context.landing.read(litellm_database.SPEND_LOGS)
    assert max(status.column("startTime").to_pylist()).replace(tzinfo=None) == datetime(2026, 11, 17, 9)  # noqa: DTZ001


def test_litellm_a_later_run_reads_the_trailing_days_only(owner: Any, make_context: MakeContext) -> None:
    insert(owner, "a", "2026-11-13 09:00:00")
    insert(owner, "b", "2026-11-17 09:00:00")
    litellm_database.load(make_context(SECTIONS), None)
    insert(owner, "late", "2026-11-16 09:00:00")
    again = litellm_database.load(make_context(SECTIONS, run_id="run-2"), None)
    changed = [result for result in again if result.stream == "spend_logs" and result.changed]
    assert [(result.window_start.day, result.rows) for result in changed] == [(16, 1)]
    assert min(result.window_start.day for result in again) == 16


def test_litellm_the_session_cannot_write(owner: Any, make_context: MakeContext) -> None:
    owner.execute('grant all on "LiteLLM_SpendLogs" to inferledger_reader')
    database = make_context(SECTIONS).config.litellm.database
    assert database is not None
    with pytest.raises(Unreachable, match="read-only transaction"), litellm_database._connected(database) as connection:
        connection.execute('delete from "LiteLLM_SpendLogs"')
    findings = list(litellm_database.check(make_context(SECTIONS)))
    assert [finding.status for finding in findings] == ["ok", "warn"]


def test_litellm_a_role_without_the_grant_is_told_it(owner: Any, make_context: MakeContext) -> None:
    owner.execute('revoke all on "LiteLLM_SpendLogs" from inferledger_reader')
    with pytest.raises(PermissionDenied) as caught:
        litellm_database.load(make_context(SECTIONS), None)
    assert 'GRANT SELECT ON public."LiteLLM_SpendLogs" TO inferledger_reader;' in caught.value.remedy
    assert [finding.status for finding in litellm_database.check(make_context(SECTIONS))] == ["fail"]


def test_litellm_older_tables_lack_columns_and_a_foreign_one_is_named(owner: Any, make_context: MakeContext) -> None:
    owner.execute('alter table "LiteLLM_SpendLogs" drop column status, drop column litellm_call_id')
    owner.execute("insert into \"LiteLLM_SpendLogs\" (request_id, call_type, \"startTime\", \"endTime\", spend) "
                  "values ('a', 'x', '2026-11-17', '2026-11-17', 1)")  # fmt: skip
    context = make_context(SECTIONS)
    litellm_database.load(context, None)
    assert context.landing.read(litellm_database.SPEND_LOGS).to_pylist()[0]["status"] is None
    owner.execute('alter table "LiteLLM_SpendLogs" rename column spend to cost')
    with pytest.raises(SchemaChanged, match="lacks the columns spend"):
        litellm_database.load(context, None)


def test_litellm_a_spend_that_is_no_money_is_set_apart(owner: Any, make_context: MakeContext) -> None:
    for number in range(9):
        insert(owner, f"good-{number}", "2026-11-17 09:00:00")
    insert(owner, "bad", "2026-11-17 09:00:00", spend=float("nan"))
    results = litellm_database.load(make_context(SECTIONS), None)
    assert {result.stream: result.rows for result in results} == {"spend_logs": 9, "_quarantine": 1}


def test_litellm_what_is_wrong_with_the_database_is_said(
    owner: Any, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    context = make_context(SECTIONS)
    monkeypatch.delenv("LITELLM_DATABASE_URL")
    with pytest.raises(ConfigError, match="LITELLM_DATABASE_URL is not set"):
        litellm_database.load(context, None)
    monkeypatch.setenv("LITELLM_DATABASE_URL", postgres_url.format(role="nobody-there"))
    with pytest.raises((CredentialExpired, ConfigError)):
        litellm_database.load(context, None)
    monkeypatch.setenv("LITELLM_DATABASE_URL", "postgresql://u:very-secret@127.0.0.1:9/x")
    with pytest.raises(Unreachable) as caught:
        litellm_database.load(context, None)
    assert "very-secret" not in str(caught.value)
