"""The same bill in every form in which AWS exports it: CUR 2.0, the legacy report, FOCUS 1.0 and 1.2, Parquet or CSV.

The demo reads CUR 2.0 alone; these are written on demand, into a folder or a bucket, from the rows that
`emulator.aws.bill` made. FOCUS nets discounts into the usage they belong to, so it has no rows for them.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from emulator.aws import delivery

Put = Callable[[str, bytes], None]
EXPORTS = {
    "cur2": "parquet",
    "cur2-csv": "csv.gz",
    "legacy": "csv.gz",
    "focus-1.2": "parquet",
    "focus-1.2-csv": "csv.gz",
    "focus-1.0": "parquet",
    "focus-1.0-csv": "csv.gz",
}
_TEXT_MAPS = "product, resource_tags, discount"
_LEGACY = {
    "identity_line_item_id": "identity/LineItemId",
    "identity_time_interval": "identity/TimeInterval",
    "bill_billing_entity": "bill/BillingEntity",
    "bill_bill_type": "bill/BillType",
    "bill_invoice_id": "bill/InvoiceId",
    "bill_invoicing_entity": "bill/InvoicingEntity",
    "bill_payer_account_id": "bill/PayerAccountId",
    "bill_billing_period_start_date": "bill/BillingPeriodStartDate",
    "bill_billing_period_end_date": "bill/BillingPeriodEndDate",
    "line_item_usage_account_id": "lineItem/UsageAccountId",
    "line_item_line_item_type": "lineItem/LineItemType",
    "line_item_usage_start_date": "lineItem/UsageStartDate",
    "line_item_usage_end_date": "lineItem/UsageEndDate",
    "line_item_product_code": "lineItem/ProductCode",
    "line_item_usage_type": "lineItem/UsageType",
    "line_item_operation": "lineItem/Operation",
    "line_item_resource_id": "lineItem/ResourceId",
    "line_item_usage_amount": "lineItem/UsageAmount",
    "line_item_currency_code": "lineItem/CurrencyCode",
    "line_item_unblended_rate": "lineItem/UnblendedRate",
    "line_item_unblended_cost": "lineItem/UnblendedCost",
    "line_item_net_unblended_cost": "lineItem/NetUnblendedCost",
    "line_item_line_item_description": "lineItem/LineItemDescription",
    "line_item_legal_entity": "lineItem/LegalEntity",
    "line_item_tax_type": "lineItem/TaxType",
    "product_region_code": "product/regionCode",
    "pricing_term": "pricing/term",
    "pricing_unit": "pricing/unit",
    "pricing_public_on_demand_cost": "pricing/publicOnDemandCost",
}
_LEGACY_TAGS = ("team", "product", "environment")


@dataclass(frozen=True)
class Export:
    """One export to write.

    Attributes:
        name: a key of EXPORTS, and the export's name.
        payer: the account that is invoiced; None for the bill's own.
        creates_new: a folder for each execution, as `CREATE_NEW_REPORT`; otherwise files are overwritten.
    """

    name: str
    payer: str | None = None
    creates_new: bool = False


def write_export(folder: Path, export: Export, now: datetime, put: Put) -> None:
    """Put one export's files of every billing period as AWS shows it at `now`, each manifest after its files.

    Args:
        folder: the world's aws folder, with the rows below `bill/`.
    """
    for path in sorted((folder / "bill").glob("*.parquet")):
        rows = delivery.rows_at(path, now)
        if rows.num_rows:
            body = _body(rows, export)
            _deliver(export, path.stem, now, body, put)


def write_folder(folder: Path, export: Export, now: datetime, target: Path) -> None:
    """`write_export` into a folder of this machine."""

    def put(key: str, body: bytes) -> None:
        (target / key).parent.mkdir(parents=True, exist_ok=True)
        (target / key).write_bytes(body)

    write_export(folder, export, now, put)


def _deliver(export: Export, period: str, now: datetime, body: bytes, put: Put) -> None:
    execution = f"{now:%Y-%m-%dT%H:%M:%S.000Z}-5f0c" if export.creates_new else ""
    file = f"{export.name}-00001.{'snappy.parquet' if EXPORTS[export.name] == 'parquet' else 'csv.gz'}"
    if export.name == "legacy":
        year, month = (int(part) for part in period.split("-"))
        span = f"{year}{month:02d}01-{year + month // 12}{month % 12 + 1:02d}01"
        folder = f"{export.name}/{span}"
        key = "/".join(part for part in (folder, execution.replace(":", "").replace(".", ""), file) if part)
        manifest: dict[str, Any] = {
            "assemblyId": execution or "overwritten",
            "account": export.payer or "100000000001",
            "charset": "UTF-8",
            "compression": "GZIP",
            "contentType": "text/csv",
            "reportName": export.name,
            "billingPeriod": {"start": f"{span[:8]}T000000.000Z", "end": f"{span[9:]}T000000.000Z"},
            "bucket": delivery.BUCKET,
            "reportKeys": [key],
        }
        put(key, body)
        if execution:
            put(f"{key.rpartition('/')[0]}/{export.name}-Manifest.json", json.dumps(manifest).encode())
        put(f"{folder}/{export.name}-Manifest.json", json.dumps(manifest).encode())
        return
    place = "/".join(part for part in (f"BILLING_PERIOD={period}", execution) if part)
    key = f"{export.name}/data/{place}/{file}"
    manifest = {"exportName": export.name, "dataFiles": [f"s3://{delivery.BUCKET}/{key}"]}
    put(key, body)
    put(f"{export.name}/metadata/{place}/{export.name}-Manifest.json", json.dumps(manifest).encode())


def _body(rows: pa.Table, export: Export) -> bytes:
    with duckdb.connect() as connection, tempfile.TemporaryDirectory() as aside:
        connection.register("delivered", rows)
        payer = f"replace ('{export.payer}' as bill_payer_account_id)" if export.payer else ""
        connection.execute(f"create view rows as select * {payer} from delivered")
        query = {"cur2": "from rows", "cur2-csv": _cur2_csv(), "legacy": _legacy()}.get(export.name)
        if query is None:
            query = _focus(with_meters="1.2" in export.name, text=export.name.endswith("csv"))
        path = Path(aside) / "body"
        form = "parquet" if EXPORTS[export.name] == "parquet" else "csv, header, compression gzip"
        connection.execute(f"copy ({query}) to '{path}' (format {form})")
        return path.read_bytes()


def _json(column: str) -> str:
    return f"case when {column} is not null then cast(to_json({column}) as varchar) end as {column}"


def _stamp(column: str) -> str:
    return f"strftime({column}, '%Y-%m-%dT%H:%M:%S.000Z') as {column}"


def _cur2_csv() -> str:
    maps = ", ".join(_json(column.strip()) for column in _TEXT_MAPS.split(","))
    moments = ", ".join(_stamp(column) for column in _moments())
    return f"select * replace ({maps}, {moments}) from rows"


def _moments() -> Iterator[str]:
    for name in (
        "bill_billing_period_start",
        "bill_billing_period_end",
        "line_item_usage_start",
        "line_item_usage_end",
    ):
        yield f"{name}_date"


def _legacy() -> str:
    moments = set(_moments())
    columns = [
        f"strftime({old}, '%Y-%m-%dT%H:%M:%SZ') as \"{new}\"" if old in moments else f'{old} as "{new}"'
        for old, new in _LEGACY.items()
    ]
    tags = [f"resource_tags['user_{key}'] as \"resourceTags/user:{key}\"" for key in _LEGACY_TAGS]
    return (
        f"select {', '.join(columns)}, product['product_name'] as \"product/ProductName\", {', '.join(tags)} from rows"
    )


def _focus(*, with_meters: bool, text: bool) -> str:
    unprefixed = "lambda tag: {'k': replace(tag.key, 'user_', ''), 'v': tag.value}"
    tags = f"map_from_entries(list_transform(map_entries(resource_tags), {unprefixed}))"
    meters = "bill_invoice_id as InvoiceId, line_item_usage_type as SkuMeter, 'Generative AI' as ServiceSubcategory,"
    own = meters if with_meters else "line_item_usage_type as x_UsageType,"
    return f"""
