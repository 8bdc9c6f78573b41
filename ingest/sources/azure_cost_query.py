"""One query of Azure Cost Management, all its pages, with amounts as the text that stood in the answer.

Endpoint: `POST {scope}/providers/Microsoft.CostManagement/query`. The client follows no page after the first; each
further page is had by posting the same body to `nextLink`. It ends when a page names no next one; HTTP 204 is no row.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from azure.core.rest import HttpRequest
from azure.mgmt.costmanagement import CostManagementClient

from ingest.azure_client import AzureCaller
from ingest.azure_errors import Permission
from ingest.azure_pace import Pacer
from ingest.errors import SchemaChanged, TerminalError
from ingest.run import Window

MOST_PAGES = 2000
# a query is never asked for more than a month; each of its pages counts
UNITS_OF_A_MONTH = 1
Cell = str | None


@dataclass(frozen=True)
class Query:
    """What to ask: a view of the cost, the dimensions and the one tag to group by, and values to keep.

    Attributes:
        kind: ``ActualCost`` or ``AmortizedCost``.
        dimensions: names of the API, e.g. ``ResourceId``.
        tag_key: tag to group by as well; adds the columns ``TagKey`` and ``TagValue``.
        keep: dimension to the values that are kept.
        is_daily: by day, else one total for the window.
    """

    kind: str
    dimensions: tuple[str, ...]
    tag_key: str | None = None
    keep: tuple[tuple[str, tuple[str, ...]], ...] = ()
    is_daily: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the answer has to have, in no order."""
        tags = ("TagKey", "TagValue") if self.tag_key else ()
        days = ("UsageDate",) if self.is_daily else ()
        return ("Cost", "UsageQuantity", *days, *self.dimensions, *tags, "Currency")

    def body(self, window: Window) -> dict[str, Any]:
        """The request body; the API takes both ends as included, so the window ends a second earlier."""
        groups = [{"type": "Dimension", "name": name} for name in self.dimensions]
        if self.tag_key:
            groups.append({"type": "TagKey", "name": self.tag_key})
        dataset: dict[str, Any] = {
            "granularity": "Daily" if self.is_daily else "None",
            "aggregation": {
                "totalCost": {"name": "Cost", "function": "Sum"},
                "totalQuantity": {"name": "UsageQuantity", "function": "Sum"},
            },
            "grouping": groups,
        }
        kept = [{"dimensions": {"name": n, "operator": "In", "values": list(v)}} for n, v in self.keep]
        if kept:
            dataset["filter"] = kept[0] if len(kept) == 1 else {"and": kept}
        last = window.end - timedelta(seconds=1)
        period = {"from": f"{window.start:%Y-%m-%dT%H:%M:%SZ}", "to": f"{last:%Y-%m-%dT%H:%M:%SZ}"}
        return {"type": self.kind, "timeframe": "Custom", "timePeriod": period, "dataset": dataset}


@dataclass(frozen=True)
class Answer:
    """Rows of all pages: each cell is the text that stood in the JSON, numbers included, or None."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def column(self, name: str) -> list[Cell]:
        """All values of one column."""
        place = self.columns.index(name)
        return [row[place] for row in self.rows]


@dataclass(frozen=True)
class Page:
    """One page of an answer."""

    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    next_link: str | None


def parse_page(text: str) -> Page:
    """One page from its JSON.

    Numbers stay the text they were: a double would turn 0.1 into its binary neighbour. Raises KeyError or TypeError on
    a body that is no page, json.JSONDecodeError on one that is cut off.
    """
    properties = json.loads(text, parse_float=str, parse_int=str)["properties"]
    columns = tuple(str(column["name"]) for column in properties["columns"])
    rows = [tuple(_cell(value) for value in row) for row in properties["rows"]]
    return Page(columns, rows, properties.get("nextLink") or None)


def _cell(value: Any) -> Cell:
    return None if value is None else str(value)


def ask(
    caller: AzureCaller, client: CostManagementClient, scope: str, query: Query, window: Window, permission: Permission
) -> Answer:
    """All rows of a query.

    Raises:
        SchemaChanged: a column is missing, or columns change between pages.
        PermissionDenied, CredentialExpired, Unreachable, TransientError, TerminalError: the call failed.
    """
    body = query.body(window)
    what = f"azure_cost {query.kind} of {scope.strip('/')} for {window}"
    columns: tuple[str, ...] = ()
    rows: list[tuple[Cell, ...]] = []
    page = caller.call(_first_page(caller.pacer, client, scope, body), what=what, permission=permission)
    for _ in range(MOST_PAGES):
        if page is None:
            return Answer(columns or query.columns, tuple(rows))
        _check_columns(columns, page.columns, query.columns, what)
        columns = page.columns
        rows.extend(page.rows)
        if page.next_link is None:
            return Answer(columns, tuple(rows))
        caller.refuse_foreign(page.next_link, what)
        page = caller.call(_next_page(caller.pacer, client, page.next_link, body), what=what, permission=permission)
    raise TerminalError(f"{what}: more than {MOST_PAGES} pages.", "Ask for a shorter window, or read an export.")


def _first_page(
    pacer: Pacer, client: CostManagementClient, scope: str, body: Mapping[str, Any]
) -> Callable[[], Page | None]:
    def raw(response: Any, _result: Any, _headers: Any) -> Page | None:
        pacer.note(response.http_response.headers, UNITS_OF_A_MONTH)
        return _read(response.http_response)

    def action() -> Page | None:
        pacer.wait(UNITS_OF_A_MONTH)
        return cast(Page | None, client.query.usage(scope, cast(Any, body), cls=raw))

    return action


def _next_page(
    pacer: Pacer, client: CostManagementClient, link: str, body: Mapping[str, Any]
) -> Callable[[], Page | None]:
    def action() -> Page | None:
        pacer.wait(UNITS_OF_A_MONTH)
        response = client.send_request(HttpRequest("POST", link, json=body))
        response.raise_for_status()
        pacer.note(response.headers, UNITS_OF_A_MONTH)
        return _read(response)

    return action


def _read(response: Any) -> Page | None:
    """The page in a response; None for HTTP 204, which is how Azure says that there is no row."""
    return None if response.status_code == 204 else parse_page(response.text())


def _check_columns(before: Sequence[str], found: Sequence[str], wanted: Sequence[str], what: str) -> None:
    missing = [name for name in wanted if name not in found]
    if missing:
        raise SchemaChanged(
            f"{what}: columns {', '.join(missing)} are missing; found {', '.join(found)}.",
            "Azure renamed a column: nothing was landed. See docs/sources/azure_cost.md for the columns that are read.",
        )
    if before and tuple(before) != tuple(found):
        raise SchemaChanged(f"{what}: the columns changed between two pages.", "Run it again.")
