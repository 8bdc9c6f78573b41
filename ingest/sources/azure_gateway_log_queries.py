"""The Kusto queries for a gateway's token counts, and the windows in which their answers are whole.

A query gives 500,000 rows or about 100 MB at most; beyond that Azure answers with a part and says so. Such a window is
asked again in two halves, down to an hour; any other partial answer is a failure. Sums are made by hour at Azure: no
prompt, answer or single request leaves the workspace.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.monitor.query import LogsQueryPartialResult, LogsQueryResult

from ingest.azure_client import AzureCaller
from ingest.azure_errors import Permission
from ingest.config_azure import GatewayLog
from ingest.errors import ConfigError, SchemaChanged, TerminalError, TransientError
from ingest.run import Window

HOUR = timedelta(hours=1)
MOST_ROWS = 500_000
SERVER_TIMEOUT_S = 600
DIMENSIONS = ("subscription", "team", "product", "environment", "user", "deployment", "model", "account")
LOG_COLUMNS = (
    "TimeGenerated", "ApimSubscriptionId", "ProductId", "ApiId", "UserId", "DeploymentName", "ModelName", "BackendHost",
    "PromptTokens", "CompletionTokens", "TotalTokens", "Requests", "Errors", "Streamed",
)  # fmt: skip
# A request of long messages is several rows that share a correlation id, and only one of them bears the tokens; the
# gateway's own log has a row a hop. Both become one row a request before anything is summed.
_LOG = """
let first = datetime({first});
let after = datetime({after});
ApiManagementGatewayLlmLog
| where TimeGenerated >= first - 1h and TimeGenerated < after + 1h
| summarize TimeGenerated = min(TimeGenerated), PromptTokens = max(PromptTokens),
    CompletionTokens = max(CompletionTokens), TotalTokens = max(TotalTokens), IsStream = max(IsStreamCompletion),
    DeploymentName = take_anyif(DeploymentName, isnotempty(DeploymentName)),
    ModelName = take_anyif(ModelName, isnotempty(ModelName)) by CorrelationId
| where TimeGenerated >= first and TimeGenerated < after
| join kind=leftouter (
    ApiManagementGatewayLogs
    | where TimeGenerated >= first - 1h and TimeGenerated < after + 1h
    | summarize ApimSubscriptionId = take_anyif(ApimSubscriptionId, isnotempty(ApimSubscriptionId)),
        ProductId = take_anyif(ProductId, isnotempty(ProductId)), ApiId = take_anyif(ApiId, isnotempty(ApiId)),
        UserId = take_anyif(UserId, isnotempty(UserId)), ResponseCode = max(ResponseCode),
        BackendUrl = take_anyif(BackendUrl, isnotempty(BackendUrl)) by CorrelationId
) on CorrelationId
| extend BackendHost = tostring(parse_url(BackendUrl).Host), IsError = coalesce(ResponseCode, 200) >= 400
| summarize PromptTokens = sum(PromptTokens), CompletionTokens = sum(CompletionTokens), TotalTokens = sum(TotalTokens),
    Requests = countif(not(IsError)), Errors = countif(IsError), Streamed = countif(IsStream)
    by TimeGenerated = bin(TimeGenerated, 1h), ApimSubscriptionId, ProductId, ApiId, UserId, DeploymentName, ModelName,
    BackendHost
"""
_METRIC = """
let first = datetime({first});
let after = datetime({after});
{table}
| where {time} >= first and {time} < after
| where {name} in ("Prompt Tokens", "Completion Tokens", "Total Tokens", "Cached Tokens")
| extend {dimensions}
| summarize Tokens = sum({value}), Measurements = sum({count})
    by TimeGenerated = bin({time}, 1h), Name = {name}, {aliases}
