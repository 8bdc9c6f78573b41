"""What an `ownership.yml` covers, what is wrong with it, and what it would move, in dollars, before it is landed.

The published file says what was billed for each thing and day and whose it is today; the rules of the file that is
looked at decide the same things again. Dollars are billed USD by direct evidence and measured use, before splits; what
splits do to the teams besides is told on its own.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from ingest.config_dated import share_a_day
from ingest.config_fields import plain_field
from ingest.config_ownership import OwnershipConfig, OwnershipRule
from ingest.sources.config import SPLITS, ownership_rows
from pipeline.ownership_examples import load_ownership
from pipeline.ownership_rules import decide
from pipeline.ownership_splits import split_changes

Rows = list[dict[str, Any]]
_LARGEST = 10
_PUBLISHED = ("dim_owned_thing", "fct_owned_daily", "fct_tag_key_usage")
_NAMED = """
    coalesce(things.workload_id, things.resource_id, things.sub_account_id, things.billing_account_id) as thing,
    things.provider, things.sub_account_id, things.service_name, things.model
"""
_QUESTIONS = {
    "coverage": """
        select
            things.provider,
            attribution_method,
            sum(billed_cost_usd) as billed_cost_usd,
            round(
                100 * sum(billed_cost_usd)
                / nullif(sum(sum(billed_cost_usd)) over (partition by things.provider), 0), 2
            ) as share_pct
        from decided inner join things using (thing_id)
        group by things.provider, attribution_method
        order by things.provider, billed_cost_usd desc nulls last
    """,
    "unallocated": f"""
        select {_NAMED}, sum(billed_cost_usd) as billed_cost_usd
        from decided inner join things using (thing_id)
        where team = 'unallocated'
        group by all
        order by billed_cost_usd desc nulls last, thing
        limit {_LARGEST}
    """,
    "overlaps": """
        select
            decided.rule_id,
            others.rule_id as other_rule_id,
            decided.team,
            others.team as other_team,
            sum(decided.billed_cost_usd) as billed_cost_usd
        from decided
        inner join int_owner_matches as mine
            on decided.thing_id = mine.thing_id and decided.rule_id = mine.rule_id
        inner join int_owner_matches as others
            on
                decided.thing_id = others.thing_id
                and others.method = mine.method
                and others.priority = mine.priority
                and others.team <> mine.team
                and others.valid_from <= decided.charge_date
                and (others.valid_to is null or others.valid_to > decided.charge_date)
        group by all
        order by billed_cost_usd desc nulls last, decided.rule_id, other_rule_id
    """,
    "dead_rules": """
        select rules.rule_id, rules.provider, rules.field, rules.pattern, rules.team
        from ownership_rules as rules
        -- a rule that ended before what is published begins is of the past, not dead
        where (rules.valid_to is null or rules.valid_to > (select min(first_day) from things)) and not exists (
            select 1
            from int_owner_matches as matches
            inner join things using (thing_id)
            where
                matches.rule_id = rules.rule_id
                and matches.valid_from <= things.last_day
                and (matches.valid_to is null or matches.valid_to > things.first_day)
        )
        order by rules.rule_id
    """,
    "unknown_teams": """
        select decided.team, decided.attribution_method, sum(billed_cost_usd) as billed_cost_usd
        from decided
        where decided.team <> 'unallocated' and decided.team not in (select team from declared_teams)
        group by all
        order by billed_cost_usd desc nulls last, decided.team
    """,
    "moves": """
        select
            strftime(charge_date, '%Y-%m') as charge_month,
            from_team,
            team as to_team,
            sum(billed_cost_usd) as billed_cost_usd
        from decided
        where team <> from_team
        group by all
        order by charge_month, abs(sum(billed_cost_usd)) desc nulls last, from_team, to_team
    """,
    "moved_things": f"""
        select
            {_NAMED}, from_team, team as to_team, attribution_method, rule_id,
            sum(billed_cost_usd) as billed_cost_usd
        from decided inner join things using (thing_id)
        where team <> from_team
        group by all
        order by abs(sum(billed_cost_usd)) desc nulls last, thing
        limit {_LARGEST}
    """,
    "tag_keys": """
        select
            tag_key, canonical, is_declared,
            sum(billed_cost_usd) as billed_cost_usd, sum(unallocated_cost_usd) as unallocated_cost_usd
        from published.fct_tag_key_usage
        group by all
        order by is_declared desc, canonical, billed_cost_usd desc nulls last
    """,
    "unknown_dollars": "select count(*) as rows from decided where billed_cost_usd is null",
}


@dataclass(frozen=True)
class OwnershipReport:
    """What a check found; `findings` by the name of the question. None where nothing is published yet."""

    path: Path
    tests: int
    rules: int
    gaps: Rows
    outlived: Rows
    findings: dict[str, Rows] | None

    def as_json(self) -> dict[str, Any]:
        """For programs; dollars as text."""
        found: dict[str, Any] = dict(self.findings or {})
        unknown = found.pop("unknown_dollars", [{"rows": 0}])[0]["rows"]
        return {
            "file": str(self.path),
            "tests_passed": self.tests,
            "rules": self.rules,
            "is_compared": self.findings is not None,
            "gaps": self.gaps,
            "rules_outside_their_team": self.outlived,
            "rows_without_dollars": unknown,
        } | found


def check_ownership(path: Path, published: Path, landed_splits: Rows | None = None) -> OwnershipReport:
    """Check a file and compare it with what is published.

    Args:
        landed_splits: the rows of the stream `splits` that the published numbers were split by.

    Raises:
        ConfigError: the file cannot be meant, or one of its tests fails.
    """
    ownership = load_ownership(path)
    return OwnershipReport(
        path=path,
        tests=len(ownership.tests),
        rules=len(ownership.rules),
        gaps=_gaps(ownership.rules),
        outlived=_outlived(ownership),
        findings=_findings(ownership, published, landed_splits or []) if published.exists() else None,
    )


def _findings(ownership: OwnershipConfig, published: Path, landed_splits: Rows) -> dict[str, Rows] | None:
    with duckdb.connect() as connection:
        location = str(published).replace("'", "''")
        connection.execute(f"attach '{location}' as published (read_only)")
        known = {row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()}
        if not known.issuperset(_PUBLISHED):
            return None
        connection.execute("create temp table things as select * from published.dim_owned_thing")
        connection.execute(
            "create temp table days as select *, team as from_team, true as is_in_scope from published.fct_owned_daily"
        )
        connection.execute("create temp table declared_teams (team varchar)")
        connection.executemany("insert into declared_teams values (?)", [[team.id] for team in ownership.teams])
        decide(connection, ownership)
        found = {name: connection.execute(sql).to_arrow_table().to_pylist() for name, sql in _QUESTIONS.items()}
        splits = next(rows for contract, rows in ownership_rows(ownership) if contract is SPLITS)
        return found | {"team_months": split_changes(connection, landed_splits, splits)}


def _gaps(rules: tuple[OwnershipRule, ...]) -> Rows:
    """Days between two rules of the same pattern on which neither holds."""
    found: Rows = []
    ordered = sorted(
        rules, key=lambda rule: (rule.provider, plain_field(rule.field), rule.pattern.lower(), rule.valid_from)
    )
    for before, after in pairwise(ordered):
        is_same = (before.provider, plain_field(before.field), before.pattern.lower()) == (
            after.provider,
            plain_field(after.field),
            after.pattern.lower(),
        )
        if is_same and before.valid_to is not None and before.valid_to < after.valid_from:
            found.append(
                {"rule_id": before.id, "next_rule_id": after.id, "from": before.valid_to, "to": after.valid_from}
            )
    return found


def _outlived(ownership: OwnershipConfig) -> Rows:
    """Rules that hold on days on which their team has no entry at all."""
    return [
        {"rule_id": rule.id, "team": rule.team}
        for rule in ownership.rules
        if not any(team.id == rule.team and share_a_day(team, rule) for team in ownership.teams)
    ]
