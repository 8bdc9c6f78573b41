"""The section `gcp` of `sources.yml`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ingest.yaml_config import StrictModel, Text, refuse_repeats

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


class GcpSources(StrictModel):
    billing_exports: tuple[GcpBillingExport, ...] = ()
    """Billing exports in BigQuery."""
    monitoring_projects: tuple[GcpProjectId, ...] = ()
    """Projects whose Vertex AI metrics are read."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> "GcpSources":
        refuse_repeats(
            [export.billing_account_id for export in self.billing_exports], "billing_exports", "billing_account_id"
        )
        refuse_repeats(list(self.monitoring_projects), "monitoring_projects", None)
        return self
