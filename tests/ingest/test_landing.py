"""Landing: one file per window, replaced whole, guarded, and the same after a second load."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.contracts import StreamContract, status_contract
from ingest.errors import ConfigError, EmptyAnswer, SchemaChanged, Shrunk
from ingest.landing import Landing
from ingest.run import Run, Window

RUN = Run("run-1", datetime(2026, 11, 18, 6, tzinfo=UTC))
OCTOBER = Window(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
CONTRACT = StreamContract(
    "aws_cur", "line_items", pa.schema([("cost", pa.float64()), ("note", pa.string())]), ("cost",)
)


def load(root: Path, costs: list[float], *, run: Run = RUN, contract: StreamContract = CONTRACT, **kwargs: bool):
    landing = Landing(str(root), run, **kwargs)
    return landing.write(
        contract, scope="export", window=OCTOBER, batches=[pa.table({"cost": pa.array(costs, pa.float64())})]
    )


def part(root: Path) -> Path:
    return root / "aws_cur" / "line_items" / "export" / "window_start=2026-10-01" / "part.parquet"


def test_a_window_lands_in_one_marked_file(tmp_path: Path) -> None:
    load(tmp_path, [1.5, 2.5])
    table = pq.read_table(part(tmp_path))
    assert table.column("cost").to_pylist() == [1.5, 2.5]
    assert table.column("note").null_count == 2
    assert set(table.column("_run_id").to_pylist()) == {"run-1"}
    assert table.column("_window_start")[0].as_py() == OCTOBER.start
    assert table.column("_loaded_at")[0].as_py() == RUN.as_of


def test_the_same_content_again_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    assert load(tmp_path, [1.0, 2.0]).changed
    before = part(tmp_path).read_bytes()
    assert not load(tmp_path, [1.0, 2.0], run=Run("run-2", RUN.as_of)).changed
    assert part(tmp_path).read_bytes() == before


def test_a_restated_window_replaces_the_earlier_one_whole(tmp_path: Path) -> None:
    load(tmp_path, [1.0, 2.0])
    assert load(tmp_path, [3.0, 4.0, 5.0]).changed
    assert pq.read_table(part(tmp_path)).column("cost").to_pylist() == [3.0, 4.0, 5.0]


def test_a_load_that_lost_rows_stops_and_the_earlier_one_stays(tmp_path: Path) -> None:
    load(tmp_path, [1.0] * 10)
    with pytest.raises(Shrunk, match=r"7 rows came where 10 are landed.*--accept-shrink"):
        load(tmp_path, [1.0] * 7)
    assert pq.read_metadata(part(tmp_path)).num_rows == 10
    assert load(tmp_path, [1.0] * 8).rows == 8
    assert load(tmp_path, [1.0], accept_shrink=True).rows == 1


def test_an_empty_answer_is_an_error_unless_the_stream_allows_it(tmp_path: Path) -> None:
    with pytest.raises(EmptyAnswer, match="no row"):
        load(tmp_path, [])
    assert not part(tmp_path).exists()
    allowed = StreamContract("aws_cur", "line_items", CONTRACT.schema, ("cost",), empty_ok=True)
    assert load(tmp_path, [], contract=allowed).rows == 0
    assert pq.read_schema(part(tmp_path)).names[:2] == ["cost", "note"]


def test_a_renamed_column_stops_the_load_and_names_what_was_found(tmp_path: Path) -> None:
    with pytest.raises(SchemaChanged, match="missing: cost; found costs"):
        Landing(str(tmp_path), RUN).write(CONTRACT, scope="e", window=OCTOBER, batches=[pa.table({"costs": [1.0]})])
    assert not list(tmp_path.rglob("*.parquet"))
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_changed_type_stops_the_load(tmp_path: Path) -> None:
    with pytest.raises(SchemaChanged, match="column cost came as string"):
        Landing(str(tmp_path), RUN).write(CONTRACT, scope="e", window=OCTOBER, batches=[pa.table({"cost": ["much"]})])


def test_an_unknown_column_is_kept(tmp_path: Path) -> None:
    table = pa.table({"cost": [1.0], "new_field": ["x"]})
    Landing(str(tmp_path), RUN).write(CONTRACT, scope="export", window=OCTOBER, batches=[table])
    assert pq.read_table(part(tmp_path)).column("new_field").to_pylist() == ["x"]
    assert Landing(str(tmp_path), RUN).read(CONTRACT).num_rows == 1


def test_a_source_that_fails_in_mid_stream_leaves_the_earlier_window(tmp_path: Path) -> None:
    load(tmp_path, [1.0, 2.0])

    def broken():
        yield pa.table({"cost": [9.0] * 5})
        raise ConnectionResetError("cut in mid-page")

    with pytest.raises(ConnectionResetError):
        Landing(str(tmp_path), RUN).write(CONTRACT, scope="export", window=OCTOBER, batches=broken())
    assert pq.read_table(part(tmp_path)).column("cost").to_pylist() == [1.0, 2.0]
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_killed_load_leaves_the_earlier_window_and_is_swept(tmp_path: Path) -> None:
    load(tmp_path, [1.0, 2.0])
    script = f"""
