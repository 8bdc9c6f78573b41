"""Opens the state store and reads and writes it, one small function per need."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, insert, select, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from state.tables import deliveries, incidents, metadata, run_steps, runs

RUNNING = "running"
INTENDED, SENT, FAILED, UNKNOWN = "intended", "sent", "failed", "unknown"
_BUSY_SECONDS = 30.0


class StateError(Exception):
    """The state store cannot be used; `remedy` says what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True)
class State:
    """An open state store."""

    engine: Engine

    def close(self) -> None:
        """Give its connections back."""
        self.engine.dispose()


@dataclass(frozen=True)
class RunRecord:
    """A run as remembered. `outcome` is running, success or failed; a killed run stays running."""

    run_id: str
    as_of: datetime
    outcome: str
    message: str | None


@dataclass(frozen=True)
class Incident:
    """A spike as people deal with it.

    `same_as` names the earlier incident it continues, told under another id. `last_seen_as_of` is kept by the store.
    """

    spike_id: str
    lane: str
    provider: str
    team: str
    product: str | None
    sub_account_id: str | None
    model: str | None
    direction: str
    verdict: str
    started_on: date
    ended_on: date | None
    impact_usd: Decimal
    same_as: str | None = None
    last_seen_as_of: datetime | None = None


def open_state(url: str) -> State:
    """Open the store at an SQLAlchemy URL (`sqlite:///...` or `postgresql://...`) and create what is missing in it.

    Raises:
        StateError: the URL is no database's, its driver is not installed, or the database does not answer.
    """
    try:
        parsed = _with_driver(make_url(url))
        _make_folder(parsed)
        engine = create_engine(parsed, connect_args=_connect_args(parsed))
    except OSError as error:
        raise _does_not_open(url, f"{error.filename}: {error.strerror}") from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise StateError(
            f"{_shown(url)} is not the URL of a database.",
            "Set INFERLEDGER_STATE_URL to sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE.",
        ) from error
    except ModuleNotFoundError as error:
        raise StateError(
            f"The driver {error.name} of {_shown(url)} is not installed.",
            "Install inferledger with its extra `postgres`.",
        ) from error
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _use_write_ahead_log)
    try:
        _create_tables(engine)
    except SQLAlchemyError as error:
        engine.dispose()
        raise _does_not_open(url, _first_line(error)) from error
    return State(engine)


def start_run(state: State, run_id: str, as_of: datetime) -> None:
    """Remember that a run began. `as_of` is its aware UTC clock. A run that is tried again is running again."""
    values = {"as_of": as_of, "outcome": RUNNING, "message": None}
    with state.engine.begin() as connection:
        known = connection.execute(update(runs).where(runs.c.run_id == run_id).values(values))
        if known.rowcount == 0:
            connection.execute(insert(runs).values(run_id=run_id, **values))


def finish_run(state: State, run_id: str, outcome: str, message: str | None = None) -> None:
    """Remember how a run ended: `outcome` is success or failed, `message` one sentence for people."""
    with state.engine.begin() as connection:
        connection.execute(update(runs).where(runs.c.run_id == run_id).values(outcome=outcome, message=message))


def record_step(state: State, run_id: str, step: str, outcome: str, message: str | None = None) -> None:
    """Remember one step of a run; told again, the last word stands."""
    values = {"outcome": outcome, "message": message}
    with state.engine.begin() as connection:
        known = connection.execute(
            update(run_steps).where(run_steps.c.run_id == run_id, run_steps.c.step == step).values(values)
        )
        if known.rowcount == 0:
            connection.execute(insert(run_steps).values(run_id=run_id, step=step, **values))


def latest_run(state: State, outcome: str | None = None) -> RunRecord | None:
    """The run that began last, or the last one with that outcome."""
    query = select(runs.c.run_id, runs.c.as_of, runs.c.outcome, runs.c.message).order_by(runs.c.sequence.desc())
    if outcome is not None:
        query = query.where(runs.c.outcome == outcome)
    with state.engine.connect() as connection:
        row = connection.execute(query.limit(1)).first()
    return None if row is None else RunRecord(*row)


