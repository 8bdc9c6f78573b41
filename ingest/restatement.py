"""What a restatement takes back: rows that the earlier load of a window had and the newer one lacks.

Rows are compared by the key of their stream's contract, times by their day, and counted: two equal rows that became one
are one row gone. Files are read a batch at a time, so that a month of millions of rows needs little memory.
"""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet
from pyarrow import fs

from ingest.contracts import StreamContract

pc: Any = pyarrow.compute
_parquet: Any = pyarrow.parquet
ROWS_PER_BATCH = 200_000
MOST_GROUPS = 1_000_000
_text = pa.string()
RESTATEMENT_SCHEMA = pa.schema(
    [
        ("source", _text),
        ("stream", _text),
        ("scope", _text),
        ("window_start", pa.timestamp("us", tz="UTC")),
        ("restated_at", pa.timestamp("us", tz="UTC")),
        ("run_id", _text),
        ("gone_rows", pa.int64()),
        ("gone_amount", _text),
    ]
)


def restatement_contract(source: str) -> StreamContract:
    """Contract of the stream in which a source writes down what restatements took back."""
    return StreamContract(source, "_restatements", RESTATEMENT_SCHEMA, ("source", "stream", "scope"), may_shrink=True)


def gone_rows(contract: StreamContract, files: fs.FileSystem, earlier: str, newer: str) -> tuple[int, str | None]:
    """How many rows of the file `earlier` the file `newer` lacks, and the sum of their amounts as text.

    The amount is that of the earlier groups that lost rows, less that of the same groups now; None where the contract
    names none or an amount cannot be read.
    """
    keys = [f"k{number}" for number in range(len(contract.key))]
    before, after = (_groups(contract, files, path) for path in (earlier, newer))
    joined = before.join(after, keys=keys, join_type="left outer", right_suffix="_after")
    lost = pc.subtract(joined["rows"], pc.fill_null(joined["rows_after"], 0))
    fewer = pc.greater(lost, 0)
    count = pc.sum(pc.filter(lost, fewer)).as_py() or 0
    if not count or contract.amount is None:
        return count, None
    missing = joined.filter(fewer)
    return count, _difference(missing["amount"].to_pylist(), missing["amount_after"].to_pylist())


def _difference(before: list[Any], after: list[Any]) -> str | None:
    if any(value is None for value in before):
        return None
    return str(sum((Decimal(str(value)) for value in before), Decimal(0)) - sum(
        (Decimal(str(value)) for value in after if value is not None), Decimal(0)))  # fmt: skip


def _groups(contract: StreamContract, files: fs.FileSystem, path: str) -> Any:
    """Rows and amount by key, of one landed file."""
    columns = sorted(
        {name.partition(".")[0] for name in (*contract.key, *([contract.amount] if contract.amount else []))}
    )
    parts: list[Any] = []
    with _parquet.ParquetFile(path, filesystem=files) as file:
        present = [name for name in columns if name in file.schema_arrow.names]
        for batch in file.iter_batches(ROWS_PER_BATCH, columns=present):
            parts.append(_summed(_keyed(contract, pa.Table.from_batches([batch]))))
            if sum(part.num_rows for part in parts) > MOST_GROUPS and len(parts) > 1:
                parts = [_summed(pa.concat_tables(parts))]
    return _summed(pa.concat_tables(parts))


def _keyed(contract: StreamContract, table: Any) -> Any:
    found = {f"k{number}": _as_key(_column(table, name)) for number, name in enumerate(contract.key)}
    rows = table.num_rows
    amount = (
        pa.nulls(rows, pa.decimal128(38, 12)) if contract.amount is None else _amount(_column(table, contract.amount))
    )
    return pa.table(found | {"rows": pa.array([1] * rows, pa.int64()), "amount": amount})


def _column(table: Any, path: str) -> Any:
    name, _, rest = path.partition(".")
    if name not in table.column_names:
        return pa.nulls(table.num_rows, _text)
    column = table[name].combine_chunks()
    for part in rest.split(".") if rest else ():
        column = pc.struct_field(column, part)
    return column


def _as_key(column: Any) -> Any:
    if pa.types.is_timestamp(column.type):
        column = pc.floor_temporal(column, unit="day")
    # a join never matches NULL with NULL
    return pc.fill_null(column.cast(_text), "")


def _amount(column: Any) -> Any:
    if pa.types.is_string(column.type):
        column = pc.if_else(pc.equal(pc.utf8_trim_whitespace(column), ""), pa.scalar(None, _text), column)
    # a record of what is gone, not a bill: twelve decimals of a double are near enough
    return column.cast(pa.float64()).cast(pa.decimal128(38, 12), safe=False)


def _summed(table: Any) -> Any:
    keys = [name for name in table.column_names if name.startswith("k")]
    grouped = table.group_by(keys).aggregate([("rows", "sum"), ("amount", "sum")])
    return grouped.rename_columns([name.removesuffix("_sum") for name in grouped.column_names])
