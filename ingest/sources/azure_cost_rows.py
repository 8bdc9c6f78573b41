"""Rows of an exported cost file: recognised, checked one by one, and spooled by billing account and month.

A row whose cost, quantity, day, currency or account cannot be read is set apart with its dollars; the rest is kept as
the text that was delivered.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from ingest import arrow
from ingest.errors import CorruptFile, SchemaChanged
from ingest.file_rows import columns_of, table_batches
from ingest.files import recognise
from ingest.quarantine import Quarantine
from ingest.run import Window, day_start, month_start, next_month
from ingest.sources.azure_cost_shapes import KINDS, SHAPES, Shape, canonical
from ingest.sources.azure_cost_values import account_of, amount_of, days_of, refuse_day_first, text_of

pc: Any = pyarrow.compute
_parquet: Any = pyarrow.parquet
_PLAIN = r"^\s*[+-]?(\d{1,18}(\.\d*)?|\.\d+)\s*$"
_MICROSOFT = ("microsoft", "azure", "")
_text = pa.string()


@dataclass(frozen=True, order=True)
class Unit:
    """What is landed in one piece: rows of one billing account and month."""

    account: str
    month: date

    @property
    def window(self) -> Window:
        """The month."""
        return Window(day_start(self.month), day_start(next_month(self.month)))


@dataclass
class Spool:
    """Rows of one file, by unit, in Parquet files of `folder`; `quarantine` holds the others."""

    shape: Shape
    quarantine: Quarantine
    folder: Path
    paths: dict[Unit, Path] = field(default_factory=dict[Unit, Path])
    rows: dict[Unit, int] = field(default_factory=dict[Unit, int])
    newest: dict[Unit, date] = field(default_factory=dict[Unit, date])
    charge_types: set[str] = field(default_factory=set[str])
    foreign_rows: int = 0
    superseded_rows: int = 0
    _writers: dict[Unit, Any] = field(default_factory=dict[Unit, Any])

    @property
    def seen(self) -> int:
        """Rows that the file held, of whatever fate."""
        return sum(self.rows.values()) + len(self.quarantine.rows) + self.foreign_rows + self.superseded_rows

    def add(self, unit: Unit, table: pa.Table, newest: date) -> None:
        """Keep rows of one unit."""
        if unit not in self._writers:
            self.paths[unit] = self.folder / f"{len(self.paths)}.parquet"
            self._writers[unit] = _parquet.ParquetWriter(self.paths[unit], table.schema)
        self._writers[unit].write_table(table)
        self.rows[unit] = self.rows.get(unit, 0) + table.num_rows
        self.newest[unit] = max(newest, self.newest.get(unit, newest))

    def close(self) -> None:
        """End the files."""
        for writer in self._writers.values():
            writer.close()


@dataclass(frozen=True)
class Terms:
    """What is known of a file's rows from outside it.

    Attributes:
        account: billing account where a row names none.
        span: months that its delivery covers; empty where not known.
        wanted: those of them that count.
    """

    account: str | None
    span: tuple[Window, ...] = ()
    wanted: tuple[Window, ...] = ()


def spool(path: Path, name: str, terms: Terms, folder: Path) -> Spool:
    """Read one file whole.

    Raises:
        SchemaChanged: it is no cost file of Microsoft; names the nearest kind and what is missing for it.
        CorruptFile, EmptyAnswer: it cannot be read to its end, or is empty.
    """
    columns = columns_of(path, name)
    lowered = [column.lower() for column in columns]
    twice = sorted({column for column in columns if lowered.count(column.lower()) > 1})
    if twice:
        raise CorruptFile(f"{name} names columns twice: {', '.join(twice)}.", "Export it again; nothing was landed.")
    shape = SHAPES[KINDS.index(recognise(name, columns, KINDS))]
    quarantine = Quarantine(shape.contract)
    found = Spool(shape, quarantine, folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for batch in table_batches(path, name, quarantine):
            _take(found, _as_text(batch, shape), name, terms)
    finally:
        found.close()
    if found.foreign_rows and not found.rows and not quarantine.rows:
        raise SchemaChanged(f"{name} is a FOCUS file of another provider.", "Give it to that provider's source.")
    return found


def _as_text(batch: pa.Table, shape: Shape) -> pa.Table:
    """All columns as text in the contract's spelling; FOCUS files may say `NULL` for nothing."""
    columns: dict[str, Any] = {}
    for field_ in arrow.fields(batch.schema):
        column = text_of(batch.column(field_.name))
        if shape.is_amortized_too:
            column = pc.if_else(pc.equal(column, "NULL"), pa.scalar(None, _text), column)
        columns[canonical(field_.name, shape.contract)] = column
    return pa.table(columns)


