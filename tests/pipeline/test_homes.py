"""Homes move, runs repeat, and what is published is whole or yesterday's."""

from collections.abc import Callable
from pathlib import Path


def test_a_second_run_on_a_moved_home_changes_nothing(
    demo_home: Path, demo_copy: Path, cli: Callable, mart_hashes: Callable
) -> None:
    before = mart_hashes(demo_home)
    finished = cli("demo", "--home", str(demo_copy), "--no-dashboard")
    assert finished.returncode == 0, finished.stderr
    assert mart_hashes(demo_copy) == before
    assert " 0 alerts" in finished.stdout


def test_no_absolute_path_is_stored(demo_home: Path) -> None:
    stored = [
        demo_home / "warehouse.duckdb",
        demo_home / "published" / "inferledger.duckdb",
        *(demo_home / "landing").rglob("*.parquet"),
    ]
    needle = str(demo_home.parent).encode()
    assert len(stored) > 100
    assert [path for path in stored if needle in path.read_bytes()] == []


def test_a_mart_that_fails_its_audit_leaves_yesterdays_file(demo_copy: Path, cli: Callable) -> None:
    before = (demo_copy / "published" / "inferledger.duckdb").read_bytes()
    broken = next((demo_copy / "landing" / "aws_cur" / "line_items").rglob("part.parquet"))
    broken.write_bytes(broken.read_bytes()[:2000])
    env = {"INFERLEDGER_AS_OF": "2026-11-18T06:00:00Z"}
    finished = cli("build", "--home", str(demo_copy), env=env)
    assert finished.returncode == 1
    assert "published file is unchanged" in finished.stderr
    refused = cli("publish", "--home", str(demo_copy), env=env)
    assert refused.returncode == 1
    assert "has not passed `build`" in refused.stderr
    assert (demo_copy / "published" / "inferledger.duckdb").read_bytes() == before


def test_a_home_with_real_data_is_no_place_for_the_demo(tmp_path: Path, cli: Callable) -> None:
    (tmp_path / "landing").mkdir()
    finished = cli("demo", "--home", str(tmp_path), "--no-dashboard")
    assert finished.returncode == 2
    assert "holds real data" in finished.stderr
