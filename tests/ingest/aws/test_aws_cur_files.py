"""Exported files of the AWS bill through the file door: folders, single files, buckets, with and without manifest."""

import gzip
import json
import shutil
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.errors import CorruptFile, EmptyAnswer, InferledgerError, SchemaChanged
from ingest.run import Window
from tests.ingest.aws.bills import CUR2, FOCUS, LEGACY, PAYER, csv_bytes, rows_of, write_csv
from tests.ingest.aws.conftest import LoadFrom, MakeContext, landed

SAMPLE = Path(__file__).parents[2] / "data" / "focus" / "focus_1_0_sample_1000.csv.gz"


def test_a_csv_of_each_format_is_known_by_its_columns_and_stays_text(load_from: LoadFrom, tmp_path: Path) -> None:
    for name, base in (("one", CUR2), ("two", LEGACY), ("three", FOCUS)):
        write_csv(tmp_path / "bills" / f"{name}.csv", rows_of(base, {}))
    results = load_from(tmp_path / "bills")
    assert {(result.stream, result.rows) for result in results} == {
        ("line_items_csv", 1),
        ("legacy_line_items", 1),
        ("focus_1_0_rows_csv", 1),
    }
    assert landed(tmp_path, "legacy_line_items")[0]["lineItem/UnblendedCost"] == "0.0012000000"
    assert landed(tmp_path, "focus_1_0_rows_csv")[0]["BilledCost"] == "0.00120000000"


def test_aws_3_7_focus_1_2_is_told_from_1_0_by_what_it_added(load_from: LoadFrom, tmp_path: Path) -> None:
    newer = {"InvoiceId": "NULL", "SkuMeter": "USE1-NovaPro-input-tokens", "ServiceSubcategory": "Generative AI"}
    path = write_csv(tmp_path / "focus.csv.gz", rows_of(FOCUS, newer))
    assert [result.stream for result in load_from(path)] == ["focus_1_2_rows_csv"]


def test_aws_3_2_tag_columns_of_the_legacy_report_become_one_map(load_from: LoadFrom, tmp_path: Path) -> None:
    load_from(
        write_csv(
            tmp_path / "legacy.csv", rows_of(LEGACY, {}, {"resourceTags/user:team": "", "lineItem/UnblendedCost": "2"})
        )
    )
    rows = landed(tmp_path, "legacy_line_items")
    assert [row["_resource_tags"] for row in rows] == [[("user:team", "docs")], []]
    assert rows[0]["resourceTags/user:team"] == "docs"


@pytest.mark.parametrize("name", ["bill.csv", "bill.csv.gz", "whatever.bin"])
def test_one_file_is_read_plain_or_gzipped_whatever_its_name(load_from: LoadFrom, tmp_path: Path, name: str) -> None:
    body = csv_bytes(rows_of(LEGACY, {}))
    (tmp_path / name).write_bytes(gzip.compress(body) if name != "bill.csv" else body)
    (result,) = load_from(tmp_path / name)
    assert (result.scope, result.rows) == (f"files-{PAYER}", 1)


def test_rows_of_several_payers_and_months_land_apart(load_from: LoadFrom, tmp_path: Path) -> None:
    october = {"bill/BillingPeriodStartDate": "2026-10-01T00:00:00Z"}
    other = {"bill/PayerAccountId": "100000000002"}
    load_from(write_csv(tmp_path / "bill.csv", rows_of(LEGACY, {}, october, other, october | other, {})))
    files = sorted((tmp_path / "landing" / "aws_cur" / "legacy_line_items").rglob("part.parquet"))
    assert {(file.parts[-3], file.parts[-2][-10:], pq.read_metadata(file).num_rows) for file in files} == {
        ("files-100000000001", "2026-10-01", 1),
        ("files-100000000001", "2026-11-01", 2),
        ("files-100000000002", "2026-10-01", 1),
        ("files-100000000002", "2026-11-01", 1),
    }


def test_only_the_months_of_the_window_are_loaded(load_from: LoadFrom, tmp_path: Path) -> None:
    october = {"bill/BillingPeriodStartDate": "2026-10-01T00:00:00Z"}
    path = write_csv(tmp_path / "bill.csv", rows_of(LEGACY, {}, october))
    november = Window(datetime(2026, 11, 3, tzinfo=UTC), datetime(2026, 11, 4, tzinfo=UTC))
    assert [result.window_start.month for result in load_from(path, window=november)] == [11]
    march = Window(datetime(2026, 3, 3, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC))
    with pytest.raises(EmptyAnswer, match="no billing period of the AWS bill in 2026-03-03"):
        load_from(path, window=march)


def test_what_cannot_be_read_is_set_apart_whichever_months_are_loaded(load_from: LoadFrom, tmp_path: Path) -> None:
    october = {"bill/BillingPeriodStartDate": "2026-10-01T00:00:00Z"}
    body = csv_bytes(rows_of(LEGACY, october, *[{} for _ in range(9)])) + b"torn,row\n"
    (tmp_path / "bill.csv").write_bytes(body)
    november = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
    results = load_from(tmp_path / "bill.csv", window=november)
    assert [(result.stream, result.rows) for result in results] == [("legacy_line_items", 9), ("_quarantine", 1)]


