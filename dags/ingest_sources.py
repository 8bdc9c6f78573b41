"""One DAG per source: `ingest_<source>` loads the source's window into landing, every morning."""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, Asset, ExceptionRetryPolicy, RetryAction, RetryRule, dag, task

from ingest.errors import ConfigError, TerminalError, Unreachable
from ingest.registry import SOURCES

DOC = """
**Purpose** Pull `{source}` through its provider's SDK into `landing/{source}`; each run re-reads the days that the
provider still moves, and replaces whole windows, so a retry or a second run changes nothing.

**Owner** data engineering.

**When it fails** the sentence in the log says what to do (permission, credential, region, shrunk window). Landing and
the published file keep yesterday's content. Clear the task to try again; `restate_window` loads other days. What
another try would meet again (a refused permission, a renamed column) fails at once, the rest is tried three times.
"""
POLICY = ExceptionRetryPolicy(
    [RetryRule(Unreachable, RetryAction.DEFAULT), RetryRule([ConfigError, TerminalError], RetryAction.FAIL)]
)


def ingest_dag(source: str, minute: int) -> DAG:
    """The DAG of one source, started ``minute`` minutes past 05:00 UTC."""

    @dag(
        dag_id=f"ingest_{source}",
        schedule=f"{minute} 5 * * *",
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        doc_md=DOC.format(source=source),
        tags=["layer:ingest", f"source:{source}", "tier:1"],
        default_args={
            "retries": 2,
            "retry_delay": timedelta(minutes=5),
            "retry_policy": POLICY,
            "execution_timeout": timedelta(hours=2),
        },
    )
    def ingest() -> None:
        @task(outlets=[Asset(f"landing_{source}")])
        def load(dag_run=None) -> int:
            from pipeline import scheduled

            return scheduled.ingest(source, run_id=dag_run.run_id, as_of=dag_run.run_after)

        load()

    return ingest()


for offset, name in enumerate(SOURCES):
    globals()[f"ingest_{name}"] = ingest_dag(name, 3 * offset)
