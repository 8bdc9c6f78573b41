"""Typed `scope.yml` and `budgets.yml`: what counts as AI spend, and what it may cost."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from ingest.config_dated import (
    Glob,
    Priority,
    Provider,
    Slug,
    refuse_overlaps,
    refuse_repeated_ids,
    refuse_unknown,
)
from ingest.config_ownership import OwnershipConfig
from ingest.currencies import Currency
from ingest.yaml_config import Amount, Day, MisplacedError, StrictModel, WholeNumber

ScopeCategory = Literal["model_api", "provisioned_capacity", "platform", "accelerator"]
ScopeField = Literal["service_name", "service_id", "product_family", "sku"]


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
        refuse_repeated_ids("rules", [rule.id for rule in self.rules])
        return self


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
            refuse_unknown(("budgets", index, "team"), budget.team, teams, "the teams of ownership.yml")
            if budget.product is not None:
                refuse_unknown(("budgets", index, "product"), budget.product, products, "the products of ownership.yml")
