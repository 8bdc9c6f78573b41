"""List prices for sizing incidents: what a number of tokens costs before discounts, capacity and rounding."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache

import numpy as np
import yaml

from emulator.organisation import DATA
from emulator.traffic import METRICS

TOKEN_METRICS = METRICS[1:6]
TOKENS = slice(1, 6)
MILLION = Decimal(1_000_000)


@cache
def list_prices() -> Mapping[str, tuple[Decimal, ...]]:
    """USD per million tokens by model, in the order of TOKEN_METRICS."""
    raw = yaml.safe_load((DATA / "list_prices.yml").read_text(encoding="utf-8"))
    keys = [metric.removesuffix("_tokens") for metric in TOKEN_METRICS]
    return {model: tuple(Decimal(prices[key]) for key in keys) for model, prices in raw.items()}


def list_cost(model: str, usage: np.ndarray) -> Decimal:
    """USD at list price of hourly usage rows (columns as in METRICS); raises KeyError for an unknown model."""
    totals = usage[:, TOKENS].sum(axis=0)
    return sum((int(n) * price for n, price in zip(totals, list_prices()[model], strict=True)), Decimal(0)) / MILLION
