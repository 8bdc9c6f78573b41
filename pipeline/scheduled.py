"""What an orchestrator calls: one function per task, each a function of a run's identity and clock.

Settings come from the environment of the worker; the run's as-of time is the orchestrator's, unless
``INFERLEDGER_AS_OF`` fixes it. Every function may be tried again.
"""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime

import state
from ingest.contracts import LoadResult
from ingest.errors import InferledgerError
from ingest.run import Run
from ingest.settings import Settings, load_settings
from pipeline.alerting import alert as send_alerts
from pipeline.building import build as build_models
from pipeline.detecting import detect as detect_spikes
from pipeline.ingesting import ingest_source, is_configured, window_from_days
from pipeline.publishing import publish as publish_marts
from pipeline.restating import moved_months, moved_sentence

logger = logging.getLogger(__name__)
_LONGEST_RUN_ID = 64
# one line and more per request or window would bury what a person looks for in a task's log
_CHATTY = ("azure", "botocore", "google", "ingest.landing", "urllib3")


def ingest(source: str, *, run_id: str, as_of: datetime) -> int:
    """Load a source's own window; returns how many rows landed. A failure is remembered for the dashboard.

    A source that `sources.yml` has no section for is left out: every source has its DAG.
    """
    settings, run = _run(run_id, as_of)
    try:
        if not is_configured(settings, source):
            logger.info("not configured", extra={"source": source})
            return 0
        loads = ingest_source(settings, run, source)
    except InferledgerError as error:
        store = state.open_state(settings.database_url)
        state.start_run(store, run.run_id, run.as_of)
        state.finish_run(store, run.run_id, "failed", str(error))
        raise
    return _landed(loads)


def restate(source: str, *, run_id: str, as_of: datetime, start: str, end: str, accept_shrink: bool = False) -> int:
    """Load the UTC days from ``start`` up to but without ``end`` (YYYY-MM-DD) again.

    Args:
        accept_shrink: let a window lose more than a fifth of its rows.

    Returns:
        How many rows landed.

    Raises:
        ConfigError: the days hold no window.
        InferledgerError: as the source says; windows loaded before it stay loaded.
    """
    settings, run = _run(run_id, as_of)
    window = window_from_days(datetime.fromisoformat(start), datetime.fromisoformat(end), run)
    return _landed(ingest_source(settings, run, source, window=window, accept_shrink=accept_shrink))


def build(*, run_id: str, as_of: datetime) -> dict[str, float]:
    """Build and test the models; the log lists each with its status and seconds.

    Returns:
        How many models were built and tests passed, and the seconds that the models took.
    """
    settings, run = _run(run_id, as_of)
    with _remembered(settings, run):
        return asdict(build_models(settings, run))


def detect(*, run_id: str, as_of: datetime) -> int:
    """Find spikes; returns how many."""
    settings, run = _run(run_id, as_of)
    with _remembered(settings, run):
        return detect_spikes(settings, run)


def publish(*, run_id: str, as_of: datetime) -> str:
    """Swap in the new published file and close the run; returns its path within the home."""
    settings, run = _run(run_id, as_of)
    with _remembered(settings, run) as store:
        path = publish_marts(settings, run)
        for month, movements in moved_months(settings.published).items():
            logger.warning(moved_sentence(month, movements))
            state.record_step(store, run.run_id, f"closed {month}", "moved", moved_sentence(month, movements))
        state.finish_run(store, run.run_id, "success", None)
    return str(path.relative_to(settings.home))


def alert(*, run_id: str, as_of: datetime) -> int:
    """Send what nobody was told yet; returns how many alerts went out."""
    settings, run = _run(run_id, as_of)
    return send_alerts(settings, run).sent


def _landed(loads: Sequence[LoadResult]) -> int:
    for stream in sorted({load.stream for load in loads}):
        own = [load for load in loads if load.stream == stream]
        counts = sum(load.rows for load in own), len(own), sum(load.changed for load in own)
        logger.info("%s: %d rows in %d windows, %d of them changed", stream, *counts)
    return sum(load.rows for load in loads)


def _run(run_id: str, as_of: datetime) -> tuple[Settings, Run]:
    settings = load_settings()
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    safe = "".join(letter if letter.isalnum() else "-" for letter in run_id)
    if len(safe) > _LONGEST_RUN_ID:
        # an orchestrator lets people name runs at length; the state store does not
        safe = f"{safe[: _LONGEST_RUN_ID - 9]}-{hashlib.sha256(run_id.encode()).hexdigest()[:8]}"
    return settings, Run(safe, settings.as_of or as_of.astimezone(UTC).replace(microsecond=0))


@contextmanager
def _remembered(settings: Settings, run: Run) -> Iterator[state.State]:
    """Note the run in the state store, and its failure with the sentence that says why."""
    store = state.open_state(settings.database_url)
    state.start_run(store, run.run_id, run.as_of)
    try:
        yield store
    except InferledgerError as error:
        state.finish_run(store, run.run_id, "failed", str(error))
        raise
    except BaseException as error:
        state.finish_run(store, run.run_id, "failed", f"{type(error).__name__}: {error}")
        raise
