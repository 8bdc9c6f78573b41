"""What the lists said before stays: a load on a later day closes intervals and opens new ones, it overwrites none.

A list that dates a price is believed from that date on. A price without a date is believed from the day on which it was
first read, for days before that the earlier load decides; only a key that no earlier load had is taken as always valid.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from ingest.pricing.price import UNDATED, Price, PriceKey, contains, splice


def continued(earlier: Iterable[Price], newer: Sequence[Price], day: date) -> list[Price]:
    """`newer` as of `day`, with what `earlier` loads said of the days before.

    Args:
        earlier: the intervals of all loads before, without overlap or gap.
        newer: what the lists say now, in the same form.
        day: the day of this load.
    """
    bounds = _bounds(newer, day)
    kept = [_before(price, bounds.get(price.key, day)) for price in earlier]
    return merged(splice(newer, [price for price in kept if price is not None]))


def merged(prices: Iterable[Price]) -> list[Price]:
    """The same prices, neighbours of one key, amount and list made one interval that names the newest source."""
    result: list[Price] = []
    for price in sorted(prices, key=lambda one: (one.key, one.valid_from)):
        last = result[-1] if result else None
        if (
            last is not None
            and (last.key, last.valid_to, last.usd_per_mtok) == (price.key, price.valid_from, price.usd_per_mtok)
            and _list_name(last) == _list_name(price)
        ):
            result[-1] = replace(price, valid_from=last.valid_from)
        else:
            result.append(price)
    return result


def _bounds(newer: Sequence[Price], day: date) -> dict[PriceKey, date]:
    """Per key the first day on which the newer lists decide: one that they date, else the day of the load."""
    decided: dict[PriceKey, list[date]] = defaultdict(list)
    for price in newer:
        decided[price.key] += [price.valid_from] if price.valid_from > UNDATED else []
        decided[price.key] += [day] if contains(price, day) else []
    return {key: min(days) for key, days in decided.items() if days}


def _before(price: Price, day: date) -> Price | None:
    if price.valid_from >= day:
        return None
    return price if price.valid_to is not None and price.valid_to <= day else replace(price, valid_to=day)


def _list_name(price: Price) -> str:
    return price.price_source.partition(" ")[0]
