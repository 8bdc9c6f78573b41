"""Building twice, from rows in another order, at another place, gives the same marts."""

import hashlib
import shutil
from pathlib import Path

from tests.dbt_project.conftest import Home, replace_interfaces
from tests.dbt_project.scenario import interface_rows


def fingerprints(home: Home) -> dict[str, str]:
    """A hash of the rows of every table of the schemas main and intermediate, whatever their order."""
    tables = home.query(
        "select schema_name, table_name from duckdb_tables() "
        "where schema_name in ('main', 'intermediate') order by schema_name, table_name"
    )
    hashes = {}
    for table in tables:
        name = f"{table['schema_name']}.{table['table_name']}"
        rows = sorted(repr(sorted(row.items())) for row in home.query(f"select * from {name}"))
        hashes[name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return hashes


def test_a_second_build_of_a_moved_and_shuffled_home_changes_nothing(built: Home, tmp_path: Path) -> None:
    moved = Home(tmp_path / "moved to" / "another home")
    shutil.copytree(built.path, moved.path)
    replace_interfaces(moved, {model: rows[::-1] for model, rows in interface_rows().items()})
    # the same rows were tested where they were built first
    moved.build(tests=False)
    before = fingerprints(built)
    assert fingerprints(moved) == before
    assert before["main.fct_spend_daily"] != hashlib.sha256(b"").hexdigest()
