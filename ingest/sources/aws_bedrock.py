"""Bedrock's inventory: inference profiles with their tags, and provisioned throughput, per account and region.

Endpoints: Bedrock `ListInferenceProfiles` (application and system-defined), `ListTagsForResource`,
`ListProvisionedModelThroughputs`; paged until there is no `nextToken`.
A load is a snapshot of the run's UTC day, one file per account; snapshots stay, so a profile outlives its deletion.
AWS never says which profile a profile was copied from; the model is in its `models`. System-defined profiles cannot
carry tags, so none are asked for. Run alone: `inferledger ingest aws_bedrock`.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from ingest.aws_client import AwsClients
from ingest.config_aws import AwsAccount
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import SchemaChanged
from ingest.run import Window, day_start

if TYPE_CHECKING:
    from mypy_boto3_bedrock import BedrockClient

SOURCE = "aws_bedrock"
_MOMENT = pa.timestamp("us", tz="UTC")
_PLACE = [pa.field("account_id", pa.string()), pa.field("region", pa.string())]
_TAGS = pa.field("tags", pa.map_(pa.string(), pa.string()))
INFERENCE_PROFILES = StreamContract(
    SOURCE,
    "inference_profiles",
    pa.schema(
        [
            *_PLACE,
            pa.field("inferenceProfileId", pa.string()),
            pa.field("inferenceProfileArn", pa.string()),
            pa.field("inferenceProfileName", pa.string()),
            pa.field("description", pa.string()),
            pa.field("type", pa.string()),
            pa.field("status", pa.string()),
            pa.field("models", pa.list_(pa.struct([pa.field("modelArn", pa.string())]))),
            pa.field("createdAt", _MOMENT),
            pa.field("updatedAt", _MOMENT),
            _TAGS,
        ]
    ),
    required=("account_id", "region", "inferenceProfileId", "inferenceProfileArn", "type", "models"),
    empty_ok=True,
    may_shrink=True,
)
PROVISIONED_THROUGHPUTS = StreamContract(
    SOURCE,
    "provisioned_model_throughputs",
    pa.schema(
        [
            *_PLACE,
            pa.field("provisionedModelName", pa.string()),
            pa.field("provisionedModelArn", pa.string()),
            pa.field("modelArn", pa.string()),
            pa.field("desiredModelArn", pa.string()),
            pa.field("foundationModelArn", pa.string()),
            pa.field("modelUnits", pa.int64()),
            pa.field("desiredModelUnits", pa.int64()),
            pa.field("status", pa.string()),
            pa.field("commitmentDuration", pa.string()),
            pa.field("commitmentExpirationTime", _MOMENT),
            pa.field("creationTime", _MOMENT),
            pa.field("lastModifiedTime", _MOMENT),
            _TAGS,
        ]
    ),
    required=("account_id", "region", "provisionedModelArn", "foundationModelArn", "modelUnits", "status"),
    empty_ok=True,
    may_shrink=True,
)
STREAMS = (INFERENCE_PROFILES, PROVISIONED_THROUGHPUTS)


def load(context: Context, window: Window | None) -> list[LoadResult]:  # noqa: ARG001 - every source takes one
    """Take today's snapshot of every account; `window` is ignored, because AWS shows only what is there now.

    Raises:
        PermissionDenied, CredentialExpired, Unreachable, ConfigError: as AWS answered, with what to do.
        SchemaChanged: a member that the answer must have is missing.
    """
    clients = AwsClients(context.settings)
    midnight = day_start(context.run.as_of.date())
    today = Window(midnight, midnight + timedelta(days=1))
    results: list[LoadResult] = []
    accounts = context.config.aws.accounts
    for number, account in enumerate(accounts):
        context.progress("aws_bedrock inventory", number, len(accounts))
        profiles: list[dict[str, Any]] = []
        throughputs: list[dict[str, Any]] = []
        for region in context.config.aws.regions:
            place = {"account_id": account.id, "region": region}
            client = clients.bedrock(account, region)
            profiles += [place | row for row in _profiles(clients, client, account, region)]
            throughputs += [place | row for row in _throughputs(clients, client, account, region)]
        for contract, rows in ((INFERENCE_PROFILES, profiles), (PROVISIONED_THROUGHPUTS, throughputs)):
            table = pa.Table.from_pylist(rows, schema=contract.schema)
            results.append(context.landing.write(contract, scope=account.id, window=today, batches=[table]))
    context.progress("aws_bedrock inventory", len(accounts), len(accounts))
    return results


def _profiles(clients: AwsClients, client: "BedrockClient", account: AwsAccount, region: str) -> list[dict[str, Any]]:
    """Every profile of one account and region, application profiles with their tags."""
    where = f"Bedrock inference profiles of {account.name} ({account.id}) in {region}"
    list_page = clients.calling(where, "bedrock:ListInferenceProfiles")(client.list_inference_profiles)
    rows: list[dict[str, Any]] = []
    for kind in ("APPLICATION", "SYSTEM_DEFINED"):
        token: dict[str, Any] = {}
        while True:
            page = cast(Mapping[str, Any], list_page(typeEquals=kind, maxResults=1000, **token))
            for profile in _member(page, "inferenceProfileSummaries", where):
                is_own = profile["type"] == "APPLICATION"
                tags = _tags(clients, client, profile["inferenceProfileArn"], where) if is_own else []
                rows.append({**profile, "tags": tags})
            if not page.get("nextToken"):
                break
            token = {"nextToken": page["nextToken"]}
    return rows


def _throughputs(
    clients: AwsClients, client: "BedrockClient", account: AwsAccount, region: str
) -> list[dict[str, Any]]:
    where = f"Bedrock provisioned throughput of {account.name} ({account.id}) in {region}"
    list_page = clients.calling(where, "bedrock:ListProvisionedModelThroughputs")(
        client.list_provisioned_model_throughputs
    )
    rows: list[dict[str, Any]] = []
    token: dict[str, Any] = {}
    while True:
        page = cast(Mapping[str, Any], list_page(maxResults=1000, **token))
        rows += [
            {**model, "tags": _tags(clients, client, model["provisionedModelArn"], where)}
            for model in _member(page, "provisionedModelSummaries", where)
        ]
        if not page.get("nextToken"):
            return rows
        token = {"nextToken": page["nextToken"]}


def _tags(clients: AwsClients, client: "BedrockClient", arn: str, where: str) -> list[tuple[str, str]]:
    read = clients.calling(f"{where}, tags of {arn}", "bedrock:ListTagsForResource")(client.list_tags_for_resource)
    return [(tag["key"], tag["value"]) for tag in _member(read(resourceARN=arn), "tags", where)]


def _member(page: Mapping[str, Any], name: str, where: str) -> Sequence[Any]:
    """A list that the answer must have: botocore gives an answer without it no error."""
    if name not in page:
        raise SchemaChanged(f"{where}: the answer has no {name}.", "Update boto3; the API may have changed.")
    return page[name]
