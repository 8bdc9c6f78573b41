"""Request logs as many small JSON files, by day: which ones to read, and their rows by UTC day.

A window is one UTC day of one location, replaced whole. Writers name their folders by day, by their own clock, so a day
is read from the folders of its neighbours too; what lies in no such folder is read every time. A day whose files are
all known is left alone. Rows that cannot be taken are set apart, and counted before anything lands.
"""

import hashlib
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest.config_gateway import LogLocation
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import ConfigError, CorruptFile, EmptyAnswer, SchemaChanged
from ingest.file_content import holds_json
from ingest.files import ExportedFile, Folder, open_folder
from ingest.landing import Landing
from ingest.quarantine import MOST_PCT, Quarantine, quarantine_contract
from ingest.run import Window, day_start, days

logger = logging.getLogger(__name__)
# a writer sends within minutes; a host that lost its network sends what it kept
TRAILING_DAYS = 3
ROWS_PER_TABLE = 20_000
FETCHES = 16
_DAY = timedelta(days=1)
_DATED = (re.compile(r"(?:^|/)(\d{4})-(\d{2})-(\d{2})/"), re.compile(r"year=(\d{4})/month=(\d{2})/day=(\d{2})(?:/|$)"))

OpenedFile = tuple[ExportedFile, Path]
Reader = Callable[[Callable[[], Iterator[OpenedFile]], "DayBook"], None]


@dataclass
class DayBook:
    """The rows of one load by UTC day, and what was set apart.

    Args:
        window: days to keep; None for all.
    """

    contract: StreamContract
    window: Window | None = None
    recognised: int = 0
    rows: int = 0
    newest: datetime | None = None
    _tables: dict[date, list[pa.Table]] = field(default_factory=dict[date, list[pa.Table]])
    _pending: dict[date, list[dict[str, Any]]] = field(default_factory=dict[date, list[dict[str, Any]]])
    _apart: dict[date | None, Quarantine] = field(default_factory=dict[date | None, Quarantine])

    def add(self, moment: datetime, row: dict[str, Any]) -> None:
        """Keep a row of the day of `moment`, where that is wanted."""
        if self.window is not None and not self.window.start <= moment < self.window.end:
            return
        pending = self._pending.setdefault(moment.date(), [])
        pending.append(row)
        self.rows += 1
        self.newest = max(moment, self.newest or moment)
        if len(pending) >= ROWS_PER_TABLE:
            self._close(moment.date())

    def set_apart(
        self, *, file: str, reason: str, row: object, moment: datetime | None = None, amount: Decimal | None = None
    ) -> None:
        """Set a row apart that cannot be taken, on its day where that is known."""
        if moment is not None and self.window is not None and not self.window.start <= moment < self.window.end:
            return
        self.quarantine(moment.date() if moment else None).put(
            file=file, reason=reason, row=str(row), amount=amount, currency="USD" if amount is not None else None
        )

    def quarantine(self, day: date | None = None) -> Quarantine:
        """What is set apart of a day, None for rows without a date."""
        return self._apart.setdefault(day, Quarantine(self.contract))

    @property
    def bad(self) -> int:
        """How many rows were set apart."""
        return sum(len(one.rows) for one in self._apart.values())

    def land(self, landing: Landing, scope: str) -> list[LoadResult]:
        """Replace every day that has rows, has some set apart, or had some of either before.

        Raises:
            CorruptFile: more than a fifth of all rows was set apart; nothing lands.
        """
        if self.bad * 100 > (self.bad + self.rows) * MOST_PCT:
            first = next(one.rows[0] for one in self._apart.values() if one.rows)
            raise CorruptFile(
                f"{self.contract.source}.{self.contract.stream} of {scope}: {self.bad} of {self.bad + self.rows} "
                f"rows cannot be taken, the first because {first['reason']} ({first['file']}).",
                "Check the file; what was landed before stays.",
            )
        self._date_the_undated(landing)
        kept_apart = set(landing.windows(quarantine_contract(self.contract.source), f"{self.contract.stream}-{scope}"))
        results: list[LoadResult] = []
        for day in self._days(landing.windows(self.contract, scope)):
            window = Window(day_start(day), day_start(day + _DAY))
            self._close(day)
            results.append(landing.write(self.contract, scope=scope, window=window, batches=self._tables.get(day, [])))
            if self._apart.get(day) is not None or day.isoformat() in kept_apart:
                results.append(self.quarantine(day).land(landing, scope=scope, window=window, good_rows=self.rows))
        return results

    def _days(self, landed: Iterable[str]) -> list[date]:
        found = {*self._tables, *self._pending, *(day for day in self._apart if day is not None)}
        if self.window is not None:
            wanted = {window.start.date() for window in days(self.window)}
            found |= wanted & {date.fromisoformat(day) for day in landed}
        return sorted(found)

    def _date_the_undated(self, landing: Landing) -> None:
        """Rows without a date go to the first day of the load."""
        undated = self._apart.pop(None, None)
        if undated is None or not undated.rows:
            return
        known = self._days(())
        first = known[0] if known else (self.window.start if self.window else landing.run.as_of).date()
        self.quarantine(first).rows.extend(undated.rows)

    def _close(self, day: date) -> None:
        if pending := self._pending.get(day):
            self._tables.setdefault(day, []).append(pa.Table.from_pylist(pending, schema=self.contract.schema))
            pending.clear()


