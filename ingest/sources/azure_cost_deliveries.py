"""What lies in a folder of exported cost: deliveries with the manifest that names their files, and files without one.

A manifest (`manifest.json`) tells scope, kind, span, time and blobs; folder names tell nothing, Microsoft documents two
orders of them. An export that does not overwrite writes the month to date again each day: of one scope, kind and month
only the newest delivery counts. A manifest is written after its files, so files beside manifests that none of them
names belong to a delivery that is not finished, and are passed over.
"""

import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, cast

from ingest.errors import CorruptFile, EmptyAnswer, SchemaChanged
from ingest.file_content import is_gzipped, refuse_stranger, starts_as_json
from ingest.file_rows import csv_header, is_parquet, read_text
from ingest.files import ExportedFile, Folder
from ingest.run import Window, months

logger = logging.getLogger(__name__)
VIEWS = {"actualcost": "actual", "usage": "actual", "amortizedcost": "amortized", "focuscost": "focus"}
_DATA = ("*.csv", "*.csv.gz", "*.gz", "*.parquet")
_REMEDY = "Run the export again; what was landed before stays."
_SCOPES = (
    ("billing_profile", r"/billingprofiles/([^/]+)"),
    ("invoice_section", r"/invoicesections/([^/]+)"),
    ("department", r"/departments/([^/]+)"),
    ("enrollment_account", r"/enrollmentaccounts/([^/]+)"),
    ("billing_account", r"/billingaccounts/([^/]+)"),
    ("management_group", r"/managementgroups/([^/]+)"),
    ("resource_group", r"/resourcegroups/([^/]+)"),
    ("subscription", r"/subscriptions/([^/]+)"),
)


@dataclass(frozen=True)
class Delivery:
    """One run of an export, or files that no manifest names.

    Attributes:
        name: the manifest, or the files' folder.
        view: ``actual``, ``amortized`` or ``focus``; None where nothing tells.
        scope_kind: ``billing_account``, ``subscription`` ...; ``file`` where nothing tells.
        scope_id: last part of the scope, empty where nothing tells.
        account: billing account that the scope names, if it does.
        span: months that the run covers, empty where nothing tells.
        wanted: those of them for which no newer run of the same export exists.
        files: its data files, with their sizes as the manifest tells them.
        rows: rows as the manifest counts them.
    """

    name: str
    view: str | None
    scope_kind: str
    scope_id: str
    account: str | None
    span: tuple[Window, ...]
    wanted: tuple[Window, ...]
    files: tuple[ExportedFile, ...]
    submitted: datetime
    rows: int | None = None

    @property
    def mark(self) -> str:
        """Changes when the delivery does."""
        return f"{self.name} {self.submitted.isoformat()} {' '.join(file.version for file in self.files)}"


@dataclass(frozen=True)
class Found:
    """The deliveries of a folder, and the files that were passed over with the reason."""

    deliveries: list[Delivery]
    passed_over: dict[str, str]


def find(folder: Folder) -> Found:
    """The deliveries of a folder that count.

    Raises:
        CorruptFile: a manifest cannot be read, or names a file that is not there or has another size.
    """
    files = folder.files()
    manifests = [file for file in files if file.matches("*manifest*.json")]
    passed_over: dict[str, str] = {}
    runs = [_run(folder, manifest, files, passed_over) for manifest in manifests]
    known = {file.name for run in runs if run for file in run.files}
    known |= {name for run in manifests for name in _named(folder, run)}
    homes = {_export_home(manifest.name) for manifest in manifests}
    loose: list[ExportedFile] = []
    for file in files:
        if file.name in known or file in manifests:
            continue
        if not file.matches(*_DATA) and not _is_table(folder, file):
            passed_over[file.name] = "it is no CSV or Parquet file"
        elif any(_is_below(file.name, home) for home in homes):
            passed_over[file.name] = "no manifest names it: its export is not finished"
        else:
            loose.append(file)
    newest = _newest([run for run in runs if run is not None])
    return Found([*newest, *(_loose(file, folder.location) for file in loose)], passed_over)


def _is_table(folder: Folder, file: ExportedFile) -> bool:
    """Whether a file of another name is Parquet or has a first line with commas."""
    path = folder.fetch(file)
    if is_parquet(path):
        return True
    try:
        refuse_stranger(path, file.name)
        if starts_as_json(path) and not is_gzipped(path):
            return False
        return len(csv_header(path, file.name)) > 1
    except CorruptFile:
        # a packed file that is cut off has to say so
        return is_gzipped(path)
    except (EmptyAnswer, SchemaChanged):
        return False


