"""The folder `closed` of a home: one folder per frozen month, earlier revisions, and what dbt compares them with.

    closed/2026-10/manifest.json, <table>.parquet     the month as it was frozen, latest revision
    closed/revisions/2026-10-r1/                      what a reopened month was before
    closed/_anchor/<table>.parquet                    typed and empty: models run on a home without closed months
    closed/_now/inputs_now.parquet                    the landed files of the closed months as they are at this build

A month is written aside below `revisions` and renamed in; nothing in it is changed afterwards.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest import arrow
from ingest.landed_files import LandedFile, landed_files
from ingest.run import next_month

_TEXT, _DAY, _COUNT, _MONEY = pa.string(), pa.date32(), pa.int64(), pa.decimal128(38, 12)
_BILL_SOURCES = {
    "aws_cur": "aws",
    "gcp_billing": "gcp",
    "azure_cost": "azure",
    "azure_reservations": "azure",
    "anthropic": "anthropic",
    "openai": "openai",
}
_METER_SOURCES = {"aws_bedrock": "aws", "gcp_vertex": "gcp", "azure_openai": "azure"}
_CONFIG_KINDS = {
    "scope_rules": "scope",
    "budgets": "other",
    "reporting": "other",
    "environments": "other",
    "cost_centers": "other",
}
_LATE_BILL = timedelta(days=10)
"""For so long after a month providers write rows of its invoice into later windows."""


def _schema(text: str = "", day: str = "", count: str = "", money: str = "") -> pa.Schema:
    kinds = ((text, _TEXT), (day, _DAY), (count, _COUNT), (money, _MONEY))
    fields = [pa.field(name, kind) for names, kind in kinds for name in names.split()]
    return pa.schema([pa.field("closed_month", _DAY), pa.field("revision", pa.int32()), *fields])


_INPUTS = _schema("kind provider source stream scope checksum", "window_start", "rows")
SCHEMAS = {
    "months": _schema("closed_by manifest_hash reason").append(pa.field("closed_as_of", pa.timestamp("us"))),
    "inputs": _INPUTS,
    "inputs_now": _INPUTS,
    "spend_daily": _schema(
        "provider billing_account_id sub_account_id region_id service_name workload_id team product environment model "
        "token_class pricing_category charge_category attribution_method cost_status billing_currency",
        "charge_date billing_month",
        "consumed_tokens",
        "billed_cost effective_cost list_cost billed_cost_usd effective_cost_usd",
    ),
    "tokens_daily": _schema(
        "provider billing_account_id sub_account_id workload_id team product environment model attribution_method",
        "usage_date",
        "input_tokens output_tokens cache_read_tokens cache_write_tokens",
        "estimated_cost_usd contract_cost_usd",
    ),
    "provider_totals": _schema(
        "provider billing_account_id billing_currency",
        "billing_month",
        "",
        "landed_cost mart_cost out_of_scope_cost invoice_cost difference",
    ),
    "statement_lines": _schema(
        "statement_status provider billing_account_id team product model charge_category pricing_category "
        "attribution_method attribution_evidence attribution_confidence split_from_team split_path cost_status "
        "billing_currency",
        "billing_month",
        "consumed_tokens",
        "billed_cost effective_cost list_cost",
    ),
    "prices": _schema(
        "provider model region_class token_class service_tier context_band contract_basis",
        "valid_from valid_to",
        "",
        "usd_per_mtok contract_usd_per_mtok",
    ),
}
"""The columns of each frozen table that models read; the files may hold more."""


def closed_root(home: Path) -> Path:
    """Folder of the closed months."""
    return home / "closed"


def month_name(month: date) -> str:
    """``2026-10``."""
    return f"{month:%Y-%m}"


def closed_months(home: Path) -> list[date]:
    """The closed months of a home, oldest first."""
    names = (path.parent.name for path in closed_root(home).glob("*/manifest.json"))
    return sorted(date.fromisoformat(f"{name}-01") for name in names)


def input_kind(source: str, stream: str) -> tuple[str, str | None]:
    """What a landed stream is evidence of (bill, meter, log, rules, scope, prices, fx, other), and whose."""
    if source == "config":
        return _CONFIG_KINDS.get(stream, "rules"), None
    if source in ("prices", "fx"):
        return source, None
    if stream == "usage" and source in ("anthropic", "openai"):
        return "meter", source
    if source in _BILL_SOURCES:
        return "bill", _BILL_SOURCES[source]
    if source in _METER_SOURCES:
        return "meter", _METER_SOURCES[source]
    return "log", None


def month_inputs(landing_root: str, month: date) -> Iterator[LandedFile]:
    """The landed files that the numbers of `month` are made of.

    Bills also from the windows of the ten days after it, where providers write its late rows; configuration and prices
    whole.
    """
    end = next_month(month)

    def wanted(source: str, stream: str, start: date) -> bool:
        kind = input_kind(source, stream)[0]
        if source in ("config", "prices"):
            return kind != "other"
        return month <= start < (end + _LATE_BILL if kind == "bill" else end)

    return landed_files(landing_root, wanted)


def input_rows(landing_root: str, month: date, revision: int) -> list[dict[str, Any]]:
    """The inputs of a month as rows of the table `inputs`."""
    rows: list[dict[str, Any]] = []
    for file in month_inputs(landing_root, month):
        kind, provider = input_kind(file.source, file.stream)
        rows.append({"closed_month": month, "revision": revision, "kind": kind, "provider": provider} | vars(file))
    return rows


def write_table(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    """Write one table of `SCHEMAS` into a folder, replacing it by rename."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.parquet"
    aside = path.with_suffix(".tmp")
    arrow.write_parquet_file(pa.Table.from_pylist(rows, schema=SCHEMAS[name]), aside)
    aside.replace(path)


def prepare_closed(home: Path, landing_root: str) -> None:
    """Make ready what the models of closed months read: typed anchors, and the inputs of those months as of now."""
    root = closed_root(home)
    for name, schema in SCHEMAS.items():
        anchor = root / "_anchor" / f"{name}.parquet"
        if not anchor.exists() or not arrow.read_parquet_file_schema(anchor).equals(schema):
            write_table(root / "_anchor", name, [])
    present = [row for month in closed_months(home) for row in input_rows(landing_root, month, 0)]
    write_table(root / "_now", "inputs_now", present)
