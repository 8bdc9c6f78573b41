"""Azure's bill by day: actual and amortized cost per subscription, and what is bought at the billing account.

Endpoint: Cost Management's query, one per view, scope and month. Usage is read at each subscription; everything else
(purchases, refunds, tax, rounding, unused reservation hours) at the billing account, where alone all of it is shown.
The two never overlap, and both must add up to the billing account's own total by subscription and charge type before
a month is written. Tags come from one more query per tag key (stream `tags`): a row can be grouped by one tag only.

Write mode: one file per scope and month, replaced whole. Each run reads again the months that the trailing 35 days
touch, because Azure restates a month until five days after its end, and any month of the backfill not landed yet.
Stop rule: an answer without nextLink. Run alone: `inferledger ingest azure_cost`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import cast

import pyarrow as pa
from azure.mgmt.costmanagement import CostManagementClient

from ingest.azure_client import AzureCaller, reader
from ingest.azure_errors import Permission
from ingest.config import load_configuration
from ingest.config_azure import AzureSources
from ingest.config_rules import TagSynonyms
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import EmptyAnswer, TransientError
from ingest.run import Window, months
from ingest.sources.azure_cost_query import Answer, Query, ask

SOURCE = "azure_cost"
TRAILING_DAYS = 35
TRIES_FOR_ONE_PICTURE = 3
# Azure sums doubles; a difference below a cent is theirs
SUM_TOLERANCE = Decimal("0.01")
TAG_NAMES_VERSION = "2021-04-01"
USAGE = "Usage"
# charge types that the billing account is asked for even where the control query shows none of them
NOT_USAGE = ("Purchase", "Refund", "Tax", "RoundingAdjustment", "UnusedReservation", "UnusedSavingsPlan", "Adjustment")
DIMENSIONS = (
    "SubscriptionId",
    "ResourceId",
    "ResourceLocation",
    "ConsumedService",
    "ServiceName",
    "ServiceTier",
    "Meter",
    "UnitOfMeasure",
    "ChargeType",
    "PricingModel",
)
# Azure puts a tag of this key on the usage of a deployment, where it puts one at all
DEPLOYMENT_TAG = "deployment"
AI_SERVICES = ("ConsumedService", ("Microsoft.CognitiveServices",))

_text = pa.string()
_ROW_SCHEMA = pa.schema(
    [
        ("Cost", _text),
        ("UsageQuantity", _text),
        ("UsageDate", pa.int64()),
        *((name, _text) for name in DIMENSIONS),
        ("TagKey", _text),
        ("TagValue", _text),
        ("Currency", _text),
        ("_billing_account_id", _text),
    ]
)
_TAG_SCHEMA = pa.schema(
    [
        ("Cost", _text),
        ("UsageDate", pa.int64()),
        ("ResourceId", _text),
        ("TagKey", _text),
        ("TagValue", _text),
        ("_tag_key", _text),
    ]
)
_required = ("Cost", "UsageQuantity", "UsageDate", "ResourceId", "Meter", "UnitOfMeasure", "ChargeType", "Currency")
ACTUAL = StreamContract(SOURCE, "actual", _ROW_SCHEMA, _required, empty_ok=True)
AMORTIZED = StreamContract(SOURCE, "amortized", _ROW_SCHEMA, _required, empty_ok=True)
# fewer tag rows are normal: a tag is taken off, or rows of one value grow together
TAGS = StreamContract(SOURCE, "tags", _TAG_SCHEMA, tuple(_TAG_SCHEMA.names), empty_ok=True, may_shrink=True)
STREAMS = (ACTUAL, AMORTIZED, TAGS)
VIEWS = (("ActualCost", ACTUAL), ("AmortizedCost", AMORTIZED))


@dataclass(frozen=True)
class _Account:
    """The billing account with what is needed to read it."""

    caller: AzureCaller
    client: CostManagementClient
    config: AzureSources

    @property
    def scope(self) -> str:
        return f"providers/Microsoft.Billing/billingAccounts/{self.config.billing_account_id}"

    @property
    def permission(self) -> Permission:
        return Permission(
            "Enrollment Reader (EA) or Billing account reader (MCA)",
            f"billing account {self.config.billing_account_id}",
        )

    def ask(self, query: Query, window: Window, subscription_id: str | None = None) -> Answer:
        """Rows of the billing account, or of one subscription."""
        if subscription_id is None:
            return ask(self.caller, self.client, self.scope, query, window, self.permission)
        permission = Permission("Cost Management Reader", f"subscription {subscription_id}")
        return ask(self.caller, self.client, f"subscriptions/{subscription_id}", query, window, permission)


@dataclass(frozen=True)
class _Part:
    """The rows of one scope and stream, ready to be landed."""

    contract: StreamContract
    scope: str
    table: pa.Table


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Land every month that `window` touches; None reads the trailing 35 days' months and those never landed.

    Raises:
        PermissionDenied, CredentialExpired, ConfigError, Unreachable, SchemaChanged, Shrunk: with what to do.
        EmptyAnswer: Azure shows no cost at all over the whole window.
        TransientError: throttled beyond the retry budget, or the sums kept moving while they were read.
    """
    config = context.config.azure
    caller = AzureCaller(context.settings, config.tenant_id)
    account = _Account(caller, caller.costs(), config)
    keys = {sub.id.lower(): _tag_keys(context, caller, sub.id.lower()) for sub in config.subscriptions}
    wanted = _wanted(context, window)
    results: list[LoadResult] = []
    strangers: set[str] = set()
    for done, month in enumerate(wanted, start=1):
        parts, unknown = _one_picture(account, month, keys)
        strangers |= unknown
        results += [
            context.landing.write(part.contract, scope=part.scope, window=month, batches=[part.table]) for part in parts
        ]
        context.progress(SOURCE, done, len(wanted))
    if not any(result.rows for result in results):
        raise EmptyAnswer(
            f"azure_cost: billing account {config.billing_account_id} shows no cost for {wanted[0]} to {wanted[-1]}.",
            "Check the billing account and subscriptions in sources.yml; new cost takes 8 to 24 hours to appear.",
        )
    _report(context, strangers)
    return results


