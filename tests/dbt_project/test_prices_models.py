"""The dimensions: a price for each day, list and contract side by side; teams and workloads by date; and the guards."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ingest.contracts import StreamContract
from ingest.landing import Landing
from ingest.registry import contracts
from ingest.run import Run
from ingest.sources.config import ALL_TIME
from ingest.sources.prices import CAPACITY_PRICES, DISCOUNTS, LIST_PRICES, NEGOTIATED_PRICES
from tests.dbt_project.conftest import AS_OF, Home, new_home
from tests.dbt_project.interfaces import usage

Rows = list[dict[str, Any]]
# cautious: tests that also need another cloud's tables stay out
DIMENSIONS = (
    "build",
    "--indirect-selection",
    "cautious",
    "--select",
    "stg_prices__*",
    *(f"+dim_{name}" for name in ("price", "model", "team", "workload")),
)

KEY = {
    "provider": "azure",
    "model": "gpt-4o",
    "region_class": "global",
    "token_class": "input",
    "service_tier": "standard",
    "context_band": "default",
    "price_source": "a list",
    "source_id": "gpt-4o",
    "source_date": date(2026, 11, 1),
}
OUTPUT = KEY | {"token_class": "output"}
MINI = KEY | {"model": "gpt-4o-mini"}
SPRING, SUMMER, AUTUMN = date(2026, 3, 1), date(2026, 6, 1), date(2026, 9, 1)

LIST_ROWS: Rows = [
    KEY | {"usd_per_mtok": "2.50", "valid_from": date(2020, 1, 1), "valid_to": SUMMER},
    KEY | {"usd_per_mtok": "2.00", "valid_from": SUMMER},
    OUTPUT | {"usd_per_mtok": "10", "valid_from": date(2020, 1, 1)},
    MINI | {"usd_per_mtok": "0.15", "valid_from": date(2020, 1, 1)},
    # seven and a half per cent off ends in an exact tie at the thirteenth decimal
    MINI | {"token_class": "cache_read", "usd_per_mtok": "0.000000000020", "valid_from": date(2020, 1, 1)},
]
NEGOTIATED_ROWS: Rows = [
    OUTPUT | {"usd_per_mtok": "9", "valid_from": SUMMER, "valid_to": AUTUMN, "price_source": "a contract"},
    # no list has a price for this one
    MINI | {"token_class": "output", "usd_per_mtok": "0.55", "valid_from": SUMMER, "price_source": "a contract"},
]
_DISCOUNT = {"provider": "azure", "price_source": "a contract", "source_date": date(2026, 1, 1)}
DISCOUNT_ROWS: Rows = [
    _DISCOUNT | {"discount_id": "all", "model_pattern": "GPT-*", "discount_pct": "5", "valid_from": SPRING},
    _DISCOUNT | {"discount_id": "mini", "model_pattern": "gpt-4o-mini", "discount_pct": "7.5", "valid_from": AUTUMN},
    _DISCOUNT
    | {"discount_id": "other", "provider": "gcp", "model_pattern": "*", "discount_pct": "50", "valid_from": SPRING},
]
_CAPACITY = {"provider": "azure", "unit_kind": "ptu", "sku_scope": "global", "term": "hourly", "price_source": "a page"}
CAPACITY_ROWS: Rows = [
    _CAPACITY | {"usd_per_unit_hour": "1", "valid_from": date(2025, 1, 1)},
    _CAPACITY
    | {
        "model": "gpt-4o",
        "usd_per_unit_hour": "0.356164383562",
        "tokens_per_minute_per_unit": 2500,
        "output_weight": "4",
        "cached_weight": "0",
        "valid_from": date(2025, 1, 1),
    },
]


GHOST = {"native_team": "ghost", "native_method": "resource_tag"}
USAGE_ROWS: Rows = [
    usage("moved/chat", usage_date=date(2026, 10, 1), **GHOST),
    usage("moved/chat", usage_date=date(2026, 10, 5), **GHOST),
    usage("moved/chat", usage_date=date(2026, 11, 10)),
    usage("resting/chat", usage_date=date(2026, 11, 4)),
    usage("gone/chat", usage_date=date(2026, 11, 3)),
]


def land(home: Path, contract: StreamContract, rows: Rows) -> None:
    landing = Landing(str(home / "landing"), Run("run-test", AS_OF), accept_shrink=True)
    landing.ensure_anchors(contracts())
    table = pa.Table.from_pylist(rows, schema=contract.schema)
    landing.write(contract, scope="all", window=ALL_TIME, batches=[table])


def prices_home(path: Path, list_rows: Rows) -> Home:
    home = new_home(path, {"int_azure_usage_daily": USAGE_ROWS})
    for contract, rows in (
        (LIST_PRICES, list_rows),
        (NEGOTIATED_PRICES, NEGOTIATED_ROWS),
        (DISCOUNTS, DISCOUNT_ROWS),
        (CAPACITY_PRICES, CAPACITY_ROWS),
    ):
        land(path, contract, rows)
    return home


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = prices_home(tmp_path_factory.mktemp("priced"), LIST_ROWS)
    finished = home.dbt(*DIMENSIONS)
    assert finished.returncode == 0, finished.stdout[-4000:]
    return home


def steps(home: Home, model: str, token_class: str) -> list[tuple[Any, ...]]:
    rows = home.query(
        "select usd_per_mtok, contract_usd_per_mtok, contract_basis, discount_id, valid_from, valid_to from dim_price"
        f" where model = '{model}' and token_class = '{token_class}' order by valid_from"
    )
    return [tuple(row.values()) for row in rows]


def test_a_new_list_price_and_a_discount_each_open_a_new_interval(priced: Home) -> None:
    # 2.50 x 0.95 and 2.00 x 0.95
    assert steps(priced, "gpt-4o", "input") == [
        (Decimal("2.5"), Decimal("2.5"), "list", None, date(2020, 1, 1), SPRING),
        (Decimal("2.5"), Decimal("2.375"), "discount", "all", SPRING, SUMMER),
        (Decimal("2"), Decimal("1.9"), "discount", "all", SUMMER, None),
    ]


def test_a_negotiated_price_takes_no_discount_and_gives_way_when_it_ends(priced: Home) -> None:
    # 10 x 0.95
    assert steps(priced, "gpt-4o", "output") == [
        (Decimal("10"), Decimal("10"), "list", None, date(2020, 1, 1), SPRING),
        (Decimal("10"), Decimal("9.5"), "discount", "all", SPRING, SUMMER),
        (Decimal("10"), Decimal("9"), "negotiated", None, SUMMER, AUTUMN),
        (Decimal("10"), Decimal("9.5"), "discount", "all", AUTUMN, None),
    ]


def test_of_two_discounts_the_larger_counts(priced: Home) -> None:
    # 0.15 x 0.95 and 0.15 x 0.925
    assert [row[1:4] for row in steps(priced, "gpt-4o-mini", "input")] == [
        (Decimal("0.15"), "list", None),
        (Decimal("0.1425"), "discount", "all"),
        (Decimal("0.13875"), "discount", "mini"),
    ]


def test_a_discounted_price_is_rounded_half_to_even_at_twelve_decimals(priced: Home) -> None:
    # 20e-12 x 0.925 = 18.5e-12, a tie: 18 is even
    assert steps(priced, "gpt-4o-mini", "cache_read")[-1][1] == Decimal("0.000000000018")


def test_a_price_that_only_the_contract_knows_has_no_list_price(priced: Home) -> None:
    assert steps(priced, "gpt-4o-mini", "output") == [
        (None, Decimal("0.55"), "negotiated", None, SUMMER, AUTUMN),
        (None, Decimal("0.55"), "negotiated", None, AUTUMN, None),
    ]


def test_a_model_says_which_clouds_price_it(priced: Home) -> None:
    sold = "select is_priced_on_aws, is_priced_on_gcp, is_priced_on_azure, developer from dim_model where model = "

    assert tuple(priced.one(f"{sold} 'gpt-4o'").values()) == (False, False, True, "OpenAI")
    assert tuple(priced.one(f"{sold} 'nova-pro'").values()) == (False, False, False, "Amazon")


def test_a_workload_ends_a_week_after_it_fell_silent(priced: Home) -> None:
    rows = priced.query("select workload_id, team, is_active, valid_from, valid_to from dim_workload order by all")

    assert [tuple(row.values()) for row in rows] == [
        ("gone/chat", "unallocated", False, date(2026, 11, 3), date(2026, 11, 4)),
        ("moved/chat", "ghost", False, date(2026, 10, 1), date(2026, 10, 6)),
        ("moved/chat", "unallocated", True, date(2026, 11, 10), None),
        ("resting/chat", "unallocated", True, date(2026, 11, 4), None),
    ]


def test_a_team_that_only_a_tag_names_is_shown_as_undeclared(priced: Home) -> None:
    undeclared = priced.query("select team, team_name, valid_from from dim_team where not is_declared order by team")

    assert [tuple(row.values()) for row in undeclared] == [
        ("ghost", "ghost", date(2026, 10, 1)),
        ("unallocated", "Unallocated", date(2026, 11, 3)),
    ]
    assert priced.one("select team_name from dim_team where team = 'search' and is_declared") == {"team_name": "Search"}


def test_capacity_is_read_as_exact_numbers(priced: Home) -> None:
    # a staging view names its files relative to the home
    row = priced.one(
        f"set file_search_path = '{priced.path}'; from staging.stg_prices__capacity_prices where model = 'gpt-4o'"
    )

    assert (row["usd_per_unit_hour"], row["tokens_per_minute_per_unit"]) == (Decimal("0.356164383562"), 2500)
    assert (row["output_weight"], row["cached_weight"]) == (Decimal("4"), Decimal("0"))


def test_the_build_stops_when_intervals_overlap_or_leave_a_gap(tmp_path: Path) -> None:
    spring = {"usd_per_mtok": "1", "valid_from": SPRING}
    summer = {"usd_per_mtok": "2", "valid_from": SUMMER}
    home = prices_home(
        tmp_path / "home",
        [
            *(KEY | spring | {"valid_to": date(2026, 6, 2)}, KEY | summer),
            *(OUTPUT | spring | {"valid_to": None}, OUTPUT | summer),
            *(MINI | spring | {"valid_to": SPRING}, MINI | {"model": "gpt-5"} | summer),
            *(
                KEY | {"model": "gpt-5-mini"} | spring | {"valid_to": date(2026, 5, 31)},
                KEY | {"model": "gpt-5-mini"} | summer,
            ),
            *(KEY | {"model": "gpt-4.1"} | spring | {"valid_to": SUMMER}, KEY | {"model": "gpt-4.1"} | summer),
        ],
    )
    finished = home.dbt("build", "--select", "stg_prices__list_prices")

    assert finished.returncode != 0
    # a day twice, a price never closed, a price without a day; the one that follows on to the day is no failure
    assert failures(finished.stdout, "no_overlap_stg_prices__list_prices") == 3
    assert failures(finished.stdout, "no_gap_stg_prices__list_prices") == 1


def failures(log: str, test: str) -> int:
    """How many rows a failed dbt test found."""
    found = re.search(rf"Failure in test {test}.*?Got (\d+) result", log, re.DOTALL)
    assert found is not None, log[-3000:]
    return int(found[1])


def test_the_bills_own_price_stands_beside_list_and_contract(built: Home) -> None:
    """2.5, 2 and a discount of 0.5 for two million tokens; the list says 2.5 on the ninth and 2 from the tenth on."""
    row = built.one(
        "select * from fct_effective_price where model = 'gpt-5.5' and token_class = 'input' "
        "and region_class = 'global' and service_tier = 'standard'"
    )
    assert (row["tokens"], row["billed_usd"], row["contract_usd"]) == (2_000_000, Decimal(4), Decimal("4.5"))
    assert row["billed_usd_per_mtok"] == Decimal(2)
    assert row["list_usd_per_mtok"] == row["contract_usd_per_mtok"] == Decimal("2.25")
    assert row["difference_usd"] == Decimal("-0.5")
    assert row["difference_usd_per_mtok"] == Decimal("-0.25")


@pytest.mark.parametrize(
    ("where", "billed", "contract"),
    [
        pytest.param("service_tier = 'flex'", Decimal(1), None, id="no price known"),
        pytest.param("region_class = 'geo'", None, None, id="tokens unknown"),
        pytest.param("region_class = 'regional'", Decimal(0), None, id="free of charge is 0, not unknown"),
    ],
)
def test_a_price_that_cannot_be_compared_is_unknown(
    built: Home, where: str, billed: Decimal | None, contract: Decimal | None
) -> None:
    row = built.one(f"select * from fct_effective_price where model = 'gpt-5.5' and token_class = 'input' and {where}")
    assert row["billed_usd_per_mtok"] == billed
    assert row["contract_usd_per_mtok"] == contract
    assert row["difference_usd"] is None
