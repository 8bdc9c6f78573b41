"""Azure OpenAI's metrics by deployment: hours of all of them, minutes of the provisioned ones and those they spill to.

Endpoint: Azure Monitor `metrics:getBatch` of each region, at most fifty accounts a call; Resource Manager's call for
one account where the batch is refused. With a filter Azure gives ten series unless told otherwise and says nothing of
the rest; here the number is asked for and reaching it is an error. Azure keeps 93 days. Write mode: one file per
subscription and UTC day, replaced whole; each run reads the trailing three days of hours again (values settle within
minutes, the margin is for a missed run), yesterday's and today's minutes, and the days of the backfill that are not
landed (`minute_days` for minutes). Hours and minutes without a sample are absent. Run alone:
`inferledger ingest azure_openai`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute

from ingest.azure_client import AccountRef, AzureCaller, list_accounts
from ingest.checks import Finding, attempt
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import EmptyAnswer
from ingest.run import Window, days
from ingest.sources.azure_openai import DEPLOYMENTS
from ingest.sources.azure_openai_answers import (
    METRICS_HOURLY,
    METRICS_MINUTELY,
    METRICS_READ,
    SCHEMA,
    Monitor,
    Question,
)
from ingest.sources.azure_openai_files import load_files

__all__ = ["METRICS_HOURLY", "METRICS_MINUTELY", "SOURCE", "STREAMS", "check", "load", "load_files"]

pc: Any = pyarrow.compute
SOURCE = "azure_openai"
TRAILING_DAYS, TRAILING_MINUTE_DAYS = 3, 1
RETENTION_DAYS = 92
DAYS_PER_CALL, MINUTE_DAYS_PER_CALL = 30, 1
ACCOUNTS_PER_CALL = 50
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
TOTALS, SHARES = ("Total",), ("Average", "Maximum", "Minimum")
BY_ANSWER = ("StatusCode", "IsSpillover")
UTILIZATION = "AzureOpenAIProvisionedManagedUtilizationV2"
QUESTIONS = (
    Question(("ProcessedPromptTokens", "GeneratedTokens", "ActiveTokens"), TOTALS),
    Question(("AzureOpenAIRequests",), TOTALS, BY_ANSWER),
    Question((UTILIZATION,), SHARES),
    # the newer set of Foundry: the same counts by other names, so the models take one of the two and never both
    Question(("InputTokens", "OutputTokens", "TotalTokens"), TOTALS, is_optional=True),
    Question(("cacheReadInputTokens", "ephemeral5mInputTokens", "ephemeral1hInputTokens"), TOTALS, is_optional=True),
    Question(("ModelRequests",), TOTALS, BY_ANSWER, is_optional=True),
    Question(("ProvisionedUtilization", "AzureOpenAIContextTokensCacheMatchRate"), SHARES, is_optional=True),
    Question(
        ("AzureOpenAITimeToResponse", "AzureOpenAINormalizedTTFTInMS", "AzureOpenAINormalizedTBTInMS",
         "AzureOpenAITTLTInMS", "AzureOpenAITokenPerSecond"), ("Average", "Maximum"), is_optional=True,
    ),
)  # fmt: skip
MINUTE_QUESTIONS = (
    Question(("ProcessedPromptTokens", "GeneratedTokens", "ActiveTokens"), TOTALS),
    Question(("AzureOpenAIRequests",), TOTALS, BY_ANSWER),
    Question((UTILIZATION,), ("Average",)),
)
NEWER_MINUTE_QUESTIONS = (
    Question(("InputTokens", "OutputTokens", "TotalTokens"), TOTALS, is_optional=True),
    Question(("ModelRequests",), TOTALS, BY_ANSWER, is_optional=True),
    Question(("ProvisionedUtilization",), ("Average",), is_optional=True),
)
STREAMS = (METRICS_HOURLY, METRICS_MINUTELY)


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Land every day that `window` touches, up to the run's last full hour.

    Raises:
        PermissionDenied, CredentialExpired, ConfigError, Unreachable, SchemaChanged: with what to do.
        EmptyAnswer: a subscription with accounts shows no metric at all.
        TransientError: throttled beyond the retry budget.
    """
    config = context.config.azure
    caller = AzureCaller(context.settings, config.tenant_id)
    results: list[LoadResult] = []
    for done, subscription_id in enumerate((sub.id.lower() for sub in config.subscriptions), start=1):
        monitor = Monitor(caller, subscription_id)
        accounts = list_accounts(caller, subscription_id)
        newest, landed = _load_hours(context, monitor, accounts, window)
        results += landed
        results += _load_minutes(context, monitor, accounts, window)
        message = None if accounts else "The subscription has no Cognitive Services account."
        if monitor.is_batch_refused:
            message = "The metrics batch is refused; accounts are read one by one, at 12,000 calls an hour."
        context.landing.report(SOURCE, subscription_id, newest, message)
        context.progress(SOURCE, done, len(config.subscriptions))
    return results


