"""Vertex AI's own meters in Cloud Monitoring: tokens, calls, latencies and provisioned throughput by hour.

Endpoint: `ListTimeSeries` of each project in `monitoring_projects`, one call per metric and page, aligned to hours and
summed over the labels that are not kept; or exported files of `gcloud monitoring time-series list --format=json`.
Metrics are there minutes after the call, a day before the bill; they carry no request labels, so no team below the
project, and count Gemini's cached prompt tokens as input. `project = "..."` keeps a scoping project from being given
what the other projects of its metrics scope used. A page may end within a series: a row is a point, so that is no harm.

Stop rule: the first run reads `backfill_days`, at most the 24 months that Google keeps (hours stay exact: after six
weeks points are thinned to ten minutes); later ones from three days before the newest landed day, because points of a
beta metric can still settle; always up to the last full hour. A window is one UTC day of one project, replaced whole. A
day without any point is left out: a project that rests has no series, as has a metric that Google does not know there.
Histograms cost most to read and are for looking at recent days: a first run reads two weeks of them.
Run alone: `inferledger ingest gcp_vertex [--path DIR_OR_URL]`.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from google.api_core import exceptions as api

from ingest.checks import Finding, attempt
from ingest.contracts import Context, LoadResult
from ingest.errors import EmptyAnswer, InferledgerError, TerminalError
from ingest.file_content import holds_json
from ingest.file_rows import content_digest
from ingest.files import Folder
from ingest.gcp_connection import TIMEOUT_S, call_google, monitoring_client
from ingest.run import Window, day_start, days
from ingest.sources.gcp_vertex_files import Gathered
from ingest.sources.gcp_vertex_series import (
    GSU,
    HOUR,
    INVOCATIONS,
    LATENCIES,
    METRICS,
    PLACE,
    PREFIX,
    SOURCE,
    STREAMS,
    TOKEN_COUNTS,
    Metric,
    in_order,
    series_rows,
)

if TYPE_CHECKING:
    from google.cloud.monitoring_v3 import types


__all__ = ["GSU", "INVOCATIONS", "LATENCIES", "SOURCE", "STREAMS", "TOKEN_COUNTS", "check", "load", "load_files"]
logger = logging.getLogger(__name__)
REREAD_DAYS = 3
KEPT_DAYS = 730
HISTOGRAM_DAYS = 14
PAGE_SIZE = 10_000
Rows = dict[str, list[dict[str, Any]]]


@dataclass
class _Outcome:
    """What the projects gave: loads, and the first fault, which is raised once all projects had their turn."""

    results: list[LoadResult] = field(default_factory=list[LoadResult])
    faults: list[InferledgerError] = field(default_factory=list[InferledgerError])


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Load every configured project; one that fails does not keep the others from landing.

    Raises:
        PermissionDenied, CredentialExpired, Unreachable: the first project that could not be read.
        EmptyAnswer: no project has any point in a first load.
    """
    client = monitoring_client(context.settings)
    projects = context.config.gcp.monitoring_projects
    outcome = _Outcome()
    for number, project in enumerate(projects, start=1):
        try:
            outcome.results.extend(_load_project(context, client, project, window))
        except InferledgerError as fault:
            outcome.faults.append(fault)
        context.progress("Vertex AI metrics", number, len(projects))
    if outcome.faults:
        raise outcome.faults[0]
    if projects and not any(context.landing.windows(TOKEN_COUNTS, project) for project in projects):
        raise EmptyAnswer(
            f"{SOURCE}: none of {len(projects)} projects has a point of {PREFIX}token_count.",
            "Check monitoring_projects in sources.yml: list the projects in which models are called.",
        )
    return outcome.results


def load_files(context: Context, folder: Folder, window: Window | None) -> list[LoadResult]:
    """Land exported time series, whole days (those inside `window` where one is given).

    Raises:
        EmptyAnswer: no file holds a series of Vertex AI's serving metrics.
        CorruptFile: a file is cut off, or more than a fifth of the series cannot be taken.
    """
    gathered = Gathered()
    seen: set[str] = set()
    for file in folder.files():
        path = folder.fetch(file)
        if not holds_json(path):
            logger.warning("passed over %s: it is no JSON", file.name)
        elif (digest := content_digest(path, file.name)) in seen:
            logger.warning("passed over %s: it is a copy of another file", file.name)
        else:
            seen.add(digest)
            gathered.read(path, file.name)
    if not gathered.rows and not gathered.quarantine.rows:
        raise EmptyAnswer(
            f"{SOURCE}: no file at {folder.location} holds a series of {PREFIX}....",
            "Export with `gcloud monitoring time-series list --format=json` and a filter on one of these metrics.",
        )
    by_project: dict[str, Rows] = {}
    for (stream, _), row in gathered.rows.items():
        by_project.setdefault(row["project_id"], {}).setdefault(stream, []).append(row)
    results: list[LoadResult] = []
    if gathered.quarantine.rows:
        today = next(days(Window(context.run.as_of - HOUR, context.run.as_of)))
        good = len(gathered.rows)
        results.append(gathered.quarantine.land(context.landing, scope="files", window=today, good_rows=good))
    for project, rows in sorted(by_project.items()):
        results += _land(context, project, rows, _days_of(rows, window))
        _report(context, project, rows)
    return results


