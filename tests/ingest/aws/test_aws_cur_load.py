import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.config import SourcesConfig
from ingest.errors import (
    ConfigError,
    CorruptFile,
    CredentialExpired,
    EmptyAnswer,
    InferledgerError,
    PermissionDenied,
    SchemaChanged,
    TransientError,
    Unreachable,
    WrongRegion,
)
from ingest.run import Window
from ingest.sources import aws_cur
from tests.emulator.aws.local_aws import AS_OF, BUCKET, PAYER, LocalAws
from tests.ingest.aws.conftest import MakeContext

EXPORT = "inferledger-cur2"
NOVEMBER = "cur/inferledger-cur2/metadata/BILLING_PERIOD=2026-11/inferledger-cur2-Manifest.json"


def with_export(sources: SourcesConfig, **changes: str) -> SourcesConfig:
    aws = sources.aws
    export = aws.exports[0].model_copy(update=changes)
    section = aws.model_copy(update={"exports": (export,)})
    return sources.model_copy(update={"aws_section": section})


def landed_cost(home: Path) -> Decimal:
    files = sorted((home / "landing" / "aws_cur" / "line_items").rglob("part.parquet"))
    return sum(
        (Decimal(repr(cost)) for file in files for cost in pq.read_table(file)["line_item_unblended_cost"].to_pylist()),
        Decimal(0),
    )


def true_cost(aws: LocalAws, now: datetime) -> Decimal:
    rows = [
        row
        for name in ("charges", "out_of_scope")
        for row in pq.read_table(aws.home / "truth" / f"{name}.parquet").to_pylist()
    ]
    shown = [
        row for row in rows if row["visible_from"] <= now and (row["visible_to"] is None or now < row["visible_to"])
    ]
    return sum((row["billed_cost"] for row in shown), Decimal(0))


def test_first_run_lands_every_period_to_the_cent_and_more(
    aws: LocalAws, make_context: MakeContext, tmp_path: Path
) -> None:
    results = aws_cur.load(make_context(), None)
    assert [f"{result.window_start:%Y-%m}" for result in results] == ["2026-10", "2026-11"]
    assert landed_cost(tmp_path) == true_cost(aws, AS_OF)
    status = pq.read_table(tmp_path / "landing" / "aws_cur" / "_status" / PAYER / "part.parquet").to_pylist()
    assert status[0]["watermark"] == datetime(2026, 11, 17, tzinfo=UTC)


def test_known_manifests_are_not_read_again(aws: LocalAws, make_context: MakeContext) -> None:
    aws_cur.load(make_context(), None)
    aws.faults.forget_requests()
    assert aws_cur.load(make_context("run-2"), None) == []
    assert Counter(request.operation for request in aws.faults.requests) == {"HeadBucket": 1, "ListObjectsV2": 1}


def test_lost_window_is_loaded_although_its_manifest_is_known(
    aws: LocalAws, make_context: MakeContext, tmp_path: Path
) -> None:
    aws_cur.load(make_context(), None)
    folder = next((tmp_path / "landing" / "aws_cur" / "line_items" / EXPORT).glob("window_start=2026-11-01"))
    (folder / "part.parquet").unlink()
    folder.rmdir()
    assert [result.window_start.month for result in aws_cur.load(make_context("run-2"), None)] == [11]


def test_aws_3_8_restated_month_replaces_the_landed_one(
    aws: LocalAws, make_context: MakeContext, tmp_path: Path
) -> None:
    earlier = AS_OF - timedelta(days=7)
    aws.clock.set(earlier)
    aws_cur.load(make_context(as_of=earlier), None)
    assert landed_cost(tmp_path) == true_cost(aws, earlier)
    aws.clock.set(AS_OF)
    aws_cur.load(make_context("run-2"), None)
    assert landed_cost(tmp_path) == true_cost(aws, AS_OF)