def load_location(
    context: Context, contract: StreamContract, place: LogLocation, window: Window | None, read: Reader
) -> list[LoadResult]:
    """Load a configured location: the days of `window`, or those of the trailing days whose files changed.

    Raises:
        ConfigError, EmptyAnswer, PermissionDenied, CredentialExpired, Unreachable: the place cannot be read.
        CorruptFile, Shrunk: what lies there is no log, or far less than before.
    """
    with open_folder(resolved(context, place), context.settings) as folder:
        files = folder.files()
        span = window or _due(context, contract, place.name)
        state = {} if window else context.landing.read_state(contract.source, f"{contract.stream}-{place.name}")
        marks = _marks(files, [one.start.date() for one in days(span)])
        changed = [day for day, mark in marks.items() if mark != state.get(day)]
        newest = _remembered(state)
        results: list[LoadResult] = []
        for run in _neighbours([date.fromisoformat(day) for day in changed]):
            book = DayBook(contract, Window(day_start(run[0]), day_start(run[-1] + _DAY)))
            wanted = [file for file in files if _is_near(file, run[0], run[-1])]
            context.progress(f"{contract.source} {place.name}", 0, len(wanted))
            read(lambda wanted=wanted: opened(folder, wanted), book)
            results += book.land(context.landing, place.name)
            newest = max(filter(None, (newest, book.newest)), default=None)
        if window is None:
            kept = {day: mark for day, mark in (state | marks).items() if day != "newest"}
            told = {"newest": newest.isoformat()} if newest else {}
            context.landing.write_state(contract.source, f"{contract.stream}-{place.name}", kept | told)
    context.landing.report(contract.source, place.name, newest)
    return results


def load_folder(
    context: Context, contract: StreamContract, folder: Folder, window: Window | None, read: Reader, kind: str
) -> list[LoadResult]:
    """Land the files of a folder that `read` recognises, under the folder's location.

    Raises:
        SchemaChanged: it recognises none.
        CorruptFile, Shrunk: too many rows cannot be taken, or far less came than before.
    """
    book = DayBook(contract, window)
    files = folder.files()
    read(lambda: opened(folder, files), book)
    if not book.recognised and not book.bad:
        raise SchemaChanged(
            f"{folder.location}: none of its {len(files)} files is {kind}.", "Check the path, or give another folder."
        )
    passed_over = len(files) - book.recognised
    logger.info("recognised", extra={"kind": kind, "files": book.recognised, "passed_over": passed_over})
    results = book.land(context.landing, folder.location)
    context.landing.report(contract.source, folder.location, book.newest)
    return results


def resolved(context: Context, place: LogLocation) -> str:
    """The location; a relative folder is looked for from the home."""
    if "://" in place.path or Path(place.path).is_absolute():
        return place.path
    return str(context.settings.home / place.path)


def opened(folder: Folder, files: Iterable[ExportedFile]) -> Iterator[OpenedFile]:
    """Each file that may hold JSON, with its local path, in order, fetched side by side a few ahead."""
    queue = iter(files)
    with ThreadPoolExecutor(FETCHES) as pool:
        while chunk := list(islice(queue, FETCHES * 4)):
            for file, path in zip(chunk, pool.map(folder.fetch, chunk), strict=True):
                if holds_json(path):
                    yield file, path
                else:
                    logger.warning("passed over %s: it is no log in JSON", file.name)


def require_location(context: Context, place: LogLocation) -> int:
    """How many files a location holds. Raises as `open_folder` does."""
    try:
        with open_folder(resolved(context, place), context.settings) as folder:
            return len(folder.files())
    except EmptyAnswer:
        return 0
    except ConfigError as error:
        raise ConfigError(error.message.removeprefix("--path "), "Check `path` in sources.yml.") from error


def _due(context: Context, contract: StreamContract, scope: str) -> Window:
    """The days to look at: the backfill at first, then from some days before the newest landed one."""
    as_of, landed = context.run.as_of, context.landing.windows(contract, scope)
    first = as_of - timedelta(days=context.config.backfill_days)
    if landed:
        first = max(first, day_start(date.fromisoformat(landed[-1])) - timedelta(days=TRAILING_DAYS))
    return Window(day_start(first.date()), day_start(as_of.date() + _DAY))


def _day_of(file: ExportedFile) -> date | None:
    for pattern in _DATED:
        if match := pattern.search(file.name):
            try:
                return date(int(match[1]), int(match[2]), int(match[3]))
            except ValueError:
                return None
    return None


def _is_near(file: ExportedFile, first: date, last: date) -> bool:
    day = _day_of(file)
    return day is None or first - _DAY <= day <= last + _DAY


def _marks(files: Iterable[ExportedFile], wanted: Iterable[date]) -> dict[str, str]:
    """A digest per day of all files that may hold its rows; changes when one comes, goes or is rewritten."""
    by_day: dict[date | None, list[str]] = {}
    for file in files:
        by_day.setdefault(_day_of(file), []).append(f"{file.name}\0{file.version}\n")
    found: dict[str, str] = {}
    for day in wanted:
        near = (day - _DAY, day, day + _DAY, None)
        text = "".join(line for key in near for line in by_day.get(key, []))
        found[day.isoformat()] = hashlib.sha256(text.encode()).hexdigest()
    return found


def _neighbours(wanted: list[date]) -> Iterator[list[date]]:
    """Runs of days that follow each other."""
    run: list[date] = []
    for day in sorted(wanted):
        if run and day != run[-1] + _DAY:
            yield run
            run = []
        run.append(day)
    if run:
        yield run


def _remembered(state: dict[str, Any]) -> datetime | None:
    return datetime.fromisoformat(state["newest"]).astimezone(UTC) if "newest" in state else None
