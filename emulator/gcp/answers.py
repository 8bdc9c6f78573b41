"""BigQuery's types: how wide a value is, and an engine's answer in the types that BigQuery sends."""

import tempfile

import pyarrow as pa

NUMERIC = pa.decimal128(38, 9)
# larger results lie on disk, so that a process that serves millions of rows stays small
SPILL_ROWS = 100_000


def width(kind: pa.DataType) -> int:
    """Bytes that BigQuery counts for a value, with a guess for the length of text."""
    if pa.types.is_struct(kind):
        return sum(width(item.type) for item in kind)
    if pa.types.is_list(kind):
        return width(kind.value_type)
    if pa.types.is_decimal(kind):
        return 16
    if pa.types.is_boolean(kind):
        return 1
    return 14 if pa.types.is_string(kind) else 8


def gathered(reader: pa.RecordBatchReader) -> pa.Table:
    """All rows of an answer in BigQuery's types; a large one lies in a file that is gone with the last use of it."""
    parts: list[pa.Table] = []
    rows = 0
    for batch in reader:
        parts.append(_as_bigquery(pa.Table.from_batches([batch])))
        rows += batch.num_rows
        if rows > SPILL_ROWS:
            return _spilled(parts, reader)
    return pa.concat_tables(parts).combine_chunks() if parts else _as_bigquery(reader.schema.empty_table())


def _spilled(parts: list[pa.Table], reader: pa.RecordBatchReader) -> pa.Table:
    with tempfile.NamedTemporaryFile(suffix=".arrow") as file:
        with pa.OSFile(file.name, "wb") as sink, pa.ipc.new_file(sink, parts[0].schema) as writer:
            for part in parts:
                writer.write_table(part)
            parts.clear()
            for batch in reader:
                writer.write_table(_as_bigquery(pa.Table.from_batches([batch])))
        return pa.ipc.open_file(pa.memory_map(file.name)).read_all()


def _as_bigquery(rows: pa.Table) -> pa.Table:
    """Engine types to the types that BigQuery sends: INT64, FLOAT64, NUMERIC, UTC microseconds."""
    fields = [item.with_type(_bigquery_type(item.type)).with_nullable(True) for item in rows.schema]
    return rows.cast(pa.schema(fields)).combine_chunks()


def _bigquery_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(item.name, _bigquery_type(item.type)) for item in kind])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_bigquery_type(kind.value_type))
    if pa.types.is_integer(kind):
        return pa.int64()
    if pa.types.is_decimal(kind):
        # sums of integers come as 128-bit decimals without a fraction
        return pa.int64() if kind.scale == 0 else NUMERIC
    if pa.types.is_floating(kind):
        return pa.float64()
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", tz=kind.tz)
    return pa.string() if pa.types.is_large_string(kind) or pa.types.is_null(kind) else kind
