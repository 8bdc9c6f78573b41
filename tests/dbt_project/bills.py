"""Bills that hypothesis makes up: any mix of tags, rules, credits, corrections, taxes, currencies, units and unknowns.

A bill is the list of one account's rows, as a cloud's interface model hands them over. Each is drawn apart from the
others, so that many of them fit into one build, and what a mart has to say of it is worked out in Python.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.dbt_project.interfaces import charge

Row = dict[str, Any]

SERVICES = {
    "aws": "Amazon Bedrock",
    "azure": "Cognitive Services",
    "gcp": "Vertex AI",
    "anthropic": "Anthropic API",
    "openai": "OpenAI API",
}
OUT_OF_SCOPE = "Virtual Machines"
SOLD_ON = date(2026, 11, 10)
_FIELDS = {"aws": "account", "azure": "subscription", "gcp": "project"}
_MONTH = date(2026, 11, 1)
_UNIT = Decimal("0.000000000001")
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


@dataclass
class Bill:
    """One account's rows, all of one provider."""

    provider: str
    account: str
    rows: list[Row] = field(default_factory=list[Row])

    @property
    def in_scope(self) -> list[Row]:
        return [row for row in self.rows if row["service_name"] != OUT_OF_SCOPE]


def scope_rules() -> list[Row]:
    """Rules by which the bills' model services count."""
    rule = {"priority": 100, "category": "model_api", "field": "service_name", "is_in_scope": True}
    return [rule | {"rule_id": f"{name}-models", "provider": name, "pattern": text} for name, text in SERVICES.items()]


def ownership_rules() -> list[Row]:
    """Sub accounts that end in `-owned` are one team's, those in `-sold` change hands on a day."""
    rules: list[Row] = []
    for provider, name in _FIELDS.items():
        rule = {"provider": provider, "field": name, "priority": 100, "valid_from": date(2025, 1, 1)}
        rules += [
            rule | {"rule_id": f"{provider}-owned", "pattern": "*-owned", "team": "search"},
            rule | {"rule_id": f"{provider}-before", "pattern": "*-sold", "team": "risk", "valid_to": SOLD_ON},
            rule | {"rule_id": f"{provider}-after", "pattern": "*-sold", "team": "docs", "valid_from": SOLD_ON},
        ]
    return rules


def owner(row: Row) -> str:
    """Whom a row belongs to: the tag's team, else the rule's, else nobody."""
    if row["native_team"] is not None:
        return row["native_team"]
    place = str(row["sub_account_id"])
    if row["provider"] in _FIELDS and place.endswith("-owned"):
        return "search"
    if row["provider"] in _FIELDS and place.endswith("-sold"):
        return "risk" if row["charge_date"] < SOLD_ON else "docs"
    return "unallocated"


SHARES = {"devtools": Decimal("0.333333333333"), "growth": Decimal("0.166666666667"), "search": Decimal("0.5")}


def splits() -> list[Row]:
    """What team growth is charged is shared out by fixed parts; a sixth stays its own."""
    split = {"split_id": "growth-costs", "chain_level": 0, "field": "team", "pattern": "growth", "priority": 100}
    split |= {"basis": "fixed", "valid_from": date(2025, 1, 1)}
    return [split | {"team": team, "share": str(share)} for team, share in SHARES.items()]


def parts(row: Row) -> list[Row]:
    """A row as the ledger has to take it apart: its owner's, or each part of a split, the largest taking the rest."""
    team = owner(row)
    if team != "growth":
        return [row | {"team": team, "allocated_ratio": Decimal(1)}]
    whole = row | {"team": team, "allocated_ratio": Decimal(1)}
    cut = [whole | {"team": name} for name in SHARES]
    with localcontext(prec=60):
        for amount in ("billed_cost", "effective_cost", "allocated_ratio"):
            for part in cut:
                part[amount] = (whole[amount] * SHARES[part["team"]]).quantize(_UNIT, ROUND_HALF_EVEN)
            largest = next(part for part in cut if part["team"] == "search")
            largest[amount] += whole[amount] - sum((part[amount] for part in cut), Decimal(0))
    return cut


