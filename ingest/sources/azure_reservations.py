"""What Azure's reservations held and what was used of them, by day; what was bought; and which there are.

Endpoint: Consumption `reservationSummaries`, `reservationDetails` and `reservationTransactions` at the billing account
(or at each billing profile of a Microsoft Customer Agreement), so that no reservation is missed whoever bought it, and
Capacity `reservations` for the inventory; the clients follow the pages. A company without reservations has no row,
which is a normal answer. Write mode: one file per month, replaced whole (the inventory: a snapshot in the window of its
day); each run reads the months again that the trailing 35 days touch, because usage is matched to reservations late,
and those of the backfill that are not landed. Run alone: `inferledger ingest azure_reservations [--path exports]`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pyarrow as pa

from ingest.azure_client import AzureCaller
from ingest.azure_errors import Permission
from ingest.checks import Finding, attempt
from ingest.config_azure import AzureSources
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import PermissionDenied, SchemaChanged
from ingest.files import Folder
from ingest.run import Window, day_start, months
from ingest.sources.azure_reservations_files import read_files
from ingest.sources.azure_reservations_streams import (
    DETAILS,
    RESERVATIONS,
    SUMMARIES,
    TRANSACTIONS,
    fields_of,
    inventory_row,
)

SOURCE = "azure_reservations"
TRAILING_DAYS = 35
STREAMS = (SUMMARIES, DETAILS, TRANSACTIONS, RESERVATIONS)
CAPACITY_READER = Permission("Reservations Reader", "/providers/Microsoft.Capacity")


@dataclass(frozen=True)
class _Scope:
    """A billing account, or one of its billing profiles."""

    account: str
    profile: str | None = None

    @property
    def path(self) -> str:
        own = f"providers/Microsoft.Billing/billingAccounts/{self.account}"
        return own if self.profile is None else f"{own}/billingProfiles/{self.profile}"

    @property
    def folder(self) -> str:
        """Name of the scope in landing."""
        return self.account if self.profile is None else f"{self.account}-{self.profile}"

    @property
    def permission(self) -> Permission:
        if self.profile is not None:
            return Permission("Billing profile reader", f"billing profile {self.profile}")
        return Permission("Enrollment Reader (EA) or Billing account reader (MCA)", f"billing account {self.account}")


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Land the reports for every month that `window` touches, and the inventory of today.

    Raises:
        PermissionDenied, CredentialExpired, ConfigError, Unreachable, SchemaChanged: with what to do.
        TransientError: throttled beyond the retry budget.
    """
    config = context.config.azure
    caller = AzureCaller(context.settings, config.tenant_id)
    results: list[LoadResult] = []
    newest: datetime | None = None
    for scope in _scopes(config):
        wanted = _wanted(context, window, scope)
        for done, month in enumerate(wanted, start=1):
            for contract in (SUMMARIES, DETAILS, TRANSACTIONS):
                table = _report(caller, config, contract, scope, month)
                if contract is not TRANSACTIONS:
                    newest = _newest(newest, table)
                results.append(context.landing.write(contract, scope=scope.folder, window=month, batches=[table]))
            context.progress(SOURCE, done, len(wanted))
    message = None if newest else "No reservation was in use."
    try:
        results.append(_load_inventory(context, caller))
    except PermissionDenied as refused:
        # what was used and bought is landed; names and terms are missing
        message = f"The inventory of reservations is not readable. {CAPACITY_READER}"
        if not results:
            raise refused
    context.landing.report(SOURCE, config.billing_account_id, newest, message)
    return results


def load_files(context: Context, folder: Folder, window: Window | None) -> list[LoadResult]:
    """Land exported reservation details and transactions, by month.

    Raises:
        SchemaChanged: no file is one of them; names the nearest one and the columns that are missing.
        CorruptFile: a file cannot be read to its end, or more than a fifth of its rows cannot be taken.
    """
    account = context.config.azure_section.billing_account_id if context.config.azure_section else "files"
    results: list[LoadResult] = []
    for found in read_files(folder, account):
        for month in found.months(window):
            rows = found.rows_of(month)
            table = pa.Table.from_pylist(rows, schema=found.contract.schema)
            results.append(context.landing.write(found.contract, scope=account, window=month, batches=[table]))
            apart = found.quarantine_of(month)
            results.append(apart.land(context.landing, scope=account, window=month, good_rows=len(rows)))
    return results


