"""Vertex AI's own meters in Cloud Monitoring: tokens, calls and provisioned throughput by hour.

Endpoint: `ListTimeSeries` of each project in `monitoring_projects`. Metrics are there minutes after the call, a day
before the bill; they carry no request labels, so no team below the project, and count cached prompt tokens as input.

Stop rule: the first run reads `backfill_days`, later ones from three days before the newest landed day, because points
of a beta metric can still settle; always up to the last full hour. A window is one UTC day of one project, replaced
whole. A day without any point is left out: a project that rests has no series.
Run alone: `inferledger ingest gcp_vertex`.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
from google.api_core import exceptions as api
from google.cloud.monitoring_v3 import types

from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import EmptyAnswer, InferledgerError, TerminalError
from ingest.gcp_connection import TIMEOUT_S, call_google, monitoring_client
from ingest.run import Window, day_start, days

SOURCE = "gcp_vertex"
logger = logging.getLogger(__name__)
PREFIX = "aiplatform.googleapis.com/publisher/online_serving/"
HOUR = timedelta(hours=1)
REREAD_DAYS = 3
PAGE_SIZE = 10_000
_UTC, _TEXT, _COUNT = pa.timestamp("us", tz="UTC"), pa.string(), pa.int64()
_PLACE = ("location", "publisher", "model_user_id")


def _stream(name: str, *labels: str) -> StreamContract:
    fields = [("project_id", _TEXT), *((label, _TEXT) for label in (*_PLACE, *labels))]
    fields += [("metric", _TEXT), ("hour_start", _UTC), ("value", _COUNT)]
    schema = pa.schema([pa.field(field_name, kind) for field_name, kind in fields])
    required = ("project_id", "model_user_id", "metric", "hour_start", "value")
    return StreamContract(SOURCE, name, schema, required, empty_ok=True)


TOKEN_COUNTS = _stream("token_counts", "type", "request_type")
INVOCATIONS = _stream("invocations", "response_code", "request_type")
GSU = _stream("gsu", "request_type")
STREAMS = (TOKEN_COUNTS, INVOCATIONS, GSU)


@dataclass(frozen=True)
class _Metric:
    """One metric: which stream it lands in, its labels to keep, and how an hour of points becomes one number."""

    name: str
    stream: StreamContract
    labels: tuple[str, ...] = ()
    aligner: str = "ALIGN_SUM"
    reducer: str = "REDUCE_SUM"


METRICS = (
    _Metric("token_count", TOKEN_COUNTS, ("type", "request_type")),
    _Metric("model_invocation_count", INVOCATIONS, ("response_code", "request_type")),
    _Metric("consumed_token_throughput", GSU, ("request_type",)),
    _Metric("dedicated_gsu_limit", GSU, aligner="ALIGN_MAX", reducer="REDUCE_MAX"),
    _Metric("dedicated_token_limit", GSU, aligner="ALIGN_MAX", reducer="REDUCE_MAX"),
)


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
            outcome.results.extend(_load_project(context, client, project, window or _default_window(context, project)))
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


def _default_window(context: Context, project: str) -> Window:
    end = _last_full_hour(context.run.as_of)
    landed = context.landing.windows(TOKEN_COUNTS, project)
    first = end - timedelta(days=context.config.backfill_days)
    if landed:
        first = day_start(date.fromisoformat(landed[-1])) - timedelta(days=REREAD_DAYS)
    return Window(min(day_start(first.date()), end - HOUR), end)


def _last_full_hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _load_project(context: Context, client: Any, project: str, window: Window) -> list[LoadResult]:
    whole = Window(day_start(window.start.date()), min(window.end, _last_full_hour(context.run.as_of)))
    rows: dict[str, list[dict[str, Any]]] = {stream.stream: [] for stream in STREAMS}
    for metric in METRICS:
        rows[metric.stream.stream].extend(_fetch(context, client, project, metric, whole))
    results: list[LoadResult] = []
    for stream in STREAMS:
        by_day: dict[date, list[dict[str, Any]]] = {}
        for row in rows[stream.stream]:
            by_day.setdefault(row["hour_start"].date(), []).append(row)
        landed = set(context.landing.windows(stream, project))
        for day in days(whole):
            found = by_day.get(day.start.date(), [])
            if found or f"{day.start:%Y-%m-%d}" in landed:
                table = pa.Table.from_pylist(_in_order(found), schema=stream.schema)
                results.append(context.landing.write(stream, scope=project, window=day, batches=[table]))
    newest = max((row["hour_start"] + HOUR for group in rows.values() for row in group), default=None)
    context.landing.report(SOURCE, project, newest, None if newest else "No model was called in the days read.")
    return results


def _fetch(context: Context, client: Any, project: str, metric: _Metric, window: Window) -> list[dict[str, Any]]:
    request = types.ListTimeSeriesRequest(
        name=f"projects/{project}",
        filter=f'metric.type = "{PREFIX}{metric.name}"',
        interval=types.TimeInterval(start_time=window.start, end_time=window.end),
        aggregation=types.Aggregation(
            alignment_period=HOUR,
            per_series_aligner=types.Aggregation.Aligner[metric.aligner],
            cross_series_reducer=types.Aggregation.Reducer[metric.reducer],
            group_by_fields=[
                *(f"resource.label.{name}" for name in _PLACE),
                *(f"metric.label.{name}" for name in metric.labels),
            ],
        ),
        page_size=PAGE_SIZE,
    )

    def read() -> list[dict[str, Any]]:
        try:
            series = client.list_time_series(request=request, retry=None, timeout=TIMEOUT_S)
            return [row for found in series for row in _rows(project, metric, found)]
        except api.NotFound as error:
            # Google knows a metric in a project only once it was written there
            if "Cannot find metric" in str(error):
                return []
            raise

    return call_google(
        context.settings, f"{SOURCE}: {metric.name} of {project}", f"roles/monitoring.viewer on project {project}", read
    )


def _rows(project: str, metric: _Metric, series: types.TimeSeries) -> Iterator[dict[str, Any]]:
    """One row per point.

    Raises:
        TerminalError: a point is no whole number.
    """
    # the wrapper classes cost ten times the work on a hundred thousand points
    wrapper: Any = types.TimeSeries
    message = wrapper.pb(series)
    labels = {**message.metric.labels, **message.resource.labels}
    kept = {name: labels.get(name) for name in (*_PLACE, *metric.labels)}
    for point in message.points:
        if point.value.WhichOneof("value") != "int64_value":
            raise TerminalError(
                f"{SOURCE}: {metric.name} of {project} holds points that are no whole numbers.",
                "Google changed the metric's type; do not load it until the contract is adapted.",
            )
        # points of an aligned series are stamped at the end of their hour
        end = datetime.fromtimestamp(point.interval.end_time.seconds, UTC)
        yield {
            "project_id": project,
            "metric": metric.name,
            "hour_start": end - HOUR,
            "value": point.value.int64_value,
            **kept,
        }


def _in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = ("hour_start", "metric", *_PLACE, "type", "request_type", "response_code")
    return sorted(rows, key=lambda row: [str(row.get(name)) for name in names])
