"""What the local Azure really charged and used, as far as it can be seen at the time of the run."""

from datetime import UTC, datetime
from typing import Any

import pyarrow.parquet as pq

from tests.dbt_project.conftest import Home

AS_OF = datetime(2026, 11, 18, 6, tzinfo=UTC)


def truth(home: Home, name: str) -> list[dict[str, Any]]:
    rows = pq.read_table(home.path / "truth" / f"{name}.parquet").to_pylist()
    return [
        row for row in rows if row["visible_from"] <= AS_OF and (row["visible_to"] is None or row["visible_to"] > AS_OF)
    ]
