"""Anthropic's own API: the organisation's usage and cost reports, by day.

Endpoints: `GET /v1/organizations/usage_report/messages` by workspace, API key, model, service tier and context window,
and `GET /v1/organizations/cost_report` by workspace and description, both in buckets of a day, 31 to an answer, page
by page until `has_more` is false. They need an admin key, which is another one than that of messages.
A window is one UTC day of the organisation, replaced whole; the first run reads `backfill_days`, later ones the seven
days before the newest landed one as well.
Amounts are decimal text in cents; they land as they come. Costs of the priority tier are in neither report.
Run alone: `inferledger ingest anthropic`.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

import pyarrow as pa

from ingest.checks import Finding, attempt
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.daily_reports import Row, due, land_days
from ingest.errors import SchemaChanged
from ingest.http_api import Api, Parameters, secret
from ingest.json_values import UnreadableRow, cost, count, mapping, moment, text
from ingest.run import Window, day_start

SOURCE = "anthropic"
ENDPOINT = "https://api.anthropic.com"
VERSION = "2023-06-01"
LONGEST_DAYS = 31
USAGE_PATH, COST_PATH = "/v1/organizations/usage_report/messages", "/v1/organizations/cost_report"
_text, _count, _time = pa.string(), pa.int64(), pa.timestamp("us", tz="UTC")
_BUCKET = [("organization_id", _text), ("starting_at", _time), ("ending_at", _time), ("workspace_id", _text)]
_USAGE = pa.schema(
    [
        *_BUCKET,
        ("api_key_id", _text),
        ("model", _text),
        ("service_tier", _text),
        ("context_window", _text),
        ("uncached_input_tokens", _count),
        ("cache_read_input_tokens", _count),
        ("cache_creation", pa.struct([("ephemeral_5m_input_tokens", _count), ("ephemeral_1h_input_tokens", _count)])),
        ("output_tokens", _count),
        ("server_tool_use", pa.struct([("web_search_requests", _count)])),
    ]
)
_COSTS = pa.schema(
    [
        *_BUCKET,
        ("description", _text),
        ("cost_type", _text),
        ("token_type", _text),
        ("model", _text),
        ("service_tier", _text),
        ("context_window", _text),
        ("inference_geo", _text),
        ("amount", _text),
        ("currency", _text),
    ]
)
USAGE = StreamContract(
    SOURCE, "usage", _USAGE, ("starting_at", "uncached_input_tokens", "output_tokens"), empty_ok=True,
    key=("starting_at", "workspace_id", "api_key_id", "model", "service_tier", "context_window"),
)  # fmt: skip
# the amount is in cents, so that no dollars of rows that are gone are told
COSTS = StreamContract(
    SOURCE, "costs", _COSTS, ("starting_at", "amount", "currency"), empty_ok=True,
    key=("starting_at", "workspace_id", "description"),
)  # fmt: skip
STREAMS = (USAGE, COSTS)
_GROUPS: dict[str, tuple[str, ...]] = {
    USAGE_PATH: ("workspace_id", "api_key_id", "model", "service_tier", "context_window"),
    COST_PATH: ("workspace_id", "description"),
}


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Replace each day of `window` (None: from seven days before the newest landed one) of both reports.

    Raises:
        ConfigError: the admin key is not set.
        PermissionDenied, CredentialExpired, Unreachable: as Anthropic answered.
        SchemaChanged, Shrunk: a report is not what it was; what was landed stays.
    """
    api, organization = _api(context), context.config.anthropic.organization_id
    results: list[LoadResult] = []
    newest: datetime | None = None
    for contract, path, kept in ((USAGE, USAGE_PATH, _usage), (COSTS, COST_PATH, _costs)):

        def fetch(part: Window, path: str = path, kept: Any = kept) -> Iterator[Row]:
            for bucket, row in _results(api, path, part):
                yield _row(path, organization, bucket, row, kept)

        span = due(context, contract, organization, window)
        loaded, end = land_days(context, contract, organization, span, fetch, LONGEST_DAYS)
        results += loaded
        newest = max(filter(None, (newest, end)), default=None)
    if newest is not None:
        newest = min(newest, context.run.as_of)
    context.landing.report(SOURCE, organization, newest)
    return results


