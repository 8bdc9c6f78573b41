"""`build_and_publish`: dbt over landing, detection, then the finished file swapped in, once every source has landed."""

from datetime import UTC, datetime, timedelta

from airflow.sdk import Asset, dag, task

from ingest.registry import SOURCES

DOC = """
**Purpose** Write, audit, publish: build and test the models, find spikes, and swap in the published file only when
every test has passed.

**Owner** data engineering.

**When it fails** dashboards keep the last published file and mark it stale. The log lists each model and test with
its status and seconds, and the reason; `dbt/build.log` in the home has the whole of it. Mend the cause and clear the
failed task.

The warehouse has one user at a time: one run, one task, and a lock on the file.
"""


@dag(
    schedule=[Asset(f"landing_{source}") for source in SOURCES],
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=1,
    doc_md=DOC,
    tags=["layer:marts", "tier:1"],
    default_args={"retries": 1, "retry_delay": timedelta(minutes=2), "execution_timeout": timedelta(hours=1)},
)
def build_and_publish() -> None:
    @task
    def build(dag_run=None) -> dict[str, float]:
        from pipeline import scheduled

        return scheduled.build(run_id=dag_run.run_id, as_of=dag_run.run_after)

    @task
    def detect(dag_run=None) -> int:
        from pipeline import scheduled

        return scheduled.detect(run_id=dag_run.run_id, as_of=dag_run.run_after)

    @task(outlets=[Asset("published")])
    def publish(dag_run=None) -> str:
        from pipeline import scheduled

        return scheduled.publish(run_id=dag_run.run_id, as_of=dag_run.run_after)

    build() >> detect() >> publish()


build_and_publish()
