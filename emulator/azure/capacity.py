"""Bills provisioned throughput: deployed PTU hours, what reservations cover of them, purchases and unused hours."""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np

from emulator.azure.catalog import load_catalog
from emulator.azure.estate import DEPLOYMENT_TAGGED, Deployment, Reservation
from emulator.azure.ledger import ACTUAL, AMORTIZED, DECIMALS, CostRow, Ledger, Owed, Sighting, first_seen
from emulator.azure.traffic import Traffic
from emulator.world import World

CATEGORY = "Foundry Models"
SUBCATEGORY = "Azure OpenAI"
UNIT = "1/Hour"
NOBODY = "unallocated"


@dataclass(frozen=True)
class Cover:
    """PTU hours of one deployment and day that a reservation covered, its amortised cost in 1e-8."""

    reservation: Reservation
    deployment: Deployment
    day: date
    ptu_hours: int
    units: int


@dataclass(frozen=True)
class ReservationDay:
    """What a reservation offered and what was used of it on one day; `unused_units` in 1e-8."""

    reservation: Reservation
    day: date
    reserved_hours: int
    covers: tuple[Cover, ...]
    unused_units: int

    @property
    def used_hours(self) -> int:
        """PTU hours that deployments consumed."""
        return sum(cover.ptu_hours for cover in self.covers)


def in_units(amount: Decimal) -> int:
    """An amount in whole 1e-8, half to even."""
    return int(amount.scaleb(DECIMALS).quantize(Decimal(1), ROUND_HALF_EVEN))


def add_months(day: date, count: int) -> date:
    """The same day so many months later, or that month's last day."""
    month = day.year * 12 + day.month - 1 + count
    first = date(month // 12, month % 12 + 1, 1)
    return min(first + timedelta(days=day.day - 1), _next_month(first) - timedelta(days=1))


def _next_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)


def bill_capacity(world: World, traffic: Traffic, ledger: Ledger) -> list[ReservationDay]:
    """Add all PTU rows to the ledger; returns what each reservation did on each day."""
    days: list[ReservationDay] = []
    deployed = deployed_hours(world, traffic)
    for day, hours_by_deployment in sorted(deployed.items()):
        left = dict(hours_by_deployment)
        for reservation in traffic.estate.reservations:
            if is_active(world, reservation, day):
                reserved = reservation.ptus * (24 if day < world.as_of.date() else world.as_of.hour)
                days.append(_use(reservation, day, reserved, left))
        for deployment, ptu_hours in left.items():
            if ptu_hours:
                _bill_hourly(ledger, traffic, deployment, day, ptu_hours)
    for reservation_day in days:
        _bill_reserved(ledger, traffic, reservation_day)
    for reservation in traffic.estate.reservations:
        _bill_purchases(world, ledger, reservation)
    return days


def deployed_hours(world: World, traffic: Traffic) -> dict[date, dict[Deployment, int]]:
    """PTU hours by day and deployment, in the order in which reservations are matched."""
    found: dict[date, dict[Deployment, int]] = defaultdict(dict)
    for key, deployment in sorted(traffic.estate.deployments.items()):
        if not deployment.is_provisioned:
            continue
        numbers, counts = np.unique(traffic.day_numbers[traffic.is_there[key]], return_counts=True)
        for number, hours in zip(numbers.tolist(), counts.tolist(), strict=True):
            found[world.day(number)][deployment] = deployment.ptus * hours
    return found


def is_active(world: World, reservation: Reservation, day: date) -> bool:
    """Whether the order runs on a day; a renewing one runs on."""
    bought = world.day(reservation.bought_day)
    months = 1 if reservation.term == "1 Month" else 12
    return bought <= day and (reservation.renews or day < add_months(bought, months))


def daily_cost(reservation: Reservation, day: date) -> Decimal:
    """USD of one day: the term's price over the days of the calendar month, or of the year."""
    price = load_catalog().ptu_price(reservation.sku, reservation.term) * reservation.ptus
    if reservation.term == "1 Month":
        first = day.replace(day=1)
        return price / (_next_month(first) - first).days
    return price / 365


