"""The tests inside `ownership.yml`: each is decided by the file's own tag keys and rules."""

import json
from datetime import date
from pathlib import Path

import duckdb

from ingest.config_examples import Example, ExampleThing
from ingest.config_ownership import OwnershipConfig
from ingest.yaml_config import MisplacedError, load_yaml
from pipeline.ownership_rules import decide


def load_ownership(path: Path) -> OwnershipConfig:
    """Read an `ownership.yml` and hold it to its own tests.

    Raises:
        ConfigError: something in it cannot be meant, or a test fails; names file, line and what came out.
    """
    return load_yaml(path, OwnershipConfig, hold_to_tests)


def hold_to_tests(ownership: OwnershipConfig) -> None:
    """Raise MisplacedError at the first test that does not hold, and say of all that fail what came out."""
    failures = failed_tests(ownership)
    if not failures:
        return
    first = min(failures)
    others = "".join(f"; tests[{index}]: {told}" for index, told in sorted(failures.items()) if index != first)
    raise MisplacedError(("tests", first), f"{failures[first]}{others}; correct the rules, or the test")


def failed_tests(ownership: OwnershipConfig) -> dict[int, str]:
    """Position in the file to what came out instead, for each test that does not hold."""
    if not ownership.tests:
        return {}
    with duckdb.connect() as connection:
        _ask(connection, ownership.tests)
        decide(connection, ownership)
        found = connection.execute(
            "select cast(thing_id as integer), team, product, environment, attribution_method, rule_id from decided"
        ).fetchall()
    return {
        index: told for index, *outcome in found if (told := _difference(ownership.tests[index], *outcome)) is not None
    }


def _difference(
    test: Example, team: str, product: str | None, environment: str | None, method: str, rule: str | None
) -> str | None:
    wanted = {"team": test.team, "product": test.product, "environment": test.environment, "method": test.method}
    found = {"team": team, "product": product, "environment": environment, "method": method}
    wrong = [
        f"{name} is '{found[name] or 'unknown'}', not '{value}'"
        for name, value in wanted.items()
        if value is not None and found[name] != value
    ]
    if not wrong:
        return None
    decided_by = f"rule '{rule}'" if rule is not None else ("nothing" if method == "unallocated" else f"its {method}")
    return f"test '{test.id}' fails: on {test.day} {', '.join(wrong)}; {decided_by} decides"


def _ask(connection: duckdb.DuckDBPyConnection, tests: tuple[Example, ...]) -> None:
    """The things and days of the tests, named by their position."""
    connection.execute(
        """
        create table things (
            thing_id varchar, provider varchar, billing_account_id varchar, sub_account_id varchar, region_id varchar,
            service_name varchar, resource_id varchar, workload_id varchar, profile_name varchar, model varchar,
            principal varchar, key_id varchar, carried_tags varchar
        );
        create table days (
            thing_id varchar, charge_date date, native_team varchar, native_product varchar,
            native_environment varchar, native_method varchar, from_team varchar, billed_cost_usd decimal(38, 12),
            is_in_scope boolean
        )
        """
    )
    connection.executemany(
        f"insert into things values ({', '.join('?' * 13)})",
        [_thing(str(index), test.thing) for index, test in enumerate(tests)],
    )
    rows: list[tuple[str, date]] = [(str(index), test.day) for index, test in enumerate(tests)]
    connection.executemany("insert into days values (?, ?, null, null, null, null, null, 0, true)", rows)


def _thing(thing_id: str, thing: ExampleThing) -> tuple[str | None, ...]:
    sets = [json.dumps({"method": method, "tags": tags}) for method, tags in thing.tag_sets]
    return (
        thing_id,
        thing.provider,
        thing.billing_account,
        thing.sub_account,
        thing.region,
        thing.service_name,
        thing.resource,
        thing.workload_id,
        thing.profile_name,
        thing.model,
        thing.principal,
        thing.gateway_key,
        ",".join(sets) or None,
    )