def check(context: Context) -> Iterator[Finding]:
    """Whether each project's meters can be read and hold something, and what a run costs."""
    client = monitoring_client(context.settings)
    projects = context.config.gcp.monitoring_projects
    end = _last_full_hour(context.run.as_of)
    seen = 0
    for project in projects:
        series: list[Any] = []

        def ask(project: str = project, series: list[Any] = series) -> None:
            day = Window(end - timedelta(days=1), end)
            series.extend(_ask(context, client, project, METRICS[0], METRICS[0].labels, day, is_bare=True))

        found = attempt(SOURCE, project, "permitted", f"monitoring.timeSeries.list on {project} works.", ask)
        yield found
        if found.status == "ok" and not series:
            said = f"No model of {project} was called in the last day."
            yield Finding(
                SOURCE, project, "configured", "warn", said, "Take it out of monitoring_projects if it rests."
            )
        seen += len(series)
    said = (
        f"A run asks {len(METRICS) * len(projects)} times or more and is given at most about {seen * 3} series; "
        "Google charges for reading above one million series a month."
    )
    yield Finding(SOURCE, "", "cost", "ok", said)


def _default_window(context: Context, project: str) -> Window:
    end = _last_full_hour(context.run.as_of)
    landed = context.landing.windows(TOKEN_COUNTS, project)
    first = end - timedelta(days=min(context.config.backfill_days, KEPT_DAYS))
    if landed:
        first = day_start(date.fromisoformat(landed[-1])) - timedelta(days=REREAD_DAYS)
    return Window(min(day_start(first.date()), end - HOUR), end)


def _last_full_hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _days_of(rows: Rows, window: Window | None) -> list[Window]:
    """The days that rows speak of, those that touch `window`."""
    hours = {row["hour_start"] for group in rows.values() for row in group}
    found = sorted({next(days(Window(hour, hour + HOUR))) for hour in hours})
    return [day for day in found if window is None or (window.start < day.end and day.start < window.end)]


def _load_project(context: Context, client: Any, project: str, window: Window | None) -> list[LoadResult]:
    wanted = window or _default_window(context, project)
    whole = Window(day_start(wanted.start.date()), min(wanted.end, _last_full_hour(context.run.as_of)))
    recent = max(whole.start, day_start((whole.end - timedelta(days=HISTOGRAM_DAYS)).date()))
    rows: Rows = {}
    for metric in METRICS:
        span = Window(recent, whole.end) if metric.is_distribution and window is None else whole
        rows.setdefault(metric.stream.stream, []).extend(_fetch(context, client, project, metric, span))
    results = _land(context, project, rows, list(days(whole)))
    _report(context, project, rows)
    return results


def _land(context: Context, project: str, rows: Rows, wanted: list[Window]) -> list[LoadResult]:
    results: list[LoadResult] = []
    for stream in STREAMS:
        by_day: dict[date, list[dict[str, Any]]] = {}
        for row in rows.get(stream.stream, []):
            by_day.setdefault(row["hour_start"].date(), []).append(row)
        landed = set(context.landing.windows(stream, project))
        for day in wanted:
            found = by_day.get(day.start.date(), [])
            if found or f"{day.start:%Y-%m-%d}" in landed:
                table = pa.Table.from_pylist(in_order(found), schema=stream.schema)
                results.append(context.landing.write(stream, scope=project, window=day, batches=[table]))
    return results


def _report(context: Context, project: str, rows: Rows) -> None:
    newest = max((row["hour_start"] + HOUR for group in rows.values() for row in group), default=None)
    context.landing.report(SOURCE, project, newest, None if newest else "No model was called in the days read.")


def _fetch(context: Context, client: Any, project: str, metric: Metric, window: Window) -> list[dict[str, Any]]:
    try:
        found = _ask(context, client, project, metric, (*metric.labels, *metric.newer), window)
    except TerminalError as error:
        if not metric.newer or not isinstance(error.__cause__, api.InvalidArgument):
            raise
        logger.warning("labels are not known", extra={"metric": metric.name, "labels": metric.newer})
        found = _ask(context, client, project, metric, metric.labels, window)
    return [row for series in found for row in series_rows(project, metric, series)]


def _ask(
    context: Context,
    client: Any,
    project: str,
    metric: Metric,
    labels: tuple[str, ...],
    window: Window,
    *,
    is_bare: bool = False,
) -> "list[types.TimeSeries]":
    """The series of a metric by hour, or their labels alone."""
    from google.cloud.monitoring_v3 import types

    aligner, reducer = ("ALIGN_MAX", "REDUCE_MAX") if metric.is_gauge else ("ALIGN_SUM", "REDUCE_SUM")
    request = types.ListTimeSeriesRequest(
        name=f"projects/{project}",
        filter=f'metric.type = "{PREFIX}{metric.name}" AND project = "{project}"',
        interval=types.TimeInterval(start_time=window.start, end_time=window.end),
        view=types.ListTimeSeriesRequest.TimeSeriesView.HEADERS if is_bare else None,
        # headers are asked for as they are: nothing is aligned that has no points
        aggregation=None
        if is_bare
        else types.Aggregation(
            alignment_period=HOUR,
            per_series_aligner=types.Aggregation.Aligner[aligner],
            cross_series_reducer=types.Aggregation.Reducer[reducer],
            group_by_fields=[
                *(f"resource.label.{name}" for name in PLACE),
                *(f"metric.label.{name}" for name in labels),
            ],
        ),
        page_size=PAGE_SIZE,
    )

    def read() -> list[Any]:
        try:
            return list(client.list_time_series(request=request, retry=None, timeout=TIMEOUT_S))
        except api.NotFound as error:
            # Google knows a metric in a project only once it was written there
            if "Cannot find metric" in str(error):
                return []
            raise

    return call_google(
        context.settings, f"{SOURCE}: {metric.name} of {project}", f"roles/monitoring.viewer on project {project}", read
    )
