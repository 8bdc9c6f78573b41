"""What the emulator really charged and planted: the answer sheet that only tests read.

Money is decimal(38,12) and is never computed with floats: a price is a Decimal, a bill row is whole units of 1e-10.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

MONEY = pa.decimal128(38, 12)
BILL_DECIMALS = 10
LARGEST_BILL_ROW = 100_000
INSTANT = pa.timestamp("us", tz="UTC")

CHARGE_SCHEMA = pa.schema(
    [
        ("provider", pa.string()),
        ("billing_account_id", pa.string()),
        ("billing_month", pa.date32()),
        ("charge_date", pa.date32()),
        ("workload_id", pa.string()),
        ("team", pa.string()),
        ("product", pa.string()),
        ("model", pa.string()),
        ("token_class", pa.string()),
        ("billing_currency", pa.string()),
        ("billed_cost", MONEY),
        ("visible_from", INSTANT),
        ("visible_to", INSTANT),
        ("stream_id", pa.string()),
    ]
)
USAGE_SCHEMA = pa.schema(
    [
        ("provider", pa.string()),
        ("usage_date", pa.date32()),
        ("workload_id", pa.string()),
        ("team", pa.string()),
        ("product", pa.string()),
        ("model", pa.string()),
        ("input_tokens", pa.int64()),
        ("output_tokens", pa.int64()),
        ("cache_read_tokens", pa.int64()),
        ("cache_write_tokens", pa.int64()),
        ("request_count", pa.int64()),
    ]
)
RESIDUAL_SCHEMA = pa.schema(
    [
        ("provider", pa.string()),
        ("residual_class", pa.string()),
        ("usage_date", pa.date32()),
        ("workload_id", pa.string()),
        ("model", pa.string()),
        ("residual_usd", MONEY),
    ]
)
INCIDENT_SCHEMA = pa.schema(
    [
        ("incident_id", pa.string()),
        ("kind", pa.string()),
        ("provider", pa.string()),
        ("team", pa.string()),
        ("product", pa.string()),
        ("start_date", pa.date32()),
        ("end_date", pa.date32()),
        ("impact_usd", MONEY),
        ("is_spike", pa.bool_()),
        ("verdict", pa.string()),
    ]
)


@dataclass(frozen=True)
class Residual:
    """A planted difference between meter and bill: metered minus billed dollars of a workload's day, and its class."""

    provider: str
    residual_class: str
    usage_date: date
    workload_id: str | None
    model: str | None
    residual_usd: Decimal


def bill_units(quantity: np.ndarray, price: Decimal, *, per: int = 1, decimals: int = BILL_DECIMALS) -> np.ndarray:
    """Quantity times price per `per` quantities, in whole units of 10**-decimals, rounded half to even.

    Exact integer arithmetic: raises OverflowError where 64 bits would not hold the product.
    """
    rate = Fraction(price) / per * 10**decimals
    counts = np.asarray(quantity, dtype=np.int64)
    largest = int(np.abs(counts).max(initial=0))
    if largest * abs(rate.numerator) * 2 >= 2**63:
        return np.array([_half_even(int(count) * rate) for count in counts], dtype=np.int64)
    product = counts * np.int64(rate.numerator)
    if rate.denominator == 1:
        return product
    quotient, remainder = np.divmod(product, np.int64(rate.denominator))
    twice = remainder * 2
    up = (twice > rate.denominator) | ((twice == rate.denominator) & (quotient % 2 == 1))
    return quotient + up


def _half_even(exact: Fraction) -> int:
    rounded = round(exact)
    if abs(rounded) >= 2**63:
        raise OverflowError("a bill row does not fit 64 bits; split it")
    return rounded


def money_column(units: np.ndarray, decimals: int = BILL_DECIMALS) -> pa.Decimal128Array:
    """Whole units of 10**-decimals (int64) as decimal(38,12), exactly; raises OverflowError when too large."""
    factor = 10 ** (MONEY.scale - decimals)
    counts = np.asarray(units, dtype=np.int64)
    if int(np.abs(counts).max(initial=0)) * factor >= 2**63:
        raise OverflowError("an amount does not fit; sum or split it as Decimal instead")
    words = np.empty((len(counts), 2), dtype="<i8")
    words[:, 0] = counts * factor
    words[:, 1] = words[:, 0] >> 63
    amounts = pa.Decimal128Array.from_buffers(MONEY, len(counts), [None, pa.py_buffer(words.tobytes())])
    return cast(pa.Decimal128Array, amounts)  # the stubs only know the base class


def as_doubles(units: np.ndarray, decimals: int = BILL_DECIMALS) -> np.ndarray:
    """The amounts as doubles whose shortest text is the decimal again.

    True for fifteen significant digits, hence below 100,000 at ten decimals; raises OverflowError above.
    """
    counts = np.asarray(units, dtype=np.int64)
    if int(np.abs(counts).max(initial=0)) >= 10**15:
        raise OverflowError("a double carries fifteen digits; this row has more")
    return counts / 10.0**decimals


def table(schema: pa.Schema, columns: Mapping[str, Any]) -> pa.Table:
    """A table of exactly this schema from column values; raises KeyError for a missing column."""
    return pa.table([_column(columns[field.name], field.type) for field in schema], schema=schema)


def _column(values: Any, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values if values.type == kind else values.cast(kind)
    return pa.array(values, type=kind)


def write_parquet(folder: Path, name: str, rows: pa.Table) -> Path:
    """Write one truth table, aside first, so that a killed run leaves no half file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    aside = path.with_suffix(".part")
    pq.write_table(rows, aside, compression="zstd")
    aside.replace(path)
    return path


def write_charges(folder: Path, charges: Sequence[pa.Table], out_of_scope: Sequence[pa.Table]) -> None:
    """Write `charges.parquet` (AI spend) and `out_of_scope.parquet` (everything else on the same bills)."""
    write_parquet(folder, "charges.parquet", _joined(charges, CHARGE_SCHEMA))
    write_parquet(folder, "out_of_scope.parquet", _joined(out_of_scope, CHARGE_SCHEMA))


def write_usage(folder: Path, usage: Sequence[pa.Table]) -> None:
    """Write `usage.parquet`: tokens and requests per day and workload as really served."""
    write_parquet(folder, "usage.parquet", _joined(usage, USAGE_SCHEMA))


def write_incidents(folder: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write `incidents.parquet` from one mapping per planted incident."""
    write_parquet(folder, "incidents.parquet", pa.Table.from_pylist(list(rows), schema=INCIDENT_SCHEMA))


def write_residuals(folder: Path, residuals: Iterable[Residual]) -> None:
    """Write `residuals.parquet`: what each planted difference between meter and bill comes to, in 1e-12 USD."""
    smallest = Decimal(1).scaleb(-MONEY.scale)
    rows = [vars(one) | {"residual_usd": one.residual_usd.quantize(smallest)} for one in residuals]
    write_parquet(folder, "residuals.parquet", pa.Table.from_pylist(rows, schema=RESIDUAL_SCHEMA))


def _joined(tables: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
    for part in tables:
        if part.schema.names != schema.names:
            raise ValueError(f"columns {part.schema.names} are not {schema.names}")
    return pa.concat_tables([part.cast(schema) for part in tables]) if tables else schema.empty_table()
