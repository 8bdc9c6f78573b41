"""Lands one billing period of the AWS bill from files that lie on this machine, whatever their format."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from ingest import arrow
from ingest.contracts import Context, LoadResult, status_contract
from ingest.errors import SchemaChanged
from ingest.file_rows import columns_of, is_parquet
from ingest.files import recognise
from ingest.quarantine import Quarantine, quarantine_contract
from ingest.run import Window
from ingest.sources.aws_cur_rows import Seen, month_of, note, read_batches, sound_rows
from ingest.sources.aws_cur_schema import KINDS, SOURCE, Layout, layout_of

pc: Any = pyarrow.compute
_parquet: Any = pyarrow.parquet
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BillFile:
    """One data file of a bill: its name for people, where it lies, how it lands, and its columns as they come."""

    name: str
    path: Path
    layout: Layout
    schema: pa.Schema


@dataclass(frozen=True)
class Share:
    """What of a file belongs to a load: all of it, or one payer and month of a file that holds several.

    `has_rejects` is set on one share of each file: there its rows that no payer or month could claim are set apart.
    """

    file: BillFile
    payer: str | None = None
    month: date | None = None
    has_rejects: bool = True


def open_bill(path: Path, name: str) -> BillFile:
    """The file, recognised by its columns.

    Raises:
        SchemaChanged: it is no format of the AWS bill; says which columns are missing for the nearest.
        CorruptFile, EmptyAnswer: it cannot be read.
    """
    columns = columns_of(path, name)
    kind = recognise(name, columns, KINDS)
    schema = pa.schema([pa.field(column, pa.string()) for column in columns])
    if is_parquet(path):
        schema = cast(pa.Schema, _parquet.read_schema(path))
    typed = layout_of(kind, text=False)
    layout = typed if typed and _is_typed(schema, typed) else layout_of(kind, text=True)
    if layout is None:
        raise SchemaChanged(f"{name}: a {kind.name} is not read in this form.", "Export it as CSV or Parquet.")
    logger.info("recognised %s as %s", name, kind.name, extra={"file": name, "stream": layout.contract.stream})
    return BillFile(name, path, layout, schema)


def _is_typed(schema: pa.Schema, typed: Layout) -> bool:
    """Whether amounts are doubles, as AWS writes them: a shorter float would add digits to its own shortest text."""
    kinds = [arrow.type_of(schema, name) for name in typed.numbers if name in schema.names]
    return pa.types.is_float64(arrow.type_of(schema, typed.cost)) and not any(map(pa.types.is_float32, kinds))


def one_layout(files: Sequence[BillFile], where: str) -> Layout:
    """The layout that all files share. Raises SchemaChanged when they differ."""
    layouts = {file.layout.contract.stream: file.layout for file in files}
    if len(layouts) > 1:
        raise SchemaChanged(
            f"{where}: its files are of several formats: {', '.join(sorted(layouts))}.", "Load them apart."
        )
    return next(iter(layouts.values()))


def land_period(
    context: Context, layout: Layout, *, scope: str, window: Window, shares: Sequence[Share], seen: Seen
) -> list[LoadResult]:
    """Replace one period of one export by the rows of its files; what cannot be a charge goes to the quarantine.

    Raises:
        EmptyAnswer, CorruptFile, SchemaChanged, Shrunk: the files are not a bill; what was landed before stays.
    """
    apart = Quarantine(layout.contract)
    batches = _batches(layout, shares, seen, apart, scope)
    result = context.landing.write(layout.contract, scope=scope, window=window, batches=batches)
    place = f"{layout.contract.stream}-{scope}"
    known = context.landing.windows(quarantine_contract(SOURCE), place)
    if not apart.rows and f"{window.start:%Y-%m-%d}" not in known:
        return [result]
    return [result, apart.land(context.landing, scope=scope, window=window, good_rows=result.rows)]


def _batches(layout: Layout, shares: Sequence[Share], seen: Seen, apart: Quarantine, scope: str) -> Iterator[pa.Table]:
    extras: dict[str, pa.DataType] = {
        field.name: pa.string() if layout.is_text else field.type
        for share in shares
        for field in arrow.fields(share.file.schema)
        if field.name not in layout.contract.schema.names
    }
    good = 0
    for share in shares:
        rejects = apart if share.has_rejects else Quarantine(layout.contract)
        for table in read_batches(share.file.path, share.file.name, layout, rejects):
            rows = _claimed(sound_rows(table, layout, share.file.name, rejects), share)
            if not good:
                rows = _with_columns(rows, extras)
            note(rows, layout, seen)
            good += rows.num_rows
            if rows.num_rows:
                yield rows
    apart.refuse_too_many(scope, good)


def _with_columns(table: pa.Table, columns: dict[str, pa.DataType]) -> pa.Table:
    """The first table of a load settles its columns, so it has those of every file."""
    for name, kind in columns.items():
        if name not in table.column_names:
            table = table.append_column(name, arrow.nulls(table.num_rows, kind))
    return table


def _claimed(table: pa.Table, share: Share) -> pa.Table:
    if share.payer is None:
        return table
    layout = share.file.layout
    periods: Any = pc.unique(table[layout.period])
    mine = [value for value in periods.to_pylist() if month_of(value) == share.month]
    is_mine = pc.is_in(table[layout.period], value_set=pa.array(mine, periods.type))
    return table.filter(pc.and_(is_mine, pc.equal(table[layout.account], share.payer)))


def remember_workloads(context: Context, seen: Seen) -> None:
    """Keep the ids for the metrics: CloudWatch still has the hours of a profile that is deleted and long silent."""
    known = context.landing.read_state(SOURCE, "workloads")
    for account, region, model_id in sorted(seen.workloads):
        place = known.setdefault(account, [])
        if [region, model_id] not in place:
            place.append([region, model_id])
    context.landing.write_state(SOURCE, "workloads", known)


def report(context: Context, watermarks: dict[str, datetime], message: str | None = None) -> None:
    """Say how far each payer's bill reaches; one that was loaded out of order never goes back."""
    rows = context.landing.read(status_contract(SOURCE)).to_pylist()
    known = {row["account_id"]: row["watermark"] for row in rows if row["watermark"] is not None}
    for payer, mark in sorted(watermarks.items()):
        context.landing.report(SOURCE, payer, max(mark, known.get(payer, mark)), message)
