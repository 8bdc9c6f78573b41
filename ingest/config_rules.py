"""Typed `scope.yml`, `ownership.yml` and `budgets.yml`: what counts as AI spend, whose it is, and what it may cost.

Dated entries hold half-open intervals: from `valid_from` up to, not including, `valid_to`; without `valid_to` they are
still valid.
"""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Annotated, Literal, Protocol

from pydantic import ConfigDict, Field, model_validator

from ingest.yaml_config import Amount, Day, MisplacedError, Place, StrictModel, WholeNumber

Provider = Literal["aws", "gcp", "azure", "anthropic", "openai"]
ScopeCategory = Literal["model_api", "provisioned_capacity", "platform", "accelerator"]
ScopeField = Literal["service_name", "service_id", "product_family", "sku"]
OwnerField = Literal[
    "billing_account",
    "account",
    "project",
    "subscription",
    "resource_group",
    "resource_id",
    "workload_id",
    "service_name",
    "region",
    "principal",
]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Glob = Annotated[str, Field(min_length=1)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Priority = Annotated[WholeNumber, Field(ge=1, le=10_000)]


class _Dated(Protocol):
    @property
    def valid_from(self) -> date: ...
    @property
    def valid_to(self) -> date | None: ...


class ScopeRule(StrictModel):
    id: Slug
    """Name of the rule."""
    priority: Priority = 100
    """The matching rule with the lowest number decides; equal numbers are decided by id."""
    provider: Provider
    """The cloud whose bill the rule looks at."""
    field: ScopeField
    """What is compared: service_name and service_id as the provider has them; product_family is the product code (AWS)
    or the meter category (Azure); sku is the usage type (AWS), the SKU description (Google) or the meter (Azure)."""
    pattern: Glob
    """The value; `*` stands for any text, case does not count."""
    in_scope: bool = True
    """Whether such a row is AI spend."""
    category: ScopeCategory
    """What kind of spend it is."""


class ScopeConfig(StrictModel):
    """`config/scope.yml`: which rows of the bill are AI spend. A row that no rule matches is not."""

    model_config = ConfigDict(title="scope.yml")

    rules: tuple[ScopeRule, ...] = Field(min_length=1)
    """The rules."""

    @model_validator(mode="after")
    def _ids_are_unique(self) -> "ScopeConfig":
        _refuse_repeated_ids("rules", [rule.id for rule in self.rules])
        return self


class Team(StrictModel):
    id: Slug
    """The team as tags and rules name it."""
    name: str
    """The team as people read it."""
    cost_center: str | None = None
    """Cost centre, in quotes."""
    contact: str | None = None
    """Who is told about this team's spend."""
    valid_from: Day
    """First day."""
    valid_to: Day | None = None
    """First day on which the team is no more."""


class Product(StrictModel):
    id: Slug
    """The product as tags and rules name it."""
    team: Slug
    """The team that owns it."""
    name: str | None = None
    """The product as people read it."""


class TagSynonyms(StrictModel):
    """Tag and label keys that mean the same, whatever their case; the first one found on a resource counts."""

    team: tuple[str, ...] = ("team",)
    """Keys that name the team."""
    product: tuple[str, ...] = ("product",)
    """Keys that name the product."""
    environment: tuple[str, ...] = ("environment",)
    """Keys that name the environment."""


class OwnershipRule(StrictModel):
    id: Slug
    """Name of the rule."""
    priority: Priority = 100
    """The matching rule with the lowest number decides; equal numbers are decided by id."""
    provider: Provider
    """The cloud the rule looks at."""
    field: OwnerField
    """What is compared."""
    pattern: Glob
    """The value; `*` stands for any text."""
    team: Slug
    """Who owns it."""
    product: Slug | None = None
    """The product, when the rule knows it."""
    environment: Slug | None = None
    """The environment, when the rule knows it."""
    valid_from: Day
    """First day of the ownership."""
    valid_to: Day | None = None
    """First day on which it is over."""


class OwnershipConfig(StrictModel):
    """`config/ownership.yml`: teams, products, tag keys, and dated rules for what no tag decides."""

    model_config = ConfigDict(title="ownership.yml")

    teams: tuple[Team, ...] = Field(min_length=1)
    """The teams."""
    products: tuple[Product, ...] = ()
    """The products and the team that owns each."""
    tag_synonyms: TagSynonyms = TagSynonyms()
    """Which tag keys mean team, product and environment."""
    rules: tuple[OwnershipRule, ...] = ()
    """Owners of accounts, projects, subscriptions and workloads."""

    @model_validator(mode="after")
    def _is_consistent(self) -> "OwnershipConfig":
        refuse_overlaps("teams", [(team.id,) for team in self.teams], self.teams)
        _refuse_repeated_ids("products", [product.id for product in self.products])
        _refuse_repeated_ids("rules", [rule.id for rule in self.rules])
        refuse_overlaps("rules", [(rule.provider, rule.field, rule.pattern.lower()) for rule in self.rules], self.rules)
        self._names_are_known()
        self._keys_mean_one_thing()
        return self

    def _names_are_known(self) -> None:
        teams = {team.id for team in self.teams}
        owner_of = {product.id: product.team for product in self.products}
        for index, product in enumerate(self.products):
            _refuse_unknown(("products", index, "team"), product.team, teams, "teams")
        for index, rule in enumerate(self.rules):
            _refuse_unknown(("rules", index, "team"), rule.team, teams, "teams")
            if rule.product is not None:
                _refuse_unknown(("rules", index, "product"), rule.product, set(owner_of), "products")
                if owner_of[rule.product] != rule.team:
                    message = f"'{rule.product}' belongs to '{owner_of[rule.product]}', not to '{rule.team}'"
                    raise MisplacedError(("rules", index, "product"), message)

    def _keys_mean_one_thing(self) -> None:
        seen: dict[str, str] = {}
        meanings: dict[str, tuple[str, ...]] = self.tag_synonyms.model_dump()
        for meaning, keys in meanings.items():
            for index, key in enumerate(keys):
                earlier = seen.setdefault(key.lower(), meaning)
                if earlier != meaning:
                    raise MisplacedError(("tag_synonyms", meaning, index), f"'{key}' already means {earlier}")


class Budget(StrictModel):
    id: Slug
    """Name of the budget."""
    team: Slug
    """The team that must keep it."""
    product: Slug | None = None
    """One product of the team; left out for all of them."""
    monthly_amount: Annotated[Amount, Field(gt=0, max_digits=26, decimal_places=2)]
    """Money a month."""
    currency: Currency = "USD"
    """ISO 4217 code."""
    cost_basis: Literal["billed", "effective"] = "billed"
    """Which cost is held against it."""
    warn_at_pct: Annotated[WholeNumber, Field(ge=1, le=100)] = 80
    """Share of the budget in per cent from which it is at risk."""
    valid_from: Day
    """First month, as its first day."""
    valid_to: Day | None = None
    """First month for which it no longer holds, as its first day."""


class BudgetsConfig(StrictModel):
    """`config/budgets.yml`: what each team may spend a month."""

    model_config = ConfigDict(title="budgets.yml")

    budgets: tuple[Budget, ...] = ()
    """The budgets."""

    @model_validator(mode="after")
    def _is_consistent(self) -> "BudgetsConfig":
        for index, budget in enumerate(self.budgets):
            for name, day in (("valid_from", budget.valid_from), ("valid_to", budget.valid_to)):
                if day is not None and day.day != 1:
                    raise MisplacedError(("budgets", index, name), f"{day} is not the first day of a month")
        refuse_overlaps("budgets", [(budget.id,) for budget in self.budgets], self.budgets)
        keys = [(budget.team, budget.product, budget.currency, budget.cost_basis) for budget in self.budgets]
        refuse_overlaps("budgets", keys, self.budgets)
        return self

    def check_names(self, ownership: OwnershipConfig) -> None:
        """Raise MisplacedError when a budget names a team or product that ownership.yml does not know."""
        teams, products = {team.id for team in ownership.teams}, {product.id for product in ownership.products}
        for index, budget in enumerate(self.budgets):
            _refuse_unknown(("budgets", index, "team"), budget.team, teams, "the teams of ownership.yml")
            if budget.product is not None:
                _refuse_unknown(
                    ("budgets", index, "product"), budget.product, products, "the products of ownership.yml"
                )


def refuse_overlaps(
    group: str, keys: Sequence[tuple[str | None, ...]], entries: Sequence[_Dated], *, gapless: bool = False
) -> None:
    """Raise MisplacedError when two entries of one key are valid on the same day, or an entry ends before it starts.

    With `gapless`, also when days are left out between two entries of one key.
    """
    for index, entry in enumerate(entries):
        if entry.valid_to is not None and entry.valid_to <= entry.valid_from:
            place: Place = (group, index, "valid_to")
            raise MisplacedError(place, f"{entry.valid_to} is not after valid_from {entry.valid_from}")
    order = sorted(range(len(entries)), key=lambda index: (str(keys[index]), entries[index].valid_from))
    for before, after in pairwise(order):
        if keys[before] != keys[after]:
            continue
        end, start = entries[before].valid_to, entries[after].valid_from
        what = " ".join(str(part) for part in keys[after] if part is not None)
        if end is None or end > start:
            close = f"give {group}[{before}] valid_to: {start}, or start this one later"
            raise MisplacedError((group, after, "valid_from"), f"{what}: overlaps {group}[{before}]; {close}")
        if gapless and end < start:
            raise MisplacedError((group, after, "valid_from"), f"{what}: no entry from {end} to {start}; close the gap")


def _refuse_repeated_ids(group: str, ids: Sequence[str]) -> None:
    for index, value in enumerate(ids):
        if value in ids[:index]:
            raise MisplacedError((group, index, "id"), f"'{value}' is given twice")


def _refuse_unknown(place: Place, name: str, known: set[str], group: str) -> None:
    if name not in known:
        raise MisplacedError(place, f"'{name}' is not one of {group}: {', '.join(sorted(known))}")
