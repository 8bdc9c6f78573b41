"""`restate_window`: load chosen days of one source again by hand, then build and publish."""

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import ExceptionRetryPolicy, Param, RetryAction, RetryRule, dag, task

from ingest.errors import ConfigError, TerminalError, Unreachable
from ingest.registry import SOURCES

DOC = """
**Purpose** A provider restated days that the daily run no longer re-reads: load them again. Windows are replaced
whole, so the marts afterwards are those of an undisturbed history.

**Owner** data engineering.

**How** trigger with `source`, `start` (first UTC day) and `end` (the day after the last one). Set `accept_shrink`
only when the provider really took rows back.

**When it fails** the earlier load of each window stays; the sentence in the log says what to do.
"""
POLICY = ExceptionRetryPolicy(
    [RetryRule(Unreachable, RetryAction.DEFAULT), RetryRule([ConfigError, TerminalError], RetryAction.FAIL)]
)


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    doc_md=DOC,
    tags=["layer:ingest", "tier:2"],
    params={
        "source": Param("aws_cur", type="string", enum=list(SOURCES)),
        "start": Param("2026-10-01", type="string", format="date"),
        "end": Param("2026-11-01", type="string", format="date"),
        "accept_shrink": Param(False, type="boolean", description="Let a window lose more than a fifth of its rows."),
    },
    default_args={
        "retries": 1,
        "retry_delay": timedelta(minutes=5),
        "retry_policy": POLICY,
        "execution_timeout": timedelta(hours=4),
    },
)
def restate_window() -> None:
    @task
    def load(dag_run=None, params=None) -> int:
        from pipeline import scheduled

        return scheduled.restate(
            params["source"],
            run_id=dag_run.run_id,
            as_of=dag_run.run_after,
            start=params["start"],
            end=params["end"],
            accept_shrink=params["accept_shrink"],
        )

    load() >> TriggerDagRunOperator(task_id="build_and_publish", trigger_dag_id="build_and_publish")


restate_window()