select
    line_item_net_unblended_cost as BilledCost, line_item_net_unblended_cost as EffectiveCost,
    pricing_public_on_demand_cost as ListCost, line_item_unblended_cost as ContractedCost,
    bill_payer_account_id as BillingAccountId, line_item_currency_code as BillingCurrency,
    bill_billing_period_start_date as BillingPeriodStart, bill_billing_period_end_date as BillingPeriodEnd,
    line_item_line_item_type as ChargeCategory, cast(null as varchar) as ChargeClass,
    line_item_line_item_description as ChargeDescription, line_item_usage_start_date as ChargePeriodStart,
    line_item_usage_end_date as ChargePeriodEnd, 'AWS' as ProviderName, line_item_legal_entity as PublisherName,
    bill_invoicing_entity as InvoiceIssuerName, product['product_name'] as ServiceName,
    line_item_usage_account_id as SubAccountId, line_item_resource_id as ResourceId, product_region_code as RegionId,
    line_item_usage_amount as PricingQuantity, pricing_unit as PricingUnit, line_item_usage_amount as ConsumedQuantity,
    pricing_unit as ConsumedUnit, product_sku as SkuId, product_sku as SkuPriceId, {own}
    line_item_product_code as x_ServiceCode, line_item_operation as x_Operation,
    {f"cast(to_json({tags}) as varchar)" if text else tags} as Tags
from rows
where line_item_line_item_type <> 'EdpDiscount'
"""
