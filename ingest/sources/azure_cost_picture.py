"""One month of Azure's bill by the cost query: every scope and view, believed only when the sums agree.

Usage is read where it is shown by resource (subscriptions or management groups), everything else at the billing account
or its profiles. Both must add up to the billing scope's own total by subscription and charge type.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import pyarrow as pa
from azure.mgmt.costmanagement import CostManagementClient

from ingest.azure_client import AzureCaller
from ingest.azure_errors import Permission
from ingest.config_azure import AzureSources
from ingest.contracts import StreamContract
from ingest.errors import TransientError
from ingest.run import Window
from ingest.sources.azure_cost_query import Answer, Query, ask

SOURCE = "azure_cost"
TRIES_FOR_ONE_PICTURE = 3
# Azure sums doubles; a difference below a cent is theirs
SUM_TOLERANCE = Decimal("0.01")
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
VIEWS = (("ActualCost", ACTUAL), ("AmortizedCost", AMORTIZED))


@dataclass(frozen=True)
class Account:
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
class Part:
    """The rows of one scope and stream, ready to be landed."""

    contract: StreamContract
    scope: str
    table: pa.Table


def one_picture(account: Account, month: Window, keys: Mapping[str, tuple[str, ...]]) -> tuple[list[Part], set[str]]:
    """A month whose parts add up to the billing account's own total; read again when Azure moved it meanwhile.

    Returns the parts, and the subscriptions that have cost and are not in `sources.yml`.
    """
    difference = ""
    for _ in range(TRIES_FOR_ONE_PICTURE):
        control = control_totals(account, month)
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


def control_totals(account: Account, month: Window) -> dict[tuple[str, str], Decimal]:
    """What the billing account says each subscription and charge type cost, by lower-case subscription."""
    query = Query("ActualCost", ("SubscriptionId", "ChargeType"), is_daily=False)
    answer = account.ask(query, month)
    totals: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    columns = (answer.column(name) for name in ("SubscriptionId", "ChargeType", "Cost"))
    for subscription, kind, cost in zip(*columns, strict=True):
        totals[(subscription or "").lower(), kind or ""] += Decimal(cost or 0)
    return totals


def _usage(account: Account, month: Window, subscription_id: str, tag_keys: tuple[str, ...]) -> list[Part]:
    """Both views of a subscription's usage, and its AI usage by each tag."""
    usage = ("ChargeType", (USAGE,))
    parts: list[Part] = []
    for view, contract in VIEWS:
        answer = account.ask(Query(view, DIMENSIONS, DEPLOYMENT_TAG, (usage,)), month, subscription_id)
        parts.append(Part(contract, subscription_id, _rows(answer, account.config.billing_account_id)))
    by_resource = Query("ActualCost", ("ResourceId",), keep=(usage, AI_SERVICES))
    tagged = [
        _tag_rows(account.ask(replace(by_resource, tag_key=key), month, subscription_id), key) for key in tag_keys
    ]
    parts.append(Part(TAGS, subscription_id, pa.concat_tables([_TAG_SCHEMA.empty_table(), *tagged])))
    return parts


def _purchases(
    account: Account, month: Window, view: str, contract: StreamContract, charge_types: tuple[str, ...]
) -> Part:
    """Everything that is no usage; most of it belongs to no subscription."""
    answer = account.ask(Query(view, DIMENSIONS, DEPLOYMENT_TAG, (("ChargeType", charge_types),)), month)
    billing_account_id = account.config.billing_account_id
    return Part(contract, billing_account_id, _rows(answer, billing_account_id))


def _rows(answer: Answer, billing_account_id: str) -> pa.Table:
    columns = {name: pa.array(answer.column(name), _text) for name in answer.columns}
    columns["_billing_account_id"] = pa.array([billing_account_id] * len(answer.rows), _text)
    return pa.table(columns)


def _tag_rows(answer: Answer, key: str) -> pa.Table:
    columns = {name: pa.array(answer.column(name), _text) for name in _TAG_SCHEMA.names if name != "_tag_key"}
    columns["_tag_key"] = pa.array([key] * len(answer.rows), _text)
    return pa.table(columns).select(_TAG_SCHEMA.names).cast(_TAG_SCHEMA)


def _difference(parts: Iterable[Part], control: Mapping[tuple[str, str], Decimal], subscriptions: set[str]) -> str:
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
