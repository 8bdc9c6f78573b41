"""Rows of many files dealt out to billing accounts and invoice months, on disk, so that memory stays flat."""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from ingest.quarantine import Quarantine
from ingest.sources.gcp_billing_files_rows import SetApart, TakenRows
from ingest.sources.gcp_billing_rows import TEXT, ExportKind

pc: Any = pyarrow.compute
_parquet = cast(Any, pyarrow.parquet)
Key = tuple[str, date]
ROWS_PER_BATCH = 32_768


class Spool:
    """Takes rows in any order and gives them back by key; its files live while it is open."""

    def __init__(self, kind: ExportKind) -> None:
        self._kind = kind
        self._folder = tempfile.TemporaryDirectory(prefix="inferledger-")
        self._writers: dict[Key, Any] = {}
        self._rows: dict[Key, int] = {}
        self._until: dict[str, datetime] = {}
        self._apart: list[SetApart] = []

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        self._folder.cleanup()

    def add(self, taken: TakenRows) -> None:
        """Take rows and what was set apart of them."""
        self._apart += taken.apart
        if not taken.table.num_rows:
            return
        table = taken.table.append_column("_key", _keys(taken.table, self._kind))
        for key in cast("list[str]", pc.unique(table["_key"]).to_pylist()):
            part = table.filter(pc.equal(table["_key"], key)).drop_columns(["_key"])
            month, _, account = key.partition("/")
            self._put((account, date(int(month[:4]), int(month[4:]), 1)), part)

    @property
    def keys(self) -> list[Key]:
        """Accounts and invoice months that have rows, in order."""
        return sorted(self._rows)

    def rows(self, key: Key) -> int:
        """How many rows a key has."""
        return self._rows[key]

    def batches(self, key: Key) -> Iterator[pa.RecordBatch]:
        """The rows of a key."""
        self._close()
        with _parquet.ParquetFile(self._path(key)) as file:
            yield from file.iter_batches(ROWS_PER_BATCH)

    def usage_until(self, account: str) -> datetime:
        """The end of an account's newest usage."""
        return self._until[account]

    def quarantine(self, key: Key) -> Quarantine:
        """What was set apart of a key."""
        return self._as_quarantine(item for item in self._apart if (item.account, item.month) == key)

    def homeless(self, keys: list[Key]) -> Quarantine:
        """What was set apart and belongs to none of `keys`, but for months that were left out on purpose."""
        known = set(keys) | set(self._rows)
        return self._as_quarantine(item for item in self._apart if (item.account, item.month) not in known)

    @property
    def set_apart(self) -> int:
        """How many rows were set apart."""
        return len(self._apart)

    @property
    def amount_set_apart(self) -> Decimal:
        """The sum of what can be read of their cost."""
        return sum((item.amount for item in self._apart if item.amount is not None), Decimal(0))

    def _as_quarantine(self, items: Iterable[SetApart]) -> Quarantine:
        quarantine = Quarantine(self._kind.contract)
        for item in items:
            quarantine.put(
                file=item.file,
                reason=item.reason,
                row=item.row,
                amount=item.amount,
                currency=item.currency,
                billing_account_id=item.account,
                billing_month=item.month,
            )
        return quarantine

    def _put(self, key: Key, part: pa.Table) -> None:
        if key not in self._writers:
            self._writers[key] = _parquet.ParquetWriter(self._path(key), part.schema)
        self._writers[key].write_table(part)
        self._rows[key] = self._rows.get(key, 0) + part.num_rows
        ends = pc.max(pc.coalesce(part[self._kind.usage_end], part[self._kind.usage_start])).as_py()
        self._until[key[0]] = max(ends, self._until.get(key[0], ends))

    def _path(self, key: Key) -> Path:
        name = hashlib.sha256(f"{key[0]}/{key[1]}".encode()).hexdigest()[:32]
        return Path(self._folder.name) / f"{name}.parquet"

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}


def _keys(table: pa.Table, kind: ExportKind) -> Any:
    """`YYYYMM/account` of each row."""
    name, _, part = kind.month.partition(".")
    column: Any = table[name].combine_chunks()
    months = pc.struct_field(column, part) if part else pc.strftime(column, format="%Y%m")
    return pa.chunked_array([pc.binary_join_element_wise(months, table[kind.account].combine_chunks().cast(TEXT), "/")])
