import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
POLICY = json.loads((ROOT / "deploy" / "aws" / "policy.json").read_text(encoding="utf-8"))
CODE = [
    ROOT / "ingest" / "aws_client.py",
    ROOT / "ingest" / "files_s3.py",
    *sorted((ROOT / "ingest" / "sources").glob("aws_*.py")),
]


def granted() -> set[str]:
    actions: set[str] = set()
    for statement in POLICY["Statement"]:
        listed = statement["Action"]
        actions |= {listed} if isinstance(listed, str) else set(listed)
    return actions


def test_policy_grants_what_the_connectors_name_and_nothing_else() -> None:
    named = {
        action
        for path in CODE
        for action in re.findall(
            r'"((?:bcm-data-exports|bedrock|ce|cloudwatch|s3|sts):[A-Z]\w+)"', path.read_text(encoding="utf-8")
        )
    }
    assert len(named) >= 8
    # who am I needs no permission
    assert granted() == named - {"sts:GetCallerIdentity"}


def test_policy_reads_only() -> None:
    assert all(re.match(r"[\w-]+:(Get|List|AssumeRole$)", action) for action in granted())
    assert all(statement["Effect"] == "Allow" for statement in POLICY["Statement"])


def test_pages_name_every_permission() -> None:
    pages = "".join((ROOT / "docs" / "sources" / f"{name}.md").read_text() for name in ("aws_bedrock", "aws_cur"))
    statements = {statement["Sid"] for statement in POLICY["Statement"]}
    unnamed = {action for action in granted() if not action.startswith("s3:") and action not in pages}
    assert unnamed == set()
    assert {"FindTheManifestsOfTheBillingExport", "ReadTheBillingExport"} <= statements
    assert all(sid in pages for sid in statements if "BillingExport" in sid)
