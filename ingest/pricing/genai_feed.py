"""List prices out of the package `genai-prices`: reviewed, in US dollars per million tokens, dated where they changed.

The package carries the prices inside; nothing is fetched. A dated entry holds from its start date until the next one
starts. The first entry of a model has no date and counts as always valid. Batch prices are request variants there.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from importlib.metadata import version

from genai_prices import types
from genai_prices.data_snapshot import get_snapshot

from ingest.errors import SchemaChanged
from ingest.pricing.price import UNDATED, FeedModel, Price, PriceKey, feed_models, joined

SOURCE = "genai-prices"
_TOKEN_CLASSES = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
}
# not imported from genai_prices.data: a type checker needs a minute to infer that 1.6 MB literal
providers = get_snapshot().providers
# OpenAI's own tiers are not Azure's, so of OpenAI's list only the standard price counts
_NO_VARIANTS = ("openai",)


def prices() -> list[Price]:
    """Every price of the models in feed_models.csv.

    Raises SchemaChanged when a model is gone from the package or is priced in a way that cannot be dated by day.
    """
    found: list[Price] = []
    for feed_model in feed_models(SOURCE):
        model = _model(feed_model)
        for start, end, entry in _dated(feed_model, model.prices):
            found += _rates(feed_model, entry, start, end, "standard")
        if feed_model.feed_provider not in _NO_VARIANTS:
            found += _batch(feed_model, model)
    return joined(found)


def _model(wanted: FeedModel) -> types.ModelInfo:
    for provider in providers:
        if provider.id == wanted.feed_provider:
            for model in provider.models:
                if model.id == wanted.feed_model:
                    return model
    raise SchemaChanged(
        f"genai-prices {version(SOURCE)} has no model {wanted.feed_provider}/{wanted.feed_model}.",
        "Correct its id in ingest/data/prices/feed_models.csv.",
    )


def _dated(
    wanted: FeedModel, entries: types.ModelPrice | list[types.ConditionalPrice]
) -> Iterator[tuple[date, date | None, types.ModelPrice]]:
    if isinstance(entries, types.ModelPrice):
        yield UNDATED, None, entries
        return
    starts = [_start(wanted, entry.constraint) for entry in entries]
    ends: list[date | None] = [*starts[1:], None]
    for entry, start, end in zip(entries, starts, ends, strict=True):
        yield start, end, entry.prices


def _start(wanted: FeedModel, constraint: object) -> date:
    if constraint is None:
        return UNDATED
    if isinstance(constraint, types.StartDateConstraint):
        return constraint.start_date
    raise SchemaChanged(
        f"genai-prices prices {wanted.feed_model} by {type(constraint).__name__}, which no day decides.",
        "State its price in config/prices.yml and take it out of ingest/data/prices/feed_models.csv.",
    )


def _batch(wanted: FeedModel, model: types.ModelInfo) -> list[Price]:
    variants = [variant for variant in model.price_variants or () if variant.when == {"processing": "batch"}]
    if len(variants) > 1:
        raise SchemaChanged(
            f"genai-prices has {len(variants)} batch prices for {wanted.feed_model}.",
            "State its batch price in config/prices.yml.",
        )
    found: list[Price] = []
    for variant in variants:
        found += _rates(wanted, variant.prices, _start(wanted, variant.constraint), None, "batch")
    return found


def _rates(
    wanted: FeedModel, entry: types.ModelPrice, start: date, end: date | None, service_tier: str
) -> Iterator[Price]:
    for field, token_class in _TOKEN_CLASSES.items():
        for band, amount in _bands(wanted, entry.__dict__.get(field)):
            key = PriceKey(wanted.provider, wanted.model, wanted.region_class, token_class, service_tier, band)
            name = f"{SOURCE} {version(SOURCE)}"
            yield Price(key, amount, start, end, name, f"{wanted.feed_provider}/{wanted.feed_model}", None)


def _bands(wanted: FeedModel, price: object) -> list[tuple[str, Decimal]]:
    if price is None:
        return []
    if isinstance(price, Decimal):
        return [("default", price)]
    if isinstance(price, types.TieredPrices) and len(price.tiers) == 1:
        return [("default", price.base), ("long", price.tiers[0].price)]
    raise SchemaChanged(
        f"genai-prices prices {wanted.feed_model} in more steps than default and long context: {price!r}.",
        "State its price in config/prices.yml and take it out of ingest/data/prices/feed_models.csv.",
    )
