"""Rows of one exported file in the landed types, and those that cannot be a row with their dollars."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute

from ingest.arrow import fields, nulls
from ingest.errors import SchemaChanged
from ingest.quarantine import Quarantine
from ingest.run import YEARS
from ingest.sources.gcp_billing_rows import OWN_COLUMNS, TEXT, ExportKind, conformed, marked
from ingest.typed_values import UnreadableError, converter, number

pc: Any = pyarrow.compute
MONTH = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])")
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True)
class SetApart:
    """A row that cannot be taken: why, and what of it can be read; the amount is cost plus credits."""

    file: str
    reason: str
    row: str
    amount: Decimal | None = None
    currency: str | None = None
    account: str | None = None
    month: date | None = None


@dataclass(frozen=True)
class TakenRows:
    """Rows in the landed types, and those that were set apart."""

    table: pa.Table
    apart: list[SetApart]


class RowReader:
    """Reads the rows of one file of a kind."""

    def __init__(self, kind: ExportKind, file: str) -> None:
        self.kind, self._file = kind, file
        self._schema = pa.schema([item for item in fields(kind.contract.schema) if item.name not in OWN_COLUMNS])
        self._converters = {item.name: converter(item.name, item.type) for item in fields(self._schema)}

    def take_table(self, table: pa.Table) -> TakenRows:
        """Rows of a file with types; where those are not the landed ones, value by value."""
        try:
            rows = self._whole(conformed(table, self._schema))
        except SchemaChanged:
            return self.take_rows(table.to_pylist())
        good = self._is_good(rows)
        if pc.all(good).as_py() is not False:
            return TakenRows(self._marked(rows), [])
        bad = self.take_rows(table.filter(pc.invert(good)).to_pylist())
        parts = [self._marked(rows.filter(good)), bad.table]
        return TakenRows(pa.concat_tables(parts), bad.apart)

    def take_rows(self, rows: list[dict[str, Any]], *, is_csv: bool = False) -> TakenRows:
        """Rows of a file without types; a CSV's nested columns may be flattened with dots."""
        good: list[dict[str, Any]] = []
        apart: list[SetApart] = []
        for row in rows:
            nested = _nested(row)
            try:
                if is_csv:
                    _refuse_line_breaks(row)
                good.append(self._typed(nested))
            except UnreadableError as error:
                apart.append(self._set_apart(nested, str(error)))
            except ValueError as error:
                # a value with a line break may hold further rows: what it costs is not known
                apart.append(SetApart(self._file, str(error), _as_text(row)))
        return TakenRows(self._marked(pa.Table.from_pylist(good, schema=self._schema)), apart)

    def set_apart(self, malformed: Quarantine) -> TakenRows:
        """What was no row at all."""
        apart = [SetApart(self._file, str(item["reason"]), str(item["row"])) for item in malformed.rows]
        return TakenRows(self._marked(self._schema.empty_table()), apart)

    def _whole(self, table: pa.Table) -> pa.Table:
        """All columns of the kind; those that the file lacks are NULL."""
        for item in fields(self._schema):
            if item.name not in table.column_names:
                table = table.append_column(item, nulls(table.num_rows, item.type))
        return table.select(self._schema.names)

    def _marked(self, table: pa.Table) -> pa.Table:
        return marked(table, self.kind.name, "files").select(self.kind.contract.schema.names)

    def _is_good(self, rows: pa.Table) -> Any:
        kind = self.kind
        needed = [rows[name].is_valid() for name in (kind.account, kind.cost, kind.usage_start)]
        currency = pc.match_substring_regex(rows[kind.currency], f"^{_CURRENCY.pattern}$")
        month = pc.is_valid(rows[kind.month]) if "." not in kind.month else self._month_is_good(rows)
        finite = pc.is_finite(rows[kind.cost].cast(pa.float64()))
        good: Any = pc.fill_null(currency, False)
        for item in (*needed, month, finite):
            good = pc.and_(good, pc.fill_null(item, False))
        for item in fields(self._schema):
            if pa.types.is_timestamp(item.type):
                good = pc.and_(good, pc.fill_null(_is_plausible(rows[item.name]), True))
        return pc.and_(good, pc.not_equal(pc.fill_null(rows[kind.account], ""), ""))

    def _month_is_good(self, rows: pa.Table) -> Any:
        name, _, part = self.kind.month.partition(".")
        months = pc.struct_field(rows[name], part)
        return pc.match_substring_regex(months.cast(TEXT), f"^{MONTH.pattern}$")

    def _typed(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row in the landed types. Raises UnreadableError."""
        typed = {name: convert(row.get(name)) for name, convert in self._converters.items()}
        kind = self.kind
        for path in (kind.account, kind.cost, kind.usage_start):
            if typed[path] in (None, ""):
                raise UnreadableError(path, "", "value")
        if not _CURRENCY.fullmatch(typed[kind.currency] or ""):
            raise UnreadableError(kind.currency, typed[kind.currency], "currency")
        if _month(kind, typed) is None:
            raise UnreadableError(kind.month, _at(typed, kind.month), "invoice month")
        return typed

    def _set_apart(self, row: Mapping[str, Any], reason: str) -> SetApart:
        kind = self.kind
        account, currency = row.get(kind.account), row.get(kind.currency)
        try:
            known = {name: self._converters[name](row.get(name)) for name in (kind.month.partition(".")[0],)}
            month = _month(kind, known)
        except UnreadableError:
            month = None
        return SetApart(
            self._file,
            reason,
            _as_text(row),
            amount=self._amount(row),
            currency=currency if isinstance(currency, str) else None,
            account=account if isinstance(account, str) and account else None,
            month=month,
        )

    def _amount(self, row: Mapping[str, Any]) -> Decimal | None:
        """Cost plus credits where both can be read."""
        name, part = self.kind.credits
        try:
            credits_: list[Any] = self._converters[name](row.get(name))
            lowered = [number(item[part]) for item in credits_ if item and item[part] is not None]
            return number(row[self.kind.cost]) + sum(lowered, Decimal(0))
        except (ValueError, KeyError):
            return None


def _is_plausible(column: Any) -> Any:
    years = pc.year(column)
    return pc.and_(pc.greater_equal(years, YEARS[0]), pc.less_equal(years, YEARS[-1]))


def _month(kind: ExportKind, row: Mapping[str, Any]) -> date | None:
    value = _at(row, kind.month)
    if isinstance(value, datetime):
        return value.astimezone(UTC).date().replace(day=1)
    if isinstance(value, str) and MONTH.fullmatch(value):
        return date(int(value[:4]), int(value[4:]), 1)
    return None


def _at(row: Mapping[str, Any], path: str) -> Any:
    value: Any = row
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return cast(Any, value)


def _nested(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose flattened columns (`service.id`) are records again."""
    if not any("." in name for name in row):
        return row
    found: dict[str, Any] = {name: value for name, value in row.items() if "." not in name}
    for name, value in row.items():
        first, _, rest = name.partition(".")
        if rest and isinstance(place := found.setdefault(first, {}), dict):
            place[rest] = value
    return found


def _refuse_line_breaks(row: Mapping[str, Any]) -> None:
    for name, value in row.items():
        if isinstance(value, str) and "\n" in value.strip() and not value.lstrip().startswith(("{", "[")):
            raise ValueError(f"{name} holds a line break, and may hold further rows")


def _as_text(row: Mapping[str, Any]) -> str:
    return json.dumps(row, default=str, ensure_ascii=False)
