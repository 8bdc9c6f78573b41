"""Lands exported cost files: what a folder, a blob container or a cost details report delivered.

One load is a billing account, month, view, route and scope, replaced whole. A delivery is read to its end and counted
against its manifest before anything of it is written, so a half one changes nothing.
"""

import logging
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import ConfigError, CorruptFile, SchemaChanged
from ingest.file_rows import content_digest
from ingest.files import Folder
from ingest.quarantine import Quarantine
from ingest.run import Window
from ingest.sources.azure_cost_deliveries import Delivery, find
from ingest.sources.azure_cost_rows import Spool, Terms, Unit, spool, spooled
from ingest.sources.azure_cost_shapes import SOURCE

logger = logging.getLogger(__name__)
FileRoute = Literal["export", "details"]


@dataclass(frozen=True, order=True)
class _Target:
    """Where rows land: one scope of a stream, in one month."""

    stream: str
    view: str
    scope_kind: str
    scope_id: str
    unit: Unit

    def scope(self, route: FileRoute) -> str:
        """Name of the scope in landing."""
        parts = [route, self.view, self.scope_kind, self.unit.account]
        if self.scope_id and self.scope_id != self.unit.account:
            parts.append(self.scope_id)
        return "-".join(parts)


@dataclass
class _Part:
    """Rows of one target, gathered from one or more files."""

    contract: StreamContract
    paths: list[Path] = field(default_factory=list[Path])
    folders: set[str] = field(default_factory=set[str])
    rows: int = 0
    newest: date = date.min
    bad: list[dict[str, object]] = field(default_factory=list[dict[str, object]])


@dataclass
class _Load:
    """All that one call brings together before it writes."""

    context: Context
    route: FileRoute
    scratch: Path
    parts: dict[_Target, _Part] = field(default_factory=dict[_Target, _Part])
    told: dict[str, str] = field(default_factory=dict[str, str])
    kinds: set[str] = field(default_factory=set[str])
    contents: dict[str, str] = field(default_factory=dict[str, str])
    of_no_view: list[str] = field(default_factory=list[str])
    files_read: int = 0


def land_folder(
    context: Context, folder: Folder, window: Window | None, route: FileRoute = "export"
) -> list[LoadResult]:
    """Land every delivery of a folder that counts, or its months inside `window`.

    Raises:
        SchemaChanged: no file is a cost file; says which kind the nearest is and what it lacks.
        CorruptFile, Shrunk: a delivery is not whole, or far smaller than before; nothing of it was landed.
        ConfigError: two files without manifest may hold the same rows.
    """
    found = find(folder)
    return land(context, folder, found.deliveries, window, route=route, told=found.passed_over)


def land(
    context: Context,
    folder: Folder,
    deliveries: Iterable[Delivery],
    window: Window | None,
    *,
    route: FileRoute = "export",
    told: dict[str, str] | None = None,
) -> list[LoadResult]:
    """Land these deliveries of a folder; see `land_folder`."""
    listed = list(deliveries)
    with tempfile.TemporaryDirectory(prefix="inferledger-") as scratch:
        gathered = _Load(context, route, Path(scratch), told=dict(told or {}))
        first_fault: SchemaChanged | None = None
        for number, delivery in enumerate(listed):
            context.progress(SOURCE, number, len(listed))
            try:
                _gather(gathered, folder, delivery, window)
            except SchemaChanged as fault:
                if delivery.scope_kind != "file" or fault.is_near:
                    raise
                first_fault = first_fault or fault
                gathered.told[delivery.name] = fault.message
        if not gathered.kinds:
            raise first_fault or SchemaChanged(
                f"{folder.location} holds no cost file: {_first(gathered.told)}.",
                "Give the folder of an actual, amortized or FOCUS cost export.",
            )
        for name, reason in sorted(gathered.told.items()):
            logger.warning("passed over %s: %s", name, reason)
        logger.info("recognised", extra={"where": folder.location, "kinds": sorted(gathered.kinds)})
        _refuse_doubt(gathered)
        results = _write(gathered)
        context.progress(SOURCE, len(listed), len(listed))
    _report(gathered)
    return results


