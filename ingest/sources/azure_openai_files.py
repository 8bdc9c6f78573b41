"""Azure OpenAI's inventory and metrics from files, as the Azure command line prints them.

Known by their members: `az cognitiveservices account deployment list`, `az cognitiveservices account list` (tags and
location of the accounts) and `az monitor metrics list` with `--dimension ModelDeploymentName`, at a grain of an hour or
a minute. The inventory is the snapshot of the run's UTC day. A day of metrics is replaced by account and metric, a
snapshot by account: what is landed of others stays, because a person exports one account at a time.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute

from ingest import arrow
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import CorruptFile, SchemaChanged
from ingest.file_content import starts_as_json
from ingest.file_rows import json_document, read_text
from ingest.files import ExportedFile, Folder
from ingest.json_values import mapping
from ingest.run import YEARS, Window, day_start, days
from ingest.sources.azure_openai import DEPLOYMENTS
from ingest.sources.azure_openai_answers import METRICS_HOURLY, METRICS_MINUTELY, NAMESPACE, SCHEMA, SOURCE, table_of

pc: Any = pyarrow.compute
logger = logging.getLogger(__name__)
_ACCOUNT = re.compile(
    r"(/subscriptions/([^/]+)/resourcegroups/([^/]+)/providers/microsoft\.cognitiveservices/accounts/([^/]+))",
    re.IGNORECASE,
)
_DEPLOYMENT_TYPE, _ACCOUNT_TYPE = f"{NAMESPACE}/deployments".lower(), NAMESPACE.lower()
_HOUR, _MINUTE = ("pt1h", "1:00:00", "01:00:00"), ("pt1m", "0:01:00", "00:01:00")
_REMEDY = "Save the whole answer of the Azure command line again (`--output json`)."
Record = Mapping[str, Any]


@dataclass
class _Found:
    """What the files of a folder hold."""

    accounts: dict[str, Record] = field(default_factory=dict[str, Record])
    deployments: dict[str, dict[str, Record]] = field(default_factory=lambda: defaultdict[str, dict[str, Record]](dict))
    regions: dict[str, str] = field(default_factory=dict[str, str])
    samples: dict[bool, list[pa.Table]] = field(default_factory=lambda: defaultdict[bool, list[pa.Table]](list))


def load_files(context: Context, folder: Folder, window: Window | None) -> list[LoadResult]:
    """Land what the files of a folder hold.

    Raises:
        SchemaChanged: no file is known, or one is not as the command line prints it.
        CorruptFile: a file breaks off.
    """
    found, known = _Found(), 0
    for file in folder.files():
        document = _document(folder, file)
        with _reading(file.name):
            is_known = document is not None and _take(found, document, file.name)
        known += is_known
        if not is_known:
            logger.warning("passed over %s: it is no answer of the Azure command line", file.name)
    if not known:
        raise SchemaChanged(
            f"{folder.location} holds no answer of: az cognitiveservices account deployment list, "
            "az cognitiveservices account list, az monitor metrics list.",
            "Save what they print as JSON.",
        )
    results = _land_inventory(context, found)
    for is_minute, contract in ((False, METRICS_HOURLY), (True, METRICS_MINUTELY)):
        results += _land_metrics(context, contract, found.samples[is_minute], window)
    return results


@contextmanager
def _reading(name: str) -> Generator[None]:
    """Say of which file an answer is not as the Azure command line prints it."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise SchemaChanged(f"{name} is not as the Azure command line prints it ({error!r}).", _REMEDY) from error


def _document(folder: Folder, file: ExportedFile) -> Any:
    path = folder.fetch(file)
    if not starts_as_json(path):
        return None
    document = json_document(path, file.name)
    if document is None and NAMESPACE.lower() in read_text(path, file.name).lower():
        raise CorruptFile(f"{file.name} breaks off or is no JSON.", _REMEDY)
    return document


def _take(found: _Found, document: Any, name: str) -> bool:
    """Take the answer of a file; false when it is none of ours."""
    if isinstance(document, dict) and isinstance(cast(dict[str, Any], document).get("value"), list):
        answer = cast(dict[str, Any], document)
        if "timespan" in answer or "interval" in answer:
            return _take_metrics(found, answer, name)
        # what the REST API answers holds the same list
        document = answer["value"]
    taken = 0
    for item in map(mapping, cast(list[Any], document) if isinstance(document, list) else [document]):
        kind = str(item.get("type", "")).lower()
        if kind == _DEPLOYMENT_TYPE:
            found.deployments[_account(item["id"])[0]][str(item["name"]).lower()] = item
        elif kind == _ACCOUNT_TYPE:
            found.accounts[_account(item["id"])[0]] = item
        taken += kind in (_DEPLOYMENT_TYPE, _ACCOUNT_TYPE)
    return bool(taken)


def _take_metrics(found: _Found, answer: Record, name: str) -> bool:
    if str(answer.get("namespace", NAMESPACE)).lower() != NAMESPACE.lower():
        return False
    interval = str(answer.get("interval", "")).lower()
    if interval not in (*_HOUR, *_MINUTE):
        raise ValueError(f"its interval is {interval or 'missing'}; ask with --interval PT1H, or PT1M for minutes")
    region = str(answer.get("resourceregion") or "").lower() or None
    for metric in answer["value"]:
        account, subscription = _account(metric["id"])[:2]
        if region:
            found.regions[account] = region
        table = table_of(metric, subscription, region or "", name)
        moments = cast(list[datetime], table["timestamp"].to_pylist())
        if any(moment.year not in YEARS or moment.second for moment in moments):
            raise ValueError(f"a time of {metric['name']['value']} is none of a grain of an hour or a minute")
        found.samples[interval in _MINUTE].append(table)
    return True


