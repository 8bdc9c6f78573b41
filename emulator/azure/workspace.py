"""The Log Analytics workspace of the gateway: answers the few queries that a reader of token counts sends."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from emulator.azure.gateway import API, PRODUCT, WORKSPACE_ID
from emulator.azure.wire import AzureError, Call, Reply, bad_request

# what Azure gives at most, and what it says when there is more
MOST_ROWS = 500_000
PARTIAL = "The results of this query exceed the set limit of 500000 records, so not all records were returned."
LAG = timedelta(minutes=5)
METRIC_NAMES = ("Prompt Tokens", "Completion Tokens", "Total Tokens", "Cached Tokens")
TABLES = ("ApiManagementGatewayLlmLog", "ApiManagementGatewayLogs", "AppMetrics", "customMetrics")
_SPAN = re.compile(r"let first = datetime\(([^)]+)\);\s*let after = datetime\(([^)]+)\);")
_COUNT = re.compile(r"(\w+)\s*\|\s*summarize Rows = count\(\), Newest = max\((?:TimeGenerated|timestamp)\)\s*$")
_DIMENSION = re.compile(r"(\w+) = tostring\((?:Properties|customDimensions)\[[\"']([^\"']+)[\"']\]\)")
Row = Mapping[str, Any]


def tables_in(query: str) -> list[str]:
    """The tables that a query reads, each once, in the order of first use."""
    found = re.findall(rf"\b({'|'.join(TABLES)})\b", query)
    return list(dict.fromkeys(found))


class Workspace:
    """Answers from `gateway_hours.parquet`; `missing` tables have no rows because nobody sends them."""

    def __init__(self, folder: Path) -> None:
        self._rows: Sequence[Row] = pq.read_table(folder / "gateway_hours.parquet").to_pylist()
        self.missing: set[str] = set()

    def query(self, call: Call, workspace: str, now: datetime) -> Reply:
        """The result of a query; raises Azure's own error for one that it does not understand."""
        if workspace.lower() != WORKSPACE_ID and "/providers/microsoft.insights/components/" not in workspace.lower():
            raise AzureError(404, "WorkspaceNotFoundError", f"The workspace {workspace} could not be found.")
        text = str((call.json or {}).get("query") or "").strip()
        if not text:
            raise bad_request("The query is empty.", "BadArgumentError")
        if counted := _COUNT.search(text):
            return _answer(["Rows", "Newest"], ["long", "datetime"], self._count(counted[1], call, now))
        span = _SPAN.search(text)
        names = tables_in(text)
        if span is None or not names:
            raise bad_request("'query' could not be resolved to any table.", "SemanticError")
        first, after = (datetime.fromisoformat(moment) for moment in span.groups())
        rows = [row for row in self._seen(now) if first <= row["hour_start"] < after]
        kind: Callable[[str, list[Row]], Reply] = _metrics if names[0] in TABLES[2:] else _logs
        return kind(text, [] if names[0] in self.missing else rows)

    def _seen(self, now: datetime) -> Iterable[Row]:
        return (row for row in self._rows if row["hour_start"] + timedelta(hours=1) + LAG <= now)

    def _count(self, name: str, call: Call, now: datetime) -> list[list[Any]]:
        start, _, end = str(call.json.get("timespan")).partition("/")
        first, after = (datetime.fromisoformat(moment) for moment in (start, end))
        hours = [row["hour_start"] for row in self._seen(now) if first <= row["hour_start"] < after]
        if name in self.missing:
            hours = []
        return [[len(hours), _iso(max(hours)) if hours else None]]


def _logs(text: str, rows: list[Row]) -> Reply:
    """Tokens by hour and key, as the log of each request sums up."""
    names = [
        ("TimeGenerated", "datetime"), ("ApimSubscriptionId", "string"), ("ProductId", "string"), ("ApiId", "string"),
        ("UserId", "string"), ("DeploymentName", "string"), ("ModelName", "string"), ("BackendHost", "string"),
        ("PromptTokens", "long"), ("CompletionTokens", "long"), ("TotalTokens", "long"), ("Requests", "long"),
        ("Errors", "long"), ("Streamed", "long"),
    ]  # fmt: skip
    if "summarize" not in text:
        raise bad_request("Only sums by hour are answered here.", "SemanticError")
    values = [
        [
            _iso(row["hour_start"]), row["subscription_key"], PRODUCT, API, "", row["deployment"], row["model_name"],
            f"{row['account']}.openai.azure.com", row["prompt_tokens"], row["completion_tokens"],
            row["prompt_tokens"] + row["completion_tokens"], row["answered"], row["failed"], 0,
        ]
        for row in rows
    ]  # fmt: skip
    return _answer([name for name, _ in names], [kind for _, kind in names], values)


def _metrics(text: str, rows: list[Row]) -> Reply:
    """Tokens by hour, metric and the dimensions that the query takes out of the properties."""
    known = {
        "Subscription ID": "subscription_key", "Team": "team", "Deployment": "deployment", "Model": "model_name",
        "Product ID": None, "API ID": None,
    }  # fmt: skip
    constants = {"Product ID": PRODUCT, "API ID": API}
    asked = _DIMENSION.findall(text)
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        values = tuple(constants.get(name) or row.get(known.get(name) or "", "") for _, name in asked)
        prompt, completion = row["prompt_tokens"], row["completion_tokens"]
        totals = (prompt, completion, prompt + completion, row["cached_tokens"])
        for metric, tokens in zip(METRIC_NAMES, totals, strict=True):
            entry = sums[(_iso(row["hour_start"]), metric, *values)]
            entry[0] += tokens
            entry[1] += row["answered"]
    columns = ["TimeGenerated", "Name", *(alias for alias, _ in asked), "Tokens", "Measurements"]
    kinds = ["datetime", "string", *("string" for _ in asked), "real", "long"]
    return _answer(columns, kinds, [[*key, float(tokens), count] for key, (tokens, count) in sorted(sums.items())])


def _answer(names: list[str], kinds: list[str], rows: list[list[Any]]) -> Reply:
    columns = [{"name": name, "type": kind} for name, kind in zip(names, kinds, strict=True)]
    body: dict[str, Any] = {"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows[:MOST_ROWS]}]}
    if len(rows) > MOST_ROWS:
        inner = {"code": "-2133196797", "message": PARTIAL, "severity": 2, "severityName": "Error"}
        body["error"] = {
            "code": "PartialError",
            "message": "There were some errors when processing your query.",
            "details": [{"code": "EngineError", "message": "Something went wrong on the server.", "innererror": inner}],
        }
    return Reply(200, body)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
