"""Azure's price sheet for the demo organisation: what a token or a PTU costs and how the bill spells its meter."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml

BLOCKS = {"1K": 1_000, "1M": 1_000_000}


@dataclass(frozen=True)
class Meter:
    """A token meter as billed; `usd_per_mtok` has the contract discount taken off."""

    name: str
    unit: str
    subcategory: str
    usd_per_mtok: Decimal


@dataclass(frozen=True)
class Catalog:
    """All of `prices.yml`, typed where the bill needs it."""

    raw: Mapping[str, Any]

    def meter(self, model: str, sku: str, token_class: str) -> Meter:
        """The token meter of a model under a deployment type; raises KeyError where Azure sells none."""
        sheet = self.raw["meters"][model]
        price = Decimal(self.raw["tokens"][model][token_class])
        if sku.startswith("DataZone"):
            price *= Decimal(self.raw["data_zone_factor"])
        if sku.endswith("Batch"):
            price *= Decimal(self.raw["batch_factor"])
        kept = (100 - Decimal(self.raw["contract_discount_pct"])) / 100
        return Meter(sheet[sku][token_class], sheet["unit"], sheet["subcategory"], price * kept)

    def price(self, model: str, sku: str, token_class: str, day: date, *, is_due: bool = False) -> Decimal:
        """USD per million tokens that a day is billed at, or by contract should be."""
        price = self.meter(model, sku, token_class).usd_per_mtok
        renewal = self.raw["renewals"].get(model)
        if renewal is None or day < renewal["due_from" if is_due else "billed_from"]:
            return price
        return price * Decimal(renewal["kept_pct"]) / (100 - Decimal(self.raw["contract_discount_pct"]))

    def ptu_price(self, sku: str, term: str) -> Decimal:
        """USD per PTU: for one hour (`hour`) or for the whole reservation term (`1 Month`, `1 Year`)."""
        return Decimal(self.raw["ptu"][sku][term])

    def ptu_meter(self, sku: str) -> str:
        """Meter name of deployed PTUs."""
        return str(self.raw["ptu"][sku]["meter"])

    def tokens_per_minute(self, model: str) -> int:
        """Normalised tokens per minute of one PTU."""
        return int(self.raw["throughput"][model]["tokens_per_minute"])

    def output_weight(self, model: str) -> int:
        """How many input tokens one output token counts for."""
        return int(self.raw["throughput"][model]["output_weight"])

    def model_version(self, model: str) -> str:
        """The version a deployment of this model runs."""
        return str(self.raw["model_versions"][model])


@cache
def load_catalog() -> Catalog:
    """Read `prices.yml` beside this module."""
    return Catalog(yaml.safe_load(Path(__file__).with_name("prices.yml").read_text(encoding="utf-8")))
