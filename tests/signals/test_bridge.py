import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.bridge import QUANTUM, Consumption, explain

D = Decimal
SONNET, HAIKU = "claude-sonnet-4-5", "claude-haiku-4-5"


def use(
    requests: dict[str, int], per_request: dict[str, dict[str, int]], prices: dict[tuple[str, str], str]
) -> Consumption:
    """Consumption of so many requests by model, each of so many tokens by class, at USD per million tokens."""
    tokens = {
        (model, kind): D(count * requests[model])
        for model, kinds in per_request.items()
        for kind, count in kinds.items()
        if requests.get(model)
    }
    cost = {cell: count * D(prices[cell]) / 1_000_000 for cell, count in tokens.items()}
    return Consumption(cost, tokens, {model: D(count) for model, count in requests.items() if count})


PRICES = {
    (SONNET, "input"): "3",
    (SONNET, "output"): "15",
    (SONNET, "cache_read"): "0.3",
    (HAIKU, "input"): "1",
    (HAIKU, "output"): "5",
}
CACHED = {SONNET: {"input": 500, "cache_read": 3500, "output": 200}}
BROKEN = {SONNET: {"input": 4000, "output": 200}}
BOTH = {**CACHED, HAIKU: {"input": 1000, "output": 100}}


def total(consumption: Consumption) -> Decimal:
    return sum(consumption.cost.values(), D(0))


def test_more_requests_are_volume_alone() -> None:
    before, after = use({SONNET: 1000}, CACHED, PRICES), use({SONNET: 1500}, CACHED, PRICES)
    bridge = explain(before, after, total(before))
    assert bridge.contributions == {
        "volume": total(before) / 2, "efficiency": 0, "mix": 0, "price": 0, "unmetered": 0
    }  # fmt: skip
    assert bridge.model == SONNET


def test_a_broken_cache_is_efficiency_alone() -> None:
    before, after = use({SONNET: 1000}, CACHED, PRICES), use({SONNET: 1000}, BROKEN, PRICES)
    bridge = explain(before, after, total(before))
    # 3,500 tokens of each of 1,000 requests at 3 instead of 0.3 USD per million
    assert bridge.contributions["efficiency"] == D("3500") * 1000 * D("2.7") / 1_000_000
    assert bridge.contributions["volume"] == bridge.contributions["mix"] == bridge.contributions["price"] == 0


def test_a_dearer_token_is_price_alone() -> None:
    before = use({SONNET: 1000}, CACHED, PRICES)
    after = use({SONNET: 1000}, CACHED, {**PRICES, (SONNET, "output"): "24"})
    bridge = explain(before, after, total(before))
    assert bridge.contributions["price"] == D(200 * 1000 * 9) / 1_000_000
    assert bridge.contributions["efficiency"] == bridge.contributions["volume"] == 0


def test_requests_moved_to_another_model_are_mix_alone() -> None:
    before, after = use({SONNET: 100, HAIKU: 900}, BOTH, PRICES), use({SONNET: 900, HAIKU: 100}, BOTH, PRICES)
    bridge = explain(before, after, total(before))
    assert bridge.contributions["mix"] == total(after) - total(before)
    assert bridge.contributions["volume"] == 0
    assert bridge.model is None


def test_one_model_growing_beside_a_steady_one_is_volume_not_mix() -> None:
    before, after = use({SONNET: 100, HAIKU: 900}, BOTH, PRICES), use({SONNET: 200, HAIKU: 900}, BOTH, PRICES)
    bridge = explain(before, after, total(before))
    assert bridge.contributions["volume"] == total(after) - total(before)
    assert bridge.model == SONNET


def test_without_requests_tokens_are_the_volume() -> None:
    before, after = use({SONNET: 1000}, CACHED, PRICES), use({SONNET: 2000}, CACHED, PRICES)
    bare = [Consumption(one.cost, one.tokens) for one in (before, after)]
    assert explain(bare[0], bare[1], total(before)).contributions["volume"] == total(before)


def test_cost_without_tokens_is_told_apart() -> None:
    ptu = ("gpt-4o", "other")
    before, after = use({SONNET: 1000}, CACHED, PRICES), use({SONNET: 1000}, CACHED, PRICES)
    before.cost[ptu], after.cost[ptu] = D(100), D(160)  # type: ignore[index]
    bridge = explain(before, after, total(before))
    assert bridge.contributions == {"volume": 0, "efficiency": 0, "mix": 0, "price": 0, "unmetered": 60}


def test_nothing_before_makes_all_of_it_volume() -> None:
    after = use({SONNET: 1000}, CACHED, PRICES)
    assert explain(Consumption(), after, D(0)).contributions["volume"] == total(after).quantize(QUANTUM)


MODELS, CLASSES = ["a", "b", None], ["input", "output", "other"]
AMOUNT = st.decimals(min_value=0, max_value=100_000, places=12, allow_nan=False)
COUNT = st.integers(min_value=0, max_value=10**9).map(D)


@st.composite
def consumptions(draw: st.DrawFn) -> Consumption:
    cells = draw(st.lists(st.tuples(st.sampled_from(MODELS), st.sampled_from(CLASSES)), unique=True, max_size=6))
    return Consumption(
        {cell: draw(AMOUNT) for cell in cells},
        {cell: draw(COUNT) for cell in cells if draw(st.booleans())},
        {model: draw(COUNT) for model in MODELS if draw(st.booleans())},
    )


@given(before=consumptions(), after=consumptions(), expected=AMOUNT)
def test_the_terms_sum_to_the_change_exactly(before: Consumption, after: Consumption, expected: Decimal) -> None:
    bridge = explain(before, after, expected)
    assert sum(bridge.contributions.values()) == (total(after) - expected).quantize(QUANTUM)


@given(before=consumptions(), after=consumptions(), expected=AMOUNT, seed=st.integers(0, 99))
@pytest.mark.filterwarnings("ignore")
def test_the_order_of_models_and_classes_does_not_matter(
    before: Consumption, after: Consumption, expected: Decimal, seed: int
) -> None:
    def shuffled(one: Consumption) -> Consumption:
        rng = random.Random(seed)
        parts = [list(part.items()) for part in (one.cost, one.tokens, one.requests)]
        for part in parts:
            rng.shuffle(part)
        return Consumption(*(dict(part) for part in parts))

    straight, mixed = explain(before, after, expected), explain(shuffled(before), shuffled(after), expected)
    for driver, usd in straight.contributions.items():
        assert abs(usd - mixed.contributions[driver]) <= QUANTUM
