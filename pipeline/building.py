"""Build: dbt models and tests over landing, in one invocation, as a process of its own.

dbt runs apart so that its memory and its hold on the warehouse end with it. That process is
`python -m pipeline.building`.
"""

import hashlib
import json
import logging
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from ingest.config_fields import tag_key
from ingest.errors import TerminalError
from ingest.landing import Landing
from ingest.registry import contracts
from ingest.run import Run
from ingest.settings import Settings
from ingest.sources.config import TAG_SYNONYMS
from pipeline.closed_home import prepare_closed
from pipeline.lock import die_with_parent, warehouse_lock
from pipeline.paths import dbt_project

logger = logging.getLogger(__name__)
PARTS = {"attribution": ("int_owner_matches+", "int_split_matches+", "stg_closed__inputs+")}
"""What may be built alone: the part to the models it begins with, and all that follow from them.

The inputs of closed months are among them, so that a restatement knows that the rules are others.
"""


@dataclass(frozen=True)
class BuildResult:
    """What dbt did: counts of nodes, and the seconds that the models alone took."""

    models: int
    tests: int
    seconds: float


def build(settings: Settings, run: Run, *, only: str | None = None, full_refresh: bool = False) -> BuildResult:
    """Build and test every model in the warehouse of the home; days and files whose inputs are as they were stay built.

    Args:
        only: a key of `PARTS`: the models of that part and all that follow from them. What lies before stays as built.
        full_refresh: build every day and file anew. It happens by itself after a change of the models or of dbt.

    Raises:
        TerminalError: a model or a test failed; names the first ones. The published file stays as it is.
    """
    Landing(settings.landing_root, run).ensure_anchors(contracts())
    prepare_closed(settings.home, settings.landing_root)
    work = settings.home.resolve() / "dbt"
    work.mkdir(parents=True, exist_ok=True)
    results = work / "target" / "run_results.json"
    results.unlink(missing_ok=True)
    arguments = []
    if only is not None:
        _require_built(settings, run)
        arguments += ["--select", *PARTS[only]]
    code = _code_digest()
    if _begin(settings, code) or full_refresh:
        arguments.append("--full-refresh")
    finished = _dbt_build(settings, run, arguments)
    (work / "build.log").write_text(finished.stdout + finished.stderr)
    nodes = _nodes(results)
    for node in nodes:
        kind, _, name = node["unique_id"].split(".")[:3]
        logger.info("%-7s %-5s %s %.2f s", node["status"], kind, name, node["execution_time"])
    failed = [node for node in nodes if node["status"] in ("error", "fail", "runtime error")]
    if finished.returncode != 0 or failed:
        raise TerminalError(_failure(failed, finished), f"The published file is unchanged. See {work / 'build.log'}.")
    with warehouse_lock(settings.home), duckdb.connect(settings.warehouse) as connection:
        mark_step(connection, "build", run)
        if only is None:
            connection.execute("create or replace table pipeline.code as select ? as digest", [code])
    models = [node for node in nodes if node["unique_id"].startswith(("model.", "seed."))]
    return BuildResult(len(models), len(nodes) - len(models), round(sum(node["execution_time"] for node in models), 3))


def _dbt_build(settings: Settings, run: Run, arguments: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pipeline.building",
            str(settings.home.resolve()),
            run.run_id,
            f"{run.as_of:%Y-%m-%d %H:%M:%S}",
            str(os.getpid()),
            *arguments,
        ],
        env=_environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )


def _begin(settings: Settings, code: str) -> bool:
    """Mark that nothing is built; returns whether other code built what is there, so that none of it may stay."""
    with warehouse_lock(settings.home), duckdb.connect(settings.warehouse) as connection:
        connection.execute("drop table if exists pipeline.steps")
        is_other = _built_by(connection) != code
        if is_other:
            connection.execute("drop table if exists pipeline.code")
    return is_other


