"""Rows of exported files: CSV, JSON and Parquet, plain or gzipped, with what cannot be read set apart.

Text stays text: a value is parsed once, at the border of staging. A row that cannot be one goes to the quarantine with
its reason; a file that cannot be read to its end is a CorruptFile, and nothing of it lands.
"""

import codecs
import hashlib
import io
import json
import zlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from ingest import arrow
from ingest.errors import CorruptFile, EmptyAnswer
from ingest.file_content import PARQUET, open_bytes, refuse_stranger
from ingest.json_values import whole_characters
from ingest.quarantine import Quarantine

pc: Any = pyarrow.compute
_csv, _parquet = cast(Any, pyarrow.csv), cast(Any, pyarrow.parquet)
BLOCK_BYTES = 8 << 20
ROWS_PER_BATCH = 20_000
# a text with as many commas as a row of fewer columns has is nothing odd
_FEWEST_COLUMNS = 8
_REMEDY = "Export it again; nothing of it was landed."


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet, by its first bytes."""
    with path.open("rb") as stream:
        return stream.read(4) == PARQUET


def content_digest(path: Path, name: str) -> str:
    """A fingerprint of a file's content, the same for a file and its gzip. Raises CorruptFile when it is cut off."""
    digest = hashlib.sha256()
    try:
        with open_bytes(path) as stream:
            while block := stream.read(BLOCK_BYTES):
                digest.update(block)
    except (OSError, EOFError, zlib.error) as error:
        raise CorruptFile(f"{name} cannot be read to its end: {error}.", _REMEDY) from error
    return digest.hexdigest()


def read_text(path: Path, name: str) -> str:
    """A small file whole, as text without byte order mark.

    Raises:
        CorruptFile: it is cut off or not UTF-8.
    """
    try:
        with open_bytes(path) as stream:
            return stream.read().decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise _corrupt(f"{name} cannot be read", name, error) from error


def csv_header(path: Path, name: str) -> list[str]:
    """The column names of a CSV file, blanks around them and the byte order mark taken off.

    Raises:
        CorruptFile: it is empty, cut off, not UTF-8, or no table.
    """
    reader = _csv_reader(path, name, None)
    return [str(column).strip() for column in reader.schema.names]


