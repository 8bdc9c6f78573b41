"""Usage and cost reports of an organisation, in buckets of a day: asked of the provider, or as the pages it answered.

What two providers share: both have two reports in pages of `data`, each a bucket with its `results`. A source says how
they are asked for and what of a result is kept. Files are pages of the same answers, one an object, a list or a line;
of a bucket that stands in two files the same results count once, and different ones are refused.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from ingest.checks import Finding, attempt
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.daily_reports import Row, due, land_days
from ingest.errors import ConfigError, SchemaChanged
from ingest.file_content import holds_json
from ingest.file_rows import json_rows, may_be_json
from ingest.files import FileKind, Folder, recognise
from ingest.http_api import Api, Parameters
from ingest.json_values import UnreadableRow, mapping, moment, text
from ingest.log_files import DayBook
from ingest.quarantine import Quarantine
from ingest.run import Window, day_start

logger = logging.getLogger(__name__)
LONGEST_DAYS = 31
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Report:
    """One report: where it is asked for, what its results are known by, and what of one is kept.

    Attributes:
        groups: what its results are split by.
        kept: the landed columns of a result; raises UnreadableRow.
        dollars: what a result costs, where that can be read.
    """

    contract: StreamContract
    path: str
    groups: tuple[str, ...]
    kind: FileKind
    kept: Callable[[Record], dict[str, Any]]
    dollars: Callable[[Record], Decimal | None] = lambda _: None


@dataclass(frozen=True)
class Organisation:
    """A provider's two reports of one organisation.

    Attributes:
        provider: as people call it.
        times: what a bucket calls its start and its end.
        place: what a result calls the workspace or project that it is for.
        parameters: what a report is asked for with.
    """

    source: str
    provider: str
    times: tuple[str, str]
    place: str
    reports: tuple[Report, ...]
    parameters: Callable[[Report, Window], Parameters]

    def load(self, context: Context, api: Api, organization: str, window: Window | None) -> list[LoadResult]:
        """Replace each day of `window` (None: from seven days before the newest landed one) of every report.

        Raises:
            PermissionDenied, CredentialExpired, Unreachable: as the provider answered.
            SchemaChanged, Shrunk: a report is not what it was; what was landed stays.
        """
        results: list[LoadResult] = []
        newest: datetime | None = None
        for report in self.reports:

            def fetch(part: Window, report: Report = report) -> Iterator[Row]:
                for page in api.pages(report.path, self.parameters(report, part)):
                    yield from self._asked(report, organization, page)

            span = due(context, report.contract, organization, window)
            loaded, end = land_days(context, report.contract, organization, span, fetch, LONGEST_DAYS)
            results += loaded
            newest = max(filter(None, (newest, end)), default=None)
        if newest is not None:
            newest = min(newest, context.run.as_of)
        context.landing.report(self.source, organization, newest)
        return results

    def check(self, context: Context, api: Api, organization: str) -> Iterator[Finding]:
        """Whether each report answers, asked for one day."""
        start = day_start(context.run.as_of.date())
        today = Window(start, start + timedelta(days=1))
        for report in self.reports:
            yield attempt(
                self.source, organization, "permitted", f"{report.path} answers.",
                lambda report=report: next(api.pages(report.path, self.parameters(report, today))),
            )  # fmt: skip
        yield Finding(
            self.source, organization, "cost", "ok", f"Reading is free: two requests for {LONGEST_DAYS} days."
        )

    def load_files(
        self, context: Context, organization: str, folder: Folder, window: Window | None
    ) -> list[LoadResult]:
        """Land the saved pages of a folder, whole days (those inside `window` where one is given).

        Raises:
            SchemaChanged: no file is a page of a report; names the nearest one and what its results lack.
            ConfigError: two files tell one bucket differently.
            CorruptFile: a file breaks off, or more than a fifth of the results cannot be taken.
        """
        reading = _Pages(self, organization, window)
        for file in folder.files():
            path, aside = folder.fetch(file), Quarantine(self.reports[0].contract)
            pages = list(json_rows(path, file.name, aside)) if holds_json(path) else []
            taken = [reading.take(page, file.name) for page in pages]
            if any(taken) or (aside.rows and may_be_json(aside) and not pages):
                reading.set_lines_apart(aside, file.name)
            else:
                logger.warning("passed over %s: it is no page of a report of %s", file.name, self.provider)
        return reading.land(context, folder)

    def row(self, report: Report, organization: str, bucket: Record, result: Record) -> Row:
        """A result with its bucket as it lands. Raises UnreadableRow."""
        first, last = self.times
        start = moment(bucket.get(first), first)
        return start, {
            "organization_id": organization,
            first: start,
            last: moment(bucket.get(last), last),
            self.place: text(result.get(self.place)),
        } | report.kept(result)

    def _asked(self, report: Report, organization: str, page: Record) -> Iterator[Row]:
        remedy = "Look at its API reference."
        for bucket in page["data"]:
            results = mapping(bucket).get("results")
            if not isinstance(results, list):
                raise SchemaChanged(f"{self.provider}'s {report.path} sent a bucket without results.", remedy)
            for result in cast(list[Any], results):
                try:
                    yield self.row(report, organization, mapping(bucket), mapping(result))
                except UnreadableRow as error:
                    raise SchemaChanged(
                        f"{self.provider}'s {report.path} sent a result, but {error}.", remedy
                    ) from error


class _Pages:
    """The buckets of saved pages, each once."""

    def __init__(self, organisation: Organisation, name: str, window: Window | None) -> None:
        self._organisation, self._name = organisation, name
        self._books = {report.path: DayBook(report.contract, window) for report in organisation.reports}
        self._seen: dict[tuple[str, str], tuple[str, list[Any]]] = {}

    def take(self, page: Record, file: str) -> bool:
        """Take a page; false when it is none.

        Raises:
            SchemaChanged: its results are nearly those of a report.
            ConfigError: one of its buckets is told differently by another file.
        """
        data = page.get("data")
        found = [mapping(one) for one in cast(list[Any], data)] if isinstance(data, list) else []
        buckets = [one for one in found if self._organisation.times[0] in one and isinstance(one.get("results"), list)]
        results = [mapping(result) for bucket in buckets for result in bucket["results"]]
        report = self._report(results, file) if results else None
        if not buckets or (results and report is None):
            return False
        for bucket in buckets if report else ():
            self._take_bucket(cast(Report, report), bucket, file)
        return True

    def _report(self, results: list[Record], file: str) -> Report | None:
        reports = {report.kind.name: report for report in self._organisation.reports}
        columns = list(dict.fromkeys(name for result in results for name in result))
        try:
            return reports[recognise(file, columns, [report.kind for report in reports.values()]).name]
        except SchemaChanged as error:
            if error.is_near:
                raise
            logger.warning("passed over %s: %s", file, error.message)
            return None

    def _take_bucket(self, report: Report, bucket: Record, file: str) -> None:
        start, results = str(bucket[self._organisation.times[0]]), cast(list[Any], bucket["results"])
        earlier = self._seen.setdefault((report.path, start), (file, results))
        if earlier[0] != file or earlier[1] is not results:
            if sorted(map(str, earlier[1])) != sorted(map(str, results)):
                raise ConfigError(
                    f"{earlier[0]} and {file} tell {start} differently.", "Keep the pages that were saved last."
                )
            return
        book = self._books[report.path]
        book.recognised += 1
        for result in map(mapping, results):
            try:
                book.add(*self._organisation.row(report, self._name, bucket, result))
            except UnreadableRow as error:
                book.set_apart(file=file, reason=str(error), row=str(dict(result)), amount=report.dollars(result))

    def set_lines_apart(self, aside: Quarantine, file: str) -> None:
        """Count lines that are no JSON."""
        for bad in aside.rows:
            next(iter(self._books.values())).set_apart(file=file, reason=str(bad["reason"]), row=str(bad["row"]))

    def land(self, context: Context, folder: Folder) -> list[LoadResult]:
        """Replace every day that has results."""
        books = [book for book in self._books.values() if book.recognised or book.bad]
        if not books:
            names = " or ".join(report.kind.name for report in self._organisation.reports)
            raise SchemaChanged(
                f"{folder.location}: no file has a result of {names}.",
                "Save the whole answers (`data` with its buckets) as JSON, one page a file.",
            )
        results = [result for book in books for result in book.land(context.landing, self._name)]
        newest = max((book.newest for book in books if book.newest), default=None)
        if newest is not None:
            newest = min(day_start(newest.date()) + timedelta(days=1), context.run.as_of)
        context.landing.report(self._organisation.source, self._name, newest)
        return results
