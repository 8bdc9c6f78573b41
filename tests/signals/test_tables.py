from decimal import Decimal

import duckdb
import pyarrow as pa

from signals.tables import (
    SPIKE_COLUMNS,
    SPIKE_DDL,
    SPIKE_DRIVER_COLUMNS,
    SPIKE_DRIVER_DDL,
    SPIKE_DRIVER_SCHEMA,
    SPIKE_SCHEMA,
)


def warehouse() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for statement in (*SPIKE_DDL, *SPIKE_DRIVER_DDL):
        connection.execute(statement)
    return connection


def test_every_column_is_described() -> None:
    described = warehouse().execute(
        "select table_name, column_name, comment from duckdb_columns() where table_name like 'fct%'"
    ).fetchall()  # fmt: skip
    names = {("fct_spike", name) for name in SPIKE_SCHEMA.names}
    names |= {("fct_spike_driver", name) for name in SPIKE_DRIVER_SCHEMA.names}
    assert {(table, column) for table, column, _ in described} == names
    assert all(comment for _, _, comment in described)
    assert set(SPIKE_COLUMNS) == set(SPIKE_SCHEMA.names)
    assert set(SPIKE_DRIVER_COLUMNS) == set(SPIKE_DRIVER_SCHEMA.names)


def test_money_goes_in_and_comes_out_exactly() -> None:
    connection = warehouse()
    usd = Decimal("12345678901234567890.123456789012")
    found = pa.Table.from_pylist(
        [{"spike_id": "a", "driver": "price", "contribution_usd": usd}], schema=SPIKE_DRIVER_SCHEMA
    )
    connection.register("found", found)
    connection.execute("insert into fct_spike_driver select * from found")
    assert connection.execute("select contribution_usd from fct_spike_driver").fetchall() == [(usd,)]


def test_the_statements_may_run_again() -> None:
    connection = warehouse()
    for statement in SPIKE_DDL:
        connection.execute(statement)
    assert connection.execute("select count(*) from fct_spike").fetchall() == [(0,)]
