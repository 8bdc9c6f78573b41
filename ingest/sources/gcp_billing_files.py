"""Exported billing tables as files: what each is, its rows, and their landing by billing account and invoice month.

A file is known by its columns, whatever its name: the detailed export has `resource`, the standard one has not, the
FOCUS export has FOCUS columns. Parquet as BigQuery exports it, JSON lines (numbers may stand as text), CSV with nested
columns as JSON text or flattened with dots (`service.id`). A load replaces the invoice months that its files hold, so
the files of a month are given together; a byte-identical copy of a file is not read twice, and that is told.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path

from ingest.contracts import Context, LoadResult
from ingest.errors import EmptyAnswer, SchemaChanged
from ingest.file_content import starts_as_json
from ingest.file_rows import columns_of, content_digest, csv_batches, is_parquet, json_rows, parquet_batches
from ingest.files import ExportedFile, FileKind, Folder, recognise
from ingest.quarantine import Quarantine
from ingest.run import Window, day_start, next_month
from ingest.sources.gcp_billing_files_rows import RowReader, TakenRows
from ingest.sources.gcp_billing_focus import FOCUS
from ingest.sources.gcp_billing_rows import DETAILED, SOURCE, STANDARD, ExportKind
from ingest.sources.gcp_billing_spool import Spool

logger = logging.getLogger(__name__)
_KINDS = {
    FileKind(DETAILED.title, (*STANDARD.top_columns, "resource")): DETAILED,
    FileKind(STANDARD.title, STANDARD.top_columns): STANDARD,
    FileKind(FOCUS.title, FOCUS.top_columns): FOCUS,
}
# what people leave beside exports and no export is ever called
_OTHERS = ("*.md", "*.txt", "*.pdf", "*.png", "*.sql", "*.xlsx", "*.html", "*.log", "_success")
ROWS_PER_TABLE = 20_000
_BLOCK = 1 << 20


@dataclass(frozen=True)
class _Export:
    """A file and what it is."""

    file: ExportedFile
    path: Path
    kind: ExportKind
    is_json: bool


def load_exported(context: Context, folder: Folder, window: Window | None) -> list[LoadResult]:
    """Land the rows of every file that is a billing export, by account and invoice month.

    Raises:
        SchemaChanged: no file is one; names the nearest kind and what is missing for it.
        CorruptFile: a file cannot be read to its end, or more than a fifth of its rows cannot be taken.
    """
    exports, copies = _recognised(folder)
    results: list[LoadResult] = []
    for kind in dict.fromkeys(export.kind for export in exports):
        mine = [export for export in exports if export.kind is kind]
        logger.info("recognised", extra={"what": kind.title, "files": [export.file.name for export in mine]})
        results += _load_kind(context, kind, mine, copies, window)
    return results


def _recognised(folder: Folder) -> tuple[list[_Export], list[str]]:
    """The billing exports among the files, and the names of byte-identical copies."""
    found: list[_Export] = []
    copies: list[str] = []
    seen: set[str] = set()
    refused: list[SchemaChanged] = []
    for file in folder.files():
        if file.matches(*_OTHERS):
            logger.warning("passed over %s: it is no table", file.name)
            continue
        path = folder.fetch(file)
        try:
            columns, is_json = _columns(path, file.name)
            kind = _KINDS[recognise(file.name, list(dict.fromkeys(columns)), list(_KINDS))]
        except EmptyAnswer:
            logger.warning("passed over %s: it is empty", file.name)
            continue
        except SchemaChanged as error:
            if error.is_near:
                raise
            logger.warning("passed over %s: %s", file.name, error.message)
            refused.append(error)
            continue
        digest = content_digest(path, file.name)
        if digest in seen:
            logger.warning("passed over %s: it is a copy of another file", file.name)
            copies.append(file.name)
            continue
        seen.add(digest)
        found.append(_Export(file, path, kind, is_json))
    if not found:
        if refused:
            raise refused[0]
        raise EmptyAnswer(f"{SOURCE}: no file of {folder.location} holds a row.", "Check the path or prefix.")
    return found, copies


def _columns(path: Path, name: str) -> tuple[list[str], bool]:
    """The top-level columns of a file, and whether it is JSON.

    Raises:
        CorruptFile, EmptyAnswer: it cannot be read, or holds nothing.
        SchemaChanged: it is no table at all.
    """
    if starts_as_json(path):
        return _json_columns(path, name), True
    return [column.partition(".")[0] for column in columns_of(path, name)], False


def _json_columns(path: Path, name: str) -> list[str]:
    """Every column that one of the first rows has: BigQuery leaves NULL fields out."""
    seen: dict[str, None] = {}
    rows = json_rows(path, name, Quarantine(DETAILED.contract))
    for number, row in enumerate(rows):
        seen |= dict.fromkeys(column.partition(".")[0] for column in row)
        if number >= ROWS_PER_TABLE:
            break
    return list(seen)


def _load_kind(
    context: Context, kind: ExportKind, exports: list[_Export], copies: list[str], window: Window | None
) -> list[LoadResult]:
    with Spool(kind) as spool:
        for number, export in enumerate(exports):
            reader = RowReader(kind, export.file.name)
            for taken in _taken(reader, export):
                spool.add(taken)
            context.progress("Google billing files", number + 1, len(exports))
        keys = [key for key in spool.keys if window is None or window.start <= day_start(key[1]) < window.end]
        results: list[LoadResult] = []
        good = sum(spool.rows(key) for key in spool.keys)
        for account, month in keys:
            span = Window(day_start(month), day_start(next_month(month)))
            scope = f"files-{kind.name}-{account}"
            batches = spool.batches((account, month))
            quarantine = spool.quarantine((account, month))
            # what was set apart first: too much of it stops the load before a row of it lands
            results.append(quarantine.land(context.landing, scope=scope, window=span, good_rows=good))
            results.append(context.landing.write(kind.contract, scope=scope, window=span, batches=batches))
        results += _land_homeless(context, kind, spool, keys, good)
        _report(context, kind, spool, copies)
    return results


def _land_homeless(
    context: Context, kind: ExportKind, spool: Spool, keys: list[tuple[str, date]], good: int
) -> list[LoadResult]:
    """Rows set apart whose account or month has no good row or cannot be read: beside the load's first month."""
    first = min((month for _, month in keys), default=context.run.as_of.date().replace(day=1))
    span = Window(day_start(first), day_start(next_month(first)))
    homeless = spool.homeless(keys)
    return [homeless.land(context.landing, scope=f"files-{kind.name}-unknown", window=span, good_rows=good)]


def _report(context: Context, kind: ExportKind, spool: Spool, copies: list[str]) -> None:
    told = [f"{name} is a copy of another file and was not read." for name in copies]
    if count := spool.set_apart:
        amount: Decimal = spool.amount_set_apart
        told.append(f"{count} rows of the files cannot be taken ({amount} where their cost can be read).")
    for account in dict.fromkeys(account for account, _ in spool.keys):
        context.landing.report(SOURCE, account, spool.usage_until(account), " ".join(told) or None)
    logger.info("read", extra={"what": kind.title, "accounts": [account for account, _ in spool.keys]})


def _taken(reader: RowReader, export: _Export) -> Iterator[TakenRows]:
    if is_parquet(export.path):
        for table in parquet_batches(export.path, export.file.name):
            yield reader.take_table(table)
        return
    malformed = Quarantine(reader.kind.contract)
    if export.is_json:
        rows = json_rows(export.path, export.file.name, malformed)
        while chunk := list(islice(rows, ROWS_PER_TABLE)):
            yield reader.take_rows(chunk)
    else:
        for table in csv_batches(export.path, export.file.name, malformed):
            yield reader.take_rows(table.to_pylist(), is_csv=True)
    yield reader.set_apart(malformed)