def check(context: Context) -> Iterator[Finding]:
    """Whether each report answers, asked for one day."""
    api, organization = _api(context), context.config.anthropic.organization_id
    start = day_start(context.run.as_of.date())
    today = Window(start, start + timedelta(days=1))
    for path in (USAGE_PATH, COST_PATH):
        yield attempt(
            SOURCE, organization, "permitted", f"{path} answers.",
            lambda path=path: next(api.pages(path, _parameters(path, today))),
        )  # fmt: skip
    yield Finding(SOURCE, organization, "cost", "ok", "Reading is free: two requests for 31 days.")


def _api(context: Context) -> Api:
    config = context.config.anthropic
    key = secret(config.admin_key_env, "the section anthropic of sources.yml")
    return Api(
        context.settings,
        "Anthropic's Admin API",
        context.settings.anthropic_endpoint or ENDPOINT,
        {"x-api-key": key, "anthropic-version": VERSION, "user-agent": "inferledger"},
        f"Put an admin key (sk-ant-admin...) into {config.admin_key_env}; the Console makes one under Admin keys.",
        "Only an admin of the organisation can make an admin key; individual accounts have none.",
    )


def _parameters(path: str, part: Window) -> Parameters:
    return [
        ("starting_at", f"{part.start:%Y-%m-%dT%H:%M:%SZ}"),
        ("ending_at", f"{part.end:%Y-%m-%dT%H:%M:%SZ}"),
        ("bucket_width", "1d"),
        ("limit", str(LONGEST_DAYS)),
        *(("group_by[]", group) for group in _GROUPS[path]),
    ]


def _results(api: Api, path: str, part: Window) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Each result with its bucket."""
    for page in api.pages(path, _parameters(path, part)):
        for bucket in page["data"]:
            found = mapping(bucket).get("results")
            if not isinstance(found, list):
                raise SchemaChanged(f"Anthropic's {path} sent a bucket without results.", "Look at its API reference.")
            for row in cast(list[Any], found):
                yield mapping(bucket), mapping(row)


def _row(path: str, organization: str, bucket: Mapping[str, Any], row: Mapping[str, Any], kept: Any) -> Row:
    try:
        start = moment(bucket.get("starting_at"), "starting_at")
        return start, {
            "organization_id": organization,
            "starting_at": start,
            "ending_at": moment(bucket.get("ending_at"), "ending_at"),
            "workspace_id": text(row.get("workspace_id")),
        } | kept(row)
    except UnreadableRow as error:
        raise SchemaChanged(f"Anthropic's {path} sent a result, but {error}.", "Look at its API reference.") from error


def _usage(row: Mapping[str, Any]) -> dict[str, Any]:
    written, tools = mapping(row.get("cache_creation")), mapping(row.get("server_tool_use"))
    tokens = ("uncached_input_tokens", "cache_read_input_tokens", "output_tokens")
    lives = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
    for name in ("uncached_input_tokens", "output_tokens"):
        if row.get(name) is None:
            raise UnreadableRow(f"it has no {name}")
    return {name: text(row.get(name)) for name in ("api_key_id", "model", "service_tier", "context_window")} | {
        name: count(row.get(name), name) for name in tokens
    } | {
        "cache_creation": {name: count(written.get(name), name) for name in lives},
        "server_tool_use": {"web_search_requests": count(tools.get("web_search_requests"), "web_search_requests")},
    }  # fmt: skip


def _costs(row: Mapping[str, Any]) -> dict[str, Any]:
    amount, currency = cost(row.get("amount")), text(row.get("currency"))
    if amount is None or currency is None:
        raise UnreadableRow("it has no amount or currency")
    if currency.upper() != "USD":
        raise UnreadableRow(f"its currency is {currency}, whose lowest unit is not known here")
    names = ("description", "cost_type", "token_type", "model", "service_tier", "context_window", "inference_geo")
    return {name: text(row.get(name)) for name in names} | {"amount": amount, "currency": currency}
