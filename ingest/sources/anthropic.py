"""Anthropic's own API: the organisation's usage and cost reports, by day.

Endpoints: `GET /v1/organizations/usage_report/messages` by workspace, API key, model, service tier and context window,
and `GET /v1/organizations/cost_report` by workspace and description, both in buckets of a day, 31 to an answer, page
by page until `has_more` is false. They need an admin key, which is another one than that of messages.
A window is one UTC day of the organisation, replaced whole; the first run reads `backfill_days`, later ones the seven
days before the newest landed one as well.
Amounts are decimal text in cents; they land as they come. Costs of the priority tier are in neither report.
Run alone: `inferledger ingest anthropic`, or `inferledger ingest anthropic --path DIR` for saved pages.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ingest.admin_reports import LONGEST_DAYS, Organisation, Report
from ingest.checks import Finding
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.files import FileKind, Folder
from ingest.http_api import Api, Parameters, secret
from ingest.json_values import UnreadableRow, cost, count, known_cost, mapping, text
from ingest.run import Window

SOURCE = "anthropic"
ENDPOINT = "https://api.anthropic.com"
VERSION = "2023-06-01"
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


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Replace each day of `window` (None: from seven days before the newest landed one) of both reports.

    Raises:
        ConfigError: the admin key is not set.
        PermissionDenied, CredentialExpired, Unreachable: as Anthropic answered.
        SchemaChanged, Shrunk: a report is not what it was; what was landed stays.
    """
    return ORGANISATION.load(context, _api(context), context.config.anthropic.organization_id, window)


def load_files(context: Context, folder: Folder, window: Window | None) -> list[LoadResult]:
    """Land saved pages of both reports; see `Organisation.load_files`. The organisation is the configured one."""
    section = context.config.anthropic_section
    return ORGANISATION.load_files(context, section.organization_id if section else "files", folder, window)


def check(context: Context) -> Iterator[Finding]:
    """Whether each report answers, asked for one day."""
    yield from ORGANISATION.check(context, _api(context), context.config.anthropic.organization_id)


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


def _parameters(report: Report, part: Window) -> Parameters:
    return [
        ("starting_at", f"{part.start:%Y-%m-%dT%H:%M:%SZ}"),
        ("ending_at", f"{part.end:%Y-%m-%dT%H:%M:%SZ}"),
        ("bucket_width", "1d"),
        ("limit", str(LONGEST_DAYS)),
        *(("group_by[]", group) for group in report.groups),
    ]


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


def _dollars(row: Mapping[str, Any]) -> Decimal | None:
    cents = known_cost(row.get("amount"))
    return None if cents is None else cents / 100


ORGANISATION = Organisation(
    SOURCE,
    "Anthropic",
    ("starting_at", "ending_at"),
    "workspace_id",
    (
        Report(
            USAGE,
            USAGE_PATH,
            ("workspace_id", "api_key_id", "model", "service_tier", "context_window"),
            FileKind(
                "Anthropic's usage report of messages", ("uncached_input_tokens", "output_tokens", "cache_creation")
            ),
            _usage,
        ),
        Report(
            COSTS,
            COST_PATH,
            ("workspace_id", "description"),
            FileKind("Anthropic's cost report", ("amount", "currency", "description")),
            _costs,
            _dollars,
        ),
    ),
    _parameters,
)
