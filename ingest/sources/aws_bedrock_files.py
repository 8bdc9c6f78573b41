"""Bedrock's inventory and metrics from files, as the AWS command line prints them.

Known by their members: `aws bedrock list-inference-profiles`, `aws bedrock list-provisioned-model-throughputs`,
`aws resourcegroupstaggingapi get-resources` (the tags), `aws cloudwatch get-metric-data`. The last says neither metric
nor ModelId: the request beside it does (`MetricDataQueries`, as `--cli-input-json` takes it), or a label of the form
`<ModelId> <metric>`. Account and region of metrics are folders above the file, or the only ones configured.
The inventory is the snapshot of the run's UTC day; a day of metrics keeps what is landed of series that no file holds.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pyarrow as pa

from ingest import arrow
from ingest.aws_cloudwatch import Metric, Points, refuse_incomplete, refuse_messages
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import ConfigError, CorruptFile, SchemaChanged
from ingest.file_content import starts_as_json
from ingest.file_rows import json_document, read_text
from ingest.files import ExportedFile, Folder
from ingest.run import YEARS, Window, day_start, days
from ingest.sources.aws_bedrock import INFERENCE_PROFILES, PROVISIONED_THROUGHPUTS, SOURCE
from ingest.sources.aws_bedrock_metrics import HOUR_S, NAMESPACE
from ingest.sources.aws_bedrock_points import METRICS_HOURLY, Pull, merge, table_of

logger = logging.getLogger(__name__)
KINDS = {
    "inferenceProfileSummaries": "list-inference-profiles",
    "provisionedModelSummaries": "list-provisioned-model-throughputs",
    "ResourceTagMappingList": "get-resources",
    "MetricDataResults": "get-metric-data",
    "MetricDataQueries": "request of get-metric-data",
}
_ACCOUNT, _REGION = re.compile(r"\d{12}"), re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")

Document = tuple[str, Mapping[str, Any]]
"""Name of a file below its folder, and the JSON object in it."""


def read_files(context: Context, folder: Folder, window: Window | None) -> list[LoadResult]:
    """Land what the files of a folder hold.

    Raises:
        SchemaChanged: no file is known, or one lacks what it must have.
        ConfigError: a file of metrics does not tell whose they are.
        TransientError: a file of metrics says that it is not complete.
    """
    found: dict[str, list[Document]] = defaultdict(list)
    for file in folder.files():
        known = _known(folder, file)
        if known is None:
            logger.warning("passed over %s: it is no answer of the AWS command line", file.name)
        else:
            found[known[0]].append((file.name, known[1]))
    if not set(found) - {"MetricDataQueries", "ResourceTagMappingList"}:
        raise SchemaChanged(
            f"{folder.location} holds no answer of: {', '.join(KINDS.values())}.",
            "Save what the AWS command line prints as JSON, all pages (`--no-paginate` left out).",
        )
    logger.info("recognised", extra={KINDS[member]: len(files) for member, files in found.items()})
    tags: dict[str, list[tuple[str, str]]] = {}
    for name, document in found["ResourceTagMappingList"]:
        with _reading(name):
            for mapping in document["ResourceTagMappingList"]:
                tags[mapping["ResourceARN"]] = sorted((tag["Key"], tag["Value"]) for tag in mapping["Tags"])
    results = _inventory(context, INFERENCE_PROFILES, found["inferenceProfileSummaries"], "inferenceProfileArn", tags)
    results += _inventory(
        context, PROVISIONED_THROUGHPUTS, found["provisionedModelSummaries"], "provisionedModelArn", tags
    )
    return results + _metrics(context, found["MetricDataResults"], found["MetricDataQueries"], window)


def _known(folder: Folder, file: ExportedFile) -> tuple[str, Mapping[str, Any]] | None:
    """Which answer a file holds, and the answer; None for any other file. Raises CorruptFile where one breaks off."""
    path = folder.fetch(file)
    if not starts_as_json(path):
        return None
    document: Any = json_document(path, file.name)
    if document is None and any(f'"{member}"' in read_text(path, file.name) for member in KINDS):
        raise CorruptFile(
            f"{file.name} breaks off or is no JSON.", "Save the whole answer of the AWS command line again."
        )
    if not isinstance(document, dict):
        return None
    answer = cast(dict[str, Any], document)
    return next(((member, answer) for member in KINDS if isinstance(answer.get(member), list)), None)


@contextmanager
def _reading(name: str) -> Generator[None]:
    """Say of which file an answer is not as the AWS command line prints it."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise SchemaChanged(
            f"{name} is not as the AWS command line prints it ({error!r}).",
            "Export it again with the AWS command line.",
        ) from error


def _inventory(
    context: Context, contract: StreamContract, documents: Sequence[Document], arn_field: str, tags: Mapping[str, Any]
) -> list[LoadResult]:
    """A snapshot of each account that the files name."""
    rows: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    moments = {field.name for field in arrow.fields(contract.schema) if str(field.type).startswith("timestamp")}
    for name, document in documents:
        with _reading(name):
            for one in next(document[member] for member in KINDS if member in document):
                parts = str(one.get(arn_field, "")).split(":")
                if len(parts) < 6:
                    raise ValueError(f"an entry has no {arn_field}")
                row = {**one, "account_id": parts[4], "region": parts[3], "tags": tags.get(one[arn_field], [])}
                row |= {field: _moment(row[field]) for field in moments if row.get(field) is not None}
                # judged one by one, so that a value of another type is told with its file
                pa.Table.from_pylist([row], schema=contract.schema)
                rows[parts[4]][one[arn_field]] = row
    midnight = day_start(context.run.as_of.date())
    today = Window(midnight, midnight + timedelta(days=1))
    results: list[LoadResult] = []
    for account, own in sorted(rows.items()):
        table = pa.Table.from_pylist([own[arn] for arn in sorted(own)], schema=contract.schema)
        results.append(context.landing.write(contract, scope=account, window=today, batches=[table]))
        context.landing.report(SOURCE, account, None, None)
    return results


