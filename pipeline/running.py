"""A run: its identity, its steps in order, and what the state store remembers of it."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import state
from ingest.errors import InferledgerError
from ingest.run import Run
from ingest.settings import Settings
from pipeline.alerting import AlertResult, alert, load_alerts
from pipeline.building import BuildResult, build
from pipeline.detecting import detect
from pipeline.ingesting import Ingestion, Progress, ingest_all, no_progress
from pipeline.publishing import publish
from pipeline.restating import moved_months, moved_sentence

T = TypeVar("T")


@dataclass(frozen=True)
class RunResult:
    """What a whole day's run did. `moved`: closed months whose numbers are no longer those that were closed."""

    run: Run
    ingestion: Ingestion
    build: BuildResult
    spikes: int
    alerts: AlertResult
    moved: dict[str, list[dict[str, Any]]]


def new_run(settings: Settings) -> Run:
    """A run as of the settings' clock, of the demo's in its home, or of the wall: read here and nowhere else."""
    as_of = settings.as_of or _demo_clock(settings.home) or datetime.now(UTC).replace(microsecond=0)
    return Run(f"{as_of:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}", as_of)


def _demo_clock(home: Path) -> datetime | None:
    """The as-of time that a demo keeps in its home, None in a home of real accounts."""
    clock = home / "truth" / "clock.json"
    return datetime.fromisoformat(json.loads(clock.read_text())["as_of"]) if clock.exists() else None


def run_all(settings: Settings, run: Run, *, progress: Progress = no_progress) -> RunResult:
    """Ingest, build, detect, publish, alert, in this order, and remember the outcome.

    Raises:
        InferledgerError: the first step that failed; what was published before stays.
    """
    load_alerts(settings)  # a mistake in it is told before anything is published
    settings.home.mkdir(parents=True, exist_ok=True)
    store = state.open_state(settings.database_url)
    state.start_run(store, run.run_id, run.as_of)

    def step(name: str, call: Callable[[], T]) -> T:
        progress(name, 0, 1)
        value = call()
        progress(name, 1, 1)
        return value

    try:
        ingestion = ingest_all(settings, run, progress=progress)
        built = step("build", lambda: build(settings, run))
        spikes = step("detect", lambda: detect(settings, run))
        step("publish", lambda: publish(settings, run))
        moved = moved_months(settings.published)
        for month, movements in moved.items():
            state.record_step(store, run.run_id, f"closed {month}", "moved", moved_sentence(month, movements))
        alerts = step("alert", lambda: alert(settings, run))
    except InferledgerError as error:
        state.finish_run(store, run.run_id, "failed", str(error))
        raise
    except BaseException as error:
        state.finish_run(store, run.run_id, "failed", f"{type(error).__name__}: {error}")
        raise
    state.finish_run(store, run.run_id, "success", None)
    return RunResult(run, ingestion, built, spikes, alerts, moved)
