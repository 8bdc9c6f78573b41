"""A fault at each network call of a run, one at a time: the load recovers or stops with a sentence, and the next one
completes with what an undisturbed one has.

Only ingestion and alerts touch the network, and the clouds load apart from each other, so each is disturbed on its own.
Here each kind of call is hit once; `make soak` hits every single call with every fault.
"""

import json
import os
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ingest.errors import InferledgerError
from ingest.registry import CLOUDS
from ingest.run import Run
from ingest.settings import Settings, load_settings
from pipeline.ingesting import ingest_source

PASSING, STOPPING = ("throttle", "server_error", "cut"), ("forbidden", "expired")
FAULTS = (*PASSING, *STOPPING)
Load = Callable[[Path, str], None]


@pytest.fixture
def load(quiet_clouds: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Loads all sources of a cloud into a home, three days back, in this process."""
    for name, value in quiet_clouds.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("INFERLEDGER_RETRY_BUDGET_SECONDS", "20")
    as_of = datetime.fromisoformat(os.environ["INFERLEDGER_AS_OF"])

    def run(home: Path, cloud: str) -> None:
        settings: Settings = load_settings(home=home, backfill_days=3)
        for source in CLOUDS[cloud]:
            ingest_source(settings, Run("run-every-call", as_of), source)

    yield run


def landed(home: Path) -> dict[str, str]:
    """The checksum of each landed window."""
    paths = sorted((home / "landing").rglob("part.parquet"))
    named = {path.relative_to(home).as_posix(): pq.read_metadata(path).metadata for path in paths}
    return {
        name: metadata[b"inferledger.checksum"].decode()
        for name, metadata in named.items()
        if metadata and b"inferledger.checksum" in metadata
    }


def calls(clouds: Any, cloud: str) -> list[str]:
    """The operations that a cloud was asked for, in order."""
    with urllib.request.urlopen(f"{clouds.control}/requests", timeout=10) as answer:
        return [request["operation"] for request in json.loads(answer.read()) if request["cloud"] == cloud]


def forget(clouds: Any) -> None:
    urllib.request.urlopen(urllib.request.Request(f"{clouds.control}/requests", method="DELETE"), timeout=10).close()


def disturb(clouds: Any, load: Load, home: Path, cloud: str, expected: dict[str, str], **fault: Any) -> str:
    """Load under one fault, then without; returns what the disturbed load said, empty when it recovered."""
    clouds.set_fault(cloud=cloud, times=1, retry_after=0.05, **fault)
    said = ""
    try:
        load(home, cloud)
    except InferledgerError as error:
        said = str(error)
        assert len(said) > 20
    clouds.clear_faults()
    assert not list((home / "landing").rglob("*.tmp")), fault
    load(home, cloud)
    assert landed(home) == expected, fault
    return said


@pytest.fixture
def undisturbed_load(
    quiet_clouds: Any, load: Load, tmp_path: Path
) -> Callable[[str], tuple[dict[str, str], list[str]]]:
    def run(cloud: str) -> tuple[dict[str, str], list[str]]:
        forget(quiet_clouds)
        load(tmp_path / "undisturbed", cloud)
        return landed(tmp_path / "undisturbed"), calls(quiet_clouds, cloud)

    return run


@pytest.mark.parametrize("cloud", ["aws", "gcp", "azure"])
def test_each_kind_of_call_may_fail_once(
    quiet_clouds: Any, load: Load, undisturbed_load: Any, tmp_path: Path, cloud: str
) -> None:
    expected, asked = undisturbed_load(cloud)
    operations = sorted(set(asked))
    assert len(operations) > 3
    for kind in PASSING:
        # what a load gets over by itself may strike every kind of call in the same load
        for operation in operations:
            quiet_clouds.set_fault(cloud=cloud, operation=operation, kind=kind, times=1, retry_after=0.05)
        home = tmp_path / kind
        load(home, cloud)
        quiet_clouds.clear_faults()
        assert landed(home) == expected, kind
    # one that stops a load needs a load of its own: two of five kinds of call meet one, `make soak` hits them all
    for number, operation in enumerate(operations):
        kind = FAULTS[number % len(FAULTS)]
        if kind in STOPPING:
            home = tmp_path / operation.replace("/", "_")
            disturb(quiet_clouds, load, home, cloud, expected, kind=kind, operation=operation)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("cloud", ["aws", "gcp", "azure"])
def test_every_call_may_fail_once(
    quiet_clouds: Any, load: Load, undisturbed_load: Any, tmp_path: Path, cloud: str, kind: str
) -> None:
    expected, asked = undisturbed_load(cloud)
    for number in range(len(asked)):
        said = disturb(
            quiet_clouds, load, tmp_path / f"call-{number}", cloud, expected, kind=kind, operation="*", after=number
        )
        assert not said or kind not in PASSING, (number, asked[number], said)
