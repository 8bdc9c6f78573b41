"""The list of rules in docs/focus.md: what the data set of the demo passes, and why it does not pass the rest.

`python -m tests.focus.report FILE.parquet` writes it from an export of the demo's ninety days; a test keeps it current.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

import duckdb

from tests.focus.own_checks import own_outcomes
from tests.focus.readings import READINGS, REASONS, UNMET
from tests.focus.rules import load_model, load_rules
from tests.focus.runner import Outcome, Status, broken_by, run_rules

PAGE = Path(__file__).parents[2] / "docs" / "focus.md"
MARK = "<!-- from here written by `python -m tests.focus.report`; do not edit -->"
_ORDER = tuple(Status)
_MEANING = {
    Status.PASS: "the check ran, and every row keeps the rule",
    Status.FAIL: "the check ran, and some row does not; the reason is below",
    Status.NO_ROWS: "the check ran; the demo has no row that the rule speaks of",
    Status.PERMISSION: "the rule only allows something (MAY)",
    Status.NOT_APPLICABLE: "the rule is for data sets that meet a criterion which ours does not",
    Status.NO_CHECK: "the published file states the rule in words alone and gives no check to run",
}


def judge(parquet: Path) -> tuple[dict[str, Outcome], dict[str, bool], dict[str, bool]]:
    """What came of an exported file.

    Returns:
        The outcome of every rule; whether each rule whose check has a defect holds as it is meant; whether each rule
        that we check ourselves holds.
    """
    rules = load_rules(load_model())
    with duckdb.connect() as connection:
        relation = "read_parquet('" + str(parquet).replace("'", "''") + "')"
        connection.execute("set timezone = 'UTC'")
        outcomes = run_rules(connection, relation, rules, UNMET)
        meant = {
            rule_id: broken_by(connection, reading.requirement, reading.condition)[1] == 0
            for rule_id, reading in READINGS.items()
        }
        own = own_outcomes(connection, rules)
    return outcomes, meant, own


def reason(outcome: Outcome, outcomes: Mapping[str, Outcome]) -> str | None:
    """Why a rule fails: its own reason, the defect of its check, or for a composite rule the parts that fail."""
    rule_id = outcome.rule.rule_id
    if rule_id in READINGS:
        return READINGS[rule_id].defect
    if outcome.rule.parts:
        failed = [part for part in outcome.rule.parts if outcomes[part].status is Status.FAIL]
        return "Its part " + ", ".join(failed) + "."
    return REASONS.get(rule_id)


def render(outcomes: Mapping[str, Outcome], meant: Mapping[str, bool], own: Mapping[str, bool]) -> str:
    """The generated part of the page."""
    return (
        "\n\n".join(
            [
                MARK,
                _counts(outcomes),
                _own_checks(own),
                _failures(outcomes, meant),
                _criteria(outcomes),
                _by_column(outcomes),
            ]
        )
        + "\n"
    )


def _counts(outcomes: Mapping[str, Outcome]) -> str:
    counted = Counter(one.status for one in outcomes.values())
    demanded = Counter(one.status for one in outcomes.values() if one.rule.keyword in ("MUST", "MUST NOT"))
    lines = [f"## The {len(outcomes)} rules", "", "| outcome | rules | of them MUST | meaning |", "|---|---|---|---|"]
    lines += [f"| {one} | {counted[one]} | {demanded[one]} | {_MEANING[one]} |" for one in _ORDER]
    return "\n".join(lines)


def _own_checks(own: Mapping[str, bool]) -> str:
    kept = sorted(rule_id for rule_id, holds in own.items() if holds)
    missed = sorted(rule_id for rule_id, holds in own.items() if not holds)
    text = f"Of the rules without a published check the data itself shows {len(own)} (`tests/focus/own_checks.py`). "
    text += "Kept: " + ", ".join(kept) + "."
    text += " Not kept: " + ", ".join(missed) + "." if missed else " All are kept."
    return text + " The rest speaks of price lists, invoices, documents or other deliveries, which no row can show."


def _failures(outcomes: Mapping[str, Outcome], meant: Mapping[str, bool]) -> str:
    lines = ["## Failed rules", "", "| rule | it says | why it fails |", "|---|---|---|"]
    for rule_id, outcome in outcomes.items():
        if outcome.status is Status.FAIL and not outcome.rule.parts:
            why = reason(outcome, outcomes) or ""
            if rule_id in meant:
                why += (
                    " As the sentence says it, every row keeps it." if meant[rule_id] else " Nor is the sentence kept."
                )
            lines.append(f"| {rule_id} | {outcome.rule.sentence} | {why} |")
    composites = [rule_id for rule_id, one in outcomes.items() if one.status is Status.FAIL and one.rule.parts]
    lines += ["", "With them fail the rules that are made of them: " + ", ".join(composites) + "."]
    others = [rule_id for rule_id in READINGS if outcomes[rule_id].status is not Status.FAIL]
    for rule_id in others:
        kept, defect = "keeps" if meant[rule_id] else "does not keep", READINGS[rule_id].defect
        lines += ["", f"{rule_id} does not fail, but its check is wrong: {defect} The data {kept} the sentence."]
    return "\n".join(lines)


def _criteria(outcomes: Mapping[str, Outcome]) -> str:
    lines = ["## Criteria that do not apply", "", "| criterion | rules | why |", "|---|---|---|"]
    for name, why in UNMET.items():
        count = sum(name in one.rule.criteria for one in outcomes.values())
        lines.append(f"| {name} | {count} | {why} |")
    return "\n".join(lines)


def _by_column(outcomes: Mapping[str, Outcome]) -> str:
    groups: dict[str, dict[Status, list[str]]] = defaultdict(lambda: defaultdict(list))
    for rule_id, outcome in outcomes.items():
        column, _, number = rule_id.partition("-")
        groups[column][outcome.status].append(number)
    lines = [
        "## Every rule",
        "",
        "Numbers as in the specification: `BilledCost`, `C-003-M` is the rule BilledCost-C-003-M.",
    ]
    for column in sorted(groups):
        lines += ["", f"**{column}**"]
        for status in _ORDER:
            if numbers := groups[column][status]:
                lines.append(f"- {status}: {', '.join(numbers)}")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Write the generated part of the page."""
    page = PAGE.read_text().partition(MARK)[0]
    PAGE.write_text(page + render(*judge(Path(arguments[0]))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
