"""The doctor's answers: what is wrong is named with its remedy, and decides the exit code."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest.checks import Finding
from pipeline.doctor import as_text


def test_findings_read_as_lines_with_their_remedy_below() -> None:
    text = as_text(
        [
            Finding("aws_cur", "1", "reachable", "ok", "The bucket is there."),
            Finding("aws_bedrock", "22", "permitted", "fail", "Refused.", "Grant it."),
        ]
    )
    assert text.splitlines() == [
        "ok    aws_cur 1       reachable   The bucket is there.",
        "fail  aws_bedrock 22  permitted   Refused.",
        "                                  -> Grant it.",
        "2 checks, 1 failed.",
    ]


def test_nothing_configured_is_a_wrong_configuration(tmp_path: Path, cli: Callable[..., Any]) -> None:
    config = tmp_path / "config"
    config.mkdir()
    for name in ("scope", "ownership", "prices", "budgets", "alerts"):
        (config / f"{name}.yml").write_text((Path(__file__).parents[2] / "config" / f"{name}.yml").read_text())
    (config / "sources.yml").write_text("backfill_days: 3\n")
    finished = cli("doctor", "--home", str(tmp_path / "home"), "--config", str(config))
    assert finished.returncode == 2
    assert finished.stderr.startswith("inferledger: No source is configured.")


@pytest.mark.parametrize("kind", [None, "forbidden"])
def test_the_doctor_of_a_local_cloud(quiet_clouds: Any, tmp_path: Path, kind: str | None) -> None:
    if kind:
        quiet_clouds.set_fault(cloud="aws", operation="*", kind=kind, times=None)
    finished = quiet_clouds.run(tmp_path, "doctor", "aws_cur")
    assert finished.returncode == (1 if kind else 0), finished.stdout
    assert ("deploy/aws/policy.json" in finished.stdout) == bool(kind)
    assert "Traceback" not in finished.stderr
