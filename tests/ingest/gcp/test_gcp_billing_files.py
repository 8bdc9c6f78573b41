"""Exported billing tables as files: the same rows as through the API, and nothing lost without being told."""

import gzip
import json
import shutil
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.errors import ConfigError, CorruptFile, EmptyAnswer, InferledgerError, PermissionDenied, SchemaChanged
from ingest.files import open_folder
from ingest.quarantine import quarantine_contract
from ingest.run import Window
from ingest.sources import gcp_billing
from ingest.sources.gcp_billing_focus import FOCUS_ROWS
from ingest.sources.gcp_billing_rows import EXPORT_ROWS, OWN_COLUMNS, conformed
from tests.ingest.gcp.exported import table, write_csv, write_json_lines, write_parquet

ACCOUNT = "01A2B3-C4D5E6-F7A8B9"
DAYS = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


def _rows(rig, kind="detailed", count=None):
    rows = table(rig.world.folder("gcp"), rig.clock.now(), kind)
    return rows if count is None else rows.slice(0, count)


def _load(rig, path, window=None):
    with open_folder(str(path), rig.context.settings) as folder:
        return gcp_billing.load_files(rig.context, folder, window)


def _landed(rig, stream=EXPORT_ROWS):
    return rig.context.landing.read(stream)


def _bag(rows: pa.Table) -> Counter[str]:
    """The multiset of rows in the fields that are landed; empty and absent records and texts are one."""
    kept = conformed(rows, EXPORT_ROWS.schema)
    names = [name for name in kept.column_names if name not in OWN_COLUMNS]
    return Counter(json.dumps(_plain(row), default=str, sort_keys=True) for row in kept.select(names).to_pylist())