_money = st.one_of(
    st.decimals(min_value=-99_999, max_value=99_999, places=12),
    st.decimals(min_value=-1, max_value=1, places=12),
    st.sampled_from([Decimal(0), _UNIT, -_UNIT, Decimal("0.01")]),
)
_positive = st.decimals(min_value=0, max_value=99_999, places=12)
_tags = st.fixed_dictionaries(
    {
        "native_team": st.sampled_from([None, "devtools", "search", "growth"]),
        "native_product": st.sampled_from([None, "code-review"]),
        "native_environment": st.sampled_from([None, "prod", "staging"]),
    }
)
_methods = st.sampled_from(["profile_tag", "request_label", "resource_tag", "deployment_tag", "principal"])
_currencies = st.sampled_from(
    [("USD", Decimal(1)), ("EUR", Decimal("1.083333333333")), ("GBP", Decimal("1.3")), ("JPY", None)]
)


@st.composite
def _priced(draw: st.DrawFn) -> Row:
    """What a row counts and costs: tokens at a price of the list, hours, or a sum that nothing explains."""
    kind = draw(st.sampled_from(["thousands", "millions", "hours", "sum"]))
    if kind == "hours":
        return {"token_class": "other", "pricing_quantity": Decimal(draw(st.integers(1, 24))), "pricing_unit": "Hours",
                "billed_cost": draw(_positive), "consumed_tokens": None}  # fmt: skip
    if kind == "sum":
        return {"token_class": "other", "billed_cost": draw(_money), "consumed_tokens": None}
    block = 1000 if kind == "thousands" else 1_000_000
    tokens = draw(st.integers(0, 10**12))
    quantity = Decimal(tokens) / block
    price = Decimal(draw(st.integers(1, 10**6))).scaleb(-6)
    return {
        "token_class": draw(st.sampled_from(["input", "output", "cache_read", "cache_write_5m", "cache_write_1h"])),
        "consumed_tokens": tokens,
        "pricing_quantity": quantity,
        "pricing_unit": f"{block} Tokens",
        "billed_cost": (price * quantity).quantize(_UNIT),
    }


@st.composite
def _row(draw: st.DrawFn, provider: str, currency: tuple[str, Decimal | None]) -> Row:
    category = draw(st.sampled_from(["Usage", "Usage", "Usage", "Purchase", "Tax", "Credit", "Adjustment"]))
    counted = draw(_priced()) if category == "Usage" else {"token_class": "other", "billed_cost": draw(_money)}
    cost = counted["billed_cost"]
    tags = draw(_tags)
    month = draw(st.sampled_from([_MONTH, _MONTH, date(2026, 10, 1)]))
    return charge(
        draw(st.sampled_from(["free", "x-owned", "y-sold"])),
        **tags,
        native_method=draw(_methods) if tags["native_team"] else None,
        provider=provider,
        service_name=draw(st.sampled_from([SERVICES[provider]] * 4 + [OUT_OF_SCOPE])),
        region_id=draw(st.sampled_from([None, "us-east-1"])),
        model=draw(st.sampled_from([None, "gpt-4o", "nova-pro"])),
        charge_date=month + timedelta(days=draw(st.integers(0, 16))),
        billing_month=draw(st.sampled_from([month, _MONTH])),
        cost_status=draw(st.sampled_from(["provisional", "final"])),
        charge_category=category,
        billing_currency=currency[0],
        usd_per_currency=currency[1],
        effective_cost=draw(st.sampled_from([cost, cost / 2, Decimal(0)])).quantize(_UNIT),
        list_cost=draw(st.sampled_from([None, cost])),
        tags=draw(st.sampled_from([None, '{"team":"a","quote":"it\\"s"}'])),
        **counted,
    )


