"""Who called the shared deployments: tokens by hour and key, as an API Management gateway logged them.

Endpoint: Log Analytics `query`, in the two shapes that a gateway's counts have: the table ApiManagementGatewayLlmLog
with the gateway's own log (exact), or the metric of the policy llm-emit-token-metric (streams are estimates). Stop
rule: an answer that is partial is never landed; one that is too large is asked in halves. Write mode: one file per
place and UTC day, replaced whole; each run reads the trailing three days again, because logs arrive late, and the
days of the backfill that are not landed. A day without a request is a normal answer. Run alone:
`inferledger ingest azure_gateway_log [--path exported tables]`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from ingest.azure_client import AzureCaller
from ingest.checks import Finding, attempt
from ingest.config_azure import GatewayLog
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import SchemaChanged
from ingest.files import Folder
from ingest.run import Window, days
from ingest.sources.azure_gateway_log_files import read_files
from ingest.sources.azure_gateway_log_queries import DIMENSIONS, LOG_COLUMNS, Place, Row

SOURCE = "azure_gateway_log"
TRAILING_DAYS = 3
DAYS_PER_QUERY = 30
ALL_TIME = Window(datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))

_text, _count, _time = pa.string(), pa.int64(), pa.timestamp("us", tz="UTC")
_COUNTS = ("PromptTokens", "CompletionTokens", "TotalTokens", "Requests", "Errors", "Streamed")
REQUESTS = StreamContract(
    SOURCE,
    "llm_requests_hourly",
    pa.schema(
        [("_gateway", _text), ("_place", _text), ("TimeGenerated", _time)]
        + [(name, _count if name in _COUNTS else _text) for name in LOG_COLUMNS[1:]]
    ),
    ("TimeGenerated", "DeploymentName", "PromptTokens", "CompletionTokens", "Requests"),
    empty_ok=True,
)
TOKENS = StreamContract(
    SOURCE,
    "token_metrics_hourly",
    pa.schema(
        [("_gateway", _text), ("_place", _text), ("TimeGenerated", _time), ("Name", _text)]
        + [(name, _text) for name in DIMENSIONS]
        + [("Tokens", pa.float64()), ("Measurements", _count)]
    ),
    ("TimeGenerated", "Name", "Tokens"),
    empty_ok=True,
)
SUBSCRIPTIONS = StreamContract(
    SOURCE,
    "subscriptions",
    pa.schema([(name, _text) for name in ("_gateway", "id", "team", "product", "environment")]),
    ("_gateway", "id"),
    empty_ok=True,
    may_shrink=True,
)
STREAMS = (REQUESTS, TOKENS, SUBSCRIPTIONS)


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Land every day that `window` touches, up to the run's last full hour; nothing where no gateway is configured.

    Raises:
        PermissionDenied, CredentialExpired, ConfigError, Unreachable, SchemaChanged: with what to do.
        TerminalError: an hour has more rows than Azure gives.
        TransientError: throttled, or answered in part, beyond the retry budget.
    """
    logs = context.config.azure.gateway_logs
    if not logs:
        return []
    caller = AzureCaller(context.settings, context.config.azure.tenant_id)
    results = [_land_subscriptions(context, logs)]
    for done, log in enumerate(logs, start=1):
        place, contract = Place(caller, log), _contract(log)
        newest: datetime | None = None
        for span in _spans(_wanted(context, window, log), _full_hour(context.run.as_of)):
            rows = list(place.rows(span, f"azure_gateway_log {contract.stream} of {log.place} for {span}"))
            results += _land(context, contract, log.name, log.place, span, rows)
            ends = [row["TimeGenerated"] + timedelta(hours=1) for row in rows]
            newest = max(ends + ([newest] if newest else []), default=None)
        message = None if newest else "No request was logged in the days that were read."
        context.landing.report(SOURCE, log.place, newest, message)
        context.progress(SOURCE, done, len(logs))
    return results


def load_files(context: Context, folder: Folder, window: Window | None) -> list[LoadResult]:
    """Land the days of exported tables, as the queries would have summed them.

    Raises:
        SchemaChanged: no file is a known table; names the nearest one and the columns that are missing.
        CorruptFile: a file cannot be read to its end, or more than a fifth of its rows cannot be taken.
    """
    configured = context.config.azure_section.gateway_logs if context.config.azure_section else ()
    results = [_land_subscriptions(context, configured)] if configured else []
    for found in read_files(folder, configured, (REQUESTS, TOKENS)):
        contract = REQUESTS if found.shape == "log" else TOKENS
        for span in found.days(window):
            rows = [row for row in found.rows if span.start <= row["TimeGenerated"] < span.end]
            results += _land(context, contract, found.gateway, found.place, span, rows)
            quarantined = found.quarantine_of(span)
            good = found.taken[span.start]
            results.append(quarantined.land(context.landing, scope=found.place, window=span, good_rows=good))
        context.landing.report(SOURCE, found.place, found.watermark, found.told)
    return results


