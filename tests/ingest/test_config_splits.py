"""Splits of shared costs load, land with their shares and levels, and refuse what cannot add up or never ends."""

from pathlib import Path
from typing import Any

import pytest

from ingest.config_ownership import OwnershipConfig
from ingest.errors import ConfigError
from ingest.sources.config import SPLITS, ownership_rows
from ingest.yaml_config import load_yaml

TEAMS = ", ".join(f"{{id: {team}, name: Team {team}, valid_from: 2025-01-01}}" for team in "abcde")


def loaded(folder: Path, *splits: str) -> OwnershipConfig:
    path = folder / "ownership.yml"
    path.write_text(f"teams: [{TEAMS}]\nsplits:\n" + "".join(f"  - {{{one}}}\n" for one in splits))
    return load_yaml(path, OwnershipConfig)


def split(name: str, source: str, days: str = "valid_from: 2026-01-01", **shares: str) -> str:
    to = ", ".join(f"{{team: {team}, share: {share}}}" for team, share in shares.items())
    return f"id: {name}, from_team: {source}, to: [{to}], {days}"


def rows(ownership: OwnershipConfig) -> list[dict[str, Any]]:
    return {contract.stream: rows for contract, rows in ownership_rows(ownership)}[SPLITS.stream]


def test_a_split_lands_as_one_row_per_team_with_its_exact_share(tmp_path: Path) -> None:
    thirds = split("thirds", "a", b="0.333333333333", c="0.333333333333", d="0.333333333334")
    landed = rows(loaded(tmp_path, thirds))

    assert [(row["team"], row["share"]) for row in landed] == [
        ("b", "0.333333333333"),
        ("c", "0.333333333333"),
        ("d", "0.333333333334"),
    ]
    assert {(row["split_id"], row["field"], row["pattern"], row["chain_level"]) for row in landed} == {
        ("thirds", "team", "a", 0)
    }


def test_a_pattern_is_split_by_its_plain_field(tmp_path: Path) -> None:
    match = '{provider: gcp, field: "label:Cost-Pool", pattern: "shared*"}'
    (row,) = rows(loaded(tmp_path, f"id: shared, match: {match}, to: [{{team: b, share: 1}}], valid_from: 2026-01-01"))

    assert (row["provider"], row["field"], row["pattern"]) == ("gcp", "tag:cost_pool", "shared*")


def test_a_split_stands_above_all_that_feed_it_whatever_their_order(tmp_path: Path) -> None:
    splits = [
        split("last", "c", d="1"),
        split("first", "a", b="0.5", c="0.5"),
        split("second", "b", c="0.4", b="0.6"),
    ]
    assert {row["split_id"]: row["chain_level"] for row in rows(loaded(tmp_path, *splits))} == {
        "first": 0,
        "second": 1,
        "last": 2,
    }


def test_a_measured_split_has_no_shares(tmp_path: Path) -> None:
    measured = "id: m, from_team: a, basis: measured, to: [{team: b}], valid_from: 2026-01-01"

    assert [(row["basis"], row["share"]) for row in rows(loaded(tmp_path, measured))] == [("measured", None)]


def test_splits_that_never_hold_on_the_same_day_are_no_circle(tmp_path: Path) -> None:
    there = split("there", "a", days="valid_from: 2026-01-01, valid_to: 2026-06-01", b="1")
    back = split("back", "b", days="valid_from: 2026-06-01", a="1")

    assert {row["chain_level"] for row in rows(loaded(tmp_path, there, back))} == {0}


@pytest.mark.parametrize(
    ("splits", "place", "expected"),
    [
        pytest.param([split("s", "a", b="0.333", c="0.666")], "splits[0].to", "the shares sum to 0.999", id="0.999"),
        pytest.param(
            [
                split("s1", "a", b="1"),
                split("s2", "b", c="1"),
                split("s3", "c", d="1"),
                split("s4", "d", d="0.5", e="0.5"),
            ],
            "from_team",
            "is step 4 of a chain of splits; 3 may follow",
            id="long chain",
        ),
        pytest.param(
            [split("s", "a", b="0.5", c="0.5000000000001")], "to[1].share", "more than 12 decimals", id="13 decimals"
        ),
        pytest.param([split("s", "a", b="0", c="1")], "to[0].share", "0 is not above 0", id="nothing"),
        pytest.param([split("s", "a", a="1")], "splits[0].to[0].team", "split to itself", id="itself"),
        pytest.param(
            [split("s", "a", x="1")], "splits[0].to[0].team", "'x' is not one of teams: a, b, c, d", id="team"
        ),
        pytest.param([split("s", "x", a="1")], "splits[0].from_team", "'x' is not one of teams", id="source"),
        pytest.param(
            [split("s", "a", b="1"), split("s", "b", c="1")], "splits[1].id", "'s' is given twice", id="same id"
        ),
        pytest.param(
            [split("s", "a", b="1"), split("t", "a", c="1")],
            "splits[1].valid_from",
            "overlaps splits[0]; give splits[0] valid_to: 2026-01-01",
            id="two on one day",
        ),
        pytest.param(
            [split("s", "a", days="valid_from: 2026-01-01, valid_to: 2026-01-01", b="1")],
            "splits[0].valid_to",
            "2026-01-01 is not after valid_from",
            id="no day",
        ),
        pytest.param(
            [split("s", "a", b="1"), split("t", "b", c="0.5", d="0.5"), split("u", "c", a="1")],
            "splits[0].to",
            "splits go in a circle: a -> b -> c -> a; end the chain at one of them",
            id="circle",
        ),
        pytest.param(
            ["id: s, to: [{team: a, share: 1}], valid_from: 2026-01-01"],
            "splits[0]",
            "give either 'from_team' or 'match'",
            id="no source",
        ),
        pytest.param(
            ["id: s, from_team: a, to: [{team: b}], valid_from: 2026-01-01"],
            "splits[0].to[0].share",
            "a fixed split gives each team its share",
            id="no share",
        ),
    ],
)
def test_a_split_that_cannot_be_meant_is_refused(tmp_path: Path, splits: list[str], place: str, expected: str) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, *splits)

    assert f"{place}: " in refused.value.message
    assert expected in refused.value.message
    assert refused.value.remedy
