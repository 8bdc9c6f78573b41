"""Exported files of the AWS bill from a folder, one file or a bucket's prefix: `inferledger ingest aws_cur --path ...`.

Where manifests are, they decide: each export and billing period is the files that its newest manifest names, landed as
its bucket would land it. Files that stand alone are recognised by their columns, split by payer and billing month, and
replace what was landed before for that payer, month and format. The same file twice is read once.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from ingest.contracts import Context, LoadResult
from ingest.errors import CorruptFile, EmptyAnswer, SchemaChanged
from ingest.file_rows import content_digest
from ingest.files import ExportedFile, Folder
from ingest.quarantine import Quarantine
from ingest.run import Window, day_start, next_month
from ingest.sources.aws_cur_landing import (
    BillFile,
    Share,
    land_period,
    one_layout,
    open_bill,
    remember_workloads,
    report,
)
from ingest.sources.aws_cur_manifest import Delivery, deliveries, is_manifest, named_files, resolve
from ingest.sources.aws_cur_rows import Seen, month_of, read_batches
from ingest.sources.aws_cur_schema import KINDS, SOURCE, Layout

logger = logging.getLogger(__name__)
# what lies beside a bill and is no table
_NO_TABLE = ("*.json", "*.md", "*.sql", "*.txt", "*.yml", "*.yaml", "*.pdf", "*.xlsx", "license*", "_success")


@dataclass(frozen=True)
class _Month:
    """One payer and month of files that stand alone."""

    layout: Layout
    payer: str
    month: date

    @property
    def window(self) -> Window:
        return Window(day_start(self.month), day_start(next_month(self.month)))


def load_files(context: Context, folder: Folder, window: Window | None) -> list[LoadResult]:
    """Land what the folder holds of the AWS bill, or of it the billing months that touch `window`.

    Raises:
        EmptyAnswer: nothing in it touches the window, or a file holds no row.
        SchemaChanged: no file is an AWS bill, or one is nearly one.
        CorruptFile: a file cannot be read, or a manifest names one that is not there.
    """
    files = folder.files()
    delivered = deliveries(files, folder)
    tables = [file for file in files if not is_manifest(file) and not file.matches(*_NO_TABLE)]
    loose = [file for file in tables if not _is_covered(file, delivered)]
    seen = Seen()
    results: list[LoadResult] = []
    for delivery in delivered:
        if _touches(delivery.period, window):
            results += _land_delivery(context, folder, files, delivery, seen)
    for month, shares in _months(_recognised(folder, loose, needed=not delivered), window).items():
        scope = f"files-{month.payer}"
        results += land_period(context, month.layout, scope=scope, window=month.window, shares=shares, seen=seen)
    if not results:
        raise EmptyAnswer(
            f"{folder.location} holds no billing period of the AWS bill{f' in {window}' if window else ''}.",
            "Check the path, or ask for another window.",
        )
    remember_workloads(context, seen)
    covered = [file for file in tables if file not in loose]
    report(context, seen.watermarks, _told_unread(folder, files, covered) if window is None else None)
    return results


def _told_unread(folder: Folder, files: Sequence[ExportedFile], covered: Sequence[ExportedFile]) -> str | None:
    """What is said of files below a manifest that none names: of an unfinished delivery, or another bill."""
    named: set[str] = set()
    for manifest in filter(is_manifest, files):
        try:
            named |= {file.name for file in _chosen(folder, files, manifest)}
        except (CorruptFile, EmptyAnswer):
            # an older manifest whose files are gone
            continue
    unread = [file.name for file in covered if file.name not in named]
    for name in unread:
        logger.warning("passed over %s: no manifest beside or above it names it", name)
    if not unread:
        return None
    more = f" and {len(unread) - 3} more" if len(unread) > 3 else ""
    return f"No manifest names {', '.join(unread[:3])}{more}: not read. Load a bill of its own by its own --path."


def _chosen(folder: Folder, files: Sequence[ExportedFile], manifest: ExportedFile) -> list[ExportedFile]:
    """The files that a manifest names. Raises CorruptFile, EmptyAnswer."""
    named = named_files(folder.fetch(manifest), manifest.name)
    return [resolve(name, files, manifest.name) for name in named]


def _land_delivery(
    context: Context, folder: Folder, files: Sequence[ExportedFile], delivery: Delivery, seen: Seen
) -> list[LoadResult]:
    chosen = _chosen(folder, files, delivery.manifest)
    bills = [open_bill(folder.fetch(file), file.name) for file in chosen]
    layout = one_layout(bills, delivery.manifest.name)
    results = land_period(
        context,
        layout,
        scope=delivery.export,
        window=delivery.period,
        shares=[Share(bill) for bill in bills],
        seen=seen,
    )
    # what the bucket delivered for this month is no longer what is landed: the next run looks again
    state = context.landing.read_state(SOURCE, delivery.export)
    if state.pop(f"{delivery.period.start:%Y-%m}", None) is not None:
        context.landing.write_state(SOURCE, delivery.export, state)
    return results


def _recognised(folder: Folder, files: Sequence[ExportedFile], *, needed: bool) -> list[BillFile]:
    """The bills among the files; a stranger is passed over, a file that is nearly a bill is not."""
    bills: list[BillFile] = []
    strangers: list[SchemaChanged] = []
    known: set[str] = set()
    for file in files:
        path = folder.fetch(file)
        try:
            bill = open_bill(path, file.name)
        except SchemaChanged as error:
            if "looks like" in error.message and len(files) > 1 and _is_near(error):
                raise
            strangers.append(error)
            logger.warning("passed over %s: %s", file.name, error.message)
            continue
        except EmptyAnswer as error:
            if len(files) == 1:
                raise
            logger.warning("passed over %s: %s", file.name, error.message)
            continue
        digest = content_digest(bill.path, bill.name)
        if digest in known:
            logger.warning("passed over %s: it is a copy of another file", file.name)
            continue
        known.add(digest)
        bills.append(bill)
    if needed and not bills and strangers:
        raise strangers[0]
    return bills


def _is_near(error: SchemaChanged) -> bool:
    """Whether a few columns are missing, not most of them: a renamed header must not drop a part of the bill."""
    return error.message.count(", ") + 1 <= min(len(kind.columns) for kind in KINDS) // 2 - 1


def _months(bills: Sequence[BillFile], window: Window | None) -> dict[_Month, list[Share]]:
    """The files by payer and month that `window` touches, each month with its share of every file that has rows of it.

    What cannot be read of a file goes with the first of its months.
    """
    found: dict[_Month, list[Share]] = {}
    for bill in bills:
        months = [month for month in _months_of(bill) if _touches(month.window, window)]
        for number, month in enumerate(sorted(months, key=lambda one: (one.month, one.payer))):
            found.setdefault(month, []).append(Share(bill, month.payer, month.month, has_rejects=not number))
    return found


def _months_of(bill: BillFile) -> set[_Month]:
    layout = bill.layout
    found: set[_Month] = set()
    rows = 0
    for payer, period in _pairs(bill):
        rows += 1
        month = month_of(period)
        if month is not None and payer and payer.strip() not in ("", "NULL"):
            found.add(_Month(layout, payer, month))
    if not rows:
        raise EmptyAnswer(f"{bill.name} holds no row.", "Check the export, or leave the file out.")
    if not found:
        raise CorruptFile(
            f"{bill.name}: no row names a payer in {layout.account} and a date in {layout.period}.", "Export it again."
        )
    return found


def _pairs(bill: BillFile) -> Iterator[tuple[str | None, object]]:
    layout = bill.layout
    for table in read_batches(bill.path, bill.name, layout, Quarantine(layout.contract)):
        grouped: pa.Table = table.group_by([layout.account, layout.period]).aggregate([])
        for row in grouped.to_pylist():
            yield row[layout.account], row[layout.period]


def _is_covered(file: ExportedFile, delivered: Sequence[Delivery]) -> bool:
    """Whether a manifest speaks for the file's folder: what it does not name is an older or unfinished delivery."""
    return any(not one.root or file.name.startswith(f"{one.root}/") for one in delivered)


def _touches(period: Window, window: Window | None) -> bool:
    return window is None or (period.start < window.end and window.start < period.end)