def test_window_that_was_asked_for_is_loaded_again(aws: LocalAws, make_context: MakeContext) -> None:
    aws_cur.load(make_context(), None)
    october = Window(datetime(2026, 10, 10, tzinfo=UTC), datetime(2026, 10, 12, tzinfo=UTC))
    results = aws_cur.load(make_context("run-2"), october)
    assert [(f"{result.window_start:%Y-%m-%d}", result.changed) for result in results] == [("2026-10-01", False)]


@pytest.mark.parametrize(
    ("operation", "kind", "expected", "says"),
    [
        ("ListObjectsV2", "empty", EmptyAnswer, "sources.yml"),
        ("ListObjectsV2", "forbidden", PermissionDenied, "s3:ListBucket as in deploy/aws/policy.json"),
        ("GetObject", "forbidden", PermissionDenied, "s3:GetObject as in deploy/aws/policy.json"),
        ("ListObjectsV2", "expired", CredentialExpired, "renew"),
        ("GetObject", "wrong_schema", SchemaChanged, "line_item_unblended_cost"),
        ("GetObject", "server_error", TransientError, "again"),
    ],
)
def test_lasting_fault_is_named_and_leaves_landing_alone(
    aws: LocalAws,
    make_context: MakeContext,
    tmp_path: Path,
    operation: str,
    kind: str,
    expected: type[InferledgerError],
    says: str,
) -> None:
    earlier = AS_OF - timedelta(days=1)
    aws.clock.set(earlier)
    aws_cur.load(make_context(as_of=earlier), None)
    landed = landed_cost(tmp_path)
    aws.clock.set(AS_OF)
    aws.faults.add("aws", operation, kind, times=None)
    with pytest.raises(expected, match=says):
        aws_cur.load(make_context("run-2"), None)
    assert landed_cost(tmp_path) == landed
    assert not list((tmp_path / "landing").rglob("*.tmp"))


@pytest.mark.parametrize("kind", ["throttle", "server_error"])
def test_passing_fault_is_ridden_out(aws: LocalAws, make_context: MakeContext, tmp_path: Path, kind: str) -> None:
    aws.faults.add("aws", "*", kind, times=2, after=3)
    aws_cur.load(make_context(), None)
    assert landed_cost(tmp_path) == true_cost(aws, AS_OF)


def test_cut_download_is_tried_again(aws: LocalAws, make_context: MakeContext, tmp_path: Path) -> None:
    aws.faults.add("aws", "GetObject", "cut", times=1, after=1)
    context = make_context()
    roomy = context.settings.model_copy(update={"retry_budget_seconds": 30.0})
    aws_cur.load(type(context)(roomy, context.config, context.landing, context.run), None)
    assert landed_cost(tmp_path) == true_cost(aws, AS_OF)


def test_wrong_region_says_the_right_one(aws: LocalAws, make_context: MakeContext, sources: SourcesConfig) -> None:
    with pytest.raises(WrongRegion, match="Set region: us-east-1"):
        aws_cur.load(make_context(config=with_export(sources, region="eu-west-1")), None)


def test_unreachable_endpoint_is_said(aws: LocalAws, make_context: MakeContext) -> None:
    with pytest.raises(Unreachable, match="nobody answers"):
        aws_cur.load(make_context(aws_s3_endpoint_url="http://127.0.0.1:9"), None)


def test_unknown_bucket_is_said(aws: LocalAws, make_context: MakeContext, sources: SourcesConfig) -> None:
    with pytest.raises(ConfigError, match=r"sources\.yml"):
        aws_cur.load(make_context(config=with_export(sources, bucket="nobodys-bucket")), None)


