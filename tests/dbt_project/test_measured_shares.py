"""Who bears a shared deployment, against shares that are worked out a second time, in fractions and hour by hour.

A sum that comes out right says nothing about the parts, so the parts themselves are compared.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.dbt_project.conftest import Home, new_home
from tests.dbt_project.interfaces import capacity_hour, charge, landed_totals, usage
from tests.dbt_project.scenario import config_rows
from tests.dbt_project.shares_reckoning import (
    DAY,
    START,
    UNIT,
    Parts,
    billed,
    call,
    expected_parts,
    expected_weights,
    generated,
    hour,
)

SEEDS = range(120)
GENERATED = [generated(seed) for seed in SEEDS]

# by hand: an hour in which the log saw all, one in which it saw a quarter, one in which it saw more than the meter
HAND_HOURS = [hour("hand", 1, (100, 0, 0, 10)), hour("hand", 2, (400, 0, 0, 10)), hour("hand", 3, (50, 0, 0, 0))]
HAND_CALLS = [
    call("hand", 1, "search", (60, 0, 0, 10)),
    call("hand", 1, "docs", (40, 0, 0, 0)),
    call("hand", 2, "docs", (100, 0, 0, 0)),
    call("hand", 3, "search", (100, 0, 0, 0)),
]
OTHER_LOG = [call("hand", 1, "growth", (5, 0, 0, 0), source="otel_genai")]
NAMED_CALLS = [
    call("named", 1, "search", (60, 0, 0, 0), native_product="rewrite", native_environment="prod"),
    call("named", 1, "search", (20, 0, 0, 0), native_product="ranking"),
]
CAPACITY = [
    capacity_hour("ptu", START, sub_account_id="sub-shared", utilization_ratio=Decimal("0.5")),
    capacity_hour("ptu", START + timedelta(hours=1), sub_account_id="sub-shared", utilization_ratio=Decimal(0)),
]
CAPACITY_CALLS = [call("ptu", 0, "search", (300, 0, 0, 0)), call("ptu", 0, "docs", (100, 0, 0, 0))]
RESERVED = {"provider": "azure", "sub_account_id": "sub-shared", "workload_id": "ro-1", "charge_date": DAY}
RESERVATION = [
    RESERVED | {"source": "azure_reservations", "token_kind": "other", "method": "capacity_share"} | part
    for part in ({"team": "search", "weight": 2_000_000}, {"team": None, "weight": 1_000_000})
]

CHARGES = [row for costs, _, _ in GENERATED for row in costs] + [
    billed("hand", "input", Decimal("6.5"), 550),
    billed("hand", "output", Decimal(2), 20),
    billed("hand", "input", Decimal(1), resource_id="tagged", native_team="risk", native_method="resource_tag"),
    billed("named", "input", Decimal(10), native_product="of the charge", native_environment="dev"),
    billed("unmetered", "input", Decimal(1)),
    billed("ptu", "other", Decimal(20), pricing_category="provisioned", service_tier="provisioned"),
    billed("ro-1", "other", Decimal(9), model=None, charge_category="Purchase", effective_cost=None),
    # what splits take: a team's own, in a chain, and what nobody owns
    charge(
        "sub-a",
        workload_id="a",
        native_team="platform",
        native_method="deployment_tag",
        native_evidence="team=platform",
        billed_cost=Decimal(10),
    ),
    charge("sub-b", workload_id="b", billed_cost=Decimal("0.000000000001")),
    charge("sub-c", workload_id="c", native_team="mobile", native_method="resource_tag", billed_cost=Decimal(3)),
    charge("sub-c", workload_id="c2", native_team="payments", native_method="resource_tag", billed_cost=Decimal(1)),
    charge("sub-d", workload_id="d", native_team="tools", native_method="resource_tag", billed_cost=Decimal(8)),
    charge(
        "sub-d",
        workload_id="d2",
        native_team="tools",
        native_method="resource_tag",
        billed_cost=Decimal(8),
        charge_date=date(2026, 11, 9),
    ),
]

USAGE = [
    usage(
        "hand", sub_account_id="sub-shared", input_tokens=550, output_tokens=20, cache_read_tokens=None,
        cache_write_tokens=None, request_count=12, throttled_count=3, error_count=1,
    )
]  # fmt: skip


def split(split_id: str, level: int, pattern: str, team: str, share: str | None, field: str = "team") -> dict[str, Any]:
    base = {"split_id": split_id, "chain_level": level, "field": field, "pattern": pattern, "priority": 100}
    basis = {"basis": "measured" if share is None else "fixed", "valid_from": date(2025, 1, 1)}
    return base | basis | {"team": team, "share": share}


SPLIT_ROWS = [
    split("platform-costs", 0, "platform", "ops", "0.7"),
    split("platform-costs", 0, "platform", "platform", "0.3"),
    split("ops-costs", 1, "ops", "search", "0.333333333333"),
    split("ops-costs", 1, "ops", "docs", "0.666666666667"),
    split("nobody", 0, "sub-b", "search", "0.5", field="subscription"),
    split("nobody", 0, "sub-b", "docs", "0.5", field="subscription"),
    split("tools-costs", 0, "tools", "mobile", None),
    split("tools-costs", 0, "tools", "payments", None),
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    rows = {
        "int_azure_charges": CHARGES,
        "int_azure_landed_totals": landed_totals(CHARGES),
        "int_azure_workload_hours": [row for _, hours, _ in GENERATED for row in hours]
        + [*HAND_HOURS, hour("named", 1, (100, 0, 0, 0))],
        "int_gateway_logged_usage": [row for _, _, calls in GENERATED for row in calls]
        + HAND_CALLS
        + NAMED_CALLS
        + OTHER_LOG
        + CAPACITY_CALLS
        + [call("unmetered", 1, "search", (5, 0, 0, 0))],
        "int_azure_usage_daily": USAGE,
        "int_azure_capacity_hourly": CAPACITY,
        "int_azure_reservation_shares": RESERVATION,
    }
    config = {"scope_rules": config_rows()["scope_rules"], "splits": SPLIT_ROWS}
    home = new_home(tmp_path_factory.mktemp("shared"), rows, config=config)
    yield home.build()


def parts_of(home: Home, workload: str) -> Parts:
    rows = home.query(
        "select token_class, charge_date, team, sum(billed_cost) as billed_cost "
        f"from intermediate.int_charges_attributed where workload_id = '{workload}' "
        "and resource_id is distinct from 'tagged' group by all"
    )
    return {(row["token_class"], row["team"]): row["billed_cost"] for row in rows if row["charge_date"] == DAY}


@pytest.mark.parametrize("seed", SEEDS)
def test_shares_are_those_of_an_independent_reckoning(shared: Home, seed: int) -> None:
    costs, hours, calls = generated(seed)
    wanted: Parts = {}
    for row in costs:
        kind = "cache_write" if row["token_class"].startswith("cache_write") else row["token_class"]
        weights = expected_weights(hours, calls, kind)
        named = any(call["native_team"] for call in calls)
        parts = expected_parts(row["billed_cost"], weights) if weights and named else {None: row["billed_cost"]}
        for team, part in parts.items():
            wanted[row["token_class"], team or "unallocated"] = part
    assert parts_of(shared, f"shared/{seed}") == wanted


def test_the_part_that_no_log_explains_stays_a_line_of_its_own(shared: Home) -> None:
    # input: search 60 + 100, docs 40 + 100, nobody 300 of 600; output: search 10, nobody 10
    assert parts_of(shared, "hand") == {
        ("input", "search"): Decimal("1.733333333333"),
        ("input", "docs"): Decimal("1.516666666667"),
        ("input", "unallocated"): Decimal("3.25"),
        ("output", "search"): Decimal(1),
        ("output", "unallocated"): Decimal(1),
    }


def test_tokens_and_requests_are_shared_as_their_cost_is(shared: Home) -> None:
    rows = shared.query(
        "select team, attribution_method, input_tokens, output_tokens, cache_read_tokens, request_count, "
        "throttled_count, error_count from fct_tokens_daily where workload_id = 'hand' order by team"
    )
    # of 600 weighed prompt tokens docs has 140 and search 160; each call of the log stands for two requests
    assert [tuple(row.values()) for row in rows] == [
        ("docs", "gateway_share", 128, 0, None, 4, 0, 0),
        ("search", "gateway_share", 146, 10, None, 4, 0, 0),
        ("unallocated", "unallocated", 276, 10, None, 4, 3, 1),
    ]


def test_a_split_charge_says_which_log_decided(shared: Home) -> None:
    row = shared.one(
        "select attribution_method, attribution_evidence, attribution_confidence, consumed_tokens "
        "from intermediate.int_charges_attributed where workload_id = 'hand' and team = 'docs'"
    )
    assert row == {
        "attribution_method": "gateway_share",
        "attribution_evidence": "log litellm",
        "attribution_confidence": "medium",
        "consumed_tokens": 550 * 140 // 600,
    }


def test_a_share_carries_the_product_and_environment_that_used_it(shared: Home) -> None:
    rows = shared.query(
        "select team, product, environment, billed_cost from fct_spend_daily where workload_id = 'named' order by all"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("search", "ranking", None, 2),
        ("search", "rewrite", "prod", 6),
        ("unallocated", "of the charge", "dev", 2),
    ]


def test_a_tag_stands_above_a_log_and_a_log_without_a_meter_shares_nothing(shared: Home) -> None:
    tagged = shared.one("select team, billed_cost from fct_spend_daily where team = 'risk'")
    assert tagged == {"team": "risk", "billed_cost": 1}
    assert parts_of(shared, "unmetered") == {("input", "unallocated"): 1}


def test_bought_hours_are_shared_by_use_and_idle_ones_are_nobodys(shared: Home) -> None:
    # ten units over two hours, five used in the first: 3.75 by search, 1.25 by docs, 15 idle
    assert parts_of(shared, "ptu") == {
        ("other", "search"): Decimal("3.75"),
        ("other", "docs"): Decimal("1.25"),
        ("other", "unallocated"): Decimal(15),
    }
    assert parts_of(shared, "ro-1") == {("other", "search"): 6, ("other", "unallocated"): 3}
    unknown = shared.query("select effective_cost from intermediate.int_charges_attributed where workload_id = 'ro-1'")
    assert unknown == [{"effective_cost": None}] * 2


def test_splits_chain_and_sum_to_the_last_decimal(shared: Home) -> None:
    parts = parts_of(shared, "a")
    assert parts == {
        ("input", "platform"): 3,
        ("input", "search"): Decimal("2.333333333331"),
        ("input", "docs"): Decimal("4.666666666669"),
    }
    rows = shared.query(
        "select team, attribution_method, attribution_evidence, split_path, split_from_team "
        "from intermediate.int_charges_attributed where workload_id = 'a' order by team"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("docs", "rule", "split ops-costs", "platform-costs > ops-costs", "platform"),
        ("platform", "deployment_tag", "team=platform", "platform-costs", None),
        ("search", "rule", "split ops-costs", "platform-costs > ops-costs", "platform"),
    ]


def test_one_last_unit_goes_to_one_of_two_equals(shared: Home) -> None:
    assert parts_of(shared, "b") == {("input", "docs"): UNIT, ("input", "search"): 0}


def test_a_measured_split_weighs_what_each_team_was_billed_that_day(shared: Home) -> None:
    assert parts_of(shared, "d") == {("input", "mobile"): 6, ("input", "payments"): 2}
    whole = shared.one("select team, billed_cost from fct_spend_daily where charge_date = date '2026-11-09'")
    assert whole == {"team": "tools", "billed_cost": 8}
