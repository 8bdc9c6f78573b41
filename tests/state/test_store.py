import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from state import (
    FAILED,
    SENT,
    UNKNOWN,
    Incident,
    RunRecord,
    State,
    StateError,
    delivery_status,
    find_incidents,
    finish_run,
    intend_delivery,
    interrupted_deliveries,
    latest_run,
    open_state,
    record_delivery,
    record_step,
    save_incident,
    start_run,
)

AS_OF = datetime(2026, 11, 18, 6, 0, tzinfo=UTC)
NEXT_DAY = datetime(2026, 11, 19, 6, 0, tzinfo=UTC)
INCIDENT = Incident(
    spike_id="abc",
    lane="billed",
    provider="aws",
    team="support",
    product="triage",
    sub_account_id=None,
    model=None,
    direction="up",
    verdict="volume",
    started_on=date(2026, 11, 11),
    ended_on=None,
    impact_usd=Decimal("1234567890123456789012345.000000000001"),
)


def test_the_latest_run_is_the_one_that_began_last(store: State) -> None:
    assert latest_run(store) is None
    start_run(store, "one", NEXT_DAY)
    finish_run(store, "one", "success")
    start_run(store, "two", AS_OF)
    assert latest_run(store) == RunRecord("two", AS_OF, "running", None)
    finish_run(store, "two", "failed", "The bucket is empty.")
    assert latest_run(store) == RunRecord("two", AS_OF, "failed", "The bucket is empty.")
    assert latest_run(store, "success") == RunRecord("one", NEXT_DAY, "success", None)


def test_a_run_that_is_tried_again_is_there_once_and_running(store: State) -> None:
    start_run(store, "one", AS_OF)
    finish_run(store, "one", "failed", "The bucket is empty.")
    start_run(store, "one", AS_OF)
    assert latest_run(store) == RunRecord("one", AS_OF, "running", None)
    with store.engine.connect() as connection:
        assert connection.execute(text("select count(*) from runs")).scalar_one() == 1


def test_a_step_keeps_its_last_word(store: State) -> None:
    start_run(store, "one", AS_OF)
    record_step(store, "one", "build", "failed", "A test failed.")
    record_step(store, "one", "build", "success")
    with store.engine.connect() as connection:
        steps = connection.execute(text("select step, outcome, message from run_steps")).all()
    assert steps == [("build", "success", None)]


def test_a_moment_without_zone_is_refused(store: State) -> None:
    with pytest.raises(Exception, match="no time zone"):
        start_run(store, "one", AS_OF.replace(tzinfo=None))


def test_an_incident_is_made_once_and_then_updated(store: State) -> None:
    assert save_incident(store, INCIDENT, AS_OF) is True
    closed = Incident(**{**vars(INCIDENT), "ended_on": date(2026, 11, 18), "impact_usd": Decimal("5.1")})
    assert save_incident(store, closed, NEXT_DAY) is False
    (known,) = find_incidents(store, provider="aws", team="support", direction="up")
    assert (known.ended_on, known.impact_usd, known.last_seen_as_of) == (date(2026, 11, 18), Decimal("5.1"), NEXT_DAY)
    assert find_incidents(store, provider="aws", team="support", direction="down") == []


def test_money_is_kept_to_its_last_decimal(store: State) -> None:
    save_incident(store, INCIDENT, AS_OF)
    (known,) = find_incidents(store, provider="aws", team="support", direction="up")
    assert known.impact_usd == INCIDENT.impact_usd


def test_a_delivery_is_claimed_once(store: State) -> None:
    assert delivery_status(store, "abc", "slack") is None
    assert intend_delivery(store, "abc", "slack", AS_OF) is True
    assert intend_delivery(store, "abc", "slack", AS_OF) is False
    assert intend_delivery(store, "abc", "email", AS_OF) is True
    record_delivery(store, "abc", "slack", SENT, AS_OF)
    assert intend_delivery(store, "abc", "slack", NEXT_DAY) is False
    assert delivery_status(store, "abc", "slack") == SENT


def test_a_failed_delivery_may_be_claimed_again(store: State) -> None:
    intend_delivery(store, "abc", "slack", AS_OF)
    record_delivery(store, "abc", "slack", FAILED, AS_OF, "no answer")
    assert intend_delivery(store, "abc", "slack", NEXT_DAY) is True
    assert intend_delivery(store, "abc", "slack", NEXT_DAY) is False


def test_a_claim_without_an_outcome_is_known_as_cut_off(store: State) -> None:
    intend_delivery(store, "abc", "slack", AS_OF)
    intend_delivery(store, "def", "slack", AS_OF)
    record_delivery(store, "def", "slack", SENT, AS_OF)
    assert interrupted_deliveries(store, "slack") == ["abc"]
    assert interrupted_deliveries(store, "email") == []
    record_delivery(store, "abc", "slack", UNKNOWN, AS_OF)
    assert interrupted_deliveries(store, "slack") == []
    assert intend_delivery(store, "abc", "slack", AS_OF) is False


def test_of_many_at_once_one_gets_the_claim(state_url: str) -> None:
    stores = [open_state(state_url) for _ in range(6)]
    claims: list[bool] = []

    def claim(own: State) -> None:
        claims.append(intend_delivery(own, "abc", "slack", AS_OF))

    threads = [threading.Thread(target=claim, args=(own,)) for own in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for own in stores:
        own.close()
    assert sorted(claims) == [False] * 5 + [True]


def test_what_was_stored_is_there_when_opened_again(state_url: str) -> None:
    first = open_state(state_url)
    start_run(first, "one", AS_OF)
    first.close()
    second = open_state(state_url)
    assert latest_run(second) == RunRecord("one", AS_OF, "running", None)
    second.close()


def test_sqlite_writes_ahead_so_that_readers_and_the_writer_do_not_block(tmp_path: Path) -> None:
    store = open_state(f"sqlite:///{tmp_path / 'state.sqlite'}")
    with store.engine.connect() as connection:
        assert connection.execute(text("pragma journal_mode")).scalar_one() == "wal"
    store.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "is not the URL of a database"),
        ("oracledb9://x", "is not the URL of a database"),
        ("postgresql://someone:hush@127.0.0.1:1/x", "does not open"),
        ("sqlite:////proc/nowhere/state.sqlite", "does not open"),
    ],
    ids=["no url", "unknown database", "nobody answers", "no folder"],
)
def test_a_store_that_cannot_be_used_says_what_to_do(url: str, message: str) -> None:
    with pytest.raises(StateError, match=message) as raised:
        open_state(url)
    assert "INFERLEDGER_STATE_URL" in raised.value.remedy
    assert "hush" not in str(raised.value)