def _run(
    folder: Folder, manifest: ExportedFile, files: list[ExportedFile], passed_over: dict[str, str]
) -> Delivery | None:
    """The delivery that a manifest describes; None when it holds no cost."""
    content = _content(folder, manifest)
    try:
        config, about = content["exportConfig"], content["runInfo"]
        kind = VIEWS.get(str(config["type"]).lower())
        if kind is None:
            passed_over[manifest.name] = f"it is an export of {config['type']}, not of cost"
            return None
        blobs = [(str(blob["blobName"]), int(blob["byteCount"])) for blob in content["blobs"]]
        span = _span(_moment(about["startDate"]), _moment(about["endDate"]))
        submitted = _moment(about["submittedTime"])
        rows = content.get("dataRowCount")
        scope_kind, scope_id, account = scope_of(str(config["resourceId"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptFile(f"{manifest.name} is no manifest of a cost export ({error!r}).", _REMEDY) from error
    found = tuple(_blob(manifest, name, size, files) for name, size in blobs)
    return Delivery(
        manifest.name, kind, scope_kind, scope_id, account, span, span, found, submitted,
        None if rows is None else int(rows),
    )  # fmt: skip


def _content(folder: Folder, manifest: ExportedFile) -> Mapping[str, Any]:
    try:
        content = json.loads(read_text(folder.fetch(manifest), manifest.name))
    except (ValueError, RecursionError) as error:
        raise CorruptFile(f"{manifest.name} is no JSON: {error}.", _REMEDY) from error
    if not isinstance(content, dict):
        raise CorruptFile(f"{manifest.name} is no manifest of a cost export.", _REMEDY)
    return cast(Mapping[str, Any], content)


def _named(folder: Folder, manifest: ExportedFile) -> list[str]:
    """Files beside a manifest that it names, whatever it is a manifest of."""
    blobs = _content(folder, manifest).get("blobs")
    home = manifest.name.rpartition("/")[0]
    names = [
        str(cast(Any, blob).get("blobName", "")) for blob in cast(list[Any], blobs or []) if isinstance(blob, dict)
    ]
    return ["/".join(part for part in (home, name.rpartition("/")[2]) if part) for name in names]


def _blob(manifest: ExportedFile, name: str, size: int, files: Iterable[ExportedFile]) -> ExportedFile:
    """The file that a manifest means by a blob's name, which starts at the container and not at our folder."""
    home, last = manifest.name.rpartition("/")[0], name.rpartition("/")[2]
    beside = "/".join(part for part in (home, last) if part)
    fits = [file for file in files if file.name == name or name.endswith("/" + file.name)]
    fits += [file for file in files if file.name == beside]
    if not fits:
        raise CorruptFile(f"{manifest.name} names {name}, which is not there.", _REMEDY)
    if fits[0].size != size:
        raise CorruptFile(f"{fits[0].name} has {fits[0].size} bytes, its manifest says {size}.", _REMEDY)
    return fits[0]


def scope_of(resource_id: str) -> tuple[str, str, str | None]:
    """Kind and id of an export's scope, and the billing account where the scope names one."""
    text = resource_id.lower()
    account = re.search(r"/billingaccounts/([^/]+)", text)
    for kind, pattern in _SCOPES:
        match = re.search(pattern, text)
        if match:
            return kind, match[1], account[1] if account else None
    return "file", "", None


def _newest(runs: list[Delivery]) -> list[Delivery]:
    """Each run with the months for which it is the newest of its scope and view; a run without any is left out."""
    winners: dict[tuple[str, str, str | None, Window], Delivery] = {}
    for run in sorted(runs, key=lambda run: (run.submitted, run.name)):
        for month in run.span:
            winners[run.scope_kind, run.scope_id, run.view, month] = run
    chosen: list[Delivery] = []
    for run in sorted(runs, key=lambda run: (run.span, run.name)):
        wanted = tuple(m for m in run.span if winners[run.scope_kind, run.scope_id, run.view, m] is run)
        if wanted:
            chosen.append(replace(run, wanted=wanted))
        else:
            logger.info("a newer delivery counts", extra={"manifest": run.name})
    return chosen


def _loose(file: ExportedFile, location: str) -> Delivery:
    """A file without a manifest; its name, or the folder's, may still tell the view."""
    words = [file.name.lower(), location.rstrip("/").rpartition("/")[2].lower()]
    views = [view for word in words for view in ("actual", "amortized") if view[:6] in word]
    view = views[0] if views else None
    return Delivery(file.name, view, "file", "", None, (), (), (file,), datetime.min.replace(tzinfo=UTC))


def _moment(text: object) -> datetime:
    moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", str(text)))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _span(start: datetime, end: datetime) -> tuple[Window, ...]:
    """The months from `start` to `end`, its day included unless it is the first of a month at midnight."""
    is_open = end.day == 1 and end.time() == datetime.min.time() and end > start
    return tuple(months(Window(start, end if is_open else end + timedelta(days=1))))


def _export_home(manifest: str) -> str:
    """The folder of an export: above the folders of its spans and runs, in which manifests lie."""
    parts = PurePosixPath(manifest).parts[:-1]
    spans = [place for place, part in enumerate(parts) if re.fullmatch(r"\d{8}-\d{8}", part)]
    return "/".join(parts[: spans[0]] if spans else parts[:-1] if len(parts) > 1 else parts)


def _is_below(name: str, home: str) -> bool:
    return not home or name.startswith(home + "/")
