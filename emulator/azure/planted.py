"""What this Azure bills otherwise than its meters and contract say, for a few dollars, with the answers."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from emulator.azure.catalog import load_catalog
from emulator.azure.estate import Deployment
from emulator.azure.traffic import Flow
from emulator.truth import Residual
from emulator.world import World

# one product alone uses it, so that a row of the bill is one product's
CENTS_WORKLOAD, CENTS_DAYS = "oai-data/gpt-5", range(-15, -11)
CLASSES = {"input_tokens": "input", "cache_read_tokens": "cache_read", "output_tokens": "output"}
CENT = Decimal("0.01")


def is_in_whole_cents(world: World, deployment: Deployment, day: date) -> bool:
    """Whether the deployment's rows of that day are rounded to cents."""
    return deployment.workload_id == CENTS_WORKLOAD and (day - world.as_of.date()).days in CENTS_DAYS


def residual_truth(world: World, days: Iterable[tuple[Flow, date, Mapping[str, int]]]) -> list[Residual]:
    """Cents that rounding took or gave, and the old price on the first days of a new contract."""
    catalog, found = load_catalog(), []
    for flow, day, counts in days:
        deployment = flow.deployment
        if deployment.is_provisioned:
            continue
        for name, token_class in CLASSES.items():
            tokens = Decimal(counts[name]) / 10**6
            billed = tokens * catalog.price(deployment.model, deployment.sku, token_class, day)
            due = tokens * catalog.price(deployment.model, deployment.sku, token_class, day, is_due=True)
            if is_in_whole_cents(world, deployment, day):
                rounded = billed.quantize(CENT, ROUND_HALF_EVEN)
                found.append(_residual("rounding", deployment, day, billed - rounded))
            if due != billed:
                found.append(_residual("price_date", deployment, day, due - billed))
    return found


def _residual(name: str, deployment: Deployment, day: date, usd: Decimal) -> Residual:
    return Residual("azure", name, day, deployment.workload_id, deployment.model, usd)
