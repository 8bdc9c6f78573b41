"""The rest of the bill: machines, disks, storage, an API gateway, tax and rounding. None of it is AI spend."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from emulator.azure.estate import Estate, Subscription
from emulator.azure.ledger import ACTUAL, AMORTIZED, CostRow, Ledger, Sighting, first_seen
from emulator.world import World

BOTH = (ACTUAL, AMORTIZED)
# A month of these has more rows than one page of an answer holds.
MACHINES = 62
MONTHLY_TAX_UNITS = 3_742_000_000
MONTHLY_ROUNDING_UNITS = -4_200
# the month is closed up to 72 hours after its end
CLOSED_AFTER = timedelta(days=2)
# category, subcategory, meter, unit, price of a unit in 1e-8 USD
MACHINE_METERS = (
    ("Virtual Machines", "Dsv5 Series", "D4s v5", "1 Hour", 19_200_000),
    ("Storage", "Premium SSD Managed Disks", "P10 LRS Disk", "1/Month", 1_971_000_000),
    ("Bandwidth", "Rtn Preference: MGN", "Standard Data Transfer Out", "1 GB", 8_700_000),
)


def bill_elsewhere(world: World, estate: Estate, ledger: Ledger) -> None:
    """Add everything that is no AI spend."""
    by_name = {subscription.name: subscription for subscription in estate.subscriptions}
    days = [world.day(offset) for offset in range(-world.days, 0)]
    _bill_machines(world, by_name["sub-data"], ledger, days)
    for name in ("sub-apps", "sub-shared"):
        _bill_storage(world, by_name[name], ledger, days)
    _bill_gateway(by_name["sub-shared"], ledger, days)
    for day in days:
        if (day + timedelta(days=1)).day == 1:
            _bill_month_end(ledger, day)


def _bill_machines(world: World, subscription: Subscription, ledger: Ledger, days: list[date]) -> None:
    draws = world.rng("azure machines").integers(20, 240, (len(days), MACHINES, 3))
    tags = dict(subscription.tags)
    for place, day in enumerate(days):
        quantities = np.stack([np.full(MACHINES, 2400), draws[place, :, 1] * 0 + 3, draws[place, :, 2]], axis=1)
        for machine in range(MACHINES):
            base = f"/subscriptions/{subscription.id}/resourceGroups/rg-etl/providers"
            for kind, (category, subcategory, meter, unit, price) in enumerate(MACHINE_METERS):
                hundredths = int(quantities[machine, kind])
                part = "Microsoft.Compute/disks" if kind == 1 else "Microsoft.Compute/virtualMachines"
                row = CostRow(
                    metrics=BOTH,
                    usage_date=day,
                    subscription_id=subscription.id,
                    resource_id=f"{base}/{part}/vm-etl-{machine:02d}",
                    resource_group="rg-etl",
                    location="eastus2",
                    consumed_service="Microsoft.Compute",
                    meter_category=category,
                    meter_subcategory=subcategory,
                    meter=meter,
                    unit=unit,
                    quantity=Decimal(hundredths).scaleb(-2),
                    units=hundredths * price // 100,
                    sighting=Sighting(first_seen(day)),
                    tags=tags,
                )
                ledger.bill_elsewhere(row, None)


def _bill_storage(world: World, subscription: Subscription, ledger: Ledger, days: list[date]) -> None:
    draws = world.rng(f"azure storage {subscription.name}").integers(900, 1100, len(days))
    for day, hundredths in zip(days, draws.tolist(), strict=True):
        row = CostRow(
            metrics=BOTH,
            usage_date=day,
            subscription_id=subscription.id,
            resource_id=(
                f"/subscriptions/{subscription.id}/resourceGroups/rg-logs/providers"
                f"/Microsoft.Storage/storageAccounts/{subscription.name.replace('-', '')}logs"
            ),
            resource_group="rg-logs",
            location="eastus2",
            consumed_service="Microsoft.Storage",
            meter_category="Storage",
            meter_subcategory="Tiered Block Blob",
            meter="Hot LRS Data Stored",
            unit="1 GB/Month",
            quantity=Decimal(hundredths).scaleb(-2),
            units=hundredths * 20_800,
            sighting=Sighting(first_seen(day)),
        )
        ledger.bill_elsewhere(row, None)


def _bill_gateway(subscription: Subscription, ledger: Ledger, days: list[date]) -> None:
    for day in days:
        row = CostRow(
            metrics=BOTH,
            usage_date=day,
            subscription_id=subscription.id,
            resource_id=(
                f"/subscriptions/{subscription.id}/resourceGroups/rg-gateway/providers"
                "/Microsoft.ApiManagement/service/apim-ai-gateway"
            ),
            resource_group="rg-gateway",
            location="eastus2",
            consumed_service="Microsoft.ApiManagement",
            meter_category="API Management",
            meter_subcategory="Basic v2",
            meter="Basic v2 Unit",
            unit="1/Hour",
            quantity=Decimal(24),
            units=24 * 20_550_000,
            sighting=Sighting(first_seen(day)),
        )
        ledger.bill_elsewhere(row, None)


def _bill_month_end(ledger: Ledger, day: date) -> None:
    """Tax and rounding of the invoice: of no subscription, no resource and no meter."""
    sighting = Sighting(first_seen(day) + CLOSED_AFTER)
    for charge_type, units in (("Tax", MONTHLY_TAX_UNITS), ("RoundingAdjustment", MONTHLY_ROUNDING_UNITS)):
        row = CostRow(
            metrics=BOTH,
            usage_date=day,
            subscription_id="",
            resource_id="",
            meter_category="",
            meter_subcategory="",
            meter="",
            unit="",
            quantity=Decimal(0),
            units=units,
            sighting=sighting,
            charge_type=charge_type,
            pricing_model="",
        )
        ledger.bill_elsewhere(row, None)
