"""What a file is by its content: pictures are strangers, damaged bills are not, and cut characters are told."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.contracts import StreamContract
from ingest.errors import CorruptFile, SchemaChanged
from ingest.file_content import holds_json, starts_as_json
from ingest.file_rows import columns_of, csv_batches, json_document, json_rows, read_text
from ingest.quarantine import Quarantine

CONTRACT = StreamContract("litellm", "requests", pa.schema([("a", pa.string())]))


def written(folder: Path, content: bytes) -> Path:
    path = folder / "file"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (gzip.compress(b"\xff\xd8\xff\xe0\0\x10JFIF"), "a JPEG image"),
        (b"PK\x03\x04\x14\0", "a ZIP archive or an Office document"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"a,b\0\n", "of bytes that are no text"),
    ],
    ids=["png", "gzipped jpeg", "zip", "pdf", "zero bytes"],
)
def test_what_cannot_be_a_table_is_named(tmp_path: Path, content: bytes, kind: str) -> None:
    with pytest.raises(SchemaChanged, match=f"logo.csv is no CSV, JSON or Parquet file: it is {kind}") as told:
        columns_of(written(tmp_path, content), "logo.csv")
    assert not told.value.is_near


def test_a_damaged_file_is_no_stranger(tmp_path: Path) -> None:
    packed = gzip.compress(json.dumps([{"number": number} for number in range(9999)]).encode())
    with pytest.raises(CorruptFile):
        columns_of(written(tmp_path, packed[:200]), "f")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "whole")
    with pytest.raises(CorruptFile):
        columns_of(written(tmp_path, (tmp_path / "whole").read_bytes()[:-9]), "f")


@pytest.mark.parametrize(
    ("content", "starts", "holds"),
    [
        (b'\xef\xbb\xbf \n{"a": 1}', True, True),
        (gzip.compress(b'[{"a": 1}]'), True, True),
        (b'oken":1}\n{"a": 1}\n', False, True),
        (b"# A title\n\nSome words.\n", False, False),
        (b"\x89PNG\r\n{", False, False),
        (b"", False, False),
    ],
    ids=["object", "gzipped list", "first line cut", "text", "image", "empty"],
)
def test_json_is_known_by_how_its_lines_begin(tmp_path: Path, content: bytes, starts: bool, holds: bool) -> None:
    path = written(tmp_path, content)
    assert (starts_as_json(path), holds_json(path)) == (starts, holds)


def test_latin_1_is_told_with_what_to_do(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\nMünchen,2\n".encode("latin-1"))
    for read in (lambda: read_text(path, "f.csv"), lambda: list(csv_batches(path, "f.csv", Quarantine(CONTRACT)))):
        with pytest.raises(CorruptFile, match=r"f\.csv is not in UTF-8 \(it has a byte 0xFC") as told:
            read()
        assert "CSV UTF-8" in told.value.remedy


def test_half_a_character_becomes_a_question_mark(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"a": "x\\ud83d", "\\uDE00k": ["\\ud83d\\ude00"]}')
    expected = {"a": "x?", "?k": ["😀"]}
    assert list(json_rows(path, "f.json", Quarantine(CONTRACT))) == [expected]
    assert json_document(path, "f.json") == expected
    pa.Table.from_pylist([expected])
