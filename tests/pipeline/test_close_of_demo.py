"""A month of the demo closed, then an owner changed on the short way: the restatement says why, the month stays."""

import json
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).parents[2]
RULE = """rules:
  - {id: labs-are-docs, provider: gcp, field: project, pattern: acme-labs-7f, team: docs, valid_from: 2026-10-10}
"""
NOW = {"INFERLEDGER_AS_OF": "2026-11-18T06:00:00Z"}


def test_a_new_owner_is_told_as_such_and_a_changed_folder_is_refused(
    demo_copy: Path, cli: Callable, tmp_path: Path
) -> None:
    def run(*command: str, code: int = 0) -> str:
        finished = cli(*command, "--home", str(demo_copy), env=NOW)
        assert finished.returncode == code, finished.stderr
        return finished.stdout + finished.stderr

    run("close", "2026-10", "--by", "Ada", "--accept-provisional", "the invoices are paid")
    manifest = demo_copy / "closed" / "2026-10" / "manifest.json"
    closed = manifest.read_bytes()
    totals = json.loads(closed)["totals"]
    assert {row["provider"]: row["provider_cost"] == row["landed_cost"] for row in totals}["aws"]

    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config)
    rules = (config / "ownership.yml").read_text().replace("rules:\n", RULE, 1)
    (config / "ownership.yml").write_text(
        rules.replace("day: 2026-11-01, team: unallocated}", "day: 2026-10-09, team: unallocated}")
    )
    run("ingest", "config", "--config", str(config))
    run("build", "--only", "attribution", "--config", str(config))
    run("detect")
    run("publish")
    report = json.loads(run("restatement", "2026-10", "--json"))
    assert {(row["provider"], row["team"], row["cause"]) for row in report["movements"]} == {
        ("gcp", "docs", "ownership_changed"),
        ("gcp", "unallocated", "ownership_changed"),
    }
    billed = {
        row["team"]: Decimal(row["moved_amount"]) for row in report["movements"] if row["measure"] == "billed_cost"
    }
    assert billed["docs"] == -billed["unallocated"] > 0
    assert manifest.read_bytes() == closed

    manifest.write_bytes(closed.replace(b'"closed_by": "Ada"', b'"closed_by": "Bob"'))
    for command in ("report", "restatement"):
        assert "is not what Ada closed: its hash is another" in run(command, "2026-10", code=1)
