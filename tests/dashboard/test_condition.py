"""Each condition of the data has its own sentence."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import state
from dashboard import condition

AS_OF = datetime(2026, 11, 18, 6, tzinfo=UTC)


def remember(home: Path, outcome: str | None, *, run_id: str = "run-2", message: str | None = None) -> None:
    home.mkdir(parents=True, exist_ok=True)
    store = state.open_state(f"sqlite:///{home / 'state.sqlite'}")
    state.start_run(store, run_id, AS_OF + timedelta(days=1))
    if outcome is not None:
        state.finish_run(store, run_id, outcome, message)
    store.close()


def said(home: Path, *, as_of: datetime = AS_OF, run_id: str = "run-1", late: bool = False) -> list[condition.Notice]:
    completeness = [{"provider": "aws", "is_stale": late}]
    return condition.notices(home, as_of=as_of, run_id=run_id, completeness=completeness)


def test_all_well_says_nothing(tmp_path: Path) -> None:
    remember(tmp_path, "success")
    assert said(tmp_path) == []


def test_home_without_state_says_nothing_and_makes_no_file(tmp_path: Path) -> None:
    assert said(tmp_path) == []
    assert not (tmp_path / "state.sqlite").exists()


def test_failed_run_names_its_reason_and_whose_numbers_these_are(tmp_path: Path) -> None:
    remember(tmp_path, "failed", message="The bucket acme-billing is empty.")
    (notice,) = said(tmp_path)
    assert notice.level == "error"
    assert "still the numbers of 18 Nov 2026, 06:00 UTC" in notice.text
    assert "bucket acme-billing is empty" in notice.text


def test_failure_after_publishing_does_not_call_the_numbers_old(tmp_path: Path) -> None:
    remember(tmp_path, "failed", run_id="run-1", message="The webhook refused.")
    (notice,) = said(tmp_path)
    assert "published and checked" in notice.text


def test_running_run_is_announced(tmp_path: Path) -> None:
    remember(tmp_path, None)
    (notice,) = said(tmp_path)
    assert (notice.level, "in progress" in notice.text) == ("info", True)


def test_late_bill_is_not_called_cheap(tmp_path: Path) -> None:
    (notice,) = said(tmp_path, late=True)
    assert "AWS Bedrock is later than usual" in notice.text


@pytest.mark.parametrize(("hours", "count"), [(35, 0), (36, 0), (37, 1)])
def test_numbers_are_old_after_a_day_and_a_half(tmp_path: Path, hours: int, count: int) -> None:
    assert len(said(tmp_path, as_of=AS_OF - timedelta(hours=hours))) == count


def test_unreachable_state_store_is_said_and_shows_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFERLEDGER_STATE_URL", "nonsense://user:secret@host/db")
    (notice,) = said(tmp_path)
    assert "How the last run went is not known" in notice.text
    assert "secret" not in notice.text


def test_clock_is_the_settings_then_the_demos_then_the_walls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert condition.now(tmp_path) == AS_OF
    monkeypatch.delenv("INFERLEDGER_AS_OF")
    assert abs(condition.now(tmp_path) - datetime.now(UTC)) < timedelta(minutes=1)
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "clock.json").write_text(json.dumps({"as_of": "2026-11-19T06:00:00Z"}))
    assert condition.now(tmp_path) == AS_OF + timedelta(days=1)
