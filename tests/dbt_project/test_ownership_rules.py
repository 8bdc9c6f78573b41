"""What a changed `ownership.yml` is foreseen to do is what a build makes of it: random things, tags and rules."""

import json
import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.config_ownership import OwnershipConfig
from ingest.sources.config import ownership_rows
from pipeline.ownership_rules import decide
from tests.dbt_project.conftest import Home, new_home
from tests.dbt_project.interfaces import charge, landed_totals
from tests.dbt_project.scenario import config_rows

Rows = list[dict[str, Any]]
TEAMS = ("search", "docs", "risk", "growth")
WORDS = ("alpha", "al_ha", "ALPHA-1", "beta", "b%ta", "gamma")
FIELDS = {
    "account": "sub_account_id",
    "resource_id": "resource_id",
    "workload_id": "workload_id",
    "service_name": "service_name",
    "model": "model",
    "region": "region_id",
    "principal": "principal",
}
FIRST = date(2026, 11, 1)
_COLUMNS = "thing_id, charge_date, team, product, environment, attribution_method, rule_id, billed_cost_usd"


def generated_charges(draw: random.Random) -> Rows:
    """Charges of things with values, tags and days of every kind; a tag that names a team is also the native one."""
    rows: Rows = []
    for _ in range(250):
        values = {column: draw.choice((*WORDS, None)) for column in FIELDS.values()}
        team = draw.choice((*TEAMS, None, None))
        tags = {draw.choice(("Cost Pool", "cost_pool", "user:stage")): draw.choice((*WORDS, " "))}
        if team is not None:
            tags["Owner-Team"] = f" {team.upper()}"
        named = {"native_team": team, "native_method": "resource_tag" if team else None}
        carried = json.dumps({"method": "resource_tag", "tags": tags}) if draw.random() < 0.8 or team else None
        day = FIRST + timedelta(days=draw.randrange(10))
        rows.append(charge("x", provider="aws", **values, **named, carried_tags=carried, charge_date=day))
    return rows


def generated_file(draw: random.Random) -> OwnershipConfig:
    """Forty rules over any field with patterns, priorities, products and intervals of every kind."""
    rules: Rows = []
    taken: set[tuple[str, str]] = set()
    for number in range(40):
        field = draw.choice((*FIELDS, "tag:cost_pool", "label:Stage"))
        pattern = draw.choice(("*", "al*", "*a", "*-1", "b%*", *WORDS))
        if (field, pattern.lower()) in taken:
            continue
        taken.add((field, pattern.lower()))
        start = FIRST + timedelta(days=draw.randrange(-3, 8))
        end = draw.choice((None, start + timedelta(days=draw.randrange(1, 8))))
        dated = {"valid_from": start, "valid_to": end, "priority": draw.choice((1, 100, 100))}
        owner = {"team": draw.choice(TEAMS), "environment": draw.choice((None, "prod", "dev"))}
        rules.append({"id": f"r{number}", "provider": "aws", "field": field, "pattern": pattern} | dated | owner)
    return OwnershipConfig.model_validate(
        {
            "teams": [{"id": team, "name": team, "valid_from": date(2025, 1, 1)} for team in TEAMS],
            "tag_synonyms": {"team": ("team", "owner-team")},
            "rules": rules,
        }
    )


def built(path: Path, charges: Rows, ownership: OwnershipConfig) -> Home:
    """A home whose marts were built with a file's rules."""
    landed = {contract.stream: rows for contract, rows in ownership_rows(ownership)}
    streams = ("ownership_rules", "teams", "tag_synonyms")
    everything = {"rule_id": "all", "provider": "aws", "field": "product_family", "pattern": "*", "priority": 1}
    scope = {"scope_rules": [everything | {"is_in_scope": True, "category": "model_api"}], "budgets": []}
    config = config_rows() | {stream: landed[stream] for stream in streams} | scope
    interfaces = {"int_aws_charges": charges, "int_aws_landed_totals": landed_totals(charges)}
    home = new_home(path, interfaces, config)
    finished = home.dbt("run", "--select", "+fct_owned_daily", "+dim_owned_thing")
    assert finished.returncode == 0, finished.stdout[-3000:]
    return home


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_foreseen_is_what_is_built(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    charges, before, after = generated_charges(draw), generated_file(draw), generated_file(draw)
    homes = {name: built(tmp_path / name, charges, one) for name, one in (("before", before), ("after", after))}

    with duckdb.connect() as connection:
        for name, home in homes.items():
            connection.execute(f"attach '{home.warehouse}' as {name} (read_only)")
        connection.execute("create table things as select * from before.main.dim_owned_thing")
        connection.execute(
            "create table days as select *, team as from_team, true as is_in_scope from before.main.fct_owned_daily"
        )
        for name, one in (("before", before), ("after", after)):
            decide(connection, one)
            sides = {
                "foreseen": f"select {_COLUMNS} from decided",
                "made": f"select {_COLUMNS} from {name}.main.fct_owned_daily",
            }
            assert connection.execute(f"{sides['foreseen']} except all {sides['made']}").fetchall() == []
            assert connection.execute(f"{sides['made']} except all {sides['foreseen']}").fetchall() == []
        moved = connection.execute("select count(*) from decided where team <> from_team").fetchone()
        methods = {row[0] for row in connection.execute("select distinct attribution_method from decided").fetchall()}

    assert moved is not None
    assert moved[0] > 20
    assert {"resource_tag", "principal", "owner"} <= methods
