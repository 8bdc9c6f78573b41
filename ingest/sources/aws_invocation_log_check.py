"""What the doctor asks of model invocation logging: is it on, is it read, may the log be read."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from ingest.aws_client import AwsClients
from ingest.checks import Finding, attempt
from ingest.config_aws import AwsAccount
from ingest.contracts import Context
from ingest.errors import InferledgerError
from ingest.sources.aws_invocation_log import SOURCE, LogBucket

_ACTION = "bedrock:GetModelInvocationLoggingConfiguration"


def findings(context: Context) -> Iterator[Finding]:
    """Whether each account and region logs to S3, and whether what is configured can be read."""
    clients = AwsClients(context.settings)
    section = context.config.aws
    read = {(log.account_id, log.region) for log in section.invocation_logs}
    for account in section.accounts:
        for region in section.regions:
            try:
                setting = _setting(clients, account, region)
            except InferledgerError as error:
                yield Finding(SOURCE, account.id, "permitted", "fail", error.message, error.remedy)
                continue
            yield Finding(SOURCE, account.id, "permitted", "ok", f"{_ACTION} in {region}.")
            yield _configured(account, region, setting, is_read=(account.id, region) in read)
    for log in section.invocation_logs:
        works = f"s3:ListBucket and s3:GetObject on s3://{log.bucket}."

        def probe(log: Any = log) -> None:
            LogBucket(clients, context, log).probe()

        yield attempt(SOURCE, f"{log.account_id}-{log.region}", "permitted", works, probe)
    if section.invocation_logs:
        message = "a run lists each day's keys once and fetches changed days; S3 bills under 0.01 USD per 1,000 calls."
        yield Finding(SOURCE, "", "cost", "ok", message)


def _setting(clients: AwsClients, account: AwsAccount, region: str) -> Mapping[str, Any]:
    where = f"Model invocation logging of {account.name} ({account.id}) in {region}"
    ask = clients.calling(where, _ACTION)(clients.bedrock(account, region).get_model_invocation_logging_configuration)
    answer = cast(Mapping[str, Any], ask())
    return answer.get("loggingConfig") or dict[str, Any]()


def _configured(account: AwsAccount, region: str, setting: Mapping[str, Any], *, is_read: bool) -> Finding:
    target: Mapping[str, Any] = setting.get("s3Config") or dict[str, Any]()
    if not setting:
        message = f"Model invocation logging is not switched on in {region}; no request can be told from another."
        remedy = (
            "Switch it on with `aws bedrock put-model-invocation-logging-configuration`, text delivery off if only the "
            "metadata is wanted."
        )
        return Finding(SOURCE, account.id, "configured", "warn", message, remedy)
    if not target:
        message = f"Model invocation logging in {region} goes to CloudWatch Logs alone, which is not read."
        return Finding(SOURCE, account.id, "configured", "warn", message, "Add an S3 bucket to its configuration.")
    place = f"s3://{target['bucketName']}/{target.get('keyPrefix', '')}"
    if not is_read:
        message = f"Model invocation logs of {region} go to {place}, which sources.yml does not name."
        remedy = "Add account, region, bucket and prefix to aws.invocation_logs in sources.yml."
        return Finding(SOURCE, account.id, "configured", "warn", message, remedy)
    return Finding(SOURCE, account.id, "configured", "ok", f"logs of {region} go to {place}.")
