"""What this Google bills in a way that the meters do not show, for a few dollars: days that begin in California, and
long prompts. The answers stand beside them.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from emulator.gcp.catalog import load_catalog
from emulator.gcp.corrections import where
from emulator.gcp.lines import HOUR, PACIFIC, Biller, hour_of
from emulator.gcp.rows import Block
from emulator.gcp.traffic import StreamTraffic
from emulator.truth import Residual

if TYPE_CHECKING:
    from emulator.world import World

# two Pacific days of one meter are billed as a row a day
INPUT = "input"
PACIFIC_STREAM, PACIFIC_CLASS, PACIFIC_DAYS = "gcp-kyc-reader", "cache_read", (-12, -11)
LONG_STREAM, LONG_DAY, LONG_DIVISOR = "gcp-doc-translate", -13, 50
LONG_SKU = ("5C81-D2E7-40BA", "Gemini 2.5 Pro GA Text Input (long) - Predictions")


def planted(biller: Biller, blocks: Sequence[Block]) -> list[Block]:
    """The blocks with two days of one meter in Pacific days and a share of one day's input at the long price."""
    result: list[Block] = []
    for block in blocks:
        stream = block.owner.stream_id
        if stream == PACIFIC_STREAM and block.token_class == PACIFIC_CLASS:
            result.extend(_in_pacific_days(biller, block))
        elif stream == LONG_STREAM and block.token_class == INPUT:
            result.extend(_with_long_prompts(biller, block))
        else:
            result.append(block)
    return result


def residual_truth(world: "World", traffic: Sequence[StreamTraffic]) -> list[Residual]:
    """The planted residuals in dollars, from the traffic and the contract prices."""
    found: list[Residual] = []
    for part in traffic:
        if part.stream.id == PACIFIC_STREAM:
            found.extend(_shifted(world, part))
        elif part.stream.id == LONG_STREAM:
            found.extend(_lengthened(world, part))
    return found


def _midnight(day: date) -> np.datetime64:
    """When a day begins in California, as UTC."""
    moment = datetime.combine(day, time(), PACIFIC).astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(moment, "us")


def _in_pacific_days(biller: Biller, block: Block) -> list[Block]:
    starts = [_midnight(biller.world.day(day)) for day in (*PACIFIC_DAYS, PACIFIC_DAYS[-1] + 1)]
    whole = (block.start >= starts[0]) & (block.start < starts[-1])
    if not whole.any():
        return [block]
    days = [(start, np.flatnonzero((block.start >= start) & (block.start < end))) for start, end in pairwise(starts)]
    rows = [hit for _, hit in days if len(hit)]
    first = [hit[0] for hit in rows]
    begin = np.array([start for start, hit in days if len(hit)])
    amount = np.array([int(block.amount[hit].sum()) for hit in rows], dtype=np.int64)
    listed, cost = biller.list_and_cost(block.sku, amount, begin, block.invoice[first])
    daily = replace(
        block,
        start=begin,
        end=begin + 24 * HOUR,
        export=np.array([block.export[hit].max() for hit in rows]),
        invoice=block.invoice[first],
        rate=block.rate[first],
        amount=amount,
        cost=cost,
        list_cost=listed,
    )
    return [where(block, ~whole), daily]


def _with_long_prompts(biller: Biller, block: Block) -> list[Block]:
    day = hour_of(biller.world.day(LONG_DAY))
    hit = (block.start >= day) & (block.start < day + 24 * HOUR)
    if not hit.any():
        return [block]
    amount = np.where(hit, block.amount // LONG_DIVISOR, 0)
    sku = replace(block.sku, id=LONG_SKU[0], description=LONG_SKU[1], usd_per_mtok=block.sku.usd_per_mtok * 2)
    return [
        _amounts(biller, block, block.amount - amount),
        where(_amounts(biller, replace(block, sku=sku), amount), hit & (amount > 0)),
    ]


def _amounts(biller: Biller, block: Block, amount: np.ndarray) -> Block:
    listed, cost = biller.list_and_cost(block.sku, amount, block.start, block.invoice)
    return replace(block, amount=amount, cost=cost, list_cost=listed)


def _shifted(world: "World", part: StreamTraffic) -> list[Residual]:
    """What a day has too little or too much: the hours before midnight in California belong to the day before."""
    price = _contract_price(part.stream.model, PACIFIC_CLASS)
    first, last = world.day(PACIFIC_DAYS[0]), world.day(PACIFIC_DAYS[-1] + 1)

    def early(day: date) -> int:
        hit = (part.hours >= hour_of(day)) & (part.hours < _midnight(day))
        return int(part.tokens["shared"][PACIFIC_CLASS][hit].sum())

    found = []
    for offset in (*PACIFIC_DAYS, PACIFIC_DAYS[-1] + 1):
        day, following = world.day(offset), world.day(offset + 1)
        tokens = (early(day) if day > first else 0) - (early(following) if day < last else 0)
        found.append(_residual("time_zone", day, part, tokens * price / 10**6))
    return [one for one in found if one.residual_usd]


def _lengthened(world: "World", part: StreamTraffic) -> list[Residual]:
    """A long prompt costs twice the price of a short one."""
    day = world.day(LONG_DAY)
    hit = (part.hours >= hour_of(day)) & (part.hours < hour_of(world.day(LONG_DAY + 1)))
    tokens = int((part.tokens["shared"][INPUT][hit] // LONG_DIVISOR).sum())
    price = _contract_price(part.stream.model, INPUT)
    return [_residual("context_band", day, part, -tokens * price / 10**6)] if tokens else []


def _residual(name: str, day: date, part: StreamTraffic, usd: Decimal) -> Residual:
    return Residual("gcp", name, day, part.stream.account, part.stream.model, usd)


def _contract_price(model: str, token_class: str) -> Decimal:
    catalog = load_catalog()
    sku = catalog.sku(model, token_class)
    return sku.usd_per_mtok * (catalog.kept_share if sku.is_discounted else 1)
