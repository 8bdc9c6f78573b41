"""Close: freeze a month of the published file, once it is over, final and tied to the bill.

Nothing in a closed month is changed afterwards. Closing it again without change does nothing; with a change it needs a
reason, and the earlier revision is kept. What moves later is told by `inferledger restatement`.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

import state
from ingest.errors import ConfigError, TerminalError
from ingest.run import Run
from ingest.settings import Settings
from pipeline.building import is_done
from pipeline.closed_home import closed_root, month_name
from pipeline.closed_manifest import (
    changed_inputs,
    freeze_month,
    read_manifest,
    sha256,
    write_manifest,
)
from pipeline.closed_tables import NUMBERS, open_published, read_frozen
from pipeline.closing_checks import require_closable
from pipeline.lock import warehouse_lock


@dataclass(frozen=True)
class Closing:
    """What closing a month did. `outcome` is closed, identical (nothing to do) or reopened."""

    month: date
    revision: int
    outcome: str
    manifest: Path
    manifest_hash: str
    changed_inputs: int
    totals: list[dict[str, Any]]


def parse_month(text: str) -> date:
    """The first day of a month given as ``2026-10``.

    Raises:
        ConfigError: it is no month.
    """
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise ConfigError(f"{text!r} is no month.", "Give year and month, such as 2026-10.") from None


def close_month(
    settings: Settings,
    run: Run,
    month: date,
    *,
    by: str,
    accept_provisional: str | None = None,
    reopen: str | None = None,
    invoices: Mapping[str, Decimal] | None = None,
) -> Closing:
    """Freeze `month` into ``closed/YYYY-MM`` of the home and remember it in the state store.

    Args:
        by: who closes it.
        accept_provisional: why it is closed although a provider may still change it.
        reopen: why a closed month is frozen again with other numbers.
        invoices: what the providers' invoices say, by billing account, in its currency; held against what landed.

    Raises:
        TerminalError: the month is not over, not tied, not final, not tested, or closed with other numbers.
    """
    with warehouse_lock(settings.home):
        _require_tested(settings)
        recover(settings.home, month)
        folder = closed_root(settings.home) / month_name(month)
        earlier = read_manifest(folder)
        revision = 1 if earlier is None else int(earlier["revision"]) + 1
        aside = closed_root(settings.home) / "revisions" / f".new-{month_name(month)}-{run.run_id}"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        try:
            with open_published(settings.published) as connection:
                unsettled = require_closable(connection, run, month, accept_provisional, invoices or {})
                manifest = freeze_month(settings, run, connection, month, revision, aside)
                if earlier is not None and not _changed_tables(connection, earlier, aside):
                    return _unchanged(settings, folder, earlier, manifest)
            if earlier is not None and reopen is None:
                raise _closed_otherwise(month, earlier)
            reasons = {"accepted_provisional": accept_provisional if unsettled else None, "unsettled": unsettled}
            manifest |= {"closed_by": by, **reasons, "reopened_because": reopen if earlier else None}
            manifest["invoices"] = {account: f"{amount:f}" for account, amount in (invoices or {}).items()}
            manifest_hash = write_manifest(aside, manifest, month)
            _swap_in(aside, folder, None if earlier is None else int(earlier["revision"]))
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    _remember(settings, month, manifest, manifest_hash)
    outcome = "closed" if earlier is None else "reopened"
    changed = 0 if earlier is None else len(changed_inputs(earlier["inputs"], manifest["inputs"]))
    return Closing(month, revision, outcome, folder / "manifest.json", manifest_hash, changed, manifest["totals"])


def _closed_otherwise(month: date, earlier: dict[str, Any]) -> TerminalError:
    return TerminalError(
        f"{month_name(month)} was closed by {earlier['closed_by']} as revision {earlier['revision']}, and its numbers "
        "are others now.",
        f"`inferledger restatement {month_name(month)}` says what moved; --reopen REASON freezes it anew.",
    )


def recover(home: Path, month: date) -> None:
    """Bring back the latest revision of a month whose reopening was cut off between two renames."""
    folder = closed_root(home) / month_name(month)
    revisions = (closed_root(home) / "revisions").glob(f"{month_name(month)}-r*")
    kept = sorted(revisions, key=lambda path: int(path.name.split("-r")[1]))
    if kept and not folder.exists():
        kept[-1].rename(folder)


def _require_tested(settings: Settings) -> None:
    if not settings.published.exists():
        raise TerminalError("Nothing is published, so there is no month to close.", "Run `inferledger run` first.")
    if settings.warehouse.exists():
        with duckdb.connect(settings.warehouse, read_only=True) as connection:
            if is_done(connection, "build"):
                return
    raise TerminalError(
        "The last build has not passed its tests, so no month is closed on it.",
        "Run `inferledger build`, `detect` and `publish`, and mend what they name.",
    )


def _changed_tables(connection: duckdb.DuckDBPyConnection, earlier: dict[str, Any], aside: Path) -> list[str]:
    """The tables of numbers that hold something else than at the close; columns added since do not count."""
    changed: list[str] = []
    for name, told in earlier["tables"].items():
        if name in NUMBERS:
            now = aside / f"{name}.parquet"
            table = read_frozen(connection, now, told["columns"]) if now.exists() else None
            if table is None or table.sha256 != told["sha256"]:
                changed.append(name)
    return changed


def _unchanged(settings: Settings, folder: Path, earlier: dict[str, Any], manifest: dict[str, Any]) -> Closing:
    month = parse_month(earlier["month"])
    manifest_hash = sha256((folder / "manifest.json").read_text())
    _remember(settings, month, earlier, manifest_hash)
    changed = changed_inputs(earlier["inputs"], manifest["inputs"])
    return Closing(
        month,
        int(earlier["revision"]),
        "identical",
        folder / "manifest.json",
        manifest_hash,
        len(changed),
        earlier["totals"],
    )


def _swap_in(aside: Path, folder: Path, earlier_revision: int | None) -> None:
    """Rename the new revision to its place and keep the one that was there."""
    for path in aside.iterdir():
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
    if earlier_revision is not None:
        folder.rename(folder.parent / "revisions" / f"{folder.name}-r{earlier_revision}")
    aside.rename(folder)


def _remember(settings: Settings, month: date, manifest: dict[str, Any], manifest_hash: str) -> None:
    closed_as_of = datetime.fromisoformat(manifest["closed_as_of"])
    reason = manifest["reopened_because"] or manifest["accepted_provisional"]
    closed = state.ClosedMonth(
        month, int(manifest["revision"]), closed_as_of, manifest["closed_by"], manifest_hash, reason
    )
    store = state.open_state(settings.database_url)
    try:
        state.record_closed_month(store, closed)
    finally:
        store.close()
