"""The landed shape of Google's billing export, and how rows of tables and files are brought into it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute

from ingest.arrow import Field, fields
from ingest.contracts import StreamContract
from ingest.errors import SchemaChanged

SOURCE = "gcp_billing"
# the compute functions carry no exact types
pc: Any = pyarrow.compute
PARTITION = "bq_partition_time"
EXPORT_KIND, READ_FROM = "export_kind", "read_from"
UTC_TIME, TEXT, DOUBLE = pa.timestamp("us", tz="UTC"), pa.string(), pa.float64()
# how rows came, not what they say: filled by the reader
OWN_COLUMNS: dict[str, pa.DataType] = {PARTITION: UTC_TIME, EXPORT_KIND: TEXT, READ_FROM: TEXT}
SERVICE_FIELDS = ("service.id", "service.description", "sku.id", "sku.description")


def record(**kinds: pa.DataType) -> pa.DataType:
    """A record type of named fields."""
    return pa.struct([pa.field(name, kind) for name, kind in kinds.items()])


NAMED = record(id=TEXT, description=TEXT)
_LABELS = pa.list_(record(key=TEXT, value=TEXT))
NUMERIC = pa.decimal128(38, 9)
# The explicit column list: Google may add columns at any time, and every column that is read is paid for.
_COLUMNS: dict[str, pa.DataType] = {
    "billing_account_id": TEXT,
    "service": NAMED,
    "sku": NAMED,
    "usage_start_time": UTC_TIME,
    "usage_end_time": UTC_TIME,
    "project": record(id=TEXT, number=TEXT, name=TEXT, labels=_LABELS),
    "labels": _LABELS,
    "location": record(location=TEXT, country=TEXT, region=TEXT, zone=TEXT),
    "resource": record(name=TEXT, global_name=TEXT),
    "price": record(
        effective_price=NUMERIC,
        list_price=NUMERIC,
        pricing_unit_quantity=NUMERIC,
        unit=TEXT,
        tier_start_amount=NUMERIC,
    ),
    "subscription": record(instance_id=TEXT),
    "transaction_type": TEXT,
    "export_time": UTC_TIME,
    "cost": DOUBLE,
    "cost_at_list": DOUBLE,
    "currency": TEXT,
    "currency_conversion_rate": DOUBLE,
    "usage": record(amount=DOUBLE, unit=TEXT, amount_in_pricing_units=DOUBLE, pricing_unit=TEXT),
    "credits": pa.list_(record(name=TEXT, amount=DOUBLE, full_name=TEXT, id=TEXT, type=TEXT)),
    "invoice": record(month=TEXT, publisher_type=TEXT),
    "cost_type": TEXT,
    "adjustment_info": record(id=TEXT, description=TEXT, mode=TEXT, type=TEXT),
}
# Columns that the standard table or an older export does not have.
_OPTIONAL = frozenset({"resource", "price", "subscription", "transaction_type", "cost_at_list", "adjustment_info"})
# Fields that every number rests on.
_REQUIRED_FIELDS = (
    "billing_account_id",
    *SERVICE_FIELDS,
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
_LEFT_OUT = frozenset(
    {
        "system_labels",
        "tags",
        "seller_name",
        "consumption_model",
        "cost_at_effective_price_default",
        "cost_at_list_consumption_model",
    }
)
EXPORT_ROWS = StreamContract(
    source=SOURCE,
    stream="export_rows",
    schema=pa.schema([pa.field(name, kind) for name, kind in (_COLUMNS | OWN_COLUMNS).items()]),
    required=(*(name for name in _COLUMNS if name not in _OPTIONAL), *OWN_COLUMNS),
    key=("sku.id", "project.id", "usage_start_time", "cost_type", "invoice.month"),
    amount="cost",
)


@dataclass(frozen=True, eq=False)
class ExportKind:
    """One of the tables that Google writes, and what its columns are called.

    Attributes:
        name: as the configuration names it.
        title: as people call it.
        prefix: what its table's name starts with; the billing account follows.
        contract: the stream that its rows land in.
        required: field paths that numbers rest on.
        left_out: columns that are known and not read.
        export_time: column with the time of export.
        usage_start, usage_end: columns with the span of the usage.
        account, month, cost, currency, credits: columns that a row's money and invoice are read from.
    """

    name: str
    title: str
    prefix: str
    contract: StreamContract
    required: tuple[str, ...]
    left_out: frozenset[str] = frozenset()
    export_time: str = "export_time"
    usage_start: str = "usage_start_time"
    usage_end: str = "usage_end_time"
    account: str = "billing_account_id"
    month: str = "invoice.month"
    cost: str = "cost"
    currency: str = "currency"
    credits: tuple[str, str] = ("credits", "amount")
    columns: dict[str, pa.DataType] = field(init=False)

    def __post_init__(self) -> None:
        found = {item.name: item.type for item in fields(self.contract.schema) if item.name not in OWN_COLUMNS}
        object.__setattr__(self, "columns", found)

    def table(self, account: str) -> str:
        """The name of the account's table."""
        return self.prefix + account.replace("-", "_")

    @property
    def top_columns(self) -> tuple[str, ...]:
        """The columns that must be there, nesting apart."""
        return tuple(dict.fromkeys(path.partition(".")[0] for path in self.required))