def check(context: Context) -> Iterator[Finding]:
    """Is each workspace reachable, are its tables permitted, and does anything arrive in them."""
    logs = context.config.azure.gateway_logs
    if not logs:
        yield Finding(SOURCE, "", "configured", "ok", "No gateway is configured; shared deployments stay unallocated.")
        return
    caller = AzureCaller(context.settings, context.config.azure.tenant_id)
    as_of = _full_hour(context.run.as_of)
    for log in logs:
        yield from _check_place(Place(caller, log), Window(as_of - timedelta(days=TRAILING_DAYS), as_of))
    yield Finding(
        SOURCE, "", "cost", "ok",
        f"A run sends one query per gateway; the first one per {DAYS_PER_QUERY} days. Queries of an analytics table "
        "are free, those of a basic one cost by the gigabyte scanned.",
    )  # fmt: skip


def _check_place(place: Place, span: Window) -> Iterator[Finding]:
    log = place.log
    tables: tuple[str, ...] = (
        ("ApiManagementGatewayLlmLog", "ApiManagementGatewayLogs")
        if log.shape == "log"
        else ("AppMetrics" if log.workspace_id else "customMetrics",)
    )
    seen: dict[str, int] = {}
    for table in tables:

        def count(table: str = table) -> None:
            seen[table] = place.count(table, span)

        yield attempt(SOURCE, log.place, "permitted", f"{table} can be read.", count)
    if seen.get("ApiManagementGatewayLogs") and not seen.get("ApiManagementGatewayLlmLog"):
        yield Finding(
            SOURCE, log.place, "configured", "warn",
            "The gateway logs requests and no tokens: ApiManagementGatewayLlmLog is empty.",
            "Switch the diagnostic category GatewayLlmLogs on; it is not part of the default ones.",
        )  # fmt: skip
    elif seen and not any(seen.values()):
        yield Finding(SOURCE, log.place, "complete", "warn", f"Nothing arrived in {', '.join(tables)} for three days.",
                      "Check the diagnostic settings of the gateway.")  # fmt: skip
    unmapped = not log.subscriptions and (log.shape == "log" or not log.dimensions.team)
    if unmapped:
        yield Finding(SOURCE, log.place, "tags", "warn", "No subscription key of this gateway is given to a team.",
                      "Name them under gateway_logs, subscriptions in sources.yml.")  # fmt: skip


def _contract(log: GatewayLog) -> StreamContract:
    return REQUESTS if log.shape == "log" else TOKENS


def _land_subscriptions(context: Context, logs: Sequence[GatewayLog]) -> LoadResult:
    """The keys of every gateway, so that a change in sources.yml counts for all days at once."""
    # a gateway that is logged in two places may name its keys at both; the first says whose they are
    owners: dict[tuple[str, str], dict[str, str | None]] = {}
    for log in logs:
        for key in log.subscriptions:
            owners.setdefault((log.name, key.id), {"_gateway": log.name, **key.model_dump()})
    table = pa.Table.from_pylist(list(owners.values()), schema=SUBSCRIPTIONS.schema)
    return context.landing.write(SUBSCRIPTIONS, scope="all", window=ALL_TIME, batches=[table])


def _wanted(context: Context, window: Window | None, log: GatewayLog) -> list[Window]:
    as_of = context.run.as_of
    if window is not None:
        return [day for day in days(window) if day.start < as_of]
    recent = set(days(Window(as_of - timedelta(days=TRAILING_DAYS), as_of)))
    landed = set(context.landing.windows(_contract(log), log.place))
    reach = Window(as_of - timedelta(days=context.config.backfill_days), as_of)
    return [day for day in days(reach) if day in recent or f"{day.start:%Y-%m-%d}" not in landed]


def _full_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _spans(wanted: Sequence[Window], end: datetime) -> Iterator[Window]:
    """Runs of consecutive days, none longer than a query may be and none beyond the last full hour."""
    start: datetime | None = None
    for place, day in enumerate(wanted):
        start = start or day.start
        follows = place + 1 < len(wanted) and wanted[place + 1].start == day.end
        if not follows or (day.end - start).days >= DAYS_PER_QUERY:
            if start < end:
                yield Window(start, min(day.end, end))
            start = None


def _land(
    context: Context, contract: StreamContract, gateway: str, place: str, span: Window, rows: Iterable[Row]
) -> list[LoadResult]:
    by_day: dict[datetime, list[dict[str, Any]]] = defaultdict(list)
    names = [name for name in contract.schema.names if not name.startswith("_")]
    for row in rows:
        missing = [name for name in contract.required if name not in row]
        if missing:
            raise SchemaChanged(
                f"azure_gateway_log {contract.stream} of {place}: the answer has no column {', '.join(missing)}.",
                "See docs/sources/azure_gateway_log.md.",
            )
        known = {name: row.get(name) for name in names}
        by_day[row["TimeGenerated"].replace(hour=0)].append({"_gateway": gateway, "_place": place, **known})
    results: list[LoadResult] = []
    for day in days(span):
        ordered = sorted(by_day.get(day.start, []), key=lambda row: tuple(str(row[name]) for name in names))
        table = pa.Table.from_pylist(ordered, schema=contract.schema)
        results.append(context.landing.write(contract, scope=place, window=day, batches=[table]))
    return results