def test_the_same_file_twice_is_read_once(load_from: LoadFrom, tmp_path: Path) -> None:
    write_csv(tmp_path / "bills" / "a.csv", rows_of(LEGACY, {}))
    write_csv(tmp_path / "bills" / "copy of a.csv.gz", rows_of(LEGACY, {}))
    assert [result.rows for result in load_from(tmp_path / "bills")] == [1]


def test_files_with_other_extra_columns_land_together(load_from: LoadFrom, tmp_path: Path) -> None:
    write_csv(tmp_path / "bills" / "a.csv", rows_of(CUR2, {"fact_a": "1"}))
    write_csv(tmp_path / "bills" / "b.csv", rows_of(CUR2, {"fact_b": "2"}))
    load_from(tmp_path / "bills")
    rows = landed(tmp_path, "line_items_csv")
    assert [(row["fact_a"], row["fact_b"]) for row in rows] == [("1", None), (None, "2")]


def test_parquet_whose_amounts_are_decimals_keeps_their_digits(load_from: LoadFrom, tmp_path: Path) -> None:
    table = pa.Table.from_pylist(rows_of(CUR2, {})).drop_columns(["line_item_unblended_cost", "resource_tags"])
    cost = pa.array([Decimal("12345678901234.123456789012")], pa.decimal128(38, 12))
    tags = pa.array([[("user_team", "docs")]], pa.map_(pa.string(), pa.string()))
    table = table.append_column("line_item_unblended_cost", cost).append_column("resource_tags", tags)
    pq.write_table(table, tmp_path / "bill.parquet")
    assert [result.stream for result in load_from(tmp_path / "bill.parquet")] == ["line_items_csv"]
    row = landed(tmp_path, "line_items_csv")[0]
    assert row["line_item_unblended_cost"] == "12345678901234.123456789012"
    assert json.loads(row["resource_tags"]) == {"user_team": "docs"}


def test_parquet_whose_amounts_are_short_floats_keeps_what_they_say(load_from: LoadFrom, tmp_path: Path) -> None:
    table = pa.Table.from_pylist(rows_of(CUR2, {})).drop_columns(["line_item_unblended_cost"])
    table = table.append_column("line_item_unblended_cost", pa.array([0.1], pa.float32()))
    pq.write_table(table, tmp_path / "bill.parquet")
    load_from(tmp_path / "bill.parquet")
    assert landed(tmp_path, "line_items_csv")[0]["line_item_unblended_cost"] == "0.1"


BAD_ROWS = [
    ({"lineItem/UnblendedCost": "n/a"}, "lineItem/UnblendedCost is 'n/a', which is no number"),
    ({"lineItem/UnblendedCost": ""}, "lineItem/UnblendedCost is '', which is no number"),
    ({"lineItem/UnblendedCost": "1e99"}, "lineItem/UnblendedCost is '1e99', which is no number"),
    ({"lineItem/UnblendedCost": "1,20"}, "lineItem/UnblendedCost is '1,20', which is no number"),
    ({"lineItem/UsageStartDate": "05/11/2026"}, "lineItem/UsageStartDate is '05/11/2026', which is no date"),
    ({"lineItem/UsageEndDate": "2026-02-31T00:00:00Z"}, "which is no date"),
    ({"bill/PayerAccountId": ""}, "bill/PayerAccountId is empty"),
    ({"lineItem/CurrencyCode": ""}, "lineItem/CurrencyCode is empty"),
    ({"lineItem/UsageAmount": "many"}, "lineItem/UsageAmount is 'many', which is no number"),
]


@pytest.mark.parametrize(("change", "reason"), BAD_ROWS, ids=[reason for _, reason in BAD_ROWS])
def test_row_that_cannot_be_a_charge_is_set_apart_with_its_dollars(
    load_from: LoadFrom, tmp_path: Path, change: dict[str, str], reason: str
) -> None:
    load_from(write_csv(tmp_path / "bill.csv", rows_of(LEGACY, *[{}] * 5, change)))
    assert len(landed(tmp_path, "legacy_line_items")) == 5
    (apart,) = landed(tmp_path, "_quarantine")
    assert reason in apart["reason"]
    assert apart["amount"] == (None if "lineItem/UnblendedCost" in change else "0.0012000000")
    assert json.loads(apart["row"])["lineItem/LineItemDescription"] == "a row"


def test_quarantine_is_emptied_by_a_load_without_bad_rows(
    load_from: LoadFrom, make_context: MakeContext, tmp_path: Path
) -> None:
    bill = tmp_path / "bill.csv"
    load_from(write_csv(bill, rows_of(LEGACY, *[{}] * 5, {"lineItem/UnblendedCost": "n/a"})))
    load_from(write_csv(bill, rows_of(LEGACY, *[{}] * 6)), context=make_context("run-2"))
    assert landed(tmp_path, "_quarantine") == []


