"""Detect: hand the audited marts to the signals and write what they find beside them."""

from pathlib import Path

import duckdb
import pyarrow as pa

from ingest.errors import ConfigError, TerminalError
from ingest.run import Run
from ingest.settings import Settings
from pipeline.building import is_done, mark_step
from pipeline.lock import warehouse_lock
from signals import tables
from signals.spikes import find_spikes


def detect(settings: Settings, run: Run) -> int:
    """Judge spend and tokens, and write `fct_spike` and `fct_spike_driver` into the warehouse.

    Returns:
        How many spikes stand in `fct_spike`.

    Raises:
        TerminalError: the models have not been built.
    """
    if not settings.warehouse.exists():
        raise TerminalError("There is no warehouse to search for spikes.", "Run `inferledger build` first.")
    with warehouse_lock(settings.home), duckdb.connect(settings.warehouse) as connection:
        if not is_done(connection, "build"):
            raise TerminalError(
                "The last build did not pass, so there is nothing to judge.", "Run `inferledger build`."
            )
        connection.execute("set timezone = 'UTC'")
        queries = (tables.SPEND_QUERY, tables.TOKENS_QUERY, tables.STATUS_QUERY)
        spend, tokens, status = (connection.execute(query).to_arrow_table() for query in queries)
        findings = find_spikes(spend, tokens, status)
        connection.execute("begin")
        _write(connection, "fct_spike", tables.SPIKE_DDL, findings.spikes)
        _write(connection, "fct_spike_driver", tables.SPIKE_DRIVER_DDL, findings.drivers)
        mark_step(connection, "detect", run)
        connection.execute("commit")
    return findings.spikes.num_rows


def _write(connection: duckdb.DuckDBPyConnection, table: str, ddl: tuple[str, ...], rows: pa.Table) -> None:
    """Create ``table`` anew and fill it."""
    for statement in ddl:
        connection.execute(statement)
    connection.register("found", rows)
    connection.execute(f"insert into {table} select * from found")
    connection.unregister("found")


def detect_file(csv: Path, out: Path) -> int:
    """Judge every row of a CSV file (`series,timestamp,value`) and write it back with what was expected.

    Returns:
        How many rows are anomalies.

    Raises:
        ConfigError: the file is not such a file; names the line.
    """
    from signals.csv_detect import CsvError, detect_csv

    try:
        return detect_csv(csv, out)
    except CsvError as error:
        raise ConfigError(str(error)) from error