def _take(found: Spool, table: pa.Table, name: str, terms: Terms) -> None:
    """Sort the rows of one batch into units, quarantine, and what is not ours."""
    shape = found.shape
    if "ProviderName" in table.column_names:
        provider = pc.utf8_lower(pc.fill_null(table.column("ProviderName"), ""))
        is_ours = pc.is_in(pc.utf8_trim_whitespace(provider), value_set=pa.array(_MICROSOFT))
        found.foreign_rows += table.num_rows - int(pc.sum(is_ours).as_py() or 0)
        table = table.filter(is_ours)
    if not table.num_rows:
        return
    for column in table.column_names:
        if "date" in column.lower() or "period" in column.lower():
            refuse_day_first(table.column(column), name)
    days, periods = (days_of(_column(table, column)) for column in (shape.day, shape.period))
    accounts = _accounts(table, shape, terms)
    faults = _faults(table, shape, days, accounts)
    _set_apart(found, table, name, faults, accounts, [period or day for period, day in zip(periods, days, strict=True)])
    groups: dict[Unit, list[int]] = {}
    for row, (fault, account) in enumerate(zip(faults, accounts, strict=True)):
        if fault is None and account is not None:
            month = _month(periods[row] or cast(date, days[row]), terms)
            if month is None:
                found.superseded_rows += 1
            else:
                groups.setdefault(Unit(account, month), []).append(row)
    if not shape.is_amortized_too:
        kind = canonical("ChargeType", shape.contract) if "ChargeType" in table.column_names else "chargeType"
        models = _column(table, "PricingModel" if "PricingModel" in table.column_names else "pricingModel")
        pairs = zip(_column(table, kind).to_pylist(), models.to_pylist(), strict=True)
        found.charge_types |= {f"{charge or ''} {model or ''}" for charge, model in set(pairs)}
    for unit, rows in groups.items():
        newest = max(cast(date, days[row]) for row in rows)
        found.add(unit, table if len(rows) == table.num_rows else table.take(pa.array(rows)), newest)


def _column(table: pa.Table, name: str) -> Any:
    return table.column(name) if name in table.column_names else pa.chunked_array([pa.nulls(table.num_rows, _text)])


def _month(day: date, terms: Terms) -> date | None:
    """The billing month of a row: its delivery's where that covers one, else its own; None where a newer one counts."""
    if not terms.span:
        return month_start(day)
    covered = [window.start.date() for window in terms.span]
    month = min(max(month_start(day), covered[0]), covered[-1])
    return month if month in {window.start.date() for window in terms.wanted} else None


def _accounts(table: pa.Table, shape: Shape, terms: Terms) -> list[str | None]:
    """The billing account of each row, lower case, out of `/providers/Microsoft.Billing/billingAccounts/ID` too."""
    own = _column(table, "x_BillingAccountId").to_pylist()
    named = _column(table, shape.account).to_pylist()
    cleaned = {text: account_of(text) for text in {*own, *named}}
    return [cleaned[a] or cleaned[b] or terms.account for a, b in zip(own, named, strict=True)]


def _faults(
    table: pa.Table, shape: Shape, days: Sequence[date | None], accounts: Sequence[str | None]
) -> list[str | None]:
    """What is wrong with each row, None with most."""
    faults: list[str | None] = [None] * table.num_rows
    for row, (day, account) in enumerate(zip(days, accounts, strict=True)):
        if day is None:
            faults[row] = f"{shape.day} is no day"
        elif account is None:
            faults[row] = "it names no billing account"
    currencies = pc.fill_null(pc.utf8_trim_whitespace(_column(table, shape.currency)), "")
    for row in _where(pc.invert(pc.match_substring_regex(currencies, "^[A-Za-z]{3}$"))):
        faults[row] = f"{shape.currency} is no currency"
    for name in (*shape.quantities, *shape.costs):
        column = _column(table, name)
        odd = _odd(column)
        if name in shape.quantities:
            # a purchase may have no quantity
            odd = pc.and_(odd, pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(pc.fill_null(column, ""))), 0))
        for row in _where(odd):
            if amount_of(column[row].as_py()) is None:
                faults[row] = f"{name} is no {'number' if name in shape.quantities else 'amount'}"
    return faults


def _odd(column: Any) -> Any:
    return pc.invert(pc.match_substring_regex(pc.fill_null(column, ""), _PLAIN))


def _where(mask: Any) -> list[int]:
    return [int(row) for row in pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist()]


def _set_apart(
    found: Spool,
    table: pa.Table,
    name: str,
    faults: Sequence[str | None],
    accounts: Sequence[str | None],
    days: Sequence[date | None],
) -> None:
    shape = found.shape
    for row, fault in enumerate(faults):
        if fault is not None:
            values = {column: table.column(column)[row].as_py() for column in table.column_names}
            day = days[row]
            found.quarantine.put(
                file=name,
                reason=fault,
                row=json.dumps({key: value for key, value in values.items() if value is not None}),
                amount=amount_of(values.get(shape.costs[0])),
                currency=values.get(shape.currency),
                billing_account_id=accounts[row],
                billing_month=month_start(day) if day else None,
            )


def spooled(paths: Sequence[Path], extra: Mapping[str, str]) -> Iterator[pa.Table]:
    """The rows of spooled files in the same columns, with columns of our own."""
    names: dict[str, None] = {}
    for path in paths:
        names |= dict.fromkeys(field_.name for field_ in arrow.fields(_parquet.read_schema(path)))
    for path in paths:
        with _parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                table = pa.Table.from_batches([batch])
                columns: dict[str, Any] = {name: _column(table, name) for name in names}
                columns |= {name: arrow.constant(value, table.num_rows, _text) for name, value in extra.items()}
                yield pa.table(columns)
