from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator.aws.local_aws import AS_OF, LocalAws, serving, write_world


@pytest.fixture(scope="session")
def aws_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("aws-world"))


@pytest.fixture(scope="module")
def running_aws(aws_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with serving(aws_world, tmp_path_factory.mktemp("aws")) as aws:
        yield aws


@pytest.fixture
def aws(running_aws: LocalAws) -> Iterator[LocalAws]:
    """The module's AWS, without faults and at its usual time."""
    yield running_aws
    running_aws.faults.clear()
    running_aws.faults.forget_requests()
    running_aws.guard.release()
    running_aws.clock.set(AS_OF)
