"""The landed shape of Google's billing export, and how rows of BigQuery's tables are brought into it."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute

from ingest.contracts import StreamContract
from ingest.errors import SchemaChanged

SOURCE = "gcp_billing"
# the compute functions carry no exact types
pc: Any = pyarrow.compute
PARTITION = "bq_partition_time"
_UTC, _TEXT, _DOUBLE = pa.timestamp("us", tz="UTC"), pa.string(), pa.float64()


def _record(**fields: pa.DataType) -> pa.DataType:
    return pa.struct([pa.field(name, kind) for name, kind in fields.items()])


_NAMED = _record(id=_TEXT, description=_TEXT)
_LABELS = pa.list_(_record(key=_TEXT, value=_TEXT))
_NUMERIC = pa.decimal128(38, 9)
# The explicit column list: Google may add columns at any time, and every column that is read is paid for.
_COLUMNS: dict[str, pa.DataType] = {
    "billing_account_id": _TEXT,
    "service": _NAMED,
    "sku": _NAMED,
    "usage_start_time": _UTC,
    "usage_end_time": _UTC,
    "project": _record(id=_TEXT, number=_TEXT, name=_TEXT, labels=_LABELS),
    "labels": _LABELS,
    "location": _record(location=_TEXT, country=_TEXT, region=_TEXT, zone=_TEXT),
    "resource": _record(name=_TEXT, global_name=_TEXT),
    "price": _record(
        effective_price=_NUMERIC,
        list_price=_NUMERIC,
        pricing_unit_quantity=_NUMERIC,
        unit=_TEXT,
        tier_start_amount=_NUMERIC,
    ),
    "subscription": _record(instance_id=_TEXT),
    "transaction_type": _TEXT,
    "export_time": _UTC,
    "cost": _DOUBLE,
    "cost_at_list": _DOUBLE,
    "currency": _TEXT,
    "currency_conversion_rate": _DOUBLE,
    "usage": _record(amount=_DOUBLE, unit=_TEXT, amount_in_pricing_units=_DOUBLE, pricing_unit=_TEXT),
    "credits": pa.list_(_record(name=_TEXT, amount=_DOUBLE, full_name=_TEXT, id=_TEXT, type=_TEXT)),
    "invoice": _record(month=_TEXT, publisher_type=_TEXT),
    "cost_type": _TEXT,
    "adjustment_info": _record(id=_TEXT, description=_TEXT, mode=_TEXT, type=_TEXT),
}
# Columns that the standard table or an older export does not have.
OPTIONAL = frozenset({"resource", "price", "subscription", "transaction_type", "cost_at_list", "adjustment_info"})
# Fields that every number rests on.
REQUIRED_FIELDS = (
    "billing_account_id",
    "service.id",
    "service.description",
    "sku.id",
    "sku.description",
    "usage_start_time",
    "usage_end_time",
    "project.id",
    "project.labels",
    "labels.key",
    "labels.value",
    "location.region",
    "export_time",
    "cost",
    "currency",
    "currency_conversion_rate",
    "usage.amount",
    "credits.amount",
    "credits.type",
    "invoice.month",
    "cost_type",
)
EXPORT_ROWS = StreamContract(
    source=SOURCE,
    stream="export_rows",
    schema=pa.schema([pa.field(name, kind) for name, kind in _COLUMNS.items()] + [pa.field(PARTITION, _UTC)]),
    required=(*(name for name in _COLUMNS if name not in OPTIONAL), PARTITION),
)


def selected_columns(table: str, found: Iterable[str]) -> list[str]:
    """The columns to read from a table that has the field paths `found` (`sku`, `sku.id`, ...).

    Raises:
        SchemaChanged: a field that numbers rest on is missing; names it and the columns we do not know.
    """
    paths = set(found)
    missing = [path for path in REQUIRED_FIELDS if path not in paths]
    if missing:
        unknown = sorted(path for path in unknown_columns(paths))
        raise SchemaChanged(
            f"{SOURCE}: {table} has no {', '.join(missing)}; columns we do not know: {', '.join(unknown) or 'none'}.",
            "Check whether Google renamed a column; until then the landed rows stay as they are.",
        )
    return [name for name in _COLUMNS if name in paths]


def unknown_columns(paths: Iterable[str]) -> list[str]:
    """Top-level columns that are neither read nor known to be left out."""
    left_out = {"system_labels", "tags", "seller_name", "consumption_model"}
    left_out |= {"cost_at_effective_price_default", "cost_at_list_consumption_model"}
    return sorted(path for path in paths if "." not in path and path not in _COLUMNS and path not in left_out)


def field_paths(fields: Any, prefix: str = "") -> Iterator[str]:
    """Paths of BigQuery schema fields and all they hold: `sku`, `sku.id`, ..."""
    for item in fields:
        yield prefix + item.name
        yield from field_paths(item.fields, f"{prefix}{item.name}.")


def rows_of(rows: pa.Table, partition: datetime) -> pa.Table:
    """The rows of one partition."""
    return rows.filter(pc.equal(rows[PARTITION], pa.scalar(partition, _UTC)))


def conformed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches as tables in the landed types: records by field name, absent fields NULL."""
    schema: Any = EXPORT_ROWS.schema
    for batch in batches:
        names = [name for name in EXPORT_ROWS.schema.names if name in batch.schema.names]
        columns = [_as_type(batch.column(name), schema.field(name).type) for name in names]
        yield pa.table(dict(zip(names, columns, strict=True)))


def _as_type(values: Any, kind: Any) -> Any:
    is_struct: Any = pa.types.is_struct
    is_list: Any = pa.types.is_list
    if is_struct(kind):
        structs: Any = pa.StructArray
        fields: list[Any] = [
            _as_type(values.field(item.name), item.type)
            if values.type.get_field_index(item.name) >= 0
            else pa.nulls(len(values), item.type)
            for item in kind
        ]
        return structs.from_arrays(fields, fields=list(kind), mask=values.is_null())
    if is_list(kind):
        lists: Any = pa.ListArray
        items = _as_type(values.flatten(), kind.value_type)
        lengths = pc.fill_null(pc.list_value_length(values), 0)
        offsets: Any = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths.cast(pa.int64()))])
        return lists.from_arrays(offsets.cast(pa.int32()), items)
    return values.cast(kind)
