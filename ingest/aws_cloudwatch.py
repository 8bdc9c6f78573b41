"""CloudWatch data points, with as few calls and as few priced metrics as its limits allow.

Endpoint: `GetMetricData`. A call takes 500 queries and answers 100,800 points a page; a metric that is asked for costs
the same whether it has points or not, and several statistics of one metric in one call cost once. So a call holds as
many queries as fit without a second page (which would ask, and cost, for all of them again), the statistics of a metric
stay together, and gaps are filled with metrics of a single statistic.
A period finer than what is kept at an age answers nothing, silently: `segments` cuts a span by age.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from ingest.errors import PermissionDenied, SchemaChanged, TransientError
from ingest.run import Window

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

QUERIES_PER_CALL = 500
POINTS_PER_PAGE = 100_800
USD_PER_METRIC = Decimal("0.00001")
# a period in seconds and for how many days its points are kept
RETENTION_DAYS = {60: 15, 300: 63, 3600: 455}
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, order=True)
class Metric:
    """One metric as CloudWatch knows and prices it."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, order=True)
class Series:
    """A metric and the statistics of it that are wanted."""

    metric: Metric
    statistics: tuple[str, ...] = ("Sum",)


@dataclass(frozen=True)
class Points:
    """The data points of one statistic of one metric, oldest first."""

    metric: Metric
    statistic: str
    period_s: int
    moments: list[datetime]
    values: list[float]


@dataclass
class Spent:
    """What reading cost so far: calls made, and metrics that are billed."""

    calls: int = 0
    metrics: int = 0

    @property
    def usd(self) -> Decimal:
        """Dollars at 0.01 a thousand metrics."""
        return self.metrics * USD_PER_METRIC

    def add(self, metrics: int) -> None:
        """Count one call that asked for so many metrics."""
        self.calls += 1
        self.metrics += metrics


def segments(span: Window, now: datetime, period_s: int) -> list[tuple[Window, int]]:
    """The parts of `span` with the finest period, not finer than `period_s`, whose points are still kept at their age.

    Parts meet on full hours; what is older than all that is kept is left out.
    """
    parts: list[tuple[Window, int]] = []
    end = span.end
    for period, days in sorted(RETENTION_DAYS.items()):
        if period < period_s:
            continue
        kept_since = _ceil_hour(now - timedelta(days=days))
        start = max(span.start, kept_since)
        if start < end:
            parts.append((Window(start, end), period))
            end = start
    return parts[::-1]


def _ceil_hour(moment: datetime) -> datetime:
    floor = moment.replace(minute=0, second=0, microsecond=0)
    return floor if floor == moment else floor + _HOUR


def calls(wanted: Iterable[Series], span: Window, period_s: int) -> list[list[Series]]:
    """`wanted` in as few calls as possible, none of which can need a second page."""
    room = queries_per_call(span, period_s)
    several, single = _split(wanted)
    batches: list[list[Series]] = []
    free: list[int] = []
    for series in several:
        size = len(series.statistics)
        if not batches or free[-1] < size:
            batches.append([])
            free.append(room)
        batches[-1].append(series)
        free[-1] -= size
    rest = iter(single)
    for number, left in enumerate(free):
        batches[number] += [series for _, series in zip(range(left), rest, strict=False)]
    remaining = list(rest)
    return batches + [remaining[start : start + room] for start in range(0, len(remaining), room)]


def _split(wanted: Iterable[Series]) -> tuple[list[Series], list[Series]]:
    ordered = sorted(wanted)
    return [one for one in ordered if len(one.statistics) > 1], [one for one in ordered if len(one.statistics) == 1]


def queries_per_call(span: Window, period_s: int) -> int:
    """How many queries a call may hold so that all their points fit one page."""
    first = int(span.start.timestamp()) // period_s
    points = -(-int(span.end.timestamp()) // period_s) - first
    return max(1, min(QUERIES_PER_CALL, POINTS_PER_PAGE // points))


def read_call(
    client: "CloudWatchClient", batch: Sequence[Series], span: Window, period_s: int, *, where: str, spent: Spent
) -> Iterator[Points]:
    """The points of one call, every page of it; counts what it cost in `spent`.

    Raises:
        TransientError: a series stayed incomplete, or CloudWatch says that something is missing.
        PermissionDenied: CloudWatch forbids a metric.
        SchemaChanged: the answer has no results.
    """
    asked = [(series.metric, statistic) for series in batch for statistic in series.statistics]
    queries = [_query(number, metric, statistic, period_s) for number, (metric, statistic) in enumerate(asked)]
    found: dict[str, tuple[list[datetime], list[float]]] = defaultdict(lambda: ([], []))
    status: dict[str, str] = {}
    token: dict[str, Any] = {}
    while True:
        spent.add(len(batch))
        answer = client.get_metric_data(
            MetricDataQueries=cast(Any, queries),
            StartTime=span.start,
            EndTime=span.end,
            ScanBy="TimestampAscending",
            **token,
        )
        page = cast(Mapping[str, Any], answer)
        if "MetricDataResults" not in page:
            raise SchemaChanged(
                f"{where}: the answer has no MetricDataResults.", "Update boto3; the API may have changed."
            )
        refuse_messages(page.get("Messages", ()), where)
        for result in page["MetricDataResults"]:
            status[result["Id"]] = result["StatusCode"]
            moments, values = found[result["Id"]]
            moments += result["Timestamps"]
            values += result["Values"]
            refuse_messages(result.get("Messages", ()), where)
        if not page.get("NextToken"):
            break
        token = {"NextToken": page["NextToken"]}
    refuse_incomplete([query["Id"] for query in queries], status, where)
    for query, (metric, statistic) in zip(queries, asked, strict=True):
        moments, values = found[query["Id"]]
        if moments:
            yield Points(metric, statistic, period_s, moments, values)


def _query(number: int, metric: Metric, statistic: str, period_s: int) -> dict[str, Any]:
    return {
        "Id": f"q{number:04d}",
        "MetricStat": {
            "Metric": {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
            },
            "Period": period_s,
            "Stat": statistic,
        },
        "ReturnData": True,
    }


def refuse_incomplete(ids: Iterable[str], status: Mapping[str, str], where: str) -> None:
    """A series that is not complete on its last page is a failed pull, never a zero."""
    unfinished = {status.get(one, "missing") for one in ids} - {"Complete"}
    if "Forbidden" in unfinished:
        raise PermissionDenied(f"{where}: CloudWatch forbids a metric.", "Grant cloudwatch:GetMetricData.")
    if unfinished:
        raise TransientError(f"{where}: series came back as {', '.join(sorted(unfinished))}.", "Run again later.")


def refuse_messages(messages: Iterable[Mapping[str, str]], where: str) -> None:
    """CloudWatch speaks only when something is missing from its answer."""
    said = "; ".join(f"{one.get('Code', '')}: {one.get('Value', '')}" for one in messages)
    if said:
        raise TransientError(f"{where}: CloudWatch says that its answer is not whole: {said}.", "Run again later.")
