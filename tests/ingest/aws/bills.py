"""Small AWS bills for tests: rows of CUR 2.0, the legacy report and FOCUS, as people export them."""

import csv
import gzip
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

PAYER = "100000000001"
CUR2 = {
    "bill_billing_entity": "AWS",
    "bill_bill_type": "Anniversary",
    "bill_invoice_id": "",
    "bill_payer_account_id": PAYER,
    "bill_billing_period_start_date": "2026-11-01T00:00:00.000Z",
    "bill_billing_period_end_date": "2026-12-01T00:00:00.000Z",
    "line_item_usage_account_id": "210000000001",
    "line_item_line_item_type": "Usage",
    "line_item_usage_start_date": "2026-11-05T03:00:00.000Z",
    "line_item_usage_end_date": "2026-11-05T04:00:00.000Z",
    "line_item_product_code": "AmazonBedrock",
    "line_item_usage_type": "USE1-NovaPro-input-tokens",
    "line_item_operation": "InvokeModelInference",
    "line_item_resource_id": "",
    "line_item_usage_amount": "1.5",
    "line_item_currency_code": "USD",
    "line_item_unblended_cost": "0.0012",
    "line_item_line_item_description": "a row",
    "product": json.dumps({"product_name": "Amazon Bedrock"}),
    "product_region_code": "us-east-1",
    "pricing_unit": "1K tokens",
    "pricing_public_on_demand_cost": "0.0012",
    "resource_tags": "{}",
}
LEGACY = {
    "identity/LineItemId": "abc",
    "bill/BillingEntity": "AWS",
    "bill/BillType": "Anniversary",
    "bill/InvoiceId": "",
    "bill/PayerAccountId": PAYER,
    "bill/BillingPeriodStartDate": "2026-11-01T00:00:00Z",
    "bill/BillingPeriodEndDate": "2026-12-01T00:00:00Z",
    "lineItem/UsageAccountId": "210000000001",
    "lineItem/LineItemType": "Usage",
    "lineItem/UsageStartDate": "2026-11-05T03:00:00Z",
    "lineItem/UsageEndDate": "2026-11-05T04:00:00Z",
    "lineItem/ProductCode": "AmazonBedrock",
    "lineItem/UsageType": "USE1-NovaPro-input-tokens",
    "lineItem/Operation": "InvokeModelInference",
    "lineItem/ResourceId": "",
    "lineItem/UsageAmount": "1.5",
    "lineItem/CurrencyCode": "USD",
    "lineItem/UnblendedCost": "0.0012000000",
    "lineItem/LineItemDescription": "a row",
    "product/ProductName": "Amazon Bedrock",
    "product/region": "us-east-1",
    "pricing/unit": "1K tokens",
    "resourceTags/user:team": "docs",
    "resourceTags/user:app": "",
}
FOCUS = {
    "BilledCost": "0.00120000000",
    "EffectiveCost": "0.00120000000",
    "ListCost": "NULL",
    "ContractedCost": "0.0012",
    "BillingAccountId": PAYER,
    "BillingCurrency": "USD",
    "BillingPeriodStart": "2026-11-01 00:00:00",
    "BillingPeriodEnd": "2026-12-01 00:00:00",
    "ChargeCategory": "Usage",
    "ChargeDescription": "a row",
    "ChargePeriodStart": "2026-11-05 03:00:00",
    "ChargePeriodEnd": "2026-11-05 04:00:00",
    "ProviderName": "AWS",
    "PublisherName": "Amazon Web Services, Inc.",
    "ServiceName": "Amazon Bedrock",
    "SubAccountId": "210000000001",
    "ResourceId": "NULL",
    "RegionId": "us-east-1",
    "PricingQuantity": "1.5",
    "PricingUnit": "1K tokens",
    "Tags": '{"team": "docs"}',
}


def rows_of(base: Mapping[str, str], *changes: Mapping[str, str]) -> list[dict[str, str]]:
    """One row for each set of changes to the base row."""
    return [dict(base) | dict(change) for change in changes]


def csv_bytes(rows: Iterable[Mapping[str, str]], *, header: Iterable[str] | None = None) -> bytes:
    """The rows as a CSV file."""
    listed = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(header or listed[0]), lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(listed)
    return text.getvalue().encode()


def write_csv(path: Path, rows: Iterable[Mapping[str, str]]) -> Path:
    """Write the rows as a CSV file, gzipped where its name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body = csv_bytes(rows)
    path.write_bytes(gzip.compress(body) if path.suffix == ".gz" else body)
    return path
