"""What Google appends later: corrections, a goodwill credit, tax and rounding. No row of the export is ever changed."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np

from emulator.gcp.lines import HOUR, Biller, hour_of, invoice_months
from emulator.gcp.rows import MICROS, Block, Owner
from emulator.truth import bill_units

RESTATED_DAY = -9
RESTATED_STREAM = "gcp-photo-captions"
REPRICED_DAY, REPRICED_ON = -25, -12
REPRICED_STREAM = "gcp-doc-translate"
OVERCOUNT_PCT = 8
GOODWILL_DAY = -16
INPUT = "input"


def corrected(biller: Biller, blocks: Sequence[Block]) -> list[Block]:
    """The blocks with two days billed wrong first, then taken back and billed again."""
    result: list[Block] = []
    for block in blocks:
        stream = block.owner.stream_id
        if stream == RESTATED_STREAM and block.token_class == INPUT:
            result.extend(_recounted(biller, block))
        elif stream == REPRICED_STREAM and block.token_class in ("input", "output"):
            result.extend(_repriced(biller, block))
        else:
            result.append(block)
    return result


def _recounted(biller: Biller, block: Block) -> list[Block]:
    """One day's tokens were counted too high; three days later Google bills the true count."""
    day = _on_day(block, hour_of(biller.world.day(RESTATED_DAY)))
    if not day.any():
        return [block]
    truth = where(block, day)
    amount = truth.amount * (100 + OVERCOUNT_PCT) // 100
    listed, cost = biller.list_and_cost(truth.sku, amount, truth.start, truth.invoice)
    wrong = replace(truth, amount=amount, cost=cost, list_cost=listed, credits=())
    export = truth.export.max() + np.timedelta64(3, "D")
    return [where(block, ~day), wrong, *_taken_back(wrong, replace(truth, credits=()), export, "USAGE_CORRECTION")]


def _repriced(biller: Biller, block: Block) -> list[Block]:
    """One day was billed without the contract's discount; the correction lands on a later invoice month."""
    day = _on_day(block, hour_of(biller.world.day(REPRICED_DAY)))
    if not day.any():
        return [block]
    truth = where(block, day)
    wrong = replace(truth, cost=truth.list_cost)
    export = hour_of(biller.world.day(REPRICED_ON)) + 15 * HOUR
    return [where(block, ~day), wrong, *_taken_back(wrong, truth, export, "PRICE_CORRECTION")]


def _taken_back(wrong: Block, truth: Block, export: np.datetime64, kind: str) -> list[Block]:
    count = len(wrong.start)
    exported = np.full(count, export)
    invoice = invoice_months(exported)
    note = {
        "id": f"adj-{kind.lower()}-{str(export)[:10]}",
        "description": "Correction of billed usage",
        "mode": "COMPLETE_NEGATION_WITH_REMONETIZATION",
        "type": kind,
    }
    negative = replace(
        wrong,
        amount=-wrong.amount,
        cost=-wrong.cost,
        list_cost=-wrong.list_cost,
        export=exported,
        invoice=invoice,
        adjustment=note,
    )
    return [negative, replace(truth, export=exported, invoice=invoice, adjustment=note)]


def goodwill(biller: Biller, blocks: Sequence[Block]) -> list[Block]:
    """A manual adjustment for a missed service level: money without usage."""
    day = hour_of(biller.world.day(GOODWILL_DAY))
    base = next((block for block in blocks if block.owner.stream_id == "gcp-query-rewrite"), None)
    if base is None or day < biller.first_hour:
        return []
    start = np.array([day])
    invoice = invoice_months(start + 48 * HOUR)
    cost = np.array([-25_000_000], dtype=np.int64)
    return [
        Block(
            sku=base.sku,
            project=base.project,
            region=base.region,
            unit=base.unit,
            start=start,
            end=start + HOUR,
            export=start + 48 * HOUR,
            invoice=invoice,
            rate=biller.rates(invoice),
            amount=np.zeros(1, dtype=np.int64),
            cost=cost,
            list_cost=np.zeros(1, dtype=np.int64),
            cost_type="adjustment",
            adjustment={
                "id": "adj-sla-1",
                "description": "Service level credit",
                "mode": "MANUAL_ADJUSTMENT",
                "type": "SLA_VIOLATION",
            },
            token_class=base.token_class,
            owner=Owner(None, base.owner.team, None, base.owner.model),
        )
    ]


def tax_blocks(biller: Biller, blocks: Sequence[Block]) -> list[Block]:
    """Tax and rounding of each invoice month: account-level rows without a project, exported on the third."""
    totals: dict[str, int] = {}
    for block in blocks:
        amounts = block.cost + sum((credit.micros for credit in block.credits), np.zeros_like(block.cost))
        for month in np.unique(block.invoice):
            totals[str(month)] = totals.get(str(month), 0) + int(amounts[block.invoice == month].sum())
    result = []
    for month, total in sorted(totals.items()):
        cents = bill_units(np.array([total]), Decimal(biller.catalog.raw["tax_pct"]) / 100, per=10**MICROS, decimals=2)
        rounding = np.array([-(total % 10_000)], dtype=np.int64)
        result.append(_account_block(biller, month, "Tax", "2B4A-6F19-C03D", cents * 10_000, "tax"))
        result.append(_account_block(biller, month, "Rounding error", "77E3-A05B-19C8", rounding, "rounding_error"))
    return result


def _account_block(biller: Biller, month: str, name: str, sku_id: str, cost: np.ndarray, cost_type: str) -> Block:
    first = np.datetime64(f"{month[:4]}-{month[4:]}", "M")
    following = (first + 1).astype("datetime64[us]")
    start = np.array([following - 17 * HOUR])
    invoice = np.array([month])
    return Block(
        sku=biller.catalog.unpriced_sku("invoice", sku_id, name),
        project=None,
        region=None,
        unit="requests",
        start=start,
        end=start + HOUR,
        export=np.array([following + 63 * HOUR]),
        invoice=invoice,
        rate=biller.rates(invoice),
        amount=np.zeros(1, dtype=np.int64),
        cost=cost,
        list_cost=cost,
        cost_type=cost_type,
        in_scope=False,
    )


def _on_day(block: Block, day: np.datetime64) -> np.ndarray:
    return (block.start >= day) & (block.start < day + 24 * HOUR)


def where(block: Block, hit: np.ndarray) -> Block:
    """The rows of a block that `hit` names."""
    names = ("start", "end", "export", "invoice", "rate", "amount", "cost", "list_cost")
    kept = {name: getattr(block, name)[hit] for name in names}
    return replace(block, **kept, credits=tuple(replace(item, micros=item.micros[hit]) for item in block.credits))
