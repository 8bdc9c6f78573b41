"""Azure's bill by day: actual and amortized cost per subscription, and what is bought at the billing account.

Endpoint: Cost Management's query, one per view, scope and month. Usage is read at each subscription (or management
group); everything else (purchases, refunds, tax, rounding, unused reservation hours) at the billing account, where
alone all of it is shown. The two never overlap, and both must add up to the billing account's own total by
subscription and charge type before a month is written. Tags come from one more query per tag key (stream `tags`): a
row can be grouped by one tag only. Instead, or for the months of the backfill only, `route` reads cost exports from
blob storage or asks for cost details reports; both land in streams of their own, by the shape of their files.

Write mode: one file per scope and month, replaced whole. Each run reads again the months that the trailing 35 days
touch, because Azure restates a month until five days after its end, and any month of the backfill not landed yet.
Stop rule: an answer without nextLink. Run alone: `inferledger ingest azure_cost`, or with `--path` on exported files.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import cast

from ingest.azure_client import AzureCaller, reader
from ingest.azure_errors import Permission
from ingest.checks import Finding
from ingest.config import load_configuration
from ingest.config_azure import Route
from ingest.config_ownership import TagSynonyms
from ingest.contracts import Context, LoadResult
from ingest.errors import EmptyAnswer, InferledgerError
from ingest.files import Folder
from ingest.run import Window, months
from ingest.sources.azure_cost_check import findings
from ingest.sources.azure_cost_details import is_landed, load_details
from ingest.sources.azure_cost_exports import load_exports
from ingest.sources.azure_cost_files import land_folder
from ingest.sources.azure_cost_picture import ACTUAL, AMORTIZED, SOURCE, TAGS, VIEWS, Account, one_picture
from ingest.sources.azure_cost_shapes import CONTRACTS

TRAILING_DAYS = 35
TAG_NAMES_VERSION = "2021-04-01"
STREAMS = (ACTUAL, AMORTIZED, TAGS, *CONTRACTS)


def load_files(context: Context, folder: Folder, window: Window | None) -> list[LoadResult]:
    """Land the cost exports of a folder: actual, amortized and FOCUS files, with or without their manifest."""
    return land_folder(context, folder, window)


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Land every month that `window` touches; None reads the trailing 35 days' months and those never landed.

    Raises:
        PermissionDenied, CredentialExpired, ConfigError, Unreachable, SchemaChanged, Shrunk: with what to do.
        EmptyAnswer: Azure shows no cost at all over the whole window.
        TransientError: throttled beyond the retry budget, or the sums kept moving while they were read.
    """
    config = context.config.azure
    caller = AzureCaller(context.settings, config.tenant_id)
    results: list[LoadResult] = []
    for route, wanted in _by_route(context, window).items():
        if not wanted:
            continue
        if route == "query":
            results += _load_query(context, caller, wanted)
        elif route == "details":
            results += load_details(context, caller, _report_scopes(context), wanted)
        else:
            results += load_exports(context, Window(wanted[0].start, wanted[-1].end))
    return results


def check(context: Context) -> Iterator[Finding]:
    """Try each scope, tags, settings and exports; tell what a run takes of Azure's budget."""
    caller = AzureCaller(context.settings, context.config.azure.tenant_id)
    try:
        keys = {
            sub.id.lower(): _tag_keys(context, caller, sub.id.lower()) for sub in context.config.azure.subscriptions
        }
    except InferledgerError:
        keys = None
    yield from findings(context, caller, keys)


def _by_route(context: Context, window: Window | None) -> dict[Route, list[Window]]:
    """The months to read, oldest first, by the route that is configured for them."""
    config, as_of = context.config.azure, context.run.as_of
    if window is not None:
        return {config.route: list(months(window))}
    backfill = list(months(Window(as_of - timedelta(days=context.config.backfill_days), as_of)))
    recent = set(months(Window(as_of - timedelta(days=TRAILING_DAYS), as_of)))
    routes: dict[Route, list[Window]] = {config.route: [], config.backfill_route or config.route: []}
    for month in backfill:
        route = config.route if month in recent else config.backfill_route or config.route
        # an export tells by itself which of its deliveries were read
        if month in recent or route == "export" or not _is_landed(context, route, month):
            routes[route].append(month)
    return routes