def test_missing_credentials_are_said(
    aws: LocalAws, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(CredentialExpired, match="AWS_ACCESS_KEY_ID"):
        aws_cur.load(make_context(), None)


def test_window_without_delivery_is_said(aws: LocalAws, make_context: MakeContext) -> None:
    spring = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
    with pytest.raises(EmptyAnswer, match="only 2026-10, 2026-11"):
        aws_cur.load(make_context(), spring)


class TestOtherBucket:
    """A bucket of somebody else, whose deliveries are not as ours."""

    NAME = "somebodys-exports"

    @pytest.fixture
    def config(self, aws: LocalAws, sources: SourcesConfig) -> SourcesConfig:
        client = aws.client("s3", account=PAYER)
        client.create_bucket(Bucket=self.NAME)
        return with_export(sources, bucket=self.NAME)

    def put(self, aws: LocalAws, manifest: bytes, **files: bytes) -> None:
        client = aws.client("s3", account=PAYER)
        for key, body in files.items():
            client.put_object(Bucket=self.NAME, Key=key, Body=body)
        client.put_object(Bucket=self.NAME, Key=NOVEMBER, Body=manifest)

    def real_file(self, aws: LocalAws) -> bytes:
        client = aws.client("s3", account=PAYER)
        keys = client.list_objects_v2(Bucket=BUCKET, Prefix=f"cur/{EXPORT}/data/BILLING_PERIOD=2026-11")["Contents"]
        return client.get_object(Bucket=BUCKET, Key=keys[0]["Key"])["Body"].read()

    def test_truncated_parquet_is_corrupt(
        self, aws: LocalAws, make_context: MakeContext, config: SourcesConfig
    ) -> None:
        body = self.real_file(aws)
        manifest = json.dumps({"dataFiles": ["part.parquet"]}).encode()
        self.put(aws, manifest, **{"part.parquet": body[: len(body) * 2 // 3]})
        with pytest.raises(CorruptFile, match=r"part\.parquet cannot be read"):
            aws_cur.load(make_context(config=config), None)

    @pytest.mark.parametrize("entry", ["s3", "object", "bucket"])
    def test_aws_3_8_manifest_entries_of_any_form_are_understood(
        self, aws: LocalAws, make_context: MakeContext, config: SourcesConfig, entry: str
    ) -> None:
        forms = {
            "s3": f"s3://{self.NAME}/a/part.parquet",
            "object": {"filePath": "a/part.parquet"},
            "bucket": f"{self.NAME}/a/part.parquet",
        }
        self.put(aws, json.dumps({"dataFiles": [forms[entry]]}).encode(), **{"a/part.parquet": self.real_file(aws)})
        assert aws_cur.load(make_context(config=config), None)[0].rows > 1000

    @pytest.mark.parametrize(
        ("manifest", "expected"),
        [
            (b"{", CorruptFile),
            (b'{"files": []}', CorruptFile),
            (b'{"dataFiles": []}', EmptyAnswer),
            (b'{"dataFiles": ["part.csv.gz"]}', ConfigError),
        ],
        ids=["no json", "no files named", "no file", "text"],
    )
    def test_manifest_that_names_no_parquet_is_refused(
        self,
        aws: LocalAws,
        make_context: MakeContext,
        config: SourcesConfig,
        manifest: bytes,
        expected: type[InferledgerError],
    ) -> None:
        self.put(aws, manifest)
        with pytest.raises(expected):
            aws_cur.load(make_context(config=config), None)

    def test_unknown_column_is_kept(
        self, aws: LocalAws, make_context: MakeContext, config: SourcesConfig, tmp_path: Path
    ) -> None:
        rows = pq.read_table(BytesIO(self.real_file(aws))).slice(0, 50)
        rows = rows.append_column("line_item_new_fact", pa.array([f"fact {number}" for number in range(50)]))
        sink = BytesIO()
        pq.write_table(rows, sink)
        self.put(aws, json.dumps({"dataFiles": ["part.parquet"]}).encode(), **{"part.parquet": sink.getvalue()})
        aws_cur.load(make_context(config=config), None)
        landed = pq.read_table(next((tmp_path / "landing" / "aws_cur" / "line_items").rglob("part.parquet")))
        assert landed["line_item_new_fact"].to_pylist() == rows["line_item_new_fact"].to_pylist()
