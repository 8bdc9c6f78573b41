"""`inferledger ownership check`: tests inside the file, what is covered, what is dead, and what a change would move."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from ingest.config_ownership import OwnershipConfig
from ingest.errors import ConfigError
from ingest.sources.config import SPLITS, ownership_rows
from pipeline.cli import app
from pipeline.ownership_check import check_ownership
from pipeline.ownership_examples import load_ownership

FILE = """
teams:
  - {id: search, name: Search, valid_from: 2025-01-01}
  - {id: docs, name: Docs, valid_from: 2025-01-01, valid_to: 2025-06-01}
  - {id: risk, name: Risk, valid_from: 2025-01-01}
tag_synonyms: {team: [team, owner]}
rules:
  - {id: lake, provider: gcp, field: project, pattern: lake, team: search, valid_from: 2026-01-01, valid_to: 2026-11-02}
  - {id: lake-later, provider: gcp, field: project, pattern: lake, team: risk, valid_from: 2026-11-03}
  - {id: all-lakes, provider: gcp, field: project, pattern: "la*", team: risk, valid_from: 2026-01-01}
  - {id: gone, provider: gcp, field: project, pattern: gone, team: docs, valid_from: 2026-01-01}
tests:
  - {id: first, thing: {provider: gcp, project: lake}, day: 2026-11-01, team: risk, method: owner}
"""


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Three days of one project that risk owns by `all-lakes`, and one of a project that a tag names."""
    path = tmp_path / "home" / "published" / "inferledger.duckdb"
    path.parent.mkdir(parents=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """
            create table dim_owned_thing as
            select *, null::varchar as billing_account_id, null::varchar as region_id, null::varchar as service_name,
                null::varchar as resource_id, null::varchar as profile_name, null::varchar as model,
                null::varchar as principal, null::varchar as key_id, date '2026-11-01' as first_day,
                date '2026-11-03' as last_day
            from (
                values
                ('1', 'gcp', 'lake', 'lake', null),
                ('2', 'gcp', 'shop', 'shop', '{"method":"resource_tag","tags":{"owner":"Ghosts"}}')
            ) as things (thing_id, provider, sub_account_id, workload_id, carried_tags);
            create table fct_owned_daily as
            select *, null::varchar as native_product, null::varchar as native_environment
            from (
                values
                ('1', date '2026-11-01', null, null, 'risk', 10.000000000001::decimal(38, 12)),
                ('1', date '2026-11-02', null, null, 'risk', 20::decimal(38, 12)),
                ('1', date '2026-11-03', null, null, 'risk', 40::decimal(38, 12)),
                ('2', date '2026-11-01', 'ghosts', 'resource_tag', 'ghosts', 5::decimal(38, 12))
            ) as days (thing_id, charge_date, native_team, native_method, team, billed_cost_usd);
            create table fct_tag_key_usage as
            select 'owners' as tag_key, 'team' as canonical, false as is_declared,
                7::decimal(38, 12) as billed_cost_usd, 3::decimal(38, 12) as unallocated_cost_usd
            """
        )
    return path


def written(folder: Path, text: str = FILE, **changes: str) -> Path:
    for old, new in changes.items():
        text = text.replace(old, new)
    path = folder / "ownership.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_change_is_told_in_dollars_before_it_is_made(tmp_path: Path, published: Path) -> None:
    text = FILE.replace("id: lake,", "id: lake, priority: 50,").replace("team: risk, method", "team: search, method")
    report = check_ownership(written(tmp_path, text), published).as_json()

    # the second is in the gap and stays with all-lakes; on the third lake-later says risk too
    assert report["moves"] == [
        {
            "charge_month": "2026-11",
            "from_team": "risk",
            "to_team": "search",
            "billed_cost_usd": Decimal("10.000000000001"),
        }
    ]
    (moved,) = report["moved_things"]
    assert (moved["thing"], moved["rule_id"], moved["attribution_method"]) == ("lake", "lake", "owner")


def test_rules_that_only_their_ids_part_are_overlaps_with_dollars(tmp_path: Path, published: Path) -> None:
    report = check_ownership(written(tmp_path), published).as_json()

    assert report["moves"] == []
    assert report["overlaps"] == [
        {
            "rule_id": "all-lakes",
            "other_rule_id": "lake",
            "team": "risk",
            "other_team": "search",
            "billed_cost_usd": Decimal("10.000000000001"),
        }
    ]


def test_what_is_dead_unknown_or_left_out_is_listed(tmp_path: Path, published: Path) -> None:
    report = check_ownership(written(tmp_path), published).as_json()

    assert [rule["rule_id"] for rule in report["dead_rules"]] == ["gone"]
    assert [(row["team"], row["billed_cost_usd"]) for row in report["unknown_teams"]] == [("ghosts", 5)]
    assert report["gaps"] == [
        {"rule_id": "lake", "next_rule_id": "lake-later", "from": date(2026, 11, 2), "to": date(2026, 11, 3)}
    ]
    assert report["rules_outside_their_team"] == [{"rule_id": "gone", "team": "docs"}]
    assert [(row["tag_key"], row["is_declared"]) for row in report["tag_keys"]] == [("owners", False)]
    assert {(row["attribution_method"], row["billed_cost_usd"], row["share_pct"]) for row in report["coverage"]} == {
        ("owner", Decimal("70.000000000001"), 93.33),
        ("resource_tag", Decimal(5), 6.67),
    }


