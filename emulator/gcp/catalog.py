"""Google's price sheet for the demo organisation: services, SKUs and what one unit of each costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Sku:
    """A SKU as the export writes it; `token_class` is the true one and appears in no row."""

    id: str
    description: str
    service_id: str
    service: str
    model: str | None
    token_class: str
    usd_per_mtok: Decimal
    is_discounted: bool


@dataclass(frozen=True)
class Catalog:
    """All of `prices.yml`, typed where the bill needs it."""

    raw: Mapping[str, Any]
    skus: Mapping[tuple[str, str], Sku]

    def sku(self, model: str, token_class: str) -> Sku:
        """The token SKU of a model; raises KeyError where Google sells none."""
        return self.skus[model, token_class]

    def eur_per_usd(self, invoice_month: str) -> Decimal:
        """Euro per dollar in an invoice month written `YYYYMM`."""
        return Decimal(self.raw["eur_per_usd"][int(invoice_month[4:]) - 1])

    @property
    def kept_share(self) -> Decimal:
        """What is left of the list price after the contract discount."""
        return (100 - Decimal(self.raw["contract_discount_pct"])) / 100

    def service(self, name: str) -> tuple[str, str]:
        """Id and description of a service."""
        found = self.raw["services"][name]
        return found["id"], found["description"]

    def unpriced_sku(self, service: str, sku_id: str, description: str) -> Sku:
        """A SKU that is not sold by the token."""
        service_id, name = self.service(service)
        return Sku(sku_id, description, service_id, name, None, "other", Decimal(0), is_discounted=False)


@cache
def load_catalog() -> Catalog:
    """Read `prices.yml` beside this module."""
    raw = yaml.safe_load(Path(__file__).with_name("prices.yml").read_text(encoding="utf-8"))
    skus = {}
    for row in raw["skus"]:
        service = raw["services"][row["service"]]
        skus[row["model"], row["token_class"]] = Sku(
            id=row["id"],
            description=row["description"],
            service_id=service["id"],
            service=service["description"],
            model=row["model"],
            token_class=row["token_class"],
            usd_per_mtok=Decimal(row["usd_per_mtok"]),
            is_discounted=row["service"] == "vertex",
        )
    return Catalog(raw, skus)
