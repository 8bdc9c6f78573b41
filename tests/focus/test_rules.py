"""The runner itself: each check function on rows that keep it and rows that do not, and how rules hang together."""

import csv
import gzip
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tests.focus.checks import Checks, UnknownCheckError
from tests.focus.own_checks import own_outcomes
from tests.focus.readings import READINGS, REASONS, UNMET
from tests.focus.rules import Node, Rule, load_model, load_rules
from tests.focus.runner import Status, product_matches, run_rules

SAMPLE = Path(__file__).parents[1] / "data" / "focus" / "focus_1_0_sample_1000.csv.gz"
MODEL = load_model()
RULES = load_rules(MODEL)


def outcome(
    rows: dict[str, Any], requirement: Node, condition: Node | None = None, keyword: str = "MUST"
) -> tuple[Status, int]:
    """What comes of one rule on a table."""
    rule = Rule("Own-C-001-M", keyword, "", "Validation", requirement, (condition,) if condition else (), ())
    with duckdb.connect() as connection:
        connection.register("rows", pa.table(rows))
        one = run_rules(connection, "rows", {rule.rule_id: rule}, {})[rule.rule_id]
    return one.status, one.broken


def check(function: str, **arguments: Any) -> Node:
    return {"CheckFunction": function, "ColumnName": "a"} | arguments


PAIR = {"ColumnAName": "a", "ColumnBName": "b"}
ONE_EACH = {"CheckFunction": "CheckDistinctCount", **PAIR, "ExpectedCount": 1}
EITHER = {"CheckFunction": "OR", "Items": [check("CheckValue", Value="x"), check("CheckValue", Value="y")]}
UNITS = ("Tokens", "1000 Tokens", "GB-Hours", "1000000 Token-Hours", "Requests/Second", "GB")
NOW = datetime(2026, 11, 1, tzinfo=UTC)
KEPT: list[tuple[str, Node, dict[str, Any]]] = [
    ("present", check("ColumnPresent"), {"a": ["x"]}),
    ("value", check("CheckValue", Value="x"), {"a": ["x"]}),
    ("value null", check("CheckValue", Value=None), {"a": pa.array([None], pa.string())}),
    ("value number", check("CheckValue", Value=0), {"a": [Decimal("0.00")]}),
    ("not value", check("CheckNotValue", Value="x"), {"a": ["y", None]}),
    ("not null", check("CheckNotValue", Value=None), {"a": ["y"]}),
    ("same", {"CheckFunction": "CheckSameValue", **PAIR}, {"a": ["x"], "b": ["x"]}),
    ("not same", {"CheckFunction": "CheckNotSameValue", **PAIR}, {"a": ["x"], "b": ["y"]}),
    ("greater", check("CheckGreaterOrEqualThanValue", Value=0), {"a": [Decimal(0), None]}),
    ("decimal value", check("CheckDecimalValue"), {"a": [Decimal("1.5")]}),
    ("national currency", check("CheckNationalCurrency"), {"a": ["EUR"]}),
    ("currency", check("FormatCurrency"), {"a": ["USD", None]}),
    ("distinct", ONE_EACH, {"a": ["x", "x", None], "b": ["y", "y", "z"]}),
    ("type decimal", check("TypeDecimal"), {"a": [Decimal(1)]}),
    ("type string", check("TypeString"), {"a": ["x"]}),
    ("type moment", check("TypeDateTime"), {"a": [NOW]}),
    ("string", check("FormatString"), {"a": ["x", None]}),
    ("numeric", check("FormatNumeric"), {"a": ["-1.5", "1E-3", None]}),
    ("numeric decimal", check("FormatNumeric"), {"a": [Decimal(1)]}),
    ("moment text", check("FormatDateTime"), {"a": ["2026-11-01T00:00:00Z"]}),
    ("moment utc", check("FormatDateTime"), {"a": [NOW]}),
    ("unit", check("FormatUnit"), {"a": [*UNITS, None]}),
    ("key value", check("FormatKeyValue"), {"a": ['{"a": "b", "c": 1, "d": true, "e": null}', "{}", None]}),
    ("and", {"CheckFunction": "AND", "Items": [check("CheckValue", Value="x"), check("TypeString")]}, {"a": ["x"]}),
    ("or", EITHER, {"a": ["x", "y"]}),
]  # fmt: skip
BROKEN: list[tuple[str, Node, dict[str, Any]]] = [
    ("present", check("ColumnPresent"), {"b": ["x"]}),
    ("value", check("CheckValue", Value="x"), {"a": ["y"]}),
    ("value null", check("CheckValue", Value=None), {"a": ["y"]}),
    ("not value", check("CheckNotValue", Value="x"), {"a": ["x"]}),
    ("not null", check("CheckNotValue", Value=None), {"a": pa.array([None], pa.string())}),
    ("not null of a column that is not there", check("CheckNotValue", Value=None), {"b": ["x"]}),
    ("same", {"CheckFunction": "CheckSameValue", **PAIR}, {"a": ["x"], "b": [None]}),
    ("not same", {"CheckFunction": "CheckNotSameValue", **PAIR}, {"a": ["x"], "b": ["x"]}),
    ("greater", check("CheckGreaterOrEqualThanValue", Value=0), {"a": [Decimal("-0.1")]}),
    ("decimal value", check("CheckDecimalValue"), {"a": ["1.5"]}),
    ("national currency", check("CheckNationalCurrency"), {"a": ["Credits"]}),
    ("currency", check("FormatCurrency"), {"a": ["usd"]}),
    ("type decimal", check("TypeDecimal"), {"a": ["1"]}),
    ("type string", check("TypeString"), {"a": [1]}),
    ("type moment", check("TypeDateTime"), {"a": ["2026-11-01"]}),
    ("string", check("FormatString"), {"a": [" "]}),
    ("numeric sign", check("FormatNumeric"), {"a": ["+1"]}),
    ("numeric comma", check("FormatNumeric"), {"a": ["1,000"]}),
    ("numeric fraction", check("FormatNumeric"), {"a": ["1/2"]}),
    ("moment without zone", check("FormatDateTime"), {"a": [NOW.replace(tzinfo=None)]}),
    ("moment text", check("FormatDateTime"), {"a": ["2026-11-01 00:00:00"]}),
    ("unit in lower case", check("FormatUnit"), {"a": ["tokens"]}),
    ("unit singular", check("FormatUnit"), {"a": ["1K tokens"]}),
    ("key value nested", check("FormatKeyValue"), {"a": ['{"a": {"b": 1}}']}),
    ("key value array", check("FormatKeyValue"), {"a": ['["a"]']}),
    ("key value twice", check("FormatKeyValue"), {"a": ['{"a": 1, "a": 2}']}),
    ("key value text", check("FormatKeyValue"), {"a": ["a=b"]}),
    ("and", {"CheckFunction": "AND", "Items": [check("CheckValue", Value="x"), check("TypeDecimal")]}, {"a": ["x"]}),
    ("or", EITHER, {"a": ["z"]}),
]  # fmt: skip


