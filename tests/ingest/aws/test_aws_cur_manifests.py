"""Folders of the AWS bill as AWS writes them, with their manifests, copied from a bucket."""

import json
from pathlib import Path

import pytest

from ingest.errors import ConfigError, CorruptFile, EmptyAnswer
from ingest.sources import aws_cur
from tests.emulator.aws.local_aws import LocalAws
from tests.ingest.aws.bills import CUR2, LEGACY, PAYER, rows_of, write_csv
from tests.ingest.aws.conftest import LoadFrom, MakeContext, landed


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

    def test_what_a_manifest_above_does_not_name_is_told_as_not_read(
        self, load_from: LoadFrom, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        bills = tmp_path / "copy"
        write_csv(bills / "r-00001.csv", rows_of(LEGACY, {}))
        write_csv(bills / "other" / "bill.csv", rows_of(LEGACY, {}))
        manifest = {"reportKeys": ["r-00001.csv"], "billingPeriod": {"start": "20261101T000000.000Z"}}
        (bills / "r-Manifest.json").write_text(json.dumps(manifest))
        (result,) = load_from(bills)
        assert result.rows == 1
        assert "passed over other/bill.csv: no manifest beside or above it names it" in caplog.text
        (status,) = landed(tmp_path, "_status")
        assert status["message"].startswith("No manifest names other/bill.csv: not read.")

    def test_an_older_execution_is_no_news(self, load_from: LoadFrom, tmp_path: Path) -> None:
        self.cur2(tmp_path / "copy", "2026-11-06T08:00:00.000Z-77", "2")
        self.cur2(tmp_path / "copy", "2026-11-05T23:00:00.000Z-aa", "1")
        load_from(tmp_path / "copy")
        assert [row["message"] for row in landed(tmp_path, "_status")] == [None]

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

    def test_aws_3_8_legacy_manifest_beside_the_assemblies_names_the_newest(
        self, load_from: LoadFrom, tmp_path: Path
    ) -> None:
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