def _plain(value):
    if isinstance(value, dict):
        kept = {name: _plain(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item not in (None, "", {}, [])} or None
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _quarantined(rig):
    return rig.context.landing.read(quarantine_contract("gcp_billing")).to_pylist()


@pytest.mark.parametrize("form", ["parquet", "json", "json.gz", "csv"])
def test_every_form_of_file_lands_the_rows_of_the_table(rig, tmp_path, form):
    small = _rows(rig, count=400)
    write = {"parquet": write_parquet, "csv": write_csv}.get(form, write_json_lines)
    half = small.num_rows // 2
    write(small.slice(0, half), tmp_path / "in" / f"export-000000000000.{form}")
    write(small.slice(half), tmp_path / "in" / f"export-000000000001.{form}")
    results = _load(rig, tmp_path / "in")
    assert _bag(_landed(rig)) == _bag(small)
    assert sum(result.rows for result in results if result.stream == "export_rows") == small.num_rows
    months = {f"{month[:4]}-{month[4:]}-01" for month in {row["month"] for row in small["invoice"].to_pylist()}}
    assert set(rig.context.landing.windows(EXPORT_ROWS, f"files-detailed-{ACCOUNT}")) == months
    assert {row["read_from"] for row in _landed(rig).select(["read_from"]).to_pylist()} == {"files"}
    assert _quarantined(rig) == []


def test_loading_the_same_files_twice_changes_nothing(rig, tmp_path):
    path = write_parquet(_rows(rig, count=800), tmp_path / "export.parquet")
    _load(rig, path)
    assert not any(result.changed for result in _load(rig, path))


def test_the_standard_and_the_focus_export_are_known_by_their_columns(rig, tmp_path):
    write_json_lines(_rows(rig, "standard", 200), tmp_path / "in" / "whatever")
    write_csv(_rows(rig, "focus", 200), tmp_path / "in" / "nobody-knows.csv")
    (tmp_path / "in" / "README.md").write_text("not a bill")
    (tmp_path / "in" / "other.csv").write_text("a,b\n1,2\n")
    _load(rig, tmp_path / "in")
    assert {row["export_kind"] for row in _landed(rig).to_pylist()} == {"standard"}
    focus = _landed(rig, FOCUS_ROWS).to_pylist()
    assert {row["export_kind"] for row in focus} == {"focus"}
    wanted = sum((Decimal(row["BilledCost"]) for row in _rows(rig, "focus", 200).to_pylist()), Decimal(0))
    assert sum(row["BilledCost"] for row in focus) == wanted


def test_flattened_csv_columns_are_records_again(rig, tmp_path):
    rows = _rows(rig, count=3).to_pylist()
    flat: dict[str, None] = {}
    for row in rows:
        for name, value in row.items():
            flat |= {f"{name}.{part}": None for part in value} if isinstance(value, dict) else {name: None}
    lines = [",".join(flat)]
    for row in rows:
        cells = []
        for name in flat:
            first, _, part = name.partition(".")
            value = (row[first] or {}).get(part) if part else row[first]
            text = json.dumps(value, default=str) if isinstance(value, list) else "" if value is None else str(value)
            cells.append('"' + text.replace('"', '""') + '"')
        lines.append(",".join(cells))
    (tmp_path / "flat.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _load(rig, tmp_path / "flat.csv")
    assert _bag(_landed(rig)) == _bag(_rows(rig, count=3))


def test_a_row_without_readable_cost_or_invoice_month_is_set_apart_with_its_dollars(rig, tmp_path):
    rows = _rows(rig, count=40).to_pylist()
    rows[1]["cost"], rows[2]["invoice"]["month"], rows[3]["cost"] = "n/a", "202613", None
    rows[2]["cost"], rows[2]["credits"] = 2.5, [{"amount": -0.5, "type": "DISCOUNT"}]
    write_json_lines(rows, tmp_path / "export.json")
    _load(rig, tmp_path / "export.json")
    assert _landed(rig).num_rows == 37
    apart = {row["reason"]: row for row in _quarantined(rig)}
    assert len(apart) == 3
    assert apart["cost is 'n/a', which is no number"]["amount"] is None
    assert apart["cost is 'n/a', which is no number"]["billing_month"] == date(2026, 11, 1)
    assert apart["invoice.month is '202613', which is no invoice month"]["amount"] == "2.0"
    status = pq.read_table(rig.context.settings.home / "landing" / "gcp_billing" / "_status").to_pylist()
    assert "3 rows of the files cannot be taken (2.0 where their cost can be read)." in status[0]["message"]


def test_a_parquet_row_without_cost_is_set_apart_too(rig, tmp_path):
    rows = _rows(rig, count=20)
    costs = pa.array([None, float("nan"), *rows["cost"].to_pylist()[2:]], pa.float64())
    index = rows.schema.get_field_index("cost")
    write_parquet(rows.set_column(index, "cost", costs), tmp_path / "export.parquet")
    _load(rig, tmp_path / "export.parquet")
    assert (_landed(rig).num_rows, len(_quarantined(rig))) == (18, 2)


@pytest.mark.parametrize("form", ["parquet", "json"])
@pytest.mark.parametrize("year", [1, 9999])
def test_a_row_of_an_impossible_year_is_set_apart_with_its_dollars(rig, tmp_path, form, year):
    rows = _rows(rig, count=20)
    records = rows.to_pylist()
    records[0]["usage_start_time"] = records[0]["usage_start_time"].replace(year=year)
    records[0]["cost"], records[0]["credits"] = 2.5, []
    if form == "json":
        write_json_lines(records, tmp_path / "export")
    else:
        write_parquet(pa.Table.from_pylist(records, schema=rows.schema), tmp_path / "export")
    _load(rig, tmp_path / "export")
    (apart,) = _quarantined(rig)
    assert "usage_start_time is" in apart["reason"]
    assert "which is no time" in apart["reason"]
    assert (apart["amount"], _landed(rig).num_rows) == ("2.5", 19)


def test_an_image_between_the_exports_is_named_and_the_rest_is_read(rig, tmp_path, caplog):
    write_parquet(_rows(rig, count=20), tmp_path / "in" / "export")
    (tmp_path / "in" / "chart.csv").write_bytes(b"\x89PNG\r\n\x1a\n")
    _load(rig, tmp_path / "in")
    assert _landed(rig).num_rows == 20
    assert "chart.csv is no CSV, JSON or Parquet file: it is a PNG image" in caplog.text


def test_half_a_character_in_a_label_does_not_stop_the_file(rig, tmp_path):
    records = _rows(rig, count=5).to_pylist()
    records[0]["labels"] = [{"key": "team", "value": "docs"}]
    path = write_json_lines(records, tmp_path / "export.json")
    path.write_text(path.read_text().replace('"docs"', '"docs\\ud83d"'))
    _load(rig, path)
    assert {"key": "team", "value": "docs?"} in [label for row in _landed(rig)["labels"].to_pylist() for label in row]


def test_a_second_load_without_the_fault_empties_the_quarantine(rig, tmp_path):
    rows = _rows(rig, count=40).to_pylist()
    broken = [dict(row) for row in rows]
    broken[0]["cost"] = "?"
    _load(rig, write_json_lines(broken, tmp_path / "export.json"))
    assert len(_quarantined(rig)) == 1
    _load(rig, write_json_lines(rows, tmp_path / "export.json"))
    assert (_landed(rig).num_rows, _quarantined(rig)) == (40, [])


def test_a_copy_of_a_file_is_told_and_not_read_twice(rig, tmp_path):
    path = write_json_lines(_rows(rig, count=30), tmp_path / "in" / "a.json")
    shutil.copy(path, tmp_path / "in" / "b.json")
    _load(rig, tmp_path / "in")
    assert _landed(rig).num_rows == 30
    status = pq.read_table(rig.context.settings.home / "landing" / "gcp_billing" / "_status").to_pylist()
    assert status[0]["message"] == "b.json is a copy of another file and was not read."


def test_equal_rows_of_one_file_are_all_summed(rig, tmp_path):
    row = _rows(rig, count=1)
    write_parquet(pa.concat_tables([row, row]), tmp_path / "export.parquet")
    _load(rig, tmp_path / "export.parquet")
    assert _landed(rig).num_rows == 2


def test_only_the_months_of_the_window_are_landed(rig, tmp_path):
    rows = _rows(rig, count=4).to_pylist()
    rows[0]["invoice"]["month"] = "202610"
    _load(rig, write_json_lines(rows, tmp_path / "export.json"), DAYS)
    assert {row["invoice"]["month"] for row in _landed(rig).to_pylist()} == {"202611"}
    assert _landed(rig).num_rows == 3


def test_numbers_and_times_come_in_any_of_googles_spellings(rig, tmp_path):
    rows = [json.loads(json.dumps(row, default=str)) for row in _rows(rig, count=2).to_pylist()]
    rows[0] |= {"cost": "1.0E-7", "usage_start_time": "2026-11-05T03:00:00Z", "currency_conversion_rate": "0.8571"}
    rows[1] |= {"cost": 3, "usage_start_time": "2026-11-05 03:00:00.123456 UTC", "labels": None}
    (tmp_path / "export.json").write_text(json.dumps(rows), encoding="utf-8")
    _load(rig, tmp_path / "export.json")
    landed = sorted(_landed(rig).to_pylist(), key=lambda row: row["cost"])
    assert [row["cost"] for row in landed] == [1e-07, 3.0]
    assert [row["usage_start_time"].microsecond for row in landed] == [0, 123456]
    assert landed[1]["labels"] == []


@pytest.mark.parametrize(
    ("name", "content", "error", "sentence"),
    [
        ("a.csv", b"billing_account_id,service,sku\n1,2,3\n", SchemaChanged, "these columns are missing"),
        ("a.csv", b"name,size\nx,1\n", SchemaChanged, "is none of"),
        ("a.json", b"", EmptyAnswer, "holds a row"),
        ("a.json.gz", gzip.compress(b'{"cost": 1}' * 500)[:40], CorruptFile, "cannot be read"),
        ("a.parquet", b"PAR1 and then nothing", CorruptFile, "cannot be read as Parquet"),
        ("a.csv", "\ufeffkosten,währung\n1,€\n".encode("utf-16"), CorruptFile, "UTF-16"),
        ("notes.md", b"nothing", EmptyAnswer, "holds a row"),
    ],
    ids=["columns missing", "another table", "empty", "cut gzip", "cut parquet", "utf-16", "no export"],
)
def test_what_is_no_export_is_refused_in_one_sentence(rig, tmp_path, name, content, error, sentence):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=sentence):
        _load(rig, tmp_path / name)


def test_files_come_from_a_bucket_of_cloud_storage(rig, tmp_path):
    rows = _rows(rig, count=300)
    bucket = rig.world.folder("gcp") / "buckets" / tmp_path.name
    try:
        write_json_lines(rows, bucket / "billing" / "2026-11" / "export-000000000000.json.gz")
        write_json_lines(rows, bucket / "billing-of-others" / "export.json")
        _load(rig, f"gs://{tmp_path.name}/billing")
        assert _bag(_landed(rig)) == _bag(rows)
        _load(rig, f"gs://{tmp_path.name}/billing/2026-11/export-000000000000.json.gz")
        with pytest.raises(EmptyAnswer, match="no file in it"):
            _load(rig, f"gs://{tmp_path.name}/bill")
        with pytest.raises(ConfigError, match="no such bucket"):
            _load(rig, "gs://nobody-has-it/billing")
        rig.faults.add("gcp", "objects.get", "server_error", times=1)
        _load(rig, f"gs://{tmp_path.name}/billing")
        rig.faults.add("gcp", "objects.list", "forbidden", times=None)
        with pytest.raises(PermissionDenied) as refused:
            _load(rig, f"gs://{tmp_path.name}/billing")
        assert "roles/storage.objectViewer on bucket" in refused.value.remedy
    finally:
        shutil.rmtree(bucket)


def test_a_file_with_too_many_bad_rows_lands_nothing(rig, tmp_path):
    rows = _rows(rig, count=10).to_pylist()
    for row in rows[:5]:
        row["cost"] = "?"
    with pytest.raises(InferledgerError, match="5 of 10 rows cannot be taken, the first because cost is"):
        _load(rig, write_json_lines(rows, tmp_path / "export.json"))
    assert _landed(rig).num_rows == 0