def check(context: Context) -> Iterator[Finding]:
    """Are the metrics permitted at each subscription, and what does a run cost to read."""
    config = context.config.azure
    caller = AzureCaller(context.settings, config.tenant_id)
    end = _full_hour(context.run.as_of)
    for subscription_id in (sub.id.lower() for sub in config.subscriptions):
        accounts = list_accounts(caller, subscription_id)
        if not accounts:
            yield Finding(SOURCE, subscription_id, "configured", "warn", "There is no Cognitive Services account here.",
                          "Take the subscription out of sources.yml where it is not for AI.")  # fmt: skip
            continue
        monitor = Monitor(caller, subscription_id)

        def ask(monitor: Monitor = monitor, account: AccountRef = accounts[0]) -> None:
            monitor.ask([account], QUESTIONS[1], Window(end - HOUR, end), HOUR)

        yield attempt(SOURCE, subscription_id, "permitted", "Metrics can be read.", ask)
        if monitor.is_batch_refused:
            yield Finding(
                SOURCE, subscription_id, "permitted", "warn",
                "The metrics batch is refused: it wants its permission on the subscription, not on accounts.",
                f'Assign the role of deploy/azure/inferledger-reader.json ("{METRICS_READ}") at the subscription.',
            )  # fmt: skip
    calls = len(QUESTIONS) * len(config.subscriptions)
    yield Finding(
        SOURCE, "", "cost", "ok",
        f"A run makes about {calls} to {3 * calls} metric calls, free of charge; Azure allows 360,000 an hour.",
    )  # fmt: skip


def _load_hours(
    context: Context, monitor: Monitor, accounts: Sequence[AccountRef], window: Window | None
) -> tuple[datetime | None, list[LoadResult]]:
    subscription_id = monitor.subscription_id
    wanted = _wanted(context, window, subscription_id)
    results: list[LoadResult] = []
    newest: datetime | None = None
    before_use: list[Window] = []
    for span in _spans(wanted, _full_hour(context.run.as_of)):
        rows = _read(monitor, _by_region(accounts), QUESTIONS, span, HOUR)
        if not rows.num_rows and newest is None:
            before_use.append(span)
            continue
        newest = max(moment for moment in (newest, _end_of(rows)) if moment is not None)
        results += _land(context, METRICS_HOURLY, subscription_id, span, rows)
    if accounts and newest is None and len(wanted) >= DAYS_PER_CALL:
        since = f"{wanted[0].start:%Y-%m-%d}"
        raise EmptyAnswer(
            f"azure_openai: subscription {subscription_id} has accounts but no metric since {since}.",
            "Grant 'Monitoring Reader' at the subscription, or take the subscription out of sources.yml.",
        )
    # an account may be younger than the backfill; days before its first use are known to be empty
    for span in before_use:
        results += _land(context, METRICS_HOURLY, subscription_id, span, SCHEMA.empty_table())
    return newest, results


@dataclass(frozen=True)
class _Sized:
    """The deployments whose minutes matter: provisioned ones, and those that they spill to."""

    by_account: Mapping[str, set[str]]

    def regions(self, accounts: Sequence[AccountRef]) -> dict[str, list[AccountRef]]:
        return _by_region([account for account in accounts if account.resource_id.lower() in self.by_account])

    def names(self, accounts: Sequence[AccountRef]) -> list[str]:
        return sorted({name for account in accounts for name in self.by_account[account.resource_id.lower()]})

    def keep(self, rows: pa.Table) -> pa.Table:
        """Without namesakes in other accounts of the same call."""
        wanted = {f"{account}/{name.lower()}" for account, names in self.by_account.items() for name in names}
        keys = pc.binary_join_element_wise(
            pc.utf8_lower(rows["resource_id"]), pc.utf8_lower(rows["model_deployment_name"]), "/"
        )
        return rows.filter(pc.is_in(keys, pa.array(sorted(wanted), pa.string())))


def _load_minutes(
    context: Context, monitor: Monitor, accounts: Sequence[AccountRef], window: Window | None
) -> list[LoadResult]:
    sized = _sized(context, monitor.subscription_id)
    results: list[LoadResult] = []
    if not sized.by_account:
        return results
    reach = context.config.azure.minute_days
    wanted = _days(context, window, METRICS_MINUTELY, monitor.subscription_id, reach, TRAILING_MINUTE_DAYS)
    for span in _spans(wanted, _full_hour(context.run.as_of), MINUTE_DAYS_PER_CALL):
        regions = sized.regions(accounts)
        parts = [SCHEMA.empty_table()]
        for mine in regions.values():
            for batch in _batches(mine):
                parts += _minutes_of(monitor, batch, sized.names(batch), span)
        rows = sized.keep(pa.concat_tables(parts))
        results += _land(context, METRICS_MINUTELY, monitor.subscription_id, span, rows)
    return results