def _use(reservation: Reservation, day: date, reserved: int, left: dict[Deployment, int]) -> ReservationDay:
    """Match the day's deployed PTU hours of the same region and kind, and split the day's cost over them."""
    total = in_units(daily_cost(reservation, day) * reserved / (reservation.ptus * 24))
    covers: list[Cover] = []
    free = reserved
    for deployment, hours in list(left.items()):
        matches = deployment.account.location == reservation.region and deployment.sku == reservation.sku
        taken = min(hours, free) if matches else 0
        if taken:
            covers.append(Cover(reservation, deployment, day, taken, total * taken // reserved))
            left[deployment] -= taken
            free -= taken
    rest = total - sum(cover.units for cover in covers)
    if free == 0 and covers:
        last = covers[-1]
        covers[-1] = Cover(reservation, last.deployment, day, last.ptu_hours, last.units + rest)
        rest = 0
    return ReservationDay(reservation, day, reserved, tuple(covers), rest)


def _usage_row(
    deployment: Deployment, day: date, ptu_hours: int, units: int, metrics: tuple[str, ...], reservation_id: str
) -> CostRow:
    account = deployment.account
    tags = dict(account.billed_tags)
    if account.name in DEPLOYMENT_TAGGED:
        tags["deployment"] = deployment.name
    return CostRow(
        metrics=metrics,
        usage_date=day,
        subscription_id=account.subscription_id,
        # provisioned meters spell the account in capitals
        resource_id=account.resource_id.replace(account.name, account.name.upper()),
        resource_group=account.resource_group,
        location=account.location,
        consumed_service="Microsoft.CognitiveServices",
        meter_category=CATEGORY,
        meter_subcategory=SUBCATEGORY,
        meter=load_catalog().ptu_meter(deployment.sku),
        unit=UNIT,
        quantity=Decimal(ptu_hours),
        units=units,
        sighting=Sighting(first_seen(day)),
        pricing_model="Reservation" if reservation_id else "OnDemand",
        reservation_id=reservation_id,
        tags=tags,
    )


def _bill_hourly(ledger: Ledger, traffic: Traffic, deployment: Deployment, day: date, ptu_hours: int) -> None:
    """PTU hours that no reservation covers, at the hourly price."""
    units = in_units(load_catalog().ptu_price(deployment.sku, "hour") * ptu_hours)
    ledger.rows.append(_usage_row(deployment, day, ptu_hours, units, (ACTUAL, AMORTIZED), ""))
    _owe(ledger, traffic, deployment, day, units)


def _bill_reserved(ledger: Ledger, traffic: Traffic, used: ReservationDay) -> None:
    """Covered hours: next to nothing as billed, their share of the reservation when amortised."""
    order = used.reservation.order
    for cover in used.covers:
        # what is left of a covered hour's price is rounding dust
        dust = round(cover.ptu_hours / 100)
        ledger.rows.append(_usage_row(cover.deployment, used.day, cover.ptu_hours, dust, (ACTUAL,), order))
        ledger.rows.append(_usage_row(cover.deployment, used.day, cover.ptu_hours, cover.units, (AMORTIZED,), order))
        _owe(ledger, traffic, cover.deployment, used.day, dust)
    unused = used.reserved_hours - used.used_hours
    if unused:
        row = _reservation_row(used.reservation, used.day, AMORTIZED, "UnusedReservation", UNIT)
        ledger.rows.append(replace(row, quantity=Decimal(unused), units=used.unused_units))


def _reservation_row(reservation: Reservation, day: date, metric: str, charge_type: str, unit: str) -> CostRow:
    """A row of the reservation itself: of no subscription and no resource group."""
    return CostRow(
        metrics=(metric,),
        usage_date=day,
        subscription_id="",
        resource_id=reservation.resource_id,
        consumed_service="Microsoft.Capacity",
        meter_category=CATEGORY,
        meter_subcategory=SUBCATEGORY,
        meter=load_catalog().ptu_meter(reservation.sku),
        unit=unit,
        quantity=Decimal(reservation.ptus),
        units=0,
        sighting=Sighting(first_seen(day)),
        charge_type=charge_type,
        pricing_model="Reservation",
        reservation_id=reservation.order,
    )


def purchase_days(world: World, reservation: Reservation) -> list[date]:
    """The days of the horizon on which the order was bought or renewed."""
    bought, first, last = world.day(reservation.bought_day), world.day(-world.days), world.as_of.date()
    renewals = [add_months(bought, n) for n in range(1, 36)] if reservation.renews else []
    return [day for day in (bought, *renewals) if first <= day <= last]


def _bill_purchases(world: World, ledger: Ledger, reservation: Reservation) -> None:
    price = load_catalog().ptu_price(reservation.sku, reservation.term) * reservation.ptus
    for day in purchase_days(world, reservation):
        row = _reservation_row(reservation, day, ACTUAL, "Purchase", reservation.term)
        ledger.rows.append(replace(row, units=in_units(price)))
        owed = Owed(day, reservation.order, NOBODY, None, None, "other", in_units(price), row.sighting)
        ledger.owed.append(owed)


def _owe(ledger: Ledger, traffic: Traffic, deployment: Deployment, day: date, units: int) -> None:
    """Book a deployment's capacity on the one product that uses it, or on nobody where several do."""
    users = {
        (flow.stream.team, flow.stream.product, flow.stream.id)
        for flow in traffic.flows
        if flow.deployment == deployment
    }
    team, product, stream_id = users.pop() if len(users) == 1 else (NOBODY, None, None)
    workload, model = deployment.workload_id, deployment.model
    ledger.owed.append(Owed(day, workload, team, product, model, "other", units, Sighting(first_seen(day)), stream_id))