def save_incident(state: State, incident: Incident, as_of: datetime) -> bool:
    """Make or update the incident of a spike. Returns whether it is new."""
    values: dict[str, Any] = dict(vars(incident))
    spike_id, _ = values.pop("spike_id"), values.pop("last_seen_as_of")
    with state.engine.begin() as connection:
        known = connection.execute(
            update(incidents).where(incidents.c.spike_id == spike_id).values(**values, last_seen_as_of=as_of)
        )
        if known.rowcount:
            return False
        connection.execute(
            insert(incidents).values(spike_id=spike_id, **values, first_seen_as_of=as_of, last_seen_as_of=as_of)
        )
        return True


def find_incidents(state: State, *, provider: str, team: str, direction: str) -> list[Incident]:
    """All incidents of a team at a provider in one direction, oldest first."""
    columns = [incidents.c[name] for name in Incident.__dataclass_fields__]
    query = (
        select(*columns)
        .where(incidents.c.provider == provider, incidents.c.team == team, incidents.c.direction == direction)
        .order_by(incidents.c.started_on, incidents.c.spike_id)
    )
    with state.engine.connect() as connection:
        return [Incident(*row) for row in connection.execute(query)]


def delivery_status(state: State, spike_id: str, channel: str) -> str | None:
    """intended, sent, failed or unknown; None when nobody tried yet."""
    query = select(deliveries.c.status).where(deliveries.c.spike_id == spike_id, deliveries.c.channel == channel)
    with state.engine.connect() as connection:
        return connection.execute(query).scalar_one_or_none()


def intend_delivery(state: State, spike_id: str, channel: str, as_of: datetime) -> bool:
    """Claim the one delivery of a spike to a channel, before it is sent.

    Returns:
        True: send it now. False: it was sent, or someone claimed it and was cut off before saying how it went; it is
        not sent again, because it may have arrived.
    """
    try:
        with state.engine.begin() as connection:
            retried = connection.execute(
                update(deliveries)
                .where(
                    deliveries.c.spike_id == spike_id, deliveries.c.channel == channel, deliveries.c.status == FAILED
                )
                .values(status=INTENDED, as_of=as_of)
            )
            if retried.rowcount:
                return True
            connection.execute(
                insert(deliveries).values(spike_id=spike_id, channel=channel, status=INTENDED, as_of=as_of)
            )
            return True
    except IntegrityError:
        return False


def record_delivery(
    state: State, spike_id: str, channel: str, status: str, as_of: datetime, message: str | None = None
) -> None:
    """Say how a claimed delivery went: sent, failed, or unknown when the run that claimed it was cut off."""
    with state.engine.begin() as connection:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.spike_id == spike_id, deliveries.c.channel == channel)
            .values(status=status, as_of=as_of, message=message)
        )


def interrupted_deliveries(state: State, channel: str) -> list[str]:
    """Spikes claimed for a channel by a run that never said whether they were sent, oldest first."""
    query = (
        select(deliveries.c.spike_id)
        .where(deliveries.c.channel == channel, deliveries.c.status == INTENDED)
        .order_by(deliveries.c.sequence)
    )
    with state.engine.connect() as connection:
        return list(connection.execute(query).scalars())


def _with_driver(url: URL) -> URL:
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgresql", "postgres") else url


def _connect_args(url: URL) -> dict[str, float]:
    return {"timeout": _BUSY_SECONDS} if url.get_backend_name() == "sqlite" else {"connect_timeout": 10}


def _make_folder(url: URL) -> None:
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)


def _use_write_ahead_log(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("pragma journal_mode = wal")
    cursor.execute("pragma foreign_keys = on")
    cursor.close()


def _create_tables(engine: Engine) -> None:
    try:
        metadata.create_all(engine)
    except SQLAlchemyError:
        # Another process may have created the same table between the check and the statement; then the second look
        # finds it.
        metadata.create_all(engine)


def _does_not_open(url: str, reason: str) -> StateError:
    return StateError(
        f"The state store {_shown(url)} does not open: {reason}.",
        "Check that the database runs, that the folder can be written, and INFERLEDGER_STATE_URL.",
    )


def _shown(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "The value of INFERLEDGER_STATE_URL"


def _first_line(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0].rstrip(".")
