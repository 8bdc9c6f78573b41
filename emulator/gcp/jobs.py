"""Query jobs: their results stay for a while, under the job's id and under the name of an anonymous table."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pyarrow as pa

from emulator.gcp.warehouse import GoogleError, Plan, View, Warehouse

KEPT_JOBS = 24
# large results are forgotten earlier: their reader has gone on to the next query
KEPT_ROWS = 2_000_000
ANONYMOUS = "_anonymous"


@dataclass(frozen=True)
class Job:
    """A finished query job."""

    id: str
    project: str
    location: str
    configuration: Mapping[str, Any]
    plan: Plan
    rows: pa.Table
    created_ms: int
    is_dry: bool

    @property
    def destination(self) -> str:
        """Where the result lies, as `project.dataset.table`."""
        return f"{self.project}.{ANONYMOUS}.anon{self.id.replace('-', '')}"

    def resource(self) -> dict[str, Any]:
        """The job as `jobs.get` returns it."""
        project, dataset, table = self.destination.split(".")
        query = {
            **self.configuration.get("query", {}),
            "destinationTable": {"projectId": project, "datasetId": dataset, "tableId": table},
        }
        statistics = {
            "totalBytesProcessed": str(self.plan.bytes_processed),
            "totalBytesBilled": "0" if self.is_dry else str(self.plan.bytes_billed),
            "cacheHit": False,
            "statementType": "SELECT",
        }
        return {
            "kind": "bigquery#job",
            "id": f"{self.project}:{self.location}.{self.id}",
            "selfLink": f"/bigquery/v2/projects/{self.project}/jobs/{self.id}",
            "user_email": "reader@acme.example",
            "jobReference": self.reference(),
            "configuration": {**self.configuration, "jobType": "QUERY", "query": query},
            "status": {"state": "DONE"},
            "statistics": {
                "creationTime": str(self.created_ms),
                "startTime": str(self.created_ms),
                "endTime": str(self.created_ms),
                "totalBytesProcessed": str(self.plan.bytes_processed),
                "query": statistics,
            },
        }

    def reference(self) -> dict[str, str]:
        """The job's name."""
        return {"projectId": self.project, "jobId": self.id, "location": self.location}


class Jobs:
    """Runs queries at once and remembers the newest results."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._lock = threading.Lock()
        self._jobs: OrderedDict[str, Job] = OrderedDict()

    def submit(self, project: str, body: Mapping[str, Any], view: View) -> Job:
        """Run a job resource's query; raises GoogleError as BigQuery would."""
        configuration = body.get("configuration", {})
        query = configuration.get("query")
        if query is None:
            raise GoogleError(400, "invalid", "Only query jobs are supported")
        reference = body.get("jobReference", {})
        location = reference.get("location")
        plan = self._warehouse.plan(query["query"], query.get("queryParameters", []), view, location)
        dry = bool(configuration.get("dryRun"))
        if dry:
            rows = self._warehouse.describe(plan).empty_table()
        else:
            _check_budget(query.get("maximumBytesBilled"), plan)
            rows = self._warehouse.run(plan)
        job = Job(
            id=reference.get("jobId") or f"job_{uuid4().hex}",
            project=project,
            location=location or self._warehouse.location,
            configuration=configuration,
            plan=plan,
            rows=rows,
            created_ms=int(view.now.timestamp() * 1000),
            is_dry=dry,
        )
        with self._lock:
            self._jobs[job.id] = job
            while len(self._jobs) > KEPT_JOBS or (len(self._jobs) > 1 and self._kept_rows() > KEPT_ROWS):
                self._jobs.popitem(last=False)
        return job

    def _kept_rows(self) -> int:
        return sum(job.rows.num_rows for job in self._jobs.values())

    def get(self, project: str, job_id: str, location: str | None) -> Job:
        """A job by id; raises GoogleError 404 when it is unknown or ran elsewhere."""
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None or (location and location.upper() != job.location.upper()):
            raise GoogleError(404, "notFound", f"Not found: Job {project}:{job_id}")
        return job

    def result_of(self, table: str) -> pa.Table | None:
        """The rows behind an anonymous table, None when there is none of that name."""
        with self._lock:
            return next((job.rows for job in self._jobs.values() if job.destination == table), None)


def _check_budget(limit: str | int | None, plan: Plan) -> None:
    if limit is not None and plan.bytes_billed > int(limit):
        raise GoogleError(
            400,
            "bytesBilledLimitExceeded",
            f"Query exceeded limit for bytes billed: {limit}. {plan.bytes_billed} or higher required.",
        )
