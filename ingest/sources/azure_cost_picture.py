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
class Scope:
    """What a query is asked of, by its ARM path, and what that needs."""

    path: str
    permission: Permission


@dataclass(frozen=True)
class Account:
    """The billing account with what is needed to read it."""

    config: AzureSources
    caller: AzureCaller | None = None
    client: CostManagementClient | None = None

    @classmethod
    def of(cls, config: AzureSources) -> "Account":
        """The account as configured, which cannot ask."""
        return cls(config)

    @property
    def billing_scopes(self) -> dict[str, Scope]:
        """Where what is no usage is read, by its name in landing: the billing account, or its profiles."""
        account = self.config.billing_account_id
        path = f"providers/Microsoft.Billing/billingAccounts/{account}"
        if not self.config.billing_profiles:
            role = "Enrollment Reader (EA) or Billing account reader (MCA)"
            return {account: Scope(path, Permission(role, f"billing account {account}"))}
        return {
            f"{account}-{profile}": Scope(
                f"{path}/billingProfiles/{profile}", Permission("Billing profile reader", f"billing profile {profile}")
            )
            for profile in self.config.billing_profiles
        }

    @property
    def usage_scopes(self) -> dict[str, Scope]:
        """Where usage is read, by its name in landing: management groups where given, else each subscription."""
        role = "Cost Management Reader"
        if self.config.management_groups:
            base = "providers/Microsoft.Management/managementGroups"
            return {
                f"group-{group}": Scope(f"{base}/{group}", Permission(role, f"management group {group}"))
                for group in self.config.management_groups
            }
        return {
            sub.id.lower(): Scope(f"subscriptions/{sub.id.lower()}", Permission(role, f"subscription {sub.id.lower()}"))
            for sub in self.config.subscriptions
        }

    def ask(self, query: Query, window: Window, scope: Scope) -> Answer:
        """Rows of one scope."""
        if self.caller is None or self.client is None:
            raise ValueError("this account has nobody to ask")
        return ask(self.caller, self.client, scope.path, query, window, scope.permission)


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
        parts = [part for name, scope in account.usage_scopes.items() for part in _usage(account, month, name, scope)]
        parts += [_tags(account, month, subscription, found) for subscription, found in keys.items()]
        parts += [
            _purchases(account, month, (name, scope), view, bought)
            for name, scope in account.billing_scopes.items()
            for view in VIEWS
        ]
        known = _seen(parts, account) if account.config.management_groups else set(keys)
        difference = _difference(parts, control, known)
        if not difference:
            return parts, {sub for sub, kind in control if kind == USAGE and sub and sub not in known}
    raise TransientError(
        f"azure_cost for {month}: {difference}, {TRIES_FOR_ONE_PICTURE} times in a row.",
        "Azure is refreshing this month: run it again later. What was landed before stays.",
    )


def control_totals(account: Account, month: Window) -> dict[tuple[str, str], Decimal]:
    """What the billing account says each subscription and charge type cost, by lower-case subscription."""
    query = Query("ActualCost", ("SubscriptionId", "ChargeType"), is_daily=False)
    totals: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for scope in account.billing_scopes.values():
        answer = account.ask(query, month, scope)
        columns = (answer.column(name) for name in ("SubscriptionId", "ChargeType", "Cost"))
        for subscription, kind, cost in zip(*columns, strict=True):
            totals[(subscription or "").lower(), kind or ""] += Decimal(cost or 0)
    return totals


def _usage(account: Account, month: Window, name: str, scope: Scope) -> list[Part]:
    """Both views of a scope's usage."""
    parts: list[Part] = []
    for view, contract in VIEWS:
        answer = account.ask(Query(view, DIMENSIONS, DEPLOYMENT_TAG, (("ChargeType", (USAGE,)),)), month, scope)
        parts.append(Part(contract, name, _rows(answer, account.config.billing_account_id)))
    return parts


def _tags(account: Account, month: Window, subscription_id: str, tag_keys: tuple[str, ...]) -> Part:
    """A subscription's AI usage by each tag."""
    scope = Scope(
        f"subscriptions/{subscription_id}", Permission("Cost Management Reader", f"subscription {subscription_id}")
    )
    by_resource = Query("ActualCost", ("ResourceId",), keep=(("ChargeType", (USAGE,)), AI_SERVICES))
    tagged = [_tag_rows(account.ask(replace(by_resource, tag_key=key), month, scope), key) for key in tag_keys]
    return Part(TAGS, subscription_id, pa.concat_tables([_TAG_SCHEMA.empty_table(), *tagged]))


def _purchases(
    account: Account, month: Window, where: tuple[str, Scope], view: tuple[str, StreamContract], kinds: tuple[str, ...]
) -> Part:
    """Everything that is no usage; most of it belongs to no subscription."""
    name, scope = where
    kind, contract = view
    answer = account.ask(Query(kind, DIMENSIONS, DEPLOYMENT_TAG, (("ChargeType", kinds),)), month, scope)
    return Part(contract, name, _rows(answer, account.config.billing_account_id))


def _seen(parts: Iterable[Part], account: Account) -> set[str]:
    """The subscriptions whose usage the management groups showed."""
    scopes = account.usage_scopes
    found = {sub for part in parts if part.scope in scopes for sub in part.table.column("SubscriptionId").to_pylist()}
    return {str(sub).lower() for sub in found if sub}


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
    bought = Decimal(0)
    for part in parts:
        if part.contract is ACTUAL:
            names = ("SubscriptionId", "ChargeType", "Cost")
            for subscription, kind, cost in zip(*(part.table.column(name).to_pylist() for name in names), strict=True):
                if kind == USAGE:
                    read[str(subscription or "").lower()] += Decimal(cost or 0)
                else:
                    bought += Decimal(cost or 0)
    for subscription in sorted(subscriptions):
        told = control.get((subscription, USAGE), Decimal(0))
        if abs(read[subscription] - told) >= SUM_TOLERANCE:
            return (
                f"usage of subscription {subscription} reads {read[subscription]} where the billing account says {told}"
            )
    told = sum((cost for (_, kind), cost in control.items() if kind != USAGE), Decimal(0))
    if abs(bought - told) >= SUM_TOLERANCE:
        return f"what is no usage reads {bought} where the billing account says {told}"
    return ""