def _first(told: dict[str, str]) -> str:
    return "; ".join(f"{name}: {reason}" for name, reason in sorted(told.items())[:3]) or "it is empty"


def _gather(gathered: _Load, folder: Folder, delivery: Delivery, window: Window | None) -> None:
    """Read the files of a delivery and sort their rows into targets."""
    wanted = tuple(month for month in delivery.wanted if inside(month, window))
    if delivery.span and not wanted:
        gathered.kinds.add("outside the window")
        return
    account = delivery.account or gathered.context.config.azure.billing_account_id.lower()
    terms = Terms(account, delivery.span, wanted)
    rows, spools = 0, list[tuple[str, Spool]]()
    for file in delivery.files:
        path = folder.fetch(file)
        if delivery.scope_kind == "file" and _is_repeated(gathered, path, file.name):
            gathered.kinds.add("a repeated file")
            continue
        gathered.files_read += 1
        got = spool(path, file.name, terms, gathered.scratch / str(gathered.files_read))
        if got.foreign_rows:
            gathered.told[file.name] = f"{got.foreign_rows} rows of other providers"
        rows += got.seen
        spools.append((file.name, got))
    if delivery.rows is not None and rows != delivery.rows:
        raise CorruptFile(
            f"{delivery.name} counts {delivery.rows} rows, its files hold {rows}.",
            "Run the export again; what was landed before stays.",
        )
    _sort(gathered, delivery, terms, spools, window)


def _sort(
    gathered: _Load, delivery: Delivery, terms: Terms, spools: list[tuple[str, Spool]], window: Window | None
) -> None:
    """Put the spooled rows to their targets, and each bad row to the target it was meant for."""
    view = delivery.view or _guessed_view([got for _, got in spools])
    for name, got in spools:
        if view is None and not got.shape.is_amortized_too:
            gathered.of_no_view.append(name)
        shape = got.shape
        seen_view = "focus" if shape.is_amortized_too else ("actual" if view in (None, "focus") else view)
        gathered.kinds.add(f"{shape.kind.name} ({seen_view})")
        place = (shape.contract.stream, seen_view, delivery.scope_kind, delivery.scope_id)
        targets = {unit: _Target(*place, unit) for unit in got.paths}
        for unit, target in targets.items():
            if inside(unit.window, window):
                part = gathered.parts.setdefault(target, _Part(shape.contract))
                part.paths.append(got.paths[unit])
                part.folders.add(name.rpartition("/")[0])
                part.rows += got.rows[unit]
                part.newest = max(part.newest, got.newest[unit])
        for bad in got.quarantine.rows:
            meant = _meant(bad, terms, sorted(got.paths))
            if meant is None:
                raise CorruptFile(
                    f"{name}: no row of it can be taken, the first because {bad['reason']}.", "Export it again."
                )
            if inside(meant.window, window):
                gathered.parts.setdefault(_Target(*place, meant), _Part(shape.contract)).bad.append(bad)
    if delivery.span and not any(got.seen for _, got in spools):
        _sort_empty(gathered, delivery, terms, spools)


def _sort_empty(gathered: _Load, delivery: Delivery, terms: Terms, spools: list[tuple[str, Spool]]) -> None:
    """A delivery without a row says that its months cost nothing."""
    if spools and terms.account:
        shape = spools[0][1].shape
        view = "focus" if shape.is_amortized_too else delivery.view or "actual"
        for month in terms.wanted:
            target = _Target(
                shape.contract.stream, view, delivery.scope_kind, delivery.scope_id,
                Unit(terms.account, month.start.date()),
            )  # fmt: skip
            gathered.parts.setdefault(target, _Part(shape.contract))


