"""What a list said stays: a load on a later day appends to it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.config import load_sources
from ingest.contracts import Context
from ingest.landing import Landing
from ingest.pricing import genai_feed
from ingest.pricing.history import continued
from ingest.pricing.price import UNDATED, Price, PriceKey, check, contains
from ingest.run import Run
from ingest.settings import Settings
from ingest.sources import prices as prices_source

CONFIG = Path(__file__).parents[2] / "config"
KEY = PriceKey("azure", "gpt-4o", "global", "input", "standard", "default")
MONDAY = date(2026, 11, 2)


def price(usd: str, start: date = UNDATED, end: date | None = None, key: PriceKey = KEY) -> Price:
    return Price(key, Decimal(usd), start, end, "genai-prices 1", "openai/gpt-4o", None)


def on(prices: Iterable[Price], day: date, key: PriceKey = KEY) -> Decimal | None:
    found = [one.usd_per_mtok for one in prices if one.key == key and contains(one, day)]
    assert len(found) <= 1
    return found[0] if found else None


def spans(prices: Iterable[Price]) -> list[tuple[str, date, date | None]]:
    return [(str(one.usd_per_mtok), one.valid_from, one.valid_to) for one in prices]


def test_another_number_closes_the_old_interval_on_the_day_of_the_load() -> None:
    later = continued([price("2.5")], [price("2")], MONDAY)
    assert spans(later) == [("2.5", UNDATED, MONDAY), ("2", MONDAY, None)]


def test_the_same_number_stays_one_interval_under_its_newest_source() -> None:
    newer = replace(price("2.5"), price_source="genai-prices 2")
    assert continued([price("2.5")], [newer], MONDAY) == [newer]


def test_a_date_that_the_list_states_counts_from_that_date() -> None:
    friday = MONDAY - timedelta(days=3)
    later = continued([price("2.5")], [price("2.5", UNDATED, friday), price("2", friday)], MONDAY)
    assert spans(later) == [("2.5", UNDATED, friday), ("2", friday, None)]


def test_a_list_that_forgets_its_dates_does_not_reprice_the_past() -> None:
    friday = MONDAY - timedelta(days=3)
    later = continued([price("2.5", UNDATED, friday), price("2", friday)], [price("2")], MONDAY)
    assert spans(later) == [("2.5", UNDATED, friday), ("2", friday, None)]


def test_a_key_that_left_the_lists_ends_and_one_that_is_new_is_always_valid() -> None:
    other = KEY._replace(token_class="output")
    later = continued([price("2.5")], [price("10", key=other)], MONDAY)
    assert on(later, MONDAY - timedelta(days=1)) == Decimal("2.5")
    assert on(later, MONDAY) is None
    assert on(later, UNDATED, other) == Decimal(10)


DAYS = st.integers(0, 40).map(lambda days: MONDAY + timedelta(days=days))
AMOUNTS = st.sampled_from(["1", "2", "3"])


@st.composite
def lists(draw: st.DrawFn) -> list[Price]:
    """A list as it may stand one day: an undated price, and steps that it dates itself."""
    starts = [UNDATED, *sorted(draw(st.sets(DAYS, max_size=2)))]
    ends = [*starts[1:], None]
    return [price(draw(AMOUNTS), start, end) for start, end in zip(starts, ends, strict=True)]


@settings(max_examples=300, deadline=None)
@given(loads=st.lists(st.tuples(DAYS, lists()), min_size=1, max_size=5))
def test_history_never_overlaps_never_gaps_and_keeps_the_past(loads: Sequence[tuple[date, list[Price]]]) -> None:
    held: list[Price] = []
    for day, said in sorted(loads, key=lambda load: load[0]):
        before, held = held, continued(held, said, day)
        check(held)
        assert continued(held, said, day) == held, "loading twice changes nothing"
        dated = min([day, *(one.valid_from for one in said if one.valid_from > UNDATED)])
        for offset in range(-1, 45):
            then = MONDAY + timedelta(days=offset)
            if before and then < dated:
                assert on(held, then) == on(before, then), "the past was overwritten"
            if then >= day:
                assert on(held, then) == on(said, then), "from its day on the newest load counts"


def context(home: Path, day: date) -> Context:
    as_of = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
    run = Run(f"run-{day}", as_of)
    return Context(
        Settings(home=home, config_dir=CONFIG),
        load_sources(CONFIG / "sources.yml"),
        Landing(str(home / "landing"), run),
        run,
    )


def landed(home: Path, key: PriceKey) -> list[tuple[str, date, date | None]]:
    rows = context(home, MONDAY).landing.read(prices_source.LIST_PRICES).to_pylist()
    found = [row for row in rows if all(row[name] == word for name, word in key._asdict().items())]
    return [(row["usd_per_mtok"], row["valid_from"], row["valid_to"]) for row in found]


def test_ingest_on_a_later_day_appends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prices_source.load(context(tmp_path, MONDAY), None)
    before = landed(tmp_path, KEY)
    assert [(usd, end) for usd, _, end in before] == [("2.5", None)]
    real = genai_feed.prices()
    cheaper = [replace(one, usd_per_mtok=Decimal(2)) if one.key == KEY else one for one in real]
    monkeypatch.setattr(genai_feed, "prices", lambda: cheaper)
    friday = MONDAY + timedelta(days=4)
    prices_source.load(context(tmp_path, friday), None)
    expected = [("2.5", before[0][1], friday), ("2", friday, None)]
    assert landed(tmp_path, KEY) == expected
    assert not any(result.changed for result in prices_source.load(context(tmp_path, friday), None))
    # the price steps back: history has three steps, and an older run rewrites none of them
    monkeypatch.setattr(genai_feed, "prices", lambda: real)
    next_week = friday + timedelta(days=7)
    prices_source.load(context(tmp_path, next_week), None)
    steps = [*expected[:1], ("2", friday, next_week), ("2.5", next_week, None)]
    assert landed(tmp_path, KEY) == steps
    prices_source.load(context(tmp_path, MONDAY), None)
    assert landed(tmp_path, KEY) == steps
