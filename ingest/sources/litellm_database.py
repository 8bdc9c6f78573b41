"""LiteLLM's spend log in PostgreSQL: the table `LiteLLM_SpendLogs`, a row per request.

Inputs: the table that `litellm.database` names, read by a role that may do no more; the session is set to read only and
rows come through a cursor on the server, a few thousand at a time. Only the columns named here are asked for: prompts,
answers and addresses stay where they are. Columns that an older proxy lacks are NULL.
A window is one UTC day of `startTime`, replaced whole; the first run reads `backfill_days`, later ones from three days
before the newest landed day on, because a row is written when its request ends and the writer sends in batches.
Run alone: `inferledger ingest litellm`.
"""

import json
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any, cast

import pyarrow as pa

from ingest.checks import Finding
from ingest.config_gateway import LitellmDatabase
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import ConfigError, CredentialExpired, InferledgerError, PermissionDenied, SchemaChanged, Unreachable
from ingest.json_values import UnreadableRow, cost, count, known_cost
from ingest.quarantine import Quarantine
from ingest.run import Window, day_start, days
from ingest.sources.litellm_rows import METADATA, SOURCE, metadata, tags

SCOPE = "database"
TRAILING_DAYS = 3
ROWS_PER_FETCH = 5_000
CONNECT_TIMEOUT_S = 10
_text, _count, _time = pa.string(), pa.int64(), pa.timestamp("us", tz="UTC")
_SCHEMA = pa.schema(
    [
        ("request_id", _text),
        ("litellm_call_id", _text),
        ("call_type", _text),
        ("api_key", _text),
        ("spend", _text),
        ("total_tokens", _count),
        ("prompt_tokens", _count),
        ("completion_tokens", _count),
        ("startTime", _time),
        ("endTime", _time),
        ("model", _text),
        ("model_id", _text),
        ("model_group", _text),
        ("custom_llm_provider", _text),
        ("api_base", _text),
        ("user", _text),
        ("metadata", METADATA),
        ("cache_hit", _text),
        ("request_tags", pa.list_(_text)),
        ("team_id", _text),
        ("organization_id", _text),
        ("end_user", _text),
        ("status", _text),
    ]
)
SPEND_LOGS = StreamContract(SOURCE, "spend_logs", _SCHEMA, ("request_id", "startTime", "spend"), empty_ok=True)
STREAMS = (SPEND_LOGS,)
_REQUIRED = ("request_id", "startTime", "spend", "model", "prompt_tokens", "completion_tokens")
_COUNTS = ("total_tokens", "prompt_tokens", "completion_tokens")
_GRANT = (
    "GRANT CONNECT ON DATABASE litellm TO inferledger_reader; GRANT USAGE ON SCHEMA {schema} TO inferledger_reader; "
    'GRANT SELECT ON {schema}."{table}" TO inferledger_reader;'
)


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Replace each day of `window` (None: from three days before the newest landed one on).

    Raises:
        ConfigError: the variable with the database's URL is not set, or psycopg is not installed.
        PermissionDenied, CredentialExpired, Unreachable: as PostgreSQL answered.
        SchemaChanged: the table lacks a column that every version has.
    """
    database = context.config.litellm.database
    if database is None:
        return []
    span = window or _due(context)
    newest: datetime | None = None
    results: list[LoadResult] = []
    with _connected(database) as connection:
        columns = _columns(connection, database)
        wanted = list(days(span))
        for number, day in enumerate(wanted):
            context.progress(f"{SOURCE} {SCOPE}", number, len(wanted))
            quarantine, rows = Quarantine(SPEND_LOGS), list(_rows(connection, database, columns, day))
            tables = [_table(batch, quarantine) for batch in rows]
            good = sum(table.num_rows for table in tables)
            landed = f"{day.start:%Y-%m-%d}" in context.landing.windows(SPEND_LOGS, SCOPE)
            if not good and not quarantine.rows and not landed:
                continue
            results.append(context.landing.write(SPEND_LOGS, scope=SCOPE, window=day, batches=tables))
            results.append(quarantine.land(context.landing, scope=SCOPE, window=day, good_rows=good))
            for table in tables:
                newest = _later(newest, table)
    context.landing.report(SOURCE, SCOPE, newest)
    return results


def check(context: Context) -> Iterator[Finding]:
    """Whether the table can be read, and whether the role could write to it."""
    database = context.config.litellm.database
    if database is None:
        return
    try:
        with _connected(database) as connection:
            _columns(connection, database)
            yield Finding(SOURCE, SCOPE, "permitted", "ok", f'"{database.table}" can be read.')
            yield _write_check(connection, database)
    except InferledgerError as error:
        yield Finding(SOURCE, SCOPE, "permitted", "fail", error.message, error.remedy)


def _write_check(connection: Any, database: LitellmDatabase) -> Finding:
    query = "select has_table_privilege(%s, 'INSERT, UPDATE, DELETE, TRUNCATE')"
    may_write = connection.execute(query, [f'"{database.db_schema}"."{database.table}"']).fetchone()[0]
    if may_write:
        return Finding(
            SOURCE, SCOPE, "permitted", "warn", "The role may write to the table, which is never needed.",
            "Use a role that may only read: " + _GRANT.format(schema=database.db_schema, table=database.table),
        )  # fmt: skip
    return Finding(SOURCE, SCOPE, "permitted", "ok", "The role may only read.")


def _later(newest: datetime | None, table: pa.Table) -> datetime | None:
    moments = cast(list[datetime], table.column("startTime").to_pylist())
    return max([*moments, newest] if newest else moments, default=None)


def _due(context: Context) -> Window:
    as_of, landed = context.run.as_of, context.landing.windows(SPEND_LOGS, SCOPE)
    first = as_of - timedelta(days=context.config.backfill_days)
    if landed:
        first = max(first, day_start(date.fromisoformat(landed[-1])) - timedelta(days=TRAILING_DAYS))
    return Window(day_start(first.date()), day_start(as_of.date() + timedelta(days=1)))


@contextmanager
def _connected(database: LitellmDatabase) -> Generator[Any]:
    """A connection that cannot write, closed afterwards; PostgreSQL's errors become ours."""
    try:
        psycopg: Any = import_module("psycopg")
    except ImportError as error:
        raise ConfigError(
            "LiteLLM's database needs psycopg, which is not installed.", "Install inferledger[postgres]."
        ) from error
    url = os.environ.get(database.url_env)
    if not url:
        raise ConfigError(
            f"{database.url_env} is not set, and litellm.database in sources.yml names it.",
            f"Set {database.url_env}=postgresql://inferledger_reader:...@host:5432/litellm.",
        )
    try:
        with psycopg.connect(
            url, connect_timeout=CONNECT_TIMEOUT_S, application_name="inferledger",
            options="-c default_transaction_read_only=on -c timezone=UTC -c statement_timeout=600000",
        ) as connection:  # fmt: skip
            connection.read_only = True
            yield connection
    except psycopg.Error as error:
        raise _ours(error, database) from error


