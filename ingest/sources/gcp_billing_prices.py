"""The account's prices from `cloud_pricing_export`: the newest daily snapshot, of the services that sell models.

The table holds every SKU of Google every day; only the named services are read, and of the last days only. A snapshot
lands as the window of its day, so that the days of the runs build up a history of contract prices.
"""

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute

from ingest.contracts import Context, LoadResult, StreamContract
from ingest.run import Window, day_start
from ingest.sources.gcp_billing_rows import NAMED, SOURCE, TEXT, UTC_TIME, conformed, record
from ingest.sources.gcp_billing_tables import ExportTable

pc: Any = pyarrow.compute
LOOKBACK = timedelta(days=3)
# Vertex AI, Gemini API, Vertex AI Search; each Claude model is a service of its own
SERVICES = ("C7E2-9256-1C43", "AEFD-7695-64FA", "74B1-77CF-C302")
_PRICE = pa.decimal128(38, 12)
_RATES = record(
    tiered_rates=pa.list_(
        record(
            pricing_unit_quantity=_PRICE, start_usage_amount=_PRICE, usd_amount=_PRICE, account_currency_amount=_PRICE
        )
    )
)
ACCOUNT_PRICES = StreamContract(
    source=SOURCE,
    stream="account_prices",
    schema=pa.schema(
        [
            pa.field("export_time", UTC_TIME),
            pa.field("pricing_as_of_time", UTC_TIME),
            pa.field("billing_account_id", TEXT),
            pa.field("service", NAMED),
            pa.field("sku", NAMED),
            pa.field("pricing_unit", TEXT),
            pa.field("account_currency_code", TEXT),
            pa.field("list_price", _RATES),
            pa.field("billing_account_price", _RATES),
        ]
    ),
    required=("pricing_as_of_time", "service", "sku", "list_price"),
    empty_ok=True,
    may_shrink=True,
)


def load_prices(context: Context, table: ExportTable) -> list[LoadResult]:
    """Land the newest snapshot of the last days.

    Raises:
        SchemaChanged: a price column has no readable type.
        PermissionDenied, CredentialExpired, Unreachable: reading is not possible.
    """
    schema = ACCOUNT_PRICES.schema
    columns = ", ".join(f"`{name}`" for name in schema.names if name in table.paths)
    services = ", ".join(f"'{service}'" for service in SERVICES)
    sql = (
        f"SELECT {columns} FROM `{table.place}` WHERE _PARTITIONTIME >= @since"
        f" AND (service.id IN ({services}) OR service.description LIKE 'Claude %')"
    )
    since = day_start((context.run.as_of - LOOKBACK).date())
    parts = [conformed(part, schema) for part in table.reader.tables_of_rows(sql, {"since": since}, 0)]
    if not parts:
        return []
    rows = pa.concat_tables(parts)
    newest: Any = pc.max(rows["pricing_as_of_time"])
    start = day_start(newest.as_py().date())
    snapshot = rows.filter(pc.equal(rows["pricing_as_of_time"], newest))
    window = Window(start, start + timedelta(days=1))
    return [context.landing.write(ACCOUNT_PRICES, scope=table.place, window=window, batches=[snapshot])]
