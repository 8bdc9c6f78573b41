"""The shipped AWS policies as documents; that they are what the connectors call is tested in tests/ingest/aws."""

import json
import re
from pathlib import Path

import pytest

from ingest.aws_policy import STATEMENTS

ROOT = Path(__file__).parents[3]
FILES = ("policy.json", "workload_policy.json")
CODE = [ROOT / "ingest" / "files_s3.py", *sorted((ROOT / "ingest").rglob("aws_*.py"))]
NAMED = re.compile(r'"((?:bedrock|cloudwatch|s3|sts|tag|ce|bcm-data-exports):[A-Z]\w+(?: @ \w+)?)"')


def statements(file: str) -> dict[str, dict]:
    policy = json.loads((ROOT / "deploy" / "aws" / file).read_text(encoding="utf-8"))
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def actions(statement: dict) -> set[str]:
    listed = statement["Action"]
    return {listed} if isinstance(listed, str) else set(listed)


def test_every_action_that_a_connector_names_has_its_statement_and_none_is_left_over() -> None:
    sources = [path for path in CODE if path.name != "aws_policy.py"]
    named = {action for path in sources for action in NAMED.findall(path.read_text(encoding="utf-8"))}
    # who am I needs no permission
    assert named - {"sts:GetCallerIdentity"} == set(STATEMENTS)
    granted = {
        (f"deploy/aws/{file}", sid, action)
        for file in FILES
        for sid, statement in statements(file).items()
        for action in actions(statement)
    }
    assert granted == {(file, sid, action.partition(" @ ")[0]) for action, (file, sid) in STATEMENTS.items()}


@pytest.mark.parametrize("file", FILES)
def test_policy_reads_only(file: str) -> None:
    for statement in statements(file).values():
        assert statement["Effect"] == "Allow"
        assert all(re.match(r"[\w-]+:(Get|List|AssumeRole$)", action) for action in actions(statement))


def test_aws_7_nothing_that_invokes_creates_or_tags_is_granted() -> None:
    granted = {action for file in FILES for statement in statements(file).values() for action in actions(statement)}
    assert not [one for one in granted if re.search(r"Invoke|Create|Delete|Tag(Resource)$|Update|Put|Backfill|\*", one)]


def test_pages_name_every_permission() -> None:
    pages = "".join(path.read_text() for path in (ROOT / "docs" / "sources").glob("aws_*.md"))
    unnamed = {action.partition(" @ ")[0] for action in STATEMENTS if action.partition(" @ ")[0] not in pages}
    assert {one for one in unnamed if not one.startswith("s3:")} == set()
    assert all(sid in pages for _, sid in STATEMENTS.values())
