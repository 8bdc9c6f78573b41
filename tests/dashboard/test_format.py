"""Numbers as people read them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from dashboard import format as fmt


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (Decimal("1234567.891"), "USD", "$1,234,567.89"),
        (Decimal("-12.3"), "USD", "\u2212$12.30"),
        (Decimal(0), "EUR", "€0.00"),
        (Decimal("-0.001"), "USD", "$0.00"),
        (Decimal("0.005"), "USD", "$0.00"),
        (Decimal("0.015"), "USD", "$0.02"),
        (Decimal("9.5"), "CHF", "CHF 9.50"),
        (None, "USD", "unknown"),
    ],
)
def test_money_is_rounded_half_even_and_named(amount: Decimal | None, currency: str, shown: str) -> None:
    assert fmt.money(amount, currency) == shown


def test_money_beyond_what_a_float_holds_keeps_its_cents() -> None:
    assert fmt.money(Decimal("90071992547409931.17"), "USD") == "$90,071,992,547,409,931.17"


@pytest.mark.parametrize(
    ("now", "before", "shown"),
    [
        (Decimal(150), Decimal(100), "+$50.00 (+50.0%)"),
        (Decimal(75), Decimal(100), "-$25.00 (-25.0%)"),
        (Decimal(75), Decimal(0), "+$75.00"),
        (Decimal(75), Decimal(-5), "+$80.00"),
        (None, Decimal(5), None),
        (Decimal(5), None, None),
    ],
)
def test_change_says_no_percentage_where_there_is_none(
    now: Decimal | None, before: Decimal | None, shown: str | None
) -> None:
    assert fmt.change(now, before, "USD") == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(999, "999"), (1_000, "1.0k"), (1_234_000, "1.2M"), (7_592_418_540, "7.6B"), (0, "0"), (None, "unknown")],
)
def test_tokens_are_shortened(count: int | None, shown: str) -> None:
    assert fmt.tokens(count) == shown


def test_unknown_ratio_day_and_minute_say_so() -> None:
    assert (fmt.percent(None), fmt.day(None), fmt.minute(None), fmt.provider(None)) == ("unknown",) * 4


@pytest.mark.parametrize(
    ("first", "last", "shown"),
    [
        (date(2026, 11, 16), date(2026, 11, 16), "16 Nov 2026"),
        (date(2026, 11, 10), date(2026, 11, 16), "10 to 16 Nov 2026"),
        (date(2026, 10, 18), date(2026, 11, 16), "18 Oct to 16 Nov 2026"),
        (date(2025, 12, 30), date(2026, 1, 2), "30 Dec 2025 to 2 Jan 2026"),
    ],
)
def test_span_repeats_nothing(first: date, last: date, shown: str) -> None:
    assert fmt.span(first, last) == shown


def test_minute_names_its_zone() -> None:
    assert fmt.minute(datetime(2026, 11, 18, 6, tzinfo=UTC)) == "18 Nov 2026, 06:00 UTC"


def test_plain_text_keeps_markdown_and_formulas_from_happening() -> None:
    assert fmt.plain("$5 and $6 *x* [a](b)") == r"\$5 and \$6 \*x\* \[a\](b)"
