from dataclasses import replace
from datetime import UTC, date, datetime

from state import ClosedMonth, State, find_closed_months, record_closed_month

OCTOBER = ClosedMonth(date(2026, 10, 1), 1, datetime(2026, 11, 18, 6, tzinfo=UTC), "Ada", "a" * 64)


def test_closings_are_told_by_month_and_revision(store: State) -> None:
    again = replace(OCTOBER, revision=2, manifest_hash="b" * 64, reason="a credit came")
    september = replace(OCTOBER, month=date(2026, 9, 1))
    for closed in (again, OCTOBER, september):
        record_closed_month(store, closed)
    assert find_closed_months(store) == [september, OCTOBER, again]


def test_a_closing_that_is_told_twice_stays_as_it_was(store: State) -> None:
    record_closed_month(store, OCTOBER)
    record_closed_month(store, replace(OCTOBER, closed_by="Grace"))
    assert find_closed_months(store) == [OCTOBER]
