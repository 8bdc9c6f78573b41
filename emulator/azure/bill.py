"""Writes what the local Azure serves: cost rows, metrics, reservation use and the inventory; and returns the truth."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from emulator.azure.capacity import ReservationDay, add_months, bill_capacity, purchase_days
from emulator.azure.catalog import BLOCKS, load_catalog
from emulator.azure.elsewhere import bill_elsewhere
from emulator.azure.estate import DEPLOYMENT_TAGGED, Account, Deployment, Reservation
from emulator.azure.gateway import gateway_table
from emulator.azure.ledger import (
    ACTUAL,
    AMORTIZED,
    DECIMALS,
    CostRow,
    Ledger,
    Owed,
    cost_table,
    sightings,
    truth_table,
)
from emulator.azure.measures import metric_table
from emulator.azure.minutes import minute_table
from emulator.azure.planted import CLASSES, is_in_whole_cents
from emulator.azure.planted import residual_truth as planted_residuals
from emulator.azure.traffic import TOKENS, Flow, Traffic, play
from emulator.truth import USAGE_SCHEMA, Residual, bill_units, table, write_parquet
from emulator.world import World

# of a day's tokens when the restated day was first seen
FIRST_SEEN_PCT = 97
RESERVATION_SCHEMA = pa.schema(
    [
        ("usage_date", pa.date32()),
        ("order_id", pa.string()),
        ("reservation_id", pa.string()),
        ("sku_name", pa.string()),
        ("quantity", pa.int64()),
        ("instance_id", pa.string()),
        ("reserved_hours", pa.int64()),
        ("used_hours", pa.int64()),
    ]
)


def write(world: World) -> tuple[pa.Table, pa.Table]:
    """Write Azure's files into the world and return the true charges: AI spend and everything else on the bill."""
    traffic = play(world)
    ledger = Ledger()
    _bill_tokens(world, traffic, ledger)
    reservation_days = bill_capacity(world, traffic, ledger)
    bill_elsewhere(world, traffic.estate, ledger)
    folder = world.folder("azure")
    write_parquet(folder, "cost_rows.parquet", cost_table(ledger.rows))
    write_parquet(folder, "metrics_hourly.parquet", metric_table(traffic))
    write_parquet(folder, "metrics_minutes.parquet", minute_table(traffic))
    write_parquet(folder, "gateway_hours.parquet", gateway_table(traffic))
    write_parquet(folder, "reservation_days.parquet", _reservation_table(reservation_days))
    inventory = json.dumps(_inventory(world, traffic), indent=1, sort_keys=True)
    (folder / "inventory.json").write_text(inventory + "\n", encoding="utf-8")
    account, currency = traffic.estate.billing_account_id, traffic.estate.currency
    return truth_table(ledger.owed, account, currency), truth_table(ledger.out_of_scope, account, currency)


def usage_truth(world: World) -> pa.Table:
    """Tokens and requests per day as really served, at the deployment that served them (after spill)."""
    columns: dict[str, list[Any]] = defaultdict(list)
    traffic = play(world)
    for flow in traffic.flows:
        for day, counts in _days(world, traffic, flow):
            columns["provider"].append("azure")
            columns["usage_date"].append(day)
            columns["workload_id"].append(flow.deployment.workload_id)
            columns["team"].append(flow.stream.team)
            columns["product"].append(flow.stream.product)
            columns["model"].append(flow.deployment.model)
            columns["cache_write_tokens"].append(0)
            for name in (*TOKENS, "request_count"):
                columns[name].append(counts[name])
    joined = table(USAGE_SCHEMA, {name: columns[name] for name in USAGE_SCHEMA.names})
    keys = ["provider", "usage_date", "workload_id", "team", "product", "model"]
    measures = [name for name in USAGE_SCHEMA.names if name not in keys]
    # spilled and direct traffic of one product are one row
    summed = joined.group_by(keys).aggregate([(name, "sum") for name in measures])
    return table(
        USAGE_SCHEMA, {name: summed.column(f"{name}_sum" if name in measures else name) for name in joined.column_names}
    )


