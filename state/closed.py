"""Closed months as the state store remembers them: who froze which month, when, and the hash of what was frozen."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import insert, select

from state.store import State
from state.tables import closed_months


@dataclass(frozen=True)
class ClosedMonth:
    """One closing of a month. `revision` counts from 1; `reason`: why closed again, or before all was final."""

    month: date
    revision: int
    closed_as_of: datetime
    closed_by: str
    manifest_hash: str
    reason: str | None = None


def record_closed_month(state: State, closed: ClosedMonth) -> None:
    """Remember a closing; one that is known already stays as it is."""
    known = (closed.month, closed.revision)
    if known in {(entry.month, entry.revision) for entry in find_closed_months(state)}:
        return
    with state.engine.begin() as connection:
        connection.execute(insert(closed_months).values(**vars(closed)))


def find_closed_months(state: State) -> list[ClosedMonth]:
    """Every closing of every month, oldest month and revision first."""
    columns = [closed_months.c[name] for name in ClosedMonth.__dataclass_fields__]
    query = select(*columns).order_by(closed_months.c.month, closed_months.c.revision)
    with state.engine.connect() as connection:
        return [ClosedMonth(*row) for row in connection.execute(query)]
