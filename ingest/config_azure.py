"""The section `azure` of `sources.yml`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ingest.yaml_config import MisplacedError, StrictModel, Text, WholeNumber, refuse_repeats

Guid = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
Route = Literal["query", "export", "details"]


class AzureSubscription(StrictModel):
    id: Guid
    """Subscription id, a GUID."""
    name: Text
    """The name people know the subscription by."""


# what a policy may call a dimension; it is put into a query between quotes
Dimension = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9 _.-]*$")]


class GatewayDimensions(StrictModel):
    """Which dimension of the token metric tells what; leave out those that the policy does not send."""

    subscription: Dimension | None = None
    """The subscription key, e.g. `Subscription ID`."""
    team: Dimension | None = None
    """Team."""
    product: Dimension | None = None
    """Product, as people know it (not API Management's)."""
    environment: Dimension | None = None
    """Environment."""
    user: Dimension | None = None
    """End user or application."""
    deployment: Dimension | None = None
    """Deployment that was called."""
    model: Dimension | None = None
    """Model that was called."""
    account: Dimension | None = None
    """Account (or backend) that was called."""


class GatewaySubscription(StrictModel):
    """Whose a subscription key of the gateway is."""

    id: Text
    """The key's id (its `sid`), as the gateway logs it."""
    team: Text | None = None
    """Team that holds it."""
    product: Text | None = None
    """Product that calls with it."""
    environment: Text | None = None
    """Environment that it is for."""


class GatewayLog(StrictModel):
    """One place in which a gateway's token counts are logged."""

    name: Text = "gateway"
    """The gateway. Of two places that log the same one, the exact `log` counts on days on which both have rows."""
    shape: Literal["log", "metric"]
    """`log`: the table ApiManagementGatewayLlmLog, exact. `metric`: of llm-emit-token-metric; streams are estimates."""
    workspace_id: Guid | None = None
    """Log Analytics workspace."""
    application_id: Annotated[str, Field(pattern=r"(?i)^/subscriptions/.+/components/[^/]+$")] | None = None
    """Classic Application Insights component by its ARM id, instead of a workspace; for the shape `metric`."""
    dimensions: GatewayDimensions = GatewayDimensions()
    """For the shape `metric`: which dimension tells what."""
    subscriptions: tuple[GatewaySubscription, ...] = ()
    """Whose each subscription key is."""

    @property
    def place(self) -> str:
        """The workspace or component, in lower case."""
        return (self.workspace_id or self.application_id or "").lower()

    @model_validator(mode="after")
    def _fits(self) -> "GatewayLog":
        if (self.workspace_id is None) == (self.application_id is None):
            raise MisplacedError(("workspace_id",), "give either workspace_id or application_id")
        if self.application_id is not None and self.shape == "log":
            raise MisplacedError(("application_id",), "the shape 'log' is read from a workspace_id")
        refuse_repeats([subscription.id for subscription in self.subscriptions], "subscriptions", "id")
        return self


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
    """Billing profiles of a Microsoft Customer Agreement: their cost and reservations are read, not the account's."""
    management_groups: tuple[Text, ...] = ()
    """Management groups whose usage is asked for in one query each, instead of one per subscription."""
    subscriptions: tuple[AzureSubscription, ...] = Field(min_length=1)
    """Subscriptions whose cost, deployments and metrics are read."""
    minute_days: WholeNumber = Field(default=7, ge=0, le=92)
    """How many days back the first run reads minutes of provisioned deployments; 0 reads none."""
    gateway_logs: tuple[GatewayLog, ...] = ()
    """Where gateways in front of shared deployments log their tokens."""
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
