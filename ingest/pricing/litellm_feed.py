"""The second list: token prices cut out of LiteLLM's price map (`ingest/data/prices/`), US dollars per token, undated.

It has regional, batch, priority and flex prices that `genai-prices` lacks. Numbers are read as Decimal from their text.
Where several ids mean one key (the United States and Europe are both a geography), the first in feed_models.csv counts;
the others come out as alternatives.
"""

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import cast

from ingest.errors import CorruptFile, SchemaChanged
from ingest.pricing.price import DATA, UNDATED, FeedModel, Price, PriceKey, feed_models

SOURCE = "litellm"
LITELLM_DATE = date(2026, 11, 1)
_TOKEN_CLASSES = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write_5m",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
}
_TIERS = {"batches": "batch", "priority": "priority", "flex": "flex", None: "standard"}
_FIELD = re.compile(r"(?P<token>.+?)(?P<long>_above_200k_tokens)?(?:_(?P<tier>batches|priority|flex))?")
_TOKENS_PER_MTOK = Decimal(1_000_000)


def prices(path: Path = DATA / "litellm_prices.json") -> tuple[list[Price], list[Price]]:
    """The prices of the models in feed_models.csv, and the alternatives that another id gives for the same key.

    Raises CorruptFile when the file is no JSON, SchemaChanged when an id is gone or a price is no number.
    """
    try:
        text = path.read_text(encoding="utf-8")
        listed = cast("dict[str, dict[str, object]]", json.loads(text, parse_float=Decimal, parse_int=Decimal))
    except (OSError, ValueError) as error:
        raise CorruptFile(f"{path} cannot be read: {error}.", "Take it again from the project's source.") from error
    chosen: dict[PriceKey, Price] = {}
    alternatives: list[Price] = []
    for wanted in feed_models(SOURCE):
        rates = _rates(path, wanted, listed)
        alternatives += [price for price in rates if price.key in chosen]
        chosen = {price.key: price for price in rates} | chosen
    return list(chosen.values()), alternatives


def _rates(path: Path, wanted: FeedModel, listed: dict[str, dict[str, object]]) -> list[Price]:
    if wanted.feed_model not in listed:
        raise SchemaChanged(f"{path} has no id {wanted.feed_model}.", "Correct it in feed_models.csv beside that file.")
    found: dict[PriceKey, Price] = {}
    for field, amount in listed[wanted.feed_model].items():
        parts = _FIELD.fullmatch(field)
        if parts is None or parts["token"] not in _TOKEN_CLASSES:
            continue
        if not isinstance(amount, Decimal) or amount < 0:
            raise SchemaChanged(
                f"{path}: {wanted.feed_model}.{field}: {amount} is no price per token.",
                "Correct the file, or state the price in config/prices.yml.",
            )
        band = "long" if parts["long"] else "default"
        token_class, tier = _TOKEN_CLASSES[parts["token"]], _TIERS[parts["tier"]]
        key = PriceKey(wanted.provider, wanted.model, wanted.region_class, token_class, tier, band)
        usd = (amount * _TOKENS_PER_MTOK).normalize()
        found[key] = Price(key, usd, UNDATED, None, SOURCE, wanted.feed_model, LITELLM_DATE)
    # a price for long prompts alone is a slip of the map: gemini-2.5-pro has one for cache writes it does not charge
    return [price for key, price in found.items() if key._replace(context_band="default") in found]
