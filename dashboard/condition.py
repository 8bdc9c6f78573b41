"""What a reader must know before trusting the page: how old the numbers are and how the last run went.

Each condition has its own sentence. Runs come from the state store, everything else from the published file.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from sqlalchemy.exc import SQLAlchemyError

import state
from dashboard import format as fmt
from dashboard.store import Row

STALE_AFTER: Final = timedelta(hours=36)


@dataclass(frozen=True)
class Notice:
    """One sentence above the page."""

    level: Literal["error", "warning", "info"]
    icon: str
    text: str


def now(home: Path) -> datetime:
    """The clock that staleness is measured by: ``INFERLEDGER_AS_OF``, else a demo home's own clock, else the wall's."""
    told = os.environ.get("INFERLEDGER_AS_OF")
    if told is None:
        try:
            told = json.loads((home / "truth" / "clock.json").read_text())["as_of"]
        except (FileNotFoundError, NotADirectoryError):
            return datetime.now(UTC)
    moment = datetime.fromisoformat(str(told))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def last_run(home: Path) -> state.RunRecord | None:
    """The run that began last; ``None`` when none is remembered.

    Raises:
        state.StateError: the state store does not answer.
    """
    url = os.environ.get("INFERLEDGER_STATE_URL")
    if url is None:
        file = (home / "state.sqlite").resolve()
        if not file.exists():
            return None
        url = f"sqlite:///{file}"
    store = state.open_state(url)
    try:
        return state.latest_run(store)
    except SQLAlchemyError as error:
        raise state.StateError("The state store could not be read.", "Check INFERLEDGER_STATE_URL.") from error
    finally:
        store.close()


def notices(home: Path, *, as_of: datetime, run_id: str, completeness: Sequence[Row]) -> list[Notice]:
    """The sentences for this publication, gravest first; none when all is well. ``as_of`` is aware."""
    found: list[Notice] = []
    try:
        run = last_run(home)
    except state.StateError as error:
        found.append(Notice("warning", ":material/database_off:", f"How the last run went is not known: {error}"))
        run = None
    shown = fmt.minute(as_of)
    if run is not None and run.outcome == "failed":
        found.append(_failed(run, run_id=run_id, shown=shown))
    elif run is not None and run.outcome == "running":
        found.append(
            Notice(
                "info",
                ":material/progress_activity:",
                f"A run for {fmt.minute(run.as_of)} is in progress, or was cut off. "
                f"These are the numbers of {shown}; the page renews itself when the run has published.",
            )
        )
    found += _age(now(home) - as_of, shown=shown)
    late = [row["provider"] for row in completeness if row["is_stale"]]
    if late:
        names = ", ".join(fmt.provider(name) for name in late)
        found.append(
            Notice(
                "warning",
                ":material/hourglass_bottom:",
                f"The bill of {names} is later than usual: its newest days are missing or partial, not cheap. "
                "Data health says how far each source is complete.",
            )
        )
    return found


def _failed(run: state.RunRecord, *, run_id: str, shown: str) -> Notice:
    reason = fmt.plain(run.message or "no reason was recorded")
    if run.run_id == run_id:
        text = f"These numbers are published and checked, but a later step of the same run failed: {reason}"
    else:
        text = (
            f"The last run ({fmt.minute(run.as_of)}) failed, so these are still the numbers of {shown}. "
            f"Reason: {reason}"
        )
    return Notice("error", ":material/error:", text)


def _age(age: timedelta, *, shown: str) -> list[Notice]:
    if age <= STALE_AFTER:
        return []
    days = age.days or 1
    return [
        Notice(
            "warning",
            ":material/schedule:",
            f"These numbers are {days} day{'s' if days > 1 else ''} old (as of {shown}): no newer run has published. "
            "`inferledger run` makes new ones, `inferledger doctor` says what is in the way.",
        )
    ]
