"""Checks of our own for rules that the specification states in words alone, where the data can show that they are kept.

What only a provider's documents or another data set could show has none, and stays without a check.
"""

import re
from collections.abc import Iterator, Mapping

import duckdb

from tests.focus.checks import Checks
from tests.focus.rules import Rule

FOCUS_1_3 = (
    "AllocatedMethodDetails", "AllocatedMethodId", "AllocatedResourceId", "AllocatedResourceName", "AllocatedTags",
)  # fmt: skip
_KEY_VALUES = ("Tags", "SkuPriceDetails", "AllocatedTags")
_PLACEHOLDERS = "('', 'NULL', 'N/A', 'Not Applicable', 'None', 'null')"


def _product(price: str, cost: str) -> str:
    texts = ", ".join(f'cast("{name}" as varchar)' for name in (price, "PricingQuantity", cost))
    known = " or ".join(f'"{name}" is null' for name in (price, "PricingQuantity"))
    return f"({known} or \"ChargeClass\" is not distinct from 'Correction' or product_matches({texts}))"


def _keys_match(pattern: str) -> str:
    strange = f"lambda key: not regexp_full_match(key, '{pattern}')"
    return f'"SkuPriceDetails" is null or len(list_filter(json_keys("SkuPriceDetails"), {strange})) = 0'


def _credit_costs(column: str) -> str:
    return f'"ChargeCategory" <> \'Credit\' or "{column}" = "BilledCost"'


_CONTRACTED = _product("ContractedUnitPrice", "ContractedCost")
_IS_USAGE = "\"ChargeCategory\" = 'Usage'"
_NOT_COMMITTED_USE = f'"CommitmentDiscountId" is null or not {_IS_USAGE}'
# a row that keeps the rule
ROWS = {
    "BillingPeriodEnd-C-004-M": '"BillingPeriodEnd" = "BillingPeriodStart" + interval \'1 month\'',
    "BillingPeriodStart-C-004-M": '"BillingPeriodStart" = date_trunc(\'month\', "BillingPeriodStart")',
    "ChargePeriodEnd-C-004-M": '"ChargePeriodEnd" = "ChargePeriodStart" + interval \'1 day\'',
    "ChargePeriodStart-C-004-M": '"ChargePeriodStart" = date_trunc(\'day\', "ChargePeriodStart")',
    "ContractedCost-C-008-C": _credit_costs("ContractedCost"),
    "ContractedCost-C-009-C": _CONTRACTED,
    "CurrencyFormat-A-001-C": "regexp_full_match(\"BillingCurrency\", '[A-Z]{3}')",
    "DiscountHandling-A-013-C": "\"CommitmentDiscountId\" is null or \"ChargeCategory\" in ('Purchase', 'Usage')",
    "DiscountHandling-A-014-C": f'{_NOT_COMMITTED_USE} or "CommitmentDiscountStatus" is not null',
    "DiscountHandling-A-018-C": f"\"CommitmentDiscountStatus\" is distinct from 'Unused' or {_IS_USAGE}",
    "EffectiveCost-C-010-C": _credit_costs("EffectiveCost"),
    "ListCost-C-008-C": _credit_costs("ListCost"),
    "PricingCategory-C-009-C": f"{_NOT_COMMITTED_USE} or \"PricingCategory\" = 'Committed'",
    "PricingQuantity-C-009-C": f"{_CONTRACTED} and {_product('ListUnitPrice', 'ListCost')}",
    "SkuPriceDetails-C-002-O": _keys_match("x_([A-Z][a-z0-9]*)+"),
    "SkuPriceDetails-C-017-C": _keys_match("x_.+"),
}


def own_outcomes(connection: duckdb.DuckDBPyConnection, rules: Mapping[str, Rule]) -> dict[str, bool]:
    """Whether each rule with a check of ours is kept by the data set that `run_rules` judged last."""
    columns = {name: kind for name, kind, *_ in connection.execute("describe focus").fetchall()}
    asked = ROWS | _formats(columns)
    sums = ", ".join(f"coalesce(bool_and(({check}) is true), true)" for check in asked.values())
    answers = connection.execute(f"select {sums} from focus").fetchall()[0]
    return dict(zip(asked, answers, strict=True)) | dict(_names(list(columns), rules))


def _formats(columns: Mapping[str, str]) -> dict[str, str]:
    """Rules on the form of every value: key-value pairs, texts, moments."""
    checks = Checks(columns)
    pairs = [checks.sql({"CheckFunction": "FormatKeyValue", "ColumnName": name}) for name in _KEY_VALUES]
    texts = [name for name, kind in columns.items() if kind == "VARCHAR"]
    moments = [name for name in columns if name.endswith(("PeriodStart", "PeriodEnd"))]
    utc = [checks.sql({"CheckFunction": "FormatDateTime", "ColumnName": name}) for name in moments]
    filled = [f'("{name}" is null or trim("{name}") not in {_PLACEHOLDERS})' for name in texts]
    return (
        {f"KeyValueFormat-A-{number:03}-M": " and ".join(pairs) for number in range(1, 5)}
        | {f"DateTimeFormat-A-{number:03}-M": " and ".join(utc) for number in (1, 2, 4, 5, 6)}
        | dict.fromkeys(
            ("StringHandling-A-007-M", "NullHandling-A-002-M", "NullHandling-A-001-C"), " and ".join(filled)
        )
    )


def _names(columns: list[str], rules: Mapping[str, Rule]) -> Iterator[tuple[str, bool]]:
    """Rules on the names of columns and their order."""
    focus = {
        rule.requirement["ColumnName"] for rule in rules.values() if rule.function == "Presence" and not rule.parts
    }
    custom = [name for name in columns if name not in focus and name not in FOCUS_1_3]
    yield "ColumnHandling-A-001-M", all(re.fullmatch(r"(x_)?([A-Z][a-z0-9]*)+", name) for name in columns)
    yield "ColumnHandling-A-003-M", all(name.removeprefix("x_").isalnum() for name in columns)
    yield "ColumnHandling-A-005-O", all(len(name) <= 50 for name in columns)
    yield "ColumnHandling-A-010-M", all(name.startswith("x_") for name in custom)
    yield "ColumnHandling-A-012-O", columns[-len(custom) :] == custom
    yield "ColumnHandling-A-013-O", columns[-len(custom) :] == custom
