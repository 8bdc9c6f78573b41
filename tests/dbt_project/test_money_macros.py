"""Money is exact: one rounding at the border, half to even, and splits that lose nothing."""

import math
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from itertools import groupby
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

WIDE = Context(prec=120, rounding=ROUND_HALF_EVEN)
UNIT = Decimal("1e-12")
MONEY = pa.decimal128(38, 12)
SQL = """
-- query text
select {{ to_money('amount') }} as money from texts
-- query double
select {{ to_money('amount') }} as money from doubles
-- query quick
select {{ to_money('amount', is_double=true) }} as money from doubles
-- query product
select {{ money_mul('a', 'b') }} as money from factors
-- query tokens
select {{ tokens_cost('tokens', 'price') }} as money from priced
-- query split
{{ money_split('shares', ['origin'], 'amount', 'weight', ['team'], 'part') }}
-- query tag
select {{ tag_value('tags', 'team') }} as team from tagged
-- query end
"""


def half_even(value: Decimal) -> Decimal:
    return value.quantize(UNIT, context=WIDE)


@pytest.fixture(scope="module")
def macros(compile_inline: Callable[[str], str]) -> dict[str, str]:
    """Queries by name, as dbt compiles them."""
    parts = compile_inline(SQL).split("-- query ")
    named = (part.partition("\n") for part in parts[1:])
    return {name.strip(): query.strip() for name, _, query in named if query.strip()}


def run(query: str, name: str, table: pa.Table) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute("create schema staging")
        connection.register(name, table)
        return connection.execute(query).fetchall()


def monies(query: str, name: str, columns: dict[str, pa.Array]) -> list[Decimal | None]:
    return [row[0] for row in run(query, name, pa.table(columns))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("0.0000000000005", "0", id="tie below an even zero"),
        pytest.param("0.0000000000015", "0.000000000002", id="tie below an even two"),
        pytest.param("0.0000000000025", "0.000000000002", id="tie above an even two"),
        pytest.param("-0.0000000000025", "-0.000000000002", id="negative tie"),
        pytest.param("-0.0000000000035", "-0.000000000004", id="negative tie to the other side"),
        pytest.param("0.00000000000250000", "0.000000000002", id="tie with zeros behind"),
        pytest.param("0.00000000000250001", "0.000000000003", id="no tie, a trace above"),
        pytest.param("5e-13", "0", id="tie in exponent form"),
        pytest.param("2.5E-12", "0.000000000002", id="tie in exponent form, capital E"),
        pytest.param("-35e-13", "-0.000000000004", id="negative tie in exponent form"),
        pytest.param("0.598e-13", "0", id="small exponent form that DuckDB itself rounds up"),
        pytest.param("1.2345e+3", "1234.5", id="large exponent form"),
        pytest.param(
            "99999999999999999999999999.999999999999", "99999999999999999999999999.999999999999", id="largest"
        ),
        pytest.param(" 7.10 ", "7.10", id="spaces around"),
        pytest.param("", None, id="blank is unknown"),
        pytest.param(None, None, id="unknown stays unknown"),
    ],
)
def test_text_becomes_money(macros: dict[str, str], text: str | None, expected: str | None) -> None:
    [money] = monies(macros["text"], "texts", {"amount": pa.array([text], pa.string())})
    assert money == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize("text", ["n/a", "1,5", "0x10", "nan"])
def test_text_that_is_no_number_stops_the_build(macros: dict[str, str], text: str) -> None:
    with pytest.raises(duckdb.ConversionException):
        monies(macros["text"], "texts", {"amount": pa.array([text])})


plain = st.decimals(-(10**15), 10**15, places=13, allow_nan=False)
long_text = st.decimals(-(10**6), 10**6, places=20, allow_nan=False)
exponent = st.builds("{}e{}".format, st.decimals(-1000, 1000, places=3, allow_nan=False), st.integers(-14, 9))
tie = st.builds(lambda whole: str(Decimal(whole * 10 + 5).scaleb(-13)), st.integers(-(10**20), 10**20))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.one_of(st.one_of(plain, long_text).map(lambda value: f"{value:f}"), exponent, tie), min_size=20, max_size=80
    )
)
def test_any_number_rounds_half_to_even(macros: dict[str, str], texts: list[str]) -> None:
    got = monies(macros["text"], "texts", {"amount": pa.array(texts)})
    assert got == [half_even(Decimal(text)) for text in texts]


