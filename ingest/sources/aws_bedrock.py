"""Bedrock's inventory: inference profiles with their tags, and provisioned throughput, per account and region.

Endpoints: Bedrock `ListInferenceProfiles` (application and system-defined), `ListProvisionedModelThroughputs`, paged
until there is no `nextToken`; `GetInferenceProfile` once for an id that the bill or CloudWatch names and no snapshot
ever showed. Tags come from the tagging API's `GetResources`, a hundred profiles a call; that API never shows what was
never tagged, so profiles are not taken from it, and `ListTagsForResource` is asked for those that it does not show.
A load is a snapshot of the run's UTC day, one file per account; snapshots stay, so a profile outlives its deletion.
AWS never says which profile a profile was copied from; the model is in its `models`. System-defined profiles cannot
carry tags, so none are asked for. Run alone: `inferledger ingest aws_bedrock`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from ingest.aws_client import AwsClients
from ingest.checks import Finding
from ingest.config_aws import AwsAccount
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import PermissionDenied, SchemaChanged
from ingest.files import Folder
from ingest.run import Window, day_start

if TYPE_CHECKING:
    from mypy_boto3_bedrock import BedrockClient

SOURCE = "aws_bedrock"
PROFILE_TYPE = "bedrock:application-inference-profile"
# ids of application profiles; those of models and system profiles hold a point, those of provisioned models are ARNs
_OPAQUE = re.compile(r"[A-Za-z0-9-]{1,64}")
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
            found = profiles_of(clients, account, region)
            found += _missed(context, clients, account, region, found)
            profiles += [place | row for row in found]
            throughputs += [place | row for row in _throughputs(clients, account, region)]
        for contract, rows in ((INFERENCE_PROFILES, profiles), (PROVISIONED_THROUGHPUTS, throughputs)):
            table = pa.Table.from_pylist(rows, schema=contract.schema)
            results.append(context.landing.write(contract, scope=account.id, window=today, batches=[table]))
    context.progress("aws_bedrock inventory", len(accounts), len(accounts))
    return results


def check(context: Context) -> Iterator[Finding]:
    """Try what inventory and metrics need; see `aws_bedrock_check`."""
    yield from import_module("ingest.sources.aws_bedrock_check").findings(context)


def load_files(context: Context, folder: Folder, window: Window | None) -> list[LoadResult]:
    """Land what the AWS command line printed; see `aws_bedrock_files`."""
    return import_module("ingest.sources.aws_bedrock_files").read_files(context, folder, window)


def profiles_of(clients: AwsClients, account: AwsAccount, region: str) -> list[dict[str, Any]]:
    """Every profile of one account and region, application profiles with their tags."""
    where, client = _where(account, region), clients.bedrock(account, region)
    list_page = clients.calling(where, "bedrock:ListInferenceProfiles")(client.list_inference_profiles)
    rows: list[dict[str, Any]] = []
    for kind in ("APPLICATION", "SYSTEM_DEFINED"):
        token: dict[str, Any] = {}
        while True:
            page = cast(Mapping[str, Any], list_page(typeEquals=kind, maxResults=1000, **token))
            rows += [dict(profile) for profile in _member(page, "inferenceProfileSummaries", where)]
            if not page.get("nextToken"):
                break
            token = {"nextToken": page["nextToken"]}
    own = [row["inferenceProfileArn"] for row in rows if row["type"] == "APPLICATION"]
    shown = tags_shown(clients, account, region) if len(own) > 1 else {}
    for row in rows:
        arn, is_own = row["inferenceProfileArn"], row["type"] == "APPLICATION"
        row["tags"] = (shown.get(arn) or _tags(clients, client, arn, where)) if is_own else []
    return rows


def _missed(
    context: Context, clients: AwsClients, account: AwsAccount, region: str, found: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Application profiles that bill or CloudWatch name and no list ever showed; one that is gone is asked for once."""
    state = context.landing.read_state(SOURCE, f"gone-{account.id}")
    gone = {(place, profile_id) for place, profile_id in state.get("ids", [])}
    named = context.landing.read_state("aws_cur", "workloads").get(account.id, [])
    named += context.landing.read_state(SOURCE, f"metrics-{account.id}").get("ids", [])
    missed = {one for place, one in named if place == region and _OPAQUE.fullmatch(one)}
    missed -= {row["inferenceProfileId"] for row in found} | {one for place, one in gone if place == region}
    if missed:
        missed -= set(context.landing.read(INFERENCE_PROFILES, scope=account.id)["inferenceProfileId"].to_pylist())
    rows = [_profile(clients, account, region, one) for one in sorted(missed)]
    fresh_gone = {(region, one) for one in missed} - {(region, row["inferenceProfileId"]) for row in rows if row}
    if fresh_gone - gone:
        context.landing.write_state(SOURCE, f"gone-{account.id}", {"ids": sorted(gone | fresh_gone)})
    return [row for row in rows if row]


