"""Unit prices out of a cost and a quantity: whatever they are, the cost comes back to its last digit."""

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

MONEY = pa.decimal128(38, 12)
_cost = st.decimals(min_value=-99_999_999, max_value=99_999_999, places=12)
_quantity = st.decimals(min_value=Decimal("0.000000000001"), max_value=99_999_999_999, places=12)


@pytest.fixture(scope="module")
def unit_price(compile_inline: Callable[[str], str]) -> Callable[[Decimal | None, Decimal | None], Decimal | None]:
    sql = compile_inline("select {{ unit_price('cost', 'quantity') }} as price from priced")
    connection = duckdb.connect()

    def price(cost: Decimal | None, quantity: Decimal | None) -> Decimal | None:
        priced = pa.table({"cost": pa.array([cost], MONEY), "quantity": pa.array([quantity], MONEY)})
        connection.register("priced", priced)
        row = connection.execute(sql).fetchone()
        assert row is not None
        return row[0]

    return price


@given(cost=_cost, quantity=_quantity)
@example(cost=Decimal("98.476509140000"), quantity=Decimal("1036594.833000000000"))
@example(cost=Decimal("0.000000000001"), quantity=Decimal(99_999_999_999))
@example(cost=Decimal("99999999.999999999999"), quantity=Decimal("99999999999.999999999999"))
@settings(max_examples=400, deadline=None)
def test_price_times_quantity_is_the_cost(
    unit_price: Callable[[Decimal | None, Decimal | None], Decimal | None], cost: Decimal, quantity: Decimal
) -> None:
    with localcontext(prec=90, rounding=ROUND_HALF_EVEN):
        price = unit_price(cost, quantity)
        if cost < 0 or cost >= quantity * 10**10:
            assert price is None
            return
        assert price is not None
        assert (price * quantity).quantize(Decimal("1e-12")) == cost
        assert abs(price - cost / quantity) < Decimal("1e-20")
    # what is taken back has the price that was charged
    assert unit_price(-cost, -quantity) == price


@pytest.mark.parametrize(
    ("cost", "quantity", "expected"),
    [
        ("3", "1000", "0.003"),
        ("1", "3", "0.333333333333333333333333"),
        ("2", "3", "0.666666666666666666666667"),
        ("0.000000000001", "100000000000", None),
        ("100000000", "5", None),
        ("0", "5", "0"),
        ("5", "0", None),
        (None, "5", None),
        ("5", None, None),
    ],
)
def test_a_price_is_rounded_once_and_unknown_without_a_quantity(
    unit_price: Callable[[Decimal | None, Decimal | None], Decimal | None],
    cost: str | None,
    quantity: str | None,
    expected: str | None,
) -> None:
    found = unit_price(Decimal(cost) if cost else None, Decimal(quantity) if quantity else None)
    assert found == (Decimal(expected) if expected else None)