@pytest.mark.parametrize(("requirement", "rows"), [case[1:] for case in KEPT], ids=[case[0] for case in KEPT])
def test_rows_that_keep_a_check_pass(requirement: Node, rows: dict[str, Any]) -> None:
    assert outcome(rows, requirement) == (Status.PASS, 0)


@pytest.mark.parametrize(("requirement", "rows"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_rows_that_break_a_check_fail(requirement: Node, rows: dict[str, Any]) -> None:
    assert outcome(rows, requirement) == (Status.FAIL, 1)


def test_a_distinct_count_fails_on_the_rows_of_the_group_that_breaks_it() -> None:
    assert outcome({"a": ["x", "x", "y"], "b": ["1", "2", "1"]}, ONE_EACH) == (Status.FAIL, 2)


@pytest.mark.parametrize(
    ("first", "second", "result", "matches"),
    [
        ("0.003", "4.1", "0.0123", True),
        ("0.000818", "3", "0.002454000000", True),
        ("0.333333333333333333", "3", "1.000000000000", True),
        ("0.333333333333", "3", "1.000000000000", False),
        ("0.5", "0.0001", "0.0000", True),  # a half goes to the even digit
        ("0.5", "0.0003", "0.0002", True),
        ("0.5", "0.0003", "0.0001", False),
        ("-0.5", "2", "-1", True),
        ("1", "1", None, False),
    ],
)
def test_a_product_matches_after_rounding_to_the_decimals_of_the_cost(
    first: str, second: str, result: str | None, matches: bool
) -> None:
    assert product_matches(first, second, result) is matches


def test_a_condition_limits_the_rows_and_a_rule_without_rows_neither_passes_nor_fails() -> None:
    rows = {"a": ["x", None], "b": ["tax", "use"]}
    not_null, is_tax = (
        check("CheckNotValue", Value=None),
        {"CheckFunction": "CheckValue", "ColumnName": "b", "Value": "tax"},
    )
    assert outcome(rows, not_null, is_tax) == (Status.PASS, 0)
    assert outcome(rows, not_null, is_tax | {"Value": "use"}) == (Status.FAIL, 1)
    assert outcome(rows, not_null, is_tax | {"Value": "fee"}) == (Status.NO_ROWS, 0)


def test_a_rule_that_only_allows_cannot_fail() -> None:
    assert outcome({"a": ["x"]}, check("CheckValue", Value=None), keyword="MAY")[0] is Status.PERMISSION


def test_the_two_odd_spellings_of_the_file_are_understood() -> None:
    checks = Checks({"a": "VARCHAR"})
    plain = checks.sql({"CheckFunction": "AND", "Items": [check("CheckValue", Value=None)]})
    assert checks.sql({"AND": check("CheckValue", Value=None)}) == plain
    assert checks.sql({"AND": [check("CheckValue", Value=None)]}) == plain
    renamed = {"CheckFunction": "CheckNotValue", "CheckCondition": "a", "Value": None}
    assert checks.sql(renamed) == checks.sql(check("CheckNotValue", Value=None))


def test_a_check_function_that_nobody_taught_is_an_error() -> None:
    with pytest.raises(UnknownCheckError, match="CheckMoon"):
        Checks({}).sql(check("CheckMoon"))


def test_every_check_and_condition_of_the_file_can_be_run() -> None:
    checks = Checks({})
    leaves = [rule for rule in RULES.values() if rule.requirement and not rule.parts]
    for rule in leaves:
        for node in (rule.requirement, *rule.conditions):
            checks.sql(node)
    assert len(RULES) == 621
    assert len(leaves) == 277


def test_what_holds_for_a_composite_holds_for_its_parts() -> None:
    sign = RULES["ListUnitPrice-C-008-M"]
    assert sign.conditions == ({"CheckFunction": "CheckNotValue", "ColumnName": "ListUnitPrice", "Value": None},)
    assert sign.criteria == ("PUBLIC_PRICE_LIST_SUPPORTED",)
    # of two ways up, one of them through a composite rule of its own, the rule takes the looser
    assert RULES["CommitmentDiscountName-C-004-C"].criteria == ("COMMITMENT_DISCOUNT_SUPPORTED",)


def test_a_composite_fails_with_what_it_demands_and_not_with_what_it_recommends() -> None:
    bare = {"CheckFunction": "CheckValue", "ColumnName": "a"}
    parts = {
        "demand": Rule("demand", "MUST", "", "", bare | {"Value": "x"}, (), ()),
        "wish": Rule("wish", "SHOULD", "", "", bare | {"Value": "y"}, (), ()),
        "other": Rule("other", "MUST", "", "", bare | {"Value": "z"}, (), ()),
    }

    def whole(word: str, *names: str) -> Status:
        items = [{"CheckFunction": "CheckModelRule", "ModelRuleId": name} for name in names]
        rule = Rule("whole", "MUST", "", "Composite", {"CheckFunction": word, "Items": items}, (), ())
        with duckdb.connect() as connection:
            connection.register("rows", pa.table({"a": ["x"]}))
            return run_rules(connection, "rows", parts | {"whole": rule}, {})["whole"].status

    assert whole("AND", "demand", "wish") is Status.PASS
    assert whole("AND", "demand", "other") is Status.FAIL
    assert whole("OR", "demand", "other") is Status.PASS
    assert whole("OR", "other") is Status.FAIL


def test_of_alternatives_each_row_takes_its_own() -> None:
    bare = {"CheckFunction": "CheckValue", "ColumnName": "a"}
    parts = {value: Rule(value, "MUST", "", "", bare | {"Value": value}, (), ()) for value in ("x", "y")}
    items = [{"CheckFunction": "CheckModelRule", "ModelRuleId": name} for name in parts]
    rules = parts | {"one": Rule("one", "MUST", "", "Composite", {"CheckFunction": "OR", "Items": items}, (), ())}
    with duckdb.connect() as connection:
        connection.register("rows", pa.table({"a": ["x", "y", "z"]}))
        outcomes = run_rules(connection, "rows", rules, {})
    assert (outcomes["x"].broken, outcomes["y"].broken, outcomes["one"].broken) == (2, 2, 1)


def test_reasons_speak_of_rules_and_criteria_that_exist() -> None:
    assert set(REASONS) | set(READINGS) <= set(RULES)
    assert not set(REASONS) & set(READINGS)
    assert set(UNMET) <= set(MODEL["ApplicabilityCriteria"])


def test_the_public_sample_fails_where_a_count_by_hand_says_so() -> None:
    with gzip.open(SAMPLE, "rt") as handle:
        rows = list(csv.DictReader(handle))
    with duckdb.connect() as connection:
        connection.execute(f"create table sample as from read_csv('{SAMPLE}', nullstr = 'NULL', all_varchar = true)")
        outcomes = run_rules(connection, "sample", RULES, {})
    known = [row for row in rows if row["ResourceId"] != "NULL"]
    untyped = [row for row in known if row["ResourceType"] == "NULL"]
    assert (outcomes["ResourceType-C-005-C"].rows, outcomes["ResourceType-C-005-C"].broken) == (
        len(known),
        len(untyped),
    )
    frequencies = {"One-Time", "Recurring", "Usage-Based"}
    assert outcomes["ChargeFrequency-C-003-M"].broken == sum(row["ChargeFrequency"] not in frequencies for row in rows)
    assert outcomes["CostAndUsage-D-033-O"].broken == len(rows)  # FOCUS 1.0 has no InvoiceId
    assert outcomes["BilledCost-C-001-M"].broken == len(rows)  # all of it is text here
    assert outcomes["BilledCost-C-002-M"].status is Status.PASS


SOUND: dict[str, Any] = {
    "BilledCost": Decimal("1.5"), "BillingCurrency": "USD", "BillingPeriodStart": NOW,
    "BillingPeriodEnd": datetime(2026, 12, 1, tzinfo=UTC), "ChargePeriodStart": NOW,
    "ChargePeriodEnd": datetime(2026, 11, 2, tzinfo=UTC), "ChargeCategory": "Usage", "ChargeClass": None,
    "CommitmentDiscountId": "ro-1", "CommitmentDiscountStatus": "Used", "ContractedCost": Decimal("1.5"),
    "ContractedUnitPrice": Decimal("0.5"), "EffectiveCost": Decimal("1.5"), "ListCost": Decimal(3),
    "ListUnitPrice": Decimal(1), "PricingCategory": "Committed", "PricingQuantity": Decimal(3),
    "SkuPriceDetails": '{"x_ModelId": "a"}', "Tags": None, "AllocatedTags": None, "x_Team": "search",
}  # fmt: skip
_CREDIT = {"ChargeCategory": "Credit", "CommitmentDiscountId": None, "PricingQuantity": None}


def own(row: dict[str, Any]) -> set[str]:
    """The rules with a check of ours that a row breaks."""
    texts = ("ChargeClass", "CommitmentDiscountId", "CommitmentDiscountStatus", "Tags", "AllocatedTags")
    columns = {name: pa.array([value], pa.string() if name in texts else None) for name, value in row.items()}
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.register("rows", pa.table(columns))
        run_rules(connection, "rows", {}, {})
        return {rule_id for rule_id, holds in own_outcomes(connection, RULES).items() if not holds}


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ({}, set()),
        ({"BillingCurrency": "usd"}, {"CurrencyFormat-A-001-C"}),
        ({"ChargePeriodEnd": NOW}, {"ChargePeriodEnd-C-004-M"}),
        ({"BillingPeriodEnd": NOW}, {"BillingPeriodEnd-C-004-M"}),
        ({"PricingCategory": "Standard"}, {"PricingCategory-C-009-C"}),
        ({"CommitmentDiscountStatus": None}, {"DiscountHandling-A-014-C"}),
        ({"ContractedUnitPrice": Decimal("0.6")}, {"ContractedCost-C-009-C", "PricingQuantity-C-009-C"}),
        ({"ListUnitPrice": Decimal("0.6")}, {"PricingQuantity-C-009-C"}),
        (_CREDIT | {"ListCost": Decimal(0)}, {"ListCost-C-008-C"}),
        (_CREDIT | {"ListCost": Decimal("1.5"), "EffectiveCost": Decimal(0)}, {"EffectiveCost-C-010-C"}),
        ({"SkuPriceDetails": '{"ModelId": "a"}'}, {"SkuPriceDetails-C-002-O", "SkuPriceDetails-C-017-C"}),
        ({"SkuPriceDetails": '{"x_model": "a"}'}, {"SkuPriceDetails-C-002-O"}),
        ({"Tags": '{"a": {}}'}, {f"KeyValueFormat-A-00{number}-M" for number in range(1, 5)}),
        ({"x_Team": " "}, {"NullHandling-A-001-C", "NullHandling-A-002-M", "StringHandling-A-007-M"}),
        ({"Team": "search"}, {"ColumnHandling-A-010-M"}),
        ({"x_owner": "search"}, {"ColumnHandling-A-001-M"}),
        ({"ListCost2": "x"}, {"ColumnHandling-A-010-M"}),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_a_check_of_ours_sees_what_breaks_its_rule(change: dict[str, Any], broken: set[str]) -> None:
    assert own(SOUND | change) == broken


def test_a_column_of_focus_behind_a_custom_one_breaks_the_order() -> None:
    assert own(SOUND | {"ServiceName": "x"}) == {"ColumnHandling-A-012-O", "ColumnHandling-A-013-O"}
