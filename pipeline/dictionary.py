"""The data dictionary: every published table and column, written from where it is defined.

Inputs: the dbt manifest (marts and dimensions) and the statements in `signals.tables` (findings). Output:
docs/data_dictionary.md. `python -m pipeline.dictionary` writes it, `--check` only says whether it is current.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

import signals.tables
from pipeline.paths import dbt_project

PAGE = Path(__file__).resolve().parent.parent / "docs" / "data_dictionary.md"
_HEAD = """# Data dictionary

Written by `python -m pipeline.dictionary` from the dbt project and the signals; do not edit.
All times are UTC. Money is exact, `decimal(38,12)`. NULL means unknown, never 0. Shares are 0 to 1.
"""


@dataclass(frozen=True)
class Column:
    """A column as people read it."""

    name: str
    data_type: str
    description: str


@dataclass(frozen=True)
class Table:
    """A published table as people read it."""

    name: str
    description: str
    columns: tuple[Column, ...]


PUBLICATION = Table(
    "publication",
    "One row: what this published file is.",
    (
        Column("as_of", "timestamp", "Clock of the run that published it, UTC."),
        Column("run_id", "varchar", "The run that published it."),
        Column("complete_through", "date", "Last day up to which every source is complete. NULL when none ever was."),
        Column("published_rows", "bigint", "Rows of all other tables together."),
    ),
)


def manifest() -> dict[str, Any]:
    """The manifest of the dbt project, parsed anew in a folder of its own.

    Raises:
        subprocess.CalledProcessError: the project does not parse.
    """
    with tempfile.TemporaryDirectory() as work:
        settings = {
            "INFERLEDGER_WAREHOUSE": f"{work}/warehouse.duckdb",
            "INFERLEDGER_HOME_DIR": work,
            "DBT_PROFILES_DIR": str(dbt_project()),
            "DBT_PROJECT_DIR": str(dbt_project()),
            "DBT_TARGET_PATH": f"{work}/target",
            "DBT_LOG_PATH": f"{work}/logs",
        }
        command = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "--quiet", "parse"]
        subprocess.run(command, env=os.environ | settings, check=True, capture_output=True, text=True)
        return json.loads((Path(work) / "target" / "manifest.json").read_text())


def mart_tables(parsed: Mapping[str, Any]) -> list[Table]:
    """The models that are published: those in the schema `main`."""
    nodes = [node for node in parsed["nodes"].values() if node["resource_type"] == "model" and node["schema"] == "main"]
    return [
        Table(
            node["name"],
            node["description"],
            tuple(
                Column(column["name"], column["data_type"] or "", column["description"])
                for column in node["columns"].values()
            ),
        )
        for node in nodes
    ]


def signal_tables() -> list[Table]:
    """The tables that the signals add, read back from their own statements."""
    statements = [value for name, value in sorted(vars(signals.tables).items()) if name.endswith("_DDL")]
    with duckdb.connect() as connection:
        for statement in (line for group in statements for line in group):
            connection.execute(statement)
        tables = connection.execute("select table_name, comment from duckdb_tables() order by table_name").fetchall()
        columns = connection.execute(
            "select table_name, column_name, data_type, comment from duckdb_columns() "
            "where schema_name = 'main' and not internal order by table_name, column_index"
        ).fetchall()
    return [
        Table(
            name,
            description or "",
            tuple(Column(column, kind.lower(), text or "") for table, column, kind, text in columns if table == name),
        )
        for name, description in tables
    ]


def undescribed(tables: list[Table]) -> list[str]:
    """Tables and columns without a description or a type."""
    gaps = [table.name for table in tables if not table.description.strip()]
    gaps += [
        f"{table.name}.{column.name}"
        for table in tables
        for column in table.columns
        if not column.description.strip() or not column.data_type.strip()
    ]
    return gaps


def render(tables: list[Table]) -> str:
    """The page in Markdown, tables in alphabetical order."""
    ordered = sorted(tables, key=lambda table: table.name)
    index = "\n".join(f"- [{table.name}](#{table.name})" for table in ordered)
    return "\n".join([_HEAD, index, *(_section(table) for table in ordered)]) + "\n"


def _section(table: Table) -> str:
    rows = [
        f"| `{column.name}` | {column.data_type} | {_one_line(column.description).replace('|', chr(92) + '|')} |"
        for column in table.columns
    ]
    title = f"\n## {table.name}\n\n{_one_line(table.description)}\n\n| column | type | meaning |\n|---|---|---|\n"
    return title + "\n".join(rows)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def published_tables(parsed: Mapping[str, Any]) -> list[Table]:
    """All that a published file holds: marts, findings, and what the publication is."""
    return [*mart_tables(parsed), *signal_tables(), PUBLICATION]


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or with --check say whether it is current; 1 when it is not."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.dictionary", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is out of date")
    checking = parser.parse_args(arguments).check
    page = render(published_tables(manifest()))
    if not checking:
        PAGE.write_text(page)
        return 0
    if PAGE.exists() and PAGE.read_text() == page:
        return 0
    sys.stderr.write("docs/data_dictionary.md is out of date; write it with `python -m pipeline.dictionary`.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
