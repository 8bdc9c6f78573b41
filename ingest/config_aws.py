"""The section `aws` of `sources.yml`."""

from typing import Annotated

from pydantic import Field, model_validator

from ingest.yaml_config import StrictModel, Text, refuse_repeats

AwsAccountId = Annotated[str, Field(pattern=r"^\d{12}$")]


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
    cost_explorer: bool = False
    """Whether to ask Cost Explorer for each month's sum, beside the bill; a request costs USD 0.01."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> "AwsSources":
        refuse_repeats([account.id for account in self.accounts], "accounts", "id")
        refuse_repeats([export.name for export in self.exports], "exports", "name")
        refuse_repeats(list(self.regions), "regions", None)
        return self
