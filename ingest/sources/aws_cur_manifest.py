"""Manifests of AWS's billing exports: which files make up one delivered billing period.

Data Exports write `<export>/metadata/BILLING_PERIOD=YYYY-MM/[<execution>/]<export>-Manifest.json`, the legacy report
`<report>/<YYYYMMDD-YYYYMMDD>/[<assemblyId>/]<report>-Manifest.json`. A manifest is written after the files it names,
so a file that no manifest names is not part of the bill. AWS publishes no schema of it: its keys are read tolerantly.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from ingest.errors import CorruptFile, EmptyAnswer
from ingest.file_rows import read_text
from ingest.files import ExportedFile, Folder
from ingest.run import Window, months

SUFFIX = "-manifest.json"
_FILES = ("datafiles", "reportkeys", "datafilepaths")
_PATHS = ("filepath", "path", "key", "s3key", "location", "uri")
_SPAN = re.compile(r"^(\d{8})-\d{8}$")


@dataclass(frozen=True)
class Delivery:
    """One delivered billing period.

    Attributes:
        export: name of the export or report.
        period: the month that it speaks for.
        manifest: the file that names its data files.
        root: folder of the export: every file below it is this export's business.
    """

    export: str
    period: Window
    manifest: ExportedFile
    root: str


def is_manifest(file: ExportedFile) -> bool:
    """Whether a file is a manifest by its name."""
    return file.name.lower().endswith(SUFFIX)


def deliveries(files: Iterable[ExportedFile], folder: Folder | None = None) -> list[Delivery]:
    """The newest delivery of each export and billing period, by export and month.

    Args:
        folder: where a manifest whose path names no month is opened to find it in there; None leaves it out.
    """
    newest: dict[tuple[str, str, datetime], tuple[tuple[object, ...], Delivery]] = {}
    for file in files:
        if not is_manifest(file):
            continue
        period = period_of(file.name) or (_stated_period(folder, file) if folder else None)
        if period is None:
            continue
        export = file.name.rpartition("/")[2][: -len(SUFFIX)]
        delivery = Delivery(export, period, file, _root(file.name))
        known = delivery.root, export, period.start
        age = _age(file)
        if known not in newest or age > newest[known][0]:
            newest[known] = age, delivery
    found = [delivery for _, delivery in newest.values()]
    return sorted(found, key=lambda one: (one.export, one.root, one.period.start))


def named_files(body: Path, where: str) -> list[str]:
    """What a manifest names as its data files, as it names them.

    Raises:
        CorruptFile: it is no JSON or names no list of files.
        EmptyAnswer: the list is empty.
    """
    try:
        listed = next(entries for key, entries in _members(_parsed(body, where)) if key in _FILES)
        named = [_path_of(entry) for entry in cast(list[Any], listed)]
    except (ValueError, KeyError, TypeError, StopIteration) as error:
        raise CorruptFile(
            f"{where} is no manifest that names its dataFiles or reportKeys ({error!r}).",
            "Wait for the next delivery, or check the export's health in the AWS console.",
        ) from error
    if not named:
        raise EmptyAnswer(f"{where} names no file.", "Wait for the next delivery.")
    return named


def resolve(named: str, files: Sequence[ExportedFile], where: str) -> ExportedFile:
    """The file of a folder that a manifest means: of those with its name the one whose path agrees furthest.

    Raises:
        CorruptFile: there is no such file.
    """
    parts = named.split("/")
    same = [file for file in files if file.name.rpartition("/")[2] == parts[-1]]
    if not same:
        raise CorruptFile(
            f"{where} names {named}, which is not there.", "Copy all files that the manifest names, or take it away."
        )
    return max(same, key=lambda file: _common_end(file.name.split("/"), parts))


def period_of(name: str) -> Window | None:
    """The billing period that a path names, `BILLING_PERIOD=YYYY-MM` or `YYYYMMDD-YYYYMMDD`."""
    for part in name.split("/"):
        label, _, value = part.partition("=")
        span = _SPAN.match(part)
        if label.upper() == "BILLING_PERIOD":
            return _month(value, "%Y-%m")
        if span:
            return _month(span[1], "%Y%m%d")
    return None


def _month(text: str, form: str) -> Window | None:
    try:
        start = datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        return None
    return next(months(Window(start, start + timedelta(days=1))))


def _stated_period(folder: Folder, file: ExportedFile) -> Window | None:
    """The period that a manifest's own text states."""
    stated = dict(_members(_parsed(folder.fetch(file), file.name))).get("billingperiod")
    if isinstance(stated, dict):
        stated = dict(_members(cast(Any, stated))).get("start")
    text = re.sub(r"[^0-9]", "", str(stated or ""))
    return _month(text[:6], "%Y%m") if len(text) >= 6 else None


def _parsed(body: Path, where: str) -> dict[str, Any]:
    try:
        parsed = json.loads(read_text(body, where))
    except ValueError as error:
        raise CorruptFile(f"{where} is no JSON: {error}.", "Wait for the next delivery, or copy it again.") from error
    if not isinstance(parsed, dict):
        raise CorruptFile(f"{where} is no manifest: it holds no object.", "Copy it again.")
    return cast(dict[str, Any], parsed)


def _members(record: dict[str, Any]) -> list[tuple[str, Any]]:
    """Members by their names in lower case without underscores."""
    return [(name.lower().replace("_", ""), value) for name, value in record.items()]


def _path_of(entry: Any) -> str:
    text = entry if isinstance(entry, str) else next(str(value) for key, value in _members(entry) if key in _PATHS)
    return unquote(urlsplit(text).path).lstrip("/") if "://" in text else text.lstrip("/")


def _root(name: str) -> str:
    parts = name.split("/")[:-1]
    for number, part in enumerate(parts):
        if part == "metadata" or _SPAN.match(part) or part.upper().startswith("BILLING_PERIOD="):
            return "/".join(parts[:number])
    return "/".join(parts)


def _age(file: ExportedFile) -> tuple[object, ...]:
    """What orders the manifests of one period: when it was written where the store tells, and its folder's name.

    A folder of an execution begins with its time. The legacy report's manifest beside those folders is the newest.
    """
    parts = file.name.split("/")[:-1]
    is_legacy_top = bool(parts) and _SPAN.match(parts[-1]) is not None
    written = getattr(file, "written", datetime.min.replace(tzinfo=UTC))
    return is_legacy_top, written, file.name


def _common_end(one: Sequence[str], other: Sequence[str]) -> int:
    agreed = 0
    for mine, theirs in zip(reversed(one), reversed(other), strict=False):
        if mine != theirs:
            break
        agreed += 1
    return agreed
