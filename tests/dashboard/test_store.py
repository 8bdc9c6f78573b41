"""The published file: read-only, reopened when replaced, and a sentence for each way it can be wrong."""

from pathlib import Path

import duckdb
import pytest

from dashboard import store
from tests.dashboard import fixture_published


def reader(home: Path) -> store.Published:
    return store.Published(home / "published" / "inferledger.duckdb")


def test_missing_file_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(store.PublicationMissing, match="inferledger run"):
        reader(tmp_path).identity()


def test_truncated_file_is_named(tmp_path: Path) -> None:
    file = fixture_published.build(tmp_path)
    file.write_bytes(file.read_bytes()[:5000])
    published = reader(tmp_path)
    with pytest.raises(store.StoreError, match=r"inferledger\.duckdb is not a file this dashboard can read"):
        published.fetch("publication", {}, identity=published.identity())


@pytest.mark.parametrize("without", ["publication", "publication.as_of"])
def test_older_file_is_said_to_be_older(tmp_path: Path, without: str) -> None:
    fixture_published.build(tmp_path, without=without)
    published = reader(tmp_path)
    with pytest.raises(store.PublicationOutdated, match="another version than this dashboard"):
        published.fetch("publication", {}, identity=published.identity())


def test_replaced_file_is_read_anew_and_the_old_page_started_again(tmp_path: Path) -> None:
    fixture_published.build(tmp_path)
    published = reader(tmp_path)
    first = published.identity()
    assert published.fetch("publication", {}, identity=first)[0]["run_id"] == "run-fixture"

    file = fixture_published.build(tmp_path)
    copy = file.with_name("next.duckdb")
    copy.write_bytes(file.read_bytes())
    with duckdb.connect(str(copy)) as connection:
        connection.execute("update publication set run_id = 'run-second'")
    copy.replace(file)

    second = published.identity()
    assert second != first
    with pytest.raises(store.PublicationReplaced):
        published.fetch("publication", {}, identity=first)
    assert published.fetch("publication", {}, identity=second)[0]["run_id"] == "run-second"
    published.close()


def test_a_reader_does_not_stop_the_next_publication(tmp_path: Path) -> None:
    file = fixture_published.build(tmp_path)
    published = reader(tmp_path)
    published.fetch("publication", {}, identity=published.identity())
    fixture_published.build(tmp_path, empty=True)
    assert published.fetch("filter_options", {}, identity=published.identity()) == ()
    assert not list(file.parent.glob("*.wal"))
    published.close()


def test_statement_gets_only_the_parameters_it_names(tmp_path: Path) -> None:
    fixture_published.build(tmp_path)
    published = reader(tmp_path)
    assert published.fetch("publication", {"teams": None}, identity=published.identity())
    published.close()
