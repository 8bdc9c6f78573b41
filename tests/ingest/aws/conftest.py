from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ingest.config import SourcesConfig, load_sources
from ingest.contracts import Context, LoadResult
from ingest.files import open_folder
from ingest.landing import Landing
from ingest.run import Run, Window
from ingest.settings import Settings
from ingest.sources import aws_cur
from tests.emulator.aws.local_aws import AS_OF, LocalAws, serving, write_world

ROOT = Path(__file__).parents[3]
MakeContext = Callable[..., Context]
LoadFrom = Callable[..., list[LoadResult]]


@pytest.fixture(scope="session")
def aws_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("aws-world"))


@pytest.fixture(scope="module")
def running_aws(aws_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with serving(aws_world, tmp_path_factory.mktemp("aws")) as aws:
        yield aws


@pytest.fixture
def aws(running_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    """The module's AWS, without faults and at its usual time; the environment holds its credentials."""
    for name, value in running_aws.env.items():
        monkeypatch.setenv(name, value)
    yield running_aws
    running_aws.faults.clear()
    running_aws.faults.forget_requests()
    running_aws.guard.release()
    running_aws.clock.set(AS_OF)


@pytest.fixture(scope="session")
def sources() -> SourcesConfig:
    """The demo organisation's sources.yml, reaching back as far as the world of these tests."""
    config = load_sources(ROOT / "config" / "sources.yml")
    # latency would double the points of every test, Cost Explorer the results; those of either ask for it
    section = config.aws.model_copy(update={"latency_metrics": False, "cost_explorer": False})
    return config.model_copy(update={"backfill_days": 39, "aws_section": section})


@pytest.fixture
def make_context(tmp_path: Path, sources: SourcesConfig) -> MakeContext:
    """Builds the context of a run on this test's own home."""

    def make(
        run_id: str = "run-1", *, as_of: datetime = AS_OF, config: SourcesConfig = sources, **settings: object
    ) -> Context:
        chosen = Settings(home=tmp_path, retry_budget_seconds=0.1, **settings)  # type: ignore[arg-type]
        run = Run(run_id, as_of)
        return Context(chosen, config, Landing(chosen.landing_root, run), run)

    return make


@pytest.fixture
def load_from(make_context: MakeContext) -> LoadFrom:
    def load(location: str | Path, *, window: Window | None = None, context: Context | None = None) -> list[LoadResult]:
        context = context or make_context()
        with open_folder(str(location), context.settings) as folder:
            return aws_cur.load_files(context, folder, window)

    return load


def landed(home: Path, stream: str) -> list[dict[str, Any]]:
    files = sorted((home / "landing" / "aws_cur" / stream).rglob("part.parquet"))
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]