def _is_landed(context: Context, route: Route, month: Window) -> bool:
    config = context.config.azure
    if route == "details":
        kinds = {kind for kind, _, _ in _report_scopes(context)}
        return is_landed(context, month, config.billing_account_id.lower(), kinds)
    account = Account.of(config)
    scopes = [*account.usage_scopes, *account.billing_scopes]
    start = f"{month.start:%Y-%m-%d}"
    return all(start in context.landing.windows(contract, scope) for _, contract in VIEWS for scope in scopes)


def _report_scopes(context: Context) -> list[tuple[str, str, Permission]]:
    """The billing scopes that cost details reports are asked of."""
    config = context.config.azure
    kind = "billing_profile" if config.billing_profiles else "billing_account"
    return [(kind, scope.path, scope.permission) for scope in Account.of(config).billing_scopes.values()]


def _load_query(context: Context, caller: AzureCaller, wanted: list[Window]) -> list[LoadResult]:
    config = context.config.azure
    account = Account(config, caller, caller.costs())
    keys = {sub.id.lower(): _tag_keys(context, caller, sub.id.lower()) for sub in config.subscriptions}
    results: list[LoadResult] = []
    strangers: set[str] = set()
    for done, month in enumerate(wanted, start=1):
        parts, unknown = one_picture(account, month, keys)
        strangers |= unknown
        results += [
            context.landing.write(part.contract, scope=part.scope, window=month, batches=[part.table]) for part in parts
        ]
        context.progress(SOURCE, done, len(wanted))
    if not any(result.rows for result in results):
        raise EmptyAnswer(
            f"azure_cost: billing account {config.billing_account_id} shows no cost for {wanted[0]} to {wanted[-1]}.",
            "Check the billing account and subscriptions in sources.yml; new cost takes 8 to 24 hours to appear.",
        )
    _report(context, account, strangers)
    return results


def _tag_keys(context: Context, caller: AzureCaller, subscription_id: str) -> tuple[str, ...]:
    """The tag keys in use in a subscription that mean team, product or environment, lower-case."""
    folder = context.settings.config_dir
    synonyms = TagSynonyms() if folder is None else load_configuration(folder).ownership.tag_synonyms
    meanings: dict[str, tuple[str, ...]] = synonyms.model_dump()
    known = {key.lower() for keys in meanings.values() for key in keys}
    answer = caller.get_json(
        caller.costs(),
        f"/subscriptions/{subscription_id}/tagNames?api-version={TAG_NAMES_VERSION}",
        what=f"azure_cost: tag names of subscription {subscription_id}",
        permission=reader(subscription_id),
    )
    used = {str(item["tagName"]).lower() for item in answer["value"]}
    return tuple(sorted(known & used))


def _report(context: Context, account: Account, strangers: set[str]) -> None:
    """Say how far each account's usage is known, and which subscriptions are missing from the configuration."""
    message = None
    if strangers:
        message = f"Subscriptions with cost that sources.yml does not name: {', '.join(sorted(strangers))}."
    last = list(account.billing_scopes)[-1]
    for scope in (*account.usage_scopes, *account.billing_scopes):
        days = cast(list[int], context.landing.read(ACTUAL, scope=scope).column("UsageDate").to_pylist())
        watermark = _day_end(max(days)) if days else None
        context.landing.report(SOURCE, scope, watermark, message if scope == last else None)


def _day_end(number: int) -> datetime:
    """End of the day that Azure writes as the number 20261118."""
    return datetime(number // 10000, number // 100 % 100, number % 100, tzinfo=UTC) + timedelta(days=1)
