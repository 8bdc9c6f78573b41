"""The file door: what lies at a location, and what a file is by its columns."""

from pathlib import Path

import pytest

from ingest.errors import ConfigError, EmptyAnswer, SchemaChanged
from ingest.files import ExportedFile, FileKind, open_folder, recognise
from ingest.settings import Settings

CUR = FileKind("Cost and Usage Report 2.0", ("line_item_usage_type", "line_item_unblended_cost"))
FOCUS = FileKind("FOCUS", ("BilledCost", "BillingPeriodStart"), any_case=True)


def test_a_folder_shows_its_files_by_name_and_hides_hidden_ones(tmp_path: Path) -> None:
    for name in ("b/2.csv", "a.csv", ".git/x", "b/.part.tmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    with open_folder(str(tmp_path), Settings()) as folder:
        assert [file.name for file in folder.files()] == ["a.csv", "b/2.csv"]
        assert folder.fetch(folder.files()[1]).read_text() == "x"


def test_linked_folders_are_read_once_and_a_broken_link_is_told(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    (elsewhere / "b.csv").write_text("x")
    (elsewhere / "round").symlink_to(elsewhere)
    (root / "linked").symlink_to(elsewhere)
    (root / "again").symlink_to(elsewhere)
    (root / "one.csv").symlink_to(elsewhere / "b.csv")
    with open_folder(f"{root}/./", Settings()) as folder:
        assert [file.name for file in folder.files()] == ["again/b.csv", "one.csv"]
        assert folder.fetch(folder.files()[0]).read_text() == "x"
        assert folder.location == str(root)
    with (
        open_folder(str(root / "linked"), Settings()) as whole,
        pytest.raises(ConfigError, match=r"gone is a link to .*nowhere, where nothing is"),
    ):
        (elsewhere / "gone").symlink_to(tmp_path / "nowhere")
        whole.files()


def test_a_folder_that_cannot_be_read_is_told_and_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read everything, so the refusal is laid in the system's place."""
    (tmp_path / "a.csv").write_text("x")

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with (
        pytest.raises(ConfigError, match=r"cannot be read: Permission denied\. Give read access"),
        open_folder(str(tmp_path), Settings()),
    ):
        pass


def test_a_way_up_out_of_a_link_is_the_systems(tmp_path: Path) -> None:
    for name in ("real/inner", "real/wanted", "wanted"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "real" / "wanted" / "right.csv").write_text("x")
    (tmp_path / "wanted" / "wrong.csv").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "real" / "inner")
    with open_folder(f"{tmp_path}/link/../wanted", Settings()) as folder:
        assert [file.name for file in folder.files()] == ["right.csv"]


def test_one_file_is_a_folder_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "october.csv"
    path.write_text("x")
    with open_folder(str(path), Settings()) as folder:
        assert [file.name for file in folder.files()] == ["october.csv"]
        assert folder.fetch(folder.files()[0]) == path


def test_a_changed_file_has_another_version(tmp_path: Path) -> None:
    path = tmp_path / "october.csv"
    path.write_text("x")
    with open_folder(str(path), Settings()) as folder:
        before = folder.files()[0].version
        path.write_text("xy")
        assert folder.files()[0].version != before


@pytest.mark.parametrize(
    ("location", "error", "says"),
    [
        ("nowhere/at/all", ConfigError, "no such file or folder"),
        ("ftp://host/x", ConfigError, "ftp:// cannot be read. Give a folder, a file, or one of s3://"),
        ("", EmptyAnswer, "there is no file in it"),
    ],
    ids=["absent", "unknown scheme", "empty folder"],
)
def test_a_location_without_files_is_told(tmp_path: Path, location: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says), open_folder(location or str(tmp_path), Settings()):
        pass


def test_a_file_is_known_by_its_columns_whatever_its_name() -> None:
    found = recognise("x.dat", ["line_item_unblended_cost", "line_item_usage_type", "more"], [FOCUS, CUR])
    assert found is CUR
    assert recognise("x.dat", ["billedcost", "billingperiodstart"], [CUR, FOCUS]) is FOCUS


def test_a_near_miss_names_the_kind_and_the_missing_columns() -> None:
    with pytest.raises(SchemaChanged) as caught:
        recognise("october.csv", ["line_item_usage_type", "b"], [FOCUS, CUR])
    assert str(caught.value) == (
        "october.csv looks like Cost and Usage Report 2.0, but these columns are missing: line_item_unblended_cost. "
        "Export them as well, or give another file."
    )


def test_a_stranger_is_told_what_is_known() -> None:
    with pytest.raises(SchemaChanged, match=r"is none of: Cost and Usage Report 2\.0, FOCUS; its columns are a, b"):
        recognise("notes.csv", ["a", "b"], [CUR, FOCUS])


def test_patterns_look_at_the_last_part_of_a_name() -> None:
    assert ExportedFile("a.csv/b.PARQUET", 1, "v").matches("*.csv", "*.parquet")
    assert not ExportedFile("a.csv/b.txt", 1, "v").matches("*.csv")
