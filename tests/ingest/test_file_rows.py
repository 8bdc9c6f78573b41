"""Rows of exported files: what came in is a row or in quarantine, and a broken file is a sentence."""

import csv
import gzip
import io
import json
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.contracts import StreamContract
from ingest.errors import CorruptFile, EmptyAnswer, InferledgerError
from ingest.file_rows import columns_of, csv_batches, json_rows, table_batches
from ingest.quarantine import Quarantine

CONTRACT = StreamContract("litellm", "requests", pa.schema([("a", pa.string())]))


def written(folder: Path, content: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def rows_of(path: Path) -> tuple[list[dict[str, Any]], Quarantine]:
    quarantine = Quarantine(CONTRACT)
    return [row for table in csv_batches(path, "f.csv", quarantine) for row in table.to_pylist()], quarantine


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzipped"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["no mark", "byte order mark"])
def test_csv_is_read_as_text_whatever_its_name(tmp_path: Path, packed: bool, mark: bytes) -> None:
    content = mark + b'a,b\n1.10,"x, ""y""\nz"\n,007\n'
    path = written(tmp_path, gzip.compress(content) if packed else content)
    assert columns_of(path, "f.csv") == ["a", "b"]
    rows, quarantine = rows_of(path)
    assert rows == [{"a": "1.10", "b": 'x, "y"\nz'}, {"a": None, "b": "007"}]
    assert quarantine.rows == []


def test_a_row_of_another_width_is_set_apart_with_its_text(tmp_path: Path) -> None:
    rows, quarantine = rows_of(written(tmp_path, b"a,b\n1,2\n3\n4,5,6\n7,8\n"))
    assert [row["a"] for row in rows] == ["1", "7"]
    assert [(row["reason"], row["row"]) for row in quarantine.rows] == [
        ("1 values where 2 columns are named", "3"),
        ("3 values where 2 columns are named", "4,5,6"),
    ]


@pytest.mark.parametrize(
    ("opening", "closing"),
    [('"row, 3', 'row, 6"'), ('"row, 3', 'row 6"'), ('"row, 3', '"row, 6'), ('"row, 3', "row 6"), ('"row 3', 'row 6"')],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_rows_between_two_broken_quotes_do_not_become_one(
    tmp_path: Path, opening: str, closing: str, ends: str
) -> None:
    names = {3: opening, 6: closing}
    lines = ["a,b,c,d,e,f,g,name,cost"]
    lines += [f"{row},x,x,x,x,x,x,{names.get(row, 'plain')},10" for row in range(10)]
    path = written(tmp_path, (ends.join(lines) + ends).encode())
    with pytest.raises(CorruptFile, match=r"f\.csv: a quote is .*(several rows are read as one|never closed)"):
        rows_of(path)


def test_a_text_over_several_lines_is_one_value(tmp_path: Path) -> None:
    text = '"first, second,\nthird, ""fourth"",\n"'
    rows, quarantine = rows_of(written(tmp_path, f"a,b,c,d,e,f,g,h\n1,2,3,4,5,6,7,{text}\n".encode()))
    assert [row["h"] for row in rows] == ['first, second,\nthird, "fourth",\n']
    assert quarantine.rows == []


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (b"", EmptyAnswer, "f.csv is empty"),
        (b"\xff\xfea\x00,\x00b\x00\n\x00", CorruptFile, "UTF-16"),
        (gzip.compress(b"a,b\n" + b"1,2\n" * 5000)[:-30], CorruptFile, "cannot be read"),
        (b"a,a\n1,2\n", CorruptFile, "names columns twice: a"),
        (b"a,b\n\xe9\xe8,2\n", CorruptFile, "is not in UTF-8"),
        (b'a,b\n1,"x\n2,y\n', CorruptFile, "a quote is opened and never closed"),
    ],
    ids=["empty", "utf-16", "cut gzip", "repeated column", "latin-1", "open quote"],
)
def test_a_broken_csv_is_a_sentence(tmp_path: Path, content: bytes, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        rows_of(written(tmp_path, content))


def test_a_cut_parquet_file_is_a_sentence(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    pq.write_table(pa.table({"a": list(range(1000))}), whole)
    path = written(tmp_path, whole.read_bytes()[:-20])
    with pytest.raises(CorruptFile, match="cannot be read as Parquet"):
        columns_of(path, "f.parquet")


JSON_SHAPES = {
    "one a line": '{"a": 1.10}\n\n{"a": 2}\n',
    "a list": '[{"a": 1.10}, {"a": 2}]',
    "a list over lines": '[\n {"a": 1.10},\n {"a": 2}\n]\n',
    "pretty objects are one": '{\n "a": 1.10\n}',
    "one object": '{"a": 1.10}',
}


@pytest.mark.parametrize("text", JSON_SHAPES.values(), ids=JSON_SHAPES)
def test_json_is_read_in_each_shape(tmp_path: Path, text: str) -> None:
    quarantine = Quarantine(CONTRACT)
    rows = list(json_rows(written(tmp_path, b"\xef\xbb\xbf" + text.encode()), "f.json", quarantine))
    assert rows[0] == {"a": Decimal("1.10")}
    assert rows[1:] in ([], [{"a": 2}])
    assert quarantine.rows == []


def test_a_line_that_is_no_object_is_set_apart(tmp_path: Path) -> None:
    quarantine = Quarantine(CONTRACT)
    rows = list(json_rows(written(tmp_path, b'{"a": 1}\n{"a": \n7\n{"a": 2}\n'), "f.json", quarantine))
    assert rows == [{"a": 1}, {"a": 2}]
    assert [row["row"].strip() for row in quarantine.rows] == ['{"a":', "7"]


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\ufeff"), max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), min_size=1, max_size=8), st.integers(0, 2))
def test_no_csv_row_is_lost(rows: list[list[str]], wide: int) -> None:
    header = [f"c{number}" for number in range(2 + wide)]
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([header, *rows])
    with TemporaryDirectory() as folder:
        found, quarantine = rows_of(written(Path(folder), text.getvalue().encode()))
    good = [row for row in rows if len(row) == len(header)]
    assert [[value or "" for value in row.values()] for row in found] == good
    assert len(quarantine.rows) == len(rows) - len(good)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_file_gives_rows_or_a_sentence(data: st.DataObject) -> None:
    sound = data.draw(
        st.sampled_from(
            [
                b"a,b\n" + b'1,"x"\n' * 40,
                gzip.compress(b"a,b\n" + b"1,2\n" * 40),
                "\n".join(json.dumps({"a": n}) for n in range(40)).encode(),
                json.dumps([{"a": n} for n in range(40)]).encode(),
            ]
        )
    )
    damage = data.draw(st.sampled_from(["cut", "flip", "insert", "repeat"]))
    at = data.draw(st.integers(0, len(sound) - 1))
    noise = data.draw(st.binary(min_size=1, max_size=6))
    broken = {
        "cut": sound[:at],
        "flip": sound[:at] + noise + sound[at + len(noise) :],
        "insert": sound[:at] + noise + sound[at:],
        "repeat": sound[:at] + sound,
    }[damage]
    with TemporaryDirectory() as folder:
        path = written(Path(folder), broken)
        for read in (table_batches, json_rows):
            try:
                for _ in read(path, "f", Quarantine(CONTRACT)):
                    pass
            except InferledgerError as error:
                assert str(error)
