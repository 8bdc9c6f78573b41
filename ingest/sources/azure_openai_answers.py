"""One call to Azure Monitor for the metrics of accounts, by the batch route or by Resource Manager's, as a table.

The client's own result has no resource id and takes sixty times as long to make as the answer takes to read: the call
is the client's, the answer is read as it came. Dimension names come back in lower case, however they were asked.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlencode

import pyarrow as pa
import pyarrow.compute

from ingest.azure_client import AccountRef, AzureCaller
from ingest.azure_errors import Permission
from ingest.contracts import StreamContract
from ingest.errors import PermissionDenied, SchemaChanged, TerminalError
from ingest.run import Window

pc: Any = pyarrow.compute
SOURCE = "azure_openai"
NAMESPACE = "Microsoft.CognitiveServices/accounts"
ARM_VERSION = "2023-10-01"
MOST_SERIES = 1000
METRICS_READ = "Microsoft.Insights/metrics/read"
_time = pa.timestamp("us", tz="UTC")
_VALUES = ("total", "average", "maximum", "minimum")
SCHEMA = pa.schema(
    [
        ("subscription_id", pa.string()),
        ("resource_id", pa.string()),
        ("region", pa.string()),
        ("metric", pa.string()),
        ("unit", pa.string()),
        ("model_deployment_name", pa.string()),
        ("status_code", pa.string()),
        ("is_spillover", pa.string()),
        ("timestamp", _time),
        *((name, pa.float64()) for name in _VALUES),
    ]
)

_required = ("resource_id", "metric", "model_deployment_name", "timestamp")
METRICS_HOURLY = StreamContract(SOURCE, "metrics_hourly", SCHEMA, _required, empty_ok=True)
METRICS_MINUTELY = StreamContract(SOURCE, "metrics_minutely", SCHEMA, _required, empty_ok=True)


@dataclass(frozen=True)
class Question:
    """Metrics that share dimensions and aggregations.

    `is_optional`: an account or region that does not know these metrics has none.
    """

    names: tuple[str, ...]
    aggregations: tuple[str, ...]
    dimensions: tuple[str, ...] = ()
    is_optional: bool = False

    def filter(self, deployments: Sequence[str] = ()) -> str:
        """Split by deployment (those that are named) and by every other dimension."""
        named = " or ".join(f"ModelDeploymentName eq '{name}'" for name in deployments)
        return " and ".join([named or "ModelDeploymentName eq '*'", *(f"{name} eq '*'" for name in self.dimensions)])


@dataclass
class Monitor:
    """Azure Monitor as one subscription sees it; remembers when the batch route is refused."""

    caller: AzureCaller
    subscription_id: str
    is_batch_refused: bool = False
    _clients: dict[str, Any] = field(default_factory=dict[str, Any])

    def ask(
        self,
        accounts: Sequence[AccountRef],
        question: Question,
        span: Window,
        grain: timedelta,
        deployments: Sequence[str] = (),
    ) -> pa.Table:
        """The samples of accounts of one region.

        Raises:
            PermissionDenied: both routes are refused.
            SchemaChanged, TransientError, Unreachable: with what to do.
            TerminalError: so many series that some may be cut off.
        """
        region = accounts[0].location
        what = f"azure_openai metrics {', '.join(question.names)} of {region} for {span}"
        try:
            answers = self._answers(accounts, question, span, grain, deployments, what)
        except TerminalError as error:
            if question.is_optional and "metric configuration" in error.message:
                return SCHEMA.empty_table()
            raise
        parts = [
            table_of(metric, self.subscription_id, region, what) for answer in answers for metric in answer["value"]
        ]
        return pa.concat_tables([SCHEMA.empty_table(), *parts])

    def _answers(
        self, accounts: Sequence[AccountRef], question: Question, span: Window, grain: timedelta,
        deployments: Sequence[str], what: str,
    ) -> list[Mapping[str, Any]]:  # fmt: skip
        chosen = question.filter(deployments)
        if not self.is_batch_refused:
            try:
                return self._batch(accounts, question, span, grain, chosen, what)
            except PermissionDenied as refused:
                # the batch wants the whole subscription, Resource Manager an account at a time
                try:
                    answers = [self._single(account, question, span, grain, chosen, what) for account in accounts]
                except PermissionDenied:
                    raise refused from None
                self.is_batch_refused = True
                return answers
        return [self._single(account, question, span, grain, chosen, what) for account in accounts]

    def _batch(
        self, accounts: Sequence[AccountRef], question: Question, span: Window, grain: timedelta, chosen: str, what: str
    ) -> list[Mapping[str, Any]]:
        region = accounts[0].location
        client = self._clients.setdefault(region, None) or self.caller.metrics(region)
        self._clients[region] = client
        caught: list[Mapping[str, Any]] = []

        def keep(_: object, chunks: Iterable[bytes], __: object) -> dict[str, list[Any]]:
            caught[:] = json.loads(b"".join(chunks))["values"]
            return {"values": []}

        self.caller.call(
            lambda: client.query_resources(
                resource_ids=[account.resource_id for account in accounts],
                metric_namespace=NAMESPACE,
                metric_names=question.names,
                timespan=(span.start, span.end),
                granularity=grain,
                aggregations=question.aggregations,
                max_results=MOST_SERIES,
                filter=chosen,
                stream=True,
                cls=keep,
            ),
            what=what,
            permission=Permission("Monitoring Reader", f"subscription {self.subscription_id}", METRICS_READ),
        )
        return caught

    def _single(
        self, account: AccountRef, question: Question, span: Window, grain: timedelta, chosen: str, what: str
    ) -> Mapping[str, Any]:
        client = self._clients.setdefault("", None) or self.caller.costs()
        self._clients[""] = client
        query = {
            "api-version": ARM_VERSION,
            "metricnamespace": NAMESPACE,
            "metricnames": ",".join(question.names),
            "timespan": f"{span.start:%Y-%m-%dT%H:%M:%SZ}/{span.end:%Y-%m-%dT%H:%M:%SZ}",
            "interval": "PT1M" if grain < timedelta(hours=1) else "PT1H",
            "aggregation": ",".join(question.aggregations),
            "top": str(MOST_SERIES),
            "$filter": chosen,
        }
        path = f"{account.resource_id}/providers/Microsoft.Insights/metrics?{urlencode(query)}"
        permission = Permission("Monitoring Reader", f"account {account.name}", METRICS_READ)
        answer = self.caller.get_json(client, path, what=what, permission=permission)
        if "value" not in answer:
            raise SchemaChanged(f"{what}: the answer has no value.", "See docs/sources/azure_openai.md.")
        return answer


def table_of(metric: Mapping[str, Any], subscription_id: str, region: str, what: str) -> pa.Table:
    """The samples of one metric of one account; a time without any value is no sample."""
    try:
        name, series = str(metric["name"]["value"]), cast(list[Mapping[str, Any]], metric["timeseries"])
        if len(series) >= MOST_SERIES:
            raise TerminalError(
                f"{what}: {name} has {len(series)} series or more, so some may be cut off.",
                "Split the account's deployments over several accounts, or raise MOST_SERIES.",
            )
        fixed = {
            "subscription_id": subscription_id,
            "resource_id": str(metric["id"]).partition("/providers/Microsoft.Insights/")[0],
            "region": region,
            "metric": name,
            "unit": str(metric["unit"]),
        }
        parts = [_series(fixed, one, what) for one in series]
    except (KeyError, AttributeError, pa.ArrowInvalid) as error:
        raise SchemaChanged(
            f"{what}: a metric has another shape than documented ({error}).", "See docs/sources/azure_openai.md."
        ) from error
    return pa.concat_tables([SCHEMA.empty_table(), *parts])


def _series(fixed: Mapping[str, str], series: Mapping[str, Any], what: str) -> pa.Table:
    labels = {str(one["name"]["value"]).lower(): one["value"] for one in series["metadatavalues"]}
    if "modeldeploymentname" not in labels:
        raise SchemaChanged(
            f"{what}: a series of {fixed['metric']} names no deployment.", "Ask with `--dimension ModelDeploymentName`."
        )
    texts = {
        **fixed,
        "model_deployment_name": labels["modeldeploymentname"],
        "status_code": labels.get("statuscode"),
        "is_spillover": labels.get("isspillover"),
    }
    points = [point for point in series["data"] if any(point.get(name) is not None for name in _VALUES)]
    columns: list[Any] = [pa.array([text] * len(points), pa.string()) for text in texts.values()]
    columns.append(pc.cast(pa.array([point["timeStamp"] for point in points], pa.string()), _time))
    columns += [pa.array([point.get(name) for point in points], pa.float64()) for name in _VALUES]
    return pa.Table.from_arrays(columns, schema=SCHEMA)
