"""`inferledger build --only attribution` refuses where what lies before attribution is not there, or is out of date."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from ingest.errors import TerminalError
from ingest.landing import Landing
from ingest.run import Run
from ingest.settings import Settings
from ingest.sources.config import ALL_TIME, TAG_SYNONYMS
from pipeline.building import build, mark_step

RUN = Run("run-1", datetime(2026, 11, 18, 6, tzinfo=UTC))


def land_keys(settings: Settings, *keys: str) -> None:
    rows = [{"canonical": "team", "key": key, "position": place} for place, key in enumerate(keys, start=1)]
    table = pa.Table.from_pylist(rows, schema=TAG_SYNONYMS.schema)
    Landing(settings.landing_root, RUN).write(TAG_SYNONYMS, scope="all", window=ALL_TIME, batches=[table])


def built_with(settings: Settings, **positions: int) -> None:
    """A warehouse whose tags were read with these keys of a team, and one key that means nothing."""
    with duckdb.connect(settings.warehouse) as connection:
        connection.execute("create schema intermediate")
        connection.execute(
            "create table intermediate.int_tag_values (plain_key varchar, canonical varchar, synonym_position integer)"
        )
        rows = [(key, "team", position) for key, position in positions.items()]
        connection.executemany(
            "insert into intermediate.int_tag_values values (?, ?, ?)", [*rows, ("stage", None, None)]
        )
        mark_step(connection, "build", RUN)


def test_nothing_built_yet_asks_for_a_whole_build(tmp_path: Path) -> None:
    with pytest.raises(TerminalError, match="Nothing was built") as refused:
        build(Settings(home=tmp_path), RUN, only="attribution")
    assert "without --only" in refused.value.remedy


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(("team", "Owner-Team", "stage"), id="a key that means something now"),
        pytest.param(("team",), id="a key that means nothing any more"),
        pytest.param(("owner-team", "team"), id="another order"),
    ],
)
def test_changed_tag_keys_ask_for_a_whole_build(tmp_path: Path, keys: tuple[str, ...]) -> None:
    settings = Settings(home=tmp_path)
    built_with(settings, team=1, owner_team=2)
    land_keys(settings, *keys)

    with pytest.raises(TerminalError, match="tag_synonyms has changed"):
        build(settings, RUN, only="attribution")
    with duckdb.connect(settings.warehouse) as connection:
        assert connection.execute("select step from pipeline.steps").fetchall() == [("build",)]