def csv_batches(path: Path, name: str, quarantine: Quarantine) -> Iterator[pa.Table]:
    """The rows of a CSV file, every column as text, blank values as NULL.

    Rows with too few or too many values go to `quarantine`.

    Raises:
        CorruptFile: it is cut off, not UTF-8, no table, or a broken quote makes several of its rows one.
    """
    torn: list[str] = []
    reader = _csv_reader(path, name, quarantine, torn)
    names = [str(column).strip() for column in reader.schema.names]
    try:
        for batch in reader:
            table = pa.Table.from_batches([batch]).rename_columns(names)
            torn.extend(_values_of_several_rows(table))
            if torn:
                break
            yield table
    except (pa.ArrowInvalid, OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise _corrupt(f"{name} cannot be read to its end", name, error) from error
    if torn:
        start = " ".join(torn[0].split())[:60]
        raise CorruptFile(f"{name}: a quote is broken, so that several rows are read as one ({start}).", _REMEDY)


def _values_of_several_rows(table: pa.Table) -> Iterator[str]:
    """Values that hold whole rows: what lies between two broken quotes, and would pass for one long text."""
    for column in table.columns if table.num_columns >= _FEWEST_COLUMNS else []:
        broken: Any = pc.fill_null(pc.match_substring(column, "\n"), False)
        if pc.any(broken).as_py():
            for text in cast(list[str], column.filter(broken).to_pylist()):
                breaks = text.strip().count("\n")
                if breaks and text.count(",") >= breaks * (table.num_columns - 1):
                    yield text


def _csv_reader(path: Path, name: str, quarantine: Quarantine | None, torn: list[str] | None = None) -> Any:
    def set_apart(row: Any) -> str:
        text = row.text or ""
        lines = text.strip().count("\n") + 1
        is_wide = row.expected_columns >= _FEWEST_COLUMNS
        if torn is not None and lines > 1 and is_wide and text.count(",") >= lines * (row.expected_columns - 1):
            # an exception would be lost here
            torn.append(text)
        elif quarantine is not None:
            reason = f"{row.actual_columns} values where {row.expected_columns} columns are named"
            quarantine.put(file=name, reason=reason, row=text)
        return "skip"

    try:
        with open_bytes(path) as head:
            first = head.read(BLOCK_BYTES)
        if not first.strip(b"\xef\xbb\xbf \r\n"):
            raise EmptyAnswer(f"{name} is empty.", _REMEDY)
        if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise CorruptFile(f"{name} is UTF-16, not UTF-8.", "Save it as CSV in UTF-8.")
        columns = _header_names(first, name)
        options = {name: pa.string() for name in columns}
        return _csv.open_csv(
            pa.PythonFile(cast(Any, _Checked(open_bytes(path), name)), mode="r"),
            read_options=_csv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
            parse_options=_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=set_apart),
            convert_options=_csv.ConvertOptions(column_types=options, strings_can_be_null=True, null_values=[""]),
        )
    except (pa.ArrowInvalid, OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise _corrupt(f"{name} cannot be read as CSV", name, error) from error


class _Checked(io.RawIOBase):
    """Bytes of a CSV file, checked while they are read for what pyarrow would pass over in silence.

    It drops a malformed row whose text is no UTF-8, and takes all that follows an unclosed quote for one value.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream, self._name, self._quotes = stream, name, 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        is_end = not chunk and size != 0
        self._decoder.decode(chunk, final=is_end)
        self._quotes += chunk.count(b'"')
        if is_end and self._quotes % 2:
            raise CorruptFile(f"{self._name}: a quote is opened and never closed, so rows would be lost.", _REMEDY)
        return chunk

    def close(self) -> None:
        self._stream.close()
        super().close()


def _header_names(first: bytes, name: str) -> list[str]:
    table = _csv.read_csv(
        io.BytesIO(first.removeprefix(codecs.BOM_UTF8).split(b"\n", 1)[0] + b"\n"),
        read_options=_csv.ReadOptions(use_threads=False),
    )
    names = [str(column) for column in table.schema.names]
    if len(names) == 1 and any(names[0].count(mark) > 1 for mark in ";\t|"):
        raise CorruptFile(f"{name} has no commas between its columns: {names[0][:60]}.", "Save it as CSV with commas.")
    repeated = sorted({column for column in names if names.count(column) > 1})
    if repeated:
        raise CorruptFile(f"{name} names columns twice: {', '.join(repeated)}.", _REMEDY)
    return names


def json_rows(path: Path, name: str, quarantine: Quarantine) -> Iterator[dict[str, Any]]:
    """The objects of a JSON file: one object, a list of them, or one a line; numbers with a point as Decimal.

    A line that is no JSON object goes to `quarantine`.

    Raises:
        CorruptFile: it is cut off or not UTF-8.
    """
    try:
        with open_bytes(path) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig")
            start = text.read(1)
            while start and start.isspace():
                start = text.read(1)
            first = start + text.readline()
            whole = _parsed(first)
            if start == "[" or (start == "{" and whole is None):
                rest = first + text.read()
                whole = _parsed(rest)
                if whole is not None:
                    yield from _objects(whole, name, quarantine)
                    return
                if start == "[":
                    raise CorruptFile(f"{name} breaks off or is no JSON: a list begins and does not end.", _REMEDY)
                # not splitlines: a text inside JSON may hold other separators
                lines = iter(rest.split("\n"))
            else:
                lines = (line for part in ([first], text) for line in part)
            for line in lines:
                if line.strip():
                    yield from _objects(_parsed(line), name, quarantine, line)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise _corrupt(f"{name} cannot be read to its end", name, error) from error


def json_document(path: Path, name: str) -> Any:
    """What a small file of JSON without money holds, None where it is no single JSON value.

    Raises:
        CorruptFile: it is cut off or not UTF-8.
    """
    return _parsed(read_text(path, name), number=float)


def may_be_json(aside: Quarantine) -> bool:
    """Whether a file whose lines without an object are `aside` may still be JSON that breaks off, and no other text."""
    return not aside.rows or str(aside.rows[0]["row"]).lstrip().startswith(("{", "["))


def _parsed(text: str, *, number: type[Decimal] | type[float] = Decimal) -> Any:
    try:
        value = json.loads(text, parse_float=number)
        return whole_characters(value) if "\\ud" in text or "\\uD" in text else value
    except (ValueError, RecursionError):
        # besides text that is no JSON: a number of more digits than Python reads
        return None


def _objects(parsed: Any, name: str, quarantine: Quarantine, text: str = "") -> Iterator[dict[str, Any]]:
    items = cast(list[Any], parsed) if isinstance(parsed, list) else [parsed]
    for item in items:
        if isinstance(item, dict):
            yield cast(dict[str, Any], item)
        else:
            quarantine.put(file=name, reason="it is no JSON object", row=text or repr(item))


def parquet_columns(path: Path, name: str) -> list[str]:
    """The column names of a Parquet file. Raises CorruptFile when its footer cannot be read."""
    try:
        return [field.name for field in arrow.fields(_parquet.read_schema(path))]
    except (pa.ArrowInvalid, OSError) as error:
        raise CorruptFile(f"{name} cannot be read as Parquet: {_first_line(error)}.", _REMEDY) from error


def parquet_batches(path: Path, name: str) -> Iterator[pa.Table]:
    """The rows of a Parquet file. Raises CorruptFile when it is cut off."""
    try:
        with _parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS_PER_BATCH):
                yield pa.Table.from_batches([batch])
    except (pa.ArrowInvalid, OSError) as error:
        raise CorruptFile(f"{name} cannot be read to its end: {_first_line(error)}.", _REMEDY) from error


def columns_of(path: Path, name: str) -> list[str]:
    """The column names of a Parquet or CSV file.

    Raises:
        CorruptFile, EmptyAnswer: it cannot be read, or is empty.
        SchemaChanged: it is neither, as an image or an archive is.
    """
    refuse_stranger(path, name)
    return parquet_columns(path, name) if is_parquet(path) else csv_header(path, name)


def table_batches(path: Path, name: str, quarantine: Quarantine) -> Iterator[pa.Table]:
    """The rows of a Parquet file as they are, of a CSV file as text. Raises CorruptFile, EmptyAnswer."""
    return parquet_batches(path, name) if is_parquet(path) else csv_batches(path, name, quarantine)


def _corrupt(what: str, name: str, error: BaseException) -> CorruptFile:
    if isinstance(error, UnicodeDecodeError):
        byte = error.object[error.start]
        return CorruptFile(
            f"{name} is not in UTF-8 (it has a byte 0x{byte:02X}, as Latin-1 and Windows-1252 do).",
            "Save it in UTF-8, which Excel calls `CSV UTF-8`; nothing of it was landed.",
        )
    return CorruptFile(f"{what}: {_first_line(error)}.", _REMEDY)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:300]
