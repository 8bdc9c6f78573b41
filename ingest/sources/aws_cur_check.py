"""What the doctor asks of the AWS bill: is each export's bucket there, readable and fresh, are tags on, what it costs.

Calls: `HeadBucket`, `ListObjectsV2`, one `GetObject` of a manifest per export; `bcm-data-exports:ListExports` and
`ListExecutions`, `ce:ListCostAllocationTags` once. The last three are optional: without them the bill is read as well.
"""

import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ingest.aws_client import AwsClients
from ingest.checks import Finding
from ingest.contracts import Context
from ingest.errors import InferledgerError
from ingest.sources.aws_cur_audit import USD_PER_REQUEST
from ingest.sources.aws_cur_bucket import ExportBucket, export_bucket
from ingest.sources.aws_cur_schema import SOURCE

LATE_AFTER = timedelta(hours=36)
_OPTIONAL = "The bill is read without it. "


def check(context: Context) -> Iterator[Finding]:
    """Try each action that the bill needs with its smallest call."""
    clients = AwsClients(context.settings)
    payer = context.config.aws.payer_account_id
    if not context.config.aws.exports:
        yield Finding(SOURCE, payer, "configured", "warn", "No billing export is named.", "Add one to sources.yml.")
    with tempfile.TemporaryDirectory(prefix="inferledger-") as scratch:
        for export in context.config.aws.exports:
            yield from _export(export_bucket(clients, export, Path(scratch)), context.run.as_of)
    yield from _health(clients, {export.name for export in context.config.aws.exports}, payer)
    yield _tags(clients, payer)
    yield _cost(context, payer)


def _export(source: ExportBucket, as_of: datetime) -> Iterator[Finding]:
    name = source.export.name
    try:
        source.check_region()
        yield Finding(SOURCE, name, "reachable", "ok", f"Bucket {source.export.bucket} is in {source.export.region}.")
        delivered = source.manifests()
        yield Finding(SOURCE, name, "permitted", "ok", f"s3:ListBucket works; {len(delivered)} months are delivered.")
        newest = delivered[max(delivered)]
        files, _ = source.read_manifest(newest)
        yield Finding(SOURCE, name, "permitted", "ok", f"s3:GetObject works; {max(delivered)} has {len(files)} files.")
    except InferledgerError as error:
        yield Finding(SOURCE, name, "permitted", "fail", error.message, error.remedy)
        return
    written: datetime | None = getattr(newest.manifest, "written", None)
    if written is not None:
        is_late = as_of - written > LATE_AFTER
        remedy = "Look at the export's health in Billing and Cost Management, Data Exports." if is_late else ""
        said = f"The newest delivery was written at {written:%Y-%m-%d %H:%M} UTC."
        yield Finding(SOURCE, name, "fresh", "warn" if is_late else "ok", said, remedy)


def _health(clients: AwsClients, names: set[str], payer: str) -> Iterator[Finding]:
    """How the exports themselves do; the legacy report is not among them."""
    try:
        client = clients.data_exports()
        listed = clients.calling("Data Exports", "bcm-data-exports:ListExports")(client.list_exports)()
        for export in listed.get("Exports", []):
            if export.get("ExportName") not in names:
                continue
            status: dict[str, Any] = export.get("ExportStatus", {})
            said = f"The export is {status.get('StatusCode', 'of unknown health')} {status.get('StatusReason', '')}"
            is_well = status.get("StatusCode") == "HEALTHY"
            ask = clients.calling("Data Exports", "bcm-data-exports:ListExecutions")(client.list_executions)
            runs = ask(ExportArn=export["ExportArn"], MaxResults=1).get("Executions", [])
            last = runs[0].get("ExecutionStatus", {}).get("StatusCode", "") if runs else "none"
            failed = last.endswith("FAILURE")
            yield Finding(
                SOURCE,
                export["ExportName"],
                "reachable",
                "ok" if is_well and not failed else "warn",
                f"{said.strip()}; its last execution: {last}.",
                "" if is_well and not failed else "Open the export in Billing and Cost Management, Data Exports.",
            )
    except InferledgerError as error:
        yield Finding(SOURCE, payer, "reachable", "warn", error.message, _OPTIONAL + error.remedy)


def _tags(clients: AwsClients, payer: str) -> Finding:
    """Which cost allocation tags are active: a tag that is not never reaches the bill."""
    try:
        ask = clients.calling("Cost allocation tags", "ce:ListCostAllocationTags")(
            clients.cost_explorer().list_cost_allocation_tags
        )
        listed = ask(Type="UserDefined", MaxResults=1000).get("CostAllocationTags", [])
    except InferledgerError as error:
        return Finding(SOURCE, payer, "tags", "warn", error.message, _OPTIONAL + error.remedy)
    active = sorted(tag["TagKey"] for tag in listed if tag.get("Status") == "Active")
    asleep = sorted(tag["TagKey"] for tag in listed if tag.get("Status") != "Active")
    said = f"Active cost allocation tags: {', '.join(active) or 'none'}; not active: {', '.join(asleep) or 'none'}."
    remedy = "" if active else "Activate the tags that name teams: `aws ce update-cost-allocation-tags-status`."
    return Finding(SOURCE, payer, "tags", "ok" if active else "warn", said, remedy)


def _cost(context: Context, payer: str) -> Finding:
    exports = len(context.config.aws.exports)
    said = f"A run lists {exports} prefixes and reads only what changed: less than USD 0.01 of S3 requests"
    if context.config.aws.cost_explorer:
        asked = context.landing.read_state(SOURCE, "cost_explorer").get("requests", 2)
        said += f", and about {asked} Cost Explorer requests, USD {asked * USD_PER_REQUEST}"
    return Finding(SOURCE, payer, "cost", "ok", f"{said}; data transfer out of AWS comes on top.")