def _require_built(settings: Settings, run: Run) -> None:
    """Raise TerminalError unless what lies before the attribution models was built, with the tag keys of today."""
    with warehouse_lock(settings.home), duckdb.connect(settings.warehouse) as connection:
        if not is_done(connection, "build"):
            raise TerminalError(
                "Nothing was built that attribution could follow from.", "Run `inferledger build` without --only once."
            )
        built = connection.execute(
            "select distinct plain_key, canonical, synonym_position from intermediate.int_tag_values"
        ).fetchall()
    landed = Landing(settings.landing_root, run).read(TAG_SYNONYMS).to_pylist()
    today = {tag_key(row["key"]): (row["canonical"], row["position"]) for row in reversed(landed)}
    if any(today.get(key, (None, None)) != (canonical, position) for key, canonical, position in built):
        raise TerminalError(
            "tag_synonyms has changed, and tags are read before attribution.", "Run `inferledger build` without --only."
        )


def mark_step(connection: duckdb.DuckDBPyConnection, step: str, run: Run) -> None:
    """Write into the warehouse that ``step`` is done for what it holds now."""
    connection.execute("create schema if not exists pipeline")
    connection.execute("create table if not exists pipeline.steps (step varchar primary key, run_id varchar)")
    connection.execute("insert or replace into pipeline.steps values (?, ?)", [step, run.run_id])


def is_done(connection: duckdb.DuckDBPyConnection, step: str) -> bool:
    """Whether ``step`` has succeeded on what the warehouse holds now."""
    connection.execute("select 1 from duckdb_tables() where schema_name = 'pipeline' and table_name = 'steps'")
    if connection.fetchone() is None:
        return False
    return connection.execute("select 1 from pipeline.steps where step = ?", [step]).fetchone() is not None


def _code_digest() -> str:
    """A digest of the dbt project, DuckDB and its dbt adapter: where it is another, nothing that was built may stay."""
    digest = hashlib.sha256(f"{version('duckdb')} {version('dbt-duckdb')}".encode())
    project = dbt_project()
    for path in sorted(path for path in project.rglob("*") if path.suffix in (".sql", ".yml", ".csv")):
        digest.update(str(path.relative_to(project)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _built_by(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The digest of the code that built the whole warehouse; None where none has, or another has begun to."""
    connection.execute("select 1 from duckdb_tables() where schema_name = 'pipeline' and table_name = 'code'")
    if connection.fetchone() is None:
        return None
    found = connection.execute("select digest from pipeline.code").fetchone()
    return found[0] if found else None


def _environment(settings: Settings) -> dict[str, str]:
    home = settings.home.resolve()
    return os.environ | {
        "INFERLEDGER_WAREHOUSE": str(settings.warehouse.resolve()),
        "INFERLEDGER_HOME_DIR": str(home),
        "DBT_PROFILES_DIR": str(dbt_project()),
        "DBT_PROJECT_DIR": str(dbt_project()),
        "DBT_TARGET_PATH": str(home / "dbt" / "target"),
        "DBT_LOG_PATH": str(home / "dbt" / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_VERSION_CHECK": "false",
        "DBT_USE_COLORS": "false",
    }


def _nodes(results: Path) -> list[dict[str, Any]]:
    return json.loads(results.read_text())["results"] if results.exists() else []


def _failure(failed: list[dict[str, Any]], finished: subprocess.CompletedProcess[str]) -> str:
    if not failed:
        lines = [line for line in (finished.stdout + finished.stderr).splitlines() if line.strip()]
        return f"dbt stopped: {' '.join(lines[-3:])[:600]}."
    names = ", ".join(node["unique_id"].split(".")[2] for node in failed[:5])
    more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
    reason = (failed[0]["message"] or "").strip().splitlines()
    return f"dbt failed on {names}{more}: {reason[0] if reason else 'no message'}."


def _main() -> int:
    """Hold the warehouse and run dbt; the arguments: home, run id, as-of time, caller's process id, dbt's own."""
    home, run_id, as_of = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    die_with_parent(int(sys.argv[4]))
    from dbt.cli.main import dbtRunner

    with warehouse_lock(home):
        variables = json.dumps({"as_of": as_of, "run_id": run_id})
        # unit tests judge the code on invented rows: they belong to the test suite, not to every morning
        outcome = dbtRunner().invoke(
            ["build", "--exclude-resource-type", "unit_test", "--vars", variables, *sys.argv[5:]]
        )
    return 0 if outcome.success else 1


if __name__ == "__main__":
    sys.exit(_main())
