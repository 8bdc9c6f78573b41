"""Typed `prices.yml`: prices that no public list has, what was negotiated, and what capacity costs and can carry."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from ingest.config_dated import Glob, Provider, Slug, refuse_overlaps
from ingest.yaml_config import Amount, Day, MisplacedError, StrictModel, WholeNumber

RegionClass = Literal["global", "geo", "regional"]
TokenClass = Literal["input", "output", "cache_read", "cache_write_5m", "cache_write_1h"]
ServiceTier = Literal["standard", "batch", "priority", "flex"]
ContextBand = Literal["default", "long"]
UnitKind = Literal["ptu", "model_unit", "gsu"]
SkuScope = Literal["global", "data_zone", "regional"]
Term = Literal["hourly", "1_week", "1_month", "3_months", "6_months", "1_year"]
ModelId = Annotated[str, Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$")]
Price = Annotated[Amount, Field(ge=0, max_digits=26, decimal_places=12)]
Text = Annotated[str, Field(min_length=1)]

# a month is twelfth of 8,760 hours, the convention of every price page that quotes an effective hourly price
TERM_HOURS: dict[Term, int] = {
    "hourly": 1,
    "1_week": 168,
    "1_month": 730,
    "3_months": 2190,
    "6_months": 4380,
    "1_year": 8760,
}


class Sourced(StrictModel):
    source: Text
    """Where the number comes from: a page, a price capture, a contract."""
    source_date: Day
    """When it was read there."""


class TokenRates(StrictModel):
    """US dollars per million tokens; a class that is left out has no price."""

    input: Price | None = None
    """Uncached input."""
    output: Price | None = None
    """Output, thinking included."""
    cache_read: Price | None = None
    """Input read from the cache."""
    cache_write_5m: Price | None = None
    """Input written to the five-minute cache."""
    cache_write_1h: Price | None = None
    """Input written to the one-hour cache."""

    @model_validator(mode="after")
    def _says_something(self) -> "TokenRates":
        if not self.rates():
            raise ValueError(
                "needs a price for at least one of input, output, cache_read, cache_write_5m, cache_write_1h"
            )
        return self

    def rates(self) -> dict[TokenClass, Decimal]:
        """The prices that are given, in US dollars per million tokens."""
        given: dict[TokenClass, Decimal | None] = {
            "input": self.input,
            "output": self.output,
            "cache_read": self.cache_read,
            "cache_write_5m": self.cache_write_5m,
            "cache_write_1h": self.cache_write_1h,
        }
        return {token_class: price for token_class, price in given.items() if price is not None}


class TokenPrice(Sourced):
    provider: Provider
    """The cloud that bills it."""
    model: ModelId
    """Canonical model id, as in the seed models.csv."""
    region_class: RegionClass = "global"
    """Where requests may be served: anywhere, within a geography, or in one region."""
    service_tier: ServiceTier = "standard"
    """The tier the request asked for."""
    context_band: ContextBand = "default"
    """default, or long for prompts above the provider's threshold."""
    usd_per_mtok: TokenRates
    """US dollars per million tokens, by token class."""
    valid_from: Day
    """First day of the price."""
    valid_to: Day | None = None
    """First day on which it no longer holds."""


class Discount(Sourced):
    id: Slug
    """Name of the discount."""
    provider: Provider
    """The cloud that grants it."""
    models: tuple[Glob, ...] = ("*",)
    """Canonical model ids it applies to; `*` stands for any text."""
    percent: Annotated[Amount, Field(gt=0, lt=100, decimal_places=6)]
    """Per cent off the list price."""
    valid_from: Day
    """First day."""
    valid_to: Day | None = None
    """First day on which it no longer holds."""


