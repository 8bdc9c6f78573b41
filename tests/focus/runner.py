"""Runs every rule of FOCUS against a data set and says what came of each.

Outcomes: `pass`; `fail` with the number of rows; `no rows`, where the data has none that the rule speaks of;
`permission` for a rule that only allows; `not applicable`, where a criterion of the rule is not met; `no check`, where
the file states the rule in words alone. A composite rule fails with the parts it demands, not with those it recommends.
"""

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import duckdb
from duckdb.func import SPECIAL

from tests.focus.checks import Checks
from tests.focus.rules import Node, Rule

_AT_ONCE = 60


class Status(enum.StrEnum):
    """What came of a rule."""

    PASS = "pass"
    FAIL = "fail"
    NO_ROWS = "no rows"
    PERMISSION = "permission"
    NOT_APPLICABLE = "not applicable"
    NO_CHECK = "no check"


@dataclass(frozen=True)
class Outcome:
    """What came of one rule: rows it speaks of, and rows that break it; composites have neither."""

    rule: Rule
    status: Status
    rows: int = 0
    broken: int = 0


@dataclass(frozen=True)
class _Question:
    rule: Rule
    concerned: str
    satisfied: str


def run_rules(
    connection: duckdb.DuckDBPyConnection, relation: str, rules: Mapping[str, Rule], unmet: Mapping[str, str]
) -> dict[str, Outcome]:
    """Judge the rows of ``relation``; ``unmet`` holds the criteria that do not apply, each with its reason."""
    connection.execute(f"create or replace temp view focus as select * from {relation}")
    _add_product_check(connection)
    columns = {name: kind for name, kind, *_ in connection.execute("describe focus").fetchall()}
    checks = Checks(columns)
    outcomes: dict[str, Outcome] = {}
    asked: list[_Question] = []
    for rule in rules.values():
        if any(name in unmet for name in rule.criteria):
            outcomes[rule.rule_id] = Outcome(rule, Status.NOT_APPLICABLE)
        elif not rule.requirement:
            outcomes[rule.rule_id] = Outcome(rule, Status.NO_CHECK)
        elif not rule.parts:
            asked.append(_question(checks, rule))
        elif rule.requirement["CheckFunction"] == "OR":
            asked.append(_alternatives(checks, rule, rules))
    for batch in range(0, len(asked), _AT_ONCE):
        questions = asked[batch : batch + _AT_ONCE]
        outcomes |= {one.rule.rule_id: one for one in _answers(connection, questions)}
    for rule in rules.values():
        _settle(rule, rules, outcomes)
    return {rule_id: outcomes[rule_id] for rule_id in rules}


def _question(checks: Checks, rule: Rule) -> _Question:
    conditions = [checks.sql(node) for node in rule.conditions]
    return _Question(rule, " and ".join(conditions) or "true", checks.sql(rule.requirement))


def _alternatives(checks: Checks, rule: Rule, rules: Mapping[str, Rule]) -> _Question:
    """A composite rule of alternatives: each row keeps one of them, as far as it speaks of the row."""
    parts = [_question(checks, rules[name]) for name in rule.parts]
    kept = " or ".join(f"not ({part.concerned}) or ({part.satisfied})" for part in parts)
    return _Question(rule, " and ".join(checks.sql(node) for node in rule.conditions) or "true", f"({kept})")


def _answers(connection: duckdb.DuckDBPyConnection, questions: list[_Question]) -> Iterator[Outcome]:
    sums = [
        f"count(*) filter (where {one.concerned}), "
        f"count(*) filter (where {one.concerned} and ({one.satisfied}) is not true)"
        for one in questions
    ]
    row = connection.execute(f"select {', '.join(sums)} from focus").fetchone() or ()
    for index, question in enumerate(questions):
        rows, broken = row[2 * index], row[2 * index + 1]
        yield Outcome(question.rule, _status(question.rule, rows, broken), rows, broken)


def _status(rule: Rule, rows: int, broken: int) -> Status:
    if rule.keyword == "MAY":
        return Status.PERMISSION
    if rows == 0:
        return Status.NO_ROWS
    return Status.FAIL if broken else Status.PASS


def _settle(rule: Rule, rules: Mapping[str, Rule], outcomes: dict[str, Outcome]) -> Outcome:
    """The outcome of a rule, of a composite one from its parts."""
    if rule.rule_id in outcomes:
        return outcomes[rule.rule_id]
    parts = [_settle(rules[name], rules, outcomes) for name in rule.parts]
    judged = [part.status for part in parts if part.rule.keyword in ("MUST", "MUST NOT")]
    failed = [status is Status.FAIL for status in judged]
    if any(failed):
        status = Status.FAIL
    elif any(part.status in (Status.PASS, Status.PERMISSION) for part in parts):
        status = Status.PASS
    else:
        status = next((one for one in _WEAKEST if any(part.status is one for part in parts)), Status.NO_CHECK)
    outcomes[rule.rule_id] = Outcome(rule, status)
    return outcomes[rule.rule_id]


_WEAKEST = (Status.NO_ROWS, Status.NO_CHECK, Status.NOT_APPLICABLE)


def _add_product_check(connection: duckdb.DuckDBPyConnection) -> None:
    """`product_matches(a, b, result)` on exact decimals, whose product is too wide for DuckDB's own."""
    known = connection.execute("select 1 from duckdb_functions() where function_name = 'product_matches'").fetchone()
    if known is None:
        text = duckdb.sqltype("VARCHAR")
        connection.create_function(
            "product_matches",
            product_matches,
            [text, text, text],
            duckdb.sqltype("BOOLEAN"),
            null_handling=SPECIAL,
        )


def product_matches(first: str | None, second: str | None, result: str | None) -> bool:
    """Whether the product is the result, rounded half to even at the result's decimals."""
    if first is None or second is None or result is None:
        return False
    with localcontext(prec=120):
        expected = Decimal(result)
        return (Decimal(first) * Decimal(second)).quantize(expected, ROUND_HALF_EVEN) == expected


def broken_by(connection: duckdb.DuckDBPyConnection, requirement: Node, condition: Node) -> tuple[int, int]:
    """Rows that the condition speaks of, and rows of them that break the requirement, of what `run_rules` judged."""
    columns = {name: kind for name, kind, *_ in connection.execute("describe focus").fetchall()}
    checks = Checks(columns)
    concerned = checks.sql(condition) if condition else "true"
    row = connection.execute(
        f"select count(*) filter (where {concerned}), "
        f"count(*) filter (where {concerned} and ({checks.sql(requirement)}) is not true) from focus"
    ).fetchone()
    return row or (0, 0)
