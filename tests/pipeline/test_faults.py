"""Each fault of each cloud: the run recovers, or stops with one clear sentence and yesterday's published file."""

import shutil
from pathlib import Path
from typing import Any

import pytest

CLOUDS = {"aws": "aws_cur", "gcp": "gcp_billing", "azure": "azure_cost"}
RECOVERS = ("throttle", "server_error", "cut")
STOPS = {
    "forbidden": "grant",
    "expired": "credential",
}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_passing_faults_are_overcome(quiet_clouds: Any, undisturbed: Path, tmp_path: Path, cloud: str) -> None:
    for place, kind in enumerate(RECOVERS):
        quiet_clouds.set_fault(cloud=cloud, operation="*", kind=kind, times=1, after=1 + place, retry_after=0.2)
    finished = quiet_clouds.run(tmp_path, "ingest", CLOUDS[cloud])
    assert finished.returncode == 0, finished.stderr
    landed = {path.relative_to(tmp_path): path.stat().st_size for path in (tmp_path / "landing").rglob("part.parquet")}
    expected = [
        path.relative_to(undisturbed) for path in (undisturbed / "landing" / CLOUDS[cloud]).rglob("part.parquet")
    ]
    assert sorted(landed) == sorted(expected)


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("kind", STOPS)
def test_a_lasting_fault_stops_with_one_sentence_that_helps(
    quiet_clouds: Any, tmp_path: Path, cloud: str, kind: str
) -> None:
    quiet_clouds.set_fault(cloud=cloud, operation="*", kind=kind, times=None)
    finished = quiet_clouds.run(tmp_path, "ingest", CLOUDS[cloud])
    assert finished.returncode == 1
    assert "Traceback" not in finished.stderr
    assert len(finished.stderr.strip().splitlines()) == 1, finished.stderr
    assert STOPS[kind] in finished.stderr.lower()
    assert not list((tmp_path / "landing").rglob("*.tmp"))


def test_a_failed_source_leaves_yesterdays_publication(quiet_clouds: Any, undisturbed: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(undisturbed, home)
    before = (home / "published" / "inferledger.duckdb").read_bytes()
    quiet_clouds.set_fault(cloud="gcp", operation="*", kind="forbidden", times=None)
    finished = quiet_clouds.run(home, "run")
    assert finished.returncode == 1
    assert "The published file is unchanged" in finished.stderr
    assert (home / "published" / "inferledger.duckdb").read_bytes() == before
    quiet_clouds.clear_faults()
    assert quiet_clouds.run(home, "ingest", "gcp_billing").returncode == 0


@pytest.mark.soak
@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("kind", [*RECOVERS, *STOPS, "empty", "late_day", "restated_day", "wrong_schema"])
def test_every_fault_in_a_whole_run(
    quiet_clouds: Any, undisturbed: Path, tmp_path: Path, mart_hashes: Any, cloud: str, kind: str
) -> None:
    """Recovers to an audited publication, or stops with a sentence; the next quiet run completes as undisturbed."""
    home = tmp_path / "home"
    shutil.copytree(undisturbed, home)
    before = mart_hashes(home)
    quiet_clouds.set_fault(cloud=cloud, operation="*", kind=kind, times=3, after=2, retry_after=0.2)
    finished = quiet_clouds.run(home, "run")
    assert "Traceback" not in finished.stderr
    if finished.returncode != 0:
        assert finished.stderr.count("\n") == 1
        assert mart_hashes(home) == before
    quiet_clouds.clear_faults()
    again = quiet_clouds.run(home, "run")
    assert again.returncode == 0, again.stderr
    assert mart_hashes(home) == before
