"""What the doctor asks of Bedrock and CloudWatch: every action once per account and region, with its smallest call."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

from ingest.aws_client import AwsClients
from ingest.aws_cloudwatch import USD_PER_METRIC
from ingest.checks import Finding, attempt
from ingest.config_aws import AwsAccount
from ingest.contracts import Context
from ingest.errors import InferledgerError
from ingest.sources.aws_bedrock import PROFILE_TYPE, SOURCE, profiles_of
from ingest.sources.aws_bedrock_metrics import MANTLE_NAMESPACE, NAMESPACE, listed_metrics

RUNS_A_MONTH = 30
NAMED = 5


def findings(context: Context) -> Iterator[Finding]:
    """Reachable, permitted, tagged, and what the reading costs, for every account."""
    clients = AwsClients(context.settings)
    section = context.config.aws
    for account in section.accounts:
        way = f"entered by {account.role_arn}" if account.role_arn else "the credentials are of this account"
        entered = attempt(
            SOURCE, account.id, "reachable", way + ".", lambda a=account: clients.enter(a, section.regions[0])
        )
        yield entered
        if entered.status == "fail":
            continue
        refused = False
        for region in section.regions:
            for action, call in _actions(context, clients, account, region):
                made = clients.calling(f"{account.name} ({account.id}) in {region}", action)(call)
                finding = attempt(SOURCE, account.id, "permitted", f"{action} in {region}.", made)
                refused = refused or finding.status == "fail"
                yield finding if action != "tag:GetResources" else _optional(finding)
        if not refused:
            yield from _tagged(clients, account, section.regions)
            yield from _mantle(clients, account, section.regions)
        yield _cost(context, account)


def _actions(
    context: Context, clients: AwsClients, account: AwsAccount, region: str
) -> list[tuple[str, Callable[[], object]]]:
    bedrock, cloudwatch = clients.bedrock(account, region), clients.cloudwatch(account, region)
    tagging, end = clients.tagging(account, region), context.run.as_of
    # the account's own profile where it has one: what does not exist is refused for another reason
    own: dict[str, Any] = {}

    def list_profiles() -> None:
        for kind in ("SYSTEM_DEFINED", "APPLICATION"):
            page = bedrock.list_inference_profiles(typeEquals=cast(Any, kind), maxResults=1)
            own.update({f"{kind} id": one["inferenceProfileArn"] for one in page["inferenceProfileSummaries"]})

    def get_profile() -> None:
        found = own.get("APPLICATION id") or own.get("SYSTEM_DEFINED id")
        if found:
            bedrock.get_inference_profile(inferenceProfileIdentifier=found)

    def list_tags() -> None:
        if "APPLICATION id" in own:
            bedrock.list_tags_for_resource(resourceARN=own["APPLICATION id"])

    def get_data() -> None:
        metric: Any = {"Namespace": NAMESPACE, "MetricName": "Invocations", "Dimensions": []}
        stat: Any = {"Metric": metric, "Period": 3600, "Stat": "Sum"}
        query: Any = {"Id": "q0000", "MetricStat": stat}
        cloudwatch.get_metric_data(MetricDataQueries=[query], StartTime=end - timedelta(hours=1), EndTime=end)

    return [
        ("bedrock:ListInferenceProfiles", list_profiles),
        ("bedrock:GetInferenceProfile", get_profile),
        ("bedrock:ListTagsForResource", list_tags),
        (
            "bedrock:ListProvisionedModelThroughputs",
            lambda: bedrock.list_provisioned_model_throughputs(maxResults=1),
        ),
        (
            "tag:GetResources",
            lambda: tagging.get_resources(ResourceTypeFilters=[PROFILE_TYPE], ResourcesPerPage=1),
        ),
        ("cloudwatch:ListMetrics", lambda: cloudwatch.list_metrics(Namespace=NAMESPACE, RecentlyActive="PT3H")),
        ("cloudwatch:GetMetricData", get_data),
    ]


def _optional(finding: Finding) -> Finding:
    """Without the tagging API all is read as well, by a call per profile."""
    if finding.status != "fail":
        return finding
    message = f"{finding.message} Tags are read with a call per profile instead."
    return Finding(finding.source, finding.account, finding.aspect, "warn", message, finding.remedy)


def _tagged(clients: AwsClients, account: AwsAccount, regions: tuple[str, ...]) -> Iterator[Finding]:
    try:
        rows = [row for region in regions for row in profiles_of(clients, account, region)]
    except InferledgerError as error:
        yield Finding(SOURCE, account.id, "tags", "fail", error.message, error.remedy)
        return
    own = [row for row in rows if row["type"] == "APPLICATION"]
    bare = sorted(row["inferenceProfileName"] for row in own if not row["tags"])
    if bare:
        named = ", ".join(bare[:NAMED]) + (f" and {len(bare) - NAMED} more" if len(bare) > NAMED else "")
        message = f"{len(bare)} of {len(own)} application profiles have no tag: {named}."
        remedy = "Tag them with team, product and environment; cost before that stays without a tag."
        yield Finding(SOURCE, account.id, "tags", "warn", message, remedy)
    elif own:
        yield Finding(SOURCE, account.id, "tags", "ok", f"all {len(own)} application profiles have tags.")
    else:
        remedy = "Create one per product and model, and let calls use its ARN; other calls carry no tag."
        yield Finding(SOURCE, account.id, "tags", "warn", "There is no application inference profile.", remedy)


def _mantle(clients: AwsClients, account: AwsAccount, regions: tuple[str, ...]) -> Iterator[Finding]:
    counted = [region for region in regions if any(listed_metrics(clients, account, region, MANTLE_NAMESPACE))]
    if counted:
        message = f"Calls go through bedrock-mantle in {', '.join(counted)}; their usage is not read, their cost is."
        remedy = "Take the tokens of these calls from the bill, or call bedrock-runtime through a profile."
        yield Finding(SOURCE, account.id, "complete", "warn", message, remedy)


def _cost(context: Context, account: AwsAccount) -> Finding:
    state = context.landing.read_state(SOURCE, f"metrics-{account.id}")
    if "last_metrics" not in state:
        message = "No run has read the metrics yet; CloudWatch bills 0.01 USD per 1,000 metrics requested."
        return Finding(SOURCE, account.id, "cost", "ok", message)
    metrics = int(state["last_metrics"])
    month: Decimal = RUNS_A_MONTH * metrics * USD_PER_METRIC
    message = (
        f"the last run asked CloudWatch for {metrics} metrics in {state['last_calls']} calls; "
        f"{RUNS_A_MONTH} such runs a month cost {month:.2f} USD."
    )
    return Finding(SOURCE, account.id, "cost", "ok", message)