def residual_truth(world: World) -> list[Residual]:
    """What the planted differences between meter and bill come to."""
    traffic = play(world)
    days = [(flow, day, counts) for flow in traffic.flows for day, counts in _days(world, traffic, flow)]
    return planted_residuals(world, days)


def _days(world: World, traffic: Traffic, flow: Flow) -> Iterator[tuple[date, dict[str, int]]]:
    """The flow's sums of each day that has any."""
    numbers, starts = np.unique(traffic.day_numbers, return_index=True)
    sums = {name: np.add.reduceat(values, starts) for name, values in flow.counts.items()}
    for place, number in enumerate(numbers.tolist()):
        counts = {name: int(values[place]) for name, values in sums.items()}
        if any(counts.values()):
            yield world.day(number), counts


def _bill_tokens(world: World, traffic: Traffic, ledger: Ledger) -> None:
    """Bill the tokens of standard and batch deployments, one row per account, deployment, day and meter."""
    billed: dict[tuple[date, tuple[str, str], str, int], list[tuple[int, int]]] = defaultdict(list)
    deployments: dict[tuple[str, str], Deployment] = {}
    for flow in traffic.flows:
        if flow.deployment.is_provisioned:
            continue
        deployments[flow.deployment.key] = flow.deployment
        for day, counts in _days(world, traffic, flow):
            for name, token_class in CLASSES.items():
                for version, sighting in enumerate(sightings(day, world.as_of.date())):
                    is_first_of_two = version == 0 and sighting.end is not None
                    tokens = counts[name] * FIRST_SEEN_PCT // 100 if is_first_of_two else counts[name]
                    if not tokens:
                        continue
                    units = _units(world, flow.deployment, token_class, day, tokens)
                    billed[day, flow.deployment.key, token_class, version].append((tokens, units))
                    owner = flow.stream
                    ledger.owed.append(
                        Owed(day, flow.deployment.workload_id, owner.team, owner.product, flow.deployment.model,
                             token_class, units, sighting, owner.id)
                    )  # fmt: skip
    for (day, key, token_class, version), parts in billed.items():
        ledger.rows.append(_token_row(world, deployments[key], day, token_class, version, parts))


def _units(world: World, deployment: Deployment, token_class: str, day: date, tokens: int) -> int:
    """What a flow's tokens of a day cost, in 1e-8 USD; one deployment is billed in whole cents for some days."""
    price = load_catalog().price(deployment.model, deployment.sku, token_class, day)
    if is_in_whole_cents(world, deployment, day):
        return int(bill_units(np.array([tokens]), price, per=1_000_000, decimals=2)[0]) * 10 ** (DECIMALS - 2)
    return int(bill_units(np.array([tokens]), price, per=1_000_000, decimals=DECIMALS)[0])


def _token_row(
    world: World, deployment: Deployment, day: date, token_class: str, version: int, parts: list[tuple[int, int]]
) -> CostRow:
    meter = load_catalog().meter(deployment.model, deployment.sku, token_class)
    account = deployment.account
    tags = dict(account.billed_tags)
    if account.name in DEPLOYMENT_TAGGED:
        tags["deployment"] = deployment.name
    return CostRow(
        metrics=(ACTUAL, AMORTIZED),
        usage_date=day,
        subscription_id=account.subscription_id,
        resource_id=_as_billed(account),
        resource_group=account.resource_group,
        location=account.location.upper() if meter.unit == "1M" else account.location,
        consumed_service="Microsoft.CognitiveServices",
        meter_category="Foundry Models",
        meter_subcategory=meter.subcategory,
        meter=meter.name,
        unit=meter.unit,
        quantity=Decimal(sum(tokens for tokens, _ in parts)) / BLOCKS[meter.unit],
        units=sum(units for _, units in parts),
        sighting=sightings(day, world.as_of.date())[version],
        tags=tags,
    )