@st.composite
def bills(draw: st.DrawFn) -> Bill:
    """A bill of one to eight rows; some are taken back and billed anew, or outweighed by a credit."""
    provider = draw(st.sampled_from(list(SERVICES)))
    currency = draw(_currencies)
    bill = Bill(provider, "")
    for row in draw(st.lists(_row(provider, currency), min_size=1, max_size=8)):
        bill.rows.append(row)
        if draw(st.booleans()):
            bill.rows += _corrected(row, draw(_money))
        if draw(st.booleans()):
            credit = {"charge_category": "Credit", "billed_cost": -2 * abs(row["billed_cost"]) - _UNIT}
            uncounted = dict.fromkeys(("consumed_tokens", "pricing_quantity", "pricing_unit"))
            bill.rows.append(row | credit | uncounted | {"token_class": "other", "list_cost": Decimal(0)})
    return bill


def hand_made() -> Bill:
    """The rows that FOCUS has a rule of its own for: a reservation bought, used and left unused, a tax and a credit."""
    account = "/subscriptions/free/resourcegroups/rg/providers/microsoft.cognitiveservices/accounts/oai"
    order = "/providers/microsoft.capacity/reservationorders/ro-1/reservations/ro-1-a"
    untagged = dict.fromkeys(("native_team", "native_product", "native_environment", "native_method"))
    row = untagged | {"billing_account_id": "by-hand", "token_class": "other", "model": None, "list_cost": None}
    hours = row | {"commitment_id": "ro-1", "pricing_category": "committed", "pricing_unit": "Hours"}
    used = {
        "resource_id": account,
        "pricing_quantity": Decimal(18),
        "billed_cost": Decimal(0),
        "effective_cost": Decimal(9),
    }
    unused = used | {"resource_id": order, "pricing_quantity": Decimal(6), "effective_cost": Decimal(3)}
    bought = unused | {"charge_category": "Purchase", "billed_cost": Decimal(12), "effective_cost": Decimal(0)}
    tokens = {"token_class": "cache_write_1h", "model": "gpt-4o", "consumed_tokens": 5_000, "invoice_id": "INV-1"}
    tokens |= {"pricing_quantity": Decimal(5), "pricing_unit": "1000 Tokens", "sku_id": "meter-1", "tags": '{"a":"b"}'}
    rows = [
        charge("free", **hours | used),
        charge("free", **hours | unused),
        charge("free", **hours | bought),
        charge(
            "free", **row | {"charge_category": "Tax", "billed_cost": Decimal("0.5"), "effective_cost": Decimal("0.5")}
        ),
        charge("free", **row | {"charge_category": "Credit", "billed_cost": Decimal(-2), "list_cost": Decimal(0)}),
        charge("free", **row | tokens | {"list_cost": Decimal(2)}),
    ]
    return Bill("azure", "by-hand", rows)


def _corrected(row: Row, cost: Decimal) -> list[Row]:
    """The row taken back and billed anew."""
    correction = {"charge_class": "Correction", "billing_month": _MONTH}
    taken_back = {
        name: -row[name]
        for name in ("billed_cost", "effective_cost", "list_cost", "consumed_tokens", "pricing_quantity")
        if row.get(name) is not None
    }
    return [row | correction | taken_back, row | correction | {"billed_cost": cost, "effective_cost": cost}]


def draw_bills(count: int, *, seeded: int = 1) -> list[Bill]:
    """So many bills, the same for the same seed, each an account of its own."""
    drawn: list[Bill] = []

    @seed(seeded)
    @settings(max_examples=count, database=None, phases=[Phase.generate], suppress_health_check=_SLOW)
    @given(bills())
    def collect(bill: Bill) -> None:
        drawn.append(bill)

    collect()
    for number, bill in enumerate(drawn):
        bill.account = f"bill-{number}"
        for row in bill.rows:
            row["billing_account_id"] = bill.account
    return drawn