import os, signal, pyarrow as pa
from datetime import UTC, datetime
from ingest.contracts import StreamContract
from ingest.landing import Landing
from ingest.run import Run, Window
def rows():
    yield pa.table({{"cost": [7.0] * 1000}})
    os.kill(os.getpid(), signal.SIGKILL)
schema = pa.schema([("cost", pa.float64()), ("note", pa.string())])
contract = StreamContract("aws_cur", "line_items", schema, ("cost",))
window = Window(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
landing = Landing({str(tmp_path)!r}, Run("killed", datetime(2026, 11, 18, tzinfo=UTC)))
landing.write(contract, scope="export", window=window, batches=rows())
"""
    root = Path(__file__).parents[2]
    killed = subprocess.run(
        [sys.executable, "-c", script], check=False, cwd=root, env=os.environ | {"PYTHONPATH": str(root)}
    )
    assert killed.returncode == -signal.SIGKILL
    assert pq.read_table(part(tmp_path)).column("cost").to_pylist() == [1.0, 2.0]
    assert list(tmp_path.rglob("*.tmp"))
    Landing(str(tmp_path), RUN).sweep()
    assert not list(tmp_path.rglob("*.tmp"))


def test_anchors_type_a_home_that_never_saw_the_source(tmp_path: Path) -> None:
    landing = Landing(str(tmp_path), RUN)
    landing.ensure_anchors([CONTRACT, status_contract("aws_cur")])
    assert pq.read_schema(tmp_path / "aws_cur" / "line_items" / "_anchor.parquet").names[0] == "cost"
    assert landing.read(CONTRACT).num_rows == 0
    grown = StreamContract("aws_cur", "line_items", CONTRACT.schema.append(pa.field("extra", pa.string())))
    landing.ensure_anchors([grown])
    assert "extra" in pq.read_schema(tmp_path / "aws_cur" / "line_items" / "_anchor.parquet").names


def test_status_and_state_are_read_back(tmp_path: Path) -> None:
    landing = Landing(str(tmp_path), RUN)
    landing.report("aws_cur", "1000", RUN.as_of, "one file was empty")
    landing.write_state("aws_cur", "etags", {"2026-10": "abc"})
    row = pq.read_table(tmp_path / "aws_cur" / "_status" / "1000" / "part.parquet").to_pylist()[0]
    assert (row["watermark"], row["message"]) == (RUN.as_of, "one file was empty")
    assert landing.read_state("aws_cur", "etags") == {"2026-10": "abc"}
    assert landing.read_state("aws_cur", "other") == {}


def test_an_unknown_landing_url_says_what_to_give() -> None:
    with pytest.raises(ConfigError, match="s3://bucket/prefix"):
        Landing("nonsense://x", RUN)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=5), min_size=1, max_size=6))
def test_rows_in_any_batches_are_all_landed(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[float]]
) -> None:
    root = tmp_path_factory.mktemp("landing")
    contract = StreamContract("aws_cur", "line_items", CONTRACT.schema, ("cost",), empty_ok=True)
    tables = [pa.table({"cost": pa.array(costs, pa.float64())}) for costs in batches]
    result = Landing(str(root), RUN).write(contract, scope="export", window=OCTOBER, batches=tables)
    flat = [cost for costs in batches for cost in costs]
    assert result.rows == len(flat)
    assert pq.read_table(part(root)).column("cost").to_pylist() == flat
