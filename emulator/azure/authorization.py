"""What the application may do: actions by scope, as role assignments grant them, and which of them were called for.

Switched off, everything is permitted and only written down. Switched on, a call whose action no role grants at its
scope is refused with Azure's 403, which names the action.
"""

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch

from emulator.azure.wire import AzureError, Call
from emulator.azure.workspace import tables_in

TENANT_SCOPE = "/providers/microsoft.capacity"
# the action of each operation at the scope that its path names
ACTIONS = {
    "subscriptions": "Microsoft.Resources/subscriptions/read",
    "subscription": "Microsoft.Resources/subscriptions/read",
    "tag_names": "Microsoft.Resources/subscriptions/tagNames/read",
    "accounts": "Microsoft.CognitiveServices/accounts/read",
    "deployments": "Microsoft.CognitiveServices/accounts/deployments/read",
    "metrics_batch": "Microsoft.Insights/metrics/read",
    "metrics": "Microsoft.Insights/metrics/read",
    "query": "Microsoft.CostManagement/query/action",
    "exports": "Microsoft.CostManagement/exports/read",
    "cost_details": "Microsoft.CostManagement/generateCostDetailsReport/action",
    "reservation_summaries": "Microsoft.Consumption/reservationSummaries/read",
    "reservation_details": "Microsoft.Consumption/reservationDetails/read",
    "reservation_transactions": "Microsoft.Consumption/reservationTransactions/read",
    "reservations": "Microsoft.Capacity/reservations/read",
    "logs_query": "Microsoft.OperationalInsights/workspaces/query/read",
}
LOGS = "Microsoft.OperationalInsights/workspaces"
# a billing account grants by its own roles, which are no lists of actions that anybody could write down
BILLING_SCOPE = "/providers/microsoft.billing/"


@dataclass(frozen=True)
class Grant:
    """A role assignment: `actions` may hold `*`; it reaches everything below `scope`."""

    scope: str
    actions: tuple[str, ...]

    def covers(self, action: str, scope: str) -> bool:
        """Whether the assignment permits an action at a scope."""
        own, asked = self.scope.lower().rstrip("/"), scope.lower()
        reaches = asked == own or asked.startswith(own + "/")
        return reaches and any(fnmatch(action.lower(), pattern.lower()) for pattern in self.actions)


@dataclass
class Authorization:
    """The application's role assignments; None permits everything."""

    grants: Sequence[Grant] | None = None
    called: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, operation: str, found: Mapping[str, str | None], call: Call) -> None:
        """Let a permitted call through; raises Azure's 403 otherwise."""
        for action, scope in needs(operation, found, call):
            with self._lock:
                self.called.add((action, scope.lower()))
            if self.grants is None or any(grant.covers(action, scope) for grant in self.grants):
                continue
            message = (
                f"The client does not have authorization to perform action '{action}' over scope '{scope}' or the "
                "scope is invalid. If access was recently granted, please refresh your credentials."
            )
            raise AzureError(403, "AuthorizationFailed", message)


def needs(operation: str, found: Mapping[str, str | None], call: Call) -> list[tuple[str, str]]:
    """The actions of a call and the scopes at which they are needed."""
    if operation == "logs_query":
        place = str(found["workspace"]).lower()
        scope = place if place.startswith("/") else f"/workspaces/{place}"
        tables = tables_in(str((call.json or {}).get("query", "")))
        own = [f"{LOGS}/query/read", *(f"{LOGS}/query/{table}/read" for table in tables)]
        return [(action, scope) for action in own]
    action = ACTIONS.get(operation)
    if action is None:
        return []
    path = re.sub(r"/providers/Microsoft\.(CostManagement|Consumption|Insights)/.*$", "", call.path, flags=re.I)
    if operation == "reservations":
        return [(action, TENANT_SCOPE)]
    if operation == "subscriptions":
        return []
    if operation in ("metrics_batch", "tag_names", "accounts"):
        path = f"/subscriptions/{found['subscription']}"
    return [(action, path.removesuffix("/deployments"))]
