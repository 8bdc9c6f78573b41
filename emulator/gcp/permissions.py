"""What the caller of the local Google Cloud may do, and what it asked for.

A grant is a permission on a resource (`projects/p`, `projects/p/datasets/d`, a log view) and holds for all below it.
With no grants set everything is allowed. Every permission that a call needs is recorded, whether it is granted or not.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import grpc

Need = tuple[str, str]
_TABLE = re.compile(r"`([^`.]+)\.([^`.]+)\.[^`]+`")
_ON_PROJECT = {"jobs.insert": "bigquery.jobs.create", "jobs.query": "bigquery.jobs.create"}
_ON_DATASET = {
    "datasets.get": "bigquery.datasets.get",
    "tables.list": "bigquery.tables.list",
    "tables.get": "bigquery.tables.get",
    "tabledata.list": "bigquery.tables.getData",
}


class Permissions:
    """The grants of one caller; `called` holds every permission and resource that was needed so far."""

    def __init__(self, granted: Iterable[Need] | None = None) -> None:
        self.granted = None if granted is None else frozenset(granted)
        self.called: set[Need] = set()

    def missing(self, *needs: Need) -> Need | None:
        """The first need that is not granted, None when all are; each is recorded."""
        self.called.update(needs)
        return next((need for need in needs if not self._holds(*need)), None)

    def refuse(self, context: grpc.ServicerContext, *needs: Need) -> None:
        """End a gRPC call as Google does when one of its permissions is missing."""
        missing = self.missing(*needs)
        if missing is not None:
            message = f"Permission '{missing[0]}' denied on resource '//{missing[1]}' (or it may not exist)."
            context.abort(grpc.StatusCode.PERMISSION_DENIED, message)

    def _holds(self, permission: str, resource: str) -> bool:
        if self.granted is None:
            return True
        return any(
            name == permission and (resource == place or resource.startswith(f"{place}/"))
            for name, place in self.granted
        )


def needs_of(operation: str, arguments: Mapping[str, str], body: Mapping[str, Any]) -> list[Need]:
    """What a REST operation of BigQuery needs; jobs and their results belong to whoever started them."""
    project = f"projects/{arguments.get('project', '')}"
    needs = [(_ON_PROJECT[operation], project)] if operation in _ON_PROJECT else []
    if operation in _ON_DATASET:
        needs.append((_ON_DATASET[operation], f"{project}/datasets/{arguments['dataset']}"))
    query = body.get("query") or body.get("configuration", {}).get("query", {}).get("query", "")
    for owner, dataset in _TABLE.findall(query if isinstance(query, str) else ""):
        needs.append(("bigquery.tables.getData", f"projects/{owner}/datasets/{dataset}"))
    return needs
