"""The section `aws` of `sources.yml`."""

from typing import Annotated, Literal

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
    external_id: Annotated[str, Field(min_length=2, max_length=1224, pattern=r"^[\w+=,.@:/-]+$")] | None = None
    """External id that the role's trust policy asks for; none when it asks for none."""


class AwsExport(StrictModel):
    name: Text
    """Name of the data export, as given when it was created."""
    bucket: Text
    """Bucket that receives the export."""
    prefix: str = ""
    """Prefix inside the bucket, without slashes at its ends."""
    region: Text
    """Region of the bucket."""


class AwsInvocationLog(StrictModel):
    account_id: AwsAccountId
    """Account whose model calls are logged; its role reads the bucket."""
    region: Text
    """Region whose model calls are logged."""
    bucket: Text
    """Bucket that receives the logs."""
    prefix: str = ""
    """Prefix before `AWSLogs/`, without slashes at its ends."""
    bucket_region: Text | None = None
    """Region of the bucket; none means `region`."""


class AwsSources(StrictModel):
    payer_account_id: AwsAccountId
    """The management account that is invoiced."""
    accounts: tuple[AwsAccount, ...] = Field(min_length=1)
    """Accounts whose inference profiles and metrics are read."""
    regions: tuple[Text, ...] = Field(min_length=1)
    """Regions in which Bedrock is used; profiles and metrics are regional."""
    exports: tuple[AwsExport, ...] = ()
    """Billing exports to read."""
    invocation_logs: tuple[AwsInvocationLog, ...] = ()
    """Model invocation logs to read; none unless logging to S3 is switched on."""
    extra_metrics: tuple[Literal["EstimatedTPMQuotaUsage", "OutputImageCount"], ...] = ()
    """CloudWatch metrics to read beyond tokens, calls, errors and latency; each costs one more priced metric per id."""
    latency_metrics: bool = True
    """Whether latency and time to first token are read: two more priced metrics per id."""
    provisioned_minutes: bool = False
    """Whether the counters of provisioned models are read by the minute as well, for sizing."""
    cost_explorer: bool = False
    """Whether to ask Cost Explorer for each month's sum, beside the bill; a request costs USD 0.01."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> "AwsSources":
        refuse_repeats([account.id for account in self.accounts], "accounts", "id")
        refuse_repeats([export.name for export in self.exports], "exports", "name")
        refuse_repeats(list(self.regions), "regions", None)
        refuse_repeats([f"{log.account_id} {log.region}" for log in self.invocation_logs], "invocation_logs", "region")
        unknown = {log.account_id for log in self.invocation_logs} - {account.id for account in self.accounts}
        if unknown:
            raise ValueError(f"invocation_logs names {', '.join(sorted(unknown))}, which is not among accounts")
        return self