near_ties = st.builds(
    lambda units, step: math.nextafter(float(Decimal(units * 10 + 5).scaleb(-13)), step * math.inf) if step else
    float(Decimal(units * 10 + 5).scaleb(-13)),
    st.integers(-(10**14), 10**14), st.sampled_from([-1, 0, 1]),
)  # fmt: skip
short = st.builds(round, st.floats(-1e6, 1e6, allow_nan=False), st.integers(0, 12))
doubles = st.one_of(st.floats(-1e9, 1e9, allow_nan=False), st.floats(-1e-9, 1e-9), near_ties, short)


@pytest.mark.parametrize("way", ["double", "quick"])
@settings(max_examples=50, deadline=None)
@given(numbers=st.lists(doubles, min_size=20, max_size=80))
def test_a_double_counts_as_its_shortest_text(macros: dict[str, str], way: str, numbers: list[float]) -> None:
    got = monies(macros[way], "doubles", {"amount": pa.array(numbers, pa.float64())})
    assert got == [half_even(Decimal(repr(number))) for number in numbers]


def amounts(digits: int) -> st.SearchStrategy[Decimal]:
    return st.integers(-(10**digits), 10**digits).map(lambda units: Decimal(units).scaleb(-12))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.one_of(amounts(3), amounts(24)), st.one_of(amounts(3), amounts(13))), min_size=20, max_size=80
    )
)
def test_a_product_rounds_half_to_even_and_does_not_overflow(
    macros: dict[str, str], pairs: list[tuple[Decimal, Decimal]]
) -> None:
    columns = {"a": pa.array([a for a, _ in pairs], MONEY), "b": pa.array([b for _, b in pairs], MONEY)}
    assert monies(macros["product"], "factors", columns) == [half_even(WIDE.multiply(a, b)) for a, b in pairs]


def halves(units: int, power: int) -> tuple[Decimal, Decimal]:
    """Factors whose product lies half-way between two units of money, with the five of either."""
    return Decimal(2 * units + 1).scaleb(power - 12), Decimal(5).scaleb(-1 - power)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(amounts(15), amounts(12)),
            st.tuples(amounts(18), amounts(9)),
            st.builds(halves, st.integers(-(10**15), 10**15), st.integers(0, 6)),
            st.builds(lambda pair: (pair[1], pair[0]), st.builds(halves, st.integers(-(10**14), 10**14), st.just(2))),
        ),
        min_size=40,
        max_size=200,
    )
)
def test_products_about_the_bound_of_the_quick_way_are_as_exact(
    macros: dict[str, str], pairs: list[tuple[Decimal, Decimal]]
) -> None:
    columns = {"a": pa.array([a for a, _ in pairs], MONEY), "b": pa.array([b for _, b in pairs], MONEY)}
    assert monies(macros["product"], "factors", columns) == [half_even(WIDE.multiply(a, b)) for a, b in pairs]


def test_an_unknown_factor_makes_the_product_unknown(macros: dict[str, str]) -> None:
    one = Decimal(1)
    columns = {"a": pa.array([None, one, None], MONEY), "b": pa.array([one, None, None], MONEY)}
    assert monies(macros["product"], "factors", columns) == [None, None, None]
    priced = {"tokens": pa.array([None, 1], pa.int64()), "price": pa.array([one, None], MONEY)}
    assert monies(macros["tokens"], "priced", priced) == [None, None]


