"""The data dictionary says what is published, all of it, and is current."""

from typing import Any

import pytest

from pipeline import dictionary


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return dictionary.manifest()


def test_the_page_is_current(manifest: dict[str, Any]) -> None:
    page = dictionary.render(dictionary.published_tables(manifest))
    assert dictionary.PAGE.read_text() == page, "write it anew with `python -m pipeline.dictionary`"


def test_every_published_table_and_column_is_described_and_typed(manifest: dict[str, Any]) -> None:
    tables = dictionary.published_tables(manifest)
    assert {"fct_spend_daily", "fct_spike", "dim_team"} <= {table.name for table in tables}
    assert dictionary.undescribed(tables) == []


def test_a_missing_description_is_found() -> None:
    table = dictionary.Table("t", "One row per thing.", (dictionary.Column("a", "varchar", " "),))
    assert dictionary.undescribed([table]) == ["t.a"]
