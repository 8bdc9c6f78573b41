"""What the doctor finds out about the Azure bill: each right tried by its smallest call, tags, and what a run costs."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, cast

from azure.mgmt.costmanagement import CostManagementClient

from ingest.azure_client import AzureCaller
from ingest.azure_errors import Permission
from ingest.azure_pace import BUDGETS
from ingest.checks import Finding, Status
from ingest.contracts import Context
from ingest.errors import InferledgerError, PermissionDenied, Unreachable
from ingest.files import open_folder
from ingest.run import Window, day_start, month_start, months, next_month
from ingest.sources.azure_cost_picture import DEPLOYMENT_TAG, SOURCE, VIEWS, Account, Scope
from ingest.sources.azure_cost_query import Query

PROJECT_TAG = "project"
QUERY_ACTION = "Microsoft.CostManagement/query/action"
TAG_ACTION = "Microsoft.Resources/subscriptions/tagNames/read"
SETTING_ACTION = "Microsoft.CostManagement/*/read"
GRANTED = "deploy/azure/inferledger-reader.json grants it in the line"


def findings(
    context: Context, caller: AzureCaller, tag_keys: Mapping[str, tuple[str, ...]] | None
) -> Iterator[Finding]:
    """Everything that can be said, worst things included; `tag_keys` are those in use that mean something, if known."""
    config = context.config.azure
    account = Account(config, caller, caller.costs())
    first = month_start(context.run.as_of.date())
    month = Window(day_start(first), day_start(next_month(first)))
    reachable = True
    if "query" in (config.route, config.backfill_route) or config.route == "details":
        for name, scope in account.billing_scopes.items():
            finding = _asked(account, name, scope, month, "deploy/azure/README.md, section 2, says who grants it.")
            reachable = reachable and finding.aspect != "reachable"
            yield finding
        if reachable:
            for name, scope in account.usage_scopes.items():
                yield _asked(account, name, scope, month, f'{GRANTED} "{QUERY_ACTION}".')
    if reachable:
        for subscription in config.subscriptions:
            yield from _tags(caller, account.client, subscription.id.lower())
    for export in config.exports:
        yield _export(context, export.name, export.location)
    yield from _cost(context, account, tag_keys)


def _asked(account: Account, name: str, scope: Scope, month: Window, granted: str) -> Finding:
    """Ask a scope for one total of this month."""
    query = Query("ActualCost", ("ChargeType",), is_daily=False)
    try:
        answer = account.ask(query, month, scope)
    except PermissionDenied as error:
        return Finding(SOURCE, name, "permitted", "fail", error.message, f"{error.remedy} {granted}")
    except Unreachable as error:
        return Finding(SOURCE, name, "reachable", "fail", error.message, error.remedy)
    except InferledgerError as error:
        return Finding(SOURCE, name, "permitted", "fail", error.message, error.remedy)
    has_cost = f"{len(answer.rows)} kinds of charge this month" if answer.rows else "no cost this month yet"
    return Finding(SOURCE, name, "permitted", "ok", f"The cost of {scope.path} can be queried: {has_cost}.")


def _tags(caller: AzureCaller, client: CostManagementClient | None, subscription: str) -> Iterator[Finding]:
    """Which tags are in use, whether Azure's own are among them, and whether a subscription's reach its resources."""
    permission = Permission("Reader", f"subscription {subscription}")
    what = f"azure_cost: tag names of subscription {subscription}"
    path = f"/subscriptions/{subscription}/tagNames?api-version=2021-04-01"
    try:
        answer = caller.get_json(caller.costs(), path, what=what, permission=permission)
    except InferledgerError as error:
        granted = f'{error.remedy} {GRANTED} "{TAG_ACTION}".' if isinstance(error, PermissionDenied) else error.remedy
        yield Finding(SOURCE, subscription, "tags", "fail", error.message, granted)
        return
    used = {str(item["tagName"]).lower() for item in answer["value"]}
    named = [key for key in (DEPLOYMENT_TAG, PROJECT_TAG) if key in used]
    seen = f"Azure's own tags {' and '.join(named)} are in use" if named else "none of Azure's own tags is in use"
    yield Finding(SOURCE, subscription, "tags", "ok", f"{len(used)} tag keys, {seen}.")
    if client is not None:
        yield _inheritance(caller, client, subscription)


def _inheritance(caller: AzureCaller, client: CostManagementClient, subscription: str) -> Finding:
    permission = Permission("Cost Management Reader", f"subscription {subscription}")
    what = f"azure_cost: settings of subscription {subscription}"

    def listed() -> list[Any]:
        return list(cast(Any, client.settings.list(f"subscriptions/{subscription}")).value or [])

    try:
        settings = caller.call(listed, what=what, permission=permission)
    except InferledgerError as error:
        remedy = f'{error.remedy} {GRANTED} "{SETTING_ACTION}".'
        return Finding(SOURCE, subscription, "tags", "warn", error.message, remedy)
    if any(str(setting.kind).lower() == "taginheritance" for setting in settings):
        return Finding(SOURCE, subscription, "tags", "ok", "Tag inheritance is on for the subscription.")
    return Finding(
        SOURCE, subscription, "tags", "ok",
        "Tag inheritance is not set on the subscription itself; tags of subscription and resource group count only "
        "where the billing account or profile sets it.",
    )  # fmt: skip


def _export(context: Context, name: str, location: str) -> Finding:
    """List an export's folder, which needs the right to read blobs."""
    try:
        with open_folder(location, context.settings) as folder:
            manifests = sum(file.matches("*manifest*.json") for file in folder.files())
    except InferledgerError as error:
        return Finding(SOURCE, name, "permitted", "fail", error.message, error.remedy)
    status: Status = "ok" if manifests else "warn"
    return Finding(SOURCE, name, "permitted", status, f"Export {name} can be read: {manifests} runs are there.")


def _cost(context: Context, account: Account, tag_keys: Mapping[str, tuple[str, ...]] | None) -> Iterator[Finding]:
    """Query units of a daily run and of a first backfill, against what Azure allows in an hour."""
    if account.config.route != "query":
        yield Finding(SOURCE, "", "cost", "ok", "Reading exports takes no query units; blobs cost their transactions.")
        return
    tags = sum(len(keys) for keys in (tag_keys or {}).values())
    billing, usage = len(account.billing_scopes), len(account.usage_scopes)
    units = billing * (1 + len(VIEWS)) + usage * len(VIEWS) + tags
    as_of = context.run.as_of
    daily = len(list(months(Window(as_of - timedelta(days=35), as_of)))) * units
    backfill = len(list(months(Window(as_of - timedelta(days=context.config.backfill_days), as_of)))) * units
    most = BUDGETS[-1][1]
    yield Finding(
        SOURCE, "", "cost", "ok" if daily <= most else "warn",
        f"A daily run takes {daily} query units, a backfill of {context.config.backfill_days} days {backfill}, before "
        f"pages; the tenant has {most} an hour.",
        "" if daily <= most else "Read exports instead: `route: export` in sources.yml.",
    )  # fmt: skip
