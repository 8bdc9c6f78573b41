"""Exported reservation details and transactions (CSV or Parquet, EA and MCA), as the API would have told them.

The exports are Cost Management's ReservationDetails and ReservationTransactions. Their columns are the API's fields in
another letter case. Rows are grouped by the calendar month of their date; a month counts as whole, so give whole
months. Equal transactions of one file are so many purchases; a row that is in two files is the same one. Days are ISO
or American: a file that writes the day first is refused, because half of its days would be read as months.
"""

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from ingest.contracts import StreamContract
from ingest.errors import CorruptFile, EmptyAnswer, SchemaChanged
from ingest.file_rows import columns_of, table_batches
from ingest.files import FileKind, Folder, recognise
from ingest.quarantine import Quarantine
from ingest.run import YEARS, Window, months
from ingest.sources.azure_reservations_streams import DETAILS, TRANSACTIONS, fields_of

logger = logging.getLogger(__name__)
DETAIL_FILE = FileKind(
    "an export of reservation details",
    ("InstanceId", "ReservationId", "ReservationOrderId", "ReservedHours", "UsageDate", "UsedHours"),
    any_case=True,
)
TRANSACTION_FILE = FileKind(
    "an export of reservation transactions",
    ("EventDate", "EventType", "ReservationOrderId", "Amount", "Currency", "Quantity"),
    any_case=True,
)
KINDS = {DETAIL_FILE: DETAILS, TRANSACTION_FILE: TRANSACTIONS}
NUMBERS = {"reservedHours", "usedHours", "totalReservedQuantity", "quantity", "amount"}
_DAY_FIRST = re.compile(r"\s*(1[3-9]|2\d|3[01])[/.-](0?[1-9]|1[0-2])[/.-]\d{4}\b")
_FORMS = ("%m/%d/%Y", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p")
Row = dict[str, Any]


@dataclass
class Found:
    """The rows of one stream in the files, by month, and those that cannot be taken."""

    contract: StreamContract
    rows: dict[datetime, list[tuple[str, Row]]] = field(
        default_factory=lambda: defaultdict[datetime, list[tuple[str, Row]]](list)
    )
    apart: dict[datetime | None, Quarantine] = field(default_factory=dict[datetime | None, Quarantine])

    def months(self, window: Window | None) -> Iterator[Window]:
        """The months that have rows, oldest first, of `window` where one is given."""
        for start in sorted(self.rows):
            month = next(months(Window(start, start.replace(day=2))))
            if window is None or (month.start < window.end and window.start < month.end):
                yield month

    def rows_of(self, month: Window) -> list[Row]:
        """The rows of a month in one order whatever the files' was: each as often as the file that has it most."""
        unique: dict[tuple[tuple[str, str], ...], Row] = {}
        by_file: dict[str, Counter[tuple[tuple[str, str], ...]]] = defaultdict(Counter)
        for file, row in self.rows[month.start]:
            key = tuple(sorted((name, str(value)) for name, value in row.items()))
            unique[key] = row
            by_file[file][key] += 1
        # a day's use of one reservation by one resource is a single fact, a purchase is not
        is_counted = self.contract is TRANSACTIONS
        times = {key: max(counts[key] for counts in by_file.values()) if is_counted else 1 for key in unique}
        return [unique[key] for key in sorted(unique) for _ in range(times[key])]

    def quarantine(self, month: datetime | None) -> Quarantine:
        """The quarantine of a month; rows without a date go to the first one."""
        return self.apart.setdefault(month, Quarantine(self.contract))

    def quarantine_of(self, month: Window) -> Quarantine:
        """What was set apart of a month."""
        whole = Quarantine(self.contract)
        for start, part in self.apart.items():
            is_first = month.start == min(self.rows)
            if start == month.start or (is_first and (start is None or start not in self.rows)):
                whole.rows += part.rows
        return whole


def read_files(folder: Folder, account: str) -> list[Found]:
    """What the known files of a folder hold, by stream.

    Raises:
        SchemaChanged: no file is known.
        CorruptFile: a file cannot be read, or none of its rows can be taken.
    """
    found: dict[str, Found] = {}
    unknown: SchemaChanged | None = None
    for file in folder.files():
        path = folder.fetch(file)
        try:
            kind = recognise(file.name, columns_of(path, file.name), list(KINDS))
        except SchemaChanged as error:
            if error.is_near:
                raise
            logger.warning("passed over %s: %s", file.name, error.message)
            unknown = error
            continue
        logger.info("recognised", extra={"file": file.name, "kind": kind.name})
        contract = KINDS[kind]
        target = found.setdefault(contract.stream, Found(contract))
        for batch in table_batches(path, file.name, target.quarantine(None)):
            names = {str(name).lower(): str(name) for name in batch.column_names}
            for raw in batch.to_pylist():
                _take(target, file.name, {key: raw[name] for key, name in names.items()}, account)
    if not found:
        raise unknown or EmptyAnswer(f"--path {folder.location}: no file holds reservations.", "Check the path.")
    useful = [one for one in found.values() if one.rows]
    bad = [row for one in found.values() if not one.rows for part in one.apart.values() for row in part.rows]
    if bad:
        raise CorruptFile(f"None of {len(bad)} rows can be taken, the first because {bad[0]['reason']}.",
                          "Check the file; what was landed before stays.")  # fmt: skip
    return useful


def _take(target: Found, file: str, raw: Row, account: str) -> None:
    contract = target.contract
    day: datetime | None = None
    amount = _amount(raw) if contract is TRANSACTIONS else None
    try:
        row: Row = {"_billing_account_id": account}
        row |= {name: _value(name, raw.get(name.lower()), kind) for name, kind in fields_of(contract)}
        day = row["eventDate" if contract is TRANSACTIONS else "usageDate"]
        missing = [name for name in contract.required if row[name] is None]
        if missing:
            raise ValueError(f"it has no {missing[0]}")
    except ValueError as error:
        if day is None:
            _refuse_day_first(file, raw.get("eventdate" if contract is TRANSACTIONS else "usagedate"))
        month = None if day is None else day.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        currency = str(raw.get("currency") or "") or None
        target.quarantine(month).put(file=file, reason=str(error), row=repr(raw), amount=amount, currency=currency)
        return
    target.rows[_month(row)].append((file, row))


def _amount(raw: Row) -> Decimal | None:
    """What a row costs, where that can be read."""
    try:
        text = _value("amount", raw.get("amount"), pa.string())
    except ValueError:
        return None
    return None if text is None else Decimal(text)


def _refuse_day_first(file: str, raw: object) -> None:
    """Raise CorruptFile for a date like 25/11/2026: the file's other dates may read as another day."""
    if _DAY_FIRST.match(str(raw or "")):
        raise CorruptFile(
            f"{file} writes the day before the month ({str(raw)[:20]}), so 05/11 would be read as the eleventh of May.",
            "Export it with ISO dates (2026-11-25), or set the portal to English (United States).",
        )


def _month(row: Row) -> datetime:
    day: datetime = row.get("eventDate") or row["usageDate"]
    return day.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _value(name: str, raw: object, kind: pa.DataType) -> Any:
    text = "" if raw is None else str(raw).strip()
    if not text:
        return None
    if pa.types.is_timestamp(kind):
        return _moment(text)
    if name in NUMBERS:
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise ValueError(f"{name} {text[:40]!r} is no number") from None
        if not number.is_finite() or abs(number) >= Decimal(10) ** 24:
            raise ValueError(f"{name} {text[:40]!r} is no number")
    return text


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _american(text)
    if moment.year not in YEARS:
        raise ValueError(f"{text[:40]!r} lies outside of the years {YEARS[0]} to {YEARS[-1]}")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _american(text: str) -> datetime:
    for form in _FORMS:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - days of the bill are UTC
        except ValueError:
            continue
    raise ValueError(f"{text[:40]!r} is no date")