def check(context: Context) -> Iterator[Finding]:
    """Are use, purchases and inventory permitted, and is there any reservation."""
    config = context.config.azure
    caller = AzureCaller(context.settings, config.tenant_id)
    as_of = context.run.as_of
    month = next(months(Window(as_of - timedelta(days=TRAILING_DAYS), as_of)))
    seen = 0
    for scope in _scopes(config):
        for contract in (SUMMARIES, DETAILS, TRANSACTIONS):

            def read(contract: StreamContract = contract, scope: _Scope = scope) -> None:
                nonlocal seen
                seen += _report(caller, config, contract, scope, month).num_rows

            works = f"Reservation {contract.stream} can be read."
            yield attempt(SOURCE, scope.folder, "permitted", works, read)
    yield attempt(SOURCE, "", "permitted", "The inventory of reservations can be read.", lambda: _inventory(caller))
    if not seen:
        yield Finding(
            SOURCE, config.billing_account_id, "complete", "warn", f"No reservation was used or bought since {month}.",
            "Normal without reservations; else check that this is the billing account that buys them.",
        )  # fmt: skip
    yield Finding(SOURCE, "", "cost", "ok", "A run reads three reports a month and one inventory, free of charge.")


def _scopes(config: AzureSources) -> list[_Scope]:
    profiles = config.billing_profiles
    return [_Scope(config.billing_account_id, profile) for profile in profiles] or [_Scope(config.billing_account_id)]


def _report(
    caller: AzureCaller, config: AzureSources, contract: StreamContract, scope: _Scope, month: Window
) -> pa.Table:
    client: Any = caller.consumption(config.subscriptions[0].id)
    first, last = f"{month.start:%Y-%m-%d}", f"{month.end - timedelta(days=1):%Y-%m-%d}"
    span = {"start_date": first, "end_date": last}
    bought = f"properties/eventDate ge {first} AND properties/eventDate le {last}"
    transactions = client.reservation_transactions
    calls: dict[str, Callable[[], Iterable[Any]]] = {
        SUMMARIES.stream: lambda: client.reservations_summaries.list(scope.path, grain="daily", **span),
        DETAILS.stream: lambda: client.reservations_details.list(scope.path, **span),
        TRANSACTIONS.stream: lambda: (
            transactions.list(scope.account, filter=bought)
            if scope.profile is None
            else transactions.list_by_billing_profile(scope.account, scope.profile, filter=bought)
        ),
    }
    what = f"azure_reservations {contract.stream} for {month}"
    items = caller.call(lambda: list(calls[contract.stream]()), what=what, permission=scope.permission)
    table = _table(items, scope.account, what, contract)
    if contract is not TRANSACTIONS:
        return table
    # a filter that is not understood is passed over in silence
    dates = cast(list[datetime], table.column("eventDate").to_pylist())
    return table.filter(pa.array([month.start <= day < month.end for day in dates], pa.bool_()))


def _load_inventory(context: Context, caller: AzureCaller) -> LoadResult:
    start = day_start(context.run.as_of.date())
    today = Window(start, start + timedelta(days=1))
    table = pa.Table.from_pylist(_inventory(caller), schema=RESERVATIONS.schema)
    return context.landing.write(RESERVATIONS, scope="all", window=today, batches=[table])


def _inventory(caller: AzureCaller) -> list[dict[str, Any]]:
    client: Any = caller.reservations()
    items = caller.call(
        lambda: list(client.reservation.list_all()), what="inventory of reservations", permission=CAPACITY_READER
    )
    return sorted((inventory_row(item) for item in items), key=lambda row: str(row["id"]))


def _wanted(context: Context, window: Window | None, scope: _Scope) -> list[Window]:
    if window is not None:
        return list(months(window))
    as_of, config = context.run.as_of, context.config
    backfill = months(Window(as_of - timedelta(days=config.backfill_days), as_of))
    recent = set(months(Window(as_of - timedelta(days=TRAILING_DAYS), as_of)))
    reports = (SUMMARIES, DETAILS, TRANSACTIONS)
    landed = [set(context.landing.windows(contract, scope.folder)) for contract in reports]
    return [m for m in backfill if m in recent or not all(f"{m.start:%Y-%m-%d}" in found for found in landed)]


def _table(items: Iterable[Any], account: str, what: str, contract: StreamContract) -> pa.Table:
    """The reports' `properties`, hours and amounts as the text of their decimals."""
    rows: list[dict[str, Any]] = []
    for item in items:
        properties = item.properties
        if properties is None or any(properties.get(name) is None for name in contract.required):
            raise SchemaChanged(
                f"{what}: a row misses one of {', '.join(contract.required)}.",
                "See docs/sources/azure_reservations.md.",
            )
        row: dict[str, Any] = {name: _value(properties.get(name), kind) for name, kind in fields_of(contract)}
        rows.append(row | {"_billing_account_id": account})
    return pa.Table.from_pylist(rows, schema=contract.schema)


def _value(raw: Any, kind: pa.DataType) -> Any:
    if raw is None:
        return None
    if pa.types.is_timestamp(kind):
        moment = datetime.fromisoformat(str(raw))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return str(raw)


def _newest(before: datetime | None, table: pa.Table) -> datetime | None:
    days = cast(list[datetime], table.column("usageDate").to_pylist())
    ends = [day + timedelta(days=1) for day in days]
    return max([*ends, *([before] if before else [])], default=None)
