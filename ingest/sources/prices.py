"""Prices: public list prices with their dates, contract prices and discounts, and what capacity costs.

Inputs: the package `genai-prices` and an extract of LiteLLM's price map, both installed with this package, and
`prices.yml` of the configuration folder. Nothing is fetched. On each day and key an entry of `prices.yml` wins over
`genai-prices`, and `genai-prices` over LiteLLM; where two lists differ, stream `price_disagreements` keeps both.
Every load writes the whole of every stream: there is one window, all of time, and `window` is not looked at. What the
lists said on earlier days is kept: a new number closes the interval before it on the day of the load, or on the day
that the list states. `prices.yml` is dated by its own entries.
Run alone: `inferledger ingest prices`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pyarrow as pa

from ingest.config_prices import PricesConfig, TokenPrice
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import ConfigError
from ingest.pricing import genai_feed, litellm_feed
from ingest.pricing.history import continued
from ingest.pricing.price import Price, PriceKey, check, contains, joined, splice
from ingest.run import Window, day_start
from ingest.yaml_config import load_yaml

SOURCE = "prices"
OWN = "prices.yml"
ALL_TIME = Window(day_start(date(1970, 1, 1)), day_start(date(2100, 1, 1)))

_KEY_FIELDS = [pa.field(name, pa.string()) for name in PriceKey._fields]
_DATED_FIELDS = [
    pa.field("valid_from", pa.date32()),
    pa.field("valid_to", pa.date32()),
    pa.field("price_source", pa.string()),
    pa.field("source_date", pa.date32()),
]
_PRICE_SCHEMA = pa.schema(
    [*_KEY_FIELDS, pa.field("usd_per_mtok", pa.string()), *_DATED_FIELDS, pa.field("source_id", pa.string())]
)
LIST_PRICES = StreamContract(SOURCE, "list_prices", _PRICE_SCHEMA, tuple(_PRICE_SCHEMA.names))
NEGOTIATED_PRICES = StreamContract(
    SOURCE, "negotiated_prices", _PRICE_SCHEMA, tuple(_PRICE_SCHEMA.names), empty_ok=True, may_shrink=True
)
DISCOUNTS = StreamContract(
    SOURCE,
    "discounts",
    pa.schema(
        [
            pa.field("discount_id", pa.string()),
            pa.field("provider", pa.string()),
            pa.field("model_pattern", pa.string()),
            pa.field("discount_pct", pa.string()),
            *_DATED_FIELDS,
        ]
    ),
    ("discount_id", "provider", "model_pattern", "discount_pct", "valid_from"),
    empty_ok=True,
    may_shrink=True,
)
CAPACITY_PRICES = StreamContract(
    SOURCE,
    "capacity_prices",
    pa.schema(
        [
            pa.field("provider", pa.string()),
            pa.field("unit_kind", pa.string()),
            pa.field("sku_scope", pa.string()),
            pa.field("term", pa.string()),
            pa.field("model", pa.string()),
            pa.field("usd_per_unit_hour", pa.string()),
            pa.field("tokens_per_minute_per_unit", pa.int64()),
            pa.field("output_weight", pa.string()),
            pa.field("cached_weight", pa.string()),
            *_DATED_FIELDS,
        ]
    ),
    ("provider", "unit_kind", "sku_scope", "term", "usd_per_unit_hour", "valid_from"),
    empty_ok=True,
    may_shrink=True,
)
PRICE_DISAGREEMENTS = StreamContract(
    SOURCE,
    "price_disagreements",
    pa.schema(
        [
            *_KEY_FIELDS,
            pa.field("usd_per_mtok", pa.string()),
            pa.field("price_source", pa.string()),
            pa.field("source_id", pa.string()),
            pa.field("other_usd_per_mtok", pa.string()),
            pa.field("other_price_source", pa.string()),
            pa.field("other_source_id", pa.string()),
        ]
    ),
    (*PriceKey._fields, "usd_per_mtok", "other_usd_per_mtok"),
    empty_ok=True,
    may_shrink=True,
)
STREAMS = (LIST_PRICES, NEGOTIATED_PRICES, DISCOUNTS, CAPACITY_PRICES, PRICE_DISAGREEMENTS)


@dataclass(frozen=True)
class PriceLists:
    """Prices by day, and pairs (the one that counts, the other) that differ on the day of the run."""

    prices: list[Price]
    disagreements: list[tuple[Price, Price]]


def load(context: Context, window: Window | None) -> list[LoadResult]:  # noqa: ARG001 - prices have no window
    """Land every stream of this source whole.

    Raises:
        ConfigError: prices.yml is wrong; names file, line and what is allowed.
        SchemaChanged: a list holds a price that cannot be one.
    """
    if context.settings.config_dir is None:
        raise ConfigError("No configuration folder is known.", "Give --config DIR or set INFERLEDGER_CONFIG_DIR.")
    config = load_yaml(context.settings.config_dir / "prices.yml", PricesConfig)
    lists = combine(config, context.run.as_of.date(), *_landed_lists(context))
    negotiated = [price for entry in config.negotiated_prices for price in _token_prices(entry, "negotiated_prices")]
    rows: list[tuple[StreamContract, Iterable[dict[str, object]]]] = [
        (LIST_PRICES, map(_price_row, lists.prices)),
        (NEGOTIATED_PRICES, map(_price_row, negotiated)),
        (DISCOUNTS, _discount_rows(config)),
        (CAPACITY_PRICES, capacity_rows(config)),
        (PRICE_DISAGREEMENTS, [_disagreement_row(*pair) for pair in lists.disagreements]),
    ]
    results: list[LoadResult] = []
    for done, (contract, records) in enumerate(rows, start=1):
        table = pa.Table.from_pylist(list(records), schema=contract.schema)
        results.append(context.landing.write(contract, scope="all", window=ALL_TIME, batches=[table]))
        context.progress(SOURCE, done, len(rows))
    differ = len(lists.disagreements)
    message = f"{differ} prices differ between the lists; see the page Prices." if differ else None
    context.landing.report(SOURCE, "all", None, message)
    return results


def combine(
    config: PricesConfig, as_of: date, earlier: Sequence[Price] = (), last_load: date | None = None
) -> PriceLists:
    """List prices from all lists without overlap or gap, and what differed on the day `as_of`.

    `earlier` is what the lists said in the loads before, the newest of them on `last_load`.
    """
    second, alternatives = litellm_feed.prices()
    first = genai_feed.prices()
    own = [price for entry in config.token_prices for price in _token_prices(entry, "token_prices")]
    # a run of an older day must not rewrite what later ones have found
    listed = continued(earlier, joined(splice(second, first)), max(as_of, last_load or as_of))
    prices = splice(listed, own)
    check(prices)
    current = {price.key: price for price in prices if contains(price, as_of)}
    others = [*second, *alternatives, *(price for price in first if contains(price, as_of))]
    differing = [
        (current[other.key], other)
        for other in sorted(others, key=lambda price: (price.key, price.price_source, price.source_id))
        if other.key in current and current[other.key].usd_per_mtok != other.usd_per_mtok
    ]
    return PriceLists(prices, differing)


def _landed_lists(context: Context) -> tuple[list[Price], date | None]:
    """What the lists said so far, `prices.yml` apart, and the day of the newest load; nothing before the first one."""
    rows = context.landing.read(LIST_PRICES, scope="all").to_pylist()
    listed = [
        Price(
            PriceKey(*(row[name] for name in PriceKey._fields)),
            Decimal(row["usd_per_mtok"]),
            row["valid_from"],
            row["valid_to"],
            row["price_source"],
            row["source_id"],
            row["source_date"],
        )
        for row in rows
        if not row["source_id"].startswith(OWN)
    ]
    return listed, max((row["_loaded_at"].date() for row in rows), default=None)


def capacity_rows(config: PricesConfig) -> list[dict[str, object]]:
    """One row per price and model that its unit is known to carry, and one without model for all others.

    A price that names its model gives one row.
    """
    rows: list[dict[str, object]] = []
    for price in config.capacity_prices:
        carried = {
            entry.model: entry
            for entry in config.throughput
            if (entry.provider, entry.unit_kind) == (price.provider, price.unit_kind)
        }
        for model in [price.model] if price.model else [None, *carried]:
            throughput = carried.get(model) if model else None
            rows.append(
                {
                    "provider": price.provider,
                    "unit_kind": price.unit_kind,
                    "sku_scope": price.sku_scope,
                    "term": price.term,
                    "model": model,
                    "usd_per_unit_hour": _text(price.hourly()),
                    "tokens_per_minute_per_unit": throughput.tokens_per_minute_per_unit if throughput else None,
                    "output_weight": _text(throughput.output_weight if throughput else None),
                    "cached_weight": _text(throughput.cached_weight if throughput else None),
                    "valid_from": price.valid_from,
                    "valid_to": price.valid_to,
                    "price_source": price.source,
                    "source_date": price.source_date,
                }
            )
    return rows


def _token_prices(entry: TokenPrice, group: str) -> list[Price]:
    return [
        Price(
            PriceKey(
                entry.provider, entry.model, entry.region_class, token_class, entry.service_tier, entry.context_band
            ),
            amount,
            entry.valid_from,
            entry.valid_to,
            entry.source,
            f"{OWN} {group}",
            entry.source_date,
        )
        for token_class, amount in entry.usd_per_mtok.rates().items()
    ]


def _price_row(price: Price) -> dict[str, object]:
    return {
        **price.key._asdict(),
        "usd_per_mtok": _text(price.usd_per_mtok),
        "valid_from": price.valid_from,
        "valid_to": price.valid_to,
        "price_source": price.price_source,
        "source_date": price.source_date,
        "source_id": price.source_id,
    }


def _discount_rows(config: PricesConfig) -> list[dict[str, object]]:
    return [
        {
            "discount_id": discount.id,
            "provider": discount.provider,
            "model_pattern": pattern,
            "discount_pct": _text(discount.percent),
            "valid_from": discount.valid_from,
            "valid_to": discount.valid_to,
            "price_source": discount.source,
            "source_date": discount.source_date,
        }
        for discount in config.discounts
        for pattern in discount.models
    ]


def _disagreement_row(price: Price, other: Price) -> dict[str, object]:
    return {
        **price.key._asdict(),
        "usd_per_mtok": _text(price.usd_per_mtok),
        "price_source": price.price_source,
        "source_id": price.source_id,
        "other_usd_per_mtok": _text(other.usd_per_mtok),
        "other_price_source": other.price_source,
        "other_source_id": other.source_id,
    }


def _text(amount: Decimal | None) -> str | None:
    """The number without exponent and without trailing zeros."""
    if amount is None:
        return None
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
