"""Exported files of the AWS bill through the file door: folders, single files, buckets, with and without manifest."""

import gzip
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.contracts import Context, LoadResult
from ingest.errors import ConfigError, CorruptFile, EmptyAnswer, InferledgerError, SchemaChanged
from ingest.files import open_folder
from ingest.run import Window
from ingest.sources import aws_cur
from tests.emulator.aws.local_aws import LocalAws
from tests.ingest.aws.bills import CUR2, FOCUS, LEGACY, PAYER, csv_bytes, rows_of, write_csv
from tests.ingest.aws.conftest import MakeContext

SAMPLE = Path(__file__).parents[2] / "data" / "focus" / "focus_1_0_sample_1000.csv.gz"
LoadFrom = Callable[..., list[LoadResult]]


@pytest.fixture
def load_from(make_context: MakeContext) -> LoadFrom:
    def load(location: str | Path, *, window: Window | None = None, context: Context | None = None) -> list[LoadResult]:
        context = context or make_context()
        with open_folder(str(location), context.settings) as folder:
            return aws_cur.load_files(context, folder, window)

    return load


def landed(home: Path, stream: str) -> list[dict[str, Any]]:
    files = sorted((home / "landing" / "aws_cur" / stream).rglob("part.parquet"))
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


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


def test_focus_1_2_is_told_from_1_0_by_what_it_added(load_from: LoadFrom, tmp_path: Path) -> None:
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