def _moment(value: object) -> datetime:
    """The command line prints times as ISO 8601 or, in its first version, as seconds."""
    if isinstance(value, (int, float, Decimal)):
        return datetime.fromtimestamp(float(value), UTC)
    moment = datetime.fromisoformat(str(value))
    if moment.year not in YEARS:
        raise ValueError(f"{value} lies outside of the years {YEARS[0]} to {YEARS[-1]}")
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _metrics(
    context: Context, answers: Sequence[Document], requests: Sequence[Document], window: Window | None
) -> list[LoadResult]:
    points: dict[str, list[pa.Table]] = defaultdict(list)
    asked: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for name, document in answers:
        account, region = _place(context, name)
        with _reading(name):
            series = _series_of(name, requests)
            refuse_messages(document.get("Messages", ()), name)
            status = {one["Id"]: one.get("StatusCode", "missing") for one in document["MetricDataResults"]}
            refuse_incomplete(status, status, name)
            found = [_points(name, series, one) for one in document["MetricDataResults"]]
            points[account].append(table_of(account, region, found))
        asked[account] |= {(region, one.metric.dimensions[0][1], one.metric.name) for one in found if one.moments}
    results: list[LoadResult] = []
    for account, tables in sorted(points.items()):
        fresh = pa.concat_tables(tables)
        moments = sorted(set(cast(list[datetime], fresh["timestamp"].to_pylist())))
        whole = [day for one in sorted({moment.date() for moment in moments}) for day in _day(one, window)]
        results += merge(context.landing, account, Pull(METRICS_HOURLY, whole, fresh, asked[account]))
        if moments:
            context.landing.report(SOURCE, account, moments[-1] + timedelta(seconds=HOUR_S))
    return results


def _day(one: Any, window: Window | None) -> list[Window]:
    (day,) = days(Window(day_start(one), day_start(one) + timedelta(hours=1)))
    return [day] if window is None or (window.start < day.end and day.start < window.end) else []


def _place(context: Context, name: str) -> tuple[str, str]:
    """Account and region of a file of metrics."""
    folders, section = name.split("/")[:-1], context.config.aws_section
    accounts = [part for part in folders if _ACCOUNT.fullmatch(part)]
    accounts = accounts or [account.id for account in (section.accounts if section else ())]
    regions = [part for part in folders if _REGION.fullmatch(part)] or list(section.regions if section else ())
    if len(accounts) != 1 or len(regions) != 1:
        raise ConfigError(
            f"{name} does not tell whose metrics it holds.",
            "Put it below folders <account>/<region>, as in 2100.../us-east-1.",
        )
    return accounts[0], regions[0]


def _series_of(name: str, requests: Sequence[Document]) -> Callable[[Mapping[str, Any]], tuple[str, str, str] | None]:
    """How results become ModelId, metric and statistic: by the request in the same folder, else by their labels."""
    here = [document for other, document in requests if other.rpartition("/")[0] == name.rpartition("/")[0]]
    known: dict[str, tuple[str, str, str]] = {}
    for document in here:
        for query in document["MetricDataQueries"]:
            stat: Mapping[str, Any] = query.get("MetricStat") or dict[str, Any]()
            metric: Mapping[str, Any] = stat.get("Metric") or dict[str, Any]()
            names: dict[str, str] = {one["Name"]: one["Value"] for one in metric.get("Dimensions", [])}
            if metric.get("Namespace") == NAMESPACE and set(names) == {"ModelId"} and stat.get("Period") == HOUR_S:
                known[query["Id"]] = names["ModelId"], metric["MetricName"], stat["Stat"]

    def find(result: Mapping[str, Any]) -> tuple[str, str, str] | None:
        if here:
            return known.get(result["Id"])
        model_id, _, metric = str(result.get("Label", "")).partition(" ")
        return (model_id, metric, "Sum") if metric and " " not in metric else None

    return find


def _points(
    name: str, series: Callable[[Mapping[str, Any]], tuple[str, str, str] | None], result: Mapping[str, Any]
) -> Points:
    told = series(result)
    moments = [_moment(one) for one in result["Timestamps"]]
    if told is None or any(moment.minute or moment.second for moment in moments):
        raise SchemaChanged(
            f"{name}: result {result['Id']} is no hourly series of one ModelId.",
            f"Ask with Period {HOUR_S} and the one dimension ModelId, and keep the request beside it.",
        )
    model_id, metric, statistic = told
    values = [float(value) for value in result["Values"]]
    if len(values) != len(moments):
        raise ValueError(f"result {result['Id']} has {len(moments)} timestamps and {len(values)} values")
    return Points(Metric(NAMESPACE, metric, (("ModelId", model_id),)), statistic, HOUR_S, moments, values)
