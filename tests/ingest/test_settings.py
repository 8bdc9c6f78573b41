"""A home that cannot work is refused before anything is written."""

from pathlib import Path

import pytest

from ingest.errors import ConfigError
from ingest.settings import load_settings


def test_a_home_with_a_comma_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must not hold a comma.*--home"):
        load_settings(home=tmp_path / "a,b")


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.touch()
    with pytest.raises(ConfigError, match="it is a file"):
        load_settings(home=taken)


def test_an_odd_home_is_taken(tmp_path: Path) -> None:
    assert load_settings(home=tmp_path / "it's a home").home == tmp_path / "it's a home"
