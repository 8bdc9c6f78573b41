"""BigQuery's JSON: table schemas, rows of `f` and `v` cells, and errors."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from emulator.gcp.warehouse import GoogleError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GRPC_NAMES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}


def table_schema(schema: pa.Schema) -> dict[str, Any]:
    """A TableSchema resource."""
    return {"fields": [_field(item) for item in schema]}


def _field(item: pa.Field) -> dict[str, Any]:
    kind, mode = item.type, "NULLABLE"
    if pa.types.is_list(kind):
        kind, mode = kind.value_type, "REPEATED"
    result: dict[str, Any] = {"name": item.name, "type": _type_name(kind), "mode": mode}
    if pa.types.is_struct(kind):
        result["fields"] = [_field(child) for child in kind]
    return result


def _type_name(kind: pa.DataType) -> str:
    for is_kind, name in (
        (pa.types.is_struct, "RECORD"),
        (pa.types.is_boolean, "BOOLEAN"),
        (pa.types.is_integer, "INTEGER"),
        (pa.types.is_floating, "FLOAT"),
        (pa.types.is_decimal, "NUMERIC"),
        (pa.types.is_date, "DATE"),
    ):
        if is_kind(kind):
            return name
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP" if kind.tz else "DATETIME"
    return "STRING"


def table_rows(rows: pa.Table, *, integer_times: bool) -> list[dict[str, Any]]:
    """Rows as BigQuery writes them: every scalar is text, timestamps are microseconds or, by default, seconds."""
    names = rows.column_names
    return [{"f": [{"v": _cell(record[name], integer_times)} for name in names]} for record in rows.to_pylist()]


def _cell(value: Any, integer_times: bool) -> Any:
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {"f": [{"v": _cell(item, integer_times)} for item in value.values()]}
    if isinstance(value, list):
        return [{"v": _cell(item, integer_times)} for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime) and value.tzinfo:
        micros = (value - _EPOCH) // (datetime.resolution)
        return str(micros) if integer_times else f"{micros / 1e6:.6E}"
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else str(value)


def error_body(error: GoogleError) -> dict[str, Any]:
    """Google's error envelope; `reason` is what decides whether clients try again."""
    detail = {"message": error.message, "domain": "global", "reason": error.reason}
    body: dict[str, Any] = {"code": error.status, "message": error.message, "errors": [detail]}
    if error.status in _GRPC_NAMES:
        body["status"] = _GRPC_NAMES[error.status]
    return {"error": body}
