"""Cost details reports: months that are asked for, made by Azure, and fetched as CSV.

Endpoint: `POST {scope}/providers/Microsoft.CostManagement/generateCostDetailsReport`, answered 202 with a `Location`
that is asked again after `Retry-After` until the report is there; its manifest names one or more blobs, whose links are
valid until `validTill`.
One call holds at most a month and reaches back 13 months; management groups have none. A month and
view are landed whole (see `azure_cost_files`). It ends with the last month asked for.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from azure.core.exceptions import HttpResponseError

from ingest.azure_client import AzureCaller
from ingest.azure_errors import Permission
from ingest.contracts import Context, LoadResult
from ingest.errors import CorruptFile, TerminalError
from ingest.files import LocalFolder
from ingest.run import Window
from ingest.sources.azure_cost_deliveries import Delivery
from ingest.sources.azure_cost_files import land
from ingest.sources.azure_cost_shapes import EA, MCA

METRICS = (("ActualCost", "actual"), ("AmortizedCost", "amortized"))
EXPIRED = (403, 404, 410)


@dataclass(frozen=True)
class Blob:
    """One file of a report."""

    link: str
    size: int | None


def load_details(
    context: Context, caller: AzureCaller, scopes: list[tuple[str, str, Permission]], wanted: list[Window]
) -> list[LoadResult]:
    """Land both views of each month, from every billing scope (kind, ARM path and permission).

    Raises:
        CorruptFile: a blob has another size than its manifest says.
        PermissionDenied, TransientError, TerminalError: Azure refused or failed to make the report.
    """
    results: list[LoadResult] = []
    for done, month in enumerate(wanted, start=1):
        for kind, path, permission in scopes:
            for metric, view in METRICS:
                with tempfile.TemporaryDirectory(prefix="inferledger-") as scratch:
                    results += _land(context, caller, Path(scratch), (kind, path, permission), metric, view, month)
        context.progress("azure_cost", done, len(wanted))
    return results


def is_landed(context: Context, month: Window, account: str, kinds: set[str]) -> bool:
    """Whether both views of a month came by this route before."""
    start = f"{month.start:%Y-%m-%d}"
    return any(
        all(
            start in context.landing.windows(contract, f"details-{view}-{kind}-{account}")
            for _, view in METRICS
            for kind in kinds
        )
        for contract in (EA, MCA)
    )


def _land(
    context: Context,
    caller: AzureCaller,
    scratch: Path,
    scope: tuple[str, str, Permission],
    metric: str,
    view: str,
    month: Window,
) -> list[LoadResult]:
    kind, path, permission = scope
    what = f"azure_cost {metric} report of {path} for {month}"
    _fetch(caller, scratch, what, permission, _body(metric, month, context.run.as_of), path)
    folder = LocalFolder(str(scratch))
    files = tuple(folder.files())
    if not files:
        return []
    last = path.rpartition("/")[2].lower()
    account = context.config.azure.billing_account_id.lower()
    delivery = Delivery(
        what, view, kind, "" if last == account else last, account, (month,), (month,), files, month.end
    )
    return land(context, folder, [delivery], None, route="details")


def _body(metric: str, month: Window, as_of: datetime) -> dict[str, Any]:
    """Days of the month, both ends included, none of them in the future."""
    last = min(month.end - timedelta(days=1), as_of)
    return {"metric": metric, "timePeriod": {"start": f"{month.start:%Y-%m-%d}", "end": f"{last:%Y-%m-%d}"}}


def _fetch(
    caller: AzureCaller, scratch: Path, what: str, permission: Permission, body: dict[str, Any], path: str
) -> None:
    """Have the report made and its blobs copied; links that ran out meanwhile are asked for once more."""
    for attempt in (1, 2):
        try:
            for number, blob in enumerate(_report(caller, path, body, what, permission)):
                target = scratch / f"part-{number}.csv"
                caller.download(blob.link, target, what=f"{what}, file {number + 1}")
                if blob.size is not None and target.stat().st_size != blob.size:
                    raise CorruptFile(
                        f"{what}: a file has {target.stat().st_size} bytes, its manifest says {blob.size}.",
                        "Run it again; nothing was landed.",
                    )
            return
        except TerminalError as fault:
            cause = fault.__cause__
            if attempt == 2 or not (isinstance(cause, HttpResponseError) and cause.status_code in EXPIRED):
                raise


def _report(caller: AzureCaller, path: str, body: dict[str, Any], what: str, permission: Permission) -> Iterator[Blob]:
    client = caller.costs()

    def make() -> Any:
        # the poller waits as long as Retry-After says, and no time where it says nothing
        poller = client.generate_cost_details_report.begin_create_operation(path, cast(Any, body), polling_interval=5)
        return poller.result()

    answer = caller.call(make, what=what, permission=permission)
    manifest = None if answer is None else answer.manifest
    if manifest is None:
        error = None if answer is None else answer.error
        if error is not None:
            raise TerminalError(f"{what}: Azure made no report: {error.message}.", "Ask for it again later.")
        return
    for blob in cast(list[Any], manifest.blobs or []):
        yield Blob(str(blob.blob_link), blob.byte_count)
