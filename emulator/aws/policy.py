"""What a policy document allows: the guard refuses what is not granted, and keeps what was asked for.

Without a policy for an account everything is allowed. Understood are statements that allow, with actions, resources
and the conditions StringEquals, StringLike and StringLikeIfExists; anything else in a document is refused as unknown,
so that no test passes on a condition that nobody checked.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from emulator.aws.wire import AwsError, Caller

_SERVICES = {"bedrock": "bedrock", "monitoring": "cloudwatch", "tagging": "tag", "sts": "sts", "s3": "s3"}
_S3_ACTIONS = {
    "ListObjectsV2": "ListBucket",
    "ListObjects": "ListBucket",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
}
# whoever has credentials may ask who they are
_FREE = {"sts:GetCallerIdentity"}


@dataclass(frozen=True)
class Asked:
    """One action that a caller's credentials were used for."""

    account: str
    action: str
    resource: str
    statement: str | None


class Guard:
    """Policies by account, and the log of the actions that were asked for; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._policies: dict[str, Mapping[str, Any]] = {}
        self._trust: dict[str, str] = {}
        self.asked: list[Asked] = []

    def enforce(self, account: str, policy: Mapping[str, Any]) -> None:
        """From now on allow in an account only what `policy` grants."""
        self._policies[account] = policy

    def trust(self, account: str, external_id: str) -> None:
        """From now on let nobody into an account without its external id."""
        self._trust[account] = external_id

    def release(self) -> None:
        """Allow everything again and forget what was asked."""
        with self._lock:
            self._policies.clear()
            self._trust.clear()
            self.asked.clear()

    def check(self, who: Caller, operation: str, params: Mapping[str, Any]) -> None:
        """Note the action; raises AwsError when the caller's account has a policy that does not grant it."""
        service = _SERVICES.get(who.service, who.service)
        action = f"{service}:{_S3_ACTIONS.get(operation, operation) if service == 's3' else operation}"
        if action in _FREE:
            return
        resource, context = _resource(action, params), _context(who, action, params)
        policy = self._policies.get(who.account)
        granting = _granting(policy, action, resource, context) if policy else None
        with self._lock:
            self.asked.append(Asked(who.account, action, resource, granting))
        self._check_trust(action, params)
        if policy is not None and granting is None:
            raise AwsError(
                "AccessDeniedException",
                f"User of account {who.account} is not authorized to perform: {action} on resource: {resource} "
                "because no identity-based policy allows the action",
                403,
            )

    def _check_trust(self, action: str, params: Mapping[str, Any]) -> None:
        if action != "sts:AssumeRole":
            return
        role = str(params.get("RoleArn", ""))
        account = role.split(":")[4] if role.count(":") >= 5 else ""
        if account in self._trust and params.get("ExternalId") != self._trust[account]:
            raise AwsError("AccessDenied", f"User is not authorized to perform: {action} on resource: {role}", 403)


def _resource(action: str, params: Mapping[str, Any]) -> str:
    if action == "sts:AssumeRole":
        return str(params.get("RoleArn", ""))
    if action.startswith("s3:"):
        key = params.get("key") if action == "s3:GetObject" else None
        return f"arn:aws:s3:::{params.get('bucket', '')}" + (f"/{key}" if key else "")
    return str(params.get("resourceARN") or params.get("arn") or "*")


def _context(who: Caller, action: str, params: Mapping[str, Any]) -> dict[str, str]:
    context = {"aws:RequestedRegion": who.region}
    if action == "s3:ListBucket" and params.get("prefix") is not None:
        context["s3:prefix"] = str(params["prefix"])
    return context


def _granting(policy: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]) -> str | None:
    """The Sid of the first statement that grants the action, None when none does."""
    for statement in policy["Statement"]:
        if statement["Effect"] != "Allow":
            raise ValueError(f"the guard knows only Allow, not {statement['Effect']}")
        if (
            _any_like(action, _listed(statement["Action"]))
            and _any_like(resource, _listed(statement["Resource"]))
            and all(_holds(kind, rule, context) for kind, rule in statement.get("Condition", {}).items())
        ):
            return str(statement.get("Sid", ""))
    return None


def _holds(kind: str, rule: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    if kind not in ("StringEquals", "StringLike", "StringLikeIfExists"):
        raise ValueError(f"the guard does not know the condition {kind}")
    for key, allowed in rule.items():
        found = context.get(key)
        if found is None:
            if kind.endswith("IfExists"):
                continue
            return False
        wanted = _listed(allowed)
        if not (found in wanted if kind == "StringEquals" else _any_like(found, wanted)):
            return False
    return True


def _listed(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else value


def _any_like(text: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)
