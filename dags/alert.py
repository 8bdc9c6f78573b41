"""`alert`: tell people what the newly published file found. Runs when the file was swapped in."""

from datetime import UTC, datetime, timedelta

from airflow.sdk import Asset, dag, task

DOC = """
**Purpose** Send each new spike once to each channel of `config/alerts.yml`.

**Owner** the on-call of the platform team.

**When it fails** a channel did not answer; the others were told. A retry sends only what is missing.
"""


@dag(
    schedule=[Asset("published")],
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    doc_md=DOC,
    tags=["layer:alerts", "tier:1"],
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1), "execution_timeout": timedelta(minutes=10)},
)
def alert() -> None:
    @task
    def send(dag_run=None) -> int:
        from pipeline import scheduled

        return scheduled.alert(run_id=dag_run.run_id, as_of=dag_run.run_after)

    send()


alert()