"""
Row = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """A workspace or classic component, and how to ask it."""

    caller: AzureCaller
    log: GatewayLog

    @property
    def permission(self) -> Permission:
        """What reading its tables needs."""
        action = "Microsoft.OperationalInsights/workspaces/query/read"
        where = "workspace" if self.log.workspace_id else "component"
        return Permission("Log Analytics Reader", f"{where} {self.log.place}", action, "inferledger-logs.json")

    def rows(self, span: Window, what: str) -> Iterator[Row]:
        """The rows of all hours that start in `span`.

        Raises:
            TerminalError: one hour has more rows than Azure gives.
            TransientError: Azure gave a part of the answer, again and again.
            ConfigError: the workspace has no such table.
        """
        answer = self.ask(query(self.log, span), Window(span.start - HOUR, span.end + HOUR), what)
        found = _table_rows(answer, what)
        if not isinstance(answer, LogsQueryPartialResult) and len(found) < MOST_ROWS:
            yield from found
            return
        if span.end - span.start <= HOUR:
            raise TerminalError(
                f"{what}: one hour has more rows than a query of Azure gives ({MOST_ROWS}).",
                "Drop a dimension with many values from the policy, or export the table and read it with --path.",
            )
        hours = (span.end - span.start) // HOUR
        middle = span.start + (hours // 2) * HOUR
        del answer, found
        yield from self.rows(Window(span.start, middle), what)
        yield from self.rows(Window(middle, span.end), what)

    def count(self, table: str, span: Window) -> int:
        """How many rows a table has in `span`; the smallest query that shows whether it can be read."""
        time = "timestamp" if table == "customMetrics" else "TimeGenerated"
        text = f"{table} | summarize Rows = count(), Newest = max({time})"
        (row,) = _table_rows(self.ask(text, span, f"table {table}"), f"table {table}")
        return int(row["Rows"])

    def ask(self, text: str, span: Window, what: str) -> LogsQueryResult | LogsQueryPartialResult:
        """One query; an answer that is partial for another reason than its size is asked again."""
        client = self.caller.logs()
        timespan = (span.start, span.end)

        def action() -> LogsQueryResult | LogsQueryPartialResult:
            options: dict[str, Any] = {
                "timespan": timespan,
                "server_timeout": SERVER_TIMEOUT_S,
                "read_timeout": SERVER_TIMEOUT_S + 30,
            }
            try:
                if self.log.workspace_id:
                    answer = client.query_workspace(self.log.place, text, **options)
                else:
                    answer = client.query_resource(str(self.log.application_id), text, **options)
            except HttpResponseError as error:
                refuse_unknown_table(error, self.log, what)
                raise
            if isinstance(answer, LogsQueryPartialResult) and not _too_large(answer):
                raise TransientError(
                    f"{what}: Azure gave a part of the answer: {answer.partial_error}.", "Run it again later."
                )
            return answer

        return self.caller.call(action, what=what, permission=self.permission)


def query(log: GatewayLog, span: Window) -> str:
    """The query for the hours that start in `span`."""
    first, after = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (span.start, span.end))
    if log.shape == "log":
        return _LOG.format(first=first, after=after)
    named = {name: getattr(log.dimensions, name) for name in DIMENSIONS}
    bag = "Properties" if log.workspace_id else "customDimensions"
    given = [f'{name} = tostring({bag}["{dimension}"])' for name, dimension in named.items() if dimension]
    absent = [f'{name} = ""' for name, dimension in named.items() if not dimension]
    words = (
        {"table": "AppMetrics", "time": "TimeGenerated", "name": "Name", "value": "Sum", "count": "ItemCount"}
        if log.workspace_id
        else {"table": "customMetrics", "time": "timestamp", "name": "name", "value": "valueSum", "count": "valueCount"}
    )
    return _METRIC.format(
        first=first, after=after, dimensions=", ".join(given + absent), aliases=", ".join(DIMENSIONS), **words
    )


def _too_large(answer: LogsQueryPartialResult) -> bool:
    """Whether the answer is partial because it has too many rows or bytes."""
    return "exceed the set limit" in str(vars(answer.partial_error)) if answer.partial_error else False


def refuse_unknown_table(error: HttpResponseError, log: GatewayLog, what: str) -> None:
    """Say what to switch on where a table does not exist yet.

    Raises:
        ConfigError: the workspace does not know the table.
    """
    if error.status_code == 400 and ("SemanticError" in str(error) or "could not be resolved" in str(error)):
        switch = (
            "Switch the diagnostic category GatewayLlmLogs of the API Management service on for this workspace"
            if log.shape == "log"
            else "Give the API the policy llm-emit-token-metric and Application Insights logging with custom metrics"
        )
        raise ConfigError(f"{what}: the table does not exist there yet.", f"{switch}, as the page shows.") from error


def _table_rows(answer: LogsQueryResult | LogsQueryPartialResult, what: str) -> list[Row]:
    tables = answer.partial_data if isinstance(answer, LogsQueryPartialResult) else answer.tables
    if not tables:
        raise SchemaChanged(f"{what}: the answer has no table.", "See docs/sources/azure_gateway_log.md.")
    columns = tables[0].columns
    return [dict(zip(columns, row, strict=True)) for row in tables[0].rows]