def _ours(error: Any, database: LitellmDatabase) -> InferledgerError:
    """The error of ours for one of PostgreSQL's; its text never holds the password."""
    state, said = str(error.sqlstate or ""), (str(error).strip().splitlines() or ["no message"])[0].rstrip(".")
    where = f"LiteLLM's database ({database.url_env})"
    grant = _GRANT.format(schema=database.db_schema, table=database.table)
    if state == "42501":
        return PermissionDenied(f"{where} refuses the read: {said}.", grant)
    if state.startswith("28") or "password authentication failed" in said or "no password supplied" in said:
        return CredentialExpired(f"{where} does not accept the role: {said}.", f"Correct {database.url_env}.")
    if state in ("3D000", "42P01") or "does not exist" in said:
        return ConfigError(f"{where}: {said}.", f"Correct {database.url_env}, or `table` in sources.yml.")
    return Unreachable(f"{where} cannot be reached: {said}.", f"Check host and port in {database.url_env}.")


def _columns(connection: Any, database: LitellmDatabase) -> list[str]:
    """The contract's columns that the table has.

    Raises:
        ConfigError: there is no such table, or it shows this role nothing.
        SchemaChanged: a column is missing that every version has.
    """
    query = "select column_name from information_schema.columns where table_schema = %s and table_name = %s"
    found = {row[0] for row in connection.execute(query, [database.db_schema, database.table])}
    if not found:
        # PostgreSQL hides the columns of what a role may not read: ask for a row, so that it says which it is
        connection.execute(f'select 1 from "{database.db_schema}"."{database.table}" limit 1')
        raise ConfigError(f'There is no table "{database.table}".', "Correct `table` in sources.yml.")
    missing = [name for name in _REQUIRED if name not in found]
    if missing:
        raise SchemaChanged(
            f'"{database.table}" lacks the columns {", ".join(missing)}; it has {", ".join(sorted(found))}.',
            "Check that it is LiteLLM's spend log.",
        )
    return [name for name in SPEND_LOGS.schema.names if name in found]


def _rows(
    connection: Any, database: LitellmDatabase, columns: list[str], day: Window
) -> Iterator[list[dict[str, Any]]]:
    """The rows of one day, some thousands at a time; money as the shortest text of its double."""
    dict_row: Any = import_module("psycopg.rows").dict_row
    listed = ", ".join(f'"{name}"::text as "{name}"' if name == "spend" else f'"{name}"' for name in columns)
    query = (
        f'select {listed} from "{database.db_schema}"."{database.table}" '
        'where "startTime" >= %s and "startTime" < %s order by "startTime", "request_id"'
    )
    # the column has no zone and holds UTC
    bounds = [day.start.replace(tzinfo=None), day.end.replace(tzinfo=None)]
    with connection.cursor(name="inferledger", row_factory=dict_row) as cursor:
        cursor.itersize = ROWS_PER_FETCH
        cursor.execute(query, bounds)
        while batch := cursor.fetchmany(ROWS_PER_FETCH):
            yield batch


def _table(batch: list[dict[str, Any]], quarantine: Quarantine) -> pa.Table:
    kept: list[dict[str, Any]] = []
    for row in batch:
        try:
            kept.append(_kept(row))
        except UnreadableRow as error:
            quarantine.put(
                file="LiteLLM_SpendLogs", reason=str(error), row=f"request_id {row['request_id']!r}",
                amount=known_cost(row.get("spend")), currency="USD",
            )  # fmt: skip
    return pa.Table.from_pylist(kept, schema=SPEND_LOGS.schema)


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    found = _json(row.get("metadata"))
    return row | {name: count(row.get(name), name) for name in _COUNTS} | {
        "spend": cost(row["spend"]),
        "startTime": _utc(row["startTime"]),
        "endTime": _utc(row.get("endTime")),
        "metadata": metadata(cast(dict[str, Any], found) if isinstance(found, dict) else {}),
        "request_tags": tags(_json(row.get("request_tags"))),
    }  # fmt: skip


def _json(value: Any) -> object:
    """A JSON column's value; older proxies store the text of it as a JSON string."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
