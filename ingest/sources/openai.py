"""OpenAI's own API: the organisation's usage of completions and its costs, by day.

Endpoints: `GET /v1/organization/usage/completions` by project, API key, model, batch and service tier, and
`GET /v1/organization/costs` by project and line item, both in buckets of a day, page by page until `has_more` is
false. They need an admin key, which is another one than that of completions.
A window is one UTC day of the organisation, replaced whole; the first run reads `backfill_days`, later ones the seven
days before the newest landed one as well.
Amounts are numbers in the documentation and sometimes text in answers; either lands as its exact text.
Run alone: `inferledger ingest openai`, or `inferledger ingest openai --path DIR` for saved pages.
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

SOURCE = "openai"
ENDPOINT = "https://api.openai.com"
USAGE_PATH, COST_PATH = "/v1/organization/usage/completions", "/v1/organization/costs"
_text, _count, _time = pa.string(), pa.int64(), pa.timestamp("us", tz="UTC")
_BUCKET = [("organization_id", _text), ("start_time", _time), ("end_time", _time), ("project_id", _text)]
_TOKENS = (
    "input_tokens",
    "input_cached_tokens",
    "input_cache_write_tokens",
    "output_tokens",
    "input_audio_tokens",
    "output_audio_tokens",
    "num_model_requests",
)
_USAGE = pa.schema(
    [
        *_BUCKET,
        ("api_key_id", _text),
        ("model", _text),
        ("batch", pa.bool_()),
        ("service_tier", _text),
        *((name, _count) for name in _TOKENS),
    ]
)
_COSTS = pa.schema([*_BUCKET, ("line_item", _text), ("amount_value", _text), ("amount_currency", _text)])
USAGE = StreamContract(
    SOURCE, "usage", _USAGE, ("start_time", "input_tokens", "output_tokens", "num_model_requests"), empty_ok=True,
    key=("start_time", "project_id", "api_key_id", "model", "batch", "service_tier"),
)  # fmt: skip
COSTS = StreamContract(
    SOURCE, "costs", _COSTS, ("start_time", "amount_value", "amount_currency"), empty_ok=True,
    key=("start_time", "project_id", "line_item"), amount="amount_value",
)  # fmt: skip
STREAMS = (USAGE, COSTS)


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Replace each day of `window` (None: from seven days before the newest landed one) of both reports.

    Raises:
        ConfigError: the admin key is not set.
        PermissionDenied, CredentialExpired, Unreachable: as OpenAI answered.
        SchemaChanged, Shrunk: a report is not what it was; what was landed stays.
    """
    return ORGANISATION.load(context, _api(context), context.config.openai.organization_id, window)


def load_files(context: Context, folder: Folder, window: Window | None) -> list[LoadResult]:
    """Land saved pages of both reports; see `Organisation.load_files`. The organisation is the configured one."""
    section = context.config.openai_section
    return ORGANISATION.load_files(context, section.organization_id if section else "files", folder, window)


def check(context: Context) -> Iterator[Finding]:
    """Whether each report answers, asked for one day."""
    yield from ORGANISATION.check(context, _api(context), context.config.openai.organization_id)


def _api(context: Context) -> Api:
    config = context.config.openai
    key = secret(config.admin_key_env, "the section openai of sources.yml")
    return Api(
        context.settings,
        "OpenAI's Admin API",
        context.settings.openai_endpoint or ENDPOINT,
        {"authorization": f"Bearer {key}", "user-agent": "inferledger"},
        f"Put an admin key (sk-admin-...) into {config.admin_key_env}; an owner makes one under Admin keys.",
        "Give the admin key the permission to read usage (api.usage.read), or let an owner make one.",
    )


def _parameters(report: Report, part: Window) -> Parameters:
    return [
        ("start_time", str(int(part.start.timestamp()))),
        ("end_time", str(int(part.end.timestamp()))),
        ("bucket_width", "1d"),
        ("limit", str(LONGEST_DAYS)),
        *(("group_by", group) for group in report.groups),
    ]


def _usage(row: Mapping[str, Any]) -> dict[str, Any]:
    for name in ("input_tokens", "output_tokens", "num_model_requests"):
        if row.get(name) is None:
            raise UnreadableRow(f"it has no {name}")
    return {name: text(row.get(name)) for name in ("api_key_id", "model", "service_tier")} | {
        "batch": row.get("batch") if isinstance(row.get("batch"), bool) else None,
        **{name: count(row.get(name), name) for name in _TOKENS},
    }


def _costs(row: Mapping[str, Any]) -> dict[str, Any]:
    amount = mapping(row.get("amount"))
    value, currency = cost(amount.get("value")), text(amount.get("currency"))
    if value is None or currency is None:
        raise UnreadableRow("it has no amount or currency")
    return {"line_item": text(row.get("line_item")), "amount_value": value, "amount_currency": currency}


def _dollars(row: Mapping[str, Any]) -> Decimal | None:
    return known_cost(mapping(row.get("amount")).get("value"))


ORGANISATION = Organisation(
    SOURCE,
    "OpenAI",
    ("start_time", "end_time"),
    "project_id",
    (
        Report(
            USAGE,
            USAGE_PATH,
            ("project_id", "api_key_id", "model", "batch", "service_tier"),
            FileKind("OpenAI's usage of completions", ("input_tokens", "output_tokens", "num_model_requests")),
            _usage,
        ),
        Report(
            COSTS,
            COST_PATH,
            ("project_id", "line_item"),
            FileKind("OpenAI's costs", ("amount", "line_item", "project_id")),
            _costs,
            _dollars,
        ),
    ),
    _parameters,
)
