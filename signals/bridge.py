"""Says why a cost changed: an exact bridge from what was expected to what came.

The reference is the time before the spike, scaled so that it costs what was expected. Then, with model m, token class
c, requests (or tokens, where requests are unknown) u, tokens q and unit price p, 0 for the reference and 1 for the
spike:

    price       sum of q1 (p1 - p0) over the cells (m, c) that both have
    mix         requests that left one group of models and reappeared in another, at each model's reference cost per
    request volume      the rest of the change in requests, at the same cost per request
    unmetered   change of cost that has no tokens, such as provisioned capacity
    efficiency  what remains: more tokens, or dearer kinds of token, for one request

The order of models and classes does not matter, and the terms sum to the change exactly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

DRIVERS = ("volume", "efficiency", "mix", "price", "unmetered")
QUANTUM = Decimal(1).scaleb(-12)
_ONE_MODEL_SHARE = Decimal("0.9")
_PRECISE = Context(prec=60, rounding=ROUND_HALF_EVEN)
ZERO = Decimal(0)

Cell = tuple[str | None, str | None]


@dataclass(frozen=True)
class Consumption:
    """Cost in USD and tokens by (model, token class), requests by model. A cell without tokens is missing in
    `tokens`.
    """

    cost: Mapping[Cell, Decimal] = field(default_factory=dict)
    tokens: Mapping[Cell, Decimal] = field(default_factory=dict)
    requests: Mapping[str | None, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Bridge:
    """USD by driver, summing to the change, and the model that nearly all of it sits in, if there is one."""

    contributions: Mapping[str, Decimal]
    model: str | None


def explain(reference: Consumption, spike: Consumption, expected: Decimal) -> Bridge:
    """Bridge from `expected` USD (the reference scaled to it) to the cost of the spike."""
    with localcontext(_PRECISE):
        total = sum(reference.cost.values(), ZERO)
        scale = expected / total if total > 0 else ZERO
        before = _scaled(reference, scale)
        change = sum(spike.cost.values(), ZERO) - expected
        price = _price(before, spike)
        unmetered = _unmetered(before, spike)
        volume, mix = _volume_and_mix(before, spike)
        terms = {"volume": volume, "mix": mix, "price": price, "unmetered": unmetered}
        rounded = {name: value.quantize(QUANTUM) for name, value in terms.items()}
        rounded["efficiency"] = change.quantize(QUANTUM) - sum(rounded.values(), ZERO)
        return Bridge({name: rounded[name] for name in DRIVERS}, _one_model(before, spike))


def _scaled(consumption: Consumption, scale: Decimal) -> Consumption:
    return Consumption(
        {cell: value * scale for cell, value in consumption.cost.items()},
        {cell: value * scale for cell, value in consumption.tokens.items()},
        {model: value * scale for model, value in consumption.requests.items()},
    )


def _price(before: Consumption, spike: Consumption) -> Decimal:
    change = ZERO
    for cell, tokens in spike.tokens.items():
        tokens_before = before.tokens.get(cell, ZERO)
        if tokens > 0 and tokens_before > 0:
            change += spike.cost.get(cell, ZERO) - tokens * before.cost.get(cell, ZERO) / tokens_before
    return change


def _unmetered(before: Consumption, spike: Consumption) -> Decimal:
    return _without_tokens(spike) - _without_tokens(before)


def _without_tokens(consumption: Consumption) -> Decimal:
    return sum((cost for cell, cost in consumption.cost.items() if not consumption.tokens.get(cell)), ZERO)


def _volume_and_mix(before: Consumption, spike: Consumption) -> tuple[Decimal, Decimal]:
    units_before, units = _units(before, spike)
    cost_before, cost = _metered_cost(before), _metered_cost(spike)
    gained, lost, gain_cost, loss_cost = ZERO, ZERO, ZERO, ZERO
    for model in set(units_before) | set(units):
        moved = units.get(model, ZERO) - units_before.get(model, ZERO)
        if units_before.get(model):
            unit_cost = cost_before.get(model, ZERO) / units_before[model]
        else:
            unit_cost = cost.get(model, ZERO) / units[model] if units.get(model) else ZERO
        if moved > 0:
            gained, gain_cost = gained + moved, gain_cost + moved * unit_cost
        else:
            lost, loss_cost = lost - moved, loss_cost + moved * unit_cost
    swapped = min(gained, lost)
    gain_share = swapped / gained if gained else ZERO
    loss_share = swapped / lost if lost else ZERO
    mix = gain_cost * gain_share + loss_cost * loss_share
    return gain_cost + loss_cost - mix, mix


def _units(before: Consumption, spike: Consumption) -> tuple[dict[str | None, Decimal], dict[str | None, Decimal]]:
    """Requests by model where every model that costs something has them, else tokens by model."""
    for requests, consumption in ((before.requests, before), (spike.requests, spike)):
        if any(cost > 0 and not requests.get(model) for model, cost in _metered_cost(consumption).items()):
            return _tokens_by_model(before), _tokens_by_model(spike)
    metered_before, metered = _metered_cost(before), _metered_cost(spike)
    return (
        {model: count for model, count in before.requests.items() if model in metered_before},
        {model: count for model, count in spike.requests.items() if model in metered},
    )


def _tokens_by_model(consumption: Consumption) -> dict[str | None, Decimal]:
    tokens: dict[str | None, Decimal] = {}
    for (model, _), count in consumption.tokens.items():
        tokens[model] = tokens.get(model, ZERO) + count
    return tokens


def _metered_cost(consumption: Consumption) -> dict[str | None, Decimal]:
    costs: dict[str | None, Decimal] = {}
    for cell, cost in consumption.cost.items():
        if consumption.tokens.get(cell):
            costs[cell[0]] = costs.get(cell[0], ZERO) + cost
    return costs


def _one_model(before: Consumption, spike: Consumption) -> str | None:
    changes: dict[str | None, Decimal] = {}
    for sign, consumption in ((1, spike), (-1, before)):
        for (model, _), cost in consumption.cost.items():
            changes[model] = changes.get(model, ZERO) + sign * cost
    moved = sum((abs(change) for change in changes.values()), ZERO)
    for model, change in changes.items():
        if moved > 0 and abs(change) >= _ONE_MODEL_SHARE * moved:
            return model
    return None
