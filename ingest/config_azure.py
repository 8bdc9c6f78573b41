"""The section `azure` of `sources.yml`."""

from typing import Annotated

from pydantic import Field, model_validator

from ingest.yaml_config import StrictModel, Text, refuse_repeats

Guid = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]


class AzureSubscription(StrictModel):
    id: Guid
    """Subscription id, a GUID."""
    name: Text
    """The name people know the subscription by."""


class AzureSources(StrictModel):
    tenant_id: Guid
    """Microsoft Entra tenant."""
    billing_account_id: Text
    """Billing account (enrollment number or Microsoft Customer Agreement id), in quotes."""
    subscriptions: tuple[AzureSubscription, ...] = Field(min_length=1)
    """Subscriptions whose cost, deployments and metrics are read."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> "AzureSources":
        refuse_repeats([subscription.id for subscription in self.subscriptions], "subscriptions", "id")
        return self
