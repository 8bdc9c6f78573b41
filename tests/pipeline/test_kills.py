"""A run that is killed at any moment and started again ends where an undisturbed one ends."""

import random
import signal
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

TABLES = "select count(*) from duckdb_tables() where schema_name = 'main'"


def kill_and_finish(clouds: Any, home: Path, moments: list[float]) -> None:
    """Start a run and kill it after each of ``moments`` seconds, then let one run to its end."""
    published = home / "published" / "inferledger.duckdb"
    for moment in moments:
        process = clouds.start(home, "run")
        deadline = time.monotonic() + moment
        while time.monotonic() < deadline and process.poll() is None:
            assert_whole(published)
            time.sleep(0.5)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert_whole(published)
    finished = clouds.run(home, "run")
    assert finished.returncode == 0, finished.stderr


def assert_whole(published: Path) -> None:
    """What lies there is either nothing or a finished file."""
    if published.exists():
        with duckdb.connect(published, read_only=True) as connection:
            assert connection.execute("select count(*) from publication").fetchall() == [(1,)]
            assert connection.execute(TABLES).fetchall()[0][0] > 10


def test_killed_runs_leave_the_marts_of_an_undisturbed_one(
    quiet_clouds: Any, undisturbed: Path, tmp_path: Path, mart_hashes: Any
) -> None:
    moments = random.Random(20261118).choices([3.0, 8.0, 15.0, 22.0, 30.0], k=2)
    kill_and_finish(quiet_clouds, tmp_path, moments)
    assert mart_hashes(tmp_path) == mart_hashes(undisturbed)


@pytest.mark.soak
def test_ten_kills_at_random_moments(quiet_clouds: Any, undisturbed: Path, tmp_path: Path, mart_hashes: Any) -> None:
    seed = random.SystemRandom().randrange(2**32)
    moments = [random.Random(seed + kill).uniform(0.5, 45.0) for kill in range(10)]
    kill_and_finish(quiet_clouds, tmp_path, moments)
    assert mart_hashes(tmp_path) == mart_hashes(undisturbed), f"seed {seed}"
