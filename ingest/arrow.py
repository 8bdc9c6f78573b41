"""pyarrow with whole types: its stubs leave the arguments of ``Field`` and of the Parquet functions unknown."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias, cast

import pyarrow as pa
import pyarrow.parquet
from pyarrow import fs

Field: TypeAlias = "pa.Field[Any]"
Column: TypeAlias = "pa.ChunkedArray[Any]"
_parquet = cast(Any, pyarrow.parquet)


def fields(schema: pa.Schema) -> list[Field]:
    """The fields of ``schema`` in order."""
    return list(cast("Iterable[Field]", schema))


def type_of(schema: pa.Schema, name: str) -> pa.DataType:
    """Type of the field ``name``; raises KeyError when there is none."""
    return cast(Any, schema).field(name).type


def constant(value: object, rows: int, kind: pa.DataType) -> Column:
    """``rows`` times ``value`` as a column of type ``kind``."""
    return pa.chunked_array([cast(Any, pa).repeat(pa.scalar(cast(Any, value), kind), rows)])


def nulls(rows: int, kind: pa.DataType) -> Column:
    """``rows`` times NULL as a column of type ``kind``."""
    return pa.chunked_array([cast(Any, pa).nulls(rows, kind)])


def read_parquet(path: str, files: fs.FileSystem) -> pa.Table:
    """The rows of one Parquet file."""
    return _parquet.read_table(path, filesystem=files)


def read_parquet_schema(path: str, files: fs.FileSystem) -> pa.Schema:
    """The columns of one Parquet file, from its footer."""
    return _parquet.read_schema(path, filesystem=files)


def read_parquet_metadata(path: str, files: fs.FileSystem) -> tuple[int, dict[bytes, bytes]]:
    """Row count and key-value metadata of one Parquet file, from its footer."""
    footer = _parquet.read_metadata(path, filesystem=files)
    return footer.num_rows, footer.metadata or {}


def write_parquet(table: pa.Table, path: str, files: fs.FileSystem) -> None:
    """Write ``table`` as one Parquet file."""
    _parquet.write_table(table, path, filesystem=files)


def write_parquet_file(table: pa.Table, path: Path) -> None:
    """Write ``table`` as one local Parquet file."""
    _parquet.write_table(table, str(path))


def read_parquet_file_schema(path: Path) -> pa.Schema:
    """The columns of one local Parquet file, from its footer."""
    return _parquet.read_schema(str(path))
