"""Publish: copy the audited marts into a new file and swap it in by rename.

Readers hold the old file until they open again; a killed publish leaves only a file aside, which the next one removes.
"""

import os
from pathlib import Path

import duckdb

from ingest.errors import TerminalError
from ingest.run import Run
from ingest.settings import Settings
from pipeline.building import is_done
from pipeline.lock import warehouse_lock


def publish(settings: Settings, run: Run) -> Path:
    """Swap in a published file that holds every mart of the warehouse.

    Returns:
        The path of the published file.

    Raises:
        TerminalError: the last build or detection did not pass, so there is nothing to publish.
    """
    target = settings.published
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(".inferledger-*"):
        leftover.unlink()
    aside = target.parent / f".inferledger-{run.run_id}.duckdb"
    with warehouse_lock(settings.home):
        _require_audited(settings.warehouse)
        with duckdb.connect(aside) as connection:
            _copy_marts(connection, settings.warehouse, run)
    with aside.open("rb") as handle:
        os.fsync(handle.fileno())
    aside.replace(target)
    return target


def _require_audited(warehouse: Path) -> None:
    if not warehouse.exists():
        raise TerminalError(
            "There is no warehouse to publish.", "Run `inferledger build` and `inferledger detect` first."
        )
    with duckdb.connect(warehouse, read_only=True) as connection:
        for step in ("build", "detect"):
            if not is_done(connection, step):
                raise TerminalError(
                    f"The warehouse has not passed `{step}`, so the published file stays as it is.",
                    f"Run `inferledger {step}` and mend what it names.",
                )


def _copy_marts(connection: duckdb.DuckDBPyConnection, warehouse: Path, run: Run) -> None:
    """Copy each table and view of the warehouse's schema ``main``, then write what this publication is."""
    source = str(warehouse).replace("'", "''")
    connection.execute(f"attach '{source}' as warehouse (read_only)")
    here = "where database_name = 'warehouse' and schema_name = 'main'"
    tables = connection.execute(
        f"select table_name from duckdb_tables() {here} "
        f"union all select view_name from duckdb_views() {here} and not internal order by 1"
    ).fetchall()
    rows = 0
    for (table,) in tables:
        connection.execute(f'create table main."{table}" as select * from warehouse.main."{table}"')
        count = connection.execute(f'select count(*) from main."{table}"').fetchone()
        rows += count[0] if count else 0
    complete = connection.execute(
        "select min(complete_through) from main.source_status where complete_through is not null"
    ).fetchone()
    connection.execute(
        "create table main.publication (as_of timestamp, run_id varchar, complete_through date, published_rows bigint)"
    )
    connection.execute(
        "insert into main.publication values (?, ?, ?, ?)",
        [run.as_of.replace(tzinfo=None), run.run_id, complete[0] if complete else None, rows],
    )
    connection.execute("detach warehouse")
    connection.execute("checkpoint")
