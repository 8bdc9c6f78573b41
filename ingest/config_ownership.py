"""Typed `ownership.yml`: teams, products, environments, cost centres, tag keys, dated rules, splits, tests."""

from datetime import date

from pydantic import ConfigDict, Field, model_validator

from ingest.config_dated import (
    SINCE_ALWAYS,
    Glob,
    Priority,
    Provider,
    Slug,
    refuse_overlaps,
    refuse_repeated_ids,
    refuse_unknown,
)
from ingest.config_examples import Example, check_examples
from ingest.config_fields import OwnerField, plain_field, tag_key
from ingest.config_splits import Split, check_splits
from ingest.yaml_config import Day, MisplacedError, StrictModel, Text


class CostCenter(StrictModel):
    id: Text
    """The cost centre as the ledger of the organisation numbers it, in quotes."""
    name: str
    """The cost centre as people read it."""
    valid_from: Day = SINCE_ALWAYS
    """First day; since always if left out."""
    valid_to: Day | None = None
    """First day on which it is no more."""


class Environment(StrictModel):
    id: Slug
    """The environment as tags and rules name it."""
    name: str | None = None
    """The environment as people read it."""


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
    valid_from: Day = SINCE_ALWAYS
    """First day of that ownership; since always if left out."""
    valid_to: Day | None = None
    """First day on which it is over."""


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
    """`config/ownership.yml`: teams and what is theirs, tag keys, dated rules for what no tag decides, splits."""

    model_config = ConfigDict(title="ownership.yml")

    teams: tuple[Team, ...] = Field(min_length=1)
    """The teams."""
    products: tuple[Product, ...] = ()
    """The products and the team that owns each."""
    environments: tuple[Environment, ...] = ()
    """The environments; where none is declared, rules may name any."""
    cost_centers: tuple[CostCenter, ...] = ()
    """The cost centres; where none is declared, teams may name any."""
    tag_synonyms: TagSynonyms = TagSynonyms()
    """Which tag keys mean team, product and environment."""
    rules: tuple[OwnershipRule, ...] = ()
    """Owners of accounts, projects, subscriptions and workloads."""
    splits: tuple[Split, ...] = ()
    """Shared costs, and who bears which share."""
    tests: tuple[Example, ...] = ()
    """What must be true of these teams, tag keys and rules; a file whose tests fail is refused."""

    @property
    def owner_of(self) -> dict[str, set[str]]:
        """Product id to the teams that own it or owned it."""
        owners: dict[str, set[str]] = {}
        for product in self.products:
            owners.setdefault(product.id, set()).add(product.team)
        return owners

    @model_validator(mode="after")
    def _is_consistent(self) -> "OwnershipConfig":
        refuse_overlaps("teams", [(team.id,) for team in self.teams], self.teams, gapless=True)
        refuse_overlaps("products", [(product.id,) for product in self.products], self.products)
        for group, entries in (("environments", self.environments), ("rules", self.rules)):
            refuse_repeated_ids(group, [entry.id for entry in entries])
        keys = [(rule.provider, plain_field(rule.field), rule.pattern.lower()) for rule in self.rules]
        refuse_overlaps("rules", keys, self.rules)
        self._cost_centers_are_known()
        self._names_are_known()
        self._keys_mean_one_thing()
        teams = {team.id for team in self.teams}
        check_splits(self.splits, teams, self.owner_of)
        check_examples(self.tests, teams, set(self.owner_of))
        return self

    def _cost_centers_are_known(self) -> None:
        refuse_repeated_ids("cost_centers", [center.id for center in self.cost_centers])
        refuse_overlaps("cost_centers", [(center.id,) for center in self.cost_centers], self.cost_centers)
        known = {center.id: center for center in self.cost_centers}
        for index, team in enumerate(self.teams):
            if not known or team.cost_center is None:
                continue
            place = ("teams", index, "cost_center")
            refuse_unknown(place, team.cost_center, set(known), "cost_centers")
            center = known[team.cost_center]
            outlives = center.valid_to is not None and (team.valid_to or date.max) > center.valid_to
            if team.valid_from < center.valid_from or outlives:
                days = f"from {center.valid_from} to {center.valid_to or 'now'}"
                raise MisplacedError(place, f"'{center.id}' is valid {days}; date the team's entry within it")

    def _names_are_known(self) -> None:
        teams = {team.id for team in self.teams}
        environments = {environment.id for environment in self.environments}
        owner_of = self.owner_of
        for index, product in enumerate(self.products):
            refuse_unknown(("products", index, "team"), product.team, teams, "teams")
        for index, rule in enumerate(self.rules):
            refuse_unknown(("rules", index, "team"), rule.team, teams, "teams")
            if rule.environment is not None and environments:
                refuse_unknown(("rules", index, "environment"), rule.environment, environments, "environments")
            if rule.product is not None:
                refuse_unknown(("rules", index, "product"), rule.product, set(owner_of), "products")
                if rule.team not in owner_of[rule.product]:
                    owners = ", ".join(sorted(owner_of[rule.product]))
                    message = f"'{rule.product}' belongs to '{owners}', not to '{rule.team}'"
                    raise MisplacedError(("rules", index, "product"), message)

    def _keys_mean_one_thing(self) -> None:
        seen: dict[str, str] = {}
        meanings: dict[str, tuple[str, ...]] = self.tag_synonyms.model_dump()
        for meaning, keys in meanings.items():
            for index, key in enumerate(keys):
                earlier = seen.setdefault(tag_key(key), meaning)
                if earlier != meaning:
                    raise MisplacedError(("tag_synonyms", meaning, index), f"'{key}' already means {earlier}")
