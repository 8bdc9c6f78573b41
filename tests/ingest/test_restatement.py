"""A restatement that takes rows back says so, with their dollars."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.contracts import StreamContract
from ingest.errors import CorruptFile
from ingest.landing import Landing
from ingest.quarantine import Quarantine
from ingest.run import Run, Window

START = datetime(2026, 11, 1, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=30))
CONTRACT = StreamContract(
    "aws_cur",
    "line_items",
    pa.schema(
        [
            ("usage_type", pa.string()),
            ("at", pa.timestamp("us", tz="UTC")),
            ("project", pa.struct([("id", pa.string())])),
            ("cost", pa.string()),
        ]
    ),
    key=("usage_type", "at", "project.id"),
    amount="cost",
)


def load(landing_root: Path, run_id: str, rows: list[tuple[str | None, int, str, str | None]]) -> int:
    landing = Landing(str(landing_root), Run(run_id, START + timedelta(days=20)), accept_shrink=True)
    table = pa.Table.from_pylist(
        [
            {"usage_type": kind, "at": START + timedelta(hours=hour), "project": {"id": project}, "cost": cost}
            for kind, hour, project, cost in rows
        ],
        schema=CONTRACT.schema,
    )
    return landing.write(CONTRACT, scope="export", window=WINDOW, batches=[table]).gone


def recorded(root: Path) -> list[tuple[str, int, str | None]]:
    paths = sorted((root / "aws_cur" / "_restatements").rglob("*.parquet"))
    rows = [row for path in paths for row in pq.read_table(path).to_pylist()]
    return [(row["run_id"], row["gone_rows"], row["gone_amount"]) for row in rows]


def test_a_row_that_only_the_earlier_load_had_is_recorded_with_its_dollars(tmp_path: Path) -> None:
    load(tmp_path, "one", [("in", 0, "a", "1.25"), ("in", 30, "a", "2"), (None, 0, "a", "0.5")])
    assert load(tmp_path, "two", [("in", 0, "a", "1.25"), ("in", 31, "a", "2"), ("new", 0, "a", "9")]) == 1
    assert recorded(tmp_path) == [("two", 1, "0.500000000000")]


def test_of_equal_rows_each_counts(tmp_path: Path) -> None:
    load(tmp_path, "one", [("in", 0, "a", "1.25"), ("in", 1, "a", "1.25")])
    assert load(tmp_path, "two", [("in", 0, "a", "1.25"), ("in", 0, "b", "1.25")]) == 1
    assert recorded(tmp_path) == [("two", 1, "1.250000000000")]


def test_a_changed_cost_and_a_new_row_take_nothing_back(tmp_path: Path) -> None:
    load(tmp_path, "one", [("in", 0, "a", "1.25")])
    assert load(tmp_path, "two", [("in", 0, "a", "1.00"), ("in", 50, "a", "1")]) == 0
    assert recorded(tmp_path) == []


def test_a_cost_that_cannot_be_known_leaves_the_dollars_unknown(tmp_path: Path) -> None:
    load(tmp_path, "one", [("in", 0, "a", None), ("in", 99, "a", "1")])
    load(tmp_path, "two", [("in", 99, "a", "1")])
    assert recorded(tmp_path) == [("two", 1, None)]


def test_a_quarantine_is_replaced_with_its_load(tmp_path: Path) -> None:
    landing = Landing(str(tmp_path), Run("one", START))
    full, empty = Quarantine(CONTRACT), Quarantine(CONTRACT)
    full.put(file="f.csv", reason="its cost 'x' is no number", row="a,x", currency="USD")
    assert full.land(landing, scope="export", window=WINDOW, good_rows=99).rows == 1
    assert empty.land(landing, scope="export", window=WINDOW, good_rows=100).rows == 0


def test_a_file_of_mostly_bad_rows_is_refused(tmp_path: Path) -> None:
    quarantine = Quarantine(CONTRACT)
    for _ in range(3):
        quarantine.put(file="f.csv", reason="its cost 'x' is no number", row="a,x")
    with pytest.raises(CorruptFile, match=r"3 of 10 rows cannot be taken, the first because its cost 'x' is no number"):
        quarantine.land(Landing(str(tmp_path), Run("one", START)), scope="export", window=WINDOW, good_rows=7)