def test_a_synonym_taken_out_moves_what_it_named(tmp_path: Path, published: Path) -> None:
    report = check_ownership(written(tmp_path, FILE.replace("[team, owner]", "[team]")), published).as_json()

    assert [(row["from_team"], row["to_team"], row["billed_cost_usd"]) for row in report["moves"]] == [
        ("ghosts", "unallocated", 5)
    ]


def test_splits_are_told_as_what_the_months_of_the_teams_change_by(tmp_path: Path, published: Path) -> None:
    splits = """
splits:
  - {id: half, from_team: risk, valid_from: 2026-11-02, to: [{team: search, share: 0.5}, {team: risk, share: 0.5}]}
  - {id: on, from_team: search, valid_from: 2026-11-03, to: [{team: docs, share: 1}]}
"""
    text = FILE.replace(", valid_to: 2025-06-01}", "}") + splits
    report = check_ownership(written(tmp_path, text), published).as_json()
    assert report["moves"] == []
    # of 20 and 40 that are risk's half goes to search, and of the second day all of that to docs
    assert [(row["charge_month"], row["team"], row["billed_cost_usd"]) for row in report["team_months"]] == [
        ("2026-11", "risk", -30),
        ("2026-11", "docs", 20),
        ("2026-11", "search", 10),
    ]
    ownership = load_ownership(written(tmp_path, text))
    landed = next(rows for contract, rows in ownership_rows(ownership) if contract is SPLITS)
    report = check_ownership(written(tmp_path, text), published, landed).as_json()
    assert report["team_months"] == []
    report = check_ownership(written(tmp_path), published, landed).as_json()
    assert [row["billed_cost_usd"] for row in report["team_months"]] == [30, -20, -10]


@pytest.mark.parametrize(
    ("thing", "day", "expected"),
    [
        pytest.param('{provider: gcp, project: lake, labels: {Owner: "Docs "}}', "2026-11-01", "docs", id="label"),
        pytest.param(
            "{provider: gcp, project: lake, tags: {owner: docs, team: search}}", "2026-11-01", "search", id="key"
        ),
        pytest.param(
            "{provider: aws, account: '1', tags: {team: docs}, principal_tags: {team: risk}}",
            "2026-11-01",
            "docs",
            id="tag before caller",
        ),
        pytest.param("{provider: gcp, project: pond}", "2026-11-01", "unallocated", id="nobody"),
        pytest.param("{provider: gcp, project: lake}", "2025-12-31", "unallocated", id="before the first day"),
    ],
)
def test_an_example_is_decided_as_a_bill_would_be(tmp_path: Path, thing: str, day: str, expected: str) -> None:
    def text(team: str) -> str:
        return f"{FILE}  - {{id: more, thing: {thing}, day: {day}, team: {team}}}\n"

    assert isinstance(load_ownership(written(tmp_path, text(expected))), OwnershipConfig)
    wrong = "risk" if expected != "risk" else "docs"
    with pytest.raises(ConfigError, match=f"tests\\[1\\]: test 'more' fails: .* team is '{expected}', not '{wrong}'"):
        load_ownership(written(tmp_path, text(wrong)))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param("method: owner}", "method: principal}", "tests[0]: test 'first' fails", id="another method"),
        pytest.param(
            "day: 2026-11-01, team: risk", "day: 2026-11-01, team: rsk", "'rsk' is not one of teams", id="team"
        ),
        pytest.param("method: owner}", "method: oner}", "'oner' is not one of the methods", id="method"),
        pytest.param('pattern: "la*", team: risk, ', 'pattern: "la*", ', "rules[2].team: is missing", id="no owner"),
        pytest.param("project: lake}", "project: lake, account: '1'}", "a thing has one of account", id="two accounts"),
    ],
)
def test_a_file_that_cannot_stand_is_refused_with_its_line_and_exit_code_1(
    tmp_path: Path, published: Path, old: str, new: str, expected: str
) -> None:
    assert old in FILE
    path = written(tmp_path, FILE.replace(old, new))
    home = str(published.parents[1])
    result = CliRunner().invoke(app, ["ownership", "check", "--config", str(path), "--home", home, "--json"])

    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert expected in told["error"]
    assert "ownership.yml:" in told["error"]
    assert told["remedy"]


def test_people_read_the_same_findings(tmp_path: Path, published: Path) -> None:
    path, home = written(tmp_path), str(published.parents[1])
    result = CliRunner().invoke(app, ["ownership", "check", "--config", str(path), "--home", home])

    assert result.exit_code == 0
    assert "4 rules, 1 tests passed." in result.stdout
    assert "gcp, owner, USD 70.00, 93.33 %" in result.stdout
    assert "owners, canonical team, not declared, USD 7.00, USD 3.00 of it unallocated" in result.stdout


def test_before_anything_is_published_the_file_alone_is_checked(tmp_path: Path) -> None:
    report: dict[str, Any] = check_ownership(written(tmp_path), tmp_path / "none.duckdb").as_json()

    assert (report["is_compared"], report["tests_passed"], len(report["gaps"])) == (False, 1, 1)


def test_the_demos_own_tests_hold() -> None:
    assert load_ownership(Path(__file__).parents[2] / "config" / "ownership.yml").tests
