"""Exchange rates: the euro foreign exchange reference rates that the European Central Bank publishes each working day.

Endpoint: `eurofxref-hist.zip`, one CSV with every day since 1999, newest first: `Date,USD,JPY,...,` and `N/A` where a
currency had no rate. `--path` reads that archive, its CSV, or the bank's XML (`eurofxref-hist-90d.xml` and the like).
A window is a calendar year. A file adds to what is landed of a year and replaces the days that it holds, so that a part
of a year never takes the rest away. Days after the run's clock are left out. With the bank out of reach the landed
rates stay and the status says so: rates carry over anyway.
Run alone: `inferledger ingest fx`.
"""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import cast
from xml.etree import ElementTree

import pyarrow as pa

from ingest.checks import Finding, attempt
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import CorruptFile, EmptyAnswer, SchemaChanged, Unreachable
from ingest.files import Folder
from ingest.http_api import Api
from ingest.run import Window, day_start

SOURCE = "fx"
SCOPE = "ecb"
FILE = "eurofxref-hist.zip"
REFERENCE_RATES = StreamContract(
    SOURCE,
    "reference_rates",
    pa.schema(
        [pa.field("rate_date", pa.date32()), pa.field("currency", pa.string()), pa.field("units_per_eur", pa.string())]
    ),
    ("rate_date", "currency", "units_per_eur"),
)
STREAMS = (REFERENCE_RATES,)
# a new year has no day before its first working day, and a bill reaches back before the days that are asked for
MARGIN_DAYS = 14
_MOST_BYTES = 64 << 20
_NO_RATE = ("", "N/A")
_ZIP = b"PK\x03\x04"
Rates = dict[tuple[date, str], str]


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Land every year that `window` touches (None: the backfill) out of the bank's file.

    Raises:
        Unreachable: the bank does not answer, and nothing is landed yet.
        CorruptFile, SchemaChanged: the file is not what it was; what was landed stays.
    """
    end = context.run.as_of
    start = end - timedelta(days=context.config.backfill_days + MARGIN_DAYS)
    span = window or Window(start, end)
    try:
        rates = parse(_api(context).content(f"/{FILE}", _MOST_BYTES), FILE)
    except Unreachable as error:
        newest = _newest(context)
        if newest is None:
            raise
        _report(context, newest, f"{error.message} The rates of {newest} carry over.")
        return []
    return _land(context, rates, span)


def load_files(context: Context, folder: Folder, window: Window | None) -> list[LoadResult]:
    """Land the rates of every file below `folder`: all their years, or those that `window` touches.

    Raises:
        EmptyAnswer: no file holds a rate of these days.
        CorruptFile, SchemaChanged: a file is none of the bank's.
    """
    rates: Rates = {}
    for file in folder.files():
        if file.matches("*.zip", "*.csv", "*.xml"):
            rates |= parse(_bytes(folder.fetch(file), file.name), file.name)
    if not rates:
        raise EmptyAnswer(f"{folder.location} holds no rates.", f"Give the bank's {FILE}, its CSV or its XML.")
    return _land(context, rates, window or Window(day_start(date(1999, 1, 1)), context.run.as_of))


def check(context: Context) -> Iterator[Finding]:
    """Whether the bank answers with rates."""
    yield attempt(
        SOURCE, SCOPE, "reachable", f"{FILE} answers.",
        lambda: parse(_api(context).content(f"/{FILE}", _MOST_BYTES), FILE),
    )  # fmt: skip
    yield Finding(SOURCE, SCOPE, "cost", "ok", "Reading is free: one file a day.")


def parse(content: bytes, name: str) -> Rates:
    """The rates of one file as text, by day and currency.

    Raises:
        CorruptFile: it cannot be read to its end.
        SchemaChanged: it is no file of the bank, or a rate is no number above 0; names the day and the currency.
    """
    if content.startswith(_ZIP):
        content = _unpacked(content, name)
    if content.lstrip()[:1] == b"<":
        return _checked(_xml_rates(content, name), name)
    return _checked(_csv_rates(content, name), name)


def _checked(found: Iterable[tuple[str, str, str]], name: str) -> Rates:
    rates: Rates = {}
    for day, currency, rate in found:
        try:
            rate_date, amount = date.fromisoformat(day), Decimal(rate)
        except (ValueError, InvalidOperation) as error:
            raise SchemaChanged(f"{name}: {day} {currency}: {rate!r} is no rate of a day.", _REMEDY) from error
        if not amount.is_finite() or amount <= 0 or not (len(currency) == 3 and currency.isupper()):
            raise SchemaChanged(f"{name}: {day} {currency}: {rate!r} is no rate above 0.", _REMEDY)
        rates[rate_date, currency] = rate
    if not rates:
        raise SchemaChanged(f"{name} holds no rate.", _REMEDY)
    return rates


_REMEDY = f"Take {FILE} from the bank again; what was landed stays."


def _csv_rates(content: bytes, name: str) -> Iterator[tuple[str, str, str]]:
    try:
        lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorruptFile(f"{name} is no CSV: {error}.", _REMEDY) from error
    header = [field.strip() for field in lines[0]] if lines else []
    if header[:1] != ["Date"] or "USD" not in header:
        raise SchemaChanged(f"{name}: its first line does not start with Date and name USD.", _REMEDY)
    for number, line in enumerate(lines[1:], start=2):
        if not any(line):
            continue
        # the bank closes each line with a comma
        if len(line) != len(header):
            raise CorruptFile(f"{name}:{number}: {len(line)} fields where the header has {len(header)}.", _REMEDY)
        for currency, rate in zip(header[1:], line[1:], strict=True):
            if currency and rate.strip() not in _NO_RATE:
                yield line[0].strip(), currency, rate.strip()


def _xml_rates(content: bytes, name: str) -> Iterator[tuple[str, str, str]]:
    if b"<!DOCTYPE" in content:
        raise SchemaChanged(f"{name} declares a document type, which the bank's files do not.", _REMEDY)
    try:
        # entities, the danger of XML, need a document type
        root = ElementTree.fromstring(content)  # noqa: S314
    except ElementTree.ParseError as error:
        raise CorruptFile(f"{name} is no XML: {error}.", _REMEDY) from error
    for day in root.iterfind(".//{*}Cube[@time]"):
        for cube in day:
            yield day.attrib["time"], cube.attrib.get("currency", ""), cube.attrib.get("rate", "")


def _unpacked(content: bytes, name: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            inside = [entry for entry in archive.infolist() if entry.filename.lower().endswith((".csv", ".xml"))]
            if len(inside) != 1 or inside[0].file_size > _MOST_BYTES:
                raise SchemaChanged(f"{name} does not hold one CSV or XML file.", _REMEDY)
            return archive.read(inside[0])
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise CorruptFile(f"{name} is no whole archive: {error}.", _REMEDY) from error


def _bytes(path: Path, name: str) -> bytes:
    if path.stat().st_size > _MOST_BYTES:
        raise SchemaChanged(f"{name} is larger than every file of the bank.", _REMEDY)
    return path.read_bytes()


def _land(context: Context, rates: Rates, span: Window) -> list[LoadResult]:
    last_day = context.run.as_of.date()
    results: list[LoadResult] = []
    for year in range(span.start.year, (span.end - timedelta(microseconds=1)).year + 1):
        window = Window(day_start(date(year, 1, 1)), day_start(date(year + 1, 1, 1)))
        new = {key: rate for key, rate in rates.items() if key[0].year == year and key[0] <= last_day}
        if new:
            rows = sorted((_landed(context, window) | new).items())
            table = pa.Table.from_pylist(
                [{"rate_date": day, "currency": code, "units_per_eur": rate} for (day, code), rate in rows],
                schema=REFERENCE_RATES.schema,
            )
            results.append(context.landing.write(REFERENCE_RATES, scope=SCOPE, window=window, batches=[table]))
        context.progress(SOURCE, year - span.start.year + 1, span.end.year - span.start.year + 1)
    if not results:
        raise EmptyAnswer(f"The European Central Bank's file holds no rate for {span}.", "Give other days.")
    newest = _newest(context)
    if newest is not None:
        _report(context, newest, None)
    return results


def _landed(context: Context, window: Window) -> Rates:
    table = context.landing.read(REFERENCE_RATES, scope=SCOPE, window_starts=[f"{window.start:%Y-%m-%d}"])
    return {(row["rate_date"], row["currency"]): row["units_per_eur"] for row in table.to_pylist()}


def _newest(context: Context) -> date | None:
    years = context.landing.windows(REFERENCE_RATES, SCOPE)
    if not years:
        return None
    table = context.landing.read(REFERENCE_RATES, scope=SCOPE, window_starts=years[-1:])
    return max(cast(list[date], table["rate_date"].to_pylist()))


def _report(context: Context, newest: date, message: str | None) -> None:
    watermark: datetime = min(day_start(newest + timedelta(days=1)), context.run.as_of)
    context.landing.report(SOURCE, SCOPE, watermark, message)


def _api(context: Context) -> Api:
    return Api(
        context.settings,
        "The European Central Bank",
        context.settings.fx_endpoint or context.config.fx.base_url,
        {"user-agent": "inferledger"},
        "Correct fx.base_url in sources.yml.",
        "Allow this machine to fetch the file, or give a mirror as fx.base_url.",
    )