def test_file_of_which_more_than_a_fifth_is_bad_stops_and_nothing_lands(load_from: LoadFrom, tmp_path: Path) -> None:
    with pytest.raises(CorruptFile, match="2 of 6 rows cannot be taken"):
        load_from(write_csv(tmp_path / "bill.csv", rows_of(LEGACY, *[{}] * 4, *[{"lineItem/UnblendedCost": "x"}] * 2)))
    assert landed(tmp_path, "legacy_line_items") == []


def without(base: dict[str, str], *names: str) -> list[dict[str, str]]:
    return [{name: value for name, value in base.items() if name not in names}]


def test_missing_columns_are_named_for_the_nearest_format(load_from: LoadFrom, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "bill.csv", without(LEGACY, "lineItem/UnblendedCost", "pricing/unit"))
    with pytest.raises(SchemaChanged, match=r"legacy Cost and Usage Report.*lineItem/UnblendedCost, pricing/unit"):
        load_from(path)


def test_stranger_is_passed_over_and_a_renamed_header_is_not(load_from: LoadFrom, tmp_path: Path) -> None:
    bills = tmp_path / "bills"
    write_csv(bills / "a.csv", rows_of(LEGACY, {}))
    write_csv(bills / "shopping.csv", [{"item": "milk", "price": "1.20"}])
    assert [result.rows for result in load_from(bills)] == [1]
    renamed = [{name.replace("UnblendedCost", "Cost"): value for name, value in LEGACY.items()}]
    write_csv(bills / "b.csv", renamed)
    with pytest.raises(SchemaChanged, match=r"b\.csv looks like legacy.*lineItem/UnblendedCost"):
        load_from(bills)


def test_an_image_between_the_bills_is_named_and_the_rest_is_read(
    load_from: LoadFrom, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bills = tmp_path / "bills"
    write_csv(bills / "a.csv", rows_of(LEGACY, {}))
    (bills / "chart").write_bytes(b"\x89PNG\r\n\x1a\n")
    (bills / "nothing.csv").write_bytes(b"")
    assert [result.rows for result in load_from(bills)] == [1]
    assert "chart is no CSV, JSON or Parquet file: it is a PNG image" in caplog.text
    assert "nothing.csv is empty" in caplog.text


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_charge_of_an_impossible_year_is_set_apart_with_its_dollars(
    load_from: LoadFrom, tmp_path: Path, year: str
) -> None:
    odd = {"lineItem/UsageStartDate": f"{year}-01-01T00:00:00Z", "lineItem/UnblendedCost": "3.5"}
    load_from(write_csv(tmp_path / "bill.csv", rows_of(LEGACY, *[{}] * 9, odd)))
    (apart,) = landed(tmp_path, "_quarantine")
    assert (apart["reason"], apart["amount"]) == (
        f"lineItem/UsageStartDate is '{year}-01-01T00:00:00Z', which is no date",
        "3.5",
    )


@pytest.mark.parametrize(
    ("body", "expected", "says"),
    [
        (b"", EmptyAnswer, "is empty"),
        (csv_bytes([LEGACY]).split(b"\n")[0] + b"\n", EmptyAnswer, "holds no row"),
        (gzip.compress(csv_bytes(rows_of(LEGACY, *[{}] * 2000)))[:-40], CorruptFile, "cannot be read"),
        (csv_bytes([LEGACY]).decode().encode("utf-16"), CorruptFile, "UTF-16"),
        (csv_bytes([{"item": "milk"}]), SchemaChanged, "is none of"),
        (csv_bytes(rows_of(LEGACY, {"pricing/unit": "\xe9"})).decode().encode("latin-1"), CorruptFile, "not in UTF-8"),
        (csv_bytes([LEGACY]).replace(b"bill/BillType", b"bill/InvoiceId", 1), CorruptFile, "twice"),
    ],
    ids=["empty", "header alone", "truncated", "utf-16", "stranger", "latin-1", "doubled column"],
)  # fmt: skip
def test_file_that_is_no_bill_stops_with_a_sentence(
    load_from: LoadFrom, tmp_path: Path, body: bytes, expected: type[InferledgerError], says: str
) -> None:
    (tmp_path / "bill.csv").write_bytes(body)
    with pytest.raises(expected, match=says):
        load_from(tmp_path / "bill.csv")


def test_real_focus_bill_lands_every_row_of_every_provider(load_from: LoadFrom, tmp_path: Path) -> None:
    results = load_from(SAMPLE)
    assert sum(result.rows for result in results) == 1000
    assert {result.stream for result in results} == {"focus_1_0_rows_csv"}
    rows = landed(tmp_path, "focus_1_0_rows_csv")
    assert len(rows) == 1000
    shutil.rmtree(tmp_path / "landing")
