"""What a month has to be before it is closed: over, tied to its landed bill, final, whole, and as it was invoiced."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import duckdb

from ingest.errors import ConfigError, TerminalError
from ingest.run import Run, next_month
from pipeline.closed_home import month_name
from pipeline.closed_manifest import STATUSES, TOTALS
from pipeline.closed_tables import records

_CENT = Decimal("0.01")
_DIFFERENCES = """
select provider, billing_account_id, billing_currency, difference
from fct_provider_totals where billing_month = ? and difference <> 0 order by all
"""
# of a source that has landed nothing no day is known, and none is missing
_INCOMPLETE = """
select source, account_id, complete_through from source_status
where
    source in ('aws_cur', 'gcp_billing', 'azure_cost', 'anthropic', 'openai')
    and (complete_through < $last_day or (complete_through is null and rows > 0))
order by all
"""
_BEGINNINGS = """
select provider, min(charge_date) as first_day from fct_spend_daily
where charge_category = 'Usage' and cost_status <> 'estimate'
group by provider having min(charge_date) > $month and date_trunc('month', min(charge_date)) = $month order by all
"""


def parse_invoices(given: list[str]) -> dict[str, Decimal]:
    """Invoice totals given as ``ACCOUNT=AMOUNT``, by billing account.

    Raises:
        ConfigError: one is not of that form, or an account is given twice.
    """
    invoices: dict[str, Decimal] = {}
    for text in given:
        account, _, amount = text.rpartition("=")
        try:
            value = Decimal(amount)
        except InvalidOperation:
            value = Decimal("NaN")
        if not account or not value.is_finite():
            raise ConfigError(f"{text!r} is no invoice total.", "Give BILLING_ACCOUNT=AMOUNT, such as 8611537=1234.56.")
        if account in invoices:
            raise ConfigError(f"The invoice of {account} is given twice.", "Give the sum of its invoices once.")
        invoices[account] = value
    return invoices


def require_closable(
    connection: duckdb.DuckDBPyConnection,
    run: Run,
    month: date,
    accept_provisional: str | None,
    invoices: Mapping[str, Decimal],
) -> list[str]:
    """Refuse a month that is not over, not tied, not final, not whole or invoiced otherwise; returns what is accepted.

    Raises:
        TerminalError: the month cannot be closed, or not without a reason.
        ConfigError: an invoice is given of an account that has no bill in the month.
    """
    name, end = month_name(month), next_month(month)
    if run.as_of.date() < end:
        raise TerminalError(f"{name} is not over.", f"Close it from {end} on.")
    totals = records(connection, TOTALS, month)
    if not totals:
        raise TerminalError(
            f"No bill of {name} is published.", "Check the month, or load it with `inferledger ingest`."
        )
    for row in records(connection, _DIFFERENCES, month):
        raise TerminalError(
            f"{row['provider']} {row['billing_account_id']} differs from its landed bill by "
            f"{row['difference']} {row['billing_currency']} in {name}.",
            "Run `inferledger build`: its tests name the rows.",
        )
    unsettled = [
        *_not_final(connection, month),
        *_not_whole(connection, month),
        *_told_otherwise(totals),
        *_invoiced_otherwise(totals, invoices, name),
    ]
    if unsettled and not accept_provisional:
        raise TerminalError(
            f"{name} is not final: {'; '.join(unsettled)}.",
            "Wait for the invoices, or close it with --accept-provisional REASON, which is recorded.",
        )
    return unsettled


def _not_final(connection: duckdb.DuckDBPyConnection, month: date) -> list[str]:
    last_day = next_month(month) - timedelta(days=1)
    rows = [
        f"{row['provider']}: {row['rows']} rows are {row['cost_status']}"
        for row in records(connection, STATUSES, month)
        if row["cost_status"] != "final"
    ]
    found = connection.execute(_INCOMPLETE, {"last_day": last_day}).fetchall()
    return rows + [
        f"{source} {account}: " + (f"complete through {through} only" if through else "no complete day is known")
        for source, account, through in found
    ]


def _not_whole(connection: duckdb.DuckDBPyConnection, month: date) -> list[str]:
    """Providers whose landed usage begins within the month: nobody knows what came before."""
    found = connection.execute(_BEGINNINGS, {"month": month}).fetchall()
    return [f"{provider}: its usage is known from {first} on only" for provider, first in found]


def _told_otherwise(totals: list[dict[str, Any]]) -> list[str]:
    """Accounts of which the provider says another total by another way, to the cent of an invoice."""
    return [
        f"{row['provider']} {row['billing_account_id']}: {row['landed_cost']:.2f} {row['billing_currency']} landed, "
        f"the provider's own total is {row['provider_cost']:.2f} ({row['landed_cost'] - row['provider_cost']:+.2f})"
        for row in totals
        if row["provider_cost"] is not None and abs(row["landed_cost"] - row["provider_cost"]) >= _CENT
    ]


def _invoiced_otherwise(totals: list[dict[str, Any]], invoices: Mapping[str, Decimal], month: str) -> list[str]:
    by_account = {account: [row for row in totals if row["billing_account_id"] == account] for account in invoices}
    differing: list[str] = []
    for account, invoice in invoices.items():
        rows = by_account[account]
        if len(rows) != 1:
            known = ", ".join(sorted({row["billing_account_id"] for row in totals}))
            raise ConfigError(
                f"{account} has {'no bill' if not rows else 'bills in several currencies'} in {month}.",
                f"Give the invoice of an account that is billed in one currency: {known}.",
            )
        off = rows[0]["landed_cost"] - invoice
        if abs(off) >= _CENT:
            differing.append(
                f"{rows[0]['provider']} {account}: {rows[0]['landed_cost']:.2f} {rows[0]['billing_currency']} landed, "
                f"the invoice says {invoice:.2f} ({off:+.2f})"
            )
    return differing