def test_a_large_amount_times_a_large_factor_fits_as_long_as_the_product_does(macros: dict[str, str]) -> None:
    columns = {"a": pa.array([Decimal(10) ** 20], MONEY), "b": pa.array([Decimal("99999.999999999999")], MONEY)}
    assert monies(macros["product"], "factors", columns) == [Decimal("9999999999999999900000000")]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(-(10**13), 10**13), st.integers(0, 10**14)),
            st.tuples(st.integers(-(10**8), 10**8), st.integers(0, 10**13)),
            # an odd number of tokens at half a unit each
            st.tuples(
                st.integers(0, 10**9).map(lambda half: 2 * half + 1),
                st.integers(0, 10**7).map(lambda part: (2 * part + 1) * 500_000),
            ),
        ),
        min_size=20,
        max_size=120,
    )
)
def test_tokens_times_a_price_per_million(macros: dict[str, str], pairs: list[tuple[int, int]]) -> None:
    prices = [Decimal(units).scaleb(-12) for _, units in pairs]
    columns = {"tokens": pa.array([tokens for tokens, _ in pairs], pa.int64()), "price": pa.array(prices, MONEY)}
    expected = [
        half_even(WIDE.multiply(Decimal(tokens) * Decimal("1e-6"), price))
        for (tokens, _), price in zip(pairs, prices, strict=True)
    ]
    assert monies(macros["tokens"], "priced", columns) == expected


def expected_parts(amount: Decimal, weights: list[int]) -> list[Decimal]:
    total = sum(weights)
    parts = [
        half_even(WIDE.divide(WIDE.multiply(amount, Decimal(weight)), Decimal(total))) if total else Decimal(0)
        for weight in weights
    ]
    largest = max(range(len(weights)), key=lambda index: (weights[index], -index))
    parts[largest] += amount - sum(parts)
    return parts


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.one_of(amounts(2), amounts(20)), st.lists(st.integers(0, 10**12), min_size=1, max_size=7)),
        min_size=1,
        max_size=20,
    )
)
def test_a_split_sums_to_its_origin_and_gives_the_rest_to_the_largest(
    macros: dict[str, str], origins: list[tuple[Decimal, list[int]]]
) -> None:
    rows = [
        (number, f"team-{index}", amount, weight)
        for number, (amount, weights) in enumerate(origins)
        for index, weight in enumerate(weights)
    ]
    names = ("origin", "team", "amount", "weight")
    kinds = (pa.int64(), pa.string(), MONEY, pa.int64())
    table = pa.table({name: pa.array([row[index] for row in rows], kinds[index]) for index, name in enumerate(names)})
    split = sorted(run(macros["split"], "shares", table))
    for number, group in groupby(split, key=lambda row: row[0]):
        assert parts_of(group) == expected_parts(*origins[number])


def parts_of(group: Iterable[tuple[Any, ...]]) -> list[Decimal]:
    return [row[4] for row in group]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        pytest.param([("team", "Search ")], "search", id="trimmed, lower case"),
        pytest.param([("user:Owner-Team", "risk")], "risk", id="a synonym behind the prefix of AWS"),
        pytest.param([("owner_team", "risk"), ("Team", "docs")], "docs", id="the first key of the configuration wins"),
        pytest.param([("team", " "), ("owner-team", "risk")], "risk", id="a blank tag is none"),
        pytest.param([("cost", "risk")], None, id="another key is none"),
        pytest.param([], None, id="no tags"),
        pytest.param(None, None, id="tags unknown"),
    ],
)
def test_a_tag_is_found_by_its_configured_keys(
    macros: dict[str, str], tags: list[tuple[str, str]] | None, expected: str | None
) -> None:
    synonyms = pa.table(
        {"canonical": ["team", "team", "product"], "key": ["team", "owner-team", "app"], "position": [1, 2, 1]}
    )
    kind = pa.map_(pa.string(), pa.string())
    with duckdb.connect() as connection:
        connection.execute("create schema staging")
        connection.register("synonyms", synonyms)
        connection.execute("create table staging.stg_config__tag_synonyms as select * from synonyms")
        connection.register("tagged", pa.table({"tags": pa.array([tags], kind)}))
        query = macros["tag"].replace('"warehouse".', "")
        assert connection.execute(query).fetchall() == [(expected,)]
