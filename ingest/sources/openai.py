"""OpenAI's own API: the organisation's usage of completions and its costs, by day.

Endpoints: `GET /v1/organization/usage/completions` by project, API key, model, batch and service tier, and
`GET /v1/organization/costs` by project and line item, both in buckets of a day, page by page until `has_more` is
false. They need an admin key, which is another one than that of completions.
A window is one UTC day of the organisation, replaced whole; the first run reads `backfill_days`, later ones the seven
days before the newest landed one as well.
Amounts are numbers in the documentation and sometimes text in answers; either lands as its exact text.
Run alone: `inferledger ingest openai`.
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

SOURCE = "openai"
ENDPOINT = "https://api.openai.com"
LONGEST_DAYS = 31
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
_GROUPS: dict[str, tuple[str, ...]] = {
    USAGE_PATH: ("project_id", "api_key_id", "model", "batch", "service_tier"),
    COST_PATH: ("project_id", "line_item"),
}


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Replace each day of `window` (None: from seven days before the newest landed one) of both reports.

    Raises:
        ConfigError: the admin key is not set.
        PermissionDenied, CredentialExpired, Unreachable: as OpenAI answered.
        SchemaChanged, Shrunk: a report is not what it was; what was landed stays.
    """
    api, organization = _api(context), context.config.openai.organization_id
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
    api, organization = _api(context), context.config.openai.organization_id
    start = day_start(context.run.as_of.date())
    today = Window(start, start + timedelta(days=1))
    for path in (USAGE_PATH, COST_PATH):
        yield attempt(
            SOURCE, organization, "permitted", f"{path} answers.",
            lambda path=path: next(api.pages(path, _parameters(path, today))),
        )  # fmt: skip
    yield Finding(SOURCE, organization, "cost", "ok", "Reading is free: two requests for 31 days.")


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


def _parameters(path: str, part: Window) -> Parameters:
    return [
        ("start_time", str(int(part.start.timestamp()))),
        ("end_time", str(int(part.end.timestamp()))),
        ("bucket_width", "1d"),
        ("limit", str(LONGEST_DAYS)),
        *(("group_by", group) for group in _GROUPS[path]),
    ]


def _results(api: Api, path: str, part: Window) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Each result with its bucket."""
    for page in api.pages(path, _parameters(path, part)):
        for bucket in page["data"]:
            found = mapping(bucket).get("results")
            if not isinstance(found, list):
                raise SchemaChanged(f"OpenAI's {path} sent a bucket without results.", "Look at its API reference.")
            for row in cast(list[Any], found):
                yield mapping(bucket), mapping(row)


def _row(path: str, organization: str, bucket: Mapping[str, Any], row: Mapping[str, Any], kept: Any) -> Row:
    try:
        start = moment(bucket.get("start_time"), "start_time")
        return start, {
            "organization_id": organization,
            "start_time": start,
            "end_time": moment(bucket.get("end_time"), "end_time"),
            "project_id": text(row.get("project_id")),
        } | kept(row)
    except UnreadableRow as error:
        raise SchemaChanged(f"OpenAI's {path} sent a result, but {error}.", "Look at its API reference.") from error


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