def _meant(bad: dict[str, object], terms: Terms, units: list[Unit]) -> Unit | None:
    """The unit that a bad row was meant for: its own account and month, else the file's first."""
    account, month = bad["billing_account_id"], bad["billing_month"]
    if terms.wanted:
        first = terms.wanted[0].start.date()
        covered = {window.start.date() for window in terms.wanted}
        chosen = month if isinstance(month, date) and month in covered else first
        return Unit(str(account or terms.account or ""), chosen) if account or terms.account else None
    fits = [unit for unit in units if unit.account == account and unit.month == month]
    return (fits or units or [None])[0]


def _guessed_view(spools: list[Spool]) -> str | None:
    """Actual or amortized by the charges: commitments are bought in the one, unused ones stand in the other."""
    charges = {charge for got in spools for charge in got.charge_types}
    if any(charge.startswith(("UnusedReservation", "UnusedSavingsPlan")) for charge in charges):
        return "amortized"
    return "actual" if charges & {"Purchase Reservation", "Purchase SavingsPlan"} else None


def _is_repeated(gathered: _Load, path: Path, name: str) -> bool:
    """Whether a file without manifest was read before under another name."""
    earlier = gathered.contents.setdefault(content_digest(path, name), name)
    if earlier != name:
        gathered.told[name] = f"it has the content of {earlier}"
    return earlier != name


def inside(month: Window, window: Window | None) -> bool:
    return window is None or (month.start < window.end and window.start < month.end)


def _refuse_doubt(gathered: _Load) -> None:
    """Refuse files without manifest that may hold the same rows twice: two views of a month, or two runs of it."""
    if gathered.of_no_view and gathered.files_read > 1:
        raise ConfigError(
            f"Nothing tells whether {gathered.of_no_view[0]} holds actual or amortized cost, and more files are there.",
            "Keep its manifest.json beside it, or put `actual` or `amortized` into the name of the file or folder.",
        )
    for target, part in sorted(gathered.parts.items()):
        if target.scope_kind == "file" and len(part.folders) > 1:
            places = ", ".join(sorted(folder or "the folder itself" for folder in part.folders)[:3])
            raise ConfigError(
                f"{target.view} cost of {target.unit.account} for {target.unit.month:%Y-%m} lies in several folders "
                f"without a manifest ({places}), so the same rows may be there twice.",
                "Copy the manifest.json of each run beside its files, or give one of the folders.",
            )


def _write(gathered: _Load) -> list[LoadResult]:
    """Land every part, its quarantine first: too many bad rows stop it."""
    landing, results = gathered.context.landing, list[LoadResult]()
    for target, part in sorted(gathered.parts.items()):
        scope = target.scope(gathered.route)
        quarantine = Quarantine(part.contract, part.bad)
        apart = quarantine.land(landing, scope=scope, window=target.unit.window, good_rows=part.rows)
        extra = {
            "_view": target.view,
            "_route": gathered.route,
            "_scope_kind": target.scope_kind,
            "_billing_account_id": target.unit.account,
        }
        batches = spooled(part.paths, extra)
        results.append(landing.write(part.contract, scope=scope, window=target.unit.window, batches=batches))
        if part.bad:
            results.append(apart)
    return results


def _report(gathered: _Load) -> None:
    """Say how far each billing account's files reach, and what was passed over."""
    newest: dict[str, date] = {}
    for target, part in gathered.parts.items():
        newest[target.unit.account] = max(part.newest, newest.get(target.unit.account, date.min))
    bad = sum(len(part.bad) for part in gathered.parts.values())
    notes = [f"{bad} rows are set apart" if bad else "", _first(gathered.told) if gathered.told else ""]
    message = "; ".join(note for note in notes if note) or None
    known: dict[str, str] = gathered.context.landing.read_state(SOURCE, "accounts")
    for account, day in newest.items():
        if day > date.min:
            end = datetime.combine(day, datetime.min.time(), UTC) + timedelta(days=1)
            known[account] = max(known.get(account, ""), end.isoformat())
        watermark = datetime.fromisoformat(known[account]) if account in known else None
        gathered.context.landing.report(SOURCE, account, watermark, message)
    gathered.context.landing.write_state(SOURCE, "accounts", known)
