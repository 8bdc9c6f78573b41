from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import truth
from emulator.truth import BILL_DECIMALS, CHARGE_SCHEMA, USAGE_SCHEMA, as_doubles, bill_units, money_column

PRICES = st.decimals(min_value=0, max_value=100, places=6)
TOKENS = st.integers(min_value=-(10**12), max_value=10**12)


def charge(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "provider": "aws",
        "billing_account_id": "1",
        "billing_month": date(2026, 11, 1),
        "charge_date": date(2026, 11, 3),
        "workload_id": "w",
        "team": "search",
        "product": "p",
        "model": "nova-lite",
        "token_class": "input",
        "billing_currency": "USD",
        "billed_cost": Decimal("0.000000000012"),
        "visible_from": datetime(2026, 11, 4, 12, tzinfo=UTC),
        "visible_to": None,
        "stream_id": "s",
    }
    return {name: [value] for name, value in {**values, **changes}.items()}


def test_ten_decimal_bill_rows_are_exact() -> None:
    # 1,234,567 tokens at USD 3.30 per million = 4.0740711 USD
    assert bill_units(np.array([1_234_567]), Decimal("3.30"), per=1_000_000).tolist() == [40_740_711_000]


@pytest.mark.parametrize(("tokens", "expected"), [(1, 0), (3, 2), (5, 2), (-1, 0), (-3, -2), (2, 1)], ids=str)
def test_half_a_unit_goes_to_the_even_neighbour(tokens: int, expected: int) -> None:
    assert bill_units(np.array([tokens]), Decimal("0.5"), decimals=0).tolist() == [expected]


@given(tokens=st.lists(TOKENS, max_size=20), price=PRICES)
def test_bill_rows_equal_decimal_arithmetic(tokens: list[int], price: Decimal) -> None:
    step = Decimal(1).scaleb(-BILL_DECIMALS)
    expected = [(Decimal(n) * price / 1_000_000).quantize(step, ROUND_HALF_EVEN) for n in tokens]

    units = bill_units(np.array(tokens, dtype=np.int64), price, per=1_000_000)

    assert [Decimal(int(unit)) * step for unit in units] == expected


def test_row_too_large_for_64_bits_is_refused() -> None:
    with pytest.raises(OverflowError):
        bill_units(np.array([10**15]), Decimal("1000"))
    with pytest.raises(OverflowError):
        money_column(np.array([2**62]))


@given(st.lists(st.integers(min_value=-(10**15) + 1, max_value=10**15 - 1), max_size=20))
def test_amounts_become_decimals_and_doubles_without_loss(units: list[int]) -> None:
    column = money_column(np.array(units, dtype=np.int64))
    expected = [Decimal(unit).scaleb(-BILL_DECIMALS) for unit in units]

    assert column.type == truth.MONEY
    assert column.to_pylist() == expected
    assert [Decimal(repr(float(value))) for value in as_doubles(np.array(units, dtype=np.int64))] == expected


def test_double_with_more_than_fifteen_digits_is_refused() -> None:
    with pytest.raises(OverflowError, match="fifteen"):
        as_doubles(np.array([10**15]))


def test_charges_keep_decimals_and_open_ends(tmp_path: Path) -> None:
    rows = truth.table(CHARGE_SCHEMA, charge())
    truth.write_charges(tmp_path, [rows, rows], [])

    read = pq.read_table(tmp_path / "charges.parquet")
    assert read.schema.equals(CHARGE_SCHEMA)
    assert read["billed_cost"].to_pylist() == [Decimal("0.000000000012")] * 2
    assert read["visible_to"].null_count == 2
    assert pq.read_table(tmp_path / "out_of_scope.parquet").schema.equals(CHARGE_SCHEMA)


def test_table_with_other_columns_is_refused(tmp_path: Path) -> None:
    rows = truth.table(CHARGE_SCHEMA, charge()).drop_columns(["stream_id"])

    with pytest.raises(ValueError, match="stream_id"):
        truth.write_charges(tmp_path, [rows], [])


def test_missing_column_is_refused() -> None:
    values = charge()
    del values["team"]

    with pytest.raises(KeyError, match="team"):
        truth.table(CHARGE_SCHEMA, values)


def test_arrays_are_cast_to_the_schema() -> None:
    rows = truth.table(CHARGE_SCHEMA, {**charge(), "team": pa.array(["search"], pa.large_string())})

    assert rows.schema.equals(CHARGE_SCHEMA)


def test_truth_has_the_columns_that_tests_rely_on() -> None:
    promised = (
        "provider, billing_account_id, billing_month, charge_date, workload_id, team, product, model, token_class, "
        "billing_currency, billed_cost, visible_from, visible_to"
    )

    assert ", ".join(CHARGE_SCHEMA.names[:-1]) == promised
    assert ", ".join(USAGE_SCHEMA.names) == (
        "provider, usage_date, workload_id, team, product, model, input_tokens, output_tokens, cache_read_tokens, "
        "cache_write_tokens, request_count"
    )
    assert ", ".join(truth.INCIDENT_SCHEMA.names) == (
        "incident_id, kind, provider, team, product, start_date, end_date, impact_usd, is_spike, verdict"
    )
