"""One shape for a token price from any list, and the arithmetic of half-open intervals."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from ingest.errors import ConfigError, SchemaChanged

DATA = Path(__file__).parent.parent / "data" / "prices"
# start of a price whose list gives no date: it counts as always valid
UNDATED = date(2020, 1, 1)
REGION_CLASSES = ("global", "geo", "regional")
PROVIDERS = ("aws", "gcp", "azure")


class PriceKey(NamedTuple):
    """What a price is for. Words are those of config/prices.yml."""

    provider: str
    model: str
    region_class: str
    token_class: str
    service_tier: str
    context_band: str


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens over the days [valid_from, valid_to); valid_to None is open.

    `source_id` is the id the price stands under in its list; `source_date` the day the list was read, None if unknown.
    """

    key: PriceKey
    usd_per_mtok: Decimal
    valid_from: date
    valid_to: date | None
    price_source: str
    source_id: str
    source_date: date | None


@dataclass(frozen=True)
class FeedModel:
    """One line of feed_models.csv: an id of a list and the canonical model, cloud and region class it means."""

    price_source: str
    feed_provider: str
    feed_model: str
    provider: str
    model: str
    region_class: str


def feed_models(price_source: str, path: Path = DATA / "feed_models.csv") -> list[FeedModel]:
    """The lines of feed_models.csv for one list, in file order. Raises ConfigError naming the line."""
    found: list[FeedModel] = []
    with path.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines), start=2):
            if row["provider"] not in PROVIDERS or row["region_class"] not in REGION_CLASSES:
                raise ConfigError(
                    f"{path}:{number}: no such cloud and region class: '{row['provider']}', '{row['region_class']}'.",
                    f"Use one of {', '.join(PROVIDERS)} and one of {', '.join(REGION_CLASSES)}.",
                )
            if row["price_source"] == price_source:
                found.append(FeedModel(**row))
    return found


def contains(price: Price, day: date) -> bool:
    """Whether the price holds on that day."""
    return price.valid_from <= day and (price.valid_to is None or day < price.valid_to)


def splice(base: Iterable[Price], over: Iterable[Price]) -> list[Price]:
    """`over`, and what is left of `base` on the days on which `over` has no price for the same key."""
    winners: dict[PriceKey, list[Price]] = defaultdict(list)
    for price in over:
        winners[price.key].append(price)
    left: list[Price] = []
    for price in base:
        pieces = [price]
        for winner in winners[price.key]:
            pieces = [rest for piece in pieces for rest in _without(piece, winner)]
        left += pieces
    return sorted([*left, *(price for prices in winners.values() for price in prices)], key=_order)


def joined(prices: Iterable[Price]) -> list[Price]:
    """The same prices, neighbours of one key, amount and source made one interval."""
    result: list[Price] = []
    for price in sorted(prices, key=_order):
        last = result[-1] if result else None
        if last is not None and last.valid_to == price.valid_from and _bare(last) == _bare(price):
            result[-1] = replace(last, valid_to=price.valid_to)
        else:
            result.append(price)
    return result


def check(prices: Sequence[Price]) -> None:
    """Refuse what cannot be a price list. Raises SchemaChanged naming list, id and remedy.

    A price is negative or not a number, an interval is empty, or two prices of one key hold on the same day or leave
    days between them without a price.
    """
    for price in prices:
        if not price.usd_per_mtok.is_finite() or price.usd_per_mtok < 0:
            raise _refused(price, f"{price.usd_per_mtok} US dollars per million tokens is no price")
        if price.valid_to is not None and price.valid_to <= price.valid_from:
            raise _refused(price, f"it ends on {price.valid_to}, before it starts on {price.valid_from}")
    for before, after in pairwise(sorted(prices, key=_order)):
        if before.key != after.key or before.valid_to == after.valid_from:
            continue
        if before.valid_to is None or before.valid_to > after.valid_from:
            raise _refused(after, f"from {after.valid_from} on it overlaps the price from {before.valid_from}")
        raise _refused(after, f"no price holds from {before.valid_to} to {after.valid_from}")


def _bare(price: Price) -> Price:
    return replace(price, valid_from=UNDATED, valid_to=None)


def _order(price: Price) -> tuple[PriceKey, date]:
    return price.key, price.valid_from


def _without(price: Price, winner: Price) -> list[Price]:
    pieces: list[Price] = []
    if price.valid_from < winner.valid_from:
        end = winner.valid_from if price.valid_to is None else min(price.valid_to, winner.valid_from)
        pieces.append(replace(price, valid_to=end))
    if winner.valid_to is not None and (price.valid_to is None or winner.valid_to < price.valid_to):
        pieces.append(replace(price, valid_from=max(price.valid_from, winner.valid_to)))
    return pieces


def _refused(price: Price, why: str) -> SchemaChanged:
    return SchemaChanged(
        f"{price.price_source}, {price.source_id}: {' '.join(price.key)}: {why}.",
        "Correct the entry in config/prices.yml, or overrule the list with a token_prices entry there.",
    )
