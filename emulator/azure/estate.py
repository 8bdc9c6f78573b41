"""What stands in the demo's tenant: subscriptions, accounts, deployments and reservations, by their ARM names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# The idle deployment was deleted for six hours and made again, so that its reservation lay unused: long enough to be
# seen on the reservation, too short to be an anomaly that the truth does not name.
DELETED_DAYS = {("oai-codecomplete", "gpt-4.1-mini-ptu"): (-20.0, -19.75)}
# Accounts whose usage carries the tag `deployment`.
DEPLOYMENT_TAGGED = frozenset({"oai-shared"})
# A reservation matches by region; each order was bought for one.
RESERVATION_REGIONS = {"ro-monthly-01": "eastus2", "ro-yearly-01": "swedencentral"}


@dataclass(frozen=True)
class Account:
    """A Cognitive Services account; `billed_tags` is what reaches its usage rows."""

    name: str
    subscription_id: str
    resource_group: str
    location: str
    tags: Mapping[str, str]
    billed_tags: Mapping[str, str]

    @property
    def resource_id(self) -> str:
        """The ARM id, as ARM spells it."""
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.CognitiveServices/accounts/{self.name}"
        )


@dataclass(frozen=True, eq=False)
class Deployment:
    """A model deployment; `gone` is the half-open span, in days from the as-of day, without it."""

    account: Account
    name: str
    sku: str
    model: str
    ptus: int
    spillover: str | None
    tags: Mapping[str, str]
    gone: tuple[float, float] | None

    @property
    def key(self) -> tuple[str, str]:
        """Account and deployment name."""
        return self.account.name, self.name

    @property
    def workload_id(self) -> str:
        """`account/deployment`, lower-case."""
        return f"{self.account.name}/{self.name}".lower()

    @property
    def is_provisioned(self) -> bool:
        """Whether it holds PTUs."""
        return self.ptus > 0


@dataclass(frozen=True)
class Reservation:
    """A reservation order of one reservation; `bought_day` is an offset from the as-of day."""

    order: str
    term: str
    ptus: int
    region: str
    sku: str
    bought_day: int
    renews: bool

    @property
    def resource_id(self) -> str:
        """The id that purchases and unused hours are billed under."""
        return f"/providers/Microsoft.Capacity/reservationOrders/{self.order}/reservations/{self.order}-a"


@dataclass(frozen=True)
class Subscription:
    """A subscription."""

    id: str
    name: str
    tags: Mapping[str, str]
    inherits: bool


@dataclass(frozen=True)
class Estate:
    """The whole tenant."""

    tenant_id: str
    billing_account_id: str
    currency: str
    subscriptions: tuple[Subscription, ...]
    accounts: Mapping[str, Account]
    deployments: Mapping[tuple[str, str], Deployment]
    reservations: tuple[Reservation, ...]


def build_estate(azure: Mapping[str, Any]) -> Estate:
    """The tenant from the organisation's `azure` section; raises KeyError when the section misses something."""
    subscriptions = tuple(
        Subscription(key, item["name"], dict(item["tags"]), bool(item["tag_inheritance"]))
        for key, item in azure["subscriptions"].items()
    )
    by_name = {subscription.name: subscription for subscription in subscriptions}
    accounts = {name: _account(name, item, by_name) for name, item in azure["accounts"].items()}
    deployments = [_deployment(item, accounts) for item in azure["deployments"]]
    return Estate(
        tenant_id=azure["tenant_id"],
        billing_account_id=azure["billing_account_id"],
        currency=azure["currency"],
        subscriptions=subscriptions,
        accounts=accounts,
        deployments={deployment.key: deployment for deployment in deployments},
        reservations=tuple(_reservation(item) for item in azure["reservations"]),
    )


def _account(name: str, item: Mapping[str, Any], subscriptions: Mapping[str, Subscription]) -> Account:
    subscription = subscriptions[item["subscription"]]
    inherited = dict(subscription.tags) if subscription.inherits else {}
    return Account(
        name=name,
        subscription_id=subscription.id,
        resource_group=item["resource_group"],
        location=item["location"],
        tags=dict(item["tags"]),
        billed_tags={**inherited, **item["tags"]},
    )


def _deployment(item: Mapping[str, Any], accounts: Mapping[str, Account]) -> Deployment:
    key = (item["account"], item["name"])
    return Deployment(
        account=accounts[item["account"]],
        name=item["name"],
        sku=item["sku"],
        model=item["model"],
        ptus=int(item.get("ptus", 0)),
        spillover=item.get("spillover"),
        tags=dict(item.get("tags", {})),
        gone=DELETED_DAYS.get(key),
    )


def _reservation(item: Mapping[str, Any]) -> Reservation:
    kinds = {"global": "GlobalProvisionedManaged", "data_zone": "DataZoneProvisionedManaged"}
    return Reservation(
        order=item["order"],
        term=item["term"],
        ptus=int(item["ptus"]),
        region=RESERVATION_REGIONS.get(item["order"], "eastus2"),
        sku=kinds[item["deployment_type"]],
        bought_day=int(item["bought_day"]),
        renews=bool(item["renews"]),
    )
