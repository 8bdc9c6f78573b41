"""Whatever happens to a bill on its way to the file door: a sentence, or every row and dollar accounted for."""

import csv
import gzip
import io
import random
import tempfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.config import SourcesConfig
from ingest.contracts import Context
from ingest.errors import InferledgerError
from ingest.files import open_folder
from ingest.landing import Landing
from ingest.run import Run
from ingest.settings import Settings
from ingest.sources import aws_cur
from tests.ingest.aws.bills import CUR2, FOCUS, LEGACY, csv_bytes, rows_of

AS_OF = datetime(2026, 11, 18, 6, tzinfo=UTC)
COST = {"line_item_unblended_cost": CUR2, "lineItem/UnblendedCost": LEGACY, "BilledCost": FOCUS}
costs = st.decimals(-(10**6), 10**6, places=10, allow_nan=False).map(lambda value: f"{value:f}")
junk = st.sampled_from(["n/a", "", "1,5", "0x10", "nan", "inf", "1e400", "--1", "1e", "NULL", "€5"])
bills = st.tuples(st.sampled_from(sorted(COST)), st.lists(costs, min_size=6, max_size=30))


def load(path: Path, home: Path, sources: SourcesConfig) -> tuple[list[str], int, Decimal]:
    """Land the file; returns the landed costs, the number of rejected rows and their readable dollars."""
    settings_, run = Settings(home=home), Run("run-1", AS_OF)
    context = Context(settings_, sources, Landing(settings_.landing_root, run), run)
    with open_folder(str(path), settings_) as folder:
        results = aws_cur.load_files(context, folder, None)
    streams = {result.stream for result in results} - {"_quarantine"}
    landed: list[str] = []
    for stream in streams:
        for file in sorted((home / "landing" / "aws_cur" / stream).rglob("part.parquet")):
            table = pq.ParquetFile(file).read()
            (column,) = set(COST) & set(table.column_names)
            landed += table[column].to_pylist()
    apart = [
        pq.ParquetFile(file).read().to_pylist() for file in (home / "landing").rglob("_quarantine/**/part.parquet")
    ]
    rejected = [row for rows in apart for row in rows]
    return landed, len(rejected), sum((Decimal(row["amount"]) for row in rejected if row["amount"]), Decimal(0))


@settings(max_examples=25, deadline=None)
@given(
    bill=bills,
    bad=st.lists(st.tuples(st.integers(0, 29), junk), max_size=1),
    seed=st.integers(0, 999),
    packed=st.booleans(),
)
def test_rows_in_are_rows_landed_and_rows_set_apart(
    sources: SourcesConfig, bill: tuple[str, list[str]], bad: list[tuple[int, str]], seed: int, packed: bool
) -> None:
    column, amounts = bill
    given_costs = list(amounts)
    for position, text in bad:
        given_costs[position % len(given_costs)] = text
    rows = rows_of(COST[column], *({column: cost} for cost in given_costs))
    header = list(COST[column])
    random.Random(seed).shuffle(header)
    body = csv_bytes(rows, header=header)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bill.csv"
        path.write_bytes(gzip.compress(body) if packed else body)
        landed, rejected, _ = load(path, Path(folder) / "home", sources)
    wrong = [text for _, text in bad]
    assert len(landed) + rejected == len(given_costs)
    assert rejected == len(wrong)
    good = [cost for cost in given_costs if cost not in wrong]
    assert sorted(landed) == sorted(good)
    assert sum(map(Decimal, landed)) == sum(map(Decimal, good))


@settings(max_examples=25, deadline=None)
@given(bill=bills, day=st.sampled_from(["", "soon", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00Z"]))
def test_dollars_of_a_row_without_a_date_are_counted_apart(
    sources: SourcesConfig, bill: tuple[str, list[str]], day: str
) -> None:
    column, amounts = bill
    (start,) = {"line_item_usage_start_date", "lineItem/UsageStartDate", "ChargePeriodStart"} & set(COST[column])
    rows = rows_of(COST[column], *({column: cost} for cost in amounts))
    rows[-1][start] = day
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bill.csv"
        path.write_bytes(csv_bytes(rows))
        landed, rejected, dollars = load(path, Path(folder) / "home", sources)
    assert (len(landed), rejected) == (len(amounts) - 1, 1)
    assert sum(map(Decimal, landed)) + dollars == sum(map(Decimal, amounts))


def mangled(body: bytes, how: str, at: int, noise: bytes) -> bytes:
    place = at % max(1, len(body))
    if how == "cut":
        return body[:place]
    if how == "flip":
        return body[:place] + noise + body[place + len(noise) :]
    if how == "insert":
        return body[:place] + noise + body[place:]
    if how == "gzip cut":
        packed = gzip.compress(body)
        return packed[: at % len(packed)]
    if how == "utf-16":
        return body.decode().encode("utf-16")
    header, _, rest = body.partition(b"\n")
    names = header.split(b",")
    if how == "rename":
        names[at % len(names)] = b"renamed"
    else:
        names[at % len(names)] = names[(at + 1) % len(names)]
    return b",".join(names) + b"\n" + rest


HOW = ["cut", "flip", "insert", "gzip cut", "utf-16", "rename", "double"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@settings(max_examples=60, deadline=None)
@given(
    bill=bills,
    how=st.sampled_from(HOW),
    at=st.integers(0, 10**5),
    noise=st.binary(min_size=1, max_size=6),
)
def test_mangled_file_is_a_sentence_or_loses_nothing(
    sources: SourcesConfig, bill: tuple[str, list[str]], how: str, at: int, noise: bytes
) -> None:
    column, amounts = bill
    body = mangled(csv_bytes(rows_of(COST[column], *({column: cost} for cost in amounts))), how, at, noise)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bill.csv"
        path.write_bytes(body)
        try:
            landed, rejected, _ = load(path, Path(folder) / "home", sources)
        except InferledgerError as error:
            assert error.message.strip()
            assert error.remedy.strip()
            return
    plain = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    lines = [row for row in csv.reader(io.StringIO(plain.decode("utf-8-sig"), newline="")) if row]
    assert len(landed) + rejected == len(lines) - 1


@pytest.mark.parametrize("at", [0, 3, 40, 400, 4000])
def test_mangled_parquet_is_a_sentence(sources: SourcesConfig, tmp_path: Path, at: int) -> None:
    import pyarrow as pa

    table = pa.Table.from_pylist(rows_of(CUR2, *({"line_item_unblended_cost": str(n)} for n in range(500))))
    sink = io.BytesIO()
    pq.write_table(table, sink)
    body = bytearray(sink.getvalue())
    body[at : at + 8] = b"\x00" * 8
    (tmp_path / "bill.parquet").write_bytes(bytes(body))
    try:
        landed, rejected, _ = load(tmp_path / "bill.parquet", tmp_path / "home", sources)
    except InferledgerError as error:
        assert error.message
        return
    assert len(landed) + rejected == 500
