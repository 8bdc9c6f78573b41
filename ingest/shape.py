"""Brings what a provider sent into the columns and types of its stream's contract."""

import logging
from collections.abc import Iterable, Iterator

import pyarrow as pa

from ingest import arrow
from ingest.contracts import WINDOW_FIELDS
from ingest.errors import SchemaChanged

logger = logging.getLogger(__name__)


def tables(batches: Iterable[pa.Table | pa.RecordBatch]) -> Iterator[pa.Table]:
    for batch in batches:
        yield pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch


def landed(schema: pa.Schema) -> pa.Schema:
    """``schema`` as it lands: with the columns that tell window and run."""
    return pa.schema([*arrow.fields(schema), *WINDOW_FIELDS])


def with_extras(schema: pa.Schema, found: pa.Schema, where: str) -> pa.Schema:
    """The contract's fields, then the fields that the provider added."""
    extras = [field for field in arrow.fields(found) if field.name not in schema.names]
    if extras:
        logger.warning("unknown fields are kept", extra={"where": where, "fields": [field.name for field in extras]})
    return pa.schema([*arrow.fields(schema), *extras])


def conform(table: pa.Table, schema: pa.Schema, required: tuple[str, ...], where: str) -> pa.Table:
    """``table`` in the columns and types of ``schema``.

    Raises:
        SchemaChanged: a required column is absent, a column cannot be cast, or a new one appeared in mid-load.
    """
    missing = [name for name in required if name not in table.column_names]
    if missing:
        raise SchemaChanged(
            f"{where}: required columns are missing: {', '.join(missing)}; found {', '.join(table.column_names)}.",
            "Add them to the export, or check whether the provider renamed them.",
        )
    columns: list[arrow.Column] = []
    for field in arrow.fields(schema):
        if field.name not in table.column_names:
            columns.append(arrow.nulls(table.num_rows, field.type))
            continue
        try:
            columns.append(table.column(field.name).cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
            found = arrow.type_of(table.schema, field.name)
            raise SchemaChanged(
                f"{where}: column {field.name} came as {found}, not {field.type}: {error}.",
                "Check whether the provider changed its type.",
            ) from error
    strays = [name for name in table.column_names if name not in schema.names]
    if strays:
        raise SchemaChanged(
            f"{where}: columns {', '.join(strays)} appeared in the middle of a load.", "Load the window again."
        )
    return pa.Table.from_arrays(columns, schema=schema)


def serialised(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table.combine_chunks())
    return sink.getvalue()