def _wanted(context: Context, window: Window | None) -> list[Window]:
    """The months to read, oldest first."""
    if window is not None:
        return list(months(window))
    as_of, config = context.run.as_of, context.config
    backfill = months(Window(as_of - timedelta(days=config.backfill_days), as_of))
    recent = set(months(Window(as_of - timedelta(days=TRAILING_DAYS), as_of)))
    scopes = [*(sub.id.lower() for sub in config.azure.subscriptions), config.azure.billing_account_id]
    landed = [set(context.landing.windows(contract, scope)) for _, contract in VIEWS for scope in scopes]
    return [m for m in backfill if m in recent or not all(f"{m.start:%Y-%m-%d}" in found for found in landed)]


def _one_picture(account: _Account, month: Window, keys: Mapping[str, tuple[str, ...]]) -> tuple[list[_Part], set[str]]:
    """A month whose parts add up to the billing account's own total; read again when Azure moved it meanwhile.

    Returns the parts, and the subscriptions that have cost and are not in `sources.yml`.
    """
    difference = ""
    for _ in range(TRIES_FOR_ONE_PICTURE):
        control = _control_totals(account, month)
        bought = tuple(sorted({kind for _, kind in control if kind != USAGE} | set(NOT_USAGE)))
        parts = [part for sub, tags in keys.items() for part in _usage(account, month, sub, tags)]
        parts += [_purchases(account, month, view, contract, bought) for view, contract in VIEWS]
        difference = _difference(parts, control, set(keys))
        if not difference:
            return parts, {sub for sub, kind in control if kind == USAGE and sub and sub not in keys}
    raise TransientError(
        f"azure_cost for {month}: {difference}, {TRIES_FOR_ONE_PICTURE} times in a row.",
        "Azure is refreshing this month: run it again later. What was landed before stays.",
    )


def _control_totals(account: _Account, month: Window) -> dict[tuple[str, str], Decimal]:
    """What the billing account says each subscription and charge type cost, by lower-case subscription."""
    query = Query("ActualCost", ("SubscriptionId", "ChargeType"), is_daily=False)
    answer = account.ask(query, month)
    totals: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    columns = (answer.column(name) for name in ("SubscriptionId", "ChargeType", "Cost"))
    for subscription, kind, cost in zip(*columns, strict=True):
        totals[(subscription or "").lower(), kind or ""] += Decimal(cost or 0)
    return totals


