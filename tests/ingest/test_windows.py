"""Half-open UTC windows of days and months; settings from the environment."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from ingest.errors import ConfigError
from ingest.run import Window, days, months
from ingest.settings import load_settings


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_days_cover_every_day_that_the_window_touches() -> None:
    starts = [window.start for window in days(Window(at("2026-10-30T12:00"), at("2026-11-02")))]
    assert starts == [at("2026-10-30"), at("2026-10-31"), at("2026-11-01")]


def test_months_are_whole_and_cross_the_year() -> None:
    found = list(months(Window(at("2026-12-15"), at("2027-01-01T00:00:01"))))
    assert [(window.start, window.end) for window in found] == [
        (at("2026-12-01"), at("2027-01-01")),
        (at("2027-01-01"), at("2027-02-01")),
    ]


def test_a_window_ends_after_it_starts() -> None:
    with pytest.raises(ValueError, match="ends after it starts"):
        Window(at("2026-10-02"), at("2026-10-02"))


def test_a_window_refuses_naive_times() -> None:
    with pytest.raises(ValueError, match="aware"):
        Window(datetime(2026, 10, 1), at("2026-10-02"))  # noqa: DTZ001 - the naive time is the point


def test_as_of_is_read_as_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFERLEDGER_AS_OF", "2026-11-18T07:00:00+01:00")
    assert load_settings().as_of == datetime(2026, 11, 18, 7, tzinfo=timezone(timedelta(hours=1)))
    assert str(load_settings().as_of) == "2026-11-18 06:00:00+00:00"


def test_a_wrong_setting_names_its_variable_and_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFERLEDGER_RETRY_BUDGET_SECONDS", "soon")
    with pytest.raises(ConfigError, match="INFERLEDGER_RETRY_BUDGET_SECONDS='soon' is wrong"):
        load_settings()
