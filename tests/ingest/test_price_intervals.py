"""Prices by day: one list spliced over another, and intervals that cannot be a price list."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import SchemaChanged
from ingest.pricing.price import UNDATED, Price, PriceKey, check, contains, joined, splice

KEY = PriceKey("azure", "gpt-4o", "global", "input", "standard", "default")


def price(usd: str, start: date = UNDATED, end: date | None = None, *, source: str = "here") -> Price:
    return Price(KEY, Decimal(usd), start, end, source, "id", None)


def day(number: int) -> date:
    return UNDATED + timedelta(days=number)


def test_a_dated_price_takes_over_on_its_day_and_not_before() -> None:
    before = price("1", UNDATED, None, source="undated")
    after = price("2", date(2026, 8, 21), None, source="dated")
    spliced = splice([before], [after])

    assert [contains(entry, date(2026, 8, 20)) for entry in spliced] == [True, False]
    assert [contains(entry, date(2026, 8, 21)) for entry in spliced] == [False, True]


intervals = st.lists(
    st.tuples(st.integers(0, 40), st.one_of(st.none(), st.integers(1, 15)), st.integers(0, 5)), max_size=6
)


def apart(drawn: list[tuple[int, int | None, int]], source: str) -> list[Price]:
    """Intervals that do not overlap, made of drawn gaps, lengths and prices."""
    found: list[Price] = []
    start = 0
    for gap, length, usd in drawn:
        start += gap
        found.append(price(str(usd), day(start), None if length is None else day(start + length), source=source))
        if length is None:
            break
        start += length
    return found


@given(intervals, intervals)
def test_splicing_gives_each_day_the_winner_if_there_is_one_and_else_the_base(
    base: list[tuple[int, int | None, int]], over: list[tuple[int, int | None, int]]
) -> None:
    low, high = apart(base, "base"), apart(over, "over")
    spliced = joined(splice(low, high))

    for number in range(320):
        moment = day(number)
        wanted = [entry for entry in high if contains(entry, moment)] or [e for e in low if contains(e, moment)]
        found = [entry for entry in spliced if contains(entry, moment)]
        assert [(e.usd_per_mtok, e.price_source) for e in found] == [(e.usd_per_mtok, e.price_source) for e in wanted]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([price("-0.01")], "-0.01 US dollars per million tokens is no price", id="negative"),
        pytest.param([price("NaN")], "NaN US dollars per million tokens is no price", id="not a number"),
        pytest.param([price("1", day(5), day(5))], "before it starts", id="empty"),
        pytest.param([price("1", day(0), day(9)), price("2", day(8))], "overlaps the price from", id="overlap"),
        pytest.param([price("1", day(0)), price("2", day(8))], "overlaps the price from", id="never closed"),
        pytest.param([price("1", day(0), day(7)), price("2", day(8))], "no price holds from", id="gap"),
    ],
)
def test_what_cannot_be_a_price_list_is_refused_with_place_and_remedy(entries: list[Price], expected: str) -> None:
    with pytest.raises(SchemaChanged, match=expected) as refused:
        check(entries)

    assert "here, id: azure gpt-4o global input" in refused.value.message
    assert "config/prices.yml" in refused.value.remedy


def test_intervals_of_other_keys_do_not_disturb() -> None:
    other = replace(price("1", day(0)), key=KEY._replace(token_class="output"))

    check([price("1", day(0), day(7)), price("2", day(7)), other])
