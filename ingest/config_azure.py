"""The section `azure` of `sources.yml`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ingest.yaml_config import StrictModel, Text, refuse_repeats

Guid = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
Route = Literal["query", "export", "details"]


class AzureSubscription(StrictModel):
    id: Guid
    """Subscription id, a GUID."""
    name: Text
    """The name people know the subscription by."""


class AzureExport(StrictModel):
    name: Text
    """What the export is called, in messages."""
    location: Text
    """Where its files lie: `https://ACCOUNT.blob.core.windows.net/CONTAINER/FOLDER`, `az://...`, or a local folder."""


class AzureSources(StrictModel):
    tenant_id: Guid
    """Microsoft Entra tenant."""
    billing_account_id: Text
    """Billing account (enrollment number or Microsoft Customer Agreement id), in quotes."""
    billing_profiles: tuple[Text, ...] = ()
    """Billing profiles of a Microsoft Customer Agreement; where given they are asked instead of the billing account."""
    management_groups: tuple[Text, ...] = ()
    """Management groups whose usage is asked for in one query each, instead of one per subscription."""
    subscriptions: tuple[AzureSubscription, ...] = Field(min_length=1)
    """Subscriptions whose cost, deployments and metrics are read."""
    route: Route = "query"
    """How the bill is read: the cost query, the files of `exports`, or cost details reports."""
    backfill_route: Route | None = None
    """How months before the trailing 35 days are read; the same as `route` unless given."""
    exports: tuple[AzureExport, ...] = ()
    """Cost exports (actual, amortized, FOCUS) in blob storage."""

    @model_validator(mode="after")
    def _is_consistent(self) -> "AzureSources":
        refuse_repeats([subscription.id for subscription in self.subscriptions], "subscriptions", "id")
        refuse_repeats([export.name for export in self.exports], "exports", "name")
        if "export" in (self.route, self.backfill_route) and not self.exports:
            raise ValueError("route export needs at least one entry under exports")
        return self