def _as_billed(account: Account) -> str:
    """The account's id as its usage rows spell it: some in lower case, some with a resource group in capitals."""
    if len(account.name) % 2:
        return account.resource_id.lower()
    return account.resource_id.replace(account.resource_group, account.resource_group.upper())


def _reservation_table(reservation_days: list[ReservationDay]) -> pa.Table:
    columns: dict[str, list[Any]] = defaultdict(list)
    for used in reservation_days:
        # an instance of None tells the day when nothing was used
        covers = [(cover.deployment.account.resource_id, cover.ptu_hours) for cover in used.covers] or [(None, 0)]
        for instance_id, ptu_hours in covers:
            columns["usage_date"].append(used.day)
            columns["order_id"].append(used.reservation.order)
            columns["reservation_id"].append(f"{used.reservation.order}-a")
            columns["sku_name"].append("OpenAI_Provisioned_Managed_Global")
            columns["quantity"].append(used.reservation.ptus)
            columns["instance_id"].append(instance_id)
            columns["reserved_hours"].append(used.reserved_hours)
            columns["used_hours"].append(ptu_hours)
    return table(RESERVATION_SCHEMA, {name: columns[name] for name in RESERVATION_SCHEMA.names})


def _inventory(world: World, traffic: Traffic) -> dict[str, Any]:
    """What Resource Manager and the reservation APIs know, as plain values."""
    estate = traffic.estate
    return {
        "tenant_id": estate.tenant_id,
        "billing_account_id": estate.billing_account_id,
        "currency": estate.currency,
        "subscriptions": [
            {"id": s.id, "name": s.name, "tags": dict(s.tags), "inherits": s.inherits} for s in estate.subscriptions
        ],
        "accounts": [_account(account) for account in estate.accounts.values()],
        "deployments": [_deployment(deployment) for deployment in estate.deployments.values()],
        "reservations": [_reservation(world, reservation) for reservation in estate.reservations],
        "transactions": [
            _transaction(reservation, day)
            for reservation in estate.reservations
            for day in purchase_days(world, reservation)
        ],
    }


def _account(account: Account) -> dict[str, Any]:
    return {
        "id": account.resource_id,
        "name": account.name,
        "location": account.location,
        "kind": "AIServices" if account.name in DEPLOYMENT_TAGGED else "OpenAI",
        "tags": dict(account.tags),
    }


def _deployment(deployment: Deployment) -> dict[str, Any]:
    return {
        "account": deployment.account.name,
        "name": deployment.name,
        "sku": deployment.sku,
        "model": deployment.model,
        "version": load_catalog().model_version(deployment.model),
        # thousands of tokens per minute where no PTU is held
        "capacity": deployment.ptus or 1000,
        "tags": dict(deployment.tags),
        "spillover": deployment.spillover,
        "is_provisioned": deployment.is_provisioned,
    }


def _reservation(world: World, reservation: Reservation) -> dict[str, Any]:
    """The running term of an order; one that renews runs from its last renewal."""
    months = 1 if reservation.term == "1 Month" else 12
    start = world.day(reservation.bought_day)
    while reservation.renews and add_months(start, months) <= world.as_of.date():
        start = add_months(start, months)
    return {
        "order": reservation.order,
        "term": reservation.term,
        "ptus": reservation.ptus,
        "region": reservation.region,
        "renews": reservation.renews,
        "bought": world.day(reservation.bought_day).isoformat(),
        "ends": add_months(start, months).isoformat(),
    }


def _transaction(reservation: Reservation, day: date) -> dict[str, Any]:
    price = load_catalog().ptu_price(reservation.sku, reservation.term) * reservation.ptus
    return {
        "order": reservation.order,
        "sku": reservation.sku,
        "term": reservation.term,
        "ptus": reservation.ptus,
        "region": reservation.region,
        "day": day.isoformat(),
        "amount": str(price),
    }
