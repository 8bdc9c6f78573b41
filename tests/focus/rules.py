"""The rules of FOCUS as the specification publishes them, read into what a runner needs.

A rule stands below composite rules, and what holds for those holds for it: their applicability and their condition.
A rule that several composites name is under each of them; it runs under the loosest.
"""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODEL = Path(__file__).parent / "data" / "requirements_model_1_2.json.gz"

Node = dict[str, Any]


@dataclass(frozen=True)
class Rule:
    """One rule: what it demands, of which rows, and when it applies at all."""

    rule_id: str
    keyword: str
    sentence: str
    function: str
    requirement: Node
    conditions: tuple[Node, ...]
    criteria: tuple[str, ...]

    @property
    def parts(self) -> tuple[str, ...]:
        """The rules that a composite rule is made of."""
        return tuple(_named_rules(self.requirement))


def load_model(path: Path = MODEL) -> dict[str, Any]:
    """The published file, as it is."""
    return json.loads(gzip.decompress(path.read_bytes()))


def load_rules(model: dict[str, Any]) -> dict[str, Rule]:
    """Every rule by its id, with the conditions and criteria of the composites above it."""
    published: dict[str, Any] = model["ModelRules"]
    parents: dict[str, list[str]] = {rule_id: [] for rule_id in published}
    for rule_id, body in published.items():
        for part in _named_rules(body["ValidationCriteria"]["Requirement"]):
            parents[part].append(rule_id)
    return {rule_id: _rule(rule_id, published, parents) for rule_id in published}


def _rule(rule_id: str, published: dict[str, Any], parents: dict[str, list[str]]) -> Rule:
    body = published[rule_id]
    criteria = body["ValidationCriteria"]
    above = min(_ways_up(rule_id, parents), key=len)
    chain = [published[name] for name in (*above, rule_id)]
    conditions = (one["ValidationCriteria"]["Condition"] for one in chain)
    needed = [name for one in chain for name in one["ApplicabilityCriteria"]]
    return Rule(
        rule_id=rule_id,
        keyword=criteria["Keyword"],
        sentence=criteria["MustSatisfy"],
        function=body["Function"],
        requirement=criteria["Requirement"],
        conditions=tuple(one for one in conditions if one),
        criteria=tuple(dict.fromkeys(needed)),
    )


def _ways_up(rule_id: str, parents: dict[str, list[str]]) -> list[tuple[str, ...]]:
    """Every chain of composites from the top down to the rule, the rule left out."""
    if not parents[rule_id]:
        return [()]
    return [(*way, parent) for parent in parents[rule_id] for way in _ways_up(parent, parents)]


def _named_rules(node: Any) -> list[str]:
    """The rules that a requirement names, in its order."""
    if isinstance(node, dict):
        if node.get("CheckFunction") == "CheckModelRule":
            return [node["ModelRuleId"]]
        return [name for value in node.values() for name in _named_rules(value)]
    if isinstance(node, list):
        return [name for value in node for name in _named_rules(value)]
    return []