class CapacityPrice(Sourced):
    provider: Provider
    """The cloud that sells it."""
    unit_kind: UnitKind
    """ptu (Azure), model_unit (Bedrock) or gsu (Vertex AI)."""
    sku_scope: SkuScope
    """Where the capacity serves."""
    term: Term
    """How long it is bound; hourly is without commitment."""
    model: ModelId | None = None
    """The one model it is sold for; left out when one price holds for all."""
    usd_per_unit_hour: Price | None = None
    """US dollars for one unit and one hour."""
    usd_per_unit_term: Price | None = None
    """US dollars for one unit and the whole term."""
    valid_from: Day
    """First day of the price."""
    valid_to: Day | None = None
    """First day on which it no longer holds."""

    @model_validator(mode="after")
    def _has_one_unit(self) -> "CapacityPrice":
        if (self.usd_per_unit_hour is None) == (self.usd_per_unit_term is None):
            raise ValueError("a price needs its unit: give usd_per_unit_hour or usd_per_unit_term, one of the two")
        return self

    def hourly(self) -> Decimal:
        """US dollars for one unit and one hour: the term's price over its hours, half even to twelve decimals."""
        if self.usd_per_unit_hour is not None:
            return self.usd_per_unit_hour
        term_price = self.usd_per_unit_term or Decimal(0)
        return (term_price / TERM_HOURS[self.term]).quantize(Decimal("1e-12"))


class Throughput(Sourced):
    provider: Provider
    """The cloud."""
    unit_kind: UnitKind
    """The unit of capacity."""
    model: ModelId
    """Canonical model id."""
    tokens_per_minute_per_unit: Annotated[WholeNumber, Field(gt=0)]
    """Weighted tokens that one unit serves in a minute."""
    output_weight: Annotated[Amount, Field(gt=0, decimal_places=6)]
    """How many input tokens one output token counts for."""
    cached_weight: Annotated[Amount, Field(ge=0, le=1, decimal_places=6)] | None = None
    """How many input tokens one cached token counts for; left out when the provider does not say."""


class PricesConfig(StrictModel):
    """`config/prices.yml`: prices, discounts and capacity that the public price lists do not hold."""

    model_config = ConfigDict(title="prices.yml")

    token_prices: tuple[TokenPrice, ...] = ()
    """List prices that correct or complete the public lists; they win over both."""
    negotiated_prices: tuple[TokenPrice, ...] = ()
    """Prices of a contract; a discount does not apply on top."""
    discounts: tuple[Discount, ...] = ()
    """Per cent off the list price."""
    capacity_prices: tuple[CapacityPrice, ...] = ()
    """Provisioned throughput."""
    throughput: tuple[Throughput, ...] = ()
    """What one unit of capacity carries, by model."""

    @model_validator(mode="after")
    def _is_dated_without_overlap(self) -> "PricesConfig":
        for group, prices in (("token_prices", self.token_prices), ("negotiated_prices", self.negotiated_prices)):
            keys = [(p.provider, p.model, p.region_class, p.service_tier, p.context_band) for p in prices]
            refuse_overlaps(group, keys, prices, gapless=True)
        discounted = [
            (index, discount.provider, glob)
            for index, discount in enumerate(self.discounts)
            for glob in discount.models
        ]
        entries = [self.discounts[index] for index, _, _ in discounted]
        refuse_overlaps("discounts", [(provider, glob) for _, provider, glob in discounted], entries)
        capacity = self.capacity_prices
        keys = [(p.provider, p.unit_kind, p.sku_scope, p.term, p.model) for p in capacity]
        refuse_overlaps("capacity_prices", keys, capacity, gapless=True)
        return self

    def check_models(self, known: Collection[str]) -> None:
        """Raise MisplacedError for the first model that is not among the canonical ids `known`."""
        groups: dict[str, Sequence[TokenPrice | CapacityPrice | Throughput]] = {
            "token_prices": self.token_prices,
            "negotiated_prices": self.negotiated_prices,
            "capacity_prices": self.capacity_prices,
            "throughput": self.throughput,
        }
        for group, entries in groups.items():
            for index, entry in enumerate(entries):
                if entry.model is not None and entry.model not in known:
                    raise MisplacedError((group, index, "model"), f"'{entry.model}' is {_no_model(entry.model, known)}")
        for index, discount in enumerate(self.discounts):
            for position, glob in enumerate(discount.models):
                if not any(fnmatchcase(model, glob) for model in known):
                    raise MisplacedError(("discounts", index, "models", position), f"'{glob}' matches no known model")


def _no_model(model: str, known: Collection[str]) -> str:
    near = get_close_matches(model, known, n=1)
    return "no known model" + (f"; did you mean '{near[0]}'" if near else "; add it to dbt/seeds/models.csv first")
