"""The inventory of Azure OpenAI: accounts and deployments with their tags, type, PTUs and spillover target.

Endpoint: Cognitive Services accounts and deployments in Resource Manager; the client follows the pages. Azure keeps
no history of it, so each run writes a snapshot into the window of its day. An account without a deployment has one
row with NULL deployment fields. Run alone: `inferledger ingest azure_openai`.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pyarrow as pa

from ingest.azure_client import AccountRef, AzureCaller, list_accounts, reader
from ingest.checks import Finding, attempt
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.run import Window, day_start

SOURCE = "azure_openai"

_text = pa.string()
_tags = pa.map_(pa.string(), pa.string())
DEPLOYMENTS = StreamContract(
    SOURCE,
    "deployments",
    pa.schema(
        [
            ("subscription_id", _text),
            ("account_id", _text),
            ("account_name", _text),
            ("account_kind", _text),
            ("account_location", _text),
            ("account_resource_group", _text),
            ("account_tags", _tags),
            ("id", _text),
            ("name", _text),
            ("sku_name", _text),
            ("sku_capacity", pa.int64()),
            ("model_format", _text),
            ("model_name", _text),
            ("model_version", _text),
            ("spillover_deployment_name", _text),
            ("parent_deployment_name", _text),
            ("tags", _tags),
        ]
    ),
    ("subscription_id", "account_id", "account_name", "account_location", "name", "sku_name", "model_name"),
    empty_ok=True,
    may_shrink=True,
)
STREAMS = (DEPLOYMENTS,)


def load(context: Context, window: Window | None) -> list[LoadResult]:  # noqa: ARG001 - there is only today's inventory
    """Land today's inventory of every subscription.

    Raises:
        PermissionDenied, CredentialExpired, ConfigError, Unreachable: with what to do.
        TransientError: throttled beyond the retry budget.
    """
    config = context.config.azure
    caller = AzureCaller(context.settings, config.tenant_id)
    start = day_start(context.run.as_of.date())
    today = Window(start, start + timedelta(days=1))
    results: list[LoadResult] = []
    for done, subscription_id in enumerate((sub.id.lower() for sub in config.subscriptions), start=1):
        rows: list[dict[str, Any]] = []
        for account in list_accounts(caller, subscription_id):
            rows += _account_rows(caller, subscription_id, account)
        table = pa.Table.from_pylist(rows, schema=DEPLOYMENTS.schema)
        results.append(context.landing.write(DEPLOYMENTS, scope=subscription_id, window=today, batches=[table]))
        context.progress(SOURCE, done, len(config.subscriptions))
    return results


def check(context: Context) -> Iterator[Finding]:
    """Is each subscription's inventory permitted, and do its tags name a team."""
    config = context.config.azure
    caller = AzureCaller(context.settings, config.tenant_id)
    for subscription_id in (sub.id.lower() for sub in config.subscriptions):
        rows: list[dict[str, Any]] = []

        def read(rows: list[dict[str, Any]] = rows, subscription_id: str = subscription_id) -> None:
            for account in list_accounts(caller, subscription_id):
                rows += _account_rows(caller, subscription_id, account)

        yield attempt(SOURCE, subscription_id, "permitted", "Accounts and deployments can be read.", read)
        bare = sorted({str(row["account_name"]) for row in rows if not row["account_tags"] and not row.get("tags")})
        if bare:
            yield Finding(
                SOURCE, subscription_id, "tags", "warn", f"Without any tag are deployments of: {', '.join(bare)}.",
                "Tag account or deployment with team and product, or put a gateway in front of a shared one.",
            )  # fmt: skip


def _account_rows(caller: AzureCaller, subscription_id: str, account: AccountRef) -> list[dict[str, Any]]:
    client = caller.cognitive(subscription_id)
    found = caller.call(
        lambda: list(client.deployments.list(account.resource_group, account.name)),
        what=f"deployments of account {account.name}",
        permission=replace(reader(subscription_id), action="Microsoft.CognitiveServices/accounts/deployments/read"),
    )
    base: dict[str, Any] = {
        "subscription_id": subscription_id,
        "account_id": account.resource_id,
        "account_name": account.name,
        "account_kind": account.kind,
        "account_location": account.location,
        "account_resource_group": account.resource_group,
        "account_tags": sorted(account.tags.items()),
    }
    return [base | _deployment(item) for item in sorted(found, key=lambda item: str(item.name))] or [base]


def _deployment(item: Any) -> dict[str, Any]:
    model = item.properties.model
    return {
        "id": item.id,
        "name": item.name,
        "sku_name": item.sku.name if item.sku else None,
        "sku_capacity": item.sku.capacity if item.sku else None,
        "model_format": model.format if model else None,
        "model_name": model.name if model else None,
        "model_version": model.version if model else None,
        "spillover_deployment_name": item.properties.spillover_deployment_name,
        "parent_deployment_name": item.properties.parent_deployment_name,
        "tags": sorted(cast(dict[str, str], item.tags or {}).items()),
    }
