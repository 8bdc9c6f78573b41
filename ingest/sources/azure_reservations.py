"""What Azure's reservations held and what was used of them, by day: summaries, and details by account.

Endpoint: Consumption `reservationSummaries` and `reservationDetails` at the billing account; the client follows the
pages. A company without reservations has no row, which is a normal answer. Write mode: one file per month, replaced
whole; each run reads the months again that the trailing 35 days touch, because usage is matched to reservations late,
and those of the backfill that are not landed. Run alone: `inferledger ingest azure_reservations`.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pyarrow as pa

from ingest.azure_client import AzureCaller
from ingest.azure_errors import Permission
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import SchemaChanged
from ingest.run import Window, months

SOURCE = "azure_reservations"
TRAILING_DAYS = 35

_text = pa.string()
_SHARED: dict[str, pa.DataType] = {
    "reservationOrderId": _text,
    "reservationId": _text,
    "skuName": _text,
    "kind": _text,
    "usageDate": pa.timestamp("us", tz="UTC"),
    "reservedHours": _text,
    "usedHours": _text,
    "totalReservedQuantity": _text,
}
_SUMMARY: dict[str, pa.DataType] = _SHARED | {
    "minUtilizationPercentage": _text,
    "avgUtilizationPercentage": _text,
    "maxUtilizationPercentage": _text,
    "purchasedQuantity": _text,
    "remainingQuantity": _text,
    "usedQuantity": _text,
    "utilizedPercentage": _text,
}
_DETAIL: dict[str, pa.DataType] = _SHARED | {
    "instanceId": _text,
    "instanceFlexibilityRatio": _text,
    "instanceFlexibilityGroup": _text,
}
_required = ("reservationOrderId", "reservationId", "usageDate", "reservedHours", "usedHours")
_scope_field = pa.field("_billing_account_id", _text)
SUMMARIES = StreamContract(
    SOURCE,
    "summaries",
    pa.schema([*(pa.field(*item) for item in _SUMMARY.items()), _scope_field]),
    _required,
    empty_ok=True,
    may_shrink=True,
)
DETAILS = StreamContract(
    SOURCE,
    "details",
    pa.schema([*(pa.field(*item) for item in _DETAIL.items()), _scope_field]),
    (*_required, "instanceId"),
    empty_ok=True,
    may_shrink=True,
)
STREAMS = (SUMMARIES, DETAILS)


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Land both reports for every month that `window` touches.

    Raises:
        PermissionDenied, CredentialExpired, ConfigError, Unreachable, SchemaChanged: with what to do.
        TransientError: throttled beyond the retry budget.
    """
    config = context.config.azure
    caller = AzureCaller(context.settings, config.tenant_id)
    client = caller.consumption(config.subscriptions[0].id)
    scope = f"providers/Microsoft.Billing/billingAccounts/{config.billing_account_id}"
    permission = Permission(
        "Enrollment Reader (EA) or Billing account reader (MCA)", f"billing account {config.billing_account_id}"
    )
    wanted = _wanted(context, window)
    results: list[LoadResult] = []
    newest: datetime | None = None
    for done, month in enumerate(wanted, start=1):
        span = {"start_date": f"{month.start:%Y-%m-%d}", "end_date": f"{month.end - timedelta(days=1):%Y-%m-%d}"}
        reports: tuple[tuple[StreamContract, dict[str, pa.DataType], Callable[[], list[Any]]], ...] = (
            (
                SUMMARIES,
                _SUMMARY,
                lambda span=span: list(client.reservations_summaries.list(scope, grain="daily", **span)),
            ),
            (DETAILS, _DETAIL, lambda span=span: list(client.reservations_details.list(scope, **span))),
        )
        for contract, fields, action in reports:
            what = f"azure_reservations {contract.stream} for {month}"
            items = caller.call(action, what=what, permission=permission)
            table = _table(items, fields, config.billing_account_id, what, contract)
            newest = _newest(newest, table)
            landed = context.landing.write(contract, scope=config.billing_account_id, window=month, batches=[table])
            results.append(landed)
        context.progress(SOURCE, done, len(wanted))
    context.landing.report(SOURCE, config.billing_account_id, newest, None if newest else "No reservation was in use.")
    return results


def _wanted(context: Context, window: Window | None) -> list[Window]:
    if window is not None:
        return list(months(window))
    as_of, config = context.run.as_of, context.config
    backfill = months(Window(as_of - timedelta(days=config.backfill_days), as_of))
    recent = set(months(Window(as_of - timedelta(days=TRAILING_DAYS), as_of)))
    landed = [set(context.landing.windows(contract, config.azure.billing_account_id)) for contract in STREAMS]
    return [m for m in backfill if m in recent or not all(f"{m.start:%Y-%m-%d}" in found for found in landed)]


def _table(
    items: Iterable[Any], fields: dict[str, pa.DataType], account: str, what: str, contract: StreamContract
) -> pa.Table:
    """The reports' `properties`, hours as the text of their decimals."""
    rows: list[dict[str, Any]] = []
    for item in items:
        properties = item.properties
        if properties is None or any(properties.get(name) is None for name in contract.required):
            raise SchemaChanged(
                f"{what}: a row misses one of {', '.join(contract.required)}.",
                "See docs/sources/azure_reservations.md.",
            )
        row: dict[str, Any] = {name: _value(properties.get(name), kind) for name, kind in fields.items()}
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
