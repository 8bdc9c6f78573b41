"""The section `gcp` of `sources.yml`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ingest.yaml_config import StrictModel, Text, WholeNumber, refuse_repeats

GcpProjectId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$")]


class GcpBillingExport(StrictModel):
    project: GcpProjectId
    """Project that holds the export's dataset."""
    dataset: Annotated[str, Field(pattern=r"^[\w*]+$")]
    """BigQuery dataset, `*` for any text; its tables are found by their name, `gcp_billing_export_...`."""
    billing_account_id: Annotated[str, Field(pattern=r"^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$")]
    """Billing account the export belongs to."""
    location: Text
    """Location of the dataset, such as US or EU."""
    tables: tuple[Literal["detailed", "standard", "focus", "pricing"], ...] = ()
    """Exports to read; none named: the most detailed one that is there."""


class GcpRequestLog(StrictModel):
    project: GcpProjectId
    """Project whose inference request metadata is logged."""
    log: Text
    """Id of the log as Logs Explorer shows it after `logs/`, such as aiplatform.googleapis.com%2F...."""
    view: Annotated[str, Field(pattern=r"^locations/[^/]+/buckets/[^/]+/views/[^/]+$")] | None = None
    """Log view to read through, such as locations/global/buckets/_Default/views/requests; left out: the project."""
    filter: Text | None = None
    """Further condition in the Logging query language, such as jsonPayload.location="us-central1"."""
    retention_days: WholeNumber = Field(default=30, ge=1, le=3650)
    """How long the log's bucket keeps entries."""


class GcpSources(StrictModel):
    billing_exports: tuple[GcpBillingExport, ...] = ()
    """Billing exports in BigQuery."""
    monitoring_projects: tuple[GcpProjectId, ...] = ()
    """Projects whose Vertex AI metrics are read."""
    request_logs: tuple[GcpRequestLog, ...] = ()
    """Inference request metadata logs in Cloud Logging, one a project."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> "GcpSources":
        refuse_repeats(
            [export.billing_account_id for export in self.billing_exports], "billing_exports", "billing_account_id"
        )
        refuse_repeats(list(self.monitoring_projects), "monitoring_projects", None)
        refuse_repeats([log.project for log in self.request_logs], "request_logs", "project")
        return self