@pytest.mark.parametrize(
    ("body", "expected", "says"),
    [
        (b"", EmptyAnswer, "is empty"),
        (csv_bytes([LEGACY]).split(b"\n")[0] + b"\n", EmptyAnswer, "holds no row"),
        (gzip.compress(csv_bytes(rows_of(LEGACY, *[{}] * 2000)))[:-40], CorruptFile, "cannot be read"),
        (csv_bytes([LEGACY]).decode().encode("utf-16"), CorruptFile, "UTF-16"),
        (csv_bytes([{"item": "milk"}]), SchemaChanged, "is none of"),
        (csv_bytes(rows_of(LEGACY, {"pricing/unit": "\xe9"})).decode().encode("latin-1"), CorruptFile, "cannot be"),
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


class TestManifests:
    """Folders as AWS writes them, copied from a bucket."""

    def cur2(self, folder: Path, execution: str, cost: str, *, unnamed: bool = False) -> None:
        place = f"BILLING_PERIOD=2026-11/{execution}" if execution else "BILLING_PERIOD=2026-11"
        data = folder / "daily" / "data" / place
        write_csv(data / "daily-00001.csv.gz", rows_of(CUR2, {"line_item_unblended_cost": cost}))
        if unnamed:
            write_csv(data / "daily-00002.csv.gz", rows_of(CUR2, {"line_item_unblended_cost": "99"}))
        manifest = folder / "daily" / "metadata" / place / "daily-Manifest.json"
        manifest.parent.mkdir(parents=True)
        key = f"s3://somewhere/prefix/daily/data/{place}/daily-00001.csv.gz"
        manifest.write_text(json.dumps({"dataFiles": [{"filePath": key}]}))

    def costs(self, home: Path, stream: str) -> list[str]:
        name = "lineItem/UnblendedCost" if stream == "legacy_line_items" else "line_item_unblended_cost"
        return [row[name] for row in landed(home, stream)]

    def test_aws_3_8_the_manifest_names_the_files(self, load_from: LoadFrom, tmp_path: Path) -> None:
        self.cur2(tmp_path / "copy", "", "1.5", unnamed=True)
        (result,) = load_from(tmp_path / "copy")
        assert (result.scope, self.costs(tmp_path, "line_items_csv")) == ("daily", ["1.5"])

    def test_aws_3_8_the_newest_execution_of_a_period_counts(self, load_from: LoadFrom, tmp_path: Path) -> None:
        self.cur2(tmp_path / "copy", "2026-11-06T08:00:00.000Z-77", "2")
        self.cur2(tmp_path / "copy", "2026-11-05T23:00:00.000Z-aa", "1")
        load_from(tmp_path / "copy")
        assert self.costs(tmp_path, "line_items_csv") == ["2"]

    def legacy(self, folder: Path) -> None:
        span = folder / "team-report" / "20261101-20261201"
        for assembly, cost in (("9f", "1"), ("1a", "2")):
            write_csv(span / assembly / "team-report-00001.csv.gz", rows_of(LEGACY, {"lineItem/UnblendedCost": cost}))
            key = f"p/team-report/20261101-20261201/{assembly}/team-report-00001.csv.gz"
            manifest = json.dumps({"assemblyId": assembly, "reportKeys": [key]})
            (span / assembly / "team-report-Manifest.json").write_text(manifest)
            (span / "team-report-Manifest.json").write_text(manifest)

    def test_legacy_manifest_beside_the_assemblies_names_the_newest(self, load_from: LoadFrom, tmp_path: Path) -> None:
        self.legacy(tmp_path / "copy")
        (result,) = load_from(tmp_path / "copy")
        assert (result.scope, self.costs(tmp_path, "legacy_line_items")) == ("team-report", ["2"])

    def test_manifest_beside_its_files_states_its_period_itself(self, load_from: LoadFrom, tmp_path: Path) -> None:
        flat = tmp_path / "flat"
        write_csv(flat / "r-00001.csv", rows_of(LEGACY, {}))
        period = {"start": "20261101T000000.000Z", "end": "20261201T000000.000Z"}
        (flat / "r-Manifest.json").write_text(json.dumps({"billingPeriod": period, "reportKeys": ["x/y/r-00001.csv"]}))
        (result,) = load_from(flat)
        assert (result.scope, result.window_start.month, result.rows) == ("r", 11, 1)

    def test_manifest_that_names_a_missing_file_stops(self, load_from: LoadFrom, tmp_path: Path) -> None:
        self.cur2(tmp_path / "copy", "", "1")
        next((tmp_path / "copy").rglob("*.csv.gz")).unlink()
        with pytest.raises(CorruptFile, match=r"names .*daily-00001\.csv\.gz, which is not there"):
            load_from(tmp_path / "copy")

    def test_bucket_and_folder_land_the_same(
        self, aws: LocalAws, load_from: LoadFrom, make_context: MakeContext, tmp_path: Path
    ) -> None:
        client = aws.client("s3", account=PAYER)
        client.create_bucket(Bucket="copies")
        self.legacy(tmp_path / "copy")
        for path in (tmp_path / "copy").rglob("*.*"):
            client.upload_file(str(path), "copies", f"a/b/{path.relative_to(tmp_path / 'copy').as_posix()}")
        first = load_from(tmp_path / "copy")
        again = load_from("s3://copies/a/b", context=make_context("run-2"))
        assert [(one.scope, one.checksum, one.changed) for one in again] == [(first[0].scope, first[0].checksum, False)]
        one_file = load_from(
            "s3://copies/a/b/team-report/20261101-20261201/9f/team-report-00001.csv.gz", context=make_context("run-3")
        )
        assert [(one.scope, one.rows) for one in one_file] == [(f"files-{PAYER}", 1)]
        with pytest.raises(EmptyAnswer, match="no file in it"):
            load_from("s3://copies/nothing")
        with pytest.raises(ConfigError, match="NoSuchBucket"):
            load_from("s3://nobodys-bucket/a")

    def test_configured_legacy_report_is_found_in_its_bucket(
        self, aws: LocalAws, make_context: MakeContext, tmp_path: Path
    ) -> None:
        client = aws.client("s3", account=PAYER)
        client.create_bucket(Bucket="reports")
        self.legacy(tmp_path / "copy")
        for path in (tmp_path / "copy").rglob("*.*"):
            client.upload_file(str(path), "reports", f"p/{path.relative_to(tmp_path / 'copy').as_posix()}")
        context = make_context()
        export = context.config.aws.exports[0].model_copy(
            update={"name": "team-report", "bucket": "reports", "prefix": "p"}
        )
        section = context.config.aws.model_copy(update={"exports": (export,)})
        config = context.config.model_copy(update={"aws_section": section})
        assert [one.rows for one in aws_cur.load(make_context(config=config), None)] == [1]
        assert self.costs(tmp_path, "legacy_line_items") == ["2"]
        assert aws_cur.load(make_context("run-2", config=config), None) == []


def test_real_focus_bill_lands_every_row_of_every_provider(load_from: LoadFrom, tmp_path: Path) -> None:
    results = load_from(SAMPLE)
    assert sum(result.rows for result in results) == 1000
    assert {result.stream for result in results} == {"focus_1_0_rows_csv"}
    rows = landed(tmp_path, "focus_1_0_rows_csv")
    assert len(rows) == 1000
    shutil.rmtree(tmp_path / "landing")
