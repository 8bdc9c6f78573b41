"""Blocks of bill rows for what the streams used: tokens, cache storage, provisioned throughput, other services."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from emulator.gcp.catalog import Catalog, Sku, load_catalog
from emulator.gcp.rows import MICROS, Block, Credit, Owner
from emulator.gcp.traffic import CLASSES, StreamTraffic
from emulator.incidents import LATE_BY, PRICE_STEP, late_hours
from emulator.truth import bill_units

if TYPE_CHECKING:
    from emulator.world import World

PACIFIC = ZoneInfo("America/Los_Angeles")
HOUR = np.timedelta64(1, "h")
# Usage of the last hours of a Pacific month can miss the invoice; Marketplace meters report late.
ROLLED_HOURS = 4
PROMOTION_DAYS = (-20, -14)
OUTPUT, THINKING = "output", "thinking"


@dataclass(frozen=True)
class PriceStep:
    """From `start` on every token of a model costs `factor` times the list price before."""

    model: str
    start: np.datetime64
    factor: Decimal


@dataclass(frozen=True)
class Delay:
    """Usage of the named streams in `[start, end)` is exported only at `export`."""

    stream_ids: frozenset[str]
    start: np.datetime64
    end: np.datetime64
    export: np.datetime64


@dataclass(frozen=True)
class Biller:
    """Turns quantities into priced blocks under one world's clock, price sheet and planted incidents."""

    world: "World"
    catalog: Catalog
    steps: tuple[PriceStep, ...] = ()
    delays: tuple[Delay, ...] = ()

    @cached_property
    def first_hour(self) -> np.datetime64:
        """The hour from which the export's delays are drawn."""
        return hour_of(self.world.day(-self.world.days))

    @cached_property
    def _latency(self) -> np.ndarray:
        hours = (self.world.days + 40) * 24
        return self.world.rng("gcp-export-delay").integers(19 * 3600, 21 * 3600, hours)

    def export_times(self, end: np.ndarray) -> np.ndarray:
        """When rows of usage that ended at `end` reach the export: 19 to 21 hours later, together per hour."""
        index = ((end - self.first_hour) // HOUR).astype(int) % len(self._latency)
        return end.astype("datetime64[us]") + self._latency[index].astype("timedelta64[s]")

    def late(self, stream_id: str, start: np.ndarray, export: np.ndarray) -> np.ndarray:
        """Export times with the planted delays applied."""
        for delay in self.delays:
            if not delay.stream_ids or stream_id in delay.stream_ids:
                hit = (start >= delay.start) & (start < delay.end)
                export = np.where(hit, np.maximum(export, delay.export), export)
        return export

    def rates(self, invoice: np.ndarray) -> np.ndarray:
        """Euro per dollar of each row's invoice month."""
        return np.array([float(self.catalog.eur_per_usd(month)) for month in invoice])

    def price(self, amount: np.ndarray, usd: Decimal, invoice: np.ndarray, per: int) -> np.ndarray:
        """Whole millionths of a euro for `amount` units at `usd` per `per` units, at each row's rate."""
        cost = np.zeros(len(amount), dtype=np.int64)
        for month in np.unique(invoice):
            hit = invoice == month
            rate = self.catalog.eur_per_usd(str(month))
            cost[hit] = bill_units(amount[hit], usd * rate, per=per, decimals=MICROS)
        return cost

    def list_and_cost(
        self, sku: Sku, amount: np.ndarray, start: np.ndarray, invoice: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """List cost and contract cost of token rows."""
        listed, cost = np.zeros(len(amount), dtype=np.int64), np.zeros(len(amount), dtype=np.int64)
        kept = self.catalog.kept_share if sku.is_discounted else Decimal(1)
        for hit, usd in self._prices(sku, start):
            listed[hit] = self.price(amount[hit], usd, invoice[hit], 1_000_000)
            cost[hit] = self.price(amount[hit], usd * kept, invoice[hit], 1_000_000)
        return listed, cost

    def _prices(self, sku: Sku, start: np.ndarray) -> list[tuple[np.ndarray, Decimal]]:
        step = next((item for item in self.steps if item.model == sku.model), None)
        if step is None:
            return [(np.ones(len(start), dtype=bool), sku.usd_per_mtok)]
        after = start >= step.start
        return [(~after, sku.usd_per_mtok), (after, sku.usd_per_mtok * step.factor)]

    def token_block(self, traffic: StreamTraffic, sku: Sku, amount: np.ndarray, labels: Mapping[str, str]) -> Block:
        """Hourly rows of one stream's tokens under one SKU; hours without tokens have no row."""
        stream, used = traffic.stream, amount > 0
        start, amount = traffic.hours[used], amount[used]
        is_partner = not sku.is_discounted
        invoice = invoice_months(start, rolled=is_partner)
        listed, cost = self.list_and_cost(sku, amount, start, invoice)
        end = start + HOUR
        return Block(
            sku=sku,
            project=stream.account,
            region=stream.region,
            unit="count" if is_partner else "requests",
            start=start,
            end=end,
            export=self.late(stream.id, start, self.export_times(end)),
            invoice=invoice,
            rate=self.rates(invoice),
            amount=amount,
            cost=cost,
            list_cost=listed,
            labels=labels,
            credits=() if is_partner else self._credits(stream.account, start, cost),
            publisher="PARTNER" if is_partner else "GOOGLE",
            units_per_price=1_000_000 if is_partner else 1,
            token_class=OUTPUT if sku.token_class == THINKING else sku.token_class,
            owner=Owner(stream.id, stream.team, stream.product, stream.model),
        )

    def _credits(self, project: str, start: np.ndarray, cost: np.ndarray) -> tuple[Credit, ...]:
        """One project has a promotion and a discount on the same rows for a week, too small to be an anomaly."""
        if project != "acme-mobile-prod":
            return ()
        first, last = (hour_of(self.world.day(day)) for day in PROMOTION_DAYS)
        hit = (start >= first) & (start < last)
        promotion = np.where(hit, -bill_units(cost, Decimal("0.03"), decimals=0), 0)
        discount = np.where(hit, -bill_units(cost, Decimal("0.015"), decimals=0), 0)
        return (Credit("Startup credit", "PROMOTION", promotion), Credit("Spend based discount", "DISCOUNT", discount))


def token_blocks(biller: Biller, traffic: StreamTraffic) -> list[Block]:
    """What a stream pays by the token; what its reservation served is not on the bill."""
    model, catalog = traffic.stream.model, biller.catalog
    # Requests to partner models pass no labels on to billing.
    labels = {} if model.startswith("claude") else dict(traffic.stream.via.get("labels") or {})
    thought = int(catalog.raw["thinking_pct"].get(model, 0))
    blocks = []
    for token_class in CLASSES:
        amount = traffic.tokens["shared"][token_class]
        if not amount.any():
            continue
        if token_class == OUTPUT and thought:
            thinking = amount * thought // 100
            blocks.append(biller.token_block(traffic, catalog.sku(model, THINKING), thinking, labels))
            amount = amount - thinking
        blocks.append(biller.token_block(traffic, catalog.sku(model, token_class), amount, labels))
    storage = catalog.raw["cache_storage"]
    if traffic.stream.id == storage["stream"]:
        held = np.full(len(traffic.hours), int(storage["token_hours"]), dtype=np.int64)
        sku = catalog.sku(model, "cache_storage")
        block = biller.token_block(traffic, sku, held, {})
        blocks.append(_as_other(block))
    return blocks


def _as_other(block: Block) -> Block:
    return Block(**{**vars(block), "token_class": "other"})


def provisioned_blocks(biller: Biller) -> list[Block]:
    """One flat row a day per order, whether used or not; the monthly price is spread over the month's days."""
    raw, world = biller.catalog.raw["provisioned"], biller.world
    sku = biller.catalog.unpriced_sku("vertex", raw["sku"]["id"], raw["sku"]["description"])
    blocks = []
    for order in world.organisation.gcp["gsu_orders"]:
        stream = next(item for item in world.organisation.of("gcp") if item.via.get("order") == order["order_id"])
        days = [world.day(index) for index in range(-world.days, 1)]
        start = np.array([hour_of(day) for day in days])
        end = start + 24 * HOUR
        invoice = invoice_months(start)
        lengths = np.array([days_in_month(day) for day in days])
        cost = np.zeros(len(days), dtype=np.int64)
        for length in np.unique(lengths):
            hit = lengths == length
            gsus = np.full(int(hit.sum()), int(order["gsus"]), dtype=np.int64)
            cost[hit] = biller.price(gsus, Decimal(raw["usd_per_gsu_month"]), invoice[hit], int(length))
        amount = np.full(len(days), int(order["gsus"]), dtype=np.int64)
        blocks.append(
            Block(
                sku=sku,
                project=order["project"],
                region="global" if stream.id in biller.catalog.raw["global_endpoint"] else stream.region,
                unit="month",
                start=start,
                end=end,
                export=biller.late(stream.id, start, biller.export_times(end)),
                invoice=invoice,
                rate=biller.rates(invoice),
                amount=amount,
                cost=cost,
                list_cost=cost,
                subscription=order["order_id"],
                owner=Owner(stream.id, stream.team, stream.product, order["model"]),
            )
        )
    return blocks


def other_blocks(biller: Biller) -> list[Block]:
    """Compute Engine and BigQuery: on the same bill, and no AI spend."""
    world, blocks = biller.world, []
    hours = np.arange(biller.first_hour, np.datetime64(world.as_of.replace(tzinfo=None), "us"), HOUR)
    for row in biller.catalog.raw["other"]:
        sku = biller.catalog.unpriced_sku(row["service"], row["id"], row["description"])
        invoice = invoice_months(hours)
        wobble = world.rng(f"gcp-other-{row['id']}").integers(90, 111, len(hours))
        amount = int(row["quantity"]) * wobble // 100
        cost = biller.price(amount, Decimal(row["usd_per_unit"]), invoice, 1)
        committed = -bill_units(cost, Decimal(row["committed_use_pct"]) / 100, decimals=0)
        end = hours + HOUR
        blocks.append(
            Block(
                sku=sku,
                project=row["project"],
                region=row["region"],
                unit=row["unit"],
                start=hours,
                end=end,
                export=biller.export_times(end),
                invoice=invoice,
                rate=biller.rates(invoice),
                amount=amount,
                cost=cost,
                list_cost=cost,
                credits=(Credit("Committed use discount: CPU", "COMMITTED_USAGE_DISCOUNT", committed),),
                in_scope=False,
            )
        )
    return blocks


def new_biller(world: "World") -> Biller:
    """A biller on the shipped price sheet, with the price step and the late days that the world planted."""
    steps: tuple[PriceStep, ...] = ()
    delays: tuple[Delay, ...] = ()
    change, late = world.incident("price_change"), world.incident("late_data")
    if change is not None and change.provider == "gcp":
        models = {stream.model for stream in world.organisation.of("gcp") if stream.id in change.stream_ids}
        steps = tuple(PriceStep(model, hour_of(change.start_date), PRICE_STEP) for model in sorted(models))
    if late is not None and late.provider == "gcp":
        start, end, export = (moment.replace(tzinfo=None) for moment in (*late_hours(late), world.as_of + LATE_BY))
        spans = (np.datetime64(moment, "us") for moment in (start, end, export))
        delays = (Delay(frozenset(late.stream_ids), *spans),)
    return Biller(world, load_catalog(), steps, delays)


def invoice_months(start: np.ndarray, *, rolled: bool = False) -> np.ndarray:
    """Invoice month `YYYYMM` of usage starting at `start`: Google closes months at midnight Pacific time.

    `rolled`: usage of the month's last hours goes to the next invoice.
    """
    shift = timedelta(hours=ROLLED_HOURS if rolled else 0)
    moments = (moment.replace(tzinfo=UTC) for moment in start.astype("datetime64[us]").astype(datetime))
    return np.array([(moment.astimezone(PACIFIC) + shift).strftime("%Y%m") for moment in moments], dtype="U6")


def hour_of(day: date) -> np.datetime64:
    """Midnight UTC of a day."""
    return np.datetime64(day, "us")


def days_in_month(day: date) -> int:
    """Length of the month that holds a day."""
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return (following - day.replace(day=1)).days