def _minutes_of(
    monitor: Monitor, batch: Sequence[AccountRef], names: Sequence[str], span: Window
) -> Iterator[pa.Table]:
    """The older set of metrics; the newer one of the deployments alone that showed nothing in it."""
    seen: set[str] = set()
    for question in MINUTE_QUESTIONS:
        rows = monitor.ask(batch, question, span, MINUTE, names)
        seen |= {str(name).lower() for name in pc.unique(rows["model_deployment_name"]).to_pylist()}
        yield rows
    silent = [name for name in names if name.lower() not in seen]
    for question in NEWER_MINUTE_QUESTIONS if silent else ():
        yield monitor.ask(batch, question, span, MINUTE, silent)


def _sized(context: Context, subscription_id: str) -> _Sized:
    """From the inventory as landed, so that a deployment that is gone keeps its last days."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in context.landing.read(DEPLOYMENTS, scope=subscription_id).to_pylist():
        if "provisioned" in str(row["sku_name"] or "").lower():
            account = str(row["account_id"]).lower()
            found[account] |= {name for name in (row["name"], row["spillover_deployment_name"]) if name}
    return _Sized(found)


def _wanted(context: Context, window: Window | None, subscription_id: str) -> list[Window]:
    """The days whose hours are read, oldest first."""
    reach = min(context.config.backfill_days, RETENTION_DAYS)
    return _days(context, window, METRICS_HOURLY, subscription_id, reach, TRAILING_DAYS)


def _days(
    context: Context, window: Window | None, contract: StreamContract, scope: str, reach: int, trailing: int
) -> list[Window]:
    as_of = context.run.as_of
    if window is not None:
        return [day for day in days(window) if day.start < as_of]
    if reach == 0:
        return []
    recent = set(days(Window(as_of - timedelta(days=min(trailing, reach)), as_of)))
    landed = set(context.landing.windows(contract, scope))
    every = days(Window(as_of - timedelta(days=reach), as_of))
    return [day for day in every if day in recent or f"{day.start:%Y-%m-%d}" not in landed]


def _full_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _spans(wanted: Sequence[Window], end: datetime, longest: int | None = None) -> Iterator[Window]:
    """Runs of consecutive days, none longer than one call may be and none beyond the last full hour."""
    start: Window | None = None
    for place, day in enumerate(wanted):
        start = start or day
        follows = place + 1 < len(wanted) and wanted[place + 1].start == day.end
        if not follows or (day.end - start.start).days >= (longest or DAYS_PER_CALL):
            if start.start < end:
                yield Window(start.start, min(day.end, end))
            start = None


def _by_region(accounts: Sequence[AccountRef]) -> dict[str, list[AccountRef]]:
    regions: dict[str, list[AccountRef]] = defaultdict(list)
    for account in accounts:
        regions[account.location].append(account)
    return dict(sorted(regions.items()))


def _batches(accounts: Sequence[AccountRef]) -> Iterator[Sequence[AccountRef]]:
    for first in range(0, len(accounts), ACCOUNTS_PER_CALL):
        yield accounts[first : first + ACCOUNTS_PER_CALL]


def _read(
    monitor: Monitor, regions: Mapping[str, Sequence[AccountRef]], questions: Sequence[Question], span: Window,
    grain: timedelta,
) -> pa.Table:  # fmt: skip
    """All metrics of all accounts; a region that answers nothing is asked again before it is believed."""
    parts = [SCHEMA.empty_table()]
    for mine in regions.values():
        for batch in _batches(mine):
            for question in questions:
                rows = monitor.ask(batch, question, span, grain)
                again = not rows.num_rows and not question.is_optional
                parts.append(monitor.ask(batch, question, span, grain) if again else rows)
    return pa.concat_tables(parts)


def _end_of(rows: pa.Table) -> datetime | None:
    newest = cast(datetime | None, pc.max(rows["timestamp"]).as_py())
    return None if newest is None else newest + HOUR


def _land(
    context: Context, contract: StreamContract, subscription_id: str, span: Window, rows: pa.Table
) -> list[LoadResult]:
    day_of = pc.floor_temporal(rows["timestamp"], unit="day")
    results: list[LoadResult] = []
    for day in days(span):
        mine = rows.filter(pc.equal(day_of, pa.scalar(day.start, rows["timestamp"].type)))
        results.append(context.landing.write(contract, scope=subscription_id, window=day, batches=[mine]))
    return results