DETAILED = ExportKind(
    "detailed",
    "detailed usage cost export",
    "gcp_billing_export_resource_v1_",
    EXPORT_ROWS,
    _REQUIRED_FIELDS,
    _LEFT_OUT,
)
STANDARD = ExportKind(
    "standard", "standard usage cost export", "gcp_billing_export_v1_", EXPORT_ROWS, _REQUIRED_FIELDS, _LEFT_OUT
)


def selected_columns(kind: ExportKind, table: str, found: Iterable[str]) -> list[str]:
    """The columns to read from a table that has the field paths `found` (`sku`, `sku.id`, ...).

    Raises:
        SchemaChanged: a field that numbers rest on is missing; names it and the columns we do not know.
    """
    paths = set(found)
    missing = [path for path in kind.required if path not in paths]
    if missing:
        unknown = unknown_columns(kind, paths)
        raise SchemaChanged(
            f"{SOURCE}: {table} has no {', '.join(missing)}; columns we do not know: {', '.join(unknown) or 'none'}.",
            "Check whether Google renamed a column; until then the landed rows stay as they are.",
        )
    return [name for name in kind.columns if name in paths]


def unknown_columns(kind: ExportKind, paths: Iterable[str]) -> list[str]:
    """Top-level columns that are neither read nor known to be left out."""
    known = kind.columns.keys() | kind.left_out
    return sorted(path for path in paths if "." not in path and path not in known)


def field_paths(schema: Any, prefix: str = "") -> Iterator[str]:
    """Paths of BigQuery schema fields and all they hold: `sku`, `sku.id`, ..."""
    for item in schema:
        yield prefix + item.name
        yield from field_paths(item.fields, f"{prefix}{item.name}.")


def marked(table: pa.Table, export_kind: str, read_from: str) -> pa.Table:
    """`table` with the columns that say how its rows came."""
    rows, constant = table.num_rows, pa.scalar
    repeat: Any = pa.repeat
    if PARTITION not in table.column_names:
        table = table.append_column(pa.field(PARTITION, UTC_TIME), pa.nulls(rows, UTC_TIME))
    for name, value in ((EXPORT_KIND, export_kind), (READ_FROM, read_from)):
        table = table.append_column(pa.field(name, TEXT), repeat(constant(value, TEXT), rows))
    return table


def conformed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """`table` in the landed types: records by field name, absent fields NULL, columns that are not landed left out.

    Raises:
        SchemaChanged: a column cannot be brought into its type.
    """
    columns: dict[str, Any] = {}
    for item in fields(schema):
        if item.name in table.column_names:
            columns[item.name] = _column(table, item)
    return pa.table(columns)


def _column(table: pa.Table, item: Field) -> Any:
    column: Any = table.column(item.name).combine_chunks()
    try:
        return _as_type(column, item.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise SchemaChanged(
            f"{SOURCE}: column {item.name} came as {column.type}, which is no {item.type}: {str(error)[:200]}.",
            "Check whether Google changed its type; the landed rows stay as they are.",
        ) from error


def _as_type(values: Any, kind: Any) -> Any:
    is_struct: Any = pa.types.is_struct
    is_list: Any = pa.types.is_list
    if values.type == kind:
        return values
    if is_struct(kind) and is_struct(values.type):
        structs: Any = pa.StructArray
        parts: list[Any] = [
            _as_type(values.field(item.name), item.type)
            if values.type.get_field_index(item.name) >= 0
            else pa.nulls(len(values), item.type)
            for item in kind
        ]
        return structs.from_arrays(parts, fields=list(kind), mask=values.is_null())
    if is_list(kind) and is_struct(values.type) and values.type.get_field_index("list") >= 0:
        # some writers of Parquet show the repeated group itself
        return _as_type(values.field("list"), kind)
    if is_list(kind) and (is_list(values.type) or pa.types.is_large_list(values.type)):
        lists: Any = pa.ListArray
        inner = values.flatten()
        if is_struct(inner.type) and inner.type.num_fields == 1 and inner.type.field(0).name in ("element", "item"):
            inner = inner.field(0)
        items = _as_type(inner, kind.value_type)
        lengths = pc.fill_null(pc.list_value_length(values), 0)
        offsets: Any = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths.cast(pa.int64()))])
        return lists.from_arrays(offsets.cast(pa.int32()), items)
    if pa.types.is_decimal(values.type) and pa.types.is_floating(kind):
        # by its digits: the direct cast multiplies, and misses the nearest double in the last place
        return values.cast(TEXT).cast(kind)
    # a price has more digits in some tables than in others; money has not
    return values.cast(kind, safe=not pa.types.is_decimal(kind))