def _profile(clients: AwsClients, account: AwsAccount, region: str, profile_id: str) -> dict[str, Any] | None:
    where, client = _where(account, region), clients.bedrock(account, region)

    def get() -> dict[str, Any] | None:
        try:
            return dict(client.get_inference_profile(inferenceProfileIdentifier=profile_id))
        except (client.exceptions.ResourceNotFoundException, client.exceptions.ValidationException):
            # gone, or the id of something else that the bill calls Bedrock
            return None

    row = clients.calling(where, "bedrock:GetInferenceProfile")(get)()
    if row is not None:
        row.pop("ResponseMetadata", None)
        row["tags"] = _tags(clients, client, row["inferenceProfileArn"], where)
    return row


def _throughputs(clients: AwsClients, account: AwsAccount, region: str) -> list[dict[str, Any]]:
    where, client = (
        f"Bedrock provisioned throughput of {account.name} ({account.id}) in {region}",
        clients.bedrock(account, region),
    )
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


def _where(account: AwsAccount, region: str) -> str:
    return f"Bedrock inference profiles of {account.name} ({account.id}) in {region}"


def tags_shown(clients: AwsClients, account: AwsAccount, region: str) -> dict[str, list[tuple[str, str]]]:
    """Tags by ARN as the tagging API shows them; empty where it may not be asked, which costs a call per profile."""
    where, client = f"Tagged resources of {account.name} ({account.id}) in {region}", clients.tagging(account, region)
    get_page = clients.calling(where, "tag:GetResources")(client.get_resources)
    shown: dict[str, list[tuple[str, str]]] = {}
    token = ""
    while True:
        try:
            page = cast(
                Mapping[str, Any],
                get_page(ResourceTypeFilters=[PROFILE_TYPE], ResourcesPerPage=100, PaginationToken=token),
            )
        except PermissionDenied:
            return {}
        for mapping in _member(page, "ResourceTagMappingList", where):
            shown[mapping["ResourceARN"]] = sorted((tag["Key"], tag["Value"]) for tag in mapping["Tags"])
        token = page.get("PaginationToken") or ""
        if not token:
            return shown


def _tags(clients: AwsClients, client: "BedrockClient", arn: str, where: str) -> list[tuple[str, str]]:
    read = clients.calling(f"{where}, tags of {arn}", "bedrock:ListTagsForResource")(client.list_tags_for_resource)
    # both APIs give a profile's tags, each in its own order
    return sorted((tag["key"], tag["value"]) for tag in _member(read(resourceARN=arn), "tags", where))


def _member(page: Mapping[str, Any], name: str, where: str) -> Sequence[Any]:
    """A list that the answer must have: botocore gives an answer without it no error."""
    if name not in page:
        raise SchemaChanged(f"{where}: the answer has no {name}.", "Update boto3; the API may have changed.")
    return page[name]