def _account(resource_id: object) -> tuple[str, str, str, str]:
    """The account that a resource id lies in: its own id in lower case, subscription, resource group and name."""
    match = _ACCOUNT.search(str(resource_id))
    if match is None:
        raise ValueError(f"{str(resource_id)[:120]} names no Cognitive Services account")
    return match[1].lower(), match[2].lower(), match[3], match[4]


def _land_inventory(context: Context, found: _Found) -> list[LoadResult]:
    """Today's snapshot of each subscription, with the accounts that are landed and that no file holds."""
    start = day_start(context.run.as_of.date())
    today = Window(start, start + timedelta(days=1))
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for account in sorted(found.deployments):
        mine = found.deployments[account]
        for name in sorted(mine):
            rows[_account(account)[1]].append(_inventory_row(account, mine[name], found))
    results: list[LoadResult] = []
    for subscription, fresh in sorted(rows.items()):
        landed = context.landing.read(DEPLOYMENTS, scope=subscription, window_starts={f"{start:%Y-%m-%d}"})
        accounts = pa.array(sorted({str(row["account_id"]).lower() for row in fresh}), pa.string())
        kept = landed.filter(pc.invert(pc.is_in(pc.utf8_lower(landed["account_id"]), accounts)))
        batches = [kept.select(DEPLOYMENTS.schema.names), pa.Table.from_pylist(fresh, schema=DEPLOYMENTS.schema)]
        results.append(context.landing.write(DEPLOYMENTS, scope=subscription, window=today, batches=batches))
    return results


def _inventory_row(account: str, item: Record, found: _Found) -> dict[str, Any]:
    about, sku, properties = found.accounts.get(account, {}), mapping(item.get("sku")), mapping(item["properties"])
    resource_id, subscription, group, name = _account(item["id"])
    model = mapping(properties["model"])
    return {
        "subscription_id": subscription,
        "account_id": about.get("id") or str(item["id"])[: len(resource_id)],
        "account_name": about.get("name") or name,
        "account_kind": about.get("kind"),
        "account_location": about.get("location") or found.regions.get(account),
        "account_resource_group": group,
        "account_tags": sorted(mapping(about.get("tags")).items()),
        "id": item["id"],
        "name": item["name"],
        "sku_name": sku.get("name"),
        "sku_capacity": sku.get("capacity"),
        "model_format": model.get("format"),
        "model_name": model["name"],
        "model_version": model.get("version"),
        "spillover_deployment_name": properties.get("spilloverDeploymentName"),
        "parent_deployment_name": properties.get("parentDeploymentName"),
        "tags": sorted(mapping(item.get("tags")).items()),
    }


def _land_metrics(
    context: Context, contract: StreamContract, samples: list[pa.Table], window: Window | None
) -> list[LoadResult]:
    """Each day of each subscription, with the accounts and metrics that are landed and that no file holds."""
    if not samples:
        return []
    rows = _once(pa.concat_tables(samples))
    results: list[LoadResult] = []
    for subscription in sorted(cast(list[str], pc.unique(rows["subscription_id"]).to_pylist())):
        mine = rows.filter(pc.equal(rows["subscription_id"], subscription))
        newest: datetime | None = None
        for day in _days(mine, window):
            fresh = mine.filter(_is_of(mine, day))
            landed = context.landing.read(contract, scope=subscription, window_starts={f"{day.start:%Y-%m-%d}"})
            kept = landed.filter(pc.invert(pc.is_in(_series_key(landed), pc.unique(_series_key(fresh)))))
            batches = [kept.select(SCHEMA.names), fresh]
            results.append(context.landing.write(contract, scope=subscription, window=day, batches=batches))
            newest = day.end
        if newest is not None:
            context.landing.report(SOURCE, subscription, min(newest, context.run.as_of))
    return results


def _once(rows: pa.Table) -> pa.Table:
    """Rows that are in two files once: a page saved twice, or two spans that overlap."""
    names = [item.name for item in arrow.fields(rows.schema)]
    order = [(name, "ascending") for name in names]
    grouped = cast(Any, rows.group_by(names)).aggregate([])
    return grouped.select(names).cast(SCHEMA).sort_by(order)


def _days(rows: pa.Table, window: Window | None) -> Iterator[Window]:
    moments = cast(list[datetime], pc.unique(pc.floor_temporal(rows["timestamp"], unit="day")).to_pylist())
    for start in sorted(moments):
        (day,) = days(Window(start, start + timedelta(hours=1)))
        if window is None or (window.start < day.end and day.start < window.end):
            yield day


def _is_of(rows: pa.Table, day: Window) -> Any:
    return pc.equal(pc.floor_temporal(rows["timestamp"], unit="day"), pa.scalar(day.start, rows["timestamp"].type))


def _series_key(rows: pa.Table) -> Any:
    return pc.binary_join_element_wise(pc.utf8_lower(rows["resource_id"]), rows["metric"], "/")
