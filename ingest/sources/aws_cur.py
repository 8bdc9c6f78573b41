"""The AWS bill: what AWS billing exports put into a bucket, or what somebody copied from one.

Inputs: CUR 2.0, FOCUS 1.2 or FOCUS 1.0 of Data Exports, or the legacy Cost and Usage Report, as Parquet or CSV; each
file is known by its columns. The manifest comes first: AWS writes it after the files it names, so a file it does not
name is not read. With one folder per execution the newest manifest counts.
A load is one export and billing period, replaced whole: AWS restates the month to date with every refresh and closed
months for about two weeks. Each run looks at every period of the backfill; a manifest whose entity tag is known is
skipped. The manifest is read again after its files, so a refresh in between cannot mix two deliveries.
Run alone: `inferledger ingest aws_cur --start 2026-10-01 --end 2026-11-01`, or with `--path` for exported files.
"""

import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ingest.aws_client import AwsClients
from ingest.contracts import Context, LoadResult
from ingest.errors import EmptyAnswer, TransientError
from ingest.run import Window, months
from ingest.sources import aws_cur_audit
from ingest.sources.aws_cur_bucket import ExportBucket, export_bucket
from ingest.sources.aws_cur_check import check
from ingest.sources.aws_cur_files import load_files
from ingest.sources.aws_cur_landing import Share, land_period, one_layout, open_bill, remember_workloads, report
from ingest.sources.aws_cur_manifest import Delivery
from ingest.sources.aws_cur_rows import Seen
from ingest.sources.aws_cur_schema import LAYOUTS, LINE_ITEMS, SOURCE

__all__ = ["SOURCE", "STREAMS", "check", "load", "load_files"]

BILLS = tuple(layout.contract for layout in LAYOUTS)
STREAMS = (*BILLS, aws_cur_audit.CONTRACT)


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Replace every billing period of `window` (None: those of the backfill whose manifest changed).

    Raises:
        EmptyAnswer, CorruptFile, SchemaChanged, Shrunk: what was delivered is not a bill; the landed one stays.
        PermissionDenied, CredentialExpired, Unreachable, WrongRegion, ConfigError: as AWS answered, with what to do.
    """
    clients = AwsClients(context.settings)
    results: list[LoadResult] = []
    for export in context.config.aws.exports:
        with tempfile.TemporaryDirectory(prefix="inferledger-") as scratch:
            results += _load_export(context, export_bucket(clients, export, Path(scratch)), window)
    return results + aws_cur_audit.load(context, window)


def _load_export(context: Context, source: ExportBucket, window: Window | None) -> list[LoadResult]:
    export, as_of = source.export, context.run.as_of
    source.check_region()
    delivered = source.manifests()
    span = window or Window(as_of - timedelta(days=context.config.backfill_days), as_of)
    wanted = [delivered[name] for name in (f"{month.start:%Y-%m}" for month in months(span)) if name in delivered]
    if not wanted:
        raise EmptyAnswer(
            f"Billing export {export.name}: no billing period of {span} is delivered, only {', '.join(delivered)}.",
            "Ask for another window, or backfill the export in the AWS console.",
        )
    state = context.landing.read_state(SOURCE, export.name)
    landed = {contract.stream: context.landing.windows(contract, export.name) for contract in BILLS}
    results: list[LoadResult] = []
    for number, delivery in enumerate(wanted):
        context.progress(f"aws_cur {export.name}", number, len(wanted))
        name = f"{delivery.period.start:%Y-%m}"
        known = state.get(name, {})
        is_landed = f"{name}-01" in landed[known.get("stream", LINE_ITEMS.stream)]
        if window is None and is_landed and known.get("etag") == delivery.manifest.version:
            continue
        loaded, etag, seen = _load_period(context, source, delivery)
        results += loaded
        marks = {payer: mark.isoformat() for payer, mark in seen.watermarks.items()}
        state[name] = {"etag": etag, "stream": loaded[0].stream, "watermarks": marks}
        remember_workloads(context, seen)
        context.landing.write_state(SOURCE, export.name, state)
    context.progress(f"aws_cur {export.name}", len(wanted), len(wanted))
    report(context, _watermarks(state) or {})
    return results


def _watermarks(state: dict[str, Any]) -> dict[str, datetime]:
    newest: dict[str, datetime] = {}
    for period in state.values():
        for payer, mark in period.get("watermarks", {}).items():
            moment = datetime.fromisoformat(mark)
            newest[payer] = max(moment, newest.get(payer, moment))
    return newest


def _load_period(context: Context, source: ExportBucket, delivery: Delivery) -> tuple[list[LoadResult], str, Seen]:
    """Load one period from one consistent delivery; a refresh in between starts it over, up to three times."""
    name = source.export.name
    for _ in range(3):
        keys, etag = source.read_manifest(delivery)
        paths = [source.bucket.fetch_now(key)[0] for key in keys]
        try:
            if source.read_manifest(delivery)[1] != etag:
                continue
            seen = Seen()
            bills = [open_bill(path, f"Billing export file {key}") for key, path in zip(keys, paths, strict=True)]
            results = land_period(
                context,
                one_layout(bills, f"Billing export {name}"),
                scope=name,
                window=delivery.period,
                shares=[Share(bill) for bill in bills],
                seen=seen,
            )
            return results, etag, seen
        finally:
            for path in paths:
                path.unlink(missing_ok=True)
    raise TransientError(
        f"Billing export {name}: {delivery.manifest.name} was rewritten three times while it was read.",
        "Run again in an hour.",
    )