def _usage(account: _Account, month: Window, subscription_id: str, tag_keys: tuple[str, ...]) -> list[_Part]:
    """Both views of a subscription's usage, and its AI usage by each tag."""
    usage = ("ChargeType", (USAGE,))
    parts: list[_Part] = []
    for view, contract in VIEWS:
        answer = account.ask(Query(view, DIMENSIONS, DEPLOYMENT_TAG, (usage,)), month, subscription_id)
        parts.append(_Part(contract, subscription_id, _rows(answer, account.config.billing_account_id)))
    by_resource = Query("ActualCost", ("ResourceId",), keep=(usage, AI_SERVICES))
    tagged = [
        _tag_rows(account.ask(replace(by_resource, tag_key=key), month, subscription_id), key) for key in tag_keys
    ]
    parts.append(_Part(TAGS, subscription_id, pa.concat_tables([_TAG_SCHEMA.empty_table(), *tagged])))
    return parts


def _purchases(
    account: _Account, month: Window, view: str, contract: StreamContract, charge_types: tuple[str, ...]
) -> _Part:
    """Everything that is no usage; most of it belongs to no subscription."""
    answer = account.ask(Query(view, DIMENSIONS, DEPLOYMENT_TAG, (("ChargeType", charge_types),)), month)
    billing_account_id = account.config.billing_account_id
    return _Part(contract, billing_account_id, _rows(answer, billing_account_id))


def _rows(answer: Answer, billing_account_id: str) -> pa.Table:
    columns = {name: pa.array(answer.column(name), _text) for name in answer.columns}
    columns["_billing_account_id"] = pa.array([billing_account_id] * len(answer.rows), _text)
    return pa.table(columns)


def _tag_rows(answer: Answer, key: str) -> pa.Table:
    columns = {name: pa.array(answer.column(name), _text) for name in _TAG_SCHEMA.names if name != "_tag_key"}
    columns["_tag_key"] = pa.array([key] * len(answer.rows), _text)
    return pa.table(columns).select(_TAG_SCHEMA.names).cast(_TAG_SCHEMA)


def _difference(parts: Iterable[_Part], control: Mapping[tuple[str, str], Decimal], subscriptions: set[str]) -> str:
    """One sentence on the first sum of actual cost that is not the billing account's; empty when all agree."""
    read: dict[str, Decimal] = defaultdict(Decimal)
    for part in parts:
        if part.contract is ACTUAL:
            read[part.scope] = sum((Decimal(cost or 0) for cost in part.table.column("Cost").to_pylist()), Decimal(0))
    for subscription in sorted(subscriptions):
        told = control.get((subscription, USAGE), Decimal(0))
        if abs(read[subscription] - told) >= SUM_TOLERANCE:
            return (
                f"usage of subscription {subscription} reads {read[subscription]} where the billing account says {told}"
            )
    told = sum((cost for (_, kind), cost in control.items() if kind != USAGE), Decimal(0))
    bought = sum((cost for scope, cost in read.items() if scope not in subscriptions), Decimal(0))
    if abs(bought - told) >= SUM_TOLERANCE:
        return f"what is no usage reads {bought} where the billing account says {told}"
    return ""


def _tag_keys(context: Context, caller: AzureCaller, subscription_id: str) -> tuple[str, ...]:
    """The tag keys in use in a subscription that mean team, product or environment, lower-case."""
    folder = context.settings.config_dir
    synonyms = TagSynonyms() if folder is None else load_configuration(folder).ownership.tag_synonyms
    meanings: dict[str, tuple[str, ...]] = synonyms.model_dump()
    known = {key.lower() for keys in meanings.values() for key in keys}
    answer = caller.get_json(
        caller.costs(),
        f"/subscriptions/{subscription_id}/tagNames?api-version={TAG_NAMES_VERSION}",
        what=f"azure_cost: tag names of subscription {subscription_id}",
        permission=reader(subscription_id),
    )
    used = {str(item["tagName"]).lower() for item in answer["value"]}
    return tuple(sorted(known & used))


def _report(context: Context, strangers: set[str]) -> None:
    """Say how far each account's usage is known, and which subscriptions are missing from the configuration."""
    config = context.config.azure
    message = None
    if strangers:
        message = f"Subscriptions with cost that sources.yml does not name: {', '.join(sorted(strangers))}."
    for scope in (*(sub.id.lower() for sub in config.subscriptions), config.billing_account_id):
        days = cast(list[int], context.landing.read(ACTUAL, scope=scope).column("UsageDate").to_pylist())
        watermark = _day_end(max(days)) if days else None
        context.landing.report(SOURCE, scope, watermark, message if scope == config.billing_account_id else None)


def _day_end(number: int) -> datetime:
    """End of the day that Azure writes as the number 20261118."""
    return datetime(number // 10000, number // 100 % 100, number % 100, tzinfo=UTC) + timedelta(days=1)
