"""The typed configuration in `config/*.yml`: what to read (`sources.yml`) and the rules that apply to it.

Everything is read from one folder, checked as a whole, and immutable afterwards.
`docs/configuration.md` explains every key.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NoReturn

from pydantic import ConfigDict, Field, model_validator

from ingest.config_prices import PricesConfig
from ingest.config_rules import BudgetsConfig, OwnershipConfig, Provider, ScopeConfig
from ingest.errors import ConfigError
from ingest.yaml_config import MisplacedError, StrictModel, WholeNumber, load_yaml

Text = Annotated[str, Field(min_length=1)]
AwsAccountId = Annotated[str, Field(pattern=r"^\d{12}$")]
GcpProjectId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$")]
Guid = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]


class AwsAccount(StrictModel):
    id: AwsAccountId
    """Twelve digits, in quotes."""
    name: Text
    """The name people know the account by."""
    role_arn: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$")] | None = None
    """Role to assume for this account; none means that the caller's own credentials are used."""


class AwsExport(StrictModel):
    name: Text
    """Name of the data export, as given when it was created."""
    bucket: Text
    """Bucket that receives the export."""
    prefix: str = ""
    """Prefix inside the bucket, without slashes at its ends."""
    region: Text
    """Region of the bucket."""


class AwsSources(StrictModel):
    payer_account_id: AwsAccountId
    """The management account that is invoiced."""
    accounts: tuple[AwsAccount, ...] = Field(min_length=1)
    """Accounts whose inference profiles and metrics are read."""
    regions: tuple[Text, ...] = Field(min_length=1)
    """Regions in which Bedrock is used; profiles and metrics are regional."""
    exports: tuple[AwsExport, ...] = ()
    """Billing exports to read."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> "AwsSources":
        _refuse_repeats([account.id for account in self.accounts], "accounts", "id")
        _refuse_repeats([export.name for export in self.exports], "exports", "name")
        _refuse_repeats(list(self.regions), "regions", None)
        return self


class GcpBillingExport(StrictModel):
    project: GcpProjectId
    """Project that holds the export's dataset."""
    dataset: Annotated[str, Field(pattern=r"^\w+$")]
    """BigQuery dataset; its tables are found by their name, `gcp_billing_export_...`."""
    billing_account_id: Annotated[str, Field(pattern=r"^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$")]
    """Billing account the export belongs to."""
    location: Text
    """Location of the dataset, such as US or EU."""


class GcpSources(StrictModel):
    billing_exports: tuple[GcpBillingExport, ...] = ()
    """Billing exports in BigQuery."""
    monitoring_projects: tuple[GcpProjectId, ...] = ()
    """Projects whose Vertex AI metrics are read."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> "GcpSources":
        _refuse_repeats(
            [export.billing_account_id for export in self.billing_exports], "billing_exports", "billing_account_id"
        )
        _refuse_repeats(list(self.monitoring_projects), "monitoring_projects", None)
        return self


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
        _refuse_repeats([subscription.id for subscription in self.subscriptions], "subscriptions", "id")
        return self


class SourcesConfig(StrictModel):
    """`config/sources.yml`. A cloud that is not in use is left out; asking for its section then raises ConfigError."""

    model_config = ConfigDict(title="sources.yml")

    backfill_days: WholeNumber = Field(default=90, ge=1, le=1100)
    """How many days back the first run of a source reads."""
    aws_section: AwsSources | None = Field(default=None, alias="aws")
    """Amazon Web Services; left out when not in use."""
    gcp_section: GcpSources | None = Field(default=None, alias="gcp")
    """Google Cloud; left out when not in use."""
    azure_section: AzureSources | None = Field(default=None, alias="azure")
    """Microsoft Azure; left out when not in use."""

    @property
    def providers(self) -> tuple[Provider, ...]:
        """The clouds that are configured."""
        sections = {"aws": self.aws_section, "gcp": self.gcp_section, "azure": self.azure_section}
        order: tuple[Provider, ...] = ("aws", "gcp", "azure")
        return tuple(provider for provider in order if sections[provider] is not None)

    @property
    def aws(self) -> AwsSources:
        """The AWS section. Raises ConfigError when it is not configured."""
        return self.aws_section or _absent("aws")

    @property
    def gcp(self) -> GcpSources:
        """The Google Cloud section. Raises ConfigError when it is not configured."""
        return self.gcp_section or _absent("gcp")

    @property
    def azure(self) -> AzureSources:
        """The Azure section. Raises ConfigError when it is not configured."""
        return self.azure_section or _absent("azure")


def load_sources(path: Path) -> SourcesConfig:
    """Read `sources.yml` at `path`. Raises ConfigError naming file, line and what is allowed."""
    return load_yaml(path, SourcesConfig)


def _absent(provider: str) -> NoReturn:
    raise ConfigError(
        f"sources.yml has no section '{provider}'.",
        f"Add '{provider}:' to sources.yml as docs/configuration.md shows, or leave this cloud out of the run.",
    )


def _refuse_repeats(values: list[str], group: str, key: str | None) -> None:
    for index, value in enumerate(values):
        if value in values[:index]:
            place = (group, index) if key is None else (group, index, key)
            raise MisplacedError(place, f"'{value}' is given twice")


@dataclass(frozen=True)
class Configuration:
    """Every configuration file of one folder."""

    sources: SourcesConfig
    scope: ScopeConfig
    ownership: OwnershipConfig
    prices: PricesConfig
    budgets: BudgetsConfig


def load_configuration(config_dir: Path) -> Configuration:
    """Read all files of `config_dir` and check what they say of each other.

    Raises ConfigError naming file, line and what is allowed.
    """
    ownership = load_yaml(config_dir / "ownership.yml", OwnershipConfig)
    return Configuration(
        sources=load_sources(config_dir / "sources.yml"),
        scope=load_yaml(config_dir / "scope.yml", ScopeConfig),
        ownership=ownership,
        prices=load_yaml(config_dir / "prices.yml", PricesConfig),
        budgets=load_yaml(config_dir / "budgets.yml", BudgetsConfig, lambda budgets: budgets.check_names(ownership)),
    )
